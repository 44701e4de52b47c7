//! What a model answers, for its user.

use serde::Serialize;

use super::{Evaluation, Model, Port};

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
    /// What the integers are the positions of, where they have labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
}

impl OutputValues {
    /// The values of an output whose integers these are.
    pub fn new(model: &Model, port: &Port, quantized: Vec<i32>) -> Self {
        let shape = model.graph.tensors[port.tensor.0].shape.clone();
        Self::of_shape(shape, model, port, quantized)
    }

    /// The same of part of it.
    pub fn of_shape(shape: Vec<usize>, model: &Model, port: &Port, quantized: Vec<i32>) -> Self {
        let tensor = &model.graph.tensors[port.tensor.0];
        let real = |&value: &i32| tensor.quantization.dequantize(value);
        Self {
            name: port.name.clone(),
            shape,
            dequantized: quantized.iter().map(real).collect(),
            labels: (quantized.iter())
                .filter_map(|&at| port.labels.get(usize::try_from(at).ok()?).cloned())
                .collect(),
            quantized,
        }
    }
}

impl Model {
    /// The outputs of an inference.
    pub fn outputs(&self, evaluation: &Evaluation) -> Vec<OutputValues> {
        let values =
            |port: &Port| OutputValues::new(self, port, evaluation.tensor(port.tensor).to_vec());
        self.outputs.iter().map(values).collect()
    }
}
