//! Any bytes as a user's input: inferences or an error.
//!
//! `script/fuzz.sh input`

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkverdict::model::{InputFormat, Model};

const MODEL: &[u8] = include_bytes!("../../test/fixtures/models/credit_logreg/int8_qdq.onnx");

fuzz_target!(|bytes: &[u8]| {
    let model = Model::from_onnx("fuzz", MODEL).expect("the fixture is a model");
    for inputs in model.read_inferences(bytes, InputFormat::detect(bytes)).unwrap_or_default() {
        model.evaluate(&inputs).expect("inferences that were read are evaluated");
    }
});
