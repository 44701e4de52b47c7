//! What `attest` signs is what `AttestedConsumer` takes.

use std::{path::Path, process::Command};

use alloy::{
    primitives::{Address, B256, U256, hex, keccak256},
    sol_types::SolValue,
};
use serde_json::{Value, json};
use zkverdict::chain::{
    Chain, ChainError, IAttestedConsumer, Key, LocalChain, SendOptions, Submission, Verdict,
    consumer_context, model_id,
};

use crate::{
    command::{address, lastOutputCall, ok, read, root, run},
    stand_in::{connect, contract, deploy, with_arguments},
};

/// The issuer's key, which is nobody's.
const ISSUER: &str = "4242424242424242424242424242424242424242424242424242424242424242";

const SCHEMA: B256 = B256::repeat_byte(7);

/// A commitment, and the file that `commit` makes of it.
fn commitment(folder: &Path) -> (B256, String, Value) {
    let vectors = std::fs::read(root().join("test/fixtures/commitments/vectors.json"));
    let vectors: Value = serde_json::from_slice(&vectors.expect("vectors")).expect("JSON");
    let made = &vectors["commitments"][2];
    let mut document = json!({
        "format": "zkverdict commitment", "version": 1, "kind": "input", "input": "x",
        "string": format!("{:#x}", B256::ZERO),
    });
    for field in ["class", "point", "name", "code", "shape", "words", "blinding"] {
        document[field] = made[field].clone();
    }
    let path = folder.join("c.json");
    std::fs::write(&path, document.to_string()).expect("written");
    let name = made["name"].as_str().expect("text").parse().expect("32 bytes");
    (name, path.to_str().expect("text").to_owned(), document)
}

/// Exit code, and what was said.
fn attest(arguments: &[&str], key: Option<&str>) -> (Option<i32>, Value) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    command.args(["--json", "attest"]).args(arguments).env_remove("ZKVERDICT_PRIVATE_KEY");
    if let Some(key) = key {
        command.env("ZKVERDICT_PRIVATE_KEY", key);
    }
    let output = command.output().expect("the command runs");
    let said = if output.status.success() { &output.stdout } else { &output.stderr };
    let document = serde_json::from_slice(said);
    let text = || String::from_utf8_lossy(said).into_owned();
    (output.status.code(), document.unwrap_or_else(|error| panic!("{error}: {}", text())))
}

/// Flags for an attestation.
fn flags(subject: Address, consumer: Address) -> Vec<String> {
    let flags = [
        ("--schema", SCHEMA.to_string()),
        ("--subject", subject.to_string()),
        ("--expires", "4000000000".to_owned()),
        ("--chain-id", "31337".to_owned()),
        ("--contract", consumer.to_string()),
    ];
    flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
}

fn with<'a>(first: &'a [&'a str], rest: &'a [String]) -> Vec<&'a str> {
    first.iter().copied().chain(rest.iter().map(String::as_str)).collect()
}

/// How a consumer refuses what is shown to it; nothing where it accepts.
async fn show(chain: &Chain, consumer: Address, attested: &Value) -> Option<String> {
    let data = hex::decode(attested["calldata"].as_str().expect("text")).expect("hexadecimal");
    let abi = IAttestedConsumer::abi::contract();
    match chain.send(consumer, data.into(), &abi, &SendOptions::default()).await {
        Ok(_) => None,
        Err(ChainError::Reverted { error, .. }) => Some(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn what_is_signed_is_what_the_consumer_takes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (name, file, _) = commitment(folder.path());
    let chain = Chain::in_process();
    let issuer = Key::from_hex(ISSUER, "").expect("a key").address();
    let model = model_id("named");
    let verifier = deploy(&chain, &contract("NamedStandIn")).await;
    let mut digest = B256::ZERO;
    digest[..5].copy_from_slice(b"named");
    let single = (verifier, model, digest, B256::ZERO).abi_encode_params();
    let single = deploy(&chain, &with_arguments("SingleModelVerifier", &single)).await;
    let arguments = (single, model, SCHEMA, issuer).abi_encode_params();
    let consumer = deploy(&chain, &with_arguments("AttestedRecorder", &arguments)).await;

    // A mock's proof, about the commitment.
    let context = consumer_context(chain.id(), consumer, chain.sender(), 0);
    let words = vec![context, U256::from_be_bytes(name.0), U256::from(8)];
    let proof = keccak256((digest, words.clone()).abi_encode_params()).to_vec();
    let submit = async || {
        let submission = Submission::detect(&chain, consumer, &proof, &words).await;
        let abi = IAttestedConsumer::abi::contract();
        let sent = submission.expect("an answer").send(&chain, &abi, &SendOptions::default()).await;
        match sent.expect("an answer") {
            Verdict::Accepted(_) => None,
            Verdict::Refused { error, .. } => Some(error.to_string()),
        }
    };
    let refused = submit().await.expect("nobody attested it");
    assert!(refused.starts_with("NotAttested("), "{refused}");

    // For another consumer.
    let elsewhere = flags(chain.sender(), single);
    let (code, attested) = attest(&with(&[&file], &elsewhere), Some(ISSUER));
    assert_eq!(code, Some(0), "{attested}");
    let refused = show(&chain, consumer, &attested).await.expect("another domain");
    assert!(refused.starts_with("WrongSigner("), "{refused}");

    let here = flags(chain.sender(), consumer);
    let (code, attested) = attest(&with(&[&file], &here), Some(ISSUER));
    assert_eq!(code, Some(0), "{attested}");
    assert_eq!(attested["name"], name.to_string());
    assert_eq!(address(&attested["signer"]), issuer);
    // The name alone gives the same.
    let by_name = ["--name", &name.to_string()].map(str::to_owned);
    let by_name: Vec<&str> = by_name.iter().map(String::as_str).collect();
    assert_eq!(attest(&with(&by_name, &here), Some(ISSUER)), (Some(0), attested.clone()));
    assert_eq!(show(&chain, consumer, &attested).await, None);
    assert_eq!(submit().await, None);
}

/// The file of a hashed input, or its hash alone, is signed as a name is.
#[test]
fn a_hash_is_attested_as_a_name_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let vectors = std::fs::read(root().join("test/fixtures/commitments/hashes.json"));
    let vectors: Value = serde_json::from_slice(&vectors.expect("vectors")).expect("JSON");
    let made = &vectors[0];
    let hash = made["hash"].as_str().expect("text");
    let document = json!({
        "format": "zkverdict commitment", "version": 1, "kind": "hash", "input": "x",
        "code": "uint8", "shape": [1], "words": [format!("{:#x}", B256::ZERO)],
        "blinding": made["blinding"], "hash": hash,
    });
    let path = folder.path().join("h.json");
    std::fs::write(&path, document.to_string()).expect("written");
    let here = flags(Address::repeat_byte(5), Address::repeat_byte(6));
    let path = path.to_str().expect("text");
    let (code, attested) = attest(&with(&[path], &here), Some(ISSUER));
    assert_eq!((code, &attested["name"]), (Some(0), &json!(hash)), "{attested}");
    assert_eq!(attest(&with(&["--hash", hash], &here), Some(ISSUER)), (Some(0), attested));
    // It has more bits than names have, and not more than scalars.
    let modulus = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
    for (first, why) in [
        (["--name", hash], "no commitment has"),
        (["--hash", modulus], "no input has this hash"),
        (["--hash", &B256::ZERO.to_string()], "no input has this hash"),
    ] {
        let (code, said) = attest(&with(&first, &here), Some(ISSUER));
        assert_eq!(code, Some(2), "{said}");
        assert!(said["error"].as_str().expect("text").contains(why), "{said}");
    }
    std::fs::write(path, document.to_string().replace("uint8", "int16")).expect("written");
    let (code, said) = attest(&with(&[path], &here), Some(ISSUER));
    assert!(code == Some(2) && said["error"].as_str().is_some_and(|said| said.contains("hash")));
}

/// Of a schema's document its hash is signed, where what was committed to is data of it.
#[test]
fn a_document_is_signed_by_its_hash_where_the_data_are_of_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (name, file, document) = commitment(folder.path());
    let vectors = std::fs::read(root().join("test/fixtures/commitments/vectors.json"));
    let vectors: Value = serde_json::from_slice(&vectors.expect("vectors")).expect("JSON");
    let values = vectors["commitments"][2]["values"].as_array().expect("a list");
    let values: Vec<i64> = values.iter().map(|value| value.as_i64().expect("an integer")).collect();
    let [low, high] = [values.iter().min(), values.iter().max()].map(|end| *end.expect("values"));
    assert!(low < high);
    let schema = |change: &dyn Fn(&mut Value)| {
        let mut schema = json!({
            "format": "zkverdict schema", "version": 1, "title": "of a test", "code": document["code"],
            "shape": document["shape"], "fields": [{
                "name": "x", "unit": "pieces", "step": "1", "count": values.len(),
                "range": [low.to_string(), high.to_string()],
            }],
        });
        change(&mut schema);
        let path = folder.path().join("schema.json");
        std::fs::write(&path, schema.to_string()).expect("written");
        (path.to_str().expect("text").to_owned(), keccak256(schema.to_string()))
    };
    let with_schema = |first: &[&str], schema: &str| {
        let mut rest = flags(Address::repeat_byte(5), Address::repeat_byte(6));
        rest[1] = schema.to_owned();
        attest(&with(first, &rest), Some(ISSUER))
    };
    let (path, hash) = schema(&|_| {});
    let (code, attested) = with_schema(&[&file], &path);
    assert_eq!((code, &attested["schema"]), (Some(0), &json!(hash.to_string())), "{attested}");
    assert_eq!(with_schema(&[&file], &hash.to_string()), (Some(0), attested.clone()));
    // The file's name alone has nothing to compare.
    assert_eq!(with_schema(&["--name", &name.to_string()], &path), (Some(0), attested));

    type Change<'a> = &'a dyn Fn(&mut Value);
    let beyond = "is committed to as an integer that is not from";
    let changes: [(Change<'_>, &str); 5] = [
        (&|schema| schema["fields"][0]["range"][0] = (low + 1).to_string().into(), beyond),
        (&|schema| schema["fields"][0]["range"][1] = (high - 1).to_string().into(), beyond),
        (
            &|schema| schema["code"] = "int16".into(),
            "is of int16 in the shape [2, 31], and the input `x` is of int8",
        ),
        (&|schema| schema["shape"] = json!([1, values.len(), 1, 1]), "and the input `x` is of"),
        (&|schema| schema["shape"] = json!([values.len() + 1]), "elements, and `fields`"),
    ];
    for (change, why) in changes {
        let (path, _) = schema(change);
        let (code, said) = with_schema(&[&file], &path);
        let error = said["error"].as_str().expect("text");
        assert!(code == Some(2) && error.contains(why), "{why}: {said}");
        let blinding = &document["blinding"].as_str().expect("text")[10..];
        assert!(!error.contains(blinding), "{error}");
    }
    // What stands for missing values is of the schema too.
    let (path, _) = schema(&|schema| {
        schema["fields"][0]["range"][0] = (low + 1).to_string().into();
        schema["fields"][0]["missing"] = low.into();
    });
    assert_eq!(with_schema(&[&file], &path).0, Some(0));
    let short = with_schema(&[&file], "0x12");
    assert!(
        short.0 == Some(2) && short.1["error"].as_str().is_some_and(|e| e.contains("64")),
        "{short:?}"
    );
    let (code, said) = with_schema(&[&file], "missing.json");
    assert!(code == Some(2) && said["error"].as_str().is_some_and(|e| e.contains("missing.json")));
}

#[test]
fn what_makes_no_attestation_is_said_and_no_secret_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let (name, file, document) = commitment(folder.path());
    let rest = flags(Address::repeat_byte(5), Address::repeat_byte(6));
    let replaced = |flag: &str, value: &str| {
        let mut rest = rest.clone();
        let at = rest.iter().position(|word| word == flag).expect("a flag");
        rest[at + 1] = value.to_owned();
        rest
    };
    let refused = |first: &[&str], rest: &[String], key: Option<&str>, why: &str| {
        let (code, said) = attest(&with(first, rest), key);
        assert_eq!(code, Some(2), "{why}: {said}");
        assert!(said["error"].as_str().expect("text").contains(why), "{why}: {said}");
        let said = said.to_string();
        let blinding = &document["blinding"].as_str().expect("text")[10..];
        assert!(!said.contains(blinding) && !said.contains(&ISSUER[..16]), "{said}");
    };
    let key = Some(ISSUER);
    let zero = Address::ZERO.to_string();
    refused(&[&file], &rest, None, "no key");
    refused(&[&file], &replaced("--subject", &zero), key, "address zero");
    refused(&[&file], &replaced("--contract", &zero), key, "address zero");
    refused(&[&file], &replaced("--expires", "1"), key, "not in the future");
    refused(&[&file], &replaced("--expires", "4000000000000"), key, "after the year 9999");
    refused(&["--name", &B256::repeat_byte(1).to_string()], &rest, key, "no commitment has");
    refused(&["--name", &B256::ZERO.to_string()], &rest, key, "no commitment has");
    refused(&[&file, "--name", &name.to_string()], &rest, key, "cannot be used with");
    refused(&[], &rest, key, "required");
    refused(&[&file, "--nonce", "0"], &rest, key, "invalid value");
    refused(&["missing.json"], &rest, key, "missing.json");
    let ledger = "without Ledger";
    if cfg!(not(feature = "ledger")) {
        refused(&[&file, "--ledger"], &rest, key, ledger);
    }

    // Files that are none, or of another name.
    let write = |change: &dyn Fn(&mut Value)| {
        let mut document = document.clone();
        change(&mut document);
        let path = folder.path().join("changed.json");
        std::fs::write(&path, document.to_string()).expect("written");
        path.to_str().expect("text").to_owned()
    };
    let other = B256::repeat_byte(0);
    type Change<'a> = &'a dyn Fn(&mut Value);
    let changes: [(Change<'_>, &str); 5] = [
        (
            &|document| document["name"] = other.to_string().into(),
            "`name` is not that of its point",
        ),
        (&|document| document["class"] = 7.into(), "`class` is not that of so many words"),
        (&|document| document["point"][0] = document["point"][1].clone(), "not on the curve"),
        (&|document| document["version"] = 2.into(), "version 2, expected 1"),
        (&|document| document["point"] = document["blinding"].clone(), "not as `commit` writes it"),
    ];
    for (change, why) in changes {
        refused(&[&write(change)], &rest, key, why);
    }
}

/// From private data to what a contract does about them, with a real proof.
#[tokio::test]
async fn private_data_are_committed_to_attested_proved_and_acted_on() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let model = "test/fixtures/models/credit_logreg/int8_qdq.onnx";
    let input = ok(&["inspect", model])["inputs"][0]["name"].as_str().expect("text").to_owned();
    let (bundle, data) = (path("credit.zkv"), path("x.json"));
    let told = format!("{input}=committed");
    let keygen = ["keygen", model, "--out", &bundle, "--format", "packed", "--unsafe-dev-srs"];
    let keys = ok(&[&keygen[..], &["--input", &told]].concat());
    std::fs::write(&data, json!(vec![0.5; 30]).to_string()).expect("written");
    let commit = |out: &str| -> B256 {
        let made = ok(&["commit", &bundle, "--input", &data, "--out", &path(out)]);
        made["name"].as_str().expect("text").parse().expect("32 bytes")
    };
    let (name, unattested) = (commit("c.json"), commit("other.json"));
    assert_ne!(name, unattested);

    let rpc = ["--rpc-url", local.url()];
    let deployed =
        ok(&[&["deploy", &bundle, "--deployments", &path("records")], &rpc[..]].concat());
    let digest: B256 = keys["vk_digest"].as_str().expect("text").parse().expect("32 bytes");
    let model = model_id("credit");
    let single = (address(&deployed["address"]), model, digest, B256::ZERO).abi_encode_params();
    let single = deploy(&chain, &with_arguments("SingleModelVerifier", &single)).await;
    let issuer = Key::from_hex(ISSUER, "").expect("a key").address();
    let arguments = (single, model, SCHEMA, issuer).abi_encode_params();
    let consumer = deploy(&chain, &with_arguments("AttestedRecorder", &arguments)).await;

    let prove = |commitment: &str| {
        let context = consumer_context(31337, consumer, chain.sender(), 0);
        let (context, out) = (format!("0x{context:064x}"), path("proof.json"));
        let proof = ["prove", &bundle, "--input-commitment", &path(commitment)];
        ok(&[&proof[..], &["--context", &context, "--out", &out]].concat());
        out
    };
    let submit = |proof: &str| {
        let output =
            run(&[&["submit", &bundle, proof, "--to", &consumer.to_string()], &rpc[..]].concat());
        serde_json::from_slice::<Value>(&output.stdout).expect("JSON")
    };
    let proof = prove("c.json");
    assert_eq!(submit(&proof)["error"]["name"], "NotAttested");
    let sign = |file: &str| {
        let file = ["--bundle", &bundle, &path(file)];
        attest(&with(&file, &flags(chain.sender(), consumer)), Some(ISSUER))
    };
    // A file that shows the issuer other data than its name is of.
    let text = |file: &str| std::fs::read_to_string(path(file)).expect("a file");
    let document = |file: &str| serde_json::from_str::<Value>(&text(file)).expect("JSON");
    let mut shown = document("c.json");
    let others = vec![-0.5; 30];
    std::fs::write(path("others.json"), json!(others).to_string()).expect("written");
    let others = ["commit", &bundle, "--input", &path("others.json"), "--out", &path("shown.json")];
    ok(&others);
    shown["words"] = document("shown.json")["words"].clone();
    std::fs::write(path("shown.json"), shown.to_string()).expect("written");
    let (code, said) = sign("shown.json");
    assert_eq!(code, Some(2), "{said}");
    let error = said["error"].as_str().expect("text");
    assert!(error.contains("point is not that of its words"), "{error}");
    // With nothing to make it again by, whoever made the file is believed, which is said.
    let mut unchecked = Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    unchecked
        .args(["--log", "text", "attest", &path("shown.json")])
        .args(flags(chain.sender(), consumer));
    let unchecked = unchecked.env("ZKVERDICT_PRIVATE_KEY", ISSUER).output().expect("it runs");
    let warned = String::from_utf8_lossy(&unchecked.stderr);
    assert!(unchecked.status.success() && warned.contains("give `--bundle`"), "{warned}");

    let (code, attested) = sign("c.json");
    assert_eq!((code, &attested["name"]), (Some(0), &json!(name.to_string())));
    assert_eq!(show(&chain, consumer, &attested).await, None);
    // The same data under another name are not those that were attested.
    assert_eq!(submit(&prove("other.json"))["error"]["name"], "NotAttested");
    let proof = prove("c.json");
    assert_eq!(submit(&proof)["valid"], true);
    assert_ne!(read(&chain, consumer, lastOutputCall {}).await, U256::ZERO);
}
