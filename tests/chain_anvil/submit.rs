use alloy::{
    primitives::{Address, B256, U256},
    providers::Provider,
    sol_types::{SolCall, SolValue},
};
use zkverdict::chain::{
    CallOutcome, Chain, ChainError, IHalo2Verifier, IInferenceConsumer, IModelRegistry, LocalChain,
    NewVersion, Registry, RegistryChange, SendOptions, Sent, Submission, Verdict, model_id,
};

use crate::stand_in::{connect, contract, deploy, instances, proof, with_arguments};

#[tokio::test]
async fn a_valid_proof_gets_into_a_block() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let verifier = deploy(&chain, &contract).await;
    let submission = Submission::to_verifier(verifier, &proof(&instances()), &instances());

    let estimate = submission.simulate(&chain, &contract.abi).await.expect("an answer");
    let estimate = estimate.expect("a valid proof");
    let verdict = submission.send(&chain, &contract.abi, &SendOptions::default()).await;
    let Verdict::Accepted(sent) = verdict.expect("an answer") else { panic!("refused") };
    assert_eq!(sent.gas_used, estimate);
    let receipt = chain.provider().get_transaction_receipt(sent.transaction).await;
    let receipt = receipt.expect("an answer").expect("a receipt");
    assert!(receipt.status());
    assert_eq!((receipt.gas_used, receipt.to), (sent.gas_used, Some(verifier)));
}

#[tokio::test]
async fn a_refused_proof_is_a_decoded_verdict_and_costs_nothing() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let verifier = deploy(&chain, &contract).await;
    let balance = chain.balance(chain.sender()).await.expect("an answer");

    let above_modulus = vec![U256::from(1), U256::MAX];
    for (proof, instances, expected) in [
        (Vec::new(), instances(), "InvalidProof()"),
        (proof(&[]), instances(), "InvalidProof()"),
        (proof(&above_modulus), above_modulus, "InstanceOutOfRange(1)"),
    ] {
        let submission = Submission::to_verifier(verifier, &proof, &instances);
        let verdict = submission.send(&chain, &contract.abi, &SendOptions::default()).await;
        let verdict = verdict.expect("an answer");
        let Verdict::Refused { error, transaction: None } = &verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(error.to_string(), expected);
        let report = serde_json::to_value(verdict.report()).expect("JSON");
        assert_eq!(report["valid"], false);
        assert_eq!(report["error"]["name"], error.name.clone().expect("a typed error"));
    }
    assert_eq!(chain.balance(chain.sender()).await.expect("an answer"), balance);
}

#[tokio::test]
async fn an_address_without_a_verifier_gives_no_verdict() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let submission =
        Submission::to_verifier(Address::repeat_byte(7), &proof(&instances()), &instances());
    let error = submission.send(&chain, &contract.abi, &SendOptions::default()).await.err();
    assert!(matches!(error, Some(ChainError::NoContract { .. })), "{error:?}");

    // The deployer takes any calldata for init code and returns 20 bytes.
    let deployer = zkverdict::chain::CREATE2_DEPLOYER;
    let submission = Submission::to_verifier(deployer, &proof(&instances()), &instances());
    let verdict = submission.send(&chain, &contract.abi, &SendOptions::default()).await;
    assert!(!verdict.is_ok_and(|verdict| verdict.is_valid()));
}

#[tokio::test]
async fn a_verifier_that_returns_false_refuses() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("ReturnsFalse");
    let verifier = deploy(&chain, &contract).await;
    let submission = Submission::to_verifier(verifier, &[1], &instances());
    let verdict = submission.send(&chain, &contract.abi, &SendOptions::default()).await;
    assert!(!verdict.expect("an answer").is_valid());
}

#[tokio::test]
async fn a_contract_that_acts_on_proofs_takes_each_once() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let stand_in = contract("StandIn");
    let verifier = deploy(&chain, &stand_in).await;
    let once = with_arguments("Once", &verifier.abi_encode());
    let consumer = deploy(&chain, &once).await;

    let function = &once.abi.functions["answer"][0];
    let arguments = (proof(&instances()).as_slice().to_vec(), instances());
    let encoded = (alloy::primitives::Bytes::from(arguments.0), arguments.1).abi_encode_params();
    let calldata = [function.selector().as_slice(), &encoded].concat();
    let submission = Submission::to_contract(consumer, calldata);

    let verdict = submission.send(&chain, &once.abi, &SendOptions::default()).await;
    assert!(verdict.expect("an answer").is_valid());
    let verdict = submission.send(&chain, &once.abi, &SendOptions::default()).await;
    let Verdict::Refused { error, .. } = verdict.expect("an answer") else { panic!("replayed") };
    assert_eq!(error.to_string(), format!("AlreadyAnswered({})", chain.sender()));
}

#[tokio::test]
async fn consumers_are_told_from_verifiers_and_take_each_proof_once() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let thief = chain.clone().with_key(local.nth_key(1));
    let (verifier, consumer) = registered(&chain).await;
    let stand_in = contract("StandIn");
    let send = SendOptions::default();

    let direct = Submission::detect(&chain, verifier, &proof(&instances()), &instances()).await;
    let verdict = direct.expect("an answer").send(&chain, &stand_in.abi, &send).await;
    assert!(verdict.expect("an answer").is_valid());

    let context = context(&chain, consumer).await;
    let instances = [context, U256::from(5), U256::from(7)];
    let submission = Submission::detect(&chain, consumer, &proof(&instances), &instances).await;
    let submission = submission.expect("an answer");

    // Somebody who takes the proof from the mempool gets nothing for it.
    let verdict = submission.send(&thief, &stand_in.abi, &send).await.expect("an answer");
    let Verdict::Refused { error, .. } = verdict else { panic!("stolen") };
    assert_eq!(error.name.as_deref(), Some("WrongContext"));

    // The verifier's own error comes through registry and consumer.
    let forged = Submission::to_consumer(consumer, &[], &instances);
    let verdict = forged.send(&chain, &stand_in.abi, &send).await.expect("an answer");
    assert_eq!(verdict.report().error.expect("its words").to_string(), "InvalidProof()");

    let verdict = submission.send(&chain, &stand_in.abi, &send).await;
    assert!(verdict.expect("an answer").is_valid());
    let verdict = submission.send(&chain, &stand_in.abi, &send).await.expect("an answer");
    let Verdict::Refused { error, .. } = verdict else { panic!("replayed") };
    assert_eq!(error.name.as_deref(), Some("WrongContext"));
}

#[tokio::test]
async fn tombstoned_versions_and_stopped_registries_refuse() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let (verifier, consumer) = registered(&chain).await;
    let registry_address = registry_of(&chain).await;
    let registry = Registry::at(registry_address);
    let stand_in = contract("StandIn");
    let send = SendOptions::default();
    let model = model_id("stand-in");

    let versions = registry.list(&chain, None).await.expect("an answer");
    assert_eq!(versions.len(), 1);
    assert_eq!((versions[0].model_id, versions[0].verifier), (model, verifier));
    let json = serde_json::to_value(&versions[0]).expect("JSON");
    assert_eq!((json["status"].as_str(), json["version"].as_u64()), (Some("active"), Some(1)));

    let instances = [context(&chain, consumer).await, U256::from(5), U256::from(7)];
    let submission = Submission::to_consumer(consumer, &proof(&instances), &instances);
    let refusal = async || {
        let verdict = submission.send(&chain, &stand_in.abi, &send).await.expect("an answer");
        verdict.report().error.map(|error| error.to_string())
    };

    let stop = IModelRegistry::stopCall {}.abi_encode();
    chain.send(registry_address, stop.into(), &stand_in.abi, &send).await.expect("stopped");
    assert_eq!(refusal().await.as_deref(), Some("RegistryIsStopped()"));
    let resume = IModelRegistry::resumeCall {}.abi_encode();
    chain.send(registry_address, resume.into(), &stand_in.abi, &send).await.expect("resumed");

    let tombstone = RegistryChange::Tombstone(model, 1);
    let thief = chain.clone().with_key(local.nth_key(1));
    let error = registry.change(&thief, &tombstone, &send).await.expect_err("not the owner");
    assert!(error.to_string().contains("NotOwner("), "{error}");

    registry.change(&chain, &tombstone, &send).await.expect("withdrawn");
    assert_eq!(refusal().await, Some(format!("NoActiveVersion({model})")));
    let error = registry.change(&chain, &RegistryChange::ResumeVersion(model, 1), &send).await;
    assert!(matches!(error, Err(ChainError::Reverted { .. })), "{error:?}");
    let error = registry.version(&chain, model, 2).await.expect_err("there is one");
    assert!(error.to_string().contains("UnknownVersion("), "{error}");
}

#[tokio::test]
async fn adding_a_version_twice_adds_it_once() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let (verifier, _) = registered(&chain).await;
    let registry = Registry::at(registry_of(&chain).await);
    let (version, sent) = add_stand_in(&chain, registry, verifier).await;
    assert!(version == 1 && sent.is_none());
}

/// A registry that belongs to the chain's key.
async fn registry_of(chain: &Chain) -> Address {
    let registry = with_arguments("ModelRegistry", &chain.sender().abi_encode());
    deploy(chain, &registry).await
}

async fn add_stand_in(chain: &Chain, registry: Registry, verifier: Address) -> (u64, Option<Sent>) {
    let digest =
        match chain.call(verifier, IHalo2Verifier::VK_DIGESTCall {}.abi_encode().into()).await {
            Ok(CallOutcome::Returned(digest)) => B256::from_slice(&digest),
            other => panic!("{other:?}"),
        };
    let new = NewVersion {
        weights: None,
        verifier,
        vk_digest: digest,
        vouched: false,
        metadata_uri: "ipfs://stand-in".into(),
    };
    let send = SendOptions::default();
    registry.add(chain, model_id("stand-in"), &new, &send).await.expect("added")
}

/// A verifier, registered, and a consumer that follows the registry.
async fn registered(chain: &Chain) -> (Address, Address) {
    let verifier = deploy(chain, &contract("StandIn")).await;
    let registry = registry_of(chain).await;
    let (version, sent) = add_stand_in(chain, Registry::at(registry), verifier).await;
    assert!(version == 1 && sent.is_some());
    let arguments = (registry, model_id("stand-in"), U256::ZERO).abi_encode_params();
    (verifier, deploy(chain, &with_arguments("Recorder", &arguments)).await)
}

async fn context(chain: &Chain, consumer: Address) -> U256 {
    let call = IInferenceConsumer::contextOfCall { sender: chain.sender() }.abi_encode();
    match chain.call(consumer, call.into()).await {
        Ok(CallOutcome::Returned(context)) => U256::from_be_slice(&context),
        other => panic!("{other:?}"),
    }
}
