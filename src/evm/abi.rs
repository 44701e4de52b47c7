//! Reads from a contract's ABI what a revert means.

use serde::Serialize;
use serde_json::Value;
use sha3::{Digest, Keccak256};

use super::{EvmError, U256, error::hex};

/// The functions and errors of a contract.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Abi {
    functions: Vec<Signature>,
    errors: Vec<Signature>,
}

/// A function or an error.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    selector: [u8; 4],
    name: String,
    parameters: Vec<Parameter>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parameter {
    name: String,
    /// Canonical, as in a signature.
    kind: String,
}

/// What a contract said when it reverted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecodedError {
    /// The error's name.
    pub name: String,
    /// Its arguments in order.
    pub arguments: Vec<DecodedArgument>,
}

/// One argument of an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecodedArgument {
    /// The parameter's name; empty where the ABI has none.
    pub name: String,
    /// The value: decimal integers, 0x-prefixed bytes and addresses, text as it is.
    pub value: String,
}

impl std::fmt::Display for DecodedError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}(", self.name)?;
        for (index, DecodedArgument { name, value }) in self.arguments.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let colon = if name.is_empty() { "" } else { ": " };
            write!(f, "{comma}{name}{colon}{value}")?;
        }
        write!(f, ")")
    }
}

impl Abi {
    /// Reads a JSON ABI: the array that compilers write.
    pub fn from_json(json: &Value) -> Result<Self, EvmError> {
        let malformed = |reason: &str| EvmError::Abi { reason: reason.to_owned() };
        let items = json.as_array().ok_or_else(|| malformed("it is not an array"))?;
        let mut abi = Self::default();
        for item in items {
            let list = match item.get("type").and_then(Value::as_str) {
                Some("function") => &mut abi.functions,
                Some("error") => &mut abi.errors,
                _ => continue,
            };
            let signature = Signature::from_json(item)
                .ok_or_else(|| malformed("an item lacks its name or its inputs"))?;
            list.push(signature);
        }
        Ok(abi)
    }

    /// Decodes revert data: the contract's own errors, `Error(string)` and `Panic(uint256)`.
    pub fn decode(&self, data: &[u8]) -> Option<DecodedError> {
        let (selector, arguments) = data.split_first_chunk::<4>()?;
        let builtin = [
            Signature::new("Error", vec![Parameter::unnamed("string")]),
            Signature::new("Panic", vec![Parameter::unnamed("uint256")]),
        ];
        self.errors
            .iter()
            .chain(&builtin)
            .find(|error| error.selector == *selector)
            .and_then(|error| error.decode(arguments))
    }

    /// Whether the ABI has functions but none with this calldata's selector.
    pub fn lacks_function_for(&self, calldata: &[u8]) -> bool {
        !self.functions.is_empty()
            && !self.functions.iter().any(|function| calldata.starts_with(&function.selector))
    }

    /// The only function that takes a proof and instances, `(bytes,uint256[])`, if there is just one.
    pub fn proof_function(&self) -> Option<([u8; 4], &str)> {
        let mut candidates = self.functions.iter().filter(|function| {
            function.parameters.iter().map(|p| p.kind.as_str()).eq(["bytes", "uint256[]"])
        });
        let only = candidates.next()?;
        candidates.next().is_none().then_some((only.selector, only.name.as_str()))
    }
}

impl Signature {
    fn new(name: &str, parameters: Vec<Parameter>) -> Self {
        let kinds: Vec<&str> = parameters.iter().map(|p| p.kind.as_str()).collect();
        let digest = Keccak256::digest(format!("{name}({})", kinds.join(",")));
        let selector = [digest[0], digest[1], digest[2], digest[3]];
        Self { selector, name: name.to_owned(), parameters }
    }

    fn from_json(item: &Value) -> Option<Self> {
        let name = item.get("name")?.as_str()?;
        let parameters = item.get("inputs")?.as_array()?.iter().map(Parameter::from_json);
        Some(Self::new(name, parameters.collect::<Option<_>>()?))
    }

    /// Nothing if the data is too short for the parameters.
    fn decode(&self, data: &[u8]) -> Option<DecodedError> {
        let arguments = self
            .parameters
            .iter()
            .enumerate()
            .map(|(index, parameter)| {
                let value = parameter.decode(data, index)?;
                Some(DecodedArgument { name: parameter.name.clone(), value })
            })
            .collect::<Option<_>>()?;
        Some(DecodedError { name: self.name.clone(), arguments })
    }
}

impl Parameter {
    fn unnamed(kind: &str) -> Self {
        Self { name: String::new(), kind: kind.to_owned() }
    }

    fn from_json(json: &Value) -> Option<Self> {
        let name = json.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { name, kind: canonical_kind(json)? })
    }

    /// Decodes the value whose head is word `index` of `data`. Values of compound types, which no
    /// error of ours has, are shown by their head.
    fn decode(&self, data: &[u8], index: usize) -> Option<String> {
        let head = word(data, 32 * index)?;
        Some(match self.kind.as_str() {
            "bool" => (head[31] == 1).to_string(),
            "address" => format!("0x{}", hex(&head[12..])),
            "string" => String::from_utf8_lossy(tail(data, head)?).into_owned(),
            "bytes" => format!("0x{}", hex(tail(data, head)?)),
            kind if kind.ends_with(')') || kind.ends_with(']') => format!("0x{}", hex(head)),
            kind if kind.starts_with("uint") => U256::from_be_slice(head).to_string(),
            kind if kind.starts_with("int") => {
                let value = U256::from_be_slice(head);
                if value.bit(255) {
                    format!("-{}", value.wrapping_neg())
                } else {
                    value.to_string()
                }
            }
            kind => {
                let length = kind.strip_prefix("bytes").and_then(|length| length.parse().ok());
                format!("0x{}", hex(head.get(..length.unwrap_or(32)).unwrap_or(head)))
            }
        })
    }
}

fn word(data: &[u8], at: usize) -> Option<&[u8]> {
    data.get(at..at.checked_add(32)?)
}

/// The bytes at the offset in `head`, behind their length.
fn tail<'a>(data: &'a [u8], head: &[u8]) -> Option<&'a [u8]> {
    let offset = usize::try_from(U256::from_be_slice(head)).ok()?;
    let length = usize::try_from(U256::from_be_slice(word(data, offset)?)).ok()?;
    let start = offset.checked_add(32)?;
    data.get(start..start.checked_add(length)?)
}

/// The type as it stands in a signature: structs become tuples of their members' types.
fn canonical_kind(json: &Value) -> Option<String> {
    let kind = json.get("type")?.as_str()?;
    let Some(suffix) = kind.strip_prefix("tuple") else { return Some(kind.to_owned()) };
    let members = json.get("components")?.as_array()?.iter().map(canonical_kind);
    Some(format!("({}){suffix}", members.collect::<Option<Vec<_>>>()?.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn abi() -> Abi {
        Abi::from_json(&json!([
            {"type": "constructor", "inputs": []},
            {"type": "function", "name": "verifyProof", "inputs": [
                {"name": "proof", "type": "bytes"}, {"name": "instances", "type": "uint256[]"}]},
            {"type": "error", "name": "ProofLength", "inputs": [
                {"name": "received", "type": "uint256"}, {"name": "expected", "type": "uint256"}]},
            {"type": "error", "name": "Mixed", "inputs": [
                {"name": "at", "type": "address"}, {"name": "why", "type": "string"},
                {"name": "", "type": "int8"}, {"name": "tag", "type": "bytes4"}]},
            {"type": "error", "name": "Nested", "inputs": [
                {"name": "n", "type": "tuple[]", "components": [{"type": "uint8"}, {"type": "bool"}]}]},
        ]))
        .unwrap()
    }

    fn encode(signature: &str, words: &[U256]) -> Vec<u8> {
        let mut data = Keccak256::digest(signature)[..4].to_vec();
        data.extend(words.iter().flat_map(|word| word.to_be_bytes::<32>()));
        data
    }

    #[test]
    fn typed_errors_are_decoded() {
        let data = encode("ProofLength(uint256,uint256)", &[U256::from(3), U256::from(1728)]);
        let error = abi().decode(&data).unwrap();
        assert_eq!(error.to_string(), "ProofLength(received: 3, expected: 1728)");
        assert_eq!(abi().decode(&data[..67]), None, "cut off");
    }

    #[test]
    fn all_elementary_types_are_decoded() {
        let text = U256::from_be_slice(b"bad") << (29 * 8);
        let data = encode(
            "Mixed(address,string,int8,bytes4)",
            &[
                U256::from(0xabcd),
                U256::from(128),
                U256::MAX,
                U256::from(0xdead_beef_u64) << 224,
                U256::from(3),
                text,
            ],
        );
        assert_eq!(
            abi().decode(&data).unwrap().to_string(),
            "Mixed(at: 0x000000000000000000000000000000000000abcd, why: bad, -1, tag: 0xdeadbeef)"
        );
        let far = encode("Mixed(address,string,int8,bytes4)", &[U256::MAX; 6]);
        assert_eq!(abi().decode(&far), None, "an offset behind the end");
    }

    #[test]
    fn builtin_errors_are_decoded_without_an_abi() {
        let panic = encode("Panic(uint256)", &[U256::from(0x11)]);
        assert_eq!(Abi::default().decode(&panic).unwrap().to_string(), "Panic(17)");
        assert_eq!(Abi::default().decode(&[1, 2, 3]), None);
        assert_eq!(Abi::default().decode(&[1, 2, 3, 4]), None);
    }

    #[test]
    fn selectors_are_those_of_solidity() {
        let abi = abi();
        let (selector, name) = abi.proof_function().unwrap();
        assert_eq!((selector, name), ([0x1e, 0x8e, 0x1e, 0x13], "verifyProof"));
        assert!(!abi.lacks_function_for(&[0x1e, 0x8e, 0x1e, 0x13, 0]));
        assert!(abi.lacks_function_for(&[0x1e, 0x8e, 0x1e]));
        assert!(!Abi::default().lacks_function_for(&[]), "nothing is known about the contract");
        let nested = encode("Nested((uint8,bool)[])", &[U256::from(32)]);
        assert_eq!(abi.decode(&nested).unwrap().name, "Nested");
    }

    #[test]
    fn malformed_abis_are_refused() {
        assert!(Abi::from_json(&json!({})).is_err());
        assert!(Abi::from_json(&json!([{"type": "error"}])).is_err());
        assert!(Abi::from_json(&json!([])).is_ok());
    }
}
