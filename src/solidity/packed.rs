//! What is opened where columns share commitments.

use zkverdict_prover::packed::InstanceSum;

/// A column that holds the words of a commitment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    /// The commitment's size class.
    pub(super) class: u32,
    /// The column.
    pub(super) column: usize,
    /// Its value at x, by position among the evaluations.
    pub(super) evaluation: usize,
    /// Which instance is the commitment's name.
    pub(super) name: usize,
}

/// What is opened, in the order of the powers of γ.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    /// The digest of the key, which the transcript begins with.
    pub(super) digest: [u8; 32],
    /// Of advice, then of the key.
    pub(super) packs: Vec<Pack>,
    /// Challenges that are not drawn.
    pub(super) sums: Vec<InstanceSum>,
    /// What the proof's last points are for.
    pub(super) links: Vec<Link>,
    /// What the points behind these are for.
    pub(super) named: Option<Named>,
}

/// Columns that proofs bring commitments to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// How many share a commitment each.
    pub(super) packs: usize,
    /// Which instance is their name.
    pub(super) name: usize,
}

/// Who commits to columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holder {
    Proof,
    Key,
    /// A proof, once for all proofs.
    Name,
}

/// Columns that share a commitment.
#[derive(Debug, Clone)]
pub(super) struct Pack {
    pub(super) width: usize,
    /// In use.
    pub(super) slots: usize,
    pub(super) rotations: Vec<i32>,
    /// Its number among those of the same holder.
    pub(super) number: usize,
    pub(super) holder: Holder,
}

impl Holder {
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Proof => "advice",
            Self::Key => "the key",
            Self::Name => "named columns",
        }
    }
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
    /// Points of links: a commitment for each, and one for all of them.
    pub(super) fn link_points(&self) -> usize {
        match self.links.len() {
            0 => 0,
            links => links + 1,
        }
    }

    /// Commitments to named columns, and as many points that hide them.
    pub(super) fn named_points(&self) -> usize {
        self.named.map_or(0, |named| 2 * named.packs)
    }

    /// Points behind those of the openings.
    pub(super) fn last_points(&self) -> usize {
        self.link_points() + self.named_points()
    }

    /// The size classes of links, each once.
    pub(super) fn classes(&self) -> Vec<u32> {
        let mut classes: Vec<u32> = self.links.iter().map(|link| link.class).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

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
