//! What can go wrong when a contract is run.

use revm::context::result::{HaltReason, InvalidTransaction};

use super::Fork;

/// Why the machine could not do what it was asked.
///
/// A call that reverts or halts is not an error here: it is an [`Outcome`](super::Outcome).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvmError {
    /// No hard fork is known by this name.
    #[error("fork `{name}` is not known, expected `cancun`, `prague`, `osaka` or `amsterdam`")]
    UnknownFork {
        /// The name as given.
        name: String,
    },

    /// EIP-3860 and EIP-7954 limit the init code of a creating transaction.
    #[error("init code has `{bytes}` bytes, `{fork}` allows `{limit}`")]
    InitCodeTooLarge {
        /// Length of the init code.
        bytes: usize,
        /// The largest length allowed.
        limit: usize,
        /// The fork whose limit it is.
        fork: Fork,
    },

    /// The transaction costs more than its gas limit before any code runs.
    #[error("the transaction needs `{needed}` gas before any code runs, its limit is `{limit}`")]
    GasLimitTooLow {
        /// Intrinsic gas or calldata floor, whichever is larger.
        needed: u64,
        /// The gas limit of the transaction.
        limit: u64,
    },

    /// The constructor reverted.
    #[error("the constructor reverted with `0x{}`", hex(data))]
    ConstructorReverted {
        /// What it reverted with.
        data: Vec<u8>,
    },

    /// The deployment halted: out of gas, code too large, an invalid opcode.
    #[error("the deployment halted: {halt}")]
    DeploymentHalted {
        /// Why.
        halt: Halt,
    },

    /// The source map is not one that solc writes.
    #[error("source map entry `{entry}` is malformed")]
    SourceMap {
        /// The entry.
        entry: String,
    },

    /// The page cannot be made.
    #[error("the page cannot be made: {reason}")]
    Page {
        /// Why.
        reason: String,
    },

    /// The file is not a gas snapshot.
    #[error("the gas snapshot is not readable: {reason}")]
    Snapshot {
        /// What is wrong with it.
        reason: String,
    },

    /// The snapshot was taken under other forks.
    #[error("the gas snapshot has no figures for `{fork}`")]
    SnapshotLacksFork {
        /// The fork that was measured.
        fork: Fork,
    },

    /// The compiler did not give what was asked for.
    #[error("the compiler's output is not usable: {reason}")]
    CompilerOutput {
        /// Its first error, or what is missing.
        reason: String,
    },

    /// The source gives other bytecode than the one that is measured.
    #[error("the source of `{contract}` compiles to other bytecode than the one measured")]
    OtherBytecode {
        /// The contract's name.
        contract: String,
    },

    /// The ABI is not one that a compiler writes.
    #[error("the contract's ABI is malformed: {reason}")]
    Abi {
        /// What is wrong with it.
        reason: String,
    },

    /// The chain refuses the transaction for another reason.
    #[error("the transaction is not valid: {reason}")]
    InvalidTransaction {
        /// The chain's words.
        reason: String,
    },
}

/// Why an execution ended without returning or reverting. It then consumes all of its gas.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Halt {
    /// The gas ran out.
    #[error("out of gas")]
    OutOfGas,
    /// The created contract is larger than the fork allows (EIP-170, EIP-7954).
    #[error("the contract is larger than the code size limit")]
    CodeTooLarge,
    /// The created contract starts with the reserved byte 0xef (EIP-3541).
    #[error("the contract starts with the reserved byte `0xef`")]
    ReservedFirstByte,
    /// An opcode that is not defined on this fork, or INVALID.
    #[error("invalid opcode")]
    InvalidOpcode,
    /// A jump to something else than a JUMPDEST.
    #[error("invalid jump destination")]
    InvalidJump,
    /// The stack ran under or over.
    #[error("stack underflow or overflow")]
    Stack,
    /// A precompile that the transaction called directly failed.
    #[error("the precompile failed")]
    Precompile,
    /// Any other reason.
    #[error("{0}")]
    Other(String),
}

impl From<HaltReason> for Halt {
    fn from(reason: HaltReason) -> Self {
        match reason {
            HaltReason::OutOfGas(_) => Self::OutOfGas,
            HaltReason::CreateContractSizeLimit => Self::CodeTooLarge,
            HaltReason::CreateContractStartingWithEF => Self::ReservedFirstByte,
            HaltReason::OpcodeNotFound | HaltReason::InvalidFEOpcode | HaltReason::NotActivated => {
                Self::InvalidOpcode
            }
            HaltReason::InvalidJump => Self::InvalidJump,
            HaltReason::StackUnderflow | HaltReason::StackOverflow => Self::Stack,
            HaltReason::PrecompileError | HaltReason::PrecompileErrorWithContext(_) => {
                Self::Precompile
            }
            other => Self::Other(other.to_string()),
        }
    }
}

impl EvmError {
    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Snapshot { .. } | Self::SnapshotLacksFork { .. } => {
                Some("make a new snapshot of the same forks with `--save`")
            }
            Self::InitCodeTooLarge { .. } | Self::DeploymentHalted { halt: Halt::CodeTooLarge } => {
                Some("compile with fewer optimizer runs, or plan with `--optimize gas`")
            }
            Self::OtherBytecode { .. } => Some("compile the contract again"),
            _ => None,
        }
    }

    /// Gives the refusal of a transaction with `data_len` bytes of data its name.
    pub(super) fn refused(error: InvalidTransaction, data_len: usize, fork: Fork) -> Self {
        match error {
            InvalidTransaction::CreateInitCodeSizeLimit => Self::InitCodeTooLarge {
                bytes: data_len,
                limit: fork.limits().init_code_bytes,
                fork,
            },
            InvalidTransaction::CallGasCostMoreThanGasLimit { initial_gas, gas_limit } => {
                Self::GasLimitTooLow { needed: initial_gas, limit: gas_limit }
            }
            InvalidTransaction::GasFloorMoreThanGasLimit { gas_floor, gas_limit } => {
                Self::GasLimitTooLow { needed: gas_floor, limit: gas_limit }
            }
            other => Self::InvalidTransaction { reason: other.to_string() },
        }
    }
}

impl std::str::FromStr for Fork {
    type Err = EvmError;

    fn from_str(name: &str) -> Result<Self, EvmError> {
        Self::ALL
            .into_iter()
            .find(|fork| fork.name().eq_ignore_ascii_case(name))
            .ok_or_else(|| EvmError::UnknownFork { name: name.to_owned() })
    }
}

/// Lower-case hexadecimal without a prefix.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
