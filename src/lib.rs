//! Verifies the answers of int8-quantized ONNX models on EVM chains.
//!
//! The modules follow the path of the data; each uses the ones before it and knows nothing of the
//! ones after it:
//!
//! | step | module |
//! |---|---|
//! | model file → quantized graph | [`model`] |
//! | → circuit | [`circuit`] |
//! | → keys, proof | [`proving`] |
//! | does the key say what the model says? | `certify` |
//! | → verifier contract | [`solidity`] |
//! | kept in files | [`bundle`] |
//! | → gas report | `evm` |
//! | → deployment, on-chain verdict | `chain` |
//! | proofs made on other machines | `cluster` |
//!
//! [`ModelProver`] and [`ModelVerifier`] are the way in; [`bundle::Bundle`] keeps them in files.
//!
//! # Features
//!
//! Without any (or with `verify` alone) models, bundles and proofs are read, proofs checked and contracts rendered. That much
//! builds for wasm32-unknown-unknown too: `examples/wasm` is a verifier for browsers and Node, which `script/wasm_verifier.sh` runs.
//! So does `prove` without `threads`: `packages/zkverdict-wasm` proves in pages.
//!
//! | feature | adds |
//! |---|---|
//! | `prove` | keys and proofs; writing bundles; `certify` |
//! | `threads` | the backend's arithmetic on several threads, with `prove` |
//! | `gas` | `evm`: contracts run in process |
//! | `compile` | the Solidity compiler |
//! | `chain` | `chain`: deployment and submission |
//! | `cluster` | `cluster`: proving jobs on NATS JetStream |
//! | `cli` | the command; what it can do depends on the others |

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

/// Its Rust is a test.
#[cfg(all(doctest, feature = "prove"))]
#[doc = include_str!("../README.md")]
pub struct Readme;

pub mod bundle;
#[cfg(feature = "prove")]
pub mod certify;
#[cfg(feature = "chain")]
pub mod chain;
pub mod circuit;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cluster")]
pub mod cluster;
#[cfg(feature = "gas")]
pub mod evm;
pub mod model;
#[cfg_attr(
    not(all(feature = "cli", feature = "compile", feature = "chain")),
    allow(dead_code, reason = "the whole command uses all of it")
)]
mod name;
#[cfg(any(feature = "compile", feature = "chain"))]
#[cfg_attr(
    not(all(feature = "compile", feature = "chain")),
    allow(dead_code, unused_imports, reason = "a compiler and a node are run by some of it each")
)]
mod program;
pub mod proving;
mod regular_file;
pub mod solidity;

pub use bundle::{Bundle, ProofFile};
pub use circuit::Wishes;
/// The scalar field of BN254: contexts and instances.
pub use halo2_proofs::halo2curves::bn256::Fr;
pub use name::in_full;
#[cfg(feature = "prove")]
pub use proving::ModelProver;
pub use proving::{ModelVerifier, Proof, Refusal};

/// The dependencies whose types stand in signatures here.
pub mod dependencies {
    #[cfg(feature = "chain")]
    pub use alloy;
    pub use askama;
    #[cfg(feature = "compile")]
    pub use foundry_compilers;
    pub use halo2_proofs;
    pub use prost;
    #[cfg(feature = "gas")]
    pub use revm;
    pub use serde_json;
}
