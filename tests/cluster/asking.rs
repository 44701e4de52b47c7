//! The command as its users call it: proofs that workers made, and what there is to see.

use super::*;
use crate::nats::Nats;
use serde_json::json;
use std::{io::Read, thread};

fn prove<'a>(bundle: &'a Path, out: &'a Path, url: &'a str) -> Vec<&'a str> {
    vec!["prove", text(bundle), "--input", text(input()), "--out", text(out), "--nats", url]
}

#[test]
fn proofs_of_workers_are_those_of_the_command() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let [local, queued, again] = ["local", "queued", "again"].map(|name| folder.path().join(name));
    let bundle = bundle("public");
    let context = ["--context", "0x2a"];
    let here = run(&[
        &["prove", text(bundle), "--input", text(input()), "--out", text(&local)][..],
        &context,
    ]
    .concat());
    let kept = folder.path().join("bundles");
    let mut worker =
        Worker::telling(&url, &["--bundles", text(&kept), "--log", "json"], Stdio::piped());
    let there = run(&[prove(bundle, &queued, &url), context.to_vec()].concat());
    for field in ["vk_digest", "instances", "context", "inferences", "format"] {
        assert_eq!(there[field], here[field], "{field}");
    }
    assert_eq!(run(&["verify", text(bundle), text(&queued), "--context", "0x2a"])["valid"], true);
    // The same job is the same: its proof is there already.
    let same = run(&[prove(bundle, &again, &url), context.to_vec()].concat());
    assert_eq!(same["proof"], there["proof"]);

    let seen = run(&["jobs", "--nats", &url]);
    assert_eq!((&seen["queued"], &seen["dead"]), (&json!(0), &json!([])));
    assert_eq!(seen["jobs"].as_array().unwrap().len(), 1);
    assert_eq!((&seen["jobs"][0]["state"], &seen["jobs"][0]["begun"]), (&json!("done"), &json!(1)));
    assert_eq!(seen["workers"][0]["worker"], seen["jobs"][0]["worker"]);
    assert!(seen["jobs"][0].get("proof").is_none());

    // Told to end it ends, and says what it did; the bundle is kept for the next start.
    #[cfg(unix)]
    {
        let id = worker.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(worker.0.wait().unwrap().success());
        let mut told = String::new();
        worker.0.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        let events: Vec<Value> =
            told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let names: Vec<&str> = events.iter().filter_map(|event| event["event"].as_str()).collect();
        assert_eq!(names, ["started", "took", "proved", "ended"], "{told}");
        assert_eq!(run(&["jobs", "--nats", &url])["workers"], json!([]));
    }
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 1);
}

#[test]
fn the_same_job_asked_for_twice_at_once_is_done_once() {
    let Some(nats) = Nats::start() else { return };
    let requester = requester(&nats.url());
    let asked = || requester.prove(&work(7), &|_| {}).unwrap();
    let proofs = thread::scope(|scope| {
        let asking = [scope.spawn(asked), scope.spawn(asked)];
        let _worker = Worker::start(&nats.url(), &[]);
        asking.map(|asking| asking.join().unwrap())
    });
    assert_eq!(proofs[0], proofs[1]);
    let seen = run(&["jobs", "--nats", &nats.url()]);
    assert_eq!((&seen["jobs"][0]["begun"], seen["jobs"].as_array().unwrap().len()), (&json!(1), 1));
}

#[test]
fn private_inputs_are_for_workers_alone() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let [proof, key, other] = ["proof", "key", "other"].map(|name| folder.path().join(name));
    let bundle = bundle("hashed");
    let refused = error(&prove(bundle, &proof, &url));
    assert!(refused.contains("private, hashed or committed, and no key"), "{refused}");
    let public = run(&["worker", "--new-key", text(&key)])["public_key"].clone();
    run(&["worker", "--new-key", text(&other)]);
    // A worker with another key leaves the job to others.
    let _other = Worker::start(&url, &["--key", text(&other)]);
    let sealed =
        [prove(bundle, &proof, &url), vec!["--worker-key", public.as_str().unwrap()]].concat();
    let late = error(&[sealed.clone(), vec!["--wait", "2"]].concat());
    assert!(late.contains("sealed to the key"), "{late}");
    let _worker = Worker::start(&url, &["--key", text(&key)]);
    run(&sealed);
    assert_eq!(run(&["verify", text(bundle), text(&proof)])["valid"], true);
    let seen = run(&["jobs", "--nats", &url]).to_string();

    // The integers as an unsealed job has them are nowhere, and neither is any hash of them but the one that is told.
    let work = work(0);
    let stored = nats.stored();
    let is_stored = |words: &[u8]| stored.windows(words.len()).any(|part| part == words);
    assert!(is_stored(b"sealed_to") && !is_stored(b"\"inputs\":[["));
    assert!(!seen.contains("inputs") && !is_stored(b"blindings"));
    // The test would find them: a job in the clear holds them.
    let requester = requester(&url);
    requester.prove(&work, &|_| {}).unwrap();
    let stored = nats.stored();
    assert!(stored.windows(11).any(|part| part == b"\"inputs\":[["));
}

#[test]
fn jobs_that_are_too_large_wait_for_a_larger_worker() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof");
    let _small = Worker::start(&url, &["--memory", "1000"]);
    let asked = prove(bundle("public"), &proof, &url);
    let late = error(&[asked.clone(), vec!["--wait", "2"]].concat());
    assert!(late.contains("bytes of memory, and workers have 1000"), "{late}");
    let _large = Worker::start(&url, &[]);
    run(&asked);
}

#[test]
fn a_server_that_is_not_there_is_said_without_a_password() {
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof");
    let told = error(&prove(bundle("public"), &proof, "nats://me:secret@127.0.0.1:1"));
    assert!(told.contains("no connection") && told.contains("127.0.0.1:1"), "{told}");
    assert!(!told.contains("secret"), "{told}");
    let creds = folder.path().join("creds");
    fs::write(&creds, "-----BEGIN NATS USER JWT-----\nsecret\n").unwrap();
    let told = error(
        &[prove(bundle("public"), &proof, "nats://127.0.0.1:1"), vec!["--creds", text(&creds)]]
            .concat(),
    );
    assert!(told.contains("no credentials file") && !told.contains("secret"), "{told}");
}

/// The configuration that `examples/cluster` holds: TLS, and no right but those in it.
#[test]
fn the_server_of_the_example_lets_do_what_is_needed() {
    let certificates = format!("{ROOT}/test/fixtures/nats");
    let nats = Nats::with(|listen, store| {
        let example = fs::read_to_string(format!("{ROOT}/examples/cluster/server.conf")).unwrap();
        let config = example
            .replace("0.0.0.0:4222", listen)
            .replace("/var/lib/nats", store)
            .replace("/etc/nats", &certificates);
        assert!(config.contains(listen) && config.contains(store));
        config
    });
    let Some(nats) = nats else { return };
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof");
    let ca = format!("{certificates}/ca.pem");
    let address = |user: &str| format!("tls://{user}@{}", nats.address());
    let (requester, worker) = (address("requester:asks"), address("worker:works"));
    let _worker = Worker::start(&worker, &["--ca", &ca]);
    run(&[prove(bundle("public"), &proof, &requester), vec!["--ca", &ca]].concat());
    let seen = run(&["jobs", "--nats", &requester, "--ca", &ca]);
    assert_eq!(seen["jobs"][0]["state"], "done");
    // Nobody whose certificate goes back to others, and nobody with another password.
    let told = error(&["jobs", "--nats", &requester]);
    assert!(told.contains("no connection"), "{told}");
    let told = error(&["jobs", "--nats", &address("worker:sleeps"), "--ca", &ca]);
    assert!(told.contains("no connection") && !told.contains("sleeps"), "{told}");
}
