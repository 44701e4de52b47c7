//! Concat and QLinearConcat.

use std::rc::Rc;

use crate::model::import::{
    Constant, Importer, NodeView, Value,
    constant::Data,
    expression::{Elements, element},
    shape::around,
};
use crate::model::{ElementType, ModelError, Quantization, TensorId, View, limits};

/// `Concat(x, …)` and, with a scale and a zero point each, `QLinearConcat`.
pub(in crate::model::import) fn concat(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let inputs = (0..node.proto.input.len())
        .map(|i| importer.required(node, i))
        .collect::<Result<Vec<_>, _>>()?;
    if let Some(constants) = inputs
        .iter()
        .map(|value| if let Value::Constant(constant) = value { Some(constant) } else { None })
        .collect::<Option<Vec<_>>>()
        && constants.iter().all(|constant| matches!(constant.data, Data::Int64(_)))
    {
        // Shapes that exporters compute from parts.
        let values = constants.iter().flat_map(|c| c.integers().unwrap_or_default()).collect();
        if constants.iter().all(|constant| constant.shape.len() == 1) {
            let data = Data::Int64(values);
            let constant = Constant::new(vec![constants.iter().map(|c| c.len()).sum()], data);
            limits::elements(node.name(), &constant.shape)?;
            return Ok(vec![Value::Constant(Rc::new(constant))]);
        }
    }
    let tensors: Option<Vec<TensorId>> = inputs
        .iter()
        .map(|value| if let Value::Integers(tensor) = value { Some(*tensor) } else { None })
        .collect();
    let shapes =
        inputs.iter().map(|value| importer.shape_of(node, value)).collect::<Result<Vec<_>, _>>()?;
    let elements = concatenation(node, &shapes)?;
    if let Some(tensors) = tensors {
        let first = importer.tensor(tensors[0]).quantization;
        let others = || tensors.iter().map(|&tensor| importer.tensor(tensor).quantization);
        if others().any(|own| own.element != first.element) {
            return Err(node.unsupported("integers of different types"));
        }
        let are_alike = others().all(|own| own == first);
        let view = importer.emit_view(node, &tensors, elements, node.proto.output.first())?;
        if !are_alike {
            // Integers all the same: what they stand for is what the node after it says.
            let plain = Quantization { scale: 1.0, zero_point: 0, element: first.element };
            importer.graph.tensors[view.0].quantization = plain;
            importer.unscaled.insert(view);
        }
        return Ok(vec![Value::Integers(view)]);
    }
    let reals =
        (0..inputs.len()).map(|i| importer.real_input(node, i)).collect::<Result<Vec<_>, _>>()?;
    Ok(vec![Value::Real(importer.view_of_reals(node, &reals, elements)?)])
}

/// `QLinearConcat(Y scale, Y zero point, (X, X scale, X zero point) …)`.
pub(in crate::model::import) fn qlinear_concat(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let count = node.proto.input.len().saturating_sub(2) / 3;
    let reals = (0..count)
        .map(|i| importer.dequantized(node, [2 + 3 * i, 3 + 3 * i, 4 + 3 * i], 1))
        .collect::<Result<Vec<_>, _>>()?;
    let shapes: Vec<_> = reals.iter().map(|&id| importer.real(id).shape.clone()).collect();
    let elements = concatenation(node, &shapes)?;
    let joined = importer.view_of_reals(node, &reals, elements)?;
    let quantization = importer.output_quantization(node, 0, 1, ElementType::Uint8)?;
    importer.quantize_output(node, joined, quantization)
}

fn concatenation(node: NodeView<'_>, shapes: &[Vec<usize>]) -> Result<Elements, ModelError> {
    let first = shapes.first().ok_or_else(|| node.error("it has no inputs"))?;
    let axis = node.int("axis").ok_or_else(|| node.error("attribute `axis` is missing"))?;
    let axis = node.resolve_axis(axis, first.len())?;
    let mut shape = first.clone();
    shape[axis] = 0;
    for other in shapes {
        let fits = other.len() == first.len()
            && (0..first.len()).all(|i| i == axis || other[i] == first[i]);
        if !fits {
            return Err(node.error(format!("{first:?} and {other:?} cannot be joined")));
        }
        shape[axis] += other[axis];
    }
    limits::elements(node.name(), &shape)?;
    let (outer, _, below) = around(&shape, axis);
    let mut elements = Vec::new();
    for o in 0..outer {
        for (input, other) in shapes.iter().enumerate() {
            let len = other[axis] * below;
            elements.extend((0..len).map(|i| element(input, o * len + i)));
        }
    }
    Ok(Elements { shape, view: View::Elements(elements) })
}
