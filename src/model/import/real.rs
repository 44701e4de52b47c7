//! What an ONNX file computes in float32 between DequantizeLinear and QuantizeLinear.
//!
//! Operators on floats are only written down here. The QuantizeLinear that ends the group turns the
//! whole expression into integer operators (`lower.rs`), because only then is the output's scale
//! known. Operators in quantized form (`QLinearConv`, …) say the same in one node, so they are read
//! as the group that they stand for.

use std::rc::Rc;

use super::{constant::Constant, function::Function, linear::LinearParts};
use crate::model::TensorId;

/// Position of an expression in the importer's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// A function of each element.
    Elementwise(Function, RealId),
}

/// A dequantized constant.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    pub shape: Vec<usize>,
    /// Integers minus their zero point.
    pub values: Vec<i32>,
    /// One scale, or one per index of `axis`.
    pub scales: Vec<f32>,
    pub axis: usize,
    /// How many values the file has for it, before any broadcast.
    pub parameters: usize,
}

impl Weights {
    /// Index along `axis` of an element.
    fn channel(&self, element: usize) -> usize {
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
        dequantize(self.values[element], self.scale(element))
    }

    /// All elements as float32.
    pub fn reals(&self) -> Vec<f32> {
        (0..self.values.len()).map(|element| self.real(element)).collect()
    }
}

/// `scale · centred`, in float32.
pub(super) fn dequantize(centred: i32, scale: f32) -> f32 {
    // Centred 8-bit values are exact in float32; 32-bit biases round as they do in the kernels.
    #[allow(clippy::cast_precision_loss)]
    let value = centred as f32;
    value * scale
}
