//! The verifier contract of a bundle, rendered and compiled.

use super::{CliError, Console};
use crate::bundle::contract_name;
use crate::proving::ModelVerifier;
use crate::solidity::{
    CompiledContract, CompilerSettings, RenderedContract, SolidityCompiler, VerifierContract,
};
use std::path::PathBuf;

/// How the contract is made.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct CompilerArgs {
    /// The Solidity compiler [default: this package's, solc on the PATH, Foundry's newest]
    #[arg(long, value_name = "FILE")]
    solc: Option<PathBuf>,
    /// Let a contract under the development string also be created on this chain: a local fork that kept another id
    #[arg(long, value_name = "ID")]
    pub dev_chain_id: Option<u64>,
}

impl CompilerArgs {
    /// Finds the compiler.
    pub fn find(&self) -> Result<SolidityCompiler, CliError> {
        Ok(match &self.solc {
            Some(path) => SolidityCompiler::at(path)?,
            None => SolidityCompiler::find()?,
        })
    }
}

/// Renders the verifier of a model, under its own name or another.
pub fn render(
    verifier: &ModelVerifier,
    name: Option<&str>,
    args: &CompilerArgs,
) -> Result<RenderedContract, CliError> {
    let default = || contract_name(verifier.model());
    render_contract(verifier.contract(&name.map_or_else(default, str::to_owned))?, args)
}

/// Renders a contract as it may be created.
pub fn render_contract(
    contract: VerifierContract,
    args: &CompilerArgs,
) -> Result<RenderedContract, CliError> {
    let contract =
        args.dev_chain_id.iter().fold(contract, |contract, &id| contract.on_dev_chain(id));
    Ok(contract.render()?)
}

/// Compiles a rendered contract.
pub fn compile(
    contract: &RenderedContract,
    compiler: &SolidityCompiler,
    console: &Console,
) -> Result<CompiledContract, CliError> {
    let _stage = console.stage("compiling the contract");
    Ok(compiler.compile(contract, CompilerSettings::default())?)
}
