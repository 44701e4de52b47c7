//! A verifying key as JSON, for verifiers in other languages: all that they have to know, without the model.

mod halo2;

use super::hex;
use crate::proving::{Format, Keys, ModelVerifier};
use serde::Serialize;

/// What a verifier off the chain has to know. Every number that is no count is a word in hexadecimal.
#[derive(Clone, Debug, Serialize)]
pub struct KeyDocument {
    format: Format,
    version: u32,
    /// The model's name.
    model: String,
    model_digest: String,
    /// `VK_DIGEST` of the contract.
    vk_digest: String,
    #[serde(flatten)]
    key: Key,
}

#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum Key {
    Halo2(Box<halo2::Key>),
    /// The encoding that `docs/protocol.md` defines, with a hash that `vk_digest` covers: so nothing in it has to be trusted by
    /// whoever knows the contract's digest.
    Packed {
        key: String,
    },
}

impl KeyDocument {
    /// The key of a model.
    pub fn of(verifier: &ModelVerifier) -> Self {
        let key = match verifier.keys() {
            Keys::Halo2(keys) => Key::Halo2(Box::new(halo2::Key::of(keys))),
            Keys::Packed(keys) => Key::Packed { key: hex(&keys.to_bytes()) },
        };
        Self {
            format: verifier.format(),
            version: 1,
            model: verifier.model().name.clone(),
            model_digest: hex(&verifier.model_digest()),
            vk_digest: hex(&verifier.digest()),
            key,
        }
    }
}
