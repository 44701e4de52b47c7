//! The chain that takes anvil's place where there is none.

use std::process::Command;

use alloy::{
    primitives::{B256, U256},
    sol_types::{SolCall, SolValue},
};
use serde_json::Value;
use zkverdict::chain::{
    Answer, CallOutcome, Chain, ChainError, DeployOptions, Deployment, IInferenceConsumer,
    IModelRegistry, LocalChain, NewVersion, Registry, Request, SendOptions, Submission, Verdict,
    WatchOptions, Watcher, consumer_context, model_id,
};

use crate::{
    command::{KEY, bundle, prove, root},
    stand_in::{connect, contract, deploy, instances, proof, with_arguments},
};

#[tokio::test]
async fn gas_and_addresses_are_those_of_anvil() {
    let local = LocalChain::start().expect("anvil");
    let (anvil, own) = (connect(&local).await, Chain::in_process());
    assert_eq!((anvil.id(), anvil.sender()), (own.id(), own.sender()));
    let verifier = contract("StandIn");
    let mut found = Vec::new();
    for chain in [&anvil, &own] {
        let planned = Deployment::plan(chain, &verifier, &DeployOptions::default()).await;
        let planned = planned.expect("a plan");
        let deployed = planned.send(chain, &SendOptions::default()).await.expect("deployed");
        let submission =
            Submission::to_verifier(deployed.address, &proof(&instances()), &instances());
        let verdict = submission.send(chain, &verifier.abi, &SendOptions::default()).await;
        let Verdict::Accepted(sent) = verdict.expect("an answer") else { panic!("refused") };
        found.push((deployed.address, deployed.gas_used, deployed.block, sent.gas_used));
    }
    assert_eq!(found[0].0, found[1].0);
    assert_eq!((found[0].1, found[0].3), (found[1].1, found[1].3));
    assert_eq!(found[1].2, Some(1));
}

#[tokio::test]
async fn a_chain_in_process_deploys_once_and_decodes_refusals() {
    let chain = Chain::in_process();
    let verifier = contract("StandIn");
    let options = DeployOptions::default();
    let plan = || Deployment::plan(&chain, &verifier, &options);
    let dry = plan().await.expect("a plan").dry_run();
    assert!(dry["estimated_gas"].as_u64() > Some(100_000));
    let address = deploy(&chain, &verifier).await;
    assert!(plan().await.expect("a plan").already_deployed());

    let submission = Submission::to_verifier(address, &[1], &instances());
    let verdict = submission.send(&chain, &verifier.abi, &SendOptions::default()).await;
    let Ok(Verdict::Refused { error, transaction: None }) = verdict else { panic!("{verdict:?}") };
    assert_eq!(error.to_string(), "InvalidProof()");

    let broken = contract("RefusesToBeBuilt");
    let error = Deployment::plan(&chain, &broken, &DeployOptions::default()).await;
    let error = error.expect_err("it refuses to be built");
    assert!(error.to_string().ends_with("NotHere(31337)"), "{error}");
}

#[tokio::test]
async fn trouble_is_told_as_on_a_node() {
    let chain = Chain::in_process();
    let verifier = contract("StandIn");
    let send = async |options: &SendOptions, chain: &Chain| {
        let plan = Deployment::plan(chain, &verifier, &DeployOptions::default()).await;
        plan.expect("a plan").send(chain, options).await.expect_err("trouble")
    };
    let options = SendOptions { max_fee_per_gas: Some(7), ..Default::default() };
    let error = send(&options, &chain).await;
    assert!(matches!(error, ChainError::FeeTooLow { cap: 7, .. }), "{error}");
    let poor = chain.clone().with_key(zkverdict::chain::Key::from_hex(&"42".repeat(32), "").ok());
    let error = send(&SendOptions::default(), &poor).await;
    assert!(matches!(error, ChainError::InsufficientFunds { .. }), "{error}");
}

#[tokio::test]
async fn registry_consumer_and_watch_work_in_process() {
    let chain = Chain::in_process();
    let (options, model) = (SendOptions::default(), model_id("stand-in"));
    let verifier = deploy(&chain, &contract("StandIn")).await;
    let digest = zkverdict::chain::IHalo2Verifier::VK_DIGESTCall {}.abi_encode();
    let Ok(CallOutcome::Returned(digest)) = chain.call(verifier, digest.into()).await else {
        panic!("no digest")
    };
    let arguments = (chain.sender(),).abi_encode_params();
    let registry = deploy(&chain, &with_arguments("ModelRegistry", &arguments)).await;
    let new = NewVersion {
        weights: None,
        verifier,
        vk_digest: B256::from_slice(&digest),
        vouched: false,
        metadata_uri: String::new(),
    };
    let (version, sent) =
        Registry::at(registry).add(&chain, model, &new, &options).await.expect("added");
    assert_eq!((version, sent.is_some()), (1, true));
    let listed = Registry::at(registry).list(&chain, None).await.expect("a list");
    assert_eq!(listed.len(), 1);

    let arguments = (registry, model, U256::ZERO).abi_encode_params();
    let consumer = deploy(&chain, &with_arguments("Recorder", &arguments)).await;
    let context = consumer_context(chain.id(), consumer, chain.sender(), 0);
    let words = vec![context, U256::from(4), U256::from(8)];
    let abi = IInferenceConsumer::abi::contract();
    let submission = Submission::detect(&chain, consumer, &proof(&words), &words).await;
    let submission = submission.expect("an answer");
    let first = submission.send(&chain, &abi, &options).await.expect("an answer");
    assert!(first.is_valid());
    let replay = submission.send(&chain, &abi, &options).await.expect("an answer").report();
    assert_eq!(replay.error.and_then(|error| error.name).as_deref(), Some("WrongContext"));

    let asker = with_arguments("Asker", &(registry, model).abi_encode_params());
    let asker = deploy(&chain, &asker).await;
    alloy::sol! { function ask(uint256 count) external; }
    let ask = askCall { count: U256::from(20) }.abi_encode();
    chain.send(asker, ask.into(), &IModelRegistry::abi::contract(), &options).await.expect("asked");
    let dir = tempfile::tempdir().expect("a directory");
    let watcher = Watcher::open(chain.clone(), asker, Default::default(), dir.path(), 0);
    let double = |request: &Request, context: U256| {
        let instances = vec![context, request.inputs[0], request.inputs[0] * U256::from(2)];
        Ok(Answer { proof: proof(&instances), instances })
    };
    let once = WatchOptions { once: true, ..Default::default() };
    let report = watcher.expect("a journal").run(double, |_| {}, &once).await.expect("served");
    assert_eq!((report.answered, report.skipped), (20, 0));
}

/// The command without any anvil.
fn without_anvil(arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_zkverdict"))
        .current_dir(root())
        .arg("--json")
        .args(arguments)
        .env("ZKVERDICT_ANVIL", "")
        .env("ZKVERDICT_PRIVATE_KEY", KEY)
        .output()
        .expect("the command runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    let document = serde_json::from_slice(&output.stdout);
    (output.status.code(), document.unwrap_or_else(|error| panic!("{error}: {errors}")))
}

#[test]
fn deploy_submit_and_demo_need_no_anvil() {
    let dir = tempfile::tempdir().expect("a directory");
    let (bundle, _) = bundle();
    let with_anvil = |arguments: &[&str]| crate::command::ok(arguments);

    let deploy = ["deploy", bundle, "--dry-run"];
    let (code, mut planned) = without_anvil(&deploy);
    let mut expected = with_anvil(&deploy);
    // Anvil stops its search for the least gas limit early.
    let [own, anvil] = [&mut planned, &mut expected]
        .map(|plan| plan["estimated_gas"].take().as_f64().expect("a number"));
    assert!((0.98..1.02).contains(&(own / anvil)), "{own}, {anvil}");
    assert_eq!((code, planned), (Some(0), expected));
    let (code, deployed) = without_anvil(&deploy[..2]);
    let expected = with_anvil(&deploy[..2]);
    assert_eq!(code, Some(0));
    for field in ["address", "chain_id", "gas_used", "already_deployed", "code_hash"] {
        assert_eq!(deployed[field], expected[field], "{field}");
    }

    let proof = prove(dir.path(), U256::ZERO);
    let submit = ["submit", bundle, &proof];
    let (code, verdict) = without_anvil(&submit);
    let expected = with_anvil(&submit);
    assert_eq!(code, Some(0));
    for field in ["valid", "gas_used", "outputs", "verifier"] {
        assert_eq!(verdict[field], expected[field], "{field}");
    }
    assert!(verdict["transaction"].is_string());

    let text = std::fs::read(&proof).expect("a file");
    let mut document: Value = serde_json::from_slice(&text).expect("JSON");
    document["instances"][2] = format!("0x{:064x}", 1).into();
    // What the file says besides would contradict it before anything is asked.
    for said in ["inferences", "calldata"] {
        document.as_object_mut().expect("an object").remove(said);
    }
    let forged = dir.path().join("forged.json").display().to_string();
    std::fs::write(&forged, document.to_string()).expect("written");
    let (code, refusal) = without_anvil(&["submit", bundle, &forged]);
    assert_eq!((code, &refusal["error"]["name"]), (Some(1), &"InvalidProof".into()));

    let (code, report) = without_anvil(&["demo"]);
    assert_eq!(code, Some(0));
    assert_eq!(report["valid"], true);
    assert_eq!(report["gas_used"], report["verify_gas"]);
}
