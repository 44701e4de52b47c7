//! Proofs from files, as the verbs call them.

#[cfg(feature = "compile")]
pub use crate::bundle::unhex;
pub use crate::bundle::{Inference, ProofFile};
