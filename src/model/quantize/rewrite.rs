//! Writes DequantizeLinear and QuantizeLinear around the operators of a float model.

use std::collections::{HashMap, HashSet};

use super::{
    lines, operators::BEFORE_CLAMP, parts::distinct_names, ranges::Ranges, scales::Scales,
    stored::Stored,
};
use crate::model::{
    ElementType, ImportOptions, ModelError, Quantization,
    import::{FloatConstant, FloatGraph, float_constant},
    onnx::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto},
};

/// Smallest operator set in which DequantizeLinear takes a scale per channel.
const PER_CHANNEL_OPSET: i64 = 13;

/// How weights are quantized.
pub(super) struct Weights<'a> {
    /// Whether they have a scale per output channel.
    pub per_channel: bool,
    /// Scales that stay.
    pub scales: Option<&'a Scales>,
    /// Integers that stay.
    pub stored: &'a Stored,
}

/// Makes the quantized file, and counts the weights that keep the integers they had.
pub(super) fn rewrite(
    file: &ModelProto,
    float: &FloatGraph,
    ranges: &Ranges,
    weights: &Weights<'_>,
    import: &ImportOptions<'_>,
) -> Result<(ModelProto, usize), ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let opset = file.operator_set()?;
    let mut rewriter = Rewriter {
        graph,
        float,
        ranges,
        import,
        per_channel: weights.per_channel && opset >= PER_CHANNEL_OPSET,
        scales: weights.scales,
        stored: weights.stored,
        taken: names(graph),
        stand_ins: HashMap::new(),
        constants: HashMap::new(),
        before: Vec::new(),
        nodes: Vec::new(),
        initializers: Vec::new(),
        kept: 0,
        renamed: HashMap::new(),
    };
    rewriter.run()?;

    let Rewriter { before, nodes, initializers, kept, .. } = rewriter;
    let mut result = file.clone();
    result.producer_name = "zkverdict".into();
    let new = result.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
    new.node = [before, nodes].concat();
    distinct_names(&mut new.node);
    new.initializer.extend(initializers);
    // Constants that only their quantized form is used of.
    let used: HashSet<&String> = new.node.iter().flat_map(|node| &node.input).collect();
    let unused: HashSet<String> = new
        .initializer
        .iter()
        .map(|tensor| &tensor.name)
        .filter(|name| !used.contains(name))
        .cloned()
        .collect();
    new.initializer.retain(|tensor| !unused.contains(&tensor.name));
    new.input.retain(|input| !unused.contains(&input.name));
    Ok((result, kept))
}

fn names(graph: &GraphProto) -> HashSet<String> {
    let of_nodes = graph.node.iter().flat_map(|node| node.input.iter().chain(&node.output));
    let others = graph.initializer.iter().map(|tensor| &tensor.name);
    let ports = graph.input.iter().chain(&graph.output).map(|port| &port.name);
    of_nodes.chain(others).chain(ports).cloned().collect()
}

/// The integers of a constant.
struct Integers {
    values: Vec<i32>,
    /// Of 8 bits; otherwise they have 32.
    element: Option<ElementType>,
    /// One, or one per scale.
    zero_points: Vec<i32>,
}

impl Integers {
    fn symmetric(values: Vec<i32>) -> Self {
        Self { values, element: Some(ElementType::Int8), zero_points: vec![0] }
    }
}

struct Rewriter<'a> {
    graph: &'a GraphProto,
    float: &'a FloatGraph,
    ranges: &'a Ranges,
    import: &'a ImportOptions<'a>,
    per_channel: bool,
    scales: Option<&'a Scales>,
    stored: &'a Stored,
    taken: HashSet<String>,
    /// The dequantized form of each activation.
    stand_ins: HashMap<String, String>,
    /// The dequantized form of constants, by what they are made from.
    constants: HashMap<String, String>,
    /// Nodes that dequantize constants.
    before: Vec<NodeProto>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    /// How many weights keep the file's integers.
    kept: usize,
    /// Outputs of operators that take over the name of the clamp after them.
    renamed: HashMap<String, String>,
}

impl Rewriter<'_> {
    fn run(&mut self) -> Result<(), ModelError> {
        let clamps = self.fused_clamps();
        for input in &self.float.inputs {
            let name = &input.name;
            if self.ranges.contains_key(name) {
                self.quantize_activation(name, name)?;
            }
        }
        for (index, node) in self.graph.node.iter().enumerate() {
            if !clamps.contains(&index) {
                self.rewrite_node(node)?;
            }
        }
        Ok(())
    }

    /// Positions of clamps that the quantization after them makes superfluous: their bounds are those of
    /// the integers.
    fn fused_clamps(&mut self) -> HashSet<usize> {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        for name in self.graph.node.iter().flat_map(|node| &node.input) {
            *uses.entry(name).or_default() += 1;
        }
        for output in &self.graph.output {
            *uses.entry(&output.name).or_default() += 1;
        }
        let mut fused = HashSet::new();
        for (index, node) in self.graph.node.iter().enumerate() {
            let ([input, ..], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
                continue;
            };
            let producer = self.graph.node.iter().find(|other| other.output.first() == Some(input));
            let follows_sum =
                producer.is_some_and(|other| BEFORE_CLAMP.contains(&other.op_type.as_str()));
            let Some(range) = self.ranges.get(output) else { continue };
            let (low, high) = range.element.range();
            let covers = match node.op_type.as_str() {
                "Relu" => range.zero_point == low,
                "Clip" => match self.clip_bounds(node) {
                    Some(bounds) => {
                        range.quantize(bounds.0) == low && range.quantize(bounds.1) == high
                    }
                    None => false,
                },
                _ => false,
            };
            if follows_sum && covers && uses.get(input.as_str()) == Some(&1) {
                fused.insert(index);
                self.renamed.insert(input.clone(), output.clone());
            }
        }
        fused
    }

    fn clip_bounds(&self, node: &NodeProto) -> Option<(f32, f32)> {
        let bound = |index: usize, default: f32| match node.input.get(index) {
            Some(name) if !name.is_empty() => self.float_constant(name)?.values.first().copied(),
            _ => Some(default),
        };
        let has_attributes =
            node.attribute.iter().any(|attribute| matches!(attribute.name.as_str(), "min" | "max"));
        (!has_attributes).then_some(())?;
        Some((bound(1, f32::MIN)?, bound(2, f32::MAX)?))
    }

    fn rewrite_node(&mut self, node: &NodeProto) -> Result<(), ModelError> {
        let mut node = node.clone();
        for output in &mut node.output {
            if let Some(name) = self.renamed.get(output) {
                output.clone_from(name);
            }
        }
        match node.op_type.as_str() {
            "Conv" | "ConvTranspose" | "Gemm" | "MatMul" => self.quantize_weights(&mut node)?,
            // Not before an input is quantized.
            "Add" | "Mul" | "Einsum"
                if node.input.iter().any(|input| self.ranges.contains_key(input)) =>
            {
                for input in &mut node.input {
                    if !self.float.is_activation(input)
                        && let Some(constant) = self.float_constant(input)
                    {
                        *input = self.quantize_operand(input, &constant)?;
                    }
                }
            }
            _ => {}
        }
        // Shapes are those of the float tensors.
        if node.op_type != "Shape" {
            for input in &mut node.input {
                if let Some(stand_in) = self.stand_ins.get(input) {
                    input.clone_from(stand_in);
                }
            }
        }
        let outputs = node.output.clone();
        let mut quantized = Vec::new();
        for output in &mut node.output {
            if self.ranges.contains_key(output.as_str()) {
                // The name of a model's output belongs to its dequantized form.
                if self.graph.output.iter().any(|port| port.name == *output) {
                    let name = self.fresh(&format!("{output}_float"));
                    *output = name;
                }
                quantized.push(output.clone());
            } else {
                quantized.push(String::new());
            }
        }
        self.nodes.push(node);
        for (name, float) in outputs.iter().zip(&quantized) {
            if !float.is_empty() {
                self.quantize_activation(name, float)?;
            }
        }
        Ok(())
    }

    /// QuantizeLinear and DequantizeLinear after an activation.
    fn quantize_activation(&mut self, name: &str, float: &str) -> Result<(), ModelError> {
        let range = *self
            .ranges
            .get(name)
            .ok_or_else(|| ModelError::Quantize(format!("`{name}` has no range")))?;
        let scale = self.float_initializer(&format!("{name}_scale"), &[], &[range.scale]);
        let zero_point = self.integers(
            Some(range.element),
            &format!("{name}_zero_point"),
            &[],
            &[range.zero_point],
        );
        let quantized = self.fresh(&format!("{name}_quantized"));
        let dequantized = if float == name {
            self.fresh(&format!("{name}_dequantized"))
        } else {
            name.to_owned()
        };
        self.nodes.push(linear_node(
            "QuantizeLinear",
            [float.to_owned(), scale.clone(), zero_point.clone()],
            &quantized,
            None,
        ));
        self.nodes.push(linear_node(
            "DequantizeLinear",
            [quantized, scale, zero_point],
            &dequantized,
            None,
        ));
        self.stand_ins.insert(name.to_owned(), dequantized);
        Ok(())
    }

    /// Quantizes the weights and the bias of a product.
    fn quantize_weights(&mut self, node: &mut NodeProto) -> Result<(), ModelError> {
        let (Some(x), Some(w)) = (node.input.first().cloned(), node.input.get(1).cloned()) else {
            return Ok(());
        };
        // Products of activations need no more than their inputs' scales.
        let (true, Some(weights)) = (self.float.is_activation(&x), self.float_constant(&w)) else {
            if node.op_type == "MatMul"
                && !self.float.is_activation(&x)
                && let Some(constant) = self.float_constant(&x)
            {
                node.input[0] = self.quantize_operand(&x, &constant)?;
            }
            return Ok(());
        };
        let input = *self
            .ranges
            .get(&x)
            .ok_or_else(|| ModelError::Quantize(format!("`{x}` has no range")))?;
        let trans_b = node.attribute.iter().any(|a| a.name == "transB" && a.i.unwrap_or(0) != 0);
        let output_axis = match node.op_type.as_str() {
            "Conv" => Some(0),
            "Gemm" => Some(usize::from(!trans_b)),
            "MatMul" if weights.shape.len() == 2 => Some(1),
            _ => None,
        };
        let output_axis = output_axis.filter(|&axis| axis < weights.shape.len());
        let mut weights = weights;
        let factor = |name: &str| {
            let attribute = node.attribute.iter().find(|attribute| attribute.name == name);
            attribute.and_then(|attribute| attribute.f).unwrap_or(1.0)
        };
        let (alpha, beta) = (factor("alpha"), factor("beta"));
        if node.op_type == "Gemm" {
            weights.values.iter_mut().for_each(|weight| *weight *= alpha);
            node.attribute.retain(|a| !matches!(a.name.as_str(), "alpha" | "beta"));
        }
        let bias = node.input.get(2).filter(|name| !name.is_empty()).cloned();
        let bias = match &bias {
            Some(name) => {
                let mut constant = self.float_constant(name).ok_or_else(|| {
                    ModelError::Quantize(format!("the bias `{name}` is not constant"))
                })?;
                constant.values.iter_mut().for_each(|value| *value *= beta);
                Some((name.clone(), constant))
            }
            None => None,
        };

        // Integers of the file stay, where they are still those of these reals.
        let stored = self.stored.weights.get(&w).filter(|own| {
            let mut scales = own.scales.iter().cycle();
            let bias = bias.as_ref().map_or(&[][..], |(_, bias)| &bias.values);
            self.scales.is_none()
                && own.stand_for(&weights.values)
                && (own.axis.is_none() || own.axis == output_axis)
                && bias.iter().all(|value| {
                    let scale = scales.next().copied().unwrap_or(1.0);
                    value.abs() / input.scale / scale < 536_870_912.0
                })
        });
        self.kept += usize::from(stored.is_some());
        let axis = match stored {
            Some(own) => own.axis,
            None => output_axis.filter(|_| self.per_channel),
        };
        let channels = axis.map_or(1, |axis| weights.shape[axis]);
        let below: usize = axis.map_or(1, |axis| weights.shape[axis + 1..].iter().product());
        let channel = |i: usize| if channels == 1 { 0 } else { i / below % channels };
        let mut scales = vec![0.0_f32; channels];
        for (i, weight) in weights.values.iter().enumerate() {
            let scale = &mut scales[channel(i)];
            *scale = scale.max(weight.abs() / 127.0);
        }
        for scale in &mut scales {
            if !scale.is_normal() {
                *scale = 1.0;
            }
        }
        // A bias must fit 32 bits, with room for the sum.
        if let Some((_, bias)) = &bias {
            for (i, value) in bias.values.iter().enumerate() {
                let scale = &mut scales[if channels == 1 { 0 } else { i % channels }];
                *scale = scale.max(value.abs() / input.scale / 536_870_912.0);
            }
        }
        let integers_of = |scales: &[f32]| -> Vec<i32> {
            let weights = weights.values.iter().enumerate();
            weights.map(|(i, w)| round(w / scales[channel(i)]).clamp(-127, 127)).collect()
        };
        if let Some(own) = stored {
            scales.clone_from(&own.scales);
        } else if let Some(known) = self.scales {
            scales = known.constant(&self.next_name(&format!("{w}_quantized")), channels)?;
        } else if let Some(&output) = node.output.first().and_then(|output| self.ranges.get(output))
        {
            let bias = bias.as_ref().map(|(_, bias)| bias.values.as_slice());
            let outputs = output_axis.map_or((1, 1), |axis| {
                (weights.shape[axis], weights.shape[axis + 1..].iter().product())
            });
            let ranges = accumulators(&integers_of(&scales), outputs, bias, &scales, input);
            for (scale, range) in scales.iter_mut().zip(ranges) {
                *scale = lines::weights(*scale, input, output, range, channels);
            }
        }
        let key = format!("{w} of {}, {axis:?}, {scales:?}", node.op_type);
        let integers = match stored {
            Some(own) => Integers {
                values: own.integers.clone(),
                element: Some(own.element),
                zero_points: own.zero_points.clone(),
            },
            None => Integers::symmetric(integers_of(&scales)),
        };
        node.input[1] =
            self.dequantized_constant(&key, &w, &weights.shape, axis, &scales, integers);
        if let Some((name, bias)) = bias {
            let outputs = match (node.op_type.as_str(), axis) {
                (_, Some(axis)) => weights.shape[axis],
                ("Gemm", None) => weights.shape[usize::from(!trans_b)],
                _ => bias.values.len(),
            };
            let values: Vec<f32> = match bias.values.as_slice() {
                [value] => vec![*value; outputs],
                values if values.len() == outputs => values.to_vec(),
                _ => {
                    return Err(ModelError::Quantize(format!(
                        "the bias `{name}` has the shape {:?}",
                        bias.shape
                    )));
                }
            };
            let bias_scales: Vec<f32> = scales.iter().map(|scale| input.scale * scale).collect();
            let integers: Vec<i32> = values
                .iter()
                .enumerate()
                .map(|(i, value)| round(value / bias_scales[if channels == 1 { 0 } else { i }]))
                .collect();
            let key = format!("{name} as a bias, {bias_scales:?}");
            let axis = axis.map(|_| 0);
            let integers = Integers { element: None, ..Integers::symmetric(integers) };
            node.input[2] =
                self.dequantized_constant(&key, &name, &[outputs], axis, &bias_scales, integers);
        }
        Ok(())
    }

    /// Quantizes a constant operand of Add, Mul or MatMul.
    fn quantize_operand(
        &mut self,
        name: &str,
        constant: &FloatConstant,
    ) -> Result<String, ModelError> {
        let largest = constant.values.iter().fold(0.0_f32, |largest, v| largest.max(v.abs()));
        let mut scale = if (largest / 127.0).is_normal() { largest / 127.0 } else { 1.0 };
        if let Some(known) = self.scales {
            scale = known.constant(&self.next_name(&format!("{name}_quantized")), 1)?[0];
        }
        let integers: Vec<i32> =
            constant.values.iter().map(|value| round(value / scale).clamp(-127, 127)).collect();
        let key = format!("{name} as an operand");
        let element = self.stored.element();
        let zero_point = element.range().0 - ElementType::Int8.range().0;
        let integers = Integers {
            values: integers.iter().map(|integer| integer + zero_point).collect(),
            element: Some(element),
            zero_points: vec![zero_point],
        };
        Ok(self.dequantized_constant(&key, name, &constant.shape, None, &[scale], integers))
    }

    /// A DequantizeLinear of a constant, made once.
    fn dequantized_constant(
        &mut self,
        key: &str,
        name: &str,
        shape: &[usize],
        axis: Option<usize>,
        scales: &[f32],
        integers: Integers,
    ) -> String {
        if let Some(known) = self.constants.get(key) {
            return known.clone();
        }
        let Integers { values, element, zero_points } = integers;
        let quantized = self.integers(element, &format!("{name}_quantized"), shape, &values);
        let scale_shape: &[usize] = if axis.is_some() { &[scales.len()] } else { &[] };
        let scale = self.float_initializer(&format!("{quantized}_scale"), scale_shape, scales);
        let zero_points: Vec<i32> = zero_points.into_iter().cycle().take(scales.len()).collect();
        let zero_name = format!("{quantized}_zero_point");
        let zero_point = self.integers(element, &zero_name, scale_shape, &zero_points);
        let dequantized = self.fresh(&format!("{name}_dequantized"));
        debug_assert!(axis.is_none_or(|axis| axis < shape.len()), "axes are of the shape");
        self.before.push(linear_node(
            "DequantizeLinear",
            [quantized, scale, zero_point],
            &dequantized,
            axis,
        ));
        self.constants.insert(key.to_owned(), dequantized.clone());
        dequantized
    }

    fn float_constant(&self, name: &str) -> Option<FloatConstant> {
        float_constant(self.graph, name, self.import)
    }

    /// A name that nothing has yet.
    fn fresh(&mut self, name: &str) -> String {
        let name = self.next_name(name);
        self.taken.insert(name.clone());
        name
    }

    /// What [`fresh`](Self::fresh) makes of a name.
    fn next_name(&self, name: &str) -> String {
        let mut name = name.to_owned();
        while self.taken.contains(&name) {
            name.push('_');
        }
        name
    }

    fn initializer(
        &mut self,
        name: &str,
        shape: &[usize],
        data_type: DataType,
        raw: Vec<u8>,
    ) -> String {
        let name = self.fresh(name);
        let dims =
            shape.iter().map(|&dim| i64::try_from(dim).expect("dimensions are within limits"));
        self.initializers.push(TensorProto {
            name: name.clone(),
            dims: dims.collect(),
            data_type: data_type.into(),
            raw_data: Some(raw),
            ..TensorProto::default()
        });
        name
    }

    fn float_initializer(&mut self, name: &str, shape: &[usize], values: &[f32]) -> String {
        let raw = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.initializer(name, shape, DataType::Float, raw)
    }

    /// Integers of a type of 8 bits, or of 32.
    fn integers(
        &mut self,
        element: Option<ElementType>,
        name: &str,
        shape: &[usize],
        values: &[i32],
    ) -> String {
        let bytes = values.iter().map(|value| value.to_le_bytes());
        match element {
            None => self.initializer(name, shape, DataType::Int32, bytes.flatten().collect()),
            Some(element) => {
                let is_signed = element == ElementType::Int8;
                let data_type = if is_signed { DataType::Int8 } else { DataType::Uint8 };
                self.initializer(name, shape, data_type, bytes.map(|word| word[0]).collect())
            }
        }
    }
}

fn linear_node(operator: &str, input: [String; 3], output: &str, axis: Option<usize>) -> NodeProto {
    let attribute = axis.map(|axis| AttributeProto {
        name: "axis".into(),
        i: Some(i64::try_from(axis).expect("ranks are within limits")),
        // `AttributeProto.AttributeType.INT`.
        r#type: 2,
        ..AttributeProto::default()
    });
    NodeProto {
        input: input.to_vec(),
        output: vec![output.to_owned()],
        name: format!("{output}_{operator}"),
        op_type: operator.into(),
        attribute: attribute.into_iter().collect(),
        ..NodeProto::default()
    }
}

/// Bounds of the accumulators for each scale. Where all outputs share a scale, those of any of them. Of
/// `(outputs, below)`, weight i belongs to output `i / below % outputs`.
fn accumulators(
    integers: &[i32],
    (outputs, below): (usize, usize),
    bias: Option<&[f32]>,
    scales: &[f32],
    input: Quantization,
) -> Vec<(i64, i64)> {
    let (min, max) = input.element.range();
    let ends = [min - input.zero_point, max - input.zero_point].map(i64::from);
    let mut ranges = vec![(0_i64, 0_i64); outputs];
    for (i, &weight) in integers.iter().enumerate() {
        let products = ends.map(|end| end * i64::from(weight));
        let range = &mut ranges[i / below % outputs];
        range.0 += products[0].min(products[1]);
        range.1 += products[0].max(products[1]);
    }
    for (i, value) in bias.unwrap_or_default().iter().enumerate() {
        let scale = scales[if scales.len() == 1 { 0 } else { i % scales.len() }];
        // A moved scale changes the integer: by less than this.
        let bias = i64::from(round(value / (input.scale * scale) * 1.001));
        let range = &mut ranges[i % outputs];
        range.0 += bias.min(0);
        range.1 += bias.max(0);
    }
    if scales.len() == 1 {
        let all = ranges.iter().fold((0, 0), |all, own| (all.0.min(own.0), all.1.max(own.1)));
        return vec![all];
    }
    ranges
}

/// The nearest integer, ties to even. Values beyond 32 bits saturate.
fn round(value: f32) -> i32 {
    #[allow(clippy::cast_possible_truncation)]
    let rounded = value.round_ties_even() as i32;
    rounded
}
