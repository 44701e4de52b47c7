//! Index arithmetic on row-major shapes.

use super::NodeView;
use crate::model::{ModelError, limits};

/// Distance between neighbours along each axis.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The shape that two shapes broadcast to.
pub(super) fn broadcast(
    node: NodeView<'_>,
    a: &[usize],
    b: &[usize],
) -> Result<Vec<usize>, ModelError> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |axis| shape[axis])
    };
    let shape = (0..rank)
        .map(|axis| match (dim(a, axis), dim(b, axis)) {
            (1, other) | (other, 1) => Ok(other),
            (a_dim, b_dim) if a_dim == b_dim => Ok(a_dim),
            _ => Err(node.error(format!("the shapes {a:?} and {b:?} do not broadcast"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    limits::elements(node.name(), &shape)?;
    Ok(shape)
}

/// For each element of `to`, the element of `from` that broadcasts to it.
///
/// Assumes that `from` broadcasts to `to`.
pub(super) fn broadcast_index(from: &[usize], to: &[usize]) -> Vec<usize> {
    let missing = to.len() - from.len();
    let from_strides = strides(from);
    let steps: Vec<usize> = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(axis) if from[axis] != 1 => from_strides[axis],
            _ => 0,
        })
        .collect();
    strided_index(to, &steps, 0)
}

/// For each element of `shape`, `start` plus its indices times `steps`.
pub(super) fn strided_index(shape: &[usize], steps: &[usize], start: usize) -> Vec<usize> {
    let len = shape.iter().product();
    let mut result = Vec::with_capacity(len);
    let mut index = vec![0; shape.len()];
    let mut at = start;
    for _ in 0..len {
        result.push(at);
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            at += steps[axis];
            if index[axis] < shape[axis] {
                break;
            }
            at -= steps[axis] * shape[axis];
            index[axis] = 0;
        }
    }
    result
}

/// Product of the axes before, length of, and product of the axes after an axis.
pub(super) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}
