//! Why a chain gave no answer.

use std::path::PathBuf;

use alloy::{
    primitives::{Address, B256, U256, utils::format_units},
    transports::{RpcError, TransportError, TransportErrorKind},
};

use super::{
    Revert,
    trouble::Trouble,
    variables::{ANVIL_VARIABLE, KEYSTORE_PASSWORD_VARIABLE, PRIVATE_KEY_VARIABLE},
};

/// Why something on a chain could not be done, or could not be told.
///
/// A proof that the contract refuses is not among these: that is an answer, see
/// [`Verdict::Refused`](super::Verdict::Refused).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// Not something that an HTTP client could call.
    #[error("`{url}` is not an http or https address")]
    InvalidUrl {
        /// As given, without user, password, path and query.
        url: String,
    },

    /// No answer from the node.
    #[error("the node at `{endpoint}` does not answer: {reason}")]
    Unreachable {
        /// Scheme, host and port: the rest of the address may hold an access key.
        endpoint: String,
        /// What the HTTP client says, without the address.
        reason: String,
    },

    /// The node answered, and says no.
    #[error("the node refused `{request}`: {message}")]
    Rpc {
        /// What was asked of it.
        request: &'static str,
        /// In the node's words.
        message: String,
    },

    /// The node answered something else than the JSON-RPC protocol prescribes.
    #[error("the node's answer to `{request}` makes no sense: {message}")]
    Malformed {
        /// What was asked of it.
        request: &'static str,
        /// What is wrong with the answer.
        message: String,
    },

    /// Another chain than the caller expects.
    #[error("the node at `{endpoint}` serves chain {found}, expected chain {expected}")]
    WrongChain {
        /// Scheme, host and port.
        endpoint: String,
        /// What the node says.
        found: u64,
        /// What the caller says.
        expected: u64,
    },

    /// Something has to be signed, and there is nothing to sign with.
    #[error("no key to sign transactions with")]
    NoKey,

    /// The text is not a private key. The text itself stays unmentioned.
    #[error("{place} does not hold a private key: expected 32 bytes in hexadecimal")]
    InvalidKey {
        /// Where it came from, such as an environment variable.
        place: String,
    },

    /// The keystore file cannot be read or decrypted.
    #[error("keystore `{path}`: {reason}", path = path.display())]
    Keystore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },

    /// The password of a keystore is not in the environment and nobody can be asked.
    #[error("no password for keystore `{path}`", path = path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },

    /// The hardware wallet did not do it.
    #[error("ledger: {reason}")]
    Ledger {
        /// What it, or its driver, says.
        reason: String,
    },

    /// Something else than a transaction has to be signed.
    #[error("a Ledger signs nothing but transactions here")]
    SignsTransactionsOnly,

    /// Signing went wrong.
    #[error("signing with the key of {address} failed: {reason}")]
    Signing {
        /// Whose key.
        address: Address,
        /// What the signer says.
        reason: String,
    },

    /// The sender cannot pay.
    #[error(
        "{sender} has {} ether, the transaction may cost {}",
        ether(.balance), ether(.cost)
    )]
    InsufficientFunds {
        /// Who would pay.
        sender: Address,
        /// What is there.
        balance: U256,
        /// Gas limit times the highest gas price.
        cost: U256,
    },

    /// The highest price the caller would pay is below what the chain takes now.
    #[error("the fee cap of {} gwei is too low, the chain asks for {} gwei", gwei(*.cap), gwei(*.required))]
    FeeTooLow {
        /// The caller's cap, in wei per gas.
        cap: u128,
        /// The base fee of the next block, in wei per gas.
        required: u128,
    },

    /// The transaction may cost more than the caller would pay for one.
    #[error(
        "the transaction may cost {} ether ({gas} gas at {} gwei), the ceiling is {}",
        ether(.cost), gwei(*.price), ether(.ceiling)
    )]
    TooExpensive {
        /// Gas limit times the price.
        cost: U256,
        /// The caller's ceiling, in wei.
        ceiling: U256,
        /// The gas limit.
        gas: u64,
        /// The lowest price that the chain takes now, in wei per gas.
        price: u128,
    },

    /// Two processes that send with one key take each other's nonces.
    #[error("another process of this machine sends with the key of {sender}")]
    KeyInUse {
        /// Whose key.
        sender: Address,
        /// What both hold.
        lock: PathBuf,
    },

    /// Two answers of the node cannot both be true.
    #[error("the node contradicts itself in `{request}`: {message}")]
    Contradiction {
        /// What was asked of it.
        request: &'static str,
        /// What does not fit.
        message: String,
    },

    /// Another transaction of the same account took the place of this one.
    #[error(
        "transaction {transaction} was displaced by another one of {sender} with nonce {nonce}"
    )]
    Displaced {
        /// The transaction that will never be mined.
        transaction: B256,
        /// Whose it was.
        sender: Address,
        /// Their common nonce.
        nonce: u64,
    },

    /// Sent, but not seen in a block. It may still get there.
    #[error("transaction {transaction} was sent, and is not confirmed yet: {reason}")]
    Unconfirmed {
        /// The transaction to look for.
        transaction: B256,
        /// Why nobody waits any longer.
        reason: String,
    },

    /// A transaction that a simulation accepted failed in its block.
    #[error("transaction {transaction} failed: {error}")]
    Failed {
        /// The failed transaction.
        transaction: B256,
        /// What the contract says when asked again.
        error: Box<Revert>,
    },

    /// A contract call that is not about a proof was refused by the contract.
    #[error("{call} was refused by {contract}: {error}")]
    Reverted {
        /// What was called.
        call: String,
        /// Who refused.
        contract: Address,
        /// Why.
        error: Box<Revert>,
    },

    /// Nothing lies at the address.
    #[error("there is no contract at {address} on chain {chain_id}")]
    NoContract {
        /// Where one was expected.
        address: Address,
        /// On which chain.
        chain_id: u64,
    },

    /// The contract at the address is none of those that can be asked for a verdict.
    #[error("the contract at {address} does not answer as a verifier: it returned `{returned}`")]
    NotAVerifier {
        /// The contract.
        address: Address,
        /// What it returned instead of `true`.
        returned: String,
    },

    /// The chain lacks the deterministic deployer.
    #[error("chain {chain_id} has no deterministic deployer at {deployer}")]
    NoDeployer {
        /// The chain.
        chain_id: u64,
        /// Where it lies on chains that have it.
        deployer: Address,
    },

    /// The constructor refuses, or the chain does not take the code.
    #[error("the constructor of `{contract}` fails on this chain: {error}")]
    ConstructorFails {
        /// The contract's name.
        contract: String,
        /// What it says.
        error: Box<Revert>,
    },

    /// The code at the address is not what the compiler made.
    #[error("the code at {address} has hash {found}, expected {expected}")]
    WrongCode {
        /// Where it lies.
        address: Address,
        /// Keccak-256 of the code there, immutable values set to zero.
        found: B256,
        /// Keccak-256 of the compiler's, immutable values set to zero.
        expected: B256,
    },

    /// Keys from a local SRS must not guard anything of value.
    #[error(
        "`{contract}` comes from an unsafe development SRS, and chain {chain_id} is not a local one"
    )]
    UnsafeSrs {
        /// The contract's name.
        contract: String,
        /// The chain it was meant for.
        chain_id: u64,
    },

    /// No anvil anywhere.
    #[error("no anvil to start a local chain with; looked for {}", list(.looked_at))]
    NoAnvil {
        /// Every place that was tried.
        looked_at: Vec<PathBuf>,
    },

    /// There is an anvil, but it does not run.
    #[error("`{path}` does not start: {reason}", path = path.display())]
    AnvilFails {
        /// The binary.
        path: PathBuf,
        /// What happened.
        reason: String,
    },

    /// The contract's ABI or code is not what a compiler writes.
    #[error("artifact of `{contract}`: {reason}")]
    Artifact {
        /// The contract's name.
        contract: String,
        /// What is wrong with it.
        reason: String,
    },

    /// A record of deployments cannot be read or written.
    #[error("`{path}`: {source}", path = path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What the file system or the parser says.
        source: std::io::Error,
    },

    /// No runtime could be made to wait in.
    #[error("cannot start an async runtime: {0}")]
    Runtime(#[source] std::io::Error),
}

impl ChainError {
    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InvalidUrl { .. } => "give an address such as `http://127.0.0.1:8545`".into(),
            Self::Unreachable { .. } => {
                "check the address and that the node runs; nothing is lost, run the command again"
                    .into()
            }
            Self::WrongChain { .. } => "check `--rpc-url`".into(),
            Self::NoKey => format!(
                "set {}, or give `--keystore FILE` or `--ledger`",
                PRIVATE_KEY_VARIABLE
            ),
            Self::SignsTransactionsOnly => format!(
                "set {}, or give `--keystore FILE`",
                PRIVATE_KEY_VARIABLE
            ),
            Self::NoPassword { .. } => {
                format!("set {}, or run in a terminal", KEYSTORE_PASSWORD_VARIABLE)
            }
            Self::InsufficientFunds { sender, .. } => format!("send ether to {sender}"),
            Self::FeeTooLow { .. } => {
                "raise the cap with `--max-fee GWEI`, or wait until the base fee falls".into()
            }
            Self::TooExpensive { .. } => {
                "if the chain is that expensive, raise the ceiling with `--max-cost ETH`; if it is \
                 not, the node lies, and another `--rpc-url` helps"
                    .into()
            }
            Self::KeyInUse { lock, .. } => format!(
                "wait for it to end (it holds `{}`), or use another key",
                lock.display()
            ),
            Self::Contradiction { .. } => {
                "its backends are apart, or it lies: run the command again, or give a second \
                 `--rpc-url`"
                    .into()
            }
            Self::Displaced { .. } => "run the command again; it takes the next nonce".into(),
            Self::Unconfirmed { transaction, .. } => {
                format!("look for {transaction}; running the command again does no harm")
            }
            Self::NoContract { .. } => "deploy it first with `zkverdict deploy`".into(),
            Self::NoDeployer { .. } => {
                "see https://github.com/Arachnid/deterministic-deployment-proxy for how to put it there"
                    .into()
            }
            Self::UnsafeSrs { .. } => {
                "make keys from a powers-of-tau file with `keygen --srs FILE`".into()
            }
            Self::NoAnvil { .. } => format!(
                "run `npm install` in the project, install Foundry, set {}, or give `--rpc-url`",
                ANVIL_VARIABLE
            ),
            Self::Rpc { message, .. } if message.contains("code size") => {
                "this chain has a lower code size limit; see `zkverdict gas`".into()
            }
            _ => return None,
        };
        Some(hint)
    }

    /// Whether waiting does not help: what is wrong is what the caller said.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::NoKey
                | Self::InvalidUrl { .. }
                | Self::InvalidKey { .. }
                | Self::WrongChain { .. }
                | Self::KeyInUse { .. }
        )
    }

    /// Turns a transport error into one without the node's address, which may hold an access key.
    pub(super) fn rpc(request: &'static str, endpoint: &str, error: TransportError) -> Self {
        match error {
            RpcError::ErrorResp(payload) => Self::Rpc { request, message: payload.message.into() },
            RpcError::Transport(TransportErrorKind::HttpError(error)) => Self::Unreachable {
                endpoint: endpoint.to_owned(),
                reason: format!("HTTP status {}", error.status),
            },
            RpcError::Transport(kind) => {
                Self::Unreachable { endpoint: endpoint.to_owned(), reason: transport_reason(&kind) }
            }
            RpcError::DeserError { err, .. } => {
                Self::Malformed { request, message: err.to_string() }
            }
            RpcError::NullResp => {
                Self::Malformed { request, message: "nothing where a value is due".into() }
            }
            other => Self::Malformed { request, message: variant_name(&other).into() },
        }
    }
}

/// The innermost cause: outer ones repeat the address.
fn transport_reason(kind: &TransportErrorKind) -> String {
    if let Some(trouble) = kind.as_custom().and_then(|error| error.downcast_ref::<Trouble>()) {
        return trouble.to_string();
    }
    let mut cause: &dyn std::error::Error = kind;
    let mut depth = 0;
    while let Some(source) = cause.source() {
        cause = source;
        depth += 1;
    }
    let text = cause.to_string();
    if depth == 0 || text.contains("://") { "the connection failed".into() } else { text }
}

fn variant_name(error: &TransportError) -> &'static str {
    match error {
        RpcError::UnsupportedFeature(_) => "unsupported feature",
        RpcError::LocalUsageError(_) => "the request could not be made",
        RpcError::SerError(_) => "the request could not be serialized",
        _ => "unknown trouble",
    }
}

fn ether(wei: &U256) -> String {
    trim(format_units(*wei, "ether").unwrap_or_else(|_| format!("{wei} wei")))
}

fn gwei(wei: u128) -> String {
    trim(format_units(wei, "gwei").unwrap_or_else(|_| format!("{wei} wei")))
}

/// `0.500000` → `0.5`, `2.000` → `2`.
fn trim(number: String) -> String {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        number
    }
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|p| format!("`{}`", p.display())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_short() {
        let error = ChainError::InsufficientFunds {
            sender: Address::ZERO,
            balance: U256::ZERO,
            cost: U256::from(5u64) * U256::from(10u64).pow(U256::from(17u64)),
        };
        assert!(error.to_string().ends_with("has 0 ether, the transaction may cost 0.5"));
        let error = ChainError::FeeTooLow { cap: 1, required: 2_000_000_000 };
        assert!(error.to_string().contains("0.000000001 gwei"));
        assert!(error.to_string().ends_with("asks for 2 gwei"));
    }
}
