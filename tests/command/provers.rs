//! `prove` with the provers and random values that are asked for.

use super::{Desk, fails, run, text};
use serde_json::Value;

#[test]
fn every_prover_is_believed_and_seeds_make_proofs_equal() {
    let desk = Desk::new();
    let bundle = desk.bundle_with("credit_logreg", &["--format", "halo2"]);
    desk.proof(&bundle, "credit_logreg");
    let (input, out) = (desk.path("input.json"), desk.path("again.json"));
    let words = ["prove", text(&bundle), "--input", text(&input), "--out", text(&out)];
    let prove = |more: &[&str]| -> Value {
        let proved = run(&[&words[..], more].concat());
        assert_eq!(run(&["verify", text(&bundle), text(&out)])["valid"], true, "{more:?}");
        proved["proof"].clone()
    };
    let seed = format!("0x{}", "5a".repeat(32));
    let own = prove(&["--seed", &seed]);
    assert_eq!(own, prove(&["--prover", "own", "--seed", &seed]));
    assert_eq!(own, prove(&["--prover", "portable", "--seed", &seed]));
    assert_ne!(own, prove(&["--seed", &seed.replace("5a", "5b")]));
    assert_ne!(prove(&[]), prove(&[]));
    assert_ne!(own, prove(&["--prover", "stock"]));

    let refused = |more: &[&str]| fails(&[&words[..], more].concat());
    assert!(refused(&["--prover", "stock", "--seed", &seed]).contains("takes no seed"));
    assert!(refused(&["--seed", "0x12"]).contains("64 hexadecimal digits"));
    assert!(refused(&["--prover", "other"]).contains("other"));
}

#[test]
fn a_bad_input_is_told_before_any_key_is_made() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let input = desk.write("input.json", b"[1, 2]");
    // Without its key's file a bundle proves nothing; the input is looked at before.
    std::fs::remove_file(bundle.join("vk.bin")).unwrap();
    let out = desk.path("proof.json");
    let words = ["prove", text(&bundle), "--input", text(&input), "--out", text(&out)];
    let error = fails(&words);
    assert!(!error.contains("vk.bin"), "{error}");
    assert!(!out.exists());
}

#[cfg(unix)]
#[test]
fn prove_stopped_at_any_time_leaves_a_whole_proof_or_nothing() {
    use super::command;
    use std::{fs, process::Command, thread, time::Duration};

    let desk = Desk::new();
    let bundle = desk.bundle("digits_mlp");
    desk.proof(&bundle, "digits_mlp");
    let (input, folder) = (desk.path("input.json"), desk.path("out"));
    fs::create_dir(&folder).unwrap();
    let out = folder.join("proof.json");
    let words = ["prove", text(&bundle), "--input", text(&input), "--out", text(&out)];
    for (round, wait) in (0..10).map(|round| (round, Duration::from_millis(15 * round))) {
        let mut prove = command(&words).spawn().unwrap();
        thread::sleep(wait);
        let signal = ["-INT", "-TERM"][round as usize % 2];
        let sent = Command::new("kill").args([signal, &prove.id().to_string()]).status();
        assert!(sent.unwrap().success());
        let status = prove.wait().unwrap();
        let left: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        if status.success() || out.exists() {
            assert_eq!(left, std::slice::from_ref(&out));
            assert_eq!(run(&["verify", text(&bundle), text(&out)])["valid"], true);
            fs::remove_file(&out).unwrap();
        } else {
            assert!(left.is_empty(), "{left:?}");
        }
    }
}
