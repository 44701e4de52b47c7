//! The contract: from a verifying key to Solidity source.

use askama::Template;
use halo2_proofs::{
    halo2curves::bn256::{Bn256, G1Affine},
    plonk::VerifyingKey,
    poly::kzg::commitment::ParamsKZG,
};

use crate::proving::vk_digest;

use super::{SolidityError, layout::Layout, protocol::Protocol, source::Source};

/// The interface that every rendered contract implements, as Solidity source.
pub const INTERFACE: &str = include_str!("../../contracts/interfaces/IHalo2Verifier.sol");

/// A verifier of one circuit, ready to be rendered.
#[derive(Debug, Clone)]
pub struct VerifierContract {
    pub(super) name: String,
    pub(super) vk_digest: [u8; 32],
    pub(super) protocol: Protocol,
    pub(super) layout: Layout,
}

/// A rendered contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedContract {
    /// The contract's name.
    pub name: String,
    /// The whole source: one file that imports nothing.
    pub source: String,
    /// What `VK_DIGEST` returns.
    pub vk_digest: [u8; 32],
    /// Bytes of a proof.
    pub proof_length: usize,
    /// How many instances a proof has.
    pub num_instances: usize,
}

impl VerifierContract {
    /// A verifier of proofs under `vk`, whose instance columns hold as many values as `instance_counts` says.
    ///
    /// The contract is called `Halo2Verifier`; [`Self::named`] gives it another name.
    pub fn new(
        params: &ParamsKZG<Bn256>,
        vk: &VerifyingKey<G1Affine>,
        instance_counts: &[usize],
    ) -> Result<Self, SolidityError> {
        let protocol = Protocol::new(params, vk, instance_counts)?;
        let layout = Layout::new(&protocol);
        let vk_digest = vk_digest(params, vk, instance_counts);
        Ok(Self { name: "Halo2Verifier".to_owned(), vk_digest, protocol, layout })
    }

    /// The same contract under another name, which has to be a Solidity identifier.
    pub fn named(mut self, name: &str) -> Result<Self, SolidityError> {
        check_identifier(name)?;
        name.clone_into(&mut self.name);
        Ok(self)
    }

    /// Bytes of a proof.
    pub fn proof_length(&self) -> usize {
        self.protocol.proof_length()
    }

    /// What `VK_DIGEST` returns.
    pub fn vk_digest(&self) -> [u8; 32] {
        self.vk_digest
    }

    /// The contract's source.
    pub fn render(&self) -> Result<RenderedContract, SolidityError> {
        let source = Source::new(self).render()?;
        Ok(RenderedContract {
            name: self.name.clone(),
            source,
            vk_digest: self.vk_digest(),
            proof_length: self.proof_length(),
            num_instances: self.protocol.num_instances(),
        })
    }
}

/// A stretch of a contract's source that belongs to one phase of the protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhaseSpan<'a> {
    /// `calldata`, `transcript`, `instances`, `gates`, `permutation`, `lookups`, `openings`, `msm` or `pairing`.
    pub phase: &'a str,
    /// Bytes of the source, as solc's source map counts them.
    pub bytes: std::ops::Range<usize>,
}

/// Finds the phases of a rendered contract: each reaches from its comment `// @phase name` to the next one.
pub fn phase_spans(source: &str) -> Vec<PhaseSpan<'_>> {
    const MARK: &str = "// @phase ";
    let marks: Vec<usize> = source.match_indices(MARK).map(|(start, _)| start).collect();
    let ends = marks.iter().skip(1).copied().chain([source.len()]);
    marks
        .iter()
        .zip(ends)
        .map(|(&start, end)| {
            let phase = source[start + MARK.len()..end].lines().next().unwrap_or_default().trim();
            PhaseSpan { phase, bytes: start..end }
        })
        .collect()
}

/// Refuses what solc would not take for a contract's name.
pub(super) fn check_identifier(name: &str) -> Result<(), SolidityError> {
    let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
    let continues = |c: char| starts(c) || c.is_ascii_digit();
    if !name.starts_with(starts) || !name.chars().all(continues) || name == "IHalo2Verifier" {
        return Err(SolidityError::InvalidName { name: name.to_owned() });
    }
    Ok(())
}
