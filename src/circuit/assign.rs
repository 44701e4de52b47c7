//! Fills columns from row 0 on.

use super::columns::Columns;
use super::fixed::Fixed;
use super::query::Placed;
use super::shape::Flag;
use super::witness::{Sums, Witness};
use halo2_proofs::{
    circuit::{Region, Value},
    halo2curves::bn256::Fr,
    plonk::{Advice, Fixed as FixedColumn},
};

fn advice(region: &mut Region<'_, Fr>, column: Placed<Advice>, values: &[Fr]) {
    for (row, &value) in values.iter().enumerate() {
        region.assign_advice(column.column, column.row(row), Value::known(value));
    }
}

fn fixed_cells(region: &mut Region<'_, Fr>, column: Placed<FixedColumn>, values: &[Fr]) {
    for (row, &value) in values.iter().enumerate() {
        region.assign_fixed(column.column, column.row(row), value);
    }
}

/// Writes the first phase.
pub fn witness(region: &mut Region<'_, Fr>, columns: &Columns, witness: &Witness) {
    let lookups = &columns.lookups;
    advice(region, lookups.table_row, &witness.table_row);
    advice(region, lookups.byte, &witness.byte);
    for (&column, values) in lookups.limbs.iter().zip(&witness.limbs) {
        advice(region, column, values);
    }
    if let (Some(columns), Some(parts)) = (lookups.intervals, &witness.parts) {
        for (column, values) in columns.parts.into_iter().zip(parts) {
            advice(region, column, values);
        }
    }
    if let (Some(column), Some(integers)) = (columns.integer, &witness.wide) {
        advice(region, column, integers);
    }
    advice(region, lookups.limb_uses, &witness.limb_uses);
    advice(region, lookups.table_uses, &witness.table_uses);
}

/// Writes the second phase.
pub fn sums(region: &mut Region<'_, Fr>, columns: &Columns, sums: &Sums) {
    for (&column, values) in columns.lookups.sums.iter().zip(&sums.lookup_sums) {
        advice(region, column, values);
    }
    for (cursor, values) in columns.cursors.iter().zip(&sums.cursors) {
        advice(region, cursor.column, values);
    }
    advice(region, columns.coefficient, &sums.coefficient);
    advice(region, columns.balance, &sums.balance);
    advice(region, columns.packed, &sums.packed);
}

/// Writes all that the statement fixes.
pub fn statement(region: &mut Region<'_, Fr>, columns: &Columns, fixed: &Fixed) {
    fixed_cells(region, columns.lookups.index, &fixed.index);
    fixed_cells(region, columns.lookups.table, &fixed.table);
    if let (Some(columns), Some(starts)) = (columns.lookups.intervals, &fixed.starts) {
        fixed_cells(region, columns.table, starts);
        if let (Some(column), Some(lengths)) = (columns.lengths, &fixed.lengths) {
            fixed_cells(region, column, lengths);
        }
    }
    for (&column, values) in columns.lanes.iter().zip(&fixed.lanes) {
        fixed_cells(region, column, values);
    }
    // From here on after the lanes, which have 0 where there is a move or a flag.
    for (cursor, moves) in columns.cursors.iter().zip(&fixed.moves) {
        for (&column, moves) in cursor.moves.iter().zip(moves) {
            for (row, &step) in moves.iter().enumerate().filter(|&(_, &step)| step > 0) {
                region.assign_fixed(column.column, column.row(row), Fr::from(u64::from(step)));
            }
        }
    }
    let active: Vec<Fr> = fixed.active.iter().map(|&flag| Fr::from(u64::from(flag))).collect();
    fixed_cells(region, columns.lookups.active, &active);
    for flag in Flag::ALL {
        let Some(column) = columns.flags[flag] else { continue };
        for (row, _) in fixed.rows.iter().enumerate().filter(|(_, flags)| flags[flag]) {
            region.assign_fixed(column.column, column.row(row), Fr::one());
        }
    }
}
