//! Hashed inputs, all the way: `keygen`, `commit`, `prove`, `verify`, and the contract.

use super::{
    Desk, batches::inferences, call, document, fails, first_inference, model, refused, run,
    samples, text,
};
use light_poseidon::{Poseidon, PoseidonBytesHasher};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn read(path: &Path) -> Value {
    document(&fs::read(path).unwrap())
}

fn word(text: &str) -> [u8; 32] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 + 2 * at..][..2], 16).unwrap())
}

/// The hash of what a file holds, as somebody computes it who has another library and a description.
fn by_light_poseidon(length: u64, secret: &Value) -> String {
    let mut hasher = Poseidon::<ark_bn254::Fr>::new_circom(3).unwrap();
    let mut hash = [0; 32];
    hash[15..24].copy_from_slice(b"zkverdict");
    hash[24..].copy_from_slice(&length.to_be_bytes());
    let words = secret["words"].as_array().unwrap().iter();
    let mut taken: Vec<[u8; 32]> =
        [&secret["blinding"]].into_iter().chain(words).map(|w| word(w.as_str().unwrap())).collect();
    taken.resize(taken.len().next_multiple_of(2), [0; 32]);
    for pair in taken.chunks(2) {
        hash = hasher.hash_bytes_be(&[&hash, &pair[0], &pair[1]]).unwrap();
    }
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

#[test]
fn a_hashed_input_is_proved_by_its_hash_and_told_to_nobody() {
    let desk = Desk::new();
    let onnx = model("digits_mlp");
    let input = desk.write("x.json", &first_inference("digits_mlp", &samples("digits_mlp")));
    let input = text(&input);
    let name = run(&["inspect", &onnx])["inputs"][0]["name"].as_str().unwrap().to_owned();
    let reference = run(&["run", &onnx, "--input", input]);
    let proof = desk.path("proof.json");
    let proof = text(&proof);
    let mut files = vec![];
    for format in ["halo2", "packed"] {
        let keys = desk.path(&format!("{format}.zkv"));
        let keys = text(&keys);
        let told = format!("{name}=hashed");
        let words = ["keygen", &onnx, "--unsafe-dev-srs", "--format", format, "--out", keys];
        run(&[&words[..], &["--input", &told]].concat());
        let prove = |more: &[&str]| -> Value {
            let words = ["prove", keys, "--out", proof];
            run(&[&words[..], more].concat())
        };
        // Two proofs of one input have different hashes.
        let [first, second] = [(); 2].map(|()| prove(&["--input", input]));
        assert_ne!(first["hashes"], second["hashes"]);
        assert_eq!(second["inferences"], reference["inferences"]);
        assert_eq!(second["instances"][1], second["hashes"][&name]);
        assert_eq!(first["instances"].as_array().unwrap().len(), 3);
        let verified = run(&["verify", keys, proof]);
        assert_eq!((&verified["valid"], &verified["hashes"]), (&json!(true), &second["hashes"]));
        assert!(verified.get("inputs").is_none());
        assert_eq!(run(&["gas", keys, proof])["call"]["accepted"], true);

        // With a file they have the same.
        let file = desk.path(&format!("{format}.hash"));
        let told = run(&["commit", keys, "--input", input, "--out", text(&file)]);
        assert_eq!((&told["file"], &told["input"]), (&json!(text(&file)), &json!(name)));
        let secret = read(&file);
        assert_eq!(told["hash"], by_light_poseidon(64, &secret));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        for more in [&["--input", input][..], &[]] {
            let proved = prove(&[&["--input-commitment", text(&file)], more].concat());
            assert_eq!(proved["hashes"], json!({&name: told["hash"]}));
            assert_eq!(proved["inferences"], reference["inferences"]);
        }
        let published = fs::read_to_string(proof).unwrap();
        let secrets = secret["words"].as_array().unwrap().iter().chain([&secret["blinding"]]);
        let secrets = secrets.map(|secret| secret.as_str().unwrap()[2..].trim_start_matches('0'));
        let secrets: Vec<&str> = secrets.filter(|secret| secret.len() > 16).collect();
        assert!(secrets.len() >= 3);
        assert!(secrets.iter().all(|secret| !published.contains(secret)));

        // Another hash.
        let mut forged = read(Path::new(proof));
        forged["instances"][1] = first["instances"][1].clone();
        let forged = desk.write("forged.json", forged.to_string().as_bytes());
        refused(&["verify", keys, text(&forged)]);
        assert_ne!(call(&["gas", keys, text(&forged)]).status.code(), Some(0));
        let mut contradicting = read(Path::new(proof));
        contradicting["hashes"] = first["hashes"].clone();
        let contradicting = desk.write("other.json", contradicting.to_string().as_bytes());
        let reason = refused(&["verify", keys, text(&contradicting)])["reason"].clone();
        assert!(reason.as_str().unwrap().contains("contradicts"), "{reason}");
        files.push((keys.to_owned(), text(&file).to_owned()));
    }
    // A file serves both, as any other key with such an input.
    let [(halo2, _), (packed, file)] = &files[..] else { panic!("{files:?}") };
    let hash = read(Path::new(file))["hash"].clone();
    let words = ["prove", halo2, "--input-commitment", file, "--out", proof];
    assert_eq!(run(&words)["hashes"][&name], hash);

    // The library that contracts read instances with.
    let folder = desk.path("contract");
    run(&["render", packed, "--name", "Hashing", "--out", text(&folder)]);
    let schema = read(&folder.join("Hashing.schema.json"));
    assert_eq!(schema["hashes"], json!([{"input": name, "instance": 1}]));
    assert_eq!(schema["outputs"][0]["instances"], json!([2, 3]));

    // What goes wrong.
    let zeros = desk.write("zeros.json", json!(vec![0.0; 64]).to_string().as_bytes());
    let prove = |more: &[&str]| fails(&[&["prove", packed, "--out", proof][..], more].concat());
    let error = prove(&["--input", text(&zeros), "--input-commitment", file]);
    assert!(error.contains("is not the one whose hash is"), "{error}");
    let error = prove(&["--input-commitment", file, "--input-commitment", file]);
    assert!(error.contains("2 hashes of"), "{error}");
    assert!(prove(&[]).contains("no input"));
    let secret = read(Path::new(file));
    for (place, value, why) in [
        ("/input", json!("other"), "which is not hashed in this bundle"),
        ("/hash", json!(format!("0x{}", "00".repeat(32))), "`hash` is not that"),
        ("/words/0", secret["words"][1].clone(), "`hash` is not that"),
    ] {
        let mut changed = secret.clone();
        *changed.pointer_mut(place).unwrap() = value;
        let changed = desk.write("changed.json", changed.to_string().as_bytes());
        let error = prove(&["--input-commitment", text(&changed)]);
        assert!(error.contains(why), "{place}: {error}");
    }
    let error = fails(&["commit", packed, "--points", "--out", text(&desk.path("p"))]);
    assert!(error.contains("no committed input"), "{error}");
    let certificate = desk.path("certificate.json");
    for keys in [halo2, packed] {
        let words = ["certify", keys, "--model", &onnx, "--out", text(&certificate)];
        let certified = run(&words);
        assert_eq!(
            (&certified["holds"], &certified["counts"]["hashes"]),
            (&json!(true), &json!(1))
        );
        assert_eq!(read(&certificate)["checked"], certified["checked"]);
    }
    let out = desk.path("batch.zkv");
    let words = ["keygen", &onnx, "--unsafe-dev-srs", "--batch", "65", "--out", text(&out)];
    let error = fails(&[&words[..], &["--input-visibility", "hashed"]].concat());
    assert!(error.contains("65 hashes of inputs, more than the 64 of a proof"), "{error}");
}

/// Each inference of a batch has a hash of its own, in its own place.
#[test]
fn a_batch_has_a_hash_for_each_inference() {
    let desk = Desk::new();
    let onnx = model("credit_logreg");
    let name = run(&["inspect", &onnx])["inputs"][0]["name"].as_str().unwrap().to_owned();
    let told = format!("{name}=hashed");
    let keys = desk.path("batch.zkv");
    let keys = text(&keys);
    let words = ["keygen", &onnx, "--unsafe-dev-srs", "--format", "packed", "--batch", "2"];
    run(&[&words[..], &["--input", &told, "--out", keys]].concat());
    let input = desk.write("x.json", inferences(2).to_string().as_bytes());
    let input = text(&input);
    let reference = run(&["run", &onnx, "--input", input]);
    let proof = desk.path("proof.json");
    let proof = text(&proof);
    let contexts = ["--context", "0x1", "--context", "0x2"];
    let prove = |more: &[&str]| -> Vec<String> {
        let mut words = vec!["prove", keys, "--out", proof];
        words.extend(contexts.iter().chain(more));
        words.iter().map(|word| (*word).to_owned()).collect()
    };
    let proves = |more: &[&str]| {
        let words = prove(more);
        run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let refuses = |more: &[&str]| {
        let words = prove(more);
        fails(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let [one, other] = [(); 2].map(|()| proves(&["--input", input]));
    assert_ne!(one["instances"][2], other["instances"][2]);
    for (inference, reference) in reference["inferences"].as_array().unwrap().iter().enumerate() {
        let said = &other["inferences"][inference];
        assert_eq!(said["outputs"], reference["outputs"]);
        assert_eq!(said["hashes"][&name], other["instances"][2 + inference]);
    }
    let verified = run(&["verify", keys, proof]);
    assert_eq!(verified["inferences"][1]["hashes"], other["inferences"][1]["hashes"]);
    assert_eq!(run(&["gas", keys, proof])["call"]["accepted"], true);

    let file = desk.path("h.json");
    let committed = run(&["commit", keys, "--input", input, "--out", text(&file)]);
    let files: Vec<String> =
        (0..2).map(|at| committed["inferences"][at]["file"].as_str().unwrap().to_owned()).collect();
    assert!(files[0].ends_with("h.0.json") && files[1].ends_with("h.1.json"), "{files:?}");
    let [first, second] = [0, 1].map(|at: usize| ["--input-commitment", files[at].as_str()]);
    let proved = proves(&[first, second].concat());
    for inference in 0..2 {
        let hash = &committed["inferences"][inference]["hash"];
        assert_eq!(&proved["instances"][2 + inference], hash);
        assert_eq!(hash, &by_light_poseidon(30, &read(Path::new(&files[inference]))));
    }
    let error = refuses(&first);
    assert!(error.contains("1 hashes of the input") && error.contains("takes 2"), "{error}");
    let error = refuses(&[first, second, second].concat());
    assert!(error.contains("3 hashes of"), "{error}");
    let error = refuses(&[&second[..], &first, &["--input", input]].concat());
    assert!(error.contains("is not the one whose hash is"), "{error}");
    let error = fails(&["commit", keys, "--input", input, "--out", text(&file)]);
    assert!(error.contains("is there already"), "{error}");

    // One inference's hash in the place of the other's.
    let mut forged = read(Path::new(proof));
    let hashes: Vec<Value> = [3, 2].map(|at: usize| forged["instances"][at].clone()).to_vec();
    forged["instances"][2] = hashes[0].clone();
    forged["instances"][3] = hashes[1].clone();
    let forged = desk.write("forged.json", forged.to_string().as_bytes());
    refused(&["verify", keys, text(&forged)]);

    let out = desk.path("certificate.json");
    let certified = run(&["certify", keys, "--model", &onnx, "--out", text(&out)]);
    assert_eq!(certified["counts"]["hashes"], 2);
    let folder = desk.path("contract");
    run(&["render", keys, "--name", "Hashing", "--out", text(&folder)]);
    let schema = read(&folder.join("Hashing.schema.json"));
    assert_eq!(schema["hashes"], json!([{"input": name, "instance": 1}]));
    assert_eq!(schema["inferences"]["inputs"], json!([2, 1]));
}
