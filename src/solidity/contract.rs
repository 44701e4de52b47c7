//! The contract: from a verifying key to Solidity source.

use halo2_proofs::{
    halo2curves::bn256::{Bn256, G1Affine},
    plonk::VerifyingKey,
    poly::kzg::commitment::ParamsKZG,
};

use crate::proving::{has_public_secret, linked_vk_digest, model_vk_digest, vk_digest};
use zkverdict_prover::packed::Link;

use super::{
    InstanceCounts, SolidityError,
    layout::{Layout, point_bytes},
    protocol::Protocol,
};

/// The largest runtime code that chains before Amsterdam take (EIP-170).
pub const RUNTIME_LIMIT: usize = 24_576;

/// The largest init code that chains before Amsterdam take (EIP-3860).
pub const INIT_CODE_LIMIT: usize = 49_152;

/// The largest contract, as estimated, that keeps its key in its own code: the estimate may be a tenth too low.
const INLINE_LIMIT: usize = RUNTIME_LIMIT * 9 / 10;

/// The interface that every rendered contract implements, as Solidity source.
pub const INTERFACE: &str = include_str!("../../contracts/interfaces/IHalo2Verifier.sol");

/// Where a contract keeps the points of its verifying key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// In its own code.
    Inline,
    /// In the code of a second contract, which the constructor creates and whose hash is part of the first.
    /// Reading it costs 2,800 gas and up to 90 per point; a point takes 64 bytes there, 75 in code.
    Data,
}

/// The chains on which a contract under the development string may lie: those of anvil, Hardhat, Ganache and geth's
/// development mode. [`VerifierContract::on_dev_chain`] adds one.
pub const LOCAL_CHAIN_IDS: [u64; 2] = [31337, 1337];

/// A verifier of one circuit, ready to be rendered.
#[derive(Debug, Clone)]
pub struct VerifierContract {
    pub(super) name: String,
    pub(super) vk_digest: [u8; 32],
    pub(super) model_digest: Option<[u8; 32]>,
    pub(super) protocol: Protocol,
    pub(super) layout: Layout,
    pub(super) tier: Tier,
    pub(super) instance_counts: Option<InstanceCounts>,
    /// Whether another contract may have it check a proof but for the pairing.
    pub(super) accumulates: bool,
    /// Where the contract may be created if its string is the development one.
    pub(super) dev_chain_ids: Vec<u64>,
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
    /// Bytes of the contract with the key's points; 0 if they are in the contract's own code.
    pub key_data_bytes: usize,
    /// Whether the key comes from the development string, so that the contract refuses all but local chains.
    pub unsafe_dev_srs: bool,
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
        let vk_digest = vk_digest(params, vk, instance_counts);
        Ok(Self::of("Halo2Verifier", vk_digest, protocol))
    }

    /// The same contract of a circuit whose columns hold what commitments do, which proofs of halo2's format show behind themselves.
    #[must_use]
    pub fn with_links(self, links: &[Link]) -> Self {
        let digest = linked_vk_digest(self.vk_digest, links);
        Self::of(&self.name, digest, self.protocol.with_links(links))
    }

    /// A verifier of packed proofs (`docs/protocol.md`) under a key, which is that of a circuit with these constraints: they
    /// give the contract its comments.
    ///
    /// The contract is called `PackedVerifier`; [`Self::named`] gives it another name.
    pub fn packed(
        key: &zkverdict_prover::packed::VerifyingKey,
        system: &halo2_proofs::plonk::ConstraintSystem<halo2_proofs::halo2curves::bn256::Fr>,
    ) -> Result<Self, SolidityError> {
        Ok(Self::of("PackedVerifier", key.digest(), Protocol::packed(key, system)?))
    }

    /// In the second tier if the first is estimated to be too large.
    pub(super) fn of(name: &str, vk_digest: [u8; 32], protocol: Protocol) -> Self {
        let layout = Layout::new(&protocol);
        let mut contract = Self {
            name: name.to_owned(),
            vk_digest,
            model_digest: None,
            protocol,
            layout,
            tier: Tier::Inline,
            instance_counts: None,
            accumulates: false,
            dev_chain_ids: LOCAL_CHAIN_IDS.to_vec(),
        };
        if contract.estimate_gas().runtime_bytes > INLINE_LIMIT {
            contract.tier = Tier::Data;
        }
        contract
    }

    /// The same contract of a circuit that is a model's: it tells the model's digest, and its own covers it.
    #[must_use]
    pub fn about(mut self, model_digest: [u8; 32]) -> Self {
        self.vk_digest = model_vk_digest(self.vk_digest, model_digest);
        self.model_digest = Some(model_digest);
        self
    }

    /// The same contract of a part of a model: `accumulate` checks a proof but for the pairing, which whoever puts parts together
    /// makes for all of them.
    #[must_use]
    pub(super) fn accumulating(mut self) -> Self {
        self.accumulates = true;
        self
    }

    /// The same contract with its key elsewhere.
    pub fn in_tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// The same contract, which also tells what its instances are.
    pub fn with_instance_counts(mut self, counts: InstanceCounts) -> Result<Self, SolidityError> {
        let (received, expected) = (counts.total(), self.protocol.num_instances());
        if received != expected {
            return Err(SolidityError::InstanceCounts { received, expected });
        }
        self.instance_counts = Some(counts);
        Ok(self)
    }

    /// The same contract, which under the development string may also be created on this chain: a fork of another
    /// one under its own id.
    #[must_use]
    pub fn on_dev_chain(mut self, id: u64) -> Self {
        if !self.dev_chain_ids.contains(&id) {
            self.dev_chain_ids.push(id);
        }
        self
    }

    /// Whether the key comes from the development string, known by its secret whatever file it came in.
    pub fn is_unsafe_dev(&self) -> bool {
        has_public_secret(self.protocol.key.tau_g2)
    }

    /// Where the contract keeps the points of its key.
    pub fn tier(&self) -> Tier {
        self.tier
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

    /// The code of the contract with the key's points: a STOP, then x and y of each. Empty in the first tier.
    pub(super) fn key_data(&self) -> Vec<u8> {
        match self.tier {
            Tier::Inline => vec![],
            Tier::Data => {
                let points = self.layout.key_points.iter();
                let words = points.flat_map(|key| point_bytes(key.point).into_iter().flatten());
                [0].into_iter().chain(words).collect()
            }
        }
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
/// Functions in between work for the phases that call them.
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
