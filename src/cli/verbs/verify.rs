//! `verify`: checks a proof file, and says what its instances say.

use crate::bundle::{BundleError, ProofFile, difference, hashed, hex, named};
use crate::cli::{
    Answer, CliError, Console,
    bundle::{AnyBundle, TrustArgs},
    context::parse_context,
    files, input,
};
use crate::model::{ClaimValues, OutputValues, Port};
use crate::name::Name;
use crate::proving::{Judge, Statement, word_of};
use halo2_proofs::halo2curves::bn256::Fr;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// What `verify` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The proof file
    proof: PathBuf,
    /// The model that the proof should be of: its key is derived again and compared
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
    #[command(flatten)]
    dimensions: input::DimensionArgs,
    /// The context that the proof should be bound to; of a batch one for each inference, in order
    #[arg(long, value_name = "HEX32", value_parser = parse_context)]
    context: Vec<Fr>,
    /// The input that the proof should be of: JSON, .npy or .npz
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The outputs that the proof should have: what `run` prints, or JSON by output name, integers as they are
    /// quantized or floats
    #[arg(long, value_name = "FILE")]
    expect_output: Option<PathBuf>,
    /// The name of the commitment to the weights that the proof should be about
    #[arg(long, value_name = "HEX32")]
    weights: Option<String>,
    #[command(flatten)]
    trust: TrustArgs,
}

#[derive(Serialize)]
struct Report {
    valid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Only of a proof that proves its instances: of others they say nothing.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    said: Option<AllSaid>,
    /// Of the bundle of a model's part, which it is and of how many: its proofs are none of the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<[usize; 2]>,
    vk_digest: String,
    model_digest: String,
    /// Whether anybody can forge such a proof, as under the development string.
    unsafe_dev_srs: bool,
}

/// What is said of one inference, or of each of several.
#[derive(Serialize)]
#[serde(untagged)]
enum AllSaid {
    One(Said),
    Several { inferences: Vec<Said> },
}

impl AllSaid {
    fn each(&self) -> &[Said] {
        match self {
            Self::One(said) => std::slice::from_ref(said),
            Self::Several { inferences } => inferences,
        }
    }
}

#[derive(Serialize)]
struct Said {
    context: String,
    /// Of the commitment to the weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<NamedWeights>,
    /// Of the commitments to inputs, by the input.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    names: BTreeMap<String, String>,
    /// Of hashed inputs, by the input.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hashes: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    inputs: BTreeMap<String, OutputValues>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    outputs: BTreeMap<String, OutputValues>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<String, ClaimValues>,
}

/// What is said of weights that are committed.
#[derive(Serialize)]
struct NamedWeights {
    name: String,
    /// That each weight is one of 8 bits: every proof proves it.
    ranges: &'static str,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            None => writeln!(f, "valid")?,
            Some(reason) => writeln!(f, "not valid: {reason}")?,
        }
        if let Some([part, parts]) = self.part {
            writeln!(f, "part     {part} of {parts}: of the model by itself it proves nothing")?;
        }
        for said in self.said.iter().flat_map(AllSaid::each) {
            let Said { context, weights, names, hashes, inputs, outputs, claims } = said;
            writeln!(f, "context  {context}")?;
            if let Some(NamedWeights { name, ranges }) = weights {
                writeln!(f, "weights  {name}, ranges: {ranges}")?;
            }
            for (input, name) in names {
                writeln!(f, "name     {name} of the committed input {}", Name::new(input))?;
            }
            for (input, hash) in hashes {
                writeln!(f, "hash     {hash} of the hashed input {}", Name::new(input))?;
            }
            for (role, tensors) in [("input", inputs), ("output", outputs)] {
                for (name, values) in tensors {
                    writeln!(f, "{role} {name} {:?}", values.shape)?;
                    writeln!(f, "  quantized    {:?}", values.quantized)?;
                    writeln!(f, "  dequantized  {:?}", values.dequantized)?;
                    if !values.labels.is_empty() {
                        writeln!(f, "  labels       {:?}", values.labels)?;
                    }
                }
            }
            for (name, said) in claims {
                writeln!(f, "claim {} {said}", Name::new(name))?;
            }
        }
        writeln!(f, "model    {}", self.model_digest)
    }
}

/// Checks a proof against the bundle's verifying key, and what it says against what is expected.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = AnyBundle::open(&args.bundle)?;
    let file = ProofFile::open(&args.proof)?;
    let verifier = bundle.verifier()?;
    let verifier = verifier.judge();
    if bundle.is_unsafe() {
        console.warn(
            "the key is under the development string, whose secret is public: anybody can forge such a proof",
        );
    }
    if args.model.is_none() {
        args.trust.check_any(&bundle, verifier.model(), console)?;
    }
    let (reason, said) = match verifier.verify(&file.proof) {
        Err(refusal) => (Some(refusal.in_words()), None),
        Ok(()) => {
            let statements = verifier.statements(&file.proof.instances)?;
            let reason = match file.contradiction(verifier) {
                Some(contradiction) => {
                    Some(format!("the proof file contradicts it: {contradiction}"))
                }
                None => disagreement(&args, &bundle, verifier, &statements)?,
            };
            let said = |statement: Statement| {
                let (names, hashes) = (named(&statement), hashed(&statement));
                let Statement { context, weights, inputs, outputs, claims, .. } = statement;
                let weights =
                    weights.map(|name| NamedWeights { name: hex(&name), ranges: "proved" });
                Said { context: hex(&context), weights, names, hashes, inputs, outputs, claims }
            };
            let mut inferences: Vec<Said> = statements.into_iter().map(said).collect();
            let said = match inferences.len() {
                1 => AllSaid::One(inferences.remove(0)),
                _ => AllSaid::Several { inferences },
            };
            (reason, Some(said))
        }
    };
    let answer = if reason.is_none() { Answer::Yes } else { Answer::No };
    console.result(&Report {
        valid: reason.is_none(),
        reason,
        said,
        part: bundle.part(),
        vk_digest: hex(&verifier.digest()),
        model_digest: hex(&verifier.model_digest()),
        unsafe_dev_srs: bundle.is_unsafe(),
    })?;
    Ok(answer)
}

/// Where a valid proof is not of what was asked for.
fn disagreement(
    args: &Args,
    bundle: &AnyBundle,
    verifier: &dyn Judge,
    said: &[Statement],
) -> Result<Option<String>, CliError> {
    // Of a batch it says which inference is meant.
    let of = |inference: usize| match said.len() {
        1 => String::new(),
        _ => format!("of inference {inference}: "),
    };
    if let Some(path) = &args.model {
        let (mut model, _) = input::batch_with(path, &args.dimensions, said.len())?;
        model.name = path.display().to_string();
        match bundle.check_key(&model) {
            Ok(()) => {}
            Err(error @ BundleError::OtherKey { .. }) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error.into()),
        }
    }
    if !args.context.is_empty() && args.context.len() != said.len() {
        return Err(CliError::Usage {
            message: format!(
                "{} contexts are given, the proof has {}",
                args.context.len(),
                said.len()
            ),
            hint: "give `--context` once for each inference, in their order".into(),
        });
    }
    for (inference, (said, expected)) in said.iter().zip(&args.context).enumerate() {
        let expected = word_of(expected);
        if expected != said.context {
            let (got, expected) = (hex(&said.context), hex(&expected));
            return Ok(Some(format!(
                "{}its context is `{got}`, expected `{expected}`",
                of(inference)
            )));
        }
    }
    if let Some(expected) = &args.weights {
        let Some(found) = said.first().and_then(|said| said.weights) else {
            return Err(CliError::Usage {
                message: "the weights of this bundle are not committed, and have no name".into(),
                hint: "leave `--weights` out".into(),
            });
        };
        if !hex(&found).eq_ignore_ascii_case(expected) {
            let found = hex(&found);
            return Ok(Some(format!(
                "its weights are those of the commitment `{found}`, expected `{expected}`"
            )));
        }
    }
    if let Some(path) = &args.input {
        if !verifier.layout().shows_input() {
            return Err(CliError::Usage {
                message: "proofs of this bundle do not show all their inputs".into(),
                hint: "leave `--input` out".into(),
            });
        }
        let ports: Vec<&Port> = verifier.model().inputs.iter().collect();
        let expected = input::one_inference(verifier.model(), &ports, path)?;
        for (port, expected) in verifier.model().inputs.iter().zip(expected) {
            let expected = expected.chunks(expected.len() / said.len());
            for (inference, (said, expected)) in said.iter().zip(expected).enumerate() {
                let got = said.inputs.get(&port.name).map(|values| &values.quantized[..]);
                if let Some(different) = first_difference(got.unwrap_or_default(), expected) {
                    return Ok(Some(format!(
                        "{}its input `{}` is not that of `{}`: {different}",
                        of(inference),
                        port.name,
                        path.display()
                    )));
                }
            }
        }
    }
    match &args.expect_output {
        Some(_) if said.iter().all(|said| said.outputs.is_empty()) => Err(CliError::Usage {
            message: "proofs of this bundle do not show their outputs".into(),
            hint: "leave `--expect-output` out; `claims` in the answer is what is said of them"
                .into(),
        }),
        Some(path) => expected_outputs(path, said, of),
        None => Ok(None),
    }
}

fn first_difference<T: PartialEq + fmt::Display>(got: &[T], expected: &[T]) -> Option<String> {
    if got.len() != expected.len() {
        return Some(format!("{} elements, expected {}", got.len(), expected.len()));
    }
    let mut pairs = got.iter().zip(expected).enumerate();
    let (at, (got, expected)) = pairs.find(|(_, (got, expected))| got != expected)?;
    Some(format!("element {at} is {got}, expected {expected}"))
}

/// Where outputs are not those of a file.
fn expected_outputs(
    path: &Path,
    said: &[Statement],
    of: impl Fn(usize) -> String,
) -> Result<Option<String>, CliError> {
    let unreadable = |why: String| CliError::Usage {
        message: format!("`{}` holds no outputs: {why}", path.display()),
        hint: "give what `zkverdict --json run` prints, or numbers by output name".into(),
    };
    let document: Value = serde_json::from_slice(&files::read_document(path)?)
        .map_err(|error| unreadable(error.to_string()))?;
    // What `run` prints, or only the outputs of one inference.
    let documents: Vec<&Value> = match &document["inferences"] {
        Value::Array(inferences) => {
            inferences.iter().map(|inference| &inference["outputs"]).collect()
        }
        _ => vec![&document],
    };
    if documents.len() != said.len() {
        let (found, expected) = (documents.len(), said.len());
        return Err(unreadable(format!("{found} inferences, the proof has {expected}")));
    }
    for (inference, (document, said)) in documents.into_iter().zip(said).enumerate() {
        if let Some(different) = different_outputs(path, document, &said.outputs, unreadable)? {
            return Ok(Some(of(inference) + &different));
        }
    }
    Ok(None)
}

/// Where an inference's outputs are not those of a document.
fn different_outputs(
    path: &Path,
    document: &Value,
    outputs: &BTreeMap<String, OutputValues>,
    unreadable: impl Fn(String) -> CliError,
) -> Result<Option<String>, CliError> {
    let named: Vec<(&String, &Value)> = match (document, outputs.first_key_value()) {
        (Value::Object(fields), _) => fields.iter().collect(),
        (Value::Array(_), Some((name, _))) if outputs.len() == 1 => vec![(name, document)],
        _ => {
            return Err(unreadable(
                "neither an object by name nor the only output's numbers".into(),
            ));
        }
    };
    if named.is_empty() {
        return Err(unreadable("it is empty".into()));
    }
    for (name, expected) in named {
        let Some(values) = outputs.get(name) else {
            return Ok(Some(format!("it has no output `{name}`")));
        };
        let different = match expected {
            Value::Object(_) => {
                let text = serde_json::to_string(values).map_err(CliError::Json)?;
                let values = serde_json::from_str(&text).map_err(CliError::Json)?;
                difference(expected, &values, name)
                    .map(|different| format!("`{}`: {different}", path.display()))
            }
            _ => {
                let mut numbers = Vec::new();
                if !flatten(expected, &mut numbers) {
                    return Err(unreadable(format!("`{name}` is not all numbers")));
                }
                let integers: Option<Vec<i64>> =
                    numbers.iter().map(|number| number.as_i64()).collect();
                let found = match integers {
                    Some(integers) => {
                        let got: Vec<i64> = values.quantized.iter().map(|&q| q.into()).collect();
                        first_difference(&got, &integers)
                    }
                    None => {
                        #[allow(clippy::cast_possible_truncation)]
                        let reals = numbers.iter().map(|n| n.as_f64().unwrap_or(f64::NAN) as f32);
                        first_difference(&values.dequantized, &reals.collect::<Vec<_>>())
                    }
                };
                found.map(|different| format!("its output `{name}`: {different}"))
            }
        };
        if different.is_some() {
            return Ok(different);
        }
    }
    Ok(None)
}

/// All numbers of a nested list, in order; whether there is nothing else.
fn flatten<'a>(value: &'a Value, into: &mut Vec<&'a serde_json::Number>) -> bool {
    match value {
        Value::Number(number) => {
            into.push(number);
            true
        }
        Value::Array(values) => values.iter().all(|value| flatten(value, into)),
        _ => false,
    }
}
