//! A rendered contract as it was reviewed, and the gas it takes.
//!
//! `UPDATE_SNAPSHOTS=1 cargo test --test solidity` writes the contract again.

use std::path::Path;

use zkverdict::solidity::estimate_gas;

use crate::{
    fixture::{Case, verdict},
    spec::Spec,
};

#[test]
fn contract_is_rendered_as_it_was_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/solidity/ModelLikeVerifier.sol");
    let case = Case::new(&Spec::model_like(), 1);
    let contract = case.contract.clone().named("ModelLikeVerifier").unwrap();
    let source = contract.render().unwrap().source;
    assert_eq!(source, contract.render().unwrap().source, "rendered differently the second time");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &source).unwrap();
    }
    let reviewed = std::fs::read_to_string(&path).unwrap();
    assert!(source == reviewed, "the contract is not that of `{}`", path.display());
}

#[test]
fn gas_of_a_model_like_circuit_is_predicted_without_a_key() {
    let case = Case::new(&Spec::model_like(), 1);
    let mut deployed = case.deploy();
    let run = deployed.verify(&case.proof, &case.instances);
    assert_eq!(verdict(&run), Ok(()));
    let spec = &case.circuit.spec;
    let cs = case.fixture.pk.get_vk().cs();
    let estimate = estimate_gas(cs, spec.k, &spec.instance_counts).unwrap();
    let measured = run.gas.total;
    println!("{measured} gas, {} predicted, {} bytes", estimate.total, deployed.runtime_bytes);
    assert!(
        100 * measured.abs_diff(estimate.total) <= measured,
        "{estimate:?}, {measured} measured"
    );
    assert_eq!(estimate.proof_bytes, case.proof.len());
    let bytes = deployed.runtime_bytes;
    assert!(10 * bytes.abs_diff(estimate.runtime_bytes) <= bytes, "{estimate:?}, {bytes} bytes");
}

#[test]
fn phases_are_marked_in_the_source() {
    let source = &crate::fixture::RICH.compiled.source;
    let spans = zkverdict::solidity::phase_spans(source);
    for phase in [
        "calldata",
        "transcript",
        "instances",
        "gates",
        "permutation",
        "lookups",
        "openings",
        "msm",
        "pairing",
    ] {
        assert!(spans.iter().any(|span| span.phase == phase), "{phase}");
    }
    let gates = spans.iter().find(|span| span.phase == "gates").unwrap();
    assert!(source[gates.bytes.clone()].contains("add_constraints_1(h, y, r)"));
}

#[test]
fn name_that_is_no_identifier_is_refused() {
    let case = Case::new(&Spec::model_like(), 1);
    for name in ["", "1a", "a b", "a;", "é", "IHalo2Verifier"] {
        assert!(case.contract.clone().named(name).is_err(), "{name}");
    }
}
