//! The largest of windows.

use crate::model::import::{Importer, NodeView, RealKind, Value};
use crate::model::{MaxPool, ModelError, Tensor};

/// The largest of each window over planes.
pub(super) fn of_planes(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
    x: Value,
    pool: MaxPool,
    output: Vec<usize>,
) -> Result<Value, ModelError> {
    if pool.window.has_empty_positions() {
        return Err(node.unsupported("a window that lies in the padding"));
    }
    let name = node.proto.output.first().cloned().unwrap_or_default();
    match x {
        Value::Integers(x) => {
            let quantization = importer.tensor(x).quantization;
            let output = Tensor { name, shape: output, quantization };
            Ok(Value::Integers(importer.emit_max_pool(node.name(), x, pool, output)?))
        }
        x => {
            let x = match x {
                Value::Real(x) => x,
                _ => importer.real_input(node, 0)?,
            };
            // Of an activation, the largest has the same scale: no need to wait for one.
            let kind = if let RealKind::Activation(tensor) = importer.real(x).kind {
                let quantization = importer.tensor(tensor).quantization;
                let tensor_out = Tensor { name, shape: output.clone(), quantization };
                let pooled = importer.emit_max_pool(node.name(), tensor, pool, tensor_out)?;
                importer.moved_in_group(node, &[tensor], pooled);
                RealKind::Activation(pooled)
            } else {
                RealKind::MaxPool(pool, x)
            };
            Ok(Value::Real(importer.expression(node, output, kind, &[x])?))
        }
    }
}
