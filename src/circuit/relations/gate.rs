//! Gates of relations: every constraint of the circuit is added here.

use super::row::{Abreast, Ring, Row};
use crate::circuit::columns::{Cell, Columns, Point};
use crate::circuit::shape::{Flag, Shape};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Expression, VirtualCells},
};

/// A sentence, and what is 0 where it is true.
pub type Constraint<T> = (&'static str, T);

/// The gates of a circuit in the making.
pub struct Gates<'a> {
    meta: &'a mut ConstraintSystem<Fr>,
    columns: &'a Columns,
    shape: &'a Shape,
}

impl<'a> Gates<'a> {
    /// No gates yet.
    pub fn new(meta: &'a mut ConstraintSystem<Fr>, columns: &'a Columns, shape: &'a Shape) -> Self {
        Self { meta, columns, shape }
    }

    /// The numbers of links.
    pub fn links(&self) -> std::ops::Range<usize> {
        0..self.shape.links.len()
    }

    /// The lanes of committed weights that limbs share their look-ups with.
    pub fn lanes_beside_limbs(&self) -> usize {
        self.shape.lanes_beside_limbs()
    }

    /// Whether inputs are hashed.
    pub fn hash(&self) -> bool {
        !self.shape.hashes.is_empty()
    }

    /// Whether rows can have a flag.
    pub fn have(&self, flag: Flag) -> bool {
        flag.is_of(self.shape)
    }

    /// Adds a gate whose constraints hold on every row.
    pub fn add(
        &mut self,
        name: &'static str,
        of: impl FnOnce(&mut GateRow<'_, '_>) -> Vec<Constraint<Expression<Fr>>>,
    ) {
        let Self { meta, columns, shape } = self;
        meta.create_gate(name, |meta| of(&mut GateRow { meta, columns, shape }));
    }

    /// Adds a gate whose constraints hold on rows with a flag, if rows can have it.
    pub fn add_for<C: IntoIterator<Item = Constraint<Expression<Fr>>>>(
        &mut self,
        name: &'static str,
        flag: Flag,
        of: impl FnOnce(&mut GateRow<'_, '_>) -> C,
    ) {
        if self.have(flag) {
            self.add(name, |row| {
                let flag = row.flag(flag).expect("the shape has it");
                let selector = row.cells() * flag;
                selected(&selector, of(row))
            });
        }
    }

    /// Adds a gate whose constraints hold for each value abreast of the first on rows with a flag, if rows can have several and
    /// it.
    pub fn add_abreast(
        &mut self,
        name: &'static str,
        flag: Flag,
        of: impl Fn(&mut Abreast<'_, GateRow<'_, '_>>) -> Vec<Constraint<Expression<Fr>>>,
    ) {
        if self.have(flag) && self.have(Flag::Abreast) {
            self.add(name, |row| {
                let several = row.several().expect("the shape has them");
                let selector = several * row.flag(flag).expect("the shape has it");
                let values = 1..row.shape.abreast;
                values.flat_map(|value| selected(&selector, of(&mut row.abreast(value)))).collect()
            });
        }
    }
}

/// Constraints where a selector is not 0.
pub fn selected(
    selector: &Expression<Fr>,
    constraints: impl IntoIterator<Item = Constraint<Expression<Fr>>>,
) -> Vec<Constraint<Expression<Fr>>> {
    let select = |(name, constraint)| (name, selector.clone() * constraint);
    constraints.into_iter().map(select).collect()
}

/// A row as a gate sees it.
pub struct GateRow<'a, 'b> {
    pub meta: &'a mut VirtualCells<'b, Fr>,
    pub columns: &'a Columns,
    pub shape: &'a Shape,
}

impl GateRow<'_, '_> {
    /// 1 on the first row of the table. What is before it is a beginning.
    pub fn is_first(&mut self) -> Expression<Fr> {
        let then = self.before(Cell::Active);
        (Expression::one() - then) * self.here(Cell::Active)
    }

    /// 1 on the row behind the table. What is before it is an end.
    pub fn is_behind(&mut self) -> Expression<Fr> {
        let then = self.before(Cell::Active);
        then * (Expression::one() - self.here(Cell::Active))
    }
}

impl Row for GateRow<'_, '_> {
    type Value = Expression<Fr>;

    fn cell(&mut self, cell: Cell, back: usize) -> Expression<Fr> {
        self.columns.cell(self.meta, cell, back)
    }

    fn flag(&mut self, flag: Flag) -> Option<Expression<Fr>> {
        self.columns.flag(self.meta, flag)
    }

    fn point(&self, point: Point) -> Expression<Fr> {
        self.columns.point(point)
    }

    fn shape(&self) -> &Shape {
        self.shape
    }

    fn cells(&mut self) -> Expression<Fr> {
        self.columns.cells(self.meta)
    }
}
