//! What nodes take.

use std::rc::Rc;

use super::{Constant, Importer, NodeView, RealId, RealKind, Value};
use crate::model::{ModelError, TensorId};

impl Importer<'_> {
    /// An input of a node, `None` if it is left out.
    pub(super) fn optional(&self, node: NodeView<'_>, index: usize) -> Option<Value> {
        node.input(index).and_then(|name| self.values.get(name)).cloned()
    }

    pub(super) fn required(&self, node: NodeView<'_>, index: usize) -> Result<Value, ModelError> {
        self.optional(node, index)
            .ok_or_else(|| node.error(format!("its input {index} is missing")))
    }

    /// An input that must be known from the file.
    pub(super) fn constant(
        &self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Rc<Constant>, ModelError> {
        match self.required(node, index)? {
            Value::Constant(constant) => Ok(constant),
            _ => Err(node.unsupported(format!(
                "`{}`, which depends on the model's input,",
                node.input(index).unwrap_or_default()
            ))),
        }
    }

    pub(super) fn optional_constant(
        &self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Option<Rc<Constant>>, ModelError> {
        node.input(index).map(|_| self.constant(node, index)).transpose()
    }

    /// A constant float input that is one number.
    pub(super) fn constant_float(
        &self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Option<f32>, ModelError> {
        Ok(match self.required(node, index)? {
            Value::Constant(constant) => match constant.floats() {
                Some(&[value]) => Some(value),
                _ => None,
            },
            Value::Real(id) => self.uniform(id),
            _ => None,
        })
    }

    /// A float input of a node; constants become expressions.
    pub(super) fn real_input(
        &mut self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<RealId, ModelError> {
        match self.required(node, index)? {
            Value::Real(id) => Ok(id),
            Value::Constant(constant) if constant.floats().is_some() => {
                let shape = constant.shape.clone();
                self.expression(node, shape, RealKind::Constant(constant), &[])
            }
            Value::Constant(constant) => {
                Err(self.type_error(node, index, constant.data.type_name()))
            }
            Value::Integers(_) => Err(self.type_error(node, index, "an integer tensor")),
            Value::Unknown => Err(node.error("it uses the output of an unsupported node")),
        }
    }

    pub(super) fn optional_real_input(
        &mut self,
        node: NodeView<'_>,
        index: usize,
    ) -> Result<Option<RealId>, ModelError> {
        node.input(index).map(|_| self.real_input(node, index)).transpose()
    }

    pub(super) fn type_error(&self, node: NodeView<'_>, index: usize, got: &str) -> ModelError {
        node.error(format!(
            "its input `{}` is {got}, expected float32",
            node.input(index).unwrap_or_default()
        ))
    }

    /// The activation behind a float input that must have come from DequantizeLinear.
    pub(super) fn activation(
        &mut self,
        node: NodeView<'_>,
        index: usize,
        id: RealId,
    ) -> Result<TensorId, ModelError> {
        match self.real(id).kind {
            RealKind::Activation(tensor) => Ok(tensor),
            RealKind::Constant(_) | RealKind::Weights(_) => {
                Err(node.unsupported("an input that does not depend on the model's input"))
            }
            _ if self.is_float => self.materialize(id),
            _ => Err(ModelError::NotQuantized {
                node: node.name().to_owned(),
                operator: node.qualified_operator(),
                tensor: node.input(index).unwrap_or_default().to_owned(),
            }),
        }
    }

    /// The values of a constant expression.
    pub(super) fn constant_reals(&self, id: RealId) -> Option<Vec<f32>> {
        match &self.real(id).kind {
            RealKind::Constant(constant) => constant.floats().map(<[f32]>::to_vec),
            RealKind::Weights(weights) => Some(weights.reals()),
            _ => None,
        }
    }

    /// The value of a constant expression that is the same everywhere.
    pub(super) fn uniform(&self, id: RealId) -> Option<f32> {
        let same = |mut reals: std::slice::Iter<'_, f32>| {
            let first = *reals.next()?;
            reals.all(|real| real.to_bits() == first.to_bits()).then_some(first)
        };
        match &self.real(id).kind {
            RealKind::Constant(constant) => same(constant.floats()?.iter()),
            RealKind::Weights(weights) => {
                let values = weights.values.integers()?;
                let first = values.first()?;
                let uniform =
                    weights.scales.len() == 1 && values.iter().all(|value| value == first);
                uniform.then(|| weights.real(0))
            }
            _ => None,
        }
    }
}
