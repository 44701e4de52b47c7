//! The 32-byte name of a verifying key.
//!
//! halo2's own digest covers the constraint system and the commitments, but neither the structured
//! reference string nor how many instances there are; a proof's meaning depends on both:
//!
//! ```text
//! keccak256( halo2's digest ‖ k ‖ [τ]₂ as x₁ x₀ y₁ y₀ ‖ instances per column )       32-byte words
//! ```

use super::{WORD_BYTES, word_of};
use halo2_proofs::{
    halo2curves::bn256::{Bn256, G1Affine},
    plonk::VerifyingKey,
    poly::{commitment::Params, kzg::commitment::ParamsKZG},
};
use sha3::{Digest, Keccak256};

/// The digest of a verifying key under a structured reference string.
pub fn vk_digest(
    params: &ParamsKZG<Bn256>,
    vk: &VerifyingKey<G1Affine>,
    instances: &[usize],
) -> [u8; WORD_BYTES] {
    let number = |value: u64| {
        let mut word = [0; WORD_BYTES];
        word[WORD_BYTES - 8..].copy_from_slice(&value.to_be_bytes());
        word
    };
    let tau = params.s_g2();
    let mut words = vec![word_of(&vk.transcript_repr()), number(params.k().into())];
    words.extend([tau.x.c1, tau.x.c0, tau.y.c1, tau.y.c0].map(|coordinate| word_of(&coordinate)));
    words.extend(instances.iter().map(|&count| number(count as u64)));
    Keccak256::digest(words.as_flattened()).into()
}
