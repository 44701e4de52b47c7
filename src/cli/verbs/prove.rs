//! `prove`: makes a proof file.

use crate::bundle::{Beginning, Bundle, ProofDocument, Work};
use crate::cli::claims::ChosenArgs;
#[cfg(feature = "cluster")]
use crate::cli::cluster_args::{self, QueueArgs};
use crate::cli::context::ContextArgs;
use crate::cli::prover_args::ProverArgs;
use crate::cli::{
    Answer, CliError, Console,
    commitments::{self, CommitmentArgs, WeightsArgs},
};
use crate::proving::{ModelVerifier, Options, Proof};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `prove` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// JSON, .npy or .npz. Inputs that `commit` made a file of may be left out: they are taken from there
    #[arg(long)]
    input: Option<PathBuf>,
    #[command(flatten)]
    commitments: CommitmentArgs,
    #[command(flatten)]
    weights: WeightsArgs,
    #[command(flatten)]
    context: ContextArgs,
    #[command(flatten)]
    chosen: ChosenArgs,
    #[command(flatten)]
    prover: ProverArgs,
    #[cfg(feature = "cluster")]
    #[command(flatten)]
    queue: QueueArgs,
    /// Where to put the proof file
    #[arg(long)]
    out: PathBuf,
}

/// Makes a proof.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    // All that may be wrong, before the time that keys and proofs take.
    let randomness = args.prover.randomness()?;
    let bundle = Bundle::open(&args.bundle)?;
    let contexts = args.context.resolve(bundle.manifest.layout.inferences)?;
    let model = bundle.model()?;
    let secrets = args.commitments.open(&bundle)?;
    let weights = args.weights.open(&bundle)?;
    let layout = &bundle.manifest.layout;
    let chosen = args.chosen.of(&model, layout)?;
    let inputs = commitments::inputs(&model, layout, args.input.as_deref(), &secrets, console)?;
    let work = Work {
        inputs: [inputs, chosen].concat(),
        contexts,
        blindings: secrets.blindings(layout),
        commitments: secrets.into_commitments(),
        weights: weights.map(Arc::new),
    };
    #[cfg(feature = "cluster")]
    if let Some(requester) = args.queue.requester(&bundle)? {
        let beginning = Beginning::now();
        let proof = cluster_args::prove(&requester, &work, console)?;
        return finish(requester.verifier(), &proof, &beginning, &args.out, console);
    }
    let stage = console.stage("making the proving key");
    let prover = bundle.prover_for(args.prover.kind())?;
    drop(stage);
    let beginning = Beginning::now();
    let stage = console.stage("proving");
    let randomness = randomness.as_ref().map(|seeded| seeded as _);
    let proof = work.prove(&prover, &Options { randomness, ..Options::default() })?;
    drop(stage);
    finish(prover.verifier(), &proof, &beginning, &args.out, console)
}

/// Writes and prints a proof.
fn finish(
    verifier: &ModelVerifier,
    proof: &Proof,
    beginning: &Beginning,
    out: &Path,
    console: &Console,
) -> Result<Answer, CliError> {
    let document = ProofDocument::new(verifier, proof, beginning.took())?;
    document.write(out)?;
    console.result(&document)?;
    Ok(Answer::Yes)
}
