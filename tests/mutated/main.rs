//! Mutated files of every kind that comes from outside: each gives an answer or an error.
//!
//! A few of each in every test run, from a seeded generator; `MUTATIONS=10000 cargo test --release --test mutated` makes as
//! many of each, and also asks that none takes longer than five seconds or a gigabyte (`script/fuzz.sh mutations`).
//! A file that fails is kept in the folder for temporary files.

#![allow(clippy::unwrap_used)]

#[cfg(all(unix, feature = "compile", feature = "chain"))]
mod command;
mod mutation;
#[cfg(feature = "chain")]
mod rpc;

use mutation::{Mutations, seeds};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::{Duration, Instant},
};
use zkverdict::{
    Wishes,
    circuit::ModelCircuit,
    model::{
        ImportOptions, InputFormat, Model,
        quantize::{Examples, QuantizeOptions},
    },
    proving::Srs,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// What one file may take where many are tried.
const LONGEST: Duration = Duration::from_secs(5);
const MOST_MEMORY: u64 = 1 << 30;

/// How many files are tried: as many as are asked for, or `few`.
fn count(few: usize) -> usize {
    std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(few)
}

fn is_long_run() -> bool {
    std::env::var_os("MUTATIONS").is_some()
}

/// The most memory that this process has held.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0) << 10
}

/// Feeds mutations of the seeds to a target, and the seeds themselves, which have to do.
fn feed(target: &str, seeds: Vec<Vec<u8>>, few: usize, accepts: impl Fn(&[u8]) -> bool) {
    for (i, seed) in seeds.iter().enumerate() {
        assert!(accepts(seed), "{target}: seed {i} is refused");
    }
    let (mut longest, mut accepted) = (Duration::ZERO, 0);
    let count = count(few);
    for (i, bytes) in Mutations::new(target, seeds).take(count).enumerate() {
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| accepts(&bytes)));
        longest = longest.max(start.elapsed());
        let is_slow = is_long_run() && start.elapsed() > LONGEST;
        if outcome.is_err() || is_slow {
            let kept = std::env::temp_dir().join(format!("zkverdict-mutated-{target}-{i}"));
            std::fs::write(&kept, &bytes).unwrap();
            panic!(
                "{target}: mutation {i}, kept in {}, took {:?}",
                kept.display(),
                start.elapsed()
            );
        }
        accepted += usize::from(outcome.unwrap());
    }
    println!("{target}: {count} mutations, {accepted} accepted, {longest:?} at most");
    assert!(!is_long_run() || peak_memory() < MOST_MEMORY, "{target}: {} bytes", peak_memory());
}

#[test]
fn models() {
    let files = [
        "test/fixtures/models/credit_logreg/int8_qdq.onnx",
        "test/fixtures/models/credit_logreg/int8_qop.onnx",
        "test/fixtures/models/diagnosis_mlp/int8_qdq.onnx",
        "test/fixtures/models/tiny_transformer/int8_qop.onnx",
    ];
    feed("model", seeds(&files), 300, |bytes| {
        let Ok(model) = Model::from_onnx("mutated", bytes) else { return false };
        if model.summary().macs > 10_000_000 {
            return true;
        }
        let smallest = model.inputs.iter().map(|port| {
            let tensor = &model.graph.tensors[port.tensor.0];
            vec![tensor.quantization.element.range().0; tensor.len()]
        });
        model.evaluate(&smallest.collect::<Vec<_>>()).unwrap();
        // A circuit or the reason why there is none, as `inspect` wants it.
        let _ = ModelCircuit::new(&model, Wishes::default());
        true
    });
}

#[test]
fn float_models_to_be_quantized() {
    const FOLDER: &str = "test/fixtures/quantize/credit_logreg";
    let examples = std::fs::read(format!("{ROOT}/{FOLDER}/calib.npz")).unwrap();
    feed("quantize", seeds(&[&format!("{FOLDER}/float.onnx")]), 100, |bytes| {
        let options = QuantizeOptions::default();
        let import = ImportOptions::default();
        Model::quantize("mutated", bytes, Examples::new(&examples), None, options, &import).is_ok()
    });
}

#[test]
fn inputs() {
    let model = std::fs::read(format!("{ROOT}/test/fixtures/models/credit_logreg/int8_qdq.onnx"));
    let model = Model::from_onnx("model", &model.unwrap()).unwrap();
    let files = ["flat.json", "named.json", "array.npy", "stored.npz", "deflated.npz"];
    let files = files.map(|file| format!("fuzz/seeds/input/{file}"));
    feed("input", seeds(&files.each_ref().map(String::as_str)), 500, |bytes| {
        let inferences = model.read_inferences(bytes, InputFormat::detect(bytes));
        let inferences = inferences.unwrap_or_default();
        inferences.iter().for_each(|inputs| drop(model.evaluate(inputs).unwrap()));
        !inferences.is_empty()
    });
}

#[test]
fn strings() {
    let seed = Srs::unsafe_dev(3).to_bytes();
    feed("string", vec![seed], 100, |bytes| {
        // The development string itself may be refused as such.
        Srs::read(bytes, 3).is_ok() || bytes == Srs::unsafe_dev(3).to_bytes()
    });
}
