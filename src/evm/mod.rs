//! Runs contracts in process and measures their gas: the gas laboratory.
//!
//! Sees a contract and calldata, nothing else. [`Machine`] is a small chain under the rules of one
//! [`Fork`]: it deploys init code, sends calls, and says what each transaction costs, to the unit
//! that a receipt would show.

mod abi;
mod error;
mod experiment;
mod fine_positions;
mod fork;
mod html;
mod machine;
mod opcode_class;
mod phases;
mod precompiles;
mod report;
mod rollup;
mod snapshot;
mod source;
mod text;
mod trace;

pub use abi::{Abi, DecodedArgument, DecodedError};
pub use error::{EvmError, Halt};
pub use experiment::{Called, ConstructorWord, Consumer, Experiment};
pub use fork::{Fork, Limits};
pub use machine::{CALLER, CHAIN_ID, Deployment, Gas, Machine, Outcome, Run};
pub use opcode_class::OpcodeClass;
pub use report::{
    CallResult, CalledReport, GasReport, LimitsReport, LineReport, Parts, PrecompileReport,
    Prediction,
};
pub use revm::primitives::{Address, B256, Bytes, U256, keccak256};
pub use rollup::{Cost, Prices, RollupBytes};
pub use snapshot::{Change, ForkChanges, Snapshot, SnapshotCheck};
pub use source::{DebugInfo, SourceFile};
pub use text::ForkComparison;
#[cfg(feature = "cli")]
pub(crate) use text::Grouped;
