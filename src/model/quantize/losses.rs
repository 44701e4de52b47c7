//! Losses of scores and labels: what is picked of logarithms by the labels' positions.

use super::parts::{Parts, Shapes, attribute, int, int_of};
use crate::model::{
    ImportOptions,
    onnx::{ModelProto, NodeProto},
};

/// More make a table of ones and zeros that is larger than any model.
const MOST_CLASSES: usize = 1024;

/// Takes SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss of rows of scores apart.
pub(super) fn take_apart(file: &mut ModelProto, import: &ImportOptions<'_>) {
    let mut position = 0;
    while let Some(node) = file.graph.as_ref().and_then(|graph| graph.node.get(position)).cloned() {
        position += 1;
        if !matches!(node.op_type.as_str(), "SoftmaxCrossEntropyLoss" | "NegativeLogLikelihoodLoss")
        {
            continue;
        }
        let Some(graph) = &file.graph else { return };
        let mut parts = Parts::new(graph, &node);
        if loss(&node, &Shapes { file, import }, &mut parts).is_none() {
            continue;
        }
        let Some(graph) = &mut file.graph else { return };
        graph.initializer.extend(parts.initializers);
        let own = position - 1;
        position = own + parts.nodes.len();
        graph.node.splice(own..=own, parts.nodes);
    }
}

fn loss(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Option<()> {
    let [scores, labels] = node.input.as_slice() else { return None };
    let shape = shapes.of(scores)?;
    let &[_, classes @ 1..=MOST_CLASSES] = shape.as_slice() else { return None };
    if attribute(node, "ignore_index").is_some() && int_of(node, "ignore_index", 0) >= 0 {
        return None;
    }
    let logs = match node.op_type.as_str() {
        "SoftmaxCrossEntropyLoss" => parts.node("LogSoftmax", &[scores], vec![int("axis", 1)]),
        _ => scores.clone(),
    };
    if let Some(logs_out) = node.output.get(1).filter(|name| !name.is_empty()) {
        parts.named("Identity", &[&logs], Vec::new(), logs_out);
    }
    let one_hot: Vec<f32> =
        (0..classes * classes).map(|at| f32::from(u8::from(at % (classes + 1) == 0))).collect();
    let one_hot = parts.floats(&[classes, classes], &one_hot);
    let picked = parts.node("Gather", &[&one_hot, labels], vec![int("axis", 0)]);
    let terms = parts.node("Mul", &[&logs, &picked], Vec::new());
    let negative = parts.node("Neg", &[&terms], Vec::new());
    let reduction =
        attribute(node, "reduction").and_then(|own| own.s.as_deref()).unwrap_or(b"mean");
    let keeps = int("keepdims", 0);
    let y = node.output.first()?;
    match reduction {
        b"none" => {
            let axes = parts.integers(&[1]);
            parts.named("ReduceSum", &[&negative, &axes], vec![keeps], y);
        }
        b"sum" => parts.named("ReduceSum", &[&negative], vec![keeps], y),
        b"mean" => {
            let axes = parts.integers(&[1]);
            let each = parts.node("ReduceSum", &[&negative, &axes], vec![keeps.clone()]);
            parts.reduce("ReduceMean", &each, &[0], 0, shapes, Some(y));
        }
        _ => return None,
    }
    Some(())
}
