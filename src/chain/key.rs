//! Keys that sign transactions: from the environment, a keystore file, or a Ledger.
//!
//! Never from a flag, which other users of the machine could read, and never in a message.

use std::{fmt, path::Path};

use alloy::{
    network::EthereumWallet,
    primitives::{Address, B256, hex},
    signers::{
        SignerSync,
        local::{LocalSigner, PrivateKeySigner},
    },
};

use super::{
    ChainError,
    variables::{KEYSTORE_PASSWORD_VARIABLE, PRIVATE_KEY_VARIABLE},
};

/// Signs transactions of one account. `Debug` shows the address alone.
#[derive(Clone)]
pub struct Key {
    address: Address,
    wallet: EthereumWallet,
    /// Signs what is no transaction; none on a device, which shows what it signs.
    signer: Option<PrivateKeySigner>,
}

impl Key {
    /// The key in [`PRIVATE_KEY_VARIABLE`], if that is set.
    pub fn from_env() -> Result<Option<Self>, ChainError> {
        match std::env::var(PRIVATE_KEY_VARIABLE) {
            Ok(text) => Self::from_hex(&text, PRIVATE_KEY_VARIABLE).map(Some),
            Err(std::env::VarError::NotPresent) => Ok(None),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(ChainError::InvalidKey { place: PRIVATE_KEY_VARIABLE.into() })
            }
        }
    }

    /// A key in hexadecimal, with or without `0x`. `place` names its origin in an error.
    pub fn from_hex(text: &str, place: &str) -> Result<Self, ChainError> {
        let invalid = || ChainError::InvalidKey { place: format!("`{place}`") };
        let bytes = hex::decode(text.trim()).map_err(|_| invalid())?;
        let bytes = B256::try_from(bytes.as_slice()).map_err(|_| invalid())?;
        PrivateKeySigner::from_bytes(&bytes).map(Self::from).map_err(|_| invalid())
    }

    /// The key in a keystore file (the JSON that `cast wallet` and geth write).
    ///
    /// The password comes from [`KEYSTORE_PASSWORD_VARIABLE`], or else from `ask`, which gives
    /// `None` where nobody can be asked.
    pub fn from_keystore(
        path: &Path,
        ask: impl FnOnce() -> Option<String>,
    ) -> Result<Self, ChainError> {
        let trouble = |reason: &str| ChainError::Keystore {
            path: path.to_owned(),
            reason: reason.to_owned(),
        };
        // Before the password is asked for: a mistyped path is the likelier mistake.
        crate::regular_file::open(path).map_err(|error| trouble(&error.to_string()))?;
        let password = std::env::var(KEYSTORE_PASSWORD_VARIABLE)
            .ok()
            .or_else(ask)
            .ok_or_else(|| ChainError::NoPassword { path: path.to_owned() })?;
        match LocalSigner::decrypt_keystore(path, password) {
            Ok(signer) => Ok(signer.into()),
            Err(error) if error.to_string().to_lowercase().contains("mac") => {
                Err(trouble("wrong password"))
            }
            Err(_) => Err(trouble("not a keystore that can be decrypted")),
        }
    }

    /// The first account of a connected Ledger, by the path that Ledger Live uses.
    #[cfg(feature = "ledger")]
    pub async fn from_ledger(account: usize) -> Result<Self, ChainError> {
        use alloy::signers::{
            Signer,
            ledger::{HDPath, LedgerSigner},
        };
        let signer = LedgerSigner::new(HDPath::LedgerLive(account), None)
            .await
            .map_err(|error| ChainError::Ledger { reason: error.to_string() })?;
        Ok(Self { address: signer.address(), wallet: signer.into(), signer: None })
    }

    /// Whose key it is.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Signs a digest that is no transaction's: r, s and v, s the smaller one.
    pub(super) fn sign(&self, digest: B256) -> Result<[u8; 65], ChainError> {
        let signer = self.signer.as_ref().ok_or(ChainError::SignsTransactionsOnly)?;
        let failed = |error: alloy::signers::Error| ChainError::Signing {
            address: self.address,
            reason: error.to_string(),
        };
        Ok(signer.sign_hash_sync(&digest).map_err(failed)?.normalized_s().as_bytes())
    }

    pub(super) fn wallet(&self) -> &EthereumWallet {
        &self.wallet
    }
}

impl From<PrivateKeySigner> for Key {
    fn from(signer: PrivateKeySigner) -> Self {
        Self { address: signer.address(), wallet: signer.clone().into(), signer: Some(signer) }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn debug_and_errors_hold_no_secret() {
        let key = Key::from_hex(SECRET, "test").expect("a valid key");
        assert!(!format!("{key:?}").contains(&SECRET[..8]));
        assert!(format!("{key:?}").to_lowercase().contains("0xf39fd6e5"));

        let one_digit_short = &SECRET[1..];
        let error = Key::from_hex(one_digit_short, "SOMEWHERE").expect_err("63 digits");
        assert!(!format!("{error} {error:?}").contains(&SECRET[1..9]));
        assert!(error.to_string().contains("SOMEWHERE"));
    }

    #[test]
    fn zero_and_the_group_order_are_no_keys() {
        for text in [
            "00".repeat(32),
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141".into(),
            String::new(),
            "0x".into(),
        ] {
            assert!(matches!(Key::from_hex(&text, "x"), Err(ChainError::InvalidKey { .. })));
        }
    }

    #[test]
    fn keystore_is_read_with_its_password_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let secret = hex::decode(SECRET).expect("hexadecimal");
        let (_, name) = LocalSigner::encrypt_keystore(
            dir.path(),
            &mut rand_for_keystore(),
            secret,
            "correct horse",
            None,
        )
        .expect("a keystore");
        let path = dir.path().join(name);

        let key = Key::from_keystore(&path, || Some("correct horse".into())).expect("the key");
        assert_eq!(key.address(), Key::from_hex(SECRET, "x").expect("a key").address());
        let error = Key::from_keystore(&path, || Some("wrong".into())).expect_err("wrong password");
        assert!(error.to_string().ends_with("wrong password"), "{error}");
        let error = Key::from_keystore(&path, || None).expect_err("nobody to ask");
        assert!(matches!(error, ChainError::NoPassword { .. }));
        let missing = dir.path().join("missing");
        let error = Key::from_keystore(&missing, || panic!("asked in vain")).expect_err("no file");
        assert!(matches!(error, ChainError::Keystore { .. }));
    }

    fn rand_for_keystore() -> rand::rngs::ThreadRng {
        rand::thread_rng()
    }
}
