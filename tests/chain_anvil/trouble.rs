//! Nodes that are absent, die, or refuse; senders who cannot pay.

use std::{
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use alloy::{
    primitives::{Address, B256, U256},
    providers::{Provider, ext::AnvilApi},
};
use zkverdict::chain::{
    Chain, ChainError, DeployOptions, Deployment, LocalChain, SendOptions, Submission,
};

use crate::stand_in::{connect, contract, instances, proof};

/// Gives up at the first failure, so that no test waits.
fn impatient() -> SendOptions {
    SendOptions { patience: Duration::ZERO, ..Default::default() }
}

#[tokio::test]
async fn a_node_that_is_not_there_is_named_without_its_secrets() {
    let port = TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port that is free again")
        .port();
    let url = format!("http://user:hunter2@127.0.0.1:{port}/v3/hunter2?key=hunter2");
    let error = Chain::connect(&url, None).await.expect_err("nobody listens");
    assert!(matches!(error, ChainError::Unreachable { .. }), "{error:?}");
    let shown = format!("{error} {error:?} {:?}", error.hint());
    assert!(shown.contains(&format!("127.0.0.1:{port}")), "{shown}");
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn another_chain_than_expected_is_refused() {
    let local = LocalChain::start().expect("anvil");
    let error = connect(&local).await.expect_id(1).expect_err("31337 is not 1");
    assert!(matches!(error, ChainError::WrongChain { found: 31337, expected: 1, .. }));
}

#[tokio::test]
async fn a_sender_without_money_is_told_how_much_is_needed() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    chain.provider().anvil_set_balance(chain.sender(), U256::ONE).await.expect("anvil obeys");
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let error = planned.expect("a plan").send(&chain, &SendOptions::default()).await.err();
    let Some(ChainError::InsufficientFunds { sender, balance, cost }) = error else {
        panic!("{error:?}");
    };
    assert_eq!((sender, balance), (chain.sender(), U256::ONE));
    assert!(cost > balance);
}

#[tokio::test]
async fn a_fee_cap_below_the_base_fee_is_refused_before_sending() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let options = SendOptions { max_fee_per_gas: Some(1), ..Default::default() };
    let error = planned.expect("a plan").send(&chain, &options).await.err();
    assert!(matches!(error, Some(ChainError::FeeTooLow { cap: 1, .. })), "{error:?}");
    let nonce = chain.provider().get_transaction_count(chain.sender()).pending().await;
    assert_eq!(nonce.expect("an answer"), 0);
}

#[tokio::test]
async fn a_transaction_pays_no_more_than_its_cap() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let cap = 1_500_000_000;
    let options = SendOptions { max_fee_per_gas: Some(cap), ..Default::default() };
    let deployed = planned.expect("a plan").send(&chain, &options).await.expect("deployed");
    let receipt = chain
        .provider()
        .get_transaction_receipt(deployed.transaction.expect("one was sent"))
        .await
        .expect("an answer")
        .expect("a receipt");
    assert!(receipt.effective_gas_price <= cap);
}

/// Transactions that went out, as `on_send` tells.
fn listener() -> (Arc<Mutex<Vec<B256>>>, SendOptions) {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    let options = SendOptions {
        on_send: Some(Arc::new(move |outgoing| {
            log.lock().expect("no panics").push(outgoing.transaction);
            Ok(())
        })),
        ..Default::default()
    };
    (sent, options)
}

#[tokio::test]
async fn a_node_that_dies_while_a_transaction_waits_leaves_its_hash_and_running_again_completes() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let options = DeployOptions::default();
    // Nothing gets into a block any more: the transaction waits until the node dies.
    chain.provider().anvil_set_auto_mine(false).await.expect("anvil obeys");
    let planned = Deployment::plan(&chain, &contract, &options).await.expect("a plan");

    let local = Arc::new(Mutex::new(Some(local)));
    let killer = Arc::clone(&local);
    let send = SendOptions {
        on_send: Some(Arc::new(move |_| {
            drop(killer.lock().expect("no panics").take());
            Ok(())
        })),
        ..impatient()
    };
    let error = planned.send(&chain, &send).await.expect_err("the node is dead");
    let ChainError::Unconfirmed { .. } = error else { panic!("{error:?}") };

    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let planned = Deployment::plan(&chain, &contract, &options).await.expect("a plan");
    planned.send(&chain, &SendOptions::default()).await.expect("deployed");
}

#[tokio::test]
async fn a_transaction_that_the_node_forgets_is_sent_again() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let planned = planned.expect("a plan");
    let provider = chain.provider();
    provider.anvil_set_auto_mine(false).await.expect("anvil obeys");

    let (sent, options) = listener();
    let forgetful_node = async {
        let hash = loop {
            let first = sent.lock().expect("no panics").first().copied();
            if let Some(hash) = first
                && provider.get_transaction_by_hash(hash).await.expect("an answer").is_some()
            {
                break hash;
            }
            tokio::task::yield_now().await;
        };
        provider.anvil_drop_transaction(hash).await.expect("anvil obeys");
        provider.anvil_set_auto_mine(true).await.expect("anvil obeys");
    };
    let (deployed, ()) = tokio::join!(planned.send(&chain, &options), forgetful_node);
    let deployed = deployed.expect("deployed");
    assert_eq!(*sent.lock().expect("no panics"), [deployed.transaction.expect("one was sent")]);
}

#[tokio::test]
async fn a_transaction_outpriced_by_the_base_fee_is_raised_under_the_same_nonce() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let planned = planned.expect("a plan");
    let provider = chain.provider();
    provider.anvil_set_auto_mine(false).await.expect("anvil obeys");

    let (sent, options) = listener();
    let expensive_chain = async {
        let versions = |n| sent.lock().expect("no panics").len() >= n;
        while !versions(1) {
            tokio::task::yield_now().await;
        }
        // The sender says so before it sends: a chain that is expensive already would refuse it.
        let first = sent.lock().expect("no panics")[0];
        while provider.get_transaction_by_hash(first).await.expect("an answer").is_none() {
            tokio::task::yield_now().await;
        }
        provider.anvil_set_next_block_base_fee_per_gas(100_000_000_000).await.expect("anvil obeys");
        while !versions(2) {
            tokio::task::yield_now().await;
            if versions(1) {
                // Lets the sender ask its questions.
                provider.get_block_number().await.expect("an answer");
            }
        }
        provider.anvil_set_auto_mine(true).await.expect("anvil obeys");
        provider.evm_mine(None).await.expect("anvil obeys");
    };
    let (deployed, ()) = tokio::join!(planned.send(&chain, &options), expensive_chain);
    let deployed = deployed.expect("deployed");
    assert_eq!(sent.lock().expect("no panics").last().copied(), deployed.transaction);
    let nonce = provider.get_transaction_count(chain.sender()).await.expect("an answer");
    assert_eq!(nonce, 1);
}

#[tokio::test]
async fn confirmations_are_waited_for() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let planned = planned.expect("a plan");
    let provider = chain.provider();

    let (sent, options) = listener();
    let options = SendOptions { confirmations: 4, ..options };
    let miner = async {
        while sent.lock().expect("no panics").is_empty() {
            tokio::task::yield_now().await;
        }
        for _ in 0..8 {
            provider.evm_mine(None).await.expect("anvil obeys");
        }
    };
    let (deployed, ()) = tokio::join!(planned.send(&chain, &options), miner);
    let block = deployed.expect("deployed").block.expect("a transaction was sent");
    assert!(provider.get_block_number().await.expect("an answer") >= block + 3);
}

#[tokio::test]
async fn a_refusal_that_comes_after_the_simulation_is_a_verdict() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let deployed = planned.expect("a plan").send(&chain, &SendOptions::default()).await;
    let verifier: Address = deployed.expect("deployed").address;
    let submission = Submission::to_verifier(verifier, &proof(&instances()), &instances());
    // An EVM contract that reverts with `InvalidProof()` takes the verifier's place.
    let selector = alloy::primitives::keccak256("InvalidProof()");
    let code = [&[0x63], &selector[..4], &[0x60, 0xe0, 0x1b, 0x5f, 0x52, 0x60, 0x04, 0x5f, 0xfd]];
    let code = code.concat();
    let node = chain.provider().clone();
    node.anvil_set_auto_mine(false).await.expect("anvil obeys");

    let (sent, options) = listener();
    let usurper = async {
        while sent.lock().expect("no panics").is_empty() {
            tokio::task::yield_now().await;
        }
        node.anvil_set_code(verifier, code.into()).await.expect("anvil obeys");
        node.anvil_set_auto_mine(true).await.expect("anvil obeys");
        node.evm_mine(None).await.expect("anvil obeys");
    };
    let (verdict, ()) = tokio::join!(submission.send(&chain, &contract.abi, &options), usurper);
    let report = verdict.expect("an answer").report();
    assert!(!report.valid);
    assert_eq!(report.error.expect("its words").to_string(), "InvalidProof()");
    assert!(report.transaction.is_some());
}
