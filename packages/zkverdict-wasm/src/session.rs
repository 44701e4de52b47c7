//! A bundle that proofs are made with.

use crate::{failure::Failure, host, request::Request};
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

/// A bundle's proving key.
pub struct Session {
    prover: ModelProver,
}

impl Session {
    /// Makes the key of the bundle in an archive; says what proofs will be of.
    pub fn open(archive: &[u8]) -> Result<(Self, Vec<u8>), Failure> {
        host::enter("bundle");
        let bundle = Bundle::from_archive(archive)?;
        let layout = &bundle.manifest.layout;
        if let Some((_, port)) = layout.committed().next() {
            return Err(no_commitments(&format!("the input `{}` is", port.tensor.name)));
        }
        if layout.names_weights {
            return Err(no_commitments("the weights are"));
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
        Ok((Self { prover }, summary.to_string().into_bytes()))
    }

    /// Makes a proof.
    pub fn prove(&self, request: &[u8]) -> Result<Vec<u8>, Failure> {
        let verifier = self.prover.verifier();
        let (model, layout) = (verifier.model(), verifier.layout());
        let request = Request::parse(request)?;
        let contexts = request.contexts(layout)?;
        let chosen = request.chosen(model, layout)?;
        let (inputs, beyond) = request.integers(model)?;
        let hashes = layout.hashed().count() * layout.inferences;
        let mut work = Work {
            inputs,
            contexts,
            commitments: Vec::new(),
            blindings: vec![None; hashes].into(),
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

fn no_commitments(what: &str) -> Failure {
    let message = format!("{what} committed in this bundle, and pages prove without commitments");
    Failure::option(
        message,
        "prove it with `zkverdict prove`, or make keys in which the input is private or hashed",
    )
}
