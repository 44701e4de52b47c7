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
//! | → verifier contract | [`solidity`] |
//! | → gas report | [`evm`] |
//! | → deployment, on-chain verdict | [`chain`] |

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

#[cfg(feature = "chain")]
pub mod chain;
pub mod circuit;
pub mod cli;
pub mod evm;
pub mod model;
mod name;
#[cfg(any(feature = "compile", feature = "chain"))]
mod program;
pub mod proving;
mod regular_file;
pub mod solidity;
