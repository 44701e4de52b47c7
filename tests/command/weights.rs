//! Committed weights, all the way: one bundle and one contract for an architecture, and trainings of it by their names.

use super::{Desk, call, document, fails, first_inference, model, refused, run, samples, text};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Command};
use zkverdict::model::Model;

fn read(path: &Path) -> Value {
    document(&fs::read(path).unwrap())
}

/// A training of the model in a file: its weights and biases moved a little, each in its place.
fn retrained(onnx: &[u8], seed: usize) -> Vec<u8> {
    let model = Model::from_onnx("digits_mlp", onnx).unwrap();
    let architecture = Model::architecture("digits_mlp", onnx).unwrap().1;
    let mut other = onnx.to_vec();
    let mut moved = 0;
    for node in &model.graph.nodes {
        let zkverdict::model::Operator::Gemm(gemm) = &node.operator else { continue };
        let byte = |weight: i32| u8::try_from(weight & 0xff).unwrap();
        let rows: Vec<u8> = gemm.weights.iter().map(|&weight| byte(weight)).collect();
        let columns = (0..rows.len())
            .map(|at| rows[at % gemm.outputs * gemm.inputs + at / gemm.outputs])
            .collect();
        let biases: Vec<u8> = gemm.bias.iter().flat_map(|bias| bias.to_le_bytes()).collect();
        for bytes in [rows, columns, biases.clone()] {
            let Some(at) = other.windows(bytes.len()).position(|window| window == bytes) else {
                continue;
            };
            let step = if bytes == biases { 4 } else { 1 };
            for (number, byte) in other[at..at + bytes.len()].iter_mut().step_by(step).enumerate() {
                // No weight leaves its type.
                if !(100..156).contains(byte) {
                    *byte = byte.wrapping_add(u8::try_from((number * seed + seed) % 7).unwrap());
                }
            }
            // Nothing of it is left in the architecture.
            assert!(!architecture.windows(bytes.len()).any(|window| window == bytes));
            moved += 1;
        }
    }
    assert!(moved >= 6, "{moved}");
    other
}

/// The verifier that is written from the document alone says the same of proofs under a bundle's key.
fn judged_in_python(desk: &Desk, bundle: &str, proofs: &[(&Value, &str)]) {
    let key = fs::read(Path::new(bundle).join("vk.bin")).unwrap();
    let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let lines = proofs.iter().map(|(proof, verdict)| {
        let digits = |value: &Value| value.as_str().unwrap()[2..].to_owned();
        let instances = proof["instances"].as_array().unwrap().iter().map(digits);
        let instances = instances.collect::<Vec<String>>().join(" ");
        format!("{verdict} {key} {} {instances}\n", digits(&proof["proof"]))
    });
    let file = desk.write("cases.txt", lines.collect::<String>().as_bytes());
    let verifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packed/verifier.py");
    let output = Command::new("python3").arg(verifier).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn trainings_of_an_architecture_are_proved_under_one_contract() {
    let desk = Desk::new();
    let original = fs::read(model("digits_mlp")).unwrap();
    let input = desk.write("x.json", &first_inference("digits_mlp", &samples("digits_mlp")));
    let input = text(&input);
    let mut trainings = vec![];
    for seed in 1..=2 {
        let folder = desk.path(&format!("training {seed}"));
        fs::create_dir(&folder).unwrap();
        let path = folder.join("model.onnx");
        fs::write(&path, retrained(&original, seed)).unwrap();
        trainings.push(text(&path).to_owned());
    }
    let keygen = |model: &str, name: &str| -> (String, Value) {
        let out = text(&desk.path(name)).to_owned();
        let words = ["keygen", model, "--unsafe-dev-srs", "--format", "packed"];
        let told = run(&[&words[..], &["--weights", "committed", "--out", &out]].concat());
        (out, told)
    };
    let (keys, told) = keygen(&trainings[0], "arch.zkv");
    assert_eq!(told["weights"]["public"], json!([]));
    assert!(told["weights"]["committed"].as_u64().unwrap() > 6464);
    // Whichever training it is made of, the bundle is the same to the byte.
    let (same, _) = keygen(&trainings[1], "same.zkv");
    for file in ["bundle.json", "model.onnx", "srs.bin", "vk.bin"] {
        let [one, other] = [&keys, &same].map(|bundle| fs::read(Path::new(bundle).join(file)));
        assert_eq!(one.unwrap(), other.unwrap(), "{file}");
    }

    let commit = |model: &str, out: &str| -> (Value, String) {
        let out = text(&desk.path(out)).to_owned();
        (run(&["commit", &keys, "--weights", model, "--out", &out]), out)
    };
    let (first, file) = commit(&trainings[0], "w1.json");
    let (second, other_file) = commit(&trainings[1], "w2.json");
    let (again, _) = commit(&trainings[0], "w3.json");
    assert!(first["name"] != second["name"] && first["name"] != again["name"]);
    assert_eq!(fs::metadata(&file).unwrap().len(), fs::metadata(&other_file).unwrap().len());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let error = fails(&["commit", &keys, "--weights", &trainings[0], "--out", &file]);
    assert!(error.contains("is there already"), "{error}");

    let mut proofs = vec![];
    for (training, file, name) in
        [(&trainings[0], &file, &first["name"]), (&trainings[1], &other_file, &second["name"])]
    {
        let out = text(&desk.path(&format!("proof{}.json", proofs.len()))).to_owned();
        let weights = ["--weights-commitment", file];
        let words = ["prove", &keys, "--input", input, "--out", &out];
        let proved = run(&[&words[..], &weights].concat());
        let reference = run(&["run", training, "--input", input]);
        assert_eq!(proved["inferences"], reference["inferences"]);
        let words = ["run", &keys, "--input", input];
        assert_eq!(run(&[&words[..], &weights].concat()), reference);
        assert_eq!((&proved["weights"], &proved["instances"][1]), (name, name));
        let expected = name.as_str().unwrap();
        let verified = run(&["verify", &keys, &out, "--weights", expected]);
        assert_eq!(verified["weights"], json!({"name": name, "ranges": "proved"}));
        let gas = run(&["gas", &keys, &out]);
        assert_eq!(gas["call"]["accepted"], true);
        let [total, predicted] = ["total", "predicted"].map(|of| gas[of].as_f64());
        if let (Some(total), Some(predicted)) = (total, predicted) {
            assert!((total - predicted).abs() < 0.01 * total, "{total} {predicted}");
        }
        proofs.push((out, proved));
    }
    let length = |proof: &Value| proof["proof"].as_str().unwrap().len();
    assert_eq!(length(&proofs[0].1), length(&proofs[1].1));

    // The name of another training, in the proof and at whoever asks for one.
    let mut renamed = read(Path::new(&proofs[0].0));
    renamed["instances"][1] = second["name"].clone();
    let renamed = desk.write("renamed.json", renamed.to_string().as_bytes());
    let reason = refused(&["verify", &keys, text(&renamed)])["reason"].to_string();
    assert!(reason.contains("not the one that its instances name"), "{reason}");
    assert_ne!(call(&["gas", &keys, text(&renamed)]).status.code(), Some(0));
    let expected = second["name"].as_str().unwrap();
    let reason =
        refused(&["verify", &keys, &proofs[0].0, "--weights", expected])["reason"].to_string();
    assert!(reason.contains("its weights are those of the commitment"), "{reason}");

    judged_in_python(
        &desk,
        &keys,
        &[
            (&proofs[0].1, "accepted"),
            (&proofs[1].1, "accepted"),
            (&read(&renamed), "WrongName(0)"),
        ],
    );

    // Of a model of millions of weights the file is larger than other documents may be.
    let mut large = fs::read(&file).unwrap();
    large.resize(9 << 20, b' ');
    let large = desk.write("large.json", &large);
    let reference = run(&["run", &trainings[0], "--input", input]);
    let weights = ["--weights-commitment", text(&large)];
    assert_eq!(run(&[&["run", &keys, "--input", input], &weights[..]].concat()), reference);

    // What whoever has no right commitment is told.
    let out = text(&desk.path("none.json")).to_owned();
    let words = ["prove", &keys, "--input", input, "--out", &out];
    let prove = |more: &[&str]| fails(&[&words[..], more].concat());
    assert!(prove(&[]).contains("no commitment to any is given"));
    let secret = read(Path::new(&file));
    let changes = [
        ("/vk_digest", json!(format!("0x{}", "11".repeat(32))), "is a commitment under the key"),
        ("/weights", json!("00000001"), "more weights, or fewer"),
        ("/weights", json!("0000000+"), "eight hexadecimal digits"),
        ("/blindings/0", json!(format!("0x{}", "00".repeat(32))), "above 0"),
        ("/points/0/1", json!(format!("0x{}", "00".repeat(32))), "on the curve"),
        ("/kind", json!("input"), "another kind than `weights`"),
    ];
    for (place, value, why) in changes {
        let mut changed = secret.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let changed = desk.write("changed.json", changed.to_string().as_bytes());
        let error = prove(&["--weights-commitment", text(&changed)]);
        assert!(error.contains(why), "{place}: {error}");
        assert!(!error.contains(&secret["blindings"][0].as_str().unwrap()[2..]), "{error}");
    }
    // Of the other training's weights with this one's points.
    let mut changed = secret.clone();
    changed["weights"] = read(Path::new(&other_file))["weights"].clone();
    let changed = desk.write("changed.json", changed.to_string().as_bytes());
    let error = prove(&["--weights-commitment", text(&changed)]);
    assert!(error.contains("not those of its weights"), "{error}");
    let other = model("diagnosis_mlp");
    let error = fails(&["commit", &keys, "--weights", &other, "--out", &out]);
    assert!(error.contains("another architecture"), "{error}");

    // Where there are no commitments to weights.
    let words = ["keygen", &trainings[0], "--unsafe-dev-srs", "--weights", "committed"];
    let words = [&words[..], &["--format", "halo2"]].concat();
    let error = fails(&[&words[..], &["--out", text(&desk.path("h.zkv"))]].concat());
    assert!(error.contains("bring no commitments"), "{error}");

    // Either training tells which architecture the key is for; another model is of another.
    for training in &trainings {
        let certified = run(&["certify", &keys, "--model", training, "--out", &out]);
        let counts = &certified["counts"];
        assert_eq!(
            (&certified["holds"], counts["weights"].as_u64() > Some(0)),
            (&json!(true), true)
        );
    }
    let words = ["certify", &keys, "--model", &other, "--out", &out];
    assert_eq!(refused(&words)["holds"], json!(false));
}
