//! Public values: the packed instances are the model's input and output bytes.
//!
//! Word w packs bytes b₀ … b₃₀ as Σ_t 256^t·b_t, each tensor beginning a word; words are instances 1, 2, …
//! after the context. They agree with the bytes if, and except with probability words/2^254 over τ only if,
//!
//! ```text
//! Σ_w T^w·instance_w  =  Σ_w T^w · Σ_t 256^t·b_(w,t)          T = 256^31·τ
//! ```
//!
//! The left side is what `owed` begins with (it is idle before the first layer): each instance row takes
//! one word off until nothing is left. The right side is what `packed` begins with; each public byte is
//! taken off it until nothing is left. Both beginnings are equal.
//!
//! | row | owed | packed |
//! |-----|------|--------|
//! | boundary | V | V |
//! | instance | (owed₋₁ − instance)/T | packed₋₁ |
//! | input byte | owed₋₁ | (packed₋₁ − b)/m |
//! | output byte | … | (packed₋₁ − b)/m |
//! | any other | … | packed₋₁ |
//!
//! m is 256, and 256·τ at the end of a word; at the end of a short last input word 256^(31 − bytes + 1)·τ.
//!
//! An input byte lies in the first limb; it is below 256 because it is below N, and so is the second
//! limb, which is the byte plus N − 256. An output byte is read from the table, which holds only bytes.

use super::{columns::Columns, plan::Shape};
use crate::circuit::{
    BYTES_PER_WORD,
    field::{byte_power, field},
    query::{before, here, one},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Constraints, Expression},
};

impl Columns {
    /// T, by which words are apart.
    pub fn word_multiplier(&self) -> Expression<Fr> {
        Expression::Constant(byte_power(BYTES_PER_WORD)) * self.tau.expr()
    }
}

/// Adds the gates of public values.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: Shape) {
    meta.create_gate("input byte", |meta| {
        let is_input = here(meta, columns.takes) * (one() - here(meta, columns.makes));
        let room = i128::try_from(shape.table_rows).expect("a table length") - 256;
        let (byte, raised) = (here(meta, columns.limbs[0]), here(meta, columns.limbs[1]));
        let room = Expression::Constant(field(room));
        Constraints::with_selector(
            is_input,
            [("an input plus N − 256 is below N", raised - byte - room)],
        )
    });

    meta.create_gate("packed input", |meta| {
        let is_input = here(meta, columns.takes) * (one() - here(meta, columns.makes));
        let multiplier = here(meta, columns.weights[0]);
        let ends_word = here(meta, columns.marks);
        let factor = multiplier * (one() + ends_word * (columns.tau.expr() - one()));
        let rest = here(meta, columns.packed) * factor;
        let (byte, packed) = (here(meta, columns.limbs[0]), before(meta, columns.packed));
        Constraints::with_selector(
            is_input,
            [("the packed instances hold the input byte", packed - byte - rest)],
        )
    });

    meta.create_gate("packed output", |meta| {
        let is_output = here(meta, columns.makes) * (one() - here(meta, columns.takes));
        let ends_word = here(meta, columns.marks);
        let factor = (one() + ends_word * (columns.tau.expr() - one())) * byte_power(1);
        let rest = here(meta, columns.packed) * factor;
        let (byte, packed) = (here(meta, columns.byte), before(meta, columns.packed));
        Constraints::with_selector(
            is_output,
            [("the packed instances hold the output byte", packed - byte - rest)],
        )
    });

    meta.create_gate("packed elsewhere", |meta| {
        let active = here(meta, columns.active);
        let (takes, makes) = (here(meta, columns.takes), here(meta, columns.makes));
        let both = takes.clone() * makes.clone();
        let is_private = one() - takes - makes + both.clone() + both;
        let (packed, packed_before) = (here(meta, columns.packed), before(meta, columns.packed));
        Constraints::with_selector(
            active * is_private,
            [("other rows take nothing off the packed instances", packed_before - packed)],
        )
    });

    meta.create_gate("packed begins and ends", |meta| {
        let edge = columns.edge(meta);
        let (packed, owed) = (before(meta, columns.packed), before(meta, columns.owed));
        Constraints::with_selector(
            edge,
            [("the bytes are those of the instances, and no more", packed - owed)],
        )
    });
}
