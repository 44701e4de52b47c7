//! `TopK(X, K)`: the first elements of each line when it is sorted, and their positions; [`top`] finds them in integers.

use crate::model::import::{Importer, NodeView, RealKind, Value, ranking::Ranking, shape::around};
use crate::model::{
    Exactness, ModelError, Operator, Origin, Quantization, Tensor, TensorId, limits,
    top::{self, Growing, LONGEST, Lines, POSITIONS},
};

pub(in crate::model::import) fn top_k(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let count = match importer.list(node, "k", 1)?.as_deref() {
        Some(&[count]) => count,
        _ => return Err(node.error("its number of elements is not one integer")),
    };
    if node.int("sorted").unwrap_or(1) == 0 {
        return Err(node.unsupported("an order that is left open (`sorted` = 0)"));
    }
    let x = importer.real_input(node, 0)?;
    let x = importer.activation(node, 0, x)?;
    let shape = importer.tensor(x).shape.clone();
    let axis = node.resolve_axis(node.int("axis").unwrap_or(-1), shape.len())?;
    let (_, length, inner) = around(&shape, axis);
    let count = usize::try_from(count).ok().filter(|count| (1..=length).contains(count));
    let count = count.ok_or_else(|| {
        node.error(format!("it asks for a number of elements other than 1 to {length}"))
    })?;
    if length > LONGEST {
        return Err(node.unsupported(format!("more than {LONGEST} elements in a line")));
    }
    let is_least = node.int("largest").unwrap_or(1) == 0;
    let ranking = Ranking { x, length, inner, count, is_least, select_last: false };
    let mut output = shape;
    output[axis] = count;
    if importer.is_float {
        let values = importer.expression(node, output.clone(), RealKind::First(ranking), &[])?;
        let name = node.proto.output.get(1).cloned().unwrap_or_default();
        let positions = importer.add_tensor(&name, output, POSITIONS)?;
        importer.rankings.insert(positions, ranking);
        return Ok(vec![Value::Real(values), Value::Integers(positions)]);
    }
    let [values, positions] = first_of_lines(importer, node, ranking, &output)?;
    let values = importer.expression(node, output, RealKind::Activation(values), &[])?;
    Ok(vec![Value::Real(values), Value::Integers(positions)])
}

/// The integers of values and positions.
pub(in crate::model::import) fn first_of_lines(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
    ranking: Ranking,
    shape: &[usize],
) -> Result<[TensorId; 2], ModelError> {
    let Ranking { x, length, inner, count, is_least, .. } = ranking;
    let lines = Lines { x, length, inner, count, is_least };
    top::first_of_lines(&mut Steps { importer, node }, lines, shape)
}

/// Steps on the way to the node's outputs.
struct Steps<'a, 'b> {
    importer: &'a mut Importer<'b>,
    node: NodeView<'a>,
}

impl Growing for Steps<'_, '_> {
    fn tensor(&self, id: TensorId) -> &Tensor {
        self.importer.tensor(id)
    }

    fn make_room(&mut self, elements: usize) -> Result<(), ModelError> {
        self.importer.count_elements(self.node.name(), elements)
    }

    fn add(
        &mut self,
        operator: Operator,
        inputs: Vec<TensorId>,
        shape: Vec<usize>,
        quantization: Quantization,
    ) -> Result<TensorId, ModelError> {
        let Self { importer, node } = self;
        limits::elements(node.name(), &shape)?;
        let name = format!("{} ({})", node.name(), importer.graph.tensors.len());
        let origin = Origin { operator: "TopK".into(), exactness: Exactness::Exact, parameters: 0 };
        importer.add_node(
            node.name(),
            operator,
            inputs,
            Tensor { name, shape, quantization },
            origin,
        )
    }
}
