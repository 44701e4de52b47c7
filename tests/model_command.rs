//! The verbs that are about the model alone, as their users call them.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

fn fixture(path: &str) -> String {
    format!("{}/test/fixtures/{path}", env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn call(words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_zkverdict")).arg("--json").args(words).output().unwrap()
}

/// The result of a call that succeeds.
fn run(words: &[&str]) -> Value {
    let output = call(words);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words:?}: {errors}");
    assert_eq!(errors, "", "{words:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The message and the hint of a call that cannot tell.
fn fails(words: &[&str]) -> (String, String) {
    let output = call(words);
    assert_eq!(output.status.code(), Some(2), "{words:?}");
    assert!(output.stdout.is_empty(), "{words:?}");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    let hint = error["hint"].as_str().unwrap_or_else(|| panic!("{words:?} has no hint: {error}"));
    (error["error"].as_str().unwrap().to_owned(), hint.to_owned())
}

#[test]
fn a_float_model_becomes_an_int8_model_that_runs() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("deep/digits.onnx");
    let float = fixture("quantize/digits_cnn/float.onnx");
    let calibration = fixture("quantize/digits_cnn/calib.npz");
    let test = fixture("quantize/digits_cnn/test.npz");
    let words = ["quantize", &float, "--calibration", &calibration, "--out", text(&out)];
    let report = run(&[&words[..], &["--test", &test]].concat());
    assert_eq!(report["model"], text(&out));
    assert_eq!(report["method"], "min-max");
    assert_eq!(report["per_channel"], true);
    assert_eq!((&report["inputs"], &report["parameters"]), (&json!(360), &json!(3_818)));
    assert!(report["float_accuracy"].as_f64().unwrap() > 0.97, "{report}");
    assert!(report["quantized_accuracy"].as_f64().unwrap() > 0.97, "{report}");
    assert!(report["agreement"].as_f64().unwrap() > 0.99, "{report}");
    assert!(report["mean_difference"].as_f64().unwrap() < 0.1, "{report}");
    // Outputs beyond those of the calibration are clamped.
    assert!(report["largest_difference_real"].as_f64().unwrap() < 1.5, "{report}");
    assert!(report["largest_difference_steps"].as_u64().unwrap() < 20, "{report}");
    assert!(report["values_beyond_range"].is_u64(), "{report}");

    let answers = run(&["run", text(&out), "--input", &test]);
    assert_eq!(answers["inferences"].as_array().unwrap().len(), 360);
    let operators = &run(&["inspect", text(&out), "--layers"])["operators"];
    assert_eq!(operators["QLinearConv"], 2);

    // Without labels, nothing is said of accuracy; nothing but the model is left in its folder.
    let other = ["--method", "percentile", "--percentile", "99.5", "--per-tensor"];
    let (error, hint) = fails(&[&words[..], &other].concat());
    assert!(error.contains("is there already") && hint.contains("--force"), "{error}, {hint}");
    let other = [&other[..], &["--force"]].concat();
    let report = run(&[&words[..], &other].concat());
    assert_eq!(report["percentile"], 99.5);
    assert_eq!(report["inputs"], 200);
    assert!(report.get("float_accuracy").is_none());
    assert_eq!(fs::read_dir(out.parent().unwrap()).unwrap().count(), 1);
}

#[test]
fn what_cannot_be_quantized_is_told_and_nothing_is_written() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out.onnx");
    let float = fixture("quantize/digits_cnn/float.onnx");
    let calibration = fixture("quantize/digits_cnn/calib.npz");
    let with = |model: &str, calibration: &str| {
        fails(&["quantize", model, "--calibration", calibration, "--out", text(&out)])
    };
    let (error, _) = with(&fixture("models/digits_cnn/int8_qdq.onnx"), &calibration);
    assert!(error.contains("quantized already"), "{error}");
    let (error, _) = with(&float, &fixture("quantize/credit_logreg/calib.npz"));
    assert!(error.contains("credit_logreg/calib.npz") && error.contains("expected"), "{error}");
    let (error, _) = with(&float, "nowhere.npz");
    assert!(error.contains("nowhere.npz"), "{error}");
    let words = ["quantize", &float, "--calibration", &calibration, "--out"];
    let (error, _) = fails(&[&words[..], &[text(&out), "--dim", "bacth=2"]].concat());
    assert!(error.contains("`bacth`") && error.contains("expected"), "{error}");
    // Not even with --force is a file replaced that is read.
    let copy = folder.path().join("float.onnx");
    fs::copy(&float, &copy).unwrap();
    let words = ["quantize", text(&copy), "--calibration", &calibration, "--force", "--out"];
    let (error, _) = fails(&[&words[..], &[text(&copy)]].concat());
    assert!(error.contains("also read"), "{error}");
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&float).unwrap());
    assert!(!out.exists());
}

#[test]
fn approximate_nodes_are_compared_with_floats() {
    let model = fixture("models/tiny_transformer_gelu/int8_qdq.onnx");
    let calibration = fixture("quantize/tiny_transformer_gelu/calib.npz");
    let report = run(&["inspect", &model, "--calibration", &calibration, "--layers"]);
    let differences = &report["differences"];
    assert_eq!(differences["inferences"], 60);
    assert_eq!(differences["largest"], 1);
    assert!(differences["mean"].as_f64().unwrap() < 0.1);
    let names: Vec<&str> = differences["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["operator"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["QLinearSoftmax", "LayerNormalization", "LayerNormalization"]);
    assert_eq!(differences["outputs"][0]["elements"], 240);

    let approximate: Vec<&str> = report["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|node| node["exactness"] == "approximate")
        .map(|node| node["operator"].as_str().unwrap())
        .collect();
    assert_eq!(approximate, ["QLinearSoftmax", "LayerNormalization", "Erf", "LayerNormalization"]);
    let of_product = |layer: &&Value| layer["operator"] == "QGemm";
    let layers = report["layers"].as_array().unwrap();
    let layer = layers.iter().find(of_product).unwrap();
    assert_eq!(
        (&layer["form"], &layer["lines"], &layer["channels"]),
        (&json!("line"), &json!(4), &json!(4))
    );
}

#[test]
fn all_unsupported_nodes_are_in_one_error() {
    let folder = TempDir::new().unwrap();
    let mut bytes = fs::read(fixture("models/diagnosis_mlp/int8_qop.onnx")).unwrap();
    // Operators' names of the same length keep the file whole.
    let mut renamed = 0;
    for at in 0..bytes.len() - 5 {
        if bytes[at..].starts_with(b"\x05QGemm") {
            bytes[at + 1..at + 6].copy_from_slice(b"Qxyzw");
            renamed += 1;
        }
    }
    assert_eq!(renamed, 3);
    let path = folder.path().join("model.onnx");
    fs::write(&path, bytes).unwrap();
    let (error, hint) = fails(&["inspect", text(&path)]);
    assert_eq!(
        error.matches("operator `com.microsoft.Qxyzw` is not supported").count(),
        3,
        "{error}"
    );
    assert!(hint.contains("operators"));
}

#[test]
fn wrong_models_and_inputs_have_one_error_with_a_hint() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let (error, hint) = fails(&["inspect", &fixture("quantize/digits_cnn/float.onnx")]);
    assert!(error.contains("is float32, expected int8") && hint.contains("zkverdict quantize"));
    let model = fixture("models/credit_logreg/int8_qdq.onnx");
    let bytes = fs::read(&model).unwrap();
    let truncated = write("truncated.onnx", &bytes[..bytes.len() / 2]);
    assert!(fails(&["inspect", text(&truncated)]).0.contains("not an ONNX file"));
    let of_input = |input: &Path| fails(&["run", &model, "--input", text(input)]);
    let short = of_input(&write("short.json", b"[1, 2, 3]"));
    assert!(short.0.contains("3 values, expected shape [1, 30]"), "{short:?}");
    let nan = of_input(&write("nan.json", format!("[{}NaN]", "0, ".repeat(29)).as_bytes()));
    assert!(nan.0.contains("not JSON") && nan.1.contains("finite"), "{nan:?}");
    let huge = of_input(&write("huge.json", format!("[{}1e300]", "0, ".repeat(29)).as_bytes()));
    assert!(huge.0.contains("expected a finite float32"), "{huge:?}");
}

#[test]
fn dimensions_that_no_input_has_are_refused() {
    let model = fixture("models/credit_logreg/int8_qdq.onnx");
    let (error, hint) = fails(&["inspect", &model, "--dim", "N=3"]);
    assert!(error.contains("no input has a dimension `N`") && hint.contains("--dim"), "{error}");
    assert!(fails(&["inspect", &model, "--dim", "N=0"]).0.contains("positive number"));
}
