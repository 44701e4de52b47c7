//! Limbs are row indices, bytes are read from the table: a logarithmic-derivative argument as gates.
//!
//! With every look-up and table entry folded into one element,
//!
//! ```text
//! limb:   z                       in   index
//! read:   u + γ·byte + γ²         in   index + γ·table + γ²            (+ γ³·(start + 2^40·length) with intervals,
//!                                                                  + γ³·start + γ⁴·length with float32 sums)
//! ```
//!
//! Values abreast of a row's first look theirs up as it does.
//!
//! Committed weights are looked up in a table of all that they may be. Rows that weigh have no limbs, and others no such weights: as
//! many lanes as there are limbs share their look-ups, which a fixed flag says of what they are. Further lanes are looked up on every
//! row:
//!
//! ```text
//! weight: w + γ⁵                  in   −128 + γ⁵ … 127 + γ⁵
//! both:   limb + w + weighs·γ⁵    in   index, or that, with limb·w = 0
//! ```
//!
//! So one of both is 0 and the other is what is looked up: where a row does not weigh, its limb is an index (perhaps 0), and where
//! it does its weight is one that may be (perhaps 0, which is one). A limb on a row that weighs, and a weight on one that does not,
//! is asked for nothing else, whatever it is.
//!
//! The multiset of look-ups is contained in the table if, and except with probability about
//! (rows · terms) / 2^254 over β and γ only if,
//!
//! ```text
//! Σ 1/(β + look-up)  =  Σ uses/(β + entry)
//! ```
//!
//! summed over all active rows that look up: `looks_up` is 1 on them and 0 where their cells hold something
//! else. It is fixed, so no prover chooses. γ² keeps limbs and reads apart, and γ⁵ weights from both. Running sums go along the rows, up to
//! three terms per column, from 0 before the first active row to 0 on the last:
//!
//! | row | sum₀ | sum₁ |
//! |-----|------|------|
//! | i−1 | | s |
//! | i | s + three terms | s + six terms |
//!
//! The sums are second-phase columns: β and γ are drawn after all look-ups and uses are committed.

use super::{
    gate::{GateRow, Gates, selected},
    row::{Ring, Row},
};
use crate::circuit::{
    columns::{Cell, Point},
    layout::moves::power,
    parallel,
    shape::{Flag, TERMS_PER_SUM},
    table::intervals::LENGTH_FACTOR,
};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::BatchInvert},
    plonk::Expression,
};
use std::ops::Range;

/// `numerator / (β + folded)`.
pub struct Term<T> {
    /// 1 for a look-up, 0 for none, minus the uses for a table entry.
    pub numerator: T,
    /// The folded look-up or entry.
    pub folded: T,
}

/// The terms of a row, in the order in which sums take them: of each value its limbs, committed weights beside them, and what it
/// reads; the two tables; then further committed weights, and their table.
pub fn terms<R: Row>(row: &mut R) -> Vec<Term<R::Value>> {
    let gamma = row.point(Point::Gamma);
    // Rows of border cells look nothing up: their cells are any elements of the field, whichever value's they are.
    let looks_up = if row.shape().border_cells {
        let cells = row.cells();
        let border = row.flag(Flag::Border);
        border.map_or_else(R::Value::one, |border| R::Value::one() - cells * border)
    } else {
        R::Value::one()
    };
    let tag = power(&gamma, 5);
    let shared = row.shape().lanes_beside_limbs();
    let limbs = row.shape().limb_columns();
    let mut terms = Vec::new();
    for value in 0..row.shape().abreast {
        let mut of_value = looked_up(&mut row.abreast(value), &gamma);
        for (limb, lane) in of_value[..limbs].iter_mut().zip(value * limbs..shared) {
            *limb = limb.clone() + row.here(Cell::CommittedWeight(lane));
            if let Some(weighs) = row.flag(Flag::Weighs) {
                *limb = limb.clone() + weighs * tag.clone();
            }
        }
        let of_value = of_value.into_iter();
        terms.extend(of_value.map(|folded| Term { numerator: looks_up.clone(), folded }));
    }
    let [limb_uses, table_uses] = [Cell::LimbUses, Cell::TableUses].map(|cell| row.here(cell));
    let [index, table] = [Cell::Index, Cell::Table].map(|cell| row.here(cell));
    let step = row.shape().intervals.then(|| {
        let start = row.here(Cell::TableStart);
        if row.shape().averages {
            start + row.here(Cell::TableLength) * gamma.clone()
        } else {
            start
        }
    });
    terms.push(Term { numerator: -limb_uses, folded: index.clone() });
    terms.push(Term { numerator: -table_uses, folded: folded(&gamma, index, table, step) });
    if row.shape().commits_weights() {
        for lane in shared..row.shape().weight_lanes {
            let folded = row.here(Cell::CommittedWeight(lane)) + tag.clone();
            terms.push(Term { numerator: R::Value::one(), folded });
        }
        let uses = row.here(Cell::WeightUses);
        let folded = row.here(Cell::WeightTable) + tag;
        terms.push(Term { numerator: -uses, folded });
    }
    terms
}

/// What a value looks up: its limbs, and what it reads.
fn looked_up<R: Row>(row: &mut R, gamma: &R::Value) -> Vec<R::Value> {
    let limbs = 0..row.shape().limb_columns();
    let mut looked_up: Vec<_> = limbs.map(|limb| row.here(Cell::Limb(limb))).collect();
    let [table_row, byte] = [Cell::TableRow, Cell::Byte].map(|cell| row.here(cell));
    let step = row.shape().intervals.then(|| {
        let (start, length) = (row.here(Cell::Start), row.here(Cell::Length));
        let factor = if row.shape().averages {
            gamma.clone()
        } else {
            R::Value::constant(Fr::from(LENGTH_FACTOR))
        };
        start + length * factor
    });
    looked_up.push(folded(gamma, table_row, byte, step));
    looked_up
}

/// A row of the table with what it holds, as one element.
fn folded<T: Ring>(gamma: &T, row: T, byte: T, step: Option<T>) -> T {
    let tag = match step {
        Some(step) => gamma.clone() * (T::one() + gamma.clone() * step),
        None => gamma.clone(),
    };
    row + gamma.clone() * (byte + tag)
}

/// The columns of running sums: 0 on row 0, then what the rows' terms come to.
pub fn running_sums<R: Row<Value = Fr>>(
    length: usize,
    row: impl Fn(usize) -> R + Sync,
    beta: Fr,
) -> Vec<Vec<Fr>> {
    // Of some rows, with nothing before them.
    let sums_of = |rows: Range<usize>| {
        let count = rows.len();
        let terms: Vec<Term<Fr>> = rows.flat_map(|at| terms(&mut row(at))).collect();
        // A zero denominator has probability rows/2^254; the proof then fails and is made again.
        let mut fractions: Vec<Fr> = terms.iter().map(|term| beta + term.folded).collect();
        fractions.iter_mut().batch_invert();
        for (fraction, term) in fractions.iter_mut().zip(terms) {
            *fraction *= term.numerator;
        }
        let per_row = fractions.len() / count;
        let mut sums = vec![Vec::with_capacity(count); per_row.div_ceil(TERMS_PER_SUM)];
        let mut sum = Fr::zero();
        for fractions in fractions.chunks(per_row) {
            for (column, fractions) in sums.iter_mut().zip(fractions.chunks(TERMS_PER_SUM)) {
                sum += fractions.iter().sum::<Fr>();
                column.push(sum);
            }
        }
        sums
    };
    let parts = parallel::parts(1..length, sums_of);
    let mut sums = vec![vec![Fr::zero()]; parts.first().map_or(0, Vec::len)];
    for part in parts {
        let before = sums.last().and_then(|sums| sums.last()).copied().unwrap_or(Fr::zero());
        for (column, sums) in sums.iter_mut().zip(part) {
            column.extend(sums.into_iter().map(|sum| before + sum));
        }
    }
    sums
}

/// Adds the argument's gates.
pub fn configure(gates: &mut Gates<'_>) {
    gates.add("look-ups", |row| {
        let active = row.here(Cell::Active);
        let terms = terms(row);
        let sums = row.columns.lookups.sums.len();
        let mut sum = row.before(Cell::LookupSum(sums - 1));
        let mut steps = Vec::new();
        for (terms, column) in terms.chunks(TERMS_PER_SUM).zip(0..sums) {
            let next = row.here(Cell::LookupSum(column));
            let step = step(next.clone() - sum, terms, row);
            steps.push(("the sum grows by the row's look-ups", step));
            sum = next;
        }
        selected(&active, steps)
    });

    if gates.lanes_beside_limbs() > 0 {
        gates.add("limbs and weights", |row| {
            let (active, limbs) = (row.here(Cell::Active), row.shape.limb_columns());
            let lanes = 0..row.shape.lanes_beside_limbs();
            let both = |lane: usize| {
                let weight = row.here(Cell::CommittedWeight(lane));
                let limb = row.here(Cell::Limb(lane % limbs).of_value(lane / limbs));
                ("a row has no weight beside a limb", limb * weight)
            };
            let both: Vec<_> = lanes.map(both).collect();
            selected(&active, both)
        });
    }

    gates.add("look-ups add up", |row| {
        // 1 just behind the table and −1 on its first row: boundaries are conditions on the row before.
        let edge = row.before(Cell::Active) - row.here(Cell::Active);
        let last = row.columns.lookups.sums.len() - 1;
        let sum = row.before(Cell::LookupSum(last));
        selected(&edge, [("every look-up is a table entry", sum)])
    });
}

/// `growth = Σ numerator/(β + folded)`, multiplied by all denominators.
fn step(
    growth: Expression<Fr>,
    terms: &[Term<Expression<Fr>>],
    row: &GateRow<'_, '_>,
) -> Expression<Fr> {
    let denominator = |term: &Term<Expression<Fr>>| row.point(Point::Beta) + term.folded.clone();
    let product = |skipped: Option<usize>| {
        (terms.iter().enumerate())
            .filter(|&(index, _)| Some(index) != skipped)
            .map(|(_, term)| denominator(term))
            .reduce(|product, factor| product * factor)
    };
    let all = product(None).expect("chunks are not empty");
    let fractions = terms.iter().enumerate().map(|(index, term)| {
        match (product(Some(index)), &term.numerator) {
            (Some(others), Expression::Constant(one)) if *one == Fr::one() => others,
            (Some(others), numerator) => numerator.clone() * others,
            (None, numerator) => numerator.clone(),
        }
    });
    let sum = fractions.reduce(|sum, fraction| sum + fraction).expect("chunks are not empty");
    growth * all - sum
}

#[cfg(test)]
mod tests;
