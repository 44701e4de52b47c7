//! Columns: integers as long as they are, field elements where they have to be.

use crate::field::Lanes;
use crate::msm::canonical;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
#[cfg(any(feature = "cuda", test))]
use rayon::prelude::*;
use std::{array::from_fn, sync::Arc};

/// A column's cells from row 0 on, in the narrowest form that holds them; what is not there is 0. Whoever gives them
/// away may keep them too: they are there once.
#[derive(Clone, Debug)]
pub enum Cells {
    /// From 0 to 255.
    Bytes(Arc<Vec<u8>>),
    /// Signed, 32 bits.
    Ints(Arc<Vec<i32>>),
    /// Signed, 64 bits.
    Longs(Arc<Vec<i64>>),
    /// Anything.
    Elements(Arc<Vec<Fr>>),
}

impl Default for Cells {
    fn default() -> Self {
        Self::Bytes(Arc::default())
    }
}

/// An element as a signed integer, if it is that of one.
fn integer(element: &Fr) -> Option<i64> {
    match canonical(element) {
        [low, 0, 0, 0] => i64::try_from(low).ok(),
        // Small elements' negatives have their highest word full.
        [.., high] if high == <Fr as crate::field::Element>::P[3] => match canonical(&-element) {
            [low, 0, 0, 0] => 0_i64.checked_sub_unsigned(low),
            _ => None,
        },
        _ => None,
    }
}

impl Cells {
    /// Their number.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(cells) => cells.len(),
            Self::Ints(cells) => cells.len(),
            Self::Longs(cells) => cells.len(),
            Self::Elements(cells) => cells.len(),
        }
    }

    /// Bytes in memory.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Bytes(cells) => cells.len(),
            Self::Ints(cells) => 4 * cells.len(),
            Self::Longs(cells) => 8 * cells.len(),
            Self::Elements(cells) => 32 * cells.len(),
        }
    }

    /// How long the largest is as a number, whatever its sign; 0 if all are 0.
    #[cfg(any(feature = "cuda", test))]
    pub(crate) fn bits(&self) -> u32 {
        use halo2_proofs::halo2curves::ff::PrimeField;
        let largest = match self {
            Self::Bytes(cells) => cells.par_iter().map(|&cell| u64::from(cell)).max(),
            Self::Ints(cells) => cells.par_iter().map(|cell| cell.unsigned_abs().into()).max(),
            Self::Longs(cells) => cells.par_iter().map(|cell| cell.unsigned_abs()).max(),
            Self::Elements(cells) if cells.is_empty() => None,
            Self::Elements(_) => return Fr::NUM_BITS,
        };
        u64::BITS - largest.unwrap_or(0).leading_zeros()
    }

    /// The cell on a row.
    pub fn element(&self, row: usize) -> Fr {
        let signed = |integer: i64| {
            let size = Fr::from(integer.unsigned_abs());
            if integer < 0 { -size } else { size }
        };
        match self {
            Self::Bytes(cells) => {
                cells.get(row).map_or(Fr::ZERO, |&cell| Fr::from(u64::from(cell)))
            }
            Self::Ints(cells) => cells.get(row).map_or(Fr::ZERO, |&cell| signed(cell.into())),
            Self::Longs(cells) => cells.get(row).map_or(Fr::ZERO, |&cell| signed(cell)),
            Self::Elements(cells) => cells.get(row).copied().unwrap_or(Fr::ZERO),
        }
    }

    /// Sets a cell, making the column longer or wider as needed.
    pub fn set(&mut self, row: usize, element: Fr) {
        let integer = match self {
            Self::Elements(cells) => return place(Arc::make_mut(cells), row, element),
            _ => integer(&element),
        };
        let Some(integer) = integer else {
            let elements = (0..self.len()).map(|row| self.element(row)).collect();
            *self = Self::Elements(Arc::new(elements));
            return self.set(row, element);
        };
        match self {
            Self::Bytes(cells) => match u8::try_from(integer) {
                Ok(byte) => place(Arc::make_mut(cells), row, byte),
                Err(_) => {
                    let wider = cells.iter().map(|&cell| cell.into()).collect();
                    *self = Self::Ints(Arc::new(wider));
                    self.set(row, element);
                }
            },
            Self::Ints(cells) => match i32::try_from(integer) {
                Ok(int) => place(Arc::make_mut(cells), row, int),
                Err(_) => {
                    let wider = cells.iter().map(|&cell| cell.into()).collect();
                    *self = Self::Longs(Arc::new(wider));
                    self.set(row, element);
                }
            },
            Self::Longs(cells) => place(Arc::make_mut(cells), row, integer),
            Self::Elements(_) => unreachable!("handled above"),
        }
    }
}

fn place<T: Copy + Default>(cells: &mut Vec<T>, row: usize, cell: T) {
    if row >= cells.len() {
        cells.resize(row + 1, T::default());
    }
    cells[row] = cell;
}

/// A column of 2^k rows: cells, zeros, and at the end random values.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// From row 0 on.
    pub cells: Cells,
    /// The last rows.
    pub tail: Vec<Fr>,
}

impl Column {
    /// Without random values.
    pub fn new(cells: Cells) -> Self {
        Self { cells, tail: Vec::new() }
    }

    /// The value on a row.
    pub fn element(&self, row: usize, rows: usize) -> Fr {
        let start = rows - self.tail.len();
        if row >= start { self.tail[row - start] } else { self.cells.element(row) }
    }

    /// Every second row, eight from 16·`index` + `parity` on.
    #[inline(always)]
    pub fn every_second<L: Lanes<Fr>>(&self, parity: usize, index: usize, rows: usize) -> L {
        let row = 16 * index + parity;
        if row + 14 < self.cells.len() {
            match &self.cells {
                Cells::Bytes(cells) => {
                    return L::from_integers(from_fn(|i| cells[row + 2 * i].into()));
                }
                Cells::Ints(cells) => {
                    return L::from_integers(from_fn(|i| cells[row + 2 * i].into()));
                }
                Cells::Longs(cells) => return L::from_integers(from_fn(|i| cells[row + 2 * i])),
                Cells::Elements(cells) => {
                    return L::from_elements(&from_fn(|i| cells[row + 2 * i]));
                }
            }
        }
        if row >= self.cells.len() && row + 14 < rows - self.tail.len() {
            return L::zero();
        }
        L::from_elements(&from_fn(|i| self.element(row + 2 * i, rows)))
    }

    /// Eight rows from 8·`index` on.
    #[inline(always)]
    pub fn vector<L: Lanes<Fr>>(&self, index: usize, rows: usize) -> L {
        let row = 8 * index;
        if row + 8 <= self.cells.len() {
            match &self.cells {
                Cells::Bytes(cells) => return L::from_integers(from_fn(|i| cells[row + i].into())),
                Cells::Ints(cells) => return L::from_integers(from_fn(|i| cells[row + i].into())),
                Cells::Longs(cells) => return L::from_integers(from_fn(|i| cells[row + i])),
                // A column of nothing but elements may have cells on all rows.
                Cells::Elements(cells) => {
                    return L::from_elements(&from_fn(|i| cells[row + i]));
                }
            }
        }
        if row >= self.cells.len() && row + 8 <= rows - self.tail.len() {
            return L::zero();
        }
        L::from_elements(&from_fn(|i| self.element(row + i, rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::portable::Eight;

    fn half() -> Fr {
        Fr::from(2).invert().expect("2 is not 0")
    }

    #[test]
    fn cells_are_as_narrow_as_they_can_be_and_hold_what_was_set() {
        let large = Fr::from(u64::MAX);
        let steps = [
            (Fr::from(255), "Bytes"),
            (Fr::from(256), "Ints"),
            (-Fr::from(1 << 31), "Ints"),
            (Fr::from(1 << 31), "Longs"),
            (-Fr::from(1 << 63), "Longs"),
            (-Fr::from((1 << 63) + 1), "Elements"),
            (large, "Elements"),
        ];
        let mut cells = Cells::default();
        for (row, (value, form)) in steps.into_iter().enumerate() {
            cells.set(2 * row, value);
            assert!(format!("{cells:?}").starts_with(form), "{cells:?}");
        }
        for (row, (value, _)) in steps.into_iter().enumerate() {
            assert_eq!(cells.element(2 * row), value);
            assert_eq!(cells.element(2 * row + 1), Fr::ZERO);
        }
        let mut cells = Cells::default();
        cells.set(0, large);
        assert!(matches!(cells, Cells::Elements(_)));
        let mut cells = Cells::default();
        cells.set(0, -Fr::ONE);
        assert!(matches!(cells, Cells::Ints(_)));
    }

    #[test]
    fn vectors_are_eight_rows() {
        let tail = vec![half(); 6];
        let forms = [
            Cells::Bytes(Arc::new((0..21).collect())),
            Cells::Ints(Arc::new((-10..11).collect())),
            Cells::Longs(Arc::new((-10..11).map(|i| i << 40).collect())),
            Cells::Elements(Arc::new((0..21).map(|i| half() * Fr::from(i)).collect())),
        ];
        for cells in forms {
            let column = Column { cells, tail: tail.clone() };
            for index in 0..8 {
                let vector = column.vector::<Eight<Fr>>(index, 64).elements();
                assert_eq!(vector, from_fn(|i| column.element(8 * index + i, 64)));
            }
            for (parity, index) in
                (0..2).flat_map(|parity| (0..4).map(move |index| (parity, index)))
            {
                let vector = column.every_second::<Eight<Fr>>(parity, index, 64).elements();
                let row = |i: usize| 16 * index + parity + 2 * i;
                assert_eq!(vector, from_fn(|i| column.element(row(i), 64)));
            }
        }
    }
}
