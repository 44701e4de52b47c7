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
//! `packed` ends at 0, so that V, which a prover chooses after all challenges, is the right side: bytes are of the
//! first phase. What the rows of instances leave of it in `balance` is a polynomial in τ over a power of τ, and 0
//! only if it is the left side too; see [`gates`](super::gates) for why it must be 0. m is 256, and 256·τ at the end
//! of a word; at the end of a short word that others follow 256^(31 − bytes + 1)·τ.
//!
//! An input byte lies in the first limb; it is below 256 because it is below N, and so is the second
//! limb, which is the byte plus N − 256. An output byte is read from the table.

use super::columns::Columns;
use super::shape::Shape;
use crate::circuit::{
    field::field,
    query::{before, here, one},
};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{ConstraintSystem, Constraints, Expression},
};

/// Adds the gates of public values.
pub fn configure(meta: &mut ConstraintSystem<Fr>, columns: &Columns, shape: &Shape) {
    meta.create_gate("input byte", |meta| {
        let inputs = columns.cells(meta) * columns.inputs(meta);
        let room = i128::try_from(shape.table_rows).expect("a table length") - 256;
        let [byte, raised] = [0, 1].map(|limb| here(meta, columns.lookups.limbs[limb]));
        let room = Expression::Constant(field(room));
        Constraints::with_selector(
            inputs,
            [("an input plus N − 256 is below N", raised - byte - room)],
        )
    });

    meta.create_gate("packed", |meta| {
        let active = here(meta, columns.lookups.active);
        let packs = here(meta, columns.flags.packs);
        let ends_word = here(meta, columns.flags.ends_word);
        let factor =
            here(meta, columns.weights[2]) * (one() + ends_word * (columns.tau.expr() - one()));
        let (packed, then) = (here(meta, columns.packed), before(meta, columns.packed));
        let taken = columns.value(meta) + (factor - one()) * packed.clone();
        vec![(
            "the packed instances hold the public bytes",
            active * (then - packed) - columns.cells(meta) * packs * taken,
        )]
    });

    meta.create_gate("packed begins and ends", |meta| {
        let active = columns.lookups.active;
        let (here_active, then_active) = (here(meta, active), before(meta, active));
        let (packed, balance) = (before(meta, columns.packed), before(meta, columns.balance));
        let first = (one() - then_active.clone()) * here_active.clone();
        let last = then_active * (one() - here_active);
        vec![
            ("the bytes are those of the instances", first * (packed.clone() - balance)),
            ("nothing but the bytes is packed", last * packed),
        ]
    });
}
