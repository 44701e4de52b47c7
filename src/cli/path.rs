//! The whole path for one model, in memory: what `demo`, `bench` and `init` walk.

use super::{CliError, Console, contract, dev_string, verbs::keygen::WishArgs};
use crate::model::Model;
use crate::proving::{ModelProver, ModelVerifier};
use crate::solidity::CompiledContract;
use std::time::Instant;

/// Plans a model's circuit and makes its keys under a development string; says also how many seconds the keys took.
pub fn generate(
    model: Model,
    wishes: WishArgs,
    console: &Console,
) -> Result<(ModelProver, f64), CliError> {
    let circuit = wishes.plan(&model)?;
    let stage = console.stage("making a development string");
    let srs = dev_string::load(circuit.k());
    drop(stage);
    let _stage = console.stage("making the keys");
    let start = Instant::now();
    let prover = ModelProver::of_circuit(model, circuit, &srs)?;
    Ok((prover, start.elapsed().as_secs_f64()))
}

/// Renders and compiles the verifier.
pub fn compile(
    verifier: &ModelVerifier,
    args: &contract::CompilerArgs,
    console: &Console,
) -> Result<CompiledContract, CliError> {
    contract::compile(&contract::render(verifier, None, args)?, &args.find()?, console)
}
