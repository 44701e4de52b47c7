//! Float models quantized here: onnxruntime loads the result and agrees with it.
//!
//! `script/quantized.py` stores what onnxruntime computes.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use zkverdict::model::{
    ImportOptions, InputFormat, Model, ModelError,
    quantize::{Examples, QuantizeOptions, Quantized, Range},
};

fn folder(model: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "quantize", model].iter().collect()
}

fn quantize(model: &str, options: QuantizeOptions) -> Result<Quantized, ModelError> {
    let float = fs::read(folder(model).join("float.onnx")).unwrap();
    let calibration = fs::read(folder(model).join("calib.npz")).unwrap();
    let import = ImportOptions::default();
    Model::quantize(model, &float, Examples::new(&calibration), None, options, &import)
}

/// The quantized model, whose answers on all calibration inputs are onnxruntime's, but for so many that
/// are one step off.
fn agrees_with_onnxruntime(name: &str, off_by_one: usize) -> Quantized {
    let quantized = quantize(name, QuantizeOptions::default()).unwrap();
    if let Some(target) = std::env::var_os("WRITE_QUANTIZED") {
        fs::create_dir_all(&target).unwrap();
        fs::write(PathBuf::from(target).join(format!("{name}.onnx")), &quantized.onnx).unwrap();
        return quantized;
    }
    let calibration = fs::read(folder(name).join("calib.npz")).unwrap();
    let expected = fs::read(folder(name).join("expected.npy")).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([expected[8], expected[9]]));
    let expected: Vec<i32> =
        expected[header..].iter().map(|byte| i32::from(byte.cast_signed())).collect();
    let model = &quantized.model;
    let answers: Vec<i32> = model
        .read_inferences(&calibration, InputFormat::Npz)
        .unwrap()
        .iter()
        .flat_map(|inputs| model.outputs(&model.evaluate(inputs).unwrap()).remove(0).quantized)
        .collect();
    assert_eq!(answers.len(), expected.len());
    let steps: Vec<i32> = answers.iter().zip(&expected).map(|(a, b)| (a - b).abs()).collect();
    let off = steps.iter().filter(|&&step| step > 0).count();
    let largest = steps.iter().copied().max().unwrap_or(0);
    assert!(
        off <= off_by_one && largest <= 1,
        "{name}: {off} of {} differ, by {largest} at most: run script/quantized.py if the quantizer changed",
        steps.len()
    );
    quantized
}

#[test]
fn a_classifier_of_numbers() {
    let quantized = agrees_with_onnxruntime("credit_logreg", 0);
    assert!(quantized.report.max_difference < 0.03, "{:?}", quantized.report);
    assert!(quantized.report.agreement > 0.99, "{:?}", quantized.report);
}

#[test]
fn a_convolutional_network() {
    let quantized = agrees_with_onnxruntime("digits_cnn", 0);
    let summary = quantized.model.summary();
    // The clamps are part of the convolutions.
    assert!(!summary.operators.contains_key("Relu"), "{:?}", summary.operators);
    assert_eq!((summary.parameters, summary.macs), (3_818, 25_600));
    assert!(quantized.report.agreement > 0.98, "{:?}", quantized.report);
}

#[test]
fn a_transformer() {
    // onnxruntime computes its softmax and its layer normalizations in floats.
    let quantized = agrees_with_onnxruntime("tiny_transformer_gelu", 1);
    assert!(quantized.report.agreement > 0.9, "{:?}", quantized.report);
}

#[test]
fn percentiles_and_scales_per_tensor() {
    let options = QuantizeOptions { range: Range::Percentile(99.9), per_channel: false };
    let quantized = quantize("digits_cnn", options).unwrap();
    assert!(quantized.report.agreement > 0.95, "{:?}", quantized.report);
    let all = QuantizeOptions { range: Range::Percentile(100.0), per_channel: true };
    let min_max = QuantizeOptions { range: Range::MinMax, per_channel: true };
    assert_eq!(
        quantize("digits_cnn", all).unwrap().report,
        quantize("digits_cnn", min_max).unwrap().report
    );
    let none = QuantizeOptions { range: Range::Percentile(f64::NAN), per_channel: true };
    assert!(quantize("digits_cnn", none).is_err());
}

#[test]
fn a_quantized_model_is_not_quantized_again() {
    let quantized = quantize("credit_logreg", QuantizeOptions::default()).unwrap();
    let calibration = fs::read(folder("credit_logreg").join("calib.npz")).unwrap();
    let again = Model::quantize(
        "again",
        &quantized.onnx,
        Examples::new(&calibration),
        None,
        QuantizeOptions::default(),
        &ImportOptions::default(),
    );
    assert!(again.is_err());
}
