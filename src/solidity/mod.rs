//! From a verifying key to a Solidity verifier.
//!
//! Works for every circuit of halo2-axiom 0.5.3 over KZG and BN254 with SHPLONK openings: gates of any degree,
//! permutations, look-ups, phases and challenges, several instance columns or none, any rotations.
//! [`VerifierContract`] reads the key, [`VerifierContract::render`] gives the source, `SolidityCompiler` compiles
//! it, [`estimate_gas`] and [`estimate_circuit_gas`] say what a verification will cost, [`IoSpec`] renders the library
//! that packs a model's tensors into instances.
//!
//! | file | holds |
//! |---|---|
//! | `protocol` | what a proof consists of, in which order |
//! | `layout`, `legend` | where the contract keeps it, and how it tells its readers |
//! | `expression` | from polynomials to straight-line Yul |
//! | `constraints`, `openings` | the two sums that are checked |
//! | `packed`, `packed_protocol`, `packed_openings` | what is another where columns share commitments |
//! | `linked` | columns that hold what commitments do |
//! | `source`, `render` | what `templates/Halo2Verifier.sol` is filled with, and the result |
//! | `yul_cost`, `gas` | what straight-line Yul costs, and all else with it |
//! | `parts` | the contract of a model in parts, which hands each part's proof to its verifier and makes one pairing for all |
//! | `packing`, `prediction` | how wide packs are best, and what a circuit will cost |
//!
//! A contract that would be too large with the key in its code keeps the key's points in the code of a second one
//! ([`Tier`]).
//!
//! The contract refuses proofs with the point at infinity, which honest provers meet only when a piece of the
//! quotient is the zero polynomial: a circuit's degree must not be set higher than its constraints need.

mod calldata;
#[cfg(feature = "compile")]
mod compiler;
mod constraints;
mod contract;
mod error;
mod expression;
mod fixed_columns;
mod gas;
#[cfg(test)]
#[path = "../../tests/shared/hostile_names.rs"]
mod hostile;
mod instances;
mod io;
mod layout;
mod legend;
mod linked;
mod model;
mod openings;
mod packed;
mod packed_openings;
mod packed_protocol;
mod packing;
mod parts;
mod prediction;
mod protocol;
mod render;
mod source;
mod yul_cost;

pub use calldata::*;
#[cfg(feature = "compile")]
pub use compiler::*;
pub use contract::*;
pub use error::*;
pub use gas::*;
pub use instances::*;
pub use io::*;
pub use packing::*;
pub use parts::{AddressBytes, DEPLOYER, PartContract};
pub use prediction::*;
