//! What a model computes: the integers of every tensor, for given inputs.
//!
//! This is the definition of what is proved. onnxruntime's integers are compared with it tensor by
//! tensor, and the circuit is compared with it too.

mod elements;
pub(super) mod linear;
mod normalization;
mod pooling;

use super::{
    Conv, ConvTranspose, Gemm, Graph, MatMul, Model, ModelError, Node, Operator, TensorId,
};

/// The integers of every tensor in one inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// By position of the tensor in [`Graph::tensors`], row major.
    pub values: Vec<Vec<i32>>,
}

impl Evaluation {
    /// The integers of a tensor.
    pub fn tensor(&self, id: TensorId) -> &[i32] {
        &self.values[id.0]
    }
}

impl Model {
    /// Computes one inference, given the integers of each input port.
    pub fn evaluate(&self, inputs: &[Vec<i32>]) -> Result<Evaluation, ModelError> {
        self.evaluate_with(inputs, |node, values| self.graph.evaluate_node(node, values))
    }

    /// The same, with each node computed by a function from all tensors before it.
    pub(super) fn evaluate_with(
        &self,
        inputs: &[Vec<i32>],
        compute: impl Fn(&Node, &[Vec<i32>]) -> Vec<i32>,
    ) -> Result<Evaluation, ModelError> {
        let mut values = vec![Vec::new(); self.graph.tensors.len()];
        if inputs.len() != self.inputs.len() {
            let names: Vec<_> = self.inputs.iter().map(|port| port.name.as_str()).collect();
            return Err(ModelError::InputShape {
                input: names.join(", "),
                got: format!("{} inputs", inputs.len()),
                expected: self.inputs.len().to_string(),
            });
        }
        for (port, input) in self.inputs.iter().zip(inputs) {
            let tensor = &self.graph.tensors[port.tensor.0];
            if input.len() != tensor.len() {
                return Err(ModelError::InputShape {
                    input: port.name.clone(),
                    got: format!("{} values", input.len()),
                    expected: tensor.len().to_string(),
                });
            }
            let (min, max) = tensor.quantization.element.range();
            if let Some(index) = input.iter().position(|value| !(min..=max).contains(value)) {
                return Err(ModelError::InputValue {
                    input: port.name.clone(),
                    index,
                    got: input[index].to_string(),
                    expected: format!("{min} to {max}"),
                });
            }
            values[port.tensor.0].clone_from(input);
        }
        for node in &self.graph.nodes {
            values[node.output.0] = compute(node, &values);
        }
        Ok(Evaluation { values })
    }
}

impl Graph {
    /// A function of each accumulator of a sum of products, and of its output channel. Of other operators,
    /// nothing.
    pub(super) fn map_sums<T>(
        &self,
        node: &Node,
        values: &[Vec<i32>],
        f: impl Fn(i32, usize) -> T,
    ) -> Vec<T> {
        let centred = |input: usize| self.centred(node, values, input);
        match &node.operator {
            Operator::Gemm(gemm) => gemm.map_sums(&centred(0), f),
            Operator::Conv(conv) => conv.map_sums(&centred(0), f),
            Operator::ConvTranspose(conv) => conv.map_sums(&centred(0), f),
            Operator::MatMul(product) => {
                product.map_sums(&centred(0), &centred(1), |acc| f(acc, 0))
            }
            _ => Vec::new(),
        }
    }

    /// The integers of a node's input minus its zero point.
    pub(super) fn centred(&self, node: &Node, values: &[Vec<i32>], input: usize) -> Vec<i32> {
        let id = node.inputs[input];
        let zero_point = self.tensors[id.0].quantization.zero_point;
        values[id.0].iter().map(|value| value - zero_point).collect()
    }

    /// A node's output, given all tensors that it takes.
    pub(super) fn evaluate_node(&self, node: &Node, values: &[Vec<i32>]) -> Vec<i32> {
        let inputs: Vec<&[i32]> = node.inputs.iter().map(|id| values[id.0].as_slice()).collect();
        let centred = |input: usize| self.centred(node, values, input);
        let smallest = |input: usize| {
            let id = node.inputs[input];
            self.tensors[id.0].quantization.element.range().0
        };
        match &node.operator {
            Operator::Gemm(Gemm { requantization, .. })
            | Operator::Conv(Conv { requantization, .. })
            | Operator::ConvTranspose(ConvTranspose { requantization, .. })
            | Operator::MatMul(MatMul { requantization, .. }) => {
                self.map_sums(node, values, |acc, channel| requantization.apply(acc, channel))
            }
            Operator::Table(table) => table.evaluate(inputs[0], smallest(0)),
            Operator::Tables(tables) => tables.evaluate(inputs[0], smallest(0)),
            Operator::Add(add) => add.evaluate(inputs[0], inputs.get(1).copied()),
            Operator::Mul(mul) => mul.evaluate(&centred(0), inputs.get(1).copied()),
            Operator::View(view) => view.evaluate(&inputs),
            Operator::MaxPool(pool) => pool.evaluate(inputs[0]),
            Operator::AveragePool(pool) => pool.evaluate(&centred(0)),
            Operator::Reduce(reduce) => reduce.evaluate(&centred(0)),
            Operator::ReduceMax(reduce) => reduce.evaluate(inputs[0]),
            Operator::ArgMax(arg_max) => arg_max.evaluate(inputs[0]),
            Operator::Softmax(softmax) => softmax.evaluate(inputs[0]),
            Operator::LayerNormalization(normalization) => normalization.evaluate(&centred(0)),
        }
    }
}
