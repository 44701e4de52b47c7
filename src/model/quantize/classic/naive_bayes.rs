//! Naive Bayes, whose scores are sums of logarithms: far from 0 and near each other. Only how far one lies above another
//! counts, so scores that are 0 on average for every input are as good, and eight bits tell them apart.

use crate::model::{
    ImportOptions,
    onnx::{ModelProto, NodeProto},
    quantize::parts::{Parts, Shapes, axes_of, int_of},
};

/// What does not change values, or their order.
const MOVES: &[&str] = &["Reshape", "Unsqueeze", "Identity"];

/// Centres the scores that probabilities are made of by `exp(x − log Σ exp x)`, where they are a product with constants.
pub(in crate::model::quantize) fn center(file: &mut ModelProto, import: &ImportOptions<'_>) {
    let before = file.clone();
    let shapes = Shapes { file: &before, import };
    let Some(graph) = &mut file.graph else { return };
    let nodes = before.graph.iter().flat_map(|graph| &graph.node);
    for sum in nodes.filter(|node| node.op_type == "ReduceLogSumExp") {
        let Some(constants) = constants_of_scores(sum, &shapes) else { continue };
        for (position, input) in constants {
            let Some(node) = graph.node.get(position).cloned() else { continue };
            let Some(constant) = shapes.constant(&node.input[input]) else { continue };
            let length = constant.shape.last().copied().unwrap_or(1);
            let mut values = constant.values;
            for row in values.chunks_mut(length.max(1)) {
                #[allow(clippy::cast_precision_loss)]
                let mean = row.iter().sum::<f32>() / row.len() as f32;
                row.iter_mut().for_each(|value| *value -= mean);
            }
            let mut parts = Parts::new(graph, &node);
            graph.node[position].input[input] = parts.floats(&constant.shape, &values);
            graph.initializer.extend(parts.initializers);
        }
    }
}

/// The constants whose last axis counts scores, by node and input, if nothing else is made of these than what only
/// their differences count for.
fn constants_of_scores(sum: &NodeProto, shapes: &Shapes<'_>) -> Option<Vec<(usize, usize)>> {
    let graph = shapes.file.graph.as_ref()?;
    let (mut name, logarithm) = (sum.input.first()?, sum.output.first()?);
    let &[_, scores] = shapes.of(name)?.as_slice() else { return None };
    let is_last = |axes: &[i64]| matches!(axes, [1 | -1]);
    let is_output = |name: &String| graph.output.iter().any(|port| port.name == *name);
    let takers = |name: &String| -> Vec<&NodeProto> {
        graph.node.iter().filter(|node| node.input.contains(name)).collect()
    };
    // The logarithm is only taken off the scores.
    let mut taken_off = vec![logarithm];
    let mut next = 0;
    while let Some(&own) = taken_off.get(next) {
        next += 1;
        if is_output(own) {
            return None;
        }
        for taker in takers(own) {
            match (taker.op_type.as_str(), taker.input.as_slice()) {
                ("Sub", [x, log]) if x == name && log == own => {}
                (operator, [x, ..]) if MOVES.contains(&operator) && x == own => {
                    taken_off.push(taker.output.first()?);
                }
                _ => return None,
            }
        }
    }
    let is_of_differences = |taker: &&NodeProto| match taker.op_type.as_str() {
        "ReduceLogSumExp" => axes_of(taker, shapes).is_some_and(|axes| is_last(&axes)),
        "ArgMax" => is_last(&[int_of(taker, "axis", 0)]),
        "Sub" => taker.input.get(1).is_some_and(|log| taken_off.contains(&log)),
        _ => false,
    };
    if is_output(name) || !takers(name).iter().all(is_of_differences) {
        return None;
    }
    let mut constants = Vec::new();
    loop {
        let position = graph.node.iter().position(|node| node.output.first() == Some(name))?;
        let node = &graph.node[position];
        let of_scores = |input: usize| -> Option<()> {
            let shape = shapes.constant(node.input.get(input)?)?.shape;
            (shape.last() == Some(&scores)).then_some(())
        };
        match node.op_type.as_str() {
            "Add" => {
                let constant = (0..2).find(|&input| of_scores(input).is_some())?;
                constants.push((position, constant));
                name = node.input.get(1 - constant)?;
                if is_output(name) || takers(name).len() != 1 {
                    return None;
                }
            }
            "MatMul" => {
                of_scores(1)?;
                constants.push((position, 1));
                return Some(constants);
            }
            _ => return None,
        }
    }
}
