//! Chooses a layout: k, weights per row, limbs, table length.

use super::{
    fit::{Fitted, Misfit},
    program::Program,
    rows::Layout,
};
use crate::circuit::{CircuitError, Goal, Wishes, lookups, steps as step_tables};

/// Rows at the end of the domain that blinding takes: halo2's five blinding factors (at most two
/// rotations per column, two more) and the row before them.
const UNUSABLE_ROWS: usize = 6;

/// The smallest k that is planned for: the table has at least 256 rows.
const SMALLEST_K: u32 = 9;

/// The largest k that is planned for.
const LARGEST_K: u32 = 20;

/// Weights per row to choose from.
const LANES: [usize; 5] = [1, 2, 4, 8, 16];

/// More limbs than this never find a line that fewer do not.
const LARGEST_LIMBS: usize = 4;

/// How many table lengths are tried per k and limb count before giving up on an exact line for all
/// layers at once. Each length has a line for most layers; the search ends at the first for all.
const TABLE_LENGTHS_TRIED: usize = 100;

/// The shape of a circuit: all that its columns and gates depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Shape {
    /// Weights per row.
    pub lanes: usize,
    /// Limbs per remainder.
    pub limbs: usize,
    /// Rows of the table, and of the circuit.
    pub table_rows: usize,
    /// Outputs are read from step tables instead of being divided: always exact, larger.
    pub steps: bool,
}

/// A layout for a program.
#[derive(Clone, Debug)]
pub struct Plan {
    /// log₂ of the number of rows.
    pub k: u32,
    /// The circuit's shape.
    pub shape: Shape,
    /// What each row is.
    pub layout: Layout,
    /// The program's integers for this shape.
    pub fitted: Fitted,
}

impl Plan {
    /// Chooses the best layout for a program.
    ///
    /// A proof's cost grows with 2^k times the number of columns, a verification's gas with the number
    /// of columns: more weights per row buy a smaller k for a fixed column each.
    ///
    /// Divisions come first; step tables serve where some output has no exact line.
    pub fn new(program: &Program, wishes: Wishes) -> Result<Self, CircuitError> {
        let has_lines = super::fit::has_lines(program);
        match Self::with_arithmetic(program, wishes, !has_lines) {
            Err(CircuitError::NoLine { .. }) => Self::with_arithmetic(program, wishes, true),
            result => result,
        }
    }

    fn with_arithmetic(
        program: &Program,
        wishes: Wishes,
        steps: bool,
    ) -> Result<Self, CircuitError> {
        let largest = wishes.k.or(wishes.max_k).unwrap_or(LARGEST_K).min(LARGEST_K);
        let least = wishes.k.unwrap_or(SMALLEST_K).max(SMALLEST_K);
        let lanes_for = |k: u32| {
            let fits = |lanes: &usize| Layout::count(program, *lanes) <= longest_table(k);
            // The second lane of a made value's row holds the width of its step table's buckets.
            LANES.into_iter().filter(|&lanes| !steps || lanes > 1).find(fits)
        };
        let mut best: Option<(usize, Self)> = None;
        let mut misfit = None;
        let mut needed = None;
        for k in least..=LARGEST_K {
            let Some(lanes) = lanes_for(k) else { continue };
            needed.get_or_insert(k);
            if k > largest {
                break;
            }
            let fitted = match fit(program, k, Layout::count(program, lanes), steps) {
                Ok(fitted) => fitted,
                Err(error) => {
                    misfit = Some(error);
                    needed = None;
                    continue;
                }
            };
            let Fitted { limbs, table_rows, .. } = fitted;
            let shape = Shape { lanes, limbs, table_rows, steps };
            let cost = match wishes.goal {
                Goal::Speed | Goal::Memory => shape.columns() << k,
                // A column costs a thousand times the squarings of one more k.
                Goal::Gas => 1000 * shape.columns() + k as usize,
            };
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                let layout = Layout::new(program, lanes);
                best = Some((cost, Self { k, shape, layout, fitted }));
            } else {
                // Costs fall to a minimum, then rise with k.
                break;
            }
        }
        if let Some((_, plan)) = best {
            return Ok(plan);
        }
        match (needed, misfit) {
            (Some(needed), _) if needed > largest => {
                Err(CircuitError::TooManyRows { needed, wish: largest })
            }
            (_, Some(misfit)) => Err(misfit.into_error(program, largest)),
            _ => Err(CircuitError::TooLarge(LARGEST_K)),
        }
    }

    /// The plan that an earlier one was written down as: only if it fits the program.
    pub fn restore(program: &Program, k: u32, shape: Shape) -> Option<Self> {
        let Shape { lanes, limbs, table_rows, steps } = shape;
        let fits = shape.is_possible(k) && Layout::count(program, lanes) <= table_rows;
        let fitted = fits.then(|| Fitted::new(program, table_rows, limbs, steps).ok()).flatten()?;
        Some(Self { k, shape, layout: Layout::new(program, lanes), fitted })
    }
}

impl Shape {
    /// Whether a plan could have this shape: others have no columns.
    pub fn is_possible(self, k: u32) -> bool {
        (SMALLEST_K..=LARGEST_K).contains(&k)
            && LANES.contains(&self.lanes)
            && (2..=LARGEST_LIMBS).contains(&self.limbs)
            && (!self.steps || (self.limbs == step_tables::LIMBS && self.lanes > 1))
            && (256..=longest_table(k)).contains(&self.table_rows)
    }

    /// Advice and fixed columns.
    pub fn columns(&self) -> usize {
        self.advice_columns() + self.fixed_columns()
    }

    /// Advice columns of both phases.
    pub fn advice_columns(&self) -> usize {
        8 + self.limbs + self.lookup_sums() + if self.steps { 2 } else { 0 }
    }

    /// Columns of the look-up argument's running sums.
    pub fn lookup_sums(&self) -> usize {
        lookups::sum_columns(self.limbs)
    }

    /// Fixed columns.
    pub fn fixed_columns(&self) -> usize {
        7 + self.lanes + usize::from(self.steps)
    }
}

/// Row 0 comes before the table, and the row after it is the first unusable one at the earliest.
fn longest_table(k: u32) -> usize {
    (1_usize << k) - UNUSABLE_ROWS - 1
}

/// The longest table of 2^k rows for which every layer has an exact line, with as few limbs as can be.
fn fit(program: &Program, k: u32, rows: usize, steps: bool) -> Result<Fitted, Misfit> {
    if steps {
        return Fitted::new(program, longest_table(k), step_tables::LIMBS, true);
    }
    let mut misfit = Misfit::Table;
    for limbs in 2..=LARGEST_LIMBS {
        let lengths = (rows.max(256)..=longest_table(k)).rev();
        for table_rows in lengths.take(TABLE_LENGTHS_TRIED) {
            match Fitted::new(program, table_rows, limbs, false) {
                Ok(fitted) => return Ok(fitted),
                // A shorter table has no more room.
                Err(Misfit::Table) => break,
                Err(error) => misfit = error,
            }
        }
    }
    Err(misfit)
}
