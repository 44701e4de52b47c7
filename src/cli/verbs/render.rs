//! `render`: writes the contract, its interface, and what explorers and scripts need of it.

use crate::bundle::folder::Folder;
use crate::bundle::{CompiledFiles, ContractFiles};
use crate::cli::bundle::{Bundle, TrustArgs};
use crate::cli::{Answer, CliError, Console, contract};
use crate::solidity::CompilerIdentity;
use serde::Serialize;
use sha3::{Digest, Keccak256};
use std::fmt;
use std::path::{Path, PathBuf};

/// Where the files lie in a bundle.
const CONTRACTS: &str = "contracts";

/// What `render` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// Where to put the files [default: `contracts` in the bundle]
    #[arg(long)]
    out: Option<PathBuf>,
    /// The contract's name [default: the model's with `Verifier`]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Serialize)]
struct Report {
    contract: String,
    name: String,
    runtime_bytes: usize,
    init_bytes: usize,
    #[serde(skip_serializing_if = "is_zero")]
    key_data_bytes: usize,
    standard_json: String,
    abi: String,
    bytecode: String,
    interface: String,
    io: String,
    viem: String,
    /// What `ERC8084Metadata` is deployed with: the document that describes the instances, and its Keccak-256.
    schema: String,
    schema_hash: String,
    /// The verifying key for verifiers off the chain, and its Keccak-256.
    key: String,
    key_hash: String,
    /// Keccak-256 of the contract's code, but for immutables.
    code_hash: String,
    compiler: CompilerIdentity,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "contract   {}", self.contract)?;
        writeln!(f, "runtime    {} bytes", self.runtime_bytes)?;
        writeln!(f, "init code  {} bytes", self.init_bytes)?;
        if self.key_data_bytes > 0 {
            writeln!(
                f,
                "key data   {} bytes, in a contract that the constructor creates",
                self.key_data_bytes
            )?;
        }
        writeln!(f, "library    {}", self.io)?;
        writeln!(f, "schema     {}", self.schema)?;
        writeln!(f, "key        {}", self.key)?;
        writeln!(f, "abi        {}", self.abi)?;
        writeln!(f, "explorers  {}", self.standard_json)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Renders and compiles the contract of a bundle.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    let verifier = bundle.verifier()?;
    args.trust.check(&bundle, verifier.model(), console)?;
    let rendered = contract::render(&verifier, args.name.as_deref(), &args.compiler)?;
    let compiled = contract::compile(&rendered, &args.compiler.find()?, console)?;
    let out = match &args.out {
        Some(out) => Folder::at(out).map_err(|error| CliError::io(out, error))?,
        None => Folder::at(&bundle.path)
            .and_then(|bundle| bundle.below(Path::new(CONTRACTS)))
            .map_err(|error| CliError::io(bundle.path.join(CONTRACTS), error))?,
    };
    let written = ContractFiles::write_in(&out, &verifier, &rendered)?;
    let made = CompiledFiles::write_in(&out, &rendered, &compiled)?;
    console.result(&Report {
        contract: written.contract,
        runtime_bytes: compiled.runtime_code.len(),
        init_bytes: compiled.init_code.len(),
        key_data_bytes: compiled.key_data_bytes,
        standard_json: made.standard_json,
        abi: made.abi,
        bytecode: made.bytecode,
        interface: written.interface,
        io: written.io,
        viem: made.viem,
        schema_hash: written.schema_hash,
        schema: written.schema,
        key_hash: written.key_hash,
        key: written.key,
        code_hash: crate::cli::bundle::hex(&Keccak256::digest(&compiled.runtime_code)),
        compiler: compiled.compiler,
        name: compiled.name,
    })?;
    Ok(Answer::Yes)
}
