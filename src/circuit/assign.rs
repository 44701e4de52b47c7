//! What lies in each column of the backend: the one description that halo2's synthesis and the own prover take.

use super::columns::Columns;
use super::fixed::Fixed;
use super::query::Placed;
use super::values::Values;
use super::witness::{Sums, Witness};
use halo2_proofs::{
    circuit::{Region, Value},
    halo2curves::bn256::Fr,
    plonk::{Advice, ColumnType, Fixed as FixedColumn},
};
use std::borrow::Cow;

/// Columns with what they hold, from row 0 on.
pub type Filled<'a, T> = Vec<(Placed<T>, Cow<'a, Values>)>;

/// The first phase.
pub fn witness<'a>(columns: &Columns, witness: &'a Witness) -> Filled<'a, Advice> {
    let lookups = &columns.lookups;
    let mut filled = vec![(lookups.table_row, &witness.table_row), (lookups.byte, &witness.byte)];
    filled.extend(lookups.limbs.iter().copied().zip(&witness.limbs));
    if let (Some(columns), Some(parts)) = (lookups.intervals, &witness.parts) {
        filled.extend(columns.parts.into_iter().zip(parts));
    }
    for (columns, own) in lookups.abreast.iter().zip(&witness.abreast) {
        filled.extend([(columns.table_row, &own.table_row), (columns.byte, &own.byte)]);
        filled.extend(columns.limbs.iter().copied().zip(&own.limbs));
        if let (Some(columns), Some(parts)) = (columns.parts, &own.parts) {
            filled.extend(columns.into_iter().zip(parts));
        }
    }
    filled.extend(columns.integer.into_iter().zip(&witness.wide));
    filled.push((lookups.limb_uses, &witness.limb_uses));
    filled.push((lookups.table_uses, &witness.table_uses));
    if let (Some(columns), Some(weights)) = (&columns.weights, &witness.weights) {
        filled.push((columns.uses, &weights.uses));
    }
    filled.extend(columns.links.iter().map(|link| link.words).zip(&witness.linked));
    if let Some(columns) = &columns.hashes {
        let columns = columns.state.into_iter().chain([columns.square]);
        filled.extend(columns.zip(&witness.hashed));
    }
    filled.into_iter().map(|(column, values)| (column, Cow::Borrowed(values))).collect()
}

/// The second phase.
pub fn sums(columns: &Columns, sums: Sums) -> Filled<'static, Advice> {
    let mut filled: Vec<(Placed<Advice>, Vec<Fr>)> = Vec::new();
    filled.extend(columns.lookups.sums.iter().copied().zip(sums.lookup_sums));
    filled.extend(columns.cursors.iter().map(|cursor| cursor.column).zip(sums.cursors));
    filled.push((columns.coefficient, sums.coefficient));
    filled.push((columns.balance, sums.balance));
    filled.push((columns.packed, sums.packed));
    filled.extend(columns.links.iter().map(|link| link.sum).zip(sums.linked));
    filled.extend(columns.hashes.iter().map(|hashes| hashes.sum).zip(sums.hashed));
    filled.into_iter().map(|(column, values)| (column, Cow::Owned(values.into()))).collect()
}

/// All that the statement fixes.
pub fn statement(fixed: &Fixed) -> Filled<'_, FixedColumn> {
    let filled = fixed.columns.fixed().into_iter();
    filled.map(|column| (column, Cow::Borrowed(&fixed.values[column.number()]))).collect()
}

/// Gives halo2 the cells of the prover's columns.
pub fn advice_cells(region: &mut Region<'_, Fr>, filled: &Filled<'_, Advice>) {
    for (column, values) in filled {
        for row in 0..values.len() {
            region.assign_advice(column.column, column.row(row), Value::known(values.at(row)));
        }
    }
}

/// Gives halo2 the cells of fixed columns.
pub fn fixed_cells(region: &mut Region<'_, Fr>, filled: &Filled<'_, FixedColumn>) {
    for (column, values) in filled {
        for row in 0..values.len() {
            region.assign_fixed(column.column, column.row(row), values.at(row));
        }
    }
}

/// The backend's columns by their index, made of those that share them.
pub fn whole<T: ColumnType>(mut filled: Filled<'_, T>) -> Vec<(usize, Values)> {
    filled.sort_by_key(|(column, _)| column.number());
    let mut whole: Vec<(usize, Values)> = Vec::new();
    let mut rest = filled.into_iter().peekable();
    while let Some((first, values)) = rest.next() {
        let index = first.column.index();
        if first.sharing() == 1 {
            whole.push((index, values.into_owned()));
            continue;
        }
        let mut parts = vec![None; first.sharing()];
        parts[first.row(0)] = Some(values);
        while let Some((column, values)) =
            rest.next_if(|(column, _)| column.column.index() == index)
        {
            parts[column.row(0)] = Some(values);
        }
        let parts: Vec<Option<&Values>> = parts.iter().map(|part| part.as_deref()).collect();
        whole.push((index, Values::interleaved(&parts)));
    }
    whole
}
