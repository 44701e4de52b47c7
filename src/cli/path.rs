//! The whole path for one model, in memory: what `demo` and `bench` walk.

use super::{
    CliError, Console, contract, dev_string,
    proof_file::ProofDocument,
    proof_file::ProofFile,
    verbs::{keygen::WishArgs, prove},
};
use crate::circuit::ModelCircuit;
use crate::model::Model;
use crate::proving::{Prover, Verifier};
use crate::solidity::CompiledContract;
use halo2_proofs::halo2curves::bn256::Fr;
use std::time::Instant;

/// A model with its circuit and keys.
pub struct Keyed {
    /// The model.
    pub model: Model,
    /// Its circuit.
    pub circuit: ModelCircuit,
    /// Its keys.
    pub prover: Prover,
    /// What making the keys took.
    pub keygen_seconds: f64,
}

impl Keyed {
    /// Plans a circuit and makes its keys.
    pub fn generate(model: Model, wishes: WishArgs, console: &Console) -> Result<Self, CliError> {
        let circuit = wishes.plan(&model)?;
        let stage = console.stage("making a development string");
        let srs = dev_string::load(circuit.k());
        drop(stage);
        let _stage = console.stage("making the keys");
        let start = Instant::now();
        let verifier = Verifier::generate(&srs, &circuit, circuit.instances())?;
        let prover = Prover::generate(verifier, &circuit)?;
        let keygen_seconds = start.elapsed().as_secs_f64();
        Ok(Self { model, circuit, prover, keygen_seconds })
    }

    /// Proves one inference.
    pub fn prove(
        &self,
        inputs: &[Vec<i32>],
        context: Fr,
        console: &Console,
    ) -> Result<ProofDocument, CliError> {
        prove::prove(&self.model, &self.circuit, &self.prover, inputs, context, console)
    }

    /// Whether a proof holds.
    pub fn verify(&self, proof: &ProofFile) -> bool {
        proof.scalars().is_some_and(|scalars| self.prover.verifier().verify(&proof.proof, &scalars))
    }

    /// Renders and compiles the verifier.
    pub fn contract(
        &self,
        args: &contract::CompilerArgs,
        console: &Console,
    ) -> Result<CompiledContract, CliError> {
        let rendered = contract::render(
            self.prover.verifier(),
            &self.model,
            self.circuit.shape().shows_input(),
            None,
            args,
        )?;
        contract::compile(&rendered, &args.find()?, console)
    }
}
