//! What a model computes: the integers of every tensor, for given inputs.
//!
//! This is the definition of what is proved. onnxruntime's integers are compared with it tensor by
//! tensor, and the circuit is compared with it too.

mod elements;
pub(super) mod linear;
mod normalization;
mod pooling;

use super::{Graph, Model, ModelError, Node, Operator, TensorId};

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
            values[node.output.0] = self.graph.evaluate_node(node, &values);
        }
        Ok(Evaluation { values })
    }
}

impl Graph {
    /// A node's output, given all tensors that it takes.
    fn evaluate_node(&self, node: &Node, values: &[Vec<i32>]) -> Vec<i32> {
        let inputs: Vec<&[i32]> = node.inputs.iter().map(|id| values[id.0].as_slice()).collect();
        let zero_point = |input: usize| {
            node.inputs.get(input).map_or(0, |id| self.tensors[id.0].quantization.zero_point)
        };
        let centred = |input: usize| -> Vec<i32> {
            let zero_point = zero_point(input);
            inputs[input].iter().map(|value| value - zero_point).collect()
        };
        let smallest = |input: usize| {
            let id = node.inputs[input];
            self.tensors[id.0].quantization.element.range().0
        };
        match &node.operator {
            Operator::Gemm(gemm) => gemm.evaluate(&centred(0)),
            Operator::Conv(conv) => conv.evaluate(&centred(0)),
            Operator::ConvTranspose(conv) => conv.evaluate(&centred(0)),
            Operator::MatMul(product) => product.evaluate(&centred(0), &centred(1)),
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
