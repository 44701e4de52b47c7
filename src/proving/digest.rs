//! The 32-byte name of a verifying key.
//!
//! halo2's own digest covers the constraint system and the commitments, but neither the structured
//! reference string nor how many instances there are; a proof's meaning depends on both:
//!
//! ```text
//! keccak256( "zkverdict verifying key 1" ‖ halo2's digest ‖ k ‖ columns ‖ instances per column
//!            ‖ [1]₁ ‖ [1]₂ ‖ [τ]₂ )
//! ```
//!
//! Numbers and coordinates are 32-byte words; coordinates in the order in which precompiles take them.
//!
//! Of a circuit whose columns hold what commitments do, the key covers which do:
//!
//! ```text
//! keccak256( "zkverdict verifying key with links 1" ‖ the digest above
//!            ‖ column, size class and number of the name's instance for each link )
//! ```
//!
//! Two models can be the same function of bytes and mean different things by them. So the digest of a model's
//! key covers the model's own too:
//!
//! ```text
//! keccak256( "zkverdict verifying key of a model 1" ‖ the digest above ‖ the model's digest )
//! ```

use super::{WORD_BYTES, word_of};
use halo2_proofs::{
    halo2curves::bn256::{Bn256, G1Affine, G2Affine},
    plonk::VerifyingKey,
    poly::{
        commitment::{Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
};
use sha3::{Digest, Keccak256};
use zkverdict_prover::packed::Link;

/// The digest of a verifying key under a structured reference string.
pub fn vk_digest(
    params: &ParamsKZG<Bn256>,
    vk: &VerifyingKey<G1Affine>,
    instances: &[usize],
) -> [u8; WORD_BYTES] {
    let in_g1 = |point: G1Affine| [point.x, point.y].map(|coordinate| word_of(&coordinate));
    let in_g2 = |point: G2Affine| {
        [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(|coordinate| word_of(&coordinate))
    };
    let mut words = vec![word_of(&vk.transcript_repr()), number(params.k() as usize)];
    words.push(number(instances.len()));
    words.extend(instances.iter().map(|&count| number(count)));
    words.extend(in_g1(params.get_g()[0]));
    words.extend(in_g2(params.g2()));
    words.extend(in_g2(params.s_g2()));
    let mut hasher = Keccak256::new_with_prefix(b"zkverdict verifying key 1");
    hasher.update(words.as_flattened());
    hasher.finalize().into()
}

fn number(value: usize) -> [u8; WORD_BYTES] {
    let mut word = [0; WORD_BYTES];
    word[WORD_BYTES - 8..].copy_from_slice(&(value as u64).to_be_bytes());
    word
}

/// The digest of a verifying key with links, from that of the key; without any it is the same.
pub fn linked_vk_digest(vk_digest: [u8; WORD_BYTES], links: &[Link]) -> [u8; WORD_BYTES] {
    if links.is_empty() {
        return vk_digest;
    }
    let mut hasher = Keccak256::new_with_prefix(b"zkverdict verifying key with links 1");
    hasher.update(vk_digest);
    for link in links {
        let words = [link.column, link.class as usize, link.number].map(number);
        hasher.update(words.as_flattened());
    }
    hasher.finalize().into()
}

/// The digest of a model's verifying key, from that of the key and the model's own.
pub fn model_vk_digest(
    vk_digest: [u8; WORD_BYTES],
    model_digest: [u8; WORD_BYTES],
) -> [u8; WORD_BYTES] {
    let mut hasher = Keccak256::new_with_prefix(b"zkverdict verifying key of a model 1");
    hasher.update(vk_digest);
    hasher.update(model_digest);
    hasher.finalize().into()
}
