use alloy::{
    primitives::{Address, U256},
    providers::Provider,
    sol_types::SolValue,
};
use zkverdict::chain::{
    Chain, ChainError, Contract, DeployOptions, Deployment, LocalChain, SendOptions, Submission,
    Verdict,
};

use crate::stand_in::{connect, contract, instances, proof, with_arguments};

async fn deploy(chain: &Chain, contract: &Contract) -> Address {
    let planned = Deployment::plan(chain, contract, &DeployOptions::default()).await;
    let planned = planned.expect("a plan");
    planned.send(chain, &SendOptions::default()).await.expect("deployed").address
}

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
