//! What is kept in files: bundles, and proofs with what they say.
//!
//! A bundle is the directory that `keygen` makes and that later verbs take:
//!
//! | file | holds |
//! |---|---|
//! | `bundle.json` | version, the proofs' format if it is not halo2's, plan, digests; a checksum of every other file and of itself |
//! | `model.onnx` | the model, byte for byte |
//! | `srs.bin` | for packed proofs their [`Powers`]; else the structured reference string, cut down to the circuit's k, as halo2 writes it in raw bytes; then, if the file that it is from had it, one more power, `[τⁿ]₁` (64 bytes), with which proofs hide the quotient |
//! | `vk.bin` | the verifying key |
//!
//! The proving key is made again from these when a proof is made, which takes less time than reading it.
//! A bundle is put together beside its place and renamed: it is there whole or not at all.

#[cfg(feature = "prove")]
mod archive;
#[cfg(feature = "prove")]
mod commitment;
#[cfg(feature = "prove")]
mod contract;
#[cfg(feature = "prove")]
mod dev_string;
mod error;
pub(crate) mod files;
#[cfg(feature = "prove")]
pub(crate) mod folder;
mod hex;
#[cfg(feature = "prove")]
mod input_hash;
#[cfg(feature = "prove")]
mod input_secrets;
mod key_document;
#[cfg(feature = "prove")]
mod model_file;
mod parts;
mod proof_file;
mod schema;
#[cfg(feature = "prove")]
mod secret;
mod took;
#[cfg(all(feature = "prove", feature = "compile"))]
mod viem;
#[cfg(feature = "prove")]
mod weights;
#[cfg(feature = "prove")]
mod work;

#[cfg(feature = "prove")]
pub use commitment::{CommitmentPoints, InputCommitment};
#[cfg(all(feature = "prove", feature = "compile"))]
pub use contract::CompiledFiles;
#[cfg(feature = "prove")]
pub use contract::{ContractFiles, contract_name, io_library};
#[cfg(all(feature = "cli", feature = "compile"))]
pub(crate) use contract::{DescribedFiles, KeyFile, contract_prefix, write_source};
#[cfg(feature = "prove")]
pub use dev_string::unsafe_dev_srs;
pub use error::BundleError;
#[cfg(feature = "prove")]
pub use files::{read_string, write};
pub use hex::{hex, unhex};
#[cfg(feature = "prove")]
pub use input_hash::InputHash;
#[cfg(feature = "prove")]
pub use input_secrets::{InputSecret, InputSecretError, InputSecrets, hidden_inputs};
pub use key_document::KeyDocument;
#[cfg(feature = "prove")]
pub use model_file::ModelFile;
pub use parts::{PartOf, PartsBundle, PartsManifest};
pub use proof_file::{Inference, ProofDocument, ProofFile};
#[cfg(feature = "cli")]
pub(crate) use proof_file::{difference, hashed, named};
pub use schema::{DataField, DataSchema, Decimal, Rounding, SchemaError, ValuePlace};
#[cfg(feature = "cluster")]
pub(crate) use secret::wipe;
#[cfg(feature = "prove")]
pub use took::Beginning;
pub use took::Took;
#[cfg(all(feature = "cli", feature = "compile"))]
pub(crate) use took::{cpu_seconds, peak_bytes};
#[cfg(feature = "prove")]
pub use weights::WeightsCommitment;
#[cfg(feature = "prove")]
pub use work::Work;

use crate::circuit::{CircuitError, InstanceLayout, ModelCircuit, Shape};
use crate::model::Model;
#[cfg(feature = "prove")]
use crate::proving::ReferenceString;
use crate::proving::{Format, ModelVerifier, Powers, Srs, SrsOrigin};
#[cfg(feature = "prove")]
use crate::proving::{ModelProver, ProverKind};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of bundles of halo2's format, which say nothing of formats.
const VERSION: u32 = 5;

/// Of bundles that name their format.
const VERSION_WITH_FORMAT: u32 = 6;
const MANIFEST: &str = "bundle.json";
const MODEL: &str = "model.onnx";
const SRS: &str = "srs.bin";
const VERIFYING_KEY: &str = "vk.bin";

/// What `bundle.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// The format of the proofs.
    #[serde(default = "Format::unwritten", skip_serializing_if = "Format::is_unwritten")]
    pub format: Format,
    /// The model's name.
    pub model: String,
    /// The model's digest.
    pub model_digest: String,
    /// log₂ of the circuit's rows.
    pub k: u32,
    /// The circuit's shape.
    pub shape: Shape,
    /// What the instances of a proof are.
    pub layout: InstanceLayout,
    /// Number of instances of a proof.
    pub instances: usize,
    /// The verifying key's digest.
    pub vk_digest: String,
    /// Where the structured reference string comes from.
    pub srs: SrsOrigin,
    /// Which part of the file's model it is of, if not of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<PartOf>,
    /// Keccak-256 of each file.
    files: BTreeMap<String, String>,
    /// Keccak-256 of this document with this field empty.
    checksum: String,
}

/// A bundle on disk, or one that is held in memory.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Where it lies; empty of one in memory.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
    held: Option<Arc<Held>>,
}

/// The files of a bundle in memory, by their names.
type Held = BTreeMap<&'static str, Vec<u8>>;

impl Manifest {
    /// The version that bundles of a format are of.
    fn version_of(format: Format) -> u32 {
        if format.is_unwritten() { VERSION } else { VERSION_WITH_FORMAT }
    }

    /// Reads the document that lies at a place.
    fn parse(bytes: &[u8], place: &Path) -> Result<Self, BundleError> {
        let damaged = || BundleError::Damaged { path: place.to_owned() };
        // The version first: another version's document may have other fields.
        let document: serde_json::Value = serde_json::from_slice(bytes).map_err(|_| damaged())?;
        match document["version"].as_u64() {
            Some(version) if [VERSION, VERSION_WITH_FORMAT].map(u64::from).contains(&version) => {}
            Some(found) => {
                let expected = VERSION_WITH_FORMAT;
                return Err(BundleError::Version { path: place.to_owned(), found, expected });
            }
            None => return Err(damaged()),
        }
        let manifest: Self = serde_json::from_value(document).map_err(|_| damaged())?;
        // A key is read with the columns of its shape.
        let is_sound = manifest.version == Manifest::version_of(manifest.format)
            && manifest.shape.is_possible(manifest.k)
            && manifest.layout.is_possible()
            && manifest.layout.len() == manifest.instances;
        if !is_sound || manifest.seal()? != manifest.checksum {
            return Err(damaged());
        }
        Ok(manifest)
    }

    fn seal(&self) -> Result<String, BundleError> {
        let unsealed = Self { checksum: String::new(), ..self.clone() };
        Ok(checksum(&serde_json::to_vec(&unsealed).map_err(BundleError::Json)?))
    }
}

impl Bundle {
    /// Where the bundle of a model lies unless the user says otherwise.
    pub fn default_path(model: &Path) -> PathBuf {
        model.with_extension("zkv")
    }

    /// Writes the bundle of a model's keys, in place of one that may be there. `onnx` holds the model, `srs` is the
    /// string of the keys: an [`Srs`], or [`Powers`] for packed proofs.
    #[cfg(feature = "prove")]
    pub fn create(
        path: &Path,
        onnx: &[u8],
        verifier: &ModelVerifier,
        srs: &impl ReferenceString,
    ) -> Result<Self, BundleError> {
        if path.exists() && !path.join(MANIFEST).is_file() && !PartsBundle::is_at(path) {
            return Err(BundleError::NotABundle { path: path.to_owned() });
        }
        let mut manifest = None;
        files::write_folder(path, |folder| {
            manifest = Some(Self::fill(folder, onnx, verifier, srs, None)?);
            Ok::<_, BundleError>(())
        })?;
        Ok(Self { path: path.to_owned(), manifest: manifest.expect("it was filled"), held: None })
    }

    /// Writes the files of a bundle of a model, or of one of its parts, into a folder.
    #[cfg(feature = "prove")]
    fn fill(
        folder: &folder::Folder,
        onnx: &[u8],
        verifier: &ModelVerifier,
        srs: &impl ReferenceString,
        part: Option<PartOf>,
    ) -> Result<Manifest, BundleError> {
        let keys = verifier.keys();
        let files =
            [(MODEL, onnx.to_vec()), (SRS, srs.to_bytes()), (VERIFYING_KEY, keys.to_bytes())];
        let mut manifest = Manifest {
            version: Manifest::version_of(verifier.format()),
            format: verifier.format(),
            model: verifier.model().name.clone(),
            model_digest: hex(&verifier.model_digest()),
            k: keys.k(),
            shape: verifier.shape().clone(),
            layout: verifier.layout().clone(),
            instances: keys.instances(),
            vk_digest: hex(&verifier.digest()),
            srs: srs.origin(),
            part,
            files: files.iter().map(|(name, bytes)| ((*name).into(), checksum(bytes))).collect(),
            checksum: String::new(),
        };
        manifest.checksum = manifest.seal()?;
        let document = serde_json::to_vec_pretty(&manifest).map_err(BundleError::Json)?;
        for (name, bytes) in &files {
            files::write_below(folder, name, bytes)?;
        }
        files::write_below(folder, MANIFEST, &document)?;
        Ok(manifest)
    }

    /// Opens a bundle; its files are checked as they are read.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let place = path.join(MANIFEST);
        if PartsBundle::is_at(path) {
            return Err(BundleError::InParts { path: path.to_owned() });
        }
        if path.exists() && !place.is_file() {
            return Err(BundleError::NotABundle { path: path.to_owned() });
        }
        // Later verbs write into the folder, and who made it could let them write elsewhere.
        let entries = path.read_dir().into_iter().flatten().flatten();
        if let Some(link) = entries.map(|entry| entry.path()).find(|path| path.is_symlink()) {
            return Err(BundleError::Link { path: link });
        }
        let manifest = Manifest::parse(&files::read_document(&place)?, &place)?;
        Ok(Self { path: path.to_owned(), manifest, held: None })
    }

    /// A bundle whose files are held in memory; they are checked as they are used.
    #[cfg(feature = "prove")]
    fn hold(files: Held) -> Result<Self, BundleError> {
        let document = files.get(MANIFEST).map_or(&[][..], Vec::as_slice);
        let manifest = Manifest::parse(document, Path::new(MANIFEST))?;
        Ok(Self { path: PathBuf::new(), manifest, held: Some(Arc::new(files)) })
    }

    /// The model, or its part.
    pub fn model(&self) -> Result<Model, BundleError> {
        let model = self.whole_model()?;
        let Some(PartOf { cuts, number }) = &self.manifest.part else { return Ok(model) };
        let part = model.cut(cuts)?.into_iter().nth(*number);
        let part = part.ok_or_else(|| BundleError::Damaged { path: self.path.join(MANIFEST) })?;
        Ok(part.model)
    }

    /// The model of the file.
    pub fn whole_model(&self) -> Result<Model, BundleError> {
        Ok(Model::from_onnx(&self.manifest.model, &self.read(MODEL)?)?)
    }

    /// The circuit of the model.
    pub fn circuit(&self, model: &Model) -> Result<ModelCircuit, CircuitError> {
        let Manifest { layout, k, shape, .. } = &self.manifest;
        ModelCircuit::restore(model, layout, *k, shape)
    }

    /// The structured reference string of a bundle of halo2's format.
    pub fn srs(&self) -> Result<Srs, BundleError> {
        let srs = Srs::from_bytes_unchecked(&self.read(SRS)?, self.manifest.srs)?;
        self.check_secret(srs.public_secret())?;
        Ok(srs)
    }

    /// The powers of a bundle's structured reference string.
    pub fn powers(&self) -> Result<Powers, BundleError> {
        let powers = match self.manifest.format {
            Format::Halo2 => Powers::from(&self.srs()?),
            Format::Packed => Powers::from_bytes_unchecked(&self.read(SRS)?, self.manifest.srs)?,
        };
        self.check_secret(powers.public_secret())?;
        Ok(powers)
    }

    /// That a string whose secret is public is called so.
    fn check_secret(&self, public: Option<&'static str>) -> Result<(), BundleError> {
        let called = match self.manifest.srs {
            SrsOrigin::UnsafeDev => return Ok(()),
            SrsOrigin::Ptau => "ptau",
            SrsOrigin::Raw => "raw",
        };
        match public {
            Some(string) => {
                Err(BundleError::PublicSecret { path: self.path.join(SRS), string, called })
            }
            None => Ok(()),
        }
    }

    /// What proofs are checked against. That the key belongs to the model is not checked:
    /// [`Self::check_key`] does that.
    pub fn verifier(&self) -> Result<ModelVerifier, BundleError> {
        let key = self.read(VERIFYING_KEY)?;
        let Manifest { shape, layout, model_digest, vk_digest, k, srs: origin, .. } =
            &self.manifest;
        let model = Arc::new(self.model()?);
        let (layout, shape) = (layout.clone(), shape.clone());
        let verifier = match self.manifest.format {
            Format::Halo2 => ModelVerifier::from_bytes(model, layout, shape, &self.srs()?, &key)?,
            // What a verdict needs of the string is in the key, which is a hundredth as long.
            Format::Packed => {
                ModelVerifier::from_packed_bytes(model, layout, shape, *k, *origin, &key)?
            }
        };
        self.check_secret(verifier.keys().public_secret())?;
        let is_as_written =
            hex(&verifier.model_digest()) == *model_digest && hex(&verifier.digest()) == *vk_digest;
        if !is_as_written {
            return Err(BundleError::Damaged { path: self.path.join(VERIFYING_KEY) });
        }
        Ok(verifier)
    }

    /// The same with the string that it was made with, which halo2's keys have in any case.
    pub fn verifier_with_string(&self) -> Result<ModelVerifier, BundleError> {
        let verifier = self.verifier()?;
        match self.manifest.format {
            Format::Halo2 => Ok(verifier),
            Format::Packed => Ok(verifier.with_powers(self.powers()?)?),
        }
    }

    /// Derives the verifying key again from a model and this bundle's plan and string: whether it is the bundle's.
    ///
    /// Whoever gives a bundle away can put any key beside any model.
    pub fn check_key(&self, model: &Model) -> Result<(), BundleError> {
        let other = |why: String| BundleError::OtherKey {
            path: self.path.clone(),
            model: model.name.clone(),
            why,
        };
        let circuit = self.circuit(model).map_err(|error| other(error.to_string()))?;
        let model = Arc::new(model.clone());
        let derived = match self.manifest.format {
            Format::Halo2 => ModelVerifier::generate(model, &circuit, &self.srs()?)?,
            Format::Packed => {
                let verifier = self.verifier()?;
                let keys = verifier.keys().packed().expect("the format says so");
                let widths = keys.key().layout().widths();
                ModelVerifier::generate_packed(model, &circuit, &self.powers()?, &widths)?
            }
        };
        let digest = hex(&derived.digest());
        if digest != self.manifest.vk_digest {
            let expected = &self.manifest.vk_digest;
            return Err(other(format!("its digest is `{expected}`, the model's is `{digest}`")));
        }
        Ok(())
    }

    /// What proofs are made with.
    #[cfg(feature = "prove")]
    pub fn prover(&self) -> Result<ModelProver, BundleError> {
        self.prover_for(ProverKind::default())
    }

    /// The same with a prover of choice.
    #[cfg(feature = "prove")]
    pub fn prover_for(&self, kind: ProverKind) -> Result<ModelProver, BundleError> {
        // Both take one thread for the most part.
        let (verifier, circuit) = rayon::join(
            || self.verifier_with_string(),
            || Ok::<_, BundleError>(self.circuit(&self.model()?)?),
        );
        Ok(ModelProver::of_verifier_for(kind, verifier?, circuit?)?)
    }

    /// A file's bytes, whatever they are.
    fn bytes_of(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        match &self.held {
            Some(held) => held.get(name).cloned().ok_or_else(|| {
                BundleError::io(self.path.join(name), std::io::ErrorKind::NotFound.into())
            }),
            None => files::read_below(&self.path, name),
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let path = self.path.join(name);
        let bytes = self.bytes_of(name)?;
        if self.manifest.files.get(name) != Some(&checksum(&bytes)) {
            return Err(BundleError::Damaged { path });
        }
        Ok(bytes)
    }
}

fn checksum(bytes: &[u8]) -> String {
    hex(&Keccak256::digest(bytes))
}
