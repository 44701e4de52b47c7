//! Jobs that are left to workers with a device; here is none, so one worker of the library says that it has.

use super::*;
use crate::nats::Nats;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use std::thread;
use zkverdict::cluster::{WorkerOptions, work as take_jobs};

#[test]
fn a_worker_without_a_device_does_not_start_as_one_with() {
    let worker = ["worker", "--nats", "nats://127.0.0.1:1", "--gpu"];
    let output = zkverdict(&worker).env("ZKVERDICT_CUDA", "off").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said: Value = serde_json::from_slice(&output.stderr).unwrap();
    let why = if cfg!(feature = "cuda") { "is `off`" } else { "without the feature `cuda`" };
    let error = said["error"].as_str().unwrap();
    assert!(error.starts_with("there is no GPU to prove on") && error.contains(why), "{said}");
    assert!(said["hint"].as_str().unwrap().contains("leave `--gpu` out"), "{said}");
}

#[test]
fn jobs_for_a_device_are_left_to_workers_that_have_one() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof");
    let plain = ["prove", text(bundle("public")), "--input", text(input())];
    let plain = [&plain[..], &["--out", text(&proof), "--nats", &url]].concat();
    let marked = [&plain[..], &["--gpu"]].concat();
    {
        let _worker = Worker::start(&url, &[]);
        let late = error(&[&marked[..], &["--wait", "2"]].concat());
        assert!(late.contains("it is for workers with `--gpu`"), "{late}");
        // One without the mark is another, and does not wait with it.
        run(&plain);
    }
    let stop = Arc::new(AtomicBool::new(false));
    let has_one = WorkerOptions {
        server: options(&url).server,
        memory_bytes: None,
        bundles: folder.path().to_owned(),
        key: None,
        gpu: Some("a stand-in".into()),
        patience: Duration::from_secs(2),
        stop: Arc::clone(&stop),
    };
    /// Also where the test fails: the scope waits for the worker.
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let report = thread::scope(|scope| {
        let told = Stop(&stop);
        let worker = scope.spawn(|| take_jobs(&has_one, &|_| {}).unwrap());
        run(&marked);
        let seen = run(&["jobs", "--nats", &url]);
        // The one that was killed is not forgotten yet.
        let workers = seen["workers"].as_array().unwrap();
        assert!(workers.iter().any(|worker| worker["gpu"] == "a stand-in"), "{seen}");
        let jobs = seen["jobs"].as_array().unwrap();
        let of = |gpu: bool| jobs.iter().find(|job| job["gpu"] == gpu).unwrap();
        assert_eq!((jobs.len(), of(true)["worker"] == of(false)["worker"]), (2, false));
        // It takes what is for everybody too.
        let again = [&plain[..], &["--context", "0x5"]].concat();
        run(&again);
        drop(told);
        worker.join().unwrap()
    });
    assert_eq!(report.proved, 2);
    assert_eq!(run(&["verify", text(bundle("public")), text(&proof)])["valid"], true);
}

#[test]
fn a_batch_goes_through_the_queue_as_one_job() {
    let Some(nats) = Nats::start() else { return };
    let url = nats.url();
    let folder = TempDir::new().unwrap();
    let [keys, batch, proof] = ["b.zkv", "b.json", "p"].map(|name| folder.path().join(name));
    run(&["keygen", MODEL, "--unsafe-dev-srs", "--batch", "3", "--out", text(&keys)]);
    let one: Vec<f64> = serde_json::from_slice(&fs::read(input()).unwrap()).unwrap();
    let three = [1.0, 0.5, -0.25].map(|by| one.iter().map(|x| x * by).collect::<Vec<f64>>());
    fs::write(&batch, serde_json::to_vec(&three).unwrap()).unwrap();
    let _worker = Worker::start(&url, &[]);
    let asked = ["prove", text(&keys), "--input", text(&batch), "--out", text(&proof)];
    let contexts = ["--context", "0x1", "--context", "0x2", "--context", "0x3", "--nats", &url];
    let made = run(&[&asked[..], &contexts].concat());
    assert_eq!(made["inferences"].as_array().unwrap().len(), 3);
    let said = run(&["verify", text(&keys), text(&proof), "--input", text(&batch)]);
    assert_eq!(said["valid"], true);
    let contexts: Vec<_> =
        said["inferences"].as_array().unwrap().iter().map(|one| one["context"].clone()).collect();
    assert_eq!(contexts, [1, 2, 3].map(|number| format!("0x{number:064x}")));
    let seen = run(&["jobs", "--nats", &url]);
    assert_eq!((seen["jobs"].as_array().unwrap().len(), &seen["jobs"][0]["begun"]), (1, &1.into()));
}
