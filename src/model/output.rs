//! What a model answers, for its user.

use serde::Serialize;

use super::{Evaluation, Model};

/// The values of one output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OutputValues {
    /// Its name in the ONNX file.
    #[serde(skip)]
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The integers, row major.
    pub quantized: Vec<i32>,
    /// The reals that they stand for, as DequantizeLinear gives them.
    pub dequantized: Vec<f32>,
}

impl Model {
    /// The outputs of an inference.
    pub fn outputs(&self, evaluation: &Evaluation) -> Vec<OutputValues> {
        self.outputs
            .iter()
            .map(|port| {
                let tensor = &self.graph.tensors[port.tensor.0];
                let quantized = evaluation.tensor(port.tensor).to_vec();
                OutputValues {
                    name: port.name.clone(),
                    shape: tensor.shape.clone(),
                    dequantized: quantized
                        .iter()
                        .map(|&value| tensor.quantization.dequantize(value))
                        .collect(),
                    quantized,
                }
            })
            .collect()
    }
}
