//! Models of the fixtures with their circuits, keys and contracts.

use halo2_proofs::halo2curves::bn256::Fr;
use std::path::{Path, PathBuf};
use zkverdict::{
    circuit::{InstanceLayout, ModelCircuit, Wishes, Witness, Word},
    model::{InputFormat, Model},
    proving::{Prover, Srs, Verifier},
    solidity::{CompiledContract, CompilerSettings, SolidityCompiler, VerifierContract},
};

pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// All variants of the models that the path takes so far, and the largest k that each may need.
pub const MODELS: [(&str, u32, &[&str]); 3] = [
    ("credit_logreg", 10, &["int8_qdq", "int8_qop"]),
    ("diagnosis_mlp", 11, &["int8_qdq", "int8_qop"]),
    ("digits_mlp", 13, &["int8_qdq", "int8_qop", "uint8act_qdq", "uint8act_qop"]),
];

/// A variant of each model that is more than a chain of dense layers, and the largest k that it may need.
/// `resnet8` takes minutes: `script/slow.sh` walks its path.
pub const NETS: [(&str, u32, &str); 4] = [
    ("digits_cnn", 13, "int8_qdq_perchannel"),
    ("lenet5", 15, "int8_qop"),
    ("tiny_transformer", 16, "int8_qdq"),
    ("tiny_transformer_gelu", 16, "int8_qop"),
];

pub struct Keyed {
    pub model: Model,
    pub circuit: ModelCircuit,
    pub prover: Prover,
}

pub fn folder(model: &str) -> PathBuf {
    Path::new(ROOT).join("test/fixtures/models").join(model)
}

pub fn import(name: &str, variant: &str) -> Model {
    let bytes = std::fs::read(folder(name).join(format!("{variant}.onnx"))).unwrap();
    Model::from_onnx(name, &bytes).unwrap()
}

impl Keyed {
    pub fn new(name: &str, variant: &str) -> Self {
        Self::with_wishes(name, variant, Wishes::default())
    }

    pub fn with_wishes(name: &str, variant: &str, wishes: Wishes) -> Self {
        Self::of(import(name, variant), wishes, Srs::unsafe_dev)
    }

    /// Under a structured reference string for the circuit's k.
    pub fn of(model: Model, wishes: Wishes, srs: impl Fn(u32) -> Srs) -> Self {
        let circuit = ModelCircuit::new(&model, wishes).unwrap();
        let srs = srs(circuit.k());
        let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).unwrap();
        let prover = Prover::generate(verifier, &circuit).unwrap();
        Self { model, circuit, prover }
    }

    pub fn verifier(&self) -> &Verifier {
        self.prover.verifier()
    }

    /// The stored samples' integers.
    pub fn samples(&self) -> Vec<Vec<i32>> {
        let bytes = std::fs::read(folder(&self.model.name).join("samples.npy")).unwrap();
        let inferences = self.model.read_inferences(&bytes, InputFormat::Npy).unwrap();
        inferences.into_iter().map(|mut inputs| inputs.remove(0)).collect()
    }

    /// What the reference computes.
    pub fn reference(&self, input: &[i32]) -> Vec<i32> {
        let evaluation = self.model.evaluate(&[input.to_vec()]).unwrap();
        self.model.outputs(&evaluation).remove(0).quantized
    }

    /// The outputs that instances hold.
    pub fn outputs(&self, instances: &[Word]) -> Vec<i32> {
        outputs(&self.model, &self.circuit, instances)
    }

    pub fn witness(&self, input: &[i32]) -> Witness {
        self.circuit.witness(input, Fr::from(0xC0FFEE)).unwrap()
    }

    /// A proof and its instances.
    pub fn prove(&self, witness: Witness) -> (Vec<u8>, Vec<Fr>) {
        let instances = witness.instances.clone();
        (self.prover.prove(self.circuit.with_witness(witness), &instances).unwrap(), instances)
    }

    pub fn contract(&self) -> CompiledContract {
        contract_of(self.verifier())
    }
}

/// The outputs that instances hold.
pub fn outputs(model: &Model, circuit: &ModelCircuit, instances: &[Word]) -> Vec<i32> {
    let layout = InstanceLayout::of_model(model, !circuit.shape().shows_input());
    layout.outputs(instances).unwrap()
}

pub fn contract_of(verifier: &Verifier) -> CompiledContract {
    let contract = VerifierContract::new(verifier.params(), verifier.vk(), &[verifier.instances()]);
    let compiler = SolidityCompiler::at(&Path::new(ROOT).join("tools/solc")).unwrap();
    compiler.compile(&contract.unwrap().render().unwrap(), CompilerSettings::default()).unwrap()
}
