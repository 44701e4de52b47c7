//! Public values: the packed instances are the model's input and output bytes.
//!
//! As in `chain::public`: `balance` begins as Σ_w T^w·instance_w and takes one word off on each of the
//! first rows; `packed` begins as the same and takes off each public byte until nothing is left.
//!
//! An input byte lies in the first limb; it is below 256 because it is below N, and so is the second
//! limb, which is the byte plus N − 256.

use super::columns::Columns;
use super::plan::Shape;
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
