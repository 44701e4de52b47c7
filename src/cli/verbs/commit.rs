//! `commit`: hides an input behind a name or a hash, or the weights of a model behind a name.

use crate::bundle::{Bundle, CommitmentPoints, InputCommitment, InputHash, WeightsCommitment};
use crate::circuit::InstanceTensor;
use crate::cli::{
    Answer, CliError, Console, bundle::hex, commitments::hidden_input, files, input, schema,
};
use crate::model::{InputFormat, Port};
use crate::name::Name;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// What `commit` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made with a committed or hashed input
    bundle: PathBuf,
    /// The input: JSON, .npy or .npz; with --schema JSON in the schema's units, an object of its fields, of several inferences an array
    #[arg(long, required_unless_present_any = ["points", "weights"])]
    input: Option<PathBuf>,
    /// What the input's integers mean, in what units: the document whose hash issuers sign and consumers pin
    #[arg(long, value_name = "SCHEMA.json", requires = "input", conflicts_with_all = ["points", "weights"])]
    schema: Option<PathBuf>,
    /// A quantized ONNX model of the bundle's architecture with the same scales, whose weights are committed to
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["input", "points", "only"])]
    weights: Option<PathBuf>,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
    /// Write no commitment but the points that make one, for whoever owns the input and has no bundle
    #[arg(long, conflicts_with = "input")]
    points: bool,
    /// Which of several committed or hashed inputs
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Where to put the commitment, which holds the input and is as secret: nobody else can read it. Points are for everybody. Of a
    /// hashed input of several inferences each has a file, C.0.json and so on for C.json
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Report {
    name: String,
    /// Both coordinates of each.
    points: [String; 1],
    file: String,
    input: String,
    /// The hash of the document that says what the input means.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
}

/// The line of a schema.
fn write_schema(f: &mut fmt::Formatter<'_>, schema: Option<&String>) -> fmt::Result {
    schema.map_or(Ok(()), |schema| writeln!(f, "schema {schema}"))
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "name   {}", self.name)?;
        writeln!(f, "input  {}", Name::new(&self.input))?;
        write_schema(f, self.schema.as_ref())?;
        writeln!(f, "file   {}", self.file)?;
        writeln!(f, "       it holds the input: keep it as secret, and as long as the name is used")
    }
}

#[derive(Serialize)]
struct HashReport {
    hash: String,
    file: String,
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema: Option<String>,
}

/// Of each inference, in their order.
#[derive(Serialize)]
#[serde(untagged)]
enum HashReports {
    One(HashReport),
    Several { inferences: Vec<HashReport> },
}

impl fmt::Display for HashReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several { inferences } => inferences,
        };
        for HashReport { hash, file, input, schema } in all {
            writeln!(f, "hash   {hash}")?;
            writeln!(f, "input  {}", Name::new(input))?;
            write_schema(f, schema.as_ref())?;
            writeln!(f, "file   {file}")?;
        }
        writeln!(f, "       it holds the input: keep it as secret, and as long as the hash is used")
    }
}

/// Where the file of an inference goes: of several, its number stands before what the name ends in.
fn file_of_inference(out: &Path, inference: usize, inferences: usize) -> PathBuf {
    if inferences == 1 {
        return out.to_owned();
    }
    match out.extension() {
        Some(extension) => {
            out.with_extension(format!("{inference}.{}", extension.to_string_lossy()))
        }
        None => out.with_extension(inference.to_string()),
    }
}

#[derive(Serialize)]
struct PointsReport {
    file: String,
    input: String,
    class: u32,
    words: usize,
}

impl fmt::Display for PointsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "points  {} of class {}", self.words, self.class)?;
        writeln!(f, "input   {}", Name::new(&self.input))?;
        writeln!(f, "file    {}", self.file)
    }
}

#[derive(Serialize)]
struct WeightsReport {
    name: String,
    /// Both coordinates of each.
    points: Vec<String>,
    file: String,
    model: String,
}

impl fmt::Display for WeightsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "name   {}", self.name)?;
        writeln!(f, "model  {}", Name::new(&self.model))?;
        writeln!(f, "file   {}", self.file)?;
        writeln!(
            f,
            "       it holds the weights: keep it as secret, and as long as the name is used"
        )
    }
}

/// What becomes of what was committed to where its file is lost.
const NEVER_PROVED: &str = "what was committed to with it could be proved no more";

/// Refuses a place where a file is that others rely on.
pub fn refuse_to_replace(out: &Path, why: &str) -> Result<(), CliError> {
    if out.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(CliError::Usage {
        message: format!("`{}` is there already", out.display()),
        hint: format!("take another place, or remove it: {why}"),
    })
}

/// Commits to the weights of a model.
fn commit_weights(
    args: &Args,
    path: &Path,
    bundle: &Bundle,
    console: &Console,
) -> Result<Answer, CliError> {
    if !bundle.manifest.layout.names_weights {
        return Err(CliError::Usage {
            message: "the weights of this bundle are not committed: they are those of its model"
                .into(),
            hint: "make a bundle of the architecture with `zkverdict keygen --weights committed`"
                .into(),
        });
    }
    refuse_to_replace(&args.out, NEVER_PROVED)?;
    let (model, _) = input::model_with(path, &args.dimensions)?;
    let name = model.name.clone();
    let stage = console.stage("making the proving key");
    let prover = bundle.prover()?;
    drop(stage);
    let committed = prover.commit_weights(model);
    let committed = committed.map_err(|error| CliError::from(error).at(path))?;
    let commitment = WeightsCommitment::new(&prover, &committed);
    commitment.write(&args.out)?;
    console.result(&WeightsReport {
        name: hex(&commitment.name()),
        points: commitment.points().iter().map(|point| hex(&point.concat())).collect(),
        file: args.out.display().to_string(),
        model: name,
    })?;
    Ok(Answer::Yes)
}

/// Draws what blinds an input's hash, of each inference another.
fn hash(
    args: &Args,
    bundle: &Bundle,
    (number, tensor): (usize, InstanceTensor),
    input: &Path,
    console: &Console,
) -> Result<Answer, CliError> {
    let (integers, schema) = integers(args, bundle, (number, &tensor), input, console)?;
    let inferences = bundle.manifest.layout.inferences;
    let files =
        (0..inferences).map(|inference| file_of_inference(&args.out, inference, inferences));
    let files: Vec<PathBuf> = files.collect();
    files.iter().try_for_each(|file| refuse_to_replace(file, NEVER_PROVED))?;
    let mut reports = Vec::new();
    for (own, file) in integers.chunks(tensor.len().max(1)).zip(&files) {
        let hash = InputHash::new(tensor.clone(), own).ok_or_else(|| CliError::Panic {
            message: "the input that was read is not of the bundle's type".into(),
        })?;
        hash.write(file)?;
        let (file, input) = (file.display().to_string(), tensor.name.clone());
        reports.push(HashReport { hash: hex(&hash.hash()), file, input, schema: schema.clone() });
    }
    console.result(&match reports.len() {
        1 => HashReports::One(reports.remove(0)),
        _ => HashReports::Several { inferences: reports },
    })?;
    Ok(Answer::Yes)
}

/// Commits to an input, or to weights.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = Bundle::open(&args.bundle)?;
    if let Some(path) = &args.weights {
        return commit_weights(args, path, &bundle, console);
    }
    let layout = &bundle.manifest.layout;
    let number = hidden_input(layout, args.only.as_deref(), !args.points)?;
    refuse_to_replace(&args.out, NEVER_PROVED)?;
    let tensor = layout.inputs[number].tensor.clone();
    if let (true, Some(input)) = (layout.inputs[number].is_hashed(), &args.input) {
        return hash(args, &bundle, (number, tensor), input, console);
    }
    let powers = bundle.powers()?;
    let too_short = || CliError::Panic {
        message: "the bundle's string is shorter than a commitment to its input".into(),
    };
    let Some(input) = &args.input else {
        let words = layout.inferences * tensor.words();
        let points = CommitmentPoints::new(words, &powers).ok_or_else(too_short)?;
        points.write(&args.out)?;
        console.result(&PointsReport {
            file: args.out.display().to_string(),
            input: tensor.name,
            class: points.class,
            words,
        })?;
        return Ok(Answer::Yes);
    };
    let (integers, schema) = integers(args, &bundle, (number, &tensor), input, console)?;
    let commitment = InputCommitment::new(tensor, &integers, &powers).ok_or_else(too_short)?;
    commitment.write(&args.out)?;
    console.result(&Report {
        name: hex(&commitment.name()),
        points: [hex(&commitment.point().concat())],
        file: args.out.display().to_string(),
        input: commitment.tensor().name.clone(),
        schema,
    })?;
    Ok(Answer::Yes)
}

/// The integers of one input in a file of it alone, or of all inputs, or of data in the units of a schema, whose hash comes with them.
fn integers(
    args: &Args,
    bundle: &Bundle,
    (number, tensor): (usize, &InstanceTensor),
    path: &Path,
    console: &Console,
) -> Result<(Vec<i32>, Option<String>), CliError> {
    if let Some(place) = &args.schema {
        let schema = schema::open(place)?;
        schema.check_input(tensor).map_err(|error| CliError::from(error).at(place))?;
        let inferences = bundle.manifest.layout.inferences;
        let integers = schema.integers_for(tensor, inferences, &files::read_document(path)?);
        let integers = integers.map_err(|error| CliError::from(error).at(path))?;
        return Ok((integers, Some(hex(&schema.hash))));
    }
    let model = bundle.model()?;
    let bytes = files::read(path)?;
    let all: Vec<&Port> = model.inputs.iter().collect();
    let own = vec![&model.inputs[number]];
    let holds_own = || model.read_inferences_of(&own, &bytes, InputFormat::detect(&bytes)).is_ok();
    let (ports, position) = if all.len() > 1 && !holds_own() { (all, number) } else { (own, 0) };
    input::warn_of_values_beyond(&model, &ports, path, console)?;
    Ok((input::one_inference(&model, &ports, path)?.swap_remove(position), None))
}
