//! Bytes: how they stand for integers, and what becomes of levels.

use crate::model::ElementType;

/// From levels, which may lie beyond the type, to bytes: a clamp, then perhaps a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Activation {
    /// The smallest byte the clamp lets through.
    pub min: u8,
    /// The largest.
    pub max: u8,
    /// A function of the clamped byte.
    pub table: Option<Vec<u8>>,
}

impl Activation {
    /// The byte for a level.
    pub fn apply(&self, level: i128) -> u8 {
        let clamped = level.clamp(self.min.into(), self.max.into());
        let byte = u8::try_from(clamped).expect("clamped between two bytes");
        self.table.as_ref().map_or(byte, |table| table[usize::from(byte)])
    }

    /// Composes a table of bytes behind the activation.
    pub fn then(&mut self, next: &[u8]) {
        let table = (0..=255_u8).map(|byte| match &self.table {
            Some(table) => next[usize::from(table[usize::from(byte)])],
            None => next[usize::from(byte)],
        });
        self.table = Some(table.collect());
    }
}

/// The byte that stands for an integer of a type.
pub fn byte(value: i32, element: ElementType) -> Option<u8> {
    u8::try_from(value - element.range().0).ok()
}

/// The integer that a byte stands for.
pub fn integer(byte: u8, element: ElementType) -> i32 {
    i32::from(byte) + element.range().0
}
