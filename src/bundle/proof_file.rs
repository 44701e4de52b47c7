//! Proof files: what `prove` writes and later verbs read.

use super::{BundleError, Took, files, hex, unhex};
use crate::model::{ClaimValues, OutputValues};
use crate::name::Name;
use crate::proving::{Format, Judge, Proof, Statement, WORD_BYTES};
use crate::solidity::verify_proof_calldata_of_words;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// What `prove` writes and prints.
#[derive(Debug, Serialize)]
pub struct ProofDocument {
    /// How the proof's bytes are to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The verifying key's digest.
    pub vk_digest: String,
    /// The proof's bytes.
    pub proof: String,
    /// The public values.
    pub instances: Vec<String>,
    #[serde(flatten)]
    said: Said,
    /// What making it took.
    #[serde(flatten)]
    pub took: Took,
}

/// What stands in a proof file beside the proof, for people and scripts: all of it follows from the instances.
#[derive(Debug, Serialize)]
struct Said {
    /// Of one inference.
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<String>,
    /// Of several, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contexts: Vec<String>,
    /// The name of committed weights.
    #[serde(skip_serializing_if = "Option::is_none")]
    weights: Option<String>,
    /// The names of committed inputs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    names: BTreeMap<String, String>,
    /// The hashes of hashed inputs, of one inference.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    hashes: BTreeMap<String, String>,
    /// A call of `verifyProof`.
    calldata: String,
    inferences: Vec<Inference>,
}

/// What is told and claimed of the outputs of one inference, and of several in a proof what hashes their inputs have.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inference {
    /// Values by the output's name.
    pub outputs: BTreeMap<String, OutputValues>,
    /// What is claimed, by the claim's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, ClaimValues>,
    /// Hashes, by the input's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub hashes: BTreeMap<String, String>,
}

impl Inference {
    /// Names the values.
    pub fn new(outputs: Vec<OutputValues>) -> Self {
        let outputs = outputs.into_iter().map(|values| (values.name.clone(), values)).collect();
        Self { outputs, claims: BTreeMap::new(), hashes: BTreeMap::new() }
    }
}

impl std::fmt::Display for Inference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, values) in &self.outputs {
            writeln!(f, "{name} {:?}", values.shape)?;
            writeln!(f, "  quantized    {:?}", values.quantized)?;
            writeln!(f, "  dequantized  {:?}", values.dequantized)?;
        }
        for (name, said) in &self.claims {
            writeln!(f, "{} {said}", Name::new(name))?;
        }
        for (input, hash) in &self.hashes {
            writeln!(f, "hash       {hash} of the hashed input {}", Name::new(input))?;
        }
        Ok(())
    }
}

impl Said {
    fn of(proof: &Proof, statements: Vec<Statement>) -> Self {
        let mut contexts: Vec<String> =
            statements.iter().map(|statement| hex(&statement.context)).collect();
        let context = if contexts.len() == 1 { contexts.pop() } else { None };
        let names = statements.first().map(named).unwrap_or_default();
        let is_one = statements.len() == 1;
        let hashes = statements.first().filter(|_| is_one).map(hashed).unwrap_or_default();
        let weights = statements.first().and_then(|said| said.weights).map(|name| hex(&name));
        let said = |statement: Statement| Inference {
            hashes: if is_one { BTreeMap::new() } else { hashed(&statement) },
            outputs: statement.outputs,
            claims: statement.claims,
        };
        Self {
            context,
            contexts,
            weights,
            names,
            hashes,
            calldata: hex(&verify_proof_calldata_of_words(&proof.bytes, &proof.instances)),
            inferences: statements.into_iter().map(said).collect(),
        }
    }
}

/// The names of committed inputs, by the input.
pub(crate) fn named(statement: &Statement) -> BTreeMap<String, String> {
    statement.names.iter().map(|(input, name)| (input.clone(), hex(name))).collect()
}

/// The hashes of hashed inputs, by the input.
pub(crate) fn hashed(statement: &Statement) -> BTreeMap<String, String> {
    statement.hashes.iter().map(|(input, hash)| (input.clone(), hex(hash))).collect()
}

impl ProofDocument {
    /// A proof with what its instances say, and what making it took.
    pub fn new(verifier: &dyn Judge, proof: &Proof, took: Took) -> Result<Self, BundleError> {
        Ok(Self {
            format: proof.format,
            vk_digest: hex(&proof.vk_digest),
            proof: hex(&proof.bytes),
            instances: proof.instances.iter().map(|word| hex(word)).collect(),
            said: Said::of(proof, verifier.statements(&proof.instances)?),
            took,
        })
    }

    /// What the model answers.
    pub fn inferences(&self) -> &[Inference] {
        &self.said.inferences
    }

    /// Writes the file.
    #[cfg(feature = "prove")]
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        files::write(path, &serde_json::to_vec_pretty(self).map_err(BundleError::Json)?)
    }
}

impl std::fmt::Display for ProofDocument {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for inference in &self.said.inferences {
            write!(f, "{inference}")?;
        }
        if let Some(name) = &self.said.weights {
            writeln!(f, "weights    {name}")?;
        }
        for (input, name) in &self.said.names {
            writeln!(f, "name       {name} of the committed input {}", Name::new(input))?;
        }
        for (input, hash) in &self.said.hashes {
            writeln!(f, "hash       {hash} of the hashed input {}", Name::new(input))?;
        }
        writeln!(f, "proof      {} bytes", (self.proof.len() - 2) / 2)?;
        writeln!(f, "instances  {}", self.instances.len())?;
        writeln!(f, "key        {}", self.vk_digest)?;
        let Took { seconds, cpu_seconds, peak_memory_bytes } = self.took;
        let megabytes = peak_memory_bytes >> 20;
        writeln!(
            f,
            "took       {seconds:.2} s, {cpu_seconds:.2} s of processors, {megabytes} MB at most"
        )
    }
}

/// A proof from a file. Whatever else the file says is believed by nobody.
#[derive(Debug)]
pub struct ProofFile {
    /// The proof and its instances.
    pub proof: Proof,
    /// All fields of the document.
    fields: Value,
}

#[derive(Deserialize)]
struct Document {
    format: Option<Format>,
    vk_digest: String,
    proof: String,
    instances: Vec<String>,
}

impl ProofFile {
    /// Reads a proof file.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        let malformed = |why: String| BundleError::ProofFile { path: path.to_owned(), why };
        Self::parse(&files::read_document(path)?).map_err(malformed)
    }

    /// Reads a proof file's bytes; says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let fields: Value = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is not the JSON that proofs are written in: {error}"))?;
        let document = Document::deserialize(&fields).map_err(|error| error.to_string())?;
        let bytes = unhex(&document.proof)
            .ok_or("`proof` is not `0x` and an even number of hexadecimal digits")?;
        let word = |text: &str| -> Option<[u8; WORD_BYTES]> { unhex(text)?.try_into().ok() };
        let vk_digest =
            word(&document.vk_digest).ok_or("`vk_digest` is not `0x` and 64 hexadecimal digits")?;
        let instance = |(index, text): (usize, &String)| {
            word(text)
                .ok_or_else(|| format!("instance {index} is not `0x` and 64 hexadecimal digits"))
        };
        let instances =
            document.instances.iter().enumerate().map(instance).collect::<Result<_, _>>()?;
        Ok(Self { proof: Proof { format: document.format, vk_digest, bytes, instances }, fields })
    }

    /// The proof, for whoever uses it without checking it: a file of another format, or that contradicts its own
    /// instances, is an error.
    pub fn proof_of(&self, verifier: &dyn Judge) -> Result<&Proof, BundleError> {
        if let Some((got, expected)) = self.proof.other_format(verifier.format()) {
            return Err(BundleError::OtherFormat { got, expected });
        }
        match self.contradiction(verifier) {
            Some(why) => Err(BundleError::Contradiction(why)),
            None => Ok(&self.proof),
        }
    }

    /// What the file says beside its proof that the instances do not: the field, and both.
    pub fn contradiction(&self, verifier: &dyn Judge) -> Option<String> {
        let statements = verifier.statements(&self.proof.instances).ok()?;
        // As text, so that floats are the doubles that readers of a file take them for.
        let said = serde_json::to_string(&Said::of(&self.proof, statements)).ok()?;
        let said: Value = serde_json::from_str(&said).ok()?;
        let fields =
            ["context", "contexts", "weights", "names", "hashes", "inferences", "calldata"];
        fields.iter().find_map(|&field| {
            let found = self.fields.get(field)?;
            difference(found, &said[field], field)
        })
    }
}

/// Where a value is not what is expected, and both. Fields may be left out, elements of lists may not.
pub(crate) fn difference(found: &Value, expected: &Value, place: &str) -> Option<String> {
    let differs = || {
        let short = |value: &Value| -> String {
            let text = value.to_string();
            if text.len() <= SHORT {
                text
            } else {
                text.chars().take(SHORT).chain(['…']).collect()
            }
        };
        Some(format!("`{place}` is {}, the instances say {}", short(found), short(expected)))
    };
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            found.iter().find_map(|(name, value)| {
                let place = format!("{place}.{name}");
                match expected.get(name) {
                    Some(expected) => difference(value, expected, &place),
                    None => Some(format!("`{place}` is nothing that the instances say")),
                }
            })
        }
        (Value::Array(found), Value::Array(expected)) if found.len() == expected.len() => {
            let mut pairs = found.iter().zip(expected).enumerate();
            pairs.find_map(|(at, (found, expected))| {
                difference(found, expected, &format!("{place}[{at}]"))
            })
        }
        (Value::String(found), Value::String(expected)) => {
            if found.eq_ignore_ascii_case(expected) {
                None
            } else {
                differs()
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => None,
        _ if found == expected => None,
        _ => differs(),
    }
}

/// Characters of a value that a message shows.
const SHORT: usize = 70;
