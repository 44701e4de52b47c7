//! Challenges: Keccak-256 over 32-byte big-endian words.

use halo2_proofs::halo2curves::{
    bn256::{Fr, G1Affine},
    ff::{FromUniformBytes, PrimeField},
};
use sha3::{Digest, Keccak256};

/// Bytes of a scalar or a coordinate.
pub const WORD: usize = 32;

/// What has been absorbed since the last challenge, behind the hash that this was drawn from.
#[derive(Debug, Clone)]
pub struct Transcript(Vec<u8>);

impl Transcript {
    /// For proofs under the key of this digest.
    pub fn new(digest: [u8; WORD]) -> Self {
        Self(digest.to_vec())
    }

    /// Absorbs words.
    pub fn absorb(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Draws a challenge.
    pub fn draw(&mut self) -> Fr {
        if self.0.len() == WORD {
            // Distinguishes a second challenge from the state that it is drawn from.
            self.0.push(1);
        }
        let hash: [u8; WORD] = Keccak256::digest(&self.0).into();
        self.0 = hash.to_vec();
        // A little-endian integer of 64 bytes, reduced.
        let mut wide = [0; 2 * WORD];
        wide.iter_mut().zip(hash.iter().rev()).for_each(|(to, from)| *to = *from);
        Fr::from_uniform_bytes(&wide)
    }
}

/// The big-endian encoding of a field element.
pub fn word<F: PrimeField<Repr = [u8; WORD]>>(element: &F) -> [u8; WORD] {
    let mut word = element.to_repr();
    word.reverse();
    word
}

/// The field element with this encoding, if the integer is below the modulus.
pub fn element<F: PrimeField<Repr = [u8; WORD]>>(word: &[u8; WORD]) -> Option<F> {
    let mut word = *word;
    word.reverse();
    F::from_repr(word).into()
}

/// x and y; (0, 0) for the point at infinity.
pub fn point(point: &G1Affine) -> [u8; 2 * WORD] {
    let mut words = [0; 2 * WORD];
    words[..WORD].copy_from_slice(&word(&point.x));
    words[WORD..].copy_from_slice(&word(&point.y));
    words
}
