//! The hard forks whose prices and limits are known.

use std::fmt;

use revm::primitives::{eip170, eip3860, eip7825, eip7954, hardfork::SpecId};
use serde::{Deserialize, Serialize};

/// A hard fork of Ethereum's mainnet: a table of gas prices and a set of limits.
///
/// Amsterdam's figures are those of revm's current table; the fork is not final.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Fork {
    /// March 2024: blobs, transient storage.
    Cancun,
    /// May 2025: the calldata floor of EIP-7623.
    Prague,
    /// December 2025: dearer modexp (EIP-7883), a cap on a transaction's gas (EIP-7825). The newest that is live.
    #[default]
    Osaka,
    /// State is priced by the byte (EIP-8037), calldata floor of EIP-7976, larger contracts (EIP-7954).
    Amsterdam,
}

/// What a fork allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Largest runtime code in bytes (EIP-170, EIP-7954).
    pub runtime_bytes: usize,
    /// Largest init code in bytes (EIP-3860, EIP-7954).
    pub init_code_bytes: usize,
    /// Most gas that one transaction may use (EIP-7825); from Amsterdam on, gas for state is not counted.
    pub transaction_gas: Option<u64>,
}

impl Fork {
    /// All forks, oldest first.
    pub const ALL: [Self; 4] = [Self::Cancun, Self::Prague, Self::Osaka, Self::Amsterdam];

    /// The name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cancun => "cancun",
            Self::Prague => "prague",
            Self::Osaka => "osaka",
            Self::Amsterdam => "amsterdam",
        }
    }

    /// What the fork allows.
    pub const fn limits(self) -> Limits {
        let (runtime_bytes, init_code_bytes) = match self {
            Self::Cancun | Self::Prague | Self::Osaka => {
                (eip170::MAX_CODE_SIZE, eip3860::MAX_INITCODE_SIZE)
            }
            Self::Amsterdam => (eip7954::MAX_CODE_SIZE, eip7954::MAX_INITCODE_SIZE),
        };
        let transaction_gas = match self {
            Self::Cancun | Self::Prague => None,
            Self::Osaka | Self::Amsterdam => Some(eip7825::TX_GAS_LIMIT_CAP),
        };
        Limits { runtime_bytes, init_code_bytes, transaction_gas }
    }

    pub(super) const fn spec_id(self) -> SpecId {
        match self {
            Self::Cancun => SpecId::CANCUN,
            Self::Prague => SpecId::PRAGUE,
            Self::Osaka => SpecId::OSAKA,
            Self::Amsterdam => SpecId::AMSTERDAM,
        }
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evm::EvmError;

    #[test]
    fn names_parse_back() {
        for fork in Fork::ALL {
            assert_eq!(fork.name().parse(), Ok(fork));
            assert_eq!(fork.to_string().to_uppercase().parse(), Ok(fork));
        }
        assert_eq!(
            "berlin".parse::<Fork>(),
            Err(EvmError::UnknownFork { name: "berlin".to_owned() })
        );
    }

    #[test]
    fn limits_are_those_of_the_eips() {
        let osaka = Fork::Osaka.limits();
        assert_eq!(osaka.runtime_bytes, 24_576);
        assert_eq!(osaka.init_code_bytes, 49_152);
        assert_eq!(osaka.transaction_gas, Some(16_777_216));
        assert_eq!(Fork::Prague.limits().transaction_gas, None);
        assert_eq!(Fork::Amsterdam.limits().runtime_bytes, 65_536);
    }
}
