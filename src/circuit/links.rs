//! Columns that hold what commitments hold.

/// A column that holds what a commitment holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The backend's advice column.
    pub column: usize,
    /// The commitment's class.
    pub class: u32,
    /// Which instance is the commitment's name.
    pub name: usize,
}
