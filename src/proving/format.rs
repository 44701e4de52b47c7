//! The two formats of proofs.

use serde::{Deserialize, Serialize};

/// How proofs are written down. What they say is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Columns share commitments (docs/protocol.md): cheaper to verify, and takes a longer reference string
    #[default]
    Packed,
    /// Halo2's, with SHPLONK: other verifiers of halo2's proofs know it
    Halo2,
}

impl Format {
    /// What files are of that do not say: the format that was there first.
    pub(crate) const fn unwritten() -> Self {
        Self::Halo2
    }

    /// Whether it is left out of files.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    pub(crate) fn is_unwritten(&self) -> bool {
        *self == Self::unwritten()
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Halo2 => "halo2",
            Self::Packed => "packed",
        })
    }
}
