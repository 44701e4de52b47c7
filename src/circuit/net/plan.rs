//! Chooses a layout: k, lanes of weights, limbs, table length.

use super::cursor::Menu;
use super::fit::{self, Fitted, Slope};
use super::graph::{Kind, Net};
use super::layout::{CURSORS, Layout};
use super::intervals;
use crate::circuit::{CircuitError, Goal, Wishes, lookups};

/// Rows at the end of the domain that blinding takes: halo2's five blinding factors (at most two
/// rotations per column, two more) and the row before them.
const UNUSABLE_ROWS: usize = 6;

/// The smallest k that is planned for: the table has at least 256 rows.
const SMALLEST_K: u32 = 9;

/// The largest k that is planned for.
const LARGEST_K: u32 = 20;

/// Weights per row to choose from. Four fixed cells are needed for a row's other constants.
const LANES: [usize; 4] = [4, 8, 16, 32];

/// Limbs to choose from.
const LIMBS: [usize; 2] = [2, 3];

/// How many table lengths are tried per k and limb count before intervals take over where no line is.
const TABLE_LENGTHS_TRIED: usize = 40;

/// The shape of a net's circuit: all that its columns and gates depend on.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Weights per row.
    pub lanes: usize,
    /// Limbs per remainder of a division.
    pub limbs: usize,
    /// Rows of the table, and of the circuit.
    pub table_rows: usize,
    /// Some bytes are made by intervals.
    pub steps: bool,
    /// Some rows go on from the row before.
    pub groups: bool,
    /// There are products of elements.
    pub products: bool,
    /// There are products of matrices.
    pub loads: bool,
    /// There are float32 sums.
    #[serde(default)]
    pub averages: bool,
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

    /// Advice and fixed columns, as far as layouts differ in them.
    fn columns(&self) -> usize {
        let moves: usize = self.menus.iter().map(Menu::columns).sum();
        let steps = if self.steps { 4 } else { 0 };
        let averages = if self.averages { 3 } else { 0 };
        // A committed column costs about twice a fixed one.
        2 * (10 + self.limb_columns() + self.lookup_sums() + steps) + 13 + averages + self.lanes + moves
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
    pub fitted: Fitted,
}

impl Plan {
    /// Chooses the best layout for a net.
    pub fn new(net: &Net, wishes: Wishes) -> Result<Self, CircuitError> {
        let largest = wishes.k.or(wishes.max_k).unwrap_or(LARGEST_K).min(LARGEST_K);
        let least = wishes.k.unwrap_or(SMALLEST_K).max(SMALLEST_K);
        let slopes = fit::slopes(&net.rules);
        let mut best: Option<(usize, Self)> = None;
        let mut needed: Option<u32> = None;
        for lanes in LANES {
            let layout = Layout::new(net, lanes);
            let rows = layout.rows.len();
            let found = (SMALLEST_K..=LARGEST_K)
                .filter(|&k| k >= least && rows <= longest_table(k))
                .find_map(|k| Some((k, fit(net, &slopes, k, rows)?)));
            let Some((k, fitted)) = found else { continue };
            needed = Some(needed.map_or(k, |needed| needed.min(k)));
            if k > largest {
                continue;
            }
            let shape = shape(net, &layout, &fitted, lanes);
            let cost = match wishes.goal {
                Goal::Speed | Goal::Memory => shape.columns() << k,
                // A column costs a thousand times the squarings of one more k.
                Goal::Gas => 1000 * shape.columns() + k as usize,
            };
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, Self { k, shape, layout, fitted }));
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
        let possible = (SMALLEST_K..=LARGEST_K).contains(&k)
            && LANES.contains(&shape.lanes)
            && LIMBS.contains(&shape.limbs)
            && (256..=longest_table(k)).contains(&shape.table_rows)
            && shape.menus.iter().all(Menu::is_valid);
        if !possible {
            return None;
        }
        let layout = Layout::new(net, shape.lanes);
        let slopes = fit::slopes(&net.rules);
        let fits = layout.rows.len() <= shape.table_rows;
        let fitted = [false, true]
            .into_iter()
            .filter(|_| fits)
            .find_map(|may| Fitted::new(net, &slopes, shape.table_rows, shape.limbs, may))?;
        let same = self::shape(net, &layout, &fitted, shape.lanes) == *shape;
        same.then(|| Self { k, shape: shape.clone(), layout, fitted })
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        self.layout.rows.len()
    }
}

fn shape(net: &Net, layout: &Layout, fitted: &Fitted, lanes: usize) -> Shape {
    let cells = || net.blocks.iter().flat_map(|block| &block.cells);
    Shape {
        lanes,
        limbs: fitted.limbs,
        table_rows: fitted.table_rows,
        steps: fitted.intervals.is_some(),
        groups: cells().any(|cell| cell.kind.goes_on()),
        products: cells().any(|cell| matches!(cell.kind, Kind::Product { .. })),
        loads: cells().any(|cell| matches!(cell.kind, Kind::Load { .. })),
        averages: net.float_sums.is_some(),
        menus: layout.menus.clone(),
    }
}

/// Row 0 comes before the table, and the row after it is the first unusable one at the earliest.
fn longest_table(k: u32) -> usize {
    (1_usize << k) - UNUSABLE_ROWS - 1
}

/// The longest table of 2^k rows that the rules fit, with as few limbs and intervals as can be.
fn fit(net: &Net, slopes: &[Option<Slope>], k: u32, rows: usize) -> Option<Fitted> {
    let longest = longest_table(k);
    for limbs in LIMBS {
        let mut lengths = (rows.max(256)..=longest).rev().take(TABLE_LENGTHS_TRIED);
        let found =
            lengths.find_map(|length| Fitted::new(net, slopes, length, limbs, false));
        if found.is_some() {
            return found;
        }
    }
    let most = LIMBS[LIMBS.len() - 1];
    Fitted::new(net, slopes, longest, most, true)
}
