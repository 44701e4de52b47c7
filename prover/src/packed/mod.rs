//! The packed protocol: columns of one round share a commitment, and all of them are opened at once. It needs a longer
//! reference string than halo2's proofs and gives verifiers a fraction of the work. `docs/protocol.md` is its
//! definition; this module follows it, and its words are used here.
//!
//! | module | does |
//! |---|---|
//! | `layout` | which columns share a pack, and where they are opened |
//! | `gate` | gates as a verifier evaluates them |
//! | `key`, `encoding` | what proofs are checked against, and its bytes |
//! | [`link`] | commitments that columns hold the words of |
//! | [`named`] | columns that are committed to once for all proofs, and named |
//! | `transcript` | challenges |
//! | `coefficients` | columns as polynomials |
//! | `prove`, `linking`, `open` | proofs |
//! | `verify` | verdicts |

#[cfg(feature = "prove")]
mod coefficients;
mod encoding;
mod gate;
mod key;
mod layout;
pub mod link;
#[cfg(feature = "prove")]
mod linking;
pub mod named;
#[cfg(feature = "prove")]
mod open;
#[cfg(feature = "prove")]
mod prove;
mod transcript;
mod verify;

pub use encoding::Damage;
pub use gate::{Gate, Operation};
pub use key::{Powers, VerifyingKey};
pub use layout::{InstanceSum, Instances, Layout, Pack, Phase, Slot, Widths};
pub use link::{Commitment, Link};
#[cfg(feature = "prove")]
pub use linking::{Linking, Mismatch};
#[cfg(feature = "prove")]
pub use named::CommittedColumns;
pub use named::Named;
#[cfg(feature = "prove")]
pub use prove::ProvingKey;
pub use transcript::Transcript;
pub use verify::Refusal;

/// Why there is no key or no proof.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// As with halo2's proofs.
    #[error(transparent)]
    Prover(#[from] crate::Error),

    /// There is not one width for each phase of the circuit, or one of them is no width.
    #[error("the widths `{given:?}` are not one from 1 to {largest} for each of {phases} phases", largest = Widths::LARGEST)]
    Widths {
        /// Of the phases.
        given: Vec<usize>,
        /// The circuit's.
        phases: usize,
    },

    /// The verifying key's columns or gates are others.
    #[error("the verifying key is of another circuit")]
    OtherCircuit,

    /// A link is of what the circuit has not.
    #[error("link {link}: {what}")]
    Link {
        /// From 0 on.
        link: usize,
        /// What is wrong with it.
        what: &'static str,
    },

    /// Named columns are not what a circuit has.
    #[error("named columns: {0}")]
    Named(&'static str),

    /// There are more or fewer commitments than links.
    #[error("{got} commitments are given, and the circuit has {expected} links")]
    Commitments {
        /// Those that are given.
        got: usize,
        /// The circuit's.
        expected: usize,
    },

    /// A commitment is not what its link is to.
    #[cfg(feature = "prove")]
    #[error("the commitment of link {link} {mismatch}")]
    Commitment {
        /// From 0 on.
        link: usize,
        /// What does not fit.
        mismatch: Mismatch,
    },

    /// The random rows do not hide a column that is opened so often.
    #[error(
        "a pack that is opened at {points} points needs {needed} random rows, and the circuit has {rows}"
    )]
    RandomRows {
        /// Points of the pack.
        points: usize,
        /// Random rows that hide its columns.
        needed: usize,
        /// Random rows that there are.
        rows: usize,
    },

    /// The reference string has too few powers.
    #[error("the reference string has {found} powers, and {needed} are needed")]
    StringTooShort {
        /// Of the secret.
        found: usize,
        /// The longest polynomial's coefficients.
        needed: usize,
    },

    /// A polynomial of the proof is 0, whose commitment has no encoding.
    #[error("a polynomial of the proof is 0")]
    Zero,

    /// A challenge was drawn for which there is no proof: that has a probability of about 2⁻²³⁰.
    #[error("a challenge is a point where the argument divides by zero")]
    Challenge,
}
