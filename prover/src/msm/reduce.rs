//! `Σ w·bucket_w` by halves: with buckets from weight 1 on,
//!
//! ```text
//! Σ w·B_w  =  Σ_(w odd) B_w  +  2·Σ v·(B_2v + B_(2v+1))
//! ```
//!
//! and the same again for the sums of two, until none is left. Each bucket costs two additions, none of which waits for
//! one of the same level: those of all windows share their inversions.

use super::buckets::{Entry, add_up};
use crate::field::{Lanes, PointWords};
use halo2_proofs::halo2curves::{
    bn256::{Fq, G1},
    group::Group,
};

/// Runs of points to be added up.
#[derive(Default)]
struct Runs {
    entries: Vec<Entry>,
    lengths: Vec<u32>,
}

impl Runs {
    /// Begins a run with those of these points that are not infinity.
    fn push(&mut self, points: &[PointWords], run: impl Iterator<Item = usize>) {
        let before = self.entries.len();
        let finite = run.filter(|&index| points[index] != [0; 8]);
        self.entries.extend(finite.map(|index| (index as Entry) << 1));
        self.lengths.push((self.entries.len() - before) as u32);
    }
}

/// Of each window, Σ (i + 1)·bucket_i. Windows have as many buckets as each other.
pub fn weighted_sums<L: Lanes<Fq>>(windows: &[Vec<PointWords>]) -> Vec<G1> {
    let mut points = windows.concat();
    let (mut start, mut length) = (0, windows.first().map_or(0, Vec::len));
    let (mut odd, mut levels) = (Runs::default(), 0);
    while length > 0 {
        levels += 1;
        let mut pairs = Runs::default();
        for first in (0..windows.len()).map(|window| start + window * length) {
            odd.push(&points, (first..first + length).step_by(2));
            for second in (1..length).step_by(2) {
                pairs.push(&points, first + second..first + (second + 2).min(length));
            }
        }
        start = points.len();
        length /= 2;
        points.extend(add_up::<L>(&points, &pairs.entries, &pairs.lengths));
    }
    let odd = add_up::<L>(&points, &odd.entries, &odd.lengths);
    // Level by level, and in each window by window.
    let sum = |window: usize| {
        (0..levels).rev().fold(G1::identity(), |sum, level| {
            sum.double() + super::affine::<L>(&odd[level * windows.len() + window])
        })
    };
    (0..windows.len()).map(sum).collect()
}
