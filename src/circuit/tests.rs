//! What tests of both circuits ask.

use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    halo2curves::bn256::Fr,
    plonk::Circuit,
};

/// The names of the constraints that a circuit's witness breaks.
pub fn broken<C: Circuit<Fr>>(k: u32, circuit: &C, instances: Vec<Fr>) -> Vec<String> {
    let prover = MockProver::run(k, circuit, vec![instances]).expect("the circuit fits");
    let failures = prover.verify().err().unwrap_or_default();
    let mut names: Vec<String> = failures
        .into_iter()
        .map(|failure| match failure {
            VerifyFailure::ConstraintNotSatisfied { constraint, .. } => constraint.to_string(),
            other => panic!("{other}"),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// That exactly the constraints of these names are broken.
#[track_caller]
pub fn assert_breaks(names: &[String], sentences: &[&str]) {
    let is_expected = |name: &String| sentences.iter().any(|sentence| name.contains(sentence));
    let all = sentences.iter().all(|sentence| names.iter().any(|name| name.contains(sentence)));
    assert!(all && names.iter().all(is_expected), "expected {sentences:?}, found {names:?}");
}

/// What the look-up argument refuses.
pub const IS_AN_ENTRY: &str = "every look-up is a table entry";
