//! The columns of a net's circuit.
//!
//! On rows of made bytes, the first two lanes of weights are fixed cells of the row's rule; on public bytes
//! the third holds the packing's factor; on rows that copy, the first is what the value is short of its
//! byte (its zero point in products of matrices), the second a constant.

use super::average::AverageFlags;
use super::cursor::Cursor;
use super::intervals::LENGTH_FACTOR;
use super::layout::{CURSORS, MAKER, POSITION, WEIGHER};
use super::plan::Shape;
use crate::circuit::{
    lookups,
    query::here,
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance,
        SecondPhase, VirtualCells,
    },
};

/// All columns and challenges of a net's circuit.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Public values: the context, then packed words.
    pub instance: Column<Instance>,
    /// The look-up argument's.
    pub lookups: lookups::Columns,
    /// Monomials.
    pub cursors: [Cursor; CURSORS],
    /// What a value of the run contributes at position 0: the sum of its weights times their monomials.
    pub coefficient: Column<Advice>,
    /// Made minus contributed, so far; on the rows of instances, what is left of them.
    pub balance: Column<Advice>,
    /// What is left of the packed instances to be found among the bytes.
    pub packed: Column<Advice>,

    /// Weights and other constants.
    pub weights: Vec<Column<Fixed>>,
    /// Flags.
    pub flags: Flags,

    /// Point at which powers stand for channels.
    pub rho: Challenge,
    /// Points at which powers stand for positions.
    pub axes: [Challenge; 2],
    /// Point at which packed words are evaluated.
    pub tau: Challenge,
}

/// What a row is, in fixed columns of 0 and 1.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// A byte by division.
    pub divides: Column<Fixed>,
    /// A byte by interval.
    pub steps: Option<Column<Fixed>>,
    /// A copy.
    pub reads: Column<Fixed>,
    /// A byte of the input.
    pub inputs: Column<Fixed>,
    /// A packed instance.
    pub words: Column<Fixed>,
    /// The value contributes.
    pub takes: Column<Fixed>,
    /// The weights count.
    pub weighs: Column<Fixed>,
    /// The coefficient begins anew.
    pub starts: Column<Fixed>,
    /// A public byte.
    pub packs: Column<Fixed>,
    /// Last byte of its word.
    pub ends_word: Column<Fixed>,
    /// For rows that go on from the row before.
    pub groups: Option<GroupFlags>,
    /// For products of elements.
    pub products: Option<ProductFlags>,
    /// A left factor of a product of matrices.
    pub loads: Option<Column<Fixed>>,
    /// For float32 sums.
    pub averages: Option<AverageFlags>,
}

/// Flags of rows that go on from the row before.
#[derive(Clone, Copy, Debug)]
pub struct GroupFlags {
    /// Holds what the row before held.
    pub holds: Column<Fixed>,
    /// Holds the larger of a copy and the value before.
    pub larger: Column<Fixed>,
}

/// Flags of products of elements.
#[derive(Clone, Copy, Debug)]
pub struct ProductFlags {
    /// Holds a copy and the value before.
    pub pairs: Column<Fixed>,
    /// Divides the product of a pair.
    pub multiplies: Column<Fixed>,
}

impl Columns {
    /// Allocates the columns of a shape.
    pub fn new(meta: &mut ConstraintSystem<Fr>, shape: &Shape) -> Self {
        let first = |meta: &mut ConstraintSystem<Fr>| meta.advice_column_in(FirstPhase);
        let table_row = first(meta);
        let byte = first(meta);
        let limbs = (0..shape.limb_columns()).map(|_| first(meta)).collect();
        let steps = shape.steps.then(|| lookups::StepColumns {
            parts: [first(meta), first(meta)],
            factors: [1, LENGTH_FACTOR],
            table: meta.fixed_column(),
            second_table: shape.averages.then(|| meta.fixed_column()),
        });
        let limb_uses = first(meta);
        let table_uses = first(meta);
        // A phase's columns must exist before its challenges.
        let [beta, gamma, rho, along, down, tau] =
            [(); 6].map(|()| meta.challenge_usable_after(FirstPhase));
        let second = |meta: &mut ConstraintSystem<Fr>| meta.advice_column_in(SecondPhase);
        let fixed = |meta: &mut ConstraintSystem<Fr>| meta.fixed_column();
        let sums = (0..shape.lookup_sums()).map(|_| second(meta)).collect();
        let cursors = [WEIGHER, MAKER, POSITION].map(|cursor| Cursor {
            column: second(meta),
            moves: (0..shape.menus[cursor].columns()).map(|_| fixed(meta)).collect(),
        });
        Self {
            instance: meta.instance_column(),
            cursors,
            coefficient: second(meta),
            balance: second(meta),
            packed: second(meta),
            lookups: lookups::Columns {
                active: fixed(meta),
                index: fixed(meta),
                table: fixed(meta),
                table_row,
                byte,
                limbs,
                steps,
                limb_uses,
                table_uses,
                sums,
                beta,
                gamma,
            },
            weights: (0..shape.lanes).map(|_| fixed(meta)).collect(),
            flags: Flags {
                divides: fixed(meta),
                steps: shape.steps.then(|| fixed(meta)),
                reads: fixed(meta),
                inputs: fixed(meta),
                words: fixed(meta),
                takes: fixed(meta),
                weighs: fixed(meta),
                starts: fixed(meta),
                packs: fixed(meta),
                ends_word: fixed(meta),
                groups: shape
                    .groups
                    .then(|| GroupFlags { holds: fixed(meta), larger: fixed(meta) }),
                products: shape
                    .products
                    .then(|| ProductFlags { pairs: fixed(meta), multiplies: fixed(meta) }),
                loads: shape.loads.then(|| fixed(meta)),
                averages: shape
                    .averages
                    .then(|| AverageFlags { adds: fixed(meta), goes_on: fixed(meta) }),
            },
            rho,
            axes: [along, down],
            tau,
        }
    }

    /// ρ, s₁ and s₂.
    pub fn points(&self) -> [Expression<Fr>; 3] {
        [self.rho.expr(), self.axes[0].expr(), self.axes[1].expr()]
    }

    /// 1 on rows that make a byte.
    pub fn makes(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let divides = here(meta, self.flags.divides);
        match self.flags.steps {
            Some(steps) => divides + here(meta, steps),
            None => divides,
        }
    }

    /// The value of a row: the byte that it makes, or else its first limb minus the first lane.
    pub fn value(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let makes = self.makes(meta);
        let byte = here(meta, self.lookups.byte);
        let copy = here(meta, self.lookups.limbs[0]) - here(meta, self.weights[0]);
        copy.clone() + makes * (byte - copy)
    }
}
