//! Runs contracts in process and measures their gas: the gas laboratory.
//!
//! Sees a contract and calldata, nothing else. [`Machine`] is a small chain under the rules of one
//! [`Fork`]: it deploys init code, sends calls, and says what each transaction costs, to the unit
//! that a receipt would show.

mod error;
mod fork;
mod machine;

pub use error::{EvmError, Halt};
pub use fork::{Fork, Limits};
pub use machine::{CALLER, Deployment, Gas, Machine, Outcome, Run};
pub use revm::primitives::{Address, Bytes, U256};
