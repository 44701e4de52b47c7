//! What circuits are predicted to cost, beside contracts that are run: below the command line nothing knows of both.

use crate::circuit::{
    Goal, ModelCircuit, Plans, Wishes,
    tests::random::{self, Random},
};
use crate::evm::{Fork, GasReport};
use crate::model::quantize::{Examples, QuantizeOptions};
use crate::model::{ImportOptions, InputFormat, Model};
use crate::proving::{Format, Prover, Srs, Verifier, word_of};
use crate::solidity::{
    CompilerSettings, Prediction, SolidityCompiler, VerifierContract, verify_proof_calldata,
};
use halo2_proofs::halo2curves::bn256::Fr;
use std::path::Path;

fn assert_within(what: &str, predicted: f64, measured: f64, tolerance: f64) {
    let error = (predicted - measured).abs() / measured;
    println!("{what}: {predicted} predicted, {measured} measured");
    assert!(error <= tolerance, "{what}: predicted {predicted}, measured {measured}");
}

fn fixture(name: &str) -> Model {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("test/fixtures/models").join(name).join("int8_qdq.onnx");
    Model::from_onnx(name, &std::fs::read(path).unwrap()).unwrap()
}

/// What `quantize` makes of a float model, and the examples that it took.
fn quantized(name: &str) -> (Model, Vec<u8>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures").join(name);
    let [float, calibration] =
        ["onnx", "npz"].map(|extension| std::fs::read(path.with_extension(extension)).unwrap());
    let (options, import) = (QuantizeOptions::default(), ImportOptions::default());
    let quantized =
        Model::quantize(name, &float, Examples::new(&calibration), None, options, &import);
    (quantized.unwrap().model, calibration)
}

#[test]
fn quantized_models_have_their_price() {
    let plan = |name, private_input| {
        let wishes = Wishes { private_input, ..Wishes::default() };
        let plans = Plans::new(&quantized(name).0, wishes).unwrap();
        Goal::ALL.map(|goal| plans.circuit(goal).k())
    };
    let [credit, private] = [false, true].map(|private| plan("prices/credit_mlp", private));
    assert!(credit[0] <= 11 && credit[1] <= 13, "{credit:?}");
    assert!(private[0] <= 12 && private[1] <= 13, "{private:?}");
    let residual = plan("prices/residual", false);
    assert!(residual[0] <= 11 && residual[1] <= 13, "{residual:?}");
}

/// By `inspect`'s own figures, over all models and fifty at random.
#[test]
fn no_goal_is_served_better_by_the_plan_of_another() {
    let names = [
        "credit_logreg",
        "diagnosis_mlp",
        "digits_mlp",
        "digits_cnn",
        "lenet5",
        "resnet8",
        "tiny_transformer",
        "tiny_transformer_gelu",
    ];
    let mut random = Random(14);
    let random = (0..50).map(|seed| random::model(&mut random, seed));
    for model in names.into_iter().map(fixture).chain(random) {
        let plans = Plans::new(&model, Wishes::default()).unwrap();
        let figures = |goal| {
            let predicted = Prediction::new(&plans.circuit(goal), Format::Halo2, goal).unwrap();
            let Prediction { prove_seconds, verify_gas, memory_bytes, .. } = predicted;
            [prove_seconds, verify_gas as f64, memory_bytes as f64]
        };
        let all = Goal::ALL.map(figures);
        for (own, name) in ["time", "gas", "memory"].into_iter().enumerate() {
            let least = all.iter().map(|plan| plan[own]).fold(f64::INFINITY, f64::min);
            assert!(all[own][own] <= least, "{}: {name}: {all:?}", model.name);
        }
        for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other))) {
            let is_no_worse = other.iter().zip(one).all(|(other, one)| other <= one);
            assert!(one == other || !is_no_worse, "{}: {all:?}", model.name);
        }
    }
}

/// All models with the default wishes are in `tests/path/predictions.rs`.
#[test]
fn predictions_hold_for_real_contracts() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let compiler = SolidityCompiler::at(&root.join("tools/solc")).unwrap();
    let gas = Wishes { goal: Goal::Gas, ..Wishes::default() };
    let private = Wishes { private_input: true, ..Wishes::default() };
    let fixtures = [
        ("credit_logreg", Wishes { k: Some(11), ..Wishes::default() }),
        ("digits_mlp", gas),
        ("digits_mlp", private),
        ("digits_cnn", gas),
    ];
    let fixtures = fixtures.map(|(name, wishes)| {
        let path = root.join("test/fixtures/models").join(name).join("samples.npy");
        (fixture(name), std::fs::read(path).unwrap(), InputFormat::Npy, wishes)
    });
    let made = [
        ("prices/credit_mlp", Wishes::default()),
        ("prices/residual", Wishes::default()),
        ("prices/pool", private),
    ];
    let made = made.map(|(name, wishes)| {
        let (model, calibration) = quantized(name);
        (model, calibration, InputFormat::Npz, wishes)
    });
    for (model, inputs, format, wishes) in fixtures.into_iter().chain(made) {
        let name = model.name.as_str();
        let input = model.read_inferences(&inputs, format).unwrap().remove(0);
        let circuit = ModelCircuit::new(&model, wishes).unwrap();
        let predicted = Prediction::new(&circuit, Format::Halo2, wishes.goal).unwrap();

        let srs = Srs::unsafe_dev(circuit.k());
        let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap();
        let contract =
            VerifierContract::new(verifier.params(), verifier.vk(), &[circuit.instances()]);
        let rendered = contract.unwrap().render().unwrap();
        let compiled = compiler.compile(&rendered, CompilerSettings::default()).unwrap();
        let prover = Prover::generate(verifier, &circuit).unwrap();
        let witness = circuit.witness(&input[0], Fr::from(1)).unwrap();
        let instances = witness.instances.clone();
        let proof = prover.prove(circuit.with_witness(witness), &instances).unwrap();
        let calldata = verify_proof_calldata(&proof, &instances);
        let report = GasReport::measure(&compiled.init_code, &calldata, Fork::default()).unwrap();

        assert!(report.call.accepted, "{name}");
        assert_eq!(predicted.proof_bytes, proof.len(), "{name}");
        let words: Vec<_> = instances.iter().map(word_of).collect();
        let expected = predicted.verify_gas_of(&words);
        assert_within(name, expected as f64, report.total as f64, 0.01);
        assert!((predicted.verify_gas_least..=predicted.verify_gas).contains(&expected));
        let runtime_bytes = compiled.runtime_code.len() as f64;
        assert_within(name, predicted.runtime_bytes as f64, runtime_bytes, 0.05);
    }
}
