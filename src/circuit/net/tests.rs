//! Honest rows hold; each way to cheat is refused by the constraint that is there for it.

use super::{Forge, NetCircuit, Witness};
use crate::circuit::Wishes;
use crate::model::Model;
use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    halo2curves::bn256::Fr,
};

mod vectors;

/// The names of the constraints that a witness breaks.
fn broken(circuit: &NetCircuit, witness: Witness) -> Vec<String> {
    forged(circuit, witness, |_, _, _, _| {})
}

/// The same, with a second phase that a cheating prover changed after computing it.
fn forged(circuit: &NetCircuit, witness: Witness, forge: Forge) -> Vec<String> {
    let instances = witness.instances.clone();
    let mut circuit = circuit.with_witness(witness);
    circuit.forge = Some(forge);
    let prover =
        MockProver::run(circuit.plan().k, &circuit, vec![instances]).expect("the circuit fits");
    let failures = prover.verify().err().unwrap_or_default();
    let mut names: Vec<String> = failures
        .into_iter()
        .map(|failure| match failure {
            VerifyFailure::ConstraintNotSatisfied { constraint, .. } => constraint.to_string(),
            other => panic!("{other}"),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn try_models() {
    let files = std::env::var("TRY").unwrap_or_default();
    for path in files.split_whitespace() {
        let bytes = std::fs::read(path).unwrap();
        let model = Model::from_onnx("m", &bytes).unwrap();
        let start = std::time::Instant::now();
        let net = super::Net::new(&model).unwrap();
        println!("{path}: lowered {:?}, {} blocks, {} rules", start.elapsed(), net.blocks.len(), net.rules.len());
        let circuit = NetCircuit::new(&model, Wishes::default()).unwrap();
        let plan = circuit.plan();
        println!("planned {:?} k {} rows {} {:?}", start.elapsed(), plan.k, plan.rows(), plan.shape);
        let mut counts = std::collections::BTreeMap::new();
        for row in &plan.layout.rows {
            let name = match row.content {
                super::layout::Content::Cell { block, .. } => format!("{:02} {}", block, net.blocks[block as usize].name),
                super::layout::Content::Weights(_) => "weights".into(),
                other => format!("{other:?}"),
            };
            *counts.entry(name).or_insert(0) += 1;
        }
        println!("{counts:?}");
        let input = &model.graph.tensors[model.inputs[0].tensor.0];
        let low = input.quantization.element.range().0;
        let integers: Vec<i32> = (0..input.len()).map(|i| (i * 37 % 256) as i32 + low).collect();
        let start = std::time::Instant::now();
        let witness = circuit.witness(&integers, Fr::from(5)).unwrap();
        println!("witness {:?}", start.elapsed());
        let reference = model.evaluate(&[integers]).unwrap();
        assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor));
        if plan.k < 17 {
            let broken = broken(&circuit, witness);
            println!("broken: {:?}", &broken[..broken.len().min(5)]);
            assert!(broken.is_empty());
        }
    }
}
