//! The larger of two: a row holds a copy or the value of the row before, whichever is larger.
//!
//! `value − copy` is the second limb, and `value − value before` the table's row: neither is negative, and one is 0.
//! Rows between two of a group, on which cursors move, hold what the row before held.

use super::{
    gate::{Constraint, Gates},
    row::Row,
};
use crate::circuit::{columns::Cell, shape::Flag};

/// What rows that hold the larger of two promise.
pub fn larger<R: Row>(row: &mut R) -> [Constraint<R::Value>; 2] {
    let [value, below] = [0, 1].map(|limb| row.here(Cell::Limb(limb)));
    let then = row.before(Cell::Limb(0));
    let above = row.here(Cell::TableRow);
    [
        ("the larger is not below the value before", value - then - above.clone()),
        ("the larger is one of both", below * above),
    ]
}

/// What rows that hold what the row before held promise: float32 sums have more to be held.
pub fn held<R: Row>(row: &mut R) -> Vec<Constraint<R::Value>> {
    let mut held = |cell| row.here(cell) - row.before(cell);
    let mut constraints = vec![
        ("the value is held", held(Cell::Limb(0))),
        ("the value beside it is held", held(Cell::Limb(1))),
    ];
    if row.shape().averages {
        let read = row.here(Cell::TableRow) - row.before(Cell::TableRow);
        constraints.push(("the row read is held", read));
    }
    constraints
}

/// Adds the gates of rows that go on from the row before.
pub fn configure(gates: &mut Gates<'_>) {
    gates.add_for("larger", Flag::Larger, |row| larger(row));
    gates.add_for("hold", Flag::Holds, |row| held(row));
    gates.add_abreast("larger abreast", Flag::Larger, |value| {
        let [(_, not_below), (_, one_of_both)] = larger(value);
        vec![
            ("each larger abreast is not below the value before", not_below),
            ("each larger abreast is one of both", one_of_both),
        ]
    });
    gates.add_abreast("hold abreast", Flag::Holds, |value| {
        let names = [
            "each value abreast is held",
            "each value beside one abreast is held",
            "each row read abreast is held",
        ];
        names.into_iter().zip(held(value)).map(|(name, (_, own))| (name, own)).collect()
    });
}

#[cfg(test)]
mod tests;
