//! `registry`: models, their versions, and the verifiers that check them.

use crate::bundle::unhex;
use crate::chain::{
    Deployment, ModelVersion, NewVersion, ProvedInstances, Record, Records, Registry,
    RegistryChange, Sent, block_on, model_id,
};
use crate::circuit::Word;
use crate::cli::bundle::{AnyBundle, Bundle, TrustArgs};
use crate::cli::chain_args::ChainArgs;
use crate::cli::commitments::WeightsArgs;
use crate::cli::contracts::{Contracts, Made};
use crate::cli::proof_file::ProofFile;
use crate::cli::{Answer, CliError, Console, contract, project};
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::SolValue;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

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
    /// Add a bundle's verifier as the newest version of a model; of an architecture, the name of a training's weights
    Add(AddArgs),
    /// List versions
    List(ListArgs),
    /// Stop a version, or without one everything, until it is resumed
    Stop(SomeArgs),
    /// Resume a version, or without one the registry
    Resume(SomeArgs),
    /// Withdraw a version without blame: its key may be added again
    Retire(VersionArgs),
    /// Withdraw a version for good, and its key
    Tombstone(VersionArgs),
    /// Say for how long followers of a model's newest version accept the one before
    Grace(GraceArgs),
    /// Say who may stop things besides the owner
    Guardian(AccountArgs),
    /// Offer the registry to an account, which has to accept it
    Transfer(AccountArgs),
    /// Accept a registry that was offered to the sender
    Accept(RegistryArgs),
    /// Stop a version for good by two valid proofs with one input and two outputs; anybody may
    Contradict(ContradictArgs),
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
    weights: WeightsNameArgs,
    /// Vouch that the verifier never changes, where its code cannot show it: a key in a second contract, a proxy
    #[arg(long)]
    vouch: bool,
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
struct RegistryArgs {
    /// The registry
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(clap::Args)]
struct VersionArgs {
    /// The model's name, or its 32-byte id
    model: String,
    /// The version
    version: u64,
    #[command(flatten)]
    at: RegistryArgs,
}

#[derive(clap::Args)]
struct SomeArgs {
    /// The model's name, or its 32-byte id [default: everything]
    #[arg(requires = "version")]
    model: Option<String>,
    /// The version
    version: Option<u64>,
    #[command(flatten)]
    at: RegistryArgs,
}

#[derive(clap::Args)]
struct GraceArgs {
    /// The model's name, or its 32-byte id
    model: String,
    /// The time in seconds; 0 for none
    seconds: u64,
    #[command(flatten)]
    at: RegistryArgs,
}

#[derive(clap::Args)]
struct AccountArgs {
    /// The account; zero for nobody
    account: Address,
    #[command(flatten)]
    at: RegistryArgs,
}

#[derive(clap::Args)]
struct ContradictArgs {
    #[command(flatten)]
    version: VersionArgs,
    /// A proof file
    #[arg(long, value_name = "FILE")]
    first: PathBuf,
    /// A proof file with the same input and another output
    #[arg(long, value_name = "FILE")]
    second: PathBuf,
}

/// A change of the registry.
#[derive(Serialize)]
struct Change {
    #[serde(skip_serializing_if = "Option::is_none")]
    model_id: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u64>,
    transaction: Option<B256>,
    gas_used: Option<u64>,
}

impl Change {
    fn new(model_id: Option<B256>, version: Option<u64>, sent: Option<&Sent>) -> Self {
        let transaction = sent.map(|sent| sent.transaction);
        Self { model_id, version, transaction, gas_used: sent.map(|sent| sent.gas_used) }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(model_id) = self.model_id {
            writeln!(f, "model        {model_id}")?;
        }
        if let Some(version) = self.version {
            writeln!(f, "version      {version}")?;
        }
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
        for ModelVersion {
            model_id, version, status, verifier, vk_digest, weights, vouched, ..
        } in &self.0
        {
            let vouched = if *vouched { "  vouched" } else { "" };
            let weights = weights.map_or_else(String::new, |name| format!("  weights {name}"));
            writeln!(
                f,
                "{model_id}  {version}  {status:?}  {verifier}  {vk_digest}{weights}{vouched}"
            )?;
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
        Verb::Stop(SomeArgs { model, version, at }) => match (model, version) {
            (Some(model), Some(version)) => {
                of_version(VersionArgs { model, version, at }, RegistryChange::StopVersion, console)
            }
            _ => change(at, RegistryChange::Stop, None, None, console),
        },
        Verb::Resume(SomeArgs { model, version, at }) => match (model, version) {
            (Some(model), Some(version)) => of_version(
                VersionArgs { model, version, at },
                RegistryChange::ResumeVersion,
                console,
            ),
            _ => change(at, RegistryChange::Resume, None, None, console),
        },
        Verb::Retire(args) => of_version(args, RegistryChange::Retire, console),
        Verb::Tombstone(args) => of_version(args, RegistryChange::Tombstone, console),
        Verb::Grace(GraceArgs { model, seconds, at }) => {
            let id = model_id(&model);
            change(at, RegistryChange::Grace(id, seconds), Some(id), None, console)
        }
        Verb::Guardian(AccountArgs { account, at }) => {
            change(at, RegistryChange::Guardian(account), None, None, console)
        }
        Verb::Transfer(AccountArgs { account, at }) => {
            change(at, RegistryChange::Transfer(account), None, None, console)
        }
        Verb::Accept(at) => change(at, RegistryChange::Accept, None, None, console),
        Verb::Contradict(ContradictArgs {
            version: VersionArgs { model, version, at },
            first,
            second,
        }) => {
            let id = model_id(&model);
            let proved = Box::new([proved(&first)?, proved(&second)?]);
            let what = RegistryChange::Contradict(id, version, proved);
            change(at, what, Some(id), Some(version), console)
        }
    }
}

/// A proof file's proof, as it stands: whether it is valid is for the registry to say.
fn proved(path: &Path) -> Result<ProvedInstances, CliError> {
    let proof = ProofFile::open(path)?.proof;
    let instances = proof.instances.iter().map(|word| U256::from_be_bytes(*word)).collect();
    Ok(ProvedInstances { proof: proof.bytes.into(), instances })
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
            let mut record = Record::new(&contract, &options, &deployed, None);
            record.arguments = Some(owner.into());
            Records::new(&args.deployments).add(chain.id(), record)?;
        }
        console.result(&super::deploy::Report { deployed, compiler: None })?;
        Ok(Answer::Yes)
    })
}

fn add(args: AddArgs, console: &Console) -> Result<Answer, CliError> {
    let bundle = AnyBundle::open(&args.bundle)?;
    let weights = args.weights.name(bundle.first())?.map(B256::from);
    let verifier = bundle.verifier()?;
    TrustArgs::default().check_any(&bundle, verifier.judge().model(), console)?;
    let compiler = args.compiler.find()?;
    let contracts = Contracts::new(&verifier, args.salt, &args.compiler, &compiler, console)?;
    let Made { rendered, contract, options, .. } = contracts.verifier;
    let new = NewVersion {
        verifier: Deployment::predict(&contract, args.salt),
        vk_digest: rendered.vk_digest.into(),
        weights,
        vouched: args.vouch,
        metadata_uri: args.uri,
    };
    let id = model_id(args.model.as_deref().unwrap_or(bundle.model_name()));
    let send = args.chain.send_options(console);
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let chain = &connection.chain;
        // Refuses a development string on a public chain, as `deploy` does.
        Deployment::plan(chain, &contract, &options).await?;
        let registry = Registry::at(args.registry);
        if args.chain.dry_run {
            let estimated_gas = registry.simulate(chain, &RegistryChange::Add(id, new)).await?;
            console.result(&WouldSend { dry_run: true, address: None, estimated_gas })?;
            return Ok(Answer::Yes);
        }
        let (version, sent) = registry.add(chain, id, &new, &send).await?;
        console.result(&Change::new(Some(id), Some(version), sent.as_ref()))?;
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

/// Changes a version.
fn of_version(
    args: VersionArgs,
    what: fn(B256, u64) -> RegistryChange,
    console: &Console,
) -> Result<Answer, CliError> {
    let VersionArgs { model, version, at } = args;
    let id = model_id(&model);
    change(at, what(id, version), Some(id), Some(version), console)
}

fn change(
    args: RegistryArgs,
    change: RegistryChange,
    model_id: Option<B256>,
    version: Option<u64>,
    console: &Console,
) -> Result<Answer, CliError> {
    let send = args.chain.send_options(console);
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let (chain, registry) = (&connection.chain, Registry::at(args.registry));
        if args.chain.dry_run {
            let estimated_gas = registry.simulate(chain, &change).await?;
            console.result(&WouldSend { dry_run: true, address: None, estimated_gas })?;
            return Ok(Answer::Yes);
        }
        let sent = registry.change(chain, &change, &send).await?;
        console.result(&Change::new(model_id, version, Some(&sent)))?;
        Ok(Answer::Yes)
    })
}

/// Which weights count, where they are committed.
#[derive(Clone, clap::Args)]
struct WeightsNameArgs {
    #[command(flatten)]
    commitment: WeightsArgs,
    /// The name of a training's weights, for a bundle of an architecture: what `commit --weights` printed
    #[arg(long = "weights", value_name = "HEX32", value_parser = weights_name, conflicts_with = "file")]
    name: Option<Word>,
}

/// A name has 248 bits, and nobody has a commitment of the name zero.
fn weights_name(text: &str) -> Result<Word, String> {
    let word = unhex(text).and_then(|bytes| Word::try_from(bytes).ok());
    let word = word.ok_or("expected 32 bytes in hexadecimal")?;
    if word[0] != 0 || word == Word::default() {
        return Err("no commitment has such a name".into());
    }
    Ok(word)
}

impl WeightsNameArgs {
    /// The name, where a bundle's weights are committed.
    fn name(&self, bundle: &Bundle) -> Result<Option<Word>, CliError> {
        match self.name {
            None if self.commitment.file.is_none() && bundle.manifest.layout.names_weights => {
                Err(CliError::Usage {
                    message: "the weights are committed, and it is not said which ones count"
                        .into(),
                    hint: "give the name that `zkverdict commit BUNDLE --weights MODEL --out W` printed with `--weights NAME`, or its file with `--weights-commitment W`".into(),
                })
            }
            None => {
                let commitment = self.commitment.open(bundle)?;
                Ok(commitment.map(|commitment| commitment.name()))
            }
            Some(_) if !bundle.manifest.layout.names_weights => Err(CliError::Usage {
                message: "the weights of this bundle are not committed, and have no name".into(),
                hint: "leave `--weights` out".into(),
            }),
            Some(name) => Ok(Some(name)),
        }
    }
}
