//! Rendered contracts, run in an EVM in process, against the Rust verifier.

#![allow(clippy::unwrap_used)]
#![cfg(feature = "compile")]

mod fixture;
mod batches;
mod random_circuit;
mod refusals;
mod verdicts;
