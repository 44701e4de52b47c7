//! The library that packs a model's tensors into instances and reads them back, on chain.

mod claims;
mod names;

use askama::Template;

use super::SolidityError;
use crate::name::{Comment, Name};
use claims::ClaimSource;
pub use claims::{IoClaim, IoClaimKind};
pub use names::IoHash;
use names::{NameSource, hash_sources, name_sources};

/// Elements that one instance holds: 31 bytes are below the scalar modulus.
const ELEMENTS_PER_INSTANCE: usize = 31;

/// Letters of an identifier: the words of a name that go beyond are left out.
const LONGEST_IDENTIFIER: usize = 128;

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IoElement {
    /// Signed bytes.
    Int8,
    /// Unsigned bytes.
    Uint8,
}

impl IoElement {
    fn is_signed(self) -> bool {
        self == Self::Int8
    }

    fn solidity_type(self) -> &'static str {
        if self.is_signed() { "int8" } else { "uint8" }
    }

    /// The type as a part of a function's name.
    fn title(self) -> &'static str {
        if self.is_signed() { "Int8" } else { "Uint8" }
    }
}

/// A public tensor of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct IoTensor {
    /// Its name in the model.
    pub name: String,
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// The type of its elements.
    pub element: IoElement,
    /// What one step of an element is worth.
    pub scale: f32,
    /// The element that stands for zero.
    pub zero_point: i32,
    /// What elements mean beyond that: how they are made of raw features, or which labels positions have.
    pub notes: Vec<String>,
}

impl IoTensor {
    /// Elements.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Instances that it takes.
    pub fn num_instances(&self) -> usize {
        self.len().div_ceil(ELEMENTS_PER_INSTANCE)
    }
}

/// The public tensors of a model, in the order of its instances: context, names, inputs, what claims take, what they say,
/// outputs.
#[derive(Debug, Clone, PartialEq)]
pub struct IoSpec {
    /// The library's name, a Solidity identifier.
    pub library: String,
    /// The model's name, for people.
    pub model: String,
    /// Inferences of a proof; all else is said of one of them.
    pub inferences: usize,
    /// Whether its weights are committed, and the name of that commitment is an instance.
    pub names_weights: bool,
    /// Its committed inputs, of which the names of commitments are instances.
    pub committed: Vec<String>,
    /// Its hashed inputs.
    pub hashed: Vec<IoHash>,
    /// Its public inputs.
    pub inputs: Vec<IoTensor>,
    /// What is claimed of its outputs.
    pub claims: Vec<IoClaim>,
    /// The outputs that are told.
    pub outputs: Vec<IoTensor>,
}

impl IoSpec {
    /// All tensors in the order of the instances.
    fn tensors(&self) -> impl Iterator<Item = &IoTensor> {
        let parameters = self.claims.iter().filter_map(|claim| claim.parameter.as_ref());
        let results = self.claims.iter().map(|claim| &claim.result);
        self.inputs.iter().chain(parameters).chain(results).chain(&self.outputs)
    }

    /// Instances of an inference, the context included: of a proof, if it has no others.
    pub fn num_instances(&self) -> usize {
        self.first()
            + self.hashed.len()
            + self.tensors().map(IoTensor::num_instances).sum::<usize>()
    }

    /// The first instance of each tensor.
    fn places(&self) -> Vec<usize> {
        let mut next = self.first();
        let place = |(number, tensor): (usize, &IoTensor)| {
            let hashes = self.hashed.iter().filter(|hash| hash.inputs_before == number).count();
            let first = next + hashes;
            next = first + tensor.num_instances();
            first
        };
        self.tensors().enumerate().map(place).collect()
    }

    /// The instance of each hash.
    fn hash_places(&self) -> impl Iterator<Item = (usize, &str)> {
        self.hashed.iter().enumerate().map(|(number, hash)| {
            let inputs = self.inputs.iter().take(hash.inputs_before).map(IoTensor::num_instances);
            (self.first() + inputs.sum::<usize>() + number, hash.input.as_str())
        })
    }

    /// Instances of a proof: those of all inferences, which share names.
    pub fn num_batch_instances(&self) -> usize {
        let shared = self.names();
        self.inferences * (self.num_instances() - shared) + shared
    }

    /// What lies in a proof of several inferences one inference after the other.
    fn runs(&self) -> Vec<Run> {
        let shared = self.first() - 1;
        let mut start = self.first();
        let mut runs = Vec::new();
        let parameters = self.claims.iter().filter_map(|claim| claim.parameter.as_ref());
        let parts: [(_, Vec<&IoTensor>); 4] = [
            ("inputs", self.inputs.iter().collect()),
            ("claim_parameters", parameters.collect()),
            ("claim_results", self.claims.iter().map(|claim| &claim.result).collect()),
            ("outputs", self.outputs.iter().collect()),
        ];
        for (name, tensors) in parts {
            let hashes = if name == "inputs" { self.hashed.len() } else { 0 };
            let length =
                hashes + tensors.iter().map(|tensor| tensor.num_instances()).sum::<usize>();
            let place = shared + self.inferences * (start - shared);
            let run = Run { name, start, end: start + length, place, length };
            start = run.end;
            runs.extend((length != 0).then_some(run));
        }
        runs
    }

    /// The first instance of a tensor.
    fn first(&self) -> usize {
        1 + self.names()
    }

    /// Instances that are names.
    fn names(&self) -> usize {
        usize::from(self.names_weights) + self.committed.len()
    }

    /// The document that describes the instances, for tools that know neither model nor contract: the public-input
    /// schema of ERC-8084.
    pub fn schema(&self) -> serde_json::Value {
        let mut places = self.places().into_iter();
        let mut describe = |tensor: &IoTensor| {
            let begin = places.next().expect("each tensor has a place");
            let mut description = serde_json::json!({
                "name": tensor.name,
                "type": tensor.element.solidity_type(),
                "shape": tensor.shape,
                "instances": [begin, begin + tensor.num_instances()],
                "scale": tensor.scale,
                "zero_point": tensor.zero_point,
            });
            if !tensor.notes.is_empty() {
                description["notes"] = tensor.notes.clone().into();
            }
            description
        };
        let inputs: Vec<_> = self.inputs.iter().map(&mut describe).collect();
        let parameters: Vec<_> =
            (self.claims.iter()).map(|claim| claim.parameter.as_ref().map(&mut describe)).collect();
        let results: Vec<_> = self.claims.iter().map(|claim| describe(&claim.result)).collect();
        let outputs: Vec<_> = self.outputs.iter().map(&mut describe).collect();
        let claims = self.claims.iter().zip(parameters).zip(results);
        let claims: Vec<_> = claims.map(|((claim, of), says)| claim.schema(of, says)).collect();
        let mut schema = serde_json::json!({
            "model": self.model,
            "instances": self.num_instances(),
            "context": [0, 1],
            "encoding": "31 elements share an instance, the first in the lowest byte; a byte is the element less \
                the smallest value of its type; each tensor starts a new instance",
            "inputs": inputs,
            "outputs": outputs,
        });
        if self.inferences > 1 {
            schema["inferences"] = serde_json::json!({
                "count": self.inferences,
                "instances": self.num_batch_instances(),
                "order": "the instances above are of one inference; a proof has all contexts, then the names, which are \
                    shared, then the inputs of each inference, then what is compared with in each, what is claimed of each, \
                    and the outputs of each: the first instance of these, and how many each has",
            });
            for run in self.runs() {
                schema["inferences"][run.name] = serde_json::json!([run.place, run.length]);
            }
        }
        if !claims.is_empty() {
            schema["claims"] = claims.into();
        }
        if self.names() > 0 {
            let name =
                |(instance, input)| serde_json::json!({"input": input, "instance": instance});
            let weights =
                self.names_weights.then(|| serde_json::json!({"weights": true, "instance": 1}));
            let first = 1 + usize::from(self.names_weights);
            let inputs = (first..).zip(&self.committed).map(name);
            schema["names"] = weights.into_iter().chain(inputs).collect();
        }
        if !self.hashed.is_empty() {
            let hash =
                |(instance, input)| serde_json::json!({"input": input, "instance": instance});
            schema["hashes"] = self.hash_places().map(hash).collect();
        }
        schema
    }

    /// What the names of the functions of each claim end in.
    pub fn claim_functions(&self) -> Vec<String> {
        ClaimSource::all(&self.claims, &[]).into_iter().map(|claim| claim.function).collect()
    }

    /// The library's source: one file that imports nothing.
    pub fn render(&self) -> Result<String, SolidityError> {
        super::contract::check_identifier(&self.library)?;
        let claimed = self.claims.iter().filter(|claim| claim.parameter.is_some()).count();
        let role = |number: usize| match number.checked_sub(self.inputs.len()) {
            None => Role::Input,
            Some(number) if number < claimed => Role::Parameter,
            Some(number) if number < claimed + self.claims.len() => Role::Claim,
            Some(_) => Role::Output,
        };
        let mut tensors: Vec<TensorSource> = vec![];
        for ((number, tensor), first) in self.tensors().enumerate().zip(self.places()) {
            let mut source = TensorSource::new(role(number), tensor, first)?;
            // Different names may become the same identifier.
            let words = source.words.clone();
            source.name_functions();
            for i in 2.. {
                if !source.clashes_with(&tensors) {
                    break;
                }
                source.words = [&words[..], &[i.to_string()]].concat();
                source.name_functions();
            }
            tensors.push(source);
        }
        let claims = ClaimSource::all(&self.claims, &tensors);
        let library = Library {
            name: &self.library,
            claims,
            model: Name::new(&self.model).comment(),
            inferences: self.inferences,
            num_instances: self.num_instances(),
            num_batch_instances: self.num_batch_instances(),
            first_input: self.first(),
            runs: self.runs(),
            names: name_sources(self.names_weights, &self.committed),
            hashes: hash_sources(self.hash_places()),
            elements: [IoElement::Int8, IoElement::Uint8]
                .into_iter()
                .filter(|element| tensors.iter().any(|tensor| tensor.element == *element))
                .collect(),
            tensors,
        };
        Ok(library.render()?)
    }
}

#[derive(Template)]
#[template(path = "ModelIo.sol", escape = "none")]
struct Library<'a> {
    name: &'a str,
    claims: Vec<ClaimSource>,
    model: Comment,
    inferences: usize,
    num_instances: usize,
    num_batch_instances: usize,
    first_input: usize,
    runs: Vec<Run>,
    names: Vec<NameSource>,
    hashes: Vec<NameSource>,
    /// The types that tensors have, each once.
    elements: Vec<IoElement>,
    tensors: Vec<TensorSource>,
}

/// Instances of an inference that lie in a proof of several behind the same of the inference before.
struct Run {
    /// What the schema calls them.
    name: &'static str,
    /// Where they are among those of one inference.
    start: usize,
    end: usize,
    /// Where those of the first inference are in the proof.
    place: usize,
    length: usize,
}

/// What a tensor is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Input,
    /// What a claim is about, which the verifier chooses.
    Parameter,
    /// What a claim says.
    Claim,
    Output,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Parameter => "claim parameter",
            Self::Claim => "claim",
            Self::Output => "output",
        }
    }

    /// Whether the tensor is one of the model's.
    fn is_models(&self) -> bool {
        matches!(self, Self::Input | Self::Output)
    }
}

struct TensorSource {
    title: String,
    role: Role,
    /// The parts of its identifiers, in lower case.
    words: Vec<String>,
    constant: String,
    function: String,
    getter: String,
    element: IoElement,
    shape: String,
    length: usize,
    first: usize,
    end: usize,
    zero_point: i32,
    scale: f32,
    numerator: String,
    denominator: String,
    notes: Vec<Comment>,
}

impl TensorSource {
    fn new(role: Role, tensor: &IoTensor, first: usize) -> Result<Self, SolidityError> {
        let (numerator, denominator) = scale_fraction(tensor.scale).ok_or_else(|| {
            SolidityError::InvalidScale { tensor: tensor.name.clone(), scale: tensor.scale }
        })?;
        let shape: Vec<_> = tensor.shape.iter().map(usize::to_string).collect();
        Ok(Self {
            title: format!("`{}`", Name::new(&tensor.name).comment()),
            role,
            words: identifier_words(
                &tensor.name,
                role.name().split(' ').next().unwrap_or_default(),
            ),
            constant: String::new(),
            function: String::new(),
            getter: String::new(),
            element: tensor.element,
            shape: format!("[{}]", shape.join(", ")),
            length: tensor.len(),
            first,
            end: first + tensor.num_instances(),
            zero_point: tensor.zero_point,
            scale: tensor.scale,
            numerator,
            denominator,
            notes: tensor.notes.iter().map(|note| Name::new(note).comment()).collect(),
        })
    }

    /// Whether another tensor, or the library itself, has one of its identifiers.
    fn clashes_with(&self, others: &[Self]) -> bool {
        self.constant == "ELEMENTS_PER"
            || others.iter().any(|other| {
                [&other.constant, &other.function, &other.getter]
                    .into_iter()
                    .zip([&self.constant, &self.function, &self.getter])
                    .any(|(theirs, own)| theirs == own)
            })
    }

    fn name_functions(&mut self) {
        self.constant = self.words.join("_").to_uppercase();
        self.function = self.words.iter().map(|word| capital(word)).collect();
        let (first, rest) = self.words.split_first().expect("an identifier has a word");
        self.getter = first.clone() + &rest.iter().map(|word| capital(word)).collect::<String>();
    }
}

/// A word with a capital letter.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A tensor's name as words of an identifier that starts with a letter.
fn identifier_words(name: &str, role: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let mut length = 0;
    words.retain(|word| {
        length += word.len();
        length <= LONGEST_IDENTIFIER
    });
    if !words.first().is_some_and(|word| word.starts_with(|c: char| c.is_ascii_alphabetic())) {
        words.insert(0, role.to_owned());
    }
    words
}

/// A float as a fraction of 10⁻¹⁸: exact, as every float is an integer times a power of two. None unless it is
/// positive and every value of a byte fits an `int256`.
fn scale_fraction(scale: f32) -> Option<(String, String)> {
    if !scale.is_normal() || scale < 0.0 {
        return None;
    }
    let bits = scale.to_bits();
    let mantissa = u128::from((bits & 0x7f_ffff) | 0x80_0000) * 1_000_000_000_000_000_000;
    // scale = mantissa · 2^exponent
    let exponent = i32::try_from(bits >> 23).ok()? - 127 - 23;
    let zeros = i32::try_from(mantissa.trailing_zeros()).ok()?;
    // Takes out of the fraction what is even in both.
    let common = (-exponent).clamp(0, zeros);
    let (mantissa, exponent) = (mantissa >> common, exponent + common);
    match exponent {
        0 => Some((mantissa.to_string(), "1".to_owned())),
        // 2^9 for the steps, 2^84 for the mantissa.
        1..=160 => Some((format!("{mantissa} << {exponent}"), "1".to_owned())),
        -160..0 => Some((mantissa.to_string(), format!("1 << {}", -exponent))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_exact_fractions() {
        assert_eq!(scale_fraction(1.0), Some(("1000000000000000000".into(), "1".into())));
        assert_eq!(scale_fraction(0.5), Some(("500000000000000000".into(), "1".into())));
        assert_eq!(scale_fraction(1024.0), Some(("1024000000000000000000".into(), "1".into())));
        // 2⁻²⁰ · 10¹⁸ = 5¹⁸ / 2²
        let fraction = (5_u64.pow(18).to_string(), "1 << 2".into());
        assert_eq!(scale_fraction(0.5_f32.powi(20)), Some(fraction));
        for refused in [0.0, -1.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE / 2.0] {
            assert_eq!(scale_fraction(refused), None);
        }
    }

    #[test]
    fn a_schema_says_where_each_tensor_lies() {
        let tensor = |name: &str, length, element| IoTensor {
            name: name.into(),
            shape: vec![length],
            element,
            scale: 0.5,
            zero_point: 3,
            notes: vec!["how it is made".into()],
        };
        let spec = IoSpec {
            library: "TwoIo".into(),
            model: "two".into(),
            inferences: 1,
            names_weights: false,
            committed: vec![],
            hashed: vec![],
            inputs: vec![tensor("a", 32, IoElement::Int8), tensor("b", 1, IoElement::Uint8)],
            claims: Vec::new(),
            outputs: vec![tensor("c", 31, IoElement::Int8)],
        };
        let schema = spec.schema();
        assert_eq!(schema["inputs"][0]["instances"], serde_json::json!([1, 3]));
        assert_eq!(schema["inputs"][1]["instances"], serde_json::json!([3, 4]));
        assert_eq!(schema["outputs"][0]["instances"], serde_json::json!([4, 5]));
        assert_eq!(schema["outputs"][0]["notes"], serde_json::json!(["how it is made"]));
        assert_eq!(
            (&schema["instances"], &schema["inputs"][1]["type"]),
            (&5.into(), &"uint8".into())
        );
        assert_eq!(schema["claims"], serde_json::Value::Null);
        assert!(schema.get("names").is_none());
        let claim = IoClaim {
            name: "d".into(),
            kind: IoClaimKind::Bucket,
            parameter: Some(tensor("d.bounds", 32, IoElement::Int8)),
            result: tensor("d.bucket", 1, IoElement::Uint8),
            is_of_positions: false,
        };
        let schema = IoSpec { claims: vec![claim.clone()], ..spec.clone() }.schema();
        let said = &schema["claims"][0];
        assert_eq!((&said["name"], &said["kind"]), (&"d".into(), &"bucket".into()));
        assert_eq!(said["parameter"]["instances"], serde_json::json!([4, 6]));
        assert_eq!(said["result"]["instances"], serde_json::json!([6, 7]));
        assert_eq!(schema["outputs"][0]["instances"], serde_json::json!([7, 8]));
        assert_eq!(schema["inferences"], serde_json::Value::Null);
        let batch = IoSpec { inferences: 4, committed: vec!["d".into()], ..spec.clone() };
        assert_eq!((batch.num_instances(), batch.num_batch_instances()), (6, 21));
        let schema = batch.schema();
        assert_eq!(schema["inferences"]["inputs"], serde_json::json!([5, 3]));
        assert_eq!(schema["inferences"]["outputs"], serde_json::json!([17, 1]));
        assert_eq!(schema["inferences"]["claim_results"], serde_json::Value::Null);
        let claims = vec![claim];
        let schema = IoSpec { inferences: 4, claims, ..spec.clone() }.schema();
        let of_each = |part: &str| schema["inferences"][part].clone();
        assert_eq!(of_each("inputs"), serde_json::json!([4, 3]));
        assert_eq!(of_each("claim_parameters"), serde_json::json!([16, 2]));
        assert_eq!(of_each("claim_results"), serde_json::json!([24, 1]));
        assert_eq!(of_each("outputs"), serde_json::json!([28, 1]));
        let hash = |input: &str, inputs_before| IoHash { input: input.into(), inputs_before };
        let hashed = vec![hash("e", 0), hash("E", 1), hash("f", 2)];
        let hashing = IoSpec { hashed, ..spec.clone() };
        let schema = hashing.schema();
        assert_eq!(schema["hashes"][0], serde_json::json!({"input": "e", "instance": 1}));
        assert_eq!(schema["inputs"][0]["instances"], serde_json::json!([2, 4]));
        assert_eq!(schema["hashes"][1]["instance"], 4);
        assert_eq!(schema["inputs"][1]["instances"], serde_json::json!([5, 6]));
        assert_eq!(schema["hashes"][2]["instance"], 6);
        assert_eq!(schema["outputs"][0]["instances"], serde_json::json!([7, 8]));
        assert_eq!(schema["instances"], 8);
        let source = hashing.render().expect("a library");
        for line in ["E_HASH = 1;", "E_2_HASH = 4;", "F_HASH = 6;", "hashOfE2(", "B_INSTANCE = 5;"]
        {
            assert_eq!(source.matches(line).count(), 1, "{line}");
        }
        // One identifier for two names, as a constant or as a function, is none.
        let spec = IoSpec { committed: vec!["d".into(), "D".into(), "d2".into()], ..spec };
        let source = spec.render().expect("a library");
        for function in ["nameOfD(", "nameOfD2(", "nameOfD22("] {
            assert_eq!(source.matches(function).count(), 1, "{function}");
        }
        let named = IoSpec { committed: vec!["d".into(), "D".into()], ..spec };
        let schema = named.schema();
        assert_eq!(schema["names"][1], serde_json::json!({"input": "D", "instance": 2}));
        assert_eq!(schema["inputs"][0]["instances"], serde_json::json!([3, 5]));
        assert_eq!(schema["instances"], 7);
        let source = named.render().expect("a library");
        for constant in ["D_NAME = 1;", "D_2_NAME = 2;", "A_INSTANCE = 3;", "NUM_INSTANCES = 7;"] {
            assert!(source.contains(constant), "{constant}");
        }
    }

    #[test]
    fn names_become_identifiers() {
        assert_eq!(identifier_words("conv1.Weight", "input"), ["conv1", "weight"]);
        assert_eq!(identifier_words("123", "input"), ["input", "123"]);
        assert_eq!(identifier_words("日本", "output"), ["output"]);
        assert_eq!(identifier_words(&"x".repeat(1 << 20), "input"), ["input"]);
    }
}
