//! The command as its users call it: exit codes, JSON, errors.
#![cfg(all(feature = "compile", feature = "chain", feature = "cli"))]
#![allow(clippy::unwrap_used)]

mod batches;
mod budgets;
mod claims;
mod committed;
mod emitted;
mod figures;
mod formats;
mod hashed;
mod help;
#[path = "../shared/hostile_names.rs"]
mod hostile;
mod names;
#[path = "../shared/onnx.rs"]
mod onnx;
mod pages;
mod parts;
mod programs;
mod provers;
mod schema;
mod trust;
mod weights;

use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A folder of the test's own, with the command run in the repository.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn bundle(&self, name: &str) -> PathBuf {
        self.bundle_with(name, &[])
    }

    fn bundle_with(&self, name: &str, more: &[&str]) -> PathBuf {
        let bundle = self.path(&format!("{name}.zkv"));
        let words = ["keygen", &model(name), "--unsafe-dev-srs", "--out", text(&bundle)];
        let out = run(&[&words[..], more].concat());
        assert_eq!(out["bundle"], text(&bundle));
        bundle
    }

    fn proof(&self, bundle: &Path, name: &str) -> PathBuf {
        let proof = self.path(&format!("{name}.proof.json"));
        let input = samples(name);
        // The first of the samples: a proof holds one inference.
        let input = self.write("input.json", &first_inference(name, &input));
        run(&["prove", text(bundle), "--input", text(&input), "--out", text(&proof)]);
        proof
    }
}

/// What a call said, which has to show all that is in it.
fn said(output: &Output) -> String {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(hostile::shows_all(&said), "{}", said.escape_debug());
    assert!(matches!(output.status.code(), Some(0 | 2)), "{:?}: {said}", output.status);
    said
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn model(name: &str) -> String {
    format!("{ROOT}/test/fixtures/models/{name}/int8_qdq.onnx")
}

fn samples(name: &str) -> String {
    format!("{ROOT}/test/fixtures/models/{name}/samples.npy")
}

/// The first row of a float32 `.npy` file, as JSON.
fn first_inference(name: &str, samples: &str) -> Vec<u8> {
    let bytes = fs::read(samples).unwrap();
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let length = if name == "digits_mlp" { 64 } else { 30 };
    let floats: Vec<f32> = (bytes[header..].chunks_exact(4).take(length))
        .map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()))
        .collect();
    serde_json::to_vec(&floats).unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    command.current_dir(ROOT).env_remove("ZKVERDICT_PRIVATE_KEY").arg("--json").args(arguments);
    command
}

fn call(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn document(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

/// The result of a call that must answer yes.
fn run(arguments: &[&str]) -> Value {
    let output = call(arguments);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {trouble}");
    assert_eq!(trouble, "", "{arguments:?}");
    document(&output.stdout)
}

/// The result of a call that must answer no.
fn refused(arguments: &[&str]) -> Value {
    let output = call(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    document(&output.stdout)
}

/// The error of a call that cannot tell.
fn fails(arguments: &[&str]) -> String {
    let output = call(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    let error = document(&output.stderr);
    assert!(error.get("hint").is_some(), "{error}");
    error["error"].as_str().unwrap().to_owned()
}

#[test]
fn path_from_model_to_verdict() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let proof = desk.proof(&bundle, "credit_logreg");
    let (bundle, proof) = (text(&bundle), text(&proof));

    let proved = document(&fs::read(proof).unwrap());
    for field in ["vk_digest", "proof", "context", "calldata"] {
        assert!(proved[field].as_str().unwrap().starts_with("0x"), "{field}");
    }
    let input = desk.path("input.json");
    let reference = run(&["run", &model("credit_logreg"), "--input", text(&input)]);
    assert_eq!(proved["inferences"], reference["inferences"]);

    assert_eq!(run(&["verify", bundle, proof])["valid"], true);

    let rendered = run(&["render", bundle]);
    assert_eq!(rendered["name"], "CreditLogregVerifier");
    for field in ["contract", "standard_json", "abi", "io", "interface"] {
        assert!(Path::new(rendered[field].as_str().unwrap()).is_file(), "{field}");
    }

    let gas = run(&["gas", bundle, proof]);
    assert_eq!(gas["fork"], "osaka");
    assert_eq!(gas["runtime_bytes"], rendered["runtime_bytes"]);
    let sum = gas["intrinsic"].as_u64().unwrap() + gas["execution"].as_u64().unwrap();
    assert_eq!(gas["total"], sum);

    let deployed = run(&["deploy", bundle]);
    assert_eq!(deployed["already_deployed"], false);
    assert_eq!(deployed["chain_id"], 31337);

    let submitted = run(&["submit", bundle, proof]);
    assert_eq!(submitted["valid"], true);
    assert_eq!(submitted["gas_used"], gas["total"]);
    assert_eq!(submitted["outputs"], proved["inferences"][0]["outputs"]);
}

#[test]
fn stripped_proof_file_is_enough_and_a_changed_one_is_refused() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let proof = desk.proof(&bundle, "credit_logreg");
    let whole = document(&fs::read(&proof).unwrap());
    let mut stripped = json!({
        "vk_digest": whole["vk_digest"], "proof": whole["proof"], "instances": whole["instances"],
    });
    let file = desk.write("stripped.json", stripped.to_string().as_bytes());
    let bundle = text(&bundle);
    assert_eq!(run(&["verify", bundle, text(&file)])["valid"], true);
    assert_eq!(run(&["gas", bundle, text(&file)])["call"]["accepted"], true);

    // The modulus itself: zero again, to whoever reduces.
    stripped["instances"][0] =
        json!("0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
    desk.write("stripped.json", stripped.to_string().as_bytes());
    assert_eq!(refused(&["verify", bundle, text(&file)])["valid"], false);
    let submitted = refused(&["submit", bundle, text(&file)]);
    assert_eq!(submitted["valid"], false);
    assert!(submitted["error"].to_string().contains("ScalarOutOfRange"), "{submitted}");

    stripped["instances"].as_array_mut().unwrap().pop();
    desk.write("stripped.json", stripped.to_string().as_bytes());
    assert_eq!(refused(&["verify", bundle, text(&file)])["valid"], false);
}

#[test]
fn proof_for_another_bundle_is_refused() {
    let desk = Desk::new();
    let (credit, diagnosis) = (desk.bundle("credit_logreg"), desk.bundle("diagnosis_mlp"));
    let proof = desk.proof(&credit, "credit_logreg");
    assert_eq!(refused(&["verify", text(&diagnosis), text(&proof)])["valid"], false);
}

#[test]
fn certificate_is_written_for_the_keys_own_model_alone() {
    let desk = Desk::new();
    let (bundle, out) = (desk.bundle("credit_logreg"), desk.path("certificate.json"));
    let (bundle, out) = (text(&bundle), text(&out));
    let other = refused(&["certify", bundle, "--model", &model("diagnosis_mlp"), "--out", out]);
    assert_eq!(other["holds"], false);
    assert!(other["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{other}");
    assert!(!Path::new(out).exists());
    let own = run(&["certify", bundle, "--model", &model("credit_logreg"), "--out", out]);
    assert_eq!(own["holds"], true);
    assert!(own["counts"]["outputs"].as_u64().is_some_and(|outputs| outputs > 0), "{own}");
    let manifest: Value =
        serde_json::from_slice(&fs::read(Path::new(bundle).join("bundle.json")).unwrap()).unwrap();
    assert_eq!(own["vk_digest"], manifest["vk_digest"]);
    assert_eq!(serde_json::from_slice::<Value>(&fs::read(out).unwrap()).unwrap(), own);
}

#[test]
fn context_is_the_first_instance() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    desk.proof(&bundle, "credit_logreg");
    let (input, proof) = (desk.path("input.json"), desk.path("bound.json"));
    let context = format!("0x{:064x}", 0xABCD);
    let words = ["--input", text(&input), "--out", text(&proof), "--context", &context];
    let proved = run(&[&["prove", text(&bundle)], &words[..]].concat());
    assert_eq!(proved["context"], context);
    assert_eq!(proved["instances"][0], context);
    assert_eq!(run(&["verify", text(&bundle), text(&proof)])["valid"], true);

    let modulus = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
    let words = ["--input", text(&input), "--out", text(&proof), "--context", modulus];
    assert!(fails(&[&["prove", text(&bundle)], &words[..]].concat()).contains("--context"));
}

#[test]
fn inspect_says_what_it_will_cost() {
    let own = run(&["inspect", &model("digits_mlp")]);
    assert!(own["plan"]["predicted"]["verify_gas"].as_u64().unwrap() <= 223_000, "{own}");
    let report = run(&["inspect", &model("digits_mlp"), "--format", "halo2"]);
    assert_eq!(report["model"], "digits_mlp");
    assert_eq!(report["operators"], json!({ "QGemm": 3 }));
    assert_eq!((&report["parameters"], &report["macs"]), (&json!(6570), &json!(6464)));
    assert_eq!(report["inputs"][0]["shape"], json!([1, 64]));
    let plan = &report["plan"];
    assert_eq!(plan["instances"], 5);
    assert_eq!((&plan["fits"], &plan["k_needed"]), (&json!(true), &plan["k"]));
    let by_node = plan["by_node"].as_array().unwrap();
    let rows = by_node.iter().map(|node| node["rows"].as_u64().unwrap()).sum::<u64>();
    assert_eq!(plan["rows_needed"], rows);
    assert!(rows <= plan["rows"].as_u64().unwrap() && by_node.len() >= 3, "{plan}");
    let frontier = plan["frontier"].as_array().unwrap();
    assert_eq!(frontier[0]["k"], plan["k"]);
    // What the other format would cost stands beside it.
    let packed = frontier.last().unwrap();
    assert_eq!((&frontier[0]["format"], &packed["format"]), (&json!("halo2"), &json!("packed")));
    assert_eq!(packed["verify_gas"], own["plan"]["predicted"]["verify_gas"]);
    for field in ["prove_seconds", "memory_bytes", "proof_bytes", "verify_gas", "runtime_bytes"] {
        assert!(plan["predicted"][field].as_f64().unwrap() > 0.0, "{field}");
    }
}

#[test]
fn wishes_are_kept_or_refused() {
    let model = model("digits_mlp");
    let plan = |words: &[&str]| run(&[&["inspect", &model], words].concat())["plan"].clone();
    let gas = |plan: &Value| plan["predicted"]["verify_gas"].as_u64().unwrap();
    let (fast, cheap) = (plan(&[]), plan(&["--optimize", "gas"]));
    assert!(gas(&cheap) <= gas(&fast));
    assert_eq!(plan(&["--k", "12"])["k"], 12);
    let bound = (gas(&cheap) + 1).to_string();
    assert_eq!(plan(&["--max-gas", &bound]), plan(&["--max-gas", &bound, "--optimize", "speed"]));
    assert!(gas(&plan(&["--max-gas", &bound])) <= gas(&cheap));
    // Bounds of memory and time leave another goal's plan, or none, and an error says what would do.
    let figure = |plan: &Value, name: &str| plan["predicted"][name].as_f64().unwrap();
    let small = plan(&["--optimize", "memory"]);
    let bytes = figure(&small, "memory_bytes");
    assert!(bytes < figure(&fast, "memory_bytes"));
    assert_eq!(plan(&["--max-memory", &bytes.to_string()])["k"], small["k"]);
    let error = fails(&["inspect", &model, "--max-memory", &(bytes - 1.0).to_string()]);
    assert!(error.contains(&format!("takes about {bytes} bytes of memory")), "{error}");
    let seconds = figure(&fast, "prove_seconds").to_string();
    assert_eq!(plan(&["--max-seconds", &seconds])["k"], fast["k"]);
    let both = ["inspect", &model, "--max-seconds", "0.001", "--max-gas", "100000"];
    let error = fails(&both);
    assert!(error.contains(" gas, more than the 100000 gas asked for, and 0."), "{error}");
    assert!(fails(&["inspect", &model, "--max-seconds", "0"]).contains("seconds above 0"));
    assert!(fails(&["inspect", &model, "--max-k", "9"]).contains("k = "));
    assert!(fails(&["inspect", &model, "--max-gas", "100000"]).contains("100000"));
}

#[test]
fn bad_inputs_get_one_clear_error() {
    let desk = Desk::new();
    let model = model("credit_logreg");
    let run_on = |content: &str| {
        let file = desk.write("x.json", content.as_bytes());
        fails(&["run", &model, "--input", text(&file)])
    };
    assert!(run_on("[1, 2, 3]").contains("expected"));
    assert!(run_on("[1e999]").contains("x.json"));
    assert!(run_on("not json").contains("x.json"));
    assert!(run_on("{\"other\": [0]}").contains("x.json"));
    assert!(fails(&["run", &model, "--input", "nowhere.json"]).contains("nowhere.json"));
    let onnx = fs::read(&model).unwrap();
    let truncated = desk.write("truncated.onnx", &onnx[..onnx.len() / 2]);
    assert!(fails(&["inspect", text(&truncated)]).contains("truncated.onnx"));
    assert!(fails(&["inspect", "nowhere.onnx"]).contains("nowhere.onnx"));
}

#[test]
fn damaged_bundle_is_refused() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let proof = desk.proof(&bundle, "credit_logreg");
    for name in ["bundle.json", "srs.bin", "vk.bin"] {
        let file = bundle.join(name);
        let good = fs::read(&file).unwrap();
        let mut bad = good.clone();
        let middle = bad.len() / 2;
        bad[middle] ^= 1;
        fs::write(&file, &bad).unwrap();
        let error = fails(&["verify", text(&bundle), text(&proof)]);
        assert!(error.contains("damaged"), "{name}: {error}");
        fs::write(&file, &good[..middle]).unwrap();
        fails(&["verify", text(&bundle), text(&proof)]);
        fs::write(&file, &good).unwrap();
    }
    assert_eq!(run(&["verify", text(&bundle), text(&proof)])["valid"], true);
    let other = desk.path("other");
    fs::create_dir(&other).unwrap();
    assert!(fails(&["verify", text(&other), text(&proof)]).contains("not a bundle"));
    // A folder that is something else is never replaced.
    let words = ["--unsafe-dev-srs", "--out", text(&other)];
    let model = model("credit_logreg");
    let keygen = [&["keygen", &model], &words[..]].concat();
    assert!(fails(&keygen).contains("not a bundle"));
}

#[test]
fn keygen_wants_a_string_and_checks_it() {
    let desk = Desk::new();
    let model = model("credit_logreg");
    let out = desk.path("out.zkv");
    fails(&["keygen", &model, "--out", text(&out)]);
    let noise = desk.write("noise.srs", &[7; 4096]);
    let error = fails(&["keygen", &model, "--srs", text(&noise), "--out", text(&out)]);
    assert!(error.contains("noise.srs"), "{error}");
    assert!(!out.exists());
}

#[cfg(unix)]
#[test]
fn interrupted_keygen_leaves_nothing() {
    let desk = Desk::new();
    let folder = desk.path("out");
    fs::create_dir(&folder).unwrap();
    let bundle = folder.join("lenet5.zkv");
    let arguments = ["keygen", &model("lenet5"), "--unsafe-dev-srs", "--out", text(&bundle)];
    let mut keygen = command(&arguments).spawn().unwrap();
    // The bundle is being written as soon as something is there.
    while fs::read_dir(&folder).unwrap().next().is_none() {
        assert_eq!(keygen.try_wait().unwrap(), None, "keygen ended before it wrote");
        std::thread::yield_now();
    }
    let interrupt = Command::new("kill").args(["-INT", &keygen.id().to_string()]).status();
    assert!(interrupt.unwrap().success());
    let status = keygen.wait().unwrap();
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    // If keygen was quicker than the signal, the bundle is whole.
    if status.success() || bundle.exists() {
        assert_eq!(left, std::slice::from_ref(&bundle));
        run(&["render", text(&bundle)]);
    } else {
        assert_eq!(status.code(), Some(130));
        assert_eq!(left, Vec::<PathBuf>::new());
    }
}

#[test]
fn no_compiler_is_said_where() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let error = fails(&["render", text(&bundle), "--solc", "no/such/solc"]);
    assert!(error.contains("no/such/solc"), "{error}");
}

#[test]
fn demo_walks_the_whole_path() {
    let report = run(&["demo"]);
    assert_eq!(report["model"], "digits_mlp");
    assert_eq!(report["valid"], true);
    assert_eq!(report["gas_used"], report["verify_gas"]);
    assert!(report["tampered"].to_string().contains("InvalidProof"), "{report}");
}

#[test]
fn bench_gives_a_row_per_model() {
    let rows = run(&["bench", "--proofs", "1", &model("credit_logreg"), &model("digits_mlp")]);
    assert_eq!(rows.as_array().unwrap().len(), 2);
    assert_eq!(rows[1]["model"], "digits_mlp");
    let fields = [
        "k",
        "keygen_seconds",
        "prove_seconds",
        "prove_cpu_seconds",
        "verify_seconds",
        "pk_bytes",
        "vk_bytes",
    ];
    for field in fields {
        assert!(rows[0][field].as_f64().unwrap() > 0.0, "{field}");
    }
}
