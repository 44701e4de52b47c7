//! Why a verifier refuses, in Rust as on chain.

use super::Format;
use std::fmt;

/// Why a verifier refused. The variants are the errors of the rendered contract, but for [`Self::WrongKey`]
/// and [`Self::WrongFormat`]: a contract has one key and is told none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The proof does not prove the instances.
    InvalidProof,
    /// The proof was made under another verifying key.
    WrongKey {
        /// The digest of the key that it was made under.
        got: [u8; 32],
        /// The digest of the verifier's.
        expected: [u8; 32],
    },
    /// The proof is of another format.
    WrongFormat {
        /// The proof's.
        got: Format,
        /// Of the verifier's key.
        expected: Format,
    },
    /// The proof has another length than every proof of this circuit.
    ProofLength {
        /// Bytes that were sent.
        got: u64,
        /// Bytes of every proof.
        expected: u64,
    },
    /// There are more or fewer instances than the circuit has.
    InstanceCount {
        /// Instances that were sent.
        got: u64,
        /// Instances of the circuit.
        expected: u64,
    },
    /// The calldata is not the one canonical encoding.
    MalformedCalldata,
    /// A scalar is not below the modulus.
    ScalarOutOfRange {
        /// Counts the instances, then the evaluations in the proof.
        index: u64,
    },
    /// A point is not on the curve.
    PointNotOnCurve {
        /// Counts the points in the proof.
        index: u64,
    },
    /// A commitment that the proof brings is not the one that the instances name.
    WrongName {
        /// Counts the circuit's links.
        link: u64,
    },
    /// A challenge hits a point where the argument divides by zero.
    ChallengeInDomain,
    /// The chain has no such precompile, or the gas did not suffice for it.
    PrecompileFailed {
        /// The precompile's address.
        precompile: u64,
    },
    /// Memory is in use where the verification works.
    MemoryInUse,
    /// The contract that the constructor made to hold the key's points is not as it was.
    WrongKeyData,
    /// One of a model's parts refused its proof.
    WrongPart {
        /// Counts the parts.
        part: u64,
        /// Why it did.
        refusal: Box<Refusal>,
    },
    /// A batch of nothing.
    EmptyBatch,
    /// A batch has not as many lists of instances as proofs.
    BatchLength {
        /// Proofs in the batch.
        proofs: u64,
        /// Lists of instances in the batch.
        instances: u64,
    },
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// What lengths alone say, each beside the expected one.
    pub(super) fn of_lengths(
        proof: usize,
        expected_proof: usize,
        instances: usize,
        expected_instances: usize,
    ) -> Result<(), Self> {
        let (got, expected) = (instances as u64, expected_instances as u64);
        if got != expected {
            return Err(Self::InstanceCount { got, expected });
        }
        let (got, expected) = (proof as u64, expected_proof as u64);
        if got != expected {
            return Err(Self::ProofLength { got, expected });
        }
        Ok(())
    }
}

impl Refusal {
    /// What is wrong with a proof, as a sentence's part that says "it" of the proof.
    pub fn in_words(&self) -> String {
        match self {
            Self::WrongKey { got, .. } => format!("it was made under key `{}`", hex(got)),
            Self::WrongFormat { got, expected } => {
                format!("its format is `{got}`, this bundle's proofs are `{expected}`")
            }
            Self::InstanceCount { got, expected } => {
                format!("it has {got} instances, expected {expected}")
            }
            Self::ProofLength { got, expected } => {
                format!("the proof has {got} bytes, expected {expected}")
            }
            Self::ScalarOutOfRange { index } => {
                format!(
                    "an instance or evaluation, number {index}, is not below the scalar modulus"
                )
            }
            Self::PointNotOnCurve { index } => {
                format!("point {index} of the proof is not on the curve")
            }
            Self::WrongName { link } => {
                format!("commitment {link} of the proof is not the one that its instances name")
            }
            Self::WrongPart { part, refusal } => {
                format!("of part {part} of the model: {}", refusal.in_words())
            }
            _ => "the proof does not prove its instances".into(),
        }
    }
}

/// A word in hexadecimal.
fn hex(word: &[u8]) -> String {
    let digits = word.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("0x".to_owned()).chain(digits).collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidProof => write!(f, "InvalidProof()"),
            Self::WrongKey { got, expected } => {
                write!(f, "WrongKey({}, {})", hex(got), hex(expected))
            }
            Self::WrongFormat { got, expected } => write!(f, "WrongFormat({got}, {expected})"),
            Self::ProofLength { got, expected } => write!(f, "ProofLength({got}, {expected})"),
            Self::InstanceCount { got, expected } => write!(f, "InstanceCount({got}, {expected})"),
            Self::MalformedCalldata => write!(f, "MalformedCalldata()"),
            Self::ScalarOutOfRange { index } => write!(f, "ScalarOutOfRange({index})"),
            Self::PointNotOnCurve { index } => write!(f, "PointNotOnCurve({index})"),
            Self::WrongName { link } => write!(f, "WrongName({link})"),
            Self::ChallengeInDomain => write!(f, "ChallengeInDomain()"),
            Self::PrecompileFailed { precompile } => write!(f, "PrecompileFailed({precompile})"),
            Self::MemoryInUse => write!(f, "MemoryInUse()"),
            Self::WrongKeyData => write!(f, "WrongKeyData()"),
            Self::WrongPart { part, refusal } => write!(f, "WrongPart({part}, {refusal})"),
            Self::EmptyBatch => write!(f, "EmptyBatch()"),
            Self::BatchLength { proofs, instances } => {
                write!(f, "BatchLength({proofs}, {instances})")
            }
        }
    }
}
