//! What the command says of itself, and of mistakes.

use super::{Desk, call, document, fails, model, run, text};
use serde_json::Value;
use std::{fs, process::Command};

#[test]
fn completions_and_manual_know_every_verb() {
    let help = Command::new(env!("CARGO_BIN_EXE_zkverdict")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed = help.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let verbs: Vec<&str> =
        listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let verbs: Vec<&str> = verbs.into_iter().filter(|verb| !["", "help"].contains(verb)).collect();
    assert!(verbs.len() > 15, "{verbs:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell])["script"].as_str().unwrap().to_owned();
        assert!(verbs.iter().all(|verb| script.contains(verb)), "{shell}");
    }
    let desk = Desk::new();
    let script = run(&["completions", "bash"])["script"].as_str().unwrap().to_owned();
    let script = desk.write("completions", script.as_bytes());
    assert!(Command::new("bash").arg("-n").arg(script).status().unwrap().success());
    let pages = run(&["man", "--out", text(&desk.path("man"))])["files"].clone();
    let pages: Vec<&str> = pages.as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    for verb in verbs {
        let page = pages.iter().find(|page| page.ends_with(&format!("/zkverdict-{verb}.1")));
        let page = fs::read_to_string(page.unwrap_or_else(|| panic!("{verb}: {pages:?}"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{verb}");
    }
}

#[test]
fn help_says_where_strings_are_to_be_had_and_what_is_read_from_the_environment() {
    let help = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_zkverdict")).args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).unwrap()
    };
    let keygen = help(&["keygen", "--help"]);
    assert!(keygen.contains("powersOfTau28_hez_final") && keygen.contains("https://"), "{keygen}");
    assert!(keygen.contains("Examples:"), "{keygen}");
    for words in [&["--help"][..], &["deploy", "--help"]] {
        assert!(help(words).contains("ZKVERDICT_PRIVATE_KEY"), "{words:?}");
    }
}

#[test]
fn errors_and_exit_codes_are_explained() {
    let told = run(&["explain", "0x09bde339"]);
    assert_eq!(told["meanings"][0]["error"], "InvalidProof()");
    assert_eq!(told["meanings"][0]["meaning"], "The proof does not prove the instances.");
    assert_eq!(run(&["explain", "1"])["meanings"][0]["exit_code"], 1);
    let output = call(&["explain", "InvalidProoof"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(document(&output.stderr)["hint"], "did you mean `InvalidProof`?");
    assert!(fails(&["explain", "0x12345678"]).contains("0x12345678"));
}

#[test]
fn doctor_says_what_is_here_and_tells_no_secret() {
    let secret = "0x00000000000000000000000000000000000000000000000000000000deadbeef";
    let mut doctor = super::command(&["doctor"]);
    let output = doctor.env("ZKVERDICT_PRIVATE_KEY", secret).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report = document(&output.stdout);
    let of = |what: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["what"] == what).unwrap_or(&Value::Null).clone()
    };
    let compiler = of("compiler");
    assert_eq!(compiler["state"], "here");
    assert!(compiler["found"].as_str().unwrap().starts_with("solc 0.8."), "{compiler}");
    assert!(of("string")["hint"].as_str().unwrap().contains("powersOfTau28_hez_final"));
    assert!(of("signing")["found"].as_str().unwrap().contains("ZKVERDICT_PRIVATE_KEY"));
    assert!(!report.to_string().contains("deadbeef"));
}

#[test]
fn mistyped_names_are_told_the_nearest() {
    let desk = Desk::new();
    let model = model("credit_logreg");
    let input = run(&["inspect", &model])["inputs"][0]["name"].as_str().unwrap().to_owned();
    let mistyped = format!("{{\"{input}s\": [0]}}");
    let file = desk.write("x.json", mistyped.as_bytes());
    let output = call(&["run", &model, "--input", text(&file)]);
    assert_eq!(output.status.code(), Some(2));
    let hint = document(&output.stderr)["hint"].clone();
    assert_eq!(hint, format!("did you mean `{input}`?"));
}

/// Off a terminal nothing is said beside the result; with `--log` everything is, in lines.
#[test]
fn a_log_has_stages_warnings_and_hints_where_nobody_watches() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let model = model("credit_logreg");
    let said = |words: &[&str]| -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_zkverdict")).args(words).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let lines = |words: &[&str]| -> Vec<Value> {
        said(words).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let of = |lines: &[Value], event: &str| -> Vec<Value> {
        lines.iter().filter(|line| line["event"] == event).cloned().collect()
    };
    let keygen = ["keygen", &model, "--unsafe-dev-srs", "--out", text(&bundle), "--log", "json"];
    let told = lines(&keygen);
    let stages = of(&told, "stage");
    assert!(!stages.is_empty() && stages.len() == of(&told, "done").len(), "{told:?}");
    assert!(of(&told, "done").iter().all(|done| done["seconds"].is_f64()), "{told:?}");
    // Whoever verifies under a string of which the secret is known is warned.
    let proof = desk.proof(&bundle, "credit_logreg");
    let told = lines(&["verify", text(&bundle), text(&proof), "--log", "json"]);
    assert!(of(&told, "warning")[0]["message"].as_str().unwrap().contains("forge"), "{told:?}");
    // A hint comes after its error, which the text of the error is not part of.
    let told = lines(&["keygen", &model, "--log", "json"]);
    assert!(of(&told, "hint")[0]["message"].as_str().unwrap().contains("--srs FILE"), "{told:?}");
    let text = said(&["keygen", &model, "--log", "text"]);
    assert!(text.contains("error: structured") && text.contains(" hint message="), "{text}");
    let text = said(&["keygen", &model]);
    assert!(text.starts_with("error: structured") && text.lines().count() == 1, "{text}");
}
