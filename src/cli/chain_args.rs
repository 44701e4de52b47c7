//! Which chain, and who pays: the flags that `deploy` and `submit` share.

use super::{CliError, Console, contract::CompilerArgs};
use crate::chain::{Chain, Contract, DeployOptions, Key, LocalChain, RuntimeCode, SendOptions};
use crate::solidity::{CompiledContract, RenderedContract};
use alloy::primitives::{B256, utils::parse_units};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Which chain, and who pays.
#[derive(clap::Args)]
pub struct ChainArgs {
    /// The chain's node; without it, a local chain for this command: anvil, or one in this process where anvil is missing
    #[arg(long, value_name = "URL")]
    pub rpc_url: Option<String>,
    /// A keystore file; its password is asked for, or in the environment
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    /// Sign with a connected Ledger
    #[arg(long, conflicts_with = "keystore")]
    ledger: bool,
    /// Refuse any other chain than this one
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// Find out what would happen, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Never pay more than this per unit of gas
    #[arg(long, value_name = "GWEI", value_parser = parse_gwei)]
    max_fee: Option<u128>,
    /// Blocks to wait for, the transaction's own included
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub confirmations: u64,
    /// Seconds to wait for the transaction to get into a block
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

fn parse_gwei(text: &str) -> Result<u128, String> {
    let wei = parse_units(text, "gwei").map_err(|error| error.to_string())?;
    u128::try_from(wei.get_absolute()).map_err(|_| "too much".into())
}

/// A chain, and the local node that it may run on.
pub struct Connection {
    /// The chain.
    pub chain: Chain,
    /// Whether the chain ends with this command.
    pub is_own: bool,
    /// Stops when this is dropped.
    _node: Option<LocalChain>,
}

impl ChainArgs {
    /// Connects to the chain that is asked for, or to a local one.
    pub async fn connect(&self, console: &Console) -> Result<Connection, CliError> {
        if let Some(url) = &self.rpc_url {
            let key = self.key(console).await?;
            let mut chain = Chain::connect(url, key).await?;
            if let Some(id) = self.chain_id {
                chain = chain.expect_id(id)?;
            }
            return Ok(Connection { chain, is_own: false, _node: None });
        }
        let stage = console.stage("starting a local chain");
        let (chain, node) = LocalChain::start_or_in_process().await?;
        drop(stage);
        if node.is_none() {
            console.note("no anvil here, so the chain is one in this process");
        }
        Ok(Connection { chain, is_own: true, _node: node })
    }

    /// How transactions are sent; their hashes are told as they go out.
    pub fn send_options(&self, console: &Console) -> SendOptions {
        let console = *console;
        SendOptions {
            max_fee_per_gas: self.max_fee,
            confirmations: self.confirmations,
            timeout: Duration::from_secs(self.timeout),
            on_send: Some(Arc::new(move |outgoing| {
                console.note(format!("sending {}", outgoing.transaction));
                Ok(())
            })),
            ..SendOptions::default()
        }
    }

    async fn key(&self, console: &Console) -> Result<Option<Key>, CliError> {
        if let Some(path) = &self.keystore {
            return Ok(Some(Key::from_keystore(path, || {
                console.ask_password("keystore password")
            })?));
        }
        if self.ledger {
            return ledger().await.map(Some);
        }
        Ok(Key::from_env()?)
    }
}

#[cfg(feature = "ledger")]
async fn ledger() -> Result<Key, CliError> {
    Ok(Key::from_ledger(0).await?)
}

#[cfg(not(feature = "ledger"))]
async fn ledger() -> Result<Key, CliError> {
    Err(CliError::Usage {
        message: "this `zkverdict` was built without Ledger support".into(),
        hint: "build it with `--features ledger`".into(),
    })
}

/// The compiled contract in the chain's terms.
pub fn deployable(compiled: &CompiledContract) -> Result<Contract, CliError> {
    let contract =
        Contract::new(&compiled.name, compiled.init_code.clone(), &compiled.abi.to_string())?;
    Ok(contract.with_runtime(RuntimeCode {
        code: compiled.runtime_code.clone().into(),
        immutables: compiled.immutables.clone(),
    }))
}

/// How a rendered contract is deployed.
pub fn deploy_options(
    rendered: &RenderedContract,
    salt: B256,
    args: &CompilerArgs,
) -> DeployOptions {
    DeployOptions { salt, unsafe_dev_srs: rendered.unsafe_dev_srs, dev_chain_id: args.dev_chain_id }
}
