//! Small models of every operator.

use super::{
    assert_other_output_is_refused, broken, circuit, foldings, honest, input, mixed, models,
};
use crate::circuit::{Goal, Wishes, net::NetCircuit};
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

/// The first, the last and a few between; all of a few.
fn some_of(len: usize) -> Vec<usize> {
    let mut elements = vec![0, len / 3, len * 2 / 3, len - 1];
    elements.dedup();
    elements
}

#[test]
fn every_operator_refuses_other_outputs() {
    for (_, model) in models::all() {
        let circuit = circuit(&model);
        for element in some_of(circuit.compiled.net.outputs[0].len) {
            assert_other_output_is_refused(&circuit, &mixed(&model), element);
        }
    }
}

#[test]
fn columns_that_share_one_hold_the_same() {
    for (name, model) in models::all().into_iter().step_by(5) {
        let wishes = Wishes { goal: Goal::Gas, ..Wishes::default() };
        let circuit = NetCircuit::new(&model, wishes).expect("the model has a circuit");
        assert!(circuit.plan().shape.fold > 1, "{name}");
        for circuit in [vec![circuit], foldings(&model)[1..].to_vec()].concat() {
            assert_eq!(broken(&circuit, honest(&model, &circuit)), [""; 0], "{name}");
            let last = circuit.compiled.net.outputs[0].len - 1;
            assert_other_output_is_refused(&circuit, &mixed(&model), last);
        }
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
