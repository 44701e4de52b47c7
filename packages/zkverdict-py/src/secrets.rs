//! What keys are given beside inputs, and make of them: commitments to inputs, hashes of them, and weights.

use crate::error::Failure;
use std::sync::Arc;
use zkverdict::{
    ModelVerifier,
    bundle::{InputCommitment, InputHash, InputSecret, InputSecrets, WeightsCommitment, hex},
    circuit::{InstanceLayout, InstancePort},
    proving::Powers,
};

/// Puts what is given to its inputs, and checks it; `powers` are asked for where something is committed.
pub fn input_secrets<'a>(
    layout: &'a InstanceLayout,
    given: &[Arc<InputSecret>],
    powers: impl FnOnce() -> Result<Powers, Failure>,
) -> Result<InputSecrets<'a>, Failure> {
    let mut secrets = InputSecrets::none(layout, powers)?;
    for secret in given {
        secrets.add(Arc::clone(secret))?;
    }
    Ok(secrets.complete()?)
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
    given: Option<Arc<WeightsCommitment>>,
) -> Result<Option<Arc<WeightsCommitment>>, Failure> {
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
        (Some(weights), true) => Ok(Some(weights)),
    }
}
