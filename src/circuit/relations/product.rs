//! Products of elements: a row holds a copy beside the value of the row before, and the next row makes a byte whose
//! accumulator is the product of the two, each less its zero point.

use super::{
    division::divided,
    gate::{Constraint, Gates, selected},
    interval,
    row::Row,
};
use crate::circuit::{
    columns::{Cell, Constant},
    shape::Flag,
};

/// What rows that hold a pair promise.
pub fn pair<R: Row>(row: &mut R) -> [Constraint<R::Value>; 1] {
    let beside = row.here(Cell::Limb(1));
    let then = row.before(Cell::Limb(0));
    [("the value beside is that of the row before", beside - then)]
}

/// What rows that make a byte of a product promise: 0 on rows that do not.
pub fn product<R: Row>(row: &mut R) -> Option<Constraint<R::Value>> {
    let mut dividend = row.when(&[Flag::Multiplies], divided)?;
    let mut flag = row.flag(Flag::Multiplies)?;
    if let Some(by_interval) = row.flag(Flag::MultipliesIn) {
        dividend = dividend + by_interval.clone() * interval::position(row);
        flag = flag + by_interval;
    }
    let offset = row.constant(Constant::Offset);
    let [right, left] =
        [0, 1].map(|limb| row.before(Cell::Limb(limb)) - row.constant(Constant::Zero(limb)));
    Some(("the accumulator is the product of the pair", dividend - flag * (offset + left * right)))
}

/// Adds the gates of products.
pub fn configure(gates: &mut Gates<'_>) {
    gates.add_for("pair", Flag::Pairs, |row| pair(row));
    if gates.have(Flag::Multiplies) {
        gates.add("product", |row| {
            let cells = row.cells();
            selected(&cells, product(row))
        });
    }
}
