//! Activations of 16 bits, as some quantizers write them beside weights of 8. Their rounding is left out, so that they are
//! floats, which become two integers of 8 bits each where that can be, and one elsewhere; weights keep their integers. Where
//! the zero point is an end of the type, what lies beyond it is still cut: quantizers let that stand for a Relu.

use std::collections::{HashMap, HashSet};

use super::parts::{Parts, int_of};
use crate::model::onnx::{DataType, GraphProto, NodeProto, TensorProto};

/// Takes QuantizeLinear to 16 bits, and the DequantizeLinear after it, out of a graph; whether there are any.
pub(super) fn without_rounding(graph: &mut GraphProto) -> bool {
    let wide: [i32; 2] = [DataType::Int16.into(), DataType::Uint16.into()];
    let of_constant = |name: &String| -> Option<&TensorProto> {
        let own = graph.initializer.iter().find(|tensor| tensor.name == *name);
        own.or_else(|| {
            let maker = graph.node.iter().find(|node| node.output.contains(name))?;
            maker.attribute.iter().find(|own| own.name == "value")?.t.as_ref()
        })
    };
    let is_wide = |node: &NodeProto| match node.input.get(2).filter(|name| !name.is_empty()) {
        Some(zero_point) => {
            of_constant(zero_point).is_some_and(|tensor| wide.contains(&tensor.data_type))
        }
        None => wide.iter().any(|&own| int_of(node, "output_dtype", 0) == i64::from(own)),
    };
    // −1 where no integer stands for a negative real, 1 where none does for a positive one.
    let cut = |node: &NodeProto| -> i32 {
        let of_none = i32::from(int_of(node, "output_dtype", 0) == i64::from(wide[1]));
        let Some(tensor) = node.input.get(2).and_then(of_constant) else { return -of_none };
        let raw = tensor.raw_data.as_deref().unwrap_or_default();
        let word = match (raw.first_chunk::<2>(), tensor.int32_data.first()) {
            (Some(&word), _) if tensor.data_type == wide[0] => i16::from_le_bytes(word).into(),
            (Some(&word), _) => i32::from(u16::from_le_bytes(word)),
            (None, Some(&word)) => word,
            (None, None) => 0,
        };
        let ends = match tensor.data_type == wide[0] {
            true => [i16::MIN, i16::MAX].map(i32::from),
            false => [u16::MIN, u16::MAX].map(i32::from),
        };
        i32::from(word == ends[1]) - i32::from(word == ends[0])
    };
    // What stands for what: integers for their reals, and these for the reals before they were rounded.
    let mut stands_for: HashMap<String, String> = HashMap::new();
    let mut removed: HashSet<usize> = HashSet::new();
    let mut cuts: HashMap<usize, Vec<NodeProto>> = HashMap::new();
    for (position, node) in graph.node.iter().enumerate() {
        let ([x, ..], [y]) = (node.input.as_slice(), node.output.as_slice()) else { continue };
        let is_made_here = match node.op_type.as_str() {
            "QuantizeLinear" => is_wide(node),
            "DequantizeLinear" => stands_for.contains_key(x),
            _ => false,
        };
        if is_made_here {
            let mut source = stands_for.get(x).unwrap_or(x).clone();
            let cut = if node.op_type == "QuantizeLinear" { cut(node) } else { 0 };
            if cut != 0 {
                let mut parts = Parts::new(graph, node);
                let mut then = |operator: &str, x: &str| parts.node(operator, &[x], Vec::new());
                source = if cut < 0 {
                    then("Relu", &source)
                } else {
                    let negated = then("Neg", &source);
                    let within = then("Relu", &negated);
                    then("Neg", &within)
                };
                cuts.insert(position, parts.nodes);
            }
            stands_for.insert(y.clone(), source);
            removed.insert(position);
        }
    }
    if removed.is_empty() {
        return false;
    }
    let mut nodes = Vec::new();
    for (position, mut node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        if removed.contains(&position) {
            nodes.extend(cuts.remove(&position).unwrap_or_default());
            let is_output = |name: &String| graph.output.iter().any(|port| port.name == *name);
            let is_real = node.op_type == "DequantizeLinear";
            let (Some(y), true) = (node.output.first(), is_real) else { continue };
            if let (true, Some(source)) = (is_output(y), stands_for.get(y)) {
                nodes.push(NodeProto {
                    input: vec![source.clone()],
                    output: vec![y.clone()],
                    name: node.name.clone(),
                    op_type: "Identity".into(),
                    ..NodeProto::default()
                });
            }
            continue;
        }
        for input in &mut node.input {
            if let Some(source) = stands_for.get(input) {
                input.clone_from(source);
            }
        }
        nodes.push(node);
    }
    graph.node = nodes;
    let used: HashSet<&String> = graph.node.iter().flat_map(|node| &node.input).collect();
    graph.initializer.retain(|tensor| used.contains(&tensor.name));
    true
}

/// Constants of 16 bits become those of 32.
pub(super) fn widen(graph: &mut GraphProto) {
    for tensor in &mut graph.initializer {
        let is_signed = tensor.data_type == i32::from(DataType::Int16);
        if !is_signed && tensor.data_type != i32::from(DataType::Uint16) {
            continue;
        }
        tensor.data_type = DataType::Int32.into();
        if let Some(raw) = &mut tensor.raw_data {
            let (words, rest) = raw.as_chunks::<2>();
            let wide = |&word: &[u8; 2]| {
                if is_signed {
                    i16::from_le_bytes(word).into()
                } else {
                    i32::from(u16::from_le_bytes(word))
                }
            };
            let wide = words.iter().map(wide).flat_map(i32::to_le_bytes);
            *raw = wide.chain(rest.iter().copied()).collect();
        }
    }
}
