//! Bundles of packed proofs on a chain: their contracts have the interface of all others, so whatever takes one of those
//! takes them.

use alloy::{primitives::U256, sol_types::SolValue};
use serde_json::Value;
use zkverdict::chain::{LocalChain, consumer_context, model_id};

use crate::{
    command::{
        address, bundle, error, lastOutputCall, ok, prove as prove_of_other_format, read, run,
    },
    daemon::{ask, expect_answers},
    stand_in::{asker, connect, deploy, with_arguments},
};

#[tokio::test]
async fn a_bundle_of_packed_proofs_is_deployed_submitted_to_registered_and_watched() {
    const REQUESTS: u64 = 3;
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (other_bundle, input) = bundle();
    let (packed, records) = (path("packed.zkv"), path("deployments"));
    let model = "test/fixtures/models/credit_logreg/int8_qdq.onnx";
    ok(&["keygen", model, "--out", &packed, "--format", "packed", "--unsafe-dev-srs"]);
    let rpc = ["--rpc-url", local.url()];
    let with = |arguments: &[&str]| ok(&[arguments, &rpc].concat());
    let prove = |name: &str, context: U256| {
        let (out, context) = (path(name), format!("0x{context:064x}"));
        ok(&["prove", &packed, "--input", input, "--context", &context, "--out", &out]);
        out
    };

    // A contract of its own, once.
    let deployed = with(&["deploy", &packed, "--deployments", &records]);
    let again = with(&["deploy", &packed, "--deployments", &records]);
    assert_eq!(
        (&again["already_deployed"], &again["address"]),
        (&true.into(), &deployed["address"])
    );
    let other = with(&["deploy", other_bundle, "--dry-run"]);
    assert_ne!(other["address"], deployed["address"]);

    let proof = prove("proof.json", U256::ZERO);
    let submit = |proof: &str| run(&[&["submit", &packed, proof], &rpc[..]].concat());
    let verdict = with(&["submit", &packed, &proof]);
    assert_eq!(verdict["valid"], true);
    // Most inputs are 0 here, which costs less than what is foretold of dense ones.
    let gas = verdict["gas_used"].as_u64().expect("gas");
    assert!((190_000..225_000).contains(&gas), "{gas} gas");

    // Another output under the same proof, another word in it, a proof of the other format.
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(&proof).expect("a file")).expect("JSON");
    // What the file says besides would contradict it before anything is asked.
    for said in ["inferences", "calldata"] {
        document.as_object_mut().expect("an object").remove(said);
    }
    let mut wrong_output = document.clone();
    wrong_output["instances"][2] = format!("0x{:064x}", 1).into();
    let mut wrong_point = document;
    let bytes = wrong_point["proof"].as_str().expect("a proof").to_owned();
    wrong_point["proof"] = format!("0x{:0128x}{}", 1, &bytes[2 + 128..]).into();
    for (forged, expected) in [(wrong_output, "InvalidProof"), (wrong_point, "PointNotOnCurve")] {
        let file = path("forged.json");
        std::fs::write(&file, forged.to_string()).expect("written");
        let output = submit(&file);
        assert_eq!(output.status.code(), Some(1));
        let refusal: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(refusal["error"]["name"], expected);
        assert_eq!((&refusal["valid"], &refusal["transaction"]), (&false.into(), &Value::Null));
    }
    let foreign = prove_of_other_format(dir.path(), U256::ZERO);
    let refused = error(&["submit", &packed, &foreign, rpc[0], rpc[1]]);
    assert!(refused.contains("format is `halo2`, this bundle's proofs are `packed`"), "{refused}");

    // Both formats' contracts are versions of one model in a registry, and consumers take the newer.
    with(&["deploy", other_bundle, "--deployments", &records]);
    let registry = with(&["registry", "deploy", "--deployments", &records]);
    let there = ["--registry", registry["address"].as_str().expect("an address")];
    for (version, bundle) in [(1, other_bundle), (2, &packed)] {
        let add = [&["registry", "add", bundle, "--model", "credit"], &there[..]].concat();
        assert_eq!(with(&add)["version"], version);
    }
    let arguments = (address(&registry["address"]), model_id("credit"), U256::ZERO);
    let recorder = with_arguments("Recorder", &arguments.abi_encode_params());
    let recorder = deploy(&chain, &recorder).await;
    let proof = prove("consumer.json", consumer_context(31337, recorder, chain.sender(), 0));
    let submit = ["submit", &packed, &proof, "--to", &recorder.to_string()];
    assert_eq!(with(&submit)["valid"], true);
    assert_ne!(read(&chain, recorder, lastOutputCall {}).await, U256::ZERO);

    // The first record is the packed contract's.
    let asker = asker(&chain, &dir.path().join("deployments")).await;
    ask(&chain, &local, asker, REQUESTS).await;
    let watch = ["watch", &packed, "--once", "--consumer", &asker.to_string()];
    let report = with(&[&watch[..], &["--journal", &path("journal")]].concat());
    assert_eq!(report["skipped"], 0);
    expect_answers(&chain, asker, REQUESTS).await;
}
