//! What an ONNX file computes in float32 between DequantizeLinear and QuantizeLinear.
//!
//! Operators on floats are only written down here. The QuantizeLinear that ends the group turns the
//! whole expression into integer operators (`lower`), because only then is the output's scale
//! known. Operators in quantized form (`QLinearConv`, …) say the same in one node, so they are read
//! as the group that they stand for.

use std::rc::Rc;

use super::{constant::Constant, ensemble::Ensemble, function::Function, ranking::Ranking};
use crate::model::{
    AddOrder, ElementType, Exactness, MaxPool, ModelError, Quantization, TensorId, Unsupported,
    View, Window,
};

pub(super) use crate::model::top::element;

/// Position of an expression in the importer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RealId(pub usize);

/// A float tensor that is not quantized yet.
#[derive(Clone, Debug)]
pub(super) struct Real {
    pub shape: Vec<usize>,
    pub kind: RealKind,
    /// Length of the longest chain of expressions below. Bounded, as they are walked recursively.
    pub depth: usize,
    /// The node's name.
    pub node: String,
    /// The node's operator.
    pub operator: String,
    /// How many constant values its own operands hold.
    pub parameters: usize,
    /// What its elements depend on.
    pub source: Source,
}

impl Real {
    /// A combination of nodes that ONNX allows and this crate does not support.
    pub fn unsupported(&self, reason: &str) -> ModelError {
        ModelError::Unsupported(vec![Unsupported {
            node: self.node.clone(),
            operator: self.operator.clone(),
            reason: Some(reason.to_owned()),
        }])
    }

    /// Makes sure that no input lets an accumulator leave 32 bits.
    pub fn check_reach(&self, reach: u128) -> Result<(), ModelError> {
        if reach <= u128::from(i32::MAX.unsigned_abs()) {
            return Ok(());
        }
        Err(ModelError::AccumulatorOverflow {
            node: self.node.clone(),
            operator: self.operator.clone(),
            reach,
        })
    }
}

/// Which activation's elements the elements of an expression depend on, each on the one at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// None: they are constants.
    Constant,
    /// One.
    One(TensorId),
    /// Several, or elements at other places.
    Other,
}

impl Source {
    pub fn join(self, other: Self) -> Self {
        match (self, other) {
            (Self::Constant, source) | (source, Self::Constant) => source,
            (a, b) if a == b => a,
            _ => Self::Other,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) enum RealKind {
    /// A float input of the model, by position.
    Input(usize),
    /// An activation, dequantized.
    Activation(TensorId),
    /// A float constant.
    Constant(Rc<Constant>),
    /// An integer constant, dequantized.
    Weights(Rc<Weights>),
    /// A product with weights.
    Linear(TensorId, Rc<LinearParts>),
    /// A product of two activations, `[batch][rows][inner]` times `[batch][inner][columns]`.
    MatMul {
        operands: [TensorId; 2],
        batch: usize,
        rows: usize,
        inner: usize,
        columns: usize,
        alpha: f32,
    },
    /// A function of each element.
    Elementwise(Function, RealId),
    /// A function of two elements, of operands that have this expression's shape.
    Pair { pair: Pair, operands: [RealId; 2], order: AddOrder },
    /// Elements of expressions in another order.
    View(Rc<Elements>, Vec<RealId>),
    /// The largest of each window.
    MaxPool(MaxPool, RealId),
    /// The mean of each window.
    AveragePool { x: TensorId, planes: usize, window: Window, count_include_pad: bool },
    /// A sum or mean along an axis.
    Reduce { x: TensorId, outer: usize, length: usize, inner: usize, mean: ReduceMean },
    /// The mean along the last axis of an expression. Only layer normalizations are made of it.
    MeanOf(RealId),
    /// Reals rounded to those that integers stand for, of the range of all of them if nothing else is said. Only
    /// where a model is computed in floats.
    Rounded(RealId, Option<Quantization>),
    /// Scores of decision trees.
    Trees(RealId, Rc<Ensemble>),
    /// With values in place of missing ones (NaN), one or one for each element of a row.
    Filled(RealId, Rc<[f32]>),
    /// For each element, 1 at the position of its category and 0 elsewhere.
    OneHot(RealId, Rc<Categories>),
    /// One of two by a truth value.
    Select([RealId; 3]),
    /// The negative of the largest along an axis.
    NegatedMax { x: RealId, outer: usize, length: usize, inner: usize },
    /// The largest along an axis.
    ReduceMax { x: RealId, outer: usize, length: usize, inner: usize },
    /// The first of sorted lines. Only where a model is computed in floats.
    First(Ranking),
    /// Softmax along rows.
    Softmax { x: TensorId, length: usize },
    /// Normalization along rows, with weights and bias.
    LayerNormalization(TensorId, Rc<Normalization>),
}

/// What elements are compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Categories {
    /// So many of a text or whole number, whose elements are their positions.
    Positions(usize),
    Numbers(Vec<f32>),
}

impl Categories {
    pub fn len(&self) -> usize {
        match self {
            Self::Positions(count) => *count,
            Self::Numbers(numbers) => numbers.len(),
        }
    }

    /// Whether an element is the category at a position.
    pub fn is(&self, x: f32, position: usize) -> bool {
        match self {
            #[allow(clippy::cast_precision_loss)]
            Self::Positions(_) => x == position as f32,
            Self::Numbers(numbers) => x == numbers[position],
        }
    }
}

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReduceMean {
    Sum,
    Mean,
    /// The mean as GlobalAveragePool's kernel computes it.
    GlobalAverage,
}

/// The values of weights.
#[derive(Clone, Debug)]
pub(super) enum WeightValues {
    /// Minus their zero point.
    Integers(Vec<i32>),
    /// Where a float model is computed as it is.
    Floats(Vec<f32>),
}

impl WeightValues {
    pub fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// The values, if they are integers.
    pub fn integers(&self) -> Option<&[i32]> {
        if let Self::Integers(values) = self { Some(values) } else { None }
    }

    /// A value as float32, before any scale.
    pub fn real(&self, element: usize) -> f32 {
        match self {
            // Centred 8-bit values are exact in float32; 32-bit biases round as they do in the kernels.
            #[allow(clippy::cast_precision_loss)]
            Self::Integers(values) => values[element] as f32,
            Self::Floats(values) => values[element],
        }
    }

    /// Takes values by position.
    pub fn gather(&self, index: &[usize]) -> Self {
        match self {
            Self::Integers(values) => Self::Integers(index.iter().map(|&i| values[i]).collect()),
            Self::Floats(values) => Self::Floats(index.iter().map(|&i| values[i]).collect()),
        }
    }
}

/// A dequantized constant.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub shape: Vec<usize>,
    pub values: WeightValues,
    /// One scale, or one per index of `axis`.
    pub scales: Vec<f32>,
    /// As the file gives them, already subtracted.
    pub zero_points: Vec<i32>,
    /// The type in the file, if it has 8 bits.
    pub element: Option<ElementType>,
    pub axis: usize,
    /// How many values the file has for it, before any broadcast.
    pub parameters: usize,
}

impl Weights {
    /// Floats as the weights of a product.
    pub fn of_floats(constant: &Constant) -> Self {
        let reals = constant.floats().unwrap_or_default();
        Self {
            shape: constant.shape.clone(),
            values: WeightValues::Floats(reals.to_vec()),
            scales: vec![1.0],
            element: None,
            zero_points: vec![0],
            axis: 0,
            parameters: reals.len(),
        }
    }

    /// Index along `axis` of an element.
    pub fn channel(&self, element: usize) -> usize {
        if self.scales.len() == 1 {
            return 0;
        }
        let below: usize = self.shape[self.axis + 1..].iter().product();
        element / below % self.shape[self.axis]
    }

    /// The scale of an element.
    pub fn scale(&self, element: usize) -> f32 {
        self.scales[self.channel(element)]
    }

    /// An element as float32, as DequantizeLinear gives it.
    pub fn real(&self, element: usize) -> f32 {
        self.values.real(element) * self.scale(element)
    }

    /// All elements as float32.
    pub fn reals(&self) -> Vec<f32> {
        (0..self.values.len()).map(|element| self.real(element)).collect()
    }
}

/// The constant side of a product with weights.
#[derive(Clone, Debug)]
pub(super) struct LinearParts {
    pub geometry: Geometry,
    /// Output channel first.
    pub weights: WeightValues,
    /// Their type in the file, if it has 8 bits.
    pub weights_element: Option<ElementType>,
    /// One, or one per output channel.
    pub scales: Vec<f32>,
    pub bias: Option<Bias>,
    /// Factor of the product (Gemm's `alpha`).
    pub alpha: f32,
    /// The operator's name in quantized form.
    pub quantized_name: &'static str,
    /// Whether onnxruntime has an integer kernel for it in this form.
    pub exactness: Exactness,
}

impl LinearParts {
    /// Those of a product without bias, which onnxruntime has an integer kernel for.
    pub fn new(quantized_name: &'static str, geometry: Geometry, weights: Weights) -> Self {
        Self {
            geometry,
            weights: weights.values,
            weights_element: weights.element,
            scales: weights.scales,
            bias: None,
            alpha: 1.0,
            quantized_name,
            exactness: Exactness::Exact,
        }
    }
}

/// Which product.
#[derive(Clone, Debug)]
pub(super) enum Geometry {
    /// Each row of the input times a matrix.
    Gemm { inputs: usize, outputs: usize },
    /// A convolution.
    Conv(ConvShape),
    /// A transposed convolution.
    ConvTranspose(ConvShape),
}

/// Sizes of a convolution.
#[derive(Clone, Debug)]
pub(super) struct ConvShape {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
    pub group: usize,
    pub window: Window,
}

impl Geometry {
    pub fn outputs(&self) -> usize {
        match self {
            Self::Gemm { outputs, .. } => *outputs,
            Self::Conv(shape) | Self::ConvTranspose(shape) => shape.outputs,
        }
    }

    /// The output channel of a weight.
    pub fn output_of(&self, weight: usize) -> usize {
        match self {
            Self::Gemm { inputs, .. } => weight / inputs,
            Self::Conv(shape) => weight / (shape.inputs / shape.group * shape.window.len()),
            Self::ConvTranspose(shape) => {
                let per_group = shape.outputs / shape.group;
                let input = weight / (per_group * shape.window.len());
                let group = input / (shape.inputs / shape.group);
                group * per_group + weight / shape.window.len() % per_group
            }
        }
    }
}

/// What is added to a product, one value per output channel.
#[derive(Clone, Debug)]
pub(super) struct Bias {
    pub values: BiasValues,
    /// How many values the file has for it, before any broadcast.
    pub parameters: usize,
    /// Factor of the bias (Gemm's `beta`).
    pub beta: f32,
}

#[derive(Clone, Debug)]
pub(super) enum BiasValues {
    /// Integers in the accumulator's own unit.
    Accumulator(Vec<i32>),
    /// Integers with a scale each.
    Quantized(Vec<(i32, f32)>),
    /// Floats that the file leaves unquantized.
    Float(Vec<f64>),
}

/// What is done to each row.
#[derive(Clone, Debug)]
pub(super) struct Normalization {
    pub epsilon: f32,
    /// One per element of a row.
    pub weights: Vec<f32>,
    /// One per element of a row.
    pub bias: Vec<f32>,
}

/// What is done with two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pair {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Min,
    Max,
    /// The first if positive, otherwise the product: PRelu with its slope.
    PRelu,
    /// The remainder with the sign of the first.
    Mod,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    And,
    Or,
    Xor,
}

impl Pair {
    /// The result in float32.
    pub fn apply(self, a: f32, b: f32) -> f32 {
        let truth = |holds: bool| f32::from(u8::from(holds));
        match self {
            Self::Mod => a % b,
            Self::Less => truth(a < b),
            Self::LessOrEqual => truth(a <= b),
            Self::Greater => truth(a > b),
            Self::GreaterOrEqual => truth(a >= b),
            Self::Equal => truth(a == b),
            Self::And => truth(a != 0.0 && b != 0.0),
            Self::Or => truth(a != 0.0 || b != 0.0),
            Self::Xor => truth((a != 0.0) != (b != 0.0)),
            Self::Add => a + b,
            Self::Sub => a - b,
            Self::Mul => a * b,
            Self::Div => a / b,
            Self::Pow if b == 2.0 => a * a,
            Self::Pow if b == 3.0 => a * a * a,
            Self::Pow => a.powf(b),
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::PRelu => {
                if a > 0.0 {
                    a
                } else {
                    a * b
                }
            }
        }
    }
}

/// Where the elements of a view come from, before it is known what they are.
#[derive(Clone, Debug)]
pub(super) struct Elements {
    pub shape: Vec<usize>,
    pub view: View,
}

impl Elements {
    pub fn reshape(shape: Vec<usize>) -> Self {
        Self { shape, view: View::Reshape }
    }

    /// Elements of one input by position.
    pub fn of_one(shape: Vec<usize>, index: &[usize]) -> Self {
        let view = View::Elements(index.iter().map(|&index| element(0, index)).collect());
        Self { shape, view }
    }

    /// Whether all elements stay where they are.
    pub fn is_reshape(&self, input_len: usize) -> bool {
        match &self.view {
            View::Reshape => true,
            View::Elements(elements) => {
                elements.len() == input_len
                    && elements.iter().enumerate().all(|(i, &from)| from == element(0, i))
            }
        }
    }
}
