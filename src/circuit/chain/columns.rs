//! The circuit's columns, and how fixed flags tell what a row is.
//!
//! | row | takes | makes | marks | ends_block |
//! |---|---|---|---|---|
//! | weights, or idle | 0 | 0 | 0 | 0 |
//! | instance word | 0 | 0 | 1 | 0 |
//! | input byte | 1 | 0 | 1 if it ends its word | 1 if it ends the block |
//! | byte made and taken by layers | 1 | 1 | 0 | 1 if it ends the block |
//! | byte made by the last layer | 0 | 1 | 1 if it ends its word | 1 if it ends the block |
//! | before the first | 1 | 1 | 0 | 0 |
//!
//! The last kind, outside `active`, makes the first segment begin anew; no gate without `active` applies
//! to a row that takes and makes.
//!
//! `active` is 1 on the table's rows, from row 1 on. Rows before and after it carry boundaries.

use super::plan::Shape;
use crate::circuit::{lookups, query::here};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance,
        SecondPhase, VirtualCells,
    },
};

/// All columns and challenges of a model's circuit.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Public values: the context, then packed words.
    pub instance: Column<Instance>,

    /// Row of the table that a byte is read from.
    pub table_row: Column<Advice>,
    /// The byte read.
    pub byte: Column<Advice>,
    /// Limbs of the remainder, least first. An input byte lies in the first.
    pub limbs: Vec<Column<Advice>>,
    /// Where outputs are read from step tables.
    pub steps: Option<lookups::StepColumns>,
    /// How often each row index was a limb.
    pub limb_uses: Column<Advice>,
    /// How often each row of the table was read.
    pub table_uses: Column<Advice>,

    /// Running sums of the look-up argument, after the first challenges.
    pub lookup_sums: Vec<Column<Advice>>,
    /// Horner sum of the weights of one input.
    pub segment: Column<Advice>,
    /// Sum of inputs times their segments.
    pub products: Column<Advice>,
    /// What is left of the products to be made by the next block.
    pub owed: Column<Advice>,
    /// What is left of the packed instances to be found among the bytes.
    pub packed: Column<Advice>,

    /// 0 to N − 1, on active rows.
    pub index: Column<Fixed>,
    /// The activations' bytes.
    pub table: Column<Fixed>,
    /// Weights; on a value's row, the first holds its layer's offset or its packing multiplier.
    pub weights: Vec<Column<Fixed>>,
    /// The table's rows.
    pub active: Column<Fixed>,
    /// The row's value is taken by the next layer.
    pub takes: Column<Fixed>,
    /// The row's value is made by the layer before.
    pub makes: Column<Fixed>,
    /// Ends a packed word, or is an instance word.
    pub marks: Column<Fixed>,
    /// Last row of a block.
    pub ends_block: Column<Fixed>,

    /// Separates table entries.
    pub beta: Challenge,
    /// Folds a table entry into one element.
    pub gamma: Challenge,
    /// Point at which outputs of a layer are evaluated.
    pub rho: Challenge,
    /// Point at which packed words are evaluated.
    pub tau: Challenge,
}

impl Columns {
    /// Allocates the columns of a shape.
    pub fn new(meta: &mut ConstraintSystem<Fr>, shape: Shape) -> Self {
        let first = |meta: &mut ConstraintSystem<Fr>| meta.advice_column_in(FirstPhase);
        let table_row = first(meta);
        let byte = first(meta);
        let limbs = (0..shape.limbs).map(|_| first(meta)).collect();
        let steps = shape.steps.then(|| lookups::StepColumns {
            parts: [first(meta).into(), first(meta).into()],
            factors: [2, 1],
            table: meta.fixed_column().into(),
            second_table: None,
        });
        let limb_uses = first(meta);
        let table_uses = first(meta);
        // A phase's columns must exist before its challenges.
        let [beta, gamma, rho, tau] = [(); 4].map(|()| meta.challenge_usable_after(FirstPhase));
        let second = |meta: &mut ConstraintSystem<Fr>| meta.advice_column_in(SecondPhase);
        Self {
            instance: meta.instance_column(),
            table_row,
            byte,
            limbs,
            steps,
            limb_uses,
            table_uses,
            lookup_sums: (0..shape.lookup_sums()).map(|_| second(meta)).collect(),
            segment: second(meta),
            products: second(meta),
            owed: second(meta),
            packed: second(meta),
            index: meta.fixed_column(),
            table: meta.fixed_column(),
            weights: (0..shape.lanes).map(|_| meta.fixed_column()).collect(),
            active: meta.fixed_column(),
            takes: meta.fixed_column(),
            makes: meta.fixed_column(),
            marks: meta.fixed_column(),
            ends_block: meta.fixed_column(),
            beta,
            gamma,
            rho,
            tau,
        }
    }

    /// 1 just after the last active row and −1 on the first: boundaries are conditions on the row
    /// before.
    pub fn edge(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        self.lookups().edge(meta)
    }

    /// The columns of the look-up argument.
    pub fn lookups(&self) -> lookups::Columns {
        lookups::Columns {
            active: self.active.into(),
            index: self.index.into(),
            table: self.table.into(),
            table_row: self.table_row.into(),
            byte: self.byte.into(),
            limbs: self.limbs.iter().map(|&limb| limb.into()).collect(),
            steps: self.steps,
            limb_uses: self.limb_uses.into(),
            table_uses: self.table_uses.into(),
            sums: self.lookup_sums.iter().map(|&sum| sum.into()).collect(),
            beta: self.beta,
            gamma: self.gamma,
        }
    }

    /// The value of a row: the byte that a layer made, or the input byte in the first limb.
    pub fn value(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let makes = here(meta, self.makes);
        let (byte, input) = (here(meta, self.byte), here(meta, self.limbs[0]));
        input.clone() + makes * (byte - input)
    }
}
