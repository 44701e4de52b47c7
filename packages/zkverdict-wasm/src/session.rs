//! A bundle that proofs are made with.

use crate::{
    failure::Failure,
    host,
    request::{self, Request},
};
use serde::Serialize;
use serde_json::json;
use zkverdict::{
    ModelProver,
    bundle::{Bundle, ProofDocument, Took, Work, hex},
    proving::{Options, Stage},
};

/// What a proof is answered with. No JSON value on the way, in which floats would have other digits.
#[derive(Serialize)]
struct Proven {
    proof: ProofDocument,
    beyond: usize,
}

/// A bundle, and its proving key.
pub struct Session {
    bundle: Bundle,
    prover: ModelProver,
}

impl Session {
    /// Makes the key of the bundle in an archive; says what proofs will be of.
    pub fn open(archive: &[u8]) -> Result<(Self, Vec<u8>), Failure> {
        host::enter("bundle");
        let bundle = Bundle::from_archive(archive)?;
        let layout = &bundle.manifest.layout;
        if layout.names_weights {
            return Err(Failure::option(
                "the weights are committed in this bundle, and pages prove with weights that all may know",
                "prove it where the weights are, with `zkverdict prove`",
            ));
        }
        host::enter("proving key");
        let prover = bundle.prover()?;
        let verifier = prover.verifier();
        let inputs = verifier.layout().inputs.iter();
        let summary = json!({
            "model": verifier.model().name,
            "format": verifier.format(),
            "vk_digest": hex(&verifier.digest()),
            "inputs": inputs.map(|port| json!({
                "name": port.tensor.name, "shape": port.tensor.shape, "visibility": port.visibility.name()
            })).collect::<Vec<_>>(),
        });
        Ok((Self { bundle, prover }, summary.to_string().into_bytes()))
    }

    /// Makes a proof.
    pub fn prove(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let verifier = self.prover.verifier();
        let (model, layout) = (verifier.model(), verifier.layout());
        let parts = request::parts(request);
        let request = Request::parse(parts.as_deref())?;
        let secrets = request.secrets(layout, || self.bundle.powers())?;
        let contexts = request.contexts(layout)?;
        let chosen = request.chosen(model, layout)?;
        let (inputs, beyond) = request.integers(model, &secrets)?;
        let mut work = Work {
            inputs,
            contexts,
            commitments: secrets.commitments(),
            blindings: secrets.blindings(),
            weights: None,
        };
        work.inputs.extend(chosen);
        let beginning = host::seconds();
        let entered = |stage: Stage| host::enter(&stage.to_string());
        let options = Options { progress: Some(&entered), ..Options::default() };
        let proof = work.prove(&self.prover, &options)?;
        let seconds = host::seconds() - beginning;
        let took = Took { seconds, cpu_seconds: seconds, peak_memory_bytes: host::memory_bytes() };
        let document = ProofDocument::new(verifier, &proof, took)?;
        Ok(serde_json::to_vec(&Proven { proof: document, beyond }).expect("it has a JSON form"))
    }
}
