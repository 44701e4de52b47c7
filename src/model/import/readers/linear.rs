//! Products with weights: Gemm, MatMul, QGemm, QLinearMatMul.

use std::rc::Rc;

use crate::model::import::{
    Constant, Importer, NodeView, RealId, RealKind, Value,
    constant::Data,
    expression::{Bias, BiasValues, Geometry, LinearParts, Pair, Real, Weights},
    shape::broadcast,
};
use crate::model::{ElementType, ModelError, TensorId};

/// `Gemm(A, B, C)` on floats.
pub(in crate::model::import) fn gemm(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.real_input(node, 0)?;
    let b = importer.real_input(node, 1)?;
    let alpha = positive_alpha(node)?;
    let beta = node.float("beta", 1.0)?;
    let a = importer.transposed_rows(node, a, node.flag("transA"))?;
    if matches!(importer.real(b).kind, RealKind::Activation(_)) {
        return importer.gemm_of_activations(node, [0, 1], a, b, alpha);
    }
    let a = importer.activation(node, 0, a)?;
    let weights = importer.weights(node, 1, b)?;
    let (weights, inputs, outputs) = matrix(node, &weights, node.flag("transB"))?;
    let bias = importer
        .optional_real_input(node, 2)?
        .map(|c| importer.bias(node, 2, c, outputs, beta))
        .transpose()?;
    let parts = LinearParts {
        bias,
        alpha,
        ..LinearParts::new("QGemm", Geometry::Gemm { inputs, outputs }, weights)
    };
    Ok(vec![Value::Real(importer.gemm_expression(node, a, parts)?)])
}

/// `QGemm(A, A scale, A zero point, B, B scale, B zero point, C, Y scale, Y zero point)`.
pub(in crate::model::import) fn qgemm(
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
        bias,
        alpha: positive_alpha(node)?,
        ..LinearParts::new("QGemm", Geometry::Gemm { inputs, outputs }, weights)
    };
    let product = importer.gemm_expression(node, a, parts)?;
    let quantization = importer.output_quantization(node, 7, 8, ElementType::Uint8)?;
    importer.quantize_output(node, product, quantization)
}

fn positive_alpha(node: NodeView<'_>) -> Result<f32, ModelError> {
    let alpha = node.float("alpha", 1.0)?;
    if alpha > 0.0 { Ok(alpha) } else { Err(node.unsupported(format!("an alpha of {alpha}"))) }
}

/// `MatMulInteger(A, B, A zero point, B zero point)`, whose accumulators are floats of scale 1 here.
pub(in crate::model::import) fn matmul_integer(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.accumulator_operand(node, 0, 2, -1)?;
    let b = importer.accumulator_operand(node, 1, 3, -1)?;
    Ok(vec![Value::Real(importer.matmul_expression(node, [0, 1], a, b)?)])
}

/// `MatMul(A, B)` on floats.
pub(in crate::model::import) fn matmul(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.real_input(node, 0)?;
    let b = importer.real_input(node, 1)?;
    Ok(vec![Value::Real(importer.matmul_expression(node, [0, 1], a, b)?)])
}

/// `QLinearMatMul(A, A scale, A zero point, B, B scale, B zero point, Y scale, Y zero point)`.
pub(in crate::model::import) fn qlinear_matmul(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let a = importer.dequantized(node, [0, 1, 2], -1)?;
    let b = importer.dequantized(node, [3, 4, 5], -1)?;
    let product = importer.matmul_expression(node, [0, 3], a, b)?;
    let quantization = importer.output_quantization(node, 6, 7, ElementType::Uint8)?;
    importer.quantize_output(node, product, quantization)
}

/// A product with a matrix of weights on its right, or with the transpose of one.
fn mat_mul_parts(
    node: NodeView<'_>,
    weights: &Weights,
    transposed: bool,
) -> Result<LinearParts, ModelError> {
    let (weights, inputs, outputs) = matrix(node, weights, transposed)?;
    Ok(LinearParts::new("QLinearMatMul", Geometry::Gemm { inputs, outputs }, weights))
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
        let index = (0..inputs * outputs).map(|at| at % inputs * outputs + at / inputs);
        result.values = weights.values.gather(&index.collect::<Vec<_>>());
        result.shape = vec![outputs, inputs];
    }
    result.axis = 0;
    Ok((result, inputs, outputs))
}

/// A bias that is given as accumulators.
pub(in crate::model::import) fn accumulator_bias(
    node: NodeView<'_>,
    constant: &Constant,
    outputs: usize,
) -> Result<Bias, ModelError> {
    let Data::Int32(values) = &constant.data else {
        return Err(
            node.error(format!("its bias is {}, expected int32", constant.data.type_name()))
        );
    };
    let parameters = values.len();
    let values = broadcast_bias(node, &constant.shape, values, outputs)?;
    Ok(Bias { values: BiasValues::Accumulator(values), parameters, beta: 1.0 })
}

pub(in crate::model::import) fn broadcast_bias<T: Copy>(
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
        if transposed { self.transposed(node, a, &[1, 0]) } else { Ok(a) }
    }

    /// A constant operand that came from DequantizeLinear.
    pub(in crate::model::import) fn weights(
        &self,
        node: NodeView<'_>,
        index: usize,
        id: RealId,
    ) -> Result<Rc<Weights>, ModelError> {
        match &self.real(id).kind {
            RealKind::Weights(weights) => Ok(Rc::clone(weights)),
            RealKind::Constant(constant) if self.is_float => {
                Ok(Rc::new(Weights::of_floats(constant)))
            }
            RealKind::Constant(_) => Err(ModelError::NotQuantized {
                node: node.name().to_owned(),
                operator: node.qualified_operator(),
                tensor: node.input(index).unwrap_or_default().to_owned(),
            }),
            _ => Err(node.unsupported("weights that depend on the model's input")),
        }
    }

    /// A bias among float operands.
    pub(in crate::model::import) fn bias(
        &self,
        node: NodeView<'_>,
        index: usize,
        id: RealId,
        outputs: usize,
        beta: f32,
    ) -> Result<Bias, ModelError> {
        let Real { shape, kind, .. } = self.real(id);
        let (values, parameters) = match kind {
            RealKind::Weights(weights) => {
                let integers = weights.values.integers().unwrap_or_default().iter().enumerate();
                let values: Vec<_> =
                    integers.map(|(element, &value)| (value, weights.scale(element))).collect();
                let values = BiasValues::Quantized(broadcast_bias(node, shape, &values, outputs)?);
                (values, weights.parameters)
            }
            RealKind::Constant(constant) => {
                let values = constant.floats().expect("constants among expressions are floats");
                let values: Vec<f64> = values.iter().map(|&value| value.into()).collect();
                (BiasValues::Float(broadcast_bias(node, shape, &values, outputs)?), constant.len())
            }
            _ => {
                return Err(node.unsupported(format!(
                    "the bias `{}`, which depends on the model's input,",
                    node.input(index).unwrap_or_default()
                )));
            }
        };
        Ok(Bias { values, parameters, beta })
    }

    fn gemm_expression(
        &mut self,
        node: NodeView<'_>,
        a: TensorId,
        parts: LinearParts,
    ) -> Result<RealId, ModelError> {
        let Geometry::Gemm { inputs, outputs } = parts.geometry else {
            return Err(node.error("it is not a matrix product"));
        };
        let mut shape = self.tensor(a).shape.clone();
        match shape.last_mut() {
            Some(last) if *last == inputs => *last = outputs,
            _ => {
                return Err(node.error(format!(
                    "its input has the shape {shape:?}, its weights take rows of {inputs}"
                )));
            }
        }
        self.linear_expression(node, a, shape, parts)
    }

    /// An expression for a product with weights.
    pub(in crate::model::import) fn linear_expression(
        &mut self,
        node: NodeView<'_>,
        x: TensorId,
        shape: Vec<usize>,
        parts: LinearParts,
    ) -> Result<RealId, ModelError> {
        let parameters =
            parts.weights.len() + parts.bias.as_ref().map_or(0, |bias| bias.parameters);
        self.count_derived(node.name(), parts.weights.len())?;
        let id = self.expression(node, shape, RealKind::Linear(x, Rc::new(parts)), &[])?;
        self.reals[id.0].parameters = parameters;
        Ok(id)
    }

    /// `Gemm(A, B)` of two activations.
    fn gemm_of_activations(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        a: RealId,
        b: RealId,
        alpha: f32,
    ) -> Result<Vec<Value>, ModelError> {
        if node.input(2).is_some() {
            return Err(node.unsupported("a product of two activations with a third input"));
        }
        let b = if node.flag("transB") && self.real(b).shape.len() == 2 {
            self.transposed(node, b, &[1, 0])?
        } else {
            b
        };
        let product = self.product_of_activations(node, positions, a, b, alpha)?;
        Ok(vec![Value::Real(product)])
    }

    pub(in crate::model::import) fn matmul_expression(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        a: RealId,
        b: RealId,
    ) -> Result<RealId, ModelError> {
        if let Some(product) = self.product_with_vector(node, positions, a, b)? {
            return Ok(product);
        }
        let is_constant =
            |real: &Real| matches!(real.kind, RealKind::Weights(_) | RealKind::Constant(_));
        if is_constant(self.real(b)) && self.real(b).shape.len() > 2 && !is_constant(self.real(a)) {
            return self.batched_weights(node, positions, a, b);
        }
        if matches!(self.real(b).kind, RealKind::Weights(_) | RealKind::Constant(_)) {
            let a = self.activation(node, positions[0], a)?;
            let weights = self.weights(node, positions[1], b)?;
            return self.gemm_expression(node, a, mat_mul_parts(node, &weights, false)?);
        }
        if matches!(self.real(a).kind, RealKind::Weights(_) | RealKind::Constant(_))
            && self.real(a).shape.len() == 2
        {
            // W·x is the transpose of xᵀ·Wᵀ.
            let rank = self.real(b).shape.len();
            if rank < 2 {
                return Err(node.unsupported("a vector"));
            }
            let mut permutation: Vec<usize> = (0..rank).collect();
            permutation.swap(rank - 1, rank - 2);
            let x = self.transposed(node, b, &permutation)?;
            let x = self.activation(node, positions[1], x)?;
            let weights = self.weights(node, positions[0], a)?;
            let product = self.gemm_expression(node, x, mat_mul_parts(node, &weights, true)?)?;
            return self.transposed(node, product, &permutation);
        }
        self.product_of_activations(node, positions, a, b, 1.0)
    }

    /// Makes both operands `[batch][rows][columns]`, repeating those that broadcast.
    fn product_of_activations(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        a: RealId,
        b: RealId,
        alpha: f32,
    ) -> Result<RealId, ModelError> {
        let (a_shape, b_shape) = (self.real(a).shape.clone(), self.real(b).shape.clone());
        let ([.., rows, inner], [.., b_inner, columns]) = (a_shape.as_slice(), b_shape.as_slice())
        else {
            return Err(node.unsupported("a product with a vector"));
        };
        let (rows, inner, columns) = (*rows, *inner, *columns);
        if inner != *b_inner {
            return Err(node.error(format!("the shapes {a_shape:?} and {b_shape:?} do not fit")));
        }
        let outer = broadcast(node, &a_shape[..a_shape.len() - 2], &b_shape[..b_shape.len() - 2])?;
        let with = |dims: [usize; 2]| [outer.as_slice(), &dims].concat();
        let a = self.expanded(node, a, &with([rows, inner]))?;
        let b = self.expanded(node, b, &with([inner, columns]))?;
        let operands =
            [self.activation(node, positions[0], a)?, self.activation(node, positions[1], b)?];
        let kind = RealKind::MatMul {
            operands,
            batch: outer.iter().product(),
            rows,
            inner,
            columns,
            alpha,
        };
        self.expression(node, with([rows, columns]), kind, &[])
    }

    /// An integer operand of which each step is worth 1.
    pub(in crate::model::import) fn accumulator_operand(
        &mut self,
        node: NodeView<'_>,
        index: usize,
        zero_point: usize,
        axis: i64,
    ) -> Result<RealId, ModelError> {
        let zero_points = self.optional_constant(node, zero_point)?;
        let scales = vec![1.0; zero_points.as_ref().map_or(1, |constant| constant.len().max(1))];
        self.dequantized_with(node, index, scales, zero_points, axis)
    }

    /// A product with weights, then an operation with a constant per output channel. `None` if it is
    /// something else.
    pub(in crate::model::import) fn folded_into_product(
        &mut self,
        node: NodeView<'_>,
        pair: Pair,
        a: RealId,
        b: RealId,
    ) -> Result<Option<RealId>, ModelError> {
        if self.is_float {
            return Ok(None);
        }
        let (product, constant) = match (&self.real(a).kind, &self.real(b).kind) {
            (RealKind::Linear(..), RealKind::Constant(_) | RealKind::Weights(_)) => (a, b),
            (RealKind::Constant(_) | RealKind::Weights(_), RealKind::Linear(..))
                if matches!(pair, Pair::Add | Pair::Mul) =>
            {
                (b, a)
            }
            _ => return Ok(None),
        };
        let RealKind::Linear(x, parts) = self.real(product).kind.clone() else { return Ok(None) };
        let shape = self.real(product).shape.clone();
        let outputs = parts.geometry.outputs();
        let channel_axis = match parts.geometry {
            Geometry::Gemm { .. } => shape.len() - 1,
            _ => 1,
        };
        let constant_shape = self.real(constant).shape.clone();
        let Some(missing) = shape.len().checked_sub(constant_shape.len()) else { return Ok(None) };
        let only_channels = constant_shape
            .iter()
            .enumerate()
            .all(|(axis, &dim)| dim == 1 || axis + missing == channel_axis);
        let Some(values) = self.constant_reals(constant) else { return Ok(None) };
        let values = match values.as_slice() {
            [value] => vec![*value; outputs],
            _ if only_channels && values.len() == outputs => values,
            _ => return Ok(None),
        };
        if values.iter().any(|value| !value.is_finite()) {
            return Ok(None);
        }
        let (ones, zeros) = (vec![1.0; outputs], vec![0.0; outputs]);
        let inverse = |value: &f32| 1.0 / value;
        let (factors, summands) = match pair {
            Pair::Add => (ones, values),
            Pair::Sub => (ones, values.iter().map(|value| -value).collect()),
            Pair::Mul => (values, zeros),
            Pair::Div if values.iter().all(|value| inverse(value).is_finite()) => {
                (values.iter().map(inverse).collect(), zeros)
            }
            _ => return Ok(None),
        };
        let parameters = self.real(product).parameters + self.parameters(constant);
        let parts = parts.affine(self.tensor(x).quantization.scale, &factors, &summands);
        let id = self.linear_expression(node, x, shape, parts)?;
        self.reals[id.0].parameters = parameters;
        Ok(Some(id))
    }
}
