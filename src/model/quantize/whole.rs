//! Whole numbers that a model computes with, as of masks that say which tokens count: they become floats, which hold them
//! exactly, and so does what is made of them.

use std::collections::HashSet;

use super::{
    operators::{MOVERS, TRUTHS},
    parts::{Parts, int, int_of, live},
};
use crate::model::onnx::{DataType, GraphProto, ModelProto, NodeProto, ValueInfoProto};

/// Operators that make whole numbers of whole numbers, and which inputs these are. Division would round.
const COMPUTED: &[(&str, std::ops::Range<usize>)] = &[
    ("Add", 0..2),
    ("Sub", 0..2),
    ("Mul", 0..2),
    ("Neg", 0..1),
    ("Abs", 0..1),
    ("Min", 0..usize::MAX),
    ("Max", 0..usize::MAX),
    ("Mod", 0..2),
    ("Concat", 0..usize::MAX),
    ("Where", 1..3),
    ("CumSum", 0..1),
    ("ReduceSum", 0..1),
    ("ReduceMax", 0..1),
    ("ReduceMin", 0..1),
];
const COMPARED: &[&str] = &["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"];

/// Which inputs of a node are numbers that it computes with, and whether it makes such numbers.
fn numbers(node: &NodeProto) -> Option<(std::ops::Range<usize>, bool)> {
    let operator = node.op_type.as_str();
    if COMPARED.contains(&operator) {
        return Some((0..2, false));
    }
    if MOVERS.contains(&operator) {
        return Some((0..1, true));
    }
    let (_, places) = COMPUTED.iter().find(|(own, _)| *own == operator)?;
    Some((places.start..places.end.min(node.input.len()), true))
}

fn is(data_type: i64, other: DataType) -> bool {
    data_type == i64::from(i32::from(other))
}

fn is_whole(data_type: i64) -> bool {
    is(data_type, DataType::Int64) || is(data_type, DataType::Int32)
}

fn element(port: &ValueInfoProto) -> Option<i64> {
    Some(port.r#type.as_ref()?.tensor_type.as_ref()?.elem_type.into())
}

/// Makes floats of inputs of whole numbers that are computed with, and of truth values that are counted.
pub(super) fn as_floats(file: &mut ModelProto) {
    let Some(graph) = &mut file.graph else { return };
    let (mut whole, live) = (computed_inputs(graph), live(graph));
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs: Vec<&ValueInfoProto> =
        graph.input.iter().filter(|port| !is_constant(&port.name)).collect();
    let is_truth =
        |port: &&ValueInfoProto| element(port).is_some_and(|own| is(own, DataType::Bool));
    let mut truths: HashSet<String> =
        inputs.into_iter().filter(is_truth).map(|port| port.name.clone()).collect();
    for port in graph.input.iter_mut().filter(|port| whole.contains(&port.name)) {
        as_float(port);
    }
    let stem = NodeProto { output: vec!["whole".into()], ..NodeProto::default() };
    let mut parts = Parts::new(graph, &stem);
    for mut node in std::mem::take(&mut graph.node) {
        // Shapes stay whole numbers.
        if !node.output.iter().any(|name| live.contains(name)) {
            parts.nodes.push(node);
            continue;
        }
        let takes = |names: &HashSet<String>, index: usize| {
            node.input.get(index).is_some_and(|name| names.contains(name))
        };
        let (of_truth, of_whole) = (takes(&truths, 0), takes(&whole, 0));
        if node.op_type == "Cast" {
            let to = int_of(&node, "to", 0);
            let ([x], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
                parts.nodes.push(node);
                continue;
            };
            if is(to, DataType::Bool) {
                truths.insert(y.clone());
                if of_truth {
                    parts.named("Identity", &[x], Vec::new(), y);
                } else {
                    let zero = parts.floats(&[], &[0.0]);
                    let is_zero = parts.node("Equal", &[x, &zero], Vec::new());
                    parts.named("Not", &[&is_zero], Vec::new(), y);
                }
                continue;
            }
            if (of_truth || of_whole) && is_whole(to) {
                whole.insert(y.clone());
                node.attribute = vec![int("to", i32::from(DataType::Float).into())];
            }
            parts.nodes.push(node);
            continue;
        }
        if TRUTHS.contains(&node.op_type.as_str())
            || (MOVERS.contains(&node.op_type.as_str()) && of_truth)
        {
            truths.extend(node.output.iter().cloned());
        }
        if let Some((places, makes_numbers)) = numbers(&node)
            && places.clone().any(|index| takes(&whole, index))
        {
            for input in node.input.get_mut(places).into_iter().flatten() {
                if !whole.contains(input.as_str()) {
                    let to = int("to", i32::from(DataType::Float).into());
                    *input = parts.node("Cast", &[input.as_str()], vec![to]);
                }
            }
            if makes_numbers {
                whole.extend(node.output.iter().cloned());
            }
            if node.op_type == "Mod" {
                remainder(&node, &mut parts);
                continue;
            }
        }
        parts.nodes.push(node);
    }
    graph.initializer.extend(parts.initializers);
    graph.node = parts.nodes;
    for port in graph.output.iter_mut().filter(|port| whole.contains(&port.name)) {
        as_float(port);
    }
}

fn as_float(port: &mut ValueInfoProto) {
    if let Some(tensor) = port.r#type.as_mut().and_then(|own| own.tensor_type.as_mut()) {
        tensor.elem_type = DataType::Float.into();
    }
}

/// A remainder of whole numbers, which are met within less than a half; with the divisor's sign, if it has no `fmod`.
fn remainder(node: &NodeProto, parts: &mut Parts) {
    let ([x, by], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
        return parts.nodes.push(node.clone());
    };
    let fmod = || vec![int("fmod", 1)];
    let x = parts.node("Round", &[x], Vec::new());
    if int_of(node, "fmod", 0) != 0 {
        return parts.named("Mod", &[&x, by], fmod(), y);
    }
    let rest = parts.node("Mod", &[&x, by], fmod());
    let sum = parts.node("Add", &[&rest, by], Vec::new());
    parts.named("Mod", &[&sum, by], fmod(), y);
}

/// Inputs of whole numbers that all who take them compute with, as numbers, and not only as floats.
fn computed_inputs(graph: &GraphProto) -> HashSet<String> {
    let is_computed = |port: &&ValueInfoProto| {
        let (mut names, mut is_needed) = (vec![&port.name], false);
        while let Some(name) = names.pop() {
            if graph.output.iter().any(|output| output.name == *name) {
                return false;
            }
            for node in graph.node.iter().filter(|node| node.input.contains(name)) {
                let is_cast = node.op_type == "Cast";
                let is_number = |places: std::ops::Range<usize>| {
                    let mut others = node.input.iter().enumerate();
                    others.all(|(at, input)| input != name || places.contains(&at))
                };
                match numbers(node) {
                    _ if is_cast || matches!(node.op_type.as_str(), "Shape" | "Size") => {}
                    Some((places, _)) if is_number(places.clone()) => {}
                    _ => return false,
                }
                if MOVERS.contains(&node.op_type.as_str()) {
                    names.extend(&node.output);
                } else {
                    is_needed |= !is_cast || !is(int_of(node, "to", 0), DataType::Float);
                }
            }
        }
        is_needed
    };
    let ports = graph.input.iter().filter(|port| element(port).is_some_and(is_whole));
    ports.filter(is_computed).map(|port| port.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::{TensorTypeProto, TypeProto};

    fn port(name: &str, elem_type: DataType) -> ValueInfoProto {
        let tensor = TensorTypeProto { elem_type: elem_type.into(), shape: None };
        ValueInfoProto { name: name.into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
    }

    // What is dequantized is a float: onnxruntime refuses a file that says else.
    #[test]
    fn outputs_that_become_floats_say_so() {
        let mut parts = Parts::new(&GraphProto::default(), &NodeProto::default());
        let zero = parts.floats(&[], &[0.0]);
        parts.named("Less", &["x", &zero], Vec::new(), "truth");
        let to = int("to", i32::from(DataType::Int64).into());
        parts.named("Cast", &["truth"], vec![to], "number");
        let two = parts.integers(&[2]);
        parts.named("Mul", &["number", &two], Vec::new(), "label");
        let graph = GraphProto {
            node: parts.nodes,
            initializer: parts.initializers,
            input: vec![port("x", DataType::Float)],
            output: vec![port("label", DataType::Int64)],
            ..GraphProto::default()
        };
        let mut file = ModelProto { graph: Some(graph), ..ModelProto::default() };
        as_floats(&mut file);
        let output = &file.graph.unwrap().output[0];
        assert!(element(output).is_some_and(|own| is(own, DataType::Float)));
    }
}
