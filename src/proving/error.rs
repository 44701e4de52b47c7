//! Why there are no keys, or no proof, or no verdict.

use super::ceremony::{self, CEREMONIES, least_ptau_power};
use crate::circuit::{CircuitError, LARGEST_DEGREE};
use crate::model::ModelError;
use halo2_proofs::plonk;

/// Why there are no keys, or no proof, or no verdict.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ProvingError {
    /// Nobody has said which string.
    #[error("structured reference string: none is given, for k = {k}")]
    SrsMissing { k: u32 },

    /// The file ends early or goes on too long.
    #[error("structured reference string: {found} bytes, expected {expected} for k = {k}")]
    SrsLength { k: u32, found: u64, expected: u64 },

    /// The file says it is larger than any there is.
    #[error("structured reference string: k is {0}, expected at most 28")]
    SrsSize(u32),

    /// A point is malformed.
    #[error("structured reference string: {group} point {index} is not on the curve")]
    SrsPoint { group: &'static str, index: usize },

    /// The points are not powers of one secret.
    #[error("structured reference string: {0}")]
    SrsInvalid(&'static str),

    /// The circuit is larger than the string.
    #[error(
        "structured reference string: it serves k up to {found}, the circuit needs k = {needed}"
    )]
    SrsTooSmall { needed: u32, found: u32 },

    /// The string is too short for the widest pack.
    #[error(
        "structured reference string: it has {found} powers, packed proofs of this circuit take {needed}"
    )]
    SrsTooFewPowers { needed: usize, found: usize },

    /// Keys are not those of a model's parts.
    #[error("the parts: {0}")]
    Parts(String),

    /// Halo2's prover was asked for a packed proof.
    #[error("halo2's prover makes no packed proofs")]
    StockPacked,

    /// The circuit was planned for packed proofs.
    #[error(
        "verifiers of halo2's proofs do not add instances up, which this circuit leaves to them"
    )]
    SummedInstances,

    /// The circuit's columns cannot be packed, or the prover of packed proofs failed.
    #[error("packed proofs: {0}")]
    Packed(#[from] zkverdict_prover::packed::Error),

    /// A commitment is not what its link is to.
    #[error("{0}")]
    Link(#[source] zkverdict_prover::packed::Error),

    /// Halo2's prover does not tell what hides its columns.
    #[error("halo2's prover shows no commitment to an input")]
    StockLinked,

    /// A packed verifying key is not what its circuit and string give.
    #[error("verifying key: its circuit and string give another one")]
    OtherPackedKey,

    /// A key's bytes are damaged, or from another version.
    #[error("verifying key: the bytes are damaged or from another version")]
    VerifyingKey(#[source] std::io::Error),

    /// A circuit's committed inputs have a commitment each.
    #[error("{got} commitments are given, and {expected} inputs are committed")]
    Commitments { got: usize, expected: usize },

    /// Proofs of a circuit with committed weights are about some model's, and others about none.
    #[error("{}", if *.expected { "the weights are committed, and no commitment to them is given" } else {
        "a commitment to weights is given, and the weights are those of the key"
    })]
    Weights { expected: bool },

    /// Weights of another architecture.
    #[error("the model is of another architecture: {0}")]
    OtherArchitecture(String),

    /// The points of a commitment are not those of its weights.
    #[error("the commitment's points are not those of its weights and blindings under this key")]
    OtherWeights,

    /// The secret behind the string is public.
    #[error(
        "structured reference string: it is {0}, whose secret is public: anybody can forge proofs under it"
    )]
    SrsPublicSecret(&'static str),

    /// An environment variable cuts the degree of gates.
    #[error(
        "the environment variable `MAX_DEGREE` is `{value}`, but gates have a degree up to {LARGEST_DEGREE}"
    )]
    MaxDegree { value: String },

    /// The model cannot be evaluated.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// The model has no circuit, or its circuit no witness.
    #[error(transparent)]
    Circuit(#[from] CircuitError),

    /// Halo2 refused the circuit.
    #[error("halo2: {0:?}")]
    Halo2(plonk::Error),

    /// The prover refused the circuit, or was stopped.
    #[cfg(feature = "prove")]
    #[error("prover: {0}")]
    Prover(#[from] zkverdict_prover::Error),

    /// The proof that was just made does not verify.
    #[error("the proof that was just made does not verify")]
    OwnProof,
}

impl From<plonk::Error> for ProvingError {
    fn from(error: plonk::Error) -> Self {
        Self::Halo2(error)
    }
}

impl ProvingError {
    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::SrsMissing { k } => Some(format!(
                "give `--srs FILE`{}; for tests there is `--unsafe-dev-srs`. {CEREMONIES}",
                such_as(*k)
            )),
            Self::SrsTooSmall { needed, .. } => Some(format!(
                "take a powers-of-tau file of power {needed} or more{}. {CEREMONIES}",
                such_as(*needed)
            )),
            Self::SrsTooFewPowers { needed, .. } => {
                let power = least_ptau_power(*needed);
                Some(format!(
                    "take a powers-of-tau file of power {power} or more{}, or make keys with `--format halo2`, whose proofs \
                     take fewer powers and more gas. {CEREMONIES}",
                    such_as(power)
                ))
            }
            Self::Commitments { .. } => Some(
                "give a commitment to each committed input, in the order of their names".into(),
            ),
            Self::StockPacked => {
                Some("leave out `--prover stock` or `--stock`, or take `--format halo2`".into())
            }
            Self::StockLinked => Some("leave out `--prover stock` or `--stock`".into()),
            Self::SummedInstances => Some("plan the circuit without `Wishes::packed`".into()),
            Self::OtherPackedKey => Some("make the bundle again with `zkverdict keygen`".into()),
            Self::SrsLength { .. } | Self::SrsPoint { .. } | Self::SrsInvalid(_) => {
                Some("download the file again and compare its published checksum".into())
            }
            Self::SrsPublicSecret(_) => Some(format!(
                "take the file of a public ceremony; for tests there is `--unsafe-dev-srs`. {CEREMONIES}"
            )),
            Self::MaxDegree { .. } => Some("run it again after `unset MAX_DEGREE`".into()),
            Self::Model(error) => error.hint(),
            Self::Circuit(error) => error.hint(),
            Self::VerifyingKey(_) => Some("make the bundle again with `zkverdict keygen`".into()),
            Self::OwnProof => {
                Some("this is a defect of zkverdict; please report it with the model".into())
            }
            _ => None,
        }
    }
}

/// A file that serves a k.
fn such_as(k: u32) -> String {
    ceremony::file(k).map(|file| format!(", such as {file}")).unwrap_or_default()
}
