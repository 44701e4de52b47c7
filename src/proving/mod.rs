//! Keys, proofs and their verification.

#[cfg(feature = "prove")]
mod cells;
mod ceremony;
mod development;
mod digest;
mod error;
mod format;
mod keys;
mod linked;
mod model;
mod packed;
mod parts;
mod powers;
#[cfg(feature = "prove")]
mod prover;
mod refusal;
mod srs;
mod statement;
mod transcript;
mod verifying;

pub use ceremony::{CEREMONIES, least_ptau_power};
pub use digest::{linked_vk_digest, model_vk_digest, vk_digest};
pub use error::ProvingError;
pub use format::Format;
pub use keys::{Verifier, check_environment, proof_length};
pub use model::*;
#[cfg(feature = "prove")]
pub use packed::PackedProver;
#[cfg(feature = "prove")]
pub(crate) use packed::commit_key;
pub use packed::{Commitment, Instances, PackedVerifier, Widths, link, links, packed_instances};
pub use parts::{PartVerifier, PartsVerifier};
pub use powers::{Powers, ReferenceString};
#[cfg(feature = "prove")]
pub use prover::{Prover, ProverKind};
pub use refusal::Refusal;
pub use srs::{Srs, SrsOrigin, fingerprint, has_public_secret, last_contribution};
pub use statement::{Judge, Statement};
pub use transcript::*;
pub use verifying::Keys;
#[cfg(feature = "prove")]
pub use zkverdict_prover::{NoDevice, Options, Seeded, Stage, Times, device, on_warning};
