//! What is read from the environment.

/// The environment variable that holds a private key, 32 bytes in hexadecimal.
pub const PRIVATE_KEY_VARIABLE: &str = "ZKVERDICT_PRIVATE_KEY";

/// The environment variable that holds the password of a keystore file.
pub const KEYSTORE_PASSWORD_VARIABLE: &str = "ZKVERDICT_KEYSTORE_PASSWORD";

/// The environment variable that says which anvil to run. Empty: none, as where none is found.
pub const ANVIL_VARIABLE: &str = "ZKVERDICT_ANVIL";
