//! How many requests `watch` answers a second, with real proofs on an anvil:
//! `cargo bench --bench watch --profile dev`.
//!
//! First a hundred requests in one run. Then two hundred more, while the command is killed sixty times at random
//! moments, the chain's last blocks go again and again, and all it hears comes through a proxy that lags, drops and limits.
//! Both times every request is answered once, and no transaction is sent in vain.

#[path = "../tests/chain_anvil/stand_in.rs"]
#[allow(dead_code)]
mod stand_in;

#[path = "../tests/chain_anvil/proxy.rs"]
mod proxy;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use alloy::{
    primitives::{Address, U256},
    providers::{Provider, ext::AnvilApi},
    sol,
    sol_types::SolCall,
};
use proxy::Proxy;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use stand_in::{connect, contract};
use zkverdict::chain::{CallOutcome, Chain, LocalChain, SendOptions, block_on};

/// Requests in one run, and in many that are killed.
const REQUESTS: u64 = 100;
const TROUBLED: u64 = 200;
const KILLS: u32 = 60;

/// Requests in one of the customer's transactions.
const AT_ONCE: u64 = 25;

/// The last blocks that may go.
const DEPTH: u64 = 3;

const MODEL: &str = "test/fixtures/models/credit_logreg/int8_qdq.onnx";
const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

sol! {
    function ask(uint256 count) external;
    function answerCount() external view returns (uint256);
}

fn zkverdict(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("--json").args(arguments);
    command.env("ZKVERDICT_PRIVATE_KEY", KEY);
    command
}

fn ok(arguments: &[&str]) -> Value {
    let output = zkverdict(arguments).output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// A consumer that trusts the bundle's verifier.
async fn asker(chain: &Chain, local: &LocalChain, bundle: &str, dir: &Path) -> Address {
    let records = dir.join("deployments");
    let text = records.display().to_string();
    ok(&["deploy", bundle, "--rpc-url", local.url(), "--deployments", &text]);
    stand_in::asker(chain, &records).await
}

/// Asks as a customer, in transactions that fit into blocks.
async fn ask(chain: &Chain, local: &LocalChain, asker: Address, count: u64) {
    let customer = chain.clone().with_key(local.nth_key(1));
    let (abi, options) = (contract("Asker").abi, SendOptions::default());
    for _ in 0..count / AT_ONCE {
        let call = askCall { count: U256::from(AT_ONCE) }.abi_encode();
        customer.send(asker, call.into(), &abi, &options).await.expect("asked");
    }
    // What is asked stays: it is the answers that reorgs take.
    chain.provider().anvil_mine(Some(DEPTH), None).await.expect("anvil obeys");
}

/// Every request has its answer, and every answer its one transaction.
async fn check(chain: &Chain, asker: Address, expected: u64) {
    let count = answerCountCall {}.abi_encode();
    let Ok(CallOutcome::Returned(count)) = chain.call(asker, count.into()).await else {
        panic!("the consumer does not say how many answers it has")
    };
    assert_eq!(U256::from_be_slice(&count), U256::from(expected));
    let mut sent = 0;
    for number in 0..=chain.provider().get_block_number().await.expect("an answer") {
        let receipts = chain.provider().get_block_receipts(number.into()).await;
        for receipt in receipts.expect("an answer").expect("the block is there") {
            if receipt.to == Some(asker) && receipt.from == chain.sender() {
                assert!(receipt.status(), "no answer was sent in vain");
                sent += 1;
            }
        }
    }
    assert_eq!(sent, expected);
}

fn main() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    let bundle = path("credit.zkv").display().to_string();
    ok(&["keygen", MODEL, "--out", &bundle, "--unsafe-dev-srs"]);
    let seed =
        std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(rand::random);
    let mut random = StdRng::seed_from_u64(seed);
    let finished = block_on(async {
        let local = LocalChain::start()?;
        let chain = connect(&local).await;
        let asker = asker(&chain, &local, &bundle, dir.path()).await;
        let (consumer, journal) = (asker.to_string(), path("journal").display().to_string());
        let watch = ["watch", &bundle, "--consumer", &consumer, "--journal", &journal];

        ask(&chain, &local, asker, REQUESTS).await;
        let direct = [&watch[..], &["--once", "--rpc-url", local.url()]].concat();
        let report = ok(&direct);
        assert_eq!((&report["answered"], &report["skipped"]), (&REQUESTS.into(), &0.into()));
        check(&chain, asker, REQUESTS).await;
        println!(
            "one run     {REQUESTS} requests in {:.1} s, {:.2} a second",
            report["seconds"].as_f64().unwrap_or_default(),
            report["per_second"].as_f64().unwrap_or_default()
        );

        let proxy = Proxy::start(local.url(), seed);
        let watch = [&watch[..], &["--interval", "0.3", "--rpc-url", &proxy.url]].concat();
        let start = Instant::now();
        let (mut reorgs, mut asked) = (0, 0);
        for kills in 0..KILLS {
            let due = (u64::from(kills + 1) * TROUBLED).div_ceil(u64::from(KILLS));
            while asked < due {
                ask(&chain, &local, asker, AT_ONCE).await;
                asked += AT_ONCE;
            }
            let mut child = zkverdict(&watch)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("the command runs");
            // From before the journal is opened to well into the answers.
            let end = Instant::now() + Duration::from_millis(random.gen_range(10..6_000));
            while Instant::now() < end {
                std::thread::sleep((end - Instant::now()).min(Duration::from_millis(700)));
                if random.gen_bool(0.4) {
                    let options = (random.gen_range(1..=DEPTH), Vec::<Value>::new());
                    let reorg = chain.provider().raw_request("anvil_reorg".into(), options);
                    let () = reorg.await.expect("anvil obeys");
                    reorgs += 1;
                }
            }
            assert!(
                child.try_wait().expect("it is a child of this process").is_none(),
                "it goes on"
            );
            child.kill().expect("it runs");
            child.wait().expect("it is dead");
        }
        // Left alone, it answers what is left; the proxy is as bad as before.
        let last = [&watch[..], &["--once"]].concat();
        let mut runs = 1;
        while !zkverdict(&last).output().expect("the command runs").status.success() {
            runs += 1;
            assert!(runs < 20, "it never ends well");
        }
        check(&chain, asker, REQUESTS + TROUBLED).await;
        let seen = |figure: &std::sync::atomic::AtomicU64| figure.load(Ordering::Relaxed);
        let figures = &proxy.figures;
        println!(
            "troubled    {TROUBLED} requests in {:.1} s, killed {KILLS} times, {reorgs} reorgs, {runs} runs to the end; of {} \
             questions {} dropped, {} limited, {} answered from blocks behind; seed {seed}",
            start.elapsed().as_secs_f64(),
            seen(&figures.questions),
            seen(&figures.dropped),
            seen(&figures.limited),
            seen(&figures.behind),
        );
        Ok::<_, zkverdict::chain::ChainError>(())
    });
    finished.expect("the chain answers");
}
