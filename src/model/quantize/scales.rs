//! Scales of another quantized model of the same architecture, for a retrained one to keep.

use std::collections::HashMap;

use crate::model::{
    ModelError, Quantization,
    import::{FloatConstant, integer_constant},
    onnx::{self, GraphProto},
};

/// All scales of a file that [`Model::quantize`](crate::model::Model::quantize) made.
#[derive(Debug, Default)]
pub(super) struct Scales {
    /// By the name of the float.
    activations: HashMap<String, Quantization>,
    /// By the name of the integers.
    constants: HashMap<String, Vec<f32>>,
}

impl Scales {
    pub fn read(bytes: &[u8]) -> Result<Self, ModelError> {
        let file = onnx::decode(bytes)?;
        let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
        let mut scales = Self::default();
        for node in &graph.node {
            let [x, scale, zero_point] = node.input.as_slice() else { continue };
            let Some(FloatConstant { values, .. }) = initializer(graph, scale) else { continue };
            match node.op_type.as_str() {
                "QuantizeLinear" => {
                    let import = crate::model::ImportOptions::default();
                    let constant = integer_constant(graph, zero_point, &import);
                    let element = constant.as_ref().and_then(|own| own.element);
                    let zero_point = constant.map(|own| own.values);
                    if let (&[scale], Some(&[zero_point]), Some(element)) =
                        (values.as_slice(), zero_point.as_deref(), element)
                    {
                        scales
                            .activations
                            .insert(x.clone(), Quantization { scale, zero_point, element });
                    }
                }
                "DequantizeLinear" => {
                    scales.constants.insert(x.clone(), values);
                }
                _ => {}
            }
        }
        Ok(scales)
    }

    /// The quantization of an activation.
    pub fn activation(&self, name: &str) -> Option<Quantization> {
        // The name of a model's output belongs to its dequantized form.
        let float = || self.activations.get(&format!("{name}_float"));
        self.activations.get(name).or_else(float).copied()
    }

    /// The scales of integers with this name, of which there are so many.
    pub fn constant(&self, name: &str, count: usize) -> Result<Vec<f32>, ModelError> {
        let scales = self.constants.get(name).filter(|scales| scales.len() == count);
        scales.cloned().ok_or_else(|| other_architecture(name))
    }
}

fn initializer(graph: &GraphProto, name: &str) -> Option<FloatConstant> {
    crate::model::import::float_constant(graph, name, &crate::model::ImportOptions::default())
}

/// The other model has no such scale.
pub(super) fn other_architecture(name: &str) -> ModelError {
    ModelError::Quantize(format!(
        "the other model has no scale for `{name}`: is it quantized here, from the same architecture and options?"
    ))
}
