//! Pooling and reductions, in float and in quantized form.

use super::{largest, volume, window};
use crate::model::import::{
    Importer, NodeView, RealId, RealKind, Value, expression::ReduceMean, ranking::Ranking,
    shape::around,
};
use crate::model::{
    ArgMax, ElementType, MaxPool, ModelError, Operator, Origin, Quantization, Table, Tensor,
};

/// `MaxPool(X)`, of floats or of integers.
pub(in crate::model::import) fn max_pool(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.proto.output.get(1).is_some_and(|name| !name.is_empty()) {
        return Err(node.unsupported("the output of positions"));
    }
    let x = importer.required(node, 0)?;
    let shape = importer.shape_of(node, &x)?;
    if volume::is_volume(&shape) {
        return Ok(vec![volume::max_pool(importer, node, x, &shape)?]);
    }
    let window = window::read(node, &shape, None)?;
    let output = window::output_shape(shape[0], shape[1], shape.len(), window.output);
    let pool = MaxPool { planes: shape[0] * shape[1], window };
    Ok(vec![largest::of_planes(importer, node, x, pool, output)?])
}

/// `AveragePool(X)` on floats.
pub(in crate::model::import) fn average_pool(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    Ok(vec![Value::Real(importer.average_pool_expression(node, x)?)])
}

/// `QLinearAveragePool(X, X scale, X zero point, Y scale, Y zero point)`.
pub(in crate::model::import) fn qlinear_average_pool(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    qlinear_mean(importer, node, Importer::average_pool_expression)
}

/// `GlobalAveragePool(X)` on floats.
pub(in crate::model::import) fn global_average_pool(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    Ok(vec![Value::Real(importer.global_average_expression(node, x)?)])
}

/// `QLinearGlobalAveragePool(X, X scale, X zero point, Y scale, Y zero point)`.
pub(in crate::model::import) fn qlinear_global_average_pool(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    qlinear_mean(importer, node, Importer::global_average_expression)
}

fn qlinear_mean<'a>(
    importer: &mut Importer<'a>,
    node: NodeView<'_>,
    mean: impl Fn(&mut Importer<'a>, NodeView<'_>, RealId) -> Result<RealId, ModelError>,
) -> Result<Vec<Value>, ModelError> {
    if node.flag("channels_last") {
        return Err(node.unsupported("channels_last"));
    }
    let x = importer.dequantized(node, [0, 1, 2], 1)?;
    let mean = mean(importer, node, x)?;
    let quantization = importer.output_quantization(node, 3, 4, ElementType::Uint8)?;
    importer.quantize_output(node, mean, quantization)
}

/// `ReduceMean`, `ReduceSum` and `ReduceMax` on floats.
pub(in crate::model::import) fn reduce(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let mut x = importer.real_input(node, 0)?;
    let rank = importer.real(x).shape.len();
    let axes = match importer.axes(node, 1, rank)? {
        Some(axes) if !axes.is_empty() => axes,
        _ if node.flag("noop_with_empty_axes") => return Ok(vec![Value::Real(x)]),
        _ => (0..rank).collect(),
    };
    let keep = node.int("keepdims").unwrap_or(1) != 0;
    if node.operator() == "ReduceMin" {
        x = importer.negative(node, x)?;
    }
    Ok(vec![Value::Real(importer.reduction(node, x, &axes, keep)?)])
}

/// `ArgMax(X)` and `ArgMin(X)`, of floats or of integers.
pub(in crate::model::import) fn arg_max(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = match importer.required(node, 0)? {
        Value::Integers(x) => x,
        _ => {
            let x = importer.real_input(node, 0)?;
            importer.activation(node, 0, x)?
        }
    };
    let given = x;
    let is_least = node.operator() == "ArgMin";
    let x = if is_least && !importer.is_float {
        // The largest of the mirror image.
        let tensor = importer.tensor(x).clone();
        let table = Table::mirror(tensor.quantization.element);
        let origin = Origin { operator: "ArgMin".into(), ..Origin::default() };
        importer.add_node(node.name(), Operator::Table(table), vec![x], tensor, origin)?
    } else {
        x
    };
    let shape = importer.tensor(x).shape.clone();
    let axis = node.resolve_axis(node.int("axis").unwrap_or(0), shape.len())?;
    let (outer, length, inner) = around(&shape, axis);
    let mut output = shape;
    if node.int("keepdims").unwrap_or(1) != 0 {
        output[axis] = 1;
    } else {
        output.remove(axis);
    }
    let select_last = node.flag("select_last_index");
    let operator = Operator::ArgMax(ArgMax { outer, length, inner, select_last });
    let tensor = Tensor {
        name: node.proto.output.first().cloned().unwrap_or_default(),
        shape: output,
        quantization: Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int64 },
    };
    let origin = Origin { operator: node.operator().to_owned(), ..Origin::default() };
    let positions = importer.add_node(node.name(), operator, vec![x], tensor, origin)?;
    let ranking = Ranking { x: given, length, inner, count: 1, is_least, select_last };
    importer.rankings.insert(positions, ranking);
    Ok(vec![Value::Integers(positions)])
}

impl Importer<'_> {
    fn average_pool_expression(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        if volume::is_volume(&shape) {
            return self.volume_mean(node, x);
        }
        let x = self.activation(node, 0, x)?;
        let window = window::read(node, &shape, None)?;
        if window.len() > 1 << 16 {
            return Err(node.unsupported("a window of more than 65,536 positions"));
        }
        let output = window::output_shape(shape[0], shape[1], shape.len(), window.output);
        let kind = RealKind::AveragePool {
            x,
            planes: shape[0] * shape[1],
            window,
            count_include_pad: node.flag("count_include_pad"),
        };
        self.expression(node, output, kind, &[])
    }

    fn global_average_expression(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        if shape.len() < 3 {
            return Err(node.error(format!("its input has the shape {shape:?}")));
        }
        let x = self.activation(node, 0, x)?;
        let mut output = vec![1; shape.len()];
        output[..2].copy_from_slice(&shape[..2]);
        let kind = RealKind::Reduce {
            x,
            outer: shape[0] * shape[1],
            length: shape[2..].iter().product(),
            inner: 1,
            mean: ReduceMean::GlobalAverage,
        };
        self.expression(node, output, kind, &[])
    }

    fn reduction(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        axes: &[usize],
        keep: bool,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        // The reduced axes come last, so that they are one.
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !axes.contains(axis)).collect();
        let order: Vec<usize> = kept.iter().chain(axes).copied().collect();
        let moved = if order.iter().copied().eq(0..shape.len()) {
            x
        } else {
            self.transposed(node, x, &order)?
        };
        let outer = kept.iter().map(|&axis| shape[axis]).product();
        let length = axes.iter().map(|&axis| shape[axis]).product();
        let output: Vec<usize> = (0..shape.len())
            .filter_map(|axis| match axes.contains(&axis) {
                true if keep => Some(1),
                true => None,
                false => Some(shape[axis]),
            })
            .collect();
        let kind = match node.operator() {
            "ReduceMax" => RealKind::ReduceMax { x: moved, outer, length, inner: 1 },
            "ReduceMin" => RealKind::NegatedMax { x: moved, outer, length, inner: 1 },
            operator => RealKind::Reduce {
                x: match self.activation(node, 0, moved) {
                    Ok(x) => x,
                    Err(error) => {
                        return self.reduction_of_expression(node, x, axes, output, error);
                    }
                },
                outer,
                length,
                inner: 1,
                mean: if operator == "ReduceSum" { ReduceMean::Sum } else { ReduceMean::Mean },
            },
        };
        self.expression(node, output, kind, &[moved])
    }

    /// A mean that is part of a layer normalization written out; anything else is the given error.
    fn reduction_of_expression(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        axes: &[usize],
        output: Vec<usize>,
        error: ModelError,
    ) -> Result<RealId, ModelError> {
        let last = self.real(x).shape.len().checked_sub(1);
        if node.operator() != "ReduceMean" || last.is_none_or(|last| axes != [last]) {
            return Err(error);
        }
        self.expression(node, output, RealKind::MeanOf(x), &[x])
    }
}

/// Softmax over the last axis.
pub(in crate::model::import) fn softmax(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let opset = importer.opset;
    Ok(vec![Value::Real(importer.softmax_expression(node, x, opset)?)])
}

/// `QLinearSoftmax(X, X scale, X zero point, Y scale, Y zero point)`.
pub(in crate::model::import) fn qlinear_softmax(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.dequantized(node, [0, 1, 2], 1)?;
    let opset = node.int("opset").unwrap_or(importer.opset);
    let y = importer.softmax_expression(node, x, opset)?;
    let quantization = importer.output_quantization(node, 3, 4, ElementType::Uint8)?;
    importer.quantize_output(node, y, quantization)
}

impl Importer<'_> {
    fn softmax_expression(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        opset: i64,
    ) -> Result<RealId, ModelError> {
        let shape = self.real(x).shape.clone();
        let rank = shape.len();
        if opset < 13 {
            // All axes from this one on are normalized together.
            let axis = node.resolve_axis(node.int("axis").unwrap_or(1), rank)?;
            let length = shape[axis..].iter().product();
            let x = self.activation(node, 0, x)?;
            return self.expression(node, shape, RealKind::Softmax { x, length }, &[]);
        }
        let axis = node.resolve_axis(node.int("axis").unwrap_or(-1), rank)?;
        let mut order: Vec<usize> = (0..rank).collect();
        order.swap(axis, rank - 1);
        let is_last = axis == rank - 1;
        let moved = if is_last { x } else { self.transposed(node, x, &order)? };
        let moved_shape = self.real(moved).shape.clone();
        let x = self.activation(node, 0, moved)?;
        let kind = RealKind::Softmax { x, length: shape[axis] };
        let y = self.expression(node, moved_shape, kind, &[])?;
        if is_last { Ok(y) } else { self.transposed(node, y, &order) }
    }
}
