//! What gates ask of columns.

use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Advice, Column, Expression, Fixed, Instance, VirtualCells},
    poly::Rotation,
};

/// 1.
pub fn one() -> Expression<Fr> {
    Expression::Constant(Fr::one())
}

/// A column that gates can query.
pub trait Query: Copy {
    /// Its value some rows away.
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr>;
}

impl Query for Column<Advice> {
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr> {
        meta.query_advice(self, rotation)
    }
}

impl Query for Column<Fixed> {
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr> {
        meta.query_fixed(self, rotation)
    }
}

impl Query for Column<Instance> {
    fn at(self, meta: &mut VirtualCells<'_, Fr>, rotation: Rotation) -> Expression<Fr> {
        meta.query_instance(self, rotation)
    }
}

/// The column's value on the gate's row.
pub fn here(meta: &mut VirtualCells<'_, Fr>, column: impl Query) -> Expression<Fr> {
    column.at(meta, Rotation::cur())
}

/// The column's value on the row before.
pub fn before(meta: &mut VirtualCells<'_, Fr>, column: impl Query) -> Expression<Fr> {
    column.at(meta, Rotation::prev())
}
