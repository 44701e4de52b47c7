//! `certify`: whether a bundle's key says what a model says.

use crate::bundle::{BundleError, PartOf, PartsBundle, PartsManifest};
use crate::certify::{CertifyError, Report as Certified, certify};
use crate::cli::{
    Answer, CliError, Console,
    bundle::{AnyBundle, Bundle, hex},
    files, input,
};
use crate::model::Model;
use crate::proving::{Judge, PartsVerifier};
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

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

/// What holds for the keys of a model in parts, beside what holds for each.
const CHECKED_OF_PARTS: [&str; 3] = [
    "each key is of a part of the model, in order, and what a part takes is what an earlier one gives",
    "all keys are under one string",
    "what stands for all keys is the digest of theirs, of who takes and gives what, and of the model",
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
    #[serde(flatten)]
    of: Of,
    checked: Vec<&'static str>,
}

/// What a certificate is of.
#[derive(Serialize)]
#[serde(untagged)]
enum Of {
    /// One circuit.
    Circuit {
        k: u32,
        instances: usize,
        #[serde(skip_serializing_if = "Option::is_none")]
        counts: Option<Certified>,
    },
    /// The circuits of a model's parts, in order, as far as they hold.
    Parts { instances: usize, parts: Vec<Certificate> },
}

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (false, reason) = (self.holds, &self.reason) {
            let reason = reason.as_deref().unwrap_or("it does not hold");
            return write!(f, "not certified: {reason}");
        }
        match &self.of {
            Of::Parts { parts, .. } => {
                writeln!(f, "certified: keys {} compute `{}`", self.vk_digest, self.model)?;
                for (number, part) in parts.iter().enumerate() {
                    write!(f, "\npart {number}: {part}")?;
                }
                Ok(())
            }
            Of::Circuit { counts: None, .. } => Ok(()),
            Of::Circuit { counts: Some(counts), .. } => {
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
    }
}

/// Checks the bundle's keys against the model, and writes the certificate if it holds.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    let bundle = AnyBundle::open(&args.bundle)?;
    let inferences = bundle.layout().inferences;
    let (model, _) = input::batch_with(&args.model, &args.dimensions, inferences)?;
    let certificate = match &bundle {
        AnyBundle::Whole(bundle) => {
            let model = match &bundle.manifest.part {
                None => model,
                Some(part) => part_of(&model, part, &args.bundle)?,
            };
            of_circuit(bundle, &model, console)?
        }
        AnyBundle::Parts(bundle) => of_parts(bundle, model, console)?,
    };
    if certificate.holds {
        let document = serde_json::to_vec_pretty(&certificate).map_err(CliError::Json)?;
        files::write(&args.out, &document)?;
    }
    console.result(&certificate)?;
    Ok(if certificate.holds { Answer::Yes } else { Answer::No })
}

/// The part of a model that a part's bundle is of.
fn part_of(model: &Model, part: &PartOf, bundle: &Path) -> Result<Model, CliError> {
    let parts = model.cut(&part.cuts).map_err(BundleError::Model)?;
    let part = parts.into_iter().nth(part.number);
    Ok(part.ok_or_else(|| BundleError::Damaged { path: bundle.to_owned() })?.model)
}

fn of_circuit(bundle: &Bundle, model: &Model, console: &Console) -> Result<Certificate, CliError> {
    let verifier = bundle.verifier_with_string()?;
    let found = {
        let _stage = console.stage("reading what the key commits to");
        match bundle.circuit(model) {
            Ok(circuit) => certify(model, &circuit, verifier.keys())
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
    Ok(Certificate {
        holds: counts.is_some(),
        reason,
        version: env!("CARGO_PKG_VERSION"),
        model: model.name.clone(),
        model_digest: hex(&verifier.layout().digest(model)),
        vk_digest: bundle.manifest.vk_digest.clone(),
        of: Of::Circuit { k: bundle.manifest.k, instances: verifier.keys().instances(), counts },
        checked: checked.unwrap_or_default(),
    })
}

/// Each part by itself, of the model that is given, cut where the bundle's is; and that they are joined as that model's parts are.
fn of_parts(
    bundle: &PartsBundle,
    model: Model,
    console: &Console,
) -> Result<Certificate, CliError> {
    let PartsManifest { layout, cuts, vk_digest, .. } = &bundle.manifest;
    let mut certificate = Certificate {
        holds: false,
        reason: None,
        version: env!("CARGO_PKG_VERSION"),
        model: model.name.clone(),
        model_digest: hex(&layout.digest(&model)),
        vk_digest: vk_digest.clone(),
        of: Of::Parts { instances: layout.len(), parts: Vec::new() },
        checked: Vec::new(),
    };
    let keys = bundle.parts.iter().map(Bundle::verifier).collect::<Result<Vec<_>, _>>()?;
    let cut = model.cut(cuts).map_err(|why| why.to_string());
    let joined = PartsVerifier::new(model, layout.clone(), cuts, keys);
    let joined = joined.map_err(|why| why.to_string()).map(|verifier| hex(&verifier.digest()));
    let models = match (cut, joined) {
        (Ok(models), Ok(digest)) if digest == *vk_digest => models,
        (Ok(_), Ok(digest)) => {
            let reason = format!("the parts of this model have the keys {digest}");
            return Ok(Certificate { reason: Some(reason), ..certificate });
        }
        (Err(reason), _) | (_, Err(reason)) => {
            return Ok(Certificate { reason: Some(reason), ..certificate });
        }
    };
    let mut parts = Vec::new();
    for (number, (bundle, part)) in bundle.parts.iter().zip(models).enumerate() {
        let part = of_circuit(bundle, &part.model, console)?;
        if let Some(reason) = &part.reason {
            certificate.reason = Some(format!("part {number}: {reason}"));
            return Ok(certificate);
        }
        parts.push(part);
    }
    certificate.holds = true;
    certificate.checked = CHECKED_OF_PARTS.to_vec();
    certificate.of = Of::Parts { instances: layout.len(), parts };
    Ok(certificate)
}
