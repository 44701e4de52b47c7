//! `certify`: whether a bundle's key says what a model says.

use crate::certify::{CertifyError, Report as Certified, certify};
use crate::cli::{
    Answer, CliError, Console,
    bundle::{Bundle, hex},
    files, input,
};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `certify` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The quantized ONNX model that it should be of
    #[arg(long)]
    model: PathBuf,
    /// Where the certificate goes
    #[arg(long, default_value = "certificate.json")]
    out: PathBuf,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
}

/// What holds for the key, whoever made the bundle.
const CHECKED: [&str; 9] = [
    "the key commits to the fixed columns that were read",
    "its constraints are those of docs/soundness.md and no others",
    "every place is made once, at a positive power of ρ",
    "no coefficient is used before it begins",
    "no dividend leaves its table and no position its intervals, for any input",
    "no integer wraps around the field, for any input",
    "every function of the input is the model's over its whole range",
    "inequalities leave one integer for each quotient and root",
    "instances and the words of commitments pack the input's and the output's bytes in order",
];

/// The same of a key with hashed inputs, and of one whose weights are committed.
const CHECKED_OF_HASHES: &str = "hashes are those of Poseidon, of all words in order behind a blinding, and each is its instance";
const CHECKED_OF_WEIGHTS: &str = "every weight that may be committed to is looked up as one of 8 bits, stands in one cell, and is the \
     architecture's";

#[derive(Serialize)]
struct Certificate {
    holds: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    version: &'static str,
    model: String,
    /// Keccak-256 of the model's file.
    model_digest: String,
    vk_digest: String,
    k: u32,
    instances: usize,
    checked: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Certified>,
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(counts) = &self.counts else {
            let reason = self.reason.as_deref().unwrap_or("it does not hold");
            return write!(f, "not certified: {reason}");
        };
        let of_any = if counts.weights > 0 { " with any weights" } else { "" };
        writeln!(f, "certified: key {} computes `{}`{of_any}", self.vk_digest, self.model)?;
        writeln!(f, "constraints    {}", counts.constraints)?;
        writeln!(f, "rows           {}", counts.rows)?;
        writeln!(f, "contributions  {}", counts.contributions)?;
        writeln!(f, "outputs        {}", counts.outputs)?;
        if counts.hashes > 0 {
            writeln!(f, "hashes         {}", counts.hashes)?;
        }
        if counts.weights > 0 {
            writeln!(f, "weights        {}, committed", counts.weights)?;
        }
        write!(f, "largest        {} bits of 253", counts.widest_bits)
    }
}

/// Checks the bundle's key against the model, and writes the certificate if it holds.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    let verifier = bundle.verifier_with_string()?;
    let inferences = verifier.layout().inferences;
    let (model, _) = input::batch_with(&args.model, &args.dimensions, inferences)?;
    let found = {
        let _stage = console.stage("reading what the key commits to");
        match bundle.circuit(&model) {
            Ok(circuit) => certify(&model, &circuit, verifier.keys())
                .map_err(|why: CertifyError| why.to_string()),
            Err(why) => Err(format!("no circuit of this model has the key's shape: {why}")),
        }
    };
    let (counts, reason) = match found {
        Ok(counts) => (Some(counts), None),
        Err(reason) => (None, Some(reason)),
    };
    let checked = counts.as_ref().map(|counts| {
        let hashes = (counts.hashes > 0).then_some(CHECKED_OF_HASHES);
        let weights = (counts.weights > 0).then_some(CHECKED_OF_WEIGHTS);
        CHECKED.into_iter().chain(hashes).chain(weights).collect()
    });
    let certificate = Certificate {
        holds: counts.is_some(),
        reason,
        version: env!("CARGO_PKG_VERSION"),
        model: model.name.clone(),
        model_digest: hex(&verifier.layout().digest(&model)),
        vk_digest: bundle.manifest.vk_digest.clone(),
        k: bundle.manifest.k,
        instances: verifier.keys().instances(),
        checked: checked.unwrap_or_default(),
        counts,
    };
    if certificate.holds {
        let document = serde_json::to_vec_pretty(&certificate).map_err(CliError::Json)?;
        files::write(&args.out, &document)?;
    }
    console.result(&certificate)?;
    Ok(if certificate.holds { Answer::Yes } else { Answer::No })
}
