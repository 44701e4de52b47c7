//! What a contract says when it refuses.

use std::fmt;

use alloy::{
    dyn_abi::{DynSolValue, ErrorExt},
    json_abi::JsonAbi,
    primitives::{Bytes, hex},
    rpc::json_rpc::ErrorPayload,
    sol_types::{Panic, Revert as ErrorString, SolError},
};
use serde::Serialize;

use super::bindings::KNOWN_ERRORS;
use crate::name::Name;

/// A contract's refusal, decoded as far as its ABI goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Revert {
    /// Name of the typed error; `Error` for a message, `Panic` for Solidity's own checks; `None` where the
    /// contract gave nothing that its ABI knows.
    pub name: Option<String>,
    /// The error's arguments, as text.
    pub arguments: Vec<String>,
    /// The bytes that the contract gave.
    pub data: Bytes,
}

impl Revert {
    /// Looks the error up in an ABI.
    pub fn decode(data: Bytes, abi: &JsonAbi) -> Self {
        // Consumers and registries pass on errors of contracts that their own ABI does not know.
        let mut known = abi.errors().chain(KNOWN_ERRORS.errors());
        if let Some(error) =
            data.get(..4).and_then(|selector| known.find(|error| error.selector() == selector))
            && let Ok(decoded) = error.decode_error(&data)
        {
            // Contexts are given in hexadecimal, as `prove` takes them.
            let contexts = error.name == "WrongContext";
            let arguments = decoded.body.iter().map(|value| match value {
                DynSolValue::Uint(value, _) if contexts => format!("{value:#066x}"),
                value => show(value),
            });
            let arguments = arguments.collect();
            return Self { name: Some(error.name.clone()), arguments, data };
        }
        if let Ok(message) = ErrorString::abi_decode(&data) {
            // The contract writes it, and it is shown beside what this program says.
            let message = Name::new(&message.reason).to_string();
            return Self { name: Some("Error".into()), arguments: vec![message], data };
        }
        if let Ok(panic) = Panic::abi_decode(&data) {
            let code = format!("{:#04x}", panic.code);
            return Self { name: Some("Panic".into()), arguments: vec![code], data };
        }
        Self { name: None, arguments: Vec::new(), data }
    }
}

impl fmt::Display for Revert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name}({})", self.arguments.join(", ")),
            None if self.data.is_empty() => f.write_str("reverted without a reason"),
            None => write!(f, "reverted with unknown data {}", self.data),
        }
    }
}

/// The bytes of a revert, if the node's error is one. Nodes word it differently, and leave the data
/// out when there is none.
pub(super) fn revert_data(payload: &ErrorPayload) -> Option<Bytes> {
    if let Some(data) = payload.as_revert_data() {
        return Some(data);
    }
    let message = payload.message.to_lowercase();
    (payload.code == 3 || message.contains("revert")).then(|| {
        // Some nodes give the data as plain text of the error.
        payload
            .data
            .as_ref()
            .and_then(|data| {
                let text = data.get().trim_matches('"');
                hex::decode(text.rsplit(' ').next().unwrap_or_default()).ok()
            })
            .unwrap_or_default()
            .into()
    })
}

fn show(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(value) => value.to_string(),
        DynSolValue::Int(value, _) => value.to_string(),
        DynSolValue::Uint(value, _) => value.to_string(),
        DynSolValue::FixedBytes(word, size) => hex::encode_prefixed(&word[..*size]),
        DynSolValue::Address(address) => address.to_string(),
        DynSolValue::Bytes(bytes) => hex::encode_prefixed(bytes),
        DynSolValue::String(text) => format!("{:?}", Name::new(text).as_str()),
        DynSolValue::Array(values)
        | DynSolValue::FixedArray(values)
        | DynSolValue::Tuple(values) => {
            format!("[{}]", values.iter().map(show).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::U256, sol, sol_types::SolError};

    use super::*;

    sol! {
        error InvalidProof();
        error ScalarOutOfRange(uint256 index, bytes32 found);
    }

    fn abi() -> JsonAbi {
        JsonAbi::parse([
            "error InvalidProof()",
            "error ScalarOutOfRange(uint256 index, bytes32 found)",
        ])
        .expect("an ABI")
    }

    #[test]
    fn typed_errors_are_shown_with_their_arguments() {
        let data = InvalidProof {}.abi_encode().into();
        assert_eq!(Revert::decode(data, &abi()).to_string(), "InvalidProof()");
        let error = ScalarOutOfRange { index: U256::from(7), found: U256::from(1).into() };
        let revert = Revert::decode(error.abi_encode().into(), &abi());
        assert_eq!(revert.name.as_deref(), Some("ScalarOutOfRange"));
        assert_eq!(revert.arguments[0], "7");
    }

    #[test]
    fn messages_panics_and_unknown_bytes_are_told_apart() {
        let message = ErrorString { reason: "too late".into() }.abi_encode();
        assert_eq!(Revert::decode(message.into(), &abi()).to_string(), "Error(too late)");
        let message = ErrorString { reason: "late\nsubmitted \u{202e}".into() }.abi_encode();
        let shown = Revert::decode(message.into(), &abi()).to_string();
        assert!(!shown.contains(['\n', '\u{202e}']), "{shown:?}");
        let panic = Panic { code: U256::from(0x11) }.abi_encode();
        assert_eq!(Revert::decode(panic.into(), &abi()).to_string(), "Panic(0x11)");
        let nothing = Revert::decode(Bytes::new(), &abi());
        assert_eq!(nothing.to_string(), "reverted without a reason");
        let unknown = Revert::decode(Bytes::from_static(&[1, 2, 3, 4, 5]), &abi());
        assert_eq!(unknown.to_string(), "reverted with unknown data 0x0102030405");
    }

    #[test]
    fn a_truncated_typed_error_is_unknown() {
        let error = ScalarOutOfRange { index: U256::from(7), found: U256::from(1).into() };
        let data = error.abi_encode()[..40].to_vec();
        assert_eq!(Revert::decode(data.into(), &abi()).name, None);
    }
}
