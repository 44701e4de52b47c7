//! Which range of reals each activation's integers stand for.

use std::collections::{HashMap, HashSet};

use super::{
    Range, lines,
    operators::{BEFORE_CLAMP, COMPARE, ELEMENTWISE, MOVERS, TRUTHS},
    scales::{Scales, other_architecture},
    stored::Stored,
};
use crate::model::{
    ElementType, ImportOptions, ModelError, Quantization,
    import::{FloatGraph, FloatValues, float_constant},
    input::FloatInput,
    onnx::{GraphProto, ModelProto, NodeProto},
};

/// Bins of the histogram that percentiles are read from.
const BINS: usize = 4096;

/// Scale and zero point of each activation, by name.
pub(super) type Ranges = HashMap<String, Quantization>;

/// Values below this hide elements from a Softmax.
const MASKED: f32 = -1e4;

/// Finds the ranges of all activations. Where the file rounds some, `reference` does so: what a range clamps is no
/// longer there after it.
pub(super) fn find(
    file: &ModelProto,
    float: &FloatGraph,
    reference: Option<&FloatGraph>,
    examples: &[Vec<Vec<f32>>],
    range: Range,
    stored: &Stored,
    import: &ImportOptions<'_>,
) -> Result<Ranges, ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let names: Vec<&str> = float
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .chain(graph.node.iter().flat_map(|node| node.output.iter().map(String::as_str)))
        .filter(|name| float.is_activation(name))
        .collect();
    // Truth values stay between the operators that make and take them.
    let truths: HashSet<&str> = graph
        .node
        .iter()
        .filter(|node| TRUTHS.contains(&node.op_type.as_str()))
        .flat_map(|node| node.output.iter().map(String::as_str))
        .collect();
    // Nor do inputs get a scale before they are prepared, unless the file has one: they may have no value.
    let mut prepared = prepared(graph, float, import);
    prepared.extend(compared(graph, float));
    let has_range = |name: &str| {
        stored.activations.contains_key(name) || !prepared.iter().any(|own| own == name)
    };
    let names: Vec<&str> =
        names.into_iter().filter(|name| !truths.contains(name) && has_range(name)).collect();

    let evaluate = |example: &[Vec<f32>]| {
        (
            float.evaluate(example),
            reference.map(|reference| (reference, reference.evaluate(example))),
        )
    };
    type Evaluated<'r> = (FloatValues, Option<(&'r FloatGraph, FloatValues)>);
    let of = |(values, rounded): &Evaluated<'_>, name: &str| -> Vec<f32> {
        let rounded = rounded.as_ref().and_then(|(graph, values)| graph.of(values, name));
        rounded.or_else(|| float.of(values, name)).unwrap_or_default().to_vec()
    };
    let mut bounds = vec![(f32::INFINITY, f32::NEG_INFINITY); names.len()];
    let mut masked = HashSet::new();
    for example in examples {
        let values = evaluate(example);
        for (name, bounds) in names.iter().zip(&mut bounds) {
            for value in of(&values, name) {
                if value <= MASKED {
                    masked.insert(*name);
                    continue;
                }
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
            let values = evaluate(example);
            for ((name, bounds), histogram) in names.iter().zip(&bounds).zip(&mut histograms) {
                for value in of(&values, name) {
                    histogram[bin(value, *bounds)] += 1;
                }
            }
        }
        for (bounds, histogram) in bounds.iter_mut().zip(&histograms) {
            *bounds = cut(*bounds, histogram, percent);
        }
    }

    for (name, bounds) in names.iter().zip(&mut bounds) {
        if masked.contains(name) {
            // The lowest integer hides what others show: its share is below e^−9 of any other's.
            bounds.0 -= 9.0;
        }
    }
    hide_what_is_added_to(graph, &names, &masked, &mut bounds);
    let element = stored.element();
    let of_type = |quantization: Quantization| {
        let shift = element.range().0 - quantization.element.range().0;
        Quantization { zero_point: quantization.zero_point + shift, element, ..quantization }
    };
    let mut ranges: Ranges = names
        .iter()
        .zip(&bounds)
        .map(|(name, bounds)| ((*name).to_owned(), of_type(asymmetric(*bounds))))
        .collect();
    for name in within_chains(graph, float, &prepared, import) {
        // A range that the file has may clamp.
        if !stored.activations.contains_key(&name) {
            ranges.remove(&name);
        }
    }
    for input in &float.inputs {
        let given = stored.activations.get(&input.name);
        if let (Some(own), Some(given)) = (ranges.get_mut(&input.name), given) {
            *own = *given;
        }
    }
    for node in &graph.node {
        for output in &node.output {
            if node.op_type == "Softmax" && ranges.contains_key(output) {
                // Probabilities, in the scale that integer kernels divide by.
                let softmax = Quantization {
                    scale: 1.0 / 256.0,
                    zero_point: -128,
                    element: ElementType::Int8,
                };
                ranges.insert(output.clone(), of_type(softmax));
            }
            if let Some(of_input) = moved(node, graph, float, &ranges, import)
                && ranges.contains_key(output)
            {
                ranges.insert(output.clone(), of_input);
            }
            if let (Some(own), Some(given)) =
                (ranges.get_mut(output), stored.activations.get(output))
            {
                *own = *given;
            }
        }
        with_line(node, graph, float, stored, &mut ranges);
    }
    Ok(ranges)
}

/// What hides elements by being added to them is so low that whatever it is added to gets the lowest integer.
fn hide_what_is_added_to(
    graph: &GraphProto,
    names: &[&str],
    masked: &HashSet<&str>,
    bounds: &mut [(f32, f32)],
) {
    let places: HashMap<&str, usize> =
        names.iter().enumerate().map(|(place, &name)| (name, place)).collect();
    for node in graph.node.iter().rev() {
        let place = |name: Option<&String>| places.get(name?.as_str()).copied();
        let (Some(y), inputs) = (place(node.output.first()), node.input.as_slice()) else {
            continue;
        };
        let lowest = |x: &String, low: f32, bounds: &mut [(f32, f32)]| {
            if let Some(x) = place(Some(x)).filter(|&x| masked.contains(names[x])) {
                bounds[x].0 = bounds[x].0.min(low);
            }
        };
        match (node.op_type.as_str(), inputs) {
            ("Add", [a, b]) if masked.contains(names[y]) => {
                for (hidden, shown) in [(a, b), (b, a)] {
                    if let Some(shown) = place(Some(shown)) {
                        lowest(hidden, bounds[y].0 - bounds[shown].1, bounds);
                    }
                }
            }
            (operator, [x, ..]) if operator == "Cast" || MOVERS.contains(&operator) => {
                lowest(x, bounds[y].0, bounds);
            }
            _ => {}
        }
    }
}

/// Floats that stay floats: inputs, and what is made of them until they are standardized. Sums with constants,
/// and constants per element, come before the input's own quantization; factors alone are part of it anyway.
fn prepared(graph: &GraphProto, float: &FloatGraph, import: &ImportOptions<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for FloatInput { name: input, shape, .. } in &float.inputs {
        let (mut name, mut chain, mut counted, mut is_needed) = (input, vec![input], 0, false);
        loop {
            let mut takers = graph.node.iter().filter(|node| node.input.contains(name));
            let (Some(node), None) = (takers.next(), takers.next()) else { break };
            let is_output = graph.output.iter().any(|output| output.name == *name);
            let [output] = node.output.as_slice() else { break };
            let same_elements = float.shape(output).is_some_and(|own| {
                own.iter().product::<usize>() == shape.iter().product::<usize>()
            });
            if is_output || !same_elements {
                break;
            }
            let constants = node.input.iter().filter(|other| *other != name);
            let constants: Option<Vec<_>> =
                constants.map(|other| float_constant(graph, other, import)).collect();
            match (node.op_type.as_str(), constants.as_deref()) {
                ("Reshape" | "Flatten" | "Identity" | "Squeeze" | "Unsqueeze" | "Cast", _) => {}
                ("Imputer", _) => (counted, is_needed) = (chain.len(), true),
                ("Add" | "Sub" | "Mul" | "Div", Some([constant])) => {
                    if node.op_type == "Div" && node.input.first() != Some(name) {
                        break;
                    }
                    let is_uniform = constant.values.windows(2).all(|pair| pair[0] == pair[1]);
                    let is_factor = matches!(node.op_type.as_str(), "Mul" | "Div");
                    is_needed |= !is_factor || !is_uniform;
                    counted = chain.len();
                }
                _ => break,
            }
            chain.push(output);
            name = output;
        }
        // The last of them is quantized.
        if is_needed {
            all.extend(chain.into_iter().take(counted).cloned());
        }
    }
    all
}

/// Floats that nothing is done with but compare them: what trees and categories are made of, back to the inputs.
fn compared(graph: &GraphProto, float: &FloatGraph) -> Vec<String> {
    let mut all: HashSet<&String> = HashSet::new();
    let mut left: Vec<&String> = graph
        .node
        .iter()
        .filter(|node| COMPARE.contains(&node.op_type.as_str()))
        .filter_map(|node| node.input.first())
        .collect();
    while let Some(name) = left.pop() {
        if !float.is_activation(name) || !all.insert(name) {
            continue;
        }
        let maker = graph.node.iter().find(|node| node.output.contains(name));
        left.extend(maker.into_iter().flat_map(|node| &node.input));
    }
    all.into_iter().cloned().collect()
}

/// Values between functions of the same elements: a chain of them is one table, so they need no scale.
fn within_chains(
    graph: &GraphProto,
    float: &FloatGraph,
    prepared: &[String],
    import: &ImportOptions<'_>,
) -> Vec<String> {
    let maker =
        |name: &str| graph.node.iter().find(|node| node.output.iter().any(|output| output == name));
    let takers = |name: &str| -> Vec<&NodeProto> {
        let takes = |node: &&NodeProto| node.input.iter().any(|own| own == name);
        graph.node.iter().filter(takes).collect()
    };
    // Of which value's elements each value is a function, element by element.
    let mut roots: HashMap<&str, &str> = HashMap::new();
    for node in &graph.node {
        let [output] = node.output.as_slice() else { continue };
        let operator = node.op_type.as_str();
        let is_part_of_product = matches!(operator, "Relu" | "Clip")
            && node.input.first().is_some_and(|x| {
                let made = |own: &NodeProto| BEFORE_CLAMP.contains(&own.op_type.as_str());
                maker(x).is_some_and(made) && takers(x).len() == 1
            });
        // An input's preparation is done with where it is quantized.
        let is_prepared = node.input.iter().any(|name| prepared.contains(name));
        if !ELEMENTWISE.contains(&operator) || is_part_of_product || is_prepared {
            continue;
        }
        let mut root = None;
        let is_of_one = node.input.iter().filter(|name| !name.is_empty()).all(|name| {
            if !float.is_activation(name) {
                // Constants per element would make a table per element.
                return float_constant(graph, name, import)
                    .is_some_and(|own| own.values.windows(2).all(|pair| pair[0] == pair[1]));
            }
            let own = roots.get(name.as_str()).copied().unwrap_or(name);
            *root.get_or_insert(own) == own && float.shape(name) == float.shape(output)
        });
        if let (true, Some(root)) = (is_of_one, root) {
            roots.insert(output, root);
        }
    }
    let is_within = |name: &&str| {
        let root = roots[name];
        let takers = takers(name);
        !takers.is_empty()
            && takers.iter().all(|taker| {
                taker.output.first().is_some_and(|output| roots.get(output.as_str()) == Some(&root))
            })
            && graph.output.iter().all(|output| output.name != **name)
    };
    roots.keys().copied().filter(is_within).map(str::to_owned).collect()
}

/// Takes the scales of another model of the same architecture.
pub(super) fn keep(
    ranges: &mut Ranges,
    scales: &Scales,
    file: &ModelProto,
) -> Result<(), ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let is_clamped = |name: &String| {
        let mut takers = graph.node.iter().filter(|node| node.input.contains(name));
        takers.next().is_some_and(|node| matches!(node.op_type.as_str(), "Relu" | "Clip"))
    };
    let mut kept = Ranges::new();
    for name in ranges.keys() {
        match scales.activation(name) {
            Some(quantization) => {
                kept.insert(name.clone(), quantization);
            }
            // Part of the clamp after it.
            None if is_clamped(name) => {}
            None => return Err(other_architecture(name)),
        }
    }
    *ranges = kept;
    Ok(())
}

/// The quantization of the outputs of a node that only moves integers, or that gives them another unit.
fn moved(
    node: &NodeProto,
    graph: &GraphProto,
    float: &FloatGraph,
    ranges: &Ranges,
    import: &ImportOptions<'_>,
) -> Option<Quantization> {
    let of = |position: usize| ranges.get(node.input.get(position)?).copied();
    // A cast of floats to floats is one too. With another scale after it, onnxruntime would leave out the first.
    if MOVERS.contains(&node.op_type.as_str()) || node.op_type == "Cast" {
        return of(0);
    }
    let factor = |position: usize| {
        let name = node.input.get(position).filter(|name| !float.is_activation(name))?;
        let constant = float_constant(graph, name, import)?;
        let first = *constant.values.first()?;
        constant.values.iter().all(|&value| value == first).then_some(first)
    };
    let (input, factor) = match node.op_type.as_str() {
        "Div" => (of(0)?, 1.0 / factor(1)?),
        "Mul" => match of(0) {
            Some(input) => (input, factor(1)?),
            None => (of(1)?, factor(0)?),
        },
        _ => return None,
    };
    let scale = input.scale * factor;
    (scale.is_normal() && factor > 0.0).then_some(Quantization { scale, ..input })
}

/// Moves the scale of a node's output to where its function of integers has an exact line.
fn with_line(
    node: &NodeProto,
    graph: &GraphProto,
    float: &FloatGraph,
    stored: &Stored,
    ranges: &mut Ranges,
) {
    let [output] = node.output.as_slice() else { return };
    // A clamp that nothing else comes before becomes part of the operator.
    let mut takers = graph.node.iter().filter(|taker| taker.input.contains(output));
    let output = match (takers.next(), takers.next()) {
        (Some(taker), None) if matches!(taker.op_type.as_str(), "Relu" | "Clip") => {
            taker.output.first().unwrap_or(output)
        }
        _ => output,
    };
    let of = |position: usize| ranges.get(node.input.get(position)?).copied();
    let Some(&to) = ranges.get(output) else { return };
    if stored.activations.contains_key(output) {
        return;
    }
    let scale = match (node.op_type.as_str(), of(0), of(1)) {
        ("Add", Some(a), Some(b)) => lines::add(a, b, 1.0, to),
        ("Sub", Some(a), Some(b)) => lines::add(a, b, -1.0, to),
        ("Mul", Some(a), Some(b)) => lines::mul(a, b, to),
        ("MatMul", Some(a), Some(b)) => {
            let inner = float.shape(&node.input[0]).and_then(|shape| shape.last());
            lines::mat_mul(a, b, inner.copied().unwrap_or(1), to)
        }
        ("GlobalAveragePool" | "ReduceMean" | "ReduceSum", Some(x), _) => {
            let len =
                |name: &String| float.shape(name).map(|shape| shape.iter().product::<usize>());
            let (Some(before), Some(after)) = (len(&node.input[0]), len(&node.output[0])) else {
                return;
            };
            lines::mean(x, before / after.max(1), node.op_type != "ReduceSum", to)
        }
        _ => return,
    };
    ranges.insert(output.clone(), Quantization { scale, ..to });
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
