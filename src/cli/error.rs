//! Why a verb could not tell.

use super::bounds::Broken;
use crate::bundle::{BundleError, InputSecretError, SchemaError};
#[cfg(feature = "chain")]
use crate::chain::ChainError;
use crate::circuit::{CircuitError, InstanceError};
#[cfg(feature = "cluster")]
use crate::cluster::ClusterError;
use crate::evm::EvmError;
use crate::model::{ClaimError, ModelError};
use crate::proving::ProvingError;
use crate::solidity::SolidityError;
use std::path::{Path, PathBuf};

/// Why a verb could not tell.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The arguments make no sense.
    #[error("{message}")]
    Usage { message: String, hint: String },

    /// A file cannot be read or written.
    #[error("`{}`", path.display())]
    Io { path: PathBuf, source: std::io::Error },

    /// A result has no JSON form.
    #[error("the result cannot be written as JSON")]
    Json(#[source] serde_json::Error),

    /// A bundle or a proof file cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),

    /// What `commit` made is of no use here.
    #[error(transparent)]
    InputSecret(#[from] InputSecretError),

    /// A schema says nothing, or data are not as one says.
    #[error(transparent)]
    Schema(#[from] SchemaError),

    /// A compiled contract cannot be read, or a Solidity file not compiled.
    #[error("contract `{}`: {why}", path.display())]
    Artifact { path: PathBuf, why: String },

    /// No layout keeps the bounds that were wished.
    #[error(
        "the layout that comes nearest to the bounds takes about {} asked for",
        .0.iter().map(Broken::in_words).collect::<Vec<_>>().join(" asked for, and ")
    )]
    BeyondBounds(Vec<Broken>),

    /// Something was taken for granted that does not hold.
    #[error("could not go on: {message}")]
    Panic { message: String },

    /// A stage of the path failed, with the file it was at.
    #[error("`{}`", path.display())]
    At { path: PathBuf, source: Box<CliError> },

    /// The model cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),

    /// The model has no circuit.
    #[error(transparent)]
    Circuit(#[from] CircuitError),

    /// The model's outputs, or what was chosen for a claim, are not such that it can be made.
    #[error(transparent)]
    Claim(#[from] ClaimError),

    /// Instances say nothing.
    #[error(transparent)]
    Instances(#[from] InstanceError),

    /// There are no keys or no proof.
    #[error(transparent)]
    Proving(#[from] ProvingError),

    /// There is no contract.
    #[error(transparent)]
    Solidity(#[from] SolidityError),

    /// There is no gas report.
    #[error(transparent)]
    Evm(#[from] EvmError),

    /// No worker made a proof that is one.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Cluster(#[from] ClusterError),

    /// A chain gave no answer.
    #[cfg(feature = "chain")]
    #[error(transparent)]
    Chain(#[from] ChainError),
}

impl CliError {
    /// An input or output error with the path it happened at.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }

    /// Says at which file it happened.
    pub fn at(self, path: &Path) -> Self {
        Self::At { path: path.to_owned(), source: Box::new(self) }
    }

    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } => Some(hint.clone()).filter(|hint| !hint.is_empty()),
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                Some("check the path".into())
            }
            Self::Bundle(error) => error.hint(),
            Self::InputSecret(error) => error.hint(),
            Self::Schema(error) => error.hint().map(Into::into),
            Self::BeyondBounds(broken) => {
                let options: Vec<String> = broken.iter().map(Broken::option).collect();
                Some(format!("ask for {} or more", options.join(" and ")))
            }
            Self::Panic { .. } => Some(
                "a file may be damaged; if it is as it was written, this is a defect of zkverdict: please report it".into(),
            ),
            Self::At { source, .. } => source.hint(),
            Self::Model(error) => error.hint(),
            Self::Circuit(error) => error.hint(),
            Self::Proving(error) => error.hint(),
            Self::Evm(error) => error.hint().map(Into::into),
            #[cfg(feature = "cluster")]
            Self::Cluster(error) => error.hint(),
            #[cfg(feature = "chain")]
            Self::Chain(error) => error.hint(),
            _ => None,
        }
    }
}
