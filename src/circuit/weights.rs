//! Committed weights: integers from −128 to 127 in columns of their own, of which a proof brings the commitments.
//!
//! A circuit with them depends on the architecture alone: operators, shapes, scales and zero points. A row of weights holds as
//! many as it has lanes, whatever they are, and accumulators have room for all that so many of them can give. The
//! weights of a layer are followed by its biases, three digits each; a bias has its inputs' zero points in it, so that
//! it is added to the sum of weights times bytes.

use super::CircuitError;
use super::layout::{plan::Plan, rows::Content};
use super::values::Values;
use super::wiring::{COMMITTED_DIGIT, Weight};
use crate::model::{Model, TensorId};
use std::ops::RangeInclusive;

/// What one may be.
pub const COMMITTED_RANGE: RangeInclusive<i32> = -128..=127;

/// Digits of a bias.
pub const BIAS_DIGITS: u8 = 3;

/// No bias of so many digits is larger, or smaller than its negative.
pub const LARGEST_BIAS: i64 = 128 * 0x01_01_01;

/// The committed weights of a model, in the order of its nodes.
pub fn of_model(model: &Model) -> Result<Vec<i32>, CircuitError> {
    let mut all = Vec::new();
    for node in &model.graph.nodes {
        let Some([weights, biases]) = node.operator.weights() else { continue };
        let refused = |why| CircuitError::CommittedWeights {
            node: node.name.clone(),
            operator: node.origin.operator.clone(),
            why,
        };
        if weights.iter().any(|weight| !COMMITTED_RANGE.contains(weight)) {
            return Err(refused("are not from -128 to 127 without their zero point"));
        }
        all.extend(weights);
        let zero = i64::from(zero_byte(model, node.inputs[0]));
        let per_output = weights.len() / biases.len().max(1);
        let bias_of = |(bias, weights): (&i32, &[i32])| {
            let sum: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
            i64::from(*bias) - zero * sum
        };
        let biases = biases.iter().zip(weights.chunks(per_output.max(1)));
        let biases: Vec<i64> = biases.map(bias_of).collect();
        for digit in 0..BIAS_DIGITS {
            for &bias in &biases {
                let digits = digits(bias).ok_or_else(|| refused("have biases beyond 24 bits"))?;
                all.push(digits[usize::from(digit)]);
            }
        }
    }
    Ok(all)
}

/// The byte that stands for 0 in a tensor.
fn zero_byte(model: &Model, tensor: TensorId) -> i32 {
    let quantization = &model.graph.tensors[tensor.0].quantization;
    quantization.zero_point - quantization.element.range().0
}

/// The digits of a bias, least first.
fn digits(mut bias: i64) -> Option<[i32; BIAS_DIGITS as usize]> {
    let digits = [(); BIAS_DIGITS as usize].map(|()| {
        let digit = (bias + 128).rem_euclid(1 << COMMITTED_DIGIT) - 128;
        bias = (bias - digit) >> COMMITTED_DIGIT;
        i32::try_from(digit).expect("a digit has 8 bits")
    });
    (bias == 0).then_some(digits)
}

/// What their columns hold, lane by lane, from row 0 on.
pub fn columns(plan: &Plan, weights: &[i32]) -> Vec<Vec<i32>> {
    let mut columns = vec![vec![0; plan.rows()]; plan.shape.weight_lanes];
    for (at, row) in plan.layout.rows.iter().enumerate() {
        let Content::Weights(number) = row.content else { continue };
        for (column, weight) in columns.iter_mut().zip(&plan.layout.weights[number as usize].lanes)
        {
            if let Weight::Committed { number, .. } = *weight {
                column[at] = weights[number as usize];
            }
        }
    }
    columns
}

/// Columns of committed weights as a prover has them, row 0 to the last active row.
#[derive(Clone, Debug)]
pub struct CommittedLanes {
    /// By lane.
    pub lanes: Vec<Values>,
    /// How often each is looked up in the table of all of them.
    pub uses: Values,
}

impl CommittedLanes {
    pub(super) fn new(plan: &Plan, weights: &[i32]) -> Self {
        let length = plan.shape.table_rows + 1;
        let mut uses = vec![0_u32; length];
        let shared = plan.shape.lanes_beside_limbs();
        let lane = |(lane, column): (usize, Vec<i32>)| {
            let mut values = Values::zeros(length);
            for at in 1..length {
                let weight = column.get(at).copied().unwrap_or(0);
                if weight != 0 {
                    values.set(at, weight.into());
                }
                // One that is out of range is in no table, and beside a limb none is looked up where rows do not weigh.
                let looks_up = lane >= shared || weighs(plan, at);
                if looks_up && COMMITTED_RANGE.contains(&weight) {
                    uses[weight.abs_diff(*COMMITTED_RANGE.start()) as usize + 1] += 1;
                }
            }
            values
        };
        let lanes = columns(plan, weights).into_iter().enumerate().map(lane).collect();
        Self { lanes, uses: Values::of(uses) }
    }
}

/// Whether a row has weights, known ones or committed ones.
pub fn weighs(plan: &Plan, at: usize) -> bool {
    let content = plan.layout.rows.get(at).map(|row| row.content);
    matches!(content, Some(Content::Weights(_)))
}
