//! `prove`: makes a proof file.

use crate::bundle::{Bundle, ProofDocument, Took};
use crate::cli::claims::ChosenArgs;
use crate::cli::context::ContextArgs;
use crate::cli::prover_args::ProverArgs;
use crate::cli::usage::{cpu_seconds, peak_bytes};
use crate::cli::{Answer, CliError, Console, input};
use crate::model::Model;
use crate::proving::Options;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What `prove` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// JSON, .npy or .npz
    #[arg(long)]
    input: PathBuf,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    chosen: ChosenArgs,
    #[command(flatten)]
    prover: ProverArgs,
    /// Where to put the proof file
    #[arg(long)]
    out: PathBuf,
}

/// Makes a proof.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    // All that may be wrong, before the time that keys and proofs take.
    let randomness = args.prover.randomness()?;
    let context = args.context.resolve()?;
    let bundle = Bundle::open(&args.bundle)?;
    let model = bundle.model()?;
    let chosen = args.chosen.of(&model, &bundle.manifest.layout)?;
    let inputs = [one_inference(&model, &args.input)?, chosen].concat();
    input::warn_of_values_beyond(&model, &args.input, console)?;
    let stage = console.stage("making the proving key");
    let prover = bundle.prover_for(args.prover.kind())?;
    drop(stage);
    let (start, used) = (Instant::now(), cpu_seconds());
    let stage = console.stage("proving");
    let randomness = randomness.as_ref().map(|seeded| seeded as _);
    let options = Options { randomness, ..Options::default() };
    let (proof, _) = prover.prove_with(&inputs, context, &options)?;
    drop(stage);
    let took = Took {
        seconds: start.elapsed().as_secs_f64(),
        cpu_seconds: cpu_seconds() - used,
        peak_memory_bytes: peak_bytes(),
    };
    let document = ProofDocument::new(prover.verifier(), &proof, took)?;
    document.write(&args.out)?;
    console.result(&document)?;
    Ok(Answer::Yes)
}

/// The integers of the inputs in a file that holds one inference.
pub fn one_inference(model: &Model, path: &Path) -> Result<Vec<Vec<i32>>, CliError> {
    let mut inferences = input::inferences(model, path)?;
    match (inferences.pop(), inferences.len()) {
        (Some(inputs), 0) => Ok(inputs),
        (last, others) => Err(CliError::Usage {
            message: format!(
                "`{}` holds {} inferences, a proof of this bundle holds 1",
                path.display(),
                others + usize::from(last.is_some())
            ),
            hint: "prove them one by one".into(),
        }),
    }
}
