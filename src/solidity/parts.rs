//! The contract of a model in parts: one call verifies all of them, with one pairing.

use super::{
    InstanceCounts, RenderedContract, SolidityError, VerifierContract,
    contract::check_identifier,
    layout::{Ptr, g2_bytes, word},
    model::instance_counts,
    source::{Selectors, interface_body},
};
use crate::circuit::InstanceLayout;
use crate::proving::{Judge, PartVerifier, PartsVerifier, WORD_BYTES};
use askama::Template;
use halo2_proofs::halo2curves::bn256::G2Affine;
use sha3::{Digest, Keccak256};

/// An address.
pub type AddressBytes = [u8; 20];

/// Where the deterministic deployer lies on nearly every chain.
pub const DEPLOYER: AddressBytes = [
    0x4e, 0x59, 0xb4, 0x48, 0x47, 0xb3, 0x79, 0x57, 0x85, 0x88, 0x92, 0x0c, 0xa7, 0x8f, 0xbf, 0x26,
    0xc0, 0xb4, 0x95, 0x6c,
];

/// Where a part's contract lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartContract {
    /// The address.
    pub address: AddressBytes,
    /// Keccak-256 of the code there.
    pub code_hash: [u8; WORD_BYTES],
}

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
    layout: Memory,
    selectors: Selectors,
    wrong_part: String,
    accumulate: String,
    g2: Vec<String>,
    minus_tau_g2: Vec<String>,
}

/// Where the contract keeps what.
struct Memory {
    right: Ptr,
    left: Ptr,
    points: Ptr,
    /// Of the points of one proof.
    points_length: Ptr,
}

/// What the contract hands on to one part's verifier. Places in memory count from the word that ends in the selector.
struct PartSource {
    address: String,
    code_hash: String,
    /// How many instances it has.
    instances: usize,
    /// Where their number goes, and how far that is behind the selector.
    instances_at: Ptr,
    instances_offset: Ptr,
    proof: ProofSource,
    /// Instances of the whole.
    own: Vec<CopySource>,
    /// Names, from the proof.
    names: Vec<CopySource>,
    calldata_length: Ptr,
}

/// A part's proof in that of the whole.
struct ProofSource {
    from: Ptr,
    length: Ptr,
}

/// Words of calldata.
struct CopySource {
    at: Ptr,
    from: Ptr,
    length: Ptr,
}

impl PartSource {
    /// Of a part whose proof begins so many bytes behind that of the whole.
    fn new(part: &PartVerifier, at: &PartContract, start: usize) -> Self {
        let PartVerifier { verifier, own: [before, behind], names } = part;
        let proof_length = verifier.keys().proof_length();
        // Behind selector, offsets and the proof.
        let instances_at = 0x80 + proof_length;
        let instances = before.len() + names.len() + behind.len();
        let copy = |place: usize, from: usize, count: usize| CopySource {
            at: Ptr(instances_at + WORD_BYTES * (1 + place)),
            from: Ptr(WORD_BYTES * from),
            length: Ptr(WORD_BYTES * count),
        };
        let places = before.len()..before.len() + names.len();
        let own = [(0, before), (places.end, behind)].into_iter();
        let mut address = [0; WORD_BYTES];
        address[WORD_BYTES - at.address.len()..].copy_from_slice(&at.address);
        Self {
            address: word(&address),
            code_hash: word(&at.code_hash),
            instances,
            instances_at: Ptr(instances_at),
            instances_offset: Ptr(instances_at - 0x20),
            proof: ProofSource { from: Ptr(start), length: Ptr(proof_length) },
            own: own
                .filter(|(_, range)| !range.is_empty())
                .map(|(place, range)| copy(place, range.start, range.len()))
                .collect(),
            names: places.zip(names).map(|(place, &number)| copy(place, number, 1)).collect(),
            calldata_length: Ptr(0x84 + proof_length + WORD_BYTES * instances),
        }
    }
}

/// Where memory begins, with room for what a compiler may keep to itself.
const RIGHT: usize = 0x0200;
/// Bytes of a pair of points of the pairing, of which the second has four words.
const PAIR: usize = 0xc0;
/// Bytes of what a part returns.
const POINTS: usize = 0x80;

impl PartVerifier {
    /// The contract that checks the part's proofs, under a name that has to be a Solidity identifier: that of the whole has it check all
    /// but the pairing.
    pub fn contract(&self, name: &str) -> Result<VerifierContract, SolidityError> {
        Ok(self.verifier.contract(name)?.accumulating())
    }
}

impl PartsVerifier {
    /// The contract that verifies proofs of the model, under a name that has to be a Solidity identifier, given where the contracts of
    /// the parts lie. All of their keys are under one string, without which there would be no verifier of parts: so one pairing will do.
    pub fn contract(
        &self,
        name: &str,
        contracts: &[PartContract],
    ) -> Result<RenderedContract, SolidityError> {
        check_identifier(name)?;
        let layout: &InstanceLayout = self.layout();
        let (received, expected) = (contracts.len(), self.parts().len());
        let Some(first) = self.parts().first().filter(|_| received == expected) else {
            return Err(SolidityError::PartAddresses { received, expected });
        };
        let mut start = WORD_BYTES * self.crossing();
        let parts = self.parts().iter().zip(contracts).map(|(part, at)| {
            let source = PartSource::new(part, at, start);
            start += part.verifier.keys().proof_length();
            source
        });
        let unsafe_dev_srs =
            self.parts().iter().any(|part| part.verifier.keys().public_secret().is_some());
        let tau_g2 = first.verifier.keys().tau_g2();
        let selector = |signature: &str| word(&Keccak256::digest(signature)[..4]);
        let in_g2 = |point| g2_bytes(point).iter().map(|bytes| word(bytes)).collect();
        let source = Source {
            interface: interface_body(),
            name,
            vk_digest: word(&self.digest()),
            model_digest: word(&self.model_digest()),
            unsafe_dev_srs,
            num_instances: layout.len(),
            proof_length: self.proof_length(),
            counts: instance_counts(layout),
            parts: parts.collect(),
            layout: Memory {
                right: Ptr(RIGHT),
                left: Ptr(RIGHT + PAIR),
                points: Ptr(RIGHT + 2 * PAIR),
                points_length: Ptr(POINTS * expected),
            },
            selectors: Selectors::new(),
            wrong_part: selector("WrongPart(uint256,bytes)"),
            accumulate: selector("accumulate(bytes,uint256[])"),
            g2: in_g2(G2Affine::generator()),
            minus_tau_g2: in_g2(-tau_g2),
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
