//! From a verifying key to a Solidity verifier.

mod calldata;
#[cfg(feature = "compile")]
mod compiler;
mod constraints;
mod contract;
mod error;
mod expression;
mod gas;
mod io;
mod layout;
mod openings;
mod protocol;
mod source;

pub use calldata::*;
#[cfg(feature = "compile")]
pub use compiler::*;
pub use contract::*;
pub use error::*;
pub use gas::*;
pub use io::*;
