//! What a circuit will cost, before any key is made.
//!
//! Proof, gas and code follow from the constraint system and from which fixed columns are empty; tests compare
//! them with the real contract. Time and memory are fits to measurements: `script/fit_prediction.py` prints their
//! constants anew.

use super::CliError;
use crate::circuit::ModelCircuit;
use crate::model::{Model, Port};
use crate::solidity::estimate_circuit_gas;
use serde::Serialize;

/// Seconds on two quiet cores: without any row, and per row and fixed column. An advice column counts twice, as
/// it is also committed to. (That an FFT takes k passes does not show between k = 10 and 18.)
const SECONDS: f64 = 0.1;
const SECONDS_PER_CELL: f64 = 2.2e-6;

/// Bytes that the process holds: without any row, per row, and per row and column.
const MEMORY: f64 = 12e6;
const MEMORY_PER_ROW: f64 = 1300.0;
const MEMORY_PER_CELL: f64 = 143.0;

/// Bytes of an instance.
const WORD: usize = 32;

/// What a proof and its verification will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Wall time of a proof on two quiet cores.
    pub prove_seconds: f64,
    /// The most memory that proving holds.
    pub memory_bytes: u64,
    /// A proof's length.
    pub proof_bytes: usize,
    /// Total gas of a transaction that verifies it, under Prague, if the input is in the middle of its range.
    /// A byte of calldata that is 0 costs 12 gas less than another.
    pub verify_gas: u64,
    /// Length of the contract's code.
    pub runtime_bytes: usize,
}

impl Prediction {
    /// Predicts from a model and its planned circuit.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "figures far below 2^53, not negative"
    )]
    pub fn new(model: &Model, circuit: &ModelCircuit) -> Result<Self, CliError> {
        let cs = circuit.constraint_system();
        let estimate = estimate_circuit_gas(circuit, circuit.k(), &[circuit.instances()])?
            .with_zero_bytes(zero_bytes(model, circuit));
        let (advice, fixed) = (cs.num_advice_columns() as f64, cs.num_fixed_columns() as f64);
        let rows = (1_u64 << circuit.k()) as f64;
        let memory_per_row = MEMORY_PER_ROW + MEMORY_PER_CELL * (advice + fixed);
        Ok(Self {
            prove_seconds: SECONDS + SECONDS_PER_CELL * (2.0 * advice + fixed) * rows,
            memory_bytes: (MEMORY + memory_per_row * rows) as u64,
            proof_bytes: estimate.proof_bytes,
            verify_gas: estimate.total,
            runtime_bytes: estimate.runtime_bytes,
        })
    }
}

/// Bytes of the instances that are 0 if the input is in the middle of its range: what packing leaves empty, and
/// the input itself where 0 is its smallest value, as in images. The context and the outputs are not 0.
fn zero_bytes(model: &Model, circuit: &ModelCircuit) -> usize {
    let tensor = |port: &Port| &model.graph.tensors[port.tensor.0];
    let inputs = model.inputs.iter().map(tensor).filter(|tensor| {
        let quantization = &tensor.quantization;
        circuit.shape().shows_input() && quantization.zero_point != quantization.element.range().0
    });
    let others: usize =
        inputs.chain(model.outputs.iter().map(tensor)).map(|tensor| tensor.len()).sum();
    (WORD * (circuit.instances() - 1)).saturating_sub(others)
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;
    use crate::circuit::{Goal, Wishes};
    use crate::evm::{Fork, GasReport};
    use crate::model::Model;
    use crate::proving::{Prover, Srs, Verifier};
    use crate::solidity::{
        CompilerSettings, SolidityCompiler, VerifierContract, verify_proof_calldata,
    };
    use halo2_proofs::halo2curves::bn256::Fr;
    use std::path::Path;

    fn assert_within(what: &str, predicted: f64, measured: f64, tolerance: f64) {
        let error = (predicted - measured).abs() / measured;
        println!("{what}: {predicted} predicted, {measured} measured");
        assert!(error <= tolerance, "{what}: predicted {predicted}, measured {measured}");
    }

    #[test]
    fn predictions_hold_for_real_contracts() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let compiler = SolidityCompiler::at(&root.join("tools/solc")).unwrap();
        let wishes = [
            ("credit_logreg", Wishes::default()),
            ("credit_logreg", Wishes { k: Some(11), ..Wishes::default() }),
            ("digits_mlp", Wishes::default()),
            ("digits_mlp", Wishes { goal: Goal::Gas, ..Wishes::default() }),
            ("digits_cnn", Wishes::default()),
            ("digits_cnn", Wishes { goal: Goal::Gas, ..Wishes::default() }),
            ("lenet5", Wishes::default()),
        ];
        for (name, wishes) in wishes {
            let folder = root.join("test/fixtures/models").join(name);
            let bytes = std::fs::read(folder.join("int8_qdq.onnx")).unwrap();
            let model = Model::from_onnx(name, &bytes).unwrap();
            // The input that the prediction is for: bytes that are 0 are cheaper.
            let tensor = &model.graph.tensors[model.inputs[0].tensor.0];
            let input = vec![tensor.quantization.zero_point; tensor.len()];
            let circuit = ModelCircuit::new(&model, wishes).unwrap();
            let predicted = Prediction::new(&model, &circuit).unwrap();

            let srs = Srs::unsafe_dev(circuit.k());
            let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap();
            let contract =
                VerifierContract::new(verifier.params(), verifier.vk(), &[circuit.instances()]);
            let rendered = contract.unwrap().render().unwrap();
            let compiled = compiler.compile(&rendered, CompilerSettings::default()).unwrap();
            let prover = Prover::generate(verifier, &circuit).unwrap();
            let witness = circuit.witness(&input, Fr::from(1)).unwrap();
            let instances = witness.instances.clone();
            let proof = prover.prove(circuit.with_witness(witness), &instances).unwrap();
            let calldata = verify_proof_calldata(&proof, &instances);
            let report = GasReport::measure(&compiled.init_code, &calldata, Fork::Prague).unwrap();

            assert_eq!(predicted.proof_bytes, proof.len(), "{name}");
            assert_within(name, predicted.verify_gas as f64, report.total as f64, 0.01);
            let runtime_bytes = compiled.runtime_code.len() as f64;
            assert_within(name, predicted.runtime_bytes as f64, runtime_bytes, 0.05);
        }
    }
}
