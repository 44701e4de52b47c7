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
//! of `v_last` ([`interval`](super::interval)). f is found by bisection on float32's own arithmetic.
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
//! N² ≤ 2^44: there `start + stride·z` is below 2^99 + 2^88, which 2^100 + v is not, v being a sum of integers
//! below 2^60. Where an interval is expected and a progression read, the start alone is beyond all positions.
//! The parts are read apart from each other, so no start makes up for another stride.
//!
//! | row | makes | holds |
//! |---|---|---|
//! | adds, first of a window | t₀ + t₁ = v | R |
//! | adds | t_j = v − R₋₁ | R |
//! | interval, last of a window | t_last = v − R₋₁ | the output |

use super::{
    gate::{Constraint, Gates},
    interval::pair,
    row::{Ring, Row},
};
use crate::circuit::{
    columns::{Cell, Constant},
    field::field,
    shape::Flag,
    table::binades::{LIFT, MARK, QUOTIENTS},
};

/// What rows that add to a float32 sum promise.
pub fn in_progression<R: Row>(row: &mut R) -> [Constraint<R::Value>; 1] {
    let [quotient, rest] = [0, 2].map(|first| pair(row, first, 0));
    let most = R::Value::constant(field(QUOTIENTS)) - R::Value::one();
    [("the quotient of a sum is below 2^22", most - quotient - rest)]
}

/// What rows of float32 sums make, and what rows that go on from one make less.
pub fn made<R: Row>(row: &mut R) -> Option<R::Value> {
    let adds = row.when(&[Flag::Adds], |row| unrounded(row, 0) - row.constant(Constant::Offset));
    let before = row.when(&[Flag::Continues], rounded_before);
    match (adds, before) {
        (adds, Some(before)) => Some(match adds {
            Some(adds) => adds - before,
            None => -before,
        }),
        (adds, None) => adds,
    }
}

/// `start + stride·z`, the sum that a row rounds, and the mark beside it.
fn unrounded<R: Row>(row: &mut R, back: usize) -> R::Value {
    let [start, stride] = [Cell::Start, Cell::Length].map(|part| row.cell(part, back));
    start + stride * pair(row, 0, back)
}

/// The rounded sum of the row before.
fn rounded_before<R: Row>(row: &mut R) -> R::Value {
    let unrounded = unrounded(row, 1);
    let lifted = row.before(Cell::Byte);
    unrounded + lifted - R::Value::constant(field(MARK + LIFT))
}

/// Adds the gates of float32 sums.
pub fn configure(gates: &mut Gates<'_>) {
    gates.add_for("float32 sum", Flag::Adds, |row| in_progression(row));
    gates.add_abreast("float32 sums abreast", Flag::Adds, |value| {
        let [(_, constraint)] = in_progression(value);
        vec![("each quotient of a sum abreast is below 2^22", constraint)]
    });
}

#[cfg(test)]
pub mod tests;
