//! What operators on vectors share: integers of any size, and inequalities between them.
//!
//! V vectors of n elements lie in positions [v, i]. Their operators are systems of equations and
//! inequalities between integers, written in what `gates` proves already:
//!
//! | row | holds | proves |
//! |---|---|---|
//! | wide | an accumulator plus a constant, of any size | |
//! | wide load, wide multiply | the same | products, as in products of matrices |
//! | free | a digit, at least 0 and below N | that it is an integer |
//! | quotient | the same, as a right factor | the same |
//! | natural | 2^(47·digit)·(D·u + z) of what is at its place | that it is at least 0 |
//!
//! **Sums and products.** What is at a place is what was contributed to it. Linear maps contribute multiples
//! of values; loaded factors times multiplied ones contribute products. Where several rows make parts at one
//! place, they add up to what was contributed. So equations hold in the field.
//!
//! **Inequalities.** Everything free or natural is a sum of limbs times powers of two: an integer that is
//! at least 0. With all factors bounded, both sides of the equation that takes it off are below 2^250
//! (checked when a graph is lowered), so it holds in the integers: what is at a natural row's place is at
//! least 0. No digit's limbs need to be below 2^47 for that; that 4000⁴ > 2^47 is for honest provers.

use super::lowering::{Lowering, Source, read_cell, too_large};
use crate::circuit::{
    CircuitError,
    shape::LARGEST_K,
    wiring::{
        Block, Cell, FREE_DIGIT, Hint, Kind, Long, NATURAL_DIGIT, Place, Position, Scan, Term,
        Weight, exponent, index,
    },
};
use crate::model::Node;

/// Bits of the largest integers: the field's modulus is above 2^253.
const LARGEST_BITS: u32 = 250;

/// Bits of a free digit at most: it is a limb, and so below N ≤ 2^22.
const LARGEST_FREE_DIGIT: u32 = LARGEST_K;

/// Elements of long vectors that are added up first.
const GROUP: usize = 32;

/// Vectors of one length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vectors {
    /// How many.
    pub count: usize,
    /// Of how many elements.
    pub length: usize,
}

impl Vectors {
    /// Vectors and their elements, back and forth.
    pub fn elements(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.count).flat_map(move |v| {
            (0..self.length).map(move |i| (v, if v % 2 == 0 { i } else { self.length - 1 - i }))
        })
    }

    /// The columns of the vectors' matrix, as runs.
    pub fn scan(self) -> Scan {
        Scan::Columns { columns: self.length }
    }
}

/// The position of an element of a vector.
pub(super) fn at(vector: usize, element: usize) -> Position {
    [exponent(vector), exponent(element)]
}

/// One value per vector, as a run.
pub(super) const PER_VECTOR: Scan = Scan::Columns { columns: 1 };

/// The bits of an integer that is at least 0.
pub(super) fn bits(integer: i128) -> u32 {
    i128::BITS - integer.leading_zeros()
}

/// How many digits an integer up to `most` has.
pub(super) fn digits(most: i128, digit: u32) -> u32 {
    bits(most).div_ceil(digit).max(1)
}

/// The bits of the integers that free digits can make.
pub(super) fn free_bits(digits: u32) -> u32 {
    FREE_DIGIT * (digits - 1) + LARGEST_FREE_DIGIT + 1
}

/// Refuses equations between integers that could wrap around the field.
pub(super) fn check_bits(
    node: &Node,
    contributed: u32,
    natural_digits: u32,
) -> Result<(), CircuitError> {
    // D·u + z is below 2^88.
    let made = NATURAL_DIGIT * natural_digits + 4 * LARGEST_K;
    if contributed.max(made) < LARGEST_BITS { Ok(()) } else { Err(too_large(node)) }
}

/// Rows whose order is kept and whose values nothing else takes.
#[derive(Debug, Default)]
pub(super) struct Rows {
    cells: Vec<Cell>,
    groups: Vec<u32>,
}

impl Rows {
    /// Begins a group of rows.
    pub fn group(&mut self) {
        self.groups.push(index(self.cells.len()));
    }

    /// Adds a row.
    pub fn push(&mut self, kind: Kind, place: Option<Place>) {
        self.cells.push(Cell { kind, place, element: None });
    }

    /// Rows that prove that what is at two places is from 0 to `most` for each element, once biases are added.
    pub fn remainders(
        &mut self,
        vectors: Vectors,
        places: [Place; 2],
        biases: impl Fn(usize) -> [i128; 2],
        most: i128,
    ) {
        for v in 0..vectors.count {
            // There and back, so that cursors move by single steps.
            for i in 0..vectors.length {
                self.natural(places[0].plus(at(v, i)), biases(i)[0], most);
            }
            for i in (0..vectors.length).rev() {
                self.natural(places[1].plus(at(v, i)), biases(i)[1], most);
            }
        }
    }

    /// Rows that prove that what is at a place is an integer from 0 to `most`, once `bias` is added.
    pub fn natural(&mut self, place: Place, bias: i128, most: i128) {
        let digits = digits(most, NATURAL_DIGIT);
        self.group();
        for digit in 0..digits {
            let kind = Kind::Natural { bias, digit, goes_on: digit + 1 < digits };
            self.push(kind, Some(place));
        }
    }
}

impl Lowering<'_> {
    /// A place for each element, at one power of ρ.
    pub(super) fn places(&mut self) -> Place {
        Place { omega: self.omegas(1), at: [0, 0] }
    }

    /// Lets a run contribute.
    pub(super) fn take(&mut self, block: usize, run: usize, place: Place, weight: i128) {
        let weight = Weight::Long(Long(weight));
        self.net.blocks[block].runs[run].terms.push(Term { place, weight });
    }

    /// Adds rows in order.
    pub(super) fn rows(&mut self, node: &Node, rows: Rows) {
        self.net.blocks.push(Block {
            name: node.name.clone(),
            len: 0,
            scan: Scan::Flat,
            runs: Vec::new(),
            cells: rows.cells,
            groups: rows.groups,
            is_packed: false,
            tensors: 1,
        });
    }

    /// One integer of any size per vector, from what is at a place.
    pub(super) fn wide(
        &mut self,
        node: &Node,
        count: usize,
        place: Place,
        constant: i128,
    ) -> usize {
        let cell = |v: usize| Cell {
            kind: Kind::Wide { constant },
            place: Some(place.plus(at(v, 0))),
            element: Some(index(v)),
        };
        self.block(&node.name, count, PER_VECTOR, (0..count).map(cell).collect(), 1)
    }

    /// Where the sums of vectors' elements are: in the middle, and of long vectors first in groups, so that the
    /// ways to their places are short.
    pub(super) fn sums(&mut self, node: &Node, block: usize, vectors: Vectors) -> Place {
        let sums = self.places().plus(at(0, vectors.length / 2));
        if vectors.length <= 2 * GROUP {
            (0..vectors.length).for_each(|i| self.take(block, i, sums, 1));
            return sums;
        }
        let groups = vectors.length.div_ceil(GROUP);
        let parts = self.places();
        let middle = |group: usize| group * GROUP + GROUP / 2;
        for i in 0..vectors.length {
            self.take(block, i, parts.plus(at(0, middle(i / GROUP))), 1);
        }
        let cell = |part: usize| Cell {
            kind: Kind::Wide { constant: 0 },
            place: Some(parts.plus(at(part / groups, middle(part % groups)))),
            element: Some(index(part)),
        };
        let len = vectors.count * groups;
        let scan = Scan::Columns { columns: groups };
        let block = self.block(&node.name, len, scan, (0..len).map(cell).collect(), 1);
        (0..groups).for_each(|group| self.take(block, group, sums, 1));
        sums
    }

    /// A digit that the prover says for each of `len` elements.
    pub(super) fn free(
        &mut self,
        node: &Node,
        (len, scan): (usize, Scan),
        (digit, digits): (u32, u32),
        hint: impl Fn(usize) -> Hint,
    ) -> usize {
        let cell = |element: usize| Cell {
            kind: Kind::Free { hint: hint(element), digit, goes_on: digit + 1 < digits },
            place: None,
            element: Some(index(element)),
        };
        self.block(&node.name, len, scan, (0..len).map(cell).collect(), 1)
    }

    /// A function's value of each element, made at a place by a rule.
    pub(super) fn make_all(
        &mut self,
        node: &Node,
        vectors: Vectors,
        place: Place,
        rule: u32,
        bias: i64,
    ) -> usize {
        let len = vectors.count * vectors.length;
        let cell = |element: usize| Cell {
            kind: Kind::Made { rule, bias },
            place: Some(place.plus(at(element / vectors.length, element % vectors.length))),
            element: Some(index(element)),
        };
        self.block(&node.name, len, vectors.scan(), (0..len).map(cell).collect(), 1)
    }

    /// The same for the elements of the node's output.
    pub(super) fn make_output(
        &mut self,
        node: &Node,
        vectors: Vectors,
        place: Place,
        rule: u32,
        bias: i64,
    ) -> usize {
        let block = self.make_all(node, vectors, place, rule, bias);
        let scan = self.scan(node.output, self.lines(node.output), |_| true);
        let block_mut = &mut self.net.blocks[block];
        block_mut.scan = scan;
        block_mut.runs = scan.runs(block_mut.len);
        block
    }

    /// The largest element of each vector of a block cut into columns.
    pub(super) fn largest_of(&mut self, node: &Node, block: usize, vectors: Vectors) -> usize {
        let element = |(v, i)| Source::Element {
            block: index(block),
            element: index(v * vectors.length + i),
        };
        let sources: Vec<Source> = vectors.elements().map(element).collect();
        let (places, border_cells) = self.read(&sources);
        debug_assert!(border_cells.is_empty(), "every element is read once");
        let mut cells = Vec::with_capacity(sources.len());
        for (number, (source, place)) in sources.into_iter().zip(places).enumerate() {
            let (v, position) = (number / vectors.length, number % vectors.length);
            let read = read_cell(source, place);
            let kind = if position == 0 { read.kind } else { Kind::Larger { constant: 0 } };
            let is_last = position + 1 == vectors.length;
            cells.push(Cell { kind, element: is_last.then(|| index(v)), ..read });
        }
        self.block(&node.name, vectors.count, PER_VECTOR, cells, vectors.length)
    }
}
