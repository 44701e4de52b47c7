//! Chooses a layout: k, lanes of weights, limbs, table length.

use super::cursor::Menu;
use super::fit::{self, Fitted, Slope};
use super::graph::{Kind, NATURAL_LIMBS, Net};
use super::intervals;
use super::layout::{CURSORS, Layout, MAKER, POSITION, WEIGHER};
use crate::circuit::{CircuitError, Goal, Wishes, lookups};
use std::{collections::HashMap, sync::Arc};

/// Rows at the end of the domain that blinding takes, beside two for each column that shares one: halo2 has
/// as many blinding factors as a column has rotations (at least three), two more, and a row before them.
const UNUSABLE_ROWS: usize = 4;

/// Input bytes are compared with the table's length.
const SHORTEST_TABLE: usize = 256;

/// The smallest k that is planned for.
const SMALLEST_K: u32 = 9;

/// Up to this k, proving takes about a second.
const QUICK_K: u32 = 14;

/// The largest k that is planned for.
const LARGEST_K: u32 = 20;

/// Weights per row to choose from.
const LANES: [usize; 11] = [8, 12, 14, 15, 16, 17, 18, 20, 24, 28, 32];

/// How many columns may share one.
const FOLDS: [usize; 3] = [1, 2, 4];

/// Limbs to choose from.
const LIMBS: [usize; 2] = [2, 3];

/// How many table lengths are tried per k and limb count before intervals take over where no line is.
const TABLE_LENGTHS_TRIED: usize = 40;

/// The shape of a net's circuit: all that its columns and gates depend on.
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
    #[serde(default)]
    pub vectors: bool,
    /// There are float32 sums.
    #[serde(default)]
    pub averages: bool,
    /// Some rows take spills.
    #[serde(default)]
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
    fn of_net(net: &Net) -> Self {
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
    fn least_lanes(&self) -> usize {
        let moves = self.menus[MAKER].columns() + self.menus[POSITION].columns();
        self.constants() + self.flags() + moves
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
    fn cost(&self, goal: Goal, k: u32) -> usize {
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

/// A layout for a net.
#[derive(Clone, Debug)]
pub struct Plan {
    /// log₂ of the number of rows.
    pub k: u32,
    /// The circuit's shape.
    pub shape: Shape,
    /// What each row is.
    pub layout: Layout,
    /// The net's integers for this shape.
    pub fitted: Arc<Fitted>,
}

impl Plan {
    /// Chooses the best layout for a net.
    pub fn new(net: &Net, wishes: Wishes) -> Result<Self, CircuitError> {
        let largest = wishes.k.or(wishes.max_k).unwrap_or(LARGEST_K).min(LARGEST_K);
        let least = wishes.k.unwrap_or(SMALLEST_K).max(SMALLEST_K);
        let mut fits = Fits::new(net);
        let mut best: Option<(usize, Self)> = None;
        let mut needed: Option<u32> = None;
        // Twice the rows never prove quicker. They may take less gas: a longer table makes do without intervals.
        let (folds, tries) = match wishes.goal {
            Goal::Gas => (&FOLDS[..], 3),
            Goal::Speed | Goal::Memory => (&FOLDS[..1], 1),
        };
        let own = Shape::of_net(net);
        let options =
            LANES.into_iter().filter(|&lanes| lanes >= own.least_lanes()).flat_map(|lanes| {
                Layout::all(net, lanes).into_iter().map(move |layout| (lanes, layout))
            });
        for (lanes, layout) in options {
            let rows = layout.rows.len();
            for &fold in folds {
                let fitting = (SMALLEST_K..=LARGEST_K)
                    .filter(|&k| k >= least && rows.max(SHORTEST_TABLE) <= longest_table(k, fold))
                    .filter_map(|k| Some((k, fits.longest(longest_table(k, fold), rows)?)));
                for (k, fitted) in fitting.take(tries) {
                    needed = Some(needed.map_or(k, |needed| needed.min(k)));
                    if k > largest {
                        break;
                    }
                    // A longer table could spare no column.
                    let is_plain = fitted.intervals.is_none() && fitted.limbs == LIMBS[0];
                    let shape = shape(net, &layout, &fitted, lanes, fold);
                    if lanes < shape.least_lanes() {
                        continue;
                    }
                    let cost = shape.cost(wishes.goal, k);
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        best = Some((cost, Self { k, shape, layout: layout.clone(), fitted }));
                    }
                    if is_plain {
                        break;
                    }
                }
            }
        }
        match (best, needed) {
            (Some((_, plan)), _) => Ok(plan),
            (None, Some(needed)) => Err(CircuitError::TooManyRows { needed, wish: largest }),
            (None, None) => Err(CircuitError::TooLarge(LARGEST_K)),
        }
    }

    /// The plan that an earlier one was written down as: only if it fits the net.
    pub fn restore(net: &Net, k: u32, shape: &Shape) -> Option<Self> {
        if !shape.is_possible(k) {
            return None;
        }
        let layouts = Layout::all(net, shape.lanes);
        let layout = layouts.into_iter().find(|layout| layout.menus == shape.menus)?;
        let slopes = fit::slopes(&net.rules);
        let fits = shape.table_rows >= net.shortest_table().max(layout.rows.len())
            && (shape.limbs >= NATURAL_LIMBS || !net.has_vectors());
        let fitted = [false, true]
            .into_iter()
            .filter(|_| fits)
            .find_map(|may| Fitted::new(net, &slopes, shape.table_rows, shape.limbs, may))?;
        let fitted = Arc::new(fitted);
        let same = self::shape(net, &layout, &fitted, shape.lanes, shape.fold) == *shape;
        same.then(|| Self { k, shape: shape.clone(), layout, fitted })
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        self.layout.rows.len()
    }
}

fn shape(net: &Net, layout: &Layout, fitted: &Fitted, lanes: usize, fold: usize) -> Shape {
    Shape {
        fold,
        lanes,
        limbs: fitted.limbs,
        table_rows: fitted.table_rows,
        steps: fitted.intervals.is_some(),
        menus: layout.menus.clone(),
        ..Shape::of_net(net)
    }
}

/// Row 0 comes before the table, and the row after it is the first unusable one at the earliest.
fn longest_table(k: u32, fold: usize) -> usize {
    ((1_usize << k) - UNUSABLE_ROWS - 2 * fold) / fold - 1
}

/// A net's rules for all table lengths that layouts ask for: many of them ask for the same.
struct Fits<'a> {
    net: &'a Net,
    slopes: Vec<Option<Slope>>,
    shortest: usize,
    /// By the shortest and the longest table.
    known: HashMap<(usize, usize), Option<Arc<Fitted>>>,
}

impl<'a> Fits<'a> {
    fn new(net: &'a Net) -> Self {
        let shortest = net.shortest_table().max(SHORTEST_TABLE);
        Self { net, slopes: fit::slopes(&net.rules), shortest, known: HashMap::new() }
    }

    /// A table of at least `rows` and as long as can be that the rules fit, with as few limbs and intervals as
    /// can be.
    fn longest(&mut self, longest: usize, rows: usize) -> Option<Arc<Fitted>> {
        let least_limbs = if self.net.has_vectors() { NATURAL_LIMBS } else { LIMBS[0] };
        let least = self.shortest.max(rows);
        if least > longest {
            return None;
        }
        let shortest = least.max((longest + 1).saturating_sub(TABLE_LENGTHS_TRIED));
        let fit = || {
            let new = |length, limbs, may_step| {
                Fitted::new(self.net, &self.slopes, length, limbs, may_step).map(Arc::new)
            };
            let limbs = LIMBS.into_iter().filter(|&limbs| limbs >= least_limbs);
            let lengths = || (shortest..=longest).rev();
            let most = LIMBS[LIMBS.len() - 1];
            limbs
                .flat_map(|limbs| lengths().map(move |length| (length, limbs)))
                .find_map(|(length, limbs)| new(length, limbs, false))
                .or_else(|| new(longest, most, true))
        };
        self.known.entry((shortest, longest)).or_insert_with(fit).clone()
    }
}
