//! The contract of a model in parts: one call verifies all of them.

use super::{
    InstanceCounts, RenderedContract, SolidityError, contract::check_identifier, layout::word,
    model::instance_counts, source::interface_body,
};
use crate::circuit::InstanceLayout;
use crate::proving::{Judge, PartVerifier, PartsVerifier, WORD_BYTES};
use askama::Template;
use std::ops::Range;

/// An address.
pub type AddressBytes = [u8; 20];

#[derive(Template)]
#[template(path = "PartsVerifier.sol", escape = "none")]
struct Source<'a> {
    interface: &'a str,
    name: &'a str,
    vk_digest: String,
    model_digest: String,
    unsafe_dev_srs: bool,
    num_instances: usize,
    proof_length: usize,
    counts: InstanceCounts,
    parts: Vec<PartSource>,
}

/// What the contract hands on to one part's verifier.
struct PartSource {
    address: String,
    vk_digest: String,
    /// How many instances it has.
    instances: usize,
    /// Where instances of the whole go, and which they are.
    own: Vec<(usize, Range<usize>)>,
    /// Where names go, and where in the proof they are.
    names: Vec<(usize, usize)>,
    proof: Range<usize>,
}

impl PartsVerifier {
    /// The contract that verifies proofs of the model, under a name that has to be a Solidity identifier, given where the contracts of
    /// the parts lie.
    pub fn contract(
        &self,
        name: &str,
        addresses: &[AddressBytes],
    ) -> Result<RenderedContract, SolidityError> {
        check_identifier(name)?;
        let layout: &InstanceLayout = self.layout();
        let mut start = WORD_BYTES * self.crossing();
        let parts = self.parts().iter().zip(addresses).map(|(part, address)| {
            let PartVerifier { verifier, own: [before, behind], names } = part;
            let end = start + verifier.keys().proof_length();
            let proof = std::mem::replace(&mut start, end)..end;
            let places = before.len()..before.len() + names.len();
            let own = [(0, before.clone()), (places.end, behind.clone())];
            let mut padded = [0; WORD_BYTES];
            padded[WORD_BYTES - address.len()..].copy_from_slice(address);
            PartSource {
                address: word(&padded),
                vk_digest: word(&verifier.digest()),
                instances: places.end + behind.len(),
                own: own.into_iter().filter(|(_, range)| !range.is_empty()).collect(),
                names: places.zip(names.iter().map(|number| WORD_BYTES * number)).collect(),
                proof,
            }
        });
        let parts: Vec<PartSource> = parts.collect();
        if parts.len() != self.parts().len() || addresses.len() != parts.len() {
            let (received, expected) = (addresses.len(), self.parts().len());
            return Err(SolidityError::PartAddresses { received, expected });
        }
        let unsafe_dev_srs =
            self.parts().iter().any(|part| part.verifier.keys().public_secret().is_some());
        let source = Source {
            interface: interface_body(),
            name,
            vk_digest: word(&self.digest()),
            model_digest: word(&self.model_digest()),
            unsafe_dev_srs,
            num_instances: layout.len(),
            proof_length: self.proof_length(),
            counts: instance_counts(layout),
            parts,
        };
        Ok(RenderedContract {
            name: name.to_owned(),
            source: source.render()?,
            vk_digest: self.digest(),
            proof_length: self.proof_length(),
            num_instances: layout.len(),
            key_data_bytes: 0,
            unsafe_dev_srs,
        })
    }
}
