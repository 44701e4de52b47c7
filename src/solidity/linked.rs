//! Columns that hold what commitments do: their names, and, behind a proof of halo2's format, what shows it.

use super::{
    layout::{LINK_CHALLENGES, Layout, Ptr, link_denominators, word},
    packed::Packed,
    packed_openings::ClassSource,
    protocol::{ProofPoint, Protocol},
};
use zkverdict_prover::packed::{Link, link};

impl Protocol {
    /// The same with what shows, behind a proof of halo2's format, that columns hold what commitments do.
    pub(super) fn with_links(mut self, links: &[Link]) -> Self {
        self.linked = links.to_vec();
        if !links.is_empty() {
            self.points.extend((0..links.len()).map(ProofPoint::Committed));
            self.points.extend([ProofPoint::LinkQuotient, ProofPoint::LinkProof]);
        }
        self
    }

    /// Points behind those of the openings.
    pub(super) fn last_points(&self) -> usize {
        let linked = if self.linked.is_empty() { 0 } else { self.linked.len() + 2 };
        self.packed.as_ref().map_or(linked, Packed::last_points)
    }
}

/// A commitment that the proof brings and an instance names.
pub(super) struct NameSource {
    pub(super) number: usize,
    /// What the commitment's name is hashed with.
    pub(super) tag: String,
    /// Of the commitment, seen from the proof.
    pub(super) offset: Ptr,
    /// Of the name, seen from the instances.
    pub(super) name: Ptr,
}

/// Where a point is, seen from the proof.
fn offset(protocol: &Protocol, point: ProofPoint) -> Ptr {
    let number = protocol.points.iter().position(|&other| other == point).unwrap_or_default();
    let is_behind = number >= protocol.points_before_evaluations();
    let evaluations = if is_behind { 0x20 * protocol.num_evaluations } else { 0 };
    Ptr(0x40 * number + evaluations)
}

/// The names of all links.
pub(super) fn names(protocol: &Protocol) -> Vec<NameSource> {
    let packed = protocol.packed.iter().flat_map(|packed| &packed.links);
    let packed = packed.map(|link| (link.class, link.name));
    let first = |column: usize| protocol.instance_counts[..column].iter().sum::<usize>();
    let linked = protocol.linked.iter();
    let linked = linked.map(|link| (link.class, first(link.instance_column) + link.number));
    let source = |(number, (class, name)): (usize, (u32, usize))| NameSource {
        number,
        tag: word(&link::tag(class)),
        offset: offset(protocol, ProofPoint::Committed(number)),
        name: Ptr(0x20 * name),
    };
    packed.chain(linked).enumerate().map(source).collect()
}

/// A challenge that is drawn behind a point.
pub(super) struct DrawSource {
    pub(super) challenge: &'static str,
    pub(super) offset: Ptr,
    pub(super) behind: String,
}

/// A link behind a proof of halo2's format.
pub(super) struct LinkSource {
    pub(super) number: usize,
    pub(super) column: usize,
    pub(super) class: u32,
    /// Where the column's scalar is, and the commitment's.
    pub(super) column_scalar: Ptr,
    pub(super) commitment_scalar: Ptr,
}

/// All of them.
pub(super) struct LinkedSource {
    pub(super) draws: Vec<DrawSource>,
    /// Squarings of z, each with where to store what a size class vanishes with.
    pub(super) squarings: Vec<Option<Ptr>>,
    pub(super) classes: Vec<ClassSource>,
    pub(super) links: Vec<LinkSource>,
    pub(super) quotient_scalar: Ptr,
    /// Where the term of what shows them begins and ends, and its scalar.
    pub(super) proof: Ptr,
    pub(super) proof_end: Ptr,
    pub(super) proof_scalar: Ptr,
}

impl LinkedSource {
    pub(super) fn new(protocol: &Protocol, layout: &Layout) -> Option<Self> {
        let term = |point| layout.proof_term(point).expect("the proof brings all its points");
        // Behind both coordinates.
        let scalar = |point| Ptr(term(point).0 + 0x40);
        let behind = [ProofPoint::OpeningProof, ProofPoint::LinkQuotient, ProofPoint::LinkProof];
        let draws = LINK_CHALLENGES.into_iter().zip(behind).map(|(challenge, point)| DrawSource {
            challenge,
            offset: offset(protocol, point),
            behind: point.to_string(),
        });
        let classes = link_denominators(protocol);
        let square =
            |class: u32| classes.contains(&class).then(|| layout.link_denominator(protocol, class));
        let links = protocol.linked.iter().enumerate().map(|(number, link)| LinkSource {
            number,
            column: link.column,
            class: link.class,
            column_scalar: scalar(ProofPoint::Advice(link.column)),
            commitment_scalar: scalar(ProofPoint::Committed(number)),
        });
        let largest = protocol.linked.iter().map(|link| link.class).max()?;
        Some(Self {
            draws: draws.collect(),
            squarings: (1..=largest).map(square).collect(),
            classes: classes
                .iter()
                .map(|&class| ClassSource::new(class, protocol, layout))
                .collect(),
            links: links.collect(),
            quotient_scalar: scalar(ProofPoint::LinkQuotient),
            proof: term(ProofPoint::LinkProof),
            proof_end: Ptr(term(ProofPoint::LinkProof).0 + 0x60),
            proof_scalar: scalar(ProofPoint::LinkProof),
        })
    }
}
