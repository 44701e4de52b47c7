//! From a float expression and the QuantizeLinear that ends it to integer operators.

use super::{Importer, NodeView, RealId, RealKind, Value, function::Function};
use crate::model::{
    ElementType, ModelError, Operator, Origin, Quantization, Table, Tensor, TensorId, Unsupported,
};

/// A float operator that is a function of each element.
pub(super) fn elementwise(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let function = function(importer, node)?;
    let shape = importer.real(x).shape.clone();
    let kind = RealKind::Elementwise(function, x);
    Ok(vec![Value::Real(importer.expression(node, shape, kind, &[x])?)])
}

/// The same in quantized form: `(X, X scale, X zero point, Y scale, Y zero point)`.
pub(super) fn qlinear_elementwise(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.dequantized(node, [0, 1, 2], 1)?;
    let function = function(importer, node)?;
    let shape = importer.real(x).shape.clone();
    let kind = RealKind::Elementwise(function, x);
    let y = importer.expression(node, shape, kind, &[x])?;
    let quantization = importer.output_quantization(node, 3, 4, ElementType::Uint8)?;
    importer.quantize_output(node, y, quantization)
}

fn function(importer: &Importer<'_>, node: NodeView<'_>) -> Result<Function, ModelError> {
    Ok(match node.operator() {
        "Relu" => Function::Relu,
        "Clip" => {
            let bound = |index, default: f32| -> Result<f32, ModelError> {
                match importer.optional_constant(node, index)? {
                    None => Ok(default),
                    Some(constant) => match constant.floats() {
                        Some(&[bound]) if !bound.is_nan() => Ok(bound),
                        _ => Err(node.error("its bounds are not float32 numbers")),
                    },
                }
            };
            let (low, high) = (bound(1, f32::NEG_INFINITY)?, bound(2, f32::INFINITY)?);
            if low > high {
                return Err(node.error(format!("its bounds are {low} and {high}")));
            }
            Function::Clip(low, high)
        }
        "Sigmoid" | "QLinearSigmoid" => Function::Sigmoid,
        _ => return Err(node.unsupported("this function")),
    })
}

impl Importer<'_> {
    /// The output of an operator in quantized form.
    pub(super) fn quantize_output(
        &mut self,
        node: NodeView<'_>,
        real: RealId,
        quantization: Quantization,
    ) -> Result<Vec<Value>, ModelError> {
        let output = node.proto.output.first().map_or("", String::as_str);
        Ok(vec![Value::Integers(self.quantize(real, quantization, output)?)])
    }

    /// Makes the integer operators that give a float expression, quantized.
    pub(super) fn quantize(
        &mut self,
        id: RealId,
        quantization: Quantization,
        output: &str,
    ) -> Result<TensorId, ModelError> {
        let real = self.real(id).clone();
        let tensor = Tensor { name: output.to_owned(), shape: real.shape.clone(), quantization };
        // Clamps commute with quantization, so they can be part of the operator below them.
        let (min, max) = quantization.element.range();
        let mut bounds = (min, max);
        let mut below = id;
        while let RealKind::Elementwise(function, operand) = self.real(below).kind
            && let Some((low, high)) = function.as_clamp()
        {
            let (low, high) = (quantization.quantize(low), quantization.quantize(high));
            bounds = (bounds.0.clamp(low, high), bounds.1.clamp(low, high));
            below = operand;
        }
        match &self.real(below).kind {
            RealKind::Input(position) => {
                let position = *position;
                if below != id {
                    return Err(unsupported(&real.node, &real.operator, "a float input"));
                }
                match self.inputs[position].tensor {
                    None => {
                        let name = self.inputs[position].name.clone();
                        let tensor = self.add_tensor(&name, real.shape, quantization)?;
                        self.inputs[position].tensor = Some(tensor);
                        Ok(tensor)
                    }
                    Some(tensor) if self.tensor(tensor).quantization == quantization => Ok(tensor),
                    Some(_) => Err(unsupported(
                        &real.node,
                        &real.operator,
                        "an input that is quantized in two ways",
                    )),
                }
            }
            RealKind::Activation(x)
                if below == id && self.tensor(*x).quantization == quantization =>
            {
                Ok(*x)
            }
            RealKind::Linear(x, parts) => {
                let (x, parts) = (*x, std::rc::Rc::clone(parts));
                let linear = self.real(below).clone();
                self.lower_linear(&linear, x, &parts, quantization, bounds, tensor)
            }
            _ => self.lower_table(id, tensor),
        }
    }

    /// An expression of one activation's elements, as a table.
    fn lower_table(&mut self, id: RealId, output: Tensor) -> Result<TensorId, ModelError> {
        let real = self.real(id).clone();
        let x = self.table_source(id)?;
        let input = self.tensor(x).quantization;
        let (min, max) = input.element.range();
        let values = (min..=max)
            .map(|q| output.quantization.quantize(self.evaluate_at(id, input.dequantize(q))))
            .collect();
        let operator = match real.operator.as_str() {
            "Sigmoid" => "QLinearSigmoid".to_owned(),
            other => other.to_owned(),
        };
        let origin = Origin { operator, parameters: 0 };
        self.add_node(&real.node, Operator::Table(Table { values }), vec![x], output, origin)
    }

    /// The one activation that an elementwise expression depends on.
    fn table_source(&self, id: RealId) -> Result<TensorId, ModelError> {
        let real = self.real(id);
        match real.kind {
            RealKind::Activation(tensor) => Ok(tensor),
            RealKind::Elementwise(_, operand) => self.table_source(operand),
            _ => Err(unsupported(
                &real.node,
                &real.operator,
                "a float operator without QuantizeLinear right after it",
            )),
        }
    }

    /// The expression's value where the activation is `x`.
    fn evaluate_at(&self, id: RealId, x: f32) -> f32 {
        match self.real(id).kind {
            RealKind::Elementwise(function, operand) => {
                function.apply(self.evaluate_at(operand, x))
            }
            _ => x,
        }
    }
}

/// A combination of nodes that ONNX allows and this crate does not support.
pub(super) fn unsupported(node: &str, operator: &str, reason: &str) -> ModelError {
    ModelError::Unsupported(vec![Unsupported {
        node: node.to_owned(),
        operator: operator.to_owned(),
        reason: Some(reason.to_owned()),
    }])
}
