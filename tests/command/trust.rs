//! What comes from outside is not believed: fields beside a proof, somebody else's bundle, strings, the
//! environment.

use super::{Desk, call, command, document, fails, model, refused, run, text};
use halo2_proofs::{SerdeFormat, halo2curves::bn256::Bn256, poly::kzg::commitment::ParamsKZG};
use rand::{SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};
use zkverdict::{
    Bundle, ModelVerifier, Wishes,
    circuit::ModelCircuit,
    model::{Model, Operator},
    proving::{Srs, SrsOrigin},
};

const NAME: &str = "credit_logreg";

/// A proof with what it says and what was asked.
struct Case {
    desk: Desk,
    bundle: PathBuf,
    proof: PathBuf,
    input: PathBuf,
}

impl Case {
    /// Of halo2's format, as the bundles that tests here dress up.
    fn new() -> Self {
        let desk = Desk::new();
        let bundle = desk.bundle_with(NAME, &["--format", "halo2"]);
        let proof = desk.proof(&bundle, NAME);
        let input = desk.path("input.json");
        Self { desk, bundle, proof, input }
    }

    fn words<'a>(&'a self, verb: &'a str, proof: &'a Path) -> Vec<&'a str> {
        vec![verb, text(&self.bundle), text(proof)]
    }
}

#[test]
fn lies_beside_a_proof_are_found_and_named() {
    let case = Case::new();
    let whole = document(&fs::read(&case.proof).unwrap());
    let lie = |change: &dyn Fn(&mut Value)| {
        let mut lie = whole.clone();
        change(&mut lie);
        assert_ne!(lie, whole);
        case.desk.write("lie.json", lie.to_string().as_bytes())
    };
    let outputs = |lie: &mut Value, change: &dyn Fn(&mut Value)| {
        let outputs = lie["inferences"][0]["outputs"].as_object_mut().unwrap();
        change(outputs.values_mut().next().unwrap());
    };
    type Lie<'a> = (&'a str, &'a dyn Fn(&mut Value));
    let lies: [Lie<'_>; 8] = [
        ("context", &|lie| lie["context"] = json!(format!("0x{:064x}", 1))),
        ("calldata", &|lie| lie["calldata"] = json!("0x1234")),
        ("quantized", &|lie| outputs(lie, &|output| output["quantized"][0] = json!(99))),
        ("dequantized", &|lie| outputs(lie, &|output| output["dequantized"][0] = json!(0.98))),
        ("shape", &|lie| outputs(lie, &|output| output["shape"] = json!([1]))),
        ("approved", &|lie| lie["inferences"][0]["outputs"]["approved"] = json!({})),
        ("inferences", &|lie| lie["inferences"] = json!([])),
        ("inferences", &|lie| lie["inferences"] = json!("yes")),
    ];
    for (field, change) in lies {
        let file = lie(change);
        let verdict = refused(&case.words("verify", &file));
        assert_eq!(verdict["valid"], false, "{field}");
        let reason = verdict["reason"].as_str().unwrap();
        assert!(reason.contains("contradicts") && reason.contains(field), "{reason}");
        for verb in ["gas", "submit"] {
            assert!(fails(&case.words(verb, &file)).contains(field), "{verb}: {field}");
        }
    }
    // What is left out is no lie, and nobody promises anything about other fields.
    let file = lie(&|lie| {
        outputs(lie, &|output| drop(output.as_object_mut().unwrap().remove("dequantized")));
        lie["seconds"] = json!("a day");
    });
    assert_eq!(run(&case.words("verify", &file))["valid"], true);
}

#[test]
fn verify_says_what_the_instances_say() {
    let case = Case::new();
    let verdict = run(&case.words("verify", &case.proof));
    let proved = document(&fs::read(&case.proof).unwrap());
    assert_eq!(verdict["outputs"], proved["inferences"][0]["outputs"]);
    assert_eq!(verdict["context"], format!("0x{:064x}", 0));
    let given: Vec<f64> = serde_json::from_slice(&fs::read(&case.input).unwrap()).unwrap();
    let inputs = verdict["inputs"].as_object().unwrap();
    let shown = inputs.values().next().unwrap()["quantized"].as_array().unwrap();
    assert_eq!(shown.len(), given.len());
    let inspected = run(&["inspect", &model(NAME)]);
    assert_eq!(verdict["model_digest"], inspected["model_digest"]);

    // Of a proof that proves nothing, nothing is said.
    let mut other = proved;
    other["instances"][1] = other["instances"][2].clone();
    let file = case.desk.write("other.json", other.to_string().as_bytes());
    let verdict = refused(&case.words("verify", &file));
    assert!(verdict.get("outputs").is_none() && verdict.get("context").is_none(), "{verdict}");
}

#[test]
fn verify_compares_with_what_is_expected() {
    let case = Case::new();
    let with = |flag: &'static str, value: &'static str| {
        let mut words: Vec<String> =
            case.words("verify", &case.proof).iter().map(|w| (*w).into()).collect();
        words.extend([
            flag.to_owned(),
            if flag == "--context" {
                value.to_owned()
            } else {
                text(&case.desk.path(value)).to_owned()
            },
        ]);
        words
    };
    let yes = |words: Vec<String>| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(run(&words)["valid"], true, "{words:?}");
    };
    let no = |words: Vec<String>, why: &str| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let verdict = refused(&words);
        assert_eq!(verdict["valid"], false);
        let reason = verdict["reason"].as_str().unwrap();
        assert!(reason.contains(why), "{reason}");
    };
    yes(with("--context", "0x0"));
    no(with("--context", "0x1"), "context");

    yes(with("--input", "input.json"));
    let given: Vec<f64> = serde_json::from_slice(&fs::read(&case.input).unwrap()).unwrap();
    let mut other = given.clone();
    other[2] += 1000.0;
    case.desk.write("other_input.json", json!(other).to_string().as_bytes());
    no(with("--input", "other_input.json"), "element 2");

    let reference = run(&["run", &model(NAME), "--input", text(&case.input)]);
    case.desk.write("run.json", reference.to_string().as_bytes());
    yes(with("--expect-output", "run.json"));
    let outputs = reference["inferences"][0]["outputs"].as_object().unwrap();
    let (name, values) = outputs.iter().next().unwrap();
    case.desk.write("by_name.json", json!({ name: values["quantized"] }).to_string().as_bytes());
    yes(with("--expect-output", "by_name.json"));
    case.desk.write("reals.json", json!({ name: [values["dequantized"]] }).to_string().as_bytes());
    yes(with("--expect-output", "reals.json"));
    let other_step = values["quantized"][0].as_i64().unwrap() + 1;
    case.desk.write("another.json", json!({ name: [other_step] }).to_string().as_bytes());
    no(with("--expect-output", "another.json"), name);
    case.desk.write("no_such.json", json!({ "nothing": [1] }).to_string().as_bytes());
    no(with("--expect-output", "no_such.json"), "nothing");
    case.desk.write("empty.json", b"{}");
    let words = with("--expect-output", "empty.json");
    fails(&words.iter().map(String::as_str).collect::<Vec<_>>());

    let words = |path: &str| {
        [&case.words("verify", &case.proof)[..], &["--model", path]]
            .concat()
            .iter()
            .map(|w| (*w).to_owned())
            .collect::<Vec<_>>()
    };
    yes(words(&model(NAME)));
    // The other format is the same model; another model is not.
    yes(words(&model(NAME).replace("int8_qdq", "int8_qop")));
    no(words(&model("diagnosis_mlp")), "diagnosis_mlp");
}

/// A bundle of the honest file with whatever verifying key and string.
fn dressed(
    desk: &Desk,
    name: &str,
    change: impl Fn(&mut Model),
    srs: impl Fn(u32) -> Srs,
) -> PathBuf {
    let onnx = fs::read(model(NAME)).unwrap();
    let honest = Model::from_onnx(NAME, &onnx).unwrap();
    let mut changed = honest.clone();
    change(&mut changed);
    let circuit = ModelCircuit::new(&changed, Wishes::default()).unwrap();
    let srs = srs(circuit.k());
    let key = ModelVerifier::generate(Arc::new(changed), &circuit, &srs).unwrap();
    let (layout, shape, key) = (circuit.layout().clone(), circuit.shape(), key.keys().to_bytes());
    let verifier = ModelVerifier::from_bytes(Arc::new(honest), layout, shape, &srs, &key).unwrap();
    let path = desk.path(name);
    Bundle::create(&path, &onnx, &verifier, &srs).unwrap();
    path
}

fn negate(model: &mut Model) {
    for node in &mut model.graph.nodes {
        if let Operator::Gemm(gemm) = &mut node.operator {
            gemm.weights.iter_mut().for_each(|weight| *weight = -*weight);
        }
    }
}

#[test]
fn bundle_with_another_models_key_is_refused() {
    let case = Case::new();
    let bundle = dressed(&case.desk, "dressed.zkv", negate, Srs::unsafe_dev);
    let (bundle, proof) = (text(&bundle), text(&case.proof));
    let verbs: [&[&str]; 4] = [
        &["verify", bundle, proof],
        &["render", bundle],
        &["deploy", bundle],
        &["submit", bundle, proof],
    ];
    for words in verbs {
        assert!(fails(words).contains("is not that of the model"), "{words:?}");
    }
    // On one's own risk. The proof is of the honest model.
    assert_eq!(refused(&["verify", bundle, proof, "--trust-bundle"])["valid"], false);
    run(&["render", bundle, "--trust-bundle"]);
    // The same by the same hands, unchanged.
    let honest = dressed(&case.desk, "honest.zkv", |_| (), Srs::unsafe_dev);
    assert_eq!(run(&["verify", text(&honest), proof])["valid"], true);
}

/// The input's scale 16 times as large, the weights' 16 times as small: the same function of bytes, by which an
/// applicant means other bytes, with another score.
#[test]
fn model_that_means_something_else_by_the_same_bytes_has_another_key() {
    let case = Case::new();
    let onnx = fs::read(model(NAME)).unwrap();
    let honest = Model::from_onnx(NAME, &onnx).unwrap();
    let input = honest.graph.tensors[honest.inputs[0].tensor.0].quantization.scale;
    let operators = |model: &Model| {
        let operators = model.graph.nodes.iter().map(|node| format!("{:?}", node.operator));
        operators.collect::<Vec<_>>()
    };
    // The weights' scale is the one float that makes up for it.
    let float = |at: usize| f32::from_le_bytes(onnx[at..at + 4].try_into().unwrap());
    let scaled =
        (0..onnx.len() - 3).filter(|&at| (1e-4..1.0).contains(&float(at))).find_map(|at| {
            let mut scaled = onnx.clone();
            for place in 0..onnx.len() - 3 {
                if float(place).to_bits() == input.to_bits() {
                    scaled[place..place + 4].copy_from_slice(&(input * 16.0).to_le_bytes());
                } else if float(place).to_bits() == float(at).to_bits() {
                    scaled[place..place + 4].copy_from_slice(&(float(at) / 16.0).to_le_bytes());
                }
            }
            let model = Model::from_onnx(NAME, &scaled).ok()?;
            let is_other =
                model.graph.tensors[model.inputs[0].tensor.0].quantization.scale != input;
            (is_other && operators(&model) == operators(&honest)).then_some((model, scaled))
        });
    let (scaled, file) = scaled.expect("the file holds the weights' scale");
    assert_ne!(scaled.digest(&[]), honest.digest(&[]));

    let circuit = ModelCircuit::new(&honest, Wishes::default()).unwrap();
    let srs = Srs::unsafe_dev(circuit.k());
    let [honest, scaled] = [honest, scaled]
        .map(|model| ModelVerifier::generate(Arc::new(model), &circuit, &srs).unwrap());
    assert_eq!(honest.keys().to_bytes(), scaled.keys().to_bytes());
    assert_ne!(honest.digest(), scaled.digest());
    let source = |verifier: &ModelVerifier| verifier.contract("Same").unwrap().render().unwrap();
    assert_ne!(source(&honest).source, source(&scaled).source);

    // A proof about the one is none about the other.
    let place = case.desk.write("scaled.onnx", &file);
    let bundle = case.desk.path("scaled.zkv");
    run(&["keygen", text(&place), "--unsafe-dev-srs", "--out", text(&bundle)]);
    assert_eq!(refused(&["verify", text(&bundle), text(&case.proof)])["valid"], false);
    let words = [&case.words("verify", &case.proof)[..], &["--model", text(&place)]].concat();
    assert_eq!(refused(&words)["valid"], false);
}

#[test]
fn development_string_is_known_under_any_label() {
    let case = Case::new();
    let string = case.bundle.join("srs.bin");
    let out = case.desk.path("out.zkv");
    let words = ["keygen", &model(NAME), "--srs", text(&string), "--out", text(&out)];
    let words = [&words[..], &["--format", "halo2"]].concat();
    let error = fails(&words);
    assert!(error.contains("development string") && error.contains("forge"), "{error}");
    assert!(!out.exists());

    let raw = |k| Srs { origin: SrsOrigin::Raw, ..Srs::unsafe_dev(k) };
    let bundle = dressed(&case.desk, "raw.zkv", |_| (), raw);
    for verb in ["render", "deploy"] {
        let error = fails(&[verb, text(&bundle)]);
        assert!(error.contains("development string"), "{error}");
    }
}

#[test]
fn keygen_says_where_a_string_is_to_be_had_and_which_it_was_given() {
    let desk = Desk::new();
    let out = desk.path("out.zkv");
    let output = call(&["keygen", &model(NAME), "--out", text(&out)]);
    assert_eq!(output.status.code(), Some(2));
    let hint = document(&output.stderr)["hint"].as_str().unwrap().to_owned();
    let file = "powersOfTau28_hez_final_13.ptau, 9520280 bytes, BLAKE2b-512 58efc8bf2834d04768a3";
    assert!(hint.contains(file) && hint.contains("https://"), "{hint}");
    assert!(!out.exists());

    // One that nobody knows.
    let mut bytes = Vec::new();
    let params = ParamsKZG::<Bn256>::setup(14, StdRng::seed_from_u64(4));
    params.write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
    let string = desk.write("string", &bytes);
    let words = ["keygen", &model(NAME), "--srs", text(&string), "--out", text(&out)];
    let report = run(&words);
    assert_eq!(report["srs_ceremony"], Value::Null);
    let plain = Command::new(env!("CARGO_BIN_EXE_zkverdict")).args(words).output().unwrap();
    let told = String::from_utf8(plain.stdout).unwrap();
    let fingerprint = report["srs_fingerprint"].as_str().unwrap();
    assert!(told.contains(fingerprint) && told.contains("no ceremony that is known"), "{told}");
}

/// A string for a k, with the point at a position of its file in place of another, or at infinity.
fn damaged(k: u32, to: usize, from: Option<usize>) -> Srs {
    let mut bytes = Vec::new();
    let params = ParamsKZG::<Bn256>::setup(k, StdRng::seed_from_u64(3));
    params.write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
    let at = |point: usize| 4 + 64 * point..4 + 64 * (point + 1);
    match from {
        Some(from) => bytes.copy_within(at(from), at(to).start),
        None => bytes[at(to)].fill(0),
    }
    let params = ParamsKZG::read_custom(&mut &bytes[..], SerdeFormat::RawBytesUnchecked).unwrap();
    Srs { params: params.into(), next: None, origin: SrsOrigin::Raw }
}

#[test]
fn sealed_bundle_with_a_damaged_string_is_an_error() {
    let case = Case::new();
    let out = case.desk.path("proof.json");
    let dressed = |name: &str, to: usize, from| {
        let onnx = fs::read(model(NAME)).unwrap();
        let model = Model::from_onnx(NAME, &onnx).unwrap();
        let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
        let good = damaged(circuit.k(), 0, Some(0));
        let key = ModelVerifier::generate(Arc::new(model), &circuit, &good).unwrap();
        let path = case.desk.path(name);
        Bundle::create(&path, &onnx, &key, &damaged(circuit.k(), to, from)).unwrap();
        path
    };
    let prove = |bundle: &Path, prover: &str| {
        let words = ["prove", text(bundle), "--input", text(&case.input), "--out", text(&out)];
        call(&[&words[..], &["--prover", prover]].concat())
    };
    let good = dressed("good.zkv", 0, Some(0));
    assert_eq!(prove(&good, "own").status.code(), Some(0));
    let proof = case.desk.path("good.json");
    fs::rename(&out, &proof).unwrap();
    assert_eq!(run(&["verify", text(&good), text(&proof)])["valid"], true);

    let infinite = dressed("infinite.zkv", 7, None);
    let error = fails(&["verify", text(&infinite), text(&proof)]);
    assert!(error.contains("infinity"), "{error}");
    // Powers that only halo2's prover uses.
    let mixed = dressed("mixed.zkv", 7, Some(6));
    for (bundle, prover) in [(&infinite, "own"), (&infinite, "stock"), (&mixed, "stock")] {
        let output = prove(bundle, prover);
        assert_eq!(output.status.code(), Some(2));
        let error = document(&output.stderr);
        assert!(error["error"].as_str().unwrap().contains("reference string"), "{error}");
        assert!(!out.exists());
    }
}

#[test]
fn environment_that_cuts_degrees_is_refused() {
    let case = Case::new();
    let out = case.desk.path("out.zkv");
    let keygen = ["keygen", &model(NAME), "--unsafe-dev-srs", "--out", text(&out)];
    let keygen = [&keygen[..], &["--format", "halo2"]].concat();
    let calls = [&keygen[..], &case.words("verify", &case.proof)];
    for words in calls {
        for value in ["3", "0", "many", ""] {
            let output = command(words).env("MAX_DEGREE", value).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{words:?} {value}");
            let error = document(&output.stderr);
            assert!(error["error"].as_str().unwrap().contains("MAX_DEGREE"), "{error}");
            assert!(error["hint"].as_str().unwrap().contains("unset"), "{error}");
        }
        // What halo2 takes without it, and more.
        for value in ["5", "9"] {
            let output = command(words).env("MAX_DEGREE", value).output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{words:?} {value}");
        }
    }
}

/// Whoever made the bundle could let later verbs write into any folder of whoever runs them.
#[cfg(unix)]
#[test]
fn link_in_a_bundle_is_refused_before_anything_is_written() {
    let case = Case::new();
    let elsewhere = case.desk.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, case.bundle.join("contracts")).unwrap();
    let error = fails(&["render", text(&case.bundle)]);
    assert!(error.contains("contracts` is a symbolic link"), "{error}");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // The bundle itself may be reached by one.
    fs::remove_file(case.bundle.join("contracts")).unwrap();
    let alias = case.desk.path("alias.zkv");
    std::os::unix::fs::symlink(&case.bundle, &alias).unwrap();
    assert_eq!(run(&["verify", text(&alias), text(&case.proof)])["valid"], true);
}

#[cfg(unix)]
#[test]
fn pipe_in_a_bundle_is_refused_at_once() {
    let case = Case::new();
    let key = case.bundle.join("vk.bin");
    fs::remove_file(&key).unwrap();
    assert!(Command::new("mkfifo").arg(&key).status().unwrap().success());
    let error = fails(&case.words("verify", &case.proof));
    assert!(error.contains("not a regular file"), "{error}");
}
