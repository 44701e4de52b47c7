//! What committed and hashed inputs are proved with, and the inputs that are given beside them.

use super::{CliError, Console, bundle::hex, files, input};
use crate::bundle::{
    Bundle, BundleError, InputSecret, InputSecrets, WeightsCommitment, hidden_inputs,
};
use crate::circuit::InstanceLayout;
use crate::model::{InputFormat, Model, Port};
use crate::name::Name;
use crate::proving::Powers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What `prove` takes.
#[derive(clap::Args)]
pub struct CommitmentArgs {
    /// The file that `commit` made of a committed input, or of a hashed one; once for each of them, and of a hashed input of several
    /// inferences once for each, in their order. A hashed input that has none gets another hash in each proof
    #[arg(long = "input-commitment", value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl CommitmentArgs {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Opens the files, each of which is of an input of a bundle: of each committed one there has to be one.
    pub fn open<'a>(
        &self,
        layout: &'a InstanceLayout,
        powers: impl FnOnce() -> Result<Powers, BundleError>,
    ) -> Result<InputSecrets<'a>, CliError> {
        let mut secrets = InputSecrets::none(layout, powers)?;
        for path in &self.files {
            let secret = Arc::new(InputSecret::open(path)?);
            secrets.add(secret).map_err(|error| CliError::from(error).at(path))?;
        }
        Ok(secrets.complete()?)
    }
}

/// The committed input that is meant, or the hashed one where those count too: its position among the inputs.
pub fn hidden_input(
    layout: &InstanceLayout,
    only: Option<&str>,
    with_hashed: bool,
) -> Result<usize, CliError> {
    let wanted = |message: String| CliError::Usage { message, hint: hidden_inputs(layout) };
    let hidden = || {
        let inputs = layout.inputs.iter().enumerate();
        inputs.filter(|(_, port)| port.is_committed() || port.is_hashed() && with_hashed)
    };
    let mut all = hidden();
    match (only, all.next(), all.next()) {
        (_, None, _) => Err(wanted("this bundle has no committed input".into())),
        (Some(name), ..) => {
            let named = hidden().find(|(_, port)| port.tensor.name == *name);
            let missing = || wanted(format!("no input `{}` is committed", Name::new(name)));
            Ok(named.ok_or_else(missing)?.0)
        }
        (None, Some((number, _)), None) => Ok(number),
        (None, Some(_), Some(_)) => Err(CliError::Usage {
            message: "this bundle has several committed inputs".into(),
            hint: format!("take one at a time, with `--only NAME`; {}", hidden_inputs(layout)),
        }),
    }
}

/// With which weights a bundle of an architecture is used.
#[derive(Clone, clap::Args)]
pub struct WeightsArgs {
    /// The file that `commit --weights` made of a training, for a bundle of an architecture
    #[arg(long = "weights-commitment", value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
}

impl WeightsArgs {
    /// The commitment to the weights, where a bundle's are committed.
    pub fn open(&self, bundle: &Bundle) -> Result<Option<WeightsCommitment>, CliError> {
        let Some(path) = &self.file else {
            if !bundle.manifest.layout.names_weights {
                return Ok(None);
            }
            return Err(CliError::Usage {
                message: "the weights are committed, and no commitment to any is given".into(),
                hint: "make one with `zkverdict commit BUNDLE --weights MODEL --out W`, and give it with `--weights-commitment W`".into(),
            });
        };
        if !bundle.manifest.layout.names_weights {
            return Err(CliError::Usage {
                message: format!(
                    "`{}` is a commitment to weights, and those of this bundle are its model's",
                    path.display()
                ),
                hint: "leave `--weights-commitment` out".into(),
            });
        }
        let commitment = WeightsCommitment::open(path)?;
        let (got, expected) = (hex(&commitment.vk_digest()), &bundle.manifest.vk_digest);
        if got != *expected {
            return Err(CliError::Usage {
                message: format!(
                    "`{}` is a commitment under the key `{got}`, and the bundle's is `{expected}`",
                    path.display()
                ),
                hint: "make a commitment with `zkverdict commit --weights` and this bundle".into(),
            });
        }
        Ok(Some(commitment))
    }

    /// That none is given for a bundle whose weights are its model's.
    pub fn refuse(&self, bundle: &Path) -> Result<(), CliError> {
        match &self.file {
            None => Ok(()),
            Some(path) => Err(CliError::Usage {
                message: format!(
                    "`{}` is a commitment to weights, and those of `{}` are its model's",
                    path.display(),
                    bundle.display()
                ),
                hint: "leave `--weights-commitment` out".into(),
            }),
        }
    }

    /// The model that a bundle is of with these weights.
    pub fn model(&self, bundle: &Bundle) -> Result<Model, CliError> {
        let model = bundle.model()?;
        let Some(commitment) = self.open(bundle)? else { return Ok(model) };
        let model = model.with_weights(commitment.weights());
        model.ok_or_else(|| CliError::Usage {
            message: "the commitment has more weights than the architecture, or fewer".into(),
            hint: "the file was changed: take the one that `zkverdict commit` wrote".into(),
        })
    }
}

/// The integers of all inputs: from a file, and from what `commit` made of some, which the file may leave out.
pub fn inputs(
    model: &Model,
    path: Option<&Path>,
    secrets: &InputSecrets<'_>,
    console: &Console,
) -> Result<Vec<Vec<i32>>, CliError> {
    let mut inputs: Vec<Option<Vec<i32>>> = vec![None; model.inputs.len()];
    if let Some(path) = path {
        let ports = ports_of(model, secrets, path)?;
        input::warn_of_values_beyond(model, &ports, path, console)?;
        let given = input::one_inference(model, &ports, path)?;
        for (port, integers) in ports.into_iter().zip(given) {
            let number = model.inputs.iter().position(|own| own.name == port.name);
            inputs[number.expect("it is one of the model's")] = Some(integers);
        }
    }
    Ok(secrets.merge(inputs)?)
}

/// The inputs that a file holds: all of them, or those that `commit` made nothing of.
fn ports_of<'a>(
    model: &'a Model,
    secrets: &InputSecrets<'_>,
    path: &Path,
) -> Result<Vec<&'a Port>, CliError> {
    let bytes = files::read(path)?;
    let is_given = |ports: &[&Port]| {
        model.read_inferences_of(ports, &bytes, InputFormat::detect(&bytes)).map(drop)
    };
    let all: Vec<&Port> = model.inputs.iter().collect();
    let numbered = model.inputs.iter().enumerate();
    let others: Vec<&Port> =
        numbered.filter(|(number, _)| !secrets.holds(*number)).map(|(_, port)| port).collect();
    match is_given(&all) {
        Err(_) if !others.is_empty() && is_given(&others).is_ok() => Ok(others),
        // What is wrong with it is said where it is read.
        _ => Ok(all),
    }
}
