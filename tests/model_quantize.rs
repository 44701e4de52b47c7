//! Float models quantized here: onnxruntime loads the result and agrees with it.
//!
//! `script/quantized.py` stores what onnxruntime computes.

#![allow(clippy::unwrap_used)]

#[path = "shared/onnx.rs"]
mod onnx;

use std::{fs, path::PathBuf};

use onnx::{FLOAT, INT64, Proto, node, tensor, value_info};
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

/// A file of `script/part_quantized.py`, quantized, and the largest difference of its answers from onnxruntime's of the
/// file itself.
fn quantized_in_part(name: &str) -> (Vec<u8>, Quantized, f32) {
    let folder = folder("part_quantized");
    let source = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
    let examples = fs::read(folder.join(format!("{name}.npz"))).unwrap();
    let import = ImportOptions::default();
    let examples = Examples::new(&examples);
    let options = QuantizeOptions::default();
    let quantized = Model::quantize(name, &source, examples, None, options, &import).unwrap();
    let model = &quantized.model;
    let answers: Vec<f32> = model
        .read_inferences(examples.bytes, InputFormat::Npz)
        .unwrap()
        .iter()
        .flat_map(|inputs| model.outputs(&model.evaluate(inputs).unwrap()).remove(0).dequantized)
        .collect();
    let expected = fs::read(folder.join(format!("{name}.f32"))).unwrap();
    let expected: Vec<f32> =
        expected.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
    assert_eq!(answers.len(), expected.len());
    let differences = answers.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    let largest = differences.fold(0.0, f32::max);
    // What it is compared with is what the file means.
    let reported = quantized.report.largest_difference_real;
    assert!((reported - largest).abs() < 2e-3 * largest + 1e-5, "{name}: {reported}, {largest}");
    (source, quantized, largest)
}

/// Whether each of these runs of bytes, an initializer's, is in a file.
fn has_bytes(file: &[u8], of: &[u8], len: usize, count: usize) {
    let is_in = |run: &[u8]| file.windows(len).any(|window| window == run);
    let found =
        of.windows(len).filter(|run| run.iter().any(|&byte| byte > 127)).filter(|run| is_in(run));
    assert!(found.take(count).count() == count, "the weights are not those of the file");
}

#[test]
fn files_of_dynamic_quantizers_keep_their_weights() {
    for (name, weights, largest) in
        [("dynamic_mlp", 2, 0.1), ("dynamic_cnn", 2, 0.2), ("dynamic_attention", 4, 0.25)]
    {
        let (source, quantized, difference) = quantized_in_part(name);
        assert_eq!(quantized.report.kept_weights, weights, "{name}");
        assert!(difference < largest, "{name}: {difference}");
        has_bytes(&quantized.onnx, &source, 24, 20);
    }
}

#[test]
fn a_graph_whose_end_is_float_gets_a_quantized_end() {
    let (source, quantized, difference) = quantized_in_part("float_end");
    assert_eq!(quantized.report.kept_weights, 1);
    assert!(difference < 0.15, "{difference}");
    // What the file has quantized is as it was: the input, and the convolution's output.
    let scale = |onnx: &[u8]| {
        let model = Model::from_onnx("quantized", onnx).unwrap();
        let tensors = &model.graph.tensors;
        tensors.iter().map(|tensor| tensor.quantization.scale.to_le_bytes()).collect::<Vec<_>>()
    };
    for scale in &scale(&quantized.onnx)[..2] {
        assert!(source.windows(4).any(|window| window == scale));
    }
}

#[test]
fn scales_for_blocks_of_weights_become_scales_for_columns() {
    for name in ["blocks_of_4_bits", "blocks_in_one_node"] {
        let (_, quantized, difference) = quantized_in_part(name);
        assert_eq!(quantized.report.kept_weights, 0, "{name}");
        assert!(difference < 0.2, "{name}: {difference}");
    }
}

/// Quantizes a model made by hand and computes it for its only example.
fn quantized_answer(model: &[u8], example: &str) -> Vec<f32> {
    let (import, options) = (ImportOptions::default(), QuantizeOptions::default());
    let examples = Examples::new(example.as_bytes());
    let quantized = Model::quantize("made", model, examples, None, options, &import).unwrap();
    let model = &quantized.model;
    let inputs = model.read_inferences(example.as_bytes(), InputFormat::Json).unwrap().remove(0);
    model.outputs(&model.evaluate(&inputs).unwrap()).remove(0).dequantized
}

fn assert_near(answer: &[f32], expected: &[f32], most: f32) {
    assert_eq!(answer.len(), expected.len());
    for (answer, expected) in answer.iter().zip(expected) {
        assert!((answer - expected).abs() <= most, "{answer}, expected {expected}");
    }
}

#[test]
fn linear_interpolation_is_two_products() {
    let mode = Proto::default().text(1, "mode").text(4, "linear").int(20, 3);
    let resize = node("Resize", &["x", "", "", "sizes"], "y").message(5, &mode);
    let sizes = [1_i64, 1, 4, 4].map(i64::to_le_bytes).concat();
    let model = onnx::model(
        &[resize],
        &[tensor("sizes", INT64, &[4], &sizes)],
        &[value_info("x", FLOAT, &[1, 1, 2, 2])],
    );
    let along = [0.0, 0.25, 0.75, 1.0];
    let expected: Vec<f32> =
        along.iter().flat_map(|row| along.map(|column| 2.0 * row + column)).collect();
    assert_near(&quantized_answer(&model, "[0, 1, 2, 3]"), &expected, 0.02);
}

#[test]
fn powers_of_activations_are_exponentials() {
    let nodes = [
        node("Softplus", &["x"], "a"),
        node("Sigmoid", &["z"], "b"),
        node("Pow", &["a", "b"], "y"),
    ];
    let inputs = [value_info("x", FLOAT, &[1, 4]), value_info("z", FLOAT, &[1, 4])];
    let model = onnx::model(&nodes, &[], &inputs);
    let (x, z) = ([-1.0_f32, 0.0, 1.0, 3.0], [2.0_f32, -1.0, 0.5, 1.0]);
    let example = format!("{{\"x\": {x:?}, \"z\": {z:?}}}");
    let power = |(x, z): (f32, f32)| x.exp().ln_1p().powf(1.0 / (1.0 + (-z).exp()));
    let expected: Vec<f32> = x.into_iter().zip(z).map(power).collect();
    assert_near(&quantized_answer(&model, &example), &expected, 0.05);
}

// Quantizers let such a zero point stand for a Relu.
#[test]
fn a_zero_point_at_an_end_of_16_bits_cuts_what_lies_beyond() {
    let x = [-1.0_f32, -0.5, 0.5, 1.0];
    let cuts: [(i64, i32, [f32; 4]); 5] = [
        (4, 0, [0.0, 0.0, 0.5, 1.0]),
        (4, 65535, [-1.0, -0.5, 0.0, 0.0]),
        (4, 32768, x),
        (5, -32768, [0.0, 0.0, 0.5, 1.0]),
        (5, 32767, [-1.0, -0.5, 0.0, 0.0]),
    ];
    for (element, zero_point, expected) in cuts {
        let nodes = [
            node("QuantizeLinear", &["x", "s", "z"], "q"),
            node("DequantizeLinear", &["q", "s", "z"], "d"),
            // A name that a new node could be thought to have.
            node("Add", &["d", "s"], "q_1"),
            node("Sub", &["q_1", "s"], "y"),
        ];
        let initializers = [
            tensor("s", FLOAT, &[], &1e-4_f32.to_le_bytes()),
            tensor("z", element, &[], &zero_point.to_le_bytes()[..2]),
        ];
        let model = onnx::model(&nodes, &initializers, &[value_info("x", FLOAT, &[1, 4])]);
        assert_near(&quantized_answer(&model, "[-1, -0.5, 0.5, 1]"), &expected, 0.02);
    }
}
