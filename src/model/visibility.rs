//! What a proof tells of a tensor.

use serde::{Deserialize, Serialize};

/// What a proof tells of an input or output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Visibility {
    /// All elements.
    #[default]
    Public,
    /// Nothing.
    Private,
    /// A hash with a blinding value.
    Hashed,
    /// The name of a commitment.
    Committed,
}

impl Visibility {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Hashed => "hashed",
            Self::Committed => "committed",
        }
    }
}
