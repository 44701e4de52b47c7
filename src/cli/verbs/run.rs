//! `run`: the integer reference, without any proof.

use crate::bundle::Bundle;
use crate::cli::{
    Answer, CliError, Console, commitments::WeightsArgs, input, proof_file::Inference,
};
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `run` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The quantized ONNX model, or a bundle
    model: PathBuf,
    #[command(flatten)]
    weights: WeightsArgs,
    /// JSON, .npy or .npz; one more leading dimension than the model's is that many inferences
    #[arg(long)]
    input: PathBuf,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
}

#[derive(Serialize)]
struct Report {
    inferences: Vec<Inference>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inferences.iter().try_for_each(|inference| write!(f, "{inference}"))
    }
}

/// Evaluates the model on each inference.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let model = if args.model.is_dir() {
        args.weights.model(&Bundle::open(&args.model)?)?
    } else {
        input::model_with(&args.model, &args.dimensions)?.0
    };
    let evaluate = |inputs: Vec<Vec<i32>>| -> Result<Inference, CliError> {
        Ok(Inference::new(model.outputs(&model.evaluate(&inputs)?)))
    };
    let inferences = input::inferences(&model, &args.input)?;
    let inferences = inferences.into_par_iter().map(evaluate).collect::<Result<_, _>>()?;
    console.result(&Report { inferences })?;
    Ok(Answer::Yes)
}
