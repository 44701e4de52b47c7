//! Which elements of a block contribute alike.

use super::{Position, Run, exponent, index};

/// How a block's elements are cut into runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// One run, cut into lines for the sake of small exponents.
    Whole {
        /// Elements in a line.
        width: usize,
    },
    /// A run per element.
    Flat,
    /// A run per plane, and with strides per phase of a plane.
    Planes {
        /// Height and width.
        size: [usize; 2],
        /// Strides: rows and columns of equal remainder make a phase.
        strides: [usize; 2],
    },
    /// A run per plane, whose positions are some steps apart.
    Spread {
        /// Height and width.
        size: [usize; 2],
        /// Steps.
        factors: [usize; 2],
    },
    /// A run per column of a matrix.
    Columns {
        /// Columns of the matrix.
        columns: usize,
    },
    /// A run per sum along an axis, all at position 0.
    Sums {
        /// Length of the summed axis.
        length: usize,
        /// Product of the axes behind it.
        inner: usize,
    },
}

impl Scan {
    /// Whether no two elements of a run have the same position, so that runs can be read.
    pub fn is_injective(self) -> bool {
        !matches!(self, Self::Sums { .. })
    }

    /// The runs of a block of some length.
    pub fn runs(self, len: usize) -> Vec<Run> {
        let mut runs = Vec::new();
        let mut push = |elements: Vec<(u32, Position)>| {
            if !elements.is_empty() {
                runs.push(Run { elements, terms: Vec::new() });
            }
        };
        match self {
            Self::Whole { width } => push(
                (0..len).map(|i| (index(i), [exponent(i % width), exponent(i / width)])).collect(),
            ),
            Self::Flat => (0..len).for_each(|i| push(vec![(index(i), [0, 0])])),
            Self::Planes { size: [height, width], strides: [down, along] } => {
                for plane in 0..len / (height * width).max(1) {
                    for (first_row, first_column) in pairs(down, along) {
                        let rows = (first_row..height).step_by(down);
                        let elements = rows.flat_map(|row| {
                            (first_column..width).step_by(along).map(move |column| {
                                let element = (plane * height + row) * width + column;
                                (index(element), [exponent(column / along), exponent(row / down)])
                            })
                        });
                        push(elements.collect());
                    }
                }
            }
            Self::Spread { size: [height, width], factors: [down, along] } => {
                for plane in 0..len / (height * width).max(1) {
                    let elements = pairs(height, width).map(|(row, column)| {
                        let element = (plane * height + row) * width + column;
                        (index(element), [exponent(column * along), exponent(row * down)])
                    });
                    push(elements.collect());
                }
            }
            Self::Columns { columns } => {
                for column in 0..columns {
                    let elements = (0..len / columns.max(1))
                        .map(|row| (index(row * columns + column), [exponent(row), 0]));
                    push(elements.collect());
                }
            }
            Self::Sums { length, inner } => {
                for (outer, position) in pairs(len / (length * inner).max(1), inner) {
                    let elements = (0..length)
                        .map(|i| (index((outer * length + i) * inner + position), [0, 0]));
                    push(elements.collect());
                }
            }
        }
        runs
    }

    /// Whether the runs, one after the other, have the elements in order.
    pub fn is_in_order(self, len: usize) -> bool {
        let runs = self.runs(len);
        let elements = runs.iter().flat_map(|run| run.elements.iter().map(|&(element, _)| element));
        elements.eq(0..index(len))
    }
}

fn pairs(outer: usize, inner: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outer).flat_map(move |i| (0..inner).map(move |j| (i, j)))
}
