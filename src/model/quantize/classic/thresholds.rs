//! Inputs that only their being above a threshold matters of: their ranks tell it exactly, their integers would not.

use crate::model::{
    ImportOptions,
    import::float_constant,
    onnx::{DataType, GraphProto, ModelProto},
    quantize::parts::{Parts, float, float_of, int, int_of},
};

/// What lies between an input and its comparison: monotone functions of each element.
const BETWEEN: &[&str] = &["Add", "Sub", "Mul", "Div", "Scaler", "Imputer", "Identity"];

/// Brings comparisons of inputs alone to Binarizer, and Binarizer of anything else to a comparison.
pub(in crate::model::quantize) fn binarize(file: &mut ModelProto, import: &ImportOptions<'_>) {
    let Some(graph) = &mut file.graph else { return };
    let to_float = i64::from(i32::from(DataType::Float));
    let mut position = 0;
    while position < graph.node.len() {
        if !matches!(graph.node[position].op_type.as_str(), "Greater" | "Binarizer") {
            position += 1;
            continue;
        }
        let node = graph.node[position].clone();
        let mut parts = Parts::new(graph, &node);
        let mut removed = vec![position];
        match (node.op_type.as_str(), node.input.as_slice(), node.output.as_slice()) {
            ("Greater", [x, threshold], [truth]) => {
                let threshold = float_constant(graph, threshold, import);
                let threshold = match threshold.as_ref().map(|own| own.values.as_slice()) {
                    Some(&[threshold]) if threshold.is_finite() => threshold,
                    _ => 0.0_f32.recip(),
                };
                let number = the_taker(graph, truth).filter(|&at| {
                    let cast = &graph.node[at];
                    cast.op_type == "Cast" && int_of(cast, "to", to_float) == to_float
                });
                if let (Some(cast), true) = (number, threshold.is_finite() && is_of_input(graph, x))
                {
                    let attributes = vec![float("threshold", threshold)];
                    parts.named("Binarizer", &[x], attributes, &graph.node[cast].output[0]);
                    if let Some(last) = parts.last() {
                        last.domain = super::DOMAIN.into();
                    }
                    removed.push(cast);
                }
            }
            ("Binarizer", [x], [y]) if !is_of_input(graph, x) => {
                let threshold = parts.floats(&[], &[float_of(&node, "threshold", 0.0)]);
                let truth = parts.node("Greater", &[x, &threshold], Vec::new());
                parts.named("Cast", &[&truth], vec![int("to", to_float)], y);
            }
            _ => {}
        }
        if !parts.nodes.is_empty() {
            let added = parts.nodes.len();
            for at in removed.into_iter().rev() {
                graph.node.remove(at);
            }
            graph.node.splice(position..position, parts.nodes);
            graph.initializer.extend(parts.initializers);
            position += added - 1;
        }
        position += 1;
    }
}

/// The only node that takes a value, which is no output of the model.
fn the_taker(graph: &GraphProto, name: &String) -> Option<usize> {
    let mut takers = (0..graph.node.len()).filter(|&at| graph.node[at].input.contains(name));
    let taker = takers.next()?;
    let is_only = takers.next().is_none() && graph.output.iter().all(|port| port.name != *name);
    is_only.then_some(taker)
}

/// Whether a value is made of an input's elements, one by one, and nothing else is made of them.
fn is_of_input(graph: &GraphProto, name: &String) -> bool {
    let mut name = name;
    // Each step goes to a node before.
    for _ in 0..=graph.node.len() {
        if the_taker(graph, name).is_none() {
            return false;
        }
        let is_constant = |name: &String| graph.initializer.iter().any(|own| own.name == *name);
        if graph.input.iter().any(|port| port.name == *name) {
            return !is_constant(name);
        }
        let Some(maker) = graph.node.iter().find(|node| node.output.contains(name)) else {
            return false;
        };
        let mut others = maker.input.iter().filter(|other| !is_constant(other));
        match (BETWEEN.contains(&maker.op_type.as_str()), others.next(), others.next()) {
            (true, Some(only), None) => name = only,
            _ => return false,
        }
    }
    false
}
