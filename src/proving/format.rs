//! The two formats of proofs.

use serde::{Deserialize, Serialize};

/// How proofs are written down. What they say is the same in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Halo2's, with SHPLONK: other verifiers of halo2's proofs know it
    #[default]
    Halo2,
    /// Columns share commitments (docs/protocol.md): cheaper to verify, and takes a longer reference string
    Packed,
}

impl Format {
    /// Whether it is the one that files without a format are of.
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
    pub(crate) fn is_halo2(&self) -> bool {
        *self == Self::Halo2
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
