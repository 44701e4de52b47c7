//! `keygen`: plans the layout, makes the keys, writes the bundle.

use crate::bundle::{PartsBundle, unsafe_dev_srs};
use crate::circuit::Plans;
use crate::cli::bundle::{AnyBundle, Bundle, hex};
use crate::cli::{
    Answer, CliError, Console, files, input, segments::Segments, statement::StatementArgs,
    wishes::WishArgs,
};
use crate::model::{Model, Port};
use crate::name::Name;
use crate::proving::{
    CEREMONIES, Format, Keys, ModelProver, ModelVerifier, Powers, ProvingError, Srs, SrsOrigin,
    last_contribution, least_ptau_power,
};
use crate::solidity::{MOST_POWERS, Packing, Prediction, packing_within};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    dimensions: input::DimensionArgs,
    #[command(flatten)]
    srs: SrsArgs,
    #[command(flatten)]
    wishes: WishArgs,
    #[command(flatten)]
    statement: StatementArgs,
    /// Cut the model into so many parts, each with keys and proofs of its own in one bundle; `auto`: into as few as keep the bounds
    /// one by one
    #[arg(long, value_name = "auto|N")]
    segments: Option<Segments>,
}

/// Where the structured reference string comes from: one of the two.
#[derive(clap::Args)]
#[group(multiple = false)]
pub struct SrsArgs {
    /// A powers-of-tau file: snarkjs' .ptau, or halo2's raw format
    #[arg(long, value_name = "FILE", long_help = format!(
        "A powers-of-tau file: snarkjs' .ptau, or halo2's raw format. {CEREMONIES}"
    ))]
    srs: Option<PathBuf>,
    /// Make one whose secret is public: anybody can forge proofs under it
    #[arg(long)]
    unsafe_dev_srs: bool,
}

impl SrsArgs {
    /// Reads or makes a structured reference string for a k.
    fn load(&self, k: u32, console: &Console) -> Result<Srs, CliError> {
        self.load_as(k, console, || unsafe_dev_srs(k), |file| Srs::read(file, k))
    }

    /// The same of so many powers, for packed proofs.
    fn load_powers(&self, count: usize, console: &Console) -> Result<Powers, CliError> {
        self.load_as(
            least_ptau_power(count),
            console,
            || Powers::unsafe_dev(count),
            |file| Powers::read(file, count),
        )
    }

    /// How many powers there are, if they are read from a file: packs are no wider than it is long.
    fn most_powers(&self) -> Result<usize, CliError> {
        let Some(path) = &self.srs else { return Ok(MOST_POWERS) };
        let powers = Powers::in_file(&files::read_string(path)?);
        powers.map_err(|error| CliError::from(error).at(path))
    }

    fn load_as<T>(
        &self,
        k: u32,
        console: &Console,
        make: impl FnOnce() -> T,
        read: impl FnOnce(&[u8]) -> Result<T, ProvingError>,
    ) -> Result<T, CliError> {
        if self.unsafe_dev_srs {
            console.warn(
                "the development string's secret is public: anybody can forge proofs under this key",
            );
            let _stage = console.stage("making the development string");
            return Ok(make());
        }
        let path = self.srs.as_ref().ok_or(ProvingError::SrsMissing { k })?;
        let _stage = console.stage("checking the structured reference string");
        let file = files::read_string(path)?;
        read(&file).map_err(|error| CliError::from(error).at(path))
    }

    /// Warns of a string that nothing is known about.
    fn warn_of_unknown(&self, keys: &Keys, console: &Console) -> Result<(), CliError> {
        let Some(path) = self.srs.as_ref().filter(|_| keys.ceremony().is_none()) else {
            return Ok(());
        };
        let contribution = last_contribution(&files::read_string(path)?).map(|hash| {
            format!(", and {}, what the file says of its last contribution,", hex(&hash))
        });
        console.warn(format_args!(
            "the string is of no ceremony that is known here, and a key is worth what its string's ceremony is: \
             compare {}, the hash of its [τ]₂,{} with somebody else's",
            hex(&keys.fingerprint()),
            contribution.unwrap_or_default()
        ));
        Ok(())
    }
}

/// The key of the bundle that lies where another is about to.
struct Former(Option<String>);

impl Former {
    fn at(path: &Path) -> Self {
        Self(AnyBundle::open(path).ok().map(|bundle| bundle.vk_digest().to_owned()))
    }

    /// Warns where it was another key: what was made with it is of no use with this one.
    fn warn_unless(&self, vk_digest: &str, bundle: &Path, console: &Console) {
        if let Some(former) = self.0.as_ref().filter(|former| *former != vk_digest) {
            console.warn(format_args!(
                "`{}` had a bundle of another key, {former}, which is replaced: its proofs are not accepted by contracts \
                 of this one, nor the other way round",
                bundle.display()
            ));
        }
    }
}

/// What was made.
#[derive(Serialize)]
pub struct Report {
    bundle: String,
    format: Format,
    k: u32,
    seconds: f64,
    pk_bytes: usize,
    vk_digest: String,
    model_digest: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<Weights>,
    srs: SrsOrigin,
    /// Keccak-256 of the string's [τ]₂.
    srs_fingerprint: String,
    /// The public ceremony that the string comes from, where it is a known one.
    srs_ceremony: Option<&'static str>,
}

/// Of an architecture's key.
#[derive(Serialize)]
struct Weights {
    /// How many are committed, biases with them.
    committed: usize,
    /// Nodes whose constants are part of the key, and told.
    public: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bundle  {}", self.bundle)?;
        writeln!(f, "format  {}", self.format)?;
        writeln!(f, "k       {}", self.k)?;
        writeln!(f, "key     {}", self.vk_digest)?;
        writeln!(f, "model   {}", self.model_digest)?;
        if let Some(Weights { committed, public }) = &self.weights {
            writeln!(f, "weights {committed} are committed; the bundle has none of them")?;
            if !public.is_empty() {
                writeln!(f, "        public stay the constants of {}", Name::list(public))?;
            }
        }
        writeln!(f, "string  {}", self.srs_fingerprint)?;
        let origin = match (self.srs, self.srs_ceremony) {
            (SrsOrigin::UnsafeDev, _) => "the development string: anybody can forge proofs",
            (_, ceremony) => ceremony.unwrap_or("of no ceremony that is known here"),
        };
        writeln!(f, "        {origin}")?;
        writeln!(f, "took    {:.2} s", self.seconds)
    }
}

/// Makes the bundle, and says what it is.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    match args.segments {
        Some(segments) => console.result(&make_parts(&args, segments, console)?)?,
        None => console.result(&make(&args, console)?)?,
    }
    Ok(Answer::Yes)
}

/// What was made of a model in parts.
#[derive(Serialize)]
struct PartsReport {
    bundle: String,
    format: Format,
    parts: Vec<PartReport>,
    seconds: f64,
    vk_digest: String,
    model_digest: String,
    srs_fingerprint: String,
    srs_ceremony: Option<&'static str>,
}

#[derive(Serialize)]
struct PartReport {
    /// Its nodes' names: the first and the last.
    nodes: [String; 2],
    /// The tensors that it is told by the parts before it, and those that it tells.
    takes: Vec<String>,
    gives: Vec<String>,
    k: u32,
    vk_digest: String,
    #[serde(flatten)]
    predicted: Prediction,
}

impl fmt::Display for PartsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "bundle  {}", self.bundle)?;
        for (number, PartReport { nodes: [first, last], gives, k, predicted, .. }) in
            self.parts.iter().enumerate()
        {
            let (first, last) = (Name::new(first), Name::new(last));
            let megabytes = predicted.memory_bytes >> 20;
            writeln!(f, "part {}  {first} to {last}: k {k}, about {megabytes} MB", number + 1)?;
            if !gives.is_empty() {
                writeln!(f, "        commits to {}", Name::list(gives))?;
            }
        }
        writeln!(f, "key     {}", self.vk_digest)?;
        writeln!(f, "model   {}", self.model_digest)?;
        writeln!(f, "string  {}", self.srs_fingerprint)?;
        writeln!(f, "took    {:.2} s", self.seconds)
    }
}

/// Cuts the model and makes the bundle of its parts.
fn make_parts(args: &Args, segments: Segments, console: &Console) -> Result<PartsReport, CliError> {
    let out = args.out.clone().unwrap_or_else(|| Bundle::default_path(&args.model));
    let (model, onnx) = input::batch_with(&args.model, &args.dimensions, 1)?;
    let at = |error: CliError| error.at(&args.model);
    let layout = args.statement.layout(&model, args.wishes).map_err(at)?;
    let cuts = segments.cuts(&model, &layout, args.wishes, console).map_err(at)?;
    let former = Former::at(&out);
    let (start, mut parts) = (Instant::now(), Vec::new());
    let bundle = PartsBundle::create(&out, &onnx, (&model, &layout), &cuts, |part, layout| {
        let names = |ports: &[Port]| ports.iter().map(|port| port.name.clone()).collect();
        let own = &part.model;
        let first = own.graph.nodes.first().map(|node| node.name.clone()).unwrap_or_default();
        let last = own.graph.nodes.last().map(|node| node.name.clone()).unwrap_or_default();
        let takes = if part.takes.is_empty() { Vec::new() } else { names(&own.inputs) };
        let gives = if part.gives.is_empty() { Vec::new() } else { names(&own.outputs) };
        let plans = Plans::for_instances(own, layout, args.wishes.into())?;
        let (circuit, goal) = args.wishes.choose(&plans)?;
        drop(plans);
        let predicted = args.wishes.predict(&circuit, goal)?;
        let most = args.srs.most_powers()?;
        let Packing { widths, powers, .. } = packing_within(&circuit, goal, most)?;
        let powers = args.srs.load_powers(powers, console)?;
        let _stage = console.stage("making the keys");
        let model = Arc::new(part.model);
        let verifier = ModelVerifier::generate_packed(model, &circuit, &powers, &widths)?;
        let (k, vk_digest) = (circuit.k(), hex(&verifier.digest()));
        parts.push(PartReport { nodes: [first, last], takes, gives, k, vk_digest, predicted });
        Ok::<_, CliError>((verifier, powers))
    });
    let (bundle, verifier) = bundle?;
    let keys = verifier.parts()[0].verifier.keys();
    args.srs.warn_of_unknown(keys, console)?;
    former.warn_unless(&bundle.manifest.vk_digest, &out, console);
    Ok(PartsReport {
        bundle: out.display().to_string(),
        format: Format::Packed,
        parts,
        seconds: start.elapsed().as_secs_f64(),
        vk_digest: bundle.manifest.vk_digest,
        model_digest: bundle.manifest.model_digest,
        srs_fingerprint: hex(&keys.fingerprint()),
        srs_ceremony: keys.ceremony(),
    })
}

/// Makes the bundle.
pub fn make(args: &Args, console: &Console) -> Result<Report, CliError> {
    if args.segments.is_some() {
        return Err(CliError::Usage {
            message: "this is made of one circuit, and `--segments` asks for several".into(),
            hint: "leave `--segments` out, or use `zkverdict keygen`".into(),
        });
    }
    let out = args.out.clone().unwrap_or_else(|| Bundle::default_path(&args.model));
    let inferences = args.statement.inferences();
    let (mut model, mut onnx) = input::batch_with(&args.model, &args.dimensions, inferences)?;
    let mut weights = None;
    if args.statement.commits_weights() {
        let architecture = Model::architecture(&model.name, &onnx);
        (model, onnx) = architecture.map_err(|error| CliError::from(error).at(&args.model))?;
        weights = Some(Weights { committed: model.weights().len(), public: model.constants() });
    }
    let plans = args.statement.plans(&model, args.wishes);
    let circuit = plans.and_then(|plans| args.wishes.choose(&plans));
    let (circuit, goal) = circuit.map_err(|error| error.at(&args.model))?;
    let (k, former) = (circuit.k(), Former::at(&out));
    let stage = || (Instant::now(), console.stage("making the keys"));
    let (prover, seconds, bundle) = match args.wishes.format {
        Format::Halo2 => {
            let srs = args.srs.load(k, console)?;
            let (start, stage) = stage();
            let prover = ModelProver::of_circuit(model, circuit, &srs)?;
            drop(stage);
            let seconds = start.elapsed().as_secs_f64();
            let bundle = Bundle::create(&out, &onnx, prover.verifier(), &srs)?;
            (prover, seconds, bundle)
        }
        Format::Packed => {
            let most = args.srs.most_powers()?;
            let Packing { widths, powers, .. } = packing_within(&circuit, goal, most)?;
            let powers = args.srs.load_powers(powers, console)?;
            let (start, stage) = stage();
            let prover = ModelProver::packed(model, circuit, &powers, &widths)?;
            drop(stage);
            let seconds = start.elapsed().as_secs_f64();
            let bundle = Bundle::create(&out, &onnx, prover.verifier(), &powers)?;
            (prover, seconds, bundle)
        }
    };
    let keys = prover.verifier().keys();
    args.srs.warn_of_unknown(keys, console)?;
    former.warn_unless(&bundle.manifest.vk_digest, &out, console);
    Ok(Report {
        bundle: out.display().to_string(),
        format: bundle.manifest.format,
        k: bundle.manifest.k,
        seconds,
        pk_bytes: prover.key_bytes(),
        vk_digest: bundle.manifest.vk_digest,
        model_digest: bundle.manifest.model_digest,
        weights,
        srs: bundle.manifest.srs,
        srs_fingerprint: hex(&keys.fingerprint()),
        srs_ceremony: keys.ceremony(),
    })
}
