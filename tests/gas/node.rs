//! Receipts of a real node, beside what the laboratory measures.

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    node_bindings::Anvil,
    primitives::Address,
    providers::{Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use zkverdict::evm::{Fork, GasReport};

const ANVIL: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil");

/// Forks that anvil knows, and whose prices are final.
pub const FORKS: [Fork; 3] = [Fork::Cancun, Fork::Prague, Fork::Osaka];

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
        let transaction = transaction.with_gas_limit(10_000_000);
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

/// Panics unless deployment and calls cost to the gas what the receipts say.
pub async fn assert_equal_to_receipts(fork: Fork, init_code: &[u8], calls: &[Vec<u8>]) {
    let (deploy_gas, used) = receipts(fork, init_code, calls).await;
    for (calldata, used) in calls.iter().zip(used) {
        let report = GasReport::measure(init_code, calldata, fork).unwrap();
        assert_eq!(report.total, used, "{fork}: {:?}", report.call);
        assert_eq!(report.deploy_gas, deploy_gas, "{fork}");
    }
}
