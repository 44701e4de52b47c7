//! Writes DequantizeLinear and QuantizeLinear around the operators of a float model.

mod constants;
mod limbs;
mod products;

use std::collections::{HashMap, HashSet};

use super::{
    operators::BEFORE_CLAMP,
    parts::{distinct_names, drop_unused},
    ranges::Ranges,
    scales::Scales,
    stored::Stored,
};
use crate::model::{
    ElementType, ImportOptions, ModelError,
    import::{FloatConstant, FloatGraph, float_constant},
    onnx::{
        AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto,
    },
};
use products::Limbs;

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

/// A quantized file.
pub(super) struct Rewritten {
    pub file: ModelProto,
    /// How many weights keep the integers they had.
    pub kept_weights: usize,
    /// Outputs, each with the one that is added to it for all 16 bits.
    pub rests: Vec<(String, String)>,
}

/// Makes the quantized file.
pub(super) fn rewrite(
    file: &ModelProto,
    float: &FloatGraph,
    ranges: &Ranges,
    weights: &Weights<'_>,
    import: &ImportOptions<'_>,
) -> Result<Rewritten, ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let opset = file.operator_set()?;
    let mut rewriter = Rewriter {
        graph,
        float,
        ranges: ranges.clone(),
        import,
        is_wide: weights.stored.has_wide_activations && weights.scales.is_none(),
        per_channel: weights.per_channel && opset >= PER_CHANNEL_OPSET,
        scales: weights.scales,
        stored: weights.stored,
        taken: names(graph),
        stand_ins: HashMap::new(),
        quantized: HashMap::new(),
        limbs: HashMap::new(),
        rests: Vec::new(),
        constants: HashMap::new(),
        before: Vec::new(),
        nodes: Vec::new(),
        initializers: Vec::new(),
        kept: 0,
        renamed: HashMap::new(),
    };
    rewriter.run()?;

    let is_wide = rewriter.is_wide;
    let Rewriter { before, nodes, initializers, kept, rests, .. } = rewriter;
    let mut result = file.clone();
    result.producer_name = "zkverdict".into();
    let new = result.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
    new.node = [before, nodes].concat();
    for (name, rest) in &rests {
        let port = new.output.iter().find(|port| port.name == *name).cloned();
        new.output.extend(port.map(|port| ValueInfoProto { name: rest.clone(), ..port }));
    }
    if is_wide {
        drop_unused(new);
    }
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
    Ok(Rewritten { file: result, kept_weights: kept, rests })
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
    ranges: Ranges,
    /// Whether activations get 16 bits where they can.
    is_wide: bool,
    import: &'a ImportOptions<'a>,
    per_channel: bool,
    scales: Option<&'a Scales>,
    stored: &'a Stored,
    taken: HashSet<String>,
    /// The dequantized form of each activation.
    stand_ins: HashMap<String, String>,
    /// The integers of those that have one for each element.
    quantized: HashMap<String, String>,
    /// Activations of 16 bits.
    limbs: HashMap<String, Limbs>,
    /// Outputs of 16 bits, with the ones that are added to them.
    rests: Vec<(String, String)>,
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
            if self.ranges.contains_key(name) && !self.limbs_of_input(name, name)? {
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
        if self.rewrite_wide(node)? {
            return Ok(());
        }
        if node.op_type != "Shape" {
            node.input.iter().try_for_each(|input| self.narrow(input))?;
        }
        let is_prepared = self.is_wide && self.is_prepared(node);
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
            let is_done = float.is_empty() || is_prepared && self.limbs_of_input(name, float)?;
            if !is_done {
                self.quantize_activation(name, float)?;
            }
        }
        Ok(())
    }

    /// Whether a node prepares an input of the model, element by element: nothing is quantized before it.
    fn is_prepared(&self, node: &NodeProto) -> bool {
        let activations: Vec<&String> =
            node.input.iter().filter(|name| self.float.is_activation(name)).collect();
        let [x] = activations.as_slice() else { return false };
        let maker = || self.graph.node.iter().find(|own| own.output.contains(x));
        matches!(node.op_type.as_str(), "Add" | "Sub" | "Mul" | "Div")
            && !self.ranges.contains_key(*x)
            && (self.float.inputs.iter().any(|input| input.name == **x)
                || maker().is_some_and(|own| self.is_prepared(own)))
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
            [quantized.clone(), scale, zero_point],
            &dequantized,
            None,
        ));
        self.stand_ins.insert(name.to_owned(), dequantized);
        self.quantized.insert(name.to_owned(), quantized);
        Ok(())
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
