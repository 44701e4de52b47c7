//! Limbs are row indices, bytes are read from the table: a logarithmic-derivative argument as gates.
//!
//! With every look-up and table entry folded into one element,
//!
//! ```text
//! limb:   z                       in   index
//! read:   u + γ·byte + γ²         in   index + γ·table + γ²            (+ γ³·step with step tables,
//!                                                                 + γ⁴·part if its parts are read apart)
//! ```
//!
//! the multiset of look-ups is contained in the table if, and except with probability about
//! (rows · terms) / 2^254 over β and γ only if,
//!
//! ```text
//! Σ 1/(β + look-up)  =  Σ uses/(β + entry)
//! ```
//!
//! summed over all active rows that look up: `looks_up` is 1 on them and 0 where their cells hold something
//! else. It is fixed, so no prover chooses. γ² keeps limbs and reads apart. Running sums go along the rows, up to
//! three terms per column, from 0 before the first active row to 0 on the last:
//!
//! | row | sum₀ | sum₁ |
//! |-----|------|------|
//! | i−1 | | s |
//! | i | s + three terms | s + six terms |
//!
//! The sums are second-phase columns: β and γ are drawn after all look-ups and uses are committed.

use super::query::{Placed, before, here};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::BatchInvert},
    plonk::{Advice, Challenge, ConstraintSystem, Constraints, Expression, Fixed, VirtualCells},
};

/// The columns of the argument.
#[derive(Clone, Debug)]
pub struct Columns {
    /// The table's rows.
    pub active: Placed<Fixed>,
    /// 0 to N − 1, on active rows.
    pub index: Placed<Fixed>,
    /// The table's values.
    pub table: Placed<Fixed>,
    /// Row of the table that a value is read from.
    pub table_row: Placed<Advice>,
    /// The value read.
    pub byte: Placed<Advice>,
    /// Limbs, least first.
    pub limbs: Vec<Placed<Advice>>,
    /// Where values are read from step tables.
    pub steps: Option<StepColumns>,
    /// How often each row index was a limb.
    pub limb_uses: Placed<Advice>,
    /// How often each row of the table was read.
    pub table_uses: Placed<Advice>,
    /// Running sums, in the second phase.
    pub sums: Vec<Placed<Advice>>,
    /// Separates table entries.
    pub beta: Challenge,
    /// Folds a table entry into one element.
    pub gamma: Challenge,
}

/// The columns that step tables add: a second value read with each byte, in two parts.
#[derive(Clone, Copy, Debug)]
pub struct StepColumns {
    /// The parts.
    pub parts: [Placed<Advice>; 2],
    /// What the parts are multiplied with to make the value.
    pub factors: [u64; 2],
    /// The value on each row of the table.
    pub table: Placed<Fixed>,
    /// The second part on each row of the table, if the parts are read as two values: then the value above
    /// is the first part, and there are no factors.
    pub second_table: Option<Placed<Fixed>>,
}

impl Columns {
    /// 1 just after the last active row and −1 on the first: boundaries are conditions on the row
    /// before.
    pub fn edge(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        before(meta, self.active) - here(meta, self.active)
    }
}

/// Terms per column of running sums: the selector, the sum and three denominators are degree 5, and so are the
/// selector, `looks_up`, which may be of degree 2, and two denominators.
pub const TERMS_PER_SUM: usize = 3;

/// Columns of running sums for a number of limbs: each limb, one read, and the two tables.
pub fn sum_columns(limbs: usize) -> usize {
    (limbs + 3).div_ceil(TERMS_PER_SUM)
}

/// `numerator / (β + folded)`.
pub struct Term<T> {
    /// 1 for a look-up, 0 for none, minus the uses for a table entry.
    pub numerator: T,
    /// The folded look-up or entry.
    pub folded: T,
}

/// All terms of a row from its cells, in the order in which sums take them. The gates and the witness
/// both go through here.
pub struct Cells<T> {
    /// 1 if the row looks its limbs up and reads the table, 0 if not.
    pub looks_up: T,
    /// The limbs.
    pub limbs: Vec<T>,
    /// The row of the table read.
    pub table_row: T,
    /// The byte read.
    pub byte: T,
    /// With step tables, 2·threshold + above as read.
    pub step: Option<T>,
    /// Uses of the row's index as a limb.
    pub limb_uses: T,
    /// Uses of the row's table entry.
    pub table_uses: T,
    /// The row's index.
    pub index: T,
    /// The row's byte in the table.
    pub table: T,
    /// With step tables, 2·threshold + parity in the table.
    pub table_step: Option<T>,
}

impl<T> Cells<T>
where
    T: Clone + std::ops::Add<Output = T> + std::ops::Mul<Output = T> + std::ops::Neg<Output = T>,
{
    /// The row's terms.
    pub fn terms(self, one: &T, gamma: &T) -> Vec<Term<T>> {
        let read = |row: T, byte: T, step: Option<T>| {
            let tag = match step {
                Some(step) => gamma.clone() * (one.clone() + gamma.clone() * step),
                None => gamma.clone(),
            };
            row + gamma.clone() * (byte + tag)
        };
        let mut terms: Vec<_> = (self.limbs.into_iter())
            .map(|limb| Term { numerator: self.looks_up.clone(), folded: limb })
            .collect();
        terms.push(Term {
            numerator: self.looks_up,
            folded: read(self.table_row, self.byte, self.step),
        });
        terms.push(Term { numerator: -self.limb_uses, folded: self.index.clone() });
        let entry = read(self.index, self.table, self.table_step);
        terms.push(Term { numerator: -self.table_uses, folded: entry });
        terms
    }
}

/// The columns of running sums: 0 on row 0, then what the rows' terms come to.
pub fn running_sums(
    rows: impl ExactSizeIterator<Item = Cells<Fr>>,
    beta: Fr,
    gamma: Fr,
) -> Vec<Vec<Fr>> {
    let length = rows.len() + 1;
    let terms: Vec<Term<Fr>> = rows.flat_map(|cells| cells.terms(&Fr::one(), &gamma)).collect();
    // A zero denominator has probability rows/2^254; the proof then fails and is made again.
    let mut fractions: Vec<Fr> = terms.iter().map(|term| beta + term.folded).collect();
    fractions.iter_mut().batch_invert();
    for (fraction, term) in fractions.iter_mut().zip(terms) {
        *fraction *= term.numerator;
    }
    let per_row = fractions.len() / (length - 1).max(1);
    let mut sums = vec![vec![Fr::zero(); length]; per_row.div_ceil(TERMS_PER_SUM)];
    let mut sum = Fr::zero();
    for (row, fractions) in fractions.chunks(per_row.max(1)).enumerate() {
        for (column, fractions) in sums.iter_mut().zip(fractions.chunks(TERMS_PER_SUM)) {
            sum += fractions.iter().sum::<Fr>();
            column[row + 1] = sum;
        }
    }
    sums
}

/// Adds the argument's gates; `looks_up` is a fixed 1 on rows that look up.
pub fn configure(
    meta: &mut ConstraintSystem<Fr>,
    columns: &Columns,
    looks_up: impl Fn(&mut VirtualCells<'_, Fr>) -> Expression<Fr>,
) {
    meta.create_gate("look-ups", |meta| {
        let active = here(meta, columns.active);
        let looks_up = looks_up(meta);
        let terms = terms(meta, columns, looks_up);
        let last = *columns.sums.last().expect("there is a limb to look up");
        let mut sum = before(meta, last);
        let mut steps = Vec::new();
        for (terms, &column) in terms.chunks(TERMS_PER_SUM).zip(&columns.sums) {
            let next = here(meta, column);
            steps.push(step(next.clone() - sum, terms, columns));
            sum = next;
        }
        Constraints::with_selector(
            active,
            steps.into_iter().map(|step| ("the sum grows by the row's look-ups", step)),
        )
    });

    meta.create_gate("look-ups add up", |meta| {
        let edge = columns.edge(meta);
        let last = *columns.sums.last().expect("there is a limb to look up");
        let sum = before(meta, last);
        Constraints::with_selector(edge, [("every look-up is a table entry", sum)])
    });
}

fn terms(
    meta: &mut VirtualCells<'_, Fr>,
    columns: &Columns,
    looks_up: Expression<Fr>,
) -> Vec<Term<Expression<Fr>>> {
    let cells = Cells {
        looks_up,
        limbs: columns.limbs.iter().map(|&limb| here(meta, limb)).collect(),
        table_row: here(meta, columns.table_row),
        byte: here(meta, columns.byte),
        step: columns.steps.map(|steps| {
            let [first, second] = steps.parts.map(|part| here(meta, part));
            if steps.second_table.is_some() {
                return first + second * columns.gamma.expr();
            }
            let [first_factor, second_factor] = steps.factors.map(Fr::from);
            first * first_factor + second * second_factor
        }),
        limb_uses: here(meta, columns.limb_uses),
        table_uses: here(meta, columns.table_uses),
        index: here(meta, columns.index),
        table: here(meta, columns.table),
        table_step: columns.steps.map(|steps| match steps.second_table {
            Some(second) => here(meta, steps.table) + here(meta, second) * columns.gamma.expr(),
            None => here(meta, steps.table),
        }),
    };
    cells.terms(&Expression::Constant(Fr::one()), &columns.gamma.expr())
}

/// `growth = Σ numerator/(β + folded)`, multiplied by all denominators.
fn step(
    growth: Expression<Fr>,
    terms: &[Term<Expression<Fr>>],
    columns: &Columns,
) -> Expression<Fr> {
    let denominator = |term: &Term<Expression<Fr>>| columns.beta.expr() + term.folded.clone();
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
