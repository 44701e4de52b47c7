//! Sends transactions so that nothing is lost: signed here once, then the same bytes are sent until they
//! are in a block, or until it is certain that they never will be.

use std::{fmt, sync::Arc, time::Duration};

use alloy::{
    consensus::Transaction,
    eips::eip2718::Encodable2718,
    json_abi::JsonAbi,
    network::{NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    rpc::types::{Log, TransactionReceipt, TransactionRequest},
    transports::{RpcError, TransportError},
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::{
    Chain, ChainError, Revert,
    revert::{CallOutcome, call_outcome, revert_data},
};

/// A transaction may use no more gas than this since the Osaka fork (EIP-7825).
const TRANSACTION_GAS_CAP: u64 = 1 << 24;

/// How often a transaction is made anew when its nonce turns out to be taken.
const NONCE_ATTEMPTS: usize = 5;

/// Told about every transaction just before it goes out. Its error keeps the transaction back.
pub type OnSend = Arc<dyn Fn(&Outgoing) -> Result<(), ChainError> + Send + Sync>;

/// A signed transaction. Its bytes can be sent any number of times; they get into a block once at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The transaction's hash.
    pub transaction: B256,
    /// The transaction as it goes over the wire.
    pub bytes: Bytes,
    /// Its nonce.
    pub nonce: u64,
    /// The most that it pays per unit of gas, in wei.
    pub max_fee_per_gas: u128,
}

/// How a transaction is sent and waited for.
#[derive(Clone)]
pub struct SendOptions {
    /// Never pays more than this per unit of gas, in wei.
    pub max_fee_per_gas: Option<u128>,
    /// Tip per unit of gas, in wei; what the chain suggests when absent.
    pub max_priority_fee_per_gas: Option<u128>,
    /// Blocks to wait for, the transaction's own included.
    pub confirmations: u64,
    /// How long to wait for the transaction to get into a block.
    pub timeout: Duration,
    /// How long to keep trying when the node does not answer.
    pub patience: Duration,
    /// Told about every transaction just before it goes out.
    pub on_send: Option<OnSend>,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            max_fee_per_gas: None,
            max_priority_fee_per_gas: None,
            confirmations: 1,
            timeout: Duration::from_secs(300),
            patience: Duration::from_secs(15),
            on_send: None,
        }
    }
}

impl fmt::Debug for SendOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendOptions")
            .field("max_fee_per_gas", &self.max_fee_per_gas)
            .field("max_priority_fee_per_gas", &self.max_priority_fee_per_gas)
            .field("confirmations", &self.confirmations)
            .field("timeout", &self.timeout)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// A transaction that succeeded in a block.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its hash.
    pub transaction: B256,
    /// What it used.
    pub gas_used: u64,
    /// The block that holds it.
    pub block: u64,
    /// What it paid per unit of gas, in wei.
    pub gas_price: u128,
    /// Its events.
    pub logs: Vec<Log>,
}

impl From<TransactionReceipt> for Sent {
    fn from(receipt: TransactionReceipt) -> Self {
        Self {
            transaction: receipt.transaction_hash,
            gas_used: receipt.gas_used,
            block: receipt.block_number.unwrap_or_default(),
            gas_price: receipt.effective_gas_price,
            logs: receipt.logs().to_vec(),
        }
    }
}

impl SendOptions {
    fn announce(&self, outgoing: &Outgoing) -> Result<(), ChainError> {
        self.on_send.as_ref().map_or(Ok(()), |on_send| on_send(outgoing))
    }
}

/// What a transaction pays per unit of gas, in wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fees {
    max: u128,
    /// `None` on chains without EIP-1559.
    priority: Option<u128>,
}

impl Chain {
    /// Sends a call to a contract and waits until it is confirmed. A refusal by the contract is an error.
    pub async fn send(
        &self,
        to: Address,
        data: Bytes,
        abi: &JsonAbi,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let request = TransactionRequest::default()
            .with_from(self.key()?.address())
            .with_chain_id(self.id())
            .with_to(to)
            .with_input(data.clone());
        let gas_limit = match self.estimate(&request).await? {
            Ok(gas) => gas_limit(gas),
            Err(data) => {
                let error = Revert::decode(data, abi).into();
                return Err(ChainError::Reverted {
                    call: "the transaction".into(),
                    contract: to,
                    error,
                });
            }
        };
        let request = request.with_gas_limit(gas_limit);
        let receipt = self.send_request(request.clone(), options).await?;
        if receipt.status() {
            return Ok(receipt.into());
        }
        let error = match self.call_request(request).await? {
            CallOutcome::Reverted(data) => Revert::decode(data, abi),
            // The state has moved on, and with it the reason.
            CallOutcome::Returned(_) => Revert::decode(Bytes::new(), abi),
        };
        Err(ChainError::Failed { transaction: receipt.transaction_hash, error: error.into() })
    }

    /// Sends a transaction of an earlier run again, and waits until it is confirmed. It may be in a
    /// block already; a reason for its failure is no longer to be had.
    pub async fn resume(
        &self,
        outgoing: Outgoing,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let receipt = match self.broadcast(&outgoing, options).await? {
            Broadcast::Underway => self.await_receipt(None, outgoing, options).await?,
            Broadcast::NonceTaken => {
                return Err(ChainError::Displaced {
                    transaction: outgoing.transaction,
                    sender: self.sender(),
                    nonce: outgoing.nonce,
                });
            }
        };
        if receipt.status() {
            return Ok(receipt.into());
        }
        let error = Revert::decode(Bytes::new(), &JsonAbi::new());
        Err(ChainError::Failed { transaction: receipt.transaction_hash, error: error.into() })
    }

    /// Gas that a call would take, or the contract's refusal.
    pub(super) async fn estimate(
        &self,
        request: &TransactionRequest,
    ) -> Result<Result<u64, Bytes>, ChainError> {
        match self.provider().estimate_gas(request.clone()).await {
            Ok(gas) => Ok(Ok(gas)),
            Err(error) => match call_outcome("eth_estimateGas", self.endpoint(), error)? {
                CallOutcome::Reverted(data) => Ok(Err(data)),
                CallOutcome::Returned(_) => Err(ChainError::Malformed {
                    request: "eth_estimateGas",
                    message: "an error that is none".into(),
                }),
            },
        }
    }

    async fn send_request(
        &self,
        request: TransactionRequest,
        options: &SendOptions,
    ) -> Result<TransactionReceipt, ChainError> {
        let mut taken = None;
        for _ in 0..NONCE_ATTEMPTS {
            let fees = self.fees(options).await?;
            self.check_funds(&request, fees).await?;
            let sender = self.sender();
            let nonces = self.nonces.lock().await;
            let nonce = self
                .provider()
                .get_transaction_count(sender)
                .pending()
                .await
                .map_err(|error| self.error("eth_getTransactionCount", error))?;
            let request = request.clone().with_nonce(nonce);
            let signed = self.sign(request.clone(), fees).await?;
            options.announce(&signed)?;
            let broadcast = self.broadcast(&signed, options).await?;
            drop(nonces);
            match broadcast {
                Broadcast::Underway => {
                    return self.await_receipt(Some(request), signed, options).await;
                }
                // Another process uses the same key, and was faster.
                Broadcast::NonceTaken => taken = Some((signed.transaction, nonce)),
            }
        }
        let (transaction, nonce) = taken.expect("every attempt that does not return sets it");
        Err(ChainError::Displaced { transaction, sender: self.sender(), nonce })
    }

    async fn fees(&self, options: &SendOptions) -> Result<Fees, ChainError> {
        let Some(base) = self.base_fee().await? else {
            let price = self
                .provider()
                .get_gas_price()
                .await
                .map_err(|error| self.error("eth_gasPrice", error))?;
            return match options.max_fee_per_gas {
                Some(cap) if cap < price => Err(ChainError::FeeTooLow { cap, required: price }),
                _ => Ok(Fees { max: price, priority: None }),
            };
        };
        let suggested = self
            .provider()
            .estimate_eip1559_fees()
            .await
            .map_err(|error| self.error("eth_feeHistory", error))?;
        let mut max = suggested.max_fee_per_gas;
        if let Some(cap) = options.max_fee_per_gas {
            if cap < base {
                return Err(ChainError::FeeTooLow { cap, required: base });
            }
            max = max.min(cap);
        }
        let tip = options.max_priority_fee_per_gas.unwrap_or(suggested.max_priority_fee_per_gas);
        Ok(Fees { max, priority: Some(tip.min(max)) })
    }

    async fn base_fee(&self) -> Result<Option<u128>, ChainError> {
        let block = self
            .provider()
            .get_block(alloy::eips::BlockId::pending())
            .await
            .map_err(|error| self.error("eth_getBlockByNumber", error))?;
        Ok(block.and_then(|block| block.header.base_fee_per_gas).map(u128::from))
    }

    async fn check_funds(
        &self,
        request: &TransactionRequest,
        fees: Fees,
    ) -> Result<(), ChainError> {
        let gas = U256::from(request.gas.unwrap_or_default());
        let cost = gas * U256::from(fees.max) + request.value.unwrap_or_default();
        let sender = self.sender();
        let balance = self.balance(sender).await?;
        if balance < cost {
            return Err(ChainError::InsufficientFunds { sender, balance, cost });
        }
        Ok(())
    }

    async fn sign(&self, request: TransactionRequest, fees: Fees) -> Result<Outgoing, ChainError> {
        let request = match fees.priority {
            Some(tip) => request.with_max_fee_per_gas(fees.max).with_max_priority_fee_per_gas(tip),
            None => request.with_gas_price(fees.max),
        };
        let key = self.key()?;
        let envelope = request.build(key.wallet()).await.map_err(|error| ChainError::Signing {
            address: key.address(),
            reason: error.to_string(),
        })?;
        Ok(Outgoing {
            transaction: *envelope.tx_hash(),
            bytes: envelope.encoded_2718().into(),
            nonce: envelope.nonce(),
            max_fee_per_gas: envelope.max_fee_per_gas(),
        })
    }

    /// Hands the bytes to the node, again and again while it does not answer: sending the same bytes
    /// twice does nothing.
    async fn broadcast(
        &self,
        signed: &Outgoing,
        options: &SendOptions,
    ) -> Result<Broadcast, ChainError> {
        let start = Instant::now();
        let mut pause = self.poll_interval();
        loop {
            let error = match self.provider().send_raw_transaction(&signed.bytes).await {
                Ok(_) => return Ok(Broadcast::Underway),
                Err(error) => error,
            };
            let message = match &error {
                RpcError::ErrorResp(payload) if revert_data(payload).is_none() => {
                    payload.message.to_lowercase()
                }
                RpcError::ErrorResp(_) => return Ok(Broadcast::Underway),
                _ => {
                    let error = self.error("eth_sendRawTransaction", error);
                    if start.elapsed() >= options.patience {
                        return Err(ChainError::Unconfirmed {
                            transaction: signed.transaction,
                            reason: error.to_string(),
                        });
                    }
                    sleep(pause).await;
                    pause *= 2;
                    continue;
                }
            };
            let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
            if says(&["already known", "already imported", "known transaction", "alreadyknown"]) {
                return Ok(Broadcast::Underway);
            }
            if says(&["nonce too low", "replacement transaction underpriced", "nonce is too low"]) {
                // An earlier attempt of these very bytes may be what took the nonce.
                return match self.receipt(signed.transaction).await? {
                    Some(_) => Ok(Broadcast::Underway),
                    None => Ok(Broadcast::NonceTaken),
                };
            }
            if says(&["underpriced", "less than block base fee", "fee too low", "max fee per gas"])
            {
                let required = self.base_fee().await?.unwrap_or_default();
                return Err(ChainError::FeeTooLow { cap: signed.max_fee_per_gas, required });
            }
            return Err(self.error("eth_sendRawTransaction", error));
        }
    }

    /// Waits until one of the transaction's versions is confirmed. Sends it again when the node has
    /// forgotten it, and raises its fee when the chain's fee has risen above it and there is a request to
    /// sign again.
    async fn await_receipt(
        &self,
        request: Option<TransactionRequest>,
        first: Outgoing,
        options: &SendOptions,
    ) -> Result<TransactionReceipt, ChainError> {
        let start = Instant::now();
        let mut last_answer = start;
        let nonce = first.nonce;
        let mut displaced_sightings = 0;
        let mut versions = vec![first];
        loop {
            let latest = versions.last().expect("never empty");
            let transaction = latest.transaction;
            let step = match self.look(&versions, nonce, options).await {
                Ok(step) => {
                    last_answer = Instant::now();
                    step
                }
                Err(error @ ChainError::Unreachable { .. }) => {
                    if last_answer.elapsed() >= options.patience {
                        let reason = error.to_string();
                        return Err(ChainError::Unconfirmed { transaction, reason });
                    }
                    Step::Wait
                }
                Err(error) => {
                    return Err(ChainError::Unconfirmed { transaction, reason: error.to_string() });
                }
            };
            match step {
                Step::Confirmed(receipt) => return Ok(*receipt),
                Step::Wait => {}
                Step::Displaced => {
                    // Nodes behind one address may be blocks apart: one sighting proves nothing.
                    displaced_sightings += 1;
                    if displaced_sightings == 3 {
                        let sender = self.sender();
                        return Err(ChainError::Displaced { transaction, sender, nonce });
                    }
                }
                Step::Forgotten => {
                    self.broadcast(latest, options).await?;
                }
                Step::Outpriced(required) => {
                    let cap = options.max_fee_per_gas.unwrap_or(u128::MAX);
                    // Nodes replace a transaction only for a tenth more; an eighth is safe everywhere.
                    let raised =
                        (latest.max_fee_per_gas + latest.max_fee_per_gas / 8 + 1).max(2 * required);
                    if let Some(request) = &request
                        && raised <= cap
                    {
                        let tip = options.max_priority_fee_per_gas.unwrap_or(raised / 10);
                        let fees = Fees { max: raised, priority: Some(tip.min(raised)) };
                        let next = self.sign(request.clone(), fees).await?;
                        options.announce(&next)?;
                        self.broadcast(&next, options).await?;
                        versions.push(next);
                    }
                }
            }
            if start.elapsed() >= options.timeout {
                let reason = format!("no block took it within {} s", options.timeout.as_secs());
                return Err(ChainError::Unconfirmed { transaction, reason });
            }
            sleep(self.poll_interval()).await;
        }
    }

    /// Where the transaction is now.
    async fn look(
        &self,
        versions: &[Outgoing],
        nonce: u64,
        options: &SendOptions,
    ) -> Result<Step, ChainError> {
        // Before the receipts: a nonce used up between the two questions is no sign of anything.
        let used = self
            .provider()
            .get_transaction_count(self.sender())
            .await
            .map_err(|error| self.error("eth_getTransactionCount", error))?;
        for version in versions {
            let Some(receipt) = self.receipt(version.transaction).await? else { continue };
            let height = self
                .provider()
                .get_block_number()
                .await
                .map_err(|error| self.error("eth_blockNumber", error))?;
            let depth = height.saturating_sub(receipt.block_number.unwrap_or(height)) + 1;
            return Ok(if depth >= options.confirmations {
                Step::Confirmed(Box::new(receipt))
            } else {
                Step::Wait
            });
        }
        if used > nonce {
            return Ok(Step::Displaced);
        }
        let latest = versions.last().expect("never empty");
        let known = self
            .provider()
            .get_transaction_by_hash(latest.transaction)
            .await
            .map_err(|error| self.error("eth_getTransactionByHash", error))?
            .is_some();
        if !known {
            return Ok(Step::Forgotten);
        }
        match self.base_fee().await? {
            Some(base) if base > latest.max_fee_per_gas => Ok(Step::Outpriced(base)),
            _ => Ok(Step::Wait),
        }
    }

    async fn receipt(&self, transaction: B256) -> Result<Option<TransactionReceipt>, ChainError> {
        self.provider()
            .get_transaction_receipt(transaction)
            .await
            .map_err(|error| self.error("eth_getTransactionReceipt", error))
    }

    fn error(&self, request: &'static str, error: TransportError) -> ChainError {
        ChainError::rpc(request, self.endpoint(), error)
    }

    /// Local chains mine at once; asking public ones more than once a second gets one refused.
    fn poll_interval(&self) -> Duration {
        Duration::from_millis(if self.is_local() { 50 } else { 1000 })
    }
}

enum Broadcast {
    Underway,
    NonceTaken,
}

enum Step {
    Confirmed(Box<TransactionReceipt>),
    Wait,
    Displaced,
    Forgotten,
    Outpriced(u128),
}

/// A tenth more than estimated: the state may move before the block, and what is not used is not paid.
fn gas_limit(estimate: u64) -> u64 {
    let limit = estimate.saturating_add(estimate / 10);
    if estimate <= TRANSACTION_GAS_CAP { limit.min(TRANSACTION_GAS_CAP) } else { limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_limit_leaves_room_and_stays_below_the_cap() {
        assert_eq!(gas_limit(100_000), 110_000);
        assert_eq!(gas_limit(TRANSACTION_GAS_CAP - 1), TRANSACTION_GAS_CAP);
        assert_eq!(gas_limit(20_000_000), 22_000_000);
    }
}
