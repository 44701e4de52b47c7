//! What the laboratory measures for each model's verifier, against receipts of a real node.

use crate::{
    node::{FORKS, assert_equal_to_receipts},
    proven::Proven,
};

/// A good proof, one with its last byte changed, which fails late, and one with its first word changed, which fails
/// early: from Prague on it costs the calldata's floor.
async fn totals_equal_receipts(proven: &Proven) {
    let good = proven.claim();
    let [mut late, mut early] = [good.clone(), good.clone()];
    late.instances.last_mut().unwrap()[31] ^= 1;
    early.proof[31] ^= 1;
    let calls = [good, late, early].map(|claim| claim.calldata());
    for fork in FORKS {
        assert_equal_to_receipts(fork, &proven.contract.init_code, &calls).await;
    }
}

#[tokio::test]
async fn totals_of_verifiers_are_the_gas_used_of_receipts() {
    for proven in Proven::models() {
        totals_equal_receipts(proven).await;
    }
}

#[tokio::test]
#[ignore = "proving resnet8 takes a minute and 1.6 GB"]
async fn totals_of_the_largest_verifier_are_the_gas_used_of_receipts() {
    totals_equal_receipts(Proven::largest()).await;
}
