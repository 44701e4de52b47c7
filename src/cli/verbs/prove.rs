//! `prove`: makes a proof file.

use crate::bundle::{Beginning, Bundle, ProofDocument};
use crate::cli::claims::ChosenArgs;
use crate::cli::context::ContextArgs;
use crate::cli::prover_args::ProverArgs;
use crate::cli::{
    Answer, CliError, Console,
    commitments::{self, CommitmentArgs, WeightsArgs},
};
use crate::proving::{Commitment, Options, Secrets};
use std::path::PathBuf;

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
    let inputs = [inputs, chosen].concat();
    let commitments: Vec<Commitment> = secrets.commitments().cloned().collect();
    let blindings = secrets.blindings(layout);
    drop(secrets);
    let stage = console.stage("making the proving key");
    let prover = bundle.prover_for(args.prover.kind())?;
    let weights = weights.map(|weights| weights.committed(&prover)).transpose()?;
    drop(stage);
    let beginning = Beginning::now();
    let stage = console.stage("proving");
    let randomness = randomness.as_ref().map(|seeded| seeded as _);
    let options = Options { randomness, ..Options::default() };
    let blindings = Some(&blindings);
    let secrets = Secrets { inputs: &commitments, weights: weights.as_ref(), blindings };
    let (proof, _) = prover.prove_linked(&inputs, contexts, secrets, &options)?;
    drop(stage);
    let document = ProofDocument::new(prover.verifier(), &proof, beginning.took())?;
    document.write(&args.out)?;
    console.result(&document)?;
    Ok(Answer::Yes)
}
