//! What a column holds: integers while all of them are, field elements otherwise.

use super::field::field;
use halo2_proofs::halo2curves::bn256::Fr;
use std::sync::{Arc, LazyLock};

/// A column's values from row 0 on, in a form that is as narrow as they are. Clones share them.
#[derive(Clone, Debug)]
pub enum Values {
    /// From 0 to 255.
    Bytes(Arc<Vec<u8>>),
    /// Signed, 32 bits.
    Ints(Arc<Vec<i32>>),
    /// Signed, 64 bits.
    Longs(Arc<Vec<i64>>),
    /// Anything.
    Elements(Arc<Vec<Fr>>),
}

/// The elements of bytes, which are asked for most.
static BYTES: LazyLock<[Fr; 256]> =
    LazyLock::new(|| std::array::from_fn(|byte| Fr::from(byte as u64)));

impl Values {
    /// A column of zeros.
    pub fn zeros(length: usize) -> Self {
        Self::Bytes(Arc::new(vec![0; length]))
    }

    /// Of integers, none of which is written as an element later on.
    pub fn of(integers: Vec<u32>) -> Self {
        match integers.iter().max().copied().unwrap_or(0) {
            0..256 => {
                Self::Bytes(Arc::new(integers.into_iter().map(|integer| integer as u8).collect()))
            }
            most if i32::try_from(most).is_ok() => {
                Self::Ints(Arc::new(integers.into_iter().map(|integer| integer as i32).collect()))
            }
            _ => Self::Longs(Arc::new(integers.into_iter().map(i64::from).collect())),
        }
    }

    /// Their number.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Ints(values) => values.len(),
            Self::Longs(values) => values.len(),
            Self::Elements(values) => values.len(),
        }
    }

    /// The value on a row.
    pub fn at(&self, row: usize) -> Fr {
        match self {
            Self::Bytes(values) => BYTES[usize::from(values[row])],
            Self::Ints(values) => small(values[row].into()),
            Self::Longs(values) => small(values[row]),
            Self::Elements(values) => values[row],
        }
    }

    /// Writes an integer.
    pub fn set(&mut self, row: usize, integer: i128) {
        match self {
            Self::Bytes(values) => match u8::try_from(integer) {
                Ok(byte) => return Arc::make_mut(values)[row] = byte,
                Err(_) => {
                    let wider = values.iter().map(|&value| value.into()).collect();
                    *self = Self::Ints(Arc::new(wider));
                }
            },
            Self::Ints(values) => match i32::try_from(integer) {
                Ok(int) => return Arc::make_mut(values)[row] = int,
                Err(_) => {
                    let wider = values.iter().map(|&value| value.into()).collect();
                    *self = Self::Longs(Arc::new(wider));
                }
            },
            Self::Longs(values) => match i64::try_from(integer) {
                Ok(long) => return Arc::make_mut(values)[row] = long,
                Err(_) => return self.set_element(row, field(integer)),
            },
            Self::Elements(values) => return Arc::make_mut(values)[row] = field(integer),
        }
        self.set(row, integer);
    }

    /// Writes any element.
    pub fn set_element(&mut self, row: usize, element: Fr) {
        if !matches!(self, Self::Elements(_)) {
            let elements = (0..self.len()).map(|row| self.at(row)).collect();
            *self = Self::Elements(Arc::new(elements));
        }
        if let Self::Elements(values) = self {
            Arc::make_mut(values)[row] = element;
        }
    }

    /// Adds to a value, as forgers do.
    #[cfg(test)]
    pub fn add(&mut self, row: usize, by: Fr) {
        self.set_element(row, self.at(row) + by);
    }

    /// The rows of columns by turns: of row 0 each, of row 1 each, …; zeros where there is no column, or no row.
    pub fn interleaved(columns: &[Option<&Self>]) -> Self {
        let length = columns.iter().flatten().map(|column| column.len()).max().unwrap_or(0);
        let mut all = Self::zeros(columns.len() * length);
        for (offset, column) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let mut set = |row: usize, integer| all.set(columns.len() * row + offset, integer);
            match column {
                Self::Bytes(values) => {
                    (0..).zip(values.iter()).for_each(|(row, &value)| set(row, value.into()))
                }
                Self::Ints(values) => {
                    (0..).zip(values.iter()).for_each(|(row, &value)| set(row, value.into()))
                }
                Self::Longs(values) => {
                    (0..).zip(values.iter()).for_each(|(row, &value)| set(row, value.into()))
                }
                Self::Elements(values) => (0..)
                    .zip(values.iter())
                    .for_each(|(row, &value)| all.set_element(columns.len() * row + offset, value)),
            }
        }
        all
    }
}

impl From<Vec<Fr>> for Values {
    fn from(elements: Vec<Fr>) -> Self {
        Self::Elements(Arc::new(elements))
    }
}

fn small(integer: i64) -> Fr {
    let size = integer.unsigned_abs();
    let element = usize::try_from(size)
        .ok()
        .and_then(|size| BYTES.get(size))
        .copied()
        .unwrap_or_else(|| Fr::from(size));
    if integer < 0 { -element } else { element }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_narrow_as_they_can_be_and_stay_what_they_were() {
        let steps: [(i128, &str); 7] = [
            (255, "Bytes"),
            (256, "Ints"),
            (-(1 << 31), "Ints"),
            (1 << 31, "Longs"),
            (-(1 << 63), "Longs"),
            (1 << 63, "Elements"),
            (-3, "Elements"),
        ];
        let mut values = Values::zeros(2 * steps.len());
        for (row, (integer, form)) in steps.into_iter().enumerate() {
            values.set(2 * row, integer);
            assert!(format!("{values:?}").starts_with(form), "{values:?}");
            for (before, (integer, _)) in steps.into_iter().enumerate().take(row + 1) {
                assert_eq!(values.at(2 * before), field(integer));
                assert_eq!(values.at(2 * before + 1), Fr::zero());
            }
        }
        let half = Fr::from(2).invert().expect("2 is not 0");
        let mut values = Values::zeros(3);
        values.set(1, -7);
        values.set_element(2, half);
        assert_eq!([0, 1, 2].map(|row| values.at(row)), [Fr::zero(), -Fr::from(7), half]);
    }

    #[test]
    fn lists_of_integers_are_as_narrow_as_the_largest() {
        for (largest, form) in [(255, "Bytes"), (256, "Ints"), (1 << 31, "Longs")] {
            let values = Values::of(vec![3, largest]);
            assert!(format!("{values:?}").starts_with(form), "{values:?}");
            assert_eq!([values.at(0), values.at(1)], [3, largest].map(|v| Fr::from(u64::from(v))));
        }
    }

    #[test]
    fn columns_take_turns() {
        let forms = [
            Values::of(vec![1, 2, 3]),
            Values::of(vec![4, 500]),
            Values::Longs(Arc::new(vec![-6, 1 << 40])),
            Values::from(vec![Fr::from(8).invert().expect("8 is not 0")]),
        ];
        let columns = [Some(&forms[0]), None, Some(&forms[1]), Some(&forms[2]), Some(&forms[3])];
        let all = Values::interleaved(&columns);
        assert_eq!(all.len(), 15);
        for row in 0..3 {
            for (offset, column) in columns.iter().enumerate() {
                let expected = column.filter(|column| row < column.len());
                let expected = expected.map_or(Fr::zero(), |column| column.at(row));
                assert_eq!(all.at(5 * row + offset), expected);
            }
        }
    }
}
