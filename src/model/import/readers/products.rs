//! Products that are brought to a product of matrices: Einsum, weights for each of a batch, CumSum.

use crate::model::import::{
    Importer, NodeView, RealId, RealKind, Value,
    expression::{ConvShape, Elements, Geometry, LinearParts, WeightValues, Weights},
    shape::broadcast,
};
use crate::model::{Exactness, ModelError, View, Window};

/// `Einsum(a, b)` of two operands: each label is of both and stays, is summed over, or is of one of them.
pub(in crate::model::import) fn einsum(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let equation: String =
        node.string("equation")?.unwrap_or_default().chars().filter(|c| *c != ' ').collect();
    let unsupported = || node.unsupported(format!("the equation `{equation}`"));
    let (left, out) = equation.split_once("->").ok_or_else(unsupported)?;
    let operands: Vec<Vec<char>> = left.split(',').map(|part| part.chars().collect()).collect();
    let out: Vec<char> = out.chars().collect();
    let is_plain = |labels: &Vec<char>| {
        labels.iter().all(char::is_ascii_alphabetic)
            && (1..labels.len()).all(|i| !labels[..i].contains(&labels[i]))
    };
    if !operands.iter().chain([&out]).all(is_plain) || operands.len() != node.proto.input.len() {
        return Err(unsupported());
    }
    let ids = (0..operands.len())
        .map(|index| importer.real_input(node, index))
        .collect::<Result<Vec<_>, _>>()?;
    for (labels, &id) in operands.iter().zip(&ids) {
        if labels.len() != importer.real(id).shape.len() {
            return Err(node.error(format!("`{equation}` does not fit its inputs' shapes")));
        }
    }
    let (mut operands, mut ids, mut positions) = (operands, ids, [0, 1]);
    // Weights are on the right.
    if operands.len() == 2
        && matches!(importer.real(ids[0]).kind, RealKind::Constant(_) | RealKind::Weights(_))
    {
        operands.swap(0, 1);
        ids.swap(0, 1);
        positions.swap(0, 1);
    }
    let order = |from: &[char], to: &[char]| -> Option<Vec<usize>> {
        to.iter().map(|label| from.iter().position(|other| other == label)).collect()
    };
    let ([a_labels, b_labels], [a, b]) = (operands.as_slice(), ids.as_slice()) else {
        let ([labels], [x]) = (operands.as_slice(), ids.as_slice()) else {
            return Err(unsupported());
        };
        let permutation = order(labels, &out)
            .filter(|order| order.len() == labels.len())
            .ok_or_else(unsupported)?;
        return Ok(vec![Value::Real(importer.transposed(node, *x, &permutation)?)]);
    };
    let of = |labels: &[char], in_other: bool, in_out: bool, other: &[char]| -> Vec<char> {
        let is = |label: &&char| other.contains(label) == in_other && out.contains(label) == in_out;
        labels.iter().filter(is).copied().collect()
    };
    let batch = of(a_labels, true, true, b_labels);
    let summed = of(a_labels, true, false, b_labels);
    let rows = of(a_labels, false, true, b_labels);
    let columns = of(b_labels, false, true, a_labels);
    let all = batch.len() + summed.len() + rows.len();
    if all != a_labels.len() || batch.len() + summed.len() + columns.len() != b_labels.len() {
        return Err(unsupported());
    }
    let length = |importer: &Importer<'_>, labels: &[char]| -> Vec<usize> {
        let find = |label: &char| {
            let own = |labels: &[char], id: RealId| {
                labels.iter().position(|l| l == label).map(|at| importer.real(id).shape[at])
            };
            own(a_labels, *a).or_else(|| own(b_labels, *b)).unwrap_or(1)
        };
        labels.iter().map(find).collect()
    };
    let lengths = [&batch, &rows, &summed, &columns].map(|labels| length(importer, labels));
    let [batch_len, rows_len, summed_len, columns_len] =
        [0, 1, 2, 3].map(|i| lengths[i].iter().product::<usize>());
    let mut arrange = |id: RealId, from: &[char], parts: [&[char]; 3], shape: [usize; 3]| {
        let order = order(from, &parts.concat()).ok_or_else(unsupported)?;
        let moved = importer.transposed(node, id, &order)?;
        let elements = Elements { shape: shape.to_vec(), view: View::Reshape };
        importer.view_of_reals(node, &[moved], elements)
    };
    let a = arrange(*a, a_labels, [&batch, &rows, &summed], [batch_len, rows_len, summed_len])?;
    let b =
        arrange(*b, b_labels, [&batch, &summed, &columns], [batch_len, summed_len, columns_len])?;
    let product = importer.matmul_expression(node, positions, a, b)?;
    let shape: Vec<usize> =
        [0, 1, 3].iter().flat_map(|&part| lengths[part].iter().copied()).collect();
    let elements = Elements { shape, view: View::Reshape };
    let product = importer.view_of_reals(node, &[product], elements)?;
    let made: Vec<char> = [&batch[..], &rows, &columns].concat();
    let permutation = order(&made, &out).ok_or_else(unsupported)?;
    Ok(vec![Value::Real(importer.transposed(node, product, &permutation)?)])
}

/// `CumSum(x, axis)`: a product with a triangle of ones.
pub(in crate::model::import) fn cum_sum(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let axis = importer.constant(node, 1)?.integers().unwrap_or_default();
    let &[axis] = axis.as_slice() else { return Err(node.error("its axis is not one integer")) };
    let axis = node.resolve_axis(axis, shape.len())?;
    let (is_exclusive, is_reverse) = (node.flag("exclusive"), node.flag("reverse"));
    let length = shape[axis];
    let counts = |output: usize, input: usize| match (is_reverse, is_exclusive) {
        (false, false) => input <= output,
        (false, true) => input < output,
        (true, false) => input >= output,
        (true, true) => input > output,
    };
    let weights = (0..length)
        .flat_map(|output| (0..length).map(move |input| i32::from(counts(output, input))))
        .collect();
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.swap(axis, shape.len() - 1);
    let moved = importer.transposed(node, x, &order)?;
    let moved_shape = importer.real(moved).shape.clone();
    let tensor = importer.activation(node, 0, moved)?;
    let parts = LinearParts {
        geometry: Geometry::Gemm { inputs: length, outputs: length },
        weights: WeightValues::Integers(weights),
        weights_element: None,
        scales: vec![1.0],
        bias: None,
        alpha: 1.0,
        quantized_name: "CumSum",
        exactness: Exactness::Approximate,
    };
    let sums = importer.linear_expression(node, tensor, moved_shape, parts)?;
    Ok(vec![Value::Real(importer.transposed(node, sums, &order)?)])
}

impl Importer<'_> {
    /// `MatMul(a, b)` with weights of rank 3 or more: a convolution with a group for each of the batch.
    pub(in crate::model::import) fn batched_weights(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        a: RealId,
        b: RealId,
    ) -> Result<RealId, ModelError> {
        let (a_shape, b_shape) = (self.real(a).shape.clone(), self.real(b).shape.clone());
        let ([a_outer @ .., rows, inner], [b_outer @ .., b_inner, columns]) =
            (a_shape.as_slice(), b_shape.as_slice())
        else {
            return Err(node.unsupported("a product with a vector"));
        };
        let (rows, inner, columns) = (*rows, *inner, *columns);
        if inner != *b_inner {
            return Err(node.error(format!("the shapes {a_shape:?} and {b_shape:?} do not fit")));
        }
        let outer = broadcast(node, a_outer, b_outer)?;
        let batch: usize = outer.iter().product();
        let with = |dims: [usize; 2]| [outer.as_slice(), &dims].concat();
        let reshape = |shape: Vec<usize>| Elements { shape, view: View::Reshape };
        let a = self.expanded(node, a, &with([rows, inner]))?;
        let a = self.view_of_reals(node, &[a], reshape(vec![batch, rows, inner]))?;
        let a = self.transposed(node, a, &[0, 2, 1])?;
        let a = self.view_of_reals(node, &[a], reshape(vec![1, batch * inner, rows]))?;
        let b = self.expanded(node, b, &with([inner, columns]))?;
        let b = self.view_of_reals(node, &[b], reshape(vec![batch, inner, columns]))?;
        let b = self.transposed(node, b, &[0, 2, 1])?;
        let b = self.view_of_reals(node, &[b], reshape(vec![batch * columns, inner, 1]))?;
        let x = self.activation(node, positions[0], a)?;
        let weights: Weights = (*self.weights(node, positions[1], b)?).clone();
        if weights.scales.len() > 1 && weights.axis != 0 {
            return Err(node.unsupported("weights with a scale per input channel"));
        }
        let window = Window {
            input: [1, rows],
            output: [1, rows],
            kernel: [1, 1],
            strides: [1, 1],
            dilations: [1, 1],
            pads: [0, 0],
        };
        let (inputs, outputs) = (batch * inner, batch * columns);
        let conv = ConvShape { batch: 1, inputs, outputs, group: batch, window };
        let parts = LinearParts::new("QLinearMatMul", Geometry::Conv(conv), weights);
        let y = self.linear_expression(node, x, vec![1, outputs, rows], parts)?;
        let y = self.view_of_reals(node, &[y], reshape(vec![batch, columns, rows]))?;
        let y = self.transposed(node, y, &[0, 2, 1])?;
        self.view_of_reals(node, &[y], reshape(with([rows, columns])))
    }

    /// Makes vectors matrices: `None` if neither is one.
    pub(in crate::model::import) fn product_with_vector(
        &mut self,
        node: NodeView<'_>,
        positions: [usize; 2],
        a: RealId,
        b: RealId,
    ) -> Result<Option<RealId>, ModelError> {
        let (a_shape, b_shape) = (self.real(a).shape.clone(), self.real(b).shape.clone());
        if a_shape.len() > 1 && b_shape.len() > 1 {
            return Ok(None);
        }
        let reshape = |shape: Vec<usize>| Elements { shape, view: View::Reshape };
        let (mut left, mut right) = (a, b);
        if let &[length] = a_shape.as_slice() {
            left = self.view_of_reals(node, &[a], reshape(vec![1, length]))?;
        }
        if let &[length] = b_shape.as_slice() {
            right = self.view_of_reals(node, &[b], reshape(vec![length, 1]))?;
        }
        if self.real(left).shape.len() < 2 || self.real(right).shape.len() < 2 {
            return Err(node.error("it multiplies a single number"));
        }
        let product = self.matmul_expression(node, positions, left, right)?;
        let mut shape = self.real(product).shape.clone();
        if b_shape.len() == 1 {
            shape.pop();
        }
        if a_shape.len() == 1 {
            shape.remove(shape.len() - usize::from(b_shape.len() > 1) - 1);
        }
        Ok(Some(self.view_of_reals(node, &[product], reshape(shape))?))
    }
}
