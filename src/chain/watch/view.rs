//! What the chain looks like in one round. Everything else in the round is asked about these blocks, by their
//! hashes: a node that does not know them says so, instead of answering for another state.

use std::collections::HashMap;

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U256},
    providers::Provider,
    rpc::types::{Block, Filter, Log},
    sol_types::{SolCall, SolEvent},
    transports::RpcError,
};

use super::{
    LOG_BLOCKS, Request, Run, WatchOptions,
    journal::{Place, Seen},
};
use crate::chain::{
    Chain, ChainError, Revert,
    bindings::{IRequestConsumer, KNOWN_ERRORS},
    call::CallOutcome,
    trouble::is_too_old,
};

/// Blocks that are read again in each round, at most. Chains with four blocks a second take half an hour to make
/// one final.
const MOST_PASSING: u64 = 100_000;

/// A block, by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point {
    pub(super) number: u64,
    pub(super) hash: B256,
}

/// The blocks that a round goes by.
#[derive(Clone, Debug)]
pub(super) struct View {
    /// The newest block.
    pub(super) head: Point,
    /// Its base fee; `None` on chains that have none.
    pub(super) base_fee: Option<u128>,
    /// The newest block whose requests are deep enough.
    pub(super) deep: Point,
    /// The newest block that stays.
    pub(super) last_final: Point,
    /// Hashes of other blocks that were asked for.
    known: HashMap<u64, B256>,
}

/// What happened at the consumer in some blocks.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub(super) requests: Vec<Request>,
    pub(super) answers: Vec<(U256, Seen)>,
}

fn point(block: &Block) -> Point {
    Point { number: block.header.number, hash: block.header.hash }
}

impl View {
    pub(super) async fn take(chain: &Chain, options: &WatchOptions) -> Result<Self, ChainError> {
        let head = block(chain, BlockNumberOrTag::Latest)
            .await?
            .ok_or_else(|| nothing("the newest block"))?;
        let base_fee = head.header.base_fee_per_gas.map(u128::from);
        let head = point(&head);
        let at = async |number: u64| {
            if number == head.number {
                return Ok(head);
            }
            let block = block(chain, number.into()).await?;
            block
                .map(|block| point(&block))
                .filter(|point| point.number == number)
                .ok_or_else(|| nothing("a block below its newest"))
        };
        // A height that is made up has no block, or another one.
        if block(chain, head.number.into())
            .await?
            .is_none_or(|block| block.header.hash != head.hash)
        {
            return Err(nothing("its newest block by its number"));
        }
        let deep = at(head.number.saturating_sub(options.confirmations.max(1) - 1)).await?;
        let tagged = match chain.provider().get_block_by_number(BlockNumberOrTag::Finalized).await {
            Ok(block) => block.map(|block| point(&block)),
            // Some chains have no such thing.
            Err(RpcError::ErrorResp(_)) => None,
            Err(error) => {
                return Err(ChainError::rpc("eth_getBlockByNumber", chain.endpoint(), error));
            }
        };
        let last_final = match tagged {
            Some(tagged) if tagged.number <= deep.number => tagged,
            // It has moved on since the first question.
            Some(_) => deep,
            None => at(head.number.saturating_sub(options.finality_depth)).await?,
        };
        // Nothing is final that is not deep.
        let last_final = if last_final.number > deep.number { deep } else { last_final };
        if head.number - last_final.number > MOST_PASSING {
            return Err(nothing("a final block in the last hundred thousand"));
        }
        Ok(Self { head, base_fee, deep, last_final, known: HashMap::new() })
    }

    /// The hash of the block at a height.
    pub(super) async fn hash(
        &mut self,
        chain: &Chain,
        number: u64,
    ) -> Result<Option<B256>, ChainError> {
        for point in [self.head, self.deep, self.last_final] {
            if point.number == number {
                return Ok(Some(point.hash));
            }
        }
        if let Some(hash) = self.known.get(&number) {
            return Ok(Some(*hash));
        }
        let found =
            block(chain, number.into()).await?.filter(|block| block.header.number == number);
        let hash = found.map(|block| block.header.hash);
        self.known.extend(hash.map(|hash| (number, hash)));
        Ok(hash)
    }
}

async fn block(chain: &Chain, which: BlockNumberOrTag) -> Result<Option<Block>, ChainError> {
    let failed = |error| ChainError::rpc("eth_getBlockByNumber", chain.endpoint(), error);
    chain.provider().get_block_by_number(which).await.map_err(failed)
}

fn nothing(what: &str) -> ChainError {
    ChainError::Contradiction {
        request: "eth_getBlockByNumber",
        message: format!("it does not have {what}"),
    }
}

impl Run<'_> {
    /// Calls the consumer in the state after a block.
    pub(super) async fn call<C: SolCall>(
        &self,
        at: Point,
        call: C,
    ) -> Result<C::Return, ChainError> {
        let consumer = self.watcher.consumer;
        match self.chain().call_in(at.hash, consumer, call.abi_encode().into()).await? {
            CallOutcome::Returned(data) => {
                C::abi_decode_returns(&data).map_err(|error| ChainError::Malformed {
                    request: "eth_call",
                    message: format!("{} of {consumer}: {error}", C::SIGNATURE),
                })
            }
            CallOutcome::Reverted(data) => Err(ChainError::Reverted {
                call: C::SIGNATURE.into(),
                contract: consumer,
                error: Revert::decode(data, &KNOWN_ERRORS).into(),
            }),
        }
    }

    pub(super) async fn is_open(&self, at: Point, id: U256) -> Result<bool, ChainError> {
        self.call(at, IRequestConsumer::isOpenCall { requestId: id }).await
    }

    /// How many requests there were after a block; `None` where the consumer does not count, or the node does
    /// not have so old a state.
    pub(super) async fn request_count(&self, at: Point) -> Result<Option<U256>, ChainError> {
        match self.call(at, super::requestCountCall {}).await {
            Ok(count) => Ok(Some(count)),
            Err(ChainError::Reverted { .. } | ChainError::Malformed { .. }) => Ok(None),
            Err(ChainError::Rpc { message, .. }) if is_too_old(&message) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Transactions of the account after a block.
    pub(super) async fn used(&self, at: Point) -> Result<u64, ChainError> {
        let chain = self.chain();
        chain
            .provider()
            .get_transaction_count(chain.sender())
            .hash_canonical(at.hash)
            .await
            .map_err(|error| ChainError::rpc("eth_getTransactionCount", chain.endpoint(), error))
    }

    /// The same, proved where a node offers that.
    pub(super) async fn used_for_good(&self, at: Point) -> Result<u64, ChainError> {
        // Development nodes prove no state but their newest.
        if self.chain().is_local() {
            return self.used(at).await;
        }
        match self.chain().proved_account(self.chain().sender(), at.hash).await? {
            Some(account) => Ok(account.nonce),
            None => self.used(at).await,
        }
    }

    /// Whether a block of the chain holds a request, as far as a node proves what its blocks hold.
    pub(super) async fn is_in_its_block(
        &self,
        view: &mut View,
        request: &Request,
    ) -> Result<bool, ChainError> {
        let hash = request.block_hash;
        // The first layout of the journal did not have it.
        if hash.is_zero() {
            return Ok(true);
        }
        if view.hash(self.chain(), request.block).await? != Some(hash) {
            return Ok(false);
        }
        let Some(block) = self.chain().proved_block(hash).await? else { return Ok(true) };
        let is_this = |log: &alloy::primitives::Log| {
            log.address == self.watcher.consumer
                && IRequestConsumer::InferenceRequested::decode_log(log).is_ok_and(|event| {
                    event.requestId == request.id
                        && event.requester == request.requester
                        && event.inputs == request.inputs
                })
        };
        Ok(block.logs().any(|(_, log)| is_this(log)))
    }

    /// What happened from one block to another, about some requests only if any are named. Logs of blocks
    /// that are not in the chain are left out.
    pub(super) async fn happened(
        &mut self,
        view: &mut View,
        from: u64,
        to: u64,
        about: &[U256],
    ) -> Result<Happened, ChainError> {
        let mut happened = Happened::default();
        let mut from = from;
        while from <= to {
            let end = to.min(from.saturating_add(self.log_blocks - 1));
            let signatures = vec![
                IRequestConsumer::InferenceRequested::SIGNATURE_HASH,
                IRequestConsumer::InferenceAnswered::SIGNATURE_HASH,
            ];
            let mut filter = Filter::new()
                .address(self.watcher.consumer)
                .event_signature(signatures)
                .from_block(from)
                .to_block(end);
            if !about.is_empty() {
                filter = filter.topic1(about.iter().map(|&id| B256::from(id)).collect::<Vec<_>>());
            }
            let chain = self.chain();
            let logs = match chain.provider().get_logs(&filter).await {
                Ok(logs) => logs,
                // Nodes differ in how many blocks they look through for one question.
                Err(RpcError::ErrorResp(_)) if end > from => {
                    self.log_blocks = (self.log_blocks / 2).max(1);
                    continue;
                }
                Err(error) => return Err(ChainError::rpc("eth_getLogs", chain.endpoint(), error)),
            };
            for log in logs {
                self.take_in(view, from..=end, &log, &mut happened).await?;
            }
            self.log_blocks = (self.log_blocks * 2).min(LOG_BLOCKS);
            from = end.saturating_add(1);
            if end == u64::MAX {
                break;
            }
        }
        Ok(happened)
    }

    async fn take_in(
        &self,
        view: &mut View,
        asked: std::ops::RangeInclusive<u64>,
        log: &Log,
        happened: &mut Happened,
    ) -> Result<(), ChainError> {
        let (Some(block), Some(hash), Some(transaction)) =
            (log.block_number, log.block_hash, log.transaction_hash)
        else {
            return Ok(());
        };
        if log.address() != self.watcher.consumer || log.removed || !asked.contains(&block) {
            return Ok(());
        }
        if view.hash(self.chain(), block).await? != Some(hash) {
            return Ok(());
        }
        if let Ok(event) = IRequestConsumer::InferenceRequested::decode_log(&log.inner) {
            happened.requests.push(Request {
                id: event.requestId,
                requester: event.requester,
                inputs: event.inputs.clone(),
                block,
                block_hash: hash,
            });
        } else if let Ok(event) = IRequestConsumer::InferenceAnswered::decode_log(&log.inner) {
            let seen = Seen { transaction, block, hash, operator: event.operator };
            happened.answers.push((event.requestId, seen));
        }
        Ok(())
    }

    /// Whether an answer is what its transaction's receipt says, in a block of the chain.
    pub(super) async fn is_in_its_receipt(
        &self,
        view: &mut View,
        id: U256,
        seen: &Seen,
    ) -> Result<bool, ChainError> {
        let chain = self.chain();
        if view.hash(chain, seen.block).await? != Some(seen.hash) {
            return Ok(false);
        }
        let about = |log: &alloy::primitives::Log| {
            log.address == self.watcher.consumer
                && IRequestConsumer::InferenceAnswered::decode_log(log)
                    .is_ok_and(|event| event.requestId == id && event.operator == seen.operator)
        };
        if let Some(block) = chain.proved_block(seen.hash).await? {
            return Ok(block.logs().any(|(hash, log)| hash == seen.transaction && about(log)));
        }
        let receipt =
            chain.provider().get_transaction_receipt(seen.transaction).await.map_err(|error| {
                ChainError::rpc("eth_getTransactionReceipt", chain.endpoint(), error)
            })?;
        Ok(receipt.is_some_and(|receipt| {
            receipt.block_hash == Some(seen.hash)
                && receipt.status()
                && receipt.logs().iter().any(|log| about(&log.inner))
        }))
    }

    /// Says what a contract call would come to after a block.
    pub(super) async fn simulate(
        &self,
        at: Point,
        to: Address,
        data: Bytes,
    ) -> Result<Result<(), Revert>, ChainError> {
        Ok(match self.chain().call_in(at.hash, to, data).await? {
            CallOutcome::Returned(_) => Ok(()),
            CallOutcome::Reverted(data) => Err(Revert::decode(data, &self.watcher.abi)),
        })
    }
}

impl From<(Point, Option<U256>)> for Place {
    fn from((point, requests): (Point, Option<U256>)) -> Self {
        Self { number: point.number, hash: point.hash, requests }
    }
}
