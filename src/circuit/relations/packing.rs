//! Public values: the packed instances are the model's input and output bytes.
//!
//! Word w packs bytes b₀ … b₃₀ as Σ_t 256^t·b_t, each tensor beginning a word; words are instances 1, 2, …
//! after the context. They agree with the bytes if, and except with probability words/2^253 over τ only if,
//!
//! ```text
//! Σ_w T^w·instance_w  =  Σ_w T^w · Σ_t 256^t·b_(w,t)          T = 256^31·τ
//! ```
//!
//! | row | balance | packed |
//! |-----|---------|--------|
//! | boundary | V | V |
//! | instance | (balance₋₁ − instance)/T | packed₋₁ |
//! | public byte | … | (packed₋₁ − b)/m |
//! | any other | … | packed₋₁ |
//!
//! Where the verifier adds up the left side, which packed proofs let it do, there are no rows of instances: `packed`
//! begins at V, and the balance at V less that sum. There committed bytes may come before all others, whose words are in
//! columns that proofs link to commitments: see [`linking`](super::linking).
//!
//! Of a hashed input an instance is the hash, and no byte: a word of 0 stands in its place among the bytes. See
//! [`hashing`](super::hashing).
//!
//! `packed` ends at 0, so that V, which a prover chooses after all challenges, is the right side: bytes are of the
//! first phase. What the rows of instances leave of it in `balance` is a polynomial in τ over a power of τ, and 0
//! only if it is the left side too; see [`wires`](super::wires) for why it must be 0. m is 256, and 256·τ at the end
//! of a word; at the end of a short word that others follow 256^(31 − bytes + 1)·τ.
//!
//! Bytes abreast of a row's first are those behind it in its word: `packed` takes off Σ_j 256^j·b_j, and m is for what comes
//! behind them all.
//!
//! An input byte lies in the first limb; it is below 256 because it is below N, and so is the second
//! limb, which is the byte plus N − 256. An output byte is read from the table.

use super::{
    gate::{Constraint, Gates, selected},
    row::{Ring, Row, sum},
};
use crate::circuit::{
    columns::{Cell, Constant, Point},
    field::{byte_power, field},
    shape::Flag,
};

/// 1 on rows of input bytes: public ones that are neither made nor copied, or private ones.
fn is_input<R: Row>(row: &mut R) -> R::Value {
    if row.shape().private_input {
        return row.flag(Flag::Inputs).expect("the shape has it");
    }
    let reads = row.flag(Flag::Reads);
    let makes = row.makes().expect("some rows make bytes");
    let others = match reads {
        Some(reads) => makes + reads,
        None => makes,
    };
    row.flag(Flag::Packs).expect("every shape has it") * (R::Value::one() - others)
}

/// What rows of input bytes promise.
fn input_byte<R: Row>(row: &mut R) -> [Constraint<R::Value>; 1] {
    let room = R::Value::constant(field(row.shape().base() - 256));
    let [byte, raised] = [0, 1].map(|limb| row.here(Cell::Limb(limb)));
    [("an input plus N − 256 is below N", raised - byte - room)]
}

/// What the packing of a public byte multiplies those behind it with.
fn factor<R: Row>(row: &mut R) -> R::Value {
    let packing = row.constant(Constant::Packing);
    match row.flag(Flag::EndsWord) {
        Some(ends_word) => {
            packing * (R::Value::one() + ends_word * (row.point(Point::Tau) - R::Value::one()))
        }
        None => packing,
    }
}

/// The bytes abreast of a row's first, each 256 times the one before; none if there are none.
fn abreast<R: Row>(row: &mut R) -> Option<R::Value> {
    let several = row.several()?;
    let values = (1..row.shape().abreast).map(|value| {
        let power = R::Value::constant(byte_power(value));
        Some(power * row.abreast(value).value())
    });
    sum(values).map(|bytes| several * bytes)
}

/// What is left of packed bytes before the row more than after it; none if nothing.
pub fn taken<R: Row>(row: &mut R) -> Option<R::Value> {
    let packs = row.flag(Flag::Packs)?;
    let (factor, packed) = (factor(row), row.here(Cell::Packed));
    let taken = row.value() + (factor - R::Value::one()) * packed;
    let first = row.cells() * packs.clone() * taken;
    sum([Some(first), abreast(row).map(|bytes| packs * bytes)])
}

/// Adds the gates of public values.
pub fn configure(gates: &mut Gates<'_>) {
    gates.add("input byte", |row| {
        let inputs = row.cells() * is_input(row);
        selected(&inputs, input_byte(row))
    });
    if gates.have(Flag::Abreast) {
        gates.add("input bytes abreast", |row| {
            let inputs = row.several().expect("the shape has them") * is_input(row);
            let values = 1..row.shape.abreast;
            let byte = |value: usize| {
                let [(_, constraint)] = input_byte(&mut row.abreast(value));
                ("each input abreast plus N − 256 is below N", constraint)
            };
            selected(&inputs, values.map(byte))
        });
    }

    gates.add("packed", |row| {
        let active = row.here(Cell::Active);
        let taken = taken(row).expect("some bytes are public");
        let left = row.before(Cell::Packed) - row.here(Cell::Packed);
        vec![("the packed instances hold the public bytes", active * left - taken)]
    });

    gates.add("packed begins and ends", |row| {
        let (first, behind) = (row.is_first(), row.is_behind());
        let (packed, balance) = (row.before(Cell::Packed), row.before(Cell::Balance));
        let begun = match row.columns.words {
            Some(words) => balance + words.expr(),
            None => balance,
        };
        let begun = row.words_behind(begun);
        let begun = row.hashed_before(begun);
        let begun = row.words_before(begun);
        vec![
            ("the bytes are those of the instances", first * (packed.clone() - begun)),
            ("nothing but the bytes is packed", behind * packed),
        ]
    });
}

#[cfg(test)]
mod tests;
