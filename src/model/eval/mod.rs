//! What a model computes: the integers of every tensor, for given inputs.
//!
//! This is the definition of what is proved. onnxruntime's integers are compared with it tensor by
//! tensor, and the circuit is compared with it too.

use super::{Gemm, Model, ModelError, Operator, Table, TensorId};

/// The integers of every tensor in one inference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// By position of the tensor in [`Graph::tensors`](super::Graph::tensors), row major.
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
            let first = node.inputs[0];
            let x = &values[first.0];
            let input = &self.graph.tensors[first.0];
            values[node.output.0] = match &node.operator {
                Operator::Gemm(gemm) => evaluate_gemm(gemm, x, input.quantization.zero_point),
                Operator::Table(table) => {
                    evaluate_table(table, x, input.quantization.element.range().0)
                }
            };
        }
        Ok(Evaluation { values })
    }
}

fn evaluate_gemm(gemm: &Gemm, x: &[i32], zero_point: i32) -> Vec<i32> {
    let centred: Vec<i32> = x.iter().map(|value| value - zero_point).collect();
    let mut y = Vec::with_capacity(x.len() / gemm.inputs.max(1) * gemm.outputs);
    for row in centred.chunks(gemm.inputs) {
        for (o, weights) in gemm.weights.chunks(gemm.inputs).enumerate() {
            // The importer makes sure that no input overflows 32 bits.
            let acc = gemm.bias[o] + row.iter().zip(weights).map(|(x, w)| x * w).sum::<i32>();
            y.push(gemm.requantization.apply(acc, o));
        }
    }
    y
}

fn evaluate_table(table: &Table, x: &[i32], min: i32) -> Vec<i32> {
    x.iter()
        .map(|&value| {
            let row = usize::try_from(value - min).expect("values are within their type");
            table.values[row]
        })
        .collect()
}
