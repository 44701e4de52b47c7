//! What `commit` made of a bundle's inputs, put to the inputs that it is of.

use super::input_hash::{self, InputHash};
use super::{BundleError, InputCommitment, hex, secret};
use crate::circuit::{Element, InstanceLayout, InstancePort, InstanceTensor, Word};
use crate::name::Name;
use crate::proving::{Blindings, Powers};
use std::path::Path;
use std::sync::Arc;

/// What `commit` made of an input.
#[derive(Debug)]
pub enum InputSecret {
    /// Of a committed one.
    Committed(InputCommitment),
    /// Of a hashed one.
    Hashed(InputHash),
}

impl InputSecret {
    /// Reads a file of one kind or the other.
    pub fn open(path: &Path) -> Result<Self, BundleError> {
        secret::open(path, Self::parse)
    }

    /// Reads a file's bytes; says what is wrong with them, and nothing of what they hold.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        match secret::kind(bytes)?.as_str() {
            input_hash::KIND => InputHash::parse(bytes).map(Self::Hashed),
            _ => InputCommitment::parse(bytes).map(Self::Committed),
        }
    }

    /// The input that it was made for.
    pub fn tensor(&self) -> &InstanceTensor {
        match self {
            Self::Committed(commitment) => commitment.tensor(),
            Self::Hashed(hash) => hash.tensor(),
        }
    }

    /// The instance that stands for the input: the commitment's name, or the hash.
    pub fn instance(&self) -> Word {
        match self {
            Self::Committed(commitment) => commitment.name(),
            Self::Hashed(hash) => hash.hash(),
        }
    }

    /// The integers of the input, of each inference that it is made of.
    fn integers(&self) -> Vec<i32> {
        match self {
            Self::Committed(commitment) => commitment.integers(),
            Self::Hashed(hash) => hash.integers(),
        }
    }

    /// The elements of the input, of each inference that it is made of.
    pub fn elements(&self) -> Vec<Element> {
        match self {
            Self::Committed(commitment) => commitment.elements(),
            Self::Hashed(hash) => hash.elements(),
        }
    }

    /// What a bundle tells of such inputs, and what this is of one.
    fn in_words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Committed(_) => ("committed", "a commitment to"),
            Self::Hashed(_) => ("hashed", "a hash of"),
        }
    }
}

/// Why what `commit` made cannot serve a proof of a bundle.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum InputSecretError {
    /// The bundle has no such input, or proofs tell something else of it.
    #[error("it is {what} the input `{}`, which is not {told} in this bundle", Name::new(input))]
    NotHidden { what: &'static str, told: &'static str, input: String, hidden: String },

    /// The commitment is under a string of which the bundle has none.
    #[error(
        "it is under another reference string, `{}`, than the bundle's, `{}`",
        hex(got),
        hex(expected)
    )]
    OtherString { got: Word, expected: Word },

    /// The input has another type or size there.
    #[error(
        "it is {what} {inferences} inferences of {elements} elements of type {code}, and the bundle's input `{}` has others",
        Name::new(input)
    )]
    OtherTensor {
        what: &'static str,
        inferences: usize,
        elements: usize,
        code: &'static str,
        input: String,
    },

    /// The commitment is to something else than it says.
    #[error("its point is not that of its words")]
    OtherPoint,

    /// There are too many of one input, or too few.
    #[error(
        "{got} {what} the input `{}` are given, a proof of this bundle takes {expected}",
        Name::new(input)
    )]
    Count { got: usize, expected: usize, what: &'static str, input: String },

    /// There is none where there has to be one.
    #[error("the input `{}` is committed, and no commitment to it is given", Name::new(input))]
    Missing { input: String },

    /// An input is given as well, and is another.
    #[error("the input `{}` that is given is not the one {what}", Name::new(input))]
    OtherInput { input: String, what: String },

    /// An input is given in no way.
    #[error("no input `{}` is given", Name::new(input))]
    NotGiven { input: String },
}

impl InputSecretError {
    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotHidden { hidden, .. } => hidden.clone(),
            Self::OtherString { .. } | Self::OtherTensor { .. } => {
                "make one with `commit` and this bundle".into()
            }
            Self::OtherPoint => "it was changed: take the one that `commit` made".into(),
            Self::Count { expected: 1, .. } => "give one of them".into(),
            Self::Count { .. } => "give one for each inference, in their order, or none".into(),
            Self::Missing { .. } => {
                "make one with `commit`, and give it: by `--input-commitment` of `zkverdict prove`, or among the `commitments` of the packages".into()
            }
            Self::OtherInput { .. } => "leave it out, and it is taken from what `commit` made".into(),
            Self::NotGiven { .. } => {
                "give all inputs but those that `commit` made something of".into()
            }
        })
    }
}

/// What is known of each input of a bundle: of a committed one a commitment, of a hashed one a hash for each inference or none, and
/// nothing of one that needs none.
pub struct InputSecrets<'a> {
    layout: &'a InstanceLayout,
    /// The string of commitments, where something is committed.
    powers: Option<Powers>,
    found: Vec<Vec<Arc<InputSecret>>>,
}

impl<'a> InputSecrets<'a> {
    /// Of nothing yet; `powers` are asked for where something is committed.
    pub fn none<E>(
        layout: &'a InstanceLayout,
        powers: impl FnOnce() -> Result<Powers, E>,
    ) -> Result<Self, E> {
        let powers = layout.committed().next().map(|_| powers()).transpose()?;
        Ok(Self { layout, powers, found: vec![Vec::new(); layout.inputs.len()] })
    }

    /// Puts one to its input, and checks that it is of that input and, where it is a commitment, to what it says, under the bundle's string.
    pub fn add(&mut self, secret: Arc<InputSecret>) -> Result<(), InputSecretError> {
        let (told, what) = secret.in_words();
        let tensor = secret.tensor();
        let is_its =
            |port: &InstancePort| port.tensor.name == tensor.name && port.visibility.name() == told;
        let Some(number) = self.layout.inputs.iter().position(is_its) else {
            let (input, hidden) = (tensor.name.clone(), hidden_inputs(self.layout));
            return Err(InputSecretError::NotHidden { what, told, input, hidden });
        };
        let (inferences, expected) = match &*secret {
            InputSecret::Committed(own) => (own.inferences(), self.layout.inferences),
            InputSecret::Hashed(_) => (1, 1),
        };
        if let (InputSecret::Committed(own), Some(powers)) = (&*secret, &self.powers)
            && own.string() != powers.fingerprint()
        {
            let (got, expected) = (own.string(), powers.fingerprint());
            return Err(InputSecretError::OtherString { got, expected });
        }
        let port = &self.layout.inputs[number].tensor;
        if (port.code, port.len(), expected) != (tensor.code, tensor.len(), inferences) {
            let (elements, code) = (tensor.len(), tensor.code.name());
            let input = tensor.name.clone();
            return Err(InputSecretError::OtherTensor { what, inferences, elements, code, input });
        }
        if let InputSecret::Committed(own) = &*secret
            && !self.powers.as_ref().is_some_and(|powers| own.is_under(powers))
        {
            return Err(InputSecretError::OtherPoint);
        }
        self.found[number].push(secret);
        Ok(())
    }

    /// That there are as many as proofs take.
    pub fn complete(self) -> Result<Self, InputSecretError> {
        for (own, port) in self.found.iter().zip(&self.layout.inputs) {
            let input = || port.tensor.name.clone();
            let (expected, what) = match port.is_hashed() {
                true => (self.layout.inferences, "hashes of"),
                false => (1, "commitments to"),
            };
            match own.len() {
                0 if port.is_committed() => {
                    return Err(InputSecretError::Missing { input: input() });
                }
                0 => {}
                got if got != expected => {
                    return Err(InputSecretError::Count { got, expected, what, input: input() });
                }
                _ => {}
            }
        }
        Ok(self)
    }

    /// Whether an input is known, by its number.
    pub fn holds(&self, input: usize) -> bool {
        !self.found[input].is_empty()
    }

    /// The integers of all inputs, those of all inferences: what is given of them, which may leave out what is known here.
    pub fn merge(&self, given: Vec<Option<Vec<i32>>>) -> Result<Vec<Vec<i32>>, InputSecretError> {
        let merged = given.into_iter().zip(&self.found).zip(&self.layout.inputs);
        let merged = merged.map(|((given, own), port)| {
            let input = || port.tensor.name.clone();
            let known: Vec<i32> = own.iter().flat_map(|secret| secret.integers()).collect();
            match given {
                None if own.is_empty() => Err(InputSecretError::NotGiven { input: input() }),
                None => Ok(known),
                Some(given) if own.is_empty() || given == known => Ok(given),
                Some(_) => {
                    let instances: Vec<String> =
                        own.iter().map(|secret| format!("`{}`", hex(&secret.instance()))).collect();
                    let instances = instances.join(", ");
                    let what = match port.is_hashed() {
                        true => format!("whose hash is {instances}"),
                        false => format!("that the commitment {instances} is to"),
                    };
                    Err(InputSecretError::OtherInput { input: input(), what })
                }
            }
        });
        merged.collect()
    }

    /// The commitments to committed inputs, in the order of their names.
    pub fn commitments(&self) -> Vec<InputCommitment> {
        let committed = self.found.iter().flatten().filter_map(|secret| match &**secret {
            InputSecret::Committed(commitment) => Some(commitment.clone()),
            InputSecret::Hashed(_) => None,
        });
        committed.collect()
    }

    /// What blinds hashes: what is known, or else something new.
    pub fn blindings(&self) -> Blindings {
        let places = self.layout.hashed().flat_map(|(number, _)| {
            (0..self.layout.inferences).map(move |inference| (number, inference))
        });
        let known = places.map(|(number, inference)| {
            match self.found[number].get(inference).map(|secret| &**secret) {
                Some(InputSecret::Hashed(hash)) => Some(hash.blinding()),
                _ => None,
            }
        });
        known.collect::<Vec<_>>().into()
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
