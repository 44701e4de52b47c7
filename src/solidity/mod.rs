//! From a verifying key to a Solidity verifier.

mod calldata;
#[cfg(feature = "compile")]
mod compiler;
mod contract;
mod error;
mod expression;
mod layout;
mod protocol;

pub use calldata::*;
#[cfg(feature = "compile")]
pub use compiler::*;
pub use contract::*;
pub use error::*;
