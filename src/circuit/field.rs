//! Integers as field elements, and bytes packed into them.

use super::BYTES_PER_WORD;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::{Field, PrimeField};

/// The field element that stands for a signed integer.
pub fn field(value: i128) -> Fr {
    let magnitude = Fr::from_u128(value.unsigned_abs());
    if value < 0 { -magnitude } else { magnitude }
}

/// 256 to some power.
pub fn byte_power(exponent: usize) -> Fr {
    field(256).pow([u64::try_from(exponent).expect("a byte's position")])
}

/// Packs bytes into words, 31 to a field element, the first lowest.
pub fn pack(bytes: &[u8]) -> Vec<Fr> {
    let word = |bytes: &[u8]| {
        bytes
            .iter()
            .rev()
            .fold(Fr::zero(), |sum, &byte| sum * byte_power(1) + Fr::from(u64::from(byte)))
    };
    bytes.chunks(BYTES_PER_WORD).map(word).collect()
}
