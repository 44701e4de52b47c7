//! Keys, proofs and their verification.
