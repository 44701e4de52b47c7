//! What a circuit will cost, from its shape alone, before any key is made.
//!
//! Proof, gas and code follow from the constraint system; tests compare them with the real contract. Time
//! and memory are fits to measurements: `script/fit_prediction.py` prints their constants anew.

use super::CliError;
use crate::circuit::ModelCircuit;
use crate::solidity::estimate_gas;
use serde::Serialize;

/// Seconds on two quiet cores: without any row, and per row and fixed column. An advice column counts twice, as
/// it is also committed to. (That an FFT takes k passes does not show between k = 10 and 18.)
const SECONDS: f64 = 0.1;
const SECONDS_PER_CELL: f64 = 2.2e-6;

/// Bytes that the process holds: without any row, per row, and per row and column.
const MEMORY: f64 = 12e6;
const MEMORY_PER_ROW: f64 = 1300.0;
const MEMORY_PER_CELL: f64 = 143.0;

/// What a proof and its verification will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Wall time of a proof on two quiet cores.
    pub prove_seconds: f64,
    /// The most memory that proving holds.
    pub memory_bytes: u64,
    /// A proof's length.
    pub proof_bytes: usize,
    /// Total gas of a transaction that verifies it, under Prague.
    pub verify_gas: u64,
    /// Length of the contract's code.
    pub runtime_bytes: usize,
}

impl Prediction {
    /// Predicts from a planned circuit.
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "figures far below 2^53, not negative"
    )]
    pub fn new(circuit: &ModelCircuit) -> Result<Self, CliError> {
        let cs = circuit.constraint_system();
        let estimate = estimate_gas(&cs, circuit.k(), &[circuit.instances()])?;
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

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;
    use crate::circuit::{Goal, Wishes};
    use crate::evm::{Fork, GasReport};
    use crate::model::{InputFormat, Model};
    use crate::proving::{Prover, Srs, Verifier};
    use crate::solidity::{
        CompilerSettings, SolidityCompiler, VerifierContract, verify_proof_calldata,
    };
    use halo2_proofs::halo2curves::bn256::Fr;
    use std::path::Path;

    fn assert_within(predicted: f64, measured: f64, tolerance: f64) {
        let error = (predicted - measured).abs() / measured;
        assert!(error <= tolerance, "predicted {predicted}, measured {measured}");
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
        ];
        for (name, wishes) in wishes {
            let folder = root.join("test/fixtures/models").join(name);
            let bytes = std::fs::read(folder.join("int8_qdq.onnx")).unwrap();
            let model = Model::from_onnx(name, &bytes).unwrap();
            let samples = std::fs::read(folder.join("samples.npy")).unwrap();
            let input = model.read_inferences(&samples, InputFormat::Npy).unwrap().remove(0);
            let circuit = ModelCircuit::new(&model, wishes).unwrap();
            let predicted = Prediction::new(&circuit).unwrap();

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
            let report = GasReport::measure(&compiled.init_code, &calldata, Fork::Prague).unwrap();

            assert_eq!(predicted.proof_bytes, proof.len(), "{name}");
            assert_within(predicted.verify_gas as f64, report.total as f64, 0.01);
            assert_within(predicted.runtime_bytes as f64, compiled.runtime_code.len() as f64, 0.05);
        }
    }
}
