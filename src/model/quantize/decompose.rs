//! Brings operators of a float model to others that quantized graphs have.
//!
//! Each value in between gets a scale of its own, so what comes out is near what one operator would give, not
//! the same: the report says how near.

use super::{
    attention, classic, einsum, modern, normalizations,
    parts::{Parts, Shapes, Taken, axes_of, dims, drop_unused, float_of, float_tensor, int_of},
    recurrent, resize, scatter,
};
use crate::model::{
    ImportOptions, ModelError,
    import::{FloatConstant, FloatGraph, half_constant},
    onnx::{
        AttributeProto, DataType, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
        TensorTypeProto, TypeProto, ValueInfoProto,
    },
};

/// Operators that are taken apart.
const OPERATORS: &[&str] = &[
    "ReduceL1",
    "ReduceL2",
    "ReduceSumSquare",
    "ReduceLogSum",
    "ReduceLogSumExp",
    "LogSoftmax",
    "InstanceNormalization",
    "GroupNormalization",
    "LayerNormalization",
    "RMSNormalization",
    "SimplifiedLayerNormalization",
    "MeanVarianceNormalization",
    "LpNormalization",
    "Div",
    "Pow",
    "Mul",
    "Gemm",
    "Sum",
    "Mean",
    "MatMul",
    "Conv",
    "Resize",
    "Upsample",
    "ScatterElements",
    "ScatterND",
    "ReduceProd",
    "Einsum",
    "Attention",
    "RotaryEmbedding",
    "LSTM",
    "GRU",
    "RNN",
];

/// Factors of a product of elements: each takes a scale of its own.
const MOST_FACTORS: usize = 64;

/// Takes apart what is to be taken apart.
pub(super) fn decompose(
    file: &mut ModelProto,
    import: &ImportOptions<'_>,
) -> Result<(), ModelError> {
    to_float32(file);
    super::branches::take(file, import)?;
    super::whole::as_floats(file);
    classic::tokens::compare(file, import);
    with_classic_set(file);
    super::truths::with_tables_of_one(file, import);
    super::losses::take_apart(file, import);
    with_operator_set(file);
    modern::modernize(file, import)?;
    without_maps(file);
    constants_of_nodes(file, import)?;
    classic::modern::trees(file);
    classic::leaves::fold(file, import)?;
    classic::naive_bayes::center(file, import);
    classic::thresholds::binarize(file, import);
    classic::tokens::embed(file, import);
    with_classic_set(file);
    let mut position = 0;
    loop {
        let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
        let Some(node) = graph.node.get(position) else { break };
        if !OPERATORS.contains(&node.op_type.as_str()) && node.domain != classic::DOMAIN {
            position += 1;
            continue;
        }
        let node = node.clone();
        let shapes = Shapes { file, import };
        let mut parts = Parts::new(graph, &node);
        let taken = match node.op_type.as_str() {
            "Conv" => with_channel_bias(&node, position, &shapes, &mut parts),
            "MatMul" => with_bias(graph, position, &shapes, &mut parts),
            _ if node.domain == classic::DOMAIN => classic::take_apart(&node, &shapes, &mut parts),
            _ => take_apart(&node, &shapes, &mut parts),
        };
        let Parts { nodes, initializers, .. } = parts;
        let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
        match taken {
            None => position += 1,
            Some(removed) => {
                // The last of the new nodes gives what the last of the old ones gave.
                graph.initializer.extend(initializers);
                for at in removed.into_iter().rev() {
                    graph.node.remove(position + at);
                }
                graph.node.splice(position..position, nodes);
                // States of the layer after this one may have the shape of what it gives.
                if matches!(node.op_type.as_str(), "LSTM" | "GRU" | "RNN") {
                    constants_of_nodes(file, import)?;
                }
            }
        }
    }
    if let Some(graph) = &mut file.graph {
        drop_unused(graph);
    }
    Ok(())
}

/// Constants that nodes compute become initializers.
fn constants_of_nodes(file: &mut ModelProto, import: &ImportOptions<'_>) -> Result<(), ModelError> {
    let known = FloatGraph::constants(file, import)?;
    let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
    for node in &mut graph.node {
        let [output] = node.output.as_slice() else { continue };
        if let Some(constant) = known.get(output) {
            let tensor = float_tensor(output, dims(&constant.shape), &constant.values);
            graph.initializer.push(tensor);
            // Without an output it is unused.
            node.output.clear();
        }
    }
    graph.node.retain(|node| !node.output.is_empty());
    Ok(())
}

/// Probabilities stay a tensor where a map from labels to them would be given.
fn without_maps(file: &mut ModelProto) {
    let Some(graph) = &mut file.graph else { return };
    let nodes = std::mem::take(&mut graph.node);
    for node in nodes {
        let (true, [x], [map]) =
            (node.op_type == "ZipMap", node.input.as_slice(), node.output.as_slice())
        else {
            graph.node.push(node);
            continue;
        };
        if let Some(port) = graph.output.iter_mut().find(|port| port.name == *map) {
            *port = ValueInfoProto {
                name: x.clone(),
                r#type: Some(TypeProto {
                    tensor_type: Some(TensorTypeProto {
                        elem_type: DataType::Float.into(),
                        shape: None,
                    }),
                }),
            };
        }
    }
}

/// A file of classic models alone may name no set of ONNX's own operators, and an old one of its own: what it is taken
/// apart into needs both.
fn with_operator_set(file: &mut ModelProto) {
    let is_own = |domain: &str| matches!(domain, "" | "ai.onnx");
    let mut nodes = file.graph.iter().flat_map(|graph| &graph.node);
    if nodes.all(|node| node.domain == classic::DOMAIN)
        && !file.opset_import.iter().any(|set| is_own(&set.domain))
    {
        file.opset_import.push(OperatorSetIdProto { domain: String::new(), version: 17 });
    }
    // The first LabelEncoder knew no positions; all else is the same.
    for set in &mut file.opset_import {
        if set.domain == classic::DOMAIN && set.version < 3 {
            set.version = 3;
        }
    }
}

/// A file in which operators became classic models' names their set too.
fn with_classic_set(file: &mut ModelProto) {
    let is_own = |domain: &str| domain == classic::DOMAIN;
    let mut nodes = file.graph.iter().flat_map(|graph| &graph.node);
    if nodes.any(|node| is_own(&node.domain))
        && !file.opset_import.iter().any(|set| is_own(&set.domain))
    {
        let own = OperatorSetIdProto { domain: classic::DOMAIN.into(), version: 3 };
        file.opset_import.push(own);
    }
}

/// Half-precision floats become float32, which everything is computed in.
fn to_float32(file: &mut ModelProto) {
    let Some(graph) = &mut file.graph else { return };
    let half = [DataType::Float16.into(), DataType::Bfloat16.into()];
    for tensor in &mut graph.initializer {
        if half.contains(&tensor.data_type)
            && let Some(values) = half_constant(tensor)
        {
            let (name, dims) = (tensor.name.clone(), tensor.dims.clone());
            *tensor = float_tensor(&name, dims, &values);
        }
    }
    for node in &mut graph.node {
        for attribute in &mut node.attribute {
            let is_half = |value: i64| half.iter().any(|&half| i64::from(half) == value);
            if node.op_type == "Cast" && attribute.name == "to" && attribute.i.is_some_and(is_half)
            {
                attribute.i = Some(i64::from(i32::from(DataType::Float)));
            }
            if let Some(tensor) = &mut attribute.t
                && half.contains(&tensor.data_type)
                && let Some(values) = half_constant(tensor)
            {
                *tensor = float_tensor(&tensor.name.clone(), tensor.dims.clone(), &values);
            }
        }
    }
    for port in graph.input.iter_mut().chain(&mut graph.output) {
        if let Some(tensor) = port.r#type.as_mut().and_then(|own| own.tensor_type.as_mut())
            && half.contains(&tensor.elem_type)
        {
            tensor.elem_type = DataType::Float.into();
        }
    }
}

/// A product with weights and the sum with a bias after it become one node.
fn with_bias(graph: &GraphProto, position: usize, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let node = &graph.node[position];
    let ([x, weights], [product]) = (node.input.as_slice(), node.output.as_slice()) else {
        return None;
    };
    let mut takers =
        graph.node.iter().enumerate().filter(|(_, taker)| taker.input.contains(product));
    let (Some((at, sum)), None) = (takers.next(), takers.next()) else { return None };
    let bias = sum.input.iter().find(|name| *name != product)?;
    let (weights_shape, bias_shape) =
        (shapes.constant(weights)?.shape, shapes.constant(bias)?.shape);
    let is_output = graph.output.iter().any(|output| output.name == *product);
    let fits = sum.op_type == "Add"
        && sum.output.len() == 1
        && !is_output
        && weights_shape.len() == 2
        && bias_shape == weights_shape[1..]
        && shapes.constant(x).is_none()
        && shapes.of(x)?.len() == 2;
    fits.then(|| {
        parts.named("Gemm", &[x, weights, bias], Vec::new(), &sum.output[0]);
        vec![0, at - position]
    })
}

/// A convolution without a bias and the sum with a constant per channel after it become one node.
fn with_channel_bias(
    node: &NodeProto,
    position: usize,
    shapes: &Shapes<'_>,
    parts: &mut Parts,
) -> Taken {
    let ([x, weights], [product]) = (node.input.as_slice(), node.output.as_slice()) else {
        return None;
    };
    let (at, sum) = shapes.taker(product).filter(|(_, own)| own.op_type == "Add")?;
    let bias = shapes.constant(sum.input.iter().find(|name| *name != product)?)?;
    let weights_shape = shapes.constant(weights)?.shape;
    let (&channels, rank) = (weights_shape.first()?, weights_shape.len());
    let mut per_channel = vec![1; rank - 1];
    *per_channel.first_mut()? = channels;
    let shape = bias.shape.strip_prefix(&[1]).filter(|shape| shape.len() == rank - 1);
    if shape.unwrap_or(&bias.shape) != per_channel || bias.values.len() != channels {
        return None;
    }
    let bias = parts.floats(&[channels], &bias.values);
    parts.named("Conv", &[x, weights, &bias], node.attribute.clone(), sum.output.first()?);
    Some(vec![0, at.checked_sub(position)?])
}

fn take_apart(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let x = node.input.first()?;
    let y = node.output.first()?;
    let only_this = Some(vec![0]);
    match node.op_type.as_str() {
        "ReduceL1" | "ReduceL2" | "ReduceSumSquare" | "ReduceLogSum" => {
            let axes = axes_of(node, shapes)?;
            let keeps = int_of(node, "keepdims", 1);
            let terms = match node.op_type.as_str() {
                "ReduceL1" => parts.node("Abs", &[x], Vec::new()),
                "ReduceLogSum" => x.clone(),
                _ => parts.node("Mul", &[x, x], Vec::new()),
            };
            let after = match node.op_type.as_str() {
                "ReduceL2" => "Sqrt",
                "ReduceLogSum" => "Log",
                _ => {
                    parts.reduce("ReduceSum", &terms, &axes, keeps, shapes, Some(y));
                    return only_this;
                }
            };
            let sum = parts.reduce("ReduceSum", &terms, &axes, keeps, shapes, None);
            parts.named(after, &[&sum], Vec::new(), y);
            only_this
        }
        "ReduceLogSumExp" => {
            let axes = axes_of(node, shapes)?;
            let keeps = int_of(node, "keepdims", 1);
            let largest = parts.reduce("ReduceMax", x, &axes, 1, shapes, None);
            let below = parts.node("Sub", &[x, &largest], Vec::new());
            let terms = parts.node("Exp", &[&below], Vec::new());
            let sum = parts.reduce("ReduceSum", &terms, &axes, keeps, shapes, None);
            let log = parts.node("Log", &[&sum], Vec::new());
            let largest = parts.reduce("ReduceMax", x, &axes, keeps, shapes, None);
            parts.named("Add", &[&log, &largest], Vec::new(), y);
            only_this
        }
        "LogSoftmax" => {
            let axes = vec![int_of(node, "axis", -1)];
            let largest = parts.reduce("ReduceMax", x, &axes, 1, shapes, None);
            let below = parts.node("Sub", &[x, &largest], Vec::new());
            let terms = parts.node("Exp", &[&below], Vec::new());
            let sum = parts.reduce("ReduceSum", &terms, &axes, 1, shapes, None);
            let log = parts.node("Log", &[&sum], Vec::new());
            parts.named("Sub", &[&below, &log], Vec::new(), y);
            only_this
        }
        "InstanceNormalization" | "GroupNormalization" | "MeanVarianceNormalization" => {
            normalizations::of_planes(node, shapes, parts)
        }
        "RMSNormalization" | "SimplifiedLayerNormalization" | "LpNormalization" => {
            normalizations::root_mean_square(node, shapes, parts)
        }
        "Mul" => normalizations::written_out(node, shapes, parts),
        "Gemm" => {
            // A third input that depends on the model's input, or is another one for each row, is added; factors become
            // part of constants.
            let (alpha, beta) = (float_of(node, "alpha", 1.0), float_of(node, "beta", 1.0));
            let third = node.input.get(2).filter(|name| !name.is_empty());
            let known = third.and_then(|name| shapes.constant(name));
            let is_matrix =
                known.as_ref().is_some_and(|own| matches!(own.shape[..], [rows, _] if rows > 1));
            let is_live = third.is_some() && known.is_none();
            let is_summand = is_live || is_matrix;
            if ((alpha, beta) == (1.0, 1.0) && !is_summand) || (is_live && beta != 1.0) {
                return None;
            }
            let mut scaled = |name: &str, factor: f32| -> Option<String> {
                let FloatConstant { shape, values } = shapes.constant(name)?;
                let scaled: Vec<f32> = values.iter().map(|value| value * factor).collect();
                Some(parts.floats(&shape, &scaled))
            };
            let mut inputs = vec![x.clone(), scaled(node.input.get(1)?, alpha)?];
            if let Some(bias) = third.filter(|_| !is_summand) {
                inputs.push(scaled(bias, beta)?);
            }
            let summand = if is_matrix { Some(scaled(third?, beta)?) } else { None };
            let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
            let is_kept = |own: &&AttributeProto| own.name.starts_with("trans");
            let attributes = node.attribute.iter().filter(is_kept).cloned().collect();
            if is_summand {
                let product = parts.node("Gemm", &inputs, attributes);
                let summand = summand.as_ref().or(third)?;
                parts.named("Add", &[&product, summand], Vec::new(), y);
            } else {
                parts.named("Gemm", &inputs, attributes, y);
            }
            only_this
        }
        "Div" => {
            if let Some(taken) = normalizations::written_out(node, shapes, parts) {
                return Some(taken);
            }
            // Of two activations.
            let divisor = node.input.get(1)?;
            if shapes.constant(divisor).is_some() || shapes.of(divisor).is_none() {
                return None;
            }
            let inverse = parts.node("Reciprocal", &[divisor], Vec::new());
            parts.named("Mul", &[x, &inverse], Vec::new(), y);
            only_this
        }
        "Pow" => {
            // Of two activations, of which the first is positive: 0 has no logarithm, which calibration finds.
            let exponent = node.input.get(1)?;
            let is_activation =
                |name: &str| shapes.constant(name).is_none() && shapes.of(name).is_some();
            if !is_activation(x) || !is_activation(exponent) {
                return None;
            }
            let log = parts.node("Log", &[x], Vec::new());
            let product = parts.node("Mul", &[&log, exponent], Vec::new());
            parts.named("Exp", &[&product], Vec::new(), y);
            only_this
        }
        "Sum" | "Mean" => {
            let mut sum = x.clone();
            let is_mean = node.op_type == "Mean";
            for (index, other) in node.input.iter().enumerate().skip(1) {
                if index + 1 == node.input.len() && !is_mean {
                    parts.named("Add", &[&sum, other], Vec::new(), y);
                    return only_this;
                }
                sum = parts.node("Add", &[&sum, other], Vec::new());
            }
            #[allow(clippy::cast_precision_loss)]
            let count = if is_mean { node.input.len() as f32 } else { 1.0 };
            let count = parts.floats(&[], &[count]);
            parts.named("Div", &[&sum, &count], Vec::new(), y);
            only_this
        }
        "Resize" | "Upsample" => resize::interpolate(node, shapes, parts),
        "ScatterElements" | "ScatterND" => scatter::combined(node, shapes, parts),
        "ReduceProd" => product(node, shapes, parts),
        "Einsum" => einsum::contract(node, shapes, parts),
        // Of another domain they are others.
        "Attention" if node.domain.is_empty() => attention::attention(node, shapes, parts),
        "RotaryEmbedding" if node.domain.is_empty() => attention::rotary(node, shapes, parts),
        "LayerNormalization" => normalizations::with_means(node, shapes, parts),
        "LSTM" | "GRU" | "RNN" => recurrent::unroll(node, shapes, parts),
        _ => None,
    }
}

/// ReduceProd: one axis after the other, and one factor after the other.
fn product(node: &NodeProto, shapes: &Shapes<'_>, parts: &mut Parts) -> Taken {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let (axes, shape) = (axes_of(node, shapes)?, shapes.of(x)?);
    if shapes.constant(x).is_some() {
        return None;
    }
    let mut product = x.clone();
    if let &[axis] = axes.as_slice() {
        let rank = i64::try_from(shape.len()).ok()?;
        let axis = usize::try_from(axis.rem_euclid(rank.max(1))).ok()?;
        let length = *shape.get(axis).filter(|length| (1..=MOST_FACTORS).contains(*length))?;
        product = parts.slice(x, axis, 0, 1);
        for i in 1..length {
            let factor = parts.slice(x, axis, i, i + 1);
            product = parts.node("Mul", &[&product, &factor], Vec::new());
        }
    } else {
        for &axis in &axes {
            product = parts.reduce("ReduceProd", &product, &[axis], 1, shapes, None);
        }
    }
    if int_of(node, "keepdims", 1) != 0 {
        parts.named("Identity", &[&product], Vec::new(), y);
    } else {
        let axes = parts.integers(&axes);
        parts.named("Squeeze", &[&product, &axes], Vec::new(), y);
    }
    Some(vec![0])
}
