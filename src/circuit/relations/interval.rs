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
//! **Start and length are those of one row.** There are at most 2^39 positions (`MOST_ACCUMULATORS` of `table::intervals`), so
//! positions, starts and lengths are no larger; z and length − 1 − z are pairs of limbs, below N² ≤ 2^44. Other
//! parts of the same sum would be a start s' = s + 2^40·m and a length l' = l − m, in the field; m is l − l', an
//! integer with |m| < 2^46, so the first holds between integers as well. s' = position − z is below 2^39 and s is
//! not negative, so m ≤ 0. With m < 0, z = position − s − 2^40·m ≥ 2^39 − m, but then the length
//! l = l' + m > z + m is longer than all positions together. With float32 sums (see
//! [`float_sum`](super::float_sum)), whose accumulators are longer, start and length are read as two values.

use super::{
    gate::{Constraint, Gates, selected},
    row::{Ring, Row},
};
use crate::circuit::{columns::Cell, shape::Flag};

/// The position of an interval's row, `start + z`: its accumulator plus its offset.
pub fn position<R: Row>(row: &mut R) -> R::Value {
    let start = row.here(Cell::Start);
    start + pair(row, 0, 0)
}

/// `limb_first + N·limb_(first + 1)`, `back` rows before.
pub fn pair<R: Row>(row: &mut R, first: usize, back: usize) -> R::Value {
    let base = row.base();
    let [low, high] = [0, 1].map(|limb| row.cell(Cell::Limb(first + limb), back));
    low + high * base
}

/// What rows that read a byte by interval promise.
pub fn in_interval<R: Row>(row: &mut R) -> [Constraint<R::Value>; 1] {
    let [low, high] = [0, 2].map(|first| pair(row, first, 0));
    let length = row.here(Cell::Length);
    [("the remainder is below the interval's length", length - R::Value::one() - low - high)]
}

/// Adds the gate of intervals.
pub fn configure(gates: &mut Gates<'_>) {
    if gates.have(Flag::Intervals) {
        gates.add("interval", |row| {
            let flag =
                row.any(&[Flag::Intervals, Flag::MultipliesIn]).expect("intervals have a flag");
            let constraints = in_interval(row);
            selected(&(row.cells() * flag), constraints)
        });
        gates.add_abreast("intervals abreast", Flag::Intervals, |value| {
            let [(_, constraint)] = in_interval(value);
            vec![("each remainder abreast is below its interval's length", constraint)]
        });
    }
}

#[cfg(test)]
mod tests;
