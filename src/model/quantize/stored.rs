//! What a file that is part float has quantized already.
//!
//! `quantize_dynamic` writes integer weights, and leaves the scales of activations to each inference; other quantizers
//! leave the end of a graph in floats. Such a file becomes a float model, whose weights are the integers' reals, and
//! a list of what was quantized how: integer weights stay, and so do the scales of activations that have any.

use std::collections::{HashMap, HashSet};

use crate::model::{
    ElementType, ImportOptions, ModelError, Quantization,
    import::{FloatConstant, IntegerConstant, float_constant, integer_constant},
    limits,
    onnx::{DataType, GraphProto, ModelProto, NodeProto},
};

use super::{
    parts::{dims, drop_unused, float_tensor, int_of},
    wide,
};

/// What a file has quantized.
#[derive(Default)]
pub(super) struct Stored {
    /// Weights, by the name of their reals.
    pub weights: HashMap<String, StoredWeights>,
    /// Activations.
    pub activations: HashMap<String, Quantization>,
    /// Whether it gives activations 16 bits.
    pub has_wide_activations: bool,
    /// The file as it computes, with its own rounding, where it rounds any activation.
    pub reference: Option<ModelProto>,
}

/// Integers of a file, and what they stand for.
#[derive(Clone, Debug)]
pub(super) struct StoredWeights {
    shape: Vec<usize>,
    pub integers: Vec<i32>,
    pub element: ElementType,
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i32>,
    /// Which axis has a scale per index.
    pub axis: Option<usize>,
    reals: Vec<f32>,
}

impl StoredWeights {
    /// Whether they are the integers of these reals.
    pub fn stand_for(&self, reals: &[f32]) -> bool {
        self.reals.len() == reals.len()
            && self.reals.iter().zip(reals).all(|(own, real)| own.to_bits() == real.to_bits())
    }
}

impl Stored {
    /// The type of activations for which onnxruntime has integer kernels with these weights.
    pub fn element(&self) -> ElementType {
        let is_unsigned = |own: &StoredWeights| own.element == ElementType::Uint8;
        let are_unsigned = self.weights.values().any(is_unsigned);
        // There are none for two integers of an activation.
        match are_unsigned && !self.has_wide_activations {
            true => ElementType::Uint8,
            false => ElementType::Int8,
        }
    }
}

/// Makes a file a float model.
pub(super) fn take(
    file: &mut ModelProto,
    import: &ImportOptions<'_>,
) -> Result<Stored, ModelError> {
    let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
    let has_wide_activations = wide::without_rounding(graph);
    let mut stored = Stored { has_wide_activations, ..Stored::default() };
    wide::widen(graph);
    with_float_products(graph, &mut stored, import);
    weights_of_nodes(graph, &mut stored, import);
    weights_of_products(graph, import);
    let is_rounded = |node: &NodeProto| {
        matches!(node.op_type.as_str(), "QuantizeLinear" | "DynamicQuantizeLinear")
    };
    if graph.node.iter().any(is_rounded) {
        stored.reference = Some(file.clone());
        let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
        without_rounding(graph, &mut stored, import);
    }
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let is_quantized = |node: &&NodeProto| {
        node.op_type.contains("QuantizeLinear")
            || node.op_type == "DequantizeLinear"
            || node.op_type.starts_with("QLinear")
            || matches!(node.op_type.as_str(), "MatMulInteger" | "ConvInteger" | "QGemm")
    };
    match graph.node.iter().find(is_quantized) {
        Some(node) => Err(ModelError::AlreadyQuantized(node.op_type.clone())),
        None => Ok(stored),
    }
}

fn maker<'g>(graph: &'g GraphProto, name: &str) -> Option<&'g NodeProto> {
    graph.node.iter().find(|node| node.output.iter().any(|output| output == name))
}

/// The only node that takes a value, which is no output of the model.
fn taker<'g>(graph: &'g GraphProto, name: &str) -> Option<&'g NodeProto> {
    let mut takers = graph.node.iter().filter(|node| node.input.iter().any(|own| own == name));
    match (takers.next(), takers.next()) {
        (Some(taker), None) if graph.output.iter().all(|output| output.name != name) => Some(taker),
        _ => None,
    }
}

/// A product of integers whose accumulators are scaled by what an inference finds becomes a product of floats.
fn with_float_products(graph: &mut GraphProto, stored: &mut Stored, import: &ImportOptions<'_>) {
    let (mut replaced, mut removed) = (HashMap::new(), HashSet::new());
    for (position, node) in graph.node.iter().enumerate() {
        if let Some(product) = FloatProduct::find(graph, node, import) {
            let FloatProduct { nodes, scaling, name, weights } = product;
            removed.extend(scaling);
            replaced.insert(position, nodes);
            stored.weights.insert(name, weights);
        }
    }
    let mut known: HashSet<String> = HashSet::new();
    let mut nodes = Vec::new();
    for (position, node) in std::mem::take(&mut graph.node).into_iter().enumerate() {
        match replaced.remove(&position) {
            // Products of one activation share its reals.
            Some(new) => {
                nodes.extend(new.into_iter().filter(|node| known.insert(node.name.clone())))
            }
            None if removed.contains(&position) => {}
            None => nodes.push(node),
        }
    }
    graph.node = nodes;
    for (name, own) in &stored.weights {
        graph.initializer.push(float_tensor(name, dims(&own.shape), &own.reals));
    }
}

/// What stands for a MatMulInteger or ConvInteger and the nodes that scale its accumulators.
struct FloatProduct {
    nodes: [NodeProto; 2],
    /// Positions of a Cast, and of products with the activation's and the weights' scale.
    scaling: Vec<usize>,
    name: String,
    weights: StoredWeights,
}

impl FloatProduct {
    fn find(graph: &GraphProto, node: &NodeProto, import: &ImportOptions<'_>) -> Option<Self> {
        let (operator, output_axis) = match node.op_type.as_str() {
            "MatMulInteger" => ("MatMul", 1),
            "ConvInteger" => ("Conv", 0),
            _ => return None,
        };
        let [x, integers, x_zero_point, rest @ ..] = node.input.as_slice() else { return None };
        let rounding = maker(graph, x).filter(|own| own.op_type == "DynamicQuantizeLinear")?;
        let [_, x_scale, own_zero_point] = rounding.output.as_slice() else { return None };
        if x_zero_point != own_zero_point {
            return None;
        }
        let position = |node: &NodeProto| graph.node.iter().position(|own| own == node);
        let to_floats = i64::from(i32::from(DataType::Float));
        let is_cast = |own: &&NodeProto| own.op_type == "Cast" && int_of(own, "to", 0) == to_floats;
        let cast = taker(graph, node.output.first()?).filter(is_cast)?;
        let mut scaling = vec![position(cast)?];
        let (mut product, mut is_scaled, mut scale) = (cast.output.first()?, false, None);
        while !is_scaled || scale.is_none() {
            let next = taker(graph, product).filter(|own| own.op_type == "Mul")?;
            let other = next.input.iter().find(|name| *name != product)?;
            let factors = match maker(graph, other).filter(|own| own.op_type == "Mul") {
                Some(both) => both.input.iter().collect(),
                None => vec![other],
            };
            for factor in factors {
                if factor == x_scale && !is_scaled {
                    is_scaled = true;
                } else if scale.is_none() {
                    scale = Some(float_constant(graph, factor, import)?.values);
                } else {
                    return None;
                }
            }
            scaling.push(position(next)?);
            product = next.output.first()?;
        }
        let zero_points = match rest.first() {
            Some(name) if !name.is_empty() => integer_constant(graph, name, import)?.values,
            _ => vec![0],
        };
        let constant = integer_constant(graph, integers, import)?;
        if operator == "MatMul" && constant.shape.len() != 2 {
            return None;
        }
        let weights = StoredWeights::new(constant, scale?, zero_points, output_axis)?;
        let (float, name) = (format!("{x}_reals"), format!("{product}_weights"));
        let dequantized = NodeProto {
            input: vec![x.clone(), x_scale.clone(), x_zero_point.clone()],
            output: vec![float.clone()],
            name: float.clone(),
            op_type: "DequantizeLinear".into(),
            ..NodeProto::default()
        };
        let product = NodeProto {
            input: vec![float, name.clone()],
            output: vec![product.clone()],
            name: name.clone(),
            op_type: operator.into(),
            ..node.clone()
        };
        Some(Self { nodes: [dequantized, product], scaling, name, weights })
    }
}

impl StoredWeights {
    fn new(
        constant: IntegerConstant,
        scales: Vec<f32>,
        zero_points: Vec<i32>,
        axis: usize,
    ) -> Option<Self> {
        let element = constant.element?;
        let (low, high) = element.range();
        if !zero_points.iter().all(|zero_point| (low..=high).contains(zero_point)) {
            return None;
        }
        let Reals { values: reals, scales, zero_points, axis } =
            Reals::new(&constant, &scales, &zero_points, axis)?;
        let IntegerConstant { shape, values: integers, .. } = constant;
        Some(Self { shape, integers, element, scales, zero_points, axis, reals })
    }
}

/// What integers stand for, with as many scales as zero points.
struct Reals {
    values: Vec<f32>,
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    axis: Option<usize>,
}

impl Reals {
    fn new(
        IntegerConstant { shape, values: integers, .. }: &IntegerConstant,
        scales: &[f32],
        zero_points: &[i32],
        axis: usize,
    ) -> Option<Self> {
        let axis = (scales.len() > 1 || zero_points.len() > 1).then_some(axis);
        let channels = axis.map_or(Some(1), |axis| shape.get(axis).copied())?;
        let repeated = |len: usize| len == 1 || len == channels;
        if !repeated(scales.len()) || !repeated(zero_points.len()) {
            return None;
        }
        let below = axis.map_or(1, |axis| shape[axis + 1..].iter().product());
        let scales: Vec<f32> = (0..channels).map(|i| scales[i % scales.len()]).collect();
        let zero_points: Vec<i32> =
            (0..channels).map(|i| zero_points[i % zero_points.len()]).collect();
        let real = |(i, &integer): (usize, &i32)| {
            let channel = i / below % channels;
            real_of(integer, zero_points[channel], scales[channel])
        };
        let values = integers.iter().enumerate().map(real).collect::<Option<_>>()?;
        Some(Self { values, scales, zero_points, axis })
    }
}

/// Constants that nodes dequantize become floats.
fn weights_of_nodes(graph: &mut GraphProto, stored: &mut Stored, import: &ImportOptions<'_>) {
    let (mut nodes, mut initializers) = (Vec::new(), Vec::new());
    for node in &graph.node {
        match dequantized_constant(graph, node, import) {
            Some((name, FloatConstant { shape, values }, weights)) => {
                initializers.push(float_tensor(&name, dims(&shape), &values));
                stored.weights.extend(weights.map(|weights| (name, weights)));
            }
            None => nodes.push(node.clone()),
        }
    }
    graph.node = nodes;
    graph.initializer.extend(initializers);
}

/// Name and reals of a DequantizeLinear of a constant, and its integers if they have 8 bits or less.
fn dequantized_constant(
    graph: &GraphProto,
    node: &NodeProto,
    import: &ImportOptions<'_>,
) -> Option<(String, FloatConstant, Option<StoredWeights>)> {
    if node.op_type != "DequantizeLinear" {
        return None;
    }
    let [x, scale, rest @ ..] = node.input.as_slice() else { return None };
    let constant = integer_constant(graph, x, import)?;
    let scales = float_constant(graph, scale, import)?;
    let zero_points = match rest.first() {
        Some(name) if !name.is_empty() => integer_constant(graph, name, import)?.values,
        _ => vec![0; scales.values.len()],
    };
    let rank = i64::try_from(constant.shape.len()).ok()?;
    let axis = match int_of(node, "axis", 1) {
        axis if axis < 0 => axis + rank,
        axis => axis,
    };
    let axis = usize::try_from(axis).ok()?;
    let output = node.output.first()?.clone();
    let shape = constant.shape.clone();
    if let block @ 1.. = int_of(node, "block_size", 0) {
        let block = usize::try_from(block).ok()?;
        let values = of_blocks(&constant, &scales, &zero_points, axis, block)?;
        return Some((output, FloatConstant { shape, values }, None));
    }
    if constant.element.is_none() {
        // A bias, which has the activation's and the weights' scale, or 16 bits.
        let values = Reals::new(&constant, &scales.values, &zero_points, axis)?.values;
        return Some((output, FloatConstant { shape, values }, None));
    }
    let weights = StoredWeights::new(constant, scales.values, zero_points, axis)?;
    let values = weights.reals.clone();
    Some((output, FloatConstant { shape, values }, Some(weights)))
}

/// As DequantizeLinear gives it.
fn real_of(integer: i32, zero_point: i32, scale: f32) -> Option<f32> {
    // Biases of 32 bits round as they do in the kernels.
    #[allow(clippy::cast_precision_loss)]
    let centred = integer.checked_sub(zero_point)? as f32;
    Some(centred * scale)
}

/// Products with weights of 4 bits in blocks (MatMulNBits of com.microsoft) become products of floats.
fn weights_of_products(graph: &mut GraphProto, import: &ImportOptions<'_>) {
    let mut initializers = Vec::new();
    let mut nodes = std::mem::take(&mut graph.node);
    for node in nodes.iter_mut().filter(|node| node.op_type == "MatMulNBits") {
        let Some(weights) = weights_of_product(graph, node, import) else { continue };
        let name = format!("{}_weights", node.output.first().map_or("", String::as_str));
        initializers.push(float_tensor(&name, dims(&weights.shape), &weights.values));
        node.input.truncate(1);
        node.input.push(name);
        (node.op_type, node.domain) = ("MatMul".into(), String::new());
        node.attribute.clear();
    }
    graph.node = nodes;
    graph.initializer.extend(initializers);
}

/// The reals of a MatMulNBits's weights, of which each row of outputs has its blocks one after the other.
fn weights_of_product(
    graph: &GraphProto,
    node: &NodeProto,
    import: &ImportOptions<'_>,
) -> Option<FloatConstant> {
    let of = |name: &str| usize::try_from(int_of(node, name, 0)).ok().filter(|&value| value > 0);
    let (rows, columns, block) = (of("K")?, of("N")?, of("block_size")?);
    let given = |position: usize| node.input.get(position).filter(|name| !name.is_empty());
    if of("bits")? != 4 || !block.is_multiple_of(2) || given(4).or(given(5)).is_some() {
        return None;
    }
    let blocks = rows.div_ceil(block);
    let bytes = integer_constant(graph, given(1)?, import)?.values;
    let scales = float_constant(graph, given(2)?, import)?.values;
    let zero_points =
        given(3).map(|name| integer_constant(graph, name, import)).map_or(Some(None), |own| {
            Some(Some(own.filter(|own| own.element == Some(ElementType::Uint8))?.values))
        })?;
    let per_column = blocks.div_ceil(2);
    let fits = bytes.len() == columns.checked_mul(blocks)?.checked_mul(block / 2)?
        && scales.len() == columns * blocks
        && zero_points.as_ref().is_none_or(|own| own.len() == columns * per_column);
    limits::elements("weights", &[rows, columns]).ok()?;
    fits.then_some(())?;
    let half = |byte: i32, at: usize| if at.is_multiple_of(2) { byte & 15 } else { byte >> 4 };
    let mut values = vec![0.0; rows * columns];
    for (column, row) in (0..columns).flat_map(|n| (0..rows).map(move |k| (n, k))) {
        let own = column * blocks + row / block;
        let byte = bytes[own * (block / 2) + row % block / 2];
        let zero_point = zero_points.as_ref().map_or(8, |zero_points| {
            half(zero_points[column * per_column + row / block / 2], row / block)
        });
        values[row * columns + column] = real_of(half(byte, row % block), zero_point, scales[own])?;
    }
    Some(FloatConstant { shape: vec![rows, columns], values })
}

/// Integers with a scale for each of so many along an axis.
fn of_blocks(
    constant: &IntegerConstant,
    scales: &FloatConstant,
    zero_points: &[i32],
    axis: usize,
    block: usize,
) -> Option<Vec<f32>> {
    let dim = *constant.shape.get(axis)?;
    let below: usize = constant.shape[axis + 1..].iter().product();
    let mut blocks = constant.shape.clone();
    blocks[axis] = dim.div_ceil(block);
    if scales.shape != blocks || zero_points.len() != scales.values.len() {
        return None;
    }
    let real = |(i, &integer): (usize, &i32)| {
        let (outer, at) = (i / below / dim, i / below % dim);
        let own = (outer * blocks[axis] + at / block) * below + i % below;
        real_of(integer, zero_points[own], scales.values[own])
    };
    constant.values.iter().enumerate().map(real).collect()
}

/// Activations that nodes round become those before the rounding, whose scale is kept where the file has one.
fn without_rounding(graph: &mut GraphProto, stored: &mut Stored, import: &ImportOptions<'_>) {
    let mut renamed: HashMap<String, String> = HashMap::new();
    let mut nodes: Vec<NodeProto> = Vec::new();
    for node in &graph.node {
        match unrounded(graph, node, import) {
            Some((x, quantization)) => {
                let x = renamed.get(&x).cloned().unwrap_or(x);
                if let Some(quantization) = quantization {
                    stored.activations.entry(x.clone()).or_insert(quantization);
                }
                renamed.insert(node.output[0].clone(), x);
            }
            None => {
                let mut node = node.clone();
                for input in &mut node.input {
                    if let Some(name) = renamed.get(input) {
                        input.clone_from(name);
                    }
                }
                nodes.push(node);
            }
        }
    }
    // An output of the model keeps its name.
    for port in &graph.output {
        let Some(x) = renamed.get(&port.name) else { continue };
        let other_ports = graph.input.iter().chain(&graph.output);
        if other_ports.map(|port| &port.name).any(|name| name == x) {
            nodes.push(NodeProto {
                input: vec![x.clone()],
                output: vec![port.name.clone()],
                name: port.name.clone(),
                op_type: "Identity".into(),
                ..NodeProto::default()
            });
            continue;
        }
        for name in nodes.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output))
        {
            if name == x {
                name.clone_from(&port.name);
            }
        }
        if let Some(quantization) = stored.activations.remove(x) {
            stored.activations.insert(port.name.clone(), quantization);
        }
    }
    graph.node = nodes;
    drop_unused(graph);
}

/// The activation that a DequantizeLinear gives the reals of, and how it is rounded, if that is in the file.
fn unrounded(
    graph: &GraphProto,
    node: &NodeProto,
    import: &ImportOptions<'_>,
) -> Option<(String, Option<Quantization>)> {
    if node.op_type != "DequantizeLinear" {
        return None;
    }
    let rounding = maker(graph, node.input.first()?)?;
    let x = rounding.input.first()?.clone();
    if rounding.op_type == "DynamicQuantizeLinear" {
        return (node.input == rounding.output).then_some((x, None));
    }
    if rounding.op_type != "QuantizeLinear" {
        return None;
    }
    let quantization = |node: &NodeProto| -> Option<Quantization> {
        let &[scale] = float_constant(graph, node.input.get(1)?, import)?.values.as_slice() else {
            return None;
        };
        let Some(name) = node.input.get(2).filter(|name| !name.is_empty()) else {
            return Some(Quantization { scale, zero_point: 0, element: ElementType::Uint8 });
        };
        let zero_point = integer_constant(graph, name, import)?;
        let element = zero_point.element?;
        let &[zero_point] = zero_point.values.as_slice() else { return None };
        Some(Quantization { scale, zero_point, element })
    };
    let own = quantization(rounding)?;
    (quantization(node)? == own).then_some((x, Some(own)))
}
