//! Calls of a rendered contract and its typed errors, without an ABI library.

use halo2_proofs::halo2curves::bn256::Fr;
use sha3::{Digest, Keccak256};

use super::layout::scalar_bytes;

pub use crate::proving::Refusal;

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
                Self::ProofLength { got: argument(0)?, expected: argument(1)? }
            }
            () if is("InstanceCount(uint256,uint256)") => {
                Self::InstanceCount { got: argument(0)?, expected: argument(1)? }
            }
            () if is("MalformedCalldata()") => Self::MalformedCalldata,
            () if is("ScalarOutOfRange(uint256)") => Self::ScalarOutOfRange { index: argument(0)? },
            () if is("PointNotOnCurve(uint256)") => Self::PointNotOnCurve { index: argument(0)? },
            () if is("WrongName(uint256)") => Self::WrongName { link: argument(0)? },
            () if is("ChallengeInDomain()") => Self::ChallengeInDomain,
            () if is("PrecompileFailed(uint256)") => {
                Self::PrecompileFailed { precompile: argument(0)? }
            }
            () if is("MemoryInUse()") => Self::MemoryInUse,
            () if is("WrongKeyData()") => Self::WrongKeyData,
            () if is("WrongPart(uint256,bytes)") => {
                let bytes = usize::try_from(argument(2)?).ok()?;
                let reason = arguments.get(0x60..)?.get(..bytes)?;
                let refusal = Box::new(Self::decode(reason).unwrap_or(Self::InvalidProof));
                Self::WrongPart { part: argument(0)?, refusal }
            }
            () if is("EmptyBatch()") => Self::EmptyBatch,
            () if is("BatchLength(uint256,uint256)") => {
                Self::BatchLength { proofs: argument(0)?, instances: argument(1)? }
            }
            () => return None,
        })
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
