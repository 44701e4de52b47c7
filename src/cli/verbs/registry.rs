//! `registry`: models, their versions, and the verifiers that check them.

use crate::chain::{
    Deployment, ModelVersion, NewVersion, Record, Records, Registry, Sent, block_on, model_id,
};
use crate::circuit::{InstanceLayout, Role};
use crate::cli::bundle::Bundle;
use crate::cli::chain_args::{ChainArgs, deploy_options, deployable};
use crate::cli::{Answer, CliError, Console, contract, project};
use alloy::primitives::{Address, B256};
use alloy::sol_types::SolValue;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `registry` takes.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Deploy a registry that belongs to the sender
    Deploy(DeployArgs),
    /// Add a bundle's verifier as the newest version of a model
    Add(AddArgs),
    /// List versions
    List(ListArgs),
    /// Withdraw a version for good
    Tombstone(TombstoneArgs),
}

#[derive(clap::Args)]
struct DeployArgs {
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
    /// Another salt gives another address
    #[arg(long, value_name = "HEX32", default_value_t)]
    salt: B256,
    /// Where to write down what lies where
    #[arg(long, value_name = "DIR", default_value = "deployments")]
    deployments: PathBuf,
}

#[derive(clap::Args)]
struct AddArgs {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The registry
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    /// The model's name, or its 32-byte id [default: the bundle's model]
    #[arg(long)]
    model: Option<String>,
    /// Where people read about this version
    #[arg(long, default_value = "")]
    uri: String,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
    /// The salt that the verifier was deployed with
    #[arg(long, value_name = "HEX32", default_value_t)]
    salt: B256,
}

#[derive(clap::Args)]
struct ListArgs {
    /// The registry
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    /// A model's name, or its 32-byte id [default: every model]
    #[arg(long)]
    model: Option<String>,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(clap::Args)]
struct TombstoneArgs {
    /// The model's name, or its 32-byte id
    model: String,
    /// The version
    version: u64,
    /// The registry
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    #[command(flatten)]
    chain: ChainArgs,
}

/// A change of the registry.
#[derive(Serialize)]
struct Change {
    model_id: B256,
    version: u64,
    transaction: Option<B256>,
    gas_used: Option<u64>,
}

impl Change {
    fn new(model_id: B256, version: u64, sent: Option<&Sent>) -> Self {
        let transaction = sent.map(|sent| sent.transaction);
        Self { model_id, version, transaction, gas_used: sent.map(|sent| sent.gas_used) }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "model        {}", self.model_id)?;
        writeln!(f, "version      {}", self.version)?;
        match (self.transaction, self.gas_used) {
            (Some(transaction), Some(gas)) => {
                writeln!(f, "transaction  {transaction}")?;
                writeln!(f, "gas          {gas}")
            }
            _ => writeln!(f, "it was so already"),
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Versions(Vec<ModelVersion>);

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ModelVersion { model_id, version, status, verifier, vk_digest, .. } in &self.0 {
            writeln!(f, "{model_id}  {version}  {status:?}  {verifier}  {vk_digest}")?;
        }
        Ok(())
    }
}

/// A dry run's result.
#[derive(Serialize)]
struct WouldSend {
    dry_run: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<Address>,
    estimated_gas: u64,
}

impl fmt::Display for WouldSend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(address) = self.address {
            writeln!(f, "address  {address}")?;
        }
        writeln!(f, "gas      {} (estimated)", self.estimated_gas)
    }
}

/// Does what the registry verb says.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    match args.verb {
        Verb::Deploy(args) => deploy(args, console),
        Verb::Add(args) => add(args, console),
        Verb::List(args) => list(args, console),
        Verb::Tombstone(args) => tombstone(args, console),
    }
}

fn deploy(args: DeployArgs, console: &Console) -> Result<Answer, CliError> {
    let compiled = project::compile("ModelRegistry", &args.compiler, console)?;
    let send = args.chain.send_options(console);
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let chain = &connection.chain;
        let mut contract = compiled;
        // The constructor's argument: whose registry it is.
        let owner = chain.key()?.address().abi_encode();
        contract.init_code = [&contract.init_code, owner.as_slice()].concat().into();
        let options = crate::chain::DeployOptions { salt: args.salt, ..Default::default() };
        let deployment = Deployment::plan(chain, &contract, &options).await?;
        if args.chain.dry_run {
            console.result(&WouldSend {
                dry_run: true,
                address: Some(deployment.address()),
                estimated_gas: deployment.gas(),
            })?;
            return Ok(Answer::Yes);
        }
        console.note(format!("{} will lie at {}", contract.name, deployment.address()));
        let deployed = deployment.send(chain, &send).await?;
        if !connection.is_own {
            let record = Record::new(&contract, &options, &deployed, None);
            Records::new(&args.deployments).add(chain.id(), record)?;
        }
        console.result(&super::deploy::Report(deployed))?;
        Ok(Answer::Yes)
    })
}

fn add(args: AddArgs, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    let rendered = contract::render_bundle(&bundle, None, &args.compiler)?;
    let compiled = contract::compile(&rendered, &args.compiler.find()?, console)?;
    let contract = deployable(&compiled)?;
    let model = bundle.model()?;
    // The registry asks for none where proofs keep the input private.
    let layout = InstanceLayout::of_model(&model, !bundle.manifest.shape.shows_input());
    let new = NewVersion {
        verifier: Deployment::predict(&contract, args.salt),
        vk_digest: rendered.vk_digest.into(),
        input_instances: layout.range(Role::Input).len() as u64,
        metadata_uri: args.uri,
    };
    let id = model_id(args.model.as_deref().unwrap_or(&bundle.manifest.model));
    let send = args.chain.send_options(console);
    let options = deploy_options(&rendered, args.salt, &args.compiler);
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let chain = &connection.chain;
        // Refuses a development string on a public chain, as `deploy` does.
        Deployment::plan(chain, &contract, &options).await?;
        let registry = Registry::at(args.registry);
        if args.chain.dry_run {
            let estimated_gas = registry.simulate_add(chain, id, &new).await?;
            console.result(&WouldSend { dry_run: true, address: None, estimated_gas })?;
            return Ok(Answer::Yes);
        }
        let (version, sent) = registry.add(chain, id, &new, &send).await?;
        console.result(&Change::new(id, version, sent.as_ref()))?;
        Ok(Answer::Yes)
    })
}

fn list(args: ListArgs, console: &Console) -> Result<Answer, CliError> {
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let model = args.model.as_deref().map(model_id);
        let versions = Registry::at(args.registry).list(&connection.chain, model).await?;
        console.result(&Versions(versions))?;
        Ok(Answer::Yes)
    })
}

fn tombstone(args: TombstoneArgs, console: &Console) -> Result<Answer, CliError> {
    let id = model_id(&args.model);
    let send = args.chain.send_options(console);
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let (chain, registry) = (&connection.chain, Registry::at(args.registry));
        if args.chain.dry_run {
            let estimated_gas = registry.simulate_tombstone(chain, id, args.version).await?;
            console.result(&WouldSend { dry_run: true, address: None, estimated_gas })?;
            return Ok(Answer::Yes);
        }
        let sent = registry.tombstone(chain, id, args.version, &send).await?;
        console.result(&Change::new(id, args.version, Some(&sent)))?;
        Ok(Answer::Yes)
    })
}
