//! Models of one operator with random attributes, made by `script/operator_cases.py`.

use std::{fs, path::PathBuf};

use serde_json::Value;

/// A model of one operator, inputs, and onnxruntime's output.
pub struct Case {
    pub name: String,
    pub model: Vec<u8>,
    pub inputs: Vec<Vec<i32>>,
    pub expected: Vec<i32>,
}

/// The stored cases, or those of the file that `OPERATOR_CASES` names.
pub fn cases() -> Vec<Case> {
    let stored: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "operators", "cases.bin"].iter().collect();
    let path = std::env::var_os("OPERATOR_CASES").map_or(stored, PathBuf::from);
    let bytes = miniz_oxide::inflate::decompress_to_vec_zlib(&fs::read(path).unwrap()).unwrap();
    let mut rest = bytes.as_slice();
    let mut cases = Vec::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let head: Value = serde_json::from_slice(&rest[..end]).unwrap();
        rest = &rest[end + 1..];
        let mut take = |len: &Value| {
            let (taken, left) = rest.split_at(usize::try_from(len.as_u64().unwrap()).unwrap());
            rest = left;
            taken
        };
        let model = take(&head["model"]).to_vec();
        let mut integers = |of: &Value| -> Vec<i32> {
            let signed = of["signed"].as_bool().unwrap();
            take(&of["len"])
                .iter()
                .map(|&byte| if signed { byte.cast_signed().into() } else { byte.into() })
                .collect()
        };
        let inputs = head["inputs"].as_array().unwrap().iter().map(&mut integers).collect();
        let expected = integers(&head["expected"]);
        let name = head["name"].as_str().unwrap().to_owned();
        cases.push(Case { name, model, inputs, expected });
    }
    cases
}
