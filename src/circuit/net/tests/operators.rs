//! Small models of every operator.

use super::{IS_TAKEN, broken, circuit, honest, input, integer, mixed, models, relimb, tampered};
use crate::circuit::{
    Goal, Wishes,
    field::field,
    net::{NetCircuit, compute::Held, graph::Kind},
};
use halo2_proofs::halo2curves::bn256::Fr;

#[test]
fn every_operator_gives_the_reference_at_any_input() {
    for (name, model) in models::all() {
        let circuit = circuit(&model);
        let inputs = [
            mixed(&model),
            input(&model, |_| -128),
            input(&model, |_| 127),
            input(&model, |i| if i % 2 == 0 { 127 } else { -128 }),
            input(&model, |_| -7),
        ];
        for input in inputs {
            let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
            let reference = model.evaluate(&[input]).expect("an input of the model");
            let reference = reference.tensor(model.outputs[0].tensor);
            assert_eq!(witness.outputs, reference, "{name}");
            assert_eq!(broken(&circuit, witness), [""; 0], "{name}");
        }
    }
}

// The output's row reads another row of the table; all look-ups and the instances go along.
#[test]
fn every_operator_refuses_an_output_off_by_one_at_any_position() {
    for (name, model) in models::all() {
        let circuit = circuit(&model);
        let honest = honest(&model, &circuit);
        let net = &circuit.compiled.net;
        let cells = &net.blocks[net.outputs[0].block].cells;
        let outputs = cells.iter().enumerate().filter(|(_, cell)| cell.element.is_some());
        // The first ones stand for all: rows of one block differ in their fixed cells only.
        for (number, cell) in outputs.take(3) {
            let element = cell.element.expect("filtered") as usize;
            let other = if honest.outputs[element] == 127 { -1 } else { 1 };
            let byte = u8::try_from(honest.outputs[element] + other + 128).expect("a byte");
            let Some(u) = circuit.plan().fitted.table.iter().position(|&b| b == u32::from(byte))
            else {
                continue;
            };
            let tamper = |block: usize, at: usize, held: &mut Held| {
                if (block, at) == (net.outputs[0].block, number) {
                    if matches!(cell.kind, Kind::Read { .. }) {
                        held.division.limbs[0] = byte.into();
                    } else {
                        (held.division.u, held.division.byte) = (u as u32, byte.into());
                    }
                }
            };
            let witness = tampered(&model, &circuit, &tamper);
            assert_eq!(witness.outputs[element], honest.outputs[element] + other, "{name}");
            // In a circuit with intervals, the other row's length can be refused as well.
            let names = broken(&circuit, witness);
            assert!(names.iter().any(|broken| broken.contains(IS_TAKEN)), "{name}: {names:?}");
        }
    }
}

#[test]
fn columns_that_share_one_hold_the_same() {
    for (name, model) in models::all().into_iter().step_by(5) {
        let wishes = Wishes { goal: Goal::Gas, ..Wishes::default() };
        let circuit = NetCircuit::new(&model, wishes).expect("the model has a circuit");
        assert!(circuit.plan().shape.fold > 1, "{name}");
        let witness = honest(&model, &circuit);
        let mut cheating = witness.clone();
        assert_eq!(broken(&circuit, witness), [""; 0], "{name}");
        for word in 1..circuit.instances() {
            cheating.instances[word] += Fr::one();
            assert!(!broken(&circuit, cheating.clone()).is_empty(), "{name}");
        }
        let honest = honest(&model, &circuit);
        let at = circuit.plan().layout.rows.iter().rposition(|row| row.packs.is_some());
        let at = at.expect("outputs are public");
        let mut cheating = honest;
        let limb = integer(cheating.limbs[0][at]) ^ 1;
        relimb(&mut cheating, 0, at, field(limb));
        assert!(!broken(&circuit, cheating).is_empty(), "{name}");
    }
}

#[test]
fn stored_plan_is_taken_up_again_only_for_its_model() {
    let mut all = models::all();
    let (_, model) = all.swap_remove(0);
    let (_, other) = all.swap_remove(1);
    let circuit = circuit(&model);
    let (k, shape) = (circuit.plan().k, &circuit.plan().shape);
    let again = NetCircuit::restore(&model, k, shape).expect("the model's own plan");
    assert_eq!(again.plan().shape, *shape);
    assert_eq!(again.plan().layout.weights, circuit.plan().layout.weights);
    assert!(NetCircuit::restore(&other, k, shape).is_err());
}
