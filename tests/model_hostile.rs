//! Files that are wrong, damaged or made to hurt lead to errors.

#![allow(clippy::unwrap_used)]

#[path = "shared/onnx.rs"]
mod onnx;

use std::{fs, path::PathBuf};

use onnx::{FLOAT, INT8, INT64, Proto, model, node, scale, tensor, value_info};

use zkverdict::model::{ImportOptions, Model, ModelError, Operator};

fn fixture(model: &str, variant: &str) -> Vec<u8> {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "models", model].iter().collect();
    fs::read(folder.join(format!("{variant}.onnx"))).unwrap()
}

fn message(bytes: &[u8]) -> String {
    Model::from_onnx("hostile", bytes).unwrap_err().to_string()
}

#[test]
fn every_truncation_is_an_error() {
    for (name, variant) in [("credit_logreg", "int8_qdq"), ("credit_logreg", "int8_qop")] {
        let bytes = fixture(name, variant);
        for len in 0..bytes.len() {
            let result = Model::from_onnx(name, &bytes[..len]);
            // The operator sets come last: a file may end before them.
            assert!(result.is_err() || len + 80 > bytes.len(), "{name}/{variant} to {len}");
        }
    }
}

// Bounded by the number of changes, not by time. The fuzz target goes on where this ends.
#[test]
fn changed_bytes_lead_to_a_model_or_an_error() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let corpus: Vec<Vec<u8>> = [
        ("credit_logreg", "int8_qdq"),
        ("credit_logreg", "int8_qop"),
        ("diagnosis_mlp", "int8_qop"),
        ("digits_cnn", "int8_qop"),
        ("digits_cnn", "int8_qdq_perchannel"),
        ("tiny_transformer_gelu", "int8_qop"),
    ]
    .iter()
    .map(|(name, variant)| fixture(name, variant))
    .collect();
    for round in 0..3_000 {
        let mut bytes = corpus[round % corpus.len()].clone();
        for _ in 0..=random(4) {
            let position = random(bytes.len());
            match random(4) {
                0 => bytes[position] = u8::try_from(random(256)).unwrap(),
                1 => bytes[position] ^= 1 << random(8),
                2 => {
                    let end = (position + random(16)).min(bytes.len());
                    bytes.drain(position..end);
                }
                _ => bytes.insert(position, u8::try_from(random(256)).unwrap()),
            }
        }
        if let Ok(model) = Model::from_onnx("mutant", &bytes)
            && model.summary().macs < 10_000_000
        {
            let inputs: Vec<Vec<i32>> = model
                .inputs
                .iter()
                .map(|port| {
                    let tensor = &model.graph.tensors[port.tensor.0];
                    vec![tensor.quantization.element.range().1; tensor.len()]
                })
                .collect();
            model.evaluate(&inputs).unwrap();
        }
    }
}

#[test]
fn nothing_and_noise_are_not_onnx_files() {
    assert_eq!(message(b""), "the ONNX file has no graph");
    assert!(message(b"PK\x03\x04 this is a zip archive").contains("not an ONNX file"));
    assert!(Model::from_onnx("x", &[0xff; 64]).unwrap_err().hint().is_some());
}

#[test]
fn shapes_are_checked_before_anything_is_allocated() {
    let huge = [1 << 40, 1 << 40];
    let q = node("QuantizeLinear", &["x", "s"], "y");
    let input =
        |dims: &[i64]| model(std::slice::from_ref(&q), &[scale()], &[value_info("x", FLOAT, dims)]);
    assert!(message(&input(&huge)).contains("is accepted"));
    assert!(message(&input(&[-1, 3])).contains("dimension 0 of its shape is -1"));
    assert!(message(&input(&[1, 0])).contains("dimension 1 of its shape is 0"));
    assert!(message(&input(&[2; 17])).contains("rank"));
    assert!(Model::from_onnx("x", &input(&[1, 3])).is_ok());

    let initializer =
        |dims: &[i64]| model(std::slice::from_ref(&q), &[tensor("s", FLOAT, dims, &[0; 4])], &[]);
    assert!(message(&initializer(&huge)).contains("is accepted"));
    assert!(message(&initializer(&[-1])).contains("dimension -1"));
    assert!(message(&initializer(&[2])).contains("asks for 2 values"));

    // A small file that asks for a large tensor.
    let shape: Vec<u8> = [1_i64 << 20, 1 << 20].iter().flat_map(|dim| dim.to_le_bytes()).collect();
    let expand = model(
        &[node("QuantizeLinear", &["x", "s"], "q"), node("Expand", &["q", "shape"], "y")],
        &[scale(), tensor("shape", INT64, &[2], &shape)],
        &[value_info("x", FLOAT, &[1, 1])],
    );
    assert!(message(&expand).contains("is accepted"));

    // Many messages of no content.
    let graph = [0x0a, 0x00].repeat(3_000_000);
    assert!(message(&Proto::default().bytes(7, &graph).0).contains("is accepted"));
}

#[test]
fn many_large_views_are_refused() {
    let shape: Vec<u8> = [1_i64 << 11, 1 << 11].iter().flat_map(|dim| dim.to_le_bytes()).collect();
    let mut nodes =
        vec![node("QuantizeLinear", &["x", "s"], "q"), node("Expand", &["q", "shape"], "t0")];
    let names: Vec<String> = (0..1_000).map(|i| format!("t{i}")).collect();
    for pair in names.windows(2) {
        nodes.push(node("Transpose", &[&pair[0]], &pair[1]));
    }
    let bytes = model(
        &nodes,
        &[scale(), tensor("shape", INT64, &[2], &shape)],
        &[value_info("x", FLOAT, &[1, 1])],
    );
    assert!(message(&bytes).contains("is accepted"));
}

#[test]
fn cycles_and_names_that_do_not_exist_are_found() {
    let input = value_info("x", FLOAT, &[1, 3]);
    let cycle = model(
        &[node("Relu", &["b"], "a"), node("Relu", &["a"], "b"), node("Relu", &["a"], "y")],
        &[],
        std::slice::from_ref(&input),
    );
    assert_eq!(message(&cycle), "node `a`: no earlier node makes its input `b`");
    let twice = model(
        &[node("QuantizeLinear", &["x", "s"], "y"), node("QuantizeLinear", &["x", "s"], "y")],
        &[scale()],
        std::slice::from_ref(&input),
    );
    assert_eq!(message(&twice), "`y` is made twice");
    let missing = model(&[node("QuantizeLinear", &["x", "s"], "z")], &[scale()], &[input]);
    assert_eq!(message(&missing), "output `y`: no node makes it");
}

#[test]
fn a_float_model_is_told_to_be_quantized() {
    let float = model(
        &[node("MatMul", &["x", "w"], "y")],
        &[tensor("w", FLOAT, &[3, 1], &[0; 12])],
        &[value_info("x", FLOAT, &[1, 3])],
    );
    let error = Model::from_onnx("float", &float).unwrap_err();
    assert_eq!(error.to_string(), "node `y` (MatMul): `x` is float32, expected int8");
    assert!(error.hint().unwrap().contains("quantize the model"));
}

#[test]
fn all_unsupported_nodes_are_listed() {
    let bytes = model(
        &[
            node("NonMaxSuppression", &["x"], "a"),
            node("Relu", &["a"], "b"),
            node("Unique", &["b"], "y"),
        ],
        &[],
        &[value_info("x", FLOAT, &[1, 3])],
    );
    let error = Model::from_onnx("x", &bytes).unwrap_err();
    let ModelError::Unsupported(nodes) = &error else { panic!("{error}") };
    assert_eq!(nodes.len(), 2);
    assert_eq!(
        error.to_string(),
        "node `a`: operator `NonMaxSuppression` is not supported; node `y`: operator `Unique` is not supported"
    );
    assert!(error.hint().is_some());
}

#[test]
fn data_outside_the_models_folder_is_refused() {
    let external = |location: &str| {
        let entry = Proto::default().text(1, "location").text(2, location);
        let tensor = Proto::default().int(2, FLOAT).text(8, "s").message(13, &entry).int(14, 1);
        model(
            &[node("QuantizeLinear", &["x", "s"], "y")],
            &[tensor],
            &[value_info("x", FLOAT, &[1, 3])],
        )
    };
    let read = |location: &str, offset: u64, length: usize| {
        assert_eq!((location, offset, length), ("weights/model.data", 0, 4));
        Ok(0.25_f32.to_le_bytes().to_vec())
    };
    let options = ImportOptions { external_data: Some(&read), ..ImportOptions::default() };
    let model = Model::from_onnx_with("x", &external("weights/model.data"), &options).unwrap();
    assert!((model.summary().inputs[0].scale - 0.25).abs() < f32::EPSILON);
    for location in
        ["../secret", "/etc/passwd", "a/../../b", "C:\\x", "a//b", ".", "", "\\\\host\\x"]
    {
        let error = Model::from_onnx_with("x", &external(location), &options).unwrap_err();
        assert!(error.to_string().contains("outside the model's folder"), "{location}: {error}");
    }
    assert!(message(&external("weights/model.data")).contains("another file"));
    let short = |_: &str, _: u64, _: usize| Ok(vec![0; 3]);
    let options = ImportOptions { external_data: Some(&short), ..ImportOptions::default() };
    assert!(Model::from_onnx_with("x", &external("a"), &options).is_err());
}

#[test]
fn scales_and_zero_points_are_checked() {
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        let bytes = model(
            &[node("QuantizeLinear", &["x", "s"], "y")],
            &[tensor("s", FLOAT, &[], &bad.to_le_bytes())],
            &[value_info("x", FLOAT, &[1, 3])],
        );
        assert!(message(&bytes).contains("expected a positive number"), "{bad}");
    }
    let types = model(
        &[
            node("QuantizeLinear", &["x", "s"], "q"),
            node("DequantizeLinear", &["q", "s", "z"], "y"),
        ],
        &[scale(), tensor("z", INT8, &[], &[0])],
        &[value_info("x", FLOAT, &[1, 3])],
    );
    assert!(message(&types).contains("its zero point is int8, its input uint8"));
}

#[test]
fn an_accumulator_beyond_32_bits_is_refused() {
    let rows = 1 << 18;
    let weights = tensor("w", INT8, &[rows, 1], &vec![0x7f; 1 << 18]);
    let bytes = model(
        &[
            node("QuantizeLinear", &["x", "s"], "q"),
            node("DequantizeLinear", &["q", "s"], "d"),
            node("DequantizeLinear", &["w", "s"], "v"),
            node("MatMul", &["d", "v"], "m"),
            node("QuantizeLinear", &["m", "s"], "y"),
        ],
        &[scale(), weights],
        &[value_info("x", FLOAT, &[1, rows])],
    );
    assert!(message(&bytes).contains("beyond 32 bits"));
}

#[test]
fn symbolic_dimensions_are_one_or_as_told() {
    let symbol = Proto::default().message(1, &Proto::default().text(2, "batch"));
    let shape = symbol.message(1, &Proto::default().int(1, 3));
    let tensor = Proto::default().int(1, FLOAT).message(2, &shape);
    let input = Proto::default().text(1, "x").message(2, &Proto::default().message(1, &tensor));
    let bytes = model(&[node("QuantizeLinear", &["x", "s"], "y")], &[scale()], &[input]);
    let one = Model::from_onnx("x", &bytes).unwrap();
    assert_eq!(one.summary().inputs[0].shape, [1, 3]);
    let options =
        ImportOptions { dimensions: [("batch".to_owned(), 4)].into(), ..ImportOptions::default() };
    let four = Model::from_onnx_with("x", &bytes, &options).unwrap();
    assert_eq!(four.summary().inputs[0].shape, [4, 3]);
}

/// A quantized input, given back: `sets` says which operator sets the file names.
fn with_operator_sets(sets: &[(&str, i64)]) -> Result<Model, ModelError> {
    let nodes =
        [node("QuantizeLinear", &["x", "s"], "q"), node("DequantizeLinear", &["q", "s"], "y")];
    let whole = model(&nodes, &[scale()], &[value_info("x", FLOAT, &[2])]);
    // The operator set comes last.
    let without = whole.len() - Proto::default().message(8, &Proto::default().int(2, 17)).0.len();
    let file = sets.iter().fold(Proto(whole[..without].to_vec()), |file, &(domain, version)| {
        file.message(8, &Proto::default().text(1, domain).int(2, version))
    });
    Model::from_onnx("sets", &file.0)
}

#[test]
fn operator_set_is_named_once() {
    for sets in
        [&[("", 17)][..], &[("ai.onnx", 13)], &[("", 17), ("ai.onnx", 17), ("com.microsoft", 1)]]
    {
        assert!(with_operator_sets(sets).is_ok(), "{sets:?}");
    }
    let error = with_operator_sets(&[("com.microsoft", 1)]).unwrap_err().to_string();
    assert_eq!(error, "the ONNX file has no operator set");
    let error = with_operator_sets(&[("", 17), ("ai.onnx", 11)]).unwrap_err().to_string();
    assert!(error.contains("17") && error.contains("11"), "{error}");
}

/// A node on dequantized values, with another input that is an initializer.
fn on_dequantized(operator: &str, inputs: &[&str], initializers: &[Proto]) -> Vec<u8> {
    model(
        &[
            node("QuantizeLinear", &["x", "s"], "q"),
            node("DequantizeLinear", &["q", "s"], "d"),
            node(operator, inputs, "e"),
            node("QuantizeLinear", &["e", "s"], "y"),
        ],
        &[initializers, &[scale()]].concat(),
        &[value_info("x", FLOAT, &[4])],
    )
}

// It would multiply by random numbers.
#[test]
fn dropout_in_training_is_refused() {
    const BOOL: i64 = 9;
    let ratio = tensor("r", FLOAT, &[], &0.5_f32.to_le_bytes());
    let with = |mode: u8| {
        let initializers = [ratio.clone(), tensor("t", BOOL, &[], &[mode])];
        on_dequantized("Dropout", &["d", "r", "t"], &initializers)
    };
    assert!(Model::from_onnx("x", &with(0)).is_ok());
    assert!(message(&with(1)).contains("training"));
}

// Which of two updates of one place comes last is not said.
#[test]
fn updates_of_one_place_are_refused() {
    let updates = tensor("u", FLOAT, &[2], &[1_f32, 2.0].map(f32::to_le_bytes).concat());
    let with = |places: [i64; 2]| {
        let indices = places.map(i64::to_le_bytes).concat();
        let initializers = |dims: &[i64]| [tensor("i", INT64, dims, &indices), updates.clone()];
        [
            on_dequantized("ScatterND", &["d", "i", "u"], &initializers(&[2, 1])),
            on_dequantized("ScatterElements", &["d", "i", "u"], &initializers(&[2])),
        ]
    };
    for (places, error) in
        [([1, 2], None), ([2, -2], Some("two updates of one place")), ([0, 4], Some("axis 4"))]
    {
        for bytes in with(places) {
            let result = Model::from_onnx("x", &bytes).map_err(|error| error.to_string());
            match error {
                None => assert!(result.is_ok(), "{result:?}"),
                Some(error) => assert!(result.unwrap_err().contains(error)),
            }
        }
    }
}

#[test]
fn weights_of_4_bits_fill_their_bytes() {
    const INT4: i64 = 22;
    let with = |raw: &[u8]| {
        let parts = [tensor("w", INT4, &[4, 1], raw)];
        let nodes = [
            node("QuantizeLinear", &["x", "s"], "q"),
            node("DequantizeLinear", &["q", "s"], "d"),
            node("DequantizeLinear", &["w", "s"], "v"),
            node("MatMul", &["d", "v"], "m"),
            node("QuantizeLinear", &["m", "s"], "y"),
        ];
        model(&nodes, &[&parts[..], &[scale()]].concat(), &[value_info("x", FLOAT, &[1, 4])])
    };
    let Operator::Gemm(gemm) =
        Model::from_onnx("x", &with(&[0x87, 0xf1])).unwrap().graph.nodes.remove(0).operator
    else {
        panic!("not a product");
    };
    // The lower half of a byte comes first.
    assert_eq!(gemm.weights, [7, -8, 1, -1]);
    for raw in [&[0x87][..], &[0x87, 0xf1, 0]] {
        assert!(message(&with(raw)).contains("asks for 4 values of 4 bits"));
    }
}
