//! Ensembles of decision trees.

use std::rc::Rc;

use crate::model::ModelError;
use crate::model::import::{Importer, NodeView, RealKind, Value, ensemble::Ensemble};

/// `TreeEnsembleRegressor(X)`.
pub(in crate::model::import) fn regressor(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let &[1, features] = importer.real(x).shape.as_slice() else {
        return Err(node.unsupported(format!("an input of shape {:?}", importer.real(x).shape)));
    };
    let ensemble = Ensemble::read(node, features)?;
    let splits: usize = ensemble.trees.iter().map(|tree| tree.splits.len()).sum();
    importer.count_elements(node.name(), splits)?;
    let shape = vec![1, ensemble.targets];
    let id = importer.expression(node, shape, RealKind::Trees(x, Rc::new(ensemble)), &[x])?;
    importer.reals[id.0].parameters = 2 * splits;
    Ok(vec![Value::Real(id)])
}
