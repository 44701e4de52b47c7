//! Committed inputs and outputs: the packed bytes are the words of commitments.
//!
//! A link's column holds words on the rows that a fixed column marks, and a proof shows that they are a commitment's. With
//! T = 256^31·τ, as in [`packing`](super::packing), what is left of the words of link j goes backwards along the rows,
//!
//! ```text
//! sum₋₁ = sum + rows·((T − 1)·sum + word)          sum = 0 behind the last row
//! ```
//!
//! so that on row 0 it is M_j = Σ_i T^i·word_i: a polynomial in τ with coefficients of the first phase, and nothing that a
//! prover chooses later on. Bytes of committed inputs are packed before all others. With O_j the number of words before those
//! of link j, and O that of all links, the packed bytes begin at
//!
//! ```text
//! Σ_j T^(O_j)·M_j + T^O·(balance + words of the instances)
//! ```
//!
//! and those of committed outputs behind all others: with W the number of words of the instances, their M_j are added to
//! these, the first at T^W.
//!
//! Words of different links and those of the instances have different powers of τ, so each is that of its bytes; see
//! [`packing`](super::packing) for why the balance must begin at 0, which T^O does not change.

use super::{
    gate::{GateRow, Gates, selected},
    row::{Ring, Row},
    wires::{word_multiplier, words_multiplier},
};
use crate::circuit::columns::{Cell, Point};
use crate::circuit::links::CommittedOutputs;
use halo2_proofs::{halo2curves::bn256::Fr, plonk::Expression};

/// What is left of a link's words before the row more than after it.
pub fn taken<R: Row>(row: &mut R, link: usize) -> R::Value {
    let [word, sum, is_word] = [Cell::Linked(link), Cell::LinkedSum(link), Cell::LinkRows(link)]
        .map(|cell| row.here(cell));
    let apart = word_multiplier(row.point(Point::Tau));
    is_word * (word + (apart - R::Value::one()) * sum)
}

impl GateRow<'_, '_> {
    /// What the packed bytes begin at: the words of all links before the row, and then what begins behind them.
    pub fn words_before(&mut self, behind: Expression<Fr>) -> Expression<Fr> {
        let outputs = self.shape.outputs.map_or(0, |outputs| outputs.links);
        let links = 0..self.shape.links.len() - outputs;
        links.rev().fold(behind, |behind, link| self.linked_before(link, behind))
    }

    /// The same with the words of committed outputs behind it.
    pub fn words_behind(&mut self, begun: Expression<Fr>) -> Expression<Fr> {
        let Some(CommittedOutputs { links, words }) = self.shape.outputs else { return begun };
        let last = self.shape.links.len() - 1;
        let sum = self.before(Cell::LinkedSum(last));
        let links = last + 1 - links..last;
        let sum = links.rev().fold(sum, |behind, link| self.linked_before(link, behind));
        begun + words_multiplier(self.point(Point::Tau), words) * sum
    }

    /// A link's words, and what is behind them.
    fn linked_before(&mut self, link: usize, behind: Expression<Fr>) -> Expression<Fr> {
        let sum = self.before(Cell::LinkedSum(link));
        behind * words_multiplier(self.point(Point::Tau), self.shape.links[link]) + sum
    }
}

/// Adds the gates of links.
pub fn configure(gates: &mut Gates<'_>) {
    for link in gates.links() {
        gates.add("linked words", |row| {
            let active = row.here(Cell::Active);
            let (here, before) =
                (row.here(Cell::LinkedSum(link)), row.before(Cell::LinkedSum(link)));
            let left = before - here - taken(row, link);
            vec![("the linked sum holds the words of the commitment", active * left)]
        });

        gates.add("linked words end", |row| {
            let behind = row.is_behind();
            let sum = row.before(Cell::LinkedSum(link));
            selected(&behind, [("nothing but the words of the commitment is linked", sum)])
        });
    }
}

#[cfg(test)]
mod tests;
