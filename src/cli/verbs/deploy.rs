//! `deploy`: puts a bundle's verifier on a chain.

use crate::chain::{
    Chain, Deployed, Deployment, Disk, FileSystem, Record, Records, SendOptions, block_on,
};
use crate::cli::bundle::{AnyBundle, TrustArgs};
use crate::cli::chain_args::ChainArgs;
use crate::cli::contracts::{Contracts, Made};
use crate::cli::rendered::code_hash;
use crate::cli::{Answer, CliError, Console, contract};
use crate::solidity::CompilerIdentity;
use alloy::primitives::{Address, B256};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What `deploy` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// Another salt gives another address
    #[arg(long, value_name = "HEX32", default_value_t)]
    salt: B256,
    /// Deploy nothing but the contract whose code has this Keccak-256
    #[arg(long, value_name = "HEX32")]
    expect_code_hash: Option<B256>,
    /// Where to write down what lies where
    #[arg(long, value_name = "DIR", default_value = "deployments")]
    deployments: PathBuf,
}

/// Where a contract lies.
#[derive(Serialize)]
pub struct Report {
    /// Where, and since when.
    #[serde(flatten)]
    pub deployed: Deployed,
    /// What compiled it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compiler: Option<CompilerIdentity>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deployed { address, chain_id, gas_used, transaction, .. } = &self.deployed;
        writeln!(f, "address      {address}")?;
        writeln!(f, "chain        {chain_id}")?;
        match (transaction, gas_used) {
            (Some(transaction), Some(gas)) => {
                writeln!(f, "transaction  {transaction}")?;
                writeln!(f, "gas          {gas}")?;
            }
            _ => writeln!(f, "it was there already")?,
        }
        self.deployed.unproved.iter().try_for_each(|what| writeln!(f, "unproved     {what}"))
    }
}

/// What a deployment would do.
#[derive(Serialize)]
#[serde(transparent)]
struct DryRun(serde_json::Value);

impl fmt::Display for DryRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |field: &str| self.0[field].to_string().trim_matches('"').to_owned();
        writeln!(f, "address  {}", text("address"))?;
        writeln!(f, "chain    {}", text("chain_id"))?;
        writeln!(f, "gas      {} (estimated)", text("estimated_gas"))
    }
}

/// Deploys the verifier unless it is there.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let send = args.chain.send_options(console);
    let bundle = AnyBundle::open(&args.bundle)?;
    let verifier = bundle.verifier()?;
    args.trust.check_any(&bundle, verifier.judge().model(), console)?;
    let compiler = args.compiler.find()?;
    let contracts = Contracts::new(&verifier, args.salt, &args.compiler, &compiler, console)?;
    // What is deployed stays for ever: a compiler that does not always say the same is none for that.
    for Made { rendered, compiled, .. } in contracts.all() {
        if contract::compile(rendered, &compiler, console)?.init_code != compiled.init_code {
            return Err(CliError::Usage {
                message: "the compiler made different code of the same source".into(),
                hint: "give another one with `--solc`".into(),
            });
        }
    }
    let Made { compiled, contract, options, .. } = &contracts.verifier;
    let code_hash = code_hash(compiled, Deployment::predict(contract, args.salt));
    if let Some(expected) = args.expect_code_hash.filter(|&expected| expected != code_hash) {
        return Err(CliError::Usage {
            message: format!("the contract's code has the hash {code_hash}, expected {expected}"),
            hint: format!(
                "the code depends on the compiler, which is solc {} here",
                compiler.version()
            ),
        });
    }
    let names_weights = verifier.judge().layout().names_weights;
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let chain = &connection.chain;
        let mut parts = Vec::new();
        for part in &contracts.parts {
            let deployment = Deployment::plan(chain, &part.contract, &part.options).await?;
            if args.chain.dry_run {
                parts.push(deployment.dry_run());
            } else {
                send_one(&args, (chain, connection.is_own), part, deployment, &send, console)
                    .await?;
            }
        }
        if parts.iter().any(|part| part["already_deployed"] == false) {
            // Its constructor looks at all of them.
            let gas = parts.iter().filter_map(|part| part["estimated_gas"].as_u64()).sum::<u64>();
            console.result(&DryRun(serde_json::json!({
                "address": Deployment::predict(contract, args.salt),
                "chain_id": chain.id(),
                "estimated_gas": gas,
                "parts": parts,
                "dry_run": true,
            })))?;
            return Ok(Answer::Yes);
        }
        let deployment = Deployment::plan(chain, contract, options).await?;
        if args.chain.dry_run {
            let mut outcome = deployment.dry_run();
            outcome["code_hash"] = serde_json::json!(code_hash);
            outcome["compiler"] = serde_json::json!(compiled.compiler);
            console.result(&DryRun(outcome))?;
            return Ok(Answer::Yes);
        }
        console.note(format!("{} will lie at {}", contract.name, deployment.address()));
        if names_weights {
            console.note("by itself it accepts proofs about any weights of the architecture: `registry add --weights NAME`, or `SingleModelVerifier`, says which count");
        }
        let to = (chain, connection.is_own);
        let made = &contracts.verifier;
        let deployed = send_one(&args, to, made, deployment, &send, console).await?;
        console.result(&Report { deployed, compiler: Some(compiled.compiler.clone()) })?;
        Ok(Answer::Yes)
    })
}

/// Deploys one contract and writes down where it lies.
async fn send_one(
    args: &Args,
    (chain, is_own): (&Chain, bool),
    made: &Made,
    deployment: Deployment<'_>,
    send: &SendOptions,
    console: &Console,
) -> Result<Deployed, CliError> {
    let stage = console.stage("deploying");
    // A chain that ends with this command leaves nothing to go on with.
    let journal = (!is_own).then(|| pending(args, chain, deployment.address()));
    let send = SendOptions { journal: journal.transpose()?, ..send.clone() };
    let deployed = deployment.send(chain, &send).await?;
    drop(stage);
    // A chain that ends with this command leaves nothing to be found again.
    if !is_own {
        let digest = B256::from(made.rendered.vk_digest);
        let record = Record::new(&made.contract, &made.options, &deployed, Some(digest));
        Records::new(&args.deployments).add(chain.id(), record)?;
    }
    Ok(deployed)
}

/// Where the transaction is kept until it is done, so that running again after a crash sends no second one.
fn pending(
    args: &Args,
    chain: &Chain,
    address: Address,
) -> Result<(Arc<dyn Disk>, PathBuf), CliError> {
    let folder = &args.deployments;
    Records::new(folder).check(chain.id())?;
    let file = folder.join(format!(".pending-{}-{address}.json", chain.id()));
    Ok((Arc::new(FileSystem), file))
}
