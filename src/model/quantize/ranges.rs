//! Which range of reals each activation's integers stand for.

use std::collections::HashMap;

use super::Range;
use crate::model::{ElementType, ModelError, Quantization, import::FloatGraph, onnx::ModelProto};

/// Bins of the histogram that percentiles are read from.
const BINS: usize = 4096;

/// Scale and zero point of each activation, by name.
pub(super) type Ranges = HashMap<String, Quantization>;

/// Operators whose outputs are some of their input's values, with the same scale.
const MOVERS: &[&str] = &[
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Transpose",
    "Expand",
    "Slice",
    "Split",
    "Gather",
    "Pad",
    "Resize",
    "Identity",
    "Dropout",
    "MaxPool",
    "ReduceMax",
];

/// Finds the ranges of all activations.
pub(super) fn find(
    file: &ModelProto,
    float: &FloatGraph,
    examples: &[Vec<Vec<f32>>],
    range: Range,
) -> Result<Ranges, ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let names: Vec<&str> = float
        .inputs
        .iter()
        .map(|(name, _)| name.as_str())
        .chain(graph.node.iter().flat_map(|node| node.output.iter().map(String::as_str)))
        .filter(|name| float.is_activation(name))
        .collect();

    let mut bounds = vec![(f32::INFINITY, f32::NEG_INFINITY); names.len()];
    for example in examples {
        let values = float.evaluate(example);
        for (name, bounds) in names.iter().zip(&mut bounds) {
            for &value in float.of(&values, name).unwrap_or_default() {
                if !value.is_finite() {
                    return Err(ModelError::Quantize(format!(
                        "the float model gives {value} in `{name}` for an example"
                    )));
                }
                *bounds = (bounds.0.min(value), bounds.1.max(value));
            }
        }
    }
    if let Range::Percentile(percent) = range {
        if !(50.0..=100.0).contains(&percent) {
            return Err(ModelError::Quantize(format!(
                "a percentile of {percent}, expected 50 to 100"
            )));
        }
        let mut histograms = vec![vec![0_u64; BINS]; names.len()];
        for example in examples {
            let values = float.evaluate(example);
            for ((name, bounds), histogram) in names.iter().zip(&bounds).zip(&mut histograms) {
                for &value in float.of(&values, name).unwrap_or_default() {
                    histogram[bin(value, *bounds)] += 1;
                }
            }
        }
        for (bounds, histogram) in bounds.iter_mut().zip(&histograms) {
            *bounds = cut(*bounds, histogram, percent);
        }
    }

    let mut ranges: Ranges = names
        .iter()
        .zip(&bounds)
        .map(|(name, bounds)| ((*name).to_owned(), asymmetric(*bounds)))
        .collect();
    for node in &graph.node {
        for output in &node.output {
            if node.op_type == "Softmax" && ranges.contains_key(output) {
                // Probabilities, in the scale that integer kernels divide by.
                let softmax = Quantization {
                    scale: 1.0 / 256.0,
                    zero_point: -128,
                    element: ElementType::Int8,
                };
                ranges.insert(output.clone(), softmax);
            }
            if MOVERS.contains(&node.op_type.as_str())
                && let Some(&of_input) = node.input.first().and_then(|input| ranges.get(input))
                && ranges.contains_key(output)
            {
                ranges.insert(output.clone(), of_input);
            }
        }
    }
    Ok(ranges)
}

/// The int8 grid that holds the bounds and 0.
fn asymmetric((low, high): (f32, f32)) -> Quantization {
    let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
    #[allow(clippy::cast_possible_truncation)]
    let scale = ((high - low) / 255.0) as f32;
    // Of activations that are always 0, any scale will do.
    let scale = if scale.is_normal() { scale } else { 1.0 };
    #[allow(clippy::cast_possible_truncation)]
    let zero_point =
        (-128.0 - low / f64::from(scale)).round_ties_even().clamp(-128.0, 127.0) as i32;
    Quantization { scale, zero_point, element: ElementType::Int8 }
}

fn bin(value: f32, (low, high): (f32, f32)) -> usize {
    #[allow(clippy::cast_precision_loss)]
    let position = (value - low) / (high - low) * BINS as f32;
    // A range of one value gives NaN, which becomes 0.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bin = position as usize;
    bin.min(BINS - 1)
}

/// Leaves out the values beyond a percentile at either end.
fn cut((low, high): (f32, f32), histogram: &[u64], percent: f64) -> (f32, f32) {
    #[allow(clippy::cast_precision_loss)]
    let (total, bins) = (histogram.iter().sum::<u64>() as f64, BINS as f32);
    let allowed = total * (100.0 - percent) / 100.0;
    let left_out = |bins: &mut dyn Iterator<Item = &u64>| {
        let mut seen = 0.0;
        bins.take_while(|&&count| {
            #[allow(clippy::cast_precision_loss)]
            let count = count as f64;
            seen += count;
            seen <= allowed
        })
        .count()
    };
    let (below, above) = (left_out(&mut histogram.iter()), left_out(&mut histogram.iter().rev()));
    let width = (high - low) / bins;
    #[allow(clippy::cast_precision_loss)]
    let (cut_low, cut_high) = (low + below as f32 * width, high - above as f32 * width);
    (cut_low.min(cut_high), cut_high.max(cut_low))
}
