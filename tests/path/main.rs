//! One model all the way: the reference's answer, the proof's, the contract's in process and on a chain.
#![cfg(all(feature = "compile", feature = "chain", feature = "cli"))]
#![allow(clippy::unwrap_used)]

#[path = "../solidity/claim.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod claim;
mod dependencies;
mod imports;
mod keyed;
mod models;
#[path = "../gas/node.rs"]
mod node;
mod predictions;
mod proven;
mod receipts;
mod reference_strings;
mod snark_verifier;
mod verdicts;
