//! `deploy`: puts a bundle's verifier on a chain.

use crate::chain::{Deployed, Deployment, Record, Records, block_on};
use crate::cli::bundle::Bundle;
use crate::cli::chain_args::{ChainArgs, deploy_options, deployable};
use crate::cli::{Answer, CliError, Console, contract};
use alloy::primitives::B256;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `deploy` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
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

/// Where a contract lies.
#[derive(Serialize)]
#[serde(transparent)]
pub struct Report(pub Deployed);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Deployed { address, chain_id, gas_used, transaction, .. } = &self.0;
        writeln!(f, "address      {address}")?;
        writeln!(f, "chain        {chain_id}")?;
        match (transaction, gas_used) {
            (Some(transaction), Some(gas)) => {
                writeln!(f, "transaction  {transaction}")?;
                writeln!(f, "gas          {gas}")
            }
            _ => writeln!(f, "it was there already"),
        }
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
    let bundle = Bundle::open(&args.bundle)?;
    let rendered = contract::render_bundle(&bundle, None, &args.compiler)?;
    let compiled = contract::compile(&rendered, &args.compiler.find()?, console)?;
    let contract = deployable(&compiled)?;
    let options = deploy_options(&rendered, args.salt, &args.compiler);
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let chain = &connection.chain;
        let deployment = Deployment::plan(chain, &contract, &options).await?;
        if args.chain.dry_run {
            console.result(&DryRun(deployment.dry_run()))?;
            return Ok(Answer::Yes);
        }
        console.note(format!("{} will lie at {}", contract.name, deployment.address()));
        let stage = console.stage("deploying");
        let deployed = deployment.send(chain, &send).await?;
        drop(stage);
        // A chain that ends with this command leaves nothing to be found again.
        if !connection.is_own {
            let digest = B256::from(rendered.vk_digest);
            let record = Record::new(&contract, &options, &deployed, Some(digest));
            Records::new(&args.deployments).add(chain.id(), record)?;
        }
        console.result(&Report(deployed))?;
        Ok(Answer::Yes)
    })
}
