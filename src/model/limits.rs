//! How large a model may be. Numbers in a file are checked against these before anything of their
//! size is allocated.

use super::ModelError;

/// Elements of one tensor.
pub(super) const MAX_ELEMENTS: usize = 1 << 22;
/// Elements of all activations together.
pub(super) const MAX_TOTAL_ELEMENTS: usize = 1 << 25;
/// Nodes of a graph.
pub(super) const MAX_NODES: usize = 1 << 16;
/// Messages and strings of a file.
pub(super) const MAX_MESSAGES: usize = 1 << 20;
/// Axes of a tensor.
pub(super) const MAX_RANK: usize = 16;
/// Steps of one inference: products, and elements seen by windows and reductions.
pub(super) const MAX_STEPS: u128 = 1 << 34;

/// The number of elements of a shape, if it is within the limits.
pub(super) fn elements(what: &str, shape: &[usize]) -> Result<usize, ModelError> {
    let too_large = |what: String, got: usize, limit: usize| ModelError::TooLarge {
        what,
        got: got as u128,
        limit: limit as u128,
    };
    if shape.len() > MAX_RANK {
        return Err(too_large(format!("the rank of `{what}`"), shape.len(), MAX_RANK));
    }
    let elements = shape.iter().try_fold(1_usize, |product, &dim| product.checked_mul(dim));
    match elements {
        Some(elements) if elements <= MAX_ELEMENTS => Ok(elements),
        other => Err(too_large(
            format!("the number of elements of `{what}`"),
            other.unwrap_or(usize::MAX),
            MAX_ELEMENTS,
        )),
    }
}
