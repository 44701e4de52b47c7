//! One node that lies, always in the same way and about everything that could be compared. What the headers of its
//! blocks prove it cannot forge, so all it can do is to be slow.

use std::sync::{Arc, Mutex};

use alloy::{
    consensus::{Transaction, TxEnvelope},
    eips::eip2718::Decodable2718,
    primitives::{B256, Bytes, Log, U256, keccak256},
    sol_types::{SolEvent, SolValue},
};
use serde_json::{Value, json};
use zkverdict::chain::{
    CREATE2_DEPLOYER, ChainError, DeployOptions, Deployed, Deployment, IRequestConsumer,
};

use crate::{
    node::{Script, Shared, Twist, block, log, receipt},
    rows::{asked, calls, contract, deploy, deploy_options, expect_answered},
    scenario::{Scenario, key},
    world::{ANSWER_GAS, Block, CONSUMER, DEPLOY_GAS, GWEI, OTHER, Question, Receipt, State, Tx},
};

/// How a node backs a made-up block.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Backing {
    /// With the true header, whose roots do not cover what it makes up.
    TrueHeader,
    /// With a header that covers it, under the true one's hash.
    OtherHeader,
    /// Not at all, as if it did not offer proofs.
    Nothing,
}

const BACKINGS: [Backing; 3] = [Backing::TrueHeader, Backing::OtherHeader, Backing::Nothing];

/// A block that nobody made, under the hash of one that somebody did.
fn forged(truth: &Block, txs: Vec<Tx>, receipts: Vec<Receipt>, state: State) -> Block {
    let (hash, number) = (truth.hash, truth.number);
    Block { hash, number, ..Block::new(None, 0, GWEI, txs, receipts, state) }
}

/// What the node says about the made-up block.
fn made_up(
    truth: &Block,
    forged: &Block,
    backing: Backing,
    method: &str,
    params: &Value,
) -> Option<Twist> {
    let is_proof = matches!(method, "eth_getProof" | "eth_getBlockReceipts");
    if is_proof && backing == Backing::Nothing {
        return Some(Twist::Refuse(-32601, "the method does not exist"));
    }
    // Who proves nothing does not say more than has to be said.
    if method == "eth_getBlockByHash" && backing == Backing::Nothing {
        return None;
    }
    let address = serde_json::from_value(params[0].clone()).unwrap_or_default();
    Some(Twist::Say(match method {
        "eth_getTransactionReceipt" => receipt(forged, 0),
        "eth_getBlockReceipts" => json!([receipt(forged, 0)]),
        "eth_getBlockByNumber" if params[0] == json!(U256::from(truth.number)) => {
            block(forged, None, false)
        }
        "eth_getBlockByHash" if params[0] == json!(truth.hash) => {
            let header = match backing {
                Backing::OtherHeader => forged.header.clone(),
                _ => truth.header.clone(),
            };
            block(&Block { header, ..forged.clone() }, None, params[1] == true)
        }
        "eth_getProof" => {
            let (account, proof) = forged.proof(address);
            json!({
                "address": address, "balance": account.balance,
                "nonce": U256::from(account.nonce), "codeHash": account.code_hash,
                "storageHash": account.storage_root, "accountProof": proof, "storageProof": [],
            })
        }
        "eth_getCode" => json!(forged.state.code.get(&address).cloned().unwrap_or_default()),
        "eth_getTransactionCount" => json!(U256::from(forged.state.nonce(key().address()))),
        _ => return None,
    }))
}

fn genesis(scenario: &Scenario) -> Arc<Block> {
    Arc::clone(&scenario.shared.lock().expect("no panics").world.blocks[0])
}

/// Keeps the transaction back, and says that its first block holds it.
fn pretends_to_deploy(truth: Arc<Block>, gas_used: u64, backing: Backing) -> Script {
    let mut kept: Option<Block> = None;
    Box::new(move |method, params| {
        if method == "eth_sendRawTransaction" {
            let bytes: Bytes = serde_json::from_value(params[0].clone()).expect("bytes");
            let envelope = TxEnvelope::decode_2718_exact(&bytes).expect("a transaction");
            let (hash, from, nonce) = (*envelope.tx_hash(), key().address(), envelope.nonce());
            let to = CREATE2_DEPLOYER;
            let mut state = truth.state.clone();
            let address = to.create2_from_code(B256::ZERO, &contract().init_code);
            state.code.insert(address, contract().init_code);
            state.nonces.insert(from, nonce + 1);
            let (status, price, logs) = (true, GWEI, Vec::new());
            let receipt = Receipt { hash, from, to, status, gas_used, price, logs };
            let tx = Tx::Signed { from, envelope: Arc::new(envelope) };
            kept = Some(forged(&truth, vec![tx], vec![receipt], state));
            return Some(Twist::Say(json!(hash)));
        }
        made_up(&truth, kept.as_ref()?, backing, method, params)
    })
}

/// Deploys through a liar.
fn deployed(
    mut scenario: Scenario,
    script: Script,
    requires_proofs: bool,
) -> Result<Deployed, ChainError> {
    scenario.shared.lock().expect("no panics").script = Some(script);
    let (nodes, clock, options) =
        (scenario.nodes(), scenario.clock.clone(), deploy_options(&scenario));
    let work = async move {
        let chain = Scenario::connect(nodes, clock).await?;
        let chain = if requires_proofs { chain.with_required_proofs() } else { chain };
        deploy(chain, options).await
    };
    scenario.drive(work, |_| false).expect("nobody kills it")
}

#[test]
fn a_forged_deployment_is_not_believed() {
    for backing in BACKINGS {
        let scenario = Scenario::quiet();
        let script = pretends_to_deploy(genesis(&scenario), DEPLOY_GAS, backing);
        let error = deployed(scenario, script, true).expect_err("nothing was deployed");
        assert!(matches!(error, ChainError::Unconfirmed { .. }), "{backing:?}: {error}");
    }
    // Whoever asks for no proofs is told that there were none.
    let scenario = Scenario::quiet();
    let script = pretends_to_deploy(genesis(&scenario), DEPLOY_GAS, Backing::Nothing);
    let deployed = deployed(scenario, script, false).expect("it is believed");
    assert!(deployed.unproved[0].contains("receipts and events by the nodes' word"));
}

#[test]
fn a_receipt_belongs_to_one_transaction() {
    let scenario = Scenario::quiet();
    let truth = {
        let mut shared = scenario.shared.lock().expect("no panics");
        shared.world.pool.push(Tx::foreign(OTHER, 0));
        shared.world.mine();
        Arc::clone(shared.world.head())
    };
    // The receipts are the block's. Ours is said to be another's.
    let script = pretends_to_deploy(truth, 21_000, Backing::TrueHeader);
    let error = deployed(scenario, script, false).expect_err("nothing was deployed");
    assert!(error.to_string().contains("its transactions are not the block's"), "{error}");
}

#[test]
fn forged_code_is_not_believed() {
    for backing in BACKINGS {
        let scenario = Scenario::quiet();
        let truth = genesis(&scenario);
        let mut state = truth.state.clone();
        let address = CREATE2_DEPLOYER.create2_from_code(B256::ZERO, &contract().init_code);
        state.code.insert(address, contract().init_code);
        let forged = forged(&truth, Vec::new(), Vec::new(), state);
        let script: Script = Box::new(move |method, params| match method {
            "eth_getBlockByNumber" => Some(Twist::Say(block(&forged, None, false))),
            "eth_getTransactionReceipt" | "eth_getBlockReceipts" => None,
            _ => made_up(&truth, &forged, backing, method, params),
        });
        let error = deployed(scenario, script, true).expect_err("nothing lies there");
        assert!(matches!(error, ChainError::Contradiction { .. }), "{backing:?}: {error}");
    }
}

/// A request that nobody made, open, counted, and answered gladly.
fn invents_a_request(scenario: &Scenario, backing: Backing) -> Script {
    let truth = genesis(scenario);
    let mut state = truth.state.clone();
    let inputs = vec![U256::from(5)];
    state.questions.push(Question { inputs: inputs.clone(), is_open: true });
    let tx = Tx::foreign(OTHER, 0);
    let event =
        IRequestConsumer::InferenceRequested { requestId: U256::ZERO, requester: OTHER, inputs };
    let logs = vec![Log { address: CONSUMER, data: event.encode_log_data() }];
    let (hash, gas_used) = (tx.hash(), 21_000);
    let (from, to, status, price) = (OTHER, CONSUMER, true, GWEI);
    let receipt = Receipt { hash, from, to, status, gas_used, price, logs };
    let forged = forged(&truth, vec![tx], vec![receipt], state);
    Box::new(move |method, params| {
        if method == "eth_getLogs" {
            let is_first = params[0]["fromBlock"] == "0x0";
            let logs = forged.receipts[0].logs.iter().filter(|_| is_first);
            return Some(Twist::Say(logs.map(|entry| log(&forged, 0, entry)).collect()));
        }
        let truths = |word: bool| Twist::Say(json!(Bytes::from(word.abi_encode())));
        if calls::<IRequestConsumer::isOpenCall>(method, params)
            || calls::<IRequestConsumer::answerInferenceCall>(method, params)
            || calls::<crate::node::requestCountCall>(method, params)
        {
            return Some(truths(true));
        }
        match method {
            "eth_estimateGas" => Some(Twist::Say(json!(U256::from(ANSWER_GAS)))),
            // The account is as it is.
            "eth_getCode" | "eth_getTransactionCount" => None,
            "eth_getProof" if backing != Backing::Nothing => None,
            _ => made_up(&truth, &forged, backing, method, params),
        }
    })
}

#[test]
fn a_request_that_nobody_made_is_not_paid_for() {
    for backing in BACKINGS {
        let mut scenario = Scenario::quiet();
        scenario.requires_proofs = true;
        let script = invents_a_request(&scenario, backing);
        scenario.shared.lock().expect("no panics").script = Some(script);
        scenario.run();
        assert!(scenario.told.contains("Found"), "{}", scenario.told);
        let shared = scenario.shared.lock().expect("no panics");
        assert!(shared.world.received.is_empty(), "{backing:?}: {}", scenario.told);
    }
}

#[test]
fn who_has_proved_must_go_on_proving() {
    let mut scenario = Scenario::quiet();
    let (nodes, clock, options) =
        (scenario.nodes(), scenario.clock.clone(), deploy_options(&scenario));
    let work = async move {
        let chain = Scenario::connect(nodes, clock).await?;
        let contract = contract();
        let other = DeployOptions { salt: B256::repeat_byte(7), ..Default::default() };
        let deployed =
            Deployment::plan(&chain, &contract, &other).await?.send(&chain, &options).await?;
        assert!(deployed.unproved.is_empty(), "{deployed:?}");
        Ok::<_, ChainError>(chain)
    };
    let chain = scenario.drive(work, |_| false).expect("nobody kills it").expect("deployed");
    let script = pretends_to_deploy(genesis(&scenario), DEPLOY_GAS, Backing::Nothing);
    scenario.shared.lock().expect("no panics").script = Some(script);
    let options = deploy_options(&scenario);
    let outcome = scenario.drive(deploy(chain, options), |_| false).expect("nobody kills it");
    let error = outcome.expect_err("nothing was deployed");
    assert!(error.to_string().contains("it is to prove what it says"), "{error}");
}

#[test]
fn an_answer_that_nobody_gave_ends_nothing() {
    let answered = |logs: &mut Value| {
        let event = IRequestConsumer::InferenceAnswered {
            requestId: U256::ZERO,
            operator: OTHER,
            version: U256::from(1),
        };
        let mut forged = logs[0].clone();
        let data = event.encode_log_data();
        (forged["topics"], forged["data"]) = (json!(data.topics()), json!(data.data));
        let logs = logs.as_array_mut().expect("logs are a list");
        logs.push(forged);
    };
    let script: Script = Box::new(move |method, params| {
        if calls::<IRequestConsumer::isOpenCall>(method, params) {
            return Some(Twist::Say(json!(Bytes::from(false.abi_encode()))));
        }
        match method {
            "eth_getLogs" => Some(Twist::Alter(Box::new(move |mut logs| {
                if logs[0].is_object() {
                    answered(&mut logs);
                }
                logs
            }))),
            "eth_getTransactionReceipt" => Some(Twist::Alter(Box::new(move |mut receipt| {
                if receipt["logs"][0].is_object() {
                    answered(&mut receipt["logs"]);
                }
                receipt
            }))),
            _ => None,
        }
    });
    let mut scenario = asked(Some(script));
    // As long as it takes until all of that is final.
    scenario.plan.insert(25, Box::new(|shared: &mut Shared| shared.script = None));
    let scenario = expect_answered(scenario);
    assert!(!scenario.told.contains("AlreadyAnswered"), "{}", scenario.told);
}

#[test]
fn answers_that_fail_in_blocks_are_not_paid_for_without_end() {
    let script: Script =
        Box::new(|method, _| (method == "eth_estimateGas").then(|| Twist::Say(json!("0xc350"))));
    let mut scenario = asked(Some(script));
    scenario.run();
    let shared = scenario.shared.lock().expect("no panics");
    let ours = |tx: &&Tx| matches!(tx, Tx::Signed { .. });
    let paid: usize =
        shared.world.blocks.iter().map(|block| block.txs.iter().filter(ours).count()).sum();
    assert_eq!(paid, 3, "{}", scenario.told);
}

#[test]
fn a_nonce_that_nobody_used_is_not_given_up() {
    let kept: Arc<Mutex<Option<Bytes>>> = Arc::default();
    let keeps = Arc::clone(&kept);
    // It keeps the answer back, and says that the account has sent another transaction.
    let script: Script = Box::new(move |method, params| match method {
        "eth_sendRawTransaction" => {
            let bytes: Bytes = serde_json::from_value(params[0].clone()).expect("bytes");
            let mut kept = keeps.lock().expect("no panics");
            let hash = keccak256(&bytes);
            match &*kept {
                Some(first) if *first != bytes => None,
                Some(_) => Some(Twist::Refuse(-32000, "nonce too low")),
                None => {
                    *kept = Some(bytes);
                    Some(Twist::Say(json!(hash)))
                }
            }
        }
        "eth_getTransactionCount" if keeps.lock().expect("no panics").is_some() => {
            Some(Twist::Say(json!("0x1")))
        }
        _ => None,
    });
    let mut scenario = asked(Some(script));
    let release = move |shared: &mut Shared| {
        shared.script = None;
        let bytes = kept.lock().expect("no panics").take().expect("an answer was sent");
        shared.world.receive(&bytes).expect("the pool takes it");
    };
    scenario.plan.insert(25, Box::new(release));
    expect_answered(scenario);
}
