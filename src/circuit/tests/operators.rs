//! Small models of every operator.

use super::{
    assert_other_output_is_refused, broken, circuit, foldings, honest, input, mixed, models,
};
use crate::circuit::{CircuitError, Goal, ModelCircuit, Shape, Wishes, layout::moves::Menu};
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
        let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
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
    let again =
        ModelCircuit::restore(&model, circuit.layout(), k, shape).expect("the model's own plan");
    assert_eq!(again.plan().shape, *shape);
    assert_eq!(again.plan().layout.weights, circuit.plan().layout.weights);
    assert!(ModelCircuit::restore(&other, circuit.layout(), k, shape).is_err());
}

#[test]
fn a_node_without_its_inputs_is_refused() {
    for (name, model) in models::all() {
        for node in 0..model.graph.nodes.len() {
            let mut model = model.clone();
            while model.graph.nodes[node].inputs.pop().is_some() {
                let error = ModelCircuit::new(&model, Wishes::default()).expect_err(name);
                assert!(matches!(error, CircuitError::UnsupportedOperator { .. }), "{error}");
            }
        }
    }
}

// Their columns could not be made.
#[test]
fn impossible_shapes_are_known() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    let (k, shape) = (circuit.plan().k, &circuit.plan().shape);
    assert!(shape.is_possible(k));
    let changes: [fn(&mut Shape); 6] = [
        |shape| shape.lanes = 4,
        |shape| shape.limbs = 1,
        |shape| shape.fold = 3,
        |shape| shape.table_rows = 1 << 20,
        |shape| (shape.averages, shape.intervals) = (true, false),
        |shape| (shape.lanes, shape.vectors, shape.products) = (8, true, true),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut other = shape.clone();
        change(&mut other);
        assert!(!other.is_possible(k), "change {number}");
    }
    for step in [[i32::MIN, 0, 0], [0, 65, 0]] {
        let menu = format!("[{step:?}]");
        let menu: Menu = serde_json::from_str(&menu).expect("a menu");
        assert!(!menu.is_valid(), "{step:?}");
    }
}
