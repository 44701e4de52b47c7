//! Many multiples of the generator: one sum each of multiples that are in a table, a multiple for every digit.

use super::{Digits, affine_points, buckets, canonical, convert, width};
use crate::field::{Lanes, PointWords};
use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1, G1Affine},
    ff::PrimeField,
    group::{Curve, Group},
};
use rayon::prelude::*;

/// Of each digit's place and size, the multiple of the generator.
struct Table {
    digits: Digits,
    points: Vec<PointWords>,
}

impl Table {
    /// The cheapest for so many scalars.
    fn new<L: Lanes<Fq>>(scalars: usize) -> Self {
        /// A table of more bits does not stay in a core's cache.
        const WIDEST: u32 = 13;
        let bits = Fr::NUM_BITS;
        // A multiple of the table costs one addition.
        let digits = Digits::new(bits, width(scalars, bits, 1).clamp(2, WIDEST));
        let doubled: Vec<G1> =
            std::iter::successors(Some(G1::generator()), |point| Some(point.double()))
                .take((digits.windows * digits.width) as usize)
                .collect();
        let mut doublings = vec![G1Affine::default(); doubled.len()];
        G1::batch_normalize(&doubled, &mut doublings);
        let doublings = convert::<L>(&doublings);
        let largest = digits.largest();
        let windows = 0..digits.windows as usize;
        let mut points = vec![[0; 8]; windows.len() * largest];
        for level in 0..digits.width as usize {
            let power = 1 << level;
            for window in windows.clone() {
                points[window * largest + power - 1] =
                    doublings[window * digits.width as usize + level];
            }
            // From here to the next power of two: that power and what is above it.
            let above = 1..power.min(largest + 1 - power);
            let places = windows.clone().flat_map(|window| {
                above.clone().map(move |rest| [rest, power].map(|size| window * largest + size - 1))
            });
            let entries: Vec<buckets::Entry> =
                places.clone().flatten().map(|place| (place as buckets::Entry) << 1).collect();
            let sums = buckets::add_up::<L>(&points, &entries, &vec![2; entries.len() / 2]);
            for ([rest, _], sum) in places.zip(sums) {
                points[rest + power] = sum;
            }
        }
        Self { digits, points }
    }

    fn multiples<L: Lanes<Fq>>(&self, scalars: &[Fr]) -> Vec<PointWords> {
        let largest = self.digits.largest();
        let mut entries = Vec::with_capacity(scalars.len() * self.digits.windows as usize);
        let mut lengths = Vec::with_capacity(scalars.len());
        for scalar in scalars {
            let shifted = self.digits.shifted(canonical(scalar));
            let before = entries.len();
            for window in 0..self.digits.windows {
                let digit = self.digits.digit(&shifted, window);
                if digit != 0 {
                    let size = digit.unsigned_abs() as usize;
                    let place = window as usize * largest + size - 1;
                    entries.push((place as buckets::Entry) << 1 | u32::from(digit < 0));
                }
            }
            lengths.push((entries.len() - before) as u32);
        }
        buckets::add_up::<L>(&self.points, &entries, &lengths)
    }
}

/// The generator's multiples by these scalars.
pub fn multiples<L: Lanes<Fq>>(scalars: &[Fr]) -> Vec<G1Affine> {
    let table = Table::new::<L>(scalars.len());
    // As many as are added up in one go.
    let together = buckets::PIECE / table.digits.windows as usize;
    scalars
        .par_chunks(together)
        .flat_map_iter(|scalars| affine_points::<L>(&table.multiples::<L>(scalars)))
        .collect()
}
