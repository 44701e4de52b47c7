//! `render`: writes the contract, its interface, and what explorers and scripts need of it.

use crate::bundle::folder::Folder;
use crate::bundle::{CompiledFiles, DescribedFiles, KeyFile, write_source};
use crate::cli::bundle::{AnyBundle, AnyVerifier, TrustArgs, hex};
use crate::cli::rendered::{AllRendered, DEPLOYER, Rendered, predict};
use crate::cli::{Answer, CliError, Console, contract};
use crate::evm::{Address, B256};
use crate::proving::{Judge, ModelVerifier};
use crate::solidity::{CompiledContract, CompilerIdentity};
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
    /// The salt that the contracts of a model in parts will be deployed with: where parts lie is part of the code
    #[arg(long, value_name = "HEX32", default_value_t)]
    salt: B256,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
    #[command(flatten)]
    trust: TrustArgs,
}

/// A contract by its files.
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
    viem: String,
    #[serde(flatten)]
    described: Option<Described>,
    /// The verifying key for verifiers off the chain, and its Keccak-256; of a model in parts each part has its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_hash: Option<String>,
    /// Keccak-256 of the contract's code, but for immutables.
    code_hash: String,
    compiler: CompilerIdentity,
    /// Where contracts of a model in parts will lie.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    /// By whom that is, and with what.
    #[serde(flatten)]
    deployer: Option<Deployer>,
    /// The contracts of the model's parts, which are deployed first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<Report>,
}

/// What proofs are sent with.
#[derive(Serialize)]
struct Described {
    interface: String,
    io: String,
    /// What `ERC8084Metadata` is deployed with: the document that describes the instances, and its Keccak-256.
    schema: String,
    schema_hash: String,
}

/// What the addresses of a model's parts follow from, beside their code.
#[derive(Clone, Copy, Serialize)]
struct Deployer {
    deployer: Address,
    salt: B256,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            writeln!(f, "{part}")?;
        }
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
        if let Some(address) = self.address {
            writeln!(f, "address    {address}")?;
        }
        if let Some(Described { io, schema, .. }) = &self.described {
            writeln!(f, "library    {io}")?;
            writeln!(f, "schema     {schema}")?;
        }
        if let Some(key) = &self.key {
            writeln!(f, "key        {key}")?;
        }
        writeln!(f, "abi        {}", self.abi)?;
        writeln!(f, "explorers  {}", self.standard_json)?;
        if let Some(Deployer { deployer, salt }) = self.deployer {
            writeln!(
                f,
                "deployer   {deployer}, which puts all of them where they look for each other, with the salt {salt}"
            )?;
        }
        Ok(())
    }
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Renders and compiles the contracts of a bundle.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = AnyBundle::open(&args.bundle)?;
    let verifier = bundle.verifier()?;
    args.trust.check_any(&bundle, verifier.judge().model(), console)?;
    let place = |_: u64, compiled: &CompiledContract| predict(compiled, args.salt);
    let with = (&args.compiler, &args.compiler.find()?);
    let made = AllRendered::new(&verifier, args.name.as_deref(), place, with, console)?;
    let out = match &args.out {
        Some(out) => Folder::at(out).map_err(|error| CliError::io(out, error))?,
        None => Folder::at(bundle.path())
            .and_then(|bundle| bundle.below(Path::new(CONTRACTS)))
            .map_err(|error| CliError::io(bundle.path().join(CONTRACTS), error))?,
    };
    let mut report = written(&out, &made.verifier)?;
    report.described = Some(Described::written(&out, verifier.judge(), &made.verifier)?);
    match &verifier {
        AnyVerifier::Whole(verifier) => report.add_key(&out, verifier)?,
        AnyVerifier::Parts(verifier) => {
            for ((part, address), own) in made.parts.iter().zip(verifier.parts()) {
                let mut part = written(&out, part)?;
                part.add_key(&out, &own.verifier)?;
                part.address = Some(*address);
                report.parts.push(part);
            }
            report.address = Some(predict(&made.verifier.compiled, args.salt));
            report.deployer = Some(Deployer { deployer: DEPLOYER, salt: args.salt });
            console.note("where the parts lie is in the code of the contract that calls them: it can be created where they do, by the deployer and the salt that are named, as `deploy --salt` does; others give other addresses, for which it has to be rendered again");
        }
    }
    console.result(&report)?;
    Ok(Answer::Yes)
}

/// Writes what there is of every contract.
fn written(out: &Folder, Rendered { rendered, compiled }: &Rendered) -> Result<Report, CliError> {
    let contract = write_source(out, rendered)?;
    let files = CompiledFiles::write_in(out, rendered, compiled)?;
    Ok(Report {
        contract,
        name: compiled.name.clone(),
        runtime_bytes: compiled.runtime_code.len(),
        init_bytes: compiled.init_code.len(),
        key_data_bytes: compiled.key_data_bytes,
        standard_json: files.standard_json,
        abi: files.abi,
        bytecode: files.bytecode,
        viem: files.viem,
        described: None,
        key: None,
        key_hash: None,
        code_hash: hex(&Keccak256::digest(&compiled.runtime_code)),
        compiler: compiled.compiler.clone(),
        address: None,
        deployer: None,
        parts: Vec::new(),
    })
}

impl Report {
    fn add_key(&mut self, out: &Folder, verifier: &ModelVerifier) -> Result<(), CliError> {
        let KeyFile { key, key_hash } = KeyFile::write_in(out, verifier, &self.name)?;
        (self.key, self.key_hash) = (Some(key), Some(key_hash));
        Ok(())
    }
}

impl Described {
    fn written(out: &Folder, verifier: &dyn Judge, made: &Rendered) -> Result<Self, CliError> {
        let DescribedFiles { interface, io, schema, schema_hash } =
            DescribedFiles::write_in(out, verifier, &made.rendered)?;
        Ok(Self { interface, io, schema, schema_hash })
    }
}
