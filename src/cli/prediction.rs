//! What a circuit will cost, before any key is made.
//!
//! Proof, gas and code follow from the constraint system and from which fixed columns are empty; tests compare
//! them with the real contract. Time and memory are those of [`Cost`](crate::circuit::Cost).

use super::{CliError, packing::packing};
use crate::circuit::{Goal, InstancePart, InstanceTensor, ModelCircuit};
use crate::model::{Model, Port};
use crate::proving::{Format, WORD_BYTES};
use crate::solidity::{GasEstimate, Packing, estimate_circuit_gas};
use serde::Serialize;

/// What a proof and its verification will cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Prediction {
    /// Wall time of a proof on two quiet cores.
    pub prove_seconds: f64,
    /// The most memory that proving holds.
    pub memory_bytes: u64,
    /// A proof's length.
    pub proof_bytes: usize,
    /// Total gas of a transaction that verifies it, under Osaka, whatever the input: none of its bytes is 0. (A byte
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
    /// Predicts from a planned circuit.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "figures far below 2^53, not negative"
    )]
    pub fn new(circuit: &ModelCircuit, format: Format, goal: Goal) -> Result<Self, CliError> {
        let cost = circuit.cost();
        let (estimate, [seconds, bytes]) = match format {
            Format::Halo2 => {
                let counts = [circuit.instances()];
                (estimate_circuit_gas(circuit, circuit.k(), &counts)?, [cost.seconds, cost.bytes])
            }
            Format::Packed => {
                let packing = packing(circuit, goal)?;
                (packing.estimate, packed_cost(circuit, &packing))
            }
        };
        Ok(Self {
            prove_seconds: seconds,
            memory_bytes: bytes as u64,
            proof_bytes: estimate.proof_bytes,
            verify_gas: estimate.with_zero_bytes(unused_bytes(circuit)).total,
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
        let unused = unused_bytes(circuit);
        let gas = |inputs: &Vec<Vec<i32>>| {
            let zero_bytes = unused + zero_input_bytes(model, circuit, inputs);
            self.estimate.with_zero_bytes(zero_bytes).total
        };
        let sum: u64 = inferences.iter().map(gas).sum();
        Self { verify_gas_mean: sum.checked_div(inferences.len() as u64), ..self }
    }

    /// Total gas of verifying a proof of these instances.
    #[cfg(test)]
    pub fn verify_gas_of(&self, instances: &[[u8; WORD_BYTES]]) -> u64 {
        self.estimate.with_instances(instances).total
    }
}

/// Seconds and bytes of a packed proof: those of halo2's format, and what long polynomials take beyond it.
#[allow(clippy::cast_precision_loss, reason = "numbers far below 2^53")]
fn packed_cost(circuit: &ModelCircuit, packing: &Packing) -> [f64; 2] {
    /// Of a power in the two openings, and of a cell that is committed to as an element of full size.
    const SECONDS_PER_POWER: f64 = 1.5e-6;
    const SECONDS_PER_CELL: f64 = 0.7e-6;
    /// Without any, and of a power: the string's point, and the openings' polynomials.
    const BYTES: f64 = 8e6;
    const BYTES_PER_POWER: f64 = 110.0;
    let cost = circuit.cost();
    let advice = circuit.constraint_system().num_advice_columns();
    let (powers, cells) = (packing.powers as f64, (advice << circuit.k()) as f64);
    [
        cost.seconds + SECONDS_PER_POWER * powers + SECONDS_PER_CELL * cells,
        cost.bytes + BYTES + BYTES_PER_POWER * powers,
    ]
}

/// Bytes of the instances in which nothing is packed. The context has none.
fn unused_bytes(circuit: &ModelCircuit) -> usize {
    let parts = circuit.layout().parts();
    let tensors = parts.iter().filter_map(|part| part.tensor.map(|tensor| (tensor, part)));
    let unused = |(tensor, part): (&InstanceTensor, &InstancePart<'_>)| {
        (WORD_BYTES * part.at.len()).saturating_sub(tensor.len() * tensor.code.bits() / 8)
    };
    tensors.map(unused).sum()
}

/// Bytes of the packed inputs that are 0: packing counts from the type's smallest value.
fn zero_input_bytes(model: &Model, circuit: &ModelCircuit, inputs: &[Vec<i32>]) -> usize {
    let zeros = |(port, integers): (&Port, &Vec<i32>)| {
        let (smallest, _) = model.graph.tensors[port.tensor.0].quantization.element.range();
        integers.iter().filter(|&&integer| integer == smallest).count()
    };
    let told = model.inputs.iter().zip(inputs).zip(&circuit.layout().inputs);
    told.filter(|(_, told)| told.is_public()).map(|(input, _)| zeros(input)).sum()
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;
    use crate::circuit::{
        Goal, Plans, Wishes,
        tests::random::{self, Random},
    };
    use crate::evm::{Fork, GasReport};
    use crate::model::quantize::{Examples, QuantizeOptions};
    use crate::model::{ImportOptions, InputFormat, Model};
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
            for (one, other) in all.iter().flat_map(|one| all.iter().map(move |other| (one, other)))
            {
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
            let report =
                GasReport::measure(&compiled.init_code, &calldata, Fork::default()).unwrap();

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
