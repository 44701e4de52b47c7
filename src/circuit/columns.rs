//! The columns of a net's circuit.
//!
//! A row either weighs, and all its lanes are weights, or they hold what else is fixed about it:
//!
//! | lane | holds |
//! |---|---|
//! | 0, 1 | of a made byte, offset and scale of its rule; of a copy, what the value is short of its byte (its zero point in products of matrices), and a constant |
//! | 2 | of a public byte, the packing's factor; of a product, a zero point |
//! | 0 to 2 | of spills, 1 for the second, third and fourth if there is one |
//! | 3 | of a product, the other zero point; in nets without products, the first flag |
//! | from there on | flags, then moves of the maker and of the position |
//!
//! So a flag or a move means something only where [`Columns::cells`] is 1: gates multiply with it.

use super::average::AverageFlags;
use super::cursor::Cursor;
use super::graph::MOST_SPILLS;
use super::intervals::LENGTH_FACTOR;
use super::layout::{CURSORS, MAKER, POSITION, WEIGHER};
use super::shape::Shape;
use crate::circuit::{
    lookups,
    query::{Folder, Placed, here, one},
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
    /// How many columns share one, and so how many instances lie on a row.
    pub fold: usize,
    /// The look-up argument's.
    pub lookups: lookups::Columns,
    /// Monomials.
    pub cursors: [Cursor; CURSORS],
    /// What a value of the run contributes at position 0: the sum of its weights times their monomials.
    pub coefficient: Placed<Advice>,
    /// Made minus contributed, so far; on the rows of instances, what is left of them.
    pub balance: Placed<Advice>,
    /// Integers of any size, in the first phase.
    pub wide: Option<WideColumns>,
    /// What is left of the packed instances to be found among the bytes.
    pub packed: Placed<Advice>,

    /// 1 on rows whose lanes are weights.
    pub weighs: Placed<Fixed>,
    /// Lanes: weights, or constants and flags.
    pub weights: Vec<Placed<Fixed>>,
    /// Flags.
    pub flags: Flags,

    /// Point at which powers stand for channels.
    pub rho: Challenge,
    /// Points at which powers stand for positions.
    pub axes: [Challenge; 2],
    /// Point at which packed words are evaluated.
    pub tau: Challenge,
}

/// What a row is, in fixed cells of 0 and 1: in lanes, but for `starts`, which rows of weights have too.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// A byte by division.
    pub divides: Placed<Fixed>,
    /// A byte by interval.
    pub steps: Option<Placed<Fixed>>,
    /// A copy.
    pub reads: Option<Placed<Fixed>>,
    /// A byte of the input, where it is private.
    pub inputs: Option<Placed<Fixed>>,
    /// The copy or input contributes; made bytes always do, perhaps with coefficient 0.
    pub takes: Placed<Fixed>,
    /// The coefficient begins anew.
    pub starts: Placed<Fixed>,
    /// A public byte.
    pub packs: Placed<Fixed>,
    /// Last byte of its word; a packed instance, where no byte is.
    pub ends_word: Placed<Fixed>,
    /// For rows that go on from the row before.
    pub groups: Option<GroupFlags>,
    /// For products of elements.
    pub products: Option<ProductFlags>,
    /// A left factor of a product of matrices.
    pub loads: Option<Placed<Fixed>>,
    /// For float32 sums.
    pub averages: Option<AverageFlags>,
    /// Spills.
    pub spills: Option<Placed<Fixed>>,
}

/// Integers of any size.
#[derive(Clone, Copy, Debug)]
pub struct WideColumns {
    /// The integer.
    pub integer: Placed<Advice>,
    /// 1 on rows whose value it is.
    pub flag: Placed<Fixed>,
    /// It contributes.
    pub takes: Placed<Fixed>,
    /// 1 on rows that take off an integer that is at least 0.
    pub naturals: Placed<Fixed>,
}

/// Flags of rows that go on from the row before.
#[derive(Clone, Copy, Debug)]
pub struct GroupFlags {
    /// Holds what the row before held.
    pub holds: Placed<Fixed>,
    /// Holds the larger of a copy and the value before.
    pub larger: Option<Placed<Fixed>>,
}

/// Flags of products of elements.
#[derive(Clone, Copy, Debug)]
pub struct ProductFlags {
    /// Holds a copy and the value before.
    pub pairs: Placed<Fixed>,
    /// A byte by division of the product of a pair.
    pub multiplies: Placed<Fixed>,
    /// A byte by interval of the product of a pair.
    pub multiplies_in: Option<Placed<Fixed>>,
}

impl Columns {
    /// Allocates the columns of a shape.
    pub fn new(meta: &mut ConstraintSystem<Fr>, shape: &Shape) -> Self {
        let mut first = Folder::new(shape.fold, |meta| meta.advice_column_in(FirstPhase));
        let mut fixed = Folder::new(shape.fold, ConstraintSystem::fixed_column);
        let table_row = first.next(meta);
        let byte = first.next(meta);
        let limbs = (0..shape.limb_columns()).map(|_| first.next(meta)).collect();
        let steps = shape.steps.then(|| lookups::StepColumns {
            parts: [first.next(meta), first.next(meta)],
            factors: [1, LENGTH_FACTOR],
            table: fixed.next(meta),
            second_table: shape.averages.then(|| fixed.next(meta)),
        });
        let integer = shape.vectors.then(|| first.next(meta));
        let limb_uses = first.next(meta);
        let table_uses = first.next(meta);
        // A phase's columns must exist before its challenges.
        let [beta, gamma, rho, along, down, tau] =
            [(); 6].map(|()| meta.challenge_usable_after(FirstPhase));
        let mut second = Folder::new(shape.fold, |meta| meta.advice_column_in(SecondPhase));
        let sums = (0..shape.lookup_sums()).map(|_| second.next(meta)).collect();
        let monomials = [(); CURSORS].map(|()| second.next(meta));
        // By itself: it is 0 on the rows of all other columns that share one, where no gate applies.
        let active = Placed::alone(meta.fixed_column(), shape.fold);
        let weighs = Placed::alone(meta.fixed_column(), shape.fold);
        let weights: Vec<_> = (0..shape.lanes).map(|_| fixed.next(meta)).collect();
        let starts = fixed.next(meta);
        let mut free = weights.iter().copied().skip(shape.constants());
        let mut flag = || free.next().expect("a shape has a lane for each of its flags");
        let flags = Flags {
            divides: flag(),
            steps: shape.steps.then(&mut flag),
            reads: shape.reads.then(&mut flag),
            inputs: shape.private_input.then(&mut flag),
            takes: flag(),
            starts,
            packs: flag(),
            ends_word: flag(),
            groups: shape
                .groups
                .then(|| GroupFlags { holds: flag(), larger: shape.larger.then(&mut flag) }),
            products: shape.products.then(|| ProductFlags {
                pairs: flag(),
                multiplies: flag(),
                multiplies_in: shape.steps.then(&mut flag),
            }),
            loads: shape.loads.then(&mut flag),
            averages: shape.averages.then(|| AverageFlags { adds: flag(), goes_on: flag() }),
            spills: shape.spills.then(&mut flag),
        };
        let wide = integer.map(|integer| WideColumns {
            integer,
            flag: flag(),
            takes: flag(),
            naturals: flag(),
        });
        let cursors = [WEIGHER, MAKER, POSITION].map(|cursor| {
            let moves = 0..shape.menus[cursor].columns();
            let moves = match cursor {
                WEIGHER => moves.map(|_| fixed.next(meta)).collect(),
                _ => moves.map(|_| flag()).collect(),
            };
            Cursor { column: monomials[cursor], moves }
        });
        let (index, table) = (fixed.next(meta), fixed.next(meta));
        Self {
            instance: meta.instance_column(),
            fold: shape.fold,
            cursors,
            coefficient: second.next(meta),
            balance: second.next(meta),
            wide,
            packed: second.next(meta),
            lookups: lookups::Columns {
                active,
                index,
                table,
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
            weighs,
            weights,
            flags,
            rho,
            axes: [along, down],
            tau,
        }
    }

    /// ρ, s₁ and s₂.
    pub fn points(&self) -> [Expression<Fr>; 3] {
        [self.rho.expr(), self.axes[0].expr(), self.axes[1].expr()]
    }

    /// 1 on rows of the table that do not weigh: where the flags in lanes are flags. Both columns are by
    /// themselves, so that it is 0 on the rows of columns that share one.
    pub fn cells(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        here(meta, self.lookups.active) - here(meta, self.weighs)
    }

    /// 1 on rows that make a byte.
    pub fn makes(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let products =
            self.flags.products.map(|flags| [Some(flags.multiplies), flags.multiplies_in]);
        let others = [self.flags.steps].into_iter().chain(products.into_iter().flatten());
        let divides = here(meta, self.flags.divides);
        others.flatten().fold(divides, |sum, flag| sum + here(meta, flag))
    }

    /// 1 on rows that make a byte by interval.
    pub fn in_intervals(&self, meta: &mut VirtualCells<'_, Fr>) -> Option<Expression<Fr>> {
        let flags = [self.flags.steps, self.flags.products.and_then(|flags| flags.multiplies_in)];
        let flags = flags.into_iter().flatten().map(|flag| here(meta, flag));
        flags.reduce(|sum, flag| sum + flag)
    }

    /// 1 on rows that take a packed instance.
    pub fn words(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        here(meta, self.flags.ends_word) * (one() - here(meta, self.flags.packs))
    }

    /// 1 on rows of input bytes: public ones that are neither made nor copied, or private ones.
    pub fn inputs(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        match self.flags.inputs {
            Some(inputs) => here(meta, inputs),
            None => {
                let reads = self.flags.reads.map(|reads| here(meta, reads));
                let others = reads.into_iter().fold(self.makes(meta), |sum, flag| sum + flag);
                here(meta, self.flags.packs) * (one() - others)
            }
        }
    }

    /// The cells of spills, on rows that take some.
    pub fn spills(&self) -> [Placed<Advice>; MOST_SPILLS] {
        let lookups = &self.lookups;
        [lookups.limbs[0], lookups.limbs[1], lookups.table_row, lookups.byte]
    }

    /// 1 on rows that look limbs up and read the table: all but those of spills, which are any integers.
    pub fn looks_up(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        match self.flags.spills {
            Some(spills) => one() - self.cells(meta) * here(meta, spills),
            None => one(),
        }
    }

    /// The copy or input of a row: its first limb minus the first lane.
    pub fn copy(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        here(meta, self.lookups.limbs[0]) - here(meta, self.weights[0])
    }

    /// The value of a row: the byte that it makes, or else its copy.
    pub fn value(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let (byte, copy) = (here(meta, self.lookups.byte), self.copy(meta));
        copy.clone() + self.makes(meta) * (byte - copy)
    }

    /// What a row holds: its first limb, or an integer of any size.
    pub fn held(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let limb = here(meta, self.lookups.limbs[0]);
        match self.wide {
            Some(WideColumns { integer, flag, .. }) => {
                limb.clone() + here(meta, flag) * (here(meta, integer) - limb)
            }
            None => limb,
        }
    }
}
