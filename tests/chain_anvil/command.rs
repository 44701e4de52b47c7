//! The command against a node: deployment, submission, registry.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use alloy::{
    primitives::{Address, B256, U256, hex},
    providers::{Provider, ext::AnvilApi},
    sol,
    sol_types::{SolCall, SolValue},
};
use serde_json::Value;
use zkverdict::chain::{CallOutcome, Chain, LocalChain, consumer_context, find_anvil, model_id};

use crate::stand_in::{connect, contract, deploy, with_arguments};

/// The key of anvil's first account, which everybody knows.
pub const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

sol! {
    function ask(uint256 count) external;
    function answerCount() external view returns (uint256);
    function lastOutput() external view returns (uint256);
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn zkverdict(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    command.current_dir(root()).arg("--json").args(arguments).env("ZKVERDICT_PRIVATE_KEY", KEY);
    command
}

pub fn run(arguments: &[&str]) -> Output {
    zkverdict(arguments).output().expect("the command runs")
}

/// The result of a command that succeeds.
pub fn ok(arguments: &[&str]) -> Value {
    let output = run(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    serde_json::from_slice(&output.stdout).expect("one JSON document")
}

/// The error of a command that could not tell.
pub fn error(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    let text = String::from_utf8_lossy(&output.stderr);
    let document = text.lines().last().expect("an error");
    let document: Value = serde_json::from_str(document).expect("JSON");
    document["error"].as_str().expect("a message").to_owned()
}

/// A bundle and an input, made once for all tests.
pub fn bundle() -> &'static (String, String) {
    static BUNDLE: OnceLock<(String, String)> = OnceLock::new();
    BUNDLE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory").keep();
        let path = |name: &str| dir.join(name).display().to_string();
        let model = "test/fixtures/models/credit_logreg/int8_qdq.onnx";
        let keygen = ["keygen", model, "--out", &path("credit.zkv"), "--unsafe-dev-srs"];
        ok(&[&keygen[..], &["--format", "halo2"]].concat());
        let zeros = vec![0.0; 30];
        std::fs::write(path("input.json"), serde_json::to_vec(&zeros).expect("JSON"))
            .expect("written");
        (path("credit.zkv"), path("input.json"))
    })
}

/// Proves the bundle's input under a context, and gives the proof file.
pub fn prove(dir: &Path, context: U256) -> String {
    let (bundle, input) = bundle();
    let out = dir.join(format!("{context:x}.json")).display().to_string();
    let context = format!("0x{context:064x}");
    ok(&["prove", bundle, "--input", input, "--context", &context, "--out", &out]);
    out
}

pub fn address(value: &Value) -> Address {
    value.as_str().and_then(|text| text.parse().ok()).expect("an address")
}

pub async fn read<C: SolCall<Return = U256>>(chain: &Chain, at: Address, call: C) -> U256 {
    match chain.call(at, call.abi_encode().into()).await {
        Ok(CallOutcome::Returned(data)) => U256::from_be_slice(&data),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn deploy_is_idempotent_and_submit_gives_verdicts() {
    let local = LocalChain::start().expect("anvil");
    let dir = tempfile::tempdir().expect("a directory");
    let (bundle, _) = bundle();
    let records = dir.path().join("deployments").display().to_string();
    let deploy = ["deploy", bundle, "--rpc-url", local.url(), "--deployments", &records];

    let planned = ok(&[&deploy[..], &["--dry-run"]].concat());
    assert_eq!((&planned["dry_run"], &planned["transaction"]), (&true.into(), &Value::Null));
    assert!(!Path::new(&records).exists(), "a dry run writes nothing");
    let first = ok(&deploy);
    assert_eq!(first["address"], planned["address"]);
    assert_eq!(first["already_deployed"], false);
    assert!(first["gas_used"].as_u64() > Some(500_000));
    let second = ok(&deploy);
    assert_eq!(
        (&second["already_deployed"], &second["address"]),
        (&true.into(), &first["address"])
    );
    let record = std::fs::read(dir.path().join("deployments/31337.json")).expect("a record");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    assert_eq!(record["contracts"][0]["address"], first["address"]);
    assert_eq!(record["contracts"][0]["transaction"], first["transaction"], "it stays known");

    let proof = prove(dir.path(), U256::ZERO);
    let submit = ["submit", bundle, &proof, "--rpc-url", local.url()];
    let verdict = ok(&submit);
    assert_eq!(verdict["valid"], true);
    let chain = connect(&local).await;
    let transaction: B256 = verdict["transaction"].as_str().and_then(|t| t.parse().ok()).expect("");
    let receipt = chain.provider().get_transaction_receipt(transaction).await.expect("an answer");
    assert_eq!(receipt.expect("a receipt").gas_used, verdict["gas_used"].as_u64().expect("gas"));

    // Another output under the same proof.
    let mut document: Value =
        serde_json::from_slice(&std::fs::read(&proof).expect("a file")).expect("JSON");
    document["instances"][2] = format!("0x{:064x}", 1).into();
    // What the file says besides would contradict it before anything is asked.
    for said in ["inferences", "calldata"] {
        document.as_object_mut().expect("an object").remove(said);
    }
    let forged = dir.path().join("forged.json").display().to_string();
    std::fs::write(&forged, document.to_string()).expect("written");
    let output = run(&["submit", bundle, &forged, "--rpc-url", local.url()]);
    assert_eq!(output.status.code(), Some(1));
    let refusal: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(refusal["error"]["name"], "InvalidProof");
    assert_eq!((&refusal["valid"], &refusal["transaction"]), (&false.into(), &Value::Null));

    // A chain that accepts everything, as a node that lies would have it: the verdict is this program's own.
    assert_eq!(verdict["checked"]["proof"], true);
    assert_eq!(verdict["checked"]["code"], true);
    // This node proves what it says.
    let receipt = verdict["checked"]["receipt"].as_str().expect("text");
    assert!(receipt.starts_with("proved by the block's header"), "{receipt}");
    assert_eq!((&first["unproved"], &verdict["checked"]["unproved"]), (&Value::Null, &Value::Null));
    let credulous = crate::stand_in::deploy(&chain, &contract("ReturnsTrue")).await.to_string();
    let submit = ["submit", bundle, &forged, "--rpc-url", local.url(), "--to", &credulous];
    let output = run(&submit);
    assert_eq!(output.status.code(), Some(1));
    let refusal: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&refusal["valid"], &refusal["transaction"]), (&false.into(), &Value::Null));
    assert_eq!(refusal["error"]["name"], "InvalidProof");
}

#[tokio::test]
async fn what_is_wrong_with_chain_or_sender_is_said() {
    let anvil = find_anvil().expect("anvil");
    let public = LocalChain::start_with(&anvil, ["--chain-id", "10"]).expect("anvil");
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let proof = prove(dir.path(), U256::ZERO);
    let (bundle, _) = bundle();
    fn deploy<'a>(bundle: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        [&["deploy", bundle], rest].concat()
    }

    let unsafe_srs = error(&deploy(bundle, &["--rpc-url", public.url()]));
    assert!(unsafe_srs.contains("unsafe development SRS") && unsafe_srs.contains("chain 10"));
    let wrong = error(&deploy(bundle, &["--rpc-url", public.url(), "--chain-id", "1"]));
    assert!(wrong.contains("serves chain 10, expected chain 1"), "{wrong}");
    let cheap = error(&deploy(bundle, &["--rpc-url", local.url(), "--max-fee", "0.000000001"]));
    assert!(cheap.contains("fee cap of 0.000000001 gwei"), "{cheap}");
    let missing = error(&["submit", bundle, &proof, "--rpc-url", local.url()]);
    assert!(missing.contains("there is no contract at"), "{missing}");
    let dear = error(&deploy(bundle, &["--rpc-url", local.url(), "--max-cost", "0.000001"]));
    assert!(dear.contains("the ceiling is 0.000001"), "{dear}");
    let none = error(&deploy(bundle, &["--rpc-url", local.url(), "--confirmations", "0"]));
    assert!(none.contains("--confirmations"), "{none}");
    let apart = error(&deploy(bundle, &["--rpc-url", local.url(), "--rpc-url", public.url()]));
    assert!(apart.contains("serves chain 10, expected chain 31337"), "{apart}");
    let url = error(&deploy(bundle, &["--rpc-url", "ws://localhost/secret"]));
    assert_eq!(url, "`ws://localhost` is not an http or https address");

    chain.provider().anvil_set_balance(chain.sender(), U256::ONE).await.expect("anvil obeys");
    let poor = error(&deploy(bundle, &["--rpc-url", local.url()]));
    assert!(poor.contains("has 0.000000000000000001 ether"), "{poor}");

    let arguments = deploy(bundle, &["--rpc-url", local.url()]);
    for (key, expected) in [("", "private key"), ("0x12", "private key")] {
        let output = zkverdict(&arguments).env("ZKVERDICT_PRIVATE_KEY", key).output();
        let output = output.expect("the command runs");
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains(expected));
    }
    let output = zkverdict(&arguments).env_remove("ZKVERDICT_PRIVATE_KEY").output();
    let text = String::from_utf8(output.expect("the command runs").stderr).expect("text");
    assert!(text.contains("no key to sign"), "{text}");
}

#[tokio::test]
async fn a_model_is_registered_used_by_a_consumer_and_withdrawn() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (bundle, input) = bundle();
    let records = dir.path().join("deployments").display().to_string();
    let rpc = ["--rpc-url", local.url()];
    let with = |arguments: &[&str]| ok(&[arguments, &rpc].concat());

    with(&["deploy", bundle, "--deployments", &records]);
    let registry = with(&["registry", "deploy", "--deployments", &records]);
    let registry_text = registry["address"].as_str().expect("an address");
    // What `script/CheckDeployments.s.sol` needs to find the address again.
    let record = std::fs::read(dir.path().join("deployments/31337.json")).expect("a record");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    let owner = hex::encode_prefixed(chain.sender().abi_encode());
    assert_eq!(record["contracts"][1]["name"], "ModelRegistry");
    assert_eq!(record["contracts"][1]["arguments"], owner);
    let there = ["--registry", registry_text];
    let add = [&["registry", "add", bundle, "--model", "credit"], &there[..]].concat();
    let dry = with(&[&add[..], &["--dry-run"]].concat());
    assert!(dry["estimated_gas"].as_u64() > Some(50_000));
    let added = with(&add);
    assert_eq!(added["version"], 1);
    let again = with(&add);
    assert_eq!((&again["version"], &again["transaction"]), (&1.into(), &Value::Null));

    let model = model_id("credit");
    let arguments = (address(&registry["address"]), model, U256::ZERO).abi_encode_params();
    let consumer = deploy(&chain, &with_arguments("Recorder", &arguments)).await;
    let context = consumer_context(31337, consumer, chain.sender(), 0);
    let proof = prove(dir.path(), context);
    let to = consumer.to_string();
    let submit = ["submit", bundle, &proof, "--to", &to];
    let verdict = with(&submit);
    assert_eq!(verdict["valid"], true);
    let output = read(&chain, consumer, lastOutputCall {}).await;
    assert_ne!(output, U256::ZERO, "the consumer has acted");

    // A replay, and then a fresh proof of a withdrawn version.
    let refused = |arguments: &[&str]| {
        let output = run(&[arguments, &rpc].concat());
        assert_eq!(output.status.code(), Some(1));
        let refusal: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        refusal["error"]["name"].as_str().expect("a typed error").to_owned()
    };
    assert_eq!(refused(&submit), "WrongContext");
    // What the next proof must be bound to: the refusal says it, and so does the consumer when it is asked.
    let expected = format!("{:#066x}", consumer_context(31337, consumer, chain.sender(), 1));
    let refusal = run(&[&submit[..], &rpc].concat());
    assert!(String::from_utf8_lossy(&refusal.stdout).contains(&expected));
    let (next, sender) =
        (dir.path().join("next.json").display().to_string(), chain.sender().to_string());
    let bound = ["--for", &to, "--account", &sender, "--out", &next];
    let made = with(&[&["prove", bundle, "--input", input], &bound[..]].concat());
    assert_eq!(made["context"], expected);

    // Every verb that the contract has.
    let registry_verb = |arguments: &[&str]| with(&[&["registry"], arguments, &there[..]].concat());
    for scope in [&["credit", "1"][..], &[]] {
        registry_verb(&[&["stop"], scope].concat());
        let reason = if scope.is_empty() { "RegistryIsStopped" } else { "NoActiveVersion" };
        assert_eq!(refused(&["submit", bundle, &next, "--to", &to]), reason);
        registry_verb(&[&["resume"], scope].concat());
    }
    registry_verb(&["guardian", &sender]);
    registry_verb(&["grace", "credit", "0"]);
    registry_verb(&["transfer", &sender]);
    registry_verb(&["accept"]);
    let stranger = [&["registry", "accept"], &there[..], &rpc].concat();
    assert!(error(&stranger).contains("NotPendingOwner("), "accepted already");
    let proofs = ["--first", &proof, "--second", &next];
    let agreement =
        [&["registry", "contradict", "credit", "1"], &proofs[..], &there, &rpc].concat();
    assert!(error(&agreement).contains("NoContradiction("), "both are honest");
    registry_verb(&["retire", "credit", "1"]);
    assert_eq!(with(&add)["version"], 2, "its key is free again");
    let withdrawn = with(&[&["registry", "tombstone", "credit", "2"], &there[..]].concat());
    assert!(withdrawn["transaction"].is_string());
    let listed = with(&[&["registry", "list"], &there[..]].concat());
    assert_eq!(
        (&listed[0]["status"], &listed[1]["status"]),
        (&"retired".into(), &"tombstoned".into())
    );
    let fresh = prove(dir.path(), consumer_context(31337, consumer, chain.sender(), 1));
    assert_eq!(refused(&["submit", bundle, &fresh, "--to", &to]), "NoActiveVersion");
    let twice = [&["registry", "tombstone", "credit", "1"], &there[..], &rpc].concat();
    assert!(error(&twice).contains("VersionIs("));
}

#[tokio::test]
async fn a_front_end_verifies_and_submits_with_viem() {
    let local = LocalChain::start().expect("anvil");
    let dir = tempfile::tempdir_in(root().join("target")).expect("a directory below node_modules");
    let (bundle, _) = bundle();
    let records = dir.path().join("deployments").display().to_string();
    let deployed = ok(&["deploy", bundle, "--rpc-url", local.url(), "--deployments", &records]);
    let proof = prove(dir.path(), U256::ZERO);
    let rendered = ok(&["render", bundle, "--out", &dir.path().display().to_string()]);
    let context = consumer_context(31337, Address::repeat_byte(1), Address::repeat_byte(2), 3);
    check_types(dir.path(), Path::new(rendered["viem"].as_str().expect("a path")));
    let output = Command::new("node")
        .current_dir(root())
        .args(["tests/chain_anvil/front_end.mjs", rendered["viem"].as_str().expect("a path")])
        .args([local.url(), deployed["address"].as_str().expect("an address"), &proof, KEY])
        .arg(format!("0x{context:064x}"))
        .output()
        .expect("node runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
}

#[tokio::test]
async fn a_bundle_that_keeps_inputs_private_is_used_on_a_chain() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir_in(root().join("target")).expect("a directory below node_modules");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (_, input) = bundle();
    let bundle = path("private.zkv");
    let model = "test/fixtures/models/credit_logreg/int8_qdq.onnx";
    let private = ["--unsafe-dev-srs", "--input-visibility", "private"];
    ok(&[&["keygen", model, "--out", &bundle], &private[..]].concat());
    let rpc = ["--rpc-url", local.url()];
    let with = |arguments: &[&str]| ok(&[arguments, &rpc].concat());
    let prove = |name: &str, context: U256| {
        let out = path(name);
        let context = format!("0x{context:064x}");
        let made = ok(&["prove", &bundle, "--input", input, "--context", &context, "--out", &out]);
        assert_eq!(made["instances"].as_array().map(Vec::len), Some(2), "context and output");
        out
    };

    // The project's consumer has nothing to say of inputs, and the library nothing to pack.
    let project = path("project");
    ok(&["init", &project, "--bundle", &bundle, "--input", input]);
    ok(&["render", &bundle, "--out", &path("contracts")]);
    std::fs::copy(path("contracts/CreditLogregIo.sol"), path("project/src/CreditLogregIo.sol"))
        .expect("copied");
    let library = std::fs::read_to_string(path("contracts/CreditLogregIo.sol")).expect("rendered");
    assert!(library.contains("NUM_INSTANCES = 2;"));
    let consumer = std::fs::read_to_string(path("project/src/CreditLogregConsumer.sol"));
    assert!(!consumer.expect("made").contains("INPUT_LENGTH"));
    for arguments in [&["test"][..], &["fmt", "--check", "src/CreditLogregConsumer.sol"]] {
        let forge = Command::new(root().join("tools/forge"))
            .current_dir(&project)
            .args(arguments)
            .output()
            .expect("forge runs");
        assert!(forge.status.success(), "{}", String::from_utf8_lossy(&forge.stdout));
    }
    check_types(&dir.path().join("contracts"), Path::new("CreditLogregVerifier.viem.mjs"));

    // A verdict, a version without inputs to compare, a consumer.
    let records = path("deployments");
    with(&["deploy", &bundle, "--deployments", &records]);
    let proof = prove("proof.json", U256::ZERO);
    let verdict = with(&["submit", &bundle, &proof]);
    let local_run = ok(&["run", model, "--input", input]);
    assert_eq!(verdict["outputs"], local_run["inferences"][0]["outputs"]);
    let registry = with(&["registry", "deploy", "--deployments", &records]);
    let there = ["--registry", registry["address"].as_str().expect("an address")];
    with(&[&["registry", "add", &bundle, "--model", "credit"], &there[..]].concat());
    let listed = with(&[&["registry", "list"], &there[..]].concat());
    assert_eq!(listed[0]["input_instances"], 0, "{listed}");
    let arguments = (address(&registry["address"]), model_id("credit"), U256::ZERO);
    let recorder = with_arguments("Recorder", &arguments.abi_encode_params());
    let recorder = deploy(&chain, &recorder).await;
    let proof = prove("consumer.json", consumer_context(31337, recorder, chain.sender(), 0));
    let to = recorder.to_string();
    assert_eq!(with(&["submit", &bundle, &proof, "--to", &to])["valid"], true);
    assert_ne!(read(&chain, recorder, lastOutputCall {}).await, U256::ZERO);

    let watch = ["watch", &bundle, "--consumer", &to, "--once", rpc[0], rpc[1]];
    assert!(error(&watch).contains("keeps inputs private"));
}

/// Compiles a front end that uses a rendered module, and the module's types themselves, with the strictest
/// settings. Mistakes that are marked as such must be found.
fn check_types(dir: &Path, module: &Path) {
    let module = module.file_name().and_then(|name| name.to_str()).expect("a name");
    let write = |name: &str, text: &str| std::fs::write(dir.join(name), text).expect("written");
    write("front_end.mts", &include_str!("front_end.mts").replace("Rendered.viem.mjs", module));
    // Declaration files are viem's too, and those are not ours to check: this one goes in as a source.
    let types = std::fs::read_to_string(dir.join(module.replace(".mjs", ".d.mts")));
    write("types.mts", &types.expect("rendered"));
    let options = serde_json::json!({
        "noEmit": true, "strict": true, "exactOptionalPropertyTypes": true, "noUnusedLocals": true,
        "module": "nodenext", "target": "es2022", "types": [], "skipLibCheck": true,
    });
    let files = ["front_end.mts", "types.mts"];
    let project = serde_json::json!({ "compilerOptions": options, "files": files });
    write("tsconfig.json", &project.to_string());
    let output = Command::new("node")
        .arg(root().join("node_modules/typescript/bin/tsc"))
        .arg("--project")
        .arg(dir)
        .output()
        .expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[tokio::test]
async fn forge_alone_deploys_to_the_same_address_and_submits() {
    let forge = root().join("tools/forge");
    let local = LocalChain::start().expect("anvil");
    let dir = tempfile::tempdir().expect("a directory");
    let project = dir.path().join("project");
    let (bundle, _) = bundle();
    ok(&["init", &project.display().to_string(), "--bundle", bundle]);
    let forge = |arguments: &[&str], variables: &[(&str, &str)]| {
        let output = Command::new(&forge)
            .current_dir(&project)
            .args(arguments)
            .envs(variables.iter().copied())
            .output()
            .expect("forge runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), text + &errors)
    };
    let (passed, text) = forge(&["test"], &[]);
    assert!(passed, "{text}");
    let (passed, text) = forge(&["fmt", "--check"], &[]);
    assert!(passed, "{text}");

    let chain = connect(&local).await;
    let broadcast =
        ["--rpc-url", local.url(), "--broadcast", "--private-key", KEY, "--non-interactive"];
    let name = [("ZKVERDICT_CONTRACT", "CreditLogregVerifier.sol:CreditLogregVerifier")];
    let (passed, text) =
        forge(&[&["script", "script/Deploy.s.sol"], &broadcast[..]].concat(), &name);
    assert!(passed, "{text}");
    let found = ok(&["deploy", bundle, "--rpc-url", local.url(), "--dry-run"]);
    assert_eq!(found["already_deployed"], true, "forge made the same code");

    let proof = prove(dir.path(), U256::ZERO);
    std::fs::copy(&proof, project.join("proof.json")).expect("copied");
    let to = found["address"].as_str().expect("an address");
    let blocks = chain.provider().get_block_number().await.expect("an answer");
    let submit = [&["script", "script/Submit.s.sol"], &broadcast[..]].concat();
    let (passed, text) = forge(&submit, &[("ZKVERDICT_TO", to)]);
    assert!(passed, "{text}");
    let height = chain.provider().get_block_number().await.expect("an answer");
    assert_eq!(height, blocks + 1, "a transaction was sent");

    let text = std::fs::read_to_string(&proof).expect("a file");
    let mut forged: Value = serde_json::from_str(&text).expect("JSON");
    let bytes = forged["proof"].as_str().expect("a proof").to_owned();
    let mut bytes = hex::decode(bytes).expect("hexadecimal");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    forged["proof"] = hex::encode_prefixed(bytes).into();
    std::fs::write(project.join("proof.json"), forged.to_string()).expect("written");
    let (passed, text) = forge(&submit, &[("ZKVERDICT_TO", to)]);
    assert!(!passed);
    assert!(text.contains("InvalidProof") || text.contains("PointNotOnCurve"), "{text}");
}

/// What the README shows of `make demo`, but for what differs from run to run and from machine to machine.
#[test]
fn the_readme_shows_what_the_demo_prints() {
    let output = Command::new(env!("CARGO_BIN_EXE_zkverdict"))
        .current_dir(root())
        .arg("demo")
        .output()
        .expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let readme = std::fs::read_to_string(root().join("README.md")).expect("a README");
    let (_, rest) =
        readme.split_once("`make demo` ends like this:\n\n```text\n").expect("a sample");
    let (sample, _) = rest.split_once("```").expect("its end");
    let printed = String::from_utf8(output.stdout).expect("text");
    // Gas depends on how many of the proof's random bytes are zero, 12 for each.
    let gas = |text: &str| -> Vec<u64> {
        let lines = text.lines().filter_map(|line| {
            line.strip_prefix("gas ").or_else(|| line.strip_prefix("verdict    valid,"))
        });
        lines.filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect()
    };
    let (shown, measured) = (gas(sample), gas(&printed));
    assert_eq!((shown.len(), measured.len()), (2, 2), "{printed}");
    for (shown, measured) in shown.into_iter().zip(measured) {
        assert!(shown.abs_diff(measured) < 600, "README: {shown}, printed: {measured}");
    }
    let steady = |text: &str| -> Vec<String> {
        let is_steady = |word: &&str| !word.starts_with("0x") && word.parse::<f64>().is_err();
        let words =
            |line: &str| line.split_whitespace().filter(is_steady).collect::<Vec<_>>().join(" ");
        text.lines()
            .map(|line| match line.split_once("bytes") {
                // Sizes follow from the circuit, and so does the answer.
                Some((size, rest)) => format!("{size}bytes{}", words(rest)),
                None if line.starts_with("answer") => line.to_owned(),
                None => words(line),
            })
            .collect()
    };
    assert_eq!(steady(sample), steady(&printed), "{printed}");
}
