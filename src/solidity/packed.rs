//! What is opened where columns share commitments.

use zkverdict_prover::packed::InstanceSum;

/// What is opened, in the order of the powers of γ.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// The digest of the key, which the transcript begins with.
    pub(super) digest: [u8; 32],
    /// Of advice, then of the key.
    pub(super) packs: Vec<Pack>,
    /// Challenges that are not drawn.
    pub(super) sums: Vec<InstanceSum>,
}

/// Columns that share a commitment.
#[derive(Debug, Clone)]
pub(super) struct Pack {
    pub(super) width: usize,
    /// In use.
    pub(super) slots: usize,
    pub(super) rotations: Vec<i32>,
    /// Its number among those of advice, or of the key.
    pub(super) number: usize,
    pub(super) of_key: bool,
}

/// What is inverted: zᵗ − ω^rotation·x.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denominator {
    pub(super) width: usize,
    pub(super) rotation: i32,
}

impl Denominator {
    /// z − x, of the quotient.
    pub(super) const OF_QUOTIENT: Self = Self { width: 1, rotation: 0 };
}

impl Packed {
    /// Each once.
    pub(super) fn denominators(&self) -> Vec<Denominator> {
        let of_pack = |pack: &Pack| {
            let width = pack.width;
            let rotations = pack.rotations.clone().into_iter();
            rotations.map(move |rotation| Denominator { width, rotation })
        };
        let mut denominators: Vec<Denominator> = vec![];
        for denominator in self.packs.iter().flat_map(of_pack).chain([Denominator::OF_QUOTIENT]) {
            if !denominators.contains(&denominator) {
                denominators.push(denominator);
            }
        }
        denominators
    }
}
