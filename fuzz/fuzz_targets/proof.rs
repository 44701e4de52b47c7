//! Any bytes as a proof file, of either format: an error, or a proof of which the honest ones alone are valid.
//!
//! `script/fuzz.sh proof`

#![no_main]

#[path = "../honest.rs"]
mod honest;

use honest::{HALO2, PACKED};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;
use zkverdict::{
    ProofFile,
    bundle::hex,
    proving::{Format, Proof},
};

fuzz_target!(
    init: {
        LazyLock::force(&HALO2);
        let proof = &PACKED.1[0];
        let instances = proof.instances.iter().map(|word| format!("\"{}\"", hex(word)));
        let document = format!(
            r#"{{"format": "packed", "vk_digest": "{}", "proof": "{}", "instances": [{}]}}"#,
            hex(&proof.vk_digest),
            hex(&proof.bytes),
            instances.collect::<Vec<_>>().join(", ")
        );
        honest::seed("proof", "packed.json", document.as_bytes());
    },
    |bytes: &[u8]| {
        let Ok(file) = ProofFile::parse(bytes) else { return };
        let (verifier, honest) = match file.proof.format {
            Format::Halo2 => &*HALO2,
            Format::Packed => &*PACKED,
        };
        let _ = file.contradiction(verifier);
        // Most changes are not of the key's digest.
        let proof = Proof { vk_digest: verifier.digest(), ..file.proof };
        let is_honest = honest.contains(&proof);
        assert_eq!(verifier.verify(&proof).is_ok(), is_honest);
    }
);
