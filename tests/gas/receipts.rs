//! The laboratory against receipts of a real node.

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    node_bindings::Anvil,
    primitives::Address,
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use zkverdict::evm::{Fork, GasReport};

use crate::lab::{Lab, PIPELINES};

const ANVIL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");

/// `gasUsed` of a deployment and of calls to the deployed contract.
async fn receipts(fork: Fork, init_code: &[u8], calls: &[Vec<u8>]) -> (u64, Vec<u64>) {
    let anvil = Anvil::at(ANVIL)
        .arg("--hardfork")
        .arg(fork.name())
        .try_spawn()
        .expect("anvil starts; `npm ci` installs it");
    let wallet: EthereumWallet = PrivateKeySigner::from(anvil.keys()[0].clone()).into();
    let provider = ProviderBuilder::new().wallet(wallet).connect_http(anvil.endpoint_url());
    let send = async |transaction: TransactionRequest| {
        // A limit of our own: calls that revert have no estimate.
        let transaction = transaction.with_gas_limit(3_000_000);
        provider.send_transaction(transaction).await.unwrap().get_receipt().await.unwrap()
    };
    let deployed = send(TransactionRequest::default().with_deploy_code(init_code.to_vec())).await;
    let at: Address = deployed.contract_address.unwrap();
    let mut used = Vec::new();
    for calldata in calls {
        let call = TransactionRequest::default().with_to(at).with_input(calldata.clone());
        used.push(send(call).await.gas_used);
    }
    (deployed.gas_used, used)
}

#[tokio::test]
async fn totals_are_the_gas_used_of_receipts() {
    for fork in [Fork::Cancun, Fork::Prague, Fork::Osaka] {
        for pipeline in PIPELINES {
            let lab = Lab::read(pipeline);
            let init_code = lab.init_code("Lab");
            let calls = [
                lab.good_calldata(),
                Lab::calldata(&Lab::generator(), &[]),
                Lab::calldata(&[0; 32], &[]),
                Lab::calldata(&Lab::generator(), &[[0xff; 32]]),
                // Mostly calldata: the floor decides from Prague on.
                Lab::calldata(&[0xff; 4_000], &[]),
                vec![1, 2, 3, 4],
            ];
            assert_equal_to_receipts(fork, &init_code, &calls).await;
        }
    }
}

/// For every model: a good proof, and the same with its last byte changed.
#[cfg(feature = "compile")]
#[tokio::test]
async fn totals_of_verifiers_are_the_gas_used_of_receipts() {
    for model in crate::verifiers::MODELS {
        let (contract, calldata) = crate::verifiers::verifier_of(model);
        let mut tampered = calldata.clone();
        if let Some(last) = tampered.last_mut() {
            *last ^= 1;
        }
        let calls = [calldata, tampered];
        for fork in [Fork::Cancun, Fork::Prague, Fork::Osaka] {
            assert_equal_to_receipts(fork, &contract.init_code, &calls).await;
        }
    }
}

/// A verifier with its key in a second contract, a call, a batch, and both with their last byte changed.
#[cfg(feature = "compile")]
#[tokio::test]
async fn totals_with_key_data_and_of_batches_are_the_gas_used_of_receipts() {
    let (contract, mut calls) = crate::verifiers::verifier_with_key_data("digits_mlp");
    for calldata in calls.clone() {
        let mut tampered = calldata;
        if let Some(last) = tampered.last_mut() {
            *last ^= 1;
        }
        calls.push(tampered);
    }
    for fork in [Fork::Cancun, Fork::Prague, Fork::Osaka] {
        assert_equal_to_receipts(fork, &contract.init_code, &calls).await;
    }
}

/// Through the deterministic deployer: the code is compared but for the address that the constructor wrote.
#[cfg(feature = "compile")]
#[tokio::test]
async fn verifier_with_key_data_is_deployed_where_it_was_predicted() {
    use zkverdict::chain::{
        Chain, Contract, DeployOptions, Deployment, LocalChain, RuntimeCode, SendOptions,
    };
    let (compiled, _) = crate::verifiers::verifier_with_key_data("digits_mlp");
    assert!(!compiled.immutables.is_empty());
    let abi = compiled.abi.to_string();
    let contract = Contract::new(&compiled.name, compiled.init_code.clone(), &abi).unwrap();
    let contract = contract.with_runtime(RuntimeCode {
        code: compiled.runtime_code.clone().into(),
        immutables: compiled.immutables.clone(),
    });
    let local = LocalChain::start().unwrap();
    let chain = Chain::connect(local.url(), Some(local.key())).await.unwrap();
    let options = DeployOptions::default();
    for already_deployed in [false, true] {
        let plan = Deployment::plan(&chain, &contract, &options).await.unwrap();
        assert_eq!(plan.already_deployed(), already_deployed);
        let deployed = plan.send(&chain, &SendOptions::default()).await.unwrap();
        assert_eq!(deployed.address, Deployment::predict(&contract, options.salt));
        let code = chain.provider().get_code_at(deployed.address.create(1)).await.unwrap();
        assert_eq!(code.len(), compiled.key_data_bytes);
    }
}

async fn assert_equal_to_receipts(fork: Fork, init_code: &[u8], calls: &[Vec<u8>]) {
    let (deploy_gas, used) = receipts(fork, init_code, calls).await;
    for (calldata, used) in calls.iter().zip(used) {
        let report = GasReport::measure(init_code, calldata, fork).unwrap();
        assert_eq!(report.total, used, "{fork}: {:?}", report.call);
        assert_eq!(report.deploy_gas, deploy_gas, "{fork}");
    }
}
