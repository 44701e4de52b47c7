//! `keygen`: plans the layout, makes the keys, writes the bundle.

use crate::circuit::{Goal, ModelCircuit, Wishes};
use crate::cli::{Answer, CliError, Console, bundle::Bundle, bundle::hex, files, input};
use crate::proving::{Prover, Srs, SrsOrigin, Verifier};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What `keygen` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The quantized ONNX model
    model: PathBuf,
    /// Where to put the bundle [default: the model's file name with .zkv]
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    srs: SrsArgs,
    #[command(flatten)]
    wishes: WishArgs,
}

/// Where the structured reference string comes from.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
pub struct SrsArgs {
    /// A powers-of-tau file: snarkjs' .ptau, or halo2's raw format
    #[arg(long, value_name = "FILE")]
    srs: Option<PathBuf>,
    /// Make one whose secret is public: anybody can forge proofs under it
    #[arg(long)]
    unsafe_dev_srs: bool,
}

/// What the layout should be like.
#[derive(Clone, Copy, clap::Args)]
pub struct WishArgs {
    /// What to be best at
    #[arg(long, value_enum, default_value_t)]
    pub optimize: Optimize,
    /// Exactly this k (log2 of the number of rows)
    #[arg(long, conflicts_with = "max_k")]
    k: Option<u32>,
    /// No larger k
    #[arg(long)]
    max_k: Option<u32>,
}

/// What a layout should be best at.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimize {
    /// Proving time
    #[default]
    Speed,
    /// Gas of a verification
    Gas,
    /// Memory while proving
    Memory,
}

impl From<WishArgs> for Wishes {
    fn from(args: WishArgs) -> Self {
        let goal = match args.optimize {
            Optimize::Speed => Goal::Speed,
            Optimize::Gas => Goal::Gas,
            Optimize::Memory => Goal::Memory,
        };
        Self { goal, k: args.k, max_k: args.max_k }
    }
}

impl SrsArgs {
    /// Reads or makes a structured reference string for a k.
    pub fn load(&self, k: u32, console: &Console) -> Result<Srs, CliError> {
        match &self.srs {
            Some(path) => {
                let _stage = console.stage("checking the structured reference string");
                Srs::read(&files::read(path)?, k).map_err(|error| CliError::from(error).at(path))
            }
            None => {
                console.warn(
                    "the development string's secret is public: anybody can forge proofs under this key",
                );
                let _stage = console.stage("making the development string");
                Ok(Srs::unsafe_dev(k))
            }
        }
    }
}

#[derive(Serialize)]
struct Report {
    bundle: String,
    k: u32,
    seconds: f64,
    pk_bytes: usize,
    vk_digest: String,
    srs: SrsOrigin,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bundle  {}", self.bundle)?;
        writeln!(f, "k       {}", self.k)?;
        writeln!(f, "key     {}", self.vk_digest)?;
        writeln!(f, "took    {:.2} s", self.seconds)
    }
}

/// Makes the bundle.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let out = args.out.clone().unwrap_or_else(|| Bundle::default_path(&args.model));
    let (bundle, pk_bytes, seconds) =
        make(&args.model, &out, &args.srs, args.wishes.into(), console)?;
    console.result(&Report {
        bundle: out.display().to_string(),
        k: bundle.manifest.k,
        seconds,
        pk_bytes,
        vk_digest: bundle.manifest.vk_digest,
        srs: bundle.manifest.srs,
    })?;
    Ok(Answer::Yes)
}

/// Makes a bundle; returns also the proving key's size and the seconds that the keys took.
pub fn make(
    model_path: &Path,
    out: &Path,
    srs: &SrsArgs,
    wishes: Wishes,
    console: &Console,
) -> Result<(Bundle, usize, f64), CliError> {
    let (model, onnx) = input::model(model_path)?;
    let circuit =
        ModelCircuit::new(&model, wishes).map_err(|error| CliError::from(error).at(model_path))?;
    let srs = srs.load(circuit.plan().k, console)?;
    let start = Instant::now();
    let stage = console.stage("making the keys");
    let verifier = Verifier::generate(&srs, &circuit, circuit.instances())?;
    let prover = Prover::generate(verifier, &circuit)?;
    drop(stage);
    let seconds = start.elapsed().as_secs_f64();
    let bundle = Bundle::create(out, &onnx, &model.name, &circuit, &srs, prover.verifier())?;
    debug_assert_eq!(hex(&prover.verifier().digest()), bundle.manifest.vk_digest);
    Ok((bundle, prover.key_bytes(), seconds))
}
