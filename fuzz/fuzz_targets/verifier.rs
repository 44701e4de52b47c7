//! Any change of a proof and its instances: the Rust and the Solidity verifier agree.
//!
//! `cargo +nightly fuzz run verifier -- -runs=100000`

#![no_main]
#![allow(dead_code, reason = "the modules are those of the tests, which use more of them")]

#[path = "../../tests/solidity/claim.rs"]
mod claim;
#[path = "../../tests/solidity/fixture.rs"]
mod fixture;
#[path = "../../tests/solidity/mutations.rs"]
mod mutations;
#[path = "../../tests/solidity/random_circuit.rs"]
mod random_circuit;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|program: &[u8]| mutations::check(program));
