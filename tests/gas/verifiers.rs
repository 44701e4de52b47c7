//! Verifiers of models, rendered, compiled and called with a proof.

use std::path::Path;

use halo2_proofs::halo2curves::bn256::Fr;
use zkverdict::{
    circuit::{ModelCircuit, Wishes},
    evm::{Abi, DebugInfo, Experiment, Fork},
    model::Model,
    proving::{Prover, Srs, Verifier},
    solidity::{
        CompiledContract, CompilerSettings, SolidityCompiler, VerifierContract,
        verify_proof_calldata,
    },
};

/// Those whose circuits are small enough for a test.
pub const MODELS: [&str; 3] = ["credit_logreg", "diagnosis_mlp", "digits_mlp"];

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn compiler() -> SolidityCompiler {
    SolidityCompiler::at(&Path::new(ROOT).join("tools/solc")).unwrap()
}

/// A model's verifier and a call with a good proof.
pub fn verifier_of(name: &str) -> (CompiledContract, Vec<u8>) {
    let path = Path::new(ROOT).join("test/fixtures/models").join(name).join("int8_qdq.onnx");
    let model = Model::from_onnx(name, &std::fs::read(path).unwrap()).unwrap();
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
    let compiled =
        compiler().compile(&contract.render().unwrap(), CompilerSettings::default()).unwrap();
    (compiled, verify_proof_calldata(&proof, &instances))
}

pub fn experiment(contract: &CompiledContract, calldata: &[u8]) -> Experiment {
    let compiler = compiler();
    let debug = DebugInfo::from_compiler(
        &contract.standard_json,
        &format!("{}.sol", contract.name),
        &contract.name,
        &contract.init_code,
        |input| Ok::<_, Box<dyn std::error::Error>>(compiler.standard_json(input)?),
    );
    Experiment::new(&contract.init_code, calldata)
        .named(&contract.name)
        .with_abi(Abi::from_json(&contract.abi).unwrap())
        .with_debug_info(debug.unwrap())
}

#[test]
fn verifiers_gas_is_attributed_to_phases_and_lines() {
    for name in MODELS {
        let (contract, calldata) = verifier_of(name);
        let experiment = experiment(&contract, &calldata);
        let reports = Fork::ALL.map(|fork| experiment.run(fork).unwrap());
        for report in &reports {
            crate::assert_adds_up(report);
            assert!(report.call.accepted, "{name}: {:?}", report.call);
            for phase in ["calldata", "transcript", "instances", "gates", "msm", "pairing"] {
                assert!(report.phases.get(phase) > 0, "{name}: {phase} in {:?}", report.phases);
            }
            let by_line: i64 = report.lines.iter().map(|line| line.gas).sum();
            let execution = i64::try_from(report.execution).unwrap();
            assert!(execution - by_line < 200, "{name}: {} without a line", execution - by_line);
        }
        crate::keep_page(&experiment, &reports);
    }
}
