//! From products with weights to integer operators: biases in the accumulator's unit, bounds, multipliers.

use crate::model::import::{
    Importer,
    expression::{Bias, BiasValues, ConvShape, Geometry, LinearParts, Real, WeightValues},
};
use crate::model::{
    Conv, ConvTranspose, Exactness, Gemm, ModelError, Operator, Origin, Quantization,
    Requantization, Tensor, TensorId,
};

impl Importer<'_> {
    /// Makes the integer operator of a product with weights.
    pub(in crate::model::import) fn lower_linear(
        &mut self,
        real: &Real,
        x: TensorId,
        parts: &LinearParts,
        quantization: Quantization,
        bounds: (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let input = self.tensor(x).quantization;
        let outputs = parts.geometry.outputs();
        // onnxruntime's order of operations, each rounded to float32.
        let multipliers = parts
            .scales
            .iter()
            .map(|scale| parts.alpha * input.scale * scale / quantization.scale)
            .collect();
        let bias = match &parts.bias {
            None => vec![0; outputs],
            Some(bias) => {
                accumulator_units(bias, parts, input.scale).ok_or_else(|| ModelError::Node {
                    node: real.node.clone(),
                    operator: real.operator.clone(),
                    reason: "its bias does not fit 32 bits".into(),
                })?
            }
        };
        let Some(weights) = parts.weights.integers() else {
            return Err(real.unsupported("weights that are not quantized"));
        };
        let mut sums = vec![0_u128; outputs];
        for (i, weight) in weights.iter().enumerate() {
            sums[parts.geometry.output_of(i)] += u128::from(weight.unsigned_abs());
        }
        for (sum, bias) in sums.iter().zip(&bias) {
            let reach = sum * u128::from(input.max_centred().unsigned_abs())
                + u128::from(bias.unsigned_abs());
            real.check_reach(reach)?;
        }
        let requantization = Requantization {
            multipliers,
            zero_point: quantization.zero_point,
            min: bounds.0,
            max: bounds.1,
        };
        let weights = weights.to_vec();
        let operator = match &parts.geometry {
            Geometry::Gemm { inputs, outputs } => Operator::Gemm(Gemm {
                inputs: *inputs,
                outputs: *outputs,
                weights,
                bias,
                requantization,
            }),
            Geometry::Conv(ConvShape { batch, inputs, outputs, group, window }) => {
                Operator::Conv(Conv {
                    batch: *batch,
                    inputs: *inputs,
                    outputs: *outputs,
                    group: *group,
                    window: window.clone(),
                    weights,
                    bias,
                    requantization,
                })
            }
            Geometry::ConvTranspose(ConvShape { batch, inputs, outputs, group, window }) => {
                Operator::ConvTranspose(ConvTranspose {
                    batch: *batch,
                    inputs: *inputs,
                    outputs: *outputs,
                    group: *group,
                    window: window.clone(),
                    weights,
                    bias,
                    requantization,
                })
            }
        };
        // Of a bias that is not in the accumulator's unit, integer kernels know nothing.
        let has_other_unit =
            parts.bias.as_ref().is_some_and(|bias| !bias.is_in_units(parts, input.scale));
        let kernel =
            self.kernel(&[x], (input.element, parts.weights_element), quantization.element);
        // Weights of 4 bits have none at all.
        let is_left_in_floats = has_other_unit || parts.weights_element.is_none();
        let exactness = if is_left_in_floats { Exactness::Approximate } else { kernel };
        let exactness = parts.exactness.max(exactness);
        let origin = Origin {
            operator: parts.quantized_name.into(),
            exactness,
            parameters: real.parameters,
        };
        self.add_node(&real.node, operator, vec![x], output, origin)
    }
}

impl Bias {
    /// Whether its integers can be added to the accumulator as they are.
    fn is_in_units(&self, parts: &LinearParts, input_scale: f32) -> bool {
        let mut scales = match &self.values {
            BiasValues::Accumulator(_) => return true,
            BiasValues::Float(_) => return false,
            BiasValues::Quantized(values) => values.iter().enumerate(),
        };
        self.beta == 1.0
            && scales.all(|(channel, &(_, scale))| {
                let product = parts.alpha * input_scale * parts.scale(channel);
                is_same_unit(f64::from(scale) / f64::from(product))
            })
    }

    /// The bias in float, given what one unit of the accumulator is worth per channel.
    fn reals(&self, unit: impl Fn(usize) -> f64) -> Vec<f64> {
        let beta = f64::from(self.beta);
        match &self.values {
            BiasValues::Accumulator(values) => {
                let values = values.iter().enumerate();
                values.map(|(channel, &value)| f64::from(value) * unit(channel)).collect()
            }
            BiasValues::Quantized(values) => values
                .iter()
                .map(|&(value, scale)| f64::from(value) * f64::from(scale) * beta)
                .collect(),
            BiasValues::Float(values) => values.iter().map(|value| value * beta).collect(),
        }
    }
}

impl LinearParts {
    /// The scale of a channel's weights.
    pub fn scale(&self, channel: usize) -> f32 {
        self.scales[if self.scales.len() == 1 { 0 } else { channel }]
    }

    /// The product times `factors` plus `summands`, per output channel.
    pub fn affine(&self, input_scale: f32, factors: &[f32], summands: &[f32]) -> Self {
        let outputs = self.geometry.outputs();
        let alpha = f64::from(self.alpha) * f64::from(input_scale);
        let mut bias = match &self.bias {
            None => vec![0.0; outputs],
            Some(bias) => bias.reals(|channel| alpha * f64::from(self.scale(channel))),
        };
        let mut result = self.clone();
        result.scales = (0..outputs).map(|channel| self.scale(channel)).collect();
        let mut signs = vec![1; outputs];
        for channel in 0..outputs {
            let factor = factors[channel];
            bias[channel] = bias[channel] * f64::from(factor) + f64::from(summands[channel]);
            if factor == 0.0 {
                signs[channel] = 0;
            } else {
                // Scales stay positive, so that requantization stays monotone.
                signs[channel] = if factor < 0.0 { -1 } else { 1 };
                result.scales[channel] *= factor.abs();
            }
        }
        if result.scales.iter().all(|scale| *scale == result.scales[0]) {
            result.scales.truncate(1);
        }
        if let WeightValues::Integers(weights) = &mut result.weights {
            for (i, weight) in weights.iter_mut().enumerate() {
                *weight *= signs[self.geometry.output_of(i)];
            }
        }
        let parameters = self.bias.as_ref().map_or(0, |bias| bias.parameters);
        result.bias = Some(Bias { values: BiasValues::Float(bias), parameters, beta: 1.0 });
        result.exactness = Exactness::Approximate;
        result
    }
}

/// Whether two scales are meant to be the same: quantizers round their product to float32.
fn is_same_unit(ratio: f64) -> bool {
    (ratio - 1.0).abs() < 1e-5
}

/// The bias as integers that can be added to the accumulator, `None` if one exceeds 32 bits.
fn accumulator_units(bias: &Bias, parts: &LinearParts, input_scale: f32) -> Option<Vec<i32>> {
    let unit = |channel: usize| {
        let scale = parts.scales[if parts.scales.len() == 1 { 0 } else { channel }];
        f64::from(parts.alpha) * f64::from(input_scale) * f64::from(scale) / f64::from(bias.beta)
    };
    let round = |value: f64| {
        let rounded = value.round_ties_even();
        let fits = f64::from(i32::MIN) <= rounded && rounded <= f64::from(i32::MAX);
        #[allow(clippy::cast_possible_truncation)]
        fits.then_some(rounded as i32)
    };
    match &bias.values {
        BiasValues::Accumulator(values) => Some(values.clone()),
        BiasValues::Quantized(values) => values
            .iter()
            .enumerate()
            .map(|(channel, &(value, scale))| {
                let ratio = f64::from(scale) / unit(channel);
                if is_same_unit(ratio) { Some(value) } else { round(f64::from(value) * ratio) }
            })
            .collect(),
        BiasValues::Float(values) => values
            .iter()
            .enumerate()
            .map(|(channel, &value)| round(value / unit(channel)))
            .collect(),
    }
}
