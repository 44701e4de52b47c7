//! Verifying keys in one format or the other.

use super::srs::{fingerprint_of, public_secret};
use super::{Format, PackedVerifier, Refusal, SrsOrigin, Verifier, WORD_BYTES, ceremony};
use halo2_proofs::halo2curves::bn256::{Fr, G2Affine};

/// What proofs of one circuit are checked against, in one format or the other.
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant, reason = "there are few of them")]
pub enum Keys {
    /// Halo2's.
    Halo2(Verifier),
    /// Of packed proofs.
    Packed(PackedVerifier),
}

impl Keys {
    /// The format of the proofs.
    pub fn format(&self) -> Format {
        match self {
            Self::Halo2(_) => Format::Halo2,
            Self::Packed(_) => Format::Packed,
        }
    }

    /// Halo2's key, if it is one.
    pub fn halo2(&self) -> Option<&Verifier> {
        match self {
            Self::Halo2(keys) => Some(keys),
            Self::Packed(_) => None,
        }
    }

    /// The key of packed proofs, if it is one.
    pub fn packed(&self) -> Option<&PackedVerifier> {
        match self {
            Self::Halo2(_) => None,
            Self::Packed(keys) => Some(keys),
        }
    }

    /// The verifying key's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Halo2(keys) => keys.to_bytes(),
            Self::Packed(keys) => keys.to_bytes(),
        }
    }

    /// log₂ of the circuit's rows.
    pub fn k(&self) -> u32 {
        match self {
            Self::Halo2(keys) => keys.srs().k(),
            Self::Packed(keys) => keys.key().layout().k,
        }
    }

    /// Number of instances of a proof.
    pub fn instances(&self) -> usize {
        match self {
            Self::Halo2(keys) => keys.instances(),
            Self::Packed(keys) => keys.instances(),
        }
    }

    /// Bytes of every proof.
    pub fn proof_length(&self) -> usize {
        match self {
            Self::Halo2(keys) => keys.proof_length(),
            Self::Packed(keys) => keys.proof_length(),
        }
    }

    /// The verifying key's digest.
    pub fn digest(&self) -> [u8; WORD_BYTES] {
        match self {
            Self::Halo2(keys) => keys.digest(),
            Self::Packed(keys) => keys.digest(),
        }
    }

    /// The same of a circuit that is a model's.
    #[must_use]
    pub fn about(self, model_digest: [u8; WORD_BYTES]) -> Self {
        match self {
            Self::Halo2(keys) => Self::Halo2(keys.about(model_digest)),
            Self::Packed(keys) => Self::Packed(keys.about(model_digest)),
        }
    }

    /// The digest of the model whose circuit this is of, if it is one's.
    pub fn model_digest(&self) -> Option<[u8; WORD_BYTES]> {
        match self {
            Self::Halo2(keys) => keys.model_digest(),
            Self::Packed(keys) => keys.model_digest(),
        }
    }

    /// Where the structured reference string comes from.
    pub fn srs_origin(&self) -> SrsOrigin {
        match self {
            Self::Halo2(keys) => keys.srs_origin(),
            Self::Packed(keys) => keys.srs_origin(),
        }
    }

    /// `[τ]₂`, by which strings are known.
    pub fn tau_g2(&self) -> G2Affine {
        match self {
            Self::Halo2(keys) => keys.params().s_g2(),
            Self::Packed(keys) => keys.key().g2()[1],
        }
    }

    /// The name of the string, where its secret is one that everybody can compute.
    pub fn public_secret(&self) -> Option<&'static str> {
        public_secret(self.tau_g2())
    }

    /// The public ceremony that the string comes from, where it is one that this crate knows.
    pub fn ceremony(&self) -> Option<&'static str> {
        ceremony::of(self.tau_g2())
    }

    /// What tells the string from others.
    pub fn fingerprint(&self) -> [u8; WORD_BYTES] {
        fingerprint_of(self.tau_g2())
    }

    /// Whether a proof of so many bytes with so many instances can be one of this circuit.
    pub fn check_lengths(&self, proof: usize, instances: usize) -> Result<(), Refusal> {
        Refusal::of_lengths(proof, self.proof_length(), instances, self.instances())
    }

    /// Whether a proof proves its instances, and if not, why not.
    pub fn verify(&self, proof: &[u8], instances: &[Fr]) -> Result<(), Refusal> {
        match self {
            Self::Halo2(keys) => keys.verify(proof, instances),
            Self::Packed(keys) => keys.verify(proof, instances),
        }
    }
}
