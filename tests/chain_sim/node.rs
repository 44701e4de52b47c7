//! Nodes: what they say about the truth, late, twice, not at all, or falsely.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};

use alloy::{
    consensus::{TxEnvelope, transaction::Recovered},
    primitives::{Address, B256, Bytes, Log, U256},
    rpc::{
        json_rpc::{
            ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload,
            SerializedRequest,
        },
        types::{Filter, TransactionRequest},
    },
    sol,
    sol_types::{SolCall, SolError, SolValue},
    transports::{TransportError, TransportErrorKind, TransportFut},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tower_service::Service;
use zkverdict::chain::{CREATE2_DEPLOYER, IHalo2Verifier, IRequestConsumer, consumer_context};

use crate::{
    disk::SimDisk,
    falsehoods::lie,
    world::{
        ANSWER_GAS, Block, CHAIN_ID, CONSUMER, DEPLOY_GAS, GWEI, Receipt, Tx, VERIFIER, World,
        is_proof,
    },
};

sol! {
    function requestCount() external view returns (uint256);
}

/// How likely what goes wrong, for each question.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// The connection breaks before or after the node has acted.
    pub broken: f64,
    /// The node says that too much is asked, in one form or another.
    pub limited: f64,
    /// The node acts twice.
    pub doubled: f64,
    /// A backend answers that is up to so many blocks behind.
    pub lag: u64,
    /// A backend answers that still follows a branch that is gone.
    pub stale: f64,
    /// The answer is false.
    pub lie: f64,
}

pub type Script = Box<dyn FnMut(&str, &Value) -> Option<Twist> + Send>;

/// What a test does to one answer.
#[allow(dead_code)]
pub enum Twist {
    /// Gives this one instead.
    Say(Value),
    /// Refuses.
    Refuse(i64, &'static str),
    /// Answers from so many blocks back.
    Behind(u64),
    /// Changes the answer.
    Alter(Box<dyn FnOnce(Value) -> Value>),
    /// Breaks the connection, before or after acting.
    Break { acted: bool },
}

pub struct Shared {
    pub world: World,
    pub random: ChaCha8Rng,
    pub faults: Faults,
    pub disk: SimDisk,
    /// Questions until the process dies.
    pub dies_in: Option<u64>,
    pub is_dead: bool,
    pub calls: u64,
    /// Branches that were given up.
    pub branches: Vec<Vec<Arc<Block>>>,
    /// The address that lies whenever it can, and always in the same way.
    pub liar: Option<usize>,
    /// The address that never answers.
    pub silent: Option<usize>,
    pub script: Option<Script>,
}

pub type Answer = Result<Value, ErrorPayload>;

/// One address. Clones are the same.
#[derive(Clone)]
pub struct SimNode {
    pub shared: Arc<Mutex<Shared>>,
    pub index: usize,
}

impl Shared {
    pub fn new(seed: u64, disk: SimDisk) -> Self {
        Self {
            world: World::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
            faults: Faults::default(),
            disk,
            dies_in: None,
            is_dead: false,
            calls: 0,
            branches: Vec::new(),
            liar: None,
            silent: None,
            script: None,
        }
    }

    fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.gen_bool(probability)
    }

    fn is_dying(&mut self) -> bool {
        if let Some(left) = &mut self.dies_in {
            if *left == 0 {
                self.is_dead = true;
            }
            *left = left.saturating_sub(1);
        }
        self.is_dead || self.disk.is_dead()
    }
}

impl SimNode {
    pub fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("no panics")
    }

    /// `None` when the process dies at this question.
    fn ask(&self, request: &SerializedRequest) -> Option<Result<Response, TransportError>> {
        let mut shared = self.lock();
        let shared = &mut *shared;
        shared.calls += 1;
        let method = request.method().to_owned();
        let params: Value = serde_json::from_str(request.params().map_or("[]", |raw| raw.get()))
            .expect("parameters are JSON");
        let was_alive = !(shared.is_dead || shared.disk.is_dead());
        if shared.is_dying() {
            // The bytes may be out already.
            if was_alive && shared.random.gen_bool(0.5) {
                let _ = answer(shared, 0, &method, &params);
            }
            return None;
        }
        let twist = shared.script.as_mut().and_then(|script| script(&method, &params));
        let broken = |text: &str| Some(Err(TransportErrorKind::custom_str(text)));
        let faults = shared.faults;
        let lag = if faults.lag > 0 { shared.random.gen_range(0..=faults.lag) } else { 0 };
        if shared.chance(faults.broken) {
            if shared.random.gen_bool(0.5) {
                let _ = answer(shared, lag, &method, &params);
            }
            return broken("connection reset");
        }
        if shared.chance(faults.limited) {
            return match shared.random.gen_range(0..3) {
                0 => broken("its answer, 312 bytes, is not JSON-RPC"),
                1 => Some(Err(TransportErrorKind::http_error(429, String::new()))),
                _ => Some(Ok(respond(request, Err(refusal(-32005, "rate limit exceeded"))))),
            };
        }
        if shared.chance(faults.doubled) {
            let _ = answer(shared, lag, &method, &params);
        }
        let said = match twist {
            Some(Twist::Say(value)) => Ok(value),
            Some(Twist::Refuse(code, message)) => Err(refusal(code, message)),
            Some(Twist::Behind(blocks)) => answer(shared, blocks, &method, &params),
            Some(Twist::Alter(alter)) => answer(shared, 0, &method, &params).map(alter),
            Some(Twist::Break { acted }) => {
                if acted {
                    let _ = answer(shared, 0, &method, &params);
                }
                return broken("connection reset");
            }
            None if shared.liar == Some(self.index) => {
                let truth = answer(shared, 0, &method, &params);
                lie(shared, true, &method, &params, truth)
            }
            None => {
                let truth = answer(shared, lag, &method, &params);
                if shared.chance(faults.lie) {
                    lie(shared, false, &method, &params, truth)
                } else {
                    truth
                }
            }
        };
        Some(Ok(respond(request, said)))
    }
}

fn respond(request: &SerializedRequest, answer: Answer) -> Response {
    let payload = match answer {
        Ok(value) => {
            ResponsePayload::Success(serde_json::value::to_raw_value(&value).expect("JSON"))
        }
        Err(error) => ResponsePayload::Failure(error),
    };
    Response { id: request.id().clone(), payload }
}

impl fmt::Debug for SimNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimNode")
    }
}

impl Service<RequestPacket> for SimNode {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let RequestPacket::Single(request) = packet else { panic!("no batches are sent") };
        if self.lock().silent == Some(self.index) {
            return Box::pin(std::future::pending());
        }
        match self.ask(&request) {
            Some(answer) => Box::pin(std::future::ready(answer.map(ResponsePacket::Single))),
            None => Box::pin(std::future::pending()),
        }
    }
}

pub fn refusal(code: i64, message: &str) -> ErrorPayload {
    ErrorPayload { code, message: message.to_owned().into(), data: None }
}

pub fn reverted(data: Vec<u8>) -> ErrorPayload {
    let data = Bytes::from(data);
    ErrorPayload {
        code: 3,
        message: "execution reverted".into(),
        data: serde_json::value::to_raw_value(&data).ok(),
    }
}

pub fn parameter<T: serde::de::DeserializeOwned>(params: &Value, index: usize) -> T {
    serde_json::from_value(params[index].clone()).expect("the parameter is as it should be")
}

fn number(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap_or(u64::MAX)
}

/// The chain as a backend sees it.
fn view(shared: &mut Shared, lag: u64) -> Vec<Arc<Block>> {
    let stale = shared.faults.stale;
    let branch = if !shared.branches.is_empty() && shared.chance(stale) {
        let last = shared.branches.len() - 1;
        shared.branches[last].clone()
    } else {
        shared.world.blocks.clone()
    };
    let kept = branch.len().saturating_sub(usize::try_from(lag).unwrap_or(usize::MAX)).max(1);
    branch[..kept].to_vec()
}

fn resolve<'a>(
    shared: &Shared,
    view: &'a [Arc<Block>],
    which: &Value,
) -> Result<Option<&'a Arc<Block>>, ErrorPayload> {
    let by_hash = which.as_str().filter(|text| text.len() == 66).map(|_| which);
    if let Some(hash) = which.get("blockHash").or(by_hash) {
        let hash: B256 = serde_json::from_value(hash.clone()).expect("a hash");
        let block = view.iter().find(|block| block.hash == hash);
        return block.map(Some).ok_or_else(|| refusal(-32000, "header not found"));
    }
    Ok(match which.as_str().unwrap_or("latest") {
        "latest" | "pending" => view.last(),
        "finalized" if shared.world.has_final_tag => {
            let height = view.last().map_or(0, |block| block.number);
            let height = height.saturating_sub(shared.world.finality);
            view.iter().find(|block| block.number == height)
        }
        "finalized" | "safe" => return Err(refusal(-32601, "unknown block tag")),
        "earliest" => view.first(),
        text => view.iter().find(|block| block.number == number(text)),
    })
}

fn answer(shared: &mut Shared, lag: u64, method: &str, params: &Value) -> Answer {
    let view = view(shared, lag);
    let head = Arc::clone(view.last().expect("there is a genesis"));
    let base_fee = shared.world.base_fee;
    let at = |index: usize| {
        let which = params.get(index).cloned().unwrap_or_default();
        let found = resolve(shared, &view, &which)?.cloned();
        found.ok_or_else(|| refusal(-32000, &format!("header not found: {which}")))
    };
    Ok(match method {
        "eth_chainId" => json!(U256::from(CHAIN_ID)),
        "eth_blockNumber" => json!(U256::from(head.number)),
        "eth_gasPrice" => json!(U256::from(base_fee)),
        "eth_feeHistory" => fee_history(head.number, base_fee, GWEI / 10),
        "eth_getBlockByNumber" => {
            let which = resolve(shared, &view, &params[0])?;
            which.map_or(Value::Null, |which| block(which, Some(base_fee), false))
        }
        "eth_getBlockByHash" => {
            let hash: B256 = parameter(params, 0);
            let which = view.iter().find(|block| block.hash == hash);
            which.map_or(Value::Null, |which| block(which, None, params[1] == true))
        }
        "eth_getBlockReceipts" if shared.world.proves => {
            let which = at(0)?;
            json!((0..which.receipts.len()).map(|i| receipt(&which, i)).collect::<Vec<_>>())
        }
        "eth_getProof" if shared.world.proves => {
            let address: Address = parameter(params, 0);
            let (account, proof) = at(2)?.proof(address);
            json!({
                "address": address, "balance": account.balance,
                "nonce": U256::from(account.nonce), "codeHash": account.code_hash,
                "storageHash": account.storage_root, "accountProof": proof, "storageProof": [],
            })
        }
        "eth_getCode" => {
            let address: Address = parameter(params, 0);
            json!(at(1)?.state.code.get(&address).cloned().unwrap_or_default())
        }
        "eth_getBalance" => json!(U256::from(10).pow(U256::from(20))),
        "eth_getTransactionCount" => {
            let account: Address = parameter(params, 0);
            let mut count = at(1)?.state.nonce(account);
            if params[1] == "pending" {
                let waits = |count: u64| {
                    shared.world.pool.iter().any(|tx| match tx {
                        Tx::Signed { from, envelope } => {
                            use alloy::consensus::Transaction;
                            (*from, envelope.nonce()) == (account, count)
                        }
                        Tx::Foreign { from, nonce, .. } => (*from, *nonce) == (account, count),
                        _ => false,
                    })
                };
                while waits(count) {
                    count += 1;
                }
            }
            json!(U256::from(count))
        }
        "eth_call" => {
            let request = parameter(params, 0);
            json!(call(&*at(1)?, &request, shared.world.counts_requests)?)
        }
        "eth_estimateGas" => {
            let request: TransactionRequest = parameter(params, 0);
            call(&head, &request, true)?;
            let to = request.to.and_then(|to| to.to().copied()).unwrap_or_default();
            json!(U256::from(if to == CREATE2_DEPLOYER { DEPLOY_GAS } else { ANSWER_GAS }))
        }
        "eth_sendRawTransaction" => {
            let bytes: Bytes = parameter(params, 0);
            match shared.world.receive(&bytes) {
                Ok(hash) => json!(hash),
                Err(message) => return Err(refusal(-32000, message)),
            }
        }
        "eth_getTransactionReceipt" => {
            let hash: B256 = parameter(params, 0);
            let found = view.iter().rev().find_map(|block| {
                let index = block.receipts.iter().position(|receipt| receipt.hash == hash)?;
                Some(receipt(block, index))
            });
            found.unwrap_or_default()
        }
        "eth_getTransactionByHash" => {
            let hash: B256 = parameter(params, 0);
            let is_there = view.iter().any(|block| block.txs.iter().any(|tx| tx.hash() == hash))
                || shared.world.pool.iter().any(|tx| tx.hash() == hash);
            match shared.world.received.get(&hash).filter(|_| is_there) {
                Some((from, envelope)) => transaction(envelope, *from),
                None => Value::Null,
            }
        }
        "eth_getLogs" => {
            let filter: Filter = parameter(params, 0);
            let mut logs = Vec::new();
            for block in &view {
                if !filter.matches_block_range(block.number) {
                    continue;
                }
                for (index, receipt) in block.receipts.iter().enumerate() {
                    for log_ in &receipt.logs {
                        if filter.matches_address(log_.address)
                            && filter.matches_topics(log_.topics())
                        {
                            logs.push(log(block, index, log_));
                        }
                    }
                }
            }
            json!(logs)
        }
        other => return Err(refusal(-32601, &format!("the method {other} does not exist"))),
    })
}

pub fn fee_history(height: u64, base_fee: u128, reward: u128) -> Value {
    json!({
        "oldestBlock": U256::from(height),
        "baseFeePerGas": [U256::from(base_fee), U256::from(base_fee)],
        "gasUsedRatio": [0.5],
        "reward": [[U256::from(reward)]],
    })
}

pub fn transaction(envelope: &TxEnvelope, from: Address) -> Value {
    json!(alloy::rpc::types::Transaction {
        inner: Recovered::new_unchecked(envelope.clone(), from),
        block_hash: None,
        block_number: None,
        transaction_index: None,
        effective_gas_price: None,
        block_timestamp: None,
    })
}

/// A block, with the next one's base fee in place of its own where one is given: tests move prices between blocks.
pub fn block(block: &Block, next_base_fee: Option<u128>, full: bool) -> Value {
    let mut value = json!(alloy::rpc::types::Header::new(block.header.clone()));
    let pairs = block.txs.iter().zip(&block.receipts);
    let show = |(tx, receipt): (&Tx, &Receipt)| {
        if full { transaction(tx.envelope(), receipt.from) } else { json!(receipt.hash) }
    };
    // Which is another one where a test forges the header.
    value["hash"] = json!(block.hash);
    value["transactions"] = pairs.map(show).collect();
    value["uncles"] = json!([]);
    if let Some(next) = next_base_fee {
        let own = u128::from(block.header.base_fee_per_gas.unwrap_or_default());
        value["baseFeePerGas"] = json!(U256::from(next.max(own)));
    }
    value
}

pub fn log(block: &Block, index: usize, log: &Log) -> Value {
    json!({
        "address": log.address, "topics": log.topics(), "data": log.data.data,
        "blockHash": block.hash, "blockNumber": U256::from(block.number),
        "transactionHash": block.receipts[index].hash, "transactionIndex": U256::from(index),
        "logIndex": "0x0", "removed": false,
    })
}

pub fn receipt(block: &Block, index: usize) -> Value {
    let (receipt, envelope) = (&block.receipts[index], &block.envelopes()[index]);
    let logs: Vec<Value> = receipt.logs.iter().map(|entry| log(block, index, entry)).collect();
    json!({
        "type": "0x2", "status": U256::from(u8::from(receipt.status)),
        "transactionHash": receipt.hash, "transactionIndex": U256::from(index),
        "blockHash": block.hash, "blockNumber": U256::from(block.number),
        "from": receipt.from, "to": receipt.to, "contractAddress": null,
        "gasUsed": U256::from(receipt.gas_used),
        "cumulativeGasUsed": U256::from(envelope.cumulative_gas_used()),
        "effectiveGasPrice": U256::from(receipt.price), "logs": logs,
        "logsBloom": envelope.logs_bloom(),
    })
}

fn call(block: &Block, request: &TransactionRequest, counts: bool) -> Result<Bytes, ErrorPayload> {
    let data = request.input.input().cloned().unwrap_or_default();
    let to = request.to.and_then(|to| to.to().copied()).unwrap_or_default();
    let from = request.from.unwrap_or_default();
    let state = &block.state;
    let selector: [u8; 4] = data.get(..4).and_then(|four| four.try_into().ok()).unwrap_or_default();
    let number = |id: U256| id.saturating_to::<usize>();
    if to == CREATE2_DEPLOYER {
        let (salt, init) = data.split_at(32);
        let address = CREATE2_DEPLOYER.create2_from_code(B256::from_slice(salt), init);
        return if state.code.contains_key(&address) {
            Err(reverted(vec![]))
        } else {
            Ok(Bytes::new())
        };
    }
    if to == VERIFIER {
        return match IHalo2Verifier::verifyProofCall::abi_decode(&data) {
            Ok(call) if is_proof(&call.proof, &call.instances) => Ok(true.abi_encode().into()),
            Ok(_) => Err(reverted(IHalo2Verifier::InvalidProof {}.abi_encode())),
            Err(_) => Err(reverted(vec![])),
        };
    }
    if to != CONSUMER {
        return Ok(Bytes::new());
    }
    if let Ok(call) = IRequestConsumer::isOpenCall::abi_decode(&data) {
        let is_open = state.questions.get(number(call.requestId)).is_some_and(|q| q.is_open);
        return Ok(is_open.abi_encode().into());
    }
    if let Ok(call) = IRequestConsumer::contextOfCall::abi_decode(&data) {
        let id = call.requestId.saturating_to();
        return Ok(consumer_context(CHAIN_ID, CONSUMER, call.operator, id).abi_encode().into());
    }
    if counts && selector == requestCountCall::SELECTOR {
        return Ok(U256::from(state.questions.len()).abi_encode().into());
    }
    if let Ok(call) = IRequestConsumer::answerInferenceCall::abi_decode(&data) {
        return state.takes(from, &call).map(|_| Bytes::new()).map_err(reverted);
    }
    Err(reverted(vec![]))
}
