//! Circuits whose verifier adds the packed instances up.

use super::ModelCircuit;
use crate::circuit::{
    Goal, InstanceLayout, Plans, Wishes,
    shape::{LARGEST_K, SMALLEST_K},
};
use crate::model::{Model, Visibility};

/// A model's circuit for packed proofs.
pub fn summed(model: &Model) -> ModelCircuit {
    let wishes = Wishes { packed: true, ..Wishes::default() };
    ModelCircuit::new(model, wishes).expect("the model has a circuit")
}

/// A circuit of a model for packed proofs, of whose inputs is told what these say.
pub fn told(model: &Model, told: &[Visibility]) -> ModelCircuit {
    told_of_all(model, told, Visibility::Public, true)
}

/// The same for packed proofs or for those of halo2's format.
pub fn told_in(model: &Model, told: &[Visibility], packed: bool) -> ModelCircuit {
    told_of_all(model, told, Visibility::Public, packed)
}

/// The same of all outputs too.
pub fn told_of_all(
    model: &Model,
    told: &[Visibility],
    outputs: Visibility,
    packed: bool,
) -> ModelCircuit {
    let mut instances = InstanceLayout::of_model(model, false);
    let inputs = instances.inputs.iter_mut().zip(told);
    inputs.for_each(|(input, &told)| input.visibility = told);
    instances.outputs.iter_mut().for_each(|output| output.visibility = outputs);
    // As short as can be: each row is evaluated here.
    let of = |k| {
        let wishes = Wishes { packed, k: Some(k), ..Wishes::default() };
        Plans::for_instances(model, instances.clone(), wishes).ok()
    };
    let plans = (SMALLEST_K..=LARGEST_K).find_map(of).expect("the model has circuits");
    plans.circuit(Goal::default())
}
