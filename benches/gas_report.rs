//! How long a gas report takes once the contract is compiled:
//! `cargo bench --profile dev --bench gas_report`, the profile that everything else is built with.

#![allow(clippy::unwrap_used)]

use std::{path::Path, time::Instant};

use halo2_proofs::halo2curves::bn256::Fr;
use zkverdict::{
    circuit::{ModelCircuit, Wishes},
    evm::{Abi, DebugInfo, Experiment, Fork},
    model::Model,
    proving::{Prover, Srs, Verifier},
    solidity::{CompilerSettings, SolidityCompiler, VerifierContract, verify_proof_calldata},
};

const RUNS: usize = 20;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let onnx = root.join("test/fixtures/models/digits_mlp/int8_qdq.onnx");
    let model = Model::from_onnx("digits_mlp", &std::fs::read(onnx).unwrap()).unwrap();
    let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
    let srs = Srs::unsafe_dev(circuit.k());
    let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap();
    let contract =
        VerifierContract::new(verifier.params(), verifier.vk(), &[circuit.instances()]).unwrap();
    let prover = Prover::generate(verifier, &circuit).unwrap();
    let input = vec![3; model.graph.tensors[model.inputs[0].tensor.0].len()];
    let witness = circuit.witness(&input, Fr::from(9)).unwrap();
    let instances = witness.instances.clone();
    let proof = prover.prove(circuit.with_witness(witness), &instances).unwrap();

    let compiler = SolidityCompiler::at(&root.join("tools/solc")).unwrap();
    let rendered = contract.render().unwrap();
    let start = Instant::now();
    let compiled = compiler.compile(&rendered, CompilerSettings::default()).unwrap();
    println!("compilation            {:>10.1?}", start.elapsed());
    let start = Instant::now();
    let debug = DebugInfo::from_compiler(
        &compiled.standard_json,
        &format!("{}.sol", compiled.name),
        &compiled.name,
        &compiled.init_code,
        |input| Ok::<_, Box<dyn std::error::Error>>(compiler.standard_json(input)?),
    );
    println!("positions, 2 compilations {:>7.1?}", start.elapsed());
    let experiment =
        Experiment::new(&compiled.init_code, &verify_proof_calldata(&proof, &instances))
            .named(&compiled.name)
            .with_abi(Abi::from_json(&compiled.abi).unwrap())
            .with_debug_info(debug.unwrap());

    let mut reports = Vec::new();
    for fork in Fork::ALL {
        let report = median(|| experiment.run(fork).unwrap());
        println!("report, {fork:<14} {report:>10.1?}");
        reports.push(experiment.run(fork).unwrap());
    }
    let page = median(|| experiment.html_page(&reports, Fork::default()).unwrap());
    println!("page of four reports   {page:>10.1?}");
}

/// The median time of some runs.
fn median<T>(run: impl Fn() -> T) -> std::time::Duration {
    let mut times: Vec<_> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(run());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[RUNS / 2]
}
