//! Float models quantized here: onnxruntime loads the result and agrees with it.
//!
//! `script/quantized.py` stores what onnxruntime computes.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use zkverdict::model::{
    Form, ImportOptions, InputFormat, Model, ModelError,
    quantize::{Examples, QuantizeOptions, Quantized, Range},
};

fn folder(model: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "quantize", model].iter().collect()
}

fn quantize(model: &str, options: QuantizeOptions<'_>) -> Result<Quantized, ModelError> {
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
    assert!(quantized.report.largest_difference_real < 0.03, "{:?}", quantized.report);
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
    let quantized = agrees_with_onnxruntime("tiny_transformer_gelu", 3);
    assert!(quantized.report.agreement > 0.9, "{:?}", quantized.report);
}

// Scales are moved to where requantizations are exact divisions, so that no table is needed.
#[test]
fn every_channel_has_an_exact_line() {
    for name in ["credit_logreg", "digits_cnn", "tiny_transformer_gelu"] {
        for per_channel in [true, false] {
            let options = QuantizeOptions { per_channel, ..QuantizeOptions::default() };
            for layer in quantize(name, options).unwrap().model.requantization_forms() {
                let has_accumulators = matches!(
                    layer.operator.as_str(),
                    "QGemm" | "QLinearConv" | "QLinearMatMul" | "QLinearAdd" | "QLinearMul"
                );
                // A sum with one constant everywhere is a function of one element.
                let is_plain = !has_accumulators || matches!(layer.form, Form::Line | Form::Table);
                assert!(is_plain, "{name}, per channel {per_channel}: {layer:?}");
                let bits = layer.divisor_bits.map_or(0, |(_, most)| most);
                assert!(bits <= 36, "{name}, per channel {per_channel}: {layer:?}");
            }
        }
    }
}

#[test]
fn scales_of_another_model_stay() {
    let calibration = fs::read(folder("digits_cnn").join("calib.npz")).unwrap();
    let first = quantize("digits_cnn", QuantizeOptions::default()).unwrap();
    // Examples with other ranges, as a retrained model has other activations.
    let scales = |onnx: &[u8]| {
        let model = Model::from_onnx("scales", onnx).unwrap();
        model.graph.tensors.iter().map(|tensor| tensor.quantization).collect::<Vec<_>>()
    };
    let other = QuantizeOptions { range: Range::Percentile(90.0), ..QuantizeOptions::default() };
    let other = quantize("digits_cnn", other).unwrap();
    assert_ne!(scales(&other.onnx), scales(&first.onnx));
    let kept = QuantizeOptions {
        range: Range::Percentile(90.0),
        scales_of: Some(&first.onnx),
        ..QuantizeOptions::default()
    };
    let kept = quantize("digits_cnn", kept).unwrap();
    assert_eq!(scales(&kept.onnx), scales(&first.onnx));
    assert_eq!(kept.onnx, first.onnx, "the weights are the same");

    let float = fs::read(folder("credit_logreg").join("float.onnx")).unwrap();
    let options = QuantizeOptions { scales_of: Some(&float), ..QuantizeOptions::default() };
    let import = ImportOptions::default();
    let examples = Examples::new(&calibration);
    let digits = fs::read(folder("digits_cnn").join("float.onnx")).unwrap();
    let error = Model::quantize("other", &digits, examples, None, options, &import).unwrap_err();
    assert!(error.to_string().contains("the other model has no scale"), "{error}");
}

#[test]
fn values_beyond_the_range_are_counted() {
    let quantized = quantize("credit_logreg", QuantizeOptions::default()).unwrap();
    assert_eq!(quantized.report.values_beyond_range, 0);
    let len = quantized.model.graph.tensors[quantized.model.inputs[0].tensor.0].len();
    let mut values = vec!["0".to_owned(); len];
    let beyond = |values: &[String]| {
        let text = format!("[{}]", values.join(","));
        quantized.model.values_beyond_range(text.as_bytes(), InputFormat::Json).unwrap()
    };
    assert_eq!(beyond(&values), 0);
    values[1] = "1e6".into();
    values[2] = "-1e6".into();
    assert_eq!(beyond(&values), 2);
}

#[test]
fn percentiles_and_scales_per_tensor() {
    let options = QuantizeOptions {
        range: Range::Percentile(99.9),
        per_channel: false,
        ..QuantizeOptions::default()
    };
    let quantized = quantize("digits_cnn", options).unwrap();
    assert!(quantized.report.agreement > 0.95, "{:?}", quantized.report);
    let all = QuantizeOptions {
        range: Range::Percentile(100.0),
        per_channel: true,
        ..QuantizeOptions::default()
    };
    let min_max =
        QuantizeOptions { range: Range::MinMax, per_channel: true, ..QuantizeOptions::default() };
    assert_eq!(
        quantize("digits_cnn", all).unwrap().report,
        quantize("digits_cnn", min_max).unwrap().report
    );
    let none = QuantizeOptions {
        range: Range::Percentile(f64::NAN),
        per_channel: true,
        ..QuantizeOptions::default()
    };
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
