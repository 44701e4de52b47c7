//! Packed proofs along the whole path, beside halo2's.

use super::{Desk, call, document, fails, first_inference, model, refused, run, samples, text};
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::{fs, path::PathBuf};
use zkverdict::bundle::unhex;
use zkverdict_prover::packed::{Refusal, VerifyingKey};

const NAME: &str = "credit_logreg";

/// A bundle and a proof of each format.
struct Both {
    desk: Desk,
    halo2: [PathBuf; 2],
    packed: [PathBuf; 2],
}

impl Both {
    fn new() -> Self {
        let desk = Desk::new();
        let bundle = desk.bundle_with(NAME, &["--format", "halo2"]);
        let proof = desk.proof(&bundle, NAME);
        let packed = [desk.path("packed.zkv"), desk.path("packed.proof.json")];
        let made =
            run(&[&["keygen", &model(NAME), "--unsafe-dev-srs"][..], &["--out", text(&packed[0])]]
                .concat());
        assert_eq!((&made["format"], &made["srs"]), (&json!("packed"), &json!("unsafe-dev")));
        let both = Self { desk, halo2: [bundle, proof], packed };
        both.prove(&[]);
        both
    }

    fn prove(&self, more: &[&str]) -> Value {
        let [bundle, proof] = &self.packed;
        let input = self.desk.path("input.json");
        let words = ["prove", text(bundle), "--input", text(&input), "--out", text(proof)];
        run(&[&words[..], more].concat())
    }
}

/// What stands in the key's document is all that a verifier has to know.
fn judged_by_the_key_alone(rendered: &Value, proof: &Value) {
    let bytes = |value: &Value| unhex(value.as_str().unwrap()).unwrap();
    let file = fs::read(rendered["key"].as_str().unwrap()).unwrap();
    assert_eq!(bytes(&rendered["key_hash"]), Keccak256::digest(&file).to_vec());
    let file = document(&file);
    assert_eq!((&file["format"], &file["version"]), (&json!("packed"), &json!(1)));
    assert_eq!(file["vk_digest"], proof["vk_digest"]);
    let key = VerifyingKey::from_bytes(&bytes(&file["key"])).unwrap();
    let about = [
        &b"zkverdict verifying key of a model 1"[..],
        &key.digest(),
        &bytes(&file["model_digest"]),
    ]
    .concat();
    assert_eq!(bytes(&file["vk_digest"]), Keccak256::digest(about).to_vec());
    let scalar = |word: &Value| {
        let mut word: [u8; 32] = bytes(word).try_into().unwrap();
        word.reverse();
        Fr::from_repr(word).unwrap()
    };
    let mut instances: Vec<Fr> =
        proof["instances"].as_array().unwrap().iter().map(scalar).collect();
    let proof = bytes(&proof["proof"]);
    assert_eq!(key.verify(&proof, &instances), Ok(()));
    instances[0] += Fr::ONE;
    assert_eq!(key.verify(&proof, &instances), Err(Refusal::InvalidProof));
}

fn manifest(bundle: &std::path::Path) -> Value {
    document(&fs::read(bundle.join("bundle.json")).unwrap())
}

#[test]
fn packed_proofs_go_the_whole_path() {
    let both = Both::new();
    let [bundle, proof] = both.packed.each_ref().map(|path| text(path));
    let verdict = run(&["verify", bundle, proof]);
    assert_eq!(verdict["valid"], true);
    // The same model, the same statement, another key.
    let [other_bundle, other] = both.halo2.each_ref().map(|path| text(path));
    let said = run(&["verify", other_bundle, other]);
    for same in ["outputs", "inputs", "context", "model_digest"] {
        assert_eq!(verdict[same], said[same], "{same}");
    }
    assert_ne!(verdict["vk_digest"], said["vk_digest"]);

    let out = both.desk.path("contracts");
    let rendered = run(&["render", bundle, "--out", text(&out)]);
    judged_by_the_key_alone(&rendered, &document(&fs::read(proof).unwrap()));
    let source = fs::read_to_string(rendered["contract"].as_str().unwrap()).unwrap();
    for wanted in ["MODEL_DIGEST", "UNSAFE_DEV_SRS = true", "verifyBatch"] {
        assert!(source.contains(wanted), "{wanted}");
    }
    assert!(source.contains(verdict["vk_digest"].as_str().unwrap()));
    let gas = run(&["gas", bundle, proof]);
    let figure = |pointer: &str| gas.pointer(pointer).and_then(Value::as_u64).unwrap();
    assert_eq!(gas["call"]["accepted"], true);
    let (total, predicted) = (figure("/total"), figure("/predicted/total"));
    assert!(100 * predicted.abs_diff(total) <= total, "{predicted} {total}");
    assert!(total <= 225_000, "{total}");
    // Twice in a batch.
    assert_eq!(run(&["gas", bundle, proof, proof])["call"]["accepted"], true);

    let certificate = both.desk.path("certificate.json");
    let words = ["certify", bundle, "--model", &model(NAME), "--out", text(&certificate)];
    assert_eq!(run(&words)["holds"], true);
    assert_eq!(run(&["verify", bundle, proof, "--model", &model(NAME)])["valid"], true);
    let words = ["verify", bundle, proof, "--model", &model("diagnosis_mlp")];
    assert_eq!(refused(&words)["valid"], false);
}

#[test]
fn formats_are_told_apart() {
    let both = Both::new();
    let [bundles, proofs] = [0, 1].map(|at| [text(&both.halo2[at]), text(&both.packed[at])]);
    for (bundle, proof, said) in [
        (bundles[0], proofs[1], "its format is `packed`, this bundle's proofs are `halo2`"),
        (bundles[1], proofs[0], "its format is `halo2`, this bundle's proofs are `packed`"),
    ] {
        assert_eq!(refused(&["verify", bundle, proof])["reason"], said);
        assert!(fails(&["gas", bundle, proof]).contains("format"));
    }
    // A file that is called by the other's name is of another key.
    let mut file = document(&fs::read(proofs[1]).unwrap());
    assert_eq!(file["format"], "packed");
    file["format"] = json!("halo2");
    let renamed = both.desk.write("renamed.json", file.to_string().as_bytes());
    let reason = refused(&["verify", bundles[0], text(&renamed)])["reason"].clone();
    assert!(reason.as_str().unwrap().contains("it was made under key"), "{reason}");
    file["format"] = json!("groth16");
    let unknown = both.desk.write("unknown.json", file.to_string().as_bytes());
    assert!(fails(&["verify", bundles[0], text(&unknown)]).contains("groth16"));

    // Bundles of halo2's format are as they were before there was another.
    let halo2 = manifest(&both.halo2[0]);
    assert_eq!((&halo2["version"], halo2.get("format")), (&json!(5), None));
    let packed = manifest(&both.packed[0]);
    assert_eq!((&packed["version"], &packed["format"]), (&json!(6), &json!("packed")));

    // A proof file that says nothing of its format is read as the bundle's: what scripts strip stays a proof.
    for (bundle, proof) in bundles.into_iter().zip(proofs) {
        let whole = document(&fs::read(proof).unwrap());
        let bare: serde_json::Map<String, Value> = ["vk_digest", "proof", "instances"]
            .into_iter()
            .map(|field| (field.to_owned(), whole[field].clone()))
            .collect();
        let bare = both.desk.write("bare.json", json!(bare).to_string().as_bytes());
        assert_eq!(run(&["verify", bundle, text(&bare)])["valid"], true);
    }
    let input = both.desk.path("input.json");
    let words = ["prove", bundles[1], "--input", text(&input), "--out", "x", "--prover", "stock"];
    assert!(fails(&words).contains("no packed proofs"));
    let seed = format!("0x{}", "5a".repeat(32));
    let own = both.prove(&["--seed", &seed])["proof"].clone();
    assert_eq!(both.prove(&["--seed", &seed, "--prover", "portable"])["proof"], own);
    assert_eq!(run(&["verify", bundles[1], proofs[1]])["valid"], true);
}

#[test]
fn damaged_packed_bundles_are_refused() {
    let both = Both::new();
    let [bundle, proof] = &both.packed;
    for name in ["bundle.json", "srs.bin", "vk.bin"] {
        let file = bundle.join(name);
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        for damaged in [&bad[..], &good[..middle]] {
            fs::write(&file, damaged).unwrap();
            let error = fails(&["verify", text(bundle), text(proof)]);
            assert!(error.contains("damaged"), "{name}: {error}");
        }
        fs::write(&file, &good).unwrap();
    }
    assert_eq!(run(&["verify", text(bundle), text(proof)])["valid"], true);
}

#[test]
fn a_string_too_short_for_packs_is_refused() {
    let desk = Desk::new();
    // In halo2's raw format, of a secret that nobody has published: 2^9 powers.
    let srs = desk.write("short.srs", &string(9));
    let out = desk.path("out.zkv");
    let words = ["keygen", &model(NAME), "--format", "packed", "--srs", text(&srs)];
    let error = fails(&[&words[..], &["--out", text(&out)]].concat());
    assert!(error.contains("it has 512 powers, packed proofs of this circuit take"), "{error}");
    // A longer one will do for narrow packs, and is cut down.
    let srs = desk.write("long.srs", &string(15));
    let words = ["keygen", &model(NAME), "--format", "packed", "--srs", text(&srs)];
    let narrow = ["--optimize", "memory", "--out", text(&out)];
    let output = super::call(&[&words[..], &narrow].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(document(&output.stdout)["srs"], "raw");
    let length = fs::metadata(out.join("srs.bin")).unwrap().len();
    assert!(length < 64 << 15, "{length}");
}

#[test]
fn inspect_and_the_demo_know_packed_proofs() {
    let digits = model("digits_mlp");
    let plan = |more: &[&str]| {
        run(&[&["inspect", &digits, "--format", "packed"][..], more].concat())["plan"].clone()
    };
    let gas = |plan: &Value| plan["predicted"]["verify_gas"].as_u64().unwrap();
    let cheap = gas(&plan(&["--optimize", "gas"]));
    assert!(gas(&plan(&[])) <= 223_000 && cheap <= gas(&plan(&[])), "{cheap}");
    assert!(gas(&plan(&["--max-gas", &(cheap + 100).to_string()])) <= cheap + 100);

    let desk = Desk::new();
    let input = desk.write("input.json", &first_inference(NAME, &samples(NAME)));
    let words = ["demo", &model(NAME), "--input", text(&input), "--format", "packed"];
    let output = super::call(&words);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report = document(&output.stdout);
    assert_eq!(report["valid"], true);
    assert_eq!(report["tampered"]["name"], "InvalidProof");
    assert!(report["gas_used"].as_u64().unwrap() <= 225_000, "{report}");
}

/// Halo2's raw file of a string whose secret is drawn here and kept nowhere.
fn string(k: u32) -> Vec<u8> {
    use halo2_proofs::{SerdeFormat, halo2curves::bn256::Bn256, poly::kzg::commitment::ParamsKZG};
    let mut bytes = vec![];
    let params = ParamsKZG::<Bn256>::setup(k, rand::rngs::OsRng);
    params.write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
    bytes
}

#[test]
fn whoever_replaces_a_bundle_of_another_key_is_told() {
    let desk = Desk::new();
    let bundle = desk.bundle(NAME);
    let make = |more: &[&str]| {
        let words =
            ["keygen", &model(NAME), "--unsafe-dev-srs", "--out", text(&bundle), "--log", "text"];
        let output = call(&[&words[..], more].concat());
        assert!(output.status.success());
        let digest = document(&output.stdout)["vk_digest"].as_str().unwrap().to_owned();
        (digest, String::from_utf8(output.stderr).unwrap())
    };
    let (packed, said) = make(&[]);
    assert!(!said.contains("replaced"), "{said}");
    let (halo2, said) = make(&["--format", "halo2"]);
    assert_ne!(packed, halo2);
    assert!(
        said.contains(&format!("had a bundle of another key, {packed}, which is replaced")),
        "{said}"
    );
    // What is no proof file is told so in words of proofs.
    let other = fails(&["verify", text(&bundle), &model(NAME)]);
    assert!(other.contains("it is not the JSON that proofs are written in"), "{other}");
}
