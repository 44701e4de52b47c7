//! What one proof is made of, for whoever makes it here and for whoever has it made elsewhere.

use super::commitment::{packed, scalars};
use super::{InputCommitment, WeightsCommitment, hex, secret};
use crate::circuit::{
    CircuitError, Element, InstanceLayout, InstancePart, Role, Word, hash_of_words,
};
use crate::model::Model;
use crate::proving::{
    Blindings, Commitment, ModelProver, Options, Proof, ProvingError, Secrets, word_of,
};
use halo2_proofs::halo2curves::bn256::Fr;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const VERSION: u32 = 1;

/// All that a proof of a bundle is made of. It is as secret as the inputs are, and has no `Debug`.
pub struct Work {
    /// The integers of each input, then what the verifier chose for each claim.
    pub inputs: Vec<Vec<i32>>,
    /// What each inference is bound to.
    pub contexts: Vec<Fr>,
    /// To the committed inputs and outputs, in their order.
    pub commitments: Vec<InputCommitment>,
    /// What blinds the hashes of hashed inputs, in their order.
    pub blindings: Blindings,
    /// Where the weights are committed, these.
    pub weights: Option<Arc<WeightsCommitment>>,
}

impl Drop for Work {
    fn drop(&mut self) {
        wipe(&mut self.inputs);
    }
}

/// Overwrites integers.
fn wipe(inputs: &mut [Vec<i32>]) {
    inputs.iter_mut().for_each(|integers| integers.fill(0));
    // The compiler leaves out what nobody reads.
    std::hint::black_box(inputs);
}

/// How it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    inputs: Vec<Vec<i32>>,
    contexts: Vec<String>,
    blindings: Vec<String>,
    /// As `commit` writes them.
    commitments: Vec<String>,
    weights: Option<String>,
}

impl Drop for Document {
    fn drop(&mut self) {
        wipe(&mut self.inputs);
        let Self { blindings, commitments, weights, .. } = self;
        secret::wipe_all(blindings.iter_mut().chain(commitments).chain(weights));
    }
}

/// What every document has, whatever its version.
#[derive(Deserialize)]
struct Head {
    version: u32,
}

impl Work {
    /// Makes the proof.
    pub fn prove(
        &self,
        prover: &ModelProver,
        options: &Options<'_>,
    ) -> Result<Proof, ProvingError> {
        let weights = self.weights.as_ref().map(|weights| weights.committed(prover)).transpose()?;
        let commitments = self.commitments.iter().map(|input| input.commitment().clone());
        let commitments: Vec<Commitment> = commitments.collect();
        let blindings = Some(&self.blindings);
        let secrets = Secrets { inputs: &commitments, weights: weights.as_ref(), blindings };
        let contexts = self.contexts.clone();
        prover.prove_linked(&self.inputs, contexts, secrets, options).map(|(proof, _)| proof)
    }

    /// The instances of every proof that is made of it under a key of a model, from the integer reference alone: a proof of others,
    /// whoever made it, is not of this.
    pub fn instances<'a>(
        &'a self,
        model: &Model,
        layout: &'a InstanceLayout,
    ) -> Result<Vec<Word>, ProvingError> {
        let trained;
        let model = match &self.weights {
            None => model,
            Some(weights) => {
                let model = model.with_weights(weights.weights());
                trained = model.ok_or_else(|| {
                    ProvingError::OtherArchitecture("it has more weights, or fewer".into())
                })?;
                &trained
            }
        };
        let own = self.inputs.len().min(model.inputs.len());
        let evaluation = model.evaluate(&self.inputs[..own])?;
        let answers = layout.answers(model, &evaluation, &self.inputs[own..])?;

        // Integers of all inferences, of which each part takes the next.
        let mut told: Vec<(Role, &str, &[i32])> = Vec::new();
        for (port, integers) in layout.inputs.iter().zip(&self.inputs) {
            told.push((Role::Input, &port.tensor.name, integers));
        }
        let choices = layout.claims.iter().filter(|claim| !claim.parameters.is_empty());
        for (claim, integers) in choices.zip(&self.inputs[own..]) {
            told.push((Role::ClaimParameter, &claim.name, integers));
        }
        let mut rest = &answers[..];
        let mut next = |role, name: &'a str, elements: usize| {
            let integers = rest.split_off(..(layout.inferences * elements).min(rest.len()));
            (role, name, integers.unwrap_or_default())
        };
        for claim in &layout.claims {
            let elements = claim.results.iter().map(|tensor| tensor.len()).sum();
            told.push(next(Role::ClaimResult, &claim.name, elements));
        }
        for port in layout.outputs.iter().filter(|port| port.is_public()) {
            told.push(next(Role::Output, &port.tensor.name, port.tensor.len()));
        }

        let other = |what: String| ProvingError::Circuit(CircuitError::Instances { what });
        let missing =
            |part: &InstancePart<'_>| other(format!("nothing is given for `{}`", part.name));
        let mut contexts = self.contexts.iter();
        let mut names = self.commitments.iter().map(InputCommitment::name);
        let mut blindings = self.blindings.all().iter();
        let mut instances: Vec<Word> = Vec::new();
        for part in layout.parts() {
            let mut take = |elements: usize| {
                let all = told
                    .iter_mut()
                    .find(|(role, name, _)| (*role, *name) == (part.role, part.name));
                all.and_then(|(.., integers)| integers.split_off(..elements))
            };
            let words = match (part.role, part.tensor) {
                (Role::Context, _) => contexts.next().map(|context| vec![word_of(context)]),
                (Role::WeightsName, _) => self.weights.as_ref().map(|weights| vec![weights.name()]),
                (Role::InputName | Role::OutputName, _) => names.next().map(|name| vec![name]),
                (_, Some(tensor)) => take(tensor.len()).and_then(|integers| {
                    let elements = integers.iter().map(|&integer| Element::Integer(integer.into()));
                    part.pack(elements)
                }),
                (_, None) => {
                    let port = layout.inputs.iter().find(|port| port.tensor.name == part.name);
                    port.zip(blindings.next()).and_then(|(port, &blinding)| {
                        let words = packed(&port.tensor, take(port.tensor.len())?)?;
                        Some(vec![word_of(&hash_of_words(port.tensor.bytes(), &words, blinding))])
                    })
                }
            };
            instances.extend(words.ok_or_else(|| missing(&part))?);
        }
        Ok(instances)
    }

    /// Writes it down. The bytes are as secret as it is.
    pub fn to_bytes(&self) -> Vec<u8> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("JSON is text");
        let scalars = |scalars: &[Fr]| scalars.iter().map(|own| hex(&word_of(own))).collect();
        let document = Document {
            version: VERSION,
            inputs: self.inputs.clone(),
            contexts: scalars(&self.contexts),
            blindings: scalars(self.blindings.all()),
            commitments: self.commitments.iter().map(|own| text(own.to_bytes())).collect(),
            weights: self.weights.as_ref().map(|weights| text(weights.to_bytes())),
        };
        serde_json::to_vec(&document).expect("its keys are texts")
    }

    /// Reads what [`Self::to_bytes`] wrote; says what is wrong with it, and nothing of what it holds.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        // The reader's own messages show what it found.
        let malformed = |error: serde_json::Error| {
            format!(
                "it is not as it is written, at line {}, column {}",
                error.line(),
                error.column()
            )
        };
        let Head { version } = serde_json::from_slice(bytes).map_err(malformed)?;
        if version != VERSION {
            return Err(format!("it is version {version}, expected {VERSION}"));
        }
        let mut document: Document = serde_json::from_slice(bytes).map_err(malformed)?;
        let blindings = scalars(&document.blindings)?;
        let commitments = document.commitments.iter();
        let commitments = commitments.map(|own| InputCommitment::parse(own.as_bytes()));
        let weights = document.weights.as_ref();
        let weights = weights.map(|own| WeightsCommitment::parse(own.as_bytes()));
        Ok(Self {
            inputs: std::mem::take(&mut document.inputs),
            contexts: scalars(&document.contexts)?,
            commitments: commitments.collect::<Result<_, _>>()?,
            blindings: blindings.into_iter().map(Some).collect::<Vec<_>>().into(),
            weights: weights.transpose()?.map(Arc::new),
        })
    }
}

#[cfg(test)]
mod tests;
