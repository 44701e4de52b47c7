//! Files of committed weights: what `commit --weights` writes and `prove` takes. They hold what they hide.

use super::commitment::{coordinates, point};
use super::secret::{self, FORMAT, VERSION, word};
use super::{BundleError, hex};
use crate::circuit::Word;
use crate::proving::{CommittedWeights, ModelProver, ProvingError, scalar_of, word_of};
use halo2_proofs::halo2curves::{
    bn256::{Fr, G1Affine},
    ff::Field,
};
use serde::{Deserialize, Serialize};
use std::path::Path;

const KIND: &str = "weights";

/// Digits of a weight.
const DIGITS: usize = 8;

/// A commitment to the weights of an architecture, with what it hides.
pub struct WeightsCommitment {
    vk_digest: Word,
    name: Word,
    points: Vec<G1Affine>,
    weights: Vec<i32>,
    blindings: Vec<Fr>,
}

/// Beside the name nothing.
impl std::fmt::Debug for WeightsCommitment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WeightsCommitment").field("name", &hex(&self.name)).finish_non_exhaustive()
    }
}

impl Drop for WeightsCommitment {
    fn drop(&mut self) {
        self.weights.fill(0);
        self.blindings.fill(Fr::ZERO);
        std::hint::black_box((&mut self.weights, &mut self.blindings));
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    kind: String,
    vk_digest: String,
    name: String,
    points: Vec<[String; 2]>,
    /// Eight hexadecimal digits each, in two's complement: as many weights take as much room, whatever they are.
    weights: String,
    blindings: Vec<String>,
}

impl Drop for Document {
    fn drop(&mut self) {
        secret::wipe_all(self.blindings.iter_mut().chain([&mut self.weights]));
    }
}

impl WeightsCommitment {
    /// What a commitment under a key is written down as.
    pub fn new(prover: &ModelProver, committed: &CommittedWeights) -> Self {
        Self {
            vk_digest: prover.verifier().digest(),
            name: committed.name(),
            points: committed.points().to_vec(),
            weights: committed.model().weights(),
            blindings: committed.blindings().to_vec(),
        }
    }

    /// The digest of the key that it is under.
    pub fn vk_digest(&self) -> Word {
        self.vk_digest
    }

    /// Its name: the instance that stands for the weights.
    pub fn name(&self) -> Word {
        self.name
    }

    /// What is public of it beside its name: both coordinates of each point.
    pub fn points(&self) -> Vec<[Word; 2]> {
        self.points.iter().map(coordinates).collect()
    }

    /// The weights, as an architecture takes them.
    pub fn weights(&self) -> &[i32] {
        &self.weights
    }

    /// What a prover takes.
    pub fn committed(&self, prover: &ModelProver) -> Result<CommittedWeights, ProvingError> {
        let model = prover.model().with_weights(&self.weights);
        let model = model.ok_or_else(|| {
            ProvingError::OtherArchitecture("it has more weights, or fewer".into())
        })?;
        prover.committed_weights(model, self.blindings.clone(), self.points.clone())
    }

    /// Writes the file, for nobody but its owner.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        secret::write(path, self.to_bytes())
    }

    /// The file's bytes, which are as secret as the weights.
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Document {
            format: FORMAT.into(),
            version: VERSION,
            kind: KIND.into(),
            vk_digest: hex(&self.vk_digest),
            name: hex(&self.name),
            points: self.points().iter().map(|point| point.map(|word| hex(&word))).collect(),
            weights: self.weights.iter().map(|weight| format!("{weight:08x}")).collect(),
            blindings: self.blindings.iter().map(|blinding| hex(&word_of(blinding))).collect(),
        };
        secret::bytes(&document)
    }

    /// Reads a file. That its points are those of its weights a proof shows.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        secret::open(path, Self::parse)
    }

    /// Reads a file's bytes; says what is wrong with them, and nothing of what they hold.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = secret::document(bytes, KIND)?;
        let points = document.points.iter().map(|[x, y]| {
            let point = point(word(x, "`points`")?, word(y, "`points`")?);
            point.ok_or_else(|| "`points` are not all on the curve".to_owned())
        });
        let points = points.collect::<Result<Vec<_>, String>>()?;
        let blindings = document.blindings.iter().map(|text| {
            let blinding = scalar_of(word(text, "`blindings`")?);
            let blinding = blinding.filter(|blinding| *blinding != Fr::ZERO);
            blinding
                .ok_or_else(|| "`blindings` are not all below the modulus, and above 0".to_owned())
        });
        let blindings = blindings.collect::<Result<Vec<_>, String>>()?;
        if points.is_empty() || points.len() != blindings.len() {
            return Err("there is not one blinding for each point".into());
        }
        let weight = |digits: &[u8]| {
            let digits = std::str::from_utf8(digits).ok()?;
            // A sign would be read too.
            let digits = Some(digits).filter(|digits| digits.len() == DIGITS)?;
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hex.then(|| u32::from_str_radix(digits, 16).ok())?.map(u32::cast_signed)
        };
        let weights = document.weights.as_bytes().chunks(DIGITS).map(weight);
        let weights = weights.collect::<Option<Vec<i32>>>();
        let weights = weights.ok_or("`weights` are not eight hexadecimal digits each")?;
        Ok(Self {
            vk_digest: word(&document.vk_digest, "`vk_digest`")?,
            name: word(&document.name, "`name`")?,
            points,
            weights,
            blindings,
        })
    }
}
