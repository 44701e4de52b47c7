//! What a circuit's columns and gates depend on.

use super::cursor::Menu;
use super::graph::{Kind, Net};
use super::layout::{CURSORS, MAKER, POSITION, WEIGHER};
use super::{Goal, intervals, lookups};

/// Rows at the end of the domain that blinding takes, beside two for each column that shares one: halo2 has
/// as many blinding factors as a column has rotations (at least three), two more, and a row before them.
const UNUSABLE_ROWS: usize = 4;

/// Input bytes are compared with the table's length.
pub const SHORTEST_TABLE: usize = 256;

/// The smallest k that is planned for.
pub const SMALLEST_K: u32 = 9;

/// Up to this k, proving takes about a second.
const QUICK_K: u32 = 14;

/// The largest k that is planned for.
pub const LARGEST_K: u32 = 20;

/// Weights per row to choose from.
pub const LANES: [usize; 11] = [8, 12, 14, 15, 16, 17, 18, 20, 24, 28, 32];

/// How many columns may share one.
pub const FOLDS: [usize; 3] = [1, 2, 4];

/// Limbs to choose from.
pub const LIMBS: [usize; 2] = [2, 3];

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
    pub steps: bool,
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
    /// The input is no instance.
    pub private_input: bool,
    /// There are integers of any size.
    pub vectors: bool,
    /// There are float32 sums.
    pub averages: bool,
    /// Some rows take spills.
    pub spills: bool,
    /// The moves of each cursor.
    pub menus: [Menu; CURSORS],
}

impl Shape {
    /// Columns of the look-up argument's running sums.
    pub fn lookup_sums(&self) -> usize {
        lookups::sum_columns(self.limb_columns())
    }

    /// Columns of limbs.
    pub fn limb_columns(&self) -> usize {
        if self.steps { intervals::LIMBS } else { self.limbs }
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
            spills: cells().any(|cell| matches!(cell.kind, Kind::Spills { .. })),
            private_input: net.inputs.iter().any(|input| !net.blocks[input.block].is_public),
            averages: net.float_sums.is_some(),
            ..Self::default()
        }
    }

    /// Lanes that hold constants on rows without weights.
    pub fn constants(&self) -> usize {
        if self.products { 4 } else { 3 }
    }

    /// Lanes that hold flags there.
    fn flags(&self) -> usize {
        let count = |flag: bool, flags: usize| if flag { flags } else { 0 };
        4 + count(self.steps, 1)
            + count(self.reads, 1)
            + count(self.private_input, 1)
            + count(self.groups, 1)
            + count(self.larger, 1)
            + count(self.products, if self.steps { 3 } else { 2 })
            + count(self.loads, 1)
            + count(self.vectors, 3)
            + count(self.averages, 2)
            + count(self.spills, 1)
    }

    /// Lanes for all constants, flags, and moves.
    pub(super) fn least_lanes(&self) -> usize {
        let moves = self.menus[MAKER].columns() + self.menus[POSITION].columns();
        self.constants() + self.flags() + moves
    }

    /// Whether the input is among the instances.
    pub fn shows_input(&self) -> bool {
        !self.private_input
    }

    /// Whether a plan could have this shape: others have no columns.
    pub fn is_possible(&self, k: u32) -> bool {
        (SMALLEST_K..=LARGEST_K).contains(&k)
            && LANES.contains(&self.lanes)
            && LIMBS.contains(&self.limbs)
            && FOLDS.contains(&self.fold)
            && (SHORTEST_TABLE..=longest_table(k, self.fold)).contains(&self.table_rows)
            && self.menus.iter().all(Menu::is_valid)
            && self.lanes >= self.least_lanes()
            && (self.steps || !self.averages)
    }

    /// What a plan of this shape costs, to be compared with others of the same goal.
    pub(super) fn cost(&self, goal: Goal, k: u32) -> usize {
        let [first, second, fixed] = self.columns();
        match goal {
            // In units of a fixed column's four cosets: commitments to small values cost less than
            // to those of the second phase; the quotient and the openings are the same for all.
            Goal::Speed => (2 * first + 3 * second + fixed + 32) << k,
            // Values, polynomial and coset of fixed columns; the last two of others.
            Goal::Memory => (2 * (first + second) + 3 * fixed + 12) << k,
            // One more k costs only squarings, but where proving takes long it doubles: there it has to
            // save more than a column.
            Goal::Gas => {
                let doublings = k.saturating_sub(QUICK_K) as usize;
                100 * (first + second + fixed + doublings) + k as usize
            }
        }
    }

    /// Columns of the backend that are committed to in each phase, and fixed ones.
    fn columns(&self) -> [usize; 3] {
        let moves = self.menus[WEIGHER].columns();
        let count = |flag: bool, columns: usize| if flag { columns } else { 0 };
        let first = 4 + self.limb_columns() + count(self.steps, 2) + count(self.vectors, 1);
        let second = 6 + self.lookup_sums();
        let tables = 1 + count(self.steps, 1) + count(self.averages, 1);
        let fixed = 2 + tables + self.lanes + moves;
        let folded = |columns: usize| columns.div_ceil(self.fold);
        [folded(first), folded(second), 2 + folded(fixed)]
    }
}

/// Row 0 comes before the table, and the row after it is the first unusable one at the earliest.
pub fn longest_table(k: u32, fold: usize) -> usize {
    ((1_usize << k) - UNUSABLE_ROWS - 2 * fold) / fold - 1
}
