//! The proved instances are the reference's answer.

use halo2_proofs::halo2curves::bn256::Fr;
use std::time::Instant;
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::Model;
use zkverdict::proving::{Prover, Srs, Verifier};

#[test]
fn timing() {
    for name in ["credit_logreg", "diagnosis_mlp", "digits_mlp"] {
        let bytes = std::fs::read(format!("/work/shared/models/{name}/int8_qdq.onnx")).unwrap();
        let model = Model::from_onnx(name, &bytes).unwrap();
        let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
        let plan = circuit.plan();
        println!("{name} k {} {:?} rows {}", plan.k, plan.shape, plan.layout.rows.len());
        let srs = Srs::unsafe_dev(plan.k);
        let t = Instant::now();
        let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap();
        let prover = Prover::generate(verifier, &circuit).unwrap();
        println!("keygen {:?} pk {}", t.elapsed(), prover.key_bytes());
        let input = vec![3; model.graph.tensors[model.inputs[0].tensor.0].len()];
        for _ in 0..5 {
            let t = Instant::now();
            let witness = circuit.witness(&input, Fr::from(9)).unwrap();
            let instances = witness.instances.clone();
            let proof = prover.prove(circuit.with_witness(witness), &instances).unwrap();
            println!("prove {:?} bytes {}", t.elapsed(), proof.len());
        }
    }
}
