//! What a circuit will cost, before any key is made.
//!
//! Proof, gas and code follow from the constraint system and from which fixed columns are empty; tests compare
//! them with the real contract. Time and memory are fits to measurements: `script/fit_prediction.py` prints their
//! constants anew.

use super::CliError;
use crate::circuit::{InstanceLayout, InstancePart, InstanceTensor, ModelCircuit};
use crate::model::{Model, Port};
use crate::proving::WORD_BYTES;
use crate::solidity::{GasEstimate, estimate_circuit_gas};
use serde::Serialize;

/// Seconds on two quiet cores with AVX-512 IFMA: without any row, per row (gates, openings), and per row and fixed column. An advice
/// column counts twice, as it is also committed to. (That an FFT takes k passes does not show between k = 10 and 19.)
const SECONDS: f64 = 0.02;
const SECONDS_PER_ROW: f64 = 6.1e-6;
const SECONDS_PER_CELL: f64 = 0.28e-6;

/// Bytes that the process holds: without any row, per row, and per row and column.
const MEMORY: f64 = 17.9e6;
const MEMORY_PER_ROW: f64 = 1560.0;
const MEMORY_PER_CELL: f64 = 122.0;

/// What a proof and its verification will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Wall time of a proof on two quiet cores.
    pub prove_seconds: f64,
    /// The most memory that proving holds.
    pub memory_bytes: u64,
    /// A proof's length.
    pub proof_bytes: usize,
    /// Total gas of a transaction that verifies it, under Prague, whatever the input: none of its bytes is 0. (A byte
    /// of calldata that is 0 costs 12 gas less than another.)
    pub verify_gas: u64,
    /// The same for the cheapest instances, all of whose bytes are 0: a black image whose output is as small.
    pub verify_gas_least: u64,
    /// Mean of the same over example inputs, if there are any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_gas_mean: Option<u64>,
    /// Length of the contract's code.
    pub runtime_bytes: usize,
    #[serde(skip)]
    estimate: GasEstimate,
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
        let estimate = estimate_circuit_gas(circuit, circuit.k(), &[circuit.instances()])?;
        let (advice, fixed) = (cs.num_advice_columns() as f64, cs.num_fixed_columns() as f64);
        let rows = (1_u64 << circuit.k()) as f64;
        let seconds_per_row = SECONDS_PER_ROW + SECONDS_PER_CELL * (2.0 * advice + fixed);
        let memory_per_row = MEMORY_PER_ROW + MEMORY_PER_CELL * (advice + fixed);
        Ok(Self {
            prove_seconds: SECONDS + seconds_per_row * rows,
            memory_bytes: (MEMORY + memory_per_row * rows) as u64,
            proof_bytes: estimate.proof_bytes,
            verify_gas: estimate.with_zero_bytes(unused_bytes(model, circuit)).total,
            verify_gas_least: estimate.with_zero_bytes(WORD_BYTES * estimate.instances).total,
            verify_gas_mean: None,
            runtime_bytes: estimate.runtime_bytes,
            estimate,
        })
    }

    /// Adds the mean over example inputs, each given by its tensors' integers.
    #[must_use]
    pub fn with_inputs(
        self,
        model: &Model,
        circuit: &ModelCircuit,
        inferences: &[Vec<Vec<i32>>],
    ) -> Self {
        let unused = unused_bytes(model, circuit);
        let gas = |inputs: &Vec<Vec<i32>>| {
            let zero_bytes = unused + zero_input_bytes(model, circuit, inputs);
            self.estimate.with_zero_bytes(zero_bytes).total
        };
        let sum: u64 = inferences.iter().map(gas).sum();
        Self { verify_gas_mean: sum.checked_div(inferences.len() as u64), ..self }
    }

    /// Total gas of verifying a proof of these instances.
    #[cfg(feature = "compile")]
    pub fn verify_gas_of(&self, instances: &[[u8; WORD_BYTES]]) -> u64 {
        let zero_bytes = instances.as_flattened().iter().filter(|&&byte| byte == 0).count();
        self.estimate.with_zero_bytes(zero_bytes).total
    }
}

/// Bytes of the instances in which nothing is packed. The context has none.
fn unused_bytes(model: &Model, circuit: &ModelCircuit) -> usize {
    let layout = InstanceLayout::of_model(model, !circuit.shape().shows_input());
    let parts = layout.parts();
    let tensors = parts.iter().filter_map(|part| part.tensor.map(|tensor| (tensor, part)));
    let unused = |(tensor, part): (&InstanceTensor, &InstancePart<'_>)| {
        (WORD_BYTES * part.at.len()).saturating_sub(tensor.len() * tensor.code.bits() / 8)
    };
    tensors.map(unused).sum()
}

/// Bytes of the packed inputs that are 0: packing counts from the type's smallest value.
fn zero_input_bytes(model: &Model, circuit: &ModelCircuit, inputs: &[Vec<i32>]) -> usize {
    if !circuit.shape().shows_input() {
        return 0;
    }
    let zeros = |(port, integers): (&Port, &Vec<i32>)| {
        let (smallest, _) = model.graph.tensors[port.tensor.0].quantization.element.range();
        integers.iter().filter(|&&integer| integer == smallest).count()
    };
    model.inputs.iter().zip(inputs).map(zeros).sum()
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;
    use crate::circuit::{Goal, Wishes};
    use crate::evm::{Fork, GasReport};
    use crate::model::{InputFormat, Model};
    use crate::proving::{Prover, Srs, Verifier, word_of};
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

    /// All models with the default wishes are in `tests/path/predictions.rs`.
    #[test]
    fn predictions_hold_for_real_contracts() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let compiler = SolidityCompiler::at(&root.join("tools/solc")).unwrap();
        let gas = Wishes { goal: Goal::Gas, ..Wishes::default() };
        let wishes = [
            ("credit_logreg", Wishes { k: Some(11), ..Wishes::default() }),
            ("digits_mlp", gas),
            ("digits_mlp", Wishes { private_input: true, ..Wishes::default() }),
            ("digits_cnn", gas),
        ];
        for (name, wishes) in wishes {
            let folder = root.join("test/fixtures/models").join(name);
            let bytes = std::fs::read(folder.join("int8_qdq.onnx")).unwrap();
            let model = Model::from_onnx(name, &bytes).unwrap();
            let samples = std::fs::read(folder.join("samples.npy")).unwrap();
            let input = model.read_inferences(&samples, InputFormat::Npy).unwrap().remove(0);
            let circuit = ModelCircuit::new(&model, wishes).unwrap();
            let predicted = Prediction::new(&model, &circuit).unwrap();

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
}
