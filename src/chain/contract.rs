//! What there is to deploy: a contract as the compiler leaves it.

use std::ops::Range;

use alloy::{
    json_abi::JsonAbi,
    primitives::{B256, Bytes, keccak256},
};

use super::ChainError;

/// A compiled contract.
#[derive(Clone, Debug)]
pub struct Contract {
    /// Its name in Solidity.
    pub name: String,
    /// Code of the constructor, with the constructor's arguments appended.
    pub init_code: Bytes,
    /// What the constructor leaves behind, where that is known.
    pub runtime: Option<RuntimeCode>,
    /// Its functions and errors.
    pub abi: JsonAbi,
}

impl Contract {
    /// A contract from the compiler's output; `abi` is its JSON array.
    pub fn new(name: &str, init_code: impl Into<Bytes>, abi: &str) -> Result<Self, ChainError> {
        let artifact = |reason: String| ChainError::Artifact { contract: name.to_owned(), reason };
        let init_code = init_code.into();
        if init_code.is_empty() {
            return Err(artifact("there is no code to deploy".into()));
        }
        let abi = serde_json::from_str(abi).map_err(|error| artifact(error.to_string()))?;
        Ok(Self { name: name.to_owned(), init_code, runtime: None, abi })
    }

    /// The same contract with the code that a deployment is compared with afterwards.
    pub fn with_runtime(mut self, runtime: RuntimeCode) -> Self {
        self.runtime = Some(runtime);
        self
    }

    /// Whether code is what the compiler made, its immutable values aside; `None` where that is not known.
    pub fn is_code(&self, code: &[u8]) -> Option<bool> {
        let runtime = self.runtime.as_ref()?;
        Some(runtime.masked_hash(code) == runtime.masked_hash(&runtime.code))
    }

    /// Names the contract on every chain: its CREATE2 address depends on this and the salt alone.
    pub fn init_code_hash(&self) -> B256 {
        keccak256(&self.init_code)
    }
}

/// Code as it lies on a chain.
#[derive(Clone, Debug, Default)]
pub struct RuntimeCode {
    /// The compiler's runtime code.
    pub code: Bytes,
    /// Where the constructor writes immutable values into it.
    pub immutables: Vec<Range<usize>>,
}

impl RuntimeCode {
    /// Code that the constructor leaves as the compiler made it.
    pub fn fixed(code: impl Into<Bytes>) -> Self {
        Self { code: code.into(), immutables: Vec::new() }
    }

    /// Hash of code with immutable values set to zero, as the compiler has them.
    pub(super) fn masked_hash(&self, code: &[u8]) -> B256 {
        let mut masked = code.to_vec();
        for range in &self.immutables {
            if let Some(value) = masked.get_mut(range.clone()) {
                value.fill(0);
            }
        }
        keccak256(masked)
    }
}
