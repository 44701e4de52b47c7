//! One model all the way: the reference's answer, the proof's, the contract's in process and on a chain.
#![cfg(all(feature = "compile", feature = "chain"))]
#![allow(clippy::unwrap_used)]

mod imports;
mod keyed;
mod models;
mod reference_strings;
mod snark_verifier;
