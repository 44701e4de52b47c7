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

async fn assert_equal_to_receipts(fork: Fork, init_code: &[u8], calls: &[Vec<u8>]) {
    let (deploy_gas, used) = receipts(fork, init_code, calls).await;
    for (calldata, used) in calls.iter().zip(used) {
        let report = GasReport::measure(init_code, calldata, fork).unwrap();
        assert_eq!(report.total, used, "{fork}: {:?}", report.call);
        assert_eq!(report.deploy_gas, deploy_gas, "{fork}");
    }
}
