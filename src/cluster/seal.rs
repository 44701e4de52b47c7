//! Inputs that nobody but workers can read: HPKE (RFC 9180) of X25519, HKDF-SHA256 and ChaCha20-Poly1305.
//!
//! A sealed input is the encapsulated key (32 bytes), then what is encrypted. It can be opened for the bundle alone that it was
//! sealed for: under one that shows its inputs, a proof of it would tell them.

use super::ClusterError;
use super::hash::Hash;
use crate::bundle::{files, hex, unhex, wipe};
use crate::regular_file;
use hpke::{
    Deserializable, Kem, OpModeR, OpModeS, Serializable, aead::ChaCha20Poly1305, kdf::HkdfSha256,
    kem::X25519HkdfSha256, single_shot_open, single_shot_seal,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is sealed, to HPKE.
const INFO: &[u8] = b"zkverdict job 1";

/// Bytes of an encapsulated key.
const KEY_BYTES: usize = 32;

const FORMAT: &str = "zkverdict worker key";
const VERSION: u32 = 1;

/// What inputs are sealed to.
#[derive(Clone)]
pub struct PublicKey(<X25519HkdfSha256 as Kem>::PublicKey);

/// What workers open them with.
pub struct SecretKey(<X25519HkdfSha256 as Kem>::PrivateKey);

/// The key file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    public: String,
    secret: String,
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.secret).into_bytes());
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.bytes())
    }
}

impl PublicKey {
    /// From hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = unhex(text)?;
        <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(&bytes).ok().map(Self)
    }

    /// Its bytes: how it is shown.
    pub fn bytes(&self) -> Hash {
        let bytes = self.0.to_bytes();
        Hash(std::array::from_fn(|at| bytes[at]))
    }

    /// Seals an input for a bundle.
    pub fn seal(&self, input: &[u8], bundle: Hash) -> Result<Vec<u8>, ClusterError> {
        let sealed = single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &self.0,
            INFO,
            input,
            &bundle.0,
        );
        // A key of small order has no secret with anybody.
        let (key, sealed) = sealed.map_err(|_| ClusterError::Sealed)?;
        Ok([&key.to_bytes()[..], &sealed].concat())
    }
}

impl SecretKey {
    /// Makes one, and its file for nobody but its owner; none is overwritten.
    pub fn create(path: &Path) -> Result<Self, ClusterError> {
        let refused = |why: &str| ClusterError::File { path: path.to_owned(), why: why.into() };
        if path.symlink_metadata().is_ok() {
            return Err(refused("something is there already"));
        }
        let (secret, public) = X25519HkdfSha256::gen_keypair();
        let mut bytes = secret.to_bytes();
        let document = Document {
            format: FORMAT.into(),
            version: VERSION,
            public: hex(&public.to_bytes()),
            secret: hex(&bytes),
        };
        wipe(&mut bytes);
        let mut text = serde_json::to_vec_pretty(&document).expect("its keys are texts");
        let written = files::write_secret(path, &text);
        wipe(&mut text);
        written?;
        Ok(Self(secret))
    }

    /// Reads a key file.
    pub fn open(path: &Path) -> Result<Self, ClusterError> {
        let refused = |why: String| ClusterError::File { path: path.to_owned(), why };
        let read = regular_file::read_at_most(path, regular_file::LARGEST_DOCUMENT);
        let mut text = read.map_err(|error| refused(error.to_string()))?;
        // The reader's own messages show what it found.
        let document = serde_json::from_slice::<Document>(&text);
        wipe(&mut text);
        let no_key = || refused("it is no key that `zkverdict worker --new-key` wrote".into());
        let document = document.map_err(|_| no_key())?;
        if document.format != FORMAT || document.version != VERSION {
            return Err(no_key());
        }
        let mut bytes = unhex(&document.secret).ok_or_else(no_key)?;
        let secret = <X25519HkdfSha256 as Kem>::PrivateKey::from_bytes(&bytes);
        wipe(&mut bytes);
        let secret = Self(secret.map_err(|_| no_key())?);
        if secret.public().bytes().to_string() != document.public {
            return Err(no_key());
        }
        Ok(secret)
    }

    /// What inputs are sealed to.
    pub fn public(&self) -> PublicKey {
        PublicKey(X25519HkdfSha256::sk_to_pk(&self.0))
    }

    /// Opens an input that was sealed for a bundle. The bytes are for whoever wipes them.
    pub fn open_input(&self, sealed: &[u8], bundle: Hash) -> Result<Vec<u8>, ClusterError> {
        let opened = sealed.split_at_checked(KEY_BYTES).and_then(|(key, sealed)| {
            let key = <X25519HkdfSha256 as Kem>::EncappedKey::from_bytes(key).ok()?;
            single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeR::Base,
                &self.0,
                &key,
                INFO,
                sealed,
                &bundle.0,
            )
            .ok()
        });
        opened.ok_or(ClusterError::Sealed)
    }
}
