//! A row as relations see it, whatever they compute with.

use crate::circuit::{
    columns::{Cell, Constant, Point},
    shape::{Flag, MAKING, SEVERAL, Shape},
    wiring::MOST_BORDER_CELLS,
};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::Expression};
use std::ops::{Add, Mul, Neg, Sub};

/// What relations compute with: field elements, or expressions of them.
pub trait Ring:
    Clone + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Neg<Output = Self>
{
    /// A known element.
    fn constant(value: Fr) -> Self;

    /// 1.
    fn one() -> Self {
        Self::constant(Fr::one())
    }

    /// `Σ_j point^j·values_j`.
    fn evaluate(values: Vec<Self>, point: &Self) -> Self {
        (values.into_iter().rev())
            .reduce(|sum, value| sum * point.clone() + value)
            .expect("there is a value")
    }
}

impl Ring for Fr {
    fn constant(value: Fr) -> Self {
        value
    }
}

impl Ring for Expression<Fr> {
    fn constant(value: Fr) -> Self {
        Self::Constant(value)
    }
}

/// A row of the circuit, and the one before it.
pub trait Row {
    /// What its cells are.
    type Value: Ring;

    /// A cell, `back` rows before.
    fn cell(&mut self, cell: Cell, back: usize) -> Self::Value;

    /// A flag; none where it is known to be 0.
    fn flag(&mut self, flag: Flag) -> Option<Self::Value>;

    /// A challenge.
    fn point(&self, point: Point) -> Self::Value;

    /// The circuit's shape.
    fn shape(&self) -> &Shape;

    /// 1 on rows of the table whose lanes hold constants, flags and moves.
    fn cells(&mut self) -> Self::Value;

    /// A cell of the row.
    fn here(&mut self, cell: Cell) -> Self::Value {
        self.cell(cell, 0)
    }

    /// A cell of the row before.
    fn before(&mut self, cell: Cell) -> Self::Value {
        self.cell(cell, 1)
    }

    /// What else is fixed about the row.
    fn constant(&mut self, constant: Constant) -> Self::Value {
        self.here(Cell::Constant(constant))
    }

    /// The sum of flags; none where all are known to be 0.
    fn any(&mut self, flags: &[Flag]) -> Option<Self::Value> {
        let mut sum: Option<Self::Value> = None;
        for &flag in flags {
            if let Some(flag) = self.flag(flag) {
                sum = Some(match sum {
                    Some(sum) => sum + flag,
                    None => flag,
                });
            }
        }
        sum
    }

    /// What is multiplied with the sum of flags; none where all are known to be 0.
    fn when(
        &mut self,
        flags: &[Flag],
        of: impl FnOnce(&mut Self) -> Self::Value,
    ) -> Option<Self::Value> {
        let flag = self.any(flags)?;
        Some(flag * of(self))
    }

    /// 1 on rows that make a byte.
    fn makes(&mut self) -> Option<Self::Value> {
        self.any(&MAKING)
    }

    /// 1 on rows of several values; none where it is known to be 0.
    fn several(&mut self) -> Option<Self::Value> {
        self.any(&SEVERAL)
    }

    /// Another value of a row of several, by its number, seen as if it were the only one.
    fn abreast(&mut self, value: usize) -> Abreast<'_, Self>
    where
        Self: Sized,
    {
        Abreast { row: self, value }
    }

    /// The base of the limbs, N.
    fn base(&self) -> Self::Value {
        let rows = u64::try_from(self.shape().table_rows).expect("a table length");
        Self::Value::constant(Fr::from(rows))
    }

    /// The copy or input of a row: its first limb minus what the value is short of it.
    fn copy(&mut self) -> Self::Value {
        self.here(Cell::Limb(0)) - self.constant(Constant::Shortfall)
    }

    /// The value of a row: the byte that it makes, or else its copy.
    fn value(&mut self) -> Self::Value {
        let (byte, copy) = (self.here(Cell::Byte), self.copy());
        match self.makes() {
            Some(makes) => copy.clone() + makes * (byte - copy),
            None => copy,
        }
    }

    /// What a row holds: its first limb, or an integer of any size.
    fn held(&mut self) -> Self::Value {
        let limb = self.here(Cell::Limb(0));
        match self.flag(Flag::Wide) {
            Some(wide) => limb.clone() + wide * (self.here(Cell::Integer) - limb),
            None => limb,
        }
    }
}

/// A value abreast of a row's first: its cells in place of the first one's, and all else that is the row's.
pub struct Abreast<'a, R> {
    row: &'a mut R,
    value: usize,
}

impl<R> Abreast<'_, R> {
    /// What rows of several values can be. (Border cells are at further powers of ρ, but for those of several members of a
    /// batch, which are beside each other as all else is.)
    const KINDS: [Flag; 10] = [
        Flag::Divides,
        Flag::Intervals,
        Flag::Reads,
        Flag::Larger,
        Flag::Holds,
        Flag::Inputs,
        Flag::Takes,
        Flag::Packs,
        Flag::Adds,
        Flag::Continues,
    ];
}

impl<R: Row> Row for Abreast<'_, R> {
    type Value = R::Value;

    fn cell(&mut self, cell: Cell, back: usize) -> R::Value {
        self.row.cell(cell.of_value(self.value), back)
    }

    fn flag(&mut self, flag: Flag) -> Option<R::Value> {
        let is_own =
            Self::KINDS.contains(&flag) || flag == Flag::Border && self.shape().members > 1;
        if is_own { self.row.flag(flag) } else { None }
    }

    fn point(&self, point: Point) -> R::Value {
        self.row.point(point)
    }

    fn shape(&self) -> &Shape {
        self.row.shape()
    }

    fn cells(&mut self) -> R::Value {
        self.row.cells()
    }
}

/// The sum of what there is.
pub fn sum<T: Ring>(terms: impl IntoIterator<Item = Option<T>>) -> Option<T> {
    terms.into_iter().flatten().reduce(|sum, term| sum + term)
}

/// The cells of border cells, on rows that take some.
pub const BORDER_CELLS: [Cell; MOST_BORDER_CELLS] =
    [Cell::Limb(0), Cell::Limb(1), Cell::TableRow, Cell::Byte];
