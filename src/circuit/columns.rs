//! The columns of a circuit, and the names of its cells.
//!
//! A row either weighs, and all its lanes are weights, or they hold what else is fixed about it: first
//! [`Constant`]s, then [`Flag`]s, then moves of the output monomial and of the position. So these mean something only where
//! [`Columns::cells`] is 1: gates multiply with it.

mod hash;

pub use hash::{HashCell, HashColumns};

use super::BYTES_PER_WORD;
use super::field::byte_power;
use super::hashes::FLAGS;
use super::layout::moves::{CURSORS, OUTPUT, POSITION, WEIGHT};
use super::poseidon::Fields;
use super::query::{Folder, Placed, Query, here};
use super::shape::{Flag, Flags, Home, Shape};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{
        Advice, Challenge, Column, ConstraintSystem, Expression, FirstPhase, Fixed, Instance,
        SecondPhase, VirtualCells,
    },
    poly::Rotation,
};

/// A cell of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Row of the table that a byte is read from.
    TableRow,
    /// The byte read.
    Byte,
    /// A limb, least first; what is held, if it is no integer of any size.
    Limb(usize),
    /// What another value of the row than the first reads, by its number.
    Abreast(usize, Part),
    /// The start that is read with a byte.
    Start,
    /// The length that is read with a byte, or the stride.
    Length,
    /// An integer of any size.
    Integer,
    /// A monomial.
    Cursor(usize),
    /// What a value of the run contributes at position 0: the sum of its weights times their monomials.
    Coefficient,
    /// Made minus contributed, so far; on the rows of instances, what is left of them.
    Balance,
    /// What is left of the packed instances to be found among the bytes.
    Packed,
    /// A word of a commitment, on rows of its link.
    Linked(usize),
    /// What is left of the commitment's words.
    LinkedSum(usize),
    /// How often the row's index was a limb.
    LimbUses,
    /// How often the row of the table was read.
    TableUses,
    /// How often the row's weight was one that is committed.
    WeightUses,
    /// A running sum of the look-up argument.
    LookupSum(usize),
    /// 1 on rows of the link's words.
    LinkRows(usize),
    /// 1 on rows of the table.
    Active,
    /// The row's number, from 0 on.
    Index,
    /// The table's value.
    Table,
    /// On the row of the table, start + 2^40·length; with float32 sums, the start.
    TableStart,
    /// With float32 sums, the length on the row of the table.
    TableLength,
    /// A weight that is known, on rows that weigh.
    Weight(usize),
    /// A weight that is committed, where they are scaled.
    CommittedWeight(usize),
    /// What committed weights are multiplied with on rows of them; 0 on others.
    WeightScale,
    /// On the first rows of the table, all that a committed weight can be.
    WeightTable,
    /// What else is fixed, on other rows.
    Constant(Constant),
    /// Of hashes.
    Hash(HashCell),
}

/// What each value of a row has to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// See [`Cell::TableRow`].
    TableRow,
    /// See [`Cell::Byte`].
    Byte,
    /// See [`Cell::Limb`].
    Limb(usize),
    /// See [`Cell::Start`].
    Start,
    /// See [`Cell::Length`].
    Length,
}

impl Cell {
    /// The same of a value of the row, by its number, where each has its own.
    pub fn of_value(self, value: usize) -> Self {
        let part = match self {
            Self::TableRow => Part::TableRow,
            Self::Byte => Part::Byte,
            Self::Limb(limb) => Part::Limb(limb),
            Self::Start => Part::Start,
            Self::Length => Part::Length,
            shared => return shared,
        };
        if value == 0 { self } else { Self::Abreast(value, part) }
    }
}

/// What the first lanes hold on rows that do not weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constant {
    /// Of a made byte: what is added to its accumulator.
    Offset,
    /// Of a copy: what the value is short of it.
    Shortfall,
    /// Of a made byte: the dividend is multiplied with it.
    Scale,
    /// Of a copy: what is added to what is contributed.
    Added,
    /// Of a public byte: what the packing multiplies the bytes behind it with.
    Packing,
    /// Of a product: the zero point that is taken off what the row before holds in its first or second limb.
    Zero(usize),
    /// Of border cells: 1 for the second, third and fourth if there is one.
    Border(usize),
}

impl Constant {
    /// Its lane. No row has two at one.
    pub fn lane(self) -> usize {
        match self {
            Self::Offset | Self::Shortfall => 0,
            Self::Scale | Self::Added => 1,
            Self::Packing => 2,
            Self::Zero(limb) => 2 + limb,
            Self::Border(further) => further,
        }
    }
}

/// A challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// Separates table entries.
    Beta,
    /// Folds a table entry into one element.
    Gamma,
    /// Powers stand for channels.
    Rho,
    /// Powers stand for positions, along one axis or the other.
    Axis(usize),
    /// Packed words are evaluated there.
    Tau,
}

/// The challenges after the first phase.
#[derive(Clone, Copy, Debug)]
pub struct Challenges {
    /// Separates table entries.
    pub beta: Fr,
    /// Folds a table entry into one element.
    pub gamma: Fr,
    /// ρ, s₁, s₂.
    pub points: [Fr; 3],
    /// Point at which packed words are evaluated.
    pub tau: Fr,
}

/// A challenge that is not drawn: what the packed instances add up to, `Σ_w T^w·instance_w` with T the factor times the
/// point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WordSum {
    /// The challenge's number.
    pub challenge: usize,
    /// The first packed instance.
    pub first: usize,
    /// 256^31, by which words are apart.
    pub factor: Fr,
    /// The number of the challenge τ.
    pub point: usize,
}

/// All columns and challenges of a circuit.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Public values: the context, then packed words.
    pub instance: Column<Instance>,
    /// How many columns share one, and so how many instances lie on a row.
    pub fold: usize,
    /// The look-up argument's.
    pub lookups: LookupColumns,
    /// Integers of any size, in the first phase.
    pub integer: Option<Placed<Advice>>,
    /// Monomials.
    pub cursors: [Cursor; CURSORS],
    /// See [`Cell::Coefficient`].
    pub coefficient: Placed<Advice>,
    /// See [`Cell::Balance`].
    pub balance: Placed<Advice>,
    /// See [`Cell::Packed`].
    pub packed: Placed<Advice>,

    /// Lanes: weights, or constants, flags and moves.
    pub lanes: Vec<Placed<Fixed>>,
    /// Flags.
    pub flags: Flags<Option<Placed<Fixed>>>,

    /// Point at which powers stand for channels.
    pub rho: Challenge,
    /// Points at which powers stand for positions.
    pub axes: [Challenge; 2],
    /// Point at which packed words are evaluated.
    pub tau: Challenge,
    /// What they are there, if no row takes them.
    pub words: Option<Challenge>,
    /// Where the words of commitments lie.
    pub links: Vec<LinkColumns>,
    /// Where weights are committed.
    pub weights: Option<WeightColumns>,
    /// Where inputs are hashed.
    pub hashes: Option<HashColumns>,
}

/// The columns of committed weights.
#[derive(Clone, Debug)]
pub struct WeightColumns {
    /// The weights, which no key commits to: proofs do.
    pub lanes: Vec<Placed<Fixed>>,
    /// See [`Cell::WeightScale`].
    pub scale: Placed<Fixed>,
    /// See [`Cell::WeightTable`].
    pub table: Placed<Fixed>,
    /// See [`Cell::WeightUses`].
    pub uses: Placed<Advice>,
}

/// The columns of a link.
#[derive(Clone, Copy, Debug)]
pub struct LinkColumns {
    /// The commitment's words, in the first phase.
    pub words: Placed<Advice>,
    /// On which rows they lie.
    pub rows: Placed<Fixed>,
    /// What is left of them, in the second phase.
    pub sum: Placed<Advice>,
}

/// The columns of the look-up argument.
#[derive(Clone, Debug)]
pub struct LookupColumns {
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
    /// Where a start and a length are read with each byte.
    pub intervals: Option<IntervalColumns>,
    /// The same of the values abreast of the first.
    pub abreast: Vec<ValueColumns>,
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

/// The columns of a value abreast of a row's first.
#[derive(Clone, Debug)]
pub struct ValueColumns {
    /// Row of the table that the value is read from.
    pub table_row: Placed<Advice>,
    /// The value read.
    pub byte: Placed<Advice>,
    /// Limbs, least first.
    pub limbs: Vec<Placed<Advice>>,
    /// With intervals: the start and the length that are read.
    pub parts: Option<[Placed<Advice>; 2]>,
}

/// The columns of intervals and float32 sums.
#[derive(Clone, Copy, Debug)]
pub struct IntervalColumns {
    /// The start and the length that are read.
    pub parts: [Placed<Advice>; 2],
    /// On each row of the table, start + 2^40·length; with float32 sums, the start.
    pub table: Placed<Fixed>,
    /// With float32 sums, the length on each row of the table.
    pub lengths: Option<Placed<Fixed>>,
}

/// A cursor's columns.
#[derive(Clone, Debug)]
pub struct Cursor {
    /// The monomial.
    pub column: Placed<Advice>,
    /// Which move.
    pub moves: Vec<Placed<Fixed>>,
}

impl Columns {
    /// Allocates the columns of a shape.
    pub fn new(meta: &mut ConstraintSystem<Fr>, shape: &Shape) -> Self {
        let mut first = Folder::new(shape.fold, |meta| meta.advice_column_in(FirstPhase));
        let mut fixed = Folder::new(shape.fold, ConstraintSystem::fixed_column);
        let table_row = first.next(meta);
        let byte = first.next(meta);
        let limbs = (0..shape.limb_columns()).map(|_| first.next(meta)).collect();
        let intervals = shape.intervals.then(|| IntervalColumns {
            parts: [first.next(meta), first.next(meta)],
            table: fixed.next(meta),
            lengths: shape.averages.then(|| fixed.next(meta)),
        });
        let abreast = (1..shape.abreast).map(|_| ValueColumns {
            table_row: first.next(meta),
            byte: first.next(meta),
            limbs: (0..shape.limb_columns()).map(|_| first.next(meta)).collect(),
            parts: shape.intervals.then(|| [first.next(meta), first.next(meta)]),
        });
        let abreast = abreast.collect();
        let integer = shape.vectors.then(|| first.next(meta));
        let limb_uses = first.next(meta);
        let table_uses = first.next(meta);
        let weight_uses = shape.commits_weights().then(|| first.next(meta));
        let linked: Vec<_> = shape.links.iter().map(|_| first.next(meta)).collect();
        let hash_state = (!shape.hashes.is_empty())
            .then(|| ([(); Fields::WIDTH].map(|()| first.next(meta)), first.next(meta)));
        // A phase's columns must exist before its challenges.
        let [beta, gamma, rho, along, down, tau] =
            [(); 6].map(|()| meta.challenge_usable_after(FirstPhase));
        let words = shape.has_word_sum().then(|| meta.challenge_usable_after(FirstPhase));
        let mut second = Folder::new(shape.fold, |meta| meta.advice_column_in(SecondPhase));
        let sums = (0..shape.lookup_sums()).map(|_| second.next(meta)).collect();
        let monomials = [(); CURSORS].map(|()| second.next(meta));
        // By itself: it is 0 on the rows of all other columns that share one, where no gate applies.
        let active = Placed::alone(meta.fixed_column(), shape.fold);
        let mut flags: Flags<Option<Placed<Fixed>>> = Flags::default();
        let at = |home: Home| {
            let is_there = move |flag: &Flag| flag.home() == home && flag.is_of(shape);
            Flag::ALL.into_iter().filter(is_there)
        };
        at(Home::Alone)
            .for_each(|flag| flags[flag] = Some(Placed::alone(meta.fixed_column(), shape.fold)));
        let lanes: Vec<_> = (0..shape.lanes).map(|_| fixed.next(meta)).collect();
        at(Home::Column).for_each(|flag| flags[flag] = Some(fixed.next(meta)));
        let mut free = lanes.iter().copied().skip(shape.constants());
        let mut lane = || free.next().expect("a shape has a lane for each of its flags and moves");
        at(Home::Lane).for_each(|flag| flags[flag] = Some(lane()));
        let cursors = [WEIGHT, OUTPUT, POSITION].map(|cursor| {
            let moves = 0..shape.menus[cursor].columns();
            let moves = match cursor {
                WEIGHT => moves.map(|_| fixed.next(meta)).collect(),
                _ => moves.map(|_| lane()).collect(),
            };
            Cursor { column: monomials[cursor], moves }
        });
        let (index, table) = (fixed.next(meta), fixed.next(meta));
        let [coefficient, balance, packed] = [(); 3].map(|()| second.next(meta));
        let link = |words| LinkColumns { words, rows: fixed.next(meta), sum: second.next(meta) };
        let links = linked.into_iter().map(link).collect();
        let weights = weight_uses.map(|uses| WeightColumns {
            scale: fixed.next(meta),
            table: fixed.next(meta),
            lanes: (0..shape.weight_lanes).map(|_| fixed.next(meta)).collect(),
            uses,
        });
        let hashes = hash_state.map(|(state, square)| HashColumns {
            state,
            square,
            sum: second.next(meta),
            constant: fixed.next(meta),
            flags: [(); FLAGS].map(|()| Placed::alone(meta.fixed_column(), shape.fold)),
            ends: (shape.hashes.iter())
                .map(|_| Placed::alone(meta.fixed_column(), shape.fold))
                .collect(),
        });
        Self {
            instance: meta.instance_column(),
            fold: shape.fold,
            cursors,
            coefficient,
            balance,
            integer,
            packed,
            lookups: LookupColumns {
                active,
                index,
                table,
                table_row,
                byte,
                limbs,
                intervals,
                abreast,
                limb_uses,
                table_uses,
                sums,
                beta,
                gamma,
            },
            lanes,
            flags,
            rho,
            axes: [along, down],
            tau,
            words,
            links,
            weights,
            hashes,
        }
    }

    /// The challenges, if `of` knows them all.
    pub fn challenges(&self, of: impl Fn(Challenge) -> Option<Fr>) -> Option<Challenges> {
        let (beta, gamma) = (of(self.lookups.beta)?, of(self.lookups.gamma)?);
        let points = [of(self.rho)?, of(self.axes[0])?, of(self.axes[1])?];
        Some(Challenges { beta, gamma, points, tau: of(self.tau)? })
    }

    /// What the verifier adds up, the packed instances beginning with this one.
    pub fn word_sum(&self, first: usize) -> Option<WordSum> {
        let (factor, point) = (byte_power(BYTES_PER_WORD), self.tau.index());
        self.words.map(|challenge| WordSum { challenge: challenge.index(), first, factor, point })
    }

    /// What the statement fixes, by number.
    pub fn fixed(&self) -> Vec<Placed<Fixed>> {
        let lookups = &self.lookups;
        let mut columns = vec![lookups.active, lookups.index, lookups.table];
        columns.extend(
            lookups
                .intervals
                .iter()
                .flat_map(|steps| [Some(steps.table), steps.lengths].into_iter().flatten()),
        );
        columns.extend(&self.lanes);
        columns.extend(Flag::ALL.into_iter().filter_map(|flag| self.flags[flag]));
        columns.extend(self.cursors.iter().flat_map(|cursor| &cursor.moves));
        columns.extend(self.links.iter().map(|link| link.rows));
        columns.extend(self.weights.iter().flat_map(|weights| [weights.scale, weights.table]));
        columns.extend(self.hashes.iter().flat_map(HashColumns::fixed));
        // Flags and moves may be in lanes.
        columns.sort_by_key(|column| column.number());
        columns.dedup_by_key(|column| column.number());
        columns
    }

    /// Where a cell's values are asked for: what the prover chooses, or what is fixed.
    pub fn place(&self, cell: Cell) -> Result<Placed<Advice>, Placed<Fixed>> {
        let lookups = &self.lookups;
        let steps = || lookups.intervals.expect("there are intervals");
        let weights = || self.weights.as_ref().expect("weights are committed");
        Ok(match cell {
            Cell::TableRow => lookups.table_row,
            Cell::Byte => lookups.byte,
            Cell::Limb(limb) => lookups.limbs[limb],
            Cell::Abreast(value, part) => {
                let own = &lookups.abreast[value - 1];
                let parts = || own.parts.expect("there are intervals");
                match part {
                    Part::TableRow => own.table_row,
                    Part::Byte => own.byte,
                    Part::Limb(limb) => own.limbs[limb],
                    Part::Start => parts()[0],
                    Part::Length => parts()[1],
                }
            }
            Cell::Start => steps().parts[0],
            Cell::Length => steps().parts[1],
            Cell::Integer => self.integer.expect("a row with an integer of any size"),
            Cell::Cursor(cursor) => self.cursors[cursor].column,
            Cell::Coefficient => self.coefficient,
            Cell::Balance => self.balance,
            Cell::Packed => self.packed,
            Cell::Linked(link) => self.links[link].words,
            Cell::LinkedSum(link) => self.links[link].sum,
            Cell::LimbUses => lookups.limb_uses,
            Cell::TableUses => lookups.table_uses,
            Cell::WeightUses => weights().uses,
            Cell::LookupSum(column) => lookups.sums[column],
            Cell::LinkRows(link) => return Err(self.links[link].rows),
            Cell::Active => return Err(lookups.active),
            Cell::Index => return Err(lookups.index),
            Cell::Table => return Err(lookups.table),
            Cell::TableStart => return Err(steps().table),
            Cell::TableLength => return Err(steps().lengths.expect("there are float32 sums")),
            Cell::Weight(lane) => return Err(self.lanes[lane]),
            Cell::CommittedWeight(lane) => return Err(weights().lanes[lane]),
            Cell::WeightScale => return Err(weights().scale),
            Cell::WeightTable => return Err(weights().table),
            Cell::Constant(constant) => return Err(self.lanes[constant.lane()]),
            Cell::Hash(cell) => {
                return self.hashes.as_ref().expect("inputs are hashed").place(cell);
            }
        })
    }

    /// A challenge.
    pub fn point(&self, point: Point) -> Expression<Fr> {
        match point {
            Point::Beta => self.lookups.beta.expr(),
            Point::Gamma => self.lookups.gamma.expr(),
            Point::Rho => self.rho.expr(),
            Point::Axis(axis) => self.axes[axis].expr(),
            Point::Tau => self.tau.expr(),
        }
    }

    /// A cell, `back` rows before the gate's.
    pub fn cell(&self, meta: &mut VirtualCells<'_, Fr>, cell: Cell, back: usize) -> Expression<Fr> {
        let rotation = Rotation(-i32::try_from(back).expect("a row nearby"));
        match self.place(cell) {
            Ok(advice) => advice.at(meta, rotation),
            Err(fixed) => fixed.at(meta, rotation),
        }
    }

    /// A flag of the gate's row, if the circuit has it.
    pub fn flag(&self, meta: &mut VirtualCells<'_, Fr>, flag: Flag) -> Option<Expression<Fr>> {
        self.flags[flag].map(|column| here(meta, column))
    }

    /// 1 on rows of the table that do not weigh: where lanes hold constants, flags and moves. Both columns are by
    /// themselves, so that it is 0 on the rows of columns that share one.
    pub fn cells(&self, meta: &mut VirtualCells<'_, Fr>) -> Expression<Fr> {
        let weighs = self.flags[Flag::Weighs].expect("every shape has it");
        here(meta, self.lookups.active) - here(meta, weighs)
    }
}
