//! From a verifying key to a Solidity verifier.
