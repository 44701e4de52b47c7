//! Brings old forms of operators to those of the operator set that quantized files are written in.

use super::parts::{Parts, Shapes, attribute, int, int_of};
use crate::model::{
    ImportOptions, ModelError,
    onnx::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto},
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
    ("Gemm", "broadcast"),
];

/// Operators whose second operand lay along the axes from `axis` on, or along the last ones, where operator sets before 7
/// said `broadcast`.
const ALONG_AXES: &[&str] =
    &["Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Greater", "Less", "Equal"];

/// Brings a file to the newest form that is written, if it is older.
pub(super) fn modernize(
    file: &mut ModelProto,
    import: &ImportOptions<'_>,
) -> Result<(), ModelError> {
    let Ok(version) = file.operator_set() else { return Ok(()) };
    if version >= TARGET {
        return Ok(());
    }
    for set in &mut file.opset_import {
        if matches!(set.domain.as_str(), "" | "ai.onnx") {
            set.version = TARGET;
        }
    }
    // The first that knows these operator sets.
    file.ir_version = file.ir_version.max(8);
    let (mut added, mut position) = (0, 0);
    while let Some(mut node) =
        file.graph.as_ref().and_then(|graph| graph.node.get(position)).cloned()
    {
        // The nodes before this one are in the newest form.
        let rank = |input: usize| -> Option<usize> {
            Some(Shapes { file, import }.of(node.input.get(input)?)?.len())
        };
        let mut flattened = None;
        // All axes from this one on were normalized together; of the last that is the same.
        if matches!(node.op_type.as_str(), "Softmax" | "LogSoftmax") && version < 13 {
            let (axis, rank) = (int_of(&node, "axis", 1), rank(0));
            let is_last = axis == -1
                || rank
                    .is_some_and(|rank| usize::try_from(axis).is_ok_and(|axis| axis + 1 == rank));
            flattened = (!is_last).then_some(axis);
            node.attribute.retain(|attribute| attribute.name != "axis");
        }
        let mut behind = 0;
        if version < 7 {
            behind = match axes_behind(&node, rank) {
                Ok(behind) => behind,
                Err(reason) => {
                    return Err(ModelError::Node {
                        node: node.name.clone(),
                        operator: node.op_type.clone(),
                        reason: reason.into(),
                    });
                }
            };
        }
        let Some(graph) = &mut file.graph else { break };
        for &(operator, changed, attributes) in MOVED {
            if node.op_type == operator && version < changed {
                for &(name, place) in attributes {
                    move_to_input(graph, &mut node, name, place, &mut added);
                }
            }
        }
        node.attribute.retain(|attribute| {
            !DROPPED.contains(&(node.op_type.as_str(), attribute.name.as_str()))
        });
        if version < 7 && ALONG_AXES.contains(&node.op_type.as_str()) {
            node.attribute.retain(|own| !matches!(own.name.as_str(), "axis" | "broadcast"));
        }
        if node.op_type == "Upsample" || (node.op_type == "Resize" && version < 11) {
            node.op_type = "Resize".into();
            node.input.insert(1, String::new());
            node.attribute.push(text("coordinate_transformation_mode", "asymmetric"));
            node.attribute.push(text("nearest_mode", "floor"));
        }
        let mut parts = Parts::new(graph, &node);
        match flattened {
            Some(axis) => over_flattened(&mut parts, node, axis),
            None if behind > 0 => with_axes_behind(&mut parts, node, behind),
            None => parts.nodes.push(node),
        }
        let own = position;
        position += parts.nodes.len();
        graph.initializer.extend(parts.initializers);
        graph.node.splice(own..=own, parts.nodes);
    }
    Ok(())
}

/// How many axes the first operand has behind those that the second one lay along; `rank` tells that of an input.
fn axes_behind(
    node: &NodeProto,
    rank: impl Fn(usize) -> Option<usize>,
) -> Result<usize, &'static str> {
    let from = match node.op_type.as_str() {
        // A slope for each channel.
        "PRelu" => 1,
        operator if ALONG_AXES.contains(&operator) && attribute(node, "axis").is_some() => {
            if int_of(node, "broadcast", 0) == 0 {
                return Ok(0);
            }
            int_of(node, "axis", 0)
        }
        _ => return Ok(0),
    };
    let (Some(all), Some(own)) = (rank(0), rank(1)) else {
        return Err("its axes cannot be told, as the shape of an operand is not known");
    };
    if own == 0 {
        return Ok(0);
    }
    let from = if from < 0 { from.checked_add_unsigned(all as u64) } else { Some(from) };
    from.and_then(|from| all.checked_sub(usize::try_from(from).ok()?.checked_add(own)?))
        .ok_or("its second operand has more axes than there are from `axis` on")
}

/// The second operand gets axes of length 1 behind its own.
fn with_axes_behind(parts: &mut Parts, mut node: NodeProto, behind: usize) {
    let axes: Vec<i64> = (1..).map(|axis: i64| -axis).take(behind).collect();
    let axes = parts.integers(&axes);
    node.input[1] = parts.node("Unsqueeze", &[&node.input[1], &axes], Vec::new());
    parts.nodes.push(node);
}

/// A function of the last axis, over all axes from this one on as one.
fn over_flattened(parts: &mut Parts, node: NodeProto, axis: i64) {
    let ([x], [y]) = (node.input.as_slice(), node.output.as_slice()) else {
        return parts.nodes.push(node);
    };
    let shape = parts.node("Shape", &[x], Vec::new());
    let flat = parts.node("Flatten", &[x], vec![int("axis", axis)]);
    let values = parts.node(&node.op_type, &[&flat], Vec::new());
    parts.named("Reshape", &[&values, &shape], Vec::new(), y);
}

pub(super) fn text(name: &str, value: &str) -> AttributeProto {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        onnx::{
            Dimension, DimensionProto, OperatorSetIdProto, TensorShapeProto, TensorTypeProto,
            TypeProto, ValueInfoProto,
        },
        quantize::parts::float_tensor,
    };

    fn input() -> ValueInfoProto {
        let dims = [1, 2, 3, 2].map(|dim| DimensionProto { value: Some(Dimension::Value(dim)) });
        let tensor = TensorTypeProto {
            elem_type: DataType::Float.into(),
            shape: Some(TensorShapeProto { dim: dims.into() }),
        };
        ValueInfoProto { name: "x".into(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
    }

    /// `operator(x, b)` of an operator set before 7, for x of shape [1, 2, 3, 2].
    fn file(operator: &str, b: &[i64], attribute: Vec<AttributeProto>) -> ModelProto {
        let values = vec![1.0; usize::try_from(b.iter().product::<i64>()).unwrap()];
        let node = NodeProto {
            input: ["x", "b"].map(Into::into).into(),
            output: vec!["y".into()],
            op_type: operator.into(),
            attribute,
            ..NodeProto::default()
        };
        let graph = GraphProto {
            node: vec![node],
            input: vec![input()],
            initializer: vec![float_tensor("b", b.to_vec(), &values)],
            ..GraphProto::default()
        };
        ModelProto {
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: 6 }],
            ..ModelProto::default()
        }
    }

    /// The axes that the second operand got.
    fn axes_of(mut file: ModelProto) -> Result<Option<Vec<i64>>, ModelError> {
        modernize(&mut file, &ImportOptions::default())?;
        let shapes = Shapes { file: &file, import: &ImportOptions::default() };
        assert_eq!(shapes.of("y").unwrap(), [1, 2, 3, 2]);
        let node = shapes.maker("y").unwrap();
        assert!(node.attribute.is_empty());
        let Some(operand) = shapes.maker(&node.input[1]) else { return Ok(None) };
        assert_eq!((operand.op_type.as_str(), operand.input[0].as_str()), ("Unsqueeze", "b"));
        Ok(shapes.integers(&operand.input[1]))
    }

    #[test]
    fn second_operands_lie_along_the_axes_that_old_files_say() {
        let along = |axis| vec![int("axis", axis), int("broadcast", 1)];
        // As long as the last axis, which the newest form would take.
        for operator in ALONG_AXES.iter().filter(|own| !matches!(**own, "And" | "Or" | "Xor")) {
            assert_eq!(axes_of(file(operator, &[2], along(1))).unwrap(), Some(vec![-1, -2]));
        }
        assert_eq!(axes_of(file("PRelu", &[2], Vec::new())).unwrap(), Some(vec![-1, -2]));
        assert_eq!(axes_of(file("Add", &[2, 3], along(1))).unwrap(), Some(vec![-1]));
        assert_eq!(axes_of(file("Add", &[2, 3], along(-3))).unwrap(), Some(vec![-1]));
        assert_eq!(axes_of(file("Add", &[2], along(3))).unwrap(), None);
        assert_eq!(axes_of(file("Add", &[2], vec![int("broadcast", 1)])).unwrap(), None);
        for axis in [4, -5, i64::MIN, i64::MAX] {
            assert!(matches!(
                axes_of(file("Add", &[2], along(axis))),
                Err(ModelError::Node { .. })
            ));
        }
    }
}
