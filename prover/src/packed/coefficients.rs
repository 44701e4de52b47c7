//! Columns as polynomials.

use crate::columns::Column;
use crate::domain::root;
use crate::fft::{Factors, Threads, forward};
#[cfg(target_arch = "x86_64")]
use crate::field::{Adx, Ifma};
use crate::field::{Arithmetic, Backend, Lanes, Portable, kernels};
use crate::quotient::elements;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// Vectors for one thread at a time.
const CHUNK: usize = 1 << 8;

/// Interpolation on the rows.
pub trait Interpolation: Send + Sync {
    /// The coefficients of a column, lowest first.
    fn coefficients(&self, column: &Column) -> Vec<Fr>;
}

struct With<L> {
    k: u32,
    factors: Factors<L>,
}

/// For columns of 2^k rows.
pub fn new(k: u32, arithmetic: Arithmetic) -> Box<dyn Interpolation> {
    fn with<L: Lanes<Fr>>(k: u32) -> Box<dyn Interpolation> {
        let inverse = root(k).invert().expect("roots of unity are not 0");
        Box::new(With::<L> { k, factors: Factors::new(k, inverse, Fr::ONE) })
    }
    match arithmetic {
        Arithmetic::Portable => with::<<Portable as Backend>::Scalars>(k),
        #[cfg(target_arch = "x86_64")]
        Arithmetic::Adx(_) => with::<<Adx as Backend>::Scalars>(k),
        #[cfg(target_arch = "x86_64")]
        Arithmetic::Ifma(_) => with::<<Ifma as Backend>::Scalars>(k),
    }
}

impl<L: Lanes<Fr>> Interpolation for With<L> {
    fn coefficients(&self, column: &Column) -> Vec<Fr> {
        let n = 1_usize << self.k;
        let mut values = vectors::<L>(column, n);
        forward(&mut values, &self.factors, Threads::All);
        let scale = Fr::from(n as u64).invert().expect("n is not 0");
        values.par_chunks_mut(CHUNK).for_each(|values| multiply(values, scale));
        let permuted = elements(&values);
        drop(values);
        // In the order that the transform leaves: bit-reversed, with lanes and vectors of each 64 exchanged.
        let place = |index: usize| {
            let reversed = index.reverse_bits() >> (usize::BITS - self.k);
            reversed / 64 * 64 + reversed % 8 * 8 + reversed / 8 % 8
        };
        (0..n).into_par_iter().with_min_len(8 * CHUNK).map(|index| permuted[place(index)]).collect()
    }
}

kernels! {
    fn multiply<L: Lanes<Fr>>(values: &mut [L], factor: Fr) {
        let factor = L::splat(factor);
        for value in values {
            *value = value.mul(factor);
        }
    }

    /// A column's values.
    fn vectors<L: Lanes<Fr>>(column: &Column, rows: usize) -> Vec<L> {
        let mut vectors = Vec::with_capacity(rows / 8);
        for index in 0..rows / 8 {
            vectors.push(column.vector::<L>(index, rows));
        }
        vectors
    }
}
