//! Hashed inputs: an instance is the hash of the packed bytes and of a blinding.
//!
//! A row of a hash ([`hashes`](crate::circuit::hashes)) holds a state, s, and makes one S-box. With c the row's constant and q
//! the square of s₀ + c, what comes out is y = q²·(s₀ + c), and the state after it, M being Poseidon's matrix,
//!
//! | the row after | holds |
//! |---|---|
//! | past | (s₁, s₂, s₃, y) |
//! | full | M·(s₁, s₂, s₃, y) |
//! | partial | M·(y, s₁, s₂, s₃) |
//! | none of them | 0 |
//! | begins, and one of them | only the first element of it, then any two, then the known output of an S-box |
//!
//! What a row is, is fixed. So from where a hash begins to where it ends all is a function of the pairs that its permutations
//! take, the first of which is the blinding and a word: all else is words. Rows before the first of a hash have no say in it.
//! Words, and each hash's negative, are taken off a sum that goes backwards along the rows, with T as in
//! [`packing`](super::packing):
//!
//! ```text
//! sum₋₁ = sum                                            on other rows
//! sum₋₁ = T·sum + word                                   where a hash begins
//! sum₋₁ = T²·sum + word + T·next word                    where another permutation of it does
//! sum₋₁ = sum − T^e·hash                                 where it ends
//! ```
//!
//! It is 0 behind the last row. So on row 0 it is Σ_i T^i·word_i over the H words of all hashes, less Σ_h T^(H + w_h)·hash_h, where
//! e is so that w_h is the place of the hash among the packed instances. Hashed bytes are packed behind those of commitments and
//! before all others, and a word of 0 stands in the place of each hash and of the padding: behind the links' words the packed bytes begin at
//!
//! ```text
//! sum + T^H·(balance + words of the instances)
//! ```
//!
//! All of this is a polynomial in τ with coefficients of the first phase: each word is that of its bytes, so below 2^248 and the
//! padding 0, and each hash that of its instance.

use super::{
    gate::{GateRow, Gates, selected},
    row::{Ring, Row},
    wires::{word_multiplier, words_multiplier},
};
use crate::circuit::{
    columns::{Cell, HashCell, Point},
    hashes,
    poseidon::{Fields, Order},
};
use halo2_proofs::{halo2curves::bn256::Fr, plonk::Expression};

fn here<R: Row>(row: &mut R, cell: HashCell) -> R::Value {
    row.here(Cell::Hash(cell))
}

/// What enters the S-box of the row, or of one before.
fn entered<R: Row>(row: &mut R, back: usize) -> R::Value {
    let [first, constant] =
        [HashCell::State(0), HashCell::Constant].map(|cell| row.cell(Cell::Hash(cell), back));
    first + constant
}

/// The state behind the S-box of the row before, where one is.
fn turned<R: Row>(row: &mut R) -> [R::Value; Fields::WIDTH] {
    let square = row.before(Cell::Hash(HashCell::Square));
    let out = square.clone() * square * entered(row, 1);
    let [b, c, d] = [1, 2, 3].map(|element| row.before(Cell::Hash(HashCell::State(element))));
    let turned = [b.clone(), c.clone(), d.clone(), out.clone()];
    let [past, full, partial] =
        [HashCell::Past, HashCell::Full, HashCell::Partial].map(|flag| here(row, flag));
    // What is multiplied with the matrix: the flags choose, so that it is done once.
    let mut stayed = [out, b, c, d].into_iter();
    let mixed = turned.clone().map(|turned| {
        let stayed = stayed.next().expect("as many elements");
        full.clone() * turned + partial.clone() * stayed
    });
    let matrix = Order::get().matrix.into_iter();
    let mut mixed = matrix.map(|row| {
        let products = row.into_iter().zip(mixed.clone());
        let products = products.map(|(entry, element)| R::Value::constant(entry) * element);
        products.reduce(|sum, product| sum + product).expect("a row is not empty")
    });
    turned.map(|turned| past.clone() * turned + mixed.next().expect("a row for each element"))
}

/// What is left of hashed words and hashes before the row more than after it.
pub fn taken<R: Row>(row: &mut R) -> R::Value {
    let tau = row.point(Point::Tau);
    let apart = word_multiplier(tau.clone());
    let [begins, goes_on, sum] =
        [HashCell::Begins, HashCell::Full, HashCell::Sum].map(|cell| here(row, cell));
    let [first, second] = [1, 2].map(|element| here(row, HashCell::State(element)));
    let one = |sum: R::Value| (apart.clone() - R::Value::one()) * sum;
    // Where a hash begins, the first is its blinding.
    let blinded = one(sum.clone()) + second.clone();
    let more = one(apart.clone() * sum + second) + first;
    let words = begins * (blinded + goes_on * more);
    let behind = hashes::words_behind(&row.shape().hashes);
    behind.into_iter().enumerate().fold(words, |taken, (number, words)| {
        let ends = here(row, HashCell::Ends(number));
        let hash = here(row, HashCell::State(0));
        taken - ends * words_multiplier(tau.clone(), words) * hash
    })
}

impl GateRow<'_, '_> {
    /// What the packed bytes begin at behind the links' words: hashed words before the row, and then what begins behind them.
    pub fn hashed_before(&mut self, behind: Expression<Fr>) -> Expression<Fr> {
        if self.shape.hashes.is_empty() {
            return behind;
        }
        let words = self.shape.hashes.iter().map(|hashed| hashed.taken()).sum();
        let sum = self.before(Cell::Hash(HashCell::Sum));
        behind * words_multiplier(self.point(Point::Tau), words) + sum
    }
}

/// Adds the gates of hashes.
pub fn configure(gates: &mut Gates<'_>) {
    if !gates.hash() {
        return;
    }
    gates.add("hash", |row| {
        let active = row.here(Cell::Active);
        let entered = entered(row, 0);
        let square = here(row, HashCell::Square) - entered.clone() * entered;
        let turned = turned(row);
        let begins = here(row, HashCell::Begins);
        let goes_on = Expression::one() - begins.clone();
        let mut constraints = vec![("the square is that of what enters", active.clone() * square)];
        let names = [
            "the first element is what the round gives",
            "the second element is what the round gives",
            "the third element is what the round gives",
            "the fourth element is what the round gives",
        ];
        for (element, (name, turned)) in names.into_iter().zip(turned).enumerate() {
            let own = here(row, HashCell::State(element));
            let constraint = match element {
                0 => active.clone() * own - turned,
                3 => {
                    let known = begins.clone() * Expression::Constant(Order::get().first);
                    active.clone() * own - known - goes_on.clone() * turned
                }
                // Those are anything where a permutation begins.
                _ => (active.clone() - begins.clone()) * own - goes_on.clone() * turned,
            };
            constraints.push((name, constraint));
        }
        constraints
    });

    gates.add("hashed words", |row| {
        let active = row.here(Cell::Active);
        let sum = row.before(Cell::Hash(HashCell::Sum)) - here(row, HashCell::Sum);
        vec![("the hashed sum holds words and hashes", active * sum - taken(row))]
    });

    gates.add("hashed words end", |row| {
        let behind = row.is_behind();
        let sum = row.before(Cell::Hash(HashCell::Sum));
        selected(&behind, [("nothing but the words of hashes is hashed", sum)])
    });
}

#[cfg(test)]
mod tests;
