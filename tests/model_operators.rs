//! Single operators with random attributes: what is computed here equals onnxruntime's integers.
//!
//! `script/operator_cases.py` makes the cases.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;
use zkverdict::model::Model;

/// A model of one operator, inputs, and onnxruntime's output.
struct Case {
    name: String,
    model: Vec<u8>,
    inputs: Vec<Vec<i32>>,
    expected: Vec<i32>,
}

fn cases() -> Vec<Case> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "operators", "cases.bin"].iter().collect();
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

/// Per kind of case: how many there are, how many differ, by how many steps at most.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    cases: usize,
    different: usize,
    elements: usize,
    steps: i32,
}

#[test]
fn operators_equal_onnxruntime() {
    let cases = cases();
    assert!(cases.len() >= 500);
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let tally = tallies.entry(case.name.clone()).or_default();
        tally.cases += 1;
        let model = Model::from_onnx(&case.name, &case.model)
            .unwrap_or_else(|error| panic!("{} ({index}): {error}", case.name));
        let evaluation = model.evaluate(&case.inputs).unwrap();
        let answer = model.outputs(&evaluation).remove(0).quantized;
        assert_eq!(answer.len(), case.expected.len(), "{} ({index})", case.name);
        let steps: Vec<i32> =
            answer.iter().zip(&case.expected).map(|(a, b)| (a - b).abs()).collect();
        let different = steps.iter().filter(|&&step| step != 0).count();
        tally.different += usize::from(different > 0);
        tally.elements += different;
        tally.steps = tally.steps.max(steps.into_iter().max().unwrap_or(0));
    }
    for (name, tally) in &tallies {
        println!("{name}: {tally:?}");
    }
    // What onnxruntime computes in floats may differ by a step.
    let off: Vec<_> = tallies
        .iter()
        .filter(|(name, tally)| tally.steps > i32::from(name.starts_with("float ")))
        .collect();
    assert!(off.is_empty(), "{off:#?}");
}
