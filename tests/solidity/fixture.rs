//! Keys, proofs and deployed contracts for tests.

use std::{path::Path, sync::LazyLock};

use crate::{random_circuit::RandomCircuit, spec::Spec};
use halo2_proofs::{
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{Circuit, ProvingKey, create_proof, keygen_pk, keygen_vk_custom, verify_proof},
    poly::kzg::{
        commitment::{KZGCommitmentScheme, ParamsKZG},
        multiopen::{ProverSHPLONK, VerifierSHPLONK},
        strategy::SingleStrategy,
    },
    transcript::{TranscriptReadBuffer, TranscriptWriterBuffer},
};
use rand::{SeedableRng, rngs::StdRng};
use zkverdict::{
    evm::{Address, Fork, Machine, Outcome, Run},
    proving::{KeccakRead, KeccakWrite},
    solidity::{
        CompiledContract, CompilerSettings, Refusal, SolidityCompiler, VerifierContract,
        verify_proof_calldata,
    },
};

pub static SOLC: LazyLock<SolidityCompiler> = LazyLock::new(|| solc("tools/solc"));

pub fn solc(path: &str) -> SolidityCompiler {
    // The fuzz targets are in a package of their own, below this one.
    let roots = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let path = roots.map(|root| root.join(path)).find(|path| path.is_file());
    SolidityCompiler::at(&path.unwrap()).unwrap()
}

/// An SRS whose secret comes from a seed.
pub fn srs(k: u32, seed: u64) -> ParamsKZG<Bn256> {
    ParamsKZG::setup(k, StdRng::seed_from_u64(seed))
}

/// A circuit with its keys.
pub struct Fixture {
    pub params: ParamsKZG<Bn256>,
    pub pk: ProvingKey<G1Affine>,
}

impl Fixture {
    pub fn new<C: Circuit<Fr>>(
        params: ParamsKZG<Bn256>,
        circuit: &C,
        compress_selectors: bool,
    ) -> Self {
        let vk = keygen_vk_custom(&params, circuit, compress_selectors).unwrap();
        let pk = keygen_pk(&params, vk, circuit).unwrap();
        Self { params, pk }
    }

    pub fn prove<C: Circuit<Fr>>(&self, circuit: C, instances: &[Vec<Fr>], seed: u64) -> Vec<u8> {
        let columns: Vec<&[Fr]> = instances.iter().map(Vec::as_slice).collect();
        let mut transcript = KeccakWrite::init(vec![]);
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, _, _, _, _>(
            &self.params,
            &self.pk,
            &[circuit],
            &[&columns],
            StdRng::seed_from_u64(seed),
            &mut transcript,
        )
        .unwrap();
        transcript.finalize()
    }

    /// The Rust verifier's verdict.
    pub fn accepts(&self, proof: &[u8], instances: &[Vec<Fr>]) -> bool {
        let columns: Vec<&[Fr]> = instances.iter().map(Vec::as_slice).collect();
        let mut transcript = KeccakRead::init(proof);
        let verdict = verify_proof::<
            KZGCommitmentScheme<Bn256>,
            VerifierSHPLONK<'_, Bn256>,
            _,
            _,
            SingleStrategy<'_, Bn256>,
        >(
            &self.params,
            self.pk.get_vk(),
            SingleStrategy::new(&self.params),
            &[&columns],
            &mut transcript,
        );
        verdict.is_ok() && transcript.into_inner().is_empty()
    }

    pub fn contract(&self, instance_counts: &[usize]) -> VerifierContract {
        VerifierContract::new(&self.params, self.pk.get_vk(), instance_counts).unwrap()
    }
}

/// A circuit with keys, a proof and a compiled contract.
pub struct Case {
    pub fixture: Fixture,
    pub circuit: RandomCircuit,
    pub instances: Vec<Vec<Fr>>,
    pub proof: Vec<u8>,
    pub contract: VerifierContract,
    pub compiled: CompiledContract,
}

impl Case {
    pub fn new(spec: &Spec, srs_seed: u64) -> Self {
        let circuit = RandomCircuit::new(spec, spec.seed);
        let fixture = Fixture::new(srs(spec.k, srs_seed), &circuit, spec.compress_selectors);
        let instances = circuit.instances.clone();
        let proof = fixture.prove(circuit.clone(), &instances, spec.seed);
        let contract = fixture.contract(&spec.instance_counts);
        let compiled = compile(&contract, CompilerSettings::default());
        Self { fixture, circuit, instances, proof, contract, compiled }
    }

    pub fn deploy(&self) -> Deployed {
        Deployed::new(&self.compiled, Fork::default())
    }
}

/// The circuit that has everything.
pub static RICH: LazyLock<Case> = LazyLock::new(|| Case::new(&Spec::rich(1000), 1));

/// A deployed contract.
pub struct Deployed {
    pub machine: Machine,
    pub address: Address,
    pub runtime_bytes: usize,
}

impl Deployed {
    pub fn new(compiled: &CompiledContract, fork: Fork) -> Self {
        let mut machine = Machine::new(fork);
        let deployment = machine.deploy(&compiled.init_code).unwrap();
        Self { machine, address: deployment.address, runtime_bytes: deployment.runtime.len() }
    }

    pub fn call(&mut self, calldata: &[u8]) -> Run {
        self.machine.call(self.address, calldata).unwrap()
    }

    pub fn verify(&mut self, proof: &[u8], instances: &[Vec<Fr>]) -> Run {
        self.call(&verify_proof_calldata(proof, &instances.concat()))
    }
}

pub fn compile(contract: &VerifierContract, settings: CompilerSettings) -> CompiledContract {
    SOLC.compile(&contract.render().unwrap(), settings).unwrap()
}

/// The contract's verdict; anything but true and a typed error is a panic.
pub fn verdict(run: &Run) -> Result<(), Refusal> {
    match &run.outcome {
        Outcome::Returned(data) => {
            let mut yes = [0; 32];
            yes[31] = 1;
            assert_eq!(data[..], yes);
            Ok(())
        }
        Outcome::Reverted(data) => {
            Err(Refusal::decode(data).unwrap_or_else(|| panic!("reverted with {data:02x?}")))
        }
        other => panic!("{other:?}"),
    }
}
