//! `watch` as a daemon: killed, told to end, started by what `examples/operating` holds.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use alloy::{
    primitives::{Address, U256},
    providers::{Provider, ext::AnvilApi},
    sol,
    sol_types::SolCall,
};
use serde_json::Value;
use zkverdict::chain::{Chain, LocalChain, SendOptions};

use crate::{
    command::{KEY, bundle, ok, read, root, run, zkverdict},
    stand_in::{self, connect, contract},
};

sol! {
    function ask(uint256 count) external;
    function answerCount() external view returns (uint256);
}

/// A consumer that trusts the bundle's verifier.
async fn asker(chain: &Chain, local: &LocalChain, dir: &Path) -> Address {
    let (bundle, _) = bundle();
    let records = dir.join("deployments");
    let text = records.display().to_string();
    ok(&["deploy", bundle, "--rpc-url", local.url(), "--deployments", &text]);
    stand_in::asker(chain, &records).await
}

pub async fn ask(chain: &Chain, local: &LocalChain, asker: Address, count: u64) {
    let customer = chain.clone().with_key(local.nth_key(1));
    let ask = askCall { count: U256::from(count) }.abi_encode();
    let abi = contract("Asker").abi;
    customer.send(asker, ask.into(), &abi, &SendOptions::default()).await.expect("asked");
}

/// Every answer has its one transaction.
pub async fn expect_answers(chain: &Chain, asker: Address, expected: u64) {
    assert_eq!(read(chain, asker, answerCountCall {}).await, U256::from(expected));
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

/// The command as it is started, and what it says.
pub fn start(arguments: &[&str]) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_zkverdict"))
        .current_dir(root())
        .args(arguments)
        .env("ZKVERDICT_PRIVATE_KEY", KEY)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command runs");
    let said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    (child, said.map_while(Result::ok))
}

#[tokio::test]
async fn a_watch_that_is_killed_again_and_again_answers_everything_once() {
    const REQUESTS: u64 = 12;
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let asker = asker(&chain, &local, dir.path()).await;
    ask(&chain, &local, asker, REQUESTS).await;

    let journal = dir.path().join("journal").display().to_string();
    let (bundle, consumer) = (&bundle().0, asker.to_string());
    let watch = ["watch", bundle, "--once", "--consumer", &consumer, "--journal", &journal];
    let watch = [&watch[..], &["--rpc-url", local.url()]].concat();
    // Each run dies after so many lines of what it says: while it finds, proves, sends, waits.
    for lines in [1, 15, 3, 2, 4] {
        let (mut child, said) = start(&watch);
        // It says nothing more and ends when everything is answered. Nobody watches, and it says something all the same.
        let said: Vec<String> = said.take(lines).collect();
        assert!(said[0].contains("started"), "{said:?}");
        child.kill().expect("it runs, or nobody has asked for its end yet");
        child.wait().expect("it is dead");
    }
    let output = run(&[&watch[..], &["--log", "json"]].concat());
    assert!(output.status.success());
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON document");
    assert_eq!(report["skipped"], 0);
    // What is said where nobody watches: one JSON object a line, and never the key.
    let text = String::from_utf8(output.stderr).expect("text");
    let events: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut told = events
        .iter()
        .filter(|event| !["stage", "done"].contains(&event["event"].as_str().unwrap()));
    assert_eq!(told.next().expect("a line")["event"], "started");
    assert_eq!(events.last().expect("a line")["event"], "ended");
    // This node proves what it says.
    assert!(events.iter().all(|event| event["event"] != "unproved"), "{text}");
    assert!(!text.contains(&KEY[2..]));
    expect_answers(&chain, asker, REQUESTS).await;
}

/// Workers elsewhere prove, and nothing else is another.
#[cfg(feature = "cluster")]
#[tokio::test]
async fn a_watch_whose_proofs_workers_make_answers_everything() {
    let Some(nats) = crate::nats::Nats::start() else { return };
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let asker = asker(&chain, &local, dir.path()).await;
    ask(&chain, &local, asker, 2).await;
    let (mut worker, _said) = start(&["worker", "--nats", &nats.url()]);
    let journal = dir.path().join("journal").display().to_string();
    let (bundle, consumer, url) = (&bundle().0, asker.to_string(), nats.url());
    let watch = ["watch", bundle, "--once", "--consumer", &consumer, "--journal", &journal];
    let queue = ["--rpc-url", local.url(), "--nats", &url, "--log", "json"];
    let output = run(&[&watch[..], &queue].concat());
    worker.kill().expect("it runs");
    worker.wait().expect("it is dead");
    let told = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success(), "{told}");
    assert!(told.lines().any(|line| line.contains("\"job\"")), "{told}");
    expect_answers(&chain, asker, 2).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_watch_that_is_told_to_end_leaves_what_is_under_way_in_its_journal() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let asker = asker(&chain, &local, dir.path()).await;
    ask(&chain, &local, asker, 1).await;
    // The answer waits for its block.
    chain.provider().anvil_set_auto_mine(false).await.expect("anvil obeys");

    let journal = dir.path().join("journal");
    let (bundle, consumer) = (&bundle().0, asker.to_string());
    let folder = journal.display().to_string();
    let watch = ["watch", bundle, "--consumer", &consumer, "--journal", &folder];
    let watch = [&watch[..], &["--rpc-url", local.url(), "--log", "json"]].concat();
    let (mut child, mut said) = start(&watch);
    let sent = said.find(|line| line.contains("\"sent\"")).expect("an answer goes out");
    let sent: Value = serde_json::from_str(&sent).expect("JSON");
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(told.expect("it is told").success());
    let last = said.last().expect("a line");
    assert!(last.contains("\"ended\""), "{last}");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let text = std::fs::read_to_string(journal.join(format!("31337-{asker}.json")));
    let kept: Value = serde_json::from_str(&text.expect("a journal")).expect("JSON");
    let slots = kept["slots"].as_object().expect("nonces");
    let versions = slots.values().map(|slot| &slot["versions"][0]["outgoing"]["transaction"]);
    assert_eq!(versions.collect::<Vec<_>>(), [&sent["transaction"]]);

    chain.provider().anvil_set_auto_mine(true).await.expect("anvil obeys");
    ok(&[&watch[..], &["--once"]].concat());
    expect_answers(&chain, asker, 1).await;
}

/// A port on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

#[tokio::test]
async fn exit_codes_tell_a_supervisor_what_passes() {
    let local = LocalChain::start().expect("anvil");
    let dir = tempfile::tempdir().expect("a directory");
    let journal = dir.path().join("journal").display().to_string();
    let consumer = Address::ZERO.to_string();
    let watch = ["watch", &bundle().0, "--consumer", &consumer, "--journal", &journal];
    let code = |more: &[&str]| {
        let output = run(&[&watch[..], more].concat());
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // Nobody answers: later, perhaps.
    let (later, said) = code(&["--rpc-url", &nobody()]);
    assert_eq!(later, Some(75), "{said}");
    // Another chain, and no consumer: not by waiting.
    let (wrong, said) = code(&["--rpc-url", local.url(), "--chain-id", "1"]);
    assert_eq!(wrong, Some(2), "{said}");
    // A journal that cannot be opened: later, perhaps.
    std::fs::write(&journal, "a file where the folder should be").expect("written");
    let (later, said) = code(&["--rpc-url", local.url()]);
    assert_eq!(later, Some(75), "{said}");
    // Whoever asks for one round wants to know.
    let (once, said) = code(&["--rpc-url", &nobody(), "--once"]);
    assert_eq!(once, Some(2), "{said}");
}

/// Arguments of `watch` as a supervisor's file has them, with this machine's bundle and a node that is not there.
fn as_written<'a>(words: impl Iterator<Item = &'a str>, dir: &Path) -> Vec<String> {
    let mut arguments = vec!["watch".to_owned(), bundle().0.clone()];
    let words: Vec<&str> = words.flat_map(|word| word.split('=')).collect();
    assert_eq!(words[0], "watch");
    for pair in words[2..].chunks(2) {
        let value = match pair[0] {
            // The key is in the environment here.
            "--keystore" => continue,
            "--rpc-url" => nobody(),
            "--journal" => dir.join("journal").display().to_string(),
            _ => pair[1].to_owned(),
        };
        arguments.extend([pair[0].to_owned(), value]);
    }
    arguments
}

#[test]
fn supervisors_files_start_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = |name: &str| {
        std::fs::read_to_string(root().join("examples/operating").join(name)).expect("a file")
    };
    let (unit, compose) = (file("zkverdict-watch.service"), file("compose.yaml"));
    let whole = unit.replace("\\\n", " ");
    let start = whole.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("a command");
    let of_unit = as_written(start.split_whitespace().skip(1), dir.path());
    let after = compose.split_once("    command:\n").expect("a command").1;
    let items = after.lines().map_while(|line| line.strip_prefix("      - "));
    let of_compose = as_written(items, dir.path());
    assert_eq!(of_unit.len(), of_compose.len());
    for arguments in [of_unit, of_compose] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = zkverdict(&arguments).output().expect("the command runs");
        // All is as it should be but the node.
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{said}");
    }
    assert!(unit.contains("RestartPreventExitStatus=0 2\n") && unit.contains("Restart=always\n"));
    // systemd's own opinion, where it is.
    let here = dir.path().join("zkverdict-watch.service");
    let program = unit.replace("/usr/local/bin/zkverdict", env!("CARGO_BIN_EXE_zkverdict"));
    std::fs::write(&here, program).expect("written");
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&here).output();
    if let Ok(verified) = verified {
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && !said.contains("zkverdict-watch"), "{said}");
    }
}
