//! Which elements of a block contribute alike.

use super::{Position, Run, exponent, index};

/// So many members of a batch lie beside each other at most: their neighbours are as many steps apart, which is no farther than a
/// cursor moves, and no value of a row is farther from its first than error bounds have room for.
pub const MOST_BESIDE: usize = 8;

/// How the members of a batch lie among each other: where one alone has an element, all have theirs, so many beside each other along
/// the first axis, and so many along the second. What weighs an element of one weighs that of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Members {
    /// Along the first axis, at most [`MOST_BESIDE`].
    pub along: usize,
    /// Along the second.
    pub down: usize,
}

impl Members {
    /// No batch.
    pub const ONE: Self = Self { along: 1, down: 1 };

    /// Those of so many inferences.
    pub fn of(inferences: usize) -> Self {
        let along = (1..=MOST_BESIDE).rev().find(|&along| inferences.is_multiple_of(along));
        let along = along.expect("any number is a multiple of 1");
        Self { along, down: inferences / along }
    }

    /// How many they are.
    pub fn count(self) -> usize {
        self.along * self.down
    }

    /// Where a member has what one alone has at a position.
    pub fn at(self, member: usize, [along, down]: [usize; 2]) -> Position {
        [
            exponent(along * self.along + member % self.along),
            exponent(down * self.down + member / self.along),
        ]
    }

    /// What becomes of a shift of one alone.
    pub fn shift(self, [along, down]: Position) -> Position {
        [along * exponent(self.along), down * exponent(self.down)]
    }

    /// Whose a plane is, and which of its own it is, of so many of all.
    pub fn of_plane(self, plane: usize, planes: usize) -> (usize, usize) {
        let own = planes / self.count();
        (plane / own, plane % own)
    }
}

/// How a block's elements are cut into runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scan {
    /// One run, cut into lines for the sake of small exponents.
    Whole {
        /// Elements in a line.
        width: usize,
        /// Members of a batch, one after the other.
        members: Members,
    },
    /// A run per element.
    Flat,
    /// A run per plane, and with strides per phase of a plane.
    Planes {
        /// Height and width.
        size: [usize; 2],
        /// Strides: rows and columns of equal remainder make a phase.
        strides: [usize; 2],
        /// Members of a batch, one after the other.
        members: Members,
        /// Each of them has runs of its own: so they are in order where a member has several planes.
        alone: bool,
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
            Self::Whole { width, members } => {
                let each = len / members.count();
                let elements = pairs(members.count(), each).map(|(member, i)| {
                    (index(member * each + i), members.at(member, [i % width, i / width]))
                });
                push(elements.collect());
            }
            Self::Flat => (0..len).for_each(|i| push(vec![(index(i), [0, 0])])),
            Self::Planes { size: [height, width], strides: [down, along], members, alone } => {
                let planes = len / (height * width * members.count()).max(1);
                let phase = |plane: usize, member: usize, [first_row, first_column]: [usize; 2]| {
                    let rows = (first_row..height).step_by(down);
                    rows.flat_map(move |row| {
                        (first_column..width).step_by(along).map(move |column| {
                            let element =
                                ((member * planes + plane) * height + row) * width + column;
                            (index(element), members.at(member, [column / along, row / down]))
                        })
                    })
                };
                let apart = if alone { members.count() } else { 1 };
                for (first, plane) in pairs(apart, planes) {
                    for (row, column) in pairs(down, along) {
                        let own = (first..members.count()).step_by(apart);
                        push(own.flat_map(|member| phase(plane, member, [row, column])).collect());
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

    /// The same cut so that the runs, one after the other, have the elements in order; none if it cannot be.
    pub fn in_order(self, len: usize) -> Option<Self> {
        let alone = match self {
            Self::Planes { size, strides, members, .. } => {
                Self::Planes { size, strides, members, alone: true }
            }
            other => other,
        };
        [self, alone].into_iter().find(|scan| scan.is_in_order(len))
    }

    /// Whether what asks for runs cut so can take these: of members of a batch together, or of each alone.
    pub fn serves(self, wish: Self) -> bool {
        match (self, wish) {
            (Self::Planes { size, strides, members, .. }, Self::Planes { alone, .. }) => {
                wish == Self::Planes { size, strides, members, alone }
            }
            _ => self == wish,
        }
    }

    /// Whether the runs, one after the other, have the elements in order.
    fn is_in_order(self, len: usize) -> bool {
        let runs = self.runs(len);
        let elements = runs.iter().flat_map(|run| run.elements.iter().map(|&(element, _)| element));
        elements.eq(0..index(len))
    }
}

fn pairs(outer: usize, inner: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..outer).flat_map(move |i| (0..inner).map(move |j| (i, j)))
}
