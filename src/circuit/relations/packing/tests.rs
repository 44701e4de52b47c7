//! Instances hold the public bytes, and no others.

use crate::circuit::columns::Constant;
use crate::circuit::layout::rows::Content;
use crate::circuit::shape::Flag;
use crate::circuit::tests::{
    assert_breaks, broken, foldings, forged, honest, mixed, models, relimb, row, summed::summed,
};
use crate::circuit::{Forge, ModelCircuit, Wishes};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;

/// Circuits that take instances by rows, and one whose verifier adds them up.
fn all(model: &Model) -> impl Iterator<Item = ModelCircuit> {
    foldings(model).into_iter().chain([summed(model)])
}

#[test]
fn instances_of_another_output_are_refused() {
    let (_, model) = models::all().swap_remove(0);
    for circuit in all(&model) {
        for word in 1..circuit.instances() {
            let mut witness = honest(&model, &circuit);
            witness.instances[word] += Fr::one();
            assert_breaks(&broken(&circuit, witness), &["the bytes are those of the instances"]);
        }
        let mut witness = honest(&model, &circuit);
        witness.instances[0] += Fr::one();
        assert_eq!(broken(&circuit, witness), [""; 0], "any context will do");
    }
}

#[test]
fn private_input_is_no_instance_but_is_checked() {
    let (_, model) = models::all().swap_remove(0);
    let wishes = Wishes { private_input: true, ..Wishes::default() };
    let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
    let words = model.graph.tensors[model.outputs[0].tensor.0].len().div_ceil(31);
    assert_eq!(circuit.instances(), 1 + words);
    let witness = honest(&model, &circuit);
    let reference = model.evaluate(&[mixed(&model)]).expect("an input of the model");
    assert_eq!(&witness.outputs, reference.tensor(model.outputs[0].tensor));
    assert_eq!(broken(&circuit, witness.clone()), [""; 0]);
    let at = row(&circuit, (circuit.compiled.net.inputs[0].block, 3));
    let mut cheating = witness;
    relimb(&mut cheating, 1, at, Fr::zero());
    assert_breaks(&broken(&circuit, cheating), &["an input plus N − 256 is below N"]);
}

#[test]
fn input_above_a_byte_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    for circuit in all(&model) {
        let at = row(&circuit, (circuit.compiled.net.inputs[0].block, 3));
        let mut witness = honest(&model, &circuit);
        relimb(&mut witness, 1, at, Fr::zero());
        assert_breaks(&broken(&circuit, witness), &["an input plus N − 256 is below N"]);
    }
}

#[test]
fn packing_that_jumps_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    for circuit in all(&model) {
        let jump: Forge = |sums, _, compiled, _| {
            let last = compiled.plan.layout.rows.iter().rposition(|row| row.packs.is_some());
            sums.packed[last.expect("bytes are packed")] += Fr::one();
        };
        let names = forged(&circuit, honest(&model, &circuit), jump);
        assert_breaks(&names, &["the packed instances hold the public bytes"]);
        // Elsewhere nothing is taken off.
        let jump: Forge = |sums, _, compiled, _| {
            let first = compiled.plan.layout.rows.iter().position(|row| row.packs.is_some());
            for packed in &mut sums.packed[..first.expect("bytes are packed") - 1] {
                *packed += Fr::one();
            }
            // The words begin as the bytes do, and end elsewhere.
            sums.balance[0] += Fr::one();
        };
        let names = forged(&circuit, honest(&model, &circuit), jump);
        let balance = "the balance grows by what is made less what is taken";
        assert_breaks(&names, &["the packed instances hold the public bytes", balance]);
    }
}

#[test]
fn bytes_beyond_the_packed_ones_are_refused() {
    let (_, model) = models::all().swap_remove(0);
    for circuit in all(&model) {
        // Something is left after the last byte, all the way from the first row.
        let leave: Forge = |sums, challenges, compiled, _| {
            let (mut rest, begun) = (Fr::one(), sums.packed[0]);
            for at in (0..sums.packed.len()).rev() {
                sums.packed[at] += rest;
                let row = &compiled.fixed.rows[at];
                if row[Flag::Packs] {
                    let tau = if row[Flag::EndsWord] { challenges.tau } else { Fr::one() };
                    rest *= compiled.fixed.constant(Constant::Packing, at) * tau;
                }
            }
            sums.balance[0] += sums.packed[0] - begun;
        };
        let names = forged(&circuit, honest(&model, &circuit), leave);
        let balance = "the balance grows by what is made less what is taken";
        assert_breaks(&names, &["nothing but the bytes is packed", balance]);
    }
}

/// No row takes a word there, in no model's circuit.
#[test]
fn honest_rows_hold_where_the_verifier_adds_instances_up() {
    for (name, model) in models::all() {
        let circuit = summed(&model);
        let mut rows = circuit.plan().layout.rows.iter();
        assert!(rows.all(|row| row.content != Content::Instance), "{name}");
        assert_eq!(broken(&circuit, honest(&model, &circuit)), [""; 0], "{name}");
    }
}

/// A prover could make up for other instances where the balance or the packed bytes begin.
#[test]
fn other_instances_are_refused_wherever_what_is_left_begins() {
    let holds = "the packed instances hold the public bytes";
    let balance = "the balance grows by what is made less what is taken";
    let (_, model) = models::all().swap_remove(0);
    let circuit = summed(&model);
    // The first word is one more.
    let other = || {
        let mut witness = honest(&model, &circuit);
        witness.instances[1] += Fr::one();
        witness
    };
    let attacks: [(Forge, &str); 4] = [
        (|_, _, _, _| {}, "the bytes are those of the instances"),
        // The balance begins at one less, all the way or on the row before the table alone.
        (
            |sums, _, _, _| sums.balance.iter_mut().for_each(|at| *at -= Fr::one()),
            "everything made is what was taken",
        ),
        (|sums, _, _, _| sums.balance[0] -= Fr::one(), balance),
        // The packed bytes begin at one more.
        (|sums, _, _, _| sums.packed[0] += Fr::one(), holds),
    ];
    for (attack, refusal) in attacks {
        assert_breaks(&forged(&circuit, other(), attack), &[refusal]);
    }
}
