//! What committed and hashed inputs are proved with, and the inputs that are given beside them.

use super::{CliError, Console, bundle::hex, files, input};
use crate::bundle::{
    Bundle, BundleError, InputCommitment, InputHash, InputSecret, WeightsCommitment,
};
use crate::circuit::{InstanceLayout, InstancePort};
use crate::model::{InputFormat, Model, Port};
use crate::name::Name;
use crate::proving::{Blindings, Powers};
use std::path::{Path, PathBuf};

/// What `prove` takes.
#[derive(clap::Args)]
pub struct CommitmentArgs {
    /// The file that `commit` made of a committed input, or of a hashed one; once for each of them, and of a hashed input of several
    /// inferences once for each, in their order. A hashed input that has none gets another hash in each proof
    #[arg(long = "input-commitment", value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What `commit` made of a bundle's inputs, one after the other: of a hashed one for each inference, and nothing of an input
/// that needs none.
pub struct InputSecrets(Vec<Vec<InputSecret>>);

impl InputSecrets {
    /// The commitments to committed inputs, in the order of their names.
    pub fn into_commitments(self) -> Vec<InputCommitment> {
        let committed = self.0.into_iter().flatten().filter_map(|secret| match secret {
            InputSecret::Committed(commitment) => Some(commitment),
            InputSecret::Hashed(_) => None,
        });
        committed.collect()
    }

    /// What blinds hashes: what files say, or else something new.
    pub fn blindings(&self, layout: &InstanceLayout) -> Blindings {
        let places = layout.hashed().flat_map(|(number, _)| {
            (0..layout.inferences).map(move |inference| (number, inference))
        });
        let known = places.map(|(number, inference)| match self.0[number].get(inference) {
            Some(InputSecret::Hashed(hash)) => Some(hash.blinding()),
            _ => None,
        });
        known.collect::<Vec<_>>().into()
    }
}

impl CommitmentArgs {
    /// Whether none is given.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Opens the files, each of which is of an input of a bundle: of each committed one there has to be one.
    pub fn open(
        &self,
        layout: &InstanceLayout,
        powers: impl FnOnce() -> Result<Powers, BundleError>,
    ) -> Result<InputSecrets, CliError> {
        let mut found: Vec<Vec<InputSecret>> = layout.inputs.iter().map(|_| Vec::new()).collect();
        let powers = match layout.committed().next() {
            None => None,
            _ => Some(powers()?),
        };
        for path in &self.files {
            let secret = InputSecret::open(path)?;
            let name = &secret.tensor().name;
            let mut places = layout.inputs.iter().zip(&mut found);
            let place = places.find(|(port, _)| port.tensor.name == *name);
            let (port, place) = match (&secret, place, &powers) {
                (InputSecret::Committed(commitment), Some((port, place)), Some(powers))
                    if port.is_committed() =>
                {
                    check(commitment, path, (port, layout.inferences), powers)?;
                    (port, place)
                }
                (InputSecret::Hashed(hash), Some((port, place)), _) if port.is_hashed() => {
                    check_hash(hash, path, port)?;
                    (port, place)
                }
                _ => {
                    let [made, told] = match secret {
                        InputSecret::Committed(_) => ["a commitment to", "committed"],
                        InputSecret::Hashed(_) => ["a hash of", "hashed"],
                    };
                    return Err(CliError::Usage {
                        message: format!(
                            "`{}` is {made} the input `{}`, which is not {told} in this bundle",
                            path.display(),
                            Name::new(name)
                        ),
                        hint: hidden_inputs(layout),
                    });
                }
            };
            place.push(secret);
            let most = if port.is_hashed() { layout.inferences } else { 1 };
            if place.len() > most {
                let of_each = format!("give {most} of them, one for each inference");
                return Err(CliError::Usage {
                    message: format!(
                        "{} commitments to the input `{}` are given",
                        if most == 1 { "two".to_owned() } else { format!("more than {most}") },
                        Name::new(&port.tensor.name)
                    ),
                    hint: if most == 1 { "give one of them".into() } else { of_each },
                });
            }
        }
        let several = |&(number, _): &(usize, &InstancePort)| {
            !found[number].is_empty() && found[number].len() != layout.inferences
        };
        if let Some((number, port)) = layout.hashed().find(several) {
            return Err(CliError::Usage {
                message: format!(
                    "{} hashes of the input `{}` are given, and a proof of this bundle has {}",
                    found[number].len(),
                    Name::new(&port.tensor.name),
                    layout.inferences
                ),
                hint: "give the file of each inference, in their order, or none".into(),
            });
        }
        let missing = layout.committed().find(|(number, _)| found[*number].is_empty());
        match missing {
            Some((_, port)) => Err(needed(port)),
            None => Ok(InputSecrets(found)),
        }
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

/// That a commitment is to an input of this bundle, under its string.
fn check(
    commitment: &InputCommitment,
    path: &Path,
    (port, inferences): (&InstancePort, usize),
    powers: &Powers,
) -> Result<(), CliError> {
    let (got, expected) = (commitment.string(), powers.fingerprint());
    if got != expected {
        return Err(CliError::Usage {
            message: format!(
                "`{}` is a commitment under another reference string, `{}`, than the bundle's, `{}`",
                path.display(),
                hex(&got),
                hex(&expected)
            ),
            hint: "make a commitment with `zkverdict commit` and this bundle".into(),
        });
    }
    let tensor = commitment.tensor();
    let is_alike = port.tensor.code == tensor.code
        && port.tensor.len() == tensor.len()
        && inferences == commitment.inferences();
    if !is_alike {
        return Err(CliError::Usage {
            message: format!(
                "`{}` is a commitment to {} inferences of {} elements of type {}, and the bundle's input `{}` has others",
                path.display(),
                commitment.inferences(),
                tensor.len(),
                tensor.code.name(),
                Name::new(&tensor.name)
            ),
            hint: "make a commitment with `zkverdict commit` and this bundle".into(),
        });
    }
    if !commitment.is_under(powers) {
        return Err(CliError::Usage {
            message: format!("the point of `{}` is not that of its words", path.display()),
            hint: "the file was changed: take the one that `zkverdict commit` wrote".into(),
        });
    }
    Ok(())
}

/// That a hash is of an input of this bundle.
fn check_hash(hash: &InputHash, path: &Path, port: &InstancePort) -> Result<(), CliError> {
    let tensor = hash.tensor();
    if port.tensor.code == tensor.code && port.tensor.len() == tensor.len() {
        return Ok(());
    }
    Err(CliError::Usage {
        message: format!(
            "`{}` is a hash of {} elements of type {}, and the bundle's input `{}` has others",
            path.display(),
            tensor.len(),
            tensor.code.name(),
            Name::new(&tensor.name)
        ),
        hint: "make one with `zkverdict commit` and this bundle".into(),
    })
}

/// That an input needs a commitment.
fn needed(port: &InstancePort) -> CliError {
    CliError::Usage {
        message: format!(
            "the input `{}` is committed, and no commitment to it is given",
            Name::new(&port.tensor.name)
        ),
        hint: "make one with `zkverdict commit BUNDLE --input FILE --out C`, and give it with `--input-commitment C`"
            .into(),
    }
}

/// Which inputs are committed or hashed, for whoever asked for another.
pub fn hidden_inputs(layout: &InstanceLayout) -> String {
    let names = |ports: Vec<(usize, &InstancePort)>| -> Vec<String> {
        ports.iter().map(|(_, port)| format!("`{}`", Name::new(&port.tensor.name))).collect()
    };
    let [committed, hashed] = [layout.committed().collect(), layout.hashed().collect()].map(names);
    let told = [("committed are", committed), ("hashed are", hashed)];
    let told = told.into_iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<String> =
        told.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
    match told.len() {
        0 => "make a bundle with committed inputs with `zkverdict keygen --input NAME=committed`, or with hashed ones with `--input NAME=hashed`".into(),
        _ => told.join("; "),
    }
}

/// The integers of all inputs: from a file, and from what `commit` made of some, which the file may leave out.
pub fn inputs(
    model: &Model,
    layout: &InstanceLayout,
    path: Option<&Path>,
    InputSecrets(secrets): &InputSecrets,
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
    for (number, (secrets, port)) in secrets.iter().zip(&layout.inputs).enumerate() {
        let (integers, what) = match &secrets[..] {
            [] => continue,
            [InputSecret::Committed(commitment)] => {
                let name = hex(&commitment.name());
                (commitment.integers(), format!("one that the commitment `{name}` is to"))
            }
            several => {
                let mut hashes = Vec::new();
                let mut integers = Vec::new();
                for secret in several {
                    if let InputSecret::Hashed(hash) = secret {
                        integers.extend(hash.integers());
                        hashes.push(format!("`{}`", hex(&hash.hash())));
                    }
                }
                (integers, format!("one whose hash is {}", hashes.join(", ")))
            }
        };
        match &inputs[number] {
            Some(given) if *given != integers => {
                return Err(CliError::Usage {
                    message: format!(
                        "the input `{}` that is given is not the {what}",
                        Name::new(&port.tensor.name)
                    ),
                    hint: "leave it out, and it is taken from the file that `commit` made".into(),
                });
            }
            _ => inputs[number] = Some(integers),
        }
    }
    let known = inputs.into_iter().zip(&model.inputs).map(|(integers, port)| {
        integers.ok_or_else(|| CliError::Usage {
            message: format!("no input `{}` is given", Name::new(&port.name)),
            hint: "give it with `--input FILE`: JSON, .npy or .npz".into(),
        })
    });
    known.collect()
}

/// The inputs that a file holds: all of them, or those that `commit` made nothing of.
fn ports_of<'a>(
    model: &'a Model,
    secrets: &[Vec<InputSecret>],
    path: &Path,
) -> Result<Vec<&'a Port>, CliError> {
    let bytes = files::read(path)?;
    let is_given = |ports: &[&Port]| {
        model.read_inferences_of(ports, &bytes, InputFormat::detect(&bytes)).map(drop)
    };
    let all: Vec<&Port> = model.inputs.iter().collect();
    let known = model.inputs.iter().zip(secrets);
    let others: Vec<&Port> =
        known.filter(|(_, secrets)| secrets.is_empty()).map(|(port, _)| port).collect();
    match is_given(&all) {
        Err(_) if !others.is_empty() && is_given(&others).is_ok() => Ok(others),
        // What is wrong with it is said where it is read.
        _ => Ok(all),
    }
}
