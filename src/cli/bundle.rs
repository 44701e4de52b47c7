//! The directory that `keygen` makes and later verbs take.
//!
//! | file | holds |
//! |---|---|
//! | `bundle.json` | version, plan, digests; a checksum of every other file and of itself |
//! | `model.onnx` | the model, byte for byte |
//! | `srs.bin` | the structured reference string, cut down to the circuit's k |
//! | `vk.bin` | the verifying key |
//!
//! The proving key is made again from these when a proof is made, which takes less time than reading it.
//! A bundle is put together beside its place and renamed: it is there whole or not at all.

use super::{CliError, files};
use crate::circuit::{CircuitError, ModelCircuit, Shape};
use crate::model::Model;
use crate::proving::{Srs, SrsOrigin, Verifier};
use serde::{Deserialize, Serialize};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const VERSION: u32 = 3;
const MANIFEST: &str = "bundle.json";
const MODEL: &str = "model.onnx";
const SRS: &str = "srs.bin";
const VERIFYING_KEY: &str = "vk.bin";

/// What `bundle.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    version: u32,
    /// The model's name.
    pub model: String,
    /// log₂ of the circuit's rows.
    pub k: u32,
    /// The circuit's shape.
    pub shape: Shape,
    /// Number of instances of a proof.
    pub instances: usize,
    /// The verifying key's digest.
    pub vk_digest: String,
    /// Where the structured reference string comes from.
    pub srs: SrsOrigin,
    /// Keccak-256 of each file.
    files: BTreeMap<String, String>,
    /// Keccak-256 of this document with this field empty.
    checksum: String,
}

/// A bundle on disk.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Manifest {
    fn seal(&self) -> Result<String, CliError> {
        let unsealed = Self { checksum: String::new(), ..self.clone() };
        Ok(checksum(&serde_json::to_vec(&unsealed).map_err(CliError::Json)?))
    }
}

impl Bundle {
    /// Where the bundle of a model lies unless the user says otherwise.
    pub fn default_path(model: &Path) -> PathBuf {
        model.with_extension("zkv")
    }

    /// Writes a bundle, in place of one that may be there.
    pub fn create(
        path: &Path,
        onnx: &[u8],
        name: &str,
        circuit: &ModelCircuit,
        srs: &Srs,
        verifier: &Verifier,
    ) -> Result<Self, CliError> {
        if path.exists() && !path.join(MANIFEST).is_file() {
            return Err(CliError::NotABundle { path: path.to_owned() });
        }
        let files =
            [(MODEL, onnx.to_vec()), (SRS, srs.to_bytes()), (VERIFYING_KEY, verifier.to_bytes())];
        let mut manifest = Manifest {
            version: VERSION,
            model: name.to_owned(),
            k: circuit.k(),
            shape: circuit.shape(),
            instances: circuit.instances(),
            vk_digest: hex(&verifier.digest()),
            srs: srs.origin,
            files: files.iter().map(|(name, bytes)| ((*name).into(), checksum(bytes))).collect(),
            checksum: String::new(),
        };
        manifest.checksum = manifest.seal()?;
        let document = serde_json::to_vec_pretty(&manifest).map_err(CliError::Json)?;
        files::write_folder(path, |folder| {
            for (name, bytes) in &files {
                files::write(&folder.join(name), bytes)?;
            }
            files::write(&folder.join(MANIFEST), &document)
        })?;
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// Opens a bundle; its files are checked as they are read.
    pub fn open(path: &Path) -> Result<Self, CliError> {
        let place = path.join(MANIFEST);
        if path.exists() && !place.is_file() {
            return Err(CliError::NotABundle { path: path.to_owned() });
        }
        let bytes = files::read(&place)?;
        let damaged = || CliError::DamagedBundle { path: place.clone() };
        // The version first: another version's document may have other fields.
        let document: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        match document["version"].as_u64() {
            Some(version) if version == u64::from(VERSION) => {}
            Some(found) => {
                return Err(CliError::BundleVersion { path: place, found, expected: VERSION });
            }
            None => return Err(damaged()),
        }
        let manifest: Manifest = serde_json::from_value(document).map_err(|_| damaged())?;
        // A key is read with the columns of its shape.
        let is_sound = manifest.shape.is_possible(manifest.k);
        if !is_sound || manifest.seal()? != manifest.checksum {
            return Err(damaged());
        }
        Ok(Self { path: path.to_owned(), manifest })
    }

    /// The model.
    pub fn model(&self) -> Result<Model, CliError> {
        Ok(Model::from_onnx(&self.manifest.model, &self.read(MODEL)?)?)
    }

    /// The circuit of the model.
    pub fn circuit(&self, model: &Model) -> Result<ModelCircuit, CircuitError> {
        ModelCircuit::restore(model, self.manifest.k, &self.manifest.shape)
    }

    /// What proofs are checked against.
    pub fn verifier(&self) -> Result<Verifier, CliError> {
        let srs = Srs::from_bytes_unchecked(&self.read(SRS)?, self.manifest.srs)?;
        let key = self.read(VERIFYING_KEY)?;
        let Manifest { shape, instances, .. } = self.manifest.clone();
        let verifier = Verifier::from_bytes::<ModelCircuit>(&key, &srs, shape, instances)?;
        if hex(&verifier.digest()) != self.manifest.vk_digest {
            return Err(CliError::DamagedBundle { path: self.path.join(VERIFYING_KEY) });
        }
        Ok(verifier)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, CliError> {
        let path = self.path.join(name);
        let bytes = files::read(&path)?;
        if self.manifest.files.get(name) != Some(&checksum(&bytes)) {
            return Err(CliError::DamagedBundle { path });
        }
        Ok(bytes)
    }
}

fn checksum(bytes: &[u8]) -> String {
    hex(&Keccak256::digest(bytes))
}

/// `0x` and two digits per byte.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    std::iter::once("0x".to_owned()).chain(digits).collect()
}
