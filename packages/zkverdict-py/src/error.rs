//! The library's errors as Python's exceptions, with the messages and hints that the command prints.

use pyo3::prelude::*;
use zkverdict::{
    bundle::{BundleError, InputSecretError, SchemaError},
    certify::CertifyError,
    circuit::{CircuitError, InstanceError},
    evm::EvmError,
    in_full,
    model::{ClaimError, ModelError},
    proving::{ProvingError, Refusal},
    solidity::SolidityError,
};

/// Why something could not be done.
#[derive(Debug)]
pub struct Failure {
    /// The name of the exception in `zkverdict.errors`.
    kind: &'static str,
    message: String,
    hint: Option<String>,
}

impl Failure {
    /// A failure that the bindings find themselves.
    pub fn new(kind: &'static str, message: impl Into<String>, hint: &str) -> Self {
        let hint = Some(hint.to_owned()).filter(|hint| !hint.is_empty());
        Self { kind, message: message.into(), hint }
    }

    /// An input, or what stands for one, is not as the model takes it.
    pub fn input(message: impl Into<String>, hint: &str) -> Self {
        Self::new("InputError", message, hint)
    }

    /// An option makes no sense.
    pub fn option(message: impl Into<String>, hint: &str) -> Self {
        Self::new("OptionError", message, hint)
    }
}

/// The exception of a failure.
pub fn raise(py: Python<'_>, failure: impl Into<Failure>) -> PyErr {
    let Failure { kind, message, hint } = failure.into();
    let raised = py
        .import("zkverdict.errors")
        .and_then(|errors| errors.getattr(kind)?.call1((message, hint)));
    match raised {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

macro_rules! failures {
    ($($error:ty: $kind:expr, $hint:expr;)*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                let (kind, hint): (fn(&$error) -> &'static str, fn(&$error) -> Option<String>) = ($kind, $hint);
                Self { kind: kind(&error), message: in_full(&error), hint: hint(&error) }
            }
        })*
    };
}

failures! {
    ModelError: of_model, ModelError::hint;
    CircuitError: |_| "CircuitError", CircuitError::hint;
    ClaimError: |_| "OptionError", |_| None;
    InstanceError: |_| "ProofError", |_| None;
    ProvingError: of_proving, ProvingError::hint;
    BundleError: of_bundle, BundleError::hint;
    InputSecretError: |_| "InputError", InputSecretError::hint;
    SchemaError: |_| "InputError", |error| error.hint().map(Into::into);
    SolidityError: |_| "ContractError", |_| None;
    EvmError: |_| "ContractError", |error| error.hint().map(Into::into);
    CertifyError: |_| "KeysError", |_| None;
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let message = format!("the proof is not valid: {}", refusal.in_words());
        Self::new("ProofError", message, "")
    }
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
        BundleError::Instances(_)
        | BundleError::Contradiction(_)
        | BundleError::OtherFormat { .. }
        | BundleError::ProofFile { .. } => "ProofError",
        BundleError::Solidity(_) => "ContractError",
        BundleError::Io { .. } => "FileError",
        _ => "BundleError",
    }
}
