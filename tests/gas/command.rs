//! `zkverdict gas`, as a user calls it.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::lab::Lab;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn zkverdict(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkverdict"))
        .args(arguments)
        .current_dir(ROOT)
        .output()
        .expect("the command starts")
}

/// The result of a command with `--json`, and its exit code.
fn result(arguments: &[&str]) -> (Value, i32) {
    let output = zkverdict(&[&["--json"], arguments].concat());
    let result = serde_json::from_slice(&output.stdout);
    let result = result.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (result, output.status.code().unwrap())
}

/// The error of a command with `--json`, which has to fail with exit code 2.
fn error(arguments: &[&str]) -> Value {
    let output = zkverdict(&[&["--json"], arguments].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
    serde_json::from_slice(&output.stderr).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("0x".to_owned()).chain(digits).collect()
}

/// A bundle, a proof file, and a proof file whose proof has its last byte changed.
fn bundle(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let path = |name: &str| folder.join(name);
    let (bundle, input) = (path("digits.zkv"), path("input.json"));
    let (good, bad) = (path("good.json"), path("bad.json"));
    let text = |path: &Path| path.display().to_string();
    std::fs::write(&input, json!(vec![3.0; 64]).to_string()).unwrap();
    let model = "test/fixtures/models/digits_mlp/int8_qdq.onnx";
    let (_, code) = result(&["keygen", model, "--unsafe-dev-srs", "--out", &text(&bundle)]);
    assert_eq!(code, 0);
    let prove = ["prove", &text(&bundle), "--input", &text(&input), "--out", &text(&good)];
    assert_eq!(result(&prove).1, 0);
    let mut proof: Value = serde_json::from_slice(&std::fs::read(&good).unwrap()).unwrap();
    let digits = proof["proof"].as_str().unwrap();
    let (most, last) = digits.split_at(digits.len() - 1);
    proof["proof"] = format!("{most}{}", if last == "0" { "1" } else { "0" }).into();
    // What else the file says would contradict it.
    proof
        .as_object_mut()
        .unwrap()
        .retain(|field, _| ["vk_digest", "proof", "instances"].contains(&field.as_str()));
    std::fs::write(&bad, proof.to_string()).unwrap();
    (bundle, good, bad)
}

#[test]
fn bundle_and_proof_are_measured_checked_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, good, bad) = bundle(folder.path());
    let [bundle, good, bad] = [bundle, good, bad].map(|path| path.display().to_string());
    let [page, snapshot] =
        ["gas.html", "gas.json"].map(|name| folder.path().join(name).display().to_string());

    let (report, code) = result(&["gas", &bundle, &good, "--save", &snapshot, "--html", &page]);
    assert_eq!(code, 0);
    assert_eq!((&report["fork"], &report["call"]["accepted"]), (&"osaka".into(), &true.into()));
    let phases: u64 =
        report["phases"].as_object().unwrap().values().map(|gas| gas.as_u64().unwrap()).sum();
    assert_eq!(report["total"], phases);
    assert!(report["phases"]["pairing"].as_u64() > Some(100_000));
    assert!(!report["lines"].as_array().unwrap().is_empty());
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("data-figure=\"amsterdam.total\""), "the page compares all forks");

    // Worse than kept: the figures are lowered.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&snapshot).unwrap()).unwrap();
    kept["forks"]["osaka"]["total"] = (report["total"].as_u64().unwrap() - 100).into();
    std::fs::write(&snapshot, kept.to_string()).unwrap();
    let (worse, code) = result(&["gas", &bundle, &good, "--check", &snapshot]);
    assert_eq!(code, 1);
    assert_eq!(worse["snapshot"]["figures"][0]["regressed"], true);
    let check = ["gas", &bundle, &good, "--check", &snapshot, "--tolerance", "1"];
    assert_eq!(zkverdict(&check).status.code(), Some(0));
    let error = error(&["gas", &bundle, &good, "--fork", "all", "--check", &snapshot]);
    assert!(error["error"].as_str().unwrap().ends_with("has no figures for `cancun`"), "{error}");

    let (refused, code) = result(&["gas", &bundle, &bad, "--fork", "all"]);
    assert_eq!(code, 1);
    assert_eq!(refused.as_array().unwrap().len(), 4);
    for report in refused.as_array().unwrap() {
        assert_eq!(report["call"]["accepted"], false);
        assert!(report["call"]["error"]["name"].is_string(), "{report}");
    }
}

#[test]
fn any_contract_and_its_consumer_are_measured() {
    let lab = Lab::read("via_ir");
    let calldata = hex(&lab.good_calldata());
    let contract = "test/fixtures/gas/Lab.sol";
    let consumer = "test/fixtures/gas/LabConsumer.sol";
    let gas = ["gas", "--contract", contract, "--calldata", &calldata];
    let (report, code) = result(&[&gas[..], &["--with-consumer", consumer]].concat());
    assert_eq!(code, 0);
    assert!(report["phases"]["consumer"].as_u64() > Some(22_100), "{report}");
    assert!(report["phases"]["pairing"].as_u64() > Some(113_000));

    // An artifact alone: no source, no phases, the same gas.
    let folder = tempfile::tempdir().unwrap();
    let artifact = folder.path().join("Lab.json");
    let code = hex(&lab.init_code("Lab"));
    std::fs::write(&artifact, json!({ "bytecode": { "object": code } }).to_string()).unwrap();
    let artifact = artifact.display().to_string();
    let (bare, code) = result(&["gas", "--contract", &artifact, "--calldata", &calldata]);
    assert_eq!(code, 0);
    assert_eq!(bare["contract"], "Lab");
    assert_eq!(bare["phases"]["execution"], bare["execution"]);
    let measured =
        lab.experiment(&lab.good_calldata()).run(zkverdict::evm::Fork::default()).unwrap();
    assert_eq!(bare["total"], measured.total);

    let missing = ["gas", "--contract", &artifact, "--calldata", &calldata, "--without-precompile"];
    let (report, code) = result(&[&missing[..], &["0x08"]].concat());
    assert_eq!((code, &report["precompiles"][3]["missing"]), (1, &1.into()));
}

/// The project's own consumers: a proof has to be made for the consumer, the sender and the nonce.
#[test]
fn consumers_around_consumers_are_measured() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, proof, _) = bundle(folder.path());
    let manifest = std::fs::read(bundle.join("bundle.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let [bundle, proof] = [bundle, proof].map(|path| path.display().to_string());
    let single = format!("verifier,0xabc,{},0", manifest["vk_digest"].as_str().unwrap());
    let gas = [
        "gas",
        &bundle,
        &proof,
        "--with-consumer",
        "contracts/SingleModelVerifier.sol",
        "--consumer-args",
        &single,
        "--with-consumer",
        "test/fixtures/gas/Answers.sol",
        "--consumer-args",
        "previous,0xabc,0",
    ];
    let (refused, code) = result(&gas);
    assert_eq!(code, 1);
    let error = &refused["call"]["error"];
    assert_eq!(error["name"], "WrongContext");
    let expected: zkverdict::evm::U256 =
        error["arguments"][1]["value"].as_str().unwrap().parse().unwrap();

    let context = hex(&expected.to_be_bytes::<32>());
    let input = folder.path().join("input.json").display().to_string();
    let prove = ["prove", &bundle, "--input", &input, "--context", &context, "--out", &proof];
    assert_eq!(result(&prove).1, 0);
    let (report, code) = result(&gas);
    assert_eq!(code, 0, "{report}");
    assert!(report["phases"]["consumer"].as_u64() > Some(2 * 22_100), "two slots, and calls");
    assert!(report["phases"]["pairing"].as_u64() > Some(113_000));
}

#[test]
fn unusable_contracts_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        error(&["gas", "--contract", &path, "--calldata", "0x"])["error"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(refused("a.json", "{").contains("EOF"), "not JSON");
    assert!(refused("b.json", "{}").ends_with("it has no `bytecode`"));
    let unlinked = json!({ "bytecode": "0x60__$abc$__" }).to_string();
    assert!(refused("c.json", &unlinked).ends_with("its libraries are not linked"));
    assert!(refused("d.sol", "contract D {").contains("ParserError"));
    assert!(refused("e.sol", "import \"./nowhere.sol\";").contains("`./nowhere.sol`"));
    assert!(refused("f.sol", "interface F {}").ends_with("no contract that can be deployed"));
    let reverts = json!({ "bytecode": "0x60015ffd" }).to_string();
    assert_eq!(refused("g.json", &reverts), "the constructor reverted with `0x00`");
}
