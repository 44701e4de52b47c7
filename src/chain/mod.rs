//! Deploys verifiers and submits proofs to a chain.
