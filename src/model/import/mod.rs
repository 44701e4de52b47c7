//! From the bytes of an ONNX file to a [`Model`].
//!
//! Nodes are read in order. Each gives values of one of three kinds: constants, integer activations
//! (nodes of the integer graph exist for them), and float expressions that wait for the
//! QuantizeLinear that tells their scale.

mod constant;
mod conv;
mod ensemble;
mod expression;
mod float;
mod fold;
mod function;
mod groups;
mod known;
mod layer_normalization;
mod linear;
mod lower;
mod lower_linear;
mod lower_pair;
mod node;
mod operators;
mod pairs;
mod picked;
mod picks;
mod pool;
mod prepared;
mod products;
mod quantize_linear;
mod shape;
mod softmax;
mod trees;
mod views;
mod window;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use constant::{Constant, Data};
use expression::{Real, RealId, RealKind, Source};
pub(in crate::model) use float::{
    FloatConstant, FloatGraph, float_constant, half_constant, integer_constant, long_constant,
};
use node::NodeView;
pub use operators::supported_operators;
use prost::Message as _;

use super::{
    ElementType, Graph, Model, ModelError, Node, Operator, Origin, Port, Preparation, Quantization,
    Tensor, TensorId, Unsupported, limits,
    onnx::{self, DataType, Dimension, GraphProto, ModelProto, ValueInfoProto},
};
use crate::name::Name;

/// The operator sets of ONNX whose meaning is known.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// What exporters call every graph.
const EXPORTERS_NAMES: [&str; 6] =
    ["", "graph", "main", "main_graph", "torch-jit-export", "torch_jit"];

/// Longest chain of float operators between DequantizeLinear and QuantizeLinear.
const MAX_DEPTH: usize = 256;

/// Bytes of external data.
const MAX_EMBEDDED: usize = 8 * limits::MAX_TOTAL_ELEMENTS;

/// What an ONNX file leaves open.
#[derive(Default)]
pub struct ImportOptions<'a> {
    /// Lengths of symbolic dimensions, by symbol. A leading dimension that is not given is 1: one
    /// inference at a time.
    pub dimensions: BTreeMap<String, usize>,
    /// Reads `length` bytes from `offset` on of a file beside the model. The location is relative and
    /// has no `..` in it. Without a reader, models with data in other files are refused.
    pub external_data: Option<&'a ExternalData<'a>>,
}

impl ImportOptions<'_> {
    /// A symbol that no input has is mistyped.
    fn check_dimensions(&self, graph: &GraphProto) -> Result<(), ModelError> {
        let shapes = graph
            .input
            .iter()
            .filter_map(|input| input.r#type.as_ref()?.tensor_type.as_ref()?.shape.as_ref());
        let symbols: BTreeSet<&str> = shapes
            .flat_map(|shape| &shape.dim)
            .filter_map(|dim| match &dim.value {
                Some(Dimension::Symbol(symbol)) => Some(symbol.as_str()),
                _ => None,
            })
            .collect();
        match self.dimensions.keys().find(|name| !symbols.contains(name.as_str())) {
            None => Ok(()),
            Some(got) => Err(ModelError::UnknownDimension {
                got: got.clone(),
                expected: match symbols.len() {
                    0 => "none, as all are numbers".into(),
                    _ => symbols.iter().map(|s| format!("`{s}`")).collect::<Vec<_>>().join(", "),
                },
            }),
        }
    }
}

/// Reads `(location, offset, length)`.
pub type ExternalData<'a> = dyn Fn(&str, u64, usize) -> std::io::Result<Vec<u8>> + 'a;

impl Model {
    /// Reads an ONNX file.
    ///
    /// `name` is what the model is called from here on.
    pub fn from_onnx(name: &str, bytes: &[u8]) -> Result<Self, ModelError> {
        Self::from_onnx_with(name, bytes, &ImportOptions::default())
    }

    /// Reads an ONNX file that leaves dimensions open or keeps data in other files.
    pub fn from_onnx_with(
        name: &str,
        bytes: &[u8],
        options: &ImportOptions<'_>,
    ) -> Result<Self, ModelError> {
        read(name, &onnx::decode(bytes)?, options)
    }
}

/// The same ONNX file, complete in itself: data of other files is in it, dimensions that `options` give
/// are numbers. `None` if it is that already.
pub fn embed(bytes: &[u8], options: &ImportOptions<'_>) -> Result<Option<Vec<u8>>, ModelError> {
    let mut file = onnx::decode(bytes)?;
    let Some(graph) = &mut file.graph else { return Err(ModelError::Missing("graph")) };
    let (mut changed, mut bytes) = (false, 0);
    for tensor in &mut graph.initializer {
        let embedded = constant::embed(tensor, options.external_data)?;
        // Many initializers can name the same bytes of a file.
        bytes += embedded.unwrap_or(0);
        if bytes > MAX_EMBEDDED {
            return Err(ModelError::TooLarge {
                what: format!("the bytes of external data up to `{}`", tensor.name),
                got: bytes as u128,
                limit: MAX_EMBEDDED as u128,
            });
        }
        changed |= embedded.is_some();
    }
    options.check_dimensions(graph)?;
    let dimensions = graph
        .input
        .iter_mut()
        .filter_map(|input| input.r#type.as_mut()?.tensor_type.as_mut()?.shape.as_mut())
        .flat_map(|shape| &mut shape.dim);
    for dimension in dimensions {
        if let Some(Dimension::Symbol(symbol)) = &dimension.value
            && let Some(&length) = options.dimensions.get(symbol)
        {
            let length = i64::try_from(length).unwrap_or(i64::MAX);
            dimension.value = Some(Dimension::Value(length));
            changed = true;
        }
    }
    Ok(changed.then(|| file.encode_to_vec()))
}

fn read(name: &str, file: &ModelProto, options: &ImportOptions<'_>) -> Result<Model, ModelError> {
    file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let version = file.operator_set()?;
    let result = read_graph(name, file, options, version);
    // What is not supported at all is the better reason.
    if OPSETS.contains(&version) || matches!(result, Err(ModelError::Unsupported(_))) {
        return result;
    }
    Err(ModelError::Opset { version, min: *OPSETS.start(), max: *OPSETS.end() })
}

fn read_graph(
    name: &str,
    file: &ModelProto,
    options: &ImportOptions<'_>,
    version: i64,
) -> Result<Model, ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    if graph.output.is_empty() {
        return Err(ModelError::Missing("outputs"));
    }
    if graph.node.len() > limits::MAX_NODES {
        return Err(ModelError::TooLarge {
            what: "the number of nodes".into(),
            got: graph.node.len() as u128,
            limit: limits::MAX_NODES as u128,
        });
    }

    let mut importer = Importer { opset: version, ..Importer::default() };
    for tensor in &graph.initializer {
        let constant = constant::decode(tensor, options.external_data)?;
        importer.count_elements(&tensor.name, constant.len())?;
        importer.define(&tensor.name, Value::Constant(Rc::new(constant)))?;
    }
    importer.read_inputs(graph, options)?;
    importer.read_nodes(graph)?;
    let own = graph.name.trim();
    let name = Name::new(if EXPORTERS_NAMES.contains(&own) { name } else { own });
    importer.finish(name.as_str(), graph)
}

/// What a name of the file stands for.
#[derive(Clone, Debug)]
enum Value {
    /// Known from the file.
    Constant(Rc<Constant>),
    /// Integers that depend on the input.
    Integers(TensorId),
    /// Floats that depend on the input, or dequantized constants.
    Real(RealId),
    /// Made by a node that is not supported, which is reported already.
    Unknown,
}

/// An input of the model.
#[derive(Debug)]
struct Input {
    name: String,
    shape: Vec<usize>,
    /// Known once it is quantized.
    tensor: Option<TensorId>,
    is_float: bool,
    /// Known once it is quantized, too.
    preparation: Option<Preparation>,
}

#[derive(Default)]
struct Importer<'a> {
    opset: i64,
    values: HashMap<&'a str, Value>,
    reals: Vec<Real>,
    graph: Graph,
    inputs: Vec<Input>,
    /// Integer inputs whose scale no consumer has told yet.
    unscaled: HashSet<TensorId>,
    /// Whether the file is read as it is, in floats: to be computed and then quantized.
    is_float: bool,
    /// In that case, the expressions behind the tensors that operators name.
    materialized: HashMap<TensorId, RealId>,
    /// What expressions have been made into.
    lowered: lower::Lowered,
    /// Which groups onnxruntime leaves in floats.
    groups: groups::Groups<'a>,
    total_elements: usize,
    total_steps: u128,
}

impl<'a> Importer<'a> {
    fn define(&mut self, name: &'a str, value: Value) -> Result<(), ModelError> {
        if self.values.insert(name, value).is_some() {
            return Err(ModelError::DuplicateTensor { tensor: name.to_owned() });
        }
        Ok(())
    }

    fn read_inputs(
        &mut self,
        graph: &'a GraphProto,
        options: &ImportOptions<'_>,
    ) -> Result<(), ModelError> {
        options.check_dimensions(graph)?;
        for input in &graph.input {
            // Up to IR version 3, initializers are listed as inputs too.
            if matches!(self.values.get(input.name.as_str()), Some(Value::Constant(_))) {
                continue;
            }
            let (element, shape) = read_type(input, &options.dimensions)?;
            limits::elements(&input.name, &shape)?;
            let position = self.inputs.len();
            let value = match element {
                DataType::Float => {
                    let id = self.add_real(Real {
                        shape,
                        kind: RealKind::Input(position),
                        depth: 0,
                        node: input.name.clone(),
                        operator: "input".into(),
                        parameters: 0,
                        source: Source::Other,
                    })?;
                    self.inputs.push(Input {
                        name: input.name.clone(),
                        shape: self.real(id).shape.clone(),
                        tensor: None,
                        is_float: true,
                        preparation: None,
                    });
                    Value::Real(id)
                }
                DataType::Int8 | DataType::Uint8 => {
                    let element = if element == DataType::Int8 {
                        ElementType::Int8
                    } else {
                        ElementType::Uint8
                    };
                    // The scale is that of the first node that asks for one.
                    let quantization = Quantization { scale: 1.0, zero_point: 0, element };
                    let tensor = self.add_tensor(&input.name, shape, quantization)?;
                    self.unscaled.insert(tensor);
                    self.inputs.push(Input {
                        name: input.name.clone(),
                        shape: self.tensor(tensor).shape.clone(),
                        tensor: Some(tensor),
                        is_float: false,
                        preparation: None,
                    });
                    Value::Integers(tensor)
                }
                other => {
                    return Err(ModelError::Port {
                        direction: "input",
                        tensor: input.name.clone(),
                        reason: format!("its type is {other:?}, expected float32, int8 or uint8"),
                    });
                }
            };
            self.define(&input.name, value)?;
        }
        Ok(())
    }

    fn read_nodes(&mut self, graph: &'a GraphProto) -> Result<(), ModelError> {
        let mut unsupported = Vec::new();
        self.groups.count_uses(graph);
        for proto in &graph.node {
            let node = NodeView::new(proto);
            let mut depends_on_unknown = false;
            for name in proto.input.iter().filter(|name| !name.is_empty()) {
                match self.values.get(name.as_str()) {
                    Some(Value::Unknown) => depends_on_unknown = true,
                    Some(_) => {}
                    None => {
                        return Err(ModelError::UnknownTensor {
                            node: node.name().to_owned(),
                            tensor: name.clone(),
                        });
                    }
                }
            }
            let results = match operators::find(&proto.domain, &proto.op_type) {
                None => {
                    unsupported.push(Unsupported {
                        node: node.name().to_owned(),
                        operator: node.qualified_operator(),
                        reason: None,
                    });
                    None
                }
                Some(_) if depends_on_unknown => None,
                Some(operator) => match known::fold(self, node)
                    .and_then(|known| known.map_or_else(|| (operator.import)(self, node), Ok))
                {
                    Ok(results) => Some(results),
                    Err(ModelError::Unsupported(mut nodes)) => {
                        unsupported.append(&mut nodes);
                        None
                    }
                    Err(error) => return Err(error),
                },
            };
            let mut results = results.map(Vec::into_iter);
            for name in &proto.output {
                let value = match &mut results {
                    None => Value::Unknown,
                    Some(results) => match results.next() {
                        Some(value) => value,
                        // Outputs that are declared but that nothing here computes.
                        None => Value::Unknown,
                    },
                };
                if !name.is_empty() {
                    if let Value::Real(id) = value {
                        self.groups.name(id, name);
                    }
                    self.define(name, value)?;
                }
            }
        }
        if unsupported.is_empty() { Ok(()) } else { Err(ModelError::Unsupported(unsupported)) }
    }

    fn finish(mut self, name: &str, graph: &GraphProto) -> Result<Model, ModelError> {
        let mut outputs = Vec::new();
        for output in &graph.output {
            let port = |tensor, is_float| {
                let name = output.name.clone();
                Port { name, tensor, is_float, preparation: None }
            };
            let error = |reason: &str| ModelError::Port {
                direction: "output",
                tensor: output.name.clone(),
                reason: reason.into(),
            };
            match self.values.get(output.name.as_str()) {
                None => return Err(error("no node makes it")),
                Some(Value::Unknown) => {
                    return Err(error("the node that makes it does not give it"));
                }
                Some(Value::Constant(_)) => return Err(error("it does not depend on the input")),
                Some(&Value::Integers(tensor)) => outputs.push(port(tensor, false)),
                Some(&Value::Real(id)) => match self.reals[id.0].kind {
                    RealKind::Activation(tensor) => outputs.push(port(tensor, true)),
                    RealKind::Constant(_) | RealKind::Weights(_) => {
                        return Err(error("it does not depend on the input"));
                    }
                    _ => {
                        return Err(ModelError::OutputNotQuantized { tensor: output.name.clone() });
                    }
                },
            }
        }
        let mut inputs = Vec::new();
        for input in std::mem::take(&mut self.inputs) {
            let tensor = input.tensor.ok_or_else(|| ModelError::Port {
                direction: "input",
                tensor: input.name.clone(),
                reason: "no node quantizes it".into(),
            })?;
            let Input { name, is_float, preparation, .. } = input;
            inputs.push(Port { name, tensor, is_float, preparation });
        }
        let mut model = Model { name: name.to_owned(), inputs, outputs, graph: self.graph };
        drop_unused(&mut model);
        Ok(model)
    }

    fn add_real(&mut self, real: Real) -> Result<RealId, ModelError> {
        limits::elements(&real.node, &real.shape)?;
        if real.depth > MAX_DEPTH {
            return Err(ModelError::TooLarge {
                what: format!("the number of float operators before `{}`", real.node),
                got: real.depth as u128,
                limit: MAX_DEPTH as u128,
            });
        }
        self.reals.push(real);
        Ok(RealId(self.reals.len() - 1))
    }

    /// A float expression made by a node from others.
    fn expression(
        &mut self,
        node: NodeView<'_>,
        shape: Vec<usize>,
        kind: RealKind,
        operands: &[RealId],
    ) -> Result<RealId, ModelError> {
        let below = operands.iter().map(|id| self.reals[id.0].depth).max().unwrap_or(0);
        let source = match &kind {
            RealKind::Activation(tensor) => Source::One(*tensor),
            RealKind::Constant(_) | RealKind::Weights(_) => Source::Constant,
            RealKind::Elementwise(_, x) => self.reals[x.0].source,
            RealKind::Select(operands) => operands
                .iter()
                .map(|id| self.reals[id.0].source)
                .fold(Source::Constant, Source::join),
            RealKind::Pair { operands: [a, b], .. } => {
                self.reals[a.0].source.join(self.reals[b.0].source)
            }
            _ => Source::Other,
        };
        self.add_real(Real {
            shape,
            kind,
            depth: below + 1,
            node: node.name().to_owned(),
            operator: node.operator().to_owned(),
            parameters: 0,
            source,
        })
    }

    fn add_tensor(
        &mut self,
        name: &str,
        shape: Vec<usize>,
        quantization: Quantization,
    ) -> Result<TensorId, ModelError> {
        let elements = limits::elements(name, &shape)?;
        if elements == 0 {
            return Err(ModelError::EmptyTensor { tensor: name.to_owned(), shape });
        }
        self.count_elements(name, elements)?;
        self.graph.tensors.push(Tensor { name: name.to_owned(), shape, quantization });
        Ok(TensorId(self.graph.tensors.len() - 1))
    }

    /// Counts elements that are about to be allocated.
    fn count_elements(&mut self, name: &str, elements: usize) -> Result<(), ModelError> {
        self.total_elements += elements;
        if self.total_elements <= limits::MAX_TOTAL_ELEMENTS {
            return Ok(());
        }
        Err(ModelError::TooLarge {
            what: format!("the number of elements of all tensors up to `{name}`"),
            got: self.total_elements as u128,
            limit: limits::MAX_TOTAL_ELEMENTS as u128,
        })
    }

    fn add_node(
        &mut self,
        name: &str,
        operator: Operator,
        inputs: Vec<TensorId>,
        output: Tensor,
        origin: Origin,
    ) -> Result<TensorId, ModelError> {
        let Tensor { name: output_name, shape, quantization } = output;
        let output = self.add_tensor(&output_name, shape, quantization)?;
        self.graph.nodes.push(Node { name: name.to_owned(), operator, inputs, output, origin });
        let node = self.graph.nodes.last().expect("it was just pushed");
        self.total_steps += self.graph.steps(node);
        if self.total_steps > limits::MAX_STEPS {
            return Err(ModelError::TooLarge {
                what: format!("the number of steps of one inference up to `{name}`"),
                got: self.total_steps,
                limit: limits::MAX_STEPS,
            });
        }
        Ok(output)
    }

    fn tensor(&self, id: TensorId) -> &Tensor {
        &self.graph.tensors[id.0]
    }

    fn real(&self, id: RealId) -> &Real {
        &self.reals[id.0]
    }

    /// An input of a node, `None` if it is left out.
    fn optional(&self, node: NodeView<'_>, index: usize) -> Option<Value> {
        node.input(index).and_then(|name| self.values.get(name)).cloned()
    }

    fn required(&self, node: NodeView<'_>, index: usize) -> Result<Value, ModelError> {
        self.optional(node, index)
            .ok_or_else(|| node.error(format!("its input {index} is missing")))
    }

    /// An input that must be known from the file.
    fn constant(&self, node: NodeView<'_>, index: usize) -> Result<Rc<Constant>, ModelError> {
        match self.required(node, index)? {
            Value::Constant(constant) => Ok(constant),
            _ => Err(node.unsupported(format!(
                "`{}`, which depends on the model's input,",
                node.input(index).unwrap_or_default()
            ))),
        }
    }

    fn optional_constant(
        &self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Option<Rc<Constant>>, ModelError> {
        node.input(index).map(|_| self.constant(node, index)).transpose()
    }

    /// A constant float input that is one number.
    fn constant_float(&self, node: NodeView<'_>, index: usize) -> Result<Option<f32>, ModelError> {
        Ok(match self.required(node, index)? {
            Value::Constant(constant) => match constant.floats() {
                Some(&[value]) => Some(value),
                _ => None,
            },
            Value::Real(id) => self.uniform(id),
            _ => None,
        })
    }

    /// A float input of a node; constants become expressions.
    fn real_input(&mut self, node: NodeView<'_>, index: usize) -> Result<RealId, ModelError> {
        match self.required(node, index)? {
            Value::Real(id) => Ok(id),
            Value::Constant(constant) if constant.floats().is_some() => {
                let shape = constant.shape.clone();
                self.expression(node, shape, RealKind::Constant(constant), &[])
            }
            Value::Constant(constant) => {
                Err(self.type_error(node, index, constant.data.type_name()))
            }
            Value::Integers(_) => Err(self.type_error(node, index, "an integer tensor")),
            Value::Unknown => Err(node.error("it uses the output of an unsupported node")),
        }
    }

    fn optional_real_input(
        &mut self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Option<RealId>, ModelError> {
        node.input(index).map(|_| self.real_input(node, index)).transpose()
    }

    fn type_error(&self, node: NodeView<'_>, index: usize, got: &str) -> ModelError {
        node.error(format!(
            "its input `{}` is {got}, expected float32",
            node.input(index).unwrap_or_default()
        ))
    }

    /// The activation behind a float input that must have come from DequantizeLinear.
    fn activation(
        &mut self,
        node: NodeView<'_>,
        index: usize,
        id: RealId,
    ) -> Result<TensorId, ModelError> {
        match self.real(id).kind {
            RealKind::Activation(tensor) => Ok(tensor),
            RealKind::Constant(_) | RealKind::Weights(_) => {
                Err(node.unsupported("an input that does not depend on the model's input"))
            }
            _ if self.is_float => self.materialize(id),
            _ => Err(ModelError::NotQuantized {
                node: node.name().to_owned(),
                operator: node.qualified_operator(),
                tensor: node.input(index).unwrap_or_default().to_owned(),
            }),
        }
    }
}

fn read_type(
    input: &ValueInfoProto,
    dimensions: &BTreeMap<String, usize>,
) -> Result<(DataType, Vec<usize>), ModelError> {
    let error = |reason: String| ModelError::Port {
        direction: "input",
        tensor: input.name.clone(),
        reason,
    };
    let tensor_type = input
        .r#type
        .as_ref()
        .and_then(|r#type| r#type.tensor_type.as_ref())
        .ok_or_else(|| error("it is not a tensor".into()))?;
    let element = DataType::try_from(tensor_type.elem_type)
        .map_err(|_| error(format!("element type {} is not supported", tensor_type.elem_type)))?;
    let dims =
        &tensor_type.shape.as_ref().ok_or_else(|| error("its shape is not given".into()))?.dim;
    let shape = dims
        .iter()
        .enumerate()
        .map(|(axis, dim)| match &dim.value {
            Some(Dimension::Value(value)) if *value > 0 => usize::try_from(*value)
                .map_err(|_| error(format!("dimension {axis} of its shape is {value}"))),
            Some(Dimension::Value(value)) => {
                Err(error(format!("dimension {axis} of its shape is {value}")))
            }
            Some(Dimension::Symbol(symbol)) if dimensions.contains_key(symbol) => {
                Ok(dimensions[symbol])
            }
            // One inference at a time.
            Some(Dimension::Symbol(_)) | None if axis == 0 => Ok(1),
            Some(Dimension::Symbol(symbol)) => {
                Err(error(format!("dimension {axis} of its shape is `{symbol}`, not a number")))
            }
            None => Err(error(format!("dimension {axis} of its shape is not given"))),
        })
        .collect::<Result<_, _>>()?;
    Ok((element, shape))
}

/// Removes nodes and tensors that no output depends on.
fn drop_unused(model: &mut Model) {
    let graph = &mut model.graph;
    let mut used = vec![false; graph.tensors.len()];
    for port in model.inputs.iter().chain(&model.outputs) {
        used[port.tensor.0] = true;
    }
    for node in graph.nodes.iter().rev() {
        if used[node.output.0] {
            for input in &node.inputs {
                used[input.0] = true;
            }
        }
    }
    graph.nodes.retain(|node| used[node.output.0]);

    let mut position = 0;
    let renumbered: Vec<TensorId> = used
        .iter()
        .map(|&used| {
            let id = TensorId(position);
            position += usize::from(used);
            id
        })
        .collect();
    let mut used = used.iter();
    graph.tensors.retain(|_| *used.next().expect("there is one flag per tensor"));
    for node in &mut graph.nodes {
        for input in &mut node.inputs {
            *input = renumbered[input.0];
        }
        node.output = renumbered[node.output.0];
    }
    for port in model.inputs.iter_mut().chain(&mut model.outputs) {
        port.tensor = renumbered[port.tensor.0];
    }
}
