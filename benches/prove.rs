//! Own prover against halo2's, in one run: `cargo bench --bench prove -- [MODEL.onnx…]`.
//!
//! Each prover and model has a process of its own, so that peaks of memory are its own. Machines are noisy and shared:
//! compare processor seconds, and ratios of one run.

use halo2_proofs::halo2curves::bn256::Fr;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::Model;
use zkverdict::proving::{ModelProver, ModelVerifier, Options, ProverKind, Srs, Stage};

const KINDS: [(&str, ProverKind); 3] =
    [("own", ProverKind::Own), ("portable", ProverKind::Portable), ("stock", ProverKind::Stock)];

const MODELS: [&str; 4] = [
    "lenet5/int8_qop.onnx",
    "tiny_transformer/int8_qdq.onnx",
    "tiny_transformer_gelu/int8_qop.onnx",
    "resnet8/int8_qdq.onnx",
];

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
        "model prover: stock cpu / cpu, proof s, cpu s, k, verifying key s, proving key s, peak MB, stages' shares of the time and threads"
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

fn measure(kind: ProverKind, path: &Path) {
    let bytes = std::fs::read(path).expect("the model is there");
    let model = Model::from_onnx("model", &bytes).expect("a model");
    let circuit = ModelCircuit::new(&model, Wishes::default()).expect("it fits");
    let srs = string(circuit.k(), path);
    let inputs: Vec<Vec<i32>> = (model.inputs.iter())
        .map(|port| {
            let tensor = &model.graph.tensors[port.tensor.0];
            let (smallest, largest) = tensor.quantization.element.range();
            (0..tensor.len() as i32)
                .map(|i| smallest + (i * 37) % (largest - smallest + 1))
                .collect()
        })
        .collect();
    let (k, model) = (circuit.k(), Arc::new(model));
    let (start, base) = (Instant::now(), cpu_seconds());
    let verifier = ModelVerifier::generate(model, &circuit, &srs).expect("it fits");
    let (derived, derived_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - base);
    drop(srs);
    let (start, base) = (Instant::now(), cpu_seconds());
    let prover = ModelProver::of_verifier_for(kind, verifier, circuit).expect("it fits");
    let (key, key_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - base);
    // The stages, first that of the model's values and the first phase: when each began, what processor time had been
    // taken, and the most memory since the one before began.
    let before = peak_bytes();
    let (start, base) = (Instant::now(), cpu_seconds());
    let now = |stage: String| {
        let peak = peak_bytes();
        // Begins to count anew.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        (stage, start.elapsed().as_secs_f64(), cpu_seconds() - base, peak)
    };
    let began = RefCell::new(vec![now("values".into())]);
    let progress = |stage: Stage| began.borrow_mut().push(now(stage.to_string()));
    let options = Options { progress: Some(&progress), ..Options::default() };
    prover.prove_with(&inputs, Fr::zero(), &options).expect("it is accepted");
    let (_, seconds, cpu, last) = now(String::new());
    began.borrow_mut().push((String::new(), seconds, cpu, last));
    // Of a stage, its share of the time, how many threads it kept busy, and its peak.
    let mut stages: Vec<(String, f64, f64, u64)> = Vec::new();
    for pair in began.into_inner().windows(2) {
        let (name, wall, cpu) = (&pair[0].0, pair[1].1 - pair[0].1, pair[1].2 - pair[0].2);
        let peak = pair[1].3;
        match stages.iter_mut().find(|(of, ..)| of == name) {
            Some(stage) => {
                (stage.1, stage.2, stage.3) = (stage.1 + wall, stage.2 + cpu, stage.3.max(peak));
            }
            None => stages.push((name.clone(), wall, cpu, peak)),
        }
    }
    let shares: Vec<String> = stages
        .iter()
        .map(|(stage, wall, cpu, peak)| {
            format!("{stage} {:.1}% x{:.1} {} MB", 100. * wall / seconds, cpu / wall, peak >> 20)
        })
        .collect();
    let peak = stages.iter().map(|(.., peak)| *peak).chain([before]).max().unwrap_or(0);
    println!(
        "proof: {seconds:.2} cpu {cpu:.2} k {k} vk {derived:.2} cpu {derived_cpu:.2} key {key:.2} cpu {key_cpu:.2} \
         peak {} MB (keys {} MB): {}",
        peak >> 20,
        before >> 20,
        shares.join(", ")
    );
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
