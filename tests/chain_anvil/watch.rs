use std::{
    collections::BTreeSet,
    future::Future,
    path::Path,
    pin::pin,
    task::{Context, Poll},
};

use alloy::{
    primitives::{Address, B256, U256},
    providers::{Provider, ext::AnvilApi},
    sol,
    sol_types::{SolCall, SolValue},
};
use zkverdict::chain::{
    Answer, CallOutcome, Chain, ChainError, LocalChain, Request, SendOptions, WatchEvent,
    WatchOptions, WatchReport, Watcher, model_id,
};

use crate::stand_in::{connect, contract, deploy, proof, with_arguments};

sol! {
    function ask(uint256 count) external;
    function answerCount() external view returns (uint256);
    function answers(uint256 requestId) external view returns (uint256);
}

/// A consumer that trusts one `StandIn`.
async fn asker(chain: &Chain) -> Address {
    let verifier = deploy(chain, &contract("StandIn")).await;
    let digest = match chain
        .call(verifier, zkverdict::chain::IHalo2Verifier::VK_DIGESTCall {}.abi_encode().into())
        .await
    {
        Ok(CallOutcome::Returned(digest)) => alloy::primitives::B256::from_slice(&digest),
        other => panic!("{other:?}"),
    };
    let model = model_id("stand-in");
    let single = with_arguments(
        "SingleModelVerifier",
        &(verifier, model, digest, B256::ZERO).abi_encode_params(),
    );
    let single = deploy(chain, &single).await;
    deploy(chain, &with_arguments("Asker", &(single, model).abi_encode_params())).await
}

async fn request(chain: &Chain, asker: Address, count: u64) {
    let call = askCall { count: U256::from(count) }.abi_encode();
    let abi = contract("Asker").abi;
    chain.send(asker, call.into(), &abi, &SendOptions::default()).await.expect("asked");
}

async fn read<C: SolCall<Return = U256>>(chain: &Chain, asker: Address, call: C) -> u64 {
    match chain.call(asker, call.abi_encode().into()).await {
        Ok(CallOutcome::Returned(data)) => U256::from_be_slice(&data).to(),
        other => panic!("{other:?}"),
    }
}

/// A model that doubles.
fn double(request: &Request, context: U256) -> Result<Answer, String> {
    let instances = vec![context, request.inputs[0], request.inputs[0] * U256::from(2)];
    Ok(Answer { proof: proof(&instances), instances })
}

fn watcher(chain: &Chain, asker: Address, directory: &Path) -> Watcher {
    let abi = contract("StandIn").abi;
    Watcher::open(chain.clone(), asker, abi, directory, 0).expect("a journal")
}

fn once() -> WatchOptions {
    WatchOptions { once: true, ..Default::default() }
}

async fn check_all_answered(chain: &Chain, asker: Address, count: u64) {
    assert_eq!(read(chain, asker, answerCountCall {}).await, count);
    for id in 0..count {
        let answer = read(chain, asker, answersCall { requestId: U256::from(id) }).await;
        assert_eq!(answer, 2 * (1000 + id));
    }
}

/// Successful transactions of an operator to a consumer, from the chain's own history.
async fn transactions(chain: &Chain, to: Address) -> (usize, usize) {
    let provider = chain.provider();
    let (mut good, mut failed) = (0, 0);
    for number in 0..=provider.get_block_number().await.expect("an answer") {
        let receipts = provider.get_block_receipts(number.into()).await.expect("an answer");
        for receipt in receipts.expect("the block is there") {
            if receipt.to == Some(to) && receipt.from == chain.sender() {
                if receipt.status() { good += 1 } else { failed += 1 }
            }
        }
    }
    (good, failed)
}

#[tokio::test]
async fn a_hundred_requests_are_served_in_one_run() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    for _ in 0..4 {
        request(&customer, asker, 25).await;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let mut answered = BTreeSet::new();
    let report = watcher(&chain, asker, dir.path())
        .run(
            double,
            |event| {
                if let WatchEvent::Answered { id, .. } = event {
                    assert!(answered.insert(*id), "each once");
                }
            },
            &once(),
        )
        .await
        .expect("served");
    assert_eq!(report, WatchReport { answered: 100, ..Default::default() });
    check_all_answered(&chain, asker, 100).await;

    // A later run finds nothing to do, with its journal or without one.
    let report = watcher(&chain, asker, dir.path()).run(double, |_| {}, &once()).await;
    assert_eq!(report.expect("served"), WatchReport::default());
    let empty = tempfile::tempdir().expect("a directory");
    let report = watcher(&chain, asker, empty.path()).run(double, |_| {}, &once()).await;
    assert_eq!(report.expect("served").already_answered, 100);
    assert_eq!(transactions(&chain, asker).await, (100, 0));
}

/// Polls a future so many times and then drops it, as a crash would; `None` if it had not finished.
async fn crash_after<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(move |context: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[tokio::test]
async fn a_loop_that_is_killed_at_any_moment_loses_nothing_and_answers_once() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    let dir = tempfile::tempdir().expect("a directory");
    let options = once();
    let mut crashes = 0;
    let mut polls = 1;
    for round in 0..8 {
        request(&customer, asker, 3).await;
        // Crashes come later and later in the run, so each of its steps is cut somewhere.
        loop {
            let watcher = watcher(&chain, asker, dir.path());
            let run = watcher.run(double, |_| {}, &options);
            match crash_after(polls, run).await {
                None => crashes += 1,
                Some(outcome) => {
                    outcome.expect("served");
                    break;
                }
            }
            polls += 1 + round % 3;
        }
        polls /= 2;
    }
    assert!(crashes > 20, "{crashes} crashes");
    check_all_answered(&chain, asker, 24).await;
    assert_eq!(transactions(&chain, asker).await, (24, 0));
}

#[tokio::test]
async fn an_answer_signed_before_a_crash_goes_out_again_as_it_is() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    request(&customer, asker, 1).await;
    let dir = tempfile::tempdir().expect("a directory");

    // The journal is written, and then sending fails, as if the process died in between.
    let mut options = once();
    let dead = || ChainError::Unreachable { endpoint: "nowhere".into(), reason: "dead".into() };
    options.send.on_send = Some(std::sync::Arc::new(move |_| Err(dead())));
    options.send.patience = std::time::Duration::ZERO;
    let error = watcher(&chain, asker, dir.path()).run(double, |_| {}, &options).await;
    assert!(matches!(error, Err(ChainError::Unreachable { .. })), "{error:?}");
    assert_eq!(read(&chain, asker, answerCountCall {}).await, 0);

    let never = |_: &Request, _| -> Result<Answer, String> { panic!("it is proved already") };
    let report = watcher(&chain, asker, dir.path()).run(never, |_| {}, &once()).await;
    assert_eq!(report.expect("served").answered, 1);
    check_all_answered(&chain, asker, 1).await;
}

#[tokio::test]
async fn two_operators_answer_each_request_once() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let other = chain.clone().with_key(local.nth_key(2));
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    request(&customer, asker, 20).await;
    let dirs = [tempfile::tempdir(), tempfile::tempdir()].map(|dir| dir.expect("a directory"));
    let (a, b) = (watcher(&chain, asker, dirs[0].path()), watcher(&other, asker, dirs[1].path()));
    let options = once();
    let (a, b) = tokio::join!(a.run(double, |_| {}, &options), b.run(double, |_| {}, &options));
    let (a, b) = (a.expect("served"), b.expect("served"));
    assert_eq!(a.answered + b.answered, 20);
    assert_eq!(a.skipped + b.skipped, 0);
    check_all_answered(&chain, asker, 20).await;
}

#[tokio::test]
async fn one_journal_serves_one_loop() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let consumer = Address::repeat_byte(1);
    let first = Watcher::open(chain.clone(), consumer, Default::default(), dir.path(), 0);
    let second = Watcher::open(chain.clone(), consumer, Default::default(), dir.path(), 0);
    assert!(matches!(second, Err(ChainError::Record { .. })), "{second:?}");
    let error = first.expect("a journal").run(double, |_| {}, &once()).await;
    assert!(matches!(error, Err(ChainError::NoContract { .. })), "{error:?}");
    Watcher::open(chain, consumer, Default::default(), dir.path(), 0).expect("it is free again");
}

#[tokio::test]
async fn what_cannot_be_proved_is_passed_over_and_tried_again_later() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    request(&customer, asker, 3).await;
    let dir = tempfile::tempdir().expect("a directory");
    let unwilling = |request: &Request, context| {
        if request.id == U256::from(1) {
            Err("no".into())
        } else if request.id == U256::from(2) {
            let mut answer = double(request, context)?;
            answer.proof[0] ^= 1;
            Ok(answer)
        } else {
            double(request, context)
        }
    };
    let mut reasons = Vec::new();
    let listen = |event: &WatchEvent| {
        if let WatchEvent::Skipped { reason, .. } = event {
            reasons.push(reason.clone());
        }
    };
    let report = watcher(&chain, asker, dir.path()).run(unwilling, listen, &once()).await;
    let report = report.expect("served");
    assert_eq!((report.answered, report.skipped), (1, 2));
    reasons.sort();
    assert_eq!(reasons, ["InvalidProof()", "no"]);

    let report = watcher(&chain, asker, dir.path()).run(double, |_| {}, &once()).await;
    assert_eq!(report.expect("served").answered, 2);
    check_all_answered(&chain, asker, 3).await;
}

#[tokio::test]
async fn requests_are_answered_when_they_are_deep_enough() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    request(&customer, asker, 1).await;
    let dir = tempfile::tempdir().expect("a directory");
    let options = WatchOptions { confirmations: 3, ..once() };
    let watcher = watcher(&chain, asker, dir.path());
    let report = watcher.run(double, |_| {}, &options).await;
    assert_eq!(report.expect("served").answered, 0);
    for _ in 0..2 {
        chain.provider().evm_mine(None).await.expect("anvil obeys");
    }
    let report = watcher.run(double, |_| {}, &options).await;
    assert_eq!(report.expect("served").answered, 1);
}

#[tokio::test]
async fn two_loops_of_one_machine_do_not_share_a_key() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    request(&customer, asker, 5).await;
    let dirs = [tempfile::tempdir(), tempfile::tempdir()].map(|dir| dir.expect("a directory"));
    let (a, b) = (watcher(&chain, asker, dirs[0].path()), watcher(&chain, asker, dirs[1].path()));
    let options = once();
    let (a, b) = tokio::join!(a.run(double, |_| {}, &options), b.run(double, |_| {}, &options));
    assert_eq!(a.expect("served").answered, 5);
    assert!(matches!(b, Err(ChainError::KeyInUse { .. })), "{b:?}");
    assert_eq!(transactions(&chain, asker).await, (5, 0), "no answer is paid for in vain");
}

#[tokio::test]
async fn a_reorg_brings_requests_and_answers_back() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let customer = chain.clone().with_key(local.nth_key(1));
    let asker = asker(&chain).await;
    request(&customer, asker, 3).await;
    let dir = tempfile::tempdir().expect("a directory");
    let report = watcher(&chain, asker, dir.path()).run(double, |_| {}, &once()).await;
    assert_eq!(report.expect("served").answered, 3);
    // The blocks of the answers go, and the answers with them.
    let options = alloy::rpc::types::anvil::ReorgOptions { depth: 3, tx_block_pairs: Vec::new() };
    chain.provider().anvil_reorg(options).await.expect("anvil obeys");
    assert_eq!(read(&chain, asker, answerCountCall {}).await, 0);
    let report = watcher(&chain, asker, dir.path()).run(double, |_| {}, &once()).await;
    assert_eq!(report.expect("served").answered, 3);
    check_all_answered(&chain, asker, 3).await;
}
