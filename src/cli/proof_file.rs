//! Proofs from files, as the verbs call them.

pub use crate::bundle::Inference;
#[cfg(feature = "compile")]
pub use crate::bundle::{ProofFile, unhex};
