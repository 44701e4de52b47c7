//! From the bytes of an ONNX file to a [`Model`].
//!
//! Nodes are read in order. Each gives values of one of three kinds: constants, integer activations
//! (nodes of the integer graph exist for them), and float expressions that wait for the
//! QuantizeLinear that tells their scale.

mod attributes;
mod constant;
mod ensemble;
mod expression;
mod float;
mod function;
mod lower;
mod node;
mod operands;
mod operators;
mod options;
mod ports;
mod ranking;
mod readers;
mod shape;

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

pub(in crate::model) use attributes::check_all as check_attributes;
pub use constant::ExternalData;
use constant::{Constant, Data};
use expression::{Real, RealId, RealKind, Source};
pub(in crate::model) use float::{
    FloatConstant, FloatGraph, FloatValues, IntegerConstant, float_constant, half_constant,
    integer_constant, long_constant, tensor_floats,
};
use node::NodeView;
pub use operators::supported_operators;
pub use options::{ImportOptions, embed};
use ports::Input;
use ranking::Ranking;

use super::{
    Graph, Model, ModelError, Node, Operator, Origin, Quantization, Tensor, TensorId, Unsupported,
    limits,
    onnx::{self, GraphProto, ModelProto},
};
use crate::name::Name;

/// The operator sets of ONNX whose meaning is known.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=28;

/// What exporters call every graph.
const EXPORTERS_NAMES: [&str; 6] =
    ["", "graph", "main", "main_graph", "torch-jit-export", "torch_jit"];

/// Longest chain of float operators between DequantizeLinear and QuantizeLinear.
const MAX_DEPTH: usize = 256;

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
        importer.count_initializer(&tensor.name, constant.len())?;
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
    /// And which elements' positions tensors of positions hold.
    rankings: HashMap<TensorId, Ranking>,
    /// What stands at each position, of positions that have labels.
    labels: HashMap<TensorId, Vec<String>>,
    /// What expressions have been made into.
    lowered: lower::Lowered,
    /// Which groups onnxruntime leaves in floats.
    groups: lower::groups::Groups<'a>,
    total_elements: usize,
    /// Elements that weights may be made of, besides, as they are counted in the file already.
    allowance: usize,
    total_steps: u128,
}

impl<'a> Importer<'a> {
    fn define(&mut self, name: &'a str, value: Value) -> Result<(), ModelError> {
        if self.values.insert(name, value).is_some() {
            return Err(ModelError::DuplicateTensor { tensor: name.to_owned() });
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
                Some(operator) => match attributes::check(proto, self.opset)
                    .and_then(|()| readers::known::fold(self, node))
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

    /// Counts an initializer, and lets weights be made of it.
    fn count_initializer(&mut self, name: &str, elements: usize) -> Result<(), ModelError> {
        self.allowance += elements;
        self.count_elements(name, elements)
    }

    /// Counts elements that are made of the file's own: as many as it has are counted once.
    fn count_derived(&mut self, name: &str, elements: usize) -> Result<(), ModelError> {
        let counted = elements.min(self.allowance);
        self.allowance -= counted;
        self.count_elements(name, elements - counted)
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
}
