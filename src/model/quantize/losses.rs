//! Losses of scores and labels: what is picked of logarithms by the labels' positions.

use super::parts::{Parts, Shapes, attribute, dims, int, ints, live};
use crate::model::{
    ImportOptions,
    onnx::{ModelProto, NodeProto},
};

/// More make a table of ones and zeros that is larger than any model.
const MOST_CLASSES: usize = 1024;

/// Takes SoftmaxCrossEntropyLoss and NegativeLogLikelihoodLoss apart.
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
    let (scores, labels, weights) = match node.input.as_slice() {
        [scores, labels] => (scores, labels, None),
        [scores, labels, weights] if weights.is_empty() => (scores, labels, None),
        [scores, labels, weights] => (scores, labels, Some(shapes.constant(weights)?.values)),
        _ => return None,
    };
    let y = node.output.first()?;
    let shape = shapes.of(scores)?;
    let &[_, classes @ 1..=MOST_CLASSES, ..] = shape.as_slice() else { return None };
    let mut logs = match node.op_type.as_str() {
        "SoftmaxCrossEntropyLoss" => parts.node("LogSoftmax", &[scores], vec![int("axis", 1)]),
        _ => scores.clone(),
    };
    if let Some(logs_out) = node.output.get(1).filter(|name| !name.is_empty()) {
        parts.named("Identity", &[&logs], Vec::new(), logs_out);
    }
    // Classes come last, as they do in what is picked.
    if shape.len() > 2 {
        let rank = i64::try_from(shape.len()).ok()?;
        let order: Vec<i64> = [0].into_iter().chain(2..rank).chain([1]).collect();
        logs = parts.node("Transpose", &[&logs], vec![ints("perm", order)]);
    }
    // What a class counts: one that is to be ignored nothing.
    let mut weight = weights.unwrap_or_else(|| vec![1.0; classes]);
    if weight.len() != classes {
        return None;
    }
    let ignored = attribute(node, "ignore_index").and_then(|own| own.i);
    let place = ignored.and_then(|class| usize::try_from(class).ok());
    if let Some(own) = place.and_then(|class| weight.get_mut(class)) {
        *own = 0.0;
    }
    let counts_alike = weight.iter().all(|&own| own == 1.0);
    let mut one_hot: Vec<f32> = (0..classes * classes)
        .map(|at| if at % (classes + 1) == 0 { weight[at % classes] } else { 0.0 })
        .collect();
    let mut labels = labels.clone();
    if let Some(known) = shapes.integers(&labels) {
        // Among labels of the file may be one that is no class, if it is the one that is ignored.
        one_hot.extend(vec![0.0; classes]);
        let end = i64::try_from(classes).ok()?;
        let place = |&label: &i64| match label {
            label if Some(label) == ignored => Some(end),
            label => (0..end).contains(&label).then_some(label),
        };
        let places = known.iter().map(place).collect::<Option<Vec<i64>>>()?;
        labels = parts.integers_of(&dims(&shapes.constant_shape(&labels)?), &places);
    } else if !live(shapes.file.graph.as_ref()?).contains(&labels) {
        return None;
    }
    let one_hot = parts.floats(&[one_hot.len() / classes, classes], &one_hot);
    let picked = parts.node("Gather", &[&one_hot, &labels], vec![int("axis", 0)]);
    let terms = parts.node("Mul", &[&logs, &picked], Vec::new());
    let negative = parts.node("Neg", &[&terms], Vec::new());
    let reduction =
        attribute(node, "reduction").and_then(|own| own.s.as_deref()).unwrap_or(b"mean");
    let keeps = int("keepdims", 0);
    let last = parts.integers(&[-1]);
    match reduction {
        b"none" => parts.named("ReduceSum", &[&negative, &last], vec![keeps], y),
        b"sum" => parts.named("ReduceSum", &[&negative], vec![keeps], y),
        b"mean" if counts_alike => {
            let each = parts.node("ReduceSum", &[&negative, &last], vec![keeps]);
            let axes: Vec<i64> = (0..i64::try_from(shape.len() - 1).ok()?).collect();
            parts.reduce("ReduceMean", &each, &axes, 0, shapes, Some(y));
        }
        b"mean" => {
            let sum = parts.node("ReduceSum", &[&negative], vec![keeps.clone()]);
            let all = parts.node("ReduceSum", &[&picked], vec![keeps]);
            parts.named("Div", &[&sum, &all], Vec::new(), y);
        }
        _ => return None,
    }
    Some(())
}
