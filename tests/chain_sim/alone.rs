//! Misfortunes that one guard alone stands against: others would hide that it is missing.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use alloy::{
    consensus::Transaction,
    primitives::{B256, Bytes, U256},
};
use serde_json::{Value, json};
use zkverdict::chain::{ChainError, IRequestConsumer};

use crate::{
    node::{Script, Shared, Twist},
    rows::{asked, check_deployment, deploy_until_done, expect_answered, watch},
    scenario::Scenario,
    world::{CHAIN_ID, CONSUMER, GWEI, Tx},
};

fn alter(change: impl FnOnce(&mut Value) + 'static) -> Twist {
    Twist::Alter(Box::new(|mut value| {
        change(&mut value);
        value
    }))
}

fn is_ours(tx: &Tx) -> bool {
    matches!(tx, Tx::Signed { .. })
}

#[test]
fn a_reorg_deeper_than_finality_is_read_again() {
    let mut scenario = Scenario::quiet();
    scenario.options.finality_depth = 1;
    let mut shared = scenario.shared.lock().expect("no panics");
    (shared.world.has_final_tag, shared.world.counts_requests) = (false, false);
    drop(shared);
    let act = |shared: &mut Shared| {
        shared.world.reorg(4, |_| true, false);
        shared.world.ask(vec![U256::from(9)]);
        for _ in 0..4 {
            shared.world.mine();
        }
    };
    scenario.plan.insert(8, Box::new(act));
    let scenario = expect_answered(scenario);
    assert!(scenario.told.contains("Rewound"), "{}", scenario.told);
}

#[test]
fn a_reorg_takes_the_answer_to_a_request_that_is_final() {
    let mut scenario = asked(None);
    // Too expensive until the request is final.
    scenario.plan.insert(1, Box::new(|shared: &mut Shared| shared.world.base_fee = 200 * GWEI));
    scenario.plan.insert(10, Box::new(|shared: &mut Shared| shared.world.base_fee = GWEI));
    let (is_done, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    for block in 11..60 {
        let (is_done, seen) = (Arc::clone(&is_done), Arc::clone(&seen));
        let act = move |shared: &mut Shared| {
            let questions = &shared.world.state().questions;
            if questions.first().is_none_or(|question| question.is_open) {
                return;
            }
            // The loop has had a block's time to see it.
            if seen.fetch_add(1, Ordering::Relaxed) == 1 {
                is_done.store(true, Ordering::Relaxed);
                shared.world.reorg(4, |tx| !is_ours(tx), false);
                shared.world.pool.retain(|tx| !is_ours(tx));
            }
        };
        scenario.plan.insert(block, Box::new(act));
    }
    let scenario = expect_answered(scenario);
    assert!(is_done.load(Ordering::Relaxed) && scenario.told.contains("Reopened"));
}

#[test]
fn an_answer_is_not_final_while_the_consumer_waits_for_it() {
    use alloy::sol_types::SolEvent;
    let answered = |logs: &mut Value| {
        let event = IRequestConsumer::InferenceAnswered {
            requestId: U256::ZERO,
            operator: CONSUMER,
            version: U256::from(1),
        };
        let (data, mut forged) = (event.encode_log_data(), logs[0].clone());
        (forged["topics"], forged["data"]) = (json!(data.topics()), json!(data.data));
        logs.as_array_mut().expect("logs are a list").push(forged);
    };
    // Logs and receipts agree, and nobody proves anything.
    let script: Script = Box::new(move |method, _| {
        let change = move |value: &mut Value| {
            let logs = if value.is_array() { value } else { &mut value["logs"] };
            if logs[0].is_object() {
                answered(logs);
            }
        };
        matches!(method, "eth_getLogs" | "eth_getTransactionReceipt").then(|| alter(change))
    });
    let mut scenario = asked(Some(script));
    scenario.shared.lock().expect("no panics").world.proves = false;
    scenario.plan.insert(25, Box::new(|shared: &mut Shared| shared.script = None));
    expect_answered(scenario);
}

#[test]
fn a_nonce_that_is_refused_some_times_is_not_given_up() {
    let kept: Arc<std::sync::Mutex<(Option<Bytes>, u32)>> = Arc::default();
    let keeps = Arc::clone(&kept);
    let script: Script = Box::new(move |method, params| {
        let mut kept = keeps.lock().expect("no panics");
        if kept.1 >= 3 {
            return None;
        }
        match method {
            "eth_sendRawTransaction" => {
                let bytes: Bytes = serde_json::from_value(params[0].clone()).expect("bytes");
                if kept.0.is_none() {
                    let hash = alloy::primitives::keccak256(&bytes);
                    kept.0 = Some(bytes);
                    return Some(Twist::Say(json!(hash)));
                }
                kept.1 += 1;
                (kept.0.as_ref() == Some(&bytes)).then_some(Twist::Refuse(-32000, "nonce too low"))
            }
            "eth_getTransactionCount" if kept.0.is_some() => Some(Twist::Say(json!("0x1"))),
            _ => None,
        }
    });
    let mut scenario = asked(Some(script));
    scenario.shared.lock().expect("no panics").world.proves = false;
    for block in 4..40 {
        let kept = Arc::clone(&kept);
        // Then the node hands the answer on that it kept back.
        let act = move |shared: &mut Shared| {
            let kept = kept.lock().expect("no panics");
            if let (Some(bytes), 3..) = &*kept {
                let _ = shared.world.receive(bytes);
            }
        };
        scenario.plan.insert(block, Box::new(act));
    }
    expect_answered(scenario);
}

#[test]
fn a_suggested_tip_is_bounded() {
    let script: Script = Box::new(|method, _| {
        (method == "eth_feeHistory").then(|| {
            alter(|history| {
                history["reward"] = json!([["0xde0b6b3a7640000"], ["0xde0b6b3a7640000"]])
            })
        })
    });
    let scenario = expect_answered(asked(Some(script)));
    let shared = scenario.shared.lock().expect("no panics");
    for (_, envelope) in shared.world.received.values() {
        assert!(envelope.max_priority_fee_per_gas() <= Some(30 * GWEI));
    }
}

#[test]
fn an_answer_outlasts_a_power_failure() {
    for seed in 0..8 {
        let mut scenario = Scenario::quiet_with(seed);
        scenario.plan.insert(2, Box::new(|shared| shared.world.ask(vec![U256::from(5)])));
        // The power fails as soon as the answer is out. Then it is too cheap for a while, but not for long.
        let work = watch(&scenario);
        scenario.drive(work, |shared| shared.world.pool.iter().any(is_ours));
        scenario.disk.crash();
        scenario.shared.lock().expect("no panics").world.base_fee = 50 * GWEI;
        scenario.plan.insert(7, Box::new(|shared| shared.world.base_fee = GWEI));
        expect_answered(scenario);
    }
}

#[test]
fn nothing_is_sent_that_is_not_in_the_journal() {
    let mut scenario = Scenario::quiet();
    let act = |shared: &mut Shared| {
        shared.world.ask(vec![U256::from(5)]);
        shared.disk.set_failure(1.0);
    };
    scenario.plan.insert(2, Box::new(act));
    let act = |shared: &mut Shared| {
        assert!(shared.world.received.is_empty(), "nothing can be written");
        shared.disk.set_failure(0.0);
    };
    scenario.plan.insert(8, Box::new(act));
    expect_answered(scenario);
}

#[test]
fn a_request_that_was_read_wrongly_is_read_again() {
    let script: Script = Box::new(|method, _| {
        let change = |logs: &mut Value| {
            if let Some(data) = logs[0]["data"].as_str() {
                logs[0]["data"] = json!(format!("{}7", &data[..data.len() - 1]));
            }
        };
        (method == "eth_getLogs").then(|| alter(change))
    });
    let mut scenario = asked(Some(script));
    scenario.shared.lock().expect("no panics").world.proves = false;
    scenario.plan.insert(14, Box::new(|shared: &mut Shared| shared.script = None));
    expect_answered(scenario);
}

#[test]
fn a_final_block_that_was_made_up_forgets_nothing() {
    let mut scenario = asked(None);
    // Too expensive for now.
    scenario.plan.insert(1, Box::new(|shared: &mut Shared| shared.world.base_fee = 200 * GWEI));
    scenario.plan.insert(25, Box::new(|shared: &mut Shared| shared.world.base_fee = GWEI));
    let act = |shared: &mut Shared| {
        let (hash, told) = (json!(B256::repeat_byte(7)), AtomicBool::new(false));
        shared.script = Some(Box::new(move |method, params| {
            let is_final = method == "eth_getBlockByNumber" && params[0] == "finalized";
            if is_final && !told.swap(true, Ordering::Relaxed) {
                let hash = hash.clone();
                return Some(alter(move |block| block["hash"] = hash));
            }
            // There it counts no requests.
            (method == "eth_call" && params[1]["blockHash"] == hash)
                .then(|| Twist::Say(json!(B256::ZERO)))
        }));
    };
    scenario.plan.insert(12, Box::new(act));
    let scenario = expect_answered(scenario);
    assert!(scenario.told.contains("Rewound"), "{}", scenario.told);
}

#[test]
fn a_node_is_asked_about_a_block_that_it_has() {
    // Of the newest it knows nothing.
    let script: Script = Box::new(|method, params| {
        let is_about_now = params[1].get("blockHash").is_none();
        (method == "eth_call" && is_about_now).then_some(Twist::Behind(1_000))
    });
    expect_answered(asked(Some(script)));
}

#[test]
fn events_of_blocks_that_are_gone_are_none() {
    let script: Script = Box::new(|method, _| {
        let change = |logs: &mut Value| {
            if logs[0].is_object() {
                logs[0]["blockHash"] = json!(B256::repeat_byte(7));
            }
        };
        (method == "eth_getLogs").then(|| alter(change))
    });
    let mut scenario = asked(Some(script));
    let act = |shared: &mut Shared| {
        let journal = format!("/journal/{CHAIN_ID}-{CONSUMER}.json");
        let journal = shared.disk.text(Path::new(&journal)).unwrap_or_default();
        assert!(!journal.contains("inputs"), "{journal}");
        shared.script = None;
    };
    scenario.plan.insert(7, Box::new(act));
    expect_answered(scenario);
}

#[test]
fn one_node_of_three_that_lies_delays_nothing() {
    for liar in 0..3 {
        let mut scenario = asked(None);
        scenario.addresses = 3;
        scenario.shared.lock().expect("no panics").liar = Some(liar);
        let act = |shared: &mut Shared| assert!(!shared.world.state().questions[0].is_open);
        scenario.plan.insert(12, Box::new(act));
        expect_answered(scenario);
    }
}

#[test]
fn each_thing_about_a_receipt_is_looked_at() {
    let other = || json!(B256::repeat_byte(7));
    let is_number = |params: &Value| params[0].as_str().is_some_and(|text| text.starts_with("0x"));
    for what in ["hash", "from", "gasUsed", "branch", "absent", "nonce", "status", "all receipts"] {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let script: Script = Box::new(move |method, params| {
            let is_over = counted.load(Ordering::Relaxed) > 5;
            let receipt = |change: fn(&mut Value)| {
                let counted = Arc::clone(&counted);
                let change = move |value: &mut Value| {
                    if value.is_object() {
                        counted.fetch_add(1, Ordering::Relaxed);
                        if !is_over {
                            change(value);
                        }
                    }
                };
                (method == "eth_getTransactionReceipt").then(|| alter(change))
            };
            if is_over {
                return receipt(|_| {});
            }
            match what {
                "hash" => receipt(|value| value["transactionHash"] = json!(B256::repeat_byte(7))),
                "from" => receipt(|value| value["from"] = json!(CONSUMER)),
                "gasUsed" => receipt(|value| value["gasUsed"] = json!("0xffffffffff")),
                "status" => receipt(|value| value["status"] = json!("0x0")),
                "branch" | "absent" if method == "eth_getBlockByNumber" && is_number(params) => {
                    Some(alter(move |block| match what {
                        "branch" => block["hash"] = other(),
                        _ => block["transactions"] = json!([]),
                    }))
                }
                "nonce" if method == "eth_getTransactionCount" && params[1].is_object() => {
                    Some(Twist::Say(json!("0x0")))
                }
                "all receipts" if method == "eth_getBlockReceipts" => {
                    Some(alter(|receipts| receipts[0]["status"] = json!("0x0")))
                }
                "all receipts" => receipt(|value| value["status"] = json!("0x0")),
                _ => receipt(|_| {}),
            }
        });
        let mut scenario = Scenario::quiet();
        let mut shared = scenario.shared.lock().expect("no panics");
        shared.world.proves = matches!(what, "status" | "all receipts");
        shared.script = Some(script);
        drop(shared);
        let (deployed, _) = deploy_until_done(&mut scenario, 20);
        let deployed = deployed.unwrap_or_else(|error| panic!("{what}: {error}"));
        check_deployment(&scenario, &deployed).expect(what);
        assert!(asked.load(Ordering::Relaxed) > 5, "{what}: a lie is believed");
    }
}

#[test]
fn one_false_word_about_a_failure_changes_nothing() {
    // Whichever answer it is. If it is believed, what was deployed seems to be somebody else's.
    for lie in 0..8 {
        let told: Arc<AtomicUsize> = Arc::default();
        let script: Script = Box::new(move |method, _| {
            let told = Arc::clone(&told);
            let change = move |receipt: &mut Value| {
                if receipt.is_object() && told.fetch_add(1, Ordering::Relaxed) == lie {
                    receipt["status"] = json!("0x0");
                }
            };
            (method == "eth_getTransactionReceipt").then(|| alter(change))
        });
        let mut scenario = Scenario::quiet();
        let mut shared = scenario.shared.lock().expect("no panics");
        (shared.world.proves, shared.script) = (false, Some(script));
        drop(shared);
        let (deployed, runs) = deploy_until_done(&mut scenario, 3);
        let deployed = deployed.expect("deployed");
        assert!(runs == 1 && deployed.transaction.is_some(), "{lie}: {deployed:?}");
        check_deployment(&scenario, &deployed).expect("one transaction");
    }
}

#[test]
fn code_is_compared_with_its_account() {
    let mut scenario = Scenario::quiet();
    scenario.shared.lock().expect("no panics").script =
        Some(Box::new(|method, _| (method == "eth_getCode").then(|| Twist::Say(json!("0xdead")))));
    let head = scenario.shared.lock().expect("no panics").world.head().hash;
    let (nodes, clock) = (scenario.nodes(), scenario.clock.clone());
    let work = async move { Scenario::connect(nodes, clock).await?.code_in(CONSUMER, head).await };
    let error = scenario.drive(work, |_| false).expect("nobody kills it").expect_err("a lie");
    assert!(matches!(error, ChainError::Contradiction { request: "eth_getCode", .. }), "{error}");
}

#[test]
fn a_transaction_that_nobody_can_outbid_goes_first() {
    let mut scenario = Scenario::quiet();
    let at = |shared: &mut Shared, gwei: u128| shared.world.base_fee = gwei * GWEI;
    // The answer offers all that it may, and no block takes it. Somebody else answers, and the node forgets ours.
    scenario.plan.insert(1, Box::new(move |shared| at(shared, 60)));
    scenario.plan.insert(2, Box::new(|shared| shared.world.ask(vec![U256::from(5)])));
    scenario.plan.insert(3, Box::new(move |shared| at(shared, 120)));
    scenario.plan.insert(
        6,
        Box::new(|shared: &mut Shared| {
            assert_eq!(shared.world.received.len(), 1);
            shared.world.pool.retain(|tx| !is_ours(tx));
            shared.world.other_answers(0);
        }),
    );
    // Another request wants the nonce, and cannot offer more than that.
    let act = move |shared: &mut Shared| {
        shared.world.pool.retain(|tx| !is_ours(tx));
        at(shared, 1);
        shared.world.ask(vec![U256::from(6)]);
    };
    scenario.plan.insert(9, Box::new(act));
    expect_answered(scenario);
}
