//! Bundles of architectures on a chain: one verifier, and a version for each training that a registry names.

use std::path::Path;

use alloy::{
    primitives::{Address, B256, U256},
    sol,
    sol_types::SolValue,
};
use serde_json::Value;
use tempfile::TempDir;
use zkverdict::chain::{Chain, LocalChain, consumer_context, model_id};

use crate::{
    command::{address, error, ok, read, run},
    daemon::{ask, expect_answers},
    stand_in::{connect, deploy, with_arguments},
};

sol! {
    function answerCount() external view returns (uint256);
    function lastOutput() external view returns (uint256);
}

/// What is on a chain, and the files of the weights' owner.
struct Desk {
    local: LocalChain,
    chain: Chain,
    dir: TempDir,
    bundle: String,
    registry: String,
}

/// The name of a training, and the file that holds it.
struct Training {
    name: String,
    file: String,
}

impl Desk {
    async fn new() -> Self {
        let local = LocalChain::start().expect("anvil");
        let chain = connect(&local).await;
        let dir = tempfile::tempdir().expect("a directory");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let bundle = path("trading.zkv");
        let keygen = ["keygen", "templates/project/trading/model.onnx", "--unsafe-dev-srs"];
        let told = ["--format", "packed", "--weights", "committed", "--out", &bundle];
        ok(&[&keygen[..], &told].concat());
        let records = path("deployments");
        let rpc = ["--rpc-url", local.url(), "--deployments", &records];
        let registry = ok(&[&["registry", "deploy"], &rpc[..]].concat());
        let registry = registry["address"].as_str().expect("an address").to_owned();
        // Once, for all trainings; again does nothing.
        let deployed = ok(&[&["deploy", &bundle], &rpc[..]].concat());
        let again = ok(&[&["deploy", &bundle], &rpc[..]].concat());
        assert_eq!(again["already_deployed"], true);
        assert_eq!(again["address"], deployed["address"]);
        Self { local, chain, dir, bundle, registry }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn commit(&self, model: &str, out: &str) -> Training {
        let (model, file) = (format!("templates/project/trading/{model}"), self.path(out));
        let made = ok(&["commit", &self.bundle, "--weights", &model, "--out", &file]);
        Training { name: made["name"].as_str().expect("text").to_owned(), file }
    }

    /// Arguments with those of the chain.
    fn on<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--rpc-url", self.local.url()]].concat()
    }

    /// Arguments of `registry` with where it is.
    fn of_registry<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        self.on(&[&["registry"], arguments, &["--registry", &self.registry]].concat())
    }

    fn add(&self, weights: [&str; 2]) -> Value {
        ok(&self
            .of_registry(&[&["add", &self.bundle, "--model", "trading"], &weights[..]].concat()))
    }

    /// A proof for a consumer's next turn.
    fn prove(&self, weights: &Training, consumer: Address, turn: u64) -> String {
        let (out, input) = (self.path("proof.json"), "templates/project/trading/returns.json");
        let context = consumer_context(31337, consumer, self.chain.sender(), turn);
        let context = format!("0x{context:064x}");
        let weights = ["--weights-commitment", &weights.file, "--context", &context];
        let words = ["prove", &self.bundle, "--input", input, "--out", &out];
        assert_eq!(ok(&[&words[..], &weights].concat())["valid"], Value::Null);
        out
    }

    /// What is said of a proof: what it was refused with, or the name of its weights.
    fn submit(&self, proof: &str, to: &[&str]) -> (String, bool) {
        let output = run(&self.on(&[&["submit", &self.bundle, proof], to].concat()));
        let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let is_valid = said["valid"].as_bool().expect("a verdict");
        let what = if is_valid { &said["weights"] } else { &said["error"]["name"] };
        (what.as_str().unwrap_or_default().to_owned(), is_valid)
    }
}

#[tokio::test]
async fn trainings_are_versions_of_one_verifier_for_consumers() {
    let desk = Desk::new().await;
    let first = desk.commit("model.onnx", "first.json");
    let second = desk.commit("retrained.onnx", "second.json");
    let stolen = desk.commit("retrained.onnx", "stolen.json");

    // By its file or by its name; again it is found, and without either it is no version.
    assert_eq!(desk.add(["--weights-commitment", &first.file])["version"], 1);
    let again = desk.add(["--weights", &first.name]);
    assert_eq!((&again["version"], &again["transaction"]), (&1.into(), &Value::Null));
    let add = ["add", &desk.bundle, "--model", "trading"];
    let said = error(&desk.of_registry(&add));
    assert!(said.contains("it is not said which ones count"), "{said}");
    for (name, why) in [
        ("0x00", "expected 32 bytes"),
        (&format!("0x{}", "11".repeat(32)), "no commitment has such a name"),
        (&format!("0x{}", "00".repeat(32)), "no commitment has such a name"),
    ] {
        let said = error(&desk.of_registry(&[&add[..], &["--weights", name]].concat()));
        assert!(said.contains(why), "{said}");
    }
    let both = ["--weights", &first.name, "--weights-commitment", &first.file];
    let said = error(&desk.of_registry(&[&add[..], &both].concat()));
    assert!(said.contains("cannot be used with"), "{said}");

    let model = model_id("trading");
    let recorder = |version: u64| {
        let arguments = (address(&desk.registry.clone().into()), model, U256::from(version));
        with_arguments("Recorder", &arguments.abi_encode_params())
    };
    let follower = deploy(&desk.chain, &recorder(0)).await;
    let pinned = deploy(&desk.chain, &recorder(1)).await;
    let (follows, pins) = (follower.to_string(), pinned.to_string());
    let (follows, pins) = (["--to", &follows], ["--to", &pins]);

    // The verifier alone takes proofs about any weights; whoever asks the registry those of the version.
    let proof = desk.prove(&stolen, follower, 0);
    assert_eq!(desk.submit(&proof, &[]), (stolen.name.clone(), true));
    assert_eq!(desk.submit(&proof, &follows), ("WrongWeights".into(), false));
    let verify = |name: &str| {
        let output = run(&["verify", &desk.bundle, &proof, "--weights", name]);
        output.status.code()
    };
    assert_eq!((verify(&stolen.name), verify(&first.name)), (Some(0), Some(1)));
    let proof = desk.prove(&first, follower, 0);
    assert_eq!(desk.submit(&proof, &follows), (first.name.clone(), true));
    assert_ne!(read(&desk.chain, follower, lastOutputCall {}).await, U256::ZERO);

    // The retraining: no contract more, and who follows takes it alone.
    let dry = desk.of_registry(&[&add[..], &["--weights", &second.name, "--dry-run"]].concat());
    assert!(ok(&dry)["estimated_gas"].as_u64() > Some(50_000));
    assert_eq!(desk.add(["--weights", &second.name])["version"], 2);
    let listed = ok(&desk.of_registry(&["list"]));
    for (at, training) in [&first, &second].into_iter().enumerate() {
        assert_eq!(listed[at]["weights"], training.name);
        assert_eq!(listed[at]["verifier"], listed[0]["verifier"]);
    }
    assert_eq!(desk.submit(&desk.prove(&first, follower, 1), &follows).0, "WrongWeights");
    assert_eq!(desk.submit(&desk.prove(&second, pinned, 0), &pins).0, "WrongWeights");
    assert!(desk.submit(&desk.prove(&second, follower, 1), &follows).1);
    assert!(desk.submit(&desk.prove(&first, pinned, 0), &pins).1);

    // Each is stopped and withdrawn by itself.
    ok(&desk.of_registry(&["tombstone", "trading", "1"]));
    assert_eq!(desk.submit(&desk.prove(&first, pinned, 1), &pins).0, "VersionIs");
    assert!(desk.submit(&desk.prove(&second, follower, 2), &follows).1);
    ok(&desk.of_registry(&["stop", "trading", "2"]));
    assert_eq!(desk.submit(&desk.prove(&second, follower, 3), &follows).0, "NoActiveVersion");
    // A name that was withdrawn for good is found, and does not come back.
    let again = desk.add(["--weights", &first.name]);
    assert_eq!((&again["version"], &again["transaction"]), (&1.into(), &Value::Null));
}

#[tokio::test]
async fn requests_are_answered_with_the_weights_that_count() {
    const REQUESTS: u64 = 2;
    let desk = Desk::new().await;
    let first = desk.commit("model.onnx", "first.json");
    let second = desk.commit("retrained.onnx", "second.json");
    desk.add(["--weights", &first.name]);
    let arguments = (address(&desk.registry.clone().into()), model_id("trading"));
    let asker = with_arguments("Asker", &arguments.abi_encode_params());
    let asker = deploy(&desk.chain, &asker).await;
    ask(&desk.chain, &desk.local, asker, REQUESTS).await;

    let (to, journal) = (asker.to_string(), desk.path("journal"));
    let watch = |weights: &[&str]| -> Vec<String> {
        let words = ["watch", &desk.bundle, "--once", "--consumer", &to, "--journal", &journal];
        let words = desk.on(&[&words[..], weights].concat());
        words.into_iter().map(str::to_owned).collect()
    };
    let words = |words: &[String]| -> Vec<String> { words.to_vec() };
    let said = |arguments: Vec<String>| {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        error(&arguments)
    };
    assert!(said(watch(&[])).contains("no commitment to any is given"));
    let wrong = said(watch(&["--weights-commitment", &second.file]));
    assert!(wrong.contains("counts answers about the weights") && wrong.contains(&first.name));
    assert!(!Path::new(&journal).exists(), "nothing was begun");
    let right = words(&watch(&["--weights-commitment", &first.file]));
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    assert_eq!(ok(&right)["skipped"], 0);
    expect_answers(&desk.chain, asker, REQUESTS).await;

    // After a retraining the same loop has nothing to say any more, until it is given the other file.
    desk.add(["--weights", &second.name]);
    ask(&desk.chain, &desk.local, asker, 1).await;
    let refused = error(&right);
    assert!(refused.contains(&second.name), "{refused}");
    let right = watch(&["--weights-commitment", &second.file]);
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    assert_eq!(ok(&right)["answered"], 1);
    expect_answers(&desk.chain, asker, REQUESTS + 1).await;
    assert_eq!(read(&desk.chain, asker, answerCountCall {}).await, U256::from(REQUESTS + 1));
}

/// What consumers count is asked of the contracts, and left open where they do not tell.
#[tokio::test]
async fn consumers_tell_which_weights_count() {
    use zkverdict::chain::consumer_weights;
    let desk = Desk::new().await;
    let first = desk.commit("model.onnx", "first.json");
    desk.add(["--weights", &first.name]);
    let registry = address(&desk.registry.clone().into());
    let arguments = (registry, model_id("trading")).abi_encode_params();
    let asker = deploy(&desk.chain, &with_arguments("Asker", &arguments)).await;
    let name: B256 = first.name.parse().expect("32 bytes");
    let told = consumer_weights(&desk.chain, asker).await.expect("an answer");
    assert_eq!(told, Some(name));
    // The registry is no consumer.
    assert_eq!(consumer_weights(&desk.chain, registry).await.expect("an answer"), None);
}
