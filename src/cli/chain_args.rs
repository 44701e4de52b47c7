//! Which chain, and who pays: the flags that `deploy` and `submit` share.

use super::{CliError, Console, contract::CompilerArgs};
use crate::chain::{
    Chain, Contract, DEFAULT_MAX_COST, DeployOptions, Key, LocalChain, Outgoing, RuntimeCode,
    SendOptions,
};
use crate::solidity::{CompiledContract, RenderedContract};
use alloy::primitives::{B256, U256, utils::parse_units};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Whose key signs.
#[derive(clap::Args)]
pub struct KeyArgs {
    /// A keystore file; its password is asked for, or in the environment
    #[arg(long, value_name = "FILE")]
    keystore: Option<PathBuf>,
    /// Sign with a connected Ledger
    #[arg(long, conflicts_with = "keystore")]
    ledger: bool,
}

/// Which chain, and who pays.
#[derive(clap::Args)]
pub struct ChainArgs {
    /// The chain's node; without it, a local chain for this command: anvil, or one in this process where anvil is missing.
    /// Given more than once, more than half of the nodes have to agree
    #[arg(long, value_name = "URL")]
    rpc_url: Vec<String>,
    #[command(flatten)]
    key: KeyArgs,
    /// Refuse any other chain than this one
    #[arg(long, value_name = "ID")]
    chain_id: Option<u64>,
    /// Believe nothing of what nodes say of receipts, events, code and nonces that they could prove and do not
    #[arg(long)]
    require_proofs: bool,
    /// Find out what would happen, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Never pay more than this per unit of gas
    #[arg(long, value_name = "GWEI", value_parser = parse_gwei)]
    max_fee: Option<u128>,
    /// Never let one transaction cost more than this [default: 0.2]
    #[arg(long, value_name = "ETH", value_parser = parse_ether)]
    max_cost: Option<U256>,
    /// Blocks to wait for, the transaction's own included
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub confirmations: u64,
    /// Seconds to wait for the transaction to get into a block
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

fn parse_gwei(text: &str) -> Result<u128, String> {
    u128::try_from(parse_amount(text, "gwei")?).map_err(|_| "too much".into())
}

fn parse_ether(text: &str) -> Result<U256, String> {
    parse_amount(text, "ether")
}

fn parse_amount(text: &str, unit: &str) -> Result<U256, String> {
    match parse_units(text, unit).map_err(|error| error.to_string())? {
        amount if amount.is_negative() => Err("an amount is not negative".into()),
        amount => Ok(amount.get_absolute()),
    }
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
        if !self.rpc_url.is_empty() {
            let key = self.key.read(console).await?;
            let mut chain = Chain::connect_all(&self.rpc_url, key).await?;
            if let Some(id) = self.chain_id {
                chain = chain.expect_id(id)?;
            }
            if self.require_proofs {
                chain = chain.with_required_proofs();
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
            max_cost: self.max_cost.unwrap_or(DEFAULT_MAX_COST),
            confirmations: self.confirmations,
            timeout: Duration::from_secs(self.timeout),
            on_send: Some(Arc::new(move |outgoing| {
                let Outgoing { transaction, nonce, .. } = outgoing;
                let values = json!({ "transaction": transaction, "nonce": nonce });
                console.tell("sending", values, format_args!("sending {transaction}"));
                Ok(())
            })),
            ..SendOptions::default()
        }
    }
}

impl KeyArgs {
    /// The key: from a file, a device or the environment; none where there is none.
    pub async fn read(&self, console: &Console) -> Result<Option<Key>, CliError> {
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
