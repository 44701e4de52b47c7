//! Any bytes as a proof file: an error, or a proof of which the honest one alone is valid.
//!
//! `script/fuzz.sh proof`

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use zkverdict::{
    ModelVerifier, ProofFile, Wishes,
    circuit::ModelCircuit,
    model::Model,
    proving::{Proof, Srs},
};

const MODEL: &[u8] = include_bytes!("../../test/fixtures/models/digits_mlp/int8_qdq.onnx");
const PROOF: &[u8] = include_bytes!("../../test/fixtures/proofs/digits.json");

static HONEST: LazyLock<(ModelVerifier, Proof)> = LazyLock::new(|| {
    let model = Model::from_onnx("digits_mlp", MODEL).expect("the fixture is a model");
    let circuit = ModelCircuit::new(&model, Wishes::default()).expect("it has a circuit");
    let srs = Srs::unsafe_dev(circuit.k());
    let verifier = ModelVerifier::generate(Arc::new(model), &circuit, &srs).expect("it has a key");
    let proof = ProofFile::parse(PROOF).expect("the fixture is a proof file").proof;
    verifier.verify(&proof).expect("the fixture is of this version");
    (verifier, proof)
});

fuzz_target!(
    init: {
        LazyLock::force(&HONEST);
    },
    |bytes: &[u8]| {
        let (verifier, honest) = &*HONEST;
        let Ok(file) = ProofFile::parse(bytes) else { return };
        let _ = file.contradiction(verifier);
        // Most changes are not of the key's digest.
        let proof = Proof { vk_digest: honest.vk_digest, ..file.proof };
        let is_honest = proof.bytes == honest.bytes && proof.instances == honest.instances;
        assert_eq!(verifier.verify(&proof).is_ok(), is_honest);
    }
);
