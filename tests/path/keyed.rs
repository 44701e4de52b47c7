//! Models of the fixtures with their circuits, keys and contracts.

use halo2_proofs::halo2curves::bn256::Fr;
use std::path::{Path, PathBuf};
use zkverdict::{
    circuit::{ModelCircuit, Wishes, Witness},
    model::{InputFormat, Model},
    proving::{ModelProver, ModelVerifier, Srs, Verifier, word_of},
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

pub fn folder(model: &str) -> PathBuf {
    Path::new(ROOT).join("test/fixtures/models").join(model)
}

pub fn import(name: &str, variant: &str) -> Model {
    let bytes = std::fs::read(folder(name).join(format!("{variant}.onnx"))).unwrap();
    Model::from_onnx(name, &bytes).unwrap()
}

/// A fixture's keys under the development string.
pub fn keyed(name: &str, variant: &str) -> ModelProver {
    with_wishes(name, variant, Wishes::default())
}

pub fn with_wishes(name: &str, variant: &str, wishes: Wishes) -> ModelProver {
    of(import(name, variant), wishes, Srs::unsafe_dev)
}

/// Under a structured reference string for the circuit's k.
pub fn of(model: Model, wishes: Wishes, srs: impl Fn(u32) -> Srs) -> ModelProver {
    let circuit = ModelCircuit::new(&model, wishes).unwrap();
    let srs = srs(circuit.k());
    ModelProver::of_circuit(model, circuit, &srs).unwrap()
}

/// What tests ask of keys beyond their users.
pub trait Fixture {
    /// The stored samples' integers.
    fn samples(&self) -> Vec<Vec<i32>>;
    /// What the reference computes.
    fn reference(&self, input: &[i32]) -> Vec<i32>;
    /// The outputs that instances hold.
    fn outputs(&self, instances: &[Fr]) -> Vec<i32>;
    fn witness(&self, input: &[i32]) -> Witness;
    /// A proof and its instances.
    fn prove_witness(&self, witness: Witness) -> (Vec<u8>, Vec<Fr>);
    fn contract(&self) -> CompiledContract;
}

impl Fixture for ModelProver {
    fn samples(&self) -> Vec<Vec<i32>> {
        let bytes = std::fs::read(folder(&self.model().name).join("samples.npy")).unwrap();
        let inferences = self.model().read_inferences(&bytes, InputFormat::Npy).unwrap();
        inferences.into_iter().map(|mut inputs| inputs.remove(0)).collect()
    }

    fn reference(&self, input: &[i32]) -> Vec<i32> {
        reference(self.model(), input)
    }

    fn outputs(&self, instances: &[Fr]) -> Vec<i32> {
        outputs(self.verifier(), instances)
    }

    fn witness(&self, input: &[i32]) -> Witness {
        self.circuit().witness(input, Fr::from(0xC0FFEE)).unwrap()
    }

    fn prove_witness(&self, witness: Witness) -> (Vec<u8>, Vec<Fr>) {
        let instances = witness.instances.clone();
        let circuit = self.circuit().with_witness(witness);
        (self.halo2().unwrap().prove(circuit, &instances).unwrap(), instances)
    }

    fn contract(&self) -> CompiledContract {
        compiled(&self.verifier().contract("Halo2Verifier").unwrap())
    }
}

/// What the reference computes.
pub fn reference(model: &Model, input: &[i32]) -> Vec<i32> {
    let evaluation = model.evaluate(&[input.to_vec()]).unwrap();
    model.outputs(&evaluation).remove(0).quantized
}

/// The outputs that instances hold.
pub fn outputs(verifier: &ModelVerifier, instances: &[Fr]) -> Vec<i32> {
    let words: Vec<_> = instances.iter().map(word_of).collect();
    verifier.layout().outputs(&words).unwrap()
}

pub fn contract_of(verifier: &Verifier) -> CompiledContract {
    let contract = VerifierContract::new(verifier.params(), verifier.vk(), &[verifier.instances()]);
    compiled(&contract.unwrap())
}

fn compiled(contract: &VerifierContract) -> CompiledContract {
    let compiler = SolidityCompiler::at(&Path::new(ROOT).join("tools/solc")).unwrap();
    compiler.compile(&contract.render().unwrap(), CompilerSettings::default()).unwrap()
}
