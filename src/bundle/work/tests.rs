//! Instances from the reference are those that provers have, and what is written down is read again.

use super::*;
use crate::bundle::InputCommitment;
use crate::circuit::tests::{batch, claims, models, ports, summed};
use crate::circuit::{InstanceTensor, ModelCircuit, Wishes};
use crate::model::Visibility::{Committed, Hashed, Private, Public};
use crate::proving::Powers;

fn work(inputs: Vec<Vec<i32>>, inferences: u64) -> Work {
    Work {
        inputs,
        contexts: (5..5 + inferences).map(Fr::from).collect(),
        commitments: Vec::new(),
        blindings: Blindings::draw(0),
        weights: None,
    }
}

/// What the circuit says; names are for whoever knows them.
fn of_circuit(work: &Work, model: &Model, circuit: &ModelCircuit) -> Vec<Word> {
    let inputs = work.inputs.concat();
    let witness = circuit.witness_with(model, &inputs, work.blindings.all(), work.contexts.clone());
    let instances = witness.expect("there is a witness").instances;
    instances.iter().map(word_of).collect()
}

fn smallest(model: &Model) -> Vec<Vec<i32>> {
    let integers =
        |tensor: &crate::model::Tensor| vec![tensor.quantization.element.range().0; tensor.len()];
    model.inputs.iter().map(|port| integers(&model.graph.tensors[port.tensor.0])).collect()
}

#[test]
fn instances_are_those_of_circuits() {
    for (name, model) in models::all() {
        let circuit = ModelCircuit::new(&model, Wishes::default()).expect("a circuit");
        let work = work(smallest(&model), 1);
        let own = work.instances(&model, circuit.layout()).expect("an input");
        assert_eq!(own, of_circuit(&work, &model, &circuit), "{name}");
    }
    let (model, inputs) = (batch::model(3, 2), (0..99).map(|i| i * 91 % 256 - 128).collect());
    let circuit = batch::circuit(&model, Wishes::default());
    let work = work(vec![inputs], 3);
    let own = work.instances(&model, circuit.layout()).expect("an input");
    assert_eq!(own, of_circuit(&work, &model, &circuit));
}

#[test]
fn instances_of_claims_are_those_of_circuits() {
    let model = claims::model();
    for (claim, about) in claims::kinds() {
        let layout = claims::layout(&model, &[claim], false);
        let plans = crate::circuit::Plans::for_instances(&model, layout, Wishes::default());
        let circuit = plans.expect("it has circuits").circuit(crate::circuit::Goal::Speed);
        let chosen = Some(about(7)).filter(|chosen| !chosen.is_empty());
        let work = work(smallest(&model).into_iter().chain(chosen).collect(), 1);
        let own = work.instances(&model, circuit.layout()).expect("an input");
        assert_eq!(own, of_circuit(&work, &model, &circuit), "{claim}");
    }
}

#[test]
fn instances_of_hidden_inputs_are_those_of_circuits() {
    let model = ports::model();
    for told in [[Hashed, Public], [Private, Hashed], [Hashed; 2], [Committed, Public]] {
        let circuit = summed::told(&model, &told);
        let layout = circuit.layout();
        let mut work = work(ports::inputs().to_vec(), 1);
        work.blindings = Blindings::draw(layout.hashed().count());
        if told[0] == Committed {
            let powers = Powers::unsafe_dev(1 << 8);
            let tensor = InstanceTensor::of_port(&model, &model.inputs[0]);
            let commitment = InputCommitment::new(tensor, &work.inputs[0], &powers);
            work.commitments = vec![commitment.expect("the string is long enough")];
        }
        let own = work.instances(&model, layout).expect("inputs");
        let mut expected = of_circuit(&work, &model, &circuit);
        let names = layout.range(Role::InputName);
        expected[names].copy_from_slice(
            &work.commitments.iter().map(InputCommitment::name).collect::<Vec<_>>(),
        );
        assert_eq!(own, expected, "{told:?}");
        // Written down and read, it is the same.
        let read = Work::parse(&work.to_bytes()).expect("as it was written");
        assert_eq!(read.inputs, work.inputs);
        assert_eq!(read.instances(&model, layout).expect("inputs"), own);
        // What is missing is said, and nothing panics.
        work.contexts.clear();
        assert!(work.instances(&model, layout).is_err());
    }
}

#[test]
fn what_is_not_as_it_is_written_is_refused_without_a_word_of_it() {
    let bytes = work(vec![vec![42_424_242]], 1).to_bytes();
    let text = String::from_utf8(bytes).expect("text");
    let refused = |text: &str| Work::parse(text.as_bytes()).map(drop).expect_err("it was changed");
    for (from, to, expected) in [
        ("\"version\":1", "\"version\":2", "version 2, expected 1"),
        ("\"weights\":null", "\"weights\":null,\"more\":1", "it is not as it is written"),
        ("42424242", "42424242424242", "it is not as it is written"),
        ("0x00", "0xff", "not below the scalar modulus"),
        ("\"commitments\":[]", "\"commitments\":[\"{}\"]", "it is not as `commit` writes it"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let why = refused(&changed);
        assert!(why.contains(expected) && !why.contains("4242"), "{why}");
    }
    assert!(refused(&text[..text.len() - 1]).contains("line 1"));
}
