//! `bench`: what keys, proofs, verification and gas cost, per model.

use super::gas;
use crate::bundle::{cpu_seconds, peak_bytes};
use crate::cli::usage::Meter;
use crate::cli::{Answer, CliError, Console, contract, files, input, path};
use crate::evm::Fork;
use crate::proving::{ModelProver, Options, ProverKind, ProvingError, Stage};
use halo2_proofs::halo2curves::bn256::Fr;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

mod page;

/// What `bench` takes.
#[derive(clap::Args)]
pub struct Args {
    /// Quantized ONNX models
    #[arg(required = true)]
    models: Vec<PathBuf>,
    /// Proofs per model; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1000))]
    proofs: u32,
    /// Proves once with halo2's prover too, and compares
    #[arg(long)]
    stock: bool,
    /// Write a page with the figures as bars
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// What `bench --json` wrote earlier: the page shows it beside this run
    #[arg(long, value_name = "FILE", requires = "html")]
    against: Vec<PathBuf>,
    #[command(flatten)]
    wishes: crate::cli::wishes::WishArgs,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
}

#[derive(Serialize)]
struct Row {
    model: String,
    file: String,
    k: u32,
    rows: usize,
    macs: u64,
    parameters: usize,
    keygen_seconds: f64,
    prove_seconds: f64,
    /// Of all threads, for one proof: machines are noisy.
    prove_cpu_seconds: f64,
    /// What share each stage has of the proving time.
    stages: BTreeMap<String, f64>,
    /// How many threads each keeps busy.
    threads: BTreeMap<String, f64>,
    /// Of halo2's prover, where it was asked for, and how many times as much that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_cpu_seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stock_ratio: Option<f64>,
    verify_seconds: f64,
    peak_memory_bytes: u64,
    pk_bytes: usize,
    vk_bytes: usize,
    proof_bytes: usize,
    verify_gas: u64,
    runtime_bytes: usize,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Table(Vec<Row>);

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<21} {:>2} {:>6} {:>8} {:>7} {:>7} {:>7} {:>7} {:>5} {:>6} {:>7} {:>7} {:>6} {:>7}",
            "model",
            "k",
            "rows",
            "macs",
            "keygen",
            "prove",
            "cpu",
            "verify",
            "MB",
            "pk MB",
            "vk",
            "proof",
            "gas",
            "code"
        )?;
        for row in &self.0 {
            writeln!(
                f,
                "{:<21} {:>2} {:>6} {:>8} {:>6.2}s {:>6.2}s {:>6.2}s {:>6.3}s {:>5} {:>6} {:>5} B {:>5} B {:>6} {:>5} B",
                row.model,
                row.k,
                row.rows,
                row.macs,
                row.keygen_seconds,
                row.prove_seconds,
                row.prove_cpu_seconds,
                row.verify_seconds,
                row.peak_memory_bytes >> 20,
                row.pk_bytes >> 20,
                row.vk_bytes,
                row.proof_bytes,
                row.verify_gas,
                row.runtime_bytes,
            )?;
            for ((stage, share), threads) in row.stages.iter().zip(row.threads.values()) {
                writeln!(f, "  {stage}: {:.1} %, {threads:.1} threads", 100. * share)?;
            }
            if let (Some(cpu), Some(ratio)) = (row.stock_cpu_seconds, row.stock_ratio) {
                writeln!(f, "  halo2's prover: cpu {cpu:.2}s, {ratio:.2} times as much")?;
            }
        }
        Ok(())
    }
}

/// Benches each model.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let earlier =
        args.against.iter().map(|path| page::Run::read(path)).collect::<Result<_, _>>()?;
    let row = |path: &PathBuf| bench(path, &args, console).map_err(|error| error.at(path));
    let rows = args.models.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let table = Table(rows);
    if let Some(path) = &args.html {
        files::write(path, page::page(earlier, &table)?.as_bytes())?;
    }
    console.result(&table)?;
    Ok(Answer::Yes)
}

fn bench(path: &Path, args: &Args, console: &Console) -> Result<Row, CliError> {
    let (model, _) = input::model(path)?;
    let summary = model.summary();
    let (prover, keygen_seconds) = path::generate(model, args.wishes, console)?;
    let verifier = prover.verifier();
    // The middle of each input's range. None of its bytes is 0, which would make it cheaper than others.
    let inputs: Vec<Vec<i32>> = (prover.model().inputs.iter())
        .map(|port| {
            let tensor = &prover.model().graph.tensors[port.tensor.0];
            let (smallest, largest) = tensor.quantization.element.range();
            vec![smallest.midpoint(largest); tensor.len()]
        })
        .collect();
    let (mut proofs, mut seconds) = (Vec::new(), Vec::new());
    let mut took = BTreeMap::<String, [f64; 2]>::new();
    let used = cpu_seconds();
    for _ in 0..args.proofs {
        let _stage = console.stage("proving");
        let start = Instant::now();
        // Until the prover says what it does, the model is evaluated, by itself and as a circuit.
        let meter = Meter::new("values");
        let progress = |stage: Stage| meter.enter(&stage.to_string());
        let options = Options { progress: Some(&progress), ..Options::default() };
        let (proof, _) = prover.prove_with(&inputs, Fr::zero(), &options)?;
        for (stage, [wall, cpu]) in meter.finish() {
            let [walls, cpus] = took.entry(stage).or_default();
            (*walls, *cpus) = (*walls + wall, *cpus + cpu);
        }
        proofs.push(proof);
        seconds.push(start.elapsed().as_secs_f64());
    }
    let prove_cpu_seconds = (cpu_seconds() - used) / f64::from(args.proofs);
    let all: f64 = seconds.iter().sum();
    let stages = took.iter().map(|(stage, [wall, _])| (stage.clone(), wall / all)).collect();
    let threads = took.into_iter().map(|(stage, [wall, cpu])| (stage, cpu / wall)).collect();
    seconds.sort_by(f64::total_cmp);
    let proof = proofs.pop().expect("at least one proof is made");
    let start = Instant::now();
    verifier.verify(&proof).map_err(|_| ProvingError::OwnProof)?;
    let verify_seconds = start.elapsed().as_secs_f64();
    let peak_memory_bytes = peak_bytes();
    let stock_cpu_seconds = args.stock.then(|| stock_seconds(&prover, &inputs)).transpose()?;
    let compiled = path::compile(verifier, &args.compiler, console)?;
    let report = gas::measure(&compiled, &proof, Fork::default())?;
    Ok(Row {
        model: summary.model,
        file: path.display().to_string(),
        k: prover.circuit().k(),
        rows: prover.circuit().rows(),
        macs: summary.macs,
        parameters: summary.parameters,
        keygen_seconds,
        prove_seconds: seconds[seconds.len() / 2],
        prove_cpu_seconds,
        stages,
        threads,
        stock_cpu_seconds,
        stock_ratio: stock_cpu_seconds.map(|stock| stock / prove_cpu_seconds),
        verify_seconds,
        peak_memory_bytes,
        pk_bytes: prover.key_bytes(),
        vk_bytes: verifier.keys().to_bytes().len(),
        proof_bytes: proof.bytes.len(),
        verify_gas: report.total,
        runtime_bytes: compiled.runtime_code.len(),
    })
}

/// Processor seconds of one proof by halo2's prover.
fn stock_seconds(prover: &ModelProver, inputs: &[Vec<i32>]) -> Result<f64, ProvingError> {
    let (verifier, circuit) = (prover.verifier().clone(), prover.circuit().clone());
    let stock = ModelProver::of_verifier_for(ProverKind::Stock, verifier, circuit)?;
    let used = cpu_seconds();
    stock.prove(inputs, Fr::zero())?;
    Ok(cpu_seconds() - used)
}
