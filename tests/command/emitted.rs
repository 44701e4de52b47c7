//! `prove --emit-jobs`: a graph of commands that any scheduler can run.

use super::{Desk, document, fails, model, run, samples, text};
use serde_json::Value;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

/// Runs what was written, in the order in which it stands, and checks that this is one in which it can be run.
fn run_all(file: &Path) -> Vec<Value> {
    let jobs = document(&fs::read(file).unwrap());
    assert_eq!(jobs["version"], 1);
    let jobs = jobs["jobs"].as_array().unwrap();
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut done = Vec::new();
    for job in jobs {
        assert!(texts(&job["after"]).iter().all(|name| done.contains(name)), "{job}");
        assert!(texts(&job["reads"]).iter().all(|path| Path::new(path).exists()), "{job}");
        assert!(job["seconds"].as_f64().unwrap() > 0.0 && job["memory_bytes"].as_u64() > Some(0));
        let command = texts(&job["command"]);
        assert_eq!(command[0], "zkverdict");
        run(&command[1..].iter().map(String::as_str).collect::<Vec<_>>());
        assert!(texts(&job["writes"]).iter().all(|path| Path::new(path).exists()), "{job}");
        done.push(job["name"].as_str().unwrap().to_owned());
    }
    jobs.clone()
}

#[test]
fn parts_of_a_model_are_jobs_that_meet_in_one_proof() {
    let desk = Desk::new();
    let (keys, file, out) = (desk.path("k.zkv"), desk.path("jobs.json"), desk.path("p.json"));
    let onnx = model("digits_cnn");
    let keygen = ["keygen", &onnx, "--unsafe-dev-srs", "--segments", "2", "--out", text(&keys)];
    run(&keygen);
    let input = desk.write("x.json", format!("{:?}", [0.5; 64]).as_bytes());
    let emit = |file: &Path| {
        let context = ["--context", "0x7", "--emit-jobs", text(file), "--out", text(&out)];
        run(&[&["prove", text(&keys), "--input", text(&input)], &context[..]].concat());
    };
    emit(&file);
    let jobs = run_all(&file);
    let names: Vec<_> = jobs.iter().map(|job| job["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["prove-0-1", "prove-0-2", "join-0", "verify-0"]);
    let said =
        run(&["verify", text(&keys), text(&out), "--context", "0x7", "--input", text(&input)]);
    assert_eq!(said["valid"], true);

    // Proofs of parts in another order, of two inferences, or some of them, are no proof.
    let part = |folder: &str, number: u32| {
        text(&desk.path(folder).join(format!("prove-0-{number}.json"))).to_owned()
    };
    let [one, two] = [1, 2].map(|number| part("jobs.files", number));
    let again = desk.path("again.json");
    emit(&again);
    run_all(&again);
    let other = part("again.files", 2);
    for parts in [&[&two, &one][..], &[&one, &other], &[&one], &[&one, &two, &two]] {
        let mut words = vec!["prove", text(&keys), "--out", text(&out), "--join"];
        words.extend(parts.iter().map(|part| part.as_str()));
        let error = fails(&words);
        assert!(error.contains("do not fit together"), "{error}");
    }
}

#[test]
fn each_inference_of_a_file_is_a_job() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let (file, out) = (desk.path("jobs.json"), desk.path("proofs"));
    let inputs = samples("credit_logreg");
    let words = ["prove", text(&bundle), "--input", &inputs, "--emit-jobs", text(&file)];
    let contexts = ["--context", "0x1", "--context", "0x2", "--context", "0x3"];
    run(&[&words[..], &contexts, &["--out", text(&out)]].concat());
    let jobs = run_all(&file);
    assert_eq!(jobs.len(), 6);
    for number in 0..3 {
        let proof = out.join(format!("{number}.json"));
        let said = run(&["verify", text(&bundle), text(&proof)]);
        assert_eq!(said["context"], format!("0x{:064x}", number + 1));
        let work = desk.path("jobs.files").join(format!("prove-{number}.work"));
        // Whoever has it can prove, and knows the input.
        assert_eq!(fs::metadata(&work).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let error = fails(&[&words[..], &contexts[..4], &["--out", text(&out)]].concat());
    assert!(error.contains("2 contexts are given"), "{error}");
    let broken = desk.write("x.work", b"{\"version\": 1, \"inputs\": [[7]]}");
    let words = ["prove", text(&bundle), "--work", text(&broken), "--out", text(&file)];
    let error = fails(&words);
    assert!(
        error.contains("is no work that `--emit-jobs` wrote") && !error.contains('7'),
        "{error}"
    );
}
