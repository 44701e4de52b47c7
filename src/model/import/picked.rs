//! Elements in places that constants tell: Where, Tile, Trilu, GatherElements, GatherND, DepthToSpace.

use std::rc::Rc;

use super::{
    Constant, Importer, NodeView, RealId, RealKind, Value,
    constant::Data,
    expression::{Elements, element},
    shape::{broadcast, broadcast_index, strided_index, strides},
};
use crate::model::{ModelError, View, limits};

/// `Where(condition, x, y)`.
pub(super) fn choose(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let condition = importer.required(node, 0)?;
    let (x, y) = (importer.real_input(node, 1)?, importer.real_input(node, 2)?);
    let shapes = [importer.shape_of(node, &condition)?, importer.real(x).shape.clone()];
    let shape = broadcast(node, &shapes[0], &shapes[1])?;
    let y_shape = importer.real(y).shape.clone();
    let shape = broadcast(node, &shape, &y_shape)?;
    if let Value::Constant(constant) = &condition {
        let Data::Bool(truths) = &constant.data else {
            return Err(node.error("its condition is not made of truth values"));
        };
        let truths: Vec<bool> =
            broadcast_index(&shapes[0], &shape).iter().map(|&i| truths[i]).collect();
        let from = [broadcast_index(&shapes[1], &shape), broadcast_index(&y_shape, &shape)];
        let elements = truths.iter().enumerate().map(|(i, &truth)| {
            let input = usize::from(!truth);
            element(input, from[input][i])
        });
        let elements = Elements { shape, view: View::Elements(elements.collect()) };
        return Ok(vec![Value::Real(importer.view_of_reals(node, &[x, y], elements)?)]);
    }
    let Value::Real(condition) = condition else {
        return Err(node.error("its condition is not made of truth values"));
    };
    let mut operands = [condition, x, y];
    for operand in &mut operands {
        *operand = importer.expanded(node, *operand, &shape)?;
    }
    Ok(vec![Value::Real(importer.expression(
        node,
        shape,
        RealKind::Select(operands),
        &operands,
    )?)])
}

/// `Tile(x, repeats)`.
pub(super) fn tile(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let repeats =
        importer.list(node, "", 1)?.ok_or_else(|| node.error("its repeats are missing"))?;
    if repeats.len() != from.len() {
        return Err(node.error(format!("it has {} repeats for {from:?}", repeats.len())));
    }
    let mut shape = Vec::new();
    for (&dim, &repeat) in from.iter().zip(&repeats) {
        let repeat = usize::try_from(repeat)
            .map_err(|_| node.error(format!("it repeats {repeat} times")))?;
        shape.push(dim.saturating_mul(repeat));
    }
    limits::elements(node.name(), &shape)?;
    let steps = strides(&from);
    let mut index = vec![0];
    for axis in 0..from.len() {
        index = index
            .iter()
            .flat_map(|&base| (0..shape[axis]).map(move |i| (base, i)))
            .map(|(base, i)| base + i % from[axis] * steps[axis])
            .collect();
    }
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

/// `Trilu(x, k)`.
pub(super) fn trilu(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.real_input(node, 0)?;
    let shape = importer.real(x).shape.clone();
    let &[.., rows, columns] = shape.as_slice() else {
        return Err(node.error(format!("its input has the shape {shape:?}")));
    };
    let k = match importer.optional_constant(node, 1)?.and_then(|constant| constant.integers()) {
        None => 0,
        Some(k) => k.first().copied().unwrap_or(0),
    };
    let is_upper = node.int("upper").unwrap_or(1) != 0;
    let signed = |at: usize| i64::try_from(at).expect("dimensions are within limits");
    let positions: Vec<Option<usize>> = (0..shape.iter().product())
        .map(|at| {
            let (row, column) = (signed(at / columns % rows), signed(at % columns));
            let diagonal = column - row;
            let is_kept = if is_upper { diagonal >= k } else { diagonal <= k };
            is_kept.then_some(at)
        })
        .collect();
    Ok(vec![Value::Real(importer.filled_view(node, x, &positions, shape, 0.0)?)])
}

/// `GatherElements(x, indices)` with known indices.
pub(super) fn gather_elements(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let axis = node.resolve_axis(node.int("axis").unwrap_or(0), from.len())?;
    let indices = importer.constant(node, 1)?;
    let picked = indices.integers().ok_or_else(|| node.error("its indices are not integers"))?;
    let shape = indices.shape.clone();
    let fits = shape.len() == from.len()
        && (0..from.len()).all(|other| other == axis || shape[other] <= from[other]);
    if !fits {
        return Err(node.error(format!("its indices have the shape {shape:?}, its input {from:?}")));
    }
    let mut steps = strides(&from);
    let step = std::mem::replace(&mut steps[axis], 0);
    let mut index = strided_index(&shape, &steps, 0);
    for (at, &picked) in index.iter_mut().zip(&picked) {
        *at += node.resolve_axis(picked, from[axis])? * step;
    }
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

/// `GatherND(x, indices)` with known indices.
pub(super) fn gather_nd(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    if node.int("batch_dims").unwrap_or(0) != 0 {
        return Err(node.unsupported("the attribute `batch_dims`"));
    }
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let indices = importer.constant(node, 1)?;
    let values = indices.integers().ok_or_else(|| node.error("its indices are not integers"))?;
    let depth = match indices.shape.split_last() {
        Some((&depth, _)) if (1..=from.len()).contains(&depth) => depth,
        _ => return Err(node.error(format!("its indices have the shape {:?}", indices.shape))),
    };
    let below: usize = from[depth..].iter().product();
    let mut shape = indices.shape[..indices.shape.len() - 1].to_vec();
    shape.extend_from_slice(&from[depth..]);
    limits::elements(node.name(), &shape)?;
    let steps = strides(&from);
    let mut index = Vec::new();
    for place in values.chunks(depth) {
        let mut start = 0;
        for (axis, &at) in place.iter().enumerate() {
            start += node.resolve_axis(at, from[axis])? * steps[axis];
        }
        index.extend(start..start + below);
    }
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

/// `DepthToSpace(x)` and `SpaceToDepth(x)`.
pub(super) fn depth_and_space(
    importer: &mut Importer<'_>,
    node: NodeView<'_>,
) -> Result<Vec<Value>, ModelError> {
    let x = importer.required(node, 0)?;
    let from = importer.shape_of(node, &x)?;
    let size = usize::try_from(node.int("blocksize").unwrap_or(0)).unwrap_or(0);
    let &[n, channels, height, width] = from.as_slice() else {
        return Err(node.error(format!("its input has the shape {from:?}")));
    };
    let area = size.checked_mul(size).filter(|&area| area > 0);
    let area = area.ok_or_else(|| node.error(format!("its block size is {size}")))?;
    // How the input is cut, in which order the pieces come, and what shape they make.
    let (cut, order, shape) = if node.operator() == "SpaceToDepth" {
        if height % size + width % size > 0 {
            return Err(node.error(format!("{from:?} has no blocks of {size}")));
        }
        let [rows, columns] = [height / size, width / size];
        let cut = [n, channels, rows, size, columns, size];
        (cut, [0, 3, 5, 1, 2, 4], vec![n, channels * area, rows, columns])
    } else {
        if channels % area > 0 {
            return Err(node.error(format!("{from:?} has no blocks of {size}")));
        }
        let shape = vec![n, channels / area, height * size, width * size];
        if node.string("mode")?.unwrap_or("DCR") == "CRD" {
            ([n, channels / area, size, size, height, width], [0, 1, 4, 2, 5, 3], shape)
        } else {
            ([n, size, size, channels / area, height, width], [0, 3, 4, 1, 5, 2], shape)
        }
    };
    let own = strides(&cut);
    let to: Vec<usize> = order.iter().map(|&axis| cut[axis]).collect();
    let steps: Vec<usize> = order.iter().map(|&axis| own[axis]).collect();
    let index = strided_index(&to, &steps, 0);
    Ok(vec![importer.view_of_one(node, x, Elements::of_one(shape, &index))?])
}

impl Importer<'_> {
    /// Elements of an expression by position, and a constant in the other places.
    pub(super) fn filled_view(
        &mut self,
        node: NodeView<'_>,
        x: RealId,
        positions: &[Option<usize>],
        shape: Vec<usize>,
        fill: f32,
    ) -> Result<RealId, ModelError> {
        let constant = Rc::new(Constant::new(vec![1], Data::Float(vec![fill])));
        let fill = self.expression(node, vec![1], RealKind::Constant(constant), &[])?;
        let elements = positions.iter().map(|at| at.map_or(element(1, 0), |at| element(0, at)));
        let elements = Elements { shape, view: View::Elements(elements.collect()) };
        self.view_of_reals(node, &[x, fill], elements)
    }
}
