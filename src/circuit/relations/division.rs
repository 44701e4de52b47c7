//! Divisions: a byte is read from the row of the table that a quotient says.
//!
//! ```text
//! D·u + z = slope·(raw + bias) + constant          z = Σ_j N^j·limb_j        byte = out[u]
//! ```
//!
//! With `scale` the inverse of the slope and `offset` the bias plus scale·constant, the row makes
//!
//! ```text
//! raw = scale·(D·u + z) − offset
//! ```
//!
//! Limbs are looked up to be below N, so 0 ≤ z < D, and no side wraps around the field (see `table::fit`): u is the
//! quotient and z the remainder.

use super::row::Row;
use crate::circuit::columns::{Cell, Constant};

/// `scale·(D·u + z)`.
pub fn divided<R: Row>(row: &mut R) -> R::Value {
    let base = row.base();
    let table_row = row.here(Cell::TableRow);
    let dividend = (0..row.shape().limbs)
        .rev()
        .fold(table_row, |sum, limb| sum * base.clone() + row.here(Cell::Limb(limb)));
    dividend * row.constant(Constant::Scale)
}
