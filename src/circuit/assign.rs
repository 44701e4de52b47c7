//! Fills columns from row 0 on.

use super::{
    columns::Columns,
    fixed::{Fixed, Kinds},
    query::Placed,
    witness::{Sums, Witness},
};
use halo2_proofs::{
    circuit::{Region, Value},
    halo2curves::bn256::Fr,
    plonk::{Advice, Fixed as FixedColumn},
};

/// Writes what the prover chooses.
fn advice(region: &mut Region<'_, Fr>, column: Placed<Advice>, values: &[Fr]) {
    for (row, &value) in values.iter().enumerate() {
        region.assign_advice(column.column, column.row(row), Value::known(value));
    }
}

/// Writes what the statement fixes.
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
    if let (Some(columns), Some(parts)) = (lookups.steps, &witness.steps) {
        for (column, values) in columns.parts.into_iter().zip(parts) {
            advice(region, column, values);
        }
    }
    if let (Some(columns), Some(integers)) = (columns.wide, &witness.wide) {
        advice(region, columns.integer, integers);
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
    if let (Some(columns), Some(steps)) = (columns.lookups.steps, &fixed.steps) {
        fixed_cells(region, columns.table, steps);
        if let (Some(column), Some(lengths)) = (columns.second_table, &fixed.lengths) {
            fixed_cells(region, column, lengths);
        }
    }
    for (&column, values) in columns.weights.iter().zip(&fixed.weights) {
        fixed_cells(region, column, values);
    }
    for (cursor, moves) in columns.cursors.iter().zip(&fixed.moves) {
        for (&column, moves) in cursor.moves.iter().zip(moves) {
            // After the lanes, which have 0 there.
            for (row, &step) in moves.iter().enumerate().filter(|&(_, &step)| step > 0) {
                region.assign_fixed(column.column, column.row(row), Fr::from(u64::from(step)));
            }
        }
    }
    let active: Vec<Fr> = fixed.active.iter().map(|&flag| Fr::from(u64::from(flag))).collect();
    fixed_cells(region, columns.lookups.active, &active);
    let mut flag = |column: FlagColumn, of: fn(&Kinds) -> bool| {
        let Some(column) = column else { return };
        // After the lanes, which have 0 there.
        for (row, _) in fixed.rows.iter().enumerate().filter(|(_, kinds)| of(kinds)) {
            region.assign_fixed(column.column, column.row(row), Fr::one());
        }
    };
    flag(Some(columns.weighs), |row| row.weighs);
    let flags = &columns.flags;
    flag(Some(flags.divides), |row| row.divides);
    flag(flags.steps, |row| row.steps);
    flag(flags.reads, |row| row.reads);
    flag(flags.inputs, |row| row.inputs);
    flag(Some(flags.takes), |row| row.takes);
    flag(Some(flags.starts), |row| row.starts);
    flag(Some(flags.packs), |row| row.packs);
    flag(Some(flags.ends_word), |row| row.ends_word || row.words);
    flag(flags.groups.map(|groups| groups.holds), |row| row.holds);
    flag(flags.groups.and_then(|groups| groups.larger), |row| row.larger);
    flag(flags.products.map(|products| products.pairs), |row| row.pairs);
    flag(flags.products.map(|products| products.multiplies), |row| row.multiplies);
    flag(flags.products.and_then(|products| products.multiplies_in), |row| row.multiplies_in);
    flag(flags.loads, |row| row.loads);
    flag(columns.wide.map(|wide| wide.flag), |row| row.wide);
    flag(columns.wide.map(|wide| wide.takes), |row| row.takes_wide);
    flag(columns.wide.map(|wide| wide.naturals), |row| row.naturals);
    flag(flags.averages.map(|averages| averages.adds), |row| row.adds);
    flag(flags.averages.map(|averages| averages.goes_on), |row| row.continues);
    flag(flags.spills, |row| row.spills);
}

type FlagColumn = Option<Placed<FixedColumn>>;
