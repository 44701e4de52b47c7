//! Any bytes as an ONNX file: a model that can be evaluated, or an error.
//!
//! `script/fuzz.sh model`

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkverdict::model::Model;

fuzz_target!(|bytes: &[u8]| {
    let Ok(model) = Model::from_onnx("fuzz", bytes) else { return };
    if model.summary().macs > 10_000_000 {
        return;
    }
    let largest: Vec<Vec<i32>> = model
        .inputs
        .iter()
        .map(|port| {
            let tensor = &model.graph.tensors[port.tensor.0];
            vec![tensor.quantization.element.range().1; tensor.len()]
        })
        .collect();
    model.evaluate(&largest).expect("inputs of the right length and range are evaluated");
});
