//! What nodes say of a block, as far as the block's own header proves it.
//!
//! | said | proved by |
//! |---|---|
//! | the header | its hash |
//! | a transaction's receipt, with its events | the roots of the block's receipts and transactions |
//! | an account's nonce and code | a path from the root of the state (`eth_getProof`) |
//!
//! The hash is what nodes agree on. What follows from it needs no agreement: one node that proves it is enough, so one
//! that lies can only be slow. Not every node offers this, and not every chain has Ethereum's headers: what could not
//! be proved is kept, for the answer to say. But once something of a kind has been proved, it has to be from then on,
//! as a lie would only have to leave its proof out.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::Poll,
    time::Duration,
};

use alloy::{
    consensus::{
        Header, ReceiptEnvelope, TrieAccount,
        proofs::{calculate_receipt_root, ordered_trie_root_encoded},
    },
    eips::{BlockId, eip2718::Encodable2718},
    primitives::{Address, B256, Bytes, keccak256},
    providers::{DynProvider, Provider},
    transports::{RpcError, TransportError},
    trie::{Nibbles, proof::verify_proof},
};

use super::{
    Chain, ChainError,
    proved::{Kind, ProvedBlock},
    trouble::{asks_to_wait, is_too_old, refuses_for_good},
};

/// How long one node is waited for before the next is asked too.
const MOMENT: Duration = Duration::from_secs(5);

/// How many blocks are remembered: those of a round are asked about several times.
const REMEMBERED: usize = 16;

/// What one node answers. An error is a proof that is wrong, or trouble that passes.
enum Proof<T> {
    Given(T),
    /// The node, or the chain, does not have it; why.
    Missing(String),
    /// The node has thrown the state away, as all do after some time.
    TooOld(String),
}

type Asked<T> = Result<Proof<T>, ChainError>;

impl Chain {
    /// What could not be proved of what the nodes said, in sentences: they were believed.
    pub fn unproved(&self) -> Vec<String> {
        self.proofs.unproved()
    }

    /// Whether a node has proved receipts.
    pub fn proves_receipts(&self) -> bool {
        self.proofs.known().proved.contains(&Kind::Receipts)
    }

    /// A block with its transactions and receipts, by a hash that the nodes agree on. `None` where no node proves
    /// them.
    pub(super) async fn proved_block(
        &self,
        hash: B256,
    ) -> Result<Option<Arc<ProvedBlock>>, ChainError> {
        if self.proofs.is_needless {
            return Ok(None);
        }
        let remembered =
            self.proofs.known().blocks.iter().find(|block| block.hash == hash).cloned();
        if remembered.is_some() {
            return Ok(remembered);
        }
        let answers = self.one_by_one(|node| self.block_of(node, hash)).await;
        let block = self.conclude(Kind::Receipts, answers)?.map(Arc::new);
        if let Some(block) = &block {
            let mut known = self.proofs.known();
            known.blocks.push_back(Arc::clone(block));
            if known.blocks.len() > REMEMBERED {
                known.blocks.pop_front();
            }
        }
        Ok(block)
    }

    /// An account after a block, by a hash that the nodes agree on. `None` where no node proves it.
    pub(super) async fn proved_account(
        &self,
        address: Address,
        block: B256,
    ) -> Result<Option<TrieAccount>, ChainError> {
        if self.proofs.is_needless {
            return Ok(None);
        }
        let answers = self.one_by_one(|node| self.account_of(node, address, block)).await;
        self.conclude(Kind::Accounts, answers)
    }

    /// Asks one node after the other until one proves something; the next one too, where the answer takes its time.
    async fn one_by_one<'a, T, F: Future<Output = Asked<T>>>(
        &'a self,
        ask: impl Fn(&'a DynProvider) -> F,
    ) -> Vec<Asked<T>> {
        let first = self.proofs.last.load(Ordering::Relaxed);
        let others = (0..self.nodes.len()).filter(|&index| index != first);
        let mut others = std::iter::once(first).chain(others);
        let (mut asked, mut answers, mut moment) = (Vec::new(), Vec::new(), None);
        poll_fn(|context| {
            loop {
                let mut given = None;
                asked.retain_mut(|(index, future): &mut (usize, Pin<Box<F>>)| {
                    let Poll::Ready(answer) = future.as_mut().poll(context) else { return true };
                    given = given.or(matches!(answer, Ok(Proof::Given(_))).then_some(*index));
                    answers.push(answer);
                    false
                });
                if let Some(index) = given {
                    self.proofs.last.store(index, Ordering::Relaxed);
                    return Poll::Ready(());
                }
                let is_late = moment.as_mut().is_none_or(
                    |moment: &mut Pin<Box<dyn Future<Output = ()> + Send>>| {
                        moment.as_mut().poll(context).is_ready()
                    },
                );
                if !asked.is_empty() && !is_late {
                    return Poll::Pending;
                }
                moment = None;
                match others.next() {
                    Some(index) => {
                        asked.push((index, Box::pin(ask(&self.nodes[index]))));
                        moment = Some(self.clock().sleep(MOMENT));
                    }
                    None if asked.is_empty() => return Poll::Ready(()),
                    None => return Poll::Pending,
                }
            }
        })
        .await;
        answers
    }

    /// One proof is enough. Without any, what most nodes do not have is missing; anything else passes.
    fn conclude<T>(&self, kind: Kind, answers: Vec<Asked<T>>) -> Result<Option<T>, ChainError> {
        let (asked, mut trouble, mut missing) = (self.nodes.len(), None, Vec::new());
        // What is too old is not proved by anybody, whatever was proved before.
        let is_excused = answers.iter().all(|answer| matches!(answer, Ok(Proof::TooOld(_))));
        for answer in answers {
            match answer {
                Ok(Proof::Given(value)) => {
                    self.proofs.known().proved.insert(kind);
                    return Ok(Some(value));
                }
                Ok(Proof::Missing(reason) | Proof::TooOld(reason)) => missing.push(reason),
                Err(error) => trouble = trouble.or(Some(error)),
            }
        }
        let is_missing = missing.len() > asked / 2;
        let reason = missing.into_iter().next().unwrap_or_default();
        let mut known = self.proofs.known();
        let is_due = known.proved.contains(&kind) && !is_excused;
        if self.proofs.is_required || is_due || !is_missing {
            let message = format!("it is to prove what it says, and does not: {reason}");
            let request = kind.request();
            return Err(trouble.unwrap_or(ChainError::Contradiction { request, message }));
        }
        known.unproved.entry(kind).or_insert(reason);
        Ok(None)
    }

    async fn block_of(&self, node: &DynProvider, hash: B256) -> Asked<ProvedBlock> {
        let request = "eth_getBlockByHash";
        let block = match node.get_block_by_hash(hash).full().await {
            Ok(Some(block)) => block,
            Ok(None) => return Err(contradiction(request, "it does not have the block")),
            Err(error) => return self.missing(request, error),
        };
        if block.header.inner.hash_slow() != hash {
            return Ok(Proof::Missing(OTHER_HEADERS.into()));
        }
        let header: Header = block.header.inner;
        // Their hashes are the node's word until they are made here.
        let encoded: Vec<Bytes> = block
            .transactions
            .txns()
            .map(|transaction| transaction.inner.encoded_2718().into())
            .collect();
        if ordered_trie_root_encoded(&encoded) != header.transactions_root {
            return Err(contradiction(request, "its transactions are not the block's"));
        }
        let request = Kind::Receipts.request();
        let receipts = match node.get_block_receipts(BlockId::hash(hash)).await {
            Ok(Some(receipts)) => receipts,
            Ok(None) => {
                return Err(contradiction(request, "it does not have the block's receipts"));
            }
            Err(error) => return self.missing(request, error),
        };
        let receipts: Vec<ReceiptEnvelope> =
            receipts.into_iter().map(|receipt| receipt.inner.into_primitives_receipt()).collect();
        if receipts.len() != encoded.len()
            || calculate_receipt_root(&receipts) != header.receipts_root
        {
            return Err(contradiction(request, "its receipts are not the block's"));
        }
        let mut before = 0;
        let transactions = encoded.iter().zip(receipts).map(|(bytes, receipt)| {
            let gas = receipt.cumulative_gas_used().saturating_sub(before);
            before = receipt.cumulative_gas_used();
            (keccak256(bytes), gas, receipt)
        });
        Ok(Proof::Given(ProvedBlock { hash, transactions: transactions.collect() }))
    }

    async fn account_of(
        &self,
        node: &DynProvider,
        address: Address,
        hash: B256,
    ) -> Asked<TrieAccount> {
        let request = "eth_getBlockByHash";
        let header = match node.get_block_by_hash(hash).await {
            Ok(Some(block)) => block.header.inner,
            Ok(None) => return Err(contradiction(request, "it does not have the block")),
            Err(error) => return self.missing(request, error),
        };
        if header.hash_slow() != hash {
            return Ok(Proof::Missing(OTHER_HEADERS.into()));
        }
        let request = Kind::Accounts.request();
        let path = Nibbles::unpack(keccak256(address));
        // Anvil proves the next block's state where that comes in between: who lies does so twice.
        for _ in 0..2 {
            let said = match node.get_proof(address, Vec::new()).hash_canonical(hash).await {
                Ok(said) => said,
                Err(error) => return self.missing(request, error),
            };
            let account =
                TrieAccount::new(said.nonce, said.balance, said.storage_hash, said.code_hash);
            let value = (account != TrieAccount::default()).then(|| alloy::rlp::encode(account));
            if verify_proof(header.state_root, path, value, &said.account_proof).is_ok() {
                return Ok(Proof::Given(account));
            }
        }
        Err(contradiction(request, "its proof does not lead to the block's state"))
    }

    /// Tells a node that does not offer something from one that is in trouble.
    fn missing<T>(&self, request: &'static str, error: TransportError) -> Asked<T> {
        let is_missing = match &error {
            RpcError::ErrorResp(payload) if is_too_old(&payload.message) => {
                return Ok(Proof::TooOld(payload.message.to_string()));
            }
            RpcError::ErrorResp(payload) => !asks_to_wait(payload),
            RpcError::Transport(kind) => refuses_for_good(kind),
            // Transactions or receipts of a type that Ethereum does not have.
            RpcError::DeserError { .. } | RpcError::NullResp => true,
            _ => false,
        };
        let error = ChainError::rpc(request, self.endpoint(), error);
        if is_missing { Ok(Proof::Missing(error.to_string())) } else { Err(error) }
    }
}

const OTHER_HEADERS: &str = "the chain's blocks do not have the hashes of Ethereum's headers";

fn contradiction(request: &'static str, message: &str) -> ChainError {
    ChainError::Contradiction { request, message: message.to_owned() }
}
