//! One proof of each model, made once for all tests of this process.

use crate::{
    claim::Claim,
    keyed::{Fixture as _, MODELS, NETS, keyed},
};
use halo2_proofs::halo2curves::bn256::Fr;
use std::sync::OnceLock;
use zkverdict::{
    circuit::ModelCircuit,
    evm::{Address, Fork, Machine, Outcome, Run},
    model::Model,
    proving::{Format, ModelVerifier, Proof},
    solidity::{CompiledContract, Refusal},
};

/// The variant of the largest model, and the largest k that it may need. Its tests are run by `script/slow.sh`.
const LARGEST: (&str, u32, &str) = ("resnet8", 18, "int8_qdq");

/// A model's verifiers and the proof of its first sample. The proving key is not kept.
pub struct Proven {
    pub variant: &'static str,
    pub most_k: u32,
    pub circuit: ModelCircuit,
    pub verifier: ModelVerifier,
    pub contract: CompiledContract,
    pub samples: Vec<Vec<i32>>,
    pub proof: Vec<u8>,
    pub instances: Vec<Fr>,
}

impl Proven {
    fn new((name, most_k, variant): (&str, u32, &'static str)) -> Self {
        let keyed = keyed(name, variant);
        let contract = keyed.contract();
        let samples = keyed.samples();
        let (proof, instances) = keyed.prove_witness(keyed.witness(&samples[0]));
        let (verifier, circuit) = (keyed.verifier().clone(), keyed.circuit().clone());
        Self { variant, most_k, circuit, verifier, contract, samples, proof, instances }
    }

    /// The models that are more than a chain of dense layers, but for the largest.
    pub fn nets() -> impl Iterator<Item = &'static Self> {
        static PROVEN: [OnceLock<Proven>; NETS.len()] = [const { OnceLock::new() }; NETS.len()];
        PROVEN.iter().zip(NETS).map(|(proven, net)| proven.get_or_init(|| Self::new(net)))
    }

    /// A variant of each model, but for the largest.
    pub fn models() -> impl Iterator<Item = &'static Self> {
        static PROVEN: [OnceLock<Proven>; MODELS.len()] = [const { OnceLock::new() }; MODELS.len()];
        let chains = PROVEN.iter().zip(MODELS).map(|(proven, (name, most_k, variants))| {
            proven.get_or_init(|| Self::new((name, most_k, variants[0])))
        });
        chains.chain(Self::nets())
    }

    /// The largest model.
    pub fn largest() -> &'static Self {
        static PROVEN: OnceLock<Proven> = OnceLock::new();
        PROVEN.get_or_init(|| Self::new(LARGEST))
    }

    pub fn model(&self) -> &Model {
        self.verifier.model()
    }

    pub fn name(&self) -> &str {
        &self.model().name
    }

    pub fn claim(&self) -> Claim {
        Claim::new(&self.proof, &self.instances)
    }

    /// The Rust verifier's verdict.
    pub fn verdict(&self, claim: &Claim) -> Result<(), Refusal> {
        let vk_digest = self.verifier.digest();
        let (bytes, instances) = (claim.proof.clone(), claim.instances.clone());
        self.verifier.verify(&Proof { format: Some(Format::Halo2), vk_digest, bytes, instances })
    }
}

/// A contract in process that proofs are sent to.
pub struct InProcess {
    machine: Machine,
    address: Address,
}

impl InProcess {
    pub fn new(contract: &CompiledContract) -> Self {
        let mut machine = Machine::new(Fork::default());
        let address = machine.deploy(&contract.init_code).unwrap().address;
        Self { machine, address }
    }

    pub fn run(&mut self, calldata: &[u8]) -> Run {
        self.machine.call(self.address, calldata).unwrap()
    }

    pub fn verdict(&mut self, claim: &Claim) -> Result<(), Refusal> {
        self.verdict_on(&claim.calldata())
    }

    /// Anything but acceptance and a typed error is a panic.
    pub fn verdict_on(&mut self, calldata: &[u8]) -> Result<(), Refusal> {
        match self.run(calldata).outcome {
            Outcome::Returned(_) => Ok(()),
            Outcome::Reverted(data) => {
                Err(Refusal::decode(&data).unwrap_or_else(|| panic!("reverted with {data:02x?}")))
            }
            other => panic!("{other:?}"),
        }
    }

    pub fn accepts(&mut self, proof: &[u8], instances: &[Fr]) -> bool {
        self.verdict(&Claim::new(proof, instances)).is_ok()
    }
}
