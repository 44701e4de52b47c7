//! Float models as exporters write them: quantized, proved, and near what onnxruntime gives for the floats.
//!
//! `script/exports.py --store` makes the models and stores onnxruntime's answers.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use halo2_proofs::halo2curves::bn256::Fr;
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::{
    Code, ImportOptions, InputFormat, Missing, Model, ModelError,
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

/// Quantizes a stored model; see [`is_computed`] for what holds of it.
fn is_near_floats(name: &str, steps: f32) -> Model {
    let quantized = quantize(name, &read(name, "onnx")).unwrap_or_else(|e| panic!("{name}: {e}"));
    is_computed(name, &quantized.model, steps);
    quantized.model
}

/// A model's answers are at most so many steps from onnxruntime's, and its circuit computes them.
fn is_computed(name: &str, model: &Model, steps: f32) {
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
    has_circuit(name, model, &inferences[0]);
}

/// A model's circuit computes what it answers to an input.
fn has_circuit(name: &str, model: &Model, inputs: &[Vec<i32>]) {
    let circuit =
        ModelCircuit::new(model, Wishes::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
    let reference = model.evaluate(inputs).unwrap();
    let reference = model.outputs(&reference).into_iter().flat_map(|output| output.quantized);
    let witness = circuit.witness(&inputs.concat(), Fr::from(1)).unwrap();
    witness.agrees_with(reference).unwrap_or_else(|error| panic!("{name}: {error}"));
}

#[test]
fn layers_and_small_nets() {
    for (name, steps) in [
        ("classifier_with_argmax", 0.0),
        ("residual", 7.0),
        ("old_upsample", 3.0),
        ("old_attributes", 7.0),
        ("old_softmax", 7.0),
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
        ("angles", 8.0),
        ("comparisons_of_two", 7.0),
        ("branches_on_shapes", 7.0),
        ("cross_entropy", 7.0),
        ("cross_entropy_of_planes", 7.0),
        ("weighted_cross_entropy", 8.0),
        ("elements_at_places", 7.0),
        ("rows_at_places", 7.0),
        ("larger_by_cubes", 7.0),
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
        ("causal_attention_trilu", 8.0),
        ("transformer_block", 6.0),
        ("einsum_heads", 7.0),
        ("einsum_forms", 8.0),
        ("powers_of_whole_exponents", 7.0),
        ("batched_weights", 7.0),
        ("attention_operator", 8.0),
        ("attention_with_capped_scores", 8.0),
        ("attention_with_raw_scores", 8.0),
        ("attention_with_shares", 10.0),
        ("one_hot_of_another_axis", 4.0),
        ("remainders_of_whole_numbers", 4.0),
        ("rotary_part_of_heads", 4.0),
        ("top_of_scores", 7.0),
        ("product_of_factors", 8.0),
        ("masked_tokens", 8.0),
        ("mask_of_floats", 8.0),
        ("attention_operator_with_mask", 8.0),
        ("places_of_tokens_that_count", 8.0),
    ] {
        is_near_floats(name, steps);
    }
}

#[test]
fn recurrent_layers() {
    for (name, steps) in [
        ("lstm", 8.0),
        ("gru", 8.0),
        ("rnn_reverse", 8.0),
        ("lstm_of_two_layers", 8.0),
        ("lstm_with_peepholes", 8.0),
    ] {
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
        ("svc_rbf", 8.0),
        ("svc_with_probabilities", 16.0),
        ("gaussian_naive_bayes", 18.0),
        ("imputer_pipeline", 8.0),
        ("one_hot_pipeline", 8.0),
        ("bernoulli_naive_bayes", 8.0),
        ("multinomial_naive_bayes", 8.0),
    ] {
        is_near_floats(name, steps);
    }
}

fn codes(model: &Model) -> Vec<Code> {
    let prepared = model.inputs.iter().filter_map(|port| port.preparation.as_ref());
    prepared.filter_map(|own| own.codes()).flat_map(|codes| codes.elements.clone()).collect()
}

// Rounding the score is all that may differ: half a step, and a table's half where the score is transformed. Some
// examples lie on the thresholds themselves, and where the name says so some values are missing.
#[test]
fn splits_of_trees_are_exact() {
    for (name, steps) in [
        ("decision_tree_classifier", 0.51),
        ("random_forest", 0.51),
        ("trees_of_newer_files", 0.51),
        ("random_forest_of_names", 0.51),
        ("gradient_boosting_classifier", 1.51),
        ("xgboost_with_holes", 1.51),
        ("lightgbm_with_holes", 1.51),
        ("forest_of_many_thresholds", 0.51),
        ("imputed_trees", 0.51),
        ("scaled_trees", 1.51),
        ("one_hot_trees", 1.51),
        ("isolation_forest", 2.0),
    ] {
        let model = is_near_floats(name, steps);
        for code in codes(&model) {
            let Code::Rank { thresholds, missing } = &code else { continue };
            let first = usize::from(*missing == Missing::Apart);
            for (place, &threshold) in thresholds.iter().enumerate() {
                assert_eq!(code.of(threshold), first + place, "not above itself");
                assert_eq!(code.of(threshold.next_up()), first + place + 1);
            }
        }
    }
}

#[test]
fn inputs_of_trees_say_what_their_integers_mean() {
    let holes = quantize("xgboost_with_holes", &read("xgboost_with_holes", "onnx")).unwrap().model;
    let is_apart = |code: &Code| matches!(code, Code::Rank { missing: Missing::Apart, .. });
    assert!(codes(&holes).iter().any(is_apart));
    assert!(
        holes.inputs[0].notes()[0].starts_with("element 0 is 0 if value 0 is missing, otherwise")
    );
    let many = "forest_of_many_thresholds";
    let many = quantize(many, &read(many, "onnx")).unwrap().model;
    assert!(codes(&many).iter().any(|code| code.bytes() == 2));
    assert!(
        many.inputs[0].notes()[0].starts_with("256 times element 0 plus element 1 is how many of")
    );
    let credit = quantize("one_hot_trees", &read("one_hot_trees", "onnx")).unwrap().model;
    let notes: Vec<String> = credit.inputs.iter().flat_map(|port| port.notes()).collect();
    let housing =
        "element 0 is the position of text 0 among [free, own, rent], and 3 for any other";
    assert!(notes.iter().any(|note| note == housing), "{notes:?}");
    let names = quantize("random_forest_of_names", &read("random_forest_of_names", "onnx"));
    let names = names.unwrap().model;
    assert_eq!(names.outputs[0].labels, ["low", "middle", "top"]);
}

#[test]
fn texts_and_missing_values_are_taken_where_they_have_a_meaning() {
    let credit = quantize("one_hot_trees", &read("one_hot_trees", "onnx")).unwrap().model;
    let take =
        |model: &Model, json: &str| model.read_inferences(json.as_bytes(), InputFormat::Json);
    let row = |housing: &str| {
        format!(
            r#"{{"income": [[1.5]], "age": [[null]], "housing": [["{housing}"]], "purpose": [["car"]]}}"#
        )
    };
    let codes = take(&credit, &row("rent")).unwrap();
    assert_eq!(codes[0][2], [2]);
    assert_eq!(take(&credit, &row("castle")).unwrap()[0][2], [3]);
    let error = take(&credit, &row("rent").replace("1.5", "\"much\"")).unwrap_err().to_string();
    assert!(error.contains("`income`") && error.contains("expected a number"), "{error}");
    let error = take(&credit, &row("rent").replace("\"car\"", "3")).unwrap_err().to_string();
    assert!(error.contains("`purpose`") && error.contains("expected a text"), "{error}");
    let linear = quantize("linear_regression", &read("linear_regression", "onnx")).unwrap().model;
    let error = take(&linear, "[[1, 2, null, 4, 5, 6]]").unwrap_err().to_string();
    assert!(error.contains("value 2 is NaN"), "{error}");
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
    assert!(error.contains("`nodes_valuez`, which is not known"), "{error}");
    // Without its ids, each node is the child of itself or of nobody.
    let error = with(b"nodes_truenodeids", b"nodes_falsnodeids");
    assert!(error.contains("`nodes_falsnodeids`, which is not known"), "{error}");
    let error = with(b"target_weights", b"target_weightz");
    assert!(error.contains("`target_weightz`, which is not known"), "{error}");
}

#[test]
fn scores_without_a_scale_are_refused() {
    // `quantize` gives them one.
    let onnx = read("random_forest", "onnx");
    let error = Model::from_onnx("trees", &onnx).unwrap_err().to_string();
    assert!(error.contains("not made by DequantizeLinear"), "{error}");
}

// What onnxruntime's dynamic quantizer writes is quantized further; its weights keep their integers.
#[test]
fn files_of_other_quantizers_are_near_what_they_compute() {
    for (name, steps, kept) in [
        ("linear_stack_dynamic", 7.0, 2),
        // The normalization that is folded into them changes them.
        ("conv_batch_norm_dynamic", 7.0, 0),
    ] {
        is_near_floats(name, steps);
        let report = quantize(name, &read(name, "onnx")).unwrap().report;
        assert_eq!(report.kept_weights, kept, "{name}");
    }
    for name in ["linear_stack_static_int8", "linear_stack_a8w4"] {
        let error = quantize(name, &read(name, "onnx")).unwrap_err();
        assert!(matches!(error, ModelError::AlreadyQuantized(_)), "{error}");
        let model = Model::from_onnx(name, &read(name, "onnx")).unwrap();
        is_computed(name, &model, 1.01);
    }
}

// Activations of 16 bits keep them, as two integers each, from the input to the output. Largest and mean differences from
// the file's own answers are in shares of their range: the largest are of values that the file cuts.
#[test]
fn activations_of_16_bits_are_kept() {
    for (name, kept, steps, largest, mean) in [
        ("linear_stack_a16w8", 2, 2, 4e-3, 4e-5),
        // The normalization that is folded into its weights changes them.
        ("conv_batch_norm_a16w8", 0, 80, 2e-3, 3e-4),
        ("strides_groups_and_pools_a16w8", 5, 3, 7e-3, 7e-5),
    ] {
        let quantized = quantize(name, &read(name, "onnx")).unwrap();
        let (model, report) = (&quantized.model, &quantized.report);
        assert_eq!(report.kept_weights, kept, "{name}");
        let [output, rest] = model.outputs.as_slice() else { panic!("{name}: {report:?}") };
        assert_eq!(report.sums, [(output.name.clone(), rest.name.clone())]);
        assert_eq!(rest.name, format!("{}_rest", output.name));
        // Steps are those of 16 bits, from the file's answers without its rounding.
        assert!(report.largest_difference_steps <= steps, "{name}: {report:?}");

        let expected: Vec<f32> = (read(name, "expected").as_chunks::<4>().0.iter())
            .map(|&word| f32::from_le_bytes(word))
            .collect();
        let range = expected.iter().fold(f32::MIN, |most, &value| value.max(most))
            - expected.iter().fold(f32::MAX, |least, &value| value.min(least));
        let inferences = model.read_inferences(&read(name, "npz"), InputFormat::Npz).unwrap();
        let outputs = expected.len() / inferences.len();
        let (mut off, mut off_of_8) = (Vec::new(), Vec::new());
        for (inputs, expected) in inferences.iter().zip(expected.chunks(outputs)) {
            let answers = model.outputs(&model.evaluate(inputs).unwrap());
            let [whole, rest] = [0, 1].map(|port| &answers[port].dequantized);
            for ((real, whole), rest) in expected.iter().zip(whole).zip(rest) {
                off.push((real - (whole + rest)).abs() / range);
                off_of_8.push((real - whole).abs() / range);
            }
        }
        let mean_of =
            |all: &[f32]| all.iter().sum::<f32>() / f32::from(u16::try_from(all.len()).unwrap());
        let most = off.iter().fold(0.0_f32, |most, &off| most.max(off));
        assert!(most < largest && mean_of(&off) < mean, "{name}: {most}, {}", mean_of(&off));
        assert!(mean_of(&off) * 5.0 < mean_of(&off_of_8), "{name}: the rest counts");
        has_circuit(name, model, &inferences[0]);
    }
}

// Each of onnxruntime's four quantizers, to a valid proof.
#[test]
fn files_of_other_quantizers_are_proved() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let row = path("row.json");
    fs::write(
        &row,
        "[[0, 1, -1, 2, -2, 0.5, -0.5, 1.5, -1.5, 0.25, -0.25, 0.75, -0.75, 1.25, -1.25, 3]]",
    )
    .unwrap();
    for (name, is_taken_further) in [
        ("linear_stack_dynamic", true),
        ("linear_stack_static_int8", false),
        ("linear_stack_a16w8", true),
        ("linear_stack_a8w4", false),
    ] {
        let [file, examples, made, bundle, proof] =
            ["onnx", "npz", "int8.onnx", "zkv", "proof"].map(|end| path(&format!("{name}.{end}")));
        fs::write(&file, read(name, "onnx")).unwrap();
        fs::write(&examples, read(name, "npz")).unwrap();
        let model = if is_taken_further { &made } else { &file };
        if is_taken_further {
            let said = zkverdict(&["quantize", &file, "--calibration", &examples, "--out", &made]);
            assert_eq!(said["kept_weights"], 2, "{said}");
        }
        zkverdict(&["keygen", model, "--unsafe-dev-srs", "--out", &bundle]);
        zkverdict(&["prove", &bundle, "--input", &row, "--out", &proof]);
        let said = zkverdict(&["verify", &bundle, &proof]);
        let run = zkverdict(&["run", model, "--input", &row]);
        let output = |document: &serde_json::Value| document["outputs"]["t4"]["quantized"].clone();
        assert!(output(&said).is_array() && said["valid"] == true, "{name}: {said}");
        assert_eq!(output(&said), output(&run["inferences"][0]), "{name}");
    }
}

/// The result of a command that succeeds.
fn zkverdict(arguments: &[&str]) -> serde_json::Value {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    let output = command.arg("--json").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

// Gradient boosting on two scaled numbers and two texts: from scikit-learn's export to a verdict.
#[test]
fn a_boosted_credit_model_is_initialized_deployed_and_submitted() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    for suffix in ["onnx", "npz"] {
        fs::write(path(&format!("float.{suffix}")), read("one_hot_trees", suffix)).unwrap();
    }
    let row = r#"{"income": [[0.5]], "age": [[null]], "housing": [["own"]], "purpose": [["car"]]}"#;
    fs::write(path("row.json"), row).unwrap();
    let (float, examples, model, row, bundle, project) = (
        path("float.onnx"),
        path("float.npz"),
        path("credit.onnx"),
        path("row.json"),
        path("credit.zkv"),
        path("project"),
    );
    zkverdict(&["quantize", &float, "--calibration", &examples, "--out", &model]);
    zkverdict(&["keygen", &model, "--unsafe-dev-srs", "--out", &bundle]);
    zkverdict(&["init", &project, "--bundle", &bundle, "--input", &row]);
    zkverdict(&["render", &bundle, "--out", &path("contracts")]);
    let files = fs::read_dir(dir.path().join("contracts")).unwrap();
    let files = files.map(|file| file.unwrap().path()).filter(|path| path.is_file());
    let sources: Vec<String> = files.map(|path| fs::read_to_string(path).unwrap()).collect();
    let note =
        "/// element 0 is the position of text 0 among [free, own, rent], and 3 for any other";
    assert!(sources.iter().any(|source| source.contains(note)));
    let verdict = zkverdict(&["demo", &model, "--input", &row]);
    assert_eq!(
        (&verdict["valid"], &verdict["tampered"]["name"]),
        (&true.into(), &"InvalidProof".into())
    );
    let proof = path("proof.json");
    zkverdict(&["prove", &bundle, "--input", &row, "--out", &proof]);
    let said = zkverdict(&["verify", &bundle, &proof]);
    let run = zkverdict(&["run", &model, "--input", &row]);
    let score =
        |document: &serde_json::Value| document["outputs"]["probabilities"]["quantized"].clone();
    assert!(score(&said).is_array());
    assert_eq!(score(&said), score(&run["inferences"][0]), "{said}");
}
