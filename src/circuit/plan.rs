//! Chooses a layout: k, weights per row, limbs, table length.

use super::{
    CircuitError,
    fit::{Fitted, Misfit},
    program::Program,
    rows::Layout,
};

/// Rows at the end of the domain that blinding takes: halo2's five blinding factors (at most two
/// rotations per column, two more) and the row before them.
pub const UNUSABLE_ROWS: usize = 6;

/// The largest k that is planned for.
pub const LARGEST_K: u32 = 20;

/// How many table lengths are tried per k and limb count before giving up on an exact line for all
/// layers at once. Each length has a line for most layers; the search ends at the first for all.
const TABLE_LENGTHS_TRIED: usize = 200;

/// What a layout should be best at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// Proving time.
    #[default]
    Speed,
    /// Gas of a verification.
    Gas,
    /// Memory while proving.
    Memory,
}

/// What the caller asks of a layout.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// What to be best at.
    pub goal: Goal,
    /// Exactly this k.
    pub k: Option<u32>,
    /// No larger k.
    pub max_k: Option<u32>,
}

/// The shape of a circuit: all that its columns and gates depend on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Weights per row.
    pub lanes: usize,
    /// Limbs per remainder.
    pub limbs: usize,
    /// Rows of the table, and of the circuit.
    pub table_rows: usize,
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
    pub fn new(program: &Program, wishes: Wishes) -> Result<Self, CircuitError> {
        let largest = wishes.k.or(wishes.max_k).unwrap_or(LARGEST_K).min(LARGEST_K);
        let candidates: &[usize] = match wishes.goal {
            Goal::Gas => &[1],
            Goal::Speed | Goal::Memory => &[1, 2, 4, 8, 16],
        };
        let mut best: Option<(usize, usize, u32)> = None;
        for &lanes in candidates {
            let rows = Layout::count(program, lanes);
            let Some(k) = (4..=LARGEST_K).find(|&k| rows + UNUSABLE_ROWS + 2 <= 1 << k) else {
                continue;
            };
            let k = wishes.k.map_or(k, |wish| k.max(wish));
            let cost = (lanes + COLUMNS_WITHOUT_LANES) << k;
            if best.is_none_or(|(least, _, _)| cost < least) {
                best = Some((cost, lanes, k));
            }
        }
        let (_, lanes, least_k) = best.ok_or(CircuitError::TooLarge(LARGEST_K))?;
        if least_k > largest {
            return Err(CircuitError::TooManyRows { needed: least_k, wish: largest });
        }
        let layout = Layout::new(program, lanes);
        let mut misfit = Misfit::Table;
        for k in least_k..=largest {
            match fit(program, k, layout.rows.len()) {
                Ok(fitted) => {
                    let shape = Shape { lanes, limbs: fitted.limbs, table_rows: fitted.table_rows };
                    return Ok(Self { k, shape, layout, fitted });
                }
                Err(error) => misfit = error,
            }
        }
        Err(misfit.into_error(program, largest))
    }
}

/// Columns that every layout has, for comparing numbers of lanes.
const COLUMNS_WITHOUT_LANES: usize = 24;

/// The longest table of 2^k rows for which every layer has an exact line, with as few limbs as can be.
fn fit(program: &Program, k: u32, rows: usize) -> Result<Fitted, Misfit> {
    // One row before the table and one after it carry boundary conditions.
    let longest = (1_usize << k) - UNUSABLE_ROWS - 1;
    let mut misfit = Misfit::Table;
    for limbs in 2..=4 {
        for table_rows in (rows.max(256)..=longest).rev().take(TABLE_LENGTHS_TRIED) {
            match Fitted::new(program, table_rows, limbs) {
                Ok(fitted) => return Ok(fitted),
                // A shorter table has no more room.
                Err(Misfit::Table) => break,
                Err(error) => misfit = error,
            }
        }
    }
    Err(misfit)
}
