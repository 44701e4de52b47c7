//! What users give as inputs: JSON, .npy and .npz, right and wrong.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use zkverdict::model::{InputFormat, Model, ModelError};

fn model(name: &str, variant: &str) -> Model {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "models", name].iter().collect();
    let bytes = fs::read(path.join(format!("{variant}.onnx"))).unwrap();
    Model::from_onnx(name, &bytes).unwrap()
}

/// A model with input `input`, float32 [1, 30], scale 0.0573, zero point −88.
fn logreg() -> Model {
    model("credit_logreg", "int8_qdq")
}

fn read(model: &Model, text: &str) -> Result<Vec<Vec<Vec<i32>>>, ModelError> {
    model.read_inferences(text.as_bytes(), InputFormat::detect(text.as_bytes()))
}

fn json(values: &[f32]) -> String {
    serde_json::to_string(values).unwrap()
}

fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn message(result: Result<Vec<Vec<Vec<i32>>>, ModelError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn flat_nested_and_named_arrays_are_the_same_input() {
    let model = logreg();
    let values: Vec<f32> = (0_u8..30).map(|i| f32::from(i) / 7.0 - 2.0).collect();
    let flat = json(&values);
    let forms = [
        flat.clone(),
        format!("[{flat}]"),
        format!("{{\"input\": {flat}}}"),
        format!("{{\"input\": [{flat}]}}"),
    ];
    let expected = read(&model, &forms[0]).unwrap();
    assert_eq!(expected.len(), 1);
    for form in &forms {
        assert_eq!(read(&model, form).unwrap(), expected, "{form}");
    }
    let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let array = npy("<f4", "(1, 30)", &data);
    assert_eq!(InputFormat::detect(&array), InputFormat::Npy);
    assert_eq!(model.read_inferences(&array, InputFormat::Npy).unwrap(), expected);
}

#[test]
fn one_more_leading_dimension_is_several_inferences() {
    let model = logreg();
    let row = json(&[0.5; 30]);
    for several in [
        format!("[[{row}], [{row}], [{row}]]"),
        format!("[{row}, {row}, {row}]"),
        format!("{{\"input\": [{row}, {row}, {row}]}}"),
    ] {
        let inferences = read(&model, &several).unwrap();
        assert_eq!(inferences.len(), 3);
        assert_eq!(inferences[2][0].len(), 30);
    }
}

#[test]
fn floats_are_quantized_with_ties_to_even_and_saturate() {
    let mut model = logreg();
    let tensor = model.inputs[0].tensor;
    model.graph.tensors[tensor.0].quantization.scale = 0.5;
    model.graph.tensors[tensor.0].quantization.zero_point = 10;
    let mut values = vec![0.0; 30];
    values[..8].copy_from_slice(&[0.25, 0.75, -0.25, -0.75, 1e30, -1e30, 58.4, -0.0]);
    let quantized = &read(&model, &json(&values)).unwrap()[0][0];
    assert_eq!(quantized[..8], [10, 12, 10, 8, 127, -128, 127, 10]);
}

#[test]
fn arrays_of_numpy_in_an_archive_are_found_by_name() {
    // Made by numpy's savez_compressed(input=full((2, 30), 0.5, float32), other=zeros(3)).
    let archive = include_bytes!("../test/fixtures/inputs/two_arrays.npz");
    let model = logreg();
    let inferences = model.read_inferences(archive, InputFormat::detect(archive)).unwrap();
    assert_eq!(inferences, vec![vec![vec![-79; 30]]; 2]);
}

#[test]
fn damaged_archives_are_errors() {
    let archive = include_bytes!("../test/fixtures/inputs/two_arrays.npz");
    let model = logreg();
    for len in 0..archive.len() {
        assert!(model.read_inferences(&archive[..len], InputFormat::Npz).is_err(), "{len}");
    }
    // Any byte may be wrong; most changes are noticed, none panics.
    for position in 0..archive.len() {
        let mut damaged = archive.to_vec();
        damaged[position] ^= 0x41;
        let _ = model.read_inferences(&damaged, InputFormat::Npz);
    }
}

#[test]
fn wrong_inputs_have_errors_that_name_what_is_wrong() {
    let model = logreg();
    let short = message(read(&model, &json(&[0.0; 29])));
    assert_eq!(short, "input `input`: 29 values, expected shape [1, 30], 30 values");
    let mut ragged = vec![vec![0.0; 30]; 2];
    ragged[1].pop();
    let ragged = message(read(&model, &serde_json::to_string(&ragged).unwrap()));
    assert!(ragged.contains("lengths of nested arrays differ"), "{ragged}");
    let text = message(read(&model, &serde_json::to_string(&["a"; 30]).unwrap()));
    assert!(text.contains("value 0 is a text, expected a number"), "{text}");
    let missing = message(read(&model, &serde_json::to_string(&[(); 30]).unwrap()));
    assert!(missing.contains("value 0 is NaN, expected a finite float32"), "{missing}");
    let mixed = message(read(&model, "[1, \"a\"]"));
    assert!(mixed.contains("`\"a\"` is among numbers"), "{mixed}");
    let truth = message(read(&model, "[true]"));
    assert!(truth.contains("`true` is neither a number nor a text"), "{truth}");
    assert!(message(read(&model, "[NaN]")).contains("is not JSON"));
    assert!(message(read(&model, "")).contains("is not JSON"));
    assert!(message(read(&model, "[]")).contains("empty"));
    let unknown = message(read(&model, &format!("{{\"x\": {}}}", json(&[0.0; 30]))));
    assert_eq!(unknown, "the model has no input `x`, its inputs are `input`");
    assert_eq!(message(read(&model, "{}")), "input `input` is missing");
    let extra = format!("{{\"x\": [1], \"input\": {}}}", json(&[0.0; 30]));
    assert_eq!(message(read(&model, &extra)), "the model has no input `x`, its inputs are `input`");
    let deep = "[".repeat(100_000);
    assert!(read(&model, &deep).is_err());

    let nan: Vec<u8> = [f32::NAN; 30].iter().flat_map(|v| v.to_le_bytes()).collect();
    let error = model.read_inferences(&npy("<f4", "(30,)", &nan), InputFormat::Npy).unwrap_err();
    assert_eq!(error.to_string(), "input `input`: value 0 is NaN, expected a finite float32");
    assert!(error.hint().is_some());
    let infinite: Vec<u8> = [f64::MAX; 30].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert!(model.read_inferences(&npy("<f8", "(30,)", &infinite), InputFormat::Npy).is_err());
    for shape in ["(30", "(-1,)", "(99999999999999999999,)", "(4294967296, 4294967296)", "(31,)"] {
        assert!(model.read_inferences(&npy("<f4", shape, &nan), InputFormat::Npy).is_err());
    }
    assert!(model.read_inferences(&npy("<c8", "(30,)", &nan), InputFormat::Npy).is_err());
}

#[test]
fn integer_models_take_integers_in_range() {
    let mut model = logreg();
    model.inputs[0].is_float = false;
    assert_eq!(
        read(&model, &serde_json::to_string(&[-128; 30]).unwrap()).unwrap()[0][0],
        [-128; 30]
    );
    let high = message(read(&model, &serde_json::to_string(&[128; 30]).unwrap()));
    assert_eq!(high, "input `input`: value 0 is 128, expected an integer from -128 to 127");
    assert!(message(read(&model, &json(&[0.5; 30]))).contains("expected an integer"));
}

#[test]
fn evaluation_checks_its_inputs() {
    let model = logreg();
    assert!(model.evaluate(&[]).is_err());
    assert!(model.evaluate(&[vec![0; 29]]).is_err());
    assert!(model.evaluate(&[vec![128; 30]]).is_err());
    assert!(model.evaluate(&[vec![127; 30]]).is_ok());
}

/// An archive of one deflated array that claims a length, named by `names` in its directory.
fn archive(claimed: u32, names: &[&str]) -> Vec<u8> {
    let data = miniz_oxide::deflate::compress_to_vec(&npy("<f4", "(1, 30)", &[0; 120]), 6);
    let length = u32::try_from(data.len()).unwrap();
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend([0; 22]);
    bytes.extend([5, 0, 0, 0]);
    bytes.extend(b"x.npy");
    bytes.extend(data);
    let start = u32::try_from(bytes.len()).unwrap();
    for name in names {
        let mut entry = b"PK\x01\x02".to_vec();
        entry.resize(46, 0);
        entry[10] = 8;
        entry[20..24].copy_from_slice(&length.to_le_bytes());
        entry[24..28].copy_from_slice(&claimed.to_le_bytes());
        entry[28] = u8::try_from(name.len()).unwrap();
        bytes.extend(entry);
        bytes.extend(name.as_bytes());
    }
    let count = u16::try_from(names.len()).unwrap();
    bytes.extend(b"PK\x05\x06");
    bytes.extend([0; 6]);
    bytes.extend(count.to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

#[test]
fn archives_are_no_larger_inside_than_allowed() {
    let model = logreg();
    let read = |archive: &[u8]| model.read_inferences(archive, InputFormat::Npz);
    let whole = u32::try_from(npy("<f4", "(1, 30)", &[0; 120]).len()).unwrap();
    assert_eq!(read(&archive(whole, &["input.npy"])).unwrap().len(), 1);
    assert_eq!(read(&archive(whole, &["input.npy", "y.npy"])).unwrap().len(), 1);
    let error = message(read(&archive(u32::MAX, &["input.npy"])));
    assert!(error.contains("numpy.savez"), "{error}");
    // One entry, named again and again.
    let error = message(read(&archive(whole, &["input.npy"; 60_000])));
    assert!(error.contains("two entries `input`"), "{error}");
}
