//! Circuits compute what the reference does.

use crate::cases::{Case, cases};
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkverdict::circuit::{CircuitError, ModelCircuit, Wishes};
use zkverdict::model::Model;

/// Every third case; all of them with `ALL=1`.
#[test]
fn circuits_of_operators_compute_the_reference() {
    let step = if std::env::var_os("ALL").is_some() { 1 } else { 3 };
    let cases: Vec<Case> = cases().into_iter().step_by(step).collect();
    let proved = cases.par_iter().filter(|case| is_proved(case)).count();
    // The others have several inputs.
    assert!(proved * 4 > cases.len() * 3, "{proved} of {} cases have a circuit", cases.len());
}

/// Whether a case has a circuit; if so, it computes what the reference does.
fn is_proved(case: &Case) -> bool {
    let model = Model::from_onnx(&case.name, &case.model).unwrap();
    let circuit = match ModelCircuit::new(&model, Wishes::default()) {
        Ok(circuit) => circuit,
        Err(CircuitError::Ports { .. }) => return false,
        Err(error) => panic!("{}: {error}", case.name),
    };
    let reference = model.evaluate(&case.inputs).unwrap();
    let witness = circuit.witness(&case.inputs.concat(), Fr::from(1)).unwrap();
    assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor), "{}", case.name);
    true
}
