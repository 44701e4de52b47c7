//! What gates ask of columns.

use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Advice, Column, ColumnType, ConstraintSystem, Expression, Fixed, VirtualCells},
    poly::Rotation,
};

/// A column that gates can query.
pub trait Query: Copy {
    /// Its value some rows away.
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr>;
}

/// The column's value on the gate's row.
pub fn here(meta: &mut VirtualCells<'_, Fr>, column: impl Query) -> Expression<Fr> {
    column.at(meta, Rotation::cur())
}

/// A column that may share a column of the backend with others: `factor` of them take turns, so that this
/// one's row n is the backend's row `factor`·n + `offset`.
///
/// Fewer commitments make a proof cheaper to verify, and the domain longer.
#[derive(Clone, Copy, Debug)]
pub struct Placed<T: ColumnType> {
    /// The backend's column.
    pub column: Column<T>,
    factor: usize,
    offset: usize,
}

impl<T: ColumnType> Placed<T> {
    /// A column that takes every `factor`-th row of one of its own.
    pub fn alone(column: Column<T>, factor: usize) -> Self {
        Self { column, factor, offset: 0 }
    }

    /// The backend's row of a row.
    pub fn row(self, row: usize) -> usize {
        self.factor * row + self.offset
    }

    /// How many columns share the backend's.
    pub fn sharing(self) -> usize {
        self.factor
    }

    /// Tells it from the others of its kind.
    pub fn number(self) -> usize {
        self.row(self.column.index())
    }

    fn rotation(self, rotation: Rotation) -> Rotation {
        let small = |value: usize| i32::try_from(value).expect("few columns share one");
        Rotation(rotation.0 * small(self.factor) + small(self.offset))
    }
}

impl Query for Placed<Advice> {
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr> {
        meta.query_advice(self.column, self.rotation(rotation))
    }
}

impl Query for Placed<Fixed> {
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr> {
        meta.query_fixed(self.column, self.rotation(rotation))
    }
}

/// Hands out columns, `factor` to one of the backend.
pub struct Folder<T: ColumnType> {
    make: fn(&mut ConstraintSystem<Fr>) -> Column<T>,
    factor: usize,
    last: Option<Placed<T>>,
}

impl<T: ColumnType> Folder<T> {
    /// None handed out yet.
    pub fn new(factor: usize, make: fn(&mut ConstraintSystem<Fr>) -> Column<T>) -> Self {
        Self { make, factor, last: None }
    }

    /// The next column.
    pub fn next(&mut self, meta: &mut ConstraintSystem<Fr>) -> Placed<T> {
        let next = match self.last {
            Some(last) if last.offset + 1 < self.factor => {
                Placed { offset: last.offset + 1, ..last }
            }
            _ => Placed::alone((self.make)(meta), self.factor),
        };
        self.last = Some(next);
        next
    }
}
