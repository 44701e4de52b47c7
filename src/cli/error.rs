//! Why a verb could not tell.

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
}

impl CliError {
    /// An input or output error with the path it happened at.
    pub fn io(path: impl AsRef<Path>, source: std::io::Error) -> Self {
        Self::Io { path: path.as_ref().to_owned(), source }
    }

    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } if !hint.is_empty() => Some(hint.clone()),
            _ => None,
        }
    }
}
