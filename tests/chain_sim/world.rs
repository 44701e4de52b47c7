//! The truth: blocks, the consumer, the accounts.
//!
//! The consumer is `contracts/RequestConsumer.sol` by hand, with a verifier that takes the hash of the instances
//! for a proof. The deployer is the deterministic one, and what it deploys is its init code. Headers are Ethereum's:
//! their roots cover the accounts, the transactions and the receipts.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use alloy::{
    consensus::{
        Header, Receipt as Outcome, ReceiptEnvelope, SignableTransaction, Transaction, TrieAccount,
        TxEip1559, TxEnvelope,
        proofs::{calculate_receipt_root, ordered_trie_root_encoded, state_root_unhashed},
    },
    eips::eip2718::{Decodable2718, Encodable2718},
    primitives::{Address, B256, Bytes, Log, Signature, U256, keccak256},
    sol_types::{SolCall, SolEvent},
    trie::{HashBuilder, Nibbles, proof::ProofRetainer},
};
use zkverdict::chain::{CREATE2_DEPLOYER, IRequestConsumer, consumer_context};

pub const CHAIN_ID: u64 = 777;
pub const CONSUMER: Address = Address::repeat_byte(0xc0);
pub const VERIFIER: Address = Address::repeat_byte(0xfe);
pub const OTHER: Address = Address::repeat_byte(0x0e);
pub const BLOCK_SECONDS: u64 = 12;
pub const GWEI: u128 = 1_000_000_000;

/// Gas of an answer, of one that is refused, and of a deployment.
pub const ANSWER_GAS: u64 = 400_000;
pub const REFUSED_GAS: u64 = 40_000;
pub const DEPLOY_GAS: u64 = 2_000_000;

#[derive(Clone, Debug)]
pub struct Question {
    pub inputs: Vec<U256>,
    pub is_open: bool,
}

#[derive(Clone, Debug, Default)]
pub struct State {
    pub nonces: BTreeMap<Address, u64>,
    pub questions: Vec<Question>,
    pub code: BTreeMap<Address, Bytes>,
}

/// What wants into a block.
#[derive(Clone, Debug)]
pub enum Tx {
    /// A customer asks.
    Ask { inputs: Vec<U256>, envelope: Arc<TxEnvelope> },
    /// Another operator answers.
    OtherAnswers { id: usize, envelope: Arc<TxEnvelope> },
    /// Somebody else uses the operator's key.
    Foreign { from: Address, nonce: u64, envelope: Arc<TxEnvelope> },
    /// Bytes that came over the wire.
    Signed { from: Address, envelope: Arc<TxEnvelope> },
}

#[derive(Clone, Debug)]
pub struct Receipt {
    pub hash: B256,
    pub from: Address,
    pub to: Address,
    pub status: bool,
    pub gas_used: u64,
    pub price: u128,
    pub logs: Vec<Log>,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub number: u64,
    pub hash: B256,
    pub header: Header,
    pub txs: Vec<Tx>,
    pub receipts: Vec<Receipt>,
    pub state: State,
}

impl Block {
    pub fn new(
        parent: Option<&Self>,
        salt: u64,
        base_fee: u128,
        txs: Vec<Tx>,
        receipts: Vec<Receipt>,
        state: State,
    ) -> Self {
        let number = parent.map_or(0, |parent| parent.number + 1);
        // Most blocks change no account.
        let same = parent.filter(|parent| {
            (&parent.state.nonces, &parent.state.code) == (&state.nonces, &state.code)
        });
        let bytes: Vec<Bytes> = txs.iter().map(|tx| tx.envelope().encoded_2718().into()).collect();
        let mut block =
            Self { number, hash: B256::ZERO, header: Header::default(), txs, receipts, state };
        block.header = Header {
            number,
            parent_hash: parent.map_or(B256::ZERO, |parent| parent.hash),
            timestamp: number * BLOCK_SECONDS,
            base_fee_per_gas: Some(u64::try_from(base_fee).expect("small")),
            extra_data: Bytes::copy_from_slice(&salt.to_be_bytes()),
            state_root: same.map_or_else(
                || state_root_unhashed(block.state.accounts()),
                |parent| parent.header.state_root,
            ),
            transactions_root: ordered_trie_root_encoded(&bytes),
            receipts_root: calculate_receipt_root(&block.envelopes()),
            ..Header::default()
        };
        block.hash = block.header.hash_slow();
        block
    }

    /// The receipts as the header's root covers them.
    pub fn envelopes(&self) -> Vec<ReceiptEnvelope> {
        let mut cumulative_gas_used = 0;
        let envelope = |receipt: &Receipt| {
            cumulative_gas_used += receipt.gas_used;
            let (status, logs) = (receipt.status.into(), receipt.logs.clone());
            ReceiptEnvelope::Eip1559(Outcome { status, cumulative_gas_used, logs }.into())
        };
        self.receipts.iter().map(envelope).collect()
    }

    /// An account, and what proves it.
    pub fn proof(&self, address: Address) -> (TrieAccount, Vec<Bytes>) {
        let accounts: BTreeMap<B256, (Address, TrieAccount)> =
            self.state.accounts().map(|(at, account)| (keccak256(at), (at, account))).collect();
        let path = Nibbles::unpack(keccak256(address));
        let mut builder =
            HashBuilder::default().with_proof_retainer(ProofRetainer::new(vec![path]));
        for (hash, (_, account)) in &accounts {
            builder.add_leaf(Nibbles::unpack(hash), &alloy::rlp::encode(account));
        }
        builder.root();
        let nodes = builder.take_proof_nodes().into_nodes_sorted();
        let account = accounts.get(&keccak256(address)).map(|(_, account)| *account);
        (account.unwrap_or_default(), nodes.into_iter().map(|(_, node)| node).collect())
    }
}

pub struct World {
    pub blocks: Vec<Arc<Block>>,
    pub by_hash: HashMap<B256, Arc<Block>>,
    pub pool: Vec<Tx>,
    /// Everything that was ever sent, and by whom.
    pub received: HashMap<B256, (Address, Arc<TxEnvelope>)>,
    pub base_fee: u128,
    pub finality: u64,
    /// Whether the chain says what is final.
    pub has_final_tag: bool,
    pub counts_requests: bool,
    /// Whether the nodes have `eth_getProof` and `eth_getBlockReceipts`.
    pub proves: bool,
    salt: u64,
}

impl Tx {
    pub fn foreign(from: Address, nonce: u64) -> Self {
        Self::Foreign { from, nonce, envelope: envelope(&format!("foreign {from} {nonce}")) }
    }

    pub fn envelope(&self) -> &Arc<TxEnvelope> {
        match self {
            Self::Ask { envelope, .. }
            | Self::OtherAnswers { envelope, .. }
            | Self::Foreign { envelope, .. }
            | Self::Signed { envelope, .. } => envelope,
        }
    }

    pub fn hash(&self) -> B256 {
        *self.envelope().tx_hash()
    }

    /// Whose nonce it takes, and at which price.
    fn nonce(&self) -> Option<(Address, u64, u128)> {
        match self {
            Self::Foreign { from, nonce, .. } => Some((*from, *nonce, u128::MAX)),
            Self::Signed { from, envelope } => {
                Some((*from, envelope.nonce(), envelope.max_fee_per_gas()))
            }
            _ => None,
        }
    }
}

/// A transaction of somebody whose key does not matter.
fn envelope(text: &str) -> Arc<TxEnvelope> {
    let input = Bytes::copy_from_slice(text.as_bytes());
    let transaction =
        TxEip1559 { chain_id: CHAIN_ID, to: CONSUMER.into(), input, ..Default::default() };
    Arc::new(transaction.into_signed(Signature::test_signature()).into())
}

/// What the verifier takes for a proof.
pub fn proof(instances: &[U256]) -> Vec<u8> {
    let packed: Vec<u8> = instances.iter().flat_map(|word| word.to_be_bytes::<32>()).collect();
    keccak256(packed).to_vec()
}

pub fn is_proof(proof_: &[u8], instances: &[U256]) -> bool {
    proof_ == proof(instances)
}

impl State {
    pub fn nonce(&self, account: Address) -> u64 {
        self.nonces.get(&account).copied().unwrap_or_default()
    }

    fn accounts(&self) -> impl Iterator<Item = (Address, TrieAccount)> {
        let at: std::collections::BTreeSet<&Address> =
            self.nonces.keys().chain(self.code.keys()).collect();
        at.into_iter().map(|&address| {
            let code_hash =
                self.code.get(&address).map_or(alloy::primitives::KECCAK256_EMPTY, keccak256);
            let nonce = self.nonce(address);
            (address, TrieAccount { nonce, code_hash, ..Default::default() })
        })
    }

    /// Whether the consumer takes an answer.
    pub fn takes(
        &self,
        from: Address,
        call: &IRequestConsumer::answerInferenceCall,
    ) -> Result<usize, Vec<u8>> {
        use alloy::sol_types::SolError;
        let id = call.requestId.saturating_to::<usize>();
        let open = self.questions.get(id).filter(|question| question.is_open);
        let Some(question) = open else {
            return Err(IRequestConsumer::NotOpen { requestId: call.requestId }.abi_encode());
        };
        let expected = consumer_context(CHAIN_ID, CONSUMER, from, id as u64);
        let found = call.instances.first().copied().unwrap_or_default();
        if found != expected {
            return Err(IRequestConsumer::WrongContext { found, expected }.abi_encode());
        }
        let inputs = &question.inputs;
        if call.instances.get(1..=inputs.len()) != Some(&inputs[..]) {
            return Err(IRequestConsumer::WrongInputs { requestId: call.requestId }.abi_encode());
        }
        if !is_proof(&call.proof, &call.instances) {
            return Err(zkverdict::chain::IHalo2Verifier::InvalidProof {}.abi_encode());
        }
        Ok(id)
    }

    fn execute(&mut self, tx: &Tx, base_fee: u128) -> Receipt {
        let mut receipt = Receipt {
            hash: tx.hash(),
            from: OTHER,
            to: CONSUMER,
            status: true,
            gas_used: 21_000,
            price: base_fee,
            logs: Vec::new(),
        };
        if let Some((from, nonce, _)) = tx.nonce() {
            self.nonces.insert(from, nonce + 1);
            receipt.from = from;
        }
        match tx {
            Tx::Ask { inputs, .. } => {
                let id = U256::from(self.questions.len());
                self.questions.push(Question { inputs: inputs.clone(), is_open: true });
                let event = IRequestConsumer::InferenceRequested {
                    requestId: id,
                    requester: OTHER,
                    inputs: inputs.clone(),
                };
                receipt.logs.push(Log { address: CONSUMER, data: event.encode_log_data() });
            }
            Tx::OtherAnswers { id, .. } => self.answer(*id, OTHER, &mut receipt),
            Tx::Foreign { .. } => receipt.to = OTHER,
            Tx::Signed { from, envelope } => {
                let tip = envelope.max_priority_fee_per_gas().unwrap_or_default();
                receipt.price = envelope.max_fee_per_gas().min(base_fee + tip);
                receipt.to = envelope.to().unwrap_or_default();
                self.call(*from, envelope, &mut receipt);
            }
        }
        receipt
    }

    fn call(&mut self, from: Address, envelope: &TxEnvelope, receipt: &mut Receipt) {
        let refused = |receipt: &mut Receipt| {
            (receipt.status, receipt.gas_used) = (false, REFUSED_GAS);
        };
        if receipt.to == CONSUMER {
            receipt.gas_used = ANSWER_GAS;
            match IRequestConsumer::answerInferenceCall::abi_decode(envelope.input()) {
                Ok(call) if envelope.gas_limit() >= ANSWER_GAS => match self.takes(from, &call) {
                    Ok(id) => self.answer(id, from, receipt),
                    Err(_) => refused(receipt),
                },
                _ => refused(receipt),
            }
        } else if receipt.to == CREATE2_DEPLOYER {
            let (salt, init) = envelope.input().split_at(32);
            let address = CREATE2_DEPLOYER.create2_from_code(B256::from_slice(salt), init);
            receipt.gas_used = DEPLOY_GAS;
            if envelope.gas_limit() < DEPLOY_GAS || self.code.contains_key(&address) {
                refused(receipt);
            } else {
                self.code.insert(address, Bytes::copy_from_slice(init));
            }
        }
    }

    fn answer(&mut self, id: usize, operator: Address, receipt: &mut Receipt) {
        match self.questions.get_mut(id) {
            Some(question) if question.is_open => question.is_open = false,
            _ => {
                receipt.status = false;
                return;
            }
        }
        let event = IRequestConsumer::InferenceAnswered {
            requestId: U256::from(id),
            operator,
            version: U256::from(1),
        };
        receipt.logs.push(Log { address: CONSUMER, data: event.encode_log_data() });
    }
}

impl World {
    pub fn new() -> Self {
        let mut state = State::default();
        for address in [CONSUMER, VERIFIER, CREATE2_DEPLOYER] {
            state.code.insert(address, Bytes::from_static(&[0xfe]));
        }
        let genesis = Arc::new(Block::new(None, 0, GWEI, Vec::new(), Vec::new(), state));
        Self {
            by_hash: HashMap::from([(genesis.hash, Arc::clone(&genesis))]),
            blocks: vec![genesis],
            pool: Vec::new(),
            received: HashMap::new(),
            base_fee: GWEI,
            finality: 6,
            has_final_tag: true,
            counts_requests: true,
            proves: true,
            salt: 0,
        }
    }

    pub fn head(&self) -> &Arc<Block> {
        self.blocks.last().expect("there is a genesis")
    }

    pub fn state(&self) -> &State {
        &self.head().state
    }

    pub fn height(&self) -> u64 {
        self.head().number
    }

    pub fn final_height(&self) -> u64 {
        self.height().saturating_sub(self.finality)
    }

    fn salt(&mut self) -> u64 {
        self.salt += 1;
        self.salt
    }

    pub fn ask(&mut self, inputs: Vec<U256>) {
        let salt = self.salt();
        let envelope = envelope(&format!("ask {inputs:?} {salt}"));
        self.pool.push(Tx::Ask { inputs, envelope });
    }

    pub fn other_answers(&mut self, id: usize) {
        let salt = self.salt();
        let envelope = envelope(&format!("other {id} {salt}"));
        self.pool.push(Tx::OtherAnswers { id, envelope });
    }

    /// Takes a transaction into the pool, or refuses it in a node's words.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<B256, &'static str> {
        let envelope = TxEnvelope::decode_2718_exact(bytes).map_err(|_| "not a transaction")?;
        let hash = *envelope.tx_hash();
        let from = match self.received.get(&hash) {
            Some((from, _)) => *from,
            None => envelope
                .signature()
                .recover_address_from_prehash(&envelope.signature_hash())
                .map_err(|_| "invalid signature")?,
        };
        let envelope = Arc::new(envelope);
        self.received.insert(hash, (from, Arc::clone(&envelope)));
        let nonce = envelope.nonce();
        if nonce < self.state().nonce(from) {
            return Err("nonce too low");
        }
        let rival = self.pool.iter().position(|tx| {
            tx.nonce().is_some_and(|(account, other, _)| (account, other) == (from, nonce))
        });
        if let Some(index) = rival {
            if self.pool[index].hash() == hash {
                return Err("already known");
            }
            let enough = match &self.pool[index] {
                Tx::Signed { envelope: old, .. } => {
                    let tip = |tx: &TxEnvelope| tx.max_priority_fee_per_gas().unwrap_or_default();
                    envelope.max_fee_per_gas() >= old.max_fee_per_gas() * 11 / 10
                        && tip(&envelope) >= tip(old) * 11 / 10
                }
                _ => false,
            };
            if !enough {
                return Err("replacement transaction underpriced");
            }
            self.pool.remove(index);
        }
        self.pool.push(Tx::Signed { from, envelope });
        Ok(hash)
    }

    /// The next block takes what it can of the pool.
    pub fn mine(&mut self) {
        let mut state = self.state().clone();
        let (mut txs, mut receipts) = (Vec::new(), Vec::new());
        loop {
            let ready = self.pool.iter().position(|tx| match tx.nonce() {
                None => true,
                Some((from, nonce, price)) => nonce == state.nonce(from) && price >= self.base_fee,
            });
            let Some(index) = ready else { break };
            let tx = self.pool.remove(index);
            receipts.push(state.execute(&tx, self.base_fee));
            txs.push(tx);
        }
        self.pool.retain(|tx| tx.nonce().is_none_or(|(from, nonce, _)| nonce >= state.nonce(from)));
        let salt = self.salt();
        let block = Block::new(Some(self.head()), salt, self.base_fee, txs, receipts, state);
        let block = Arc::new(block);
        self.by_hash.insert(block.hash, Arc::clone(&block));
        self.blocks.push(block);
    }

    /// The last blocks go; their transactions come back to the pool, in another order or not at all.
    pub fn reorg(&mut self, depth: u64, keep: impl Fn(&Tx) -> bool, reversed: bool) {
        let depth = depth.min(self.height() - self.final_height());
        for _ in 0..depth {
            let block = self.blocks.pop().expect("above the genesis");
            let mut txs: Vec<Tx> = block.txs.iter().filter(|tx| keep(tx)).cloned().collect();
            if reversed {
                txs.reverse();
            }
            let later = std::mem::take(&mut self.pool);
            self.pool = txs.into_iter().chain(later).collect();
        }
    }
}
