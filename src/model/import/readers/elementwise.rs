//! Functions of each element.

use std::rc::Rc;

use crate::model::import::{
    Constant, Data, Importer, NodeView, RealKind, Value, function::Function,
};
use crate::model::{ElementType, ModelError};

/// A float operator that is a function of each element.
pub(in crate::model::import) fn elementwise(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let function = Function::read(importer, node)?;
    if let Value::Constant(x) = importer.required(node, 0)?
        && let Some(values) = x.floats()
    {
        importer.count_elements(node.name(), values.len())?;
        let values = values.iter().map(|&x| function.apply(x)).collect();
        let known = Constant::new(x.shape.clone(), Data::Float(values));
        return Ok(vec![Value::Constant(Rc::new(known))]);
    }
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let kind = RealKind::Elementwise(function, x);
    Ok(vec![Value::Real(importer.expression(node, shape, kind, &[x])?)])
}

/// The same in quantized form: `(X, X scale, X zero point, Y scale, Y zero point)`.
pub(in crate::model::import) fn qlinear_elementwise(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.dequantized(node, [0, 1, 2], 1)?;
    let function = Function::read(importer, node)?;
    let shape = importer.real(x).shape.clone();
    let kind = RealKind::Elementwise(function, x);
    let y = importer.expression(node, shape, kind, &[x])?;
    let quantization = importer.output_quantization(node, 3, 4, ElementType::Uint8)?;
    importer.quantize_output(node, y, quantization)
}
