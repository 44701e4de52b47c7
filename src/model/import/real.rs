//! What an ONNX file computes in float32 between DequantizeLinear and QuantizeLinear.
//!
//! Operators on floats are only written down here. The QuantizeLinear that ends the group turns the
//! whole expression into integer operators (`lower.rs`), because only then is the output's scale
//! known. Operators in quantized form (`QLinearConv`, …) say the same in one node, so they are read
//! as the group that they stand for.

use std::rc::Rc;

use super::{
    constant::Constant, function::Function, layer_normalization::Normalization,
    linear::LinearParts, pairs::Pair, trees::Ensemble, views::Elements,
};
use crate::model::{AddOrder, ElementType, MaxPool, TensorId, Window};

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
    /// Scores of decision trees.
    Trees(RealId, Rc<Ensemble>),
    /// One of two by a truth value.
    Select([RealId; 3]),
    /// The negative of the largest along an axis.
    NegatedMax { x: RealId, outer: usize, length: usize, inner: usize },
    /// The largest along an axis.
    ReduceMax { x: RealId, outer: usize, length: usize, inner: usize },
    /// Softmax along rows.
    Softmax { x: TensorId, length: usize },
    /// Normalization along rows, with weights and bias.
    LayerNormalization(TensorId, Rc<Normalization>),
}

/// Which reduction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReduceMean {
    Sum,
    Mean,
    /// The mean as GlobalAveragePool's kernel computes it.
    GlobalAverage,
}

/// A dequantized constant.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub shape: Vec<usize>,
    /// Integers minus their zero point.
    pub values: Vec<i32>,
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
        // Centred 8-bit values are exact in float32; 32-bit biases round as they do in the kernels.
        #[allow(clippy::cast_precision_loss)]
        let value = self.values[element] as f32;
        value * self.scale(element)
    }

    /// All elements as float32.
    pub fn reals(&self) -> Vec<f32> {
        (0..self.values.len()).map(|element| self.real(element)).collect()
    }
}
