//! Why a bundle or a proof file cannot be used.

use crate::circuit::{CircuitError, InstanceError};
use crate::model::ModelError;
use crate::proving::{Format, ProvingError};
use crate::solidity::SolidityError;
use std::path::{Path, PathBuf};

/// Why a bundle or a proof file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("`{}`", path.display())]
    Io { path: PathBuf, source: std::io::Error },

    /// Something else lies where a bundle should.
    #[error("`{}` is not a bundle", path.display())]
    NotABundle { path: PathBuf },

    /// A bundle is of a model in parts.
    #[error("`{}` is the bundle of a model in parts", path.display())]
    InParts { path: PathBuf },

    /// A bundle holds a link to somewhere else.
    #[error("`{}` is a symbolic link; a bundle holds none", path.display())]
    Link { path: PathBuf },

    /// A bundle's file is not what was written.
    #[error("`{}` is damaged: it is not what `keygen` wrote", path.display())]
    Damaged { path: PathBuf },

    /// A bundle is from another version.
    #[error("`{}` is version {found}, expected {expected}", path.display())]
    Version { path: PathBuf, found: u64, expected: u32 },

    /// A bundle's string is one whose secret is public, and the bundle says otherwise.
    #[error("`{}` is {string}, whose secret is public, and the bundle calls it `{called}`", path.display())]
    PublicSecret { path: PathBuf, string: &'static str, called: &'static str },

    /// A bundle's key is not what its circuit gives for a model.
    #[error(
        "the verifying key of `{}` is not that of the model `{model}`: {why}", path.display()
    )]
    OtherKey { path: PathBuf, model: String, why: String },

    /// A proof file cannot be read.
    #[error("proof file `{}`: {why}", path.display())]
    ProofFile { path: PathBuf, why: String },

    /// A commitment file cannot be read. The message says nothing of what it holds.
    #[error("commitment file `{}`: {why}", path.display())]
    CommitmentFile { path: PathBuf, why: String },

    /// What should be a bundle in one piece is none.
    #[error("the archive of a bundle: {0}")]
    Archive(&'static str),

    /// A proof file says something of its proof that is not so.
    #[error("the proof file contradicts its proof: {0}")]
    Contradiction(String),

    /// A proof is of another format than the bundle.
    #[error("the proof's format is `{got}`, this bundle's proofs are `{expected}`")]
    OtherFormat { got: Format, expected: Format },

    /// A document has no JSON form.
    #[error("the document cannot be written as JSON")]
    Json(#[source] serde_json::Error),

    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// The model has no circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),

    /// The keys or the structured reference string cannot be used.
    #[error(transparent)]
    Proving(#[from] ProvingError),

    /// Instances say nothing.
    #[error(transparent)]
    Instances(#[from] InstanceError),

    /// There is no contract.
    #[error(transparent)]
    Solidity(#[from] SolidityError),
}

impl BundleError {
    /// An input or output error with the path it happened at.
    pub(crate) fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }

    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("check the path".into())
            }
            Self::NotABundle { .. } => {
                Some("a bundle is the folder that `zkverdict keygen MODEL` makes".into())
            }
            Self::InParts { .. } => {
                Some("this verb takes bundles of one circuit, as those of the parts are: the folders `1`, `2` and so on in it".into())
            }
            Self::Link { .. } => {
                Some("where somebody else made the bundle, make it again with `zkverdict keygen MODEL`".into())
            }
            Self::Damaged { .. } | Self::Version { .. } => {
                Some("make the bundle again with `zkverdict keygen MODEL`".into())
            }
            Self::PublicSecret { .. } => {
                Some("somebody changed this bundle: make it again with `zkverdict keygen MODEL`".into())
            }
            Self::OtherKey { .. } => Some(
                "make the bundle again with `zkverdict keygen MODEL`, and trust the digest that it prints"
                    .into(),
            ),
            Self::ProofFile { .. } => Some("give the file that `zkverdict prove` wrote, or make the proof again".into()),
            Self::Contradiction(_) | Self::OtherFormat { .. } => Some("make the proof again with `zkverdict prove`".into()),
            Self::CommitmentFile { .. } => {
                Some("take the file that `zkverdict commit` wrote, as it wrote it".into())
            }
            Self::Model(error) => error.hint(),
            Self::Circuit(error) => error.hint(),
            Self::Proving(error) => error.hint(),
            Self::Json(_) | Self::Archive(_) | Self::Io { .. } | Self::Instances(_) | Self::Solidity(_) => None,
        }
    }
}
