//! Random field elements: ChaCha20, keyed by a seed, one stream for each thing that is drawn.
//!
//! What is drawn for one column depends on nothing else, so it can be drawn on any thread, in any order.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rand::{RngCore, SeedableRng, rngs::OsRng};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;

/// Where a proof's random values come from.
pub trait Randomness: Sync {
    /// The values of an advice column's last rows.
    fn blinding(&self, column: usize, rows: usize) -> Vec<Fr>;

    /// What is moved between the quotient's pieces.
    fn quotient(&self, shifts: usize) -> Vec<Fr>;

    /// A polynomial's values, the same whenever they are asked for.
    fn polynomial(&self, rows: usize) -> Vec<Fr>;
}

/// A generator with a seed, which is as secret as the witness.
pub struct Seeded([u8; 32]);

/// The quotient's stream; columns have those from 0 on.
const QUOTIENT: u64 = 1 << 32;

/// The stream of the random polynomial's first values.
const POLYNOMIAL: u64 = 2 << 32;

/// Values of the random polynomial that share a stream.
const CHUNK: usize = 1 << 12;

impl Seeded {
    /// With a seed of one's own: the same seed for two witnesses tells their difference. For tests.
    pub fn new(seed: [u8; 32]) -> Self {
        Self(seed)
    }

    /// With a seed from the operating system.
    pub fn from_system() -> Self {
        let mut seed = [0; 32];
        OsRng.fill_bytes(&mut seed);
        Self(seed)
    }

    fn stream(&self, stream: u64) -> ChaCha20Rng {
        let mut rng = ChaCha20Rng::from_seed(self.0);
        rng.set_stream(stream);
        rng
    }
}

impl Randomness for Seeded {
    fn blinding(&self, column: usize, rows: usize) -> Vec<Fr> {
        let mut rng = self.stream(column as u64);
        (0..rows).map(|_| Fr::random(&mut rng)).collect()
    }

    fn quotient(&self, shifts: usize) -> Vec<Fr> {
        let mut rng = self.stream(QUOTIENT);
        (0..shifts).map(|_| Fr::random(&mut rng)).collect()
    }

    fn polynomial(&self, rows: usize) -> Vec<Fr> {
        let mut values = vec![Fr::ZERO; rows];
        values.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, values)| {
            let mut rng = self.stream(POLYNOMIAL + chunk as u64);
            values.fill_with(|| Fr::random(&mut rng));
        });
        // All 0 with probability 2^(−254·rows), and then it would hide nothing.
        if values.iter().all(|value| *value == Fr::ZERO) {
            values[0] = Fr::ONE;
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_values_and_streams_differ() {
        let (a, b) = (Seeded::new([7; 32]), Seeded::new([7; 32]));
        assert_eq!(a.blinding(3, 6), b.blinding(3, 6));
        assert_eq!(a.polynomial(10_000), b.polynomial(10_000));
        assert_ne!(a.blinding(3, 6), a.blinding(4, 6));
        assert_eq!(a.quotient(3), b.quotient(3));
        let different = [a.blinding(0, 6), a.quotient(6), a.polynomial(6)];
        assert!(different[0] != different[1] && different[1] != different[2]);
        assert_ne!(different[0], different[2]);
        assert_ne!(a.polynomial(CHUNK + 6)[..6], a.polynomial(CHUNK + 6)[CHUNK..]);
        assert_ne!(Seeded::new([8; 32]).blinding(3, 6), a.blinding(3, 6));
        assert_ne!(Seeded::from_system().0, Seeded::from_system().0);
    }
}
