//! The development string's secret, and the points that it makes: as halo2's `setup` makes them, byte for byte, but
//! several at a time.

use halo2_proofs::{
    arithmetic::parallelize,
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::{BatchInvert, Field, PrimeField},
    },
};
use rand::SeedableRng;

/// What the secret is drawn with.
pub(super) const SEED: [u8; 32] = *b"zkverdict: this secret is public";

/// The secret, as halo2's `setup` draws it.
pub(super) fn secret() -> Fr {
    Fr::random(rand_chacha::ChaCha20Rng::from_seed(SEED))
}

/// The first powers of an element.
pub(super) fn powers(element: Fr, count: usize) -> Vec<Fr> {
    let mut powers = vec![Fr::ONE; count];
    parallelize(&mut powers, |powers, start| {
        let mut power = element.pow_vartime([start as u64]);
        for place in powers {
            *place = power;
            power *= element;
        }
    });
    powers
}

/// At a secret, the values of the 2^k polynomials that are 1 on one row each and 0 on all others:
/// `(τⁿ − 1)/n · ωⁱ/(τ − ωⁱ)`.
pub(super) fn lagrange(secret: Fr, k: u32) -> Vec<Fr> {
    let root = (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
    let rows = 1_u64 << k;
    let factor = (secret.pow_vartime([rows]) - Fr::ONE) * Fr::TWO_INV.pow_vartime([u64::from(k)]);
    let mut values = powers(root, 1 << k);
    parallelize(&mut values, |values, _| {
        let mut inverses: Vec<Fr> = values.iter().map(|power| secret - power).collect();
        inverses.iter_mut().batch_invert();
        for (value, inverse) in values.iter_mut().zip(inverses) {
            *value *= factor * inverse;
        }
    });
    values
}

/// The generator's multiples by these scalars.
#[cfg(feature = "prove")]
pub(super) fn multiples(scalars: &[Fr]) -> Vec<G1Affine> {
    zkverdict_prover::multiples(scalars, zkverdict_prover::Arithmetic::best())
}

/// The same without the prover's arithmetic: from those by d·256ⁱ for every byte d, 32 additions each.
#[cfg(not(feature = "prove"))]
pub(super) fn multiples(scalars: &[Fr]) -> Vec<G1Affine> {
    use halo2_proofs::halo2curves::{
        bn256::G1,
        group::{Curve, Group},
    };
    let normal = |points: &[G1]| {
        let mut normal = vec![G1Affine::default(); points.len()];
        G1::batch_normalize(points, &mut normal);
        normal
    };
    let mut table = Vec::with_capacity(32 << 8);
    let mut base = G1::generator();
    for _ in 0..32 {
        let mut multiple = G1::identity();
        for _ in 0..256 {
            table.push(multiple);
            multiple += base;
        }
        base = multiple;
    }
    let table = normal(&table);
    let multiple = |scalar: &Fr| {
        let bytes = scalar.to_repr();
        let digits = bytes.iter().enumerate();
        let points = digits.map(|(at, &byte)| table[256 * at + usize::from(byte)]);
        points.fold(G1::identity(), |sum, point| sum + point)
    };
    normal(&scalars.iter().map(multiple).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proving::Srs;
    use halo2_proofs::{SerdeFormat, halo2curves::bn256::Bn256, poly::kzg::commitment::ParamsKZG};

    #[test]
    fn development_strings_are_those_of_halo2() {
        for k in [1, 2, 5, 9] {
            let rng = rand_chacha::ChaCha20Rng::from_seed(SEED);
            let mut expected = Vec::new();
            ParamsKZG::<Bn256>::setup(k, rng)
                .write_custom(&mut expected, SerdeFormat::RawBytes)
                .expect("memory takes all that is written");
            let found = Srs::unsafe_dev(k).to_bytes();
            // One more power follows.
            assert_eq!(found.len(), expected.len() + 64);
            assert!(found.starts_with(&expected), "2^{k} rows");
        }
    }
}
