//! What keys are given beside inputs, and make of them: commitments to inputs, hashes of them, and weights.

use crate::error::Failure;
use std::sync::Arc;
use zkverdict::{
    ModelProver, ModelVerifier,
    bundle::{InputCommitment, InputHash, InputSecret, WeightsCommitment, hex},
    circuit::{InstanceLayout, InstancePort},
    proving::{Blindings, Commitment, CommittedWeights, Powers},
};

/// What is known of each input: of a hashed one a hash for each inference, and nothing of one that needs none.
pub struct InputSecrets(Vec<Vec<Arc<InputSecret>>>);

impl InputSecrets {
    /// Puts what is given to its inputs, and checks it; `powers` are asked for where something is committed.
    pub fn new(
        layout: &InstanceLayout,
        given: &[Arc<InputSecret>],
        powers: impl FnOnce() -> Result<Powers, Failure>,
    ) -> Result<Self, Failure> {
        let mut found: Vec<Vec<Arc<InputSecret>>> = vec![Vec::new(); layout.inputs.len()];
        let powers = layout.committed().next().map(|_| powers()).transpose()?;
        for secret in given {
            let (name, told) = (&secret.tensor().name, told(secret));
            let is_its =
                |port: &&InstancePort| port.tensor.name == *name && port.visibility.name() == told;
            let Some(number) = layout.inputs.iter().position(|port| is_its(&port)) else {
                let message =
                    format!("the input `{}` is not {told} in these keys", name.escape_debug());
                return Err(Failure::input(message, "give one for each committed input"));
            };
            let port = &layout.inputs[number];
            let is_alike = secret.tensor().code == port.tensor.code
                && secret.tensor().len() == port.tensor.len();
            let is_ours = match &**secret {
                InputSecret::Hashed(_) => true,
                InputSecret::Committed(own) => {
                    own.inferences() == layout.inferences
                        && powers.as_ref().is_some_and(|powers| own.is_under(powers))
                }
            };
            if !is_alike || !is_ours {
                let message = format!(
                    "`{}` is not of the input `{}` under these keys",
                    hex(&secret.instance()),
                    name.escape_debug()
                );
                return Err(Failure::input(message, "make one with `Keys.commit` of these keys"));
            }
            found[number].push(Arc::clone(secret));
        }
        for (own, port) in found.iter().zip(&layout.inputs) {
            let name = port.tensor.name.escape_debug();
            let expected = if port.is_hashed() { layout.inferences } else { 1 };
            if own.is_empty() && port.is_committed() {
                let message = format!("no commitment to the input `{name}` is given");
                let hint = "make one with `Keys.commit`, and give it with `commitments=[c]`";
                return Err(Failure::input(message, hint));
            }
            if !own.is_empty() && own.len() != expected {
                let message = format!(
                    "{} commitments to the input `{name}` are given, a proof of these keys takes {expected}",
                    own.len()
                );
                return Err(Failure::input(message, "give one for each inference, in their order"));
            }
        }
        Ok(Self(found))
    }

    /// Whether an input is known, by its number.
    pub fn holds(&self, input: usize) -> bool {
        !self.0[input].is_empty()
    }

    /// The integers of an input that is known, those of all inferences.
    pub fn integers(&self, input: usize) -> Vec<i32> {
        let own = self.0[input].iter().map(|secret| match &**secret {
            InputSecret::Committed(commitment) => commitment.integers(),
            InputSecret::Hashed(hash) => hash.integers(),
        });
        own.flatten().collect()
    }

    /// The commitments, in the order of their names.
    pub fn commitments(&self) -> Vec<Commitment> {
        let committed = self.0.iter().flatten().filter_map(|secret| match &**secret {
            InputSecret::Committed(commitment) => Some(commitment.commitment().clone()),
            InputSecret::Hashed(_) => None,
        });
        committed.collect()
    }

    /// What blinds hashes: what is known, or else something new.
    pub fn blindings(&self, layout: &InstanceLayout) -> Blindings {
        let places = layout.hashed().flat_map(|(number, _)| {
            (0..layout.inferences).map(move |inference| (number, inference))
        });
        let known = places.map(|(number, inference)| {
            self.0[number].get(inference).and_then(|secret| match &**secret {
                InputSecret::Hashed(hash) => Some(hash.blinding()),
                InputSecret::Committed(_) => None,
            })
        });
        known.collect::<Vec<_>>().into()
    }
}

/// What keys tell of an input that something is made of.
fn told(secret: &InputSecret) -> &'static str {
    match secret {
        InputSecret::Committed(_) => "committed",
        InputSecret::Hashed(_) => "hashed",
    }
}

/// Which committed or hashed input is meant.
pub fn hidden(layout: &InstanceLayout, only: Option<&str>) -> Result<usize, Failure> {
    let hidden = layout.inputs.iter().enumerate();
    let hidden: Vec<(usize, &str)> = hidden
        .filter(|(_, port)| port.is_committed() || port.is_hashed())
        .map(|(number, port)| (number, port.tensor.name.as_str()))
        .collect();
    let found = match (only, hidden.as_slice()) {
        (Some(only), _) => hidden.iter().find(|(_, name)| *name == only),
        (None, [one]) => Some(one),
        _ => None,
    };
    found.map(|&(number, _)| number).ok_or_else(|| {
        let names: Vec<&str> = hidden.iter().map(|&(_, name)| name).collect();
        let message = "it is not clear which committed or hashed input is meant";
        Failure::option(message, &format!("give `name`: one of {names:?}"))
    })
}

/// Hides an input: behind a name, or behind a hash for each inference.
pub fn hide(
    layout: &InstanceLayout,
    number: usize,
    integers: &[i32],
    powers: impl FnOnce() -> Result<Powers, Failure>,
) -> Result<Vec<InputSecret>, Failure> {
    let InstancePort { tensor, .. } = &layout.inputs[number];
    let missing = || {
        let message = "the string is shorter than a commitment to the input";
        Failure::new("KeysError", message, "")
    };
    if !layout.inputs[number].is_hashed() {
        let made = InputCommitment::new(tensor.clone(), integers, &powers()?);
        return Ok(vec![InputSecret::Committed(made.ok_or_else(missing)?)]);
    }
    let own = integers.chunks(tensor.len().max(1)).map(|own| {
        let hash = InputHash::new(tensor.clone(), own);
        hash.map(InputSecret::Hashed).ok_or_else(missing)
    });
    own.collect()
}

/// The weights that are committed to under a key, where its weights are committed.
pub fn weights(
    verifier: &ModelVerifier,
    given: Option<&Arc<WeightsCommitment>>,
    prover: &ModelProver,
) -> Result<Option<CommittedWeights>, Failure> {
    match (given, verifier.layout().names_weights) {
        (None, false) => Ok(None),
        (None, true) => Err(Failure::input(
            "the weights are committed, and no commitment to any is given",
            "make one with `Keys.commit_weights`, and give it with `weights=w`",
        )),
        (Some(_), false) => Err(Failure::input(
            "a commitment to weights is given, and those of these keys are their model's",
            "leave `weights` out",
        )),
        (Some(weights), true) if weights.vk_digest() != verifier.digest() => {
            let message = format!(
                "the commitment to weights is under the key `{}`, and these are `{}`",
                hex(&weights.vk_digest()),
                hex(&verifier.digest())
            );
            Err(Failure::input(message, "make one with `Keys.commit_weights` of these keys"))
        }
        (Some(weights), true) => Ok(Some(weights.committed(prover)?)),
    }
}
