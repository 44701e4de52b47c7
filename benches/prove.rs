//! Own prover against halo2's, in one run: `cargo bench --bench prove -- [MODEL.onnx…]`.
//!
//! Each prover and model has a process of its own, so that peaks of memory are its own. Machines are noisy and shared:
//! compare processor seconds, and ratios of one run.

use halo2_proofs::halo2curves::bn256::Fr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use zkverdict::circuit::{ModelCircuit, Wishes};
use zkverdict::model::Model;
use zkverdict::proving::{Options, Prover, ProverKind, Srs, Verifier};

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
        "model prover: k, key s · proof: s, cpu s, stock cpu / cpu · peak MB · stages' shares of the time"
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
    let verifier = Verifier::generate(&srs, &circuit, circuit.instances()).expect("it fits");
    drop(srs);
    let (start, base) = (Instant::now(), cpu_seconds());
    let prover = Prover::generate_for(kind, verifier, &circuit).expect("it fits");
    let (key, key_cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - base);
    let input: Vec<i32> = (model.inputs.iter())
        .flat_map(|port| {
            let tensor = &model.graph.tensors[port.tensor.0];
            let (smallest, largest) = tensor.quantization.element.range();
            (0..tensor.len() as i32).map(move |i| smallest + (i * 37) % (largest - smallest + 1))
        })
        .collect();
    let (start, base) = (Instant::now(), cpu_seconds());
    let witness = circuit.witness(&input, Fr::zero()).expect("any input has a witness");
    let instances = witness.instances.clone();
    let computed = start.elapsed();
    let proved = prover.prove_with(circuit.with_witness(witness), &instances, &Options::default());
    let (_, times) = proved.expect("it is accepted");
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - base);
    let shares: Vec<String> = std::iter::once(("compute".to_owned(), computed))
        .chain(times.into_iter().map(|(stage, time)| (stage.to_string(), time)))
        .map(|(stage, time)| format!("{stage} {:.1}%", 100. * time.as_secs_f64() / seconds))
        .collect();
    println!(
        "proof: {seconds:.2} cpu {cpu:.2} k {} key {key:.2} cpu {key_cpu:.2} peak {} MB {}",
        circuit.k(),
        peak_bytes() >> 20,
        shares.join(" ")
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
