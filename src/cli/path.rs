//! The whole path for one model, in memory: what `demo`, `bench` and `init` walk.

use super::{CliError, Console, contract, statement::StatementArgs, wishes::WishArgs};
use crate::bundle::unsafe_dev_srs;
use crate::circuit::{Goal, ModelCircuit};
use crate::model::Model;
use crate::name::Name;
use crate::proving::{Format, ModelProver, ModelVerifier, Powers};
use crate::solidity::{CompiledContract, Packing, packing};
use std::time::Instant;

/// Plans a model's circuit and makes its keys under a development string; says also how many seconds the keys took.
pub fn generate(
    model: Model,
    wishes: WishArgs,
    console: &Console,
) -> Result<(ModelProver, f64), CliError> {
    let (circuit, goal) = plan(&model, wishes)?;
    let string = console.stage("making a development string");
    let keys = || (console.stage("making the keys"), Instant::now());
    match wishes.format {
        Format::Halo2 => {
            let srs = unsafe_dev_srs(circuit.k());
            drop(string);
            let (_stage, start) = keys();
            let prover = ModelProver::of_circuit(model, circuit, &srs)?;
            Ok((prover, start.elapsed().as_secs_f64()))
        }
        Format::Packed => {
            let Packing { widths, powers, .. } = packing(&circuit, goal)?;
            let powers = Powers::unsafe_dev(powers);
            drop(string);
            let (_stage, start) = keys();
            let prover = ModelProver::packed(model, circuit, &powers, &widths)?;
            Ok((prover, start.elapsed().as_secs_f64()))
        }
    }
}

/// Plans the circuit of a model; bounds can make it another goal's than `--optimize` says.
fn plan(model: &Model, wishes: WishArgs) -> Result<(ModelCircuit, Goal), CliError> {
    let statement = StatementArgs::default();
    if let Some((_, input)) = statement.layout(model, wishes)?.committed().next() {
        return Err(CliError::Usage {
            message: format!(
                "the input `{}` would be committed, and there is no commitment to it here",
                Name::new(&input.tensor.name)
            ),
            hint: "take the path step by step: `keygen`, `commit`, `prove`".into(),
        });
    }
    wishes.choose(&statement.plans(model, wishes)?)
}

/// Renders and compiles the verifier.
pub fn compile(
    verifier: &ModelVerifier,
    args: &contract::CompilerArgs,
    console: &Console,
) -> Result<CompiledContract, CliError> {
    contract::compile(&contract::render(verifier, None, args)?, &args.find()?, console)
}
