//! Claims about outputs along the whole path, in both formats.

use super::{Desk, document, fails, first_inference, model, refused, run, samples, text};
use serde_json::{Value, json};
use std::{fs, path::PathBuf};

/// A bundle with claims, of a model whose first sample is the input.
struct Claimed {
    desk: Desk,
    bundle: PathBuf,
    input: PathBuf,
}

impl Claimed {
    fn new(name: &str, keygen: &[&str]) -> Self {
        let desk = Desk::new();
        let bundle = desk.path("claimed.zkv");
        let input = desk.write("input.json", &first_inference(name, &samples(name)));
        let words = ["keygen", &model(name), "--unsafe-dev-srs", "--out", text(&bundle)];
        run(&[&words[..], keygen].concat());
        Self { desk, bundle, input }
    }

    /// The words of a call of `prove`, and where the proof will be.
    fn proving(&self, chosen: &[&str]) -> (Vec<String>, PathBuf) {
        let proof = self.desk.path("proof.json");
        let words =
            ["prove", text(&self.bundle), "--input", text(&self.input), "--out", text(&proof)];
        let words = words.iter().chain(chosen).map(|&word| word.to_owned()).collect();
        (words, proof)
    }

    fn prove(&self, chosen: &[&str]) -> PathBuf {
        let (words, proof) = self.proving(chosen);
        run(&words.iter().map(String::as_str).collect::<Vec<_>>());
        proof
    }

    fn fails(&self, chosen: &[&str]) -> String {
        let (words, _) = self.proving(chosen);
        fails(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }
}

/// What a model answers to its first sample.
fn answer(claimed: &Claimed, name: &str) -> Value {
    let run = run(&["run", &model(name), "--input", text(&claimed.input)]);
    run["inferences"][0]["outputs"]["output"].clone()
}

/// A float that JSON reads as a double, as it is written for a float32.
fn short(value: &Value) -> String {
    (value.as_f64().unwrap() as f32).to_string()
}

#[test]
fn a_private_score_is_at_least_a_threshold() {
    const NAME: &str = "credit_logreg";
    for format in ["halo2", "packed"] {
        let keygen =
            ["--format", format, "--claim", "output[0]=threshold", "--input-visibility", "private"];
        let claimed = Claimed::new(NAME, &keygen);
        let bundle = text(&claimed.bundle);
        let score = answer(&claimed, NAME);
        let proof = claimed.prove(&["--threshold=0.982"]);
        let verdict = run(&["verify", bundle, text(&proof)]);
        let claim = &verdict["claims"]["output[0]"];
        assert_eq!((&claim["kind"], &claim["holds"]), (&json!("threshold"), &json!(true)));
        // The first step that reaches it is the score's own.
        assert_eq!(claim["quantized"], score["quantized"][0]);
        assert_eq!(claim["threshold"], score["dequantized"][0]);

        // Nothing else of input and output is in the file.
        assert_eq!((verdict.get("outputs"), verdict.get("inputs")), (None, None));
        let file = document(&fs::read(&proof).unwrap());
        assert_eq!(file["instances"].as_array().unwrap().len(), 3, "context, threshold, bit");
        assert_eq!(file["inferences"][0]["outputs"], json!({}));
        assert_eq!(&file["inferences"][0]["claims"]["output[0]"], claim);
        let expected =
            fails(&["verify", bundle, text(&proof), "--expect-output", text(&claimed.input)]);
        assert!(expected.contains("proofs of this bundle do not show their outputs"), "{expected}");

        // The other bit, and another threshold.
        for instance in [1, 2] {
            let mut forged = file.clone();
            let word = forged["instances"][instance].as_str().unwrap().to_owned();
            let last = u8::from_str_radix(&word[64..], 16).unwrap() ^ 1;
            forged["instances"][instance] = json!(format!("{}{last:02x}", &word[..64]));
            for field in ["inferences", "calldata"] {
                forged.as_object_mut().unwrap().remove(field);
            }
            let path = claimed.desk.write("forged.json", forged.to_string().as_bytes());
            assert_eq!(refused(&["verify", bundle, text(&path)])["valid"], false);
        }
        let mut contradicting = file.clone();
        contradicting["inferences"][0]["claims"]["output[0]"]["holds"] = json!(false);
        let path = claimed.desk.write("other.json", contradicting.to_string().as_bytes());
        let reason = refused(&["verify", bundle, text(&path)])["reason"].clone();
        assert!(reason.as_str().unwrap().contains("claims.output[0].holds"), "{reason}");

        let gas = run(&["gas", bundle, text(&proof)]);
        assert_eq!(gas["call"]["accepted"], true);
        let submitted = run(&["submit", bundle, text(&proof)]);
        assert_eq!((&submitted["valid"], &submitted["claims"]["output[0]"]), (&json!(true), claim));
        let certificate = claimed.desk.path("certificate.json");
        let words = ["certify", bundle, "--model", &model(NAME), "--out", text(&certificate)];
        assert_eq!(run(&words)["holds"], true);
        assert_eq!(run(&["verify", bundle, text(&proof), "--model", &model(NAME)])["valid"], true);

        // A threshold that is not reached, and what is no threshold.
        let low = claimed.prove(&["--threshold", "0.99"]);
        assert_eq!(run(&["verify", bundle, text(&low)])["claims"]["output[0]"]["holds"], false);
        assert!(claimed.fails(&[]).contains("what to compare it with is missing"));
        assert!(claimed.fails(&["--threshold=-1"]).contains("-1 is outside the output's values"));
        assert!(claimed.fails(&["--threshold=much"]).contains("`much` is no number"));
        let twice = ["--threshold=0.1", "--threshold", "output[0]=0.2"];
        assert!(claimed.fails(&twice).contains("is given twice"));
        assert!(claimed.fails(&["--threshold=0.1", "--range=0,1"]).contains("do not make"));
    }
}

#[test]
fn several_claims_about_one_output_are_told_apart() {
    const NAME: &str = "digits_mlp";
    let claims = ["argmax", "top:2", "bucket:2", "values"];
    let about_all: Vec<String> = claims.iter().map(|claim| format!("output={claim}")).collect();
    let mut keygen: Vec<&str> = about_all.iter().flat_map(|claim| ["--claim", claim]).collect();
    keygen.extend([
        "--claim",
        "output[3]=range",
        "--claim",
        "output[4]=range",
        "--claim",
        "output[3]=equal",
    ]);
    let claimed = Claimed::new(NAME, &keygen);
    let bundle = text(&claimed.bundle);
    let answer = answer(&claimed, NAME);
    let quantized: Vec<i64> = serde_json::from_value(answer["quantized"].clone()).unwrap();
    let third = short(&answer["dequantized"][3]);
    let equal = format!("--equal={third}");
    let ranges = ["--range", "output[3]=-20,20", "--range=output[4]=10,20"];
    let chosen = [&ranges[..], &["--bounds=-1,1", &equal]].concat();
    let proof = claimed.prove(&chosen);
    let verdict = run(&[
        "verify",
        bundle,
        text(&proof),
        "--expect-output",
        text(
            &claimed
                .desk
                .write("expected.json", json!({ "output": quantized }).to_string().as_bytes()),
        ),
    ]);
    let said = &verdict["claims"];
    let mut order: Vec<usize> = (0..10).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(quantized[at]));
    assert_eq!(said["output:argmax"], json!({ "kind": "argmax", "position": order[0] }));
    assert_eq!(said["output:top"]["positions"], json!(order[..2]));
    // A step is 0.18, and 1 stands for 0.
    let bucket = |q: &i64| u8::from(*q >= -4) + u8::from(*q >= 7);
    let buckets: Vec<u8> = quantized.iter().map(bucket).collect();
    assert_eq!(said["output:bucket"]["bucket"], json!(buckets));
    assert_eq!(said["output:bucket"]["quantized"], json!([-4, 7]));
    assert_eq!(said["output[3]:range"]["holds"], true);
    assert_eq!(said["output[4]"]["holds"], json!(quantized[4] >= 57));
    assert_eq!(said["output[3]:equal"]["holds"], true);
    assert_eq!(verdict["outputs"]["output"]["quantized"], json!(quantized));

    let out = claimed.desk.path("contracts");
    let rendered = run(&["render", bundle, "--out", text(&out)]);
    let library = fs::read_to_string(rendered["io"].as_str().unwrap()).unwrap();
    for function in [
        "classOutputArgmax",
        "topOutputTop",
        "bucketOutputBucket",
        "isWithinOutput3Range",
        "isWithinOutput4",
        "equalsOutput3Equal",
        "unpackOutput",
    ] {
        assert!(library.contains(&format!("function {function}(")), "{function}");
    }
    assert!(claimed.fails(&["--range=-20,20"]).contains("is for none of the claims about"));
    let missing = claimed.fails(&["--range", "output[3]=-20,20"]);
    assert!(missing.contains("claim something about `output[4]`"), "{missing}");
}

#[test]
fn claims_that_no_model_makes_are_refused_before_any_work() {
    let keygen = |claim: &str| {
        fails(&["keygen", &model("digits_mlp"), "--unsafe-dev-srs", "--out", "x", "--claim", claim])
    };
    let unknown = keygen("logits=argmax");
    assert!(unknown.contains("the model has no output `logits`, its outputs are"), "{unknown}");
    assert!(keygen("output=none").contains("proofs would say nothing"));
    let inspect = run(&["inspect", &model("digits_mlp"), "--claim", "output=argmax"]);
    let plain = run(&["inspect", &model("digits_mlp")]);
    assert_ne!(inspect["model_digest"], plain["model_digest"]);
    let instances = |report: &Value| report["plan"]["instances"].as_u64().unwrap();
    assert_eq!(instances(&inspect), instances(&plain));
}
