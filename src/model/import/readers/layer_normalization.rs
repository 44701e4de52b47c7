//! LayerNormalization, as one node or written out, in integers.

use std::rc::Rc;

use super::linear::broadcast_bias;
use crate::model::import::{
    Importer, NodeView, RealId, RealKind, Value,
    expression::{Normalization, Pair, ReduceMean},
    function::Function,
};
use crate::model::{ModelError, TensorId};

/// `LayerNormalization(X, weights, bias)` along the last axes.
pub(in crate::model::import) fn layer_normalization(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.proto.output.iter().skip(1).any(|name| !name.is_empty()) {
        return Err(node.unsupported("the output of means"));
    }
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let axis = node.resolve_axis(node.int("axis").unwrap_or(-1), shape.len())?;
    let length: usize = shape[axis..].iter().product();
    let x = importer.activation(node, 0, x)?;
    let mut parameters = 0;
    let mut per_element = |index, default: f32| -> Result<Vec<f32>, ModelError> {
        let Some(id) = importer.optional_real_input(node, index)? else {
            return Ok(vec![default; length]);
        };
        let values = importer
            .constant_reals(id)
            .ok_or_else(|| node.unsupported("weights that depend on the model's input"))?;
        parameters += values.len();
        broadcast_bias(node, &[values.len()], &values, length)
    };
    let weights = per_element(1, 1.0)?;
    let bias = per_element(2, 0.0)?;
    let normalization = Normalization { epsilon: node.float("epsilon", 1e-5)?, weights, bias };
    let kind = RealKind::LayerNormalization(x, Rc::new(normalization));
    let id = importer.expression(node, shape, kind, &[])?;
    importer.reals[id.0].parameters = parameters;
    Ok(vec![Value::Real(id)])
}

impl Importer<'_> {
    /// Recognizes the last steps of a layer normalization that is written out as
    /// `(x − mean(x)) / sqrt(mean((x − mean(x))²) + ε) · weights + bias`.
    pub(in crate::model::import) fn normalization(
        &mut self,
        node: NodeView<'_>,
        pair: Pair,
        a: RealId,
        b: RealId,
    ) -> Result<Option<RealId>, ModelError> {
        if self.is_float {
            return Ok(None);
        }
        let (kind, parameters) = match pair {
            Pair::Div => match self.quotient(a, b) {
                Some((x, epsilon)) => {
                    let length = self.tensor(x).shape.last().copied().unwrap_or(1);
                    let normalization = Normalization {
                        epsilon,
                        weights: vec![1.0; length],
                        bias: vec![0.0; length],
                    };
                    (RealKind::LayerNormalization(x, Rc::new(normalization)), 0)
                }
                None => return Ok(None),
            },
            Pair::Mul | Pair::Add => {
                let (normalized, constant) = match (&self.real(a).kind, &self.real(b).kind) {
                    (RealKind::LayerNormalization(..), _) => (a, b),
                    (_, RealKind::LayerNormalization(..)) => (b, a),
                    _ => return Ok(None),
                };
                let RealKind::LayerNormalization(x, normalization) = &self.real(normalized).kind
                else {
                    return Ok(None);
                };
                let (x, length) = (*x, normalization.weights.len());
                let Some(values) = self.constant_reals(constant) else { return Ok(None) };
                let count = values.len();
                let is_row = self.real(constant).shape.iter().rev().skip(1).all(|&dim| dim == 1);
                let values = match values.as_slice() {
                    [value] => vec![*value; length],
                    _ if is_row && count == length => values,
                    _ => return Ok(None),
                };
                let mut result = (**normalization).clone();
                let elements = result.weights.iter_mut().zip(&mut result.bias).zip(&values);
                for ((weight, bias), value) in elements {
                    if pair == Pair::Mul {
                        *weight *= value;
                        *bias *= value;
                    } else {
                        *bias += value;
                    }
                }
                let parameters = self.real(normalized).parameters + count;
                (RealKind::LayerNormalization(x, Rc::new(result)), parameters)
            }
            _ => return Ok(None),
        };
        let RealKind::LayerNormalization(x, _) = &kind else { return Ok(None) };
        let shape = self.tensor(*x).shape.clone();
        let id = self.expression(node, shape, kind, &[a, b])?;
        self.reals[id.0].parameters = parameters;
        Ok(Some(id))
    }

    /// The activation and ε of `(x − mean(x)) / sqrt(mean((x − mean(x))²) + ε)`.
    fn quotient(&self, a: RealId, b: RealId) -> Option<(TensorId, f32)> {
        let x = self.centred(a)?;
        let RealKind::Elementwise(Function::Sqrt, sum) = self.real(b).kind else { return None };
        let RealKind::Pair { pair: Pair::Add, operands: [variance, epsilon], .. } =
            self.real(sum).kind
        else {
            return None;
        };
        let (variance, epsilon) = match self.uniform(epsilon) {
            Some(epsilon) => (variance, epsilon),
            None => (epsilon, self.uniform(variance)?),
        };
        let RealKind::MeanOf(square) = self.real(variance).kind else { return None };
        let RealKind::Pair { pair, operands: [base, other], .. } = self.real(square).kind else {
            return None;
        };
        let is_square = match pair {
            Pair::Pow => self.uniform(other) == Some(2.0),
            Pair::Mul => self.centred(other) == Some(x),
            _ => false,
        };
        (is_square && self.centred(base) == Some(x) && epsilon.is_finite()).then_some((x, epsilon))
    }

    /// The activation `x` of an expression `x − mean(x)` along the last axis.
    fn centred(&self, id: RealId) -> Option<TensorId> {
        let RealKind::Pair { pair: Pair::Sub, operands: [x, mean], .. } = self.real(id).kind else {
            return None;
        };
        let RealKind::Activation(x) = self.real(x).kind else { return None };
        // The mean is repeated along the row.
        let RealKind::View(_, inputs) = &self.real(mean).kind else { return None };
        let RealKind::Reduce { x: of, length, mean: ReduceMean::Mean, .. } =
            &self.real(*inputs.first()?).kind
        else {
            return None;
        };
        (*of == x && Some(length) == self.tensor(x).shape.last()).then_some(x)
    }
}
