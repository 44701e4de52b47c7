//! Keys, proofs and their verification.

mod digest;
mod error;
mod keys;
mod srs;
mod transcript;

pub use digest::vk_digest;
pub use error::ProvingError;
pub use keys::{Prover, Verifier};
pub use srs::{Srs, SrsOrigin};
pub use transcript::*;
