//! Packed openings (`docs/protocol.md`): what every value and every commitment is multiplied by, where columns share
//! commitments.

use super::{
    expression::field_literal,
    layout::{Layout, Ptr, TermPlace, rotated, rotation_title, word},
    packed::{Denominator, Holder, Link, Named, Pack, Packed},
    protocol::{Challenge, ProofPoint, Protocol},
};
use zkverdict_prover::packed::{InstanceSum, link, named};

pub(super) struct PackedSource {
    pub(super) sums: Vec<SumSource>,
    pub(super) widths: Vec<WidthSource>,
    pub(super) packs: Vec<PackSource>,
    /// Stores the quotient's `scalar`.
    pub(super) store_quotient: String,
    pub(super) quotient_inverse: String,
    pub(super) links: Option<LinksSource>,
    pub(super) named: Option<NamedSource>,
}

/// Columns that the proof brings commitments to.
pub(super) struct NamedSource {
    /// How the refusal counts them.
    pub(super) number: usize,
    /// What the commitments' name is hashed with, and the digest of the key.
    pub(super) tag: String,
    pub(super) digest: String,
    /// Of the commitments, seen from the proof, and how long they are.
    pub(super) offset: Ptr,
    pub(super) length: Ptr,
    /// Of what is hashed.
    pub(super) hashed: Ptr,
    /// Of the name, seen from the instances.
    pub(super) name: Ptr,
    /// Of the rows that are free: what x is added to.
    pub(super) free: Vec<String>,
}

impl NamedSource {
    fn new(of: Named, packed: &Packed, protocol: &Protocol) -> Self {
        let first = protocol.points.len() - packed.named_points();
        let length = 0x40 * of.packs;
        Self {
            number: packed.links.len(),
            tag: word(&named::tag()),
            digest: word(&packed.digest),
            offset: Ptr(0x40 * first + 0x20 * protocol.num_evaluations),
            length: Ptr(length),
            hashed: Ptr(0x40 + length),
            name: Ptr(0x20 * of.name),
            free: named::free_points(protocol.k).map(|point| field_literal(-point)).collect(),
        }
    }
}

/// Columns that hold the words of commitments.
pub(super) struct LinksSource {
    pub(super) classes: Vec<ClassSource>,
    pub(super) links: Vec<LinkSource>,
    /// Stores the `scalar` of the links' quotient.
    pub(super) store_quotient: String,
}

/// A size class of commitments.
pub(super) struct ClassSource {
    pub(super) class: u32,
    /// 1 / (x^(2^class) − 1).
    pub(super) inverse: String,
    /// Of the points that hold no word but the first, which is 1: what x is added to.
    pub(super) free: Vec<String>,
}

impl ClassSource {
    pub(super) fn new(class: u32, protocol: &Protocol, layout: &Layout) -> Self {
        Self {
            class,
            inverse: layout.link_denominator(protocol, class).load(),
            free: link::free_points(class).skip(1).map(|point| field_literal(-point)).collect(),
        }
    }
}

pub(super) struct LinkSource {
    pub(super) number: usize,
    pub(super) column: usize,
    pub(super) class: u32,
    /// The column's value at x.
    pub(super) value: String,
    /// Stores the commitment's `scalar`.
    pub(super) store: String,
}

fn links_source(packed: &Packed, protocol: &Protocol, layout: &Layout) -> Option<LinksSource> {
    let place = |point| {
        TermPlace::Proof(layout.proof_term(point).expect("the proof brings all its points"))
    };
    let class = |class| ClassSource::new(class, protocol, layout);
    let link = |(number, link): (usize, &Link)| LinkSource {
        number,
        column: link.column,
        class: link.class,
        value: layout.evaluation(link.evaluation).load(),
        store: place(ProofPoint::Committed(number)).add(),
    };
    (!packed.links.is_empty()).then(|| LinksSource {
        classes: packed.classes().into_iter().map(class).collect(),
        links: packed.links.iter().enumerate().map(link).collect(),
        store_quotient: place(ProofPoint::LinkQuotient).add(),
    })
}

/// A challenge that is a sum of instances.
pub(super) struct SumSource {
    pub(super) title: String,
    pub(super) point: String,
    pub(super) mptr: Ptr,
    /// Seen from the instances, the last first: of those that are no eight together.
    pub(super) odd: Vec<Ptr>,
    /// The others, from the first to behind the last.
    pub(super) eights: (Ptr, Ptr),
}

impl SumSource {
    fn new(sum: &InstanceSum, protocol: &Protocol, layout: &Layout) -> Self {
        let before: usize = protocol.instance_counts[..sum.column].iter().sum();
        let (first, end) = (before + sum.first, before + protocol.instance_counts[sum.column]);
        let eights_end = first + (end - first) / 8 * 8;
        let at = |index: usize| Ptr(0x20 * index);
        let (point, factor) = (layout.phase_challenge(sum.point).load(), field_literal(sum.factor));
        Self {
            title: format!("Challenge {}, which is the sum of instances", sum.challenge),
            point: format!("mulmod({point}, {factor}, r)"),
            mptr: layout.phase_challenge(sum.challenge),
            odd: (eights_end..end).rev().map(at).collect(),
            eights: (at(first), at(eights_end)),
        }
    }
}

/// Denominators with one power of z.
pub(super) struct WidthSource {
    /// These raise `power` from z to zᵗ.
    pub(super) statements: Vec<String>,
    pub(super) points: Vec<PointSource>,
}

pub(super) struct PointSource {
    pub(super) mptr: Ptr,
    pub(super) value: String,
}

pub(super) struct PackSource {
    pub(super) title: String,
    pub(super) terms: Vec<TermSource>,
    /// Stores `scalar`.
    pub(super) store: String,
    /// Stores that of what hides the columns, where a name holds them.
    pub(super) store_mask: Option<String>,
}

pub(super) struct TermSource {
    pub(super) title: String,
    /// Of the function that gives Y(z).
    pub(super) name: String,
    pub(super) inverse: String,
    /// The last slot's first.
    pub(super) values: Vec<String>,
}

pub(super) fn source(packed: &Packed, protocol: &Protocol, layout: &Layout) -> PackedSource {
    let denominators = packed.denominators();
    let place = |wanted: Denominator| {
        let position = denominators.iter().position(|&denominator| denominator == wanted);
        layout.opening_denominator(position.expect("every denominator is listed"))
    };
    let mut widths: Vec<usize> = denominators.iter().map(|of| of.width).collect();
    widths.sort_unstable();
    widths.dedup();
    let of_width = |width: usize| {
        let denominators = denominators.iter().filter(|of| of.width == width);
        let points = denominators.map(|&denominator| PointSource {
            mptr: place(denominator),
            value: rotated(protocol, "x", denominator.rotation.into()),
        });
        WidthSource { statements: raise(width), points: points.collect() }
    };
    let point = |point| layout.proof_term(point).expect("the proof brings all its points");
    let mut position = 0;
    let of_pack = |pack: &Pack| {
        let kind = pack.holder.title();
        let title =
            format!("Pack {} of {kind}: {} of {} slots.", pack.number, pack.slots, pack.width);
        let terms = pack.rotations.iter().map(|&rotation| {
            let values = position..position + pack.slots;
            position = values.end;
            TermSource {
                title: format!(
                    "Pack {} of {kind} at {}.",
                    pack.number,
                    rotation_title(rotation.into())
                ),
                name: format!("packed_{}", values.start),
                inverse: place(Denominator { width: pack.width, rotation }).load(),
                values: values.rev().map(|value| layout.evaluation(value).load()).collect(),
            }
        });
        let terms = terms.collect();
        let of_proof = |of| TermPlace::Proof(point(of)).add();
        let store = match pack.holder {
            // Behind the generator.
            Holder::Key => TermPlace::Key(layout.key_term(1 + pack.number)).add(),
            Holder::Proof => of_proof(ProofPoint::Pack(pack.number)),
            Holder::Name => of_proof(ProofPoint::Named(pack.number)),
        };
        let is_named = pack.holder == Holder::Name;
        let store_mask = is_named.then(|| of_proof(ProofPoint::Mask(pack.number)));
        PackSource { title, terms, store, store_mask }
    };
    let packs = packed.packs.iter().map(of_pack).collect();
    PackedSource {
        sums: packed.sums.iter().map(|sum| SumSource::new(sum, protocol, layout)).collect(),
        widths: widths.into_iter().map(of_width).collect(),
        packs,
        store_quotient: TermPlace::Proof(point(ProofPoint::Quotient)).add(),
        quotient_inverse: place(Denominator::OF_QUOTIENT).load(),
        links: links_source(packed, protocol, layout),
        named: packed.named.map(|named| NamedSource::new(named, packed, protocol)),
    }
}

/// Statements that raise `power`, which is z, to a power of z.
fn raise(width: usize) -> Vec<String> {
    let bits = (0..width.ilog2()).rev().map(|bit| width >> bit & 1 == 1);
    bits.flat_map(|times_z| {
        let square = Some("power := mulmod(power, power, r)");
        square.into_iter().chain(times_z.then_some("power := mulmod(power, z, r)"))
    })
    .map(str::to_owned)
    .collect()
}

/// What a round of the transcript is for.
pub(super) fn round_title(challenges: &[Challenge]) -> String {
    let title = match challenges.first() {
        Some(Challenge::Phase(_)) => "Packs of this phase; challenges for the next.",
        Some(Challenge::Y) => "Packs of the last phase; y adds up the constraints.",
        _ => "The quotient; all is evaluated at x.",
    };
    title.to_owned()
}
