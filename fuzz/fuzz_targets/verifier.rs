//! Any program of changes to a proof and its instances: the Rust and the Solidity verifier agree.
//!
//! `script/fuzz.sh verifier`

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

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    // Keys, proof and contract are made before the clock of the first program starts.
    init: {
        LazyLock::force(&fixture::RICH);
    },
    |program: &[u8]| mutations::check(program)
);
