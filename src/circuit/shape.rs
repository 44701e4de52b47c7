//! What a circuit's columns and gates depend on, and the one table of flags: what a row is, in fixed cells of 0 and 1.
//!
//! Which shapes have a flag, where its column is, what its cells hold and by which name gates and witness ask for it
//! all follow from its line in the table.

use super::hashes::{self, Hashed, MOST_HASHES};
use super::layout::moves::{CURSORS, Menu, OUTPUT, POSITION, WEIGHT};
use super::layout::rows::Room;
use super::links::{self, CommittedOutputs, MOST_LINKS};
use super::poseidon::Fields;
use super::wiring::{Kind, MOST_BESIDE, Net};
use std::ops::{Index, IndexMut};

/// Rows at the end of the domain that blinding takes, beside two for each column that shares one: halo2 has
/// as many blinding factors as a column has rotations (at least three), two more, and a row before them.
const UNUSABLE_ROWS: usize = 4;

/// Input bytes are compared with the table's length.
pub const SHORTEST_TABLE: usize = 256;

/// The smallest k that is planned for.
pub const SMALLEST_K: u32 = 9;

/// The largest k that is planned for.
pub const LARGEST_K: u32 = 22;

/// Weights per row to choose from.
pub const LANES: [usize; 14] = [8, 12, 14, 15, 16, 17, 18, 20, 24, 28, 32, 40, 48, 64];

/// The most of them.
pub const WIDEST: usize = LANES[LANES.len() - 1];

/// Committed weights per row to choose from.
pub const COMMITTED_LANES: [usize; 9] = [4, 6, 8, 10, 12, 16, 20, 24, 32];

/// The most of them: behind the places of layers that have some there is room for so many.
pub const WIDEST_COMMITTED: usize = COMMITTED_LANES[COMMITTED_LANES.len() - 1];

/// How many columns may share one.
pub const FOLDS: [usize; 3] = [1, 2, 4];

/// Limbs of an interval's row: two of the remainder, two of what it is short of the length.
pub const INTERVAL_LIMBS: usize = 4;

/// Look-ups and table entries per column of running sums: the selector, the sum and three denominators are degree 5,
/// and so are the selector, `looks_up`, which may be of degree 2, and two denominators.
pub const TERMS_PER_SUM: usize = 3;

/// Limbs to choose from.
pub const LIMBS: [usize; 2] = [2, 3];

/// Values to a row to choose from.
pub const ABREAST: [usize; 4] = [1, 2, 4, 8];

/// The most of them.
const MOST_ABREAST: usize = ABREAST[ABREAST.len() - 1];

/// The most values that share a row, of packed proofs' circuits or of others.
pub fn most_abreast(packed: bool) -> usize {
    if packed { MOST_ABREAST } else { 1 }
}

/// All that a circuit's columns and gates depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// How many columns share one of the backend, whose rows they take by turns.
    pub fold: usize,
    /// Weights per row.
    pub lanes: usize,
    /// Limbs per remainder of a division.
    pub limbs: usize,
    /// Rows of the table, and of the circuit.
    pub table_rows: usize,
    /// Some bytes are made by intervals.
    pub intervals: bool,
    /// Some rows copy.
    pub reads: bool,
    /// Some rows go on from the row before.
    pub groups: bool,
    /// Some of them hold the larger of two values.
    pub larger: bool,
    /// There are products of elements.
    pub products: bool,
    /// There are products of matrices.
    pub loads: bool,
    /// Some inputs are no instances.
    pub private_input: bool,
    /// There are integers of any size.
    pub vectors: bool,
    /// There are float32 sums.
    pub averages: bool,
    /// Some rows take border cells.
    pub border_cells: bool,
    /// The moves of each cursor.
    pub menus: [Menu; CURSORS],
    /// Instances before the packed ones, which no row takes: contexts and names. At least one.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub free_instances: usize,
    /// No row takes a packed instance: the verifier adds them up, which packed proofs can ask for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sums_words: bool,
    /// The words of each committed input, and of each committed output: each has a column that a proof links to the commitment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<usize>,
    /// What there is to committed outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<CommittedOutputs>,
    /// Committed weights per row, in columns that proofs bring commitments to; 0 where all weights are fixed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub weight_lanes: usize,
    /// The hashed inputs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hashed>,
    /// Values to a row, where the verifier adds the packed instances up: those abreast of the first have columns of their
    /// own for what they read, and share all else.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub abreast: usize,
    /// Some of them are farther apart than one step: see [`Self::several`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub apart: bool,
    /// So many members of a batch lie beside each other: neighbours of one member are as many steps apart.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub members: usize,
}

fn one() -> usize {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_one(count: &usize) -> bool {
    *count == 1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Shape {
    /// Columns of the look-up argument's running sums: of each value's limbs and what it reads, and the two tables; of each
    /// committed weight that shares no limb's, and their table.
    pub fn lookup_sums(&self) -> usize {
        let alone = self.weight_lanes - self.lanes_beside_limbs();
        let of_weights = if self.commits_weights() { alone + 1 } else { 0 };
        (self.abreast * (self.limb_columns() + 1) + 2 + of_weights).div_ceil(TERMS_PER_SUM)
    }

    /// Lanes of committed weights, the first, that are looked up together with a limb: rows have the one or the other. Limbs are
    /// counted through the values of a row.
    pub fn lanes_beside_limbs(&self) -> usize {
        self.weight_lanes.min(self.abreast * self.limb_columns())
    }

    /// Whether some weights are committed.
    pub fn commits_weights(&self) -> bool {
        self.weight_lanes > 0
    }

    /// Whether there are packed instances for the verifier to add up: of a part of a model, between two tensors that are
    /// committed, nothing else is told.
    pub fn has_word_sum(&self) -> bool {
        self.sums_words && self.outputs.is_none_or(|outputs| outputs.words > 0)
    }

    /// What a row has room for.
    pub(super) fn room(&self) -> Room {
        Room { known: self.lanes, committed: self.weight_lanes, values: self.abreast }
    }

    /// Columns of limbs.
    pub fn limb_columns(&self) -> usize {
        if self.intervals { INTERVAL_LIMBS } else { self.limbs }
    }

    /// The base of the limbs.
    pub fn base(&self) -> i128 {
        i128::try_from(self.table_rows).expect("a table length")
    }

    /// What follows from the net alone.
    pub(super) fn of_net(net: &Net) -> Self {
        let cells = || net.blocks.iter().flat_map(|block| &block.cells);
        Self {
            reads: cells().any(|cell| cell.kind.is_copy()),
            larger: cells().any(|cell| matches!(cell.kind, Kind::Larger { .. })),
            groups: cells().any(|cell| cell.kind.goes_on()),
            products: cells().any(|cell| matches!(cell.kind, Kind::Product { .. })),
            loads: cells()
                .any(|cell| matches!(cell.kind, Kind::Load { .. } | Kind::WideLoad { .. })),
            vectors: net.has_vectors(),
            border_cells: cells().any(|cell| matches!(cell.kind, Kind::Border { .. })),
            private_input: net.inputs.iter().any(|input| !net.blocks[input.block].is_packed),
            averages: net.float_sums.is_some(),
            free_instances: net.free_instances,
            sums_words: net.sums_words,
            links: net.linked_words(),
            outputs: net.committed_outputs(),
            hashes: net.hashes.clone(),
            abreast: 1,
            members: net.members,
            ..Self::default()
        }
    }

    /// Rows of these flags have several values: how many steps their places are apart, and how many their positions. Places may be
    /// two steps apart, as images that are taken with a stride lie; those of one member of a batch are as far apart as its positions.
    pub(super) fn several(&self) -> [(Flag, [u32; 2]); 2] {
        several(self.members)
    }

    /// Lanes that hold constants on rows without weights.
    pub fn constants(&self) -> usize {
        if self.products { 4 } else { 3 }
    }

    /// Lanes for all constants, flags, and moves.
    pub(super) fn least_lanes(&self) -> usize {
        let moves = self.menus[OUTPUT].columns() + self.menus[POSITION].columns();
        let is_in_lane = |flag: &&Flag| flag.home() == Home::Lane && flag.is_of(self);
        self.constants() + Flag::ALL.iter().filter(is_in_lane).count() + moves
    }

    /// Whether a plan could have this shape: others have no columns.
    pub fn is_possible(&self, k: u32) -> bool {
        (SMALLEST_K..=LARGEST_K).contains(&k)
            && (LANES.contains(&self.lanes) || self.commits_weights() && self.lanes <= WIDEST)
            && LIMBS.contains(&self.limbs)
            && FOLDS.contains(&self.fold)
            && (SHORTEST_TABLE..=longest_table(k, self.fold)).contains(&self.table_rows)
            && self.menus.iter().all(Menu::is_valid)
            && ABREAST.contains(&self.abreast)
            && (self.abreast == 1 || self.sums_words)
            && (self.abreast > 1 || !self.apart)
            && (1..=MOST_BESIDE).contains(&self.members)
            && self.lanes >= self.least_lanes()
            && (self.intervals || !self.averages)
            && (1..=longest_table(k, self.fold)).contains(&self.free_instances)
            && (self.fold == 1 || !self.sums_words)
            && (self.fold == 1 || self.links.is_empty())
            && self.links.len() <= MOST_LINKS
            && self.outputs.is_none_or(|outputs| {
                self.sums_words
                    && (1..=self.links.len()).contains(&outputs.links)
                    && outputs.words <= longest_table(k, self.fold)
            })
            && (self.weight_lanes == 0
                || COMMITTED_LANES.contains(&self.weight_lanes) && self.sums_words)
            && self.links.len() + usize::from(self.commits_weights()) < self.free_instances
            && self.hashes.len() <= MOST_HASHES
            && self.hashes.iter().all(|hashed| hashed.is_possible(self.table_rows))
            && self.last_row(k).is_some_and(|last| last <= self.table_rows)
    }

    /// The last row that links and hashes have words or states on; none if there is no room for the links.
    pub(super) fn last_row(&self, k: u32) -> Option<usize> {
        Some(links::last_row(&self.links, k)?.max(hashes::last_row(&self.hashes)))
    }

    /// Columns of the backend: advice, and fixed.
    pub(super) fn columns(&self) -> [usize; 2] {
        let moves = self.menus[WEIGHT].columns();
        let count = |flag: bool, columns: usize| if flag { columns } else { 0 };
        let (links, hashes) = (self.links.len(), !self.hashes.is_empty());
        let first = 2
            + self.abreast * (2 + self.limb_columns() + count(self.intervals, 2))
            + count(self.vectors, 1)
            + count(self.commits_weights(), 1)
            + count(hashes, Fields::WIDTH + 1)
            + links;
        let second = 6 + self.lookup_sums() + count(hashes, 1) + links;
        let tables = 1 + count(self.intervals, 1) + count(self.averages, 1);
        let weights = count(self.commits_weights(), self.weight_lanes + 2);
        let abreast = count(self.abreast > 1, 1) + count(self.apart, 1);
        let fixed = 2 + tables + self.lanes + moves + links + weights + abreast + count(hashes, 1);
        let alone = 2 + count(hashes, hashes::FLAGS) + self.hashes.len();
        let folded = |columns: usize| columns.div_ceil(self.fold);
        [folded(first) + folded(second), alone + folded(fixed)]
    }
}

/// Row 0 comes before the table, and the row after it is the first unusable one at the earliest.
pub fn longest_table(k: u32, fold: usize) -> usize {
    ((1_usize << k) - UNUSABLE_ROWS - 2 * fold) / fold - 1
}

/// Where a flag's cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// In a column of the backend that it shares with none.
    Alone,
    /// In a column, so that rows of weights have it too.
    Column,
    /// In a lane, so that it means something only on rows that do not weigh.
    Lane,
}

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident, $home:ident, $exists:expr;)*) => {
        /// What a row is. Those in lanes take them in this order.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Flag { $($(#[$doc])* $name,)* }

        impl Flag {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($name)),*].len()] = [$(Self::$name),*];

            /// Where its cells are.
            pub fn home(self) -> Home {
                match self { $(Self::$name => Home::$home,)* }
            }

            /// Whether circuits of a shape have it.
            pub fn is_of(self, shape: &Shape) -> bool {
                let exists: fn(&Shape) -> bool = match self { $(Self::$name => $exists,)* };
                exists(shape)
            }
        }
    };
}

flags! {
    /// All lanes are weights.
    Weighs, Alone, |_| true;
    /// The coefficient begins anew.
    Starts, Column, |_| true;
    /// As many values as are abreast, one step apart.
    Abreast, Column, |shape| shape.abreast > 1;
    /// The same farther apart.
    Apart, Column, |shape| shape.apart;
    /// A byte by division.
    Divides, Lane, |_| true;
    /// A byte by interval.
    Intervals, Lane, |shape| shape.intervals;
    /// A copy.
    Reads, Lane, |shape| shape.reads;
    /// A byte of the input.
    Inputs, Lane, |shape| shape.private_input;
    /// The copy or input contributes; made bytes always do, perhaps with coefficient 0.
    Takes, Lane, |_| true;
    /// A public byte.
    Packs, Lane, |_| true;
    /// Last byte of its word; a packed instance, where no byte is.
    EndsWord, Lane, |_| true;
    /// Holds what the row before held.
    Holds, Lane, |shape| shape.groups;
    /// Holds the larger of a copy and the value before.
    Larger, Lane, |shape| shape.larger;
    /// Holds a copy and the value before.
    Pairs, Lane, |shape| shape.products;
    /// A byte by division of the product of a pair.
    Multiplies, Lane, |shape| shape.products;
    /// A byte by interval of the product of a pair.
    MultipliesIn, Lane, |shape| shape.products && shape.intervals;
    /// A left factor of a product of matrices.
    Loads, Lane, |shape| shape.loads;
    /// Adds terms of a float32 sum and rounds.
    Adds, Lane, |shape| shape.averages;
    /// The float32 sum goes on from the row before.
    Continues, Lane, |shape| shape.averages;
    /// Border cells.
    Border, Lane, |shape| shape.border_cells;
    /// The value is an integer of any size.
    Wide, Lane, |shape| shape.vectors;
    /// The integer of any size contributes.
    TakesWide, Lane, |shape| shape.vectors;
    /// Takes off an integer that is at least 0.
    Naturals, Lane, |shape| shape.vectors;
}

/// One `T` for each flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags<T>([T; Flag::ALL.len()]);

impl<T> Flags<T> {
    /// What `of` says of each flag, in order.
    pub fn new(of: impl FnMut(Flag) -> T) -> Self {
        Self(Flag::ALL.map(of))
    }
}

impl<T> Index<Flag> for Flags<T> {
    type Output = T;

    fn index(&self, flag: Flag) -> &T {
        &self.0[flag as usize]
    }
}

impl<T> IndexMut<Flag> for Flags<T> {
    fn index_mut(&mut self, flag: Flag) -> &mut T {
        &mut self.0[flag as usize]
    }
}

impl Flags<bool> {
    /// Whether the row makes a byte.
    pub fn makes(&self) -> bool {
        MAKING.iter().any(|&flag| self[flag])
    }

    /// Whether the row takes a packed instance.
    pub fn is_word(&self) -> bool {
        self[Flag::EndsWord] && !self[Flag::Packs]
    }
}

/// Rows of these flags have several values.
pub const SEVERAL: [Flag; 2] = [Flag::Abreast, Flag::Apart];

/// See [`Shape::several`], where so many members of a batch lie beside each other.
pub fn several(members: usize) -> [(Flag, [u32; 2]); 2] {
    let apart = match u32::try_from(members) {
        Ok(members) if members > 1 => [members; 2],
        _ => [2, 1],
    };
    [(Flag::Abreast, [1, 1]), (Flag::Apart, apart)]
}

/// Rows of these flags make a byte.
pub const MAKING: [Flag; 4] =
    [Flag::Divides, Flag::Intervals, Flag::Multiplies, Flag::MultipliesIn];
