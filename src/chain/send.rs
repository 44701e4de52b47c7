//! Sends transactions so that nothing is lost: signed here once, then the same bytes are sent until they
//! are in a block, or until it is certain that they never will be.

use std::time::Duration;

use alloy::{
    consensus::Transaction,
    eips::{BlockId, eip2718::Encodable2718},
    json_abi::JsonAbi,
    network::{NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    rpc::types::{Log, TransactionReceipt, TransactionRequest},
    transports::{RpcError, TransportError},
};

use super::{
    Chain, ChainError, Outgoing, Revert, SendOptions,
    call::{CallOutcome, call_outcome},
    clock::backoff,
    fees::Fees,
    hand_over::Handed,
    lock::KeyLock,
};

/// A transaction may use no more gas than this since the Osaka fork (EIP-7825).
const TRANSACTION_GAS_CAP: u64 = 1 << 24;

/// How often a transaction is made anew when its nonce turns out to be taken.
const NONCE_ATTEMPTS: usize = 5;

/// How many answers in a row must agree on the next nonce, and how many are asked for.
const NONCE_ANSWERS: u32 = 3;
const NONCE_QUESTIONS: u32 = 30;

/// How often a nonce must be seen used by none of a transaction's versions: nodes behind one address may be
/// blocks apart, and an early conclusion pays twice.
const SIGHTINGS: u32 = 5;

/// How often it must be seen to have failed in its block.
const FAILED_SIGHTINGS: u32 = 3;

/// How deep a block is that stays, on chains that do not say which blocks are final.
const FINALITY_DEPTH: u64 = 64;

/// After how long a transaction that no block takes offers more.
const STUCK: Duration = Duration::from_secs(60);

/// A transaction that succeeded in a block.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Its hash.
    pub transaction: B256,
    /// What it used.
    pub gas_used: u64,
    /// The block that holds it.
    pub block: u64,
    /// That block's hash.
    pub block_hash: B256,
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
            block_hash: receipt.block_hash.unwrap_or_default(),
            gas_price: receipt.effective_gas_price,
            logs: receipt.logs().to_vec(),
        }
    }
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
        let sent = self.send_and_keep(to, data, abi, options).await?;
        options.forget()?;
        Ok(sent)
    }

    /// The same, and leaves a transaction that succeeded in its journal: for a caller who cannot yet tell from
    /// the chain that nothing is left to send.
    pub(super) async fn send_and_keep(
        &self,
        to: Address,
        data: Bytes,
        abi: &JsonAbi,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let sender = self.key()?.address();
        let earlier = options.journaled()?;
        let is_the_same = |outgoing: &Outgoing| {
            outgoing.envelope().is_some_and(|envelope| {
                envelope.to() == Some(to)
                    && *envelope.input() == data
                    && envelope.chain_id() == Some(self.id())
                    && envelope
                        .signature()
                        .recover_address_from_prehash(&envelope.signature_hash())
                        .is_ok_and(|signer| signer == sender)
            })
        };
        if !earlier.is_empty() && earlier.iter().all(is_the_same) {
            match self.await_receipt(earlier, options).await {
                // It will never be mined. What follows is another one.
                Err(ChainError::Displaced { .. }) => options.forget()?,
                Ok(receipt) if receipt.status() => return Ok(receipt.into()),
                Ok(receipt) => return Err(failed_before(&receipt, options)?),
                Err(error) => return Err(error),
            }
        }
        let request = TransactionRequest::default()
            .with_from(sender)
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
        options.forget()?;
        let error = match self.call_request(request).await? {
            CallOutcome::Reverted(data) => Revert::decode(data, abi),
            // The state has moved on, and with it the reason.
            CallOutcome::Returned(_) => Revert::decode(Bytes::new(), abi),
        };
        Err(ChainError::Failed { transaction: receipt.transaction_hash, error: error.into() })
    }

    /// Sends a transaction of an earlier run again, all of its versions, and waits until one is confirmed. It
    /// may be in a block already; a reason for its failure is no longer to be had.
    pub async fn resume(
        &self,
        versions: Vec<Outgoing>,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let receipt = self.await_receipt(versions, options).await?;
        if !receipt.status() {
            return Err(failed_before(&receipt, options)?);
        }
        options.forget()?;
        Ok(receipt.into())
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
        let mut attempt = 1;
        loop {
            let fees = self.fees(request.gas.unwrap_or_default(), options).await?;
            self.check_funds(&request, fees).await?;
            let nonces = self.nonces.lock().await;
            let lock = KeyLock::take(self, true).await?;
            let nonce = self.next_nonce().await?;
            let signed = self.sign(request.clone().with_nonce(nonce), fees).await?;
            let versions = vec![signed];
            options.commit(&versions)?;
            self.broadcast(&versions[0], options).await?;
            drop((nonces, lock));
            match self.await_receipt(versions, options).await {
                // Somebody else uses the same key, and was faster.
                Err(ChainError::Displaced { .. }) if attempt < NONCE_ATTEMPTS => attempt += 1,
                outcome => return outcome,
            }
        }
    }

    /// The account's next nonce, after all transactions that wait. With a greater one, a transaction would wait
    /// for ever, and another must not be sent in its place: so one answer is not believed.
    async fn next_nonce(&self) -> Result<u64, ChainError> {
        let request = "eth_getTransactionCount";
        let (mut latest, mut times) = (None, 0);
        for _ in 0..NONCE_QUESTIONS {
            let count = self.provider().get_transaction_count(self.sender()).pending();
            let nonce = count.await.map_err(|error| self.error(request, error))?;
            times = if latest.replace(nonce) == Some(nonce) { times + 1 } else { 1 };
            if times == NONCE_ANSWERS {
                return Ok(nonce);
            }
        }
        let message = "it gives another number each time".into();
        Err(ChainError::Contradiction { request, message })
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

    pub(super) async fn sign(
        &self,
        request: TransactionRequest,
        fees: Fees,
    ) -> Result<Outgoing, ChainError> {
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

    /// Another version of a transaction, under the same nonce; `None` where a limit is in the way.
    pub(super) async fn sign_raised(
        &self,
        versions: &[Outgoing],
        base: u128,
        options: &SendOptions,
    ) -> Result<Option<Outgoing>, ChainError> {
        let Some(envelope) = versions.last().and_then(Outgoing::envelope) else { return Ok(None) };
        let (gas, nonce) = (envelope.gas_limit(), envelope.nonce());
        let Some(fees) = options.raised(versions, gas, base) else { return Ok(None) };
        let request = TransactionRequest::default()
            .with_from(self.sender())
            .with_chain_id(self.id())
            .with_to(envelope.to().unwrap_or_default())
            .with_input(envelope.input().clone())
            .with_gas_limit(gas)
            .with_nonce(nonce);
        self.sign(request, fees).await.map(Some)
    }

    /// Hands the bytes to the node, again and again while it does not answer: sending the same bytes twice
    /// does nothing.
    async fn broadcast(&self, signed: &Outgoing, options: &SendOptions) -> Result<(), ChainError> {
        let start = self.clock().now();
        let mut failures = 0;
        loop {
            match self.hand_over(signed).await {
                // Who has the nonce shows in the receipts: it may be an earlier attempt of these very bytes.
                Ok(Handed::Taken | Handed::NonceUsed | Handed::Replaces) => return Ok(()),
                Ok(Handed::Underpriced) => {
                    let required = self.base_fee().await?.unwrap_or_default();
                    return Err(ChainError::FeeTooLow { cap: signed.max_fee_per_gas, required });
                }
                Err(error @ ChainError::Rpc { .. }) => return Err(error),
                Err(error) => {
                    if self.clock().now() - start >= options.patience {
                        let reason = error.to_string();
                        let transaction = signed.transaction;
                        return Err(ChainError::Unconfirmed { transaction, reason });
                    }
                }
            }
            failures += 1;
            let pause = backoff(self.clock(), self.poll_interval(), options.patience, failures);
            self.clock().sleep(pause).await;
        }
    }

    /// Waits until one of the transaction's versions is confirmed. Sends it again when the node has
    /// forgotten it, and raises its fee when no block takes it.
    async fn await_receipt(
        &self,
        mut versions: Vec<Outgoing>,
        options: &SendOptions,
    ) -> Result<TransactionReceipt, ChainError> {
        let start = self.clock().now();
        let (mut last_answer, mut last_version) = (start, start);
        let nonce = versions.last().expect("never empty").nonce;
        let (mut displaced_sightings, mut failed_sightings) = (0, 0);
        loop {
            let transaction = versions.last().expect("never empty").transaction;
            let step = match self.look(&versions, nonce, options).await {
                Ok(step) => {
                    last_answer = self.clock().now();
                    step
                }
                Err(error) => {
                    if self.clock().now() - last_answer >= options.patience {
                        let reason = error.to_string();
                        return Err(ChainError::Unconfirmed { transaction, reason });
                    }
                    Step::Wait
                }
            };
            displaced_sightings =
                if matches!(step, Step::Displaced) { displaced_sightings + 1 } else { 0 };
            failed_sightings = match &step {
                Step::Confirmed(receipt) if !receipt.status() => failed_sightings + 1,
                _ => 0,
            };
            match step {
                // One false word about its end, and it would be sent again.
                Step::Confirmed(_) if (1..FAILED_SIGHTINGS).contains(&failed_sightings) => {}
                Step::Confirmed(receipt) => return Ok(*receipt),
                Step::Wait => {}
                Step::Displaced if displaced_sightings >= SIGHTINGS => {
                    let sender = self.sender();
                    return Err(ChainError::Displaced { transaction, sender, nonce });
                }
                Step::Displaced => {}
                Step::Forgotten => {
                    let latest = versions.last().expect("never empty");
                    match self.broadcast(latest, options).await {
                        // Outpriced meanwhile: the next version offers more.
                        Err(ChainError::FeeTooLow { required, .. }) => {
                            self.raise(&mut versions, required, options).await?;
                        }
                        outcome => outcome?,
                    }
                }
                Step::Pending(base) => {
                    let latest = versions.last().expect("never empty");
                    let is_stuck = self.clock().now() - last_version >= STUCK;
                    if base.is_some_and(|base| base > latest.max_fee_per_gas) || is_stuck {
                        last_version = self.clock().now();
                        self.raise(&mut versions, base.unwrap_or_default(), options).await?;
                    }
                }
            }
            if self.clock().now() - start >= options.timeout {
                let reason = format!("no block took it within {} s", options.timeout.as_secs());
                return Err(ChainError::Unconfirmed { transaction, reason });
            }
            self.clock().sleep(self.poll_interval()).await;
        }
    }

    async fn raise(
        &self,
        versions: &mut Vec<Outgoing>,
        base: u128,
        options: &SendOptions,
    ) -> Result<(), ChainError> {
        let Some(next) = self.sign_raised(versions, base, options).await? else { return Ok(()) };
        versions.push(next);
        options.commit(versions)?;
        match self.broadcast(versions.last().expect("one was added"), options).await {
            // Nodes differ in what they take for a replacement; the versions before are still there.
            Err(ChainError::FeeTooLow { .. } | ChainError::Rpc { .. }) => Ok(()),
            outcome => outcome,
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
            let Some(receipt) = self.receipt(version).await? else { continue };
            let height = self
                .provider()
                .get_block_number()
                .await
                .map_err(|error| self.error("eth_blockNumber", error))?;
            let block = receipt.block_number.unwrap_or(height);
            return Ok(
                if height.saturating_sub(block).saturating_add(1) >= options.confirmations {
                    Step::Confirmed(Box::new(receipt))
                } else {
                    Step::Wait
                },
            );
        }
        if used > nonce {
            // Nodes behind one address are blocks apart, so that the receipt may come later: only blocks that stay decide
            // what the nonce went to. Local chains are one node, which is never behind itself.
            let is_decided = self.is_local() || self.used_for_good().await? > nonce;
            return Ok(if is_decided { Step::Displaced } else { Step::Wait });
        }
        let latest = versions.last().expect("never empty");
        let known = self
            .provider()
            .get_transaction_by_hash(latest.transaction)
            .await
            .map_err(|error| self.error("eth_getTransactionByHash", error))?
            .is_some();
        Ok(if known { Step::Pending(self.base_fee().await?) } else { Step::Forgotten })
    }

    /// Transactions of the account after the newest block that stays.
    async fn used_for_good(&self) -> Result<u64, ChainError> {
        let request = "eth_getBlockByNumber";
        let tagged = match self.provider().get_block(BlockId::finalized()).await {
            Ok(block) => block,
            // Some chains have no such thing.
            Err(RpcError::ErrorResp(_)) => None,
            Err(error) => return Err(self.error(request, error)),
        };
        let block = match tagged {
            Some(block) => block.header.hash,
            None => {
                let height = self.provider().get_block_number().await;
                let height = height.map_err(|error| self.error("eth_blockNumber", error))?;
                let deep = height.saturating_sub(FINALITY_DEPTH);
                let block = self.provider().get_block(BlockId::number(deep)).await;
                let block = block.map_err(|error| self.error(request, error))?;
                block.map(|block| block.header.hash).unwrap_or_default()
            }
        };
        let count = self.provider().get_transaction_count(self.sender()).hash_canonical(block);
        count.await.map_err(|error| self.error("eth_getTransactionCount", error))
    }

    fn error(&self, request: &'static str, error: TransportError) -> ChainError {
        ChainError::rpc(request, self.endpoint(), error)
    }

    /// Local chains mine at once; asking public ones more than once a second gets one refused.
    pub(super) fn poll_interval(&self) -> Duration {
        Duration::from_millis(if self.is_local() { 50 } else { 1000 })
    }
}

enum Step {
    Confirmed(Box<TransactionReceipt>),
    Wait,
    Displaced,
    Forgotten,
    /// It waits for a block; the base fee of the next one.
    Pending(Option<u128>),
}

/// A transaction of an earlier run that failed in its block: it is done, and its reason no longer to be had.
fn failed_before(
    receipt: &TransactionReceipt,
    options: &SendOptions,
) -> Result<ChainError, ChainError> {
    options.forget()?;
    let error = Revert::decode(Bytes::new(), &JsonAbi::new()).into();
    Ok(ChainError::Failed { transaction: receipt.transaction_hash, error })
}

/// A tenth more than estimated: the state may move before the block, and what is not used is not paid.
pub(super) fn gas_limit(estimate: u64) -> u64 {
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
