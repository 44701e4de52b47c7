//! Several inferences in one proof.

use super::{Desk, ROOT, call, document, fails, model, refused, run, text};
use serde_json::{Value, json};
use std::fs;

const INFERENCES: usize = 3;

/// The first samples of a model, as JSON.
pub fn inferences(count: usize) -> Value {
    let bytes = fs::read(format!("{ROOT}/test/fixtures/models/credit_logreg/samples.npy")).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let floats = bytes[header..].chunks_exact(4).take(30 * count);
    let floats: Vec<f32> = floats.map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    json!(floats.chunks(30).collect::<Vec<_>>())
}

fn context(number: usize) -> String {
    format!("0x{:064x}", number + 7)
}

/// `prove` or `verify` with contexts in some order.
fn with_contexts<'a>(words: &[&'a str], contexts: &'a [String]) -> Vec<&'a str> {
    let each = contexts.iter().flat_map(|context| ["--context", context.as_str()]);
    words.iter().copied().chain(each).collect()
}

#[test]
fn a_batch_goes_the_whole_path() {
    for format in ["halo2", "packed"] {
        let desk = Desk::new();
        let onnx = model("credit_logreg");
        let bundle = desk.path("batch.zkv");
        let made = run(&[
            "keygen",
            &onnx,
            "--unsafe-dev-srs",
            "--format",
            format,
            "--batch",
            "3",
            "--out",
            text(&bundle),
        ]);
        let planned = run(&["inspect", &onnx, "--format", format, "--batch", "3"]);
        assert_eq!(made["model_digest"], planned["model_digest"]);
        assert_ne!(made["model_digest"], run(&["inspect", &onnx])["model_digest"]);
        let input = desk.write("input.json", inferences(INFERENCES).to_string().as_bytes());
        let proof = desk.path("proof.json");
        let contexts: Vec<String> = (0..INFERENCES).map(context).collect();
        let words = ["prove", text(&bundle), "--input", text(&input), "--out", text(&proof)];
        let proved = run(&with_contexts(&words, &contexts));
        assert_eq!(proved["contexts"], json!(contexts));
        assert_eq!(
            proved["instances"].as_array().unwrap()[..INFERENCES],
            json!(contexts).as_array().unwrap()[..]
        );

        // Each is answered as it is alone.
        let reference = run(&["run", &onnx, "--input", text(&input)]);
        assert_eq!(proved["inferences"], reference["inferences"]);
        let expected = desk.write("run.json", reference.to_string().as_bytes());
        let verify = [
            "verify",
            text(&bundle),
            text(&proof),
            "--model",
            &onnx,
            "--input",
            text(&input),
            "--expect-output",
            text(&expected),
        ];
        let verdict = run(&with_contexts(&verify, &contexts));
        let said = verdict["inferences"].as_array().unwrap();
        assert_eq!(said.len(), INFERENCES);
        for (number, said) in said.iter().enumerate() {
            assert_eq!(said["context"], context(number));
            assert_eq!(said["outputs"], reference["inferences"][number]["outputs"]);
        }

        // Another's context, in the question and in the proof.
        let mut swapped = contexts.clone();
        swapped.swap(0, 2);
        let verdict = refused(&with_contexts(&verify, &swapped));
        assert!(verdict["reason"].as_str().unwrap().starts_with("of inference 0: its context is"));
        let mut other = document(&fs::read(&proof).unwrap());
        other["instances"].as_array_mut().unwrap().swap(0, 2);
        for field in ["contexts", "calldata"] {
            other.as_object_mut().unwrap().remove(field);
        }
        let file = desk.write("swapped.json", other.to_string().as_bytes());
        let verdict = refused(&["verify", text(&bundle), text(&file)]);
        assert_eq!(verdict["reason"], "the proof does not prove its instances");

        // The order of the members counts, in inputs and in what is expected.
        let mut turned: Vec<Value> = inferences(INFERENCES).as_array().unwrap().clone();
        turned.rotate_left(1);
        let other = desk.write("turned.json", json!(turned).to_string().as_bytes());
        let verdict = refused(&["verify", text(&bundle), text(&proof), "--input", text(&other)]);
        assert!(verdict["reason"].as_str().unwrap().starts_with("of inference 0: its input"));

        let error = fails(&with_contexts(&words, &contexts[..2]));
        assert_eq!(error, "2 contexts are given, a proof of this bundle has 3");
        let two = desk.write("two.json", inferences(2).to_string().as_bytes());
        fails(&["prove", text(&bundle), "--input", text(&two), "--out", text(&proof)]);
    }
}

/// Each inference of a proof reaches a threshold or does not, and the scores stay with whoever proves.
#[test]
fn each_inference_of_a_batch_has_a_claim() {
    let desk = Desk::new();
    let (onnx, bundle) = (model("credit_logreg"), desk.path("batch.zkv"));
    let claim = ["--batch", "3", "--claim", "output[0]=threshold", "--format", "packed"];
    let keygen = ["keygen", &onnx, "--unsafe-dev-srs", "--out", text(&bundle)];
    run(&[&keygen[..], &claim].concat());
    let input = desk.write("input.json", inferences(INFERENCES).to_string().as_bytes());
    let reference = run(&["run", &onnx, "--input", text(&input)]);
    let scores: Vec<f64> = (0..INFERENCES)
        .map(|number| {
            reference["inferences"][number]["outputs"]["output"]["dequantized"][0].as_f64()
        })
        .collect::<Option<_>>()
        .expect("each has a score");
    let best = scores.iter().copied().fold(f64::MIN, f64::max);
    assert!(scores.iter().any(|&score| score < best), "the claims differ: {scores:?}");
    let (contexts, proof) =
        ((0..INFERENCES).map(context).collect::<Vec<_>>(), desk.path("proof.json"));
    // A step of the score is wider than that.
    let least = best - 1e-3;
    let threshold = format!("--threshold={least}");
    let words =
        ["prove", text(&bundle), "--input", text(&input), &threshold, "--out", text(&proof)];
    let proved = run(&with_contexts(&words, &contexts));
    // Three contexts, a word of input each, a threshold each, an answer each.
    assert_eq!(proved["instances"].as_array().expect("instances").len(), 4 * INFERENCES);
    let verdict =
        run(&with_contexts(&["verify", text(&bundle), text(&proof), "--model", &onnx], &contexts));
    for (number, score) in scores.iter().enumerate() {
        let said = &verdict["inferences"][number];
        assert_eq!(said["claims"]["output[0]"]["holds"], json!(*score >= least), "{said}");
        assert_eq!(said.get("outputs"), None, "{said}");
    }
    let certificate = desk.path("certificate.json");
    run(&["certify", text(&bundle), "--model", &onnx, "--out", text(&certificate)]);
}

#[test]
fn a_batch_takes_no_other_leading_dimension() {
    let onnx = model("credit_logreg");
    let output = call(&["keygen", &onnx, "--unsafe-dev-srs", "--batch", "0"]);
    assert_eq!(output.status.code(), Some(2));
    let error = fails(&["inspect", &onnx, "--batch", "3", "--dim", "n=3"]);
    assert!(error.contains("`n`"), "{error}");
}
