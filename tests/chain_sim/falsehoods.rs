//! What a node says that lies.

use std::sync::Arc;

use alloy::{
    primitives::{B256, Bloom, Bytes, Log, U256, keccak256},
    rpc::types::{Filter, TransactionRequest},
    sol_types::{SolCall, SolEvent, SolValue},
};
use rand::Rng;
use serde_json::{Value, json};
use zkverdict::chain::IRequestConsumer;

use crate::{
    node::{Answer, Shared, fee_history, log, parameter, refusal, requestCountCall, reverted},
    world::{CONSUMER, DEPLOY_GAS, GWEI},
};

/// Makes an answer false. A steady liar says the same falsehood each time it is asked.
pub fn lie(
    shared: &mut Shared,
    steady: bool,
    method: &str,
    params: &Value,
    truth: Answer,
) -> Answer {
    let count = shared.world.state().questions.len();
    let head = Arc::clone(shared.world.head());
    let sign = if steady { true } else { shared.random.gen_bool(0.5) };
    let any = if steady { 0 } else { shared.random.gen_range(0..1_000_usize) };
    Ok(match method {
        "eth_feeHistory" => fee_history(head.number, 1_000_000 * GWEI, 1_000_000 * GWEI),
        "eth_estimateGas" if sign => json!(U256::from(u64::MAX)),
        // Never too little: that nobody can notice before it is paid for.
        "eth_estimateGas" => json!(U256::from(DEPLOY_GAS * 3)),
        "eth_getBlockByNumber" => {
            let mut block = truth?;
            if block.is_object() {
                match any % 4 {
                    0 => block["baseFeePerGas"] = json!(U256::from(100_000 * GWEI)),
                    1 => block["number"] = json!(U256::from(u64::MAX)),
                    2 => block["hash"] = json!(keccak256(any.to_be_bytes())),
                    _ => block = Value::Null,
                }
            }
            block
        }
        "eth_getBlockByHash" => {
            let mut block = truth?;
            if block.is_object() {
                match any % 3 {
                    0 => block["receiptsRoot"] = json!(keccak256(any.to_be_bytes())),
                    1 => block["transactions"] = json!([]),
                    _ => block = Value::Null,
                }
            }
            block
        }
        "eth_getBlockReceipts" => {
            let Value::Array(mut receipts) = truth? else { panic!("receipts are a list") };
            match receipts.last_mut() {
                Some(last) if sign => {
                    last["status"] = json!(if last["status"] == "0x1" { "0x0" } else { "0x1" });
                }
                _ => drop(receipts.pop()),
            }
            Value::Array(receipts)
        }
        "eth_getProof" => {
            let mut proof = truth?;
            match any % 3 {
                0 => proof["nonce"] = json!(U256::from(any)),
                1 => proof["codeHash"] = json!(keccak256(any.to_be_bytes())),
                _ => proof["accountProof"] = json!([]),
            }
            proof
        }
        "eth_blockNumber" => json!(U256::from(u64::MAX)),
        "eth_getTransactionCount" => {
            let count: U256 = serde_json::from_value(truth?).expect("a number");
            let by = U256::from(1 + any % 3);
            json!(if sign { count + by } else { count.saturating_sub(by) })
        }
        "eth_getCode" => json!("0x"),
        "eth_getBalance" => json!("0x0"),
        "eth_call" => {
            let request: TransactionRequest = parameter(params, 0);
            let data = request.input.input().cloned().unwrap_or_default();
            if IRequestConsumer::isOpenCall::abi_decode(&data).is_ok() {
                let is_open: Bytes = serde_json::from_value(truth?).expect("bytes");
                json!(Bytes::from((is_open.last() == Some(&0)).abi_encode()))
            } else if data.get(..4) == Some(&requestCountCall::SELECTOR) {
                let said = if sign { count + any % 5 } else { count.saturating_sub(any % 5) };
                json!(Bytes::from(U256::from(said).abi_encode()))
            } else if truth.is_ok() {
                return Err(reverted(vec![]));
            } else {
                json!(Bytes::from(true.abi_encode()))
            }
        }
        "eth_getLogs" => {
            let Value::Array(mut logs) = truth? else { panic!("logs are a list") };
            let filter: Filter = parameter(params, 0);
            if sign && !logs.is_empty() {
                let index = any % logs.len();
                logs.remove(index);
                if steady {
                    logs.clear();
                }
            } else if let Some(place) = shared.world.blocks.iter().rev().find(|block| {
                filter.matches_block_range(block.number) && !block.receipts.is_empty()
            }) {
                let id = U256::from(any % (count + 3));
                let data = if any % 2 == 0 {
                    let inputs = vec![U256::from(any)];
                    IRequestConsumer::InferenceRequested {
                        requestId: id,
                        requester: CONSUMER,
                        inputs,
                    }
                    .encode_log_data()
                } else {
                    IRequestConsumer::InferenceAnswered {
                        requestId: id,
                        operator: CONSUMER,
                        version: U256::from(1),
                    }
                    .encode_log_data()
                };
                logs.push(log(place, 0, &Log { address: CONSUMER, data }));
            }
            Value::Array(logs)
        }
        "eth_getTransactionReceipt" => {
            let mut receipt = truth?;
            if receipt.is_null() {
                let hash: B256 = parameter(params, 0);
                let from = shared.world.received.get(&hash).map_or(CONSUMER, |(from, _)| *from);
                json!({
                    "type": "0x2", "status": "0x1", "transactionHash": hash, "transactionIndex": "0x0",
                    "blockHash": head.hash, "blockNumber": U256::from(head.number), "from": from,
                    "to": CONSUMER, "contractAddress": null, "gasUsed": "0x5208",
                    "cumulativeGasUsed": "0x5208", "effectiveGasPrice": "0x1", "logs": [],
                    "logsBloom": Bloom::ZERO,
                })
            } else {
                match any % 4 {
                    0 => {
                        receipt["status"] =
                            json!(if receipt["status"] == "0x1" { "0x0" } else { "0x1" })
                    }
                    1 => receipt["blockHash"] = json!(keccak256(any.to_be_bytes())),
                    2 => receipt["transactionHash"] = json!(keccak256(any.to_be_bytes())),
                    _ => receipt = Value::Null,
                }
                receipt
            }
        }
        "eth_sendRawTransaction" if sign => return Err(refusal(-32000, "nonce too low")),
        "eth_sendRawTransaction" => return Err(refusal(-32000, "insufficient funds for gas")),
        "eth_getTransactionByHash" => Value::Null,
        _ => return truth,
    })
}
