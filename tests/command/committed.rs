//! Committed inputs, all the way: `keygen`, `commit`, `prove`, `verify`, and the contract.

use super::{
    Desk, call, document, fails, first_inference, model, onnx, refused, run, samples, text,
};
use onnx::{FLOAT, node, scale, value_info};
use serde_json::{Value, json};
use std::{fs, path::Path};

/// A packed bundle of a model whose inputs are told as these say.
fn bundle(desk: &Desk, model: &str, name: &str, told: &[&str]) -> String {
    let out = desk.path(name);
    let mut words =
        vec!["keygen", model, "--unsafe-dev-srs", "--format", "packed", "--out", text(&out)];
    told.iter().for_each(|told| words.extend(["--input", told]));
    run(&words);
    text(&out).to_owned()
}

fn read(path: &Path) -> Value {
    document(&fs::read(path).unwrap())
}

/// A file with another value at a place.
fn changed(desk: &Desk, file: &Path, place: &str, value: Value) -> String {
    let mut document = read(file);
    *document.pointer_mut(place).unwrap() = value;
    text(&desk.write("changed.json", document.to_string().as_bytes())).to_owned()
}

#[test]
fn a_committed_input_is_proved_by_its_name_and_told_to_nobody() {
    let desk = Desk::new();
    let onnx = model("digits_mlp");
    let input = desk.write("x.json", &first_inference("digits_mlp", &samples("digits_mlp")));
    let name = run(&["inspect", &onnx])["inputs"][0]["name"].as_str().unwrap().to_owned();
    let keys = bundle(&desk, &onnx, "one.zkv", &[&format!("{name}=committed")]);
    let (input, zeros) =
        (text(&input), desk.write("zeros.json", json!(vec![0.0; 64]).to_string().as_bytes()));
    let commit = |input: &str, out: &str| -> (Value, String) {
        let out = desk.path(out);
        let told = run(&["commit", &keys, "--input", input, "--out", text(&out)]);
        (told, text(&out).to_owned())
    };
    let (told, file) = commit(input, "c.json");
    let (other, other_file) = commit(text(&zeros), "zeros.commitment");
    assert_eq!((&told["file"], &told["input"]), (&json!(file), &json!(name)));
    assert_eq!(told["points"][0].as_str().unwrap().len(), 2 + 128);
    assert_ne!(told["name"], other["name"]);
    // The same input once more has another name, and no file is written over.
    assert_ne!(commit(input, "again.json").0["name"], told["name"]);
    let error = fails(&["commit", &keys, "--input", input, "--out", &file]);
    assert!(error.contains("is there already"), "{error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    // Who has no bundle makes one of these.
    let points = desk.path("points.json");
    let made = run(&["commit", &keys, "--points", "--out", text(&points)]);
    assert_eq!((&made["class"], &made["words"]), (&json!(6), &json!(3)));
    let points = read(&points);
    assert_eq!(points["format"], "zkverdict commitment points");
    assert_eq!(points["points"].as_array().unwrap().len(), 3);
    assert_eq!(points["string"], read(Path::new(&file))["string"]);
    fails(&["commit", &keys, "--points", "--input", input, "--out", text(&desk.path("p"))]);
    fails(&["commit", &keys, "--out", text(&desk.path("p"))]);

    // From the commitment alone, and with the input beside it.
    let proof = desk.path("proof.json");
    let prove = |more: &[&str]| -> Value {
        let words = ["prove", &keys, "--out", text(&proof), "--input-commitment", &file];
        run(&[&words[..], more].concat())
    };
    let reference = run(&["run", &onnx, "--input", input]);
    prove(&["--input", input]);
    let proved = prove(&[]);
    assert_eq!(proved["inferences"], reference["inferences"]);
    assert_eq!(proved["names"], json!({&name: told["name"]}));
    assert_eq!(proved["instances"][1], told["name"]);
    let verified = run(&["verify", &keys, text(&proof)]);
    assert_eq!((&verified["valid"], &verified["names"]), (&json!(true), &proved["names"]));
    assert!(verified.get("inputs").is_none());
    assert_eq!(run(&["gas", &keys, text(&proof)])["call"]["accepted"], true);

    // Nothing of the secret in what is published, which is as long for another input.
    let secret = read(Path::new(&file));
    let published = fs::read_to_string(&proof).unwrap();
    let secrets = secret["words"].as_array().unwrap().iter().chain([&secret["blinding"]]);
    // A short last word may be of zeros alone.
    let secrets = secrets.map(|secret| secret.as_str().unwrap()[2..].trim_start_matches('0'));
    let secrets: Vec<&str> = secrets.filter(|secret| secret.len() > 16).collect();
    assert!(secrets.len() >= 3);
    assert!(secrets.iter().all(|secret| !published.contains(secret)));
    let length = |proof: &Value| proof["proof"].as_str().unwrap().len();
    let out = desk.path("other.json");
    let words = ["prove", &keys, "--out", text(&out), "--input-commitment", &other_file];
    assert_eq!(length(&run(&words)), length(&proved));
    assert_eq!(fs::metadata(&file).unwrap().len(), {
        let name = desk.path("zeros.commitment");
        fs::metadata(name).unwrap().len()
    });

    // In halo2's format, with the same file.
    let [there, made] = ["halo2.zkv", "halo2.json"].map(|name| desk.path(name));
    let told_there = format!("{name}=committed");
    let words = ["keygen", &onnx, "--unsafe-dev-srs", "--format", "halo2", "--input", &told_there];
    run(&[&words[..], &["--out", text(&there)]].concat());
    let words = ["prove", text(&there), "--input-commitment", &file, "--out", text(&made)];
    let shown = run(&words);
    assert_eq!((&shown["names"], &shown["inferences"]), (&proved["names"], &proved["inferences"]));
    assert_eq!(run(&["verify", text(&there), text(&made)])["valid"], json!(true));
    assert_eq!(run(&["gas", text(&there), text(&made)])["call"]["accepted"], true);
    let forged = changed(&desk, &made, "/instances/1", other["name"].clone());
    let reason = refused(&["verify", text(&there), &forged])["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("not the one that its instances name"), "{reason}");

    // The name of another commitment, and another commitment beside the name.
    let forged = changed(&desk, &proof, "/instances/1", other["name"].clone());
    let reason = refused(&["verify", &keys, &forged])["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("not the one that its instances name"), "{reason}");
    let gas = call(&["gas", &keys, &forged]);
    assert_ne!(gas.status.code(), Some(0));
    let contradicting = changed(&desk, &proof, "/names", json!({&name: other["name"]}));
    let reason = refused(&["verify", &keys, &contradicting])["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("contradicts"), "{reason}");

    // What a prover without the right commitment is told.
    let out = text(&out);
    let prove = |more: &[&str]| fails(&[&["prove", &keys, "--out", out][..], more].concat());
    let error = prove(&["--input", input]);
    assert!(error.contains("no commitment to it is given"), "{error}");
    let error = prove(&["--input", input, "--input-commitment", &other_file]);
    assert!(error.contains("is not the one that the commitment"), "{error}");
    let error = prove(&["--input-commitment", &file, "--input-commitment", &file]);
    assert!(error.contains("2 commitments to"), "{error}");
    let file = Path::new(&file);
    let zero = format!("0x{}", "00".repeat(32));
    for (place, value, why) in [
        ("/string", json!(zero), "another reference string"),
        ("/input", json!("other"), "which is not committed in this bundle"),
        ("/words/0", json!(zero), "its point is not that"),
        ("/blinding", json!(told["name"]), "its point is not that"),
        ("/code", json!("int16"), "words, its shape and type take"),
        ("/name", json!(zero), "`name` is not that of its point"),
        ("/version", json!(9), "version 9"),
    ] {
        let changed = changed(&desk, file, place, value);
        let error = prove(&["--input-commitment", &changed]);
        assert!(error.contains(why), "{place}: {error}");
        assert!(secrets.iter().all(|secret| !error.contains(secret)), "{error}");
    }
}

/// A model of two inputs that are quantized and looked up.
fn two_inputs() -> Vec<u8> {
    let (mut nodes, mut inputs, mut outputs) = (vec![], vec![], vec![]);
    for name in ["a", "b"] {
        let chain =
            ["QuantizeLinear", "DequantizeLinear", "Sigmoid", "QuantizeLinear", "DequantizeLinear"];
        let mut value = name.to_owned();
        for (i, operator) in chain.into_iter().enumerate() {
            let next = format!("{name}{i}");
            let takes: &[&str] = if operator == "Sigmoid" { &[&value] } else { &[&value, "s"] };
            nodes.push(node(operator, takes, &next));
            value = next;
        }
        inputs.push(value_info(name, FLOAT, &[1, 3]));
        outputs.push(value);
    }
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    onnx::named("two", &nodes, &[scale()], &inputs, &outputs)
}

#[test]
fn inputs_are_told_one_by_one() {
    let desk = Desk::new();
    let model = desk.write("two.onnx", &two_inputs());
    let model = text(&model);
    let both =
        desk.write("both.json", json!({"a": [1, 2, 3], "b": [4, 5, 6]}).to_string().as_bytes());
    let second = desk.write("b.json", json!({"b": [4, 5, 6]}).to_string().as_bytes());
    let alone = desk.write("alone.json", json!([4, 5, 6]).to_string().as_bytes());
    let [both, second, alone] = [&both, &second, &alone].map(|path| text(path));

    // One committed, one public: that one is shown, and may be given alone.
    let mixed = bundle(&desk, model, "mixed.zkv", &["b=committed"]);
    let [c, proof] = ["c.json", "proof.json"].map(|name| text(&desk.path(name)).to_owned());
    let told = run(&["commit", &mixed, "--input", both, "--out", &c]);
    assert_eq!(told["input"], "b");
    let first = desk.write("a.json", json!({"a": [1, 2, 3]}).to_string().as_bytes());
    let words = ["prove", &mixed, "--out", &proof, "--input-commitment", &c, "--input"];
    for input in [both, text(&first)] {
        run(&[&words[..], &[input]].concat());
        let verified = run(&["verify", &mixed, &proof]);
        assert_eq!(verified["names"], json!({"b": told["name"]}));
        assert_eq!(verified["inputs"]["a"]["dequantized"], json!([1.0, 2.0, 3.0]));
        assert!(verified["inputs"].get("b").is_none());
    }
    let error = fails(&words[..words.len() - 1]);
    assert!(error.contains("no input `a` is given"), "{error}");

    // Both committed: one file each, in any order.
    let two = bundle(&desk, model, "two.zkv", &["a=committed", "b=committed"]);
    let error = fails(&["commit", &two, "--input", both, "--out", text(&desk.path("d.json"))]);
    assert!(error.contains("several committed inputs"), "{error}");
    let mut files = vec![];
    for (name, input) in [("b", second), ("a", both)] {
        let out = text(&desk.path(&format!("{name}.commitment"))).to_owned();
        run(&["commit", &two, "--input", input, "--only", name, "--out", &out]);
        files.push(out);
    }
    let words = ["prove", &two, "--out", &proof, "--input-commitment", &files[0]];
    let error = fails(&words);
    assert!(error.contains("`a` is committed"), "{error}");
    let proved = run(&[&words[..], &["--input-commitment", &files[1]]].concat());
    assert_eq!(proved["inferences"], run(&["run", model, "--input", both])["inferences"]);
    assert_eq!(run(&["verify", &two, &proof])["names"], proved["names"]);
    assert_eq!(proved["names"].as_object().unwrap().len(), 2);
    // The commitment to `b` serves every bundle that has such an input and the same string.
    let again = run(&[
        "prove",
        &mixed,
        "--input",
        text(&first),
        "--input-commitment",
        &files[0],
        "--out",
        &proof,
    ]);
    assert_eq!(again["names"]["b"], proved["names"]["b"]);
    run(&["commit", &two, "--input", alone, "--only", "b", "--out", text(&desk.path("e.json"))]);

    // One private beside one that is committed.
    let hidden = bundle(&desk, model, "hidden.zkv", &["a=private", "b=committed"]);
    run(&["prove", &hidden, "--input", both, "--input-commitment", &files[0], "--out", &proof]);
    assert!(run(&["verify", &hidden, &proof]).get("inputs").is_none());

    // What there is not.
    let error = fails(&[
        "commit",
        &mixed,
        "--input",
        both,
        "--only",
        "a",
        "--out",
        text(&desk.path("f.json")),
    ]);
    assert!(error.contains("no input `a` is committed"), "{error}");
    let keygen = |told: &[&str]| {
        let out = desk.path("none.zkv");
        let words = ["keygen", model, "--unsafe-dev-srs", "--out", text(&out)];
        fails(&[&words[..], told].concat())
    };
    let error = keygen(&["--format", "packed", "--input", "c=committed"]);
    assert!(error.contains("no input `c`"), "{error}");
    let error = keygen(&["--format", "packed", "--input", "a=private", "--input", "a=public"]);
    assert!(error.contains("given twice"), "{error}");
    let error = keygen(&["--format", "packed", "--input", "a=secret"]);
    assert!(error.contains("a=secret"), "{error}");
    let plain = bundle(&desk, model, "plain.zkv", &[]);
    let error = fails(&["commit", &plain, "--input", both, "--out", text(&desk.path("g.json"))]);
    assert!(error.contains("no committed input"), "{error}");
    let words =
        ["prove", &plain, "--input", both, "--input-commitment", &files[0], "--out", &proof];
    let error = fails(&words);
    assert!(error.contains("not committed in this bundle"), "{error}");
}

/// Verbs that walk the whole path by themselves make no commitments, and say so.
#[test]
fn bench_says_that_it_makes_no_commitments() {
    let words = ["bench", &model("credit_logreg"), "--format", "packed"];
    let error = fails(&[&words[..], &["--input-visibility", "committed"]].concat());
    assert!(error.contains("there is no commitment to it here"), "{error}");
}
