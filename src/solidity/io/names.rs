//! Names of commitments and hashes of inputs, as the library tells them.

use super::{capital, identifier_words};
use crate::name::Name;

/// A hashed input: its hash is an instance among those of the inputs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoHash {
    /// Its name in the model.
    pub input: String,
    /// How many of the public inputs come before it.
    pub inputs_before: usize,
}

/// The name of a commitment, or a hash.
pub(super) struct NameSource {
    /// What is committed to, or hashed.
    pub title: String,
    pub constant: String,
    pub function: String,
    pub instance: usize,
}

/// The names of commitments to the weights and to these inputs, each with a constant and a function of its own.
pub(super) fn name_sources(has_weights: bool, inputs: &[String]) -> Vec<NameSource> {
    let mut names: Vec<NameSource> = vec![];
    if has_weights {
        names.push(NameSource {
            title: "the weights".into(),
            constant: "WEIGHTS".into(),
            function: "Weights".into(),
            instance: 1,
        });
    }
    for (instance, input) in (1 + names.len()..).zip(inputs) {
        names.push(NameSource::of_input(input, instance, &names));
    }
    names
}

/// The hashes of inputs, in the same way.
pub(super) fn hash_sources<'a>(places: impl Iterator<Item = (usize, &'a str)>) -> Vec<NameSource> {
    let mut hashes: Vec<NameSource> = vec![];
    for (instance, input) in places {
        hashes.push(NameSource::of_input(input, instance, &hashes));
    }
    hashes
}

impl NameSource {
    /// That of an input, whose identifiers no other one has.
    fn of_input(input: &str, instance: usize, others: &[Self]) -> Self {
        let own = identifier_words(input, "input");
        let numbered = (2..).map(|number: usize| [&own[..], &[number.to_string()]].concat());
        let mut identifiers = std::iter::once(own.clone()).chain(numbered).map(|words| {
            let function: String = words.iter().map(|word| capital(word)).collect();
            (words.join("_").to_uppercase(), function)
        });
        let is_free = |(constant, function): &(String, String)| {
            others.iter().all(|other| other.constant != *constant && other.function != *function)
        };
        let (constant, function) =
            identifiers.find(is_free).expect("there are more numbers than names");
        let title = format!("the input `{}`", Name::new(input).comment());
        Self { title, constant, function, instance }
    }
}
