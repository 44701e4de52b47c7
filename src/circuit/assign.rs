//! Fills columns from row 0 on.

use super::query::Placed;
use halo2_proofs::{
    circuit::{Region, Value},
    halo2curves::bn256::Fr,
    plonk::{Advice, Fixed},
};

/// Writes what the prover chooses.
pub fn advice(region: &mut Region<'_, Fr>, column: impl Into<Placed<Advice>>, values: &[Fr]) {
    let column = column.into();
    for (row, &value) in values.iter().enumerate() {
        region.assign_advice(column.column, column.row(row), Value::known(value));
    }
}

/// Writes what the statement fixes.
pub fn fixed(region: &mut Region<'_, Fr>, column: impl Into<Placed<Fixed>>, values: &[Fr]) {
    let column = column.into();
    for (row, &value) in values.iter().enumerate() {
        region.assign_fixed(column.column, column.row(row), value);
    }
}
