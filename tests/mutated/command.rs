//! Bundles and proof files, through the command.

use super::{ROOT, Watch, is_long_run, mutation::Mutations, tried};
use sha3::{Digest, Keccak256};
use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

const MODEL: &str = "test/fixtures/models/credit_logreg/int8_qdq.onnx";

/// Runs the command with a gigabyte of address space.
fn zkverdict(arguments: &[&str]) -> Output {
    let limit = if is_long_run() { "ulimit -v 1048576; " } else { "" };
    let script = format!("{limit}exec \"$0\" \"$@\"");
    let command = ["-c", &script, env!("CARGO_BIN_EXE_zkverdict")];
    Command::new("sh").current_dir(ROOT).args(command).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A bundle and a proof under it, of a format.
fn honest(folder: &Path, format: &str) -> (PathBuf, PathBuf) {
    let (bundle, input, proof) =
        (folder.join("b.zkv"), folder.join("x.json"), folder.join("p.json"));
    std::fs::write(&input, format!("{:?}", [0.5; 30])).unwrap();
    let keygen = ["keygen", MODEL, "--unsafe-dev-srs", "--format", format, "--out", text(&bundle)];
    let made = zkverdict(&keygen);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let prove = ["prove", text(&bundle), "--input", text(&input), "--out", text(&proof)];
    assert!(zkverdict(&prove).status.success());
    assert!(zkverdict(&["verify", text(&bundle), text(&proof)]).status.success());
    (bundle, proof)
}

/// What `verify` says about files that were changed: no, or an error that no panic has made.
fn judge(what: &str, arguments: &[&str], may_be_valid: bool, longest: &mut [Duration; 2]) {
    let watch = Watch::start();
    let output = zkverdict(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let is_answer = match output.status.code() {
        Some(0) => may_be_valid,
        Some(1 | 2) => !said.contains("panicked"),
        _ => false,
    };
    assert!(is_answer, "{what}: {:?}, {said}", output.status);
    let took = watch.took();
    assert!(!watch.is_too_long(), "{what}: {took:?}");
    *longest = [0, 1].map(|of| longest[of].max(took[of]));
}

fn keep(what: &str, bytes: &[u8]) -> PathBuf {
    let kept = std::env::temp_dir().join(format!("zkverdict-mutated-{what}"));
    std::fs::write(&kept, bytes).unwrap();
    kept
}

/// Proof files of a format, a few or those that are asked for.
fn proof_files_of(format: &str, target: &str, few: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, proof) = honest(folder.path(), format);
    let seed = std::fs::read(&proof).unwrap();
    let (tried, mut longest) = (tried(few), [Duration::ZERO; 2]);
    let mutations = Mutations::new(target, vec![seed]).enumerate();
    for (i, bytes) in mutations.skip(tried.start).take(tried.len()) {
        std::fs::write(&proof, &bytes).unwrap();
        let kept = keep(target, &bytes);
        // Changes of what is not looked at change nothing.
        judge(
            &format!("{target} {i}, {}", kept.display()),
            &["verify", text(&bundle), text(&proof)],
            true,
            &mut longest,
        );
    }
    println!("{target}: {tried:?}, {longest:?} at most");
}

#[test]
fn proof_files() {
    proof_files_of("halo2", "proof", 40);
}

#[test]
fn packed_proof_files() {
    proof_files_of("packed", "packed-proof", 40);
}

/// Keccak-256 as bundles have it.
fn checksum(bytes: &[u8]) -> String {
    let digits: String =
        Keccak256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

/// JSON without what stands between its values.
fn compact(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    json.chars()
        .filter(|&c| {
            let keeps = inside || !c.is_whitespace();
            inside ^= c == '"' && !escaped;
            escaped = inside && c == '\\' && !escaped;
            keeps
        })
        .collect()
}

/// A manifest that tells these bytes for a file and has the right checksum, as whoever can write files can make it.
/// None where it has no place for a checksum.
fn seal(manifest: &str, before: &[u8], after: &[u8]) -> Option<String> {
    let manifest = manifest.replace(&checksum(before), &checksum(after));
    let (head, tail) = manifest.rsplit_once("\"checksum\": \"")?;
    let (_, rest) = tail.split_once('"')?;
    let unsealed = format!("{head}\"checksum\": \"\"{rest}");
    let sum = checksum(compact(&unsealed).as_bytes());
    Some(format!("{head}\"checksum\": \"{sum}\"{rest}"))
}

/// Bundles of a format with the right checksums, a few or those that are asked for.
fn bundles_of(format: &str, target: &str, few: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, proof) = honest(folder.path(), format);
    let (input, other) = (folder.path().join("x.json"), folder.path().join("other.json"));
    let place = |name: &str| bundle.join(name);
    let manifest = std::fs::read_to_string(place("bundle.json")).unwrap();
    let sealed = seal(&manifest, b"-", b"-");
    assert_eq!(sealed.as_ref(), Some(&manifest), "this is how bundles are sealed");
    let names = ["srs.bin", "vk.bin", "model.onnx", "bundle.json"];
    let files = names.map(|name| std::fs::read(place(name)).unwrap());
    let mut mutations = Mutations::new(target, files.to_vec());
    let (tried, mut longest) = (tried(few), [Duration::ZERO; 2]);
    for i in 0..tried.end {
        let at = mutations.below(names.len());
        let mut bytes = files[at].clone();
        mutations.change(&mut bytes);
        if i < tried.start {
            continue;
        }
        let kept = keep(target, &bytes);
        std::fs::write(place(names[at]), &bytes).unwrap();
        if names[at] == "bundle.json" {
            let text = String::from_utf8(bytes).ok();
            if let Some(sealed) = text.and_then(|text| seal(&text, b"-", b"-")) {
                std::fs::write(place(names[at]), sealed).unwrap();
            }
        } else {
            let sealed = seal(&manifest, &files[at], &bytes).unwrap();
            std::fs::write(place("bundle.json"), sealed).unwrap();
        }
        let what = format!("{target} {i}, {} as in {}", names[at], kept.display());
        // The same key and string make the same verdicts, whatever else is different.
        judge(&what, &["verify", text(&bundle), text(&proof)], true, &mut longest);
        if i % 8 == 0 {
            let prove = ["prove", text(&bundle), "--input", text(&input), "--out", text(&other)];
            judge(&what, &prove, true, &mut longest);
        }
        for (name, bytes) in names.iter().zip(&files) {
            std::fs::write(place(name), bytes).unwrap();
        }
    }
    println!("{target}: {tried:?}, {longest:?} at most");
}

#[test]
fn bundles_with_the_right_checksums() {
    bundles_of("halo2", "bundle", 60);
}

#[test]
fn packed_bundles_with_the_right_checksums() {
    bundles_of("packed", "packed-bundle", 60);
}

#[test]
fn bundle_that_claims_more_instances_than_memory_holds_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let (bundle, proof) = honest(folder.path(), "halo2");
    let place = bundle.join("bundle.json");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&place).unwrap()).unwrap();
    let layout = &mut manifest["layout"];
    layout["inferences"] = 65_536.into();
    layout["inputs"] = vec![layout["inputs"][0].clone(); 5_000].into();
    std::fs::write(&place, manifest.to_string()).unwrap();
    let script = "ulimit -v 2097152; exec \"$0\" verify \"$1\" \"$2\"";
    let command = ["-c", script, env!("CARGO_BIN_EXE_zkverdict"), text(&bundle), text(&proof)];
    let output = Command::new("sh").args(command).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("bundle.json"), "{said}");
}
