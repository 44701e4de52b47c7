//! Brings old forms of operators to those of the operator set that quantized files are written in.

use std::collections::BTreeMap;

use super::parts::{Parts, int, int_of};
use crate::model::onnx::{
    AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto,
};

/// The operator set that older files are brought to: it has LayerNormalization, and scales per channel.
const TARGET: i64 = 17;

/// An operator, the operator set that changed it, and per attribute its place among the inputs.
type Move = (&'static str, i64, &'static [(&'static str, usize)]);

/// Attributes that became inputs.
const MOVED: &[Move] = &[
    ("Clip", 11, &[("min", 1), ("max", 2)]),
    ("Slice", 10, &[("starts", 1), ("ends", 2), ("axes", 3)]),
    ("Pad", 11, &[("pads", 1), ("value", 2)]),
    ("Squeeze", 13, &[("axes", 1)]),
    ("Unsqueeze", 13, &[("axes", 1)]),
    ("ReduceSum", 13, &[("axes", 1)]),
    ("Split", 13, &[("split", 1)]),
    ("Reshape", 5, &[("shape", 1)]),
    ("Upsample", 9, &[("scales", 1)]),
];

/// Attributes that nothing is said with any more.
const DROPPED: &[(&str, &str)] = &[
    ("BatchNormalization", "spatial"),
    ("BatchNormalization", "consumed_inputs"),
    ("Dropout", "ratio"),
    ("Dropout", "is_test"),
    ("Add", "axis"),
    ("Add", "broadcast"),
    ("Mul", "axis"),
    ("Mul", "broadcast"),
    ("Gemm", "broadcast"),
];

/// Brings a file to the newest form that is written, if it is older. `rank` tells the rank of a value.
pub(super) fn modernize(file: &mut ModelProto, rank: impl Fn(&str) -> Option<usize>) {
    let Ok(version) = file.operator_set() else { return };
    if version >= TARGET {
        return;
    }
    for set in &mut file.opset_import {
        if matches!(set.domain.as_str(), "" | "ai.onnx") {
            set.version = TARGET;
        }
    }
    // The first that knows these operator sets.
    file.ir_version = file.ir_version.max(8);
    let Some(graph) = &mut file.graph else { return };
    let mut added = 0;
    let mut nodes = std::mem::take(&mut graph.node);
    let mut flattened = BTreeMap::new();
    for (position, node) in nodes.iter_mut().enumerate() {
        for &(operator, changed, attributes) in MOVED {
            if node.op_type == operator && version < changed {
                for &(name, place) in attributes {
                    move_to_input(graph, node, name, place, &mut added);
                }
            }
        }
        node.attribute.retain(|attribute| {
            !DROPPED.contains(&(node.op_type.as_str(), attribute.name.as_str()))
        });
        if node.op_type == "Upsample" || (node.op_type == "Resize" && version < 11) {
            node.op_type = "Resize".into();
            node.input.insert(1, String::new());
            node.attribute.push(text("coordinate_transformation_mode", "asymmetric"));
            node.attribute.push(text("nearest_mode", "floor"));
        }
        // All axes from this one on were normalized together; of the last that is the same.
        if matches!(node.op_type.as_str(), "Softmax" | "LogSoftmax") && version < 13 {
            let rank = node.input.first().and_then(|name| rank(name)).unwrap_or(2);
            let last = i64::try_from(rank).unwrap_or(2) - 1;
            let axis = int_of(node, "axis", 1);
            node.attribute.retain(|attribute| attribute.name != "axis");
            if axis != last && axis != -1 {
                flattened.insert(position, axis);
            }
        }
    }
    graph.node = nodes;
    for (position, axis) in flattened.into_iter().rev() {
        let parts = over_flattened(graph, &graph.node[position], axis);
        graph.node.splice(position..=position, parts);
    }
}

/// A function of the last axis, over all axes from this one on as one.
fn over_flattened(graph: &GraphProto, node: &NodeProto, axis: i64) -> Vec<NodeProto> {
    let ([x], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
        return vec![node.clone()];
    };
    let mut parts = Parts::new(graph, node);
    let shape = parts.node("Shape", &[x], Vec::new());
    let flat = parts.node("Flatten", &[x], vec![int("axis", axis)]);
    let values = parts.node(&node.op_type, &[&flat], Vec::new());
    parts.named("Reshape", &[&values, &shape], Vec::new(), y);
    parts.nodes
}

fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: Some(value.as_bytes().to_vec()),
        // `AttributeProto.AttributeType.STRING`.
        r#type: 3,
        ..AttributeProto::default()
    }
}

fn move_to_input(
    graph: &mut GraphProto,
    node: &mut NodeProto,
    name: &str,
    place: usize,
    added: &mut usize,
) {
    let Some(at) = node.attribute.iter().position(|attribute| attribute.name == name) else {
        return;
    };
    let attribute = node.attribute.remove(at);
    let (dims, data_type, raw): (Vec<i64>, DataType, Vec<u8>) = match &attribute {
        AttributeProto { f: Some(value), .. } => {
            (Vec::new(), DataType::Float, value.to_le_bytes().to_vec())
        }
        AttributeProto { floats, .. } if !floats.is_empty() => {
            let raw = floats.iter().flat_map(|value| value.to_le_bytes()).collect();
            (vec![i64::try_from(floats.len()).unwrap_or(0)], DataType::Float, raw)
        }
        AttributeProto { ints, .. } => {
            let raw = ints.iter().flat_map(|value| value.to_le_bytes()).collect();
            (vec![i64::try_from(ints.len()).unwrap_or(0)], DataType::Int64, raw)
        }
    };
    let input = loop {
        let input = format!("{}_{name}_{added}", node.output.first().map_or("", String::as_str));
        *added += 1;
        if graph.initializer.iter().all(|tensor| tensor.name != input) {
            break input;
        }
    };
    graph.initializer.push(TensorProto {
        name: input.clone(),
        dims,
        data_type: data_type.into(),
        raw_data: Some(raw),
        ..TensorProto::default()
    });
    while node.input.len() <= place {
        node.input.push(String::new());
    }
    node.input[place] = input;
}
