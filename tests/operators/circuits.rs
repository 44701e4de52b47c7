//! Circuits compute what the reference does.

use crate::cases::{Case, cases};
use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::Model;
use zkverdict::proving::{Prover, ProverKind, Srs, Verifier};

/// Every third case; all of them with `ALL=1`.
#[test]
fn circuits_of_operators_compute_the_reference() {
    let step = if std::env::var_os("ALL").is_some() { 1 } else { 3 };
    let cases: Vec<Case> = cases().into_iter().step_by(step).collect();
    cases.par_iter().for_each(|case| {
        let model = Model::from_onnx(&case.name, &case.model).unwrap();
        let circuit = ModelCircuit::new(&model, Wishes::default())
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let reference = model.evaluate(&case.inputs).unwrap();
        let witness = circuit.witness(&case.inputs.concat(), Fr::from(1)).unwrap();
        assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor), "{}", case.name);
    });
}

/// Every 80th case, by each prover; each proof is verified before it is given away.
#[test]
fn operators_are_proved_by_every_prover() {
    for case in cases().into_iter().step_by(80) {
        let model = Model::from_onnx(&case.name, &case.model).unwrap();
        let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
        let srs = Srs::unsafe_dev(circuit.k());
        let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap();
        for kind in [ProverKind::Own, ProverKind::Portable, ProverKind::Stock] {
            let prover = Prover::generate_for(kind, verifier.clone(), &circuit).unwrap();
            let witness = circuit.witness(&case.inputs.concat(), Fr::from(1)).unwrap();
            let instances = witness.instances.clone();
            let proof = prover.prove(circuit.with_witness(witness), &instances);
            assert!(proof.is_ok(), "{} by {kind:?}: {proof:?}", case.name);
        }
    }
}
