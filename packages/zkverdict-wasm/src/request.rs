//! What a proof is asked for with.

use crate::failure::Failure;
use serde::Deserialize;
use std::sync::Arc;
use zkverdict::{
    Fr,
    bundle::{BundleError, InputSecret, InputSecrets, unhex},
    circuit::InstanceLayout,
    model::{InputFormat, Model, ModelError, Port},
    proving::{Powers, scalar_of},
};

/// The first part of a request. The others are the inputs, as files of JSON or of numpy's format, and what was made of some.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    /// Empty: 0 for each inference.
    contexts: Vec<String>,
    /// What claims compare outputs with, by the claim's subject.
    choose: Vec<(String, String)>,
    /// The inputs' names; the only one of a model needs none.
    inputs: Vec<Option<String>>,
    /// How many parts behind the inputs are what was made of committed and hashed ones.
    secrets: usize,
}

/// A request that was read. It holds inputs and has no `Debug`.
pub struct Request<'a> {
    head: Head,
    inputs: &'a [&'a [u8]],
    secrets: &'a [&'a [u8]],
}

/// Overwrites what nobody should find in memory later on.
pub fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    // The compiler leaves out what nobody reads.
    std::hint::black_box(secret);
}

/// What a request consists of.
pub fn parts(mut rest: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk() {
        let (part, next) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        parts.push(part);
        rest = next;
    }
    rest.is_empty().then_some(parts)
}

impl<'a> Request<'a> {
    /// Reads one.
    pub fn parse(parts: Option<&'a [&'a [u8]]>) -> Result<Self, Failure> {
        let malformed = || Failure::option("the request is not as the package writes it", "");
        let (head, rest) = parts.and_then(<[_]>::split_first).ok_or_else(malformed)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| malformed())?;
        let (inputs, secrets) = rest.split_at_checked(head.inputs.len()).ok_or_else(malformed)?;
        if secrets.len() != head.secrets {
            return Err(malformed());
        }
        Ok(Self { head, inputs, secrets })
    }

    /// What was made of committed and hashed inputs, put to them and checked.
    pub fn secrets<'b>(
        &self,
        layout: &'b InstanceLayout,
        powers: impl FnOnce() -> Result<Powers, BundleError>,
    ) -> Result<InputSecrets<'b>, Failure> {
        let mut secrets = InputSecrets::none(layout, powers)?;
        for (number, bytes) in self.secrets.iter().enumerate() {
            let at = |error: String| {
                let message = format!("commitment {number} that is given: {error}");
                Failure::input(message, "give what `commit` or `hashInput` made, as they made it")
            };
            let secret = InputSecret::parse(bytes).map_err(at)?;
            secrets.add(Arc::new(secret))?;
        }
        Ok(secrets.complete()?)
    }

    /// What each inference is bound to.
    pub fn contexts(&self, layout: &InstanceLayout) -> Result<Vec<Fr>, Failure> {
        let (given, expected) = (&self.head.contexts, layout.inferences);
        if given.is_empty() {
            return Ok(vec![Fr::zero(); expected]);
        }
        if given.len() != expected {
            let message = format!(
                "{} contexts are given, a proof of this bundle has {expected}",
                given.len()
            );
            return Err(Failure::input(message, "give one for each inference, in their order"));
        }
        let scalar = |text: &String| {
            let word = unhex(text).and_then(|bytes| bytes.try_into().ok());
            word.and_then(scalar_of).ok_or_else(|| {
                let message = format!("the context `{text}` is not below the BN254 scalar modulus");
                Failure::input(message, "give a smaller number")
            })
        };
        given.iter().map(scalar).collect()
    }

    /// The integers of each input of one proof, and how many values lie beyond the range that the model was quantized for.
    pub fn integers(
        &self,
        model: &Model,
        secrets: &InputSecrets<'_>,
    ) -> Result<(Vec<Vec<i32>>, usize), Failure> {
        let names = || model.inputs.iter().map(|port| format!("`{}`", port.name));
        let unknown = |got: &str| {
            let expected = names().collect::<Vec<_>>().join(", ");
            ModelError::InputUnknown { got: got.to_owned(), expected }
        };
        let is_of = |port: &Port, name: &Option<String>| match name {
            Some(name) => *name == port.name,
            None => model.inputs.len() == 1,
        };
        let given = &self.head.inputs;
        let is_none = |name: &&Option<String>| !model.inputs.iter().any(|port| is_of(port, name));
        if let Some(name) = given.iter().find(is_none) {
            return Err(unknown(name.as_deref().unwrap_or("(unnamed)")).into());
        }
        let (mut integers, mut beyond) = (Vec::new(), 0);
        for (number, port) in model.inputs.iter().enumerate() {
            let at = match given.iter().position(|name| is_of(port, name)) {
                Some(at) => at,
                None if secrets.holds(number) => {
                    integers.push(None);
                    continue;
                }
                None => return Err(ModelError::InputMissing(port.name.clone()).into()),
            };
            let (bytes, ports) = (self.inputs[at], [port]);
            let format = InputFormat::detect(bytes);
            let mut inferences = model.read_inferences_of(&ports, bytes, format)?;
            match (inferences.pop(), inferences.len()) {
                (Some(one), 0) => integers.extend(one.into_iter().map(Some)),
                (_, others) => {
                    let message = format!(
                        "the input `{}` holds {} inferences, a proof of this bundle holds 1",
                        port.name,
                        others + 1
                    );
                    return Err(Failure::input(message, "prove them one by one"));
                }
            }
            beyond += model.values_beyond_range_of(&ports, bytes, format)?;
        }
        Ok((secrets.merge(integers)?, beyond))
    }

    /// The integers of what claims compare outputs with.
    pub fn chosen(&self, model: &Model, layout: &InstanceLayout) -> Result<Vec<Vec<i32>>, Failure> {
        let choose = &self.head.choose;
        let claims = || layout.claims.iter().filter(|claim| !claim.parameters.is_empty());
        let subjects: Vec<String> = claims().map(|claim| claim.claim.subject()).collect();
        if let Some((name, _)) = choose.iter().find(|(name, _)| !subjects.contains(name)) {
            let message = format!("`{name}` is compared with nothing by proofs of this bundle");
            return Err(Failure::option(message, &format!("values are chosen for {subjects:?}")));
        }
        let integers = claims().zip(&subjects).map(|(claim, subject)| {
            let text = choose.iter().find(|(name, _)| name == subject).map(|(_, text)| text);
            let text = text.ok_or_else(|| {
                let message = format!("what `{subject}` is compared with is missing");
                Failure::option(message, "give it with `choose`, in the model's units")
            })?;
            let one = claim.claim.choose(model, layout.inferences, text)?;
            Ok(one.repeat(layout.inferences))
        });
        integers.collect()
    }
}
