//! Mutated files of every kind that comes from outside: each gives an answer or an error.
//!
//! A few of each in every test run, from a seeded generator; `MUTATIONS=10000 cargo test --release --test mutated` makes as
//! many of each, and also asks that none takes longer than five seconds or a gigabyte (`script/fuzz.sh mutations`).
//! `MUTATIONS=2000..4000` takes these of them. A file that fails is kept in the folder for temporary files.

#![allow(clippy::unwrap_used)]

#[cfg(all(unix, feature = "compile", feature = "chain"))]
mod command;
mod mutation;
#[cfg(feature = "chain")]
mod rpc;

use mutation::{Mutations, seeds};
use std::{
    ops::Range,
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

/// What one file may take where many are tried: of processors, and by the clock of a machine that does more.
const LONGEST: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const MOST_MEMORY: u64 = 1 << 30;

/// Which files are tried: those that are asked for, or the first `few`.
fn tried(few: usize) -> Range<usize> {
    let Ok(asked) = std::env::var("MUTATIONS") else { return 0..few };
    let (first, end) = asked.split_once("..").unwrap_or(("0", asked.as_str()));
    let number = |text: &str| text.parse().expect("MUTATIONS is a number, or two with .. between");
    number(first)..number(end)
}

fn is_long_run() -> bool {
    std::env::var_os("MUTATIONS").is_some()
}

/// Time since a moment, of processors and by the clock, of this process and those that it waited for.
struct Watch {
    start: Instant,
    processors: Duration,
}

impl Watch {
    fn start() -> Self {
        Self { start: Instant::now(), processors: processor_time() }
    }

    fn took(&self) -> [Duration; 2] {
        [processor_time().saturating_sub(self.processors), self.start.elapsed()]
    }

    fn is_too_long(&self) -> bool {
        let [processors, clock] = self.took();
        is_long_run() && (processors > LONGEST || clock > LONGEST_WAIT)
    }
}

/// Processor time of this process and of all that it waited for.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may have spaces and parentheses; eleven fields follow it.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields).split_whitespace();
    let ticks = fields.skip(11).take(4).filter_map(|ticks| ticks.parse::<u64>().ok());
    Duration::from_millis(10 * ticks.sum::<u64>())
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
    let (mut longest, mut accepted) = ([Duration::ZERO; 2], 0);
    let tried = tried(few);
    let mutations = Mutations::new(target, seeds).enumerate();
    for (i, bytes) in mutations.skip(tried.start).take(tried.len()) {
        let watch = Watch::start();
        let outcome = catch_unwind(AssertUnwindSafe(|| accepts(&bytes)));
        let took = watch.took();
        longest = [0, 1].map(|of| longest[of].max(took[of]));
        if outcome.is_err() || watch.is_too_long() {
            let kept = std::env::temp_dir().join(format!("zkverdict-mutated-{target}-{i}"));
            std::fs::write(&kept, &bytes).unwrap();
            panic!("{target}: mutation {i}, kept in {}, took {took:?}", kept.display());
        }
        accepted += usize::from(outcome.unwrap());
    }
    let memory = peak_memory() >> 20;
    println!("{target}: {tried:?}, {accepted} accepted, {longest:?} at most, {memory} MB");
    assert!(!is_long_run() || peak_memory() < MOST_MEMORY, "{target}: {memory} MB");
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

/// Whatever data say, they are integers of the schema, as many as it has.
#[test]
fn schemas_and_data() {
    use zkverdict::{bundle::DataSchema, circuit::Element};
    for (case, data) in [("credit", "sound"), ("medical", "clear")] {
        let files = ["schema", data].map(|file| format!("templates/project/{case}/{file}.json"));
        let [schema, data] = files.map(|file| std::fs::read(format!("{ROOT}/{file}")).unwrap());
        let own = DataSchema::parse(&schema).unwrap();
        let reads = |schema: &DataSchema, data: &[u8]| {
            let inferences = schema.integers(data).unwrap_or_default();
            for integers in &inferences {
                assert_eq!(integers.len(), schema.len());
                let elements: Vec<_> = integers.iter().copied().map(Element::Integer).collect();
                schema.check_elements(&elements).unwrap();
            }
            !inferences.is_empty()
        };
        feed("schema", vec![schema], 300, |bytes| {
            let Ok(schema) = DataSchema::parse(bytes) else { return false };
            // Data of another schema are refused.
            let _ = reads(&schema, &data);
            true
        });
        feed("data", vec![data.clone()], 300, |bytes| reads(&own, bytes));
    }
}

/// Whatever a file says, its commitment is to elements of its type, and only the one that was written is under the string.
#[cfg(feature = "prove")]
#[test]
fn commitments() {
    use zkverdict::{
        bundle::InputCommitment,
        circuit::{Code, InstanceTensor},
        proving::Powers,
    };
    let tensor = InstanceTensor { name: "x".into(), code: Code::Int8, shape: vec![2, 20] };
    let integers: Vec<i32> = (0..40).map(|i| i * 37 % 256 - 128).collect();
    let powers = Powers::unsafe_dev(64);
    let commitment = InputCommitment::new(tensor, &integers, &powers).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("commitment");
    commitment.write(&path).unwrap();
    feed("commitment", vec![std::fs::read(&path).unwrap()], 300, |bytes| {
        let Ok(read) = InputCommitment::parse(bytes) else { return false };
        assert!(read.integers().len() <= read.inferences() * read.tensor().len());
        !read.is_under(&powers) || read.name() == commitment.name()
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
