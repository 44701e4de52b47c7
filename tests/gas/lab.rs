//! The contracts of `test/fixtures/gas`, and calls to them.

use serde_json::Value;
use zkverdict::evm::{Abi, ConstructorWord, Consumer, DebugInfo, Experiment, SourceFile};

/// The compiler pipelines that the fixture has.
pub const PIPELINES: [&str; 2] = ["legacy", "via_ir"];

/// What `compiler.rs` made of [`SOURCES`].
pub const JSON: &str = include_str!("../../test/fixtures/gas/lab.json");
/// The contracts, each in the file of its name.
pub const SOURCES: [(&str, &str); 2] = [
    ("Lab", include_str!("../../test/fixtures/gas/Lab.sol")),
    ("LabConsumer", include_str!("../../test/fixtures/gas/LabConsumer.sol")),
];

/// `verifyProof(bytes,uint256[])`
const VERIFY_PROOF: [u8; 4] = [0x1e, 0x8e, 0x1e, 0x13];
/// `submit(bytes,uint256[])`
const SUBMIT: [u8; 4] = [0xeb, 0x67, 0x49, 0x9f];

pub struct Lab(Value);

impl Lab {
    pub fn read(pipeline: &str) -> Self {
        let all: Value = serde_json::from_str(JSON).unwrap();
        Self(all[pipeline].clone())
    }

    pub fn init_code(&self, name: &str) -> Vec<u8> {
        unhex(self.0[name]["bytecode"].as_str().unwrap())
    }

    fn abi(&self, name: &str) -> Abi {
        Abi::from_json(&self.0[name]["abi"]).unwrap()
    }

    fn debug(&self, name: &str) -> DebugInfo {
        let contract = &self.0[name];
        let (_, text) = SOURCES.iter().find(|(known, _)| *known == name).unwrap();
        DebugInfo {
            source_map: contract["source_map"].as_str().unwrap().to_owned(),
            files: vec![SourceFile {
                id: u32::try_from(contract["id"].as_u64().unwrap()).unwrap(),
                name: format!("{name}.sol"),
                text: (*text).to_owned(),
            }],
            is_coarse: false,
        }
    }

    pub fn experiment(&self, calldata: &[u8]) -> Experiment {
        Experiment::new(&self.init_code("Lab"), calldata)
            .named("Lab")
            .with_abi(self.abi("Lab"))
            .with_debug_info(self.debug("Lab"))
    }

    /// The consumer, called with the arguments of a call to the verifier.
    pub fn consumer(&self, calldata: &[u8]) -> Consumer {
        Consumer {
            name: "LabConsumer".to_owned(),
            creation_code: self.init_code("LabConsumer"),
            arguments: vec![ConstructorWord::Verifier],
            calldata: [&SUBMIT, &calldata[4..]].concat(),
            debug: Some(self.debug("LabConsumer")),
            abi: self.abi("LabConsumer"),
        }
    }

    /// The line, counted from one, that contains this text.
    pub fn line_of(text: &str) -> usize {
        SOURCES[0].1.lines().position(|line| line.contains(text)).unwrap() + 1
    }

    pub fn good_calldata(&self) -> Vec<u8> {
        Self::calldata(&Self::generator(), &[[1; 32], [2; 32]])
    }

    /// The point (1, 2).
    pub fn generator() -> [u8; 64] {
        let mut point = [0; 64];
        (point[31], point[63]) = (1, 2);
        point
    }

    /// A call to `verifyProof`.
    pub fn calldata(proof: &[u8], instances: &[[u8; 32]]) -> Vec<u8> {
        let word = |value: usize| {
            let mut word = [0; 32];
            word[24..].copy_from_slice(&(value as u64).to_be_bytes());
            word
        };
        let mut data = VERIFY_PROOF.to_vec();
        data.extend(word(0x40));
        data.extend(word(0x60 + proof.len()));
        data.extend(word(proof.len()));
        data.extend_from_slice(proof);
        data.extend(word(instances.len()));
        data.extend(instances.iter().flatten());
        data
    }
}

/// The bytes of hexadecimal digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}
