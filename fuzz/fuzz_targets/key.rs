//! Any bytes as what else bundles hold and packed proofs consist of, the first one says what: a verifying key of either format, the
//! powers of packed proofs, the bytes of a packed proof. What is read has one encoding, and the honest proof alone is valid.
//!
//! `script/fuzz.sh key`

#![no_main]

#[path = "../honest.rs"]
mod honest;

use honest::{HALO2, PACKED};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};
use zkverdict::{
    ModelVerifier,
    model::Model,
    proving::{Powers, Proof, Srs, SrsOrigin},
};

static MODEL: LazyLock<Arc<Model>> = LazyLock::new(|| Arc::new(HALO2.0.model().clone()));

/// A key beside the honest proof: the proof is valid under its own key alone, and others are refused.
fn check_key(bytes: &[u8], read: &ModelVerifier, (honest, proofs): &(ModelVerifier, Vec<Proof>)) {
    assert_eq!(read.keys().to_bytes(), bytes);
    let is_honest = read.digest() == honest.digest();
    let proof = Proof { vk_digest: read.digest(), ..proofs[0].clone() };
    assert_eq!(read.verify(&proof).is_ok(), is_honest);
}

fn halo2_key(bytes: &[u8]) {
    static SRS: LazyLock<Srs> = LazyLock::new(|| Srs::unsafe_dev(HALO2.0.keys().k()));
    let honest = &HALO2.0;
    let (layout, shape) = (honest.layout().clone(), honest.shape().clone());
    if let Ok(read) = ModelVerifier::from_bytes(Arc::clone(&MODEL), layout, shape, &SRS, bytes) {
        check_key(bytes, &read, &HALO2);
    }
}

fn packed_key(bytes: &[u8]) {
    let honest = &PACKED.0;
    let (layout, shape, k) = (honest.layout().clone(), honest.shape().clone(), honest.keys().k());
    let origin = SrsOrigin::UnsafeDev;
    let read =
        ModelVerifier::from_packed_bytes(Arc::clone(&MODEL), layout, shape, k, origin, bytes);
    if let Ok(read) = read {
        check_key(bytes, &read, &PACKED);
    }
}

fn packed_proof(bytes: &[u8]) {
    let (verifier, [honest, ..]) = (&PACKED.0, &PACKED.1[..]) else { return };
    let proof = Proof { bytes: bytes.to_vec(), ..honest.clone() };
    assert_eq!(verifier.verify(&proof).is_ok(), bytes == honest.bytes);
}

fn powers(bytes: &[u8]) {
    if let Ok(powers) = Powers::from_bytes_unchecked(bytes, SrsOrigin::Raw) {
        assert_eq!(powers.to_bytes(), bytes);
        let _ = PACKED.0.clone().with_powers(powers);
    }
}

fuzz_target!(
    init: {
        let seeds = [
            HALO2.0.keys().to_bytes(),
            PACKED.0.keys().to_bytes(),
            PACKED.1[0].bytes.clone(),
            Powers::unsafe_dev(9).to_bytes(),
        ];
        for (kind, bytes) in (0..).zip(seeds) {
            honest::seed("key", &format!("honest-{kind}"), &[&[kind], &bytes[..]].concat());
        }
    },
    |bytes: &[u8]| {
        match bytes.split_first() {
            Some((0, bytes)) => halo2_key(bytes),
            Some((1, bytes)) => packed_key(bytes),
            Some((2, bytes)) => packed_proof(bytes),
            Some((3, bytes)) => powers(bytes),
            _ => {}
        }
    }
);
