//! Proving through a real NATS server, with workers as their users start them. Skipped, with a word on standard error, where
//! there is no server: `script/nats.sh` installs one.
#![cfg(all(feature = "cluster", feature = "cli"))]
#![allow(clippy::unwrap_used)]

mod asking;
mod devices;
mod kills;
mod model;
#[path = "../shared/nats.rs"]
mod nats;
mod overhead;
mod parts;
mod refusals;

use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{LazyLock, OnceLock},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use zkverdict::bundle::{Bundle, Work};
use zkverdict::cluster::{Requester, RequesterOptions, ServerOptions};
use zkverdict::proving::Blindings;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const MODEL: &str = "test/fixtures/models/credit_logreg/int8_qdq.onnx";

/// What every test may use: bundles take longest.
static DESK: LazyLock<TempDir> = LazyLock::new(|| TempDir::new().unwrap());

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn zkverdict(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    // Several work at once here.
    command.current_dir(ROOT).env("RAYON_NUM_THREADS", "1").arg("--json").args(arguments);
    command
}

fn call(arguments: &[&str]) -> Output {
    zkverdict(arguments).output().unwrap()
}

/// The result of a call that must answer yes.
fn run(arguments: &[&str]) -> Value {
    let output = call(arguments);
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {trouble}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What a call that could not tell says.
fn error(arguments: &[&str]) -> String {
    let output = call(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    let error: Value = serde_json::from_slice(&output.stderr).unwrap();
    error["error"].as_str().unwrap().to_owned()
}

/// A bundle of the smallest model there is, as its inputs are told.
fn bundle(visibility: &'static str) -> &'static Path {
    static PUBLIC: OnceLock<PathBuf> = OnceLock::new();
    static HASHED: OnceLock<PathBuf> = OnceLock::new();
    let place = if visibility == "public" { &PUBLIC } else { &HASHED };
    place.get_or_init(|| {
        let path = DESK.path().join(format!("{visibility}.zkv"));
        let told = ["--input-visibility", visibility];
        let keygen =
            ["keygen", MODEL, "--unsafe-dev-srs", "--format", "packed", "--out", text(&path)];
        run(&[&keygen[..], &told].concat());
        path
    })
}

/// An input of the model, as a file.
fn input() -> &'static Path {
    static INPUT: OnceLock<PathBuf> = OnceLock::new();
    INPUT.get_or_init(|| {
        let model = Bundle::open(bundle("public")).unwrap().model().unwrap();
        let length = model.graph.tensors[model.inputs[0].tensor.0].len();
        let floats: Vec<f64> = (0..length).map(|at| at as f64 / 8.0 - 1.0).collect();
        let path = DESK.path().join("input.json");
        fs::write(&path, serde_json::to_vec(&floats).unwrap()).unwrap();
        path
    })
}

/// The same input for the library, bound to a context.
fn work(context: u64) -> Work {
    static LENGTH: LazyLock<i32> = LazyLock::new(|| {
        let model = Bundle::open(bundle("public")).unwrap().model().unwrap();
        i32::try_from(model.graph.tensors[model.inputs[0].tensor.0].len()).unwrap()
    });
    Work {
        inputs: vec![(0..*LENGTH).map(|at| at % 100).collect()],
        contexts: vec![context.into()],
        commitments: Vec::new(),
        blindings: Blindings::draw(0),
        weights: None,
    }
}

fn options(url: &str) -> RequesterOptions {
    RequesterOptions {
        server: ServerOptions { url: url.into(), credentials: None, ca: None },
        worker_key: None,
        gpu: false,
        wait: Duration::from_secs(240),
    }
}

fn requester(url: &str) -> Requester {
    Requester::open(&Bundle::open(bundle("public")).unwrap(), 1 << 20, options(url)).unwrap()
}

/// A worker, which ends when this is dropped.
struct Worker(Child);

impl Worker {
    fn start(url: &str, arguments: &[&str]) -> Self {
        Self::telling(url, arguments, Stdio::null())
    }

    fn telling(url: &str, arguments: &[&str], told: impl Into<Stdio>) -> Self {
        let worker = ["worker", "--nats", url, "--patience", "2"];
        let mut command = zkverdict(&[&worker[..], arguments].concat());
        Self(command.stdout(Stdio::null()).stderr(told).spawn().unwrap())
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until something is so.
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what} never happened");
        std::thread::sleep(Duration::from_millis(50));
    }
}
