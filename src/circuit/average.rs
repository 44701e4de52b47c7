//! Means of float32 sums: each addition is rounded as float32 rounds it.
//!
//! onnxruntime adds a window's dequantized elements one by one. With the scale m·2^-p, m of 24 bits, all
//! is integers in units of 2^-p: an element's term t is x·m rounded to 24 bits, a table's function of its
//! byte, which the element's own row gives in place of the byte (minus the least term, so that none is
//! negative). Places make sums of terms, so that with R the sum so far,
//!
//! ```text
//! v₁ = t₀ + t₁      v_j = R_{j−1} + t_j      R_j = v_j, rounded to float32      output = f(v_last)
//! ```
//!
//! Rounding, dividing and rounding again are monotone, so f is, and the output is read from the interval
//! of `v_last` ([`intervals`](super::intervals)). f is found by bisection on float32's own arithmetic.
//! Elements that a window does not see add 0, which changes no sum.
//!
//! **Rounding.** A binade's sums, the v of 2^(23+e) ≤ v < 2^(24+e), are rounded to multiples of 2^e, ties to
//! even multiples: by how much depends on e and v mod 2^(e+1). Each pair has a row in the table:
//!
//! ```text
//! v = start + stride·z        stride = 2^(e+1)        z = limb₀ + N·limb₁        R = v + correction
//! 2^22 − 1 − z = limb₂ + N·limb₃
//! (u, correction + 2^20, start + 2^100, stride)   read from the table
//! ```
//!
//! Negative binades mirror positive ones, −2^(24+e) ≤ v < −2^(23+e), and |v| < 2^24 are strides of 1 with no
//! correction. These progressions, of 2^22 integers each, do not overlap: only one has v.
//!
//! **Other rows of the table** have starts without 2^100, below 2^99 (`MOST_POSITIONS`), and lengths of at most
//! N² ≤ 2^40: there `start + stride·z` is below 2^99 + 2^80, which 2^100 + v is not, v being a sum of integers
//! below 2^60. Where an interval is expected and a progression read, the start alone is beyond all positions.
//! The parts are read apart from each other, so no start makes up for another stride.
//!
//! | row | makes | holds |
//! |---|---|---|
//! | adds, first of a window | t₀ + t₁ = v | R |
//! | adds | t_j = v − R₋₁ | R |
//! | interval, last of a window | t_last = v − R₋₁ | the output |

use super::columns::Columns;
use super::intervals::{Interval, pair};
use super::shape::Shape;
use crate::circuit::{
    field::field,
    query::{Placed, Query, here, one},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Constraints, Expression, Fixed, VirtualCells},
    poly::Rotation,
};

/// Added to the starts of progressions in the table, so that no other row passes for one.
pub const MARK: i128 = 1 << 100;

/// Accumulators of all functions together where there are float32 sums: far from `MARK`.
pub const MOST_POSITIONS: i128 = MARK / 2;

/// Added to corrections in the table, so that none is negative.
pub const LIFT: i128 = 1 << 20;

/// How many sums a progression has.
pub const QUOTIENTS: i128 = 1 << 22;

/// Flags of float32 sums.
#[derive(Clone, Copy, Debug)]
pub struct AverageFlags {
    /// Adds terms and rounds.
    pub adds: Placed<Fixed>,
    /// The sum goes on from the row before.
    pub goes_on: Placed<Fixed>,
}

/// Adds the gate of float32 sums.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: &Shape) {
    let Some(flags) = columns.flags.averages else { return };
    meta.create_gate("float32 sum", |meta| {
        let [quotient, rest] =
            [0, 2].map(|first| pair(meta, columns, shape, first, Rotation::cur()));
        let most = Expression::Constant(field(QUOTIENTS)) - one();
        Constraints::with_selector(
            columns.cells(meta) * here(meta, flags.adds),
            [("the quotient of a sum is below 2^22", most - quotient - rest)],
        )
    });
}

/// What rows of float32 sums make, and what rows that go on from one make less.
pub fn made(
    meta: &mut VirtualCells<'_, Fr>,
    columns: &Columns,
    shape: &Shape,
) -> Option<Expression<Fr>> {
    let flags = columns.flags.averages?;
    let unrounded_here = unrounded(meta, columns, shape, Rotation::cur());
    let offset = here(meta, columns.weights[0]);
    let unrounded_before = unrounded(meta, columns, shape, Rotation::prev());
    let lifted = columns.lookups.byte.at(meta, Rotation::prev());
    let rounded = unrounded_before + lifted - Expression::Constant(field(MARK + LIFT));
    let (adds, goes_on) = (here(meta, flags.adds), here(meta, flags.goes_on));
    Some(adds * (unrounded_here - offset) - goes_on * rounded)
}

/// `start + stride·z`.
fn unrounded(
    meta: &mut VirtualCells<'_, Fr>,
    columns: &Columns,
    shape: &Shape,
    rotation: Rotation,
) -> Expression<Fr> {
    let steps = columns.lookups.steps.expect("the last row of a float32 sum is an interval's");
    let [start, stride] = steps.parts.map(|part| part.at(meta, rotation));
    start + stride * pair(meta, columns, shape, 0, rotation)
}

/// Sums that are rounded alike: `stride` progressions of 2^22 integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binade {
    /// The least.
    pub low: i128,
    /// What the progressions go on by: twice the distance of neighbouring floats, or 1.
    pub stride: i128,
}

impl Binade {
    /// The binades that a range reaches into, in order.
    pub fn all((low, high): (i128, i128)) -> Vec<Self> {
        let mut binades: Vec<Self> =
            (0..4).map(|piece| Self { low: piece * QUOTIENTS, stride: 1 }).collect();
        let most = low.abs().max(high.abs());
        while let Some(last) = binades.last().copied().filter(|last| last.end() <= most) {
            let stride = if last.stride == 1 { 4 } else { 2 * last.stride };
            binades.push(Self { low: last.end(), stride });
        }
        let negative: Vec<Self> =
            binades.iter().map(|&binade| Self { low: -binade.end(), ..binade }).collect();
        let all = negative.into_iter().rev().chain(binades);
        all.filter(|binade| binade.low <= high && low < binade.end()).collect()
    }

    /// The first integer after it.
    fn end(self) -> i128 {
        self.low + QUOTIENTS * self.stride
    }

    /// Rows that it takes in the table.
    pub fn rows(self) -> i128 {
        self.stride
    }

    /// Its rows of the table.
    pub fn entries(self) -> impl Iterator<Item = Interval> {
        (0..self.stride).map(move |rest| Interval {
            start: MARK + self.low + rest,
            length: self.stride,
            byte: u32::try_from(LIFT + self.correction(rest))
                .expect("tables are shorter than 2^20"),
        })
    }

    /// The progression of a sum, and its number there.
    pub fn find(self, sum: i128) -> (i128, i128) {
        let offset = sum - self.low;
        (offset % self.stride, offset / self.stride)
    }

    /// What rounding adds to a sum of a progression: ties go to even multiples of half a stride.
    pub fn correction(self, rest: i128) -> i128 {
        let step = self.stride / 2;
        if 2 * rest <= step {
            -rest
        } else if 2 * rest < 3 * step {
            step - rest
        } else {
            self.stride - rest
        }
    }
}
