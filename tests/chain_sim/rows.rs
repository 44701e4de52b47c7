//! One misfortune at a time. Each of these once lost a request, cost money, or ended the loop.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use alloy::{
    json_abi::JsonAbi,
    primitives::{B256, U256},
    sol_types::{SolCall, SolValue},
};
use serde_json::{Value, json};
use zkverdict::chain::{
    Chain, ChainError, Contract, DeployOptions, Deployed, Deployment, IRequestConsumer,
    RuntimeCode, SendOptions, Watcher,
};

use crate::{
    node::{Script, Shared, Twist},
    scenario::{MAX_COST, Scenario, double},
    world::{CONSUMER, DEPLOY_GAS, GWEI, Tx},
};

/// Twists the first so many answers that a test means.
fn first(count: usize, twist: impl Fn(&str, &Value) -> Option<Twist> + Send + 'static) -> Script {
    let done = AtomicUsize::new(0);
    Box::new(move |method, params| {
        let twist = (done.load(Ordering::Relaxed) < count).then(|| twist(method, params)).flatten();
        done.fetch_add(usize::from(twist.is_some()), Ordering::Relaxed);
        twist
    })
}

pub fn calls<C: SolCall>(method: &str, params: &Value) -> bool {
    let data = params[0]["input"].as_str().or(params[0]["data"].as_str()).unwrap_or_default();
    method == "eth_call" && data.starts_with(&alloy::primitives::hex::encode_prefixed(C::SELECTOR))
}

/// One question in block 2, and a script.
pub fn asked(script: Option<Script>) -> Scenario {
    let mut scenario = Scenario::quiet();
    scenario.plan.insert(2, Box::new(|shared| shared.world.ask(vec![U256::from(5)])));
    scenario.shared.lock().expect("no panics").script = script;
    scenario
}

/// Runs to the end: everything is answered, once.
pub fn expect_answered(mut scenario: Scenario) -> Scenario {
    scenario.run();
    scenario.check().unwrap_or_else(|error| panic!("{error}\n{}", scenario.told));
    let shared = scenario.shared.lock().expect("no panics");
    assert!(!shared.world.state().questions.is_empty());
    drop(shared);
    scenario
}

#[test]
fn logs_of_a_node_one_block_behind_lose_nothing() {
    for behind in 1..4 {
        // As long as it takes until the block is final for the loop, and in every fourth answer later.
        let script =
            first(8, move |method, _| (method == "eth_getLogs").then_some(Twist::Behind(behind)));
        expect_answered(asked(Some(script)));
    }
    let lies = first(12, |method, _| (method == "eth_getLogs").then(|| Twist::Say(json!([]))));
    expect_answered(asked(Some(lies)));
}

#[test]
fn a_stale_is_open_is_no_answer() {
    let script = first(6, |method, params| {
        calls::<IRequestConsumer::isOpenCall>(method, params)
            .then(|| Twist::Say(json!(alloy::primitives::Bytes::from(false.abi_encode()))))
    });
    expect_answered(asked(Some(script)));
}

#[test]
fn a_request_that_a_reorg_puts_at_a_height_already_read_is_found() {
    let mut scenario = Scenario::quiet();
    scenario.plan.insert(
        6,
        Box::new(|shared: &mut Shared| {
            shared.world.reorg(3, |_| true, false);
            shared.world.ask(vec![U256::from(9)]);
            for _ in 0..4 {
                shared.world.mine();
            }
        }),
    );
    expect_answered(scenario);
}

#[test]
fn an_answer_that_a_reorg_takes_is_given_again() {
    for is_kept in [false, true] {
        let mut scenario = asked(None);
        let act = move |shared: &mut Shared| {
            let is_answered = !shared.world.state().questions[0].is_open;
            assert!(is_answered, "the answer is in a block before the reorg");
            shared.world.reorg(4, |tx| is_kept || !matches!(tx, Tx::Signed { .. }), false);
            for _ in 0..4 {
                shared.world.mine();
            }
        };
        scenario.plan.insert(6, Box::new(act));
        let scenario = expect_answered(scenario);
        assert!(is_kept || scenario.told.contains("Reopened"), "{}", scenario.told);
    }
}

#[test]
fn no_confirmations_are_one() {
    let mut scenario = asked(None);
    scenario.options.confirmations = 0;
    expect_answered(scenario);
}

#[test]
fn one_spurious_revert_does_not_end_it() {
    let script = first(3, |method, params| {
        calls::<IRequestConsumer::answerInferenceCall>(method, params)
            .then_some(Twist::Refuse(3, "execution reverted"))
    });
    let scenario = expect_answered(asked(Some(script)));
    assert!(scenario.told.contains("Skipped"));
}

#[test]
fn a_node_that_breaks_off_for_minutes_does_not_end_it() {
    for acted in [false, true] {
        let script = first(200, move |_, _| Some(Twist::Break { acted }));
        let mut scenario = asked(Some(script));
        // The chain is connected to before the trouble.
        scenario.plan.insert(3, Box::new(|_| {}));
        expect_answered(scenario);
    }
}

#[test]
fn one_node_of_three_that_never_answers_is_not_waited_for() {
    for silent in 0..3 {
        let mut scenario = asked(None);
        scenario.addresses = 3;
        let act = move |shared: &mut Shared| shared.silent = Some(silent);
        scenario.plan.insert(1, Box::new(act));
        expect_answered(scenario);
    }
}

#[test]
fn a_block_number_without_end_is_refused() {
    let scenario = asked(None);
    let shared = Arc::clone(&scenario.shared);
    let block = {
        let shared = shared.lock().expect("no panics");
        let head = shared.world.head();
        (head.hash, head.header.parent_hash)
    };
    shared.lock().expect("no panics").script = Some(first(10, move |method, params| {
        (method == "eth_getBlockByNumber" && params[0] == "latest").then(|| {
            Twist::Say(json!({
                "hash": block.0, "parentHash": block.1, "sha3Uncles": B256::ZERO,
                "miner": CONSUMER, "stateRoot": B256::ZERO, "transactionsRoot": B256::ZERO,
                "receiptsRoot": B256::ZERO, "logsBloom": alloy::primitives::Bloom::ZERO,
                "difficulty": "0x0", "number": "0xffffffffffffffff", "gasLimit": "0x0",
                "gasUsed": "0x0", "timestamp": "0x0", "extraData": "0x", "mixHash": B256::ZERO,
                "nonce": "0x0000000000000000", "baseFeePerGas": "0x1", "uncles": [], "transactions": [],
            }))
        })
    }));
    expect_answered(scenario);
}

#[test]
fn an_answer_that_fees_have_left_behind_offers_more_after_a_crash() {
    let mut scenario = asked(None);
    // The price rises as soon as the answer waits, and the process dies.
    let work = watch(&scenario);
    scenario.drive(work, |shared| {
        shared.world.pool.iter().any(|tx| matches!(tx, Tx::Signed { .. })) || shared.calls > 5_000
    });
    let raise = |shared: &mut Shared| shared.world.base_fee = 30 * GWEI;
    raise(&mut scenario.shared.lock().expect("no panics"));
    let scenario = expect_answered(scenario);
    assert!(scenario.told.contains("raised: true"), "{}", scenario.told);
}

/// One run of the loop, for tests that stop it themselves.
pub fn watch(scenario: &Scenario) -> impl Future<Output = ()> + use<> {
    let (nodes, clock, disk) = (scenario.nodes(), scenario.clock.clone(), scenario.disk.clone());
    let options = scenario.options.clone();
    async move {
        let chain = Scenario::connect(nodes, clock).await.expect("the chain answers");
        let folder = Path::new("/journal");
        let watcher = Watcher::open_on(Arc::new(disk), chain, CONSUMER, JsonAbi::new(), folder, 0);
        let _ = watcher.expect("a journal").run(double, |_| {}, &options).await;
    }
}

pub fn contract() -> Contract {
    let code = vec![0x60, 0x01, 0x60, 0x02];
    Contract::new("Stub", code.clone(), "[]")
        .expect("a contract")
        .with_runtime(RuntimeCode::fixed(code))
}

pub fn deploy_options(scenario: &Scenario) -> SendOptions {
    SendOptions {
        max_cost: U256::from(MAX_COST),
        timeout: Duration::from_secs(1200),
        journal: Some((Arc::new(scenario.disk.clone()), "/deployments/pending.json".into())),
        ..Default::default()
    }
}

/// What `deploy` does.
pub async fn deploy(chain: Chain, options: SendOptions) -> Result<Deployed, ChainError> {
    let contract = contract();
    let deployment = Deployment::plan(&chain, &contract, &DeployOptions::default()).await?;
    deployment.send(&chain, &options).await
}

/// Deploys, and again where that fails, as a person would. Gives what the last one said, and how often the
/// command was run.
pub fn deploy_until_done(scenario: &mut Scenario, most: u32) -> (Result<Deployed, String>, u32) {
    let mut last = Err("it was never run".to_owned());
    for run in 1..=most {
        scenario.arm_by_chance(60);
        let (nodes, clock) = (scenario.nodes(), scenario.clock.clone());
        let options = deploy_options(scenario);
        let work = async move { deploy(Scenario::connect(nodes, clock).await?, options).await };
        match scenario.drive(work, |_| false) {
            Some(Ok(deployed)) => return (Ok(deployed), run),
            Some(Err(error)) => last = Err(error.to_string()),
            None => last = Err("killed".into()),
        }
        scenario.restart();
    }
    (last, most)
}

/// One transaction, which pays no more than the ceiling, and whose hash and gas are told as they are.
pub fn check_deployment(scenario: &Scenario, deployed: &Deployed) -> Result<(), String> {
    let shared = scenario.shared.lock().expect("no panics");
    let ours = |tx: &Tx| matches!(tx, Tx::Signed { .. });
    let mut mined = Vec::new();
    for block in &shared.world.blocks {
        let pairs = block.txs.iter().zip(&block.receipts).filter(|(tx, _)| ours(tx));
        mined.extend(pairs.map(|(_, receipt)| receipt));
    }
    if mined.len() != 1 || !mined[0].status {
        return Err(format!("{} transactions for one deployment: {mined:?}", mined.len()));
    }
    if u128::from(mined[0].gas_used) * mined[0].price > MAX_COST {
        return Err("it cost more than the ceiling".into());
    }
    if deployed.transaction.is_some_and(|told| told != mined[0].hash)
        || deployed.gas_used.is_some_and(|told| told != DEPLOY_GAS)
    {
        return Err(format!("the node's words were believed: {deployed:?}"));
    }
    if !shared.world.state().code.contains_key(&deployed.address) {
        return Err("nothing lies at the address".into());
    }
    Ok(())
}

#[test]
fn a_lying_fee_history_does_not_move_the_price_above_the_ceiling() {
    let script: Script = Box::new(|method, _| {
        let lie = json!({
            "oldestBlock": "0x1", "gasUsedRatio": [0.5],
            "baseFeePerGas": ["0xde0b6b3a7640000", "0xde0b6b3a7640000"], "reward": [["0xde0b6b3a7640000"]],
        });
        (method == "eth_feeHistory").then_some(Twist::Say(lie))
    });
    let mut scenario = Scenario::quiet();
    scenario.shared.lock().expect("no panics").script = Some(script);
    let (deployed, _) = deploy_until_done(&mut scenario, 1);
    check_deployment(&scenario, &deployed.expect("deployed")).expect("within the ceiling");

    // A gas estimate without bound is refused, in words that say what to do.
    let mut scenario = Scenario::quiet();
    scenario.shared.lock().expect("no panics").script = Some(Box::new(|method, _| {
        (method == "eth_estimateGas").then(|| Twist::Say(json!("0xffffffffffff")))
    }));
    let (refused, _) = deploy_until_done(&mut scenario, 1);
    let message = refused.expect_err("too expensive");
    assert!(
        message.contains("the transaction may cost") && message.contains("the ceiling is 0.05"),
        "{message}"
    );
    assert!(scenario.shared.lock().expect("no panics").world.received.is_empty());
}

#[test]
fn an_invented_receipt_is_not_believed() {
    let fields = ["transactionHash", "blockHash", "from", "to", "gasUsed", "blockNumber"];
    // With proofs, and where there are none.
    for (wrong, proves) in fields.into_iter().flat_map(|wrong| [(wrong, true), (wrong, false)]) {
        let mut scenario = Scenario::quiet();
        scenario.shared.lock().expect("no panics").world.proves = proves;
        let head = scenario.shared.lock().expect("no panics").world.head().hash;
        let seen = std::sync::Mutex::new(0);
        let script: Script = Box::new(move |method, params| {
            let mut seen = seen.lock().expect("no panics");
            if method != "eth_getTransactionReceipt" || *seen >= 3 {
                return None;
            }
            *seen += 1;
            let mut receipt = json!({
                "type": "0x2", "status": "0x1", "transactionHash": params[0], "transactionIndex": "0x0",
                "blockHash": head, "blockNumber": "0x0", "from": crate::scenario::key().address(),
                "to": zkverdict::chain::CREATE2_DEPLOYER, "contractAddress": null, "gasUsed": "0x5208",
                "cumulativeGasUsed": "0x5208", "effectiveGasPrice": "0x1", "logs": [],
                "logsBloom": alloy::primitives::Bloom::ZERO,
            });
            receipt[wrong] = match wrong {
                "from" | "to" => json!(CONSUMER),
                "gasUsed" => json!("0xffffffffff"),
                "blockNumber" => json!("0xffffffffffffffff"),
                _ => json!(B256::repeat_byte(7)),
            };
            Some(Twist::Say(receipt))
        });
        scenario.shared.lock().expect("no panics").script = Some(script);
        let (deployed, _) = deploy_until_done(&mut scenario, 1);
        check_deployment(&scenario, &deployed.expect("deployed")).expect(wrong);
    }
}

#[test]
fn a_deployment_that_a_node_does_not_know_yet_is_not_paid_again() {
    let mut scenario = Scenario::quiet();
    let (deployed, _) = deploy_until_done(&mut scenario, 1);
    let deployed = deployed.expect("deployed");
    // Its result was lost, and so it is run again.
    let script: Script = Box::new(|method, params| {
        let is_about_now = params[1].get("blockHash").is_none();
        let is_behind = method == "eth_estimateGas" || (method == "eth_getCode" && is_about_now);
        is_behind.then_some(Twist::Behind(5))
    });
    scenario.shared.lock().expect("no panics").script = Some(script);
    let (again, _) = deploy_until_done(&mut scenario, 1);
    let again = again.expect("it is there");
    assert_eq!(again.transaction, deployed.transaction);
    check_deployment(&scenario, &again).expect("one transaction");
}

#[test]
fn one_wrong_count_of_nonces_keeps_no_transaction_waiting() {
    let script = first(1, |method, params| {
        (method == "eth_getTransactionCount" && params[1] == "pending")
            .then(|| Twist::Say(json!("0x2")))
    });
    let mut scenario = Scenario::quiet();
    scenario.shared.lock().expect("no panics").script = Some(script);
    let (deployed, _) = deploy_until_done(&mut scenario, 1);
    check_deployment(&scenario, &deployed.expect("deployed")).expect("one transaction");
}

#[test]
fn receipts_that_come_blocks_later_are_waited_for() {
    let mut scenario = Scenario::quiet();
    scenario.shared.lock().expect("no panics").script = Some(Box::new(|method, _| {
        (method == "eth_getTransactionReceipt").then_some(Twist::Behind(5))
    }));
    let (deployed, _) = deploy_until_done(&mut scenario, 1);
    check_deployment(&scenario, &deployed.expect("deployed")).expect("one transaction");
}

#[test]
fn one_fault_at_any_question_does_not_end_a_deployment() {
    let methods = [
        "eth_chainId",
        "eth_getCode",
        "eth_estimateGas",
        "eth_getBlockByNumber",
        "eth_feeHistory",
        "eth_getBalance",
        "eth_getTransactionCount",
        "eth_sendRawTransaction",
        "eth_getTransactionReceipt",
        "eth_blockNumber",
        "eth_getTransactionByHash",
    ];
    for wanted in methods {
        for fault in 0..4 {
            let script = first(1, move |method, _| {
                (method == wanted).then_some(match fault {
                    0 => Twist::Break { acted: false },
                    1 => Twist::Break { acted: true },
                    2 => Twist::Refuse(-32005, "rate limit exceeded"),
                    _ => Twist::Refuse(429, "Too Many Requests"),
                })
            });
            let mut scenario = Scenario::quiet();
            scenario.shared.lock().expect("no panics").script = Some(script);
            let (deployed, runs) = deploy_until_done(&mut scenario, 1);
            let deployed =
                deployed.unwrap_or_else(|error| panic!("{wanted}, fault {fault}: {error}"));
            assert_eq!(runs, 1);
            check_deployment(&scenario, &deployed)
                .unwrap_or_else(|error| panic!("{wanted}: {error}"));
        }
    }
}
