//! Verifiers of models, rendered, compiled and called with a proof.

use std::path::Path;

use halo2_proofs::halo2curves::bn256::Fr;
use zkverdict::{
    circuit::{ModelCircuit, Wishes},
    evm::{Abi, DebugInfo, Experiment, Fork},
    model::Model,
    proving::{Prover, Srs, Verifier},
    solidity::{
        CompiledContract, CompilerSettings, SolidityCompiler, Tier, VerifierContract,
        verify_batch_calldata, verify_proof_calldata,
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
    let (contract, proof, instances) = proven(name);
    (compiled(&contract), verify_proof_calldata(&proof, &instances))
}

/// A model's verifier with its key in a second contract, a call, and a batch of two.
#[cfg(feature = "chain")]
pub fn verifier_with_key_data(name: &str) -> (CompiledContract, Vec<Vec<u8>>) {
    let (contract, proof, instances) = proven(name);
    let batch = verify_batch_calldata(&[&proof, &proof], &[&instances, &instances]);
    let calls = vec![verify_proof_calldata(&proof, &instances), batch];
    (compiled(&contract.in_tier(Tier::Data)), calls)
}

fn compiled(contract: &VerifierContract) -> CompiledContract {
    compiler().compile(&contract.render().unwrap(), CompilerSettings::default()).unwrap()
}

/// A model's verifier, a proof and its instances.
fn proven(name: &str) -> (VerifierContract, Vec<u8>, Vec<Fr>) {
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
    (contract, proof, instances)
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

#[test]
fn contract_with_the_keys_points_counts_with_its_verifier() {
    let (contract, proof, instances) = proven("digits_mlp");
    let calldata = verify_proof_calldata(&proof, &instances);
    let contracts =
        [Tier::Inline, Tier::Data].map(|tier| compiled(&contract.clone().in_tier(tier)));
    for fork in Fork::ALL {
        let reports = [&contracts[0], &contracts[1]]
            .map(|contract| experiment(contract, &calldata).run(fork).unwrap());
        for report in &reports {
            crate::assert_adds_up(report);
            assert!(report.call.accepted, "{:?}", report.call);
            assert!(report.limits.deployable);
        }
        let [inline, data] = reports;
        assert!(inline.created_bytes.is_empty());
        assert_eq!(data.created_bytes, [contracts[1].key_data_bytes]);
        assert!(data.runtime_bytes < inline.runtime_bytes);
        assert_eq!(data.init_bytes, contracts[1].init_code.len());
        // CREATE costs 32,000 gas in all forks, each byte that it leaves 200 or more.
        let created = 32_000 + 200 * data.created_bytes[0] as u64;
        let saved = 200 * (inline.runtime_bytes - data.runtime_bytes) as u64;
        assert!(data.deploy_gas + saved > inline.deploy_gas + created, "{fork}");
        // One account and one copy more.
        let difference = data.total - inline.total;
        assert!((2_700..6_000).contains(&difference), "{difference}");
    }
}

#[test]
fn too_large_a_contract_of_a_constructor_is_over_the_limit() {
    // Creates 24,577 bytes of zeros, leaves one.
    let child = [0x61, 0x60, 0x01, 0x5f, 0xf3];
    let store = [0x5f, 0x52, 0x60, 0x05, 0x60, 0x1b, 0x5f, 0xf0];
    let init_code = [&[0x64], &child[..], &store, &[0x60, 0x01, 0x5f, 0xf3]].concat();
    let report = Experiment::new(&init_code, &[]).run(Fork::Prague).unwrap();
    assert_eq!(report.runtime_bytes, 1);
    assert_eq!(report.created_bytes, [24_577]);
    assert!(!report.limits.deployable && !report.limits.callable);
    assert_eq!(
        report.limits.problems,
        ["code in bytes that the constructor creates is `24577`, `prague` allows `24576`"]
    );
    let amsterdam = Experiment::new(&init_code, &[]).run(Fork::Amsterdam).unwrap();
    assert!(amsterdam.limits.deployable);
}

#[test]
fn batches_are_attributed_to_phases_too() {
    let (contract, proof, instances) = proven("digits_mlp");
    let contract = compiled(&contract);
    let single = experiment(&contract, &verify_proof_calldata(&proof, &instances));
    let single = single.run(Fork::Prague).unwrap();
    for size in [1, 2, 8] {
        let calldata = verify_batch_calldata(&vec![&proof; size], &vec![&instances; size]);
        let report = experiment(&contract, &calldata).run(Fork::Prague).unwrap();
        crate::assert_adds_up(&report);
        assert!(report.call.accepted, "{:?}", report.call);
        let pairings = report.precompiles.iter().find(|used| used.name == "ecPairing").unwrap();
        assert_eq!(pairings.count, 1);
        println!("{size} proofs: {} gas, {} for one call", report.total, single.total);
        if size == 8 {
            assert!(report.total * 5 <= single.total * 8 * 3, "{} gas", report.total);
        }
    }
}
