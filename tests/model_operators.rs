//! Single operators with random attributes: what is computed here equals onnxruntime's integers.
//!
//! `script/operator_cases.py` makes the cases.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeMap, fs, path::PathBuf};

use serde_json::Value;
use zkverdict::model::{Exactness, Model};

/// A model of one operator, inputs, and onnxruntime's output.
struct Case {
    name: String,
    model: Vec<u8>,
    inputs: Vec<Vec<i32>>,
    expected: Vec<i32>,
}

fn cases() -> Vec<Case> {
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

/// Per kind of case: how many there are, how many differ, by how many steps at most.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    cases: usize,
    different: usize,
    /// How many have a node that is marked approximate, and how many differ without one.
    approximate: usize,
    unmarked: usize,
    elements: usize,
    steps: i32,
}

/// Whether onnxruntime computes a kind of case in floats that round otherwise than here: the integers may
/// differ by a step.
fn may_differ(name: &str) -> bool {
    const FUNCTIONS: [&str; 8] = [
        "Tanh qdq",
        "Erf qdq",
        "Exp qdq",
        "Softplus qdq",
        "Elu qdq",
        "Selu qdq",
        "Mish qdq",
        "Gelu qdq",
    ];
    name.starts_with("float ") || FUNCTIONS.contains(&name)
}

#[test]
fn operators_equal_onnxruntime() {
    let cases = cases();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (index, case) in cases.iter().enumerate() {
        let tally = tallies.entry(case.name.clone()).or_default();
        tally.cases += 1;
        let model = Model::from_onnx(&case.name, &case.model)
            .unwrap_or_else(|error| panic!("{} ({index}): {error}", case.name));
        let evaluation = model.evaluate(&case.inputs).unwrap();
        let answer = model.outputs(&evaluation).remove(0).quantized;
        assert_eq!(answer.len(), case.expected.len(), "{} ({index})", case.name);
        let is_approximate =
            (model.graph.nodes.iter()).any(|node| node.origin.exactness == Exactness::Approximate);
        tally.approximate += usize::from(is_approximate);
        let steps: Vec<i32> =
            answer.iter().zip(&case.expected).map(|(a, b)| (a - b).abs()).collect();
        let different = steps.iter().filter(|&&step| step != 0).count();
        tally.different += usize::from(different > 0);
        tally.unmarked += usize::from(different > 0 && !is_approximate);
        tally.elements += different;
        tally.steps = tally.steps.max(steps.into_iter().max().unwrap_or(0));
    }
    for (name, tally) in &tallies {
        println!("{name}: {tally:?}");
    }
    let off: Vec<_> =
        tallies.iter().filter(|(name, tally)| tally.steps > i32::from(may_differ(name))).collect();
    assert!(off.is_empty(), "{off:#?}");
    let unmarked: Vec<_> = tallies.iter().filter(|(_, tally)| tally.unmarked > 0).collect();
    assert!(unmarked.is_empty(), "differences of models that are marked exact: {unmarked:#?}");
    // Nor is anything marked approximate that need not be.
    let needless: Vec<_> =
        tallies.iter().filter(|(name, tally)| tally.approximate > 0 && !may_differ(name)).collect();
    assert!(needless.is_empty(), "{needless:#?}");
}
