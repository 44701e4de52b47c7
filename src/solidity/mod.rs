//! From a verifying key to a Solidity verifier.

mod calldata;

pub use calldata::verify_proof_calldata;
