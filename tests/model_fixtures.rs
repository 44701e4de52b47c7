//! Models of other tools' making: what is computed here equals onnxruntime's integers.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use zkverdict::model::{InputFormat, Model};

/// Per tensor and per channel, in both forms.
const CONVOLUTIONAL: [&str; 4] =
    ["int8_qdq", "int8_qop", "int8_qdq_perchannel", "int8_qop_perchannel"];

fn folder(model: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "models", model].iter().collect()
}

fn load(model: &str, variant: &str) -> Model {
    let bytes = fs::read(folder(model).join(format!("{variant}.onnx"))).unwrap();
    Model::from_onnx(model, &bytes).unwrap_or_else(|e| panic!("{model}/{variant}: {e}"))
}

/// The integers after the header of an int8 or uint8 `.npy` file.
fn expected(model: &str, variant: &str) -> Vec<i32> {
    let bytes = fs::read(folder(model).join(format!("{variant}.expected.npy"))).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let signed = bytes[..header].windows(4).any(|w| w == b"'|i1");
    let integer = |&byte: &u8| if signed { i32::from(byte.cast_signed()) } else { byte.into() };
    bytes[header..].iter().map(integer).collect()
}

/// All inputs of a model's fixture: its samples, then its test set if it has one.
fn inferences(folder: &std::path::Path, model: &Model) -> Vec<Vec<Vec<i32>>> {
    let mut all = Vec::new();
    for file in ["samples.npy", "test.npy"] {
        if let Ok(bytes) = fs::read(folder.join(file)) {
            all.extend(model.read_inferences(&bytes, InputFormat::Npy).unwrap());
        }
    }
    all
}

/// Largest difference from onnxruntime in output steps, and how many outputs differ, over all inputs.
fn difference(name: &str, variant: &str) -> (i32, usize) {
    let model = load(name, variant);
    let expected = expected(name, variant);
    let inferences = inferences(&folder(name), &model);
    let answers: Vec<i32> = inferences
        .iter()
        .flat_map(|inputs| {
            let evaluation = model.evaluate(inputs).unwrap();
            model.outputs(&evaluation).remove(0).quantized
        })
        .collect();
    assert_eq!(answers.len(), expected.len());
    let steps: Vec<i32> = answers.iter().zip(&expected).map(|(a, b)| (a - b).abs()).collect();
    (steps.iter().copied().max().unwrap(), steps.iter().filter(|&&step| step != 0).count())
}

fn assert_exact(name: &str, variants: &[&str]) {
    for variant in variants {
        assert_eq!(difference(name, variant), (0, 0), "{name}/{variant}");
    }
}

#[test]
fn credit_logreg_equals_onnxruntime() {
    assert_exact("credit_logreg", &["int8_qdq", "int8_qop"]);
}

#[test]
fn diagnosis_mlp_equals_onnxruntime() {
    assert_exact("diagnosis_mlp", &["int8_qdq", "int8_qop"]);
}

#[test]
fn digits_mlp_equals_onnxruntime() {
    assert_exact("digits_mlp", &["int8_qdq", "int8_qop", "uint8act_qdq", "uint8act_qop"]);
}

#[test]
fn digits_cnn_equals_onnxruntime() {
    assert_exact("digits_cnn", &CONVOLUTIONAL);
    assert_exact("digits_cnn", &["uint8act_qdq", "uint8act_qop"]);
}

#[test]
fn lenet5_equals_onnxruntime() {
    assert_exact("lenet5", &CONVOLUTIONAL);
}

#[test]
fn resnet8_equals_onnxruntime() {
    assert_exact("resnet8", &CONVOLUTIONAL);
}

// Softmax and layer normalization have a definition of their own here, which agrees on these inputs.
#[test]
fn transformers_equal_onnxruntime_on_the_samples() {
    assert_exact("tiny_transformer", &["int8_qdq", "int8_qop"]);
    assert_exact("tiny_transformer_gelu", &["int8_qdq", "int8_qop"]);
}

#[test]
fn integer_definitions_are_within_a_step_of_floats() {
    for name in ["tiny_transformer", "tiny_transformer_gelu"] {
        let model = load(name, "int8_qdq");
        let differences = model.differences(&inferences(&folder(name), &model)).unwrap();
        let operators: Vec<_> =
            differences.iter().map(|difference| difference.operator.as_str()).collect();
        assert_eq!(operators, ["QLinearSoftmax", "LayerNormalization", "LayerNormalization"]);
        for difference in differences {
            assert!(difference.largest <= 1, "{difference:?}");
            // onnxruntime's own softmax takes 1/scale rounded down for the number of steps in 1, here too.
            let mean = if difference.operator == "QLinearSoftmax" { 0.1 } else { 0.001 };
            assert!(difference.mean < mean, "{difference:?}");
        }
    }
}

#[test]
fn summaries_give_the_numbers_of_the_float_models() {
    for (name, variant, parameters, macs) in [
        ("credit_logreg", "int8_qdq", 31, 30),
        ("diagnosis_mlp", "int8_qop", 1_554, 1_504),
        ("digits_mlp", "uint8act_qdq", 6_570, 6_464),
        ("digits_cnn", "int8_qdq_perchannel", 3_818, 25_600),
        ("tiny_transformer", "int8_qdq", 10_597, 149_504),
        ("tiny_transformer_gelu", "int8_qop", 10_600, 149_504),
        ("lenet5", "int8_qop_perchannel", 61_706, 416_520),
        ("resnet8", "int8_qdq", 77_706, 12_501_632),
    ] {
        let summary = load(name, variant).summary();
        assert_eq!((summary.parameters, summary.macs), (parameters, macs), "{name}/{variant}");
    }
    let summary = load("credit_logreg", "int8_qdq").summary();
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["operators"], serde_json::json!({"QGemm": 1, "QLinearSigmoid": 1}));
    assert_eq!(json["inputs"][0]["name"], "input");
    assert_eq!(json["inputs"][0]["type"], "float32");
    assert_eq!(json["inputs"][0]["zero_point"], -88);
}
