//! Keys, proofs and their verification.

mod transcript;

pub use transcript::*;
