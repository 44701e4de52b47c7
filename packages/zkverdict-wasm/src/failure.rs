//! The library's errors as the package throws them, with the messages and hints that the command prints.

use zkverdict::{
    bundle::{BundleError, InputSecretError},
    circuit::{CircuitError, InstanceError},
    in_full,
    model::{ClaimError, ModelError},
    proving::ProvingError,
};

/// Why something could not be done.
#[derive(Debug, serde::Serialize)]
pub struct Failure {
    code: &'static str,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure that is found here.
    pub fn new(code: &'static str, message: impl Into<String>, hint: &str) -> Self {
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        Self { code, message: message.into(), hint }
    }

    /// An input is not as the model takes it, or a context is none.
    pub fn input(message: impl Into<String>, hint: &str) -> Self {
        Self::new("InputError", message, hint)
    }

    /// An option makes no sense.
    pub fn option(message: impl Into<String>, hint: &str) -> Self {
        Self::new("OptionError", message, hint)
    }

    /// As the worker reads it.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts have a JSON form")
    }
}

macro_rules! failures {
    ($($error:ty: $code:expr, $hint:expr;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let (code, hint): (fn(&$error) -> &'static str, fn(&$error) -> Option<String>) = ($code, $hint);
                Self { code: code(&error), message: in_full(&error), hint: hint(&error) }
            }
        })*
    };
}

failures! {
    ModelError: of_model, ModelError::hint;
    CircuitError: |_| "CircuitError", CircuitError::hint;
    ClaimError: |_| "OptionError", |_| None;
    InstanceError: |_| "KeysError", |_| None;
    ProvingError: of_proving, ProvingError::hint;
    BundleError: of_bundle, BundleError::hint;
    InputSecretError: |_| "InputError", InputSecretError::hint;
}

fn of_model(error: &ModelError) -> &'static str {
    if error.is_of_input() { "InputError" } else { "ModelError" }
}

fn of_proving(error: &ProvingError) -> &'static str {
    match error {
        ProvingError::Model(error) => of_model(error),
        ProvingError::Circuit(_) => "CircuitError",
        _ => "KeysError",
    }
}

fn of_bundle(error: &BundleError) -> &'static str {
    match error {
        BundleError::Model(error) => of_model(error),
        BundleError::Circuit(_) => "CircuitError",
        BundleError::Proving(error) => of_proving(error),
        _ => "BundleError",
    }
}
