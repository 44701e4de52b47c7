//! Numbers or texts with a shape, as a user gives them.

use crate::model::ModelError;

use super::MAX_VALUES;

/// A tensor of the user's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub shape: Vec<usize>,
    pub elements: Elements,
}

/// Its values, row major.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elements {
    Float(Vec<f64>),
    Integer(Vec<i64>),
    Text(Vec<String>),
}

/// The number of values of a shape that a file claims.
pub(super) fn checked_len(format: &'static str, shape: &[usize]) -> Result<usize, ModelError> {
    shape
        .iter()
        .try_fold(1_usize, |product, &dim| product.checked_mul(dim))
        .filter(|&len| len <= MAX_VALUES)
        .ok_or_else(|| ModelError::InputFormat {
            format,
            reason: format!("its shape {shape:?} is too large"),
        })
}
