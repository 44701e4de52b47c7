//! A chain in this process, for machines without anvil: no node, no port, no disk.
//!
//! It answers the JSON-RPC requests that this module sends, under the rules of the Osaka fork, so
//! deploying and submitting are the same code as with a node. Every transaction gets a block of its
//! own, at once.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex},
    task::{Context as TaskContext, Poll},
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::{
    consensus::{Transaction, TxEnvelope},
    eips::{BlockNumberOrTag, eip2718::Decodable2718},
    primitives::{Address, B256, Bloom, Bytes, TxKind, U256, hex, keccak256},
    rpc::{
        json_rpc::{
            ErrorPayload, RequestPacket, Response, ResponsePacket, ResponsePayload,
            SerializedRequest,
        },
        types::{Filter, Log, TransactionRequest},
    },
    transports::{TransportError, TransportFut},
};
use revm::{
    Context, DatabaseCommit, DatabaseRef, ExecuteEvm, MainBuilder, MainContext,
    context::{
        BlockEnv, TxEnv,
        result::{EVMError, ExecutionResult, InvalidTransaction, ResultAndState},
    },
    database::{CacheDB, EmptyDB},
    primitives::hardfork::SpecId,
    state::{AccountInfo, Bytecode},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_service::Service;

use super::bindings::CREATE2_DEPLOYER;

/// The id that development nodes use.
pub(super) const CHAIN_ID: u64 = 31337;

/// The key of the one account with ether: the first of every development node, known to everybody.
pub(super) const KEY: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// Code of the deterministic deployer, as it lies on other chains.
const DEPLOYER_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// Wei per unit of gas, in every block.
const BASE_FEE: u64 = 1_000_000_000;

/// Gas of a block, and of a call without a transaction.
const BLOCK_GAS: u64 = 30_000_000;

/// Answers requests as a node would. Clones are the same chain.
#[derive(Clone)]
pub(super) struct InProcess {
    state: Arc<Mutex<State>>,
}

struct State {
    db: CacheDB<EmptyDB>,
    height: u64,
    /// The transaction of each block; none in the first.
    transactions: Vec<B256>,
    receipts: HashMap<B256, Value>,
    logs: Vec<Log>,
}

/// What is executed, by a call or by a transaction.
struct Execution {
    from: Address,
    kind: TxKind,
    data: Bytes,
    value: U256,
    gas_limit: u64,
    nonce: u64,
    /// `None` for calls, which cost nothing.
    fees: Option<(u128, Option<u128>)>,
}

type Answer<T = Value> = Result<T, ErrorPayload>;

impl InProcess {
    /// A chain with the deterministic deployer and one rich account.
    pub(super) fn new(rich: Address) -> Self {
        let mut db = CacheDB::new(EmptyDB::default());
        let balance = U256::from(10_000) * U256::from(10).pow(U256::from(18));
        db.insert_account_info(rich, AccountInfo::from_balance(balance));
        let code = Bytecode::new_raw(Bytes::from_static(&DEPLOYER_CODE));
        db.insert_account_info(CREATE2_DEPLOYER, AccountInfo::from_bytecode(code));
        let state = State {
            db,
            height: 0,
            transactions: vec![B256::ZERO],
            receipts: HashMap::new(),
            logs: Vec::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    fn respond(&self, request: &SerializedRequest) -> Response {
        let params = request.params().map_or("[]", |params| params.get());
        let mut state = self.state.lock().expect("no panic while it is held");
        let answer = serde_json::from_str(params)
            .map_err(|error| refusal(-32602, error.to_string()))
            .and_then(|params| state.answer(request.method(), &params));
        let payload = match answer {
            Ok(value) => ResponsePayload::Success(
                serde_json::value::to_raw_value(&value).expect("a JSON value is JSON"),
            ),
            Err(error) => ResponsePayload::Failure(error),
        };
        Response { id: request.id().clone(), payload }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InProcess")
    }
}

impl Service<RequestPacket> for InProcess {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let response = match packet {
            RequestPacket::Single(request) => ResponsePacket::Single(self.respond(&request)),
            RequestPacket::Batch(requests) => ResponsePacket::Batch(
                requests.iter().map(|request| self.respond(request)).collect(),
            ),
        };
        Box::pin(std::future::ready(Ok(response)))
    }
}

impl State {
    fn answer(&mut self, method: &str, params: &Value) -> Answer {
        Ok(match method {
            "eth_chainId" => json!(U256::from(CHAIN_ID)),
            "eth_blockNumber" => json!(U256::from(self.height)),
            "eth_gasPrice" => json!(U256::from(BASE_FEE)),
            "eth_feeHistory" => json!({
                "oldestBlock": U256::from(self.height),
                "baseFeePerGas": [U256::from(BASE_FEE), U256::from(BASE_FEE)],
                "gasUsedRatio": [0.5],
                "reward": [["0x1"]],
            }),
            "eth_getBlockByNumber" => {
                let which: BlockNumberOrTag = parameter(params)?;
                let number = which.as_number().unwrap_or(self.height);
                if number > self.height { Value::Null } else { self.block(number) }
            }
            "eth_getCode" => {
                let code = self.account(params)?.code.unwrap_or_default();
                json!(code.original_bytes())
            }
            "eth_getBalance" => json!(self.account(params)?.balance),
            "eth_getTransactionCount" => json!(U256::from(self.account(params)?.nonce)),
            "eth_call" => json!(self.call(&self.request(params)?)?),
            "eth_estimateGas" => json!(U256::from(self.estimate(self.request(params)?)?)),
            "eth_sendRawTransaction" => json!(self.send(&parameter::<Bytes>(params)?)?),
            "eth_getTransactionReceipt" => {
                let transaction: B256 = parameter(params)?;
                self.receipts.get(&transaction).cloned().unwrap_or_default()
            }
            // None is ever waiting for its block.
            "eth_getTransactionByHash" => Value::Null,
            "eth_getLogs" => {
                let filter: Filter = parameter(params)?;
                let logs = self.logs.iter().filter(|log| {
                    filter.matches_block_range(log.block_number.unwrap_or_default())
                        && filter.matches_address(log.address())
                        && filter.matches_topics(log.topics())
                });
                json!(logs.collect::<Vec<_>>())
            }
            other => {
                return Err(refusal(-32601, format!("the method {other} does not exist here")));
            }
        })
    }

    fn account(&self, params: &Value) -> Answer<AccountInfo> {
        let address: Address = parameter(params)?;
        let Ok(account) = self.db.basic_ref(address);
        Ok(account.unwrap_or_default())
    }

    fn block(&self, number: u64) -> Value {
        let transaction =
            usize::try_from(number).ok().and_then(|index| self.transactions.get(index));
        json!({
            "hash": block_hash(number),
            "parentHash": block_hash(number.wrapping_sub(1)),
            "sha3Uncles": B256::ZERO, "miner": Address::ZERO, "stateRoot": B256::ZERO,
            "transactionsRoot": B256::ZERO, "receiptsRoot": B256::ZERO, "logsBloom": Bloom::ZERO,
            "difficulty": "0x0", "number": U256::from(number),
            "gasLimit": U256::from(BLOCK_GAS), "gasUsed": "0x0", "timestamp": U256::from(now()),
            "extraData": "0x", "mixHash": B256::ZERO, "nonce": "0x0000000000000000",
            "baseFeePerGas": U256::from(BASE_FEE), "uncles": [], "transactions": transaction.filter(|hash| !hash.is_zero()).into_iter().collect::<Vec<_>>(),
        })
    }

    fn request(&self, params: &Value) -> Answer<Execution> {
        let request: TransactionRequest = parameter(params)?;
        let from = request.from.unwrap_or_default();
        let Ok(account) = self.db.basic_ref(from);
        Ok(Execution {
            from,
            kind: request.to.unwrap_or_default(),
            data: request.input.into_input().unwrap_or_default(),
            value: request.value.unwrap_or_default(),
            gas_limit: request.gas.unwrap_or(BLOCK_GAS).min(BLOCK_GAS),
            nonce: account.unwrap_or_default().nonce,
            fees: None,
        })
    }

    fn execute(&self, execution: &Execution) -> Answer<ResultAndState> {
        let invalid = |message: String| refusal(-32000, message);
        let (max_fee, tip) = execution.fees.unwrap_or_default();
        let tx = TxEnv::builder()
            .caller(execution.from)
            .kind(execution.kind)
            .data(execution.data.clone())
            .value(execution.value)
            .gas_limit(execution.gas_limit)
            .nonce(execution.nonce)
            .chain_id(Some(CHAIN_ID))
            .gas_price(max_fee)
            .gas_priority_fee(tip)
            .build()
            .map_err(|error| invalid(format!("{error:?}")))?;
        let block = BlockEnv {
            number: U256::from(self.height + 1),
            timestamp: U256::from(now()),
            gas_limit: BLOCK_GAS,
            basefee: if execution.fees.is_some() { BASE_FEE } else { 0 },
            ..BlockEnv::default()
        };
        let mut evm = Context::mainnet()
            .with_ref_db(&self.db)
            .with_block(block)
            .modify_cfg_chained(|cfg| {
                cfg.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
                cfg.chain_id = CHAIN_ID;
                if execution.fees.is_none() {
                    // The cap of EIP-7825 is for what is sent, not for what is asked.
                    cfg.tx_gas_limit_cap = Some(u64::MAX);
                }
            })
            .build_mainnet();
        evm.transact(tx).map_err(|error| match error {
            // In the words that nodes use, by which senders tell these apart.
            EVMError::Transaction(InvalidTransaction::NonceTooLow { .. }) => {
                invalid("nonce too low".into())
            }
            EVMError::Transaction(InvalidTransaction::GasPriceLessThanBasefee) => {
                invalid("max fee per gas less than block base fee".into())
            }
            other => invalid(other.to_string()),
        })
    }

    fn call(&self, execution: &Execution) -> Answer<Bytes> {
        returned(self.execute(execution)?.result)
    }

    /// The least gas limit with which a call succeeds. Calls inside keep back a part of what is left, so it
    /// may be more than is used.
    fn estimate(&self, mut execution: Execution) -> Answer<u64> {
        let result = self.execute(&execution)?.result;
        let mut too_little = result.tx_gas_used().saturating_sub(1);
        returned(result)?;
        let mut enough = execution.gas_limit;
        execution.gas_limit = too_little + 1;
        while enough - too_little > 1 {
            let suffices = self
                .execute(&execution)
                .is_ok_and(|ResultAndState { result, .. }| result.is_success());
            if suffices {
                enough = execution.gas_limit;
            } else {
                too_little = execution.gas_limit;
            }
            // What is needed is close above what is used, seldom near the limit of a block.
            execution.gas_limit =
                (too_little + (enough - too_little) / 2).min(too_little + too_little / 8 + 1);
        }
        Ok(enough)
    }

    fn send(&mut self, bytes: &[u8]) -> Answer<B256> {
        let malformed = |message: &str| refusal(-32000, message.into());
        let signed = TxEnvelope::decode_2718_exact(bytes)
            .map_err(|_| malformed("not a signed transaction"))?;
        let transaction = *signed.tx_hash();
        if self.receipts.contains_key(&transaction) {
            return Err(malformed("already known"));
        }
        let from = signed
            .signature()
            .recover_address_from_prehash(&signed.signature_hash())
            .map_err(|_| malformed("invalid signature"))?;
        if signed.chain_id().is_some_and(|id| id != CHAIN_ID) {
            return Err(malformed("invalid chain id for signer"));
        }
        let ResultAndState { result, state } = self.execute(&Execution {
            from,
            kind: signed.kind(),
            data: signed.input().clone(),
            value: signed.value(),
            gas_limit: signed.gas_limit(),
            nonce: signed.nonce(),
            fees: Some((signed.max_fee_per_gas(), signed.max_priority_fee_per_gas())),
        })?;
        self.db.commit(state);
        self.height += 1;
        let block_hash = block_hash(self.height);
        let log = |(index, inner): (usize, _)| Log {
            inner,
            block_hash: Some(block_hash),
            block_number: Some(self.height),
            block_timestamp: None,
            transaction_hash: Some(transaction),
            transaction_index: Some(0),
            log_index: u64::try_from(index).ok(),
            removed: false,
        };
        let (gas_used, status) = (U256::from(result.tx_gas_used()), result.is_success());
        let created = result.created_address();
        let logs: Vec<Log> = if status {
            result.into_logs().into_iter().enumerate().map(log).collect()
        } else {
            vec![]
        };
        let receipt = json!({
            "type": U256::from(signed.tx_type() as u8),
            "status": U256::from(u8::from(status)),
            "transactionHash": transaction, "transactionIndex": "0x0",
            "blockHash": block_hash, "blockNumber": U256::from(self.height),
            "from": from, "to": signed.to(), "contractAddress": created,
            "gasUsed": gas_used, "cumulativeGasUsed": gas_used,
            "effectiveGasPrice": U256::from(signed.effective_gas_price(Some(BASE_FEE))),
            "logs": logs, "logsBloom": Bloom::ZERO,
        });
        self.transactions.push(transaction);
        self.receipts.insert(transaction, receipt);
        self.logs.extend(logs);
        Ok(transaction)
    }
}

/// What a call returned, or the refusal as nodes word it.
fn returned(result: ExecutionResult) -> Answer<Bytes> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(ErrorPayload {
            code: 3,
            message: "execution reverted".into(),
            data: serde_json::value::to_raw_value(&output).ok(),
        }),
        // Without data: an execution that halts has none.
        ExecutionResult::Halt { reason, .. } => {
            Err(refusal(-32000, format!("execution reverted: EVM error {reason:?}")))
        }
    }
}

fn refusal(code: i64, message: String) -> ErrorPayload {
    ErrorPayload { code, message: message.into(), data: None }
}

/// The first parameter; those after it, such as the block, make no difference here.
fn parameter<T: DeserializeOwned>(params: &Value) -> Answer<T> {
    let first = params.get(0).cloned().unwrap_or_default();
    serde_json::from_value(first).map_err(|error| refusal(-32602, error.to_string()))
}

fn block_hash(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
