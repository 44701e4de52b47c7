//! A program's arithmetic for one table length: every layer as exact divisions by one divisor, every
//! activation as rows of one table.
//!
//! With N rows in the table and l limbs, the divisor is D = N^l, and output o of a layer holds when
//!
//! ```text
//! D·u + z = Σ_i slope_o·weight[o, i]·byte_i + offset_o        z = Σ_j N^j·limb_j,  0 ≤ limb_j < N
//! byte_o = out[u]                                             u a row of the table
//! ```
//!
//! `offset_o` shifts levels so that `u` is the table's row for the level: each activation has the rows
//! of its layers' proven levels, one region after the other.
//!
//! **No wrap.** Bytes are below 256, u and the limbs below N ≤ 2^20, and `bound` (checked here) limits
//! both sides of the equation: below r they are equal integers when they are equal field elements.
//! Then u is the quotient, which lies in the layer's own region of the table because the accumulator
//! lies in its proven range: no tag is needed to keep regions apart.

use super::program::{Layer, Levels, Program};
use crate::circuit::{
    CircuitError,
    activation::Activation,
    steps::{self, Buckets},
};
use crate::model::Line;

/// Both sides of a layer's equation stay below this; the field's modulus is above 2^253.
const NO_WRAP_BOUND: i128 = 1 << 120;

/// A program fitted to a table length.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Number of rows of the table, and base of the limbs.
    pub table_rows: usize,
    /// Limbs per remainder.
    pub limbs: usize,
    /// The layers' integers.
    pub layers: Vec<FittedLayer>,
    /// The byte in each row of the table.
    pub table: Vec<u8>,
    /// With step tables, 2·threshold + parity in each row.
    pub steps: Option<Vec<i128>>,
}

/// A layer's integers.
#[derive(Clone, Debug)]
pub struct FittedLayer {
    /// Per output, the factor of its weights.
    pub slopes: Vec<i128>,
    /// Per output, the constant of its dividend.
    pub offsets: Vec<i128>,
    /// With step tables, the width of each output's buckets.
    pub widths: Vec<i128>,
}

/// A row of the circuit that an output of a layer fills.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// The table's row.
    pub u: usize,
    /// The remainder, least limb first.
    pub limbs: Vec<usize>,
    /// The output.
    pub byte: u8,
}

/// What a step table says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// From which remainder on the byte above holds.
    pub threshold: i128,
    /// Whether this is the row above.
    pub above: bool,
}

/// Why a program does not fit a table length.
#[derive(Debug)]
pub enum Misfit {
    /// The activations have more rows than the table.
    Table,
    /// Some output has no line with this divisor that could not wrap around the field.
    Line {
        /// Position of its layer.
        layer: usize,
        /// Position in the layer.
        output: usize,
    },
}

impl Fitted {
    /// Fits a program to a table length, if it can be.
    pub fn new(
        program: &Program,
        table_rows: usize,
        limbs: usize,
        steps: bool,
    ) -> Result<Self, Misfit> {
        if steps {
            Self::with_steps(program, table_rows)
        } else {
            Self::with_lines(program, table_rows, limbs)
        }
    }

    fn with_steps(program: &Program, table_rows: usize) -> Result<Self, Misfit> {
        let base = i128::try_from(table_rows).expect("a table length");
        let mut regions: Vec<(Buckets, i128)> = Vec::new();
        let (mut table, mut steps) = (Vec::new(), Vec::new());
        let mut layers = Vec::new();
        for layer in &program.layers {
            let (mut offsets, mut widths) = (Vec::new(), Vec::new());
            for (output, buckets) in Buckets::of_layer(layer, base).into_iter().enumerate() {
                let known = regions.iter().find(|(region, _)| *region == buckets);
                let first = match known {
                    Some(&(_, first)) => first,
                    None => {
                        if table.len() + 2 * buckets.entries.len() > table_rows {
                            return Err(Misfit::Table);
                        }
                        let first = i128::try_from(table.len() / 2).expect("a table length");
                        for (byte, step) in buckets.rows() {
                            table.push(byte);
                            steps.push(step);
                        }
                        regions.push((buckets.clone(), first));
                        first
                    }
                };
                let bias = i128::from(layer.bias[output]);
                offsets.push(bias - buckets.low + buckets.width * first);
                widths.push(buckets.width);
            }
            let slopes = vec![1; layer.outputs];
            layers.push(FittedLayer { slopes, offsets, widths });
        }
        table.resize(table_rows, 0);
        // Rows that nothing uses keep their parity, so that every row of the table has one.
        let parity = |row: usize| i128::from(row % 2 == 1);
        steps.extend((steps.len()..table_rows).map(parity));
        Ok(Self { table_rows, limbs: steps::LIMBS, layers, table, steps: Some(steps) })
    }

    fn with_lines(program: &Program, table_rows: usize, limbs: usize) -> Result<Self, Misfit> {
        let d = i128::try_from(table_rows)
            .ok()
            .and_then(|rows| rows.checked_pow(u32::try_from(limbs).ok()?))
            .filter(|&d| d < 1 << 72)
            .ok_or(Misfit::Table)?;
        let mut regions: Vec<Region> = Vec::new();
        let mut lines = Vec::new();
        for (index, layer) in program.layers.iter().enumerate() {
            let layer_lines =
                fit_lines(layer, d).map_err(|output| Misfit::Line { layer: index, output })?;
            let reaches = layer_lines.iter().enumerate().map(|(output, line)| {
                let (low, high) = layer.accumulator_range(output);
                (line.divide(low).0, line.divide(high).0)
            });
            let (low, high) =
                reaches.reduce(|(low, high), (l, h)| (low.min(l), high.max(h))).unwrap_or((0, 0));
            match regions.iter_mut().find(|region| region.activation == layer.activation) {
                Some(region) => {
                    region.low = region.low.min(low);
                    region.high = region.high.max(high);
                }
                None => {
                    regions.push(Region { activation: layer.activation.clone(), low, high });
                }
            }
            lines.push(layer_lines);
        }
        let mut table = Vec::new();
        let mut starts = Vec::new();
        for region in &regions {
            starts.push(i128::try_from(table.len()).expect("a table length") - region.low);
            if region.high - region.low >= i128::try_from(table_rows).expect("a table length") {
                return Err(Misfit::Table);
            }
            table.extend((region.low..=region.high).map(|level| region.activation.apply(level)));
        }
        if table.len() > table_rows {
            return Err(Misfit::Table);
        }
        table.resize(table_rows, 0);
        let layers = program.layers.iter().zip(lines).enumerate().map(|(index, (layer, lines))| {
            let region = regions
                .iter()
                .position(|region| region.activation == layer.activation)
                .expect("a region was made for each activation");
            FittedLayer::new(layer, &lines, starts[region], table_rows)
                .map_err(|output| Misfit::Line { layer: index, output })
        });
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(Self { table_rows, limbs, layers, table, steps: None })
    }

    /// The divisor of every layer.
    pub fn divisor(&self) -> i128 {
        (0..self.limbs).fold(1, |d, _| d * self.base())
    }

    /// The base of the limbs.
    pub fn base(&self) -> i128 {
        i128::try_from(self.table_rows).expect("a table length")
    }

    /// Divides the accumulator of an output.
    pub fn divide(&self, layer: usize, output: usize, accumulator: i128) -> Division {
        let fitted = &self.layers[layer];
        let dividend = fitted.slopes[output] * accumulator + fitted.offsets[output];
        if let Some(steps) = &self.steps {
            return self.find_step(steps, dividend, fitted.widths[output]);
        }
        let u = usize::try_from(dividend.div_euclid(self.divisor()))
            .expect("regions begin at the least level");
        let mut z = dividend.rem_euclid(self.divisor());
        let limbs = (0..self.limbs).map(|_| {
            let limb = z % self.base();
            z /= self.base();
            usize::try_from(limb).expect("below the base")
        });
        Division { u, limbs: limbs.collect(), byte: self.table[u] }
    }
}

impl Fitted {
    /// Reads a bucket.
    fn find_step(&self, steps: &[i128], dividend: i128, width: i128) -> Division {
        let position =
            |value: i128| usize::try_from(value).expect("accumulators are in their range");
        let (bucket, z) = (position(dividend / width), dividend % width);
        let threshold = steps[2 * bucket] / 2;
        let above = z >= threshold;
        let u = 2 * bucket + usize::from(above);
        let distance = if above { z - threshold } else { threshold - 1 - z };
        let limbs = [z, z + self.base() - width, distance].map(position);
        Division { u, limbs: limbs.to_vec(), byte: self.table[u] }
    }

    /// What the step table says of a row, if there is one.
    pub fn step(&self, row: usize) -> Option<Step> {
        let entry = self.steps.as_ref()?[row];
        Some(Step { threshold: entry / 2, above: entry % 2 == 1 })
    }
}

/// An activation's rows: levels from `low` to `high`.
struct Region {
    activation: Activation,
    low: i128,
    high: i128,
}

impl FittedLayer {
    /// The error is an output whose equation could wrap around the field.
    fn new(layer: &Layer, lines: &[Line], start: i128, table_rows: usize) -> Result<Self, usize> {
        let offsets = lines.iter().enumerate().map(|(output, line)| {
            let offset = line.b + line.a * i128::from(layer.bias[output]) + line.d * start;
            let (low, high) = layer.accumulator_range(output);
            let reach = line.a * (low.abs().max(high.abs())) + offset.abs();
            let left = line.d * (i128::try_from(table_rows).expect("a table length") + 1);
            if reach.max(left) < NO_WRAP_BOUND { Ok(offset) } else { Err(output) }
        });
        Ok(Self {
            slopes: lines.iter().map(|line| line.a).collect(),
            offsets: offsets.collect::<Result<_, _>>()?,
            widths: Vec::new(),
        })
    }
}

/// Whether every output has a line with a divisor larger than any in use.
pub fn has_lines(program: &Program) -> bool {
    program.layers.iter().all(|layer| fit_lines(layer, 1 << 60).is_ok())
}

/// A line per output, or the output that has none.
fn fit_lines(layer: &Layer, d: i128) -> Result<Vec<Line>, usize> {
    match &layer.levels {
        Levels::Identity => Ok(vec![Line { a: d, b: 0, d }; layer.outputs]),
        Levels::Steps { steps, .. } => {
            let line = |(output, steps): (usize, &crate::model::Steps)| {
                steps.line(d).filter(|&line| steps.allow(line)).ok_or(output)
            };
            steps.iter().enumerate().map(line).collect()
        }
    }
}

impl Misfit {
    /// The error for a program that fits no table length.
    pub fn into_error(self, program: &Program, largest_k: u32) -> CircuitError {
        match self {
            Self::Table => CircuitError::TooLarge(largest_k),
            Self::Line { layer, output } => {
                CircuitError::NoLine { node: program.layers[layer].name.clone(), output }
            }
        }
    }
}
