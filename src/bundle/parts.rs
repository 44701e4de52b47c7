//! Bundles of models in parts.
//!
//! | file | holds |
//! |---|---|
//! | `parts.json` | version, where the model is cut, what the instances are, digests of all parts and of the whole; a checksum of itself |
//! | `1`, `2`, … | the bundle of each part, with the file of the whole model |

use super::{Bundle, BundleError, MODEL, checksum, files, hex};
#[cfg(feature = "prove")]
use super::{InputCommitment, MANIFEST, Work};
use crate::circuit::InstanceLayout;
#[cfg(feature = "prove")]
use crate::circuit::{InstanceTensor, Word};
use crate::model::Model;
#[cfg(feature = "prove")]
use crate::model::{Part, Port};
use crate::proving::{Judge, PartsVerifier};
#[cfg(feature = "prove")]
use crate::proving::{ModelVerifier, Powers, Proof, ProvingError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;
const PARTS: &str = "parts.json";

/// Which part of the model of its file a bundle is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartOf {
    /// The nodes before which the model is cut.
    pub cuts: Vec<usize>,
    /// Which part it is.
    pub number: usize,
}

/// What `parts.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartsManifest {
    version: u32,
    /// The model's name.
    pub model: String,
    /// The whole model's digest.
    pub model_digest: String,
    /// What the instances of a proof of the whole are.
    pub layout: InstanceLayout,
    /// The nodes before which the model is cut.
    pub cuts: Vec<usize>,
    /// What stands for all keys.
    pub vk_digest: String,
    /// The digest of each part's key.
    parts: Vec<String>,
    /// Keccak-256 of this document with this field empty.
    checksum: String,
}

/// A bundle of a model in parts.
#[derive(Clone, Debug)]
pub struct PartsBundle {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: PartsManifest,
    /// The parts' bundles, in order.
    pub parts: Vec<Bundle>,
}

impl PartsManifest {
    fn seal(&self) -> Result<String, BundleError> {
        let unsealed = Self { checksum: String::new(), ..self.clone() };
        Ok(checksum(&serde_json::to_vec(&unsealed).map_err(BundleError::Json)?))
    }
}

impl PartsBundle {
    /// Whether a bundle of a model in parts lies there.
    pub fn is_at(path: &Path) -> bool {
        path.join(PARTS).is_file()
    }

    /// Makes the keys of all parts, one after the other, and writes their bundle in place of one that may be there.
    #[cfg(feature = "prove")]
    pub fn create<E: From<BundleError>>(
        path: &Path,
        onnx: &[u8],
        (model, layout): (&Model, &InstanceLayout),
        cuts: &[usize],
        mut make: impl FnMut(Part, InstanceLayout) -> Result<(ModelVerifier, Powers), E>,
    ) -> Result<(Self, PartsVerifier), E> {
        if path.exists() && !path.join(MANIFEST).is_file() && !Self::is_at(path) {
            return Err(BundleError::NotABundle { path: path.to_owned() }.into());
        }
        let mut made = None;
        files::write_folder(path, |folder| {
            let parts = model.cut(cuts).map_err(BundleError::Model)?;
            let (count, mut verifiers) = (parts.len(), Vec::new());
            for (number, part) in parts.into_iter().enumerate() {
                let own = layout.of_part(&part, count, number);
                let (verifier, powers) = make(part, own)?;
                let held = folder.below(Path::new(&(number + 1).to_string()));
                let held = held.map_err(|source| BundleError::io(path, source))?;
                let part = PartOf { cuts: cuts.to_vec(), number };
                Bundle::fill(&held, onnx, &verifier, &powers, Some(part))?;
                verifiers.push(verifier);
            }
            let digests = verifiers.iter().map(|verifier| hex(&verifier.digest())).collect();
            let verifier = PartsVerifier::new(model.clone(), layout.clone(), cuts, verifiers);
            let verifier = verifier.map_err(BundleError::Proving)?;
            let mut manifest = PartsManifest {
                version: VERSION,
                model: model.name.clone(),
                model_digest: hex(&verifier.model_digest()),
                layout: layout.clone(),
                cuts: cuts.to_vec(),
                vk_digest: hex(&verifier.digest()),
                parts: digests,
                checksum: String::new(),
            };
            manifest.checksum = manifest.seal()?;
            let document = serde_json::to_vec_pretty(&manifest).map_err(BundleError::Json)?;
            files::write_below(folder, PARTS, &document)?;
            made = Some(verifier);
            Ok::<_, E>(())
        })?;
        Ok((Self::open(path)?, made.expect("it was filled")))
    }

    /// Opens a bundle; its files are checked as they are read.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let place = path.join(PARTS);
        let damaged = || BundleError::Damaged { path: place.clone() };
        let bytes = files::read_document(&place)?;
        let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        match document["version"].as_u64() {
            Some(found) if found == u64::from(VERSION) => {}
            Some(found) => {
                return Err(BundleError::Version { path: place, found, expected: VERSION });
            }
            None => return Err(damaged()),
        }
        let manifest: PartsManifest = serde_json::from_value(document).map_err(|_| damaged())?;
        if manifest.seal()? != manifest.checksum
            || !manifest.layout.is_possible()
            || manifest.parts.len() != manifest.cuts.len() + 1
        {
            return Err(damaged());
        }
        let parts = (1..=manifest.parts.len()).map(|number| {
            let place = path.join(number.to_string());
            if place.is_symlink() {
                return Err(BundleError::Link { path: place });
            }
            Bundle::open(&place)
        });
        let parts = parts.collect::<Result<Vec<Bundle>, _>>()?;
        for (number, (part, digest)) in parts.iter().zip(&manifest.parts).enumerate() {
            let of = PartOf { cuts: manifest.cuts.clone(), number };
            let is_own = part.manifest.part.as_ref() == Some(&of)
                && part.manifest.vk_digest == *digest
                && part.manifest.files.get(MODEL) == parts[0].manifest.files.get(MODEL);
            if !is_own {
                return Err(damaged());
            }
        }
        Ok(Self { path: path.to_owned(), manifest, parts })
    }

    /// The whole model.
    pub fn model(&self) -> Result<Model, BundleError> {
        self.parts[0].whole_model()
    }

    /// What proofs are checked against. That the keys belong to the model is not checked: [`Self::check_key`] does that.
    pub fn verifier(&self) -> Result<PartsVerifier, BundleError> {
        let keys = self.parts.iter().map(Bundle::verifier).collect::<Result<Vec<_>, _>>()?;
        let PartsManifest { layout, cuts, .. } = &self.manifest;
        let verifier = PartsVerifier::new(self.model()?, layout.clone(), cuts, keys)?;
        let is_as_written = hex(&verifier.digest()) == self.manifest.vk_digest
            && hex(&verifier.model_digest()) == self.manifest.model_digest;
        if is_as_written {
            Ok(verifier)
        } else {
            Err(BundleError::Damaged { path: self.path.join(PARTS) })
        }
    }

    /// Derives all verifying keys again from a model, cut where this one is, and the bundles' plans and strings: whether they are the
    /// bundle's.
    pub fn check_key(&self, model: &Model) -> Result<(), BundleError> {
        let parts = model.cut(&self.manifest.cuts).map_err(|error| BundleError::OtherKey {
            path: self.path.clone(),
            model: model.name.clone(),
            why: error.to_string(),
        })?;
        self.parts.iter().zip(parts).try_for_each(|(bundle, part)| bundle.check_key(&part.model))
    }

    /// Has each part proved, and puts the proofs together; what proves them is told the part's number and bundle. What crosses
    /// cuts is committed to with blindings that are drawn here, for this proof alone.
    #[cfg(feature = "prove")]
    pub fn prove<E: From<BundleError>>(
        &self,
        work: &Work,
        mut prove: impl FnMut(usize, &Bundle, &Work) -> Result<Proof, E>,
    ) -> Result<Proof, E> {
        let layout = &self.manifest.layout;
        let model = self.model()?;
        let instances = work.instances(&model, layout).map_err(BundleError::from)?;
        let (works, names) = self.divide(&model, work)?;
        let verifier = self.verifier()?;
        let mut proofs = Vec::new();
        for (number, (bundle, work)) in self.parts.iter().zip(&works).enumerate() {
            proofs.push(prove(number, bundle, work)?);
        }
        Ok(verifier.join(&names, &proofs, instances))
    }

    /// What the proof of each part is made of, for whoever has them made by others.
    #[cfg(feature = "prove")]
    pub fn works(&self, work: &Work) -> Result<Vec<Work>, BundleError> {
        Ok(self.divide(&self.model()?, work)?.0)
    }

    /// The same, given the whole model, with the names of what crosses cuts. Blindings are drawn here, so no two calls have a name in
    /// common: all parts of a proof are to be of one.
    #[cfg(feature = "prove")]
    pub fn divide(
        &self,
        model: &Model,
        work: &Work,
    ) -> Result<(Vec<Work>, Vec<Word>), BundleError> {
        let own = work.inputs.len().min(model.inputs.len());
        let (inputs, chosen) = work.inputs.split_at(own);
        let evaluation = model.evaluate(inputs)?;
        let parts = model.cut(&self.manifest.cuts)?;
        let longest = self.parts.iter().max_by_key(|part| part.manifest.k).expect("it has a part");
        let powers = longest.powers()?;
        let commit = |(model, port): (&Model, &Port)| {
            let tensor = InstanceTensor::of_port(model, port);
            let commitment = InputCommitment::new(tensor, evaluation.tensor(port.tensor), &powers);
            let short = || ProvingError::SrsInvalid("it is too short for what crosses a cut");
            Ok::<_, BundleError>(commitment.ok_or_else(short)?)
        };
        // Those of the last part are the model's.
        let (_, making) = parts.split_last().expect("a model has a part");
        let made = making
            .iter()
            .flat_map(|part| part.model.outputs.iter().map(|port| (&part.model, port)));
        let crossing = made.map(commit).collect::<Result<Vec<_>, _>>()?;
        let works = parts.iter().enumerate().map(|(number, part)| {
            let [is_first, is_last] = [number == 0, number == making.len()];
            let taken =
                part.model.inputs.iter().map(|port| evaluation.tensor(port.tensor).to_vec());
            let mut own = if is_first { inputs.to_vec() } else { taken.collect() };
            own.extend(chosen.iter().filter(|_| is_last).cloned());
            let linked = part.takes.iter().chain(&part.gives).map(|&number| &crossing[number]);
            let blindings = work.blindings.all().iter().filter(|_| is_first).copied().map(Some);
            Work {
                inputs: own,
                contexts: work.contexts.clone(),
                commitments: (work.commitments.iter().filter(|_| is_first))
                    .chain(linked)
                    .cloned()
                    .collect(),
                blindings: blindings.collect::<Vec<_>>().into(),
                weights: None,
            }
        });
        let works = works.collect();
        Ok((works, crossing.iter().map(InputCommitment::name).collect()))
    }
}
