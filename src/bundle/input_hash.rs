//! Files of hashed inputs: what `commit` writes where the bundle hashes the input. They hold what they hide.

use super::commitment::{elements_of, integers_of, packed, scalar, scalars, tensor_words};
use super::secret::{self, FORMAT, VERSION};
use super::{BundleError, hex};
use crate::circuit::{Code, Element, InstanceTensor, Word, hash_of_words};
use crate::proving::{link, word_of};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What it is.
pub(super) const KIND: &str = "hash";

/// An input with what blinds its hash. It says of them to nobody but a prover and its own file.
pub struct InputHash {
    tensor: InstanceTensor,
    words: Vec<Fr>,
    blinding: Fr,
}

/// Beside the hash nothing: who sees the blinding can try inputs.
impl std::fmt::Debug for InputHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("InputHash");
        debug.field("input", &self.tensor.name).field("hash", &hex(&self.hash()));
        debug.finish_non_exhaustive()
    }
}

impl Drop for InputHash {
    fn drop(&mut self) {
        self.words.fill(Fr::ZERO);
        self.blinding = Fr::ZERO;
        std::hint::black_box((&mut self.words, &mut self.blinding));
    }
}

/// The file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    version: u32,
    kind: String,
    input: String,
    hash: String,
    code: Code,
    shape: Vec<usize>,
    words: Vec<String>,
    blinding: String,
}

impl Drop for Document {
    fn drop(&mut self) {
        secret::wipe_all(self.words.iter_mut().chain([&mut self.blinding]));
    }
}

impl InputHash {
    /// An input's integers, with a blinding from the operating system. None if they are not of the tensor.
    pub fn new(tensor: InstanceTensor, integers: &[i32]) -> Option<Self> {
        if integers.len() != tensor.len() {
            return None;
        }
        let words = packed(&tensor, integers)?;
        Some(Self { tensor, words, blinding: link::draw_blinding() })
    }

    /// The input that it was made for.
    pub fn tensor(&self) -> &InstanceTensor {
        &self.tensor
    }

    /// The hash: the instance that stands for the input.
    pub fn hash(&self) -> Word {
        word_of(&hash_of_words(self.tensor.bytes(), &self.words, self.blinding))
    }

    /// What blinds it.
    pub fn blinding(&self) -> Fr {
        self.blinding
    }

    /// The integers that are hashed.
    pub fn integers(&self) -> Vec<i32> {
        integers_of(&self.tensor, &self.words)
    }

    /// The elements that are hashed.
    pub fn elements(&self) -> Vec<Element> {
        elements_of(&self.tensor, &self.words)
    }

    /// Writes the file, for nobody but its owner.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        let Self { tensor, words, blinding } = self;
        let document = Document {
            format: FORMAT.into(),
            version: VERSION,
            kind: KIND.into(),
            input: tensor.name.clone(),
            hash: hex(&self.hash()),
            code: tensor.code,
            shape: tensor.shape.clone(),
            words: words.iter().map(|word| hex(&word_of(word))).collect(),
            blinding: hex(&word_of(blinding)),
        };
        secret::write(path, secret::bytes(&document))
    }

    /// Reads a file's bytes; says what is wrong with them, and nothing of what they hold.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = secret::document(bytes, KIND)?;
        let tensor = InstanceTensor {
            name: document.input.clone(),
            code: document.code,
            shape: document.shape.clone(),
        };
        // Wiped whatever is found from here on.
        let read = Self {
            tensor,
            words: scalars(&document.words)?,
            blinding: scalar(&document.blinding, "`blinding`")?,
        };
        if read.blinding == Fr::ZERO {
            return Err("`blinding` is 0, and the hash hides nothing".into());
        }
        if tensor_words(&read.tensor, &read.words)? != 1 {
            return Err("it is of several inputs".into());
        }
        if secret::word(&document.hash, "`hash`")? != read.hash() {
            return Err("`hash` is not that of its words and blinding".into());
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn hashed() -> (InputHash, Vec<i32>) {
        let tensor = InstanceTensor { name: "x".into(), code: Code::Int8, shape: vec![2, 20] };
        let integers: Vec<i32> = (0..40).map(|i| i * 37 % 256 - 128).collect();
        (InputHash::new(tensor, &integers).expect("integers of the tensor"), integers)
    }

    fn written(hash: &InputHash) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("h.json");
        hash.write(&path).expect("written");
        (folder, path)
    }

    #[test]
    fn a_file_is_its_owners_and_says_what_was_hashed() {
        let (hash, integers) = hashed();
        let (_folder, path) = written(&hash);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let file = std::fs::read(&path).expect("it is there");
        let read = InputHash::parse(&file).expect("it is as it was written");
        assert_eq!((read.integers(), read.hash()), (integers.clone(), hash.hash()));
        assert_eq!((read.tensor(), read.blinding()), (hash.tensor(), hash.blinding()));
        // The same input has another hash the next time.
        let again = InputHash::new(read.tensor().clone(), &integers).expect("the same");
        assert_ne!(again.hash(), read.hash());
        assert!(InputHash::new(read.tensor().clone(), &integers[1..]).is_none());
        let shown = format!("{read:?}");
        for secret in read.words.iter().chain([&read.blinding]) {
            assert!(!shown.contains(&hex(&word_of(secret))[50..]), "{shown}");
        }
    }

    #[test]
    fn other_files_are_refused_and_errors_do_not_say_what_they_hold() {
        let (_folder, path) = written(&hashed().0);
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let secret = document["words"][0].as_str().expect("a word").to_owned();
        let modulus = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
        let other = hex(&word_of(&Fr::from(7)));
        let changes = [
            ("/format", json!("zkverdict proof"), "no commitment"),
            ("/version", json!(2), "version 2, expected 1"),
            ("/kind", json!("input"), "another kind than `hash`"),
            ("/hash", json!(other), "`hash` is not that"),
            ("/hash", json!("0x12"), "`hash` is not"),
            ("/code", json!("int16"), "words"),
            ("/shape", json!([2, 19]), "word 1 holds more"),
            ("/shape", json!([1, 20]), "word 0 holds more"),
            ("/shape", json!([2, 32]), "words, its shape and type take 3"),
            ("/words/0", json!(modulus), "word 0 is not below the scalar modulus"),
            ("/words/0", json!(other), "`hash` is not that"),
            ("/words/1", json!(&secret[..20]), "word 1 is not"),
            ("/words/0", json!([secret]), "not as `commit` writes it"),
            ("/blinding", json!(hex(&[0; 32])), "hides nothing"),
            ("/blinding", json!(other), "`hash` is not that"),
            ("/blinding", json!(modulus), "`blinding` is not below"),
        ];
        for (place, value, why) in changes {
            let mut changed = document.clone();
            *changed.pointer_mut(place).expect("it is there") = value;
            let refused =
                InputHash::parse(&serde_json::to_vec(&changed).unwrap()).expect_err(place);
            assert!(refused.contains(why), "{place}: {refused}");
            assert!(!refused.contains(&secret[50..]), "{refused}");
        }
    }
}
