use alloy::{
    primitives::{Address, B256, Bytes},
    providers::ext::AnvilApi,
};
use zkverdict::chain::{
    CREATE2_DEPLOYER, Chain, ChainError, DeployOptions, Deployment, LocalChain, Record, Records,
    SendOptions,
};

use crate::stand_in::{connect, contract};

#[tokio::test]
async fn a_contract_is_deployed_once_at_the_predicted_address() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let options = DeployOptions::default();

    let planned = Deployment::plan(&chain, &contract, &options).await.expect("a plan");
    let address = planned.address();
    assert_eq!(address, Deployment::predict(&contract, B256::ZERO));
    assert!(!planned.already_deployed());
    assert!(planned.gas() > 50_000);
    assert!(!chain.has_code(address).await.expect("an answer"), "planning sends nothing");
    let first = planned.send(&chain, &SendOptions::default()).await.expect("deployed");
    assert_eq!(first.address, address);
    assert!(!first.already_deployed && first.transaction.is_some() && first.gas_used.is_some());
    assert_eq!(chain.code_hash(address).await.expect("an answer"), Some(first.code_hash));

    let again = Deployment::plan(&chain, &contract, &options).await.expect("a plan");
    assert!(again.already_deployed());
    let second = again.send(&chain, &SendOptions::default()).await.expect("found");
    assert!(second.already_deployed && second.transaction.is_none());
    assert_eq!((second.address, second.code_hash), (first.address, first.code_hash));

    let salted = DeployOptions { salt: B256::repeat_byte(1), ..options };
    let other = Deployment::plan(&chain, &contract, &salted).await.expect("a plan");
    assert_ne!(other.address(), address);
}

#[tokio::test]
async fn two_deployments_at_a_time_end_at_the_same_contract() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let other = chain.clone().with_key(local.nth_key(1));
    let contract = contract("StandIn");
    let options = DeployOptions::default();
    let send = SendOptions::default();

    let first = Deployment::plan(&chain, &contract, &options).await.expect("a plan");
    let second = Deployment::plan(&other, &contract, &options).await.expect("a plan");
    let (first, second) = tokio::join!(first.send(&chain, &send), second.send(&other, &send));
    let (first, second) = (first.expect("deployed"), second.expect("deployed"));
    assert_eq!(first.address, second.address);
    assert!(first.already_deployed != second.already_deployed, "one of them was first");
}

#[tokio::test]
async fn deployments_with_one_key_at_a_time_all_get_through() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let deploy = async |byte| {
        let options = DeployOptions { salt: B256::repeat_byte(byte), ..Default::default() };
        let plan = Deployment::plan(&chain, &contract, &options).await.expect("a plan");
        plan.send(&chain, &SendOptions::default()).await.expect("deployed")
    };
    let (a, b, c) = tokio::join!(deploy(1), deploy(2), deploy(3));
    assert!(!a.already_deployed && !b.already_deployed && !c.already_deployed);
}

#[tokio::test]
async fn other_code_at_the_address_is_noticed() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let address = Deployment::predict(&contract, B256::ZERO);
    chain.provider().anvil_set_code(address, Bytes::from_static(&[0])).await.expect("anvil obeys");
    let error = Deployment::plan(&chain, &contract, &DeployOptions::default()).await.err();
    assert!(matches!(error, Some(ChainError::WrongCode { .. })), "{error:?}");
}

#[tokio::test]
async fn a_chain_without_the_deployer_is_refused() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    chain.provider().anvil_set_code(CREATE2_DEPLOYER, Bytes::new()).await.expect("anvil obeys");
    let contract = contract("StandIn");
    let error = Deployment::plan(&chain, &contract, &DeployOptions::default()).await.err();
    assert!(matches!(error, Some(ChainError::NoDeployer { chain_id: 31337, .. })), "{error:?}");
}

#[tokio::test]
async fn a_constructor_that_refuses_is_heard() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("RefusesToBeBuilt");
    let error = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let error = error.expect_err("the constructor reverts").to_string();
    assert!(error.contains("`RefusesToBeBuilt`") && error.ends_with("NotHere(31337)"), "{error}");
}

#[tokio::test]
async fn an_unsafe_srs_stays_on_local_chains_and_the_one_it_was_rendered_for() {
    let anvil = zkverdict::chain::find_anvil().expect("anvil");
    let local = LocalChain::start_with(&anvil, ["--chain-id", "11155111"]).expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");

    let unsafe_srs = DeployOptions { unsafe_dev_srs: true, ..Default::default() };
    let error = Deployment::plan(&chain, &contract, &unsafe_srs).await.err();
    let Some(ChainError::UnsafeSrs { chain_id: 11_155_111, .. }) = error else {
        panic!("{error:?}");
    };
    let elsewhere = DeployOptions { dev_chain_id: Some(1), ..unsafe_srs };
    let error = Deployment::plan(&chain, &contract, &elsewhere).await.err();
    assert!(matches!(error, Some(ChainError::UnsafeSrs { .. })), "{error:?}");
    let here = DeployOptions { dev_chain_id: Some(11_155_111), ..unsafe_srs };
    Deployment::plan(&chain, &contract, &here).await.expect("it was named");

    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    Deployment::plan(&chain, &contract, &unsafe_srs).await.expect("local");
}

#[tokio::test]
async fn a_plan_needs_no_key() {
    let local = LocalChain::start().expect("anvil");
    let chain = Chain::connect(local.url(), None).await.expect("the local chain answers");
    let contract = contract("StandIn");
    let planned = Deployment::plan(&chain, &contract, &DeployOptions::default()).await;
    let planned = planned.expect("a plan");
    let error = planned.send(&chain, &SendOptions::default()).await.err();
    assert!(matches!(error, Some(ChainError::NoKey)), "{error:?}");
}

#[tokio::test]
async fn a_deployment_is_recorded() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let contract = contract("StandIn");
    let options = DeployOptions { unsafe_dev_srs: true, ..Default::default() };
    let planned = Deployment::plan(&chain, &contract, &options).await.expect("a plan");
    let deployed = planned.send(&chain, &SendOptions::default()).await.expect("deployed");

    let dir = tempfile::tempdir().expect("a directory");
    let records = Records::new(dir.path());
    let record = Record::new(&contract, &options, &deployed, Some(B256::repeat_byte(3)));
    let path = records.add(chain.id(), record.clone()).expect("written");
    assert_eq!(path, dir.path().join("31337.json"));
    assert_eq!(records.find(31337, "StandIn").expect("readable"), Some(record));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).expect("readable")).expect("JSON");
    let address: Address =
        json["contracts"][0]["address"].as_str().expect("a string").parse().expect("an address");
    assert_eq!(address, deployed.address);
}
