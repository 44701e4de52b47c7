//! The quantized graph: integer tensors and the operators between them.

use serde::Serialize;

use super::{Operator, Preparation, Quantization};
use crate::name::Name;

/// A quantized model, ready to be evaluated on integers or turned into a circuit.
#[derive(Clone, Debug)]
pub struct Model {
    /// The graph's name, or what the caller calls the model.
    pub name: String,
    /// What is asked of the caller, in the ONNX file's order.
    pub inputs: Vec<Port>,
    /// What the model answers, in the ONNX file's order.
    pub outputs: Vec<Port>,
    /// The integer computation between them.
    pub graph: Graph,
}

/// An input or output of the model, and the integer tensor behind it.
#[derive(Clone, Debug)]
pub struct Port {
    /// The name in the ONNX file.
    pub name: String,
    /// The integer tensor that this port quantizes into or is dequantized from.
    pub tensor: TensorId,
    /// Whether the ONNX file takes or gives floats here: its first node quantizes, its last dequantizes.
    pub is_float: bool,
    /// What is done to a float input before it is quantized.
    pub preparation: Option<Preparation>,
    /// Of an output of positions: what stands at each position.
    pub labels: Vec<String>,
}

impl Port {
    /// What its integers mean beyond scale and zero point, in words.
    pub fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> =
            self.preparation.iter().flat_map(Preparation::description).collect();
        if !self.labels.is_empty() {
            notes.push(format!("a position among the labels [{}]", Name::list(&self.labels)));
        }
        notes
    }
}

/// Integer tensors and the operators between them, in an order in which they can be evaluated.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    /// All activations; constants are inside operators.
    pub tensors: Vec<Tensor>,
    /// Operators, each after those that make its inputs.
    pub nodes: Vec<Node>,
}

/// Position of a tensor in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub usize);

/// An activation.
#[derive(Clone, Debug)]
pub struct Tensor {
    /// The name in the ONNX file.
    pub name: String,
    /// Static shape, row major.
    pub shape: Vec<usize>,
    /// How its integers stand for reals.
    pub quantization: Quantization,
}

impl Tensor {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// One operator of the graph.
#[derive(Clone, Debug)]
pub struct Node {
    /// The name in the ONNX file, or one made from its output.
    pub name: String,
    /// What it computes.
    pub operator: Operator,
    /// The tensors it takes.
    pub inputs: Vec<TensorId>,
    /// The tensor it gives.
    pub output: TensorId,
    /// What in the ONNX file it stands for.
    pub origin: Origin,
}

/// What in the ONNX file a node stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The operator, under the name of its quantized form (`QGemm` also for a Gemm between
    /// DequantizeLinear and QuantizeLinear).
    pub operator: String,
    /// Whether its integers are onnxruntime's.
    pub exactness: Exactness,
    /// How many trained parameters it holds: weights, biases and other constant operands.
    pub parameters: usize,
}

/// Whether the integers of a node, given its inputs, are bit for bit onnxruntime's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Exactness {
    /// They are.
    #[default]
    Exact,
    /// onnxruntime computes in floats; results can differ by a step, mostly where a value lies halfway
    /// between two steps.
    Approximate,
}
