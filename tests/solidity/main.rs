//! Rendered contracts, run in an EVM in process, against the Rust verifier.

#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "compile", feature = "gas", feature = "prove"))]

mod batches;
mod claim;
mod compilers;
mod cut;
mod development;
mod fixture;
mod interop;
mod io;
mod io_claims;
mod mutations;
mod parts;
mod random_circuit;
mod refusals;
mod snapshots;
mod spec;
mod tiers;
mod verdicts;
