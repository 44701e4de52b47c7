//! Commitment files: what `commit` writes and `prove` takes. They hold what they hide.

use super::secret::{self, FORMAT, VERSION, word};
use super::{BundleError, files, hex};
use crate::circuit::{Code, Element, InstanceTensor, Word};
use crate::proving::{Commitment, Powers, WORD_BYTES, link, scalar_of, word_of};
use halo2_proofs::{
    arithmetic::g_to_lagrange,
    halo2curves::{
        CurveAffine,
        bn256::{Fq, Fr, G1Affine},
        ff::{Field, PrimeField},
        group::prime::PrimeCurveAffine,
    },
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is committed to.
const KIND: &str = "input";

/// A commitment to an input, or to what crosses a cut of a model in parts, with what it hides. It says of that to nobody but a prover and
/// its own file.
#[derive(Clone)]
pub struct InputCommitment {
    tensor: InstanceTensor,
    string: [u8; WORD_BYTES],
    class: u32,
    commitment: Commitment,
}

/// Beside the name nothing: who sees the blinding can try inputs.
impl std::fmt::Debug for InputCommitment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("InputCommitment");
        debug.field("input", &self.tensor.name).field("name", &hex(&self.name()));
        debug.finish_non_exhaustive()
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
    class: u32,
    point: [String; 2],
    name: String,
    string: String,
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

impl InputCommitment {
    /// Commits to an input's integers, those of each inference of a proof one after the other, under a reference string, with a
    /// blinding from the operating system. None if the integers are not of the tensor, or the string is shorter than the
    /// commitment.
    pub fn new(tensor: InstanceTensor, integers: &[i32], powers: &Powers) -> Option<Self> {
        if integers.is_empty() || !integers.len().is_multiple_of(tensor.len()) {
            return None;
        }
        let words = packed(&tensor, integers)?;
        let class = link::class_of(words.len())?;
        let commitment = Commitment::new(&powers.g1, words, link::draw_blinding())?;
        Some(Self { tensor, string: powers.fingerprint(), class, commitment })
    }

    /// The input that it was made for.
    pub fn tensor(&self) -> &InstanceTensor {
        &self.tensor
    }

    /// What tells its reference string from others.
    pub fn string(&self) -> [u8; WORD_BYTES] {
        self.string
    }

    /// Its name: the instance that stands for the input.
    pub fn name(&self) -> Word {
        link::name(self.class, &self.commitment.point)
    }

    /// What is public of it beside its name: both coordinates.
    pub fn point(&self) -> [Word; 2] {
        coordinates(&self.commitment.point)
    }

    /// What a prover takes.
    pub fn commitment(&self) -> &Commitment {
        &self.commitment
    }

    /// Of how many inferences of a proof it is the input.
    pub fn inferences(&self) -> usize {
        self.commitment.words.len() / self.tensor.words().max(1)
    }

    /// The integers that it is to.
    pub fn integers(&self) -> Vec<i32> {
        integers_of(&self.tensor, &self.commitment.words)
    }

    /// The elements that it is to, of each inference.
    pub fn elements(&self) -> Vec<Element> {
        elements_of(&self.tensor, &self.commitment.words)
    }

    /// Whether it is under a string, whose fingerprint it names, to what it says.
    pub fn is_under(&self, powers: &Powers) -> bool {
        self.string == powers.fingerprint() && self.commitment.is_of(&powers.g1)
    }

    /// Writes the file, for nobody but its owner.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        secret::write(path, self.to_bytes())
    }

    /// The file's bytes, which are as secret as the input.
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { tensor, string, class, commitment } = self;
        let document = Document {
            format: FORMAT.into(),
            version: VERSION,
            kind: KIND.into(),
            input: tensor.name.clone(),
            class: *class,
            point: self.point().map(|word| hex(&word)),
            name: hex(&self.name()),
            string: hex(string),
            code: tensor.code,
            shape: tensor.shape.clone(),
            words: commitment.words.iter().map(|word| hex(&word_of(word))).collect(),
            blinding: hex(&word_of(&commitment.blinding)),
        };
        secret::bytes(&document)
    }

    /// Reads a commitment file. That it is under a string is for [`Self::is_under`] to say.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        secret::open(path, Self::parse)
    }

    /// Reads a commitment file's bytes; says what is wrong with them, and nothing of what they hold.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let document: Document = secret::document(bytes, KIND)?;
        let [x, y] = &document.point;
        let point = point(word(x, "`point`")?, word(y, "`point`")?);
        let point = point.ok_or("`point` is not on the curve")?;
        let words = scalars(&document.words)?;
        let blinding = scalar(&document.blinding, "`blinding`")?;
        // Wiped whatever is found from here on.
        let commitment = Commitment { point, words, blinding };
        if commitment.blinding == Fr::ZERO {
            return Err("`blinding` is 0, and the commitment hides nothing".into());
        }
        let tensor = InstanceTensor {
            name: document.input.clone(),
            code: document.code,
            shape: document.shape.clone(),
        };
        tensor_words(&tensor, &commitment.words)?;
        let class = link::class_of(commitment.words.len());
        let class = class.filter(|&class| class == document.class);
        let class = class.ok_or("`class` is not that of so many words")?;
        if word(&document.name, "`name`")? != link::name(class, &commitment.point) {
            return Err("`name` is not that of its point".into());
        }
        let string = word(&document.string, "`string`")?;
        Ok(Self { tensor, string, class, commitment })
    }
}

/// What a commitment to so many words is made of, for whoever makes one without a bundle, as in a browser: of each row that
/// holds a word, and of the one that holds the blinding, what 1 there weighs.
#[derive(Debug, Serialize)]
pub struct CommitmentPoints {
    format: &'static str,
    version: u32,
    string: String,
    /// The class of commitments to so many words.
    pub class: u32,
    points: Vec<[String; 2]>,
    blinding: [String; 2],
}

impl CommitmentPoints {
    /// Those of a reference string. None if it is shorter than a commitment to so many words.
    pub fn new(words: usize, powers: &Powers) -> Option<Self> {
        let class = link::class_of(words)?;
        let rows = rows_of(class, powers)?;
        let shown = |point: &G1Affine| coordinates(point).map(|word| hex(&word));
        Some(Self {
            format: "zkverdict commitment points",
            version: VERSION,
            string: hex(&powers.fingerprint()),
            class,
            points: rows[1..=words].iter().map(shown).collect(),
            blinding: shown(rows.last()?),
        })
    }

    /// Writes the file, which is for everybody.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        files::write(path, &serde_json::to_vec_pretty(self).map_err(BundleError::Json)?)
    }
}

/// What 1 on each row of a class's domain weighs in a commitment: the rows' Lagrange polynomials at the string's secret.
fn rows_of(class: u32, powers: &Powers) -> Option<Vec<G1Affine>> {
    let powers = powers.g1.get(..1 << class)?;
    Some(g_to_lagrange(powers.iter().map(G1Affine::to_curve).collect(), class))
}

/// A point's coordinates, big-endian.
pub(super) fn coordinates(point: &G1Affine) -> [Word; 2] {
    [point.x, point.y].map(|coordinate| {
        let mut word = coordinate.to_repr();
        word.reverse();
        word
    })
}

/// The codes in the words of several tensors, each of which begins a new one; the position of a word that is not as packing
/// makes it.
fn unpacked(tensor: &InstanceTensor, words: &[Word]) -> Result<Vec<u32>, usize> {
    let per_tensor = tensor.words().max(1);
    let tensors = words.chunks(per_tensor).enumerate().map(|(number, words)| {
        let codes = tensor.code.unpack(words, tensor.len());
        codes.map_err(|at| number * per_tensor + at)
    });
    Ok(tensors.collect::<Result<Vec<_>, _>>()?.concat())
}

/// The words of the integers of several tensors, each of which begins a new one. None if one is outside its type.
pub(super) fn packed(tensor: &InstanceTensor, integers: &[i32]) -> Option<Vec<Fr>> {
    let code = |&integer: &i32| tensor.code.encode(Element::Integer(integer.into()));
    let codes = integers.iter().map(code).collect::<Option<Vec<u32>>>()?;
    let tensors = codes.chunks(tensor.len().max(1));
    tensors.flat_map(|codes| tensor.code.pack(codes)).map(scalar_of).collect()
}

/// The elements in such words.
pub(super) fn elements_of(tensor: &InstanceTensor, words: &[Fr]) -> Vec<Element> {
    let words: Vec<Word> = words.iter().map(word_of).collect();
    let codes = unpacked(tensor, &words).unwrap_or_default();
    codes.into_iter().map(|code| tensor.code.decode(code)).collect()
}

/// The integers in such words.
pub(super) fn integers_of(tensor: &InstanceTensor, words: &[Fr]) -> Vec<i32> {
    let integer = |element: Element| match element {
        Element::Integer(integer) => i32::try_from(integer).ok(),
        Element::Float(_) => None,
    };
    elements_of(tensor, words).into_iter().filter_map(integer).collect()
}

/// Of how many tensors words are, each packed as it should be.
pub(super) fn tensor_words(tensor: &InstanceTensor, words: &[Fr]) -> Result<usize, String> {
    let own = tensor.words();
    if own == 0 || words.is_empty() || !words.len().is_multiple_of(own) {
        return Err(format!("it has {} words, its shape and type take {own}", words.len()));
    }
    let in_words: Vec<Word> = words.iter().map(word_of).collect();
    match unpacked(tensor, &in_words) {
        Ok(_) => Ok(words.len() / own),
        Err(at) => Err(format!("word {at} holds more than its elements")),
    }
}

/// A number below the scalar modulus, as such documents have it.
pub(super) fn scalar(text: &str, what: &str) -> Result<Fr, String> {
    let scalar = scalar_of(word(text, what)?);
    scalar.ok_or_else(|| format!("{what} is not below the scalar modulus"))
}

/// Words of such documents as numbers.
pub(super) fn scalars(words: &[String]) -> Result<Vec<Fr>, String> {
    words.iter().enumerate().map(|(at, text)| scalar(text, &format!("word {at}"))).collect()
}

/// The point with these coordinates, if they are below their modulus and on the curve. Infinity, written as zeros, is no
/// commitment.
pub(super) fn point(mut x: Word, mut y: Word) -> Option<G1Affine> {
    x.reverse();
    y.reverse();
    let [x, y] = [x, y].map(|word| Option::<Fq>::from(Fq::from_repr(word)));
    let point: Option<G1Affine> = G1Affine::from_xy(x?, y?).into();
    point.filter(|point| !bool::from(point.is_identity()))
}

#[cfg(test)]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;
    use halo2_proofs::halo2curves::{bn256::G1, group::Curve};
    use serde_json::{Value, json};

    fn commitment() -> (InputCommitment, Powers, Vec<i32>) {
        let tensor = InstanceTensor { name: "x".into(), code: Code::Int8, shape: vec![2, 20] };
        let integers: Vec<i32> = (0..40).map(|i| i * 37 % 256 - 128).collect();
        let powers = Powers::unsafe_dev(64);
        let commitment = InputCommitment::new(tensor, &integers, &powers);
        (commitment.expect("a commitment"), powers, integers)
    }

    fn written(commitment: &InputCommitment) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("c.json");
        commitment.write(&path).expect("written");
        (folder, path)
    }

    #[test]
    fn a_file_is_its_owners_and_says_what_was_committed_to() {
        let (commitment, powers, integers) = commitment();
        let (_folder, path) = written(&commitment);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let read = InputCommitment::open(&path).expect("it is as it was written");
        assert_eq!((read.integers(), read.name()), (integers, commitment.name()));
        assert_eq!(read.tensor(), commitment.tensor());
        assert!(read.is_under(&powers));
        // Blindings are not drawn twice: the same input has another name the next time.
        let again = InputCommitment::new(read.tensor().clone(), &read.integers(), &powers);
        assert_ne!(again.expect("a commitment").name(), read.name());
    }

    /// As proofs of several inferences pack them: each begins a new word.
    #[test]
    fn inputs_of_several_inferences_are_committed_to_together() {
        let (commitment, powers, integers) = commitment();
        let two = [integers.clone(), integers].concat();
        let both = InputCommitment::new(commitment.tensor().clone(), &two, &powers);
        let (_folder, path) = written(&both.expect("a commitment"));
        let read = InputCommitment::open(&path).expect("it is as it was written");
        assert_eq!((read.inferences(), commitment.inferences()), (2, 1));
        assert_eq!(read.integers(), two);
        let words = &read.commitment.words;
        assert_eq!(words[..2], words[2..]);
        for integers in [&two[..0], &two[1..]] {
            let refused = InputCommitment::new(commitment.tensor().clone(), integers, &powers);
            assert!(refused.is_none(), "{} integers", integers.len());
        }
    }

    #[test]
    fn points_of_rows_make_the_same_commitment() {
        let (commitment, powers, _) = commitment();
        let Commitment { point, words, blinding } = &commitment.commitment;
        let rows = rows_of(6, &powers).expect("the string is long enough");
        let weighed = words.iter().zip(&rows[1..]).chain([(blinding, &rows[63])]);
        let sum: G1 = weighed.map(|(scalar, row)| row * scalar).sum();
        assert_eq!(sum.to_affine(), *point);
        let public = CommitmentPoints::new(words.len(), &powers).expect("the same");
        assert_eq!((public.class, public.points.len()), (6, words.len()));
        assert_eq!(public.blinding, coordinates(&rows[63]).map(|word| hex(&word)));
        assert_eq!(public.points[1], coordinates(&rows[2]).map(|word| hex(&word)));
        assert!(CommitmentPoints::new(48, &powers).is_none(), "the string is too short");
    }

    #[test]
    fn nothing_of_the_secret_is_shown() {
        let (commitment, ..) = commitment();
        let secrets = commitment.commitment.words.iter().chain([&commitment.commitment.blinding]);
        let shown = format!("{commitment:?}");
        for secret in secrets {
            let digits = hex(&word_of(secret));
            assert!(!shown.contains(&digits[50..]), "{shown}");
            assert!(!shown.contains(&format!("{secret:?}")), "{shown}");
        }
    }

    #[test]
    fn other_files_are_refused_and_errors_do_not_say_what_they_hold() {
        let (commitment, powers, _) = commitment();
        let (_folder, path) = written(&commitment);
        let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let secret = document["words"][0].as_str().expect("a word").to_owned();
        let modulus = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
        let other = hex(&word_of(&Fr::from(7)));
        let (g, q) = (G1Affine::generator(), &coordinates(&G1Affine::generator()));
        assert_eq!(point(q[0], q[1]), Some(g));
        let changes: [(&str, Value, &str); 18] = [
            ("/format", json!("zkverdict proof"), "no commitment"),
            ("/version", json!(2), "version 2, expected 1"),
            ("/kind", json!("weights"), "another kind than `input`"),
            ("/class", json!(7), "`class`"),
            ("/point", json!([hex(&q[0]), hex(&q[0])]), "not on the curve"),
            ("/point", json!([hex(&[0; 32]), hex(&[0; 32])]), "not on the curve"),
            ("/point", json!([hex(&q[0]), hex(&[255; 32])]), "not on the curve"),
            ("/point", json!(q.map(|word| hex(&word))), "`name` is not that of its point"),
            ("/name", json!(other), "`name` is not that of its point"),
            ("/string", json!("0x12"), "`string`"),
            ("/code", json!("int16"), "words"),
            // The last elements have no place in it.
            ("/shape", json!([2, 19]), "word 1 holds more"),
            ("/shape", json!([2, 32]), "words, its shape and type take 3"),
            ("/words/0", json!(modulus), "word 0 is not below the scalar modulus"),
            ("/words/1", json!(&secret[..20]), "word 1 is not"),
            ("/words/0", json!([secret]), "not as `commit` writes it"),
            ("/blinding", json!(hex(&[0; 32])), "hides nothing"),
            ("/blinding", json!(modulus), "`blinding` is not below"),
        ];
        for (place, value, why) in changes {
            let mut changed = document.clone();
            *changed.pointer_mut(place).expect("it is there") = value;
            let bytes = serde_json::to_vec(&changed).unwrap();
            let refused = InputCommitment::parse(&bytes).expect_err(place);
            assert!(refused.contains(why), "{place}: {refused}");
            assert!(!refused.contains(&secret[50..]), "{refused}");
        }
        // What stands for itself, and is not what the point is to.
        for (place, value) in [("/words/0", &other), ("/blinding", &other)] {
            let mut changed = document.clone();
            *changed.pointer_mut(place).expect("it is there") = json!(value);
            let bytes = serde_json::to_vec(&changed).unwrap();
            let read = InputCommitment::parse(&bytes).expect("it is well formed");
            assert!(!read.is_under(&powers), "{place}");
        }
        let mut more = document.clone();
        more["more"] = json!(secret);
        let refused = InputCommitment::parse(&serde_json::to_vec(&more).unwrap()).unwrap_err();
        assert!(!refused.contains(&secret[50..]), "{refused}");
        let other = Powers { g2: [powers.g2[0]; 2], ..powers };
        assert!(!commitment.is_under(&other));
    }
}
