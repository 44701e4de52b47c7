//! Own prover against halo2's, in one run: `cargo bench --bench prove -- [MODEL.onnx…]`.
//!
//! Each prover and model has a process of its own, so that peaks of memory are its own. Machines are noisy and shared:
//! compare processor seconds, and ratios of one run.
//!
//! With `RAYON_NUM_THREADS` above the processors that there are, each stage also says what share of the time it would have if
//! there were as many processors as threads, and how much of that one thread works alone: threads that wait for
//! a processor are counted as if they had one.
//!
//! Values are random but for a seed: own proofs are the same byte for byte, whatever arithmetic and device, and the
//! digest that is printed says so.

use halo2_proofs::halo2curves::bn256::Fr;
use sha3::{Digest, Keccak256};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::Model;
use zkverdict::proving::{ModelProver, ModelVerifier, Options, ProverKind, Seeded, Srs, Stage};

const KINDS: [(&str, ProverKind); 3] =
    [("own", ProverKind::Own), ("portable", ProverKind::Portable), ("stock", ProverKind::Stock)];

const MODELS: [&str; 4] = [
    "lenet5/int8_qop.onnx",
    "tiny_transformer/int8_qdq.onnx",
    "tiny_transformer_gelu/int8_qop.onnx",
    "resnet8/int8_qdq.onnx",
];

/// The first stage of a proof: the model is evaluated, by itself and as a circuit.
const VALUES: &str = "values";

/// How many more proofs are made, whose stages' milliseconds are printed: a device has to be started for the first.
const MORE: &str = "ZKVERDICT_BENCH_MORE";

/// Set for the process of one prover and model.
const KIND: &str = "ZKVERDICT_BENCH_PROVER";

fn main() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("test/fixtures/models");
    let given: Vec<PathBuf> =
        std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).map(PathBuf::from).collect();
    if let Ok(kind) = std::env::var(KIND) {
        let (_, kind) = KINDS.into_iter().find(|(name, _)| *name == kind).expect("a known prover");
        return measure(kind, &given[0]);
    }
    let models = if given.is_empty() {
        MODELS.iter().map(|model| fixtures.join(model)).collect()
    } else {
        given
    };
    println!(
        "model prover: stock cpu / cpu, proof s, cpu s, k, verifying key derived s, keys restored s, peak MB, stages' shares of the time and threads"
    );
    for model in models {
        let lines: Vec<String> = KINDS.iter().map(|(kind, _)| child(kind, &model)).collect();
        let cpu = |line: &str| -> f64 {
            line.split_whitespace().nth(3).and_then(|cpu| cpu.parse().ok()).unwrap_or(f64::NAN)
        };
        let stock = cpu(&lines[2]);
        for ((kind, _), line) in KINDS.iter().zip(&lines) {
            let folder = model.parent().and_then(Path::file_name).unwrap_or_default();
            println!("{} {kind}: ratio {:.2}, {line}", folder.display(), stock / cpu(line));
        }
    }
}

fn child(kind: &str, model: &Path) -> String {
    let binary = std::env::current_exe().expect("this program has a file");
    let output = Command::new(binary).arg(model).env(KIND, kind).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().into()
}

/// When a stage began, what processor time had been taken, and the most memory since the one before began.
struct Began {
    stage: String,
    wall: f64,
    cpu: f64,
    peak: u64,
}

fn measure(kind: ProverKind, path: &Path) {
    let bytes = std::fs::read(path).expect("the model is there");
    let model = Model::from_onnx("model", &bytes).expect("a model");
    let circuit = ModelCircuit::new(&model, Wishes::default()).expect("it fits");
    let (k, shape, cost) = (circuit.k(), circuit.shape(), circuit.cost());
    let layout = circuit.layout().clone();
    let model = Arc::new(model);
    let (start, base) = (Instant::now(), cpu_seconds());
    let verifier = ModelVerifier::generate(Arc::clone(&model), &circuit, &string(k, path));
    let (derived, derived_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - base);
    let key = verifier.expect("it fits").keys().to_bytes();
    drop(circuit);
    let inputs: Vec<Vec<i32>> = (model.inputs.iter())
        .map(|port| {
            let tensor = &model.graph.tensors[port.tensor.0];
            let (smallest, largest) = tensor.quantization.element.range();
            (0..tensor.len() as i32)
                .map(|i| smallest + (i * 37) % (largest - smallest + 1))
                .collect()
        })
        .collect();
    // From here on as `prove` does: what a bundle has is restored, and one proof made.
    let before = peak_bytes();
    let (start, base) = (Instant::now(), cpu_seconds());
    let watcher = Watcher::new();
    let began = RefCell::new(Vec::new());
    let enter = |stage: &str| {
        watcher.enter(stage);
        let (wall, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - base);
        began.borrow_mut().push(Began { stage: stage.into(), wall, cpu, peak: peak_bytes() });
        // Begins to count anew.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
    };
    enter("plan, string and verifying key");
    let (circuit, verifier) = rayon::join(
        || ModelCircuit::restore(&model, &layout, k, &shape).expect("it was planned so"),
        || {
            let (model, layout) = (Arc::clone(&model), layout.clone());
            ModelVerifier::from_bytes(model, layout, shape.clone(), &string(k, path), &key)
                .expect("it was just made")
        },
    );
    enter("proving key");
    let prover = ModelProver::of_verifier_for(kind, verifier, circuit).expect("it fits");
    enter(VALUES);
    let progress = |stage: Stage| enter(&stage.to_string());
    let randomness = Seeded::new([1; 32]);
    let seeded = (kind != ProverKind::Stock).then_some(&randomness as _);
    let options = Options { progress: Some(&progress), randomness: seeded, ..Options::default() };
    let (proof, _) = prover.prove_with(&inputs, Fr::zero(), &options).expect("it is accepted");
    enter("");
    let more = std::env::var(MORE).ok().and_then(|more| more.parse().ok()).unwrap_or(0_usize);
    for _ in 0..more {
        let options = Options { randomness: seeded, ..Options::default() };
        let start = Instant::now();
        let (_, times) =
            prover.prove_with(&inputs, Fr::zero(), &options).expect("it is accepted again");
        let whole = 1e3 * start.elapsed().as_secs_f64();
        let stages: Vec<String> = times
            .iter()
            .map(|(stage, time)| format!("{stage} {:.1}", 1e3 * time.as_secs_f64()))
            .collect();
        println!("again: {whole:.1} ms with values and the check, of which {}", stages.join(", "));
    }
    let watched = watcher.finish();
    let began = began.into_inner();
    let last = began.last().expect("the end was told");
    let digest: [u8; 32] = Keccak256::digest(&proof.bytes).into();
    let digest: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let proof = began.iter().find(|began| began.stage == VALUES).expect("it was told");
    // Of a stage, its share of the time, how many threads it kept busy, and its peak.
    let mut stages: Vec<(&str, f64, f64, u64)> = Vec::new();
    for (this, next) in began.iter().zip(&began[1..]) {
        let (wall, cpu) = (next.wall - this.wall, next.cpu - this.cpu);
        match stages.iter_mut().find(|(of, ..)| *of == this.stage) {
            Some((_, walls, cpus, peak)) => {
                (*walls, *cpus, *peak) = (*walls + wall, *cpus + cpu, next.peak.max(*peak));
            }
            None => stages.push((&this.stage, wall, cpu, next.peak)),
        }
    }
    let shares: Vec<String> = stages
        .iter()
        .map(|&(stage, wall, cpu, peak)| {
            let (share, peak) = (100. * wall / last.wall, peak >> 20);
            let watched = watched.get(stage).map_or("", String::as_str);
            format!("{stage} {share:.1}% x{:.1} {peak} MB{watched}", cpu / wall)
        })
        .collect();
    let peak = began[1..].iter().map(|began| began.peak).max().unwrap_or(0);
    println!(
        "proof: {:.2} cpu {:.2} k {k} vk {derived:.2} cpu {derived_cpu:.2} restored {:.2} cpu {:.2} peak {} MB \
         (predicted {:.2} s, {:.0} MB; planned {} MB, keys {} MB; digest {digest}): {}",
        last.wall - proof.wall,
        last.cpu - proof.cpu,
        proof.wall,
        proof.cpu,
        peak >> 20,
        cost.seconds,
        cost.bytes / f64::from(1 << 20),
        before >> 20,
        proof.peak >> 20,
        shares.join(", ")
    );
}

/// Counts the threads that run or could, where there are more of them than processors.
struct Watcher {
    stage: Arc<Mutex<Option<String>>>,
    thread: Option<JoinHandle<BTreeMap<String, [f64; 2]>>>,
}

impl Watcher {
    fn new() -> Self {
        let threads = rayon::current_num_threads();
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let stage = Arc::new(Mutex::new(Some(String::new())));
        let watched = Arc::clone(&stage);
        let watch = move || {
            // Of each stage, the time on as many processors as threads: all of it, and what one thread works alone.
            let mut times = BTreeMap::<String, [f64; 2]>::new();
            let mut since = Instant::now();
            loop {
                std::thread::sleep(Duration::from_millis(2));
                let Some(stage) = watched.lock().expect("no thread fails with it").clone() else {
                    return times;
                };
                let running = running_threads();
                let passed = since.elapsed().as_secs_f64();
                since = Instant::now();
                if running == 0 {
                    continue;
                }
                let time = passed * running.min(processors) as f64 / running.min(threads) as f64;
                let [all, alone] = times.entry(stage).or_default();
                *all += time;
                *alone += if running == 1 { time } else { 0. };
            }
        };
        let thread = (threads > processors).then(|| std::thread::spawn(watch));
        Self { stage, thread }
    }

    fn enter(&self, stage: &str) {
        *self.stage.lock().expect("no thread fails with it") = Some(stage.to_owned());
    }

    /// What there is to be said of each stage.
    fn finish(self) -> BTreeMap<String, String> {
        *self.stage.lock().expect("no thread fails with it") = None;
        let times = self.thread.map(|thread| thread.join().expect("it only counts"));
        let times = times.unwrap_or_default();
        let whole: f64 = times.values().map(|[all, _]| all).sum();
        let said = |[all, alone]: [f64; 2]| {
            format!(
                " (would be {:.1}%, one thread {:.1}%)",
                100. * all / whole,
                100. * alone / whole
            )
        };
        times.into_iter().map(|(stage, times)| (stage, said(times))).collect()
    }
}

/// Threads of this process, but this one, that have a processor or wait for one.
fn running_threads() -> usize {
    let own = std::fs::read_link("/proc/thread-self").unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let others = tasks.filter(|task| Some(task.file_name().as_os_str()) != own.file_name());
    others
        .filter(|task| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(')').is_some_and(|(_, fields)| fields.starts_with(" R"))
        })
        .count()
}

/// A development string, kept between runs. One that makes it starts anew: making it takes the most memory.
fn string(k: u32, model: &Path) -> Srs {
    let place = std::env::temp_dir().join(format!("zkverdict-bench-{k}.srs"));
    if let Ok(bytes) = std::fs::read(&place) {
        let srs = Srs::from_bytes_unchecked(&bytes, zkverdict::proving::SrsOrigin::UnsafeDev);
        return srs.expect("it was written here");
    }
    std::fs::write(&place, Srs::unsafe_dev(k).to_bytes()).expect("temporary files can be written");
    println!("{}", child(&std::env::var(KIND).expect("set for this process"), model));
    std::process::exit(0)
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks =
        fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.
}

fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()).unwrap_or(0)
        << 10
}
