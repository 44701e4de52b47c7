//! Integers as field elements, and bytes packed into them.

use super::BYTES_PER_WORD;
use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::PrimeField;
use std::sync::LazyLock;

/// The field element that stands for a signed integer.
pub fn field(value: i128) -> Fr {
    let size = value.unsigned_abs();
    // Most are short, and for long ones the upper half is doubled 64 times.
    let magnitude = u64::try_from(size).map_or_else(|_| Fr::from_u128(size), Fr::from);
    if value < 0 { -magnitude } else { magnitude }
}

/// 256 to some power, at most that of a word's length.
pub fn byte_power(exponent: usize) -> Fr {
    static POWERS: LazyLock<[Fr; BYTES_PER_WORD + 1]> = LazyLock::new(|| {
        let mut next = Fr::one();
        std::array::from_fn(|_| {
            let power = next;
            next = power * field(256);
            power
        })
    });
    POWERS[exponent]
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
