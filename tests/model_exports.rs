//! Float models as exporters write them: quantized, proved, and near what onnxruntime gives for the floats.
//!
//! `script/exports.py --store` makes the models and stores onnxruntime's answers.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use halo2_proofs::halo2curves::bn256::Fr;
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::{
    ImportOptions, InputFormat, Model, ModelError,
    quantize::{Examples, QuantizeOptions, Quantized},
};

fn read(name: &str, suffix: &str) -> Vec<u8> {
    let folder: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "test", "fixtures", "exports"].iter().collect();
    fs::read(folder.join(format!("{name}.{suffix}"))).unwrap()
}

fn quantize(name: &str, onnx: &[u8]) -> Result<Quantized, ModelError> {
    let calibration = read(name, "npz");
    let (options, import) = (QuantizeOptions::default(), ImportOptions::default());
    Model::quantize(name, onnx, Examples::new(&calibration), None, options, &import)
}

/// Quantizes a stored model; its answers are at most so many steps of an output from onnxruntime's floats, and
/// its circuit computes them.
fn is_near_floats(name: &str, steps: f32) -> Model {
    let quantized = quantize(name, &read(name, "onnx")).unwrap_or_else(|e| panic!("{name}: {e}"));
    let model = quantized.model;
    let expected: Vec<f32> = (read(name, "expected").as_chunks::<4>().0.iter())
        .map(|&word| f32::from_le_bytes(word))
        .collect();
    let inferences = model.read_inferences(&read(name, "npz"), InputFormat::Npz).unwrap();
    let outputs = expected.len() / inferences.len();
    let (mut classes, mut right) = (0, 0);
    for (inputs, expected) in inferences.iter().zip(expected.chunks(outputs)) {
        let mut expected = expected;
        for (port, output) in
            model.outputs.iter().zip(model.outputs(&model.evaluate(inputs).unwrap()))
        {
            let scale = model.graph.tensors[port.tensor.0].quantization.scale;
            let (own, rest) = expected.split_at(output.quantized.len());
            expected = rest;
            if output.dequantized.is_empty() {
                for (&class, &position) in own.iter().zip(&output.quantized) {
                    classes += 1;
                    #[allow(clippy::cast_precision_loss)]
                    let is_right = class == position as f32;
                    right += usize::from(is_right);
                }
                continue;
            }
            for (real, dequantized) in own.iter().zip(&output.dequantized) {
                let off = (real - dequantized).abs() / scale;
                assert!(off <= steps, "{name}: {dequantized} for {real}, {off} steps");
            }
        }
        assert!(expected.is_empty(), "{name}");
    }
    assert!(right * 20 >= classes * 19, "{name}: {right} of {classes} classes");

    let circuit =
        ModelCircuit::new(&model, Wishes::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let reference = model.evaluate(&inferences[0]).unwrap();
    let reference = model.outputs(&reference).into_iter().flat_map(|output| output.quantized);
    let witness = circuit.witness(&inferences[0].concat(), Fr::from(1)).unwrap();
    witness.agrees_with(reference).unwrap_or_else(|error| panic!("{name}: {error}"));
    model
}

#[test]
fn layers_and_small_nets() {
    for (name, steps) in [
        ("classifier_with_argmax", 0.0),
        ("residual", 7.0),
        ("old_upsample", 3.0),
        ("old_attributes", 7.0),
        ("group_norm", 7.0),
        ("larger_and_smaller", 7.0),
        ("reductions", 7.0),
        ("division_of_activations", 7.0),
        ("written_out_leaky_relu", 7.0),
        ("shapes_computed_in_the_graph", 7.0),
        ("standardized_input", 14.0),
        ("pixels", 10.0),
        ("half_precision_weights", 7.0),
        ("log_softmax", 6.0),
    ] {
        is_near_floats(name, steps);
    }
}

#[test]
fn normalizations_attention_and_products() {
    for (name, steps) in [
        ("layer_norm_written_out", 3.0),
        ("rms_norm", 3.0),
        ("causal_attention_where", 8.0),
        ("transformer_block", 6.0),
        ("einsum_heads", 7.0),
        ("batched_weights", 7.0),
    ] {
        is_near_floats(name, steps);
    }
}

#[test]
fn recurrent_layers() {
    for (name, steps) in [("lstm", 8.0), ("gru", 8.0), ("rnn_reverse", 8.0)] {
        is_near_floats(name, steps);
    }
}

#[test]
fn classic_models() {
    for (name, steps) in [
        ("linear_regression", 7.0),
        ("scaler_pipeline", 10.0),
        ("normalizer_pipeline", 8.0),
        ("svr_rbf", 8.0),
        ("k_means", 8.0),
    ] {
        is_near_floats(name, steps);
    }
}

// Rounding the score is all that may differ: half a step, and a table's half where the score is transformed.
#[test]
fn splits_of_trees_are_exact() {
    for (name, steps) in [
        ("decision_tree_classifier", 0.51),
        ("random_forest", 0.51),
        ("gradient_boosting_classifier", 1.51),
    ] {
        let model = is_near_floats(name, steps);
        let preparation = model.inputs[0].preparation.clone().unwrap();
        for (element, thresholds) in preparation.thresholds().unwrap().iter().enumerate() {
            for (place, &threshold) in thresholds.iter().enumerate() {
                let rank = |real: f32| {
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                    let rank = preparation.apply(element, real) as usize;
                    rank
                };
                assert_eq!(rank(threshold), place, "not above itself");
                assert_eq!(rank(threshold.next_up()), place + 1);
            }
        }
    }
}

#[test]
fn trees_that_are_no_trees_are_refused() {
    let onnx = read("random_forest", "onnx");
    let with = |from: &[u8], to: &[u8]| {
        assert_eq!(from.len(), to.len());
        let at = onnx.windows(from.len()).position(|window| window == from).unwrap();
        let mut changed = onnx.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        quantize("random_forest", &changed).unwrap_err().to_string()
    };
    let error = with(b"BRANCH_LEQ", b"BRANCH_NEQ");
    assert!(error.contains("`BRANCH_NEQ`"), "{error}");
    let error = with(b"nodes_values", b"nodes_valuez");
    assert!(error.contains("differ in number"), "{error}");
    // Without its ids, each node is the child of itself or of nobody.
    let error = with(b"nodes_truenodeids", b"nodes_falsnodeids");
    assert!(error.contains("differ in number"), "{error}");
    let error = with(b"target_weights", b"target_weightz");
    assert!(error.contains("differ in number"), "{error}");
}

#[test]
fn scores_without_a_scale_are_refused() {
    // `quantize` gives them one.
    let onnx = read("random_forest", "onnx");
    let error = Model::from_onnx("trees", &onnx).unwrap_err().to_string();
    assert!(error.contains("not made by DequantizeLinear"), "{error}");
}
