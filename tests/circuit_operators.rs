//! Single operators with random attributes: their circuits compute what the reference does.
//!
//! `script/operator_cases.py` makes the cases.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use halo2_proofs::halo2curves::bn256::Fr;
use rayon::prelude::*;
use serde_json::Value;
use zkverdict::circuit::{CircuitError, ModelCircuit, Wishes};
use zkverdict::model::Model;

/// A model of one operator and its inputs.
struct Case {
    name: String,
    model: Vec<u8>,
    inputs: Vec<Vec<i32>>,
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
        integers(&head["expected"]);
        let name = head["name"].as_str().unwrap().to_owned();
        cases.push(Case { name, model, inputs });
    }
    cases
}

/// Every third case; all of them with `ALL=1`.
#[test]
fn circuits_of_operators_compute_the_reference() {
    let step = if std::env::var_os("ALL").is_some() { 1 } else { 3 };
    let cases: Vec<Case> = cases().into_iter().step_by(step).collect();
    let proved = cases.par_iter().filter(|case| is_proved(case)).count();
    // The others have several inputs.
    assert!(proved * 4 > cases.len() * 3, "{proved} of {} cases have a circuit", cases.len());
}

/// Whether a case has a circuit; if so, it computes what the reference does.
fn is_proved(case: &Case) -> bool {
    let model = Model::from_onnx(&case.name, &case.model).unwrap();
    let circuit = match ModelCircuit::new(&model, Wishes::default()) {
        Ok(circuit) => circuit,
        Err(CircuitError::Ports { .. }) => return false,
        Err(error) => panic!("{}: {error}", case.name),
    };
    let reference = model.evaluate(&case.inputs).unwrap();
    let witness = circuit.witness(&case.inputs.concat(), Fr::from(1)).unwrap();
    assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor), "{}", case.name);
    true
}
