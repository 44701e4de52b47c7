//! The constants that products and sums take: weights with their biases, and single operands.

use super::{Integers, Rewriter};
use crate::model::{
    ElementType, ModelError, Quantization, import::FloatConstant, onnx::NodeProto, quantize::lines,
};

impl Rewriter<'_> {
    /// Quantizes the weights and the bias of a product.
    pub(super) fn quantize_weights(&mut self, node: &mut NodeProto) -> Result<(), ModelError> {
        let (Some(x), Some(w)) = (node.input.first().cloned(), node.input.get(1).cloned()) else {
            return Ok(());
        };
        // Products of activations need no more than their inputs' scales.
        let (true, Some(weights)) = (self.float.is_activation(&x), self.float_constant(&w)) else {
            if node.op_type == "MatMul"
                && !self.float.is_activation(&x)
                && let Some(constant) = self.float_constant(&x)
            {
                node.input[0] = self.quantize_operand(&x, &constant)?;
            }
            return Ok(());
        };
        let input = *self
            .ranges
            .get(&x)
            .ok_or_else(|| ModelError::Quantize(format!("`{x}` has no range")))?;
        let trans_b = node.attribute.iter().any(|a| a.name == "transB" && a.i.unwrap_or(0) != 0);
        let output_axis = match node.op_type.as_str() {
            "Conv" => Some(0),
            "Gemm" => Some(usize::from(!trans_b)),
            "MatMul" if weights.shape.len() == 2 => Some(1),
            _ => None,
        };
        let output_axis = output_axis.filter(|&axis| axis < weights.shape.len());
        let mut weights = weights;
        let factor = |name: &str| {
            let attribute = node.attribute.iter().find(|attribute| attribute.name == name);
            attribute.and_then(|attribute| attribute.f).unwrap_or(1.0)
        };
        let (alpha, beta) = (factor("alpha"), factor("beta"));
        if node.op_type == "Gemm" {
            weights.values.iter_mut().for_each(|weight| *weight *= alpha);
            node.attribute.retain(|a| !matches!(a.name.as_str(), "alpha" | "beta"));
        }
        let bias = node.input.get(2).filter(|name| !name.is_empty()).cloned();
        let bias = match &bias {
            Some(name) => {
                let mut constant = self.float_constant(name).ok_or_else(|| {
                    ModelError::Quantize(format!("the bias `{name}` is not constant"))
                })?;
                constant.values.iter_mut().for_each(|value| *value *= beta);
                Some((name.clone(), constant))
            }
            None => None,
        };

        // Integers of the file stay, where they are still those of these reals.
        let stored = self.stored.weights.get(&w).filter(|own| {
            let mut scales = own.scales.iter().cycle();
            let bias = bias.as_ref().map_or(&[][..], |(_, bias)| &bias.values);
            self.scales.is_none()
                && own.stand_for(&weights.values)
                && (own.axis.is_none() || own.axis == output_axis)
                && bias.iter().all(|value| {
                    let scale = scales.next().copied().unwrap_or(1.0);
                    value.abs() / input.scale / scale < 536_870_912.0
                })
        });
        self.kept += usize::from(stored.is_some());
        let axis = match stored {
            Some(own) => own.axis,
            None => output_axis.filter(|_| self.per_channel),
        };
        let channels = axis.map_or(1, |axis| weights.shape[axis]);
        let below: usize = axis.map_or(1, |axis| weights.shape[axis + 1..].iter().product());
        let channel = |i: usize| if channels == 1 { 0 } else { i / below % channels };
        let mut scales = vec![0.0_f32; channels];
        for (i, weight) in weights.values.iter().enumerate() {
            let scale = &mut scales[channel(i)];
            *scale = scale.max(weight.abs() / 127.0);
        }
        for scale in &mut scales {
            if !scale.is_normal() {
                *scale = 1.0;
            }
        }
        // A bias must fit 32 bits, with room for the sum.
        if let Some((_, bias)) = &bias {
            for (i, value) in bias.values.iter().enumerate() {
                let scale = &mut scales[if channels == 1 { 0 } else { i % channels }];
                *scale = scale.max(value.abs() / input.scale / 536_870_912.0);
            }
        }
        let integers_of = |scales: &[f32]| -> Vec<i32> {
            let weights = weights.values.iter().enumerate();
            weights.map(|(i, w)| round(w / scales[channel(i)]).clamp(-127, 127)).collect()
        };
        if let Some(own) = stored {
            scales.clone_from(&own.scales);
        } else if let Some(known) = self.scales {
            scales = known.constant(&self.next_name(&format!("{w}_quantized")), channels)?;
        } else if let Some(&output) = node.output.first().and_then(|output| self.ranges.get(output))
        {
            let bias = bias.as_ref().map(|(_, bias)| bias.values.as_slice());
            let outputs = output_axis.map_or((1, 1), |axis| {
                (weights.shape[axis], weights.shape[axis + 1..].iter().product())
            });
            let ranges = accumulators(&integers_of(&scales), outputs, bias, &scales, input);
            for (scale, range) in scales.iter_mut().zip(ranges) {
                *scale = lines::weights(*scale, input, output, range, channels);
            }
        }
        let key = format!("{w} of {}, {axis:?}, {scales:?}", node.op_type);
        let integers = match stored {
            Some(own) => Integers {
                values: own.integers.clone(),
                element: Some(own.element),
                zero_points: own.zero_points.clone(),
            },
            None => Integers::symmetric(integers_of(&scales)),
        };
        node.input[1] =
            self.dequantized_constant(&key, &w, &weights.shape, axis, &scales, integers);
        if let Some((name, bias)) = bias {
            let outputs = match (node.op_type.as_str(), axis) {
                (_, Some(axis)) => weights.shape[axis],
                ("Gemm", None) => weights.shape[usize::from(!trans_b)],
                _ => bias.values.len(),
            };
            let values: Vec<f32> = match bias.values.as_slice() {
                [value] => vec![*value; outputs],
                values if values.len() == outputs => values.to_vec(),
                _ => {
                    return Err(ModelError::Quantize(format!(
                        "the bias `{name}` has the shape {:?}",
                        bias.shape
                    )));
                }
            };
            let bias_scales: Vec<f32> = scales.iter().map(|scale| input.scale * scale).collect();
            let integers: Vec<i32> = values
                .iter()
                .enumerate()
                .map(|(i, value)| round(value / bias_scales[if channels == 1 { 0 } else { i }]))
                .collect();
            let key = format!("{name} as a bias, {bias_scales:?}");
            let axis = axis.map(|_| 0);
            let integers = Integers { element: None, ..Integers::symmetric(integers) };
            node.input[2] =
                self.dequantized_constant(&key, &name, &[outputs], axis, &bias_scales, integers);
        }
        Ok(())
    }

    /// Quantizes a constant operand of Add, Mul or MatMul.
    pub(super) fn quantize_operand(
        &mut self,
        name: &str,
        constant: &FloatConstant,
    ) -> Result<String, ModelError> {
        let largest = constant.values.iter().fold(0.0_f32, |largest, v| largest.max(v.abs()));
        let mut scale = if (largest / 127.0).is_normal() { largest / 127.0 } else { 1.0 };
        if let Some(known) = self.scales {
            scale = known.constant(&self.next_name(&format!("{name}_quantized")), 1)?[0];
        }
        let integers: Vec<i32> =
            constant.values.iter().map(|value| round(value / scale).clamp(-127, 127)).collect();
        let key = format!("{name} as an operand");
        let element = self.stored.element();
        let zero_point = element.range().0 - ElementType::Int8.range().0;
        let integers = Integers {
            values: integers.iter().map(|integer| integer + zero_point).collect(),
            element: Some(element),
            zero_points: vec![zero_point],
        };
        Ok(self.dequantized_constant(&key, name, &constant.shape, None, &[scale], integers))
    }
}

/// Bounds of the accumulators for each scale. Where all outputs share a scale, those of any of them. Of
/// `(outputs, below)`, weight i belongs to output `i / below % outputs`.
fn accumulators(
    integers: &[i32],
    (outputs, below): (usize, usize),
    bias: Option<&[f32]>,
    scales: &[f32],
    input: Quantization,
) -> Vec<(i64, i64)> {
    let (min, max) = input.element.range();
    let ends = [min - input.zero_point, max - input.zero_point].map(i64::from);
    let mut ranges = vec![(0_i64, 0_i64); outputs];
    for (i, &weight) in integers.iter().enumerate() {
        let products = ends.map(|end| end * i64::from(weight));
        let range = &mut ranges[i / below % outputs];
        range.0 += products[0].min(products[1]);
        range.1 += products[0].max(products[1]);
    }
    for (i, value) in bias.unwrap_or_default().iter().enumerate() {
        let scale = scales[if scales.len() == 1 { 0 } else { i % scales.len() }];
        // A moved scale changes the integer: by less than this.
        let bias = i64::from(round(value / (input.scale * scale) * 1.001));
        let range = &mut ranges[i % outputs];
        range.0 += bias.min(0);
        range.1 += bias.max(0);
    }
    if scales.len() == 1 {
        let all = ranges.iter().fold((0, 0), |all, own| (all.0.min(own.0), all.1.max(own.1)));
        return vec![all];
    }
    ranges
}

/// The nearest integer, ties to even. Values beyond 32 bits saturate.
fn round(value: f32) -> i32 {
    #[allow(clippy::cast_possible_truncation)]
    let rounded = value.round_ties_even() as i32;
    rounded
}
