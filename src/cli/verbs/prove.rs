//! `prove`: makes a proof file.

use crate::bundle::{
    Beginning, Bundle, InputSecrets, PartsBundle, ProofDocument, WeightsCommitment, Work,
};
use crate::circuit::InstanceLayout;
use crate::cli::claims::ChosenArgs;
#[cfg(feature = "cluster")]
use crate::cli::cluster_args::{self, QueueArgs};
use crate::cli::context::ContextArgs;
use crate::cli::prover_args::ProverArgs;
use crate::cli::{
    Answer, CliError, Console,
    commitments::{self, CommitmentArgs, WeightsArgs},
};
use crate::model::Model;
use crate::proving::{Judge, Options, Proof};
use halo2_proofs::halo2curves::bn256::Fr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod emit;

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
    #[command(flatten)]
    emit: emit::EmitArgs,
    /// Where to put the proof file
    #[arg(long)]
    out: PathBuf,
}

/// Makes a proof.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    // All that may be wrong, before the time that keys and proofs take.
    let randomness = args.prover.randomness()?;
    if let Some(file) = args.emit.file() {
        return emit::emit(&args, file, console);
    }
    if let Some((verifier, proof)) = args.emit.joined(&args.bundle)? {
        return finish(&verifier, &proof, &Beginning::now(), &args.out, console);
    }
    let work = args.emit.work()?;
    if PartsBundle::is_at(&args.bundle) {
        return prove_parts(&args, work, console);
    }
    let bundle = Bundle::open(&args.bundle)?;
    let work = match work {
        Some(work) => work,
        None => {
            let contexts = args.context.resolve(bundle.manifest.layout.inferences)?;
            let model = bundle.model()?;
            let weights = args.weights.open(&bundle)?;
            let layout = &bundle.manifest.layout;
            let secrets = args.commitments.open(layout, || bundle.powers())?;
            args.work(&model, layout, (contexts, secrets), weights, console)?
        }
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

impl Args {
    /// All that the proof is made of.
    fn work(
        &self,
        model: &Model,
        layout: &InstanceLayout,
        (contexts, secrets): (Vec<Fr>, InputSecrets<'_>),
        weights: Option<WeightsCommitment>,
        console: &Console,
    ) -> Result<Work, CliError> {
        let chosen = self.chosen.of(model, layout)?;
        let inputs = commitments::inputs(model, self.input.as_deref(), &secrets, console)?;
        Ok(Work {
            inputs: [inputs, chosen].concat(),
            contexts,
            blindings: secrets.blindings(),
            commitments: secrets.commitments(),
            weights: weights.map(Arc::new),
        })
    }
}

/// Makes the proofs of all parts of a model, and one file of them.
fn prove_parts(args: &Args, work: Option<Work>, console: &Console) -> Result<Answer, CliError> {
    if args.prover.randomness()?.is_some() {
        return Err(CliError::Usage {
            message:
                "the proofs of a model's parts would take the same random values from one seed"
                    .into(),
            hint: "leave `--seed` out".into(),
        });
    }
    let bundle = PartsBundle::open(&args.bundle)?;
    let layout = &bundle.manifest.layout;
    let work = match work {
        Some(work) => work,
        None => {
            let contexts = args.context.resolve(layout.inferences)?;
            let model = bundle.model()?;
            let secrets = args.commitments.open(layout, || bundle.parts[0].powers())?;
            args.weights.refuse(&args.bundle)?;
            args.work(&model, layout, (contexts, secrets), None, console)?
        }
    };
    #[cfg(feature = "cluster")]
    if let Some(requester) = args.queue.parts_requester(&bundle)? {
        let beginning = Beginning::now();
        let proof = cluster_args::prove_parts(&requester, &work, console)?;
        return finish(requester.verifier(), &proof, &beginning, &args.out, console);
    }
    let (beginning, count) = (Beginning::now(), bundle.parts.len());
    let proof = bundle.prove(&work, |number, part, work| {
        console.note(format!("part {} of {count}", number + 1));
        let _stage = console.stage("proving");
        Ok::<_, CliError>(work.prove(&part.prover_for(args.prover.kind())?, &Options::default())?)
    })?;
    finish(&bundle.verifier()?, &proof, &beginning, &args.out, console)
}

/// Writes and prints a proof.
fn finish(
    verifier: &dyn Judge,
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
