//! Intervals: bytes of monotone functions that no line gives exactly.
//!
//! A function is constant on intervals of accumulators. Each has a row of the table with its byte, its start and
//! its length, so that functions of any range take at most 256 rows:
//!
//! ```text
//! start + z = raw + bias + constant        z = limb₀ + N·limb₁
//! length − 1 − z = limb₂ + N·limb₃
//! (u, byte, start + 2^40·length)           read from the table
//! ```
//!
//! Starts count through all functions: each function's accumulators begin where the last one's end, so that the
//! intervals of all functions are disjoint. Where the read gives start and length, z lies in [0, length), and
//! only one interval has the position raw + bias + constant: it is the rule's own, because raw lies in its
//! proven range.
//!
//! **Start and length are those of one row.** There are at most 2^39 positions (`MOST_ACCUMULATORS`), so
//! positions, starts and lengths are no larger; z and length − 1 − z are pairs of limbs, below N² ≤ 2^40. Other
//! parts of the same sum would be a start s' = s + 2^40·m and a length l' = l − m, in the field; m is l − l', an
//! integer with |m| < 2^42, so the first holds between integers as well. s' = position − z lies in (−2^40, 2^39)
//! and s in [0, 2^39), which leaves m = −1 and 0. With m = −1, z = position − s + 2^40 > 2^39, but then the
//! length l ≥ l' − 1 ≥ z is longer than all positions together. With float32 sums (see
//! [`average`](super::average)), whose accumulators are longer, start and length are read as two values.

use super::columns::Columns;
use super::rule::Rule;
use super::shape::Shape;
use crate::circuit::{
    field::field,
    query::{Query, here, one},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Constraints, Expression, VirtualCells},
    poly::Rotation,
};

/// Limbs of an interval's row.
pub const LIMBS: usize = 4;

/// What lengths are multiplied with beside starts.
pub const LENGTH_FACTOR: u64 = 1 << 40;

/// Accumulators of all functions together: see above.
pub const MOST_ACCUMULATORS: i128 = 1 << 39;

/// Adds the gates of intervals.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: &Shape) {
    let Some(steps) = columns.lookups.steps else { return };
    meta.create_gate("interval", |meta| {
        let flag = columns.in_intervals(meta).expect("intervals have a flag");
        let [low, high] = [0, 2].map(|first| pair(meta, columns, shape, first, Rotation::cur()));
        let length = here(meta, steps.parts[1]);
        Constraints::with_selector(
            columns.cells(meta) * flag,
            [("the remainder is below the interval's length", length - one() - low - high)],
        )
    });
}

/// The accumulator of an interval's row, up to its offset.
pub fn accumulator(
    meta: &mut VirtualCells<'_, Fr>,
    columns: &Columns,
    shape: &Shape,
) -> Option<Expression<Fr>> {
    let steps = columns.lookups.steps?;
    let start = here(meta, steps.parts[0]);
    Some(start + pair(meta, columns, shape, 0, Rotation::cur()))
}

/// `limb_first + N·limb_(first + 1)`, some rows away.
pub fn pair(
    meta: &mut VirtualCells<'_, Fr>,
    columns: &Columns,
    shape: &Shape,
    first: usize,
    rotation: Rotation,
) -> Expression<Fr> {
    let base = Expression::Constant(field(shape.base()));
    let [low, high] = [0, 1].map(|limb| columns.lookups.limbs[first + limb].at(meta, rotation));
    low + high * base
}

/// An interval of accumulators with one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first accumulator, counted through all functions.
    pub start: i128,
    /// How many.
    pub length: i128,
    /// Their value.
    pub byte: u32,
}

impl Interval {
    /// The intervals of a function over a range, none longer than `longest`, as if it were the first.
    pub fn all(
        (low, high): (i128, i128),
        rises: &[(i128, i128)],
        rule: &Rule,
        longest: i128,
    ) -> Vec<Self> {
        // Before the first rise, all is at the clamp's lower bound.
        let first = (low, rule.value(rule.activation.min.into()));
        let rises = rises.iter().map(|&(acc, level)| (acc, rule.value(level)));
        let mut changes: Vec<(i128, u32)> = vec![first];
        for (acc, byte) in rises {
            match changes.last_mut() {
                // A rise at the range's beginning holds for all of it.
                Some(last) if last.0 == acc => last.1 = byte,
                Some(last) if last.1 == byte => {}
                _ => changes.push((acc, byte)),
            }
        }
        let ends = changes.iter().skip(1).map(|&(acc, _)| acc).chain([high + 1]);
        let mut intervals = Vec::new();
        for (&(from, byte), to) in changes.iter().zip(ends) {
            let mut start = from;
            while start < to {
                let length = longest.min(to - start);
                intervals.push(Self { start: start - low, length, byte });
                start += length;
            }
        }
        intervals
    }

    /// The interval where `room` accumulators of other functions come first.
    pub fn after(self, room: i128) -> Self {
        Self { start: room + self.start, ..self }
    }

    /// The table's value beside the byte.
    pub fn entry(self) -> i128 {
        self.start + i128::from(LENGTH_FACTOR) * self.length
    }
}
