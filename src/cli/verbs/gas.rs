//! `gas`: runs the contract on a proof in process, and reports what it costs.

use crate::cli::{
    Answer, CliError, Console, bundle::Bundle, contract, files, proof_file::ProofFile,
};
use crate::evm::{
    Abi, DebugInfo, Experiment, Fork, ForkComparison, GasReport, Snapshot, SourceFile,
};
use crate::solidity::{CompiledContract, verify_proof_calldata_of_words};
use std::path::PathBuf;

/// What `gas` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The proof file
    proof: PathBuf,
    /// Whose prices hold: cancun, prague, osaka, amsterdam, or all of them
    #[arg(long, default_value = "prague", value_parser = parse_forks)]
    fork: Forks,
    /// Write the report as one self-contained page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Keep the figures in a file
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Compare with figures that were kept: exit code 1 if one got worse
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// By how many per cent a figure may get worse
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    tolerance: f64,
    #[command(flatten)]
    compiler: contract::CompilerArgs,
}

#[derive(Clone)]
struct Forks(Vec<Fork>);

fn parse_forks(text: &str) -> Result<Forks, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Forks(Fork::ALL.to_vec()));
    }
    text.parse().map(|fork| Forks(vec![fork])).map_err(|error| format!("{error}"))
}

/// Measures a proof's verification.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    let proof = ProofFile::read(&args.proof)?;
    let compiled = contract::compile(&contract::render(&bundle, None)?, &args.compiler, console)?;
    let stage = console.stage("measuring");
    let reports = (args.fork.0.iter())
        .map(|&fork| measure(&compiled, &proof, fork))
        .collect::<Result<Vec<_>, _>>()?;
    drop(stage);
    let accepted = reports.iter().all(|report| report.call.accepted);
    if let Some(path) = &args.html {
        let page = experiment(&compiled, &proof)?.html_page(&reports, args.fork.0[0])?;
        files::write(path, page.as_bytes())?;
    }
    if let Some(path) = &args.save {
        files::write(path, Snapshot::of(&reports).to_json().as_bytes())?;
    }
    if let Some(path) = &args.check {
        let saved = Snapshot::from_json(&files::read(path)?)
            .map_err(|error| CliError::from(error).at(path))?;
        let check = saved.check(&reports, args.tolerance)?;
        let holds = check.holds;
        console.result(&check)?;
        return Ok(if holds && accepted { Answer::Yes } else { Answer::No });
    }
    match <[GasReport; 1]>::try_from(reports) {
        Ok([report]) => console.result(&report)?,
        Err(reports) => console.result(&ForkComparison(reports))?,
    }
    Ok(if accepted { Answer::Yes } else { Answer::No })
}

/// Measures under one fork.
pub fn measure(
    compiled: &CompiledContract,
    proof: &ProofFile,
    fork: Fork,
) -> Result<GasReport, CliError> {
    Ok(experiment(compiled, proof)?.run(fork)?)
}

fn experiment(compiled: &CompiledContract, proof: &ProofFile) -> Result<Experiment, CliError> {
    let calldata = verify_proof_calldata_of_words(&proof.proof, &proof.instances);
    let source =
        SourceFile { id: 0, name: format!("{}.sol", compiled.name), text: compiled.source.clone() };
    let debug = DebugInfo { source_map: compiled.source_map.clone(), files: vec![source] };
    Ok(Experiment::new(&compiled.init_code, &calldata)
        .named(&compiled.name)
        .with_abi(Abi::from_json(&compiled.abi)?)
        .with_debug_info(debug))
}
