//! Products with weights: Gemm, MatMul, QGemm, QLinearMatMul.

use std::rc::Rc;

use super::{
    Constant, Importer, NodeView, RealId, RealKind, Value,
    constant::Data,
    real::{Real, Weights},
};
use crate::model::{
    ElementType, Gemm, ModelError, Operator, Origin, Quantization, Requantization, Tensor, TensorId,
};

/// The constant side of a product with weights.
#[derive(Clone, Debug)]
pub(super) struct LinearParts {
    pub geometry: Geometry,
    /// Minus their zero point, output channel first.
    pub weights: Vec<i32>,
    /// One, or one per output channel.
    pub scales: Vec<f32>,
    pub bias: Option<Bias>,
    /// Factor of the product (Gemm's `alpha`).
    pub alpha: f32,
    /// The operator's name in quantized form.
    pub quantized_name: &'static str,
}

/// Which product.
#[derive(Clone, Debug)]
pub(super) enum Geometry {
    /// Each row of the input times a matrix.
    Gemm { inputs: usize, outputs: usize },
}

/// What is added to a product, one value per output channel.
#[derive(Clone, Debug)]
pub(super) struct Bias {
    pub values: BiasValues,
    /// Factor of the bias (Gemm's `beta`).
    pub beta: f32,
}

#[derive(Clone, Debug)]
pub(super) enum BiasValues {
    /// Integers in the accumulator's own unit.
    Accumulator(Vec<i32>),
    /// Integers with a scale each.
    Quantized(Vec<(i32, f32)>),
    /// Floats that the file leaves unquantized.
    Float(Vec<f32>),
}

/// `Gemm(A, B, C)` on floats.
pub(super) fn gemm(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.real_input(node, 0)?;
    let b = importer.real_input(node, 1)?;
    let alpha = node.float("alpha", 1.0)?;
    let beta = node.float("beta", 1.0)?;
    let a = importer.transposed_rows(node, a, node.flag("transA"))?;
    let a = importer.activation(node, 0, a)?;
    let weights = importer.weights(node, 1, b)?;
    let (weights, inputs, outputs) = matrix(node, &weights, node.flag("transB"))?;
    let bias = importer
        .optional_real_input(node, 2)?
        .map(|c| importer.bias(node, 2, c, outputs, beta))
        .transpose()?;
    let parts = LinearParts {
        geometry: Geometry::Gemm { inputs, outputs },
        weights: weights.values,
        scales: weights.scales,
        bias,
        alpha,
        quantized_name: "QGemm",
    };
    Ok(vec![Value::Real(importer.gemm_expression(node, a, parts)?)])
}

/// `QGemm(A, A scale, A zero point, B, B scale, B zero point, C, Y scale, Y zero point)`.
pub(super) fn qgemm(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let transposed = node.flag("transB");
    let a = importer.dequantized(node, [0, 1, 2], 1)?;
    let b = importer.dequantized(node, [3, 4, 5], i64::from(!transposed))?;
    if node.input(7).is_none() {
        return Err(node.unsupported("a float output"));
    }
    let a = importer.transposed_rows(node, a, node.flag("transA"))?;
    let a = importer.activation(node, 0, a)?;
    let weights = importer.weights(node, 3, b)?;
    let (weights, inputs, outputs) = matrix(node, &weights, transposed)?;
    let bias = importer
        .optional_constant(node, 6)?
        .map(|constant| accumulator_bias(node, &constant, outputs))
        .transpose()?;
    let parts = LinearParts {
        geometry: Geometry::Gemm { inputs, outputs },
        weights: weights.values,
        scales: weights.scales,
        bias,
        alpha: node.float("alpha", 1.0)?,
        quantized_name: "QGemm",
    };
    let product = importer.gemm_expression(node, a, parts)?;
    let quantization = importer.output_quantization(node, 7, 8, ElementType::Uint8)?;
    importer.quantize_output(node, product, quantization)
}

/// `MatMul(A, B)` on floats.
pub(super) fn matmul(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.real_input(node, 0)?;
    let b = importer.real_input(node, 1)?;
    Ok(vec![Value::Real(importer.matmul_expression(node, [0, 1], a, b)?)])
}

/// `QLinearMatMul(A, A scale, A zero point, B, B scale, B zero point, Y scale, Y zero point)`.
pub(super) fn qlinear_matmul(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.dequantized(node, [0, 1, 2], -1)?;
    let b = importer.dequantized(node, [3, 4, 5], -1)?;
    let product = importer.matmul_expression(node, [0, 3], a, b)?;
    let quantization = importer.output_quantization(node, 6, 7, ElementType::Uint8)?;
    importer.quantize_output(node, product, quantization)
}

/// A matrix of weights as `[outputs][inputs]`.
fn matrix(
    node: NodeView<'_>,
    weights: &Weights,
    transposed: bool,
) -> Result<(Weights, usize, usize), ModelError> {
    let &[rows, columns] = weights.shape.as_slice() else {
        return Err(node.error(format!("its weights have the shape {:?}", weights.shape)));
    };
    let (inputs, outputs) = if transposed { (columns, rows) } else { (rows, columns) };
    let per_channel_axis = usize::from(!transposed);
    if weights.scales.len() > 1 && weights.axis != per_channel_axis {
        return Err(node.unsupported("weights with a scale per input channel"));
    }
    let mut result = weights.clone();
    if !transposed {
        for o in 0..outputs {
            for i in 0..inputs {
                result.values[o * inputs + i] = weights.values[i * outputs + o];
            }
        }
        result.shape = vec![outputs, inputs];
    }
    result.axis = 0;
    Ok((result, inputs, outputs))
}

/// A bias that is given as accumulators.
pub(super) fn accumulator_bias(
    node: NodeView<'_>,
    constant: &Constant,
    outputs: usize,
) -> Result<Bias, ModelError> {
    let Data::Int32(values) = &constant.data else {
        return Err(
            node.error(format!("its bias is {}, expected int32", constant.data.type_name()))
        );
    };
    let values = broadcast_bias(node, &constant.shape, values, outputs)?;
    Ok(Bias { values: BiasValues::Accumulator(values), beta: 1.0 })
}

fn broadcast_bias<T: Copy>(
    node: NodeView<'_>,
    shape: &[usize],
    values: &[T],
    outputs: usize,
) -> Result<Vec<T>, ModelError> {
    match values {
        [value] => Ok(vec![*value; outputs]),
        _ if values.len() == outputs && shape.last() == Some(&outputs) => Ok(values.to_vec()),
        _ => Err(node.unsupported(format!("a bias of shape {shape:?} for {outputs} outputs"))),
    }
}

impl Importer<'_> {
    /// The input of a Gemm with `transA`.
    fn transposed_rows(
        &mut self,
        node: NodeView<'_>,
        a: RealId,
        transposed: bool,
    ) -> Result<RealId, ModelError> {
        if self.real(a).shape.len() != 2 {
            return Err(node.error(format!("its input has the shape {:?}", self.real(a).shape)));
        }
        if transposed {
            return Err(node.unsupported("transA"));
        }
        Ok(a)
    }

    /// A constant operand that came from DequantizeLinear.
    pub(super) fn weights(
        &self,
        node: NodeView<'_>,
        index: usize,
        id: RealId,
    ) -> Result<Rc<Weights>, ModelError> {
        match &self.real(id).kind {
            RealKind::Weights(weights) => Ok(Rc::clone(weights)),
            RealKind::Constant(_) => Err(ModelError::NotQuantized {
                node: node.name().to_owned(),
                operator: node.qualified_operator(),
                tensor: node.input(index).unwrap_or_default().to_owned(),
            }),
            _ => Err(node.unsupported("a product of two activations")),
        }
    }

    /// A bias among float operands.
    pub(super) fn bias(
        &self,
        node: NodeView<'_>,
        index: usize,
        id: RealId,
        outputs: usize,
        beta: f32,
    ) -> Result<Bias, ModelError> {
        let Real { shape, kind, .. } = self.real(id);
        let values = match kind {
            RealKind::Weights(weights) => {
                let mut values = Vec::with_capacity(weights.values.len());
                for (element, &value) in weights.values.iter().enumerate() {
                    values.push((value, weights.scale(element)));
                }
                BiasValues::Quantized(broadcast_bias(node, shape, &values, outputs)?)
            }
            RealKind::Constant(constant) => {
                let values = constant.floats().expect("constants among expressions are floats");
                BiasValues::Float(broadcast_bias(node, shape, values, outputs)?)
            }
            _ => {
                return Err(node.unsupported(format!(
                    "the bias `{}`, which depends on the model's input,",
                    node.input(index).unwrap_or_default()
                )));
            }
        };
        Ok(Bias { values, beta })
    }

    fn gemm_expression(
        &mut self,
        node: NodeView<'_>,
        a: TensorId,
        parts: LinearParts,
    ) -> Result<RealId, ModelError> {
        let Geometry::Gemm { inputs, outputs } = parts.geometry;
        let mut shape = self.tensor(a).shape.clone();
        match shape.last_mut() {
            Some(last) if *last == inputs => *last = outputs,
            _ => {
                return Err(node.error(format!(
                    "its input has the shape {shape:?}, its weights take rows of {inputs}"
                )));
            }
        }
        self.expression(node, shape, RealKind::Linear(a, Rc::new(parts)), &[])
    }

    fn matmul_expression(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        a: RealId,
        b: RealId,
    ) -> Result<RealId, ModelError> {
        let a = self.activation(node, positions[0], a)?;
        let weights = self.weights(node, positions[1], b)?;
        let (weights, inputs, outputs) = matrix(node, &weights, false)?;
        let parts = LinearParts {
            geometry: Geometry::Gemm { inputs, outputs },
            weights: weights.values,
            scales: weights.scales,
            bias: None,
            alpha: 1.0,
            quantized_name: "QLinearMatMul",
        };
        self.gemm_expression(node, a, parts)
    }

    /// Makes the integer operator of a product with weights.
    pub(super) fn lower_linear(
        &mut self,
        real: &Real,
        x: TensorId,
        parts: &LinearParts,
        quantization: Quantization,
        bounds: (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let input = self.tensor(x).quantization;
        let Geometry::Gemm { inputs, outputs } = parts.geometry;
        // onnxruntime's order of operations, each rounded to float32.
        let multipliers = parts
            .scales
            .iter()
            .map(|scale| parts.alpha * input.scale * scale / quantization.scale)
            .collect();
        let error = |reason: String| ModelError::Node {
            node: real.node.clone(),
            operator: real.operator.clone(),
            reason,
        };
        let bias = match &parts.bias {
            None => vec![0; outputs],
            Some(bias) => accumulator_units(bias, parts, input.scale)
                .ok_or_else(|| error("its bias does not fit 32 bits".into()))?,
        };
        let reach = parts
            .weights
            .chunks(inputs.max(1))
            .zip(&bias)
            .map(|(row, bias)| {
                let weights: u128 = row.iter().map(|w| u128::from(w.unsigned_abs())).sum();
                weights * u128::from(input.max_centred().unsigned_abs())
                    + u128::from(bias.unsigned_abs())
            })
            .max()
            .unwrap_or(0);
        if reach > u128::from(i32::MAX.unsigned_abs()) {
            return Err(ModelError::AccumulatorOverflow {
                node: real.node.clone(),
                operator: real.operator.clone(),
                reach,
            });
        }
        let origin = Origin {
            operator: parts.quantized_name.into(),
            parameters: parts.weights.len()
                + parts.bias.as_ref().map_or(0, |bias| bias.values.len().min(outputs)),
        };
        let requantization = Requantization {
            multipliers,
            zero_point: quantization.zero_point,
            min: bounds.0,
            max: bounds.1,
        };
        let operator = Operator::Gemm(Gemm {
            inputs,
            outputs,
            weights: parts.weights.clone(),
            bias,
            requantization,
        });
        self.add_node(&real.node, operator, vec![x], output, origin)
    }
}

impl BiasValues {
    fn len(&self) -> usize {
        match self {
            Self::Accumulator(values) => values.len(),
            Self::Quantized(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }
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
                // The quantizer rounds this product to float32; onnxruntime takes it for equal.
                if (ratio - 1.0).abs() < 1e-5 {
                    Some(value)
                } else {
                    round(f64::from(value) * ratio)
                }
            })
            .collect(),
        BiasValues::Float(values) => values
            .iter()
            .enumerate()
            .map(|(channel, &value)| round(f64::from(value) / unit(channel)))
            .collect(),
    }
}
