//! What proofs are checked against.

use super::{Gate, Layout};
use halo2_proofs::{
    halo2curves::bn256::{Fr, G1Affine, G2Affine},
    plonk::ConstraintSystem,
};

/// A reference string, at least as long as the widest pack.
#[derive(Debug, Clone, Copy)]
pub struct Powers<'a> {
    /// `[τ⁰]₁`, `[τ¹]₁` and so on.
    pub g1: &'a [G1Affine],
    /// `[1]₂` and `[τ]₂`.
    pub g2: [G2Affine; 2],
}

/// What proofs of one circuit are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    pub(super) layout: Layout,
    pub(super) g1: G1Affine,
    pub(super) g2: G2Affine,
    pub(super) tau_g2: G2Affine,
    /// To the key's packs.
    pub(super) commitments: Vec<G1Affine>,
    pub(super) gates: Vec<Gate>,
    pub(super) digest: [u8; 32],
}

impl VerifyingKey {
    pub(super) fn new(
        layout: Layout,
        [g1]: [G1Affine; 1],
        [g2, tau_g2]: [G2Affine; 2],
        commitments: Vec<G1Affine>,
        gates: Vec<Gate>,
    ) -> Self {
        let mut key = Self { layout, g1, g2, tau_g2, commitments, gates, digest: [0; 32] };
        key.digest = key.hash();
        key
    }

    /// Of a circuit, with the commitments to its packs, which are taken as they are.
    pub fn of_circuit(
        layout: Layout,
        string: Powers<'_>,
        commitments: Vec<G1Affine>,
        system: &ConstraintSystem<Fr>,
    ) -> Self {
        let polynomials = system.gates().iter().flat_map(|gate| gate.polynomials());
        let gates = polynomials.map(Gate::new).collect();
        Self::new(layout, [string.g1[0]], string.g2, commitments, gates)
    }

    /// The hash of [`Self::to_bytes`]: the first word of every transcript.
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What commitments to a circuit's named columns are called under this key.
    pub fn name_of_columns(&self, points: &[G1Affine]) -> [u8; 32] {
        super::named::name(&self.digest, points)
    }

    /// What proofs consist of.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// `[1]₁`.
    pub fn g1(&self) -> G1Affine {
        self.g1
    }

    /// `[1]₂` and `[τ]₂`.
    pub fn g2(&self) -> [G2Affine; 2] {
        [self.g2, self.tau_g2]
    }

    /// To the key's packs; at infinity where all columns of one are 0.
    pub fn commitments(&self) -> &[G1Affine] {
        &self.commitments
    }

    /// In their order, which the powers of y follow.
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// Whether its gates are those of a constraint system, which has no selectors.
    pub fn has_gates_of(&self, system: &ConstraintSystem<Fr>) -> bool {
        let polynomials = system.gates().iter().flat_map(|gate| gate.polynomials());
        system.num_selectors() == 0 && polynomials.map(Gate::new).eq(self.gates.iter().cloned())
    }
}
