//! Step tables: outputs of requantizations that no line gives exactly.
//!
//! The accumulator's range is cut into buckets as wide as the narrowest step at most, so that the output
//! changes at most once in a bucket: from `threshold` on. Each bucket has two rows of the table, for
//! below and above:
//!
//! ```text
//! width·(u − above)/2 + z = Σ_i weight[o, i]·byte_i + offset_o        above ∈ {0, 1}
//! 0 ≤ z < width                       limbs: z,  z + N − width
//! above = 1:  z ≥ threshold           limb:  z − threshold
//! above = 0:  z < threshold           limb:  threshold − 1 − z
//! (u, byte, 2·threshold + above)      read from the table, where the last is 2·threshold + (u mod 2)
//! ```
//!
//! If `above` is not u's parity, the read makes `threshold` a half, and the third limb is no integer: the
//! look-up refuses it. So u − above is even, the bucket is the quotient, and z the remainder.
//!
//! No wrap: accumulators are int32, and width·u is at most N² ≤ 2^40.
//!
//! A bucket without a change has the threshold `width`, which z never reaches.

use super::{
    activation::Activation,
    chain::program::{Layer, Levels},
    field::field,
    lookups::{Columns, StepColumns},
    query::{here, one},
};
use crate::model::Steps;
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::PrimeField},
    plonk::{Column, ConstraintSystem, Constraints, Expression, Fixed, VirtualCells},
};

/// z, its distance from the width, and its distance from the threshold.
pub const LIMBS: usize = 3;

/// Adds the gates of step tables.
///
/// They hold on rows that `makes` marks; `width` holds the width of the row's buckets.
pub fn configure(
    meta: &mut ConstraintSystem<Fr>,
    columns: &Columns,
    makes: Column<Fixed>,
    width: Column<Fixed>,
    table_rows: usize,
) {
    let Some(steps) = columns.steps else { return };
    meta.create_gate("step table", |meta| {
        let makes = here(meta, columns.active) * here(meta, makes);
        let [z, raised, distance] = [0, 1, 2].map(|limb| here(meta, columns.limbs[limb]));
        let width = here(meta, width);
        let [threshold, above] = steps.parts.map(|part| here(meta, part));
        let rows = i128::try_from(table_rows).expect("a table length");
        let room = Expression::Constant(field(rows)) - width;
        let is_boolean = above.clone() * (above.clone() - one());
        // threshold − 1 − z below, z − threshold above.
        let below = threshold - one() - z.clone();
        let expected = below.clone() - above * (below.clone() + below + one());
        Constraints::with_selector(
            makes,
            [
                ("a remainder plus N − width is below N", raised - z - room),
                ("above is 0 or 1", is_boolean),
                ("the remainder is on its side of the threshold", distance - expected),
            ],
        )
    });
}

/// `width·(u − above)/2 + z − offset`, the accumulator of the row's output.
pub fn made(
    meta: &mut VirtualCells<'_, Fr>,
    columns: &Columns,
    steps: StepColumns,
    [offset, width]: [Column<Fixed>; 2],
) -> Expression<Fr> {
    let half = Expression::Constant(Fr::TWO_INV);
    let width = here(meta, width) * half;
    let bucket = here(meta, columns.table_row) - here(meta, steps.parts[1]);
    width * bucket + here(meta, columns.limbs[0]) - here(meta, offset)
}

/// The buckets of outputs that share a multiplier.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// The least accumulator.
    pub low: i128,
    /// How many accumulators share a bucket.
    pub width: i128,
    /// Per bucket: the byte below the threshold, the byte above, the threshold.
    pub entries: Vec<(u8, u8, i128)>,
}

impl Buckets {
    /// The buckets of each output of a layer, none wider than `base`.
    pub fn of_layer(layer: &Layer, base: i128) -> Vec<Self> {
        let ranges = (0..layer.outputs).map(|output| layer.accumulator_range(output));
        let whole = |select: &dyn Fn(usize) -> bool| {
            let selected = ranges.clone().enumerate().filter(|&(output, _)| select(output));
            selected
                .map(|(_, range)| range)
                .reduce(|(low, high), (l, h)| (low.min(l), high.max(h)))
                .expect("a layer has outputs")
        };
        match &layer.levels {
            Levels::Identity => {
                let (low, high) = whole(&|_| true);
                let rises: Vec<_> = (low..=high).map(|acc| (acc, acc)).collect();
                vec![Self::new((low, high), &rises, &layer.activation, base); layer.outputs]
            }
            Levels::Steps { requantization, base: smallest, .. } => {
                let mut made: Vec<(u32, Self)> = Vec::new();
                let multiplier = |output: usize| requantization.multiplier(output).to_bits();
                let mut buckets = |output: usize| {
                    let bits = multiplier(output);
                    if let Some((_, buckets)) = made.iter().find(|(known, _)| *known == bits) {
                        return buckets.clone();
                    }
                    let (low, high) = whole(&|other| multiplier(other) == bits);
                    let int32 = |acc| i32::try_from(acc).expect("ranges were checked");
                    let range = (int32(low), int32(high));
                    let steps = Steps::find(requantization, output, *smallest, range);
                    let buckets = Self::new((low, high), steps.rises(), &layer.activation, base);
                    made.push((bits, buckets.clone()));
                    buckets
                };
                (0..layer.outputs).map(&mut buckets).collect()
            }
        }
    }

    /// Cuts a range of accumulators; `rises` holds the least accumulator of each level reached.
    pub fn new(
        (low, high): (i128, i128),
        rises: &[(i128, i128)],
        activation: &Activation,
        base: i128,
    ) -> Self {
        // Without a rise at the range's beginning, all before the first is at the clamp's lower bound.
        let (first, later) = match rises.split_first() {
            Some((&(acc, level), later)) if acc == low => (activation.apply(level), later),
            _ => (activation.apply(activation.min.into()), rises),
        };
        // Only where the byte changes: a table behind the requantization can have wide plateaus.
        let (mut changes, mut last) = (Vec::new(), first);
        for &(acc, level) in later {
            let byte = activation.apply(level);
            if byte != last {
                changes.push((acc, byte));
                last = byte;
            }
        }
        let gaps = changes.windows(2).map(|pair: &[(i128, u8)]| pair[1].0 - pair[0].0);
        let width = gaps.min().unwrap_or(base).min(base).max(1);
        let count = (high - low) / width + 1;
        let mut entries = Vec::new();
        let (mut next, mut byte) = (changes.iter().peekable(), first);
        for bucket in 0..count {
            let start = low + bucket * width;
            // A change at the bucket's very start holds for all of it.
            if let Some(&&(_, changed)) = next.peek().filter(|change| change.0 == start) {
                byte = changed;
                next.next();
            }
            let below = byte;
            let mut threshold = width;
            if let Some(&&(acc, changed)) = next.peek().filter(|change| change.0 < start + width) {
                threshold = acc - start;
                byte = changed;
                next.next();
            }
            entries.push((below, byte, threshold));
        }
        Self { low, width, entries }
    }

    /// The table's rows: byte, and 2·threshold + parity.
    pub fn rows(&self) -> impl Iterator<Item = (u8, i128)> + '_ {
        self.entries.iter().flat_map(|&(below, above, threshold)| {
            [(below, 2 * threshold), (above, 2 * threshold + 1)]
        })
    }
}
