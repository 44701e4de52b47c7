//! The laboratory against receipts of a real node.

use crate::{
    lab::{Lab, PIPELINES},
    node::{FORKS, assert_equal_to_receipts},
};

#[tokio::test]
async fn totals_are_the_gas_used_of_receipts() {
    for fork in FORKS {
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
    for fork in FORKS {
        assert_equal_to_receipts(fork, &contract.init_code, &calls).await;
    }
}

/// Through the deterministic deployer: the code is compared but for the address that the constructor wrote.
#[cfg(feature = "compile")]
#[tokio::test]
async fn verifier_with_key_data_is_deployed_where_it_was_predicted() {
    use alloy::providers::Provider;
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
