//! Proof files: what `prove` writes and later verbs read.

use super::{CliError, bundle::hex, files};
use crate::circuit::{InstanceError, InstanceLayout, Role, Word};
use crate::model::{Model, OutputValues};
use crate::proving::WORD_BYTES;
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What `prove` writes and prints.
#[derive(Debug, Serialize)]
pub struct ProofDocument {
    /// The verifying key's digest.
    pub vk_digest: String,
    /// The proof's bytes.
    pub proof: String,
    /// The public values.
    pub instances: Vec<String>,
    /// The first of them.
    pub context: String,
    /// A call of `verifyProof`.
    pub calldata: String,
    /// What the model answers.
    pub inferences: Vec<Inference>,
    /// How long proving took.
    pub seconds: f64,
    /// The most memory the command held.
    pub peak_memory_bytes: u64,
}

/// The outputs of one inference, by name.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inference {
    /// Values by the output's name.
    pub outputs: BTreeMap<String, OutputValues>,
}

impl Inference {
    /// Names the values.
    pub fn new(outputs: Vec<OutputValues>) -> Self {
        Self { outputs: outputs.into_iter().map(|values| (values.name.clone(), values)).collect() }
    }

    /// The outputs that instances hold, one inference after the other.
    pub fn of_instances(
        model: &Model,
        layout: &InstanceLayout,
        instances: &[Word],
    ) -> Result<Vec<Self>, InstanceError> {
        layout.check(instances)?;
        let mut inferences = vec![Self { outputs: BTreeMap::new() }; layout.inferences];
        for part in layout.parts().iter().filter(|part| part.role == Role::Output) {
            let (Some(inference), Some(port)) = (
                part.inference.and_then(|inference| inferences.get_mut(inference)),
                model.outputs.iter().find(|port| port.name == part.name),
            ) else {
                continue;
            };
            let values = OutputValues::new(model, port, part.integers(instances)?);
            inference.outputs.insert(values.name.clone(), values);
        }
        Ok(inferences)
    }
}

impl std::fmt::Display for Inference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, values) in &self.outputs {
            writeln!(f, "{name} {:?}", values.shape)?;
            writeln!(f, "  quantized    {:?}", values.quantized)?;
            writeln!(f, "  dequantized  {:?}", values.dequantized)?;
        }
        Ok(())
    }
}

/// What verifying needs of a proof file.
#[derive(Debug)]
pub struct ProofFile {
    /// The verifying key's digest.
    pub vk_digest: String,
    /// The proof's bytes.
    pub proof: Vec<u8>,
    /// The public values, as they stand in the file: perhaps not below the field's modulus.
    pub instances: Vec<[u8; WORD_BYTES]>,
}

#[derive(Deserialize)]
struct Document {
    vk_digest: String,
    proof: String,
    instances: Vec<String>,
}

impl ProofFile {
    /// Reads a proof file.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = files::read(path)?;
        let malformed = |why: String| CliError::ProofFile { path: path.to_owned(), why };
        let document: Document =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        Self::parse(&document).map_err(malformed)
    }

    fn parse(document: &Document) -> Result<Self, String> {
        let proof = unhex(&document.proof)
            .ok_or("`proof` is not `0x` and an even number of hexadecimal digits")?;
        let word = |(index, text): (usize, &String)| {
            unhex(text)
                .and_then(|bytes| <[u8; WORD_BYTES]>::try_from(bytes).ok())
                .ok_or_else(|| format!("instance {index} is not `0x` and 64 hexadecimal digits"))
        };
        let instances =
            document.instances.iter().enumerate().map(word).collect::<Result<_, _>>()?;
        Ok(Self { vk_digest: document.vk_digest.clone(), proof, instances })
    }

    /// The instances as field elements; none if one is not below the modulus.
    pub fn scalars(&self) -> Option<Vec<Fr>> {
        let scalar = |word: &[u8; WORD_BYTES]| scalar(*word);
        self.instances.iter().map(scalar).collect()
    }
}

impl From<&ProofDocument> for ProofFile {
    fn from(document: &ProofDocument) -> Self {
        let ProofDocument { vk_digest, proof, instances, .. } = document;
        let document = Document {
            vk_digest: vk_digest.clone(),
            proof: proof.clone(),
            instances: instances.clone(),
        };
        Self::parse(&document).expect("proof documents are written in this form")
    }
}

/// The field element with these big-endian bytes, if they are below the modulus.
pub fn scalar(mut word: [u8; WORD_BYTES]) -> Option<Fr> {
    word.reverse();
    Fr::from_repr(word).into()
}

/// The bytes behind `0x` and two digits per byte.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    if !digits.is_ascii() || digits.len() % 2 != 0 {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// Writes a proof document.
pub fn write(path: &Path, document: &ProofDocument) -> Result<(), CliError> {
    let bytes = serde_json::to_vec_pretty(document).map_err(CliError::Json)?;
    files::write(path, &bytes)
}

impl std::fmt::Display for ProofDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for inference in &self.inferences {
            write!(f, "{inference}")?;
        }
        writeln!(f, "proof      {} bytes", (self.proof.len() - 2) / 2)?;
        writeln!(f, "instances  {}", self.instances.len())?;
        writeln!(f, "key        {}", self.vk_digest)?;
        writeln!(f, "took       {:.2} s, {} MB at most", self.seconds, self.peak_memory_bytes >> 20)
    }
}

/// A field element as a 32-byte word.
pub fn word(value: &Fr) -> String {
    hex(&crate::proving::word_of(value))
}
