//! The quantized graph: integer tensors and the operators between them.

use serde::Serialize;

use super::{
    Add, ArgMax, AveragePool, Conv, ConvTranspose, LayerNormalization, MatMul, MaxPool, Mul,
    Preparation, Reduce, ReduceMax, Requantization, Softmax, Tables, View,
};

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

/// `real = scale · (integer − zero_point)`, integers of type `element`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// The real step between neighbouring integers.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
    /// The integers' type.
    pub element: ElementType,
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// −128 to 127.
    Int8,
    /// 0 to 255.
    Uint8,
    /// Positions, as ArgMax gives them. Only outputs of a model have this type.
    Int64,
}

impl ElementType {
    /// The name that ONNX gives the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Uint8 => "uint8",
            Self::Int64 => "int64",
        }
    }

    /// The smallest and the largest value.
    pub fn range(self) -> (i32, i32) {
        match self {
            Self::Int8 => (-128, 127),
            Self::Uint8 => (0, 255),
            Self::Int64 => (0, i32::MAX),
        }
    }
}

impl std::fmt::Display for ElementType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
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

/// What a node computes, on integers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Operator {
    /// A matrix of weights times each row of the input, requantized.
    Gemm(Gemm),
    /// A function of each element.
    Table(Table),
    /// A function of each element, of several that the element's position chooses from.
    Tables(Tables),
    /// A convolution with weights, requantized.
    Conv(Conv),
    /// A transposed convolution with weights, requantized.
    ConvTranspose(ConvTranspose),
    /// A product of two activations, requantized.
    MatMul(MatMul),
    /// A sum or difference of elements.
    Add(Add),
    /// A product of elements.
    Mul(Mul),
    /// The largest element of each window.
    MaxPool(MaxPool),
    /// The mean of each window.
    AveragePool(AveragePool),
    /// A sum or mean along an axis.
    Reduce(Reduce),
    /// The largest element along an axis.
    ReduceMax(ReduceMax),
    /// The position of the largest element along an axis.
    ArgMax(ArgMax),
    /// Elements in another order.
    View(View),
    /// Softmax along rows.
    Softmax(Softmax),
    /// Layer normalization along rows.
    LayerNormalization(LayerNormalization),
}

/// `y[m, o] = requantize_o( Σ_i weights[o, i] · (x[m, i] − zero point of x) + bias[o] )`.
#[derive(Clone, Debug)]
pub struct Gemm {
    /// Length of the summed axis.
    pub inputs: usize,
    /// Number of results per row of the input.
    pub outputs: usize,
    /// Weights minus their zero point, `[outputs][inputs]`.
    pub weights: Vec<i32>,
    /// Added to the accumulator, `[outputs]`.
    pub bias: Vec<i32>,
    /// From accumulator to output, with any fused clamp (Relu, Clip).
    pub requantization: Requantization,
}

/// `y = values[x − smallest x]`: any int8 → int8 function, tabulated.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The function's values from the smallest element of the input's type to the largest.
    pub values: Vec<i32>,
}
