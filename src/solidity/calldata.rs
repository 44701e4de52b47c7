//! Calls of a rendered contract and its typed errors, without an ABI library.

use std::fmt;

use halo2_proofs::halo2curves::bn256::Fr;
use sha3::{Digest, Keccak256};

use super::layout::scalar_bytes;

/// Calldata of `verifyProof(bytes,uint256[])`. Instances are given column by column.
pub fn verify_proof_calldata(proof: &[u8], instances: &[Fr]) -> Vec<u8> {
    let instances: Vec<[u8; 32]> =
        instances.iter().map(|&instance| scalar_bytes(instance)).collect();
    verify_proof_calldata_of_words(proof, &instances)
}

/// As [`verify_proof_calldata`], with words that need not be below the modulus.
pub fn verify_proof_calldata_of_words(proof: &[u8], instances: &[[u8; 32]]) -> Vec<u8> {
    let proof = encoded_bytes(proof);
    let mut calldata = selector("verifyProof(bytes,uint256[])").to_vec();
    calldata.extend(integer(0x40));
    calldata.extend(integer(0x40 + proof.len()));
    calldata.extend(proof);
    calldata.extend(encoded_words(instances));
    calldata
}

/// Calldata of `verifyBatch(bytes[],uint256[][])`.
pub fn verify_batch_calldata(
    proofs: &[impl AsRef<[u8]>],
    instances: &[impl AsRef<[Fr]>],
) -> Vec<u8> {
    let words = |instances: &[Fr]| -> Vec<[u8; 32]> {
        instances.iter().map(|&instance| scalar_bytes(instance)).collect()
    };
    let instances: Vec<_> = instances.iter().map(|instances| words(instances.as_ref())).collect();
    verify_batch_calldata_of_words(proofs, &instances)
}

/// As [`verify_batch_calldata`], with words that need not be below the modulus.
pub fn verify_batch_calldata_of_words(
    proofs: &[impl AsRef<[u8]>],
    instances: &[impl AsRef<[[u8; 32]]>],
) -> Vec<u8> {
    let proofs: Vec<_> = proofs.iter().map(|proof| encoded_bytes(proof.as_ref())).collect();
    let instances: Vec<_> =
        instances.iter().map(|instances| encoded_words(instances.as_ref())).collect();
    let (proofs, instances) = (encoded_array(&proofs), encoded_array(&instances));
    let mut calldata = selector("verifyBatch(bytes[],uint256[][])").to_vec();
    calldata.extend(integer(0x40));
    calldata.extend(integer(0x40 + proofs.len()));
    calldata.extend(proofs);
    calldata.extend(instances);
    calldata
}

/// Why a contract refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The proof does not prove the instances.
    InvalidProof,
    /// The proof has another length than every proof of this circuit.
    ProofLength {
        /// Bytes that were sent.
        received: u64,
        /// Bytes of every proof.
        expected: u64,
    },
    /// There are more or fewer instances than the circuit has.
    InstanceCount {
        /// Instances that were sent.
        received: u64,
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

impl Refusal {
    /// Reads what a contract reverted with; none if it is no error of a verifier.
    pub fn decode(data: &[u8]) -> Option<Self> {
        let (head, arguments) = data.split_at_checked(4)?;
        let argument = |i: usize| -> Option<u64> {
            let word = arguments.get(0x20 * i..0x20 * (i + 1))?;
            let (high, low) = word.split_at(24);
            // No length or index that a contract reports is larger; an absurd one is shown as the largest.
            let low = low.try_into().map(u64::from_be_bytes).ok()?;
            Some(if high.iter().all(|&byte| byte == 0) { low } else { u64::MAX })
        };
        let is = |signature: &str| head == selector(signature).as_slice();
        Some(match () {
            () if is("InvalidProof()") => Self::InvalidProof,
            () if is("ProofLength(uint256,uint256)") => {
                Self::ProofLength { received: argument(0)?, expected: argument(1)? }
            }
            () if is("InstanceCount(uint256,uint256)") => {
                Self::InstanceCount { received: argument(0)?, expected: argument(1)? }
            }
            () if is("MalformedCalldata()") => Self::MalformedCalldata,
            () if is("ScalarOutOfRange(uint256)") => Self::ScalarOutOfRange { index: argument(0)? },
            () if is("PointNotOnCurve(uint256)") => Self::PointNotOnCurve { index: argument(0)? },
            () if is("ChallengeInDomain()") => Self::ChallengeInDomain,
            () if is("PrecompileFailed(uint256)") => {
                Self::PrecompileFailed { precompile: argument(0)? }
            }
            () if is("MemoryInUse()") => Self::MemoryInUse,
            () if is("WrongKeyData()") => Self::WrongKeyData,
            () if is("EmptyBatch()") => Self::EmptyBatch,
            () if is("BatchLength(uint256,uint256)") => {
                Self::BatchLength { proofs: argument(0)?, instances: argument(1)? }
            }
            () => return None,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidProof => write!(f, "InvalidProof()"),
            Self::ProofLength { received, expected } => {
                write!(f, "ProofLength({received}, {expected})")
            }
            Self::InstanceCount { received, expected } => {
                write!(f, "InstanceCount({received}, {expected})")
            }
            Self::MalformedCalldata => write!(f, "MalformedCalldata()"),
            Self::ScalarOutOfRange { index } => write!(f, "ScalarOutOfRange({index})"),
            Self::PointNotOnCurve { index } => write!(f, "PointNotOnCurve({index})"),
            Self::ChallengeInDomain => write!(f, "ChallengeInDomain()"),
            Self::PrecompileFailed { precompile } => write!(f, "PrecompileFailed({precompile})"),
            Self::MemoryInUse => write!(f, "MemoryInUse()"),
            Self::WrongKeyData => write!(f, "WrongKeyData()"),
            Self::EmptyBatch => write!(f, "EmptyBatch()"),
            Self::BatchLength { proofs, instances } => {
                write!(f, "BatchLength({proofs}, {instances})")
            }
        }
    }
}

/// The first four bytes of a signature's hash.
pub(super) fn selector(signature: &str) -> [u8; 4] {
    let hash: [u8; 32] = Keccak256::digest(signature).into();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn integer(value: usize) -> [u8; 32] {
    let mut word = [0; 32];
    word[24..].copy_from_slice(&(value as u64).to_be_bytes());
    word
}

fn encoded_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = integer(bytes.len()).to_vec();
    encoded.extend(bytes);
    encoded.resize(0x20 + bytes.len().next_multiple_of(0x20), 0);
    encoded
}

fn encoded_words(words: &[[u8; 32]]) -> Vec<u8> {
    let mut encoded = integer(words.len()).to_vec();
    encoded.extend(words.as_flattened());
    encoded
}

fn encoded_array(items: &[Vec<u8>]) -> Vec<u8> {
    let mut encoded = integer(items.len()).to_vec();
    let mut offset = 0x20 * items.len();
    for item in items {
        encoded.extend(integer(offset));
        offset += item.len();
    }
    encoded.extend(items.concat());
    encoded
}
