//! Any bytes as a float model to be quantized: a quantized model, or an error.
//!
//! `script/fuzz.sh quantize`

#![no_main]

use libfuzzer_sys::fuzz_target;
use zkverdict::model::{
    ImportOptions, Model,
    quantize::{Examples, QuantizeOptions},
};

const EXAMPLES: &[u8] = include_bytes!("../../test/fixtures/quantize/credit_logreg/calib.npz");

fuzz_target!(|bytes: &[u8]| {
    let (options, import) = (QuantizeOptions::default(), ImportOptions::default());
    let _ = Model::quantize("fuzz", bytes, Examples::new(EXAMPLES), None, options, &import);
});
