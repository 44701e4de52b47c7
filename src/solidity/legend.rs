//! What lies where in the contract's memory, for who reads the contract.

use std::fmt;

use super::{
    layout::{Layout, Ptr, rotation_title},
    protocol::{Evaluation, Polynomial, ProofPoint, Protocol},
};

/// A word or a term in memory.
pub(super) struct Place {
    pub(super) mptr: Ptr,
    pub(super) title: String,
}

/// The proof's evaluations, then those of the instances, which the contract computes.
pub(super) fn evaluations(protocol: &Protocol, layout: &Layout) -> Vec<Place> {
    let opened = protocol.sets.iter().flat_map(|set| {
        set.members.iter().flat_map(|member| {
            let values = member.evaluations.iter().zip(&set.rotations);
            values.filter_map(|(&evaluation, &rotation)| match evaluation {
                Evaluation::Proof(position) => Some(Place {
                    mptr: layout.evaluation(position),
                    title: format!("{} at {}", member.polynomial, rotation_title(rotation)),
                }),
                Evaluation::Quotient => None,
            })
        })
    });
    let instances =
        protocol.instance_queries.iter().enumerate().map(|(query, &(column, rotation))| Place {
            mptr: layout.instance_evaluation(query),
            title: format!("instance column {column} at {}", rotation_title(rotation.into())),
        });
    let packed = protocol.packed.iter().flat_map(|_| {
        let advice = protocol.advice_queries.iter().map(|&query| ("advice", query));
        let values = advice.chain(protocol.fixed_queries.iter().map(|&query| ("fixed", query)));
        values.enumerate().map(|(position, (kind, (column, rotation)))| Place {
            mptr: layout.evaluation(position),
            title: format!("{kind} {column} at {}", rotation_title(rotation.into())),
        })
    });
    let mut places: Vec<Place> = opened.chain(packed).chain(instances).collect();
    places.sort_by_key(|place| place.mptr);
    places
}

/// The terms whose points the proof brings.
pub(super) fn proof_terms(protocol: &Protocol, layout: &Layout) -> Vec<Place> {
    let place = |&point: &ProofPoint| {
        let title = match (point, &protocol.packed) {
            (ProofPoint::OpeningProof, Some(_)) => "the openings' proof at z".to_owned(),
            _ => point.to_string(),
        };
        layout.proof_term(point).map(|mptr| Place { mptr, title })
    };
    protocol.points.iter().filter_map(place).collect()
}

impl fmt::Display for ProofPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advice(i) => write!(f, "{}", Polynomial::Advice(*i)),
            Self::LookupInput(i) => write!(f, "{}", Polynomial::LookupInput(*i)),
            Self::LookupTable(i) => write!(f, "{}", Polynomial::LookupTable(*i)),
            Self::PermutationProduct(i) => write!(f, "{}", Polynomial::PermutationProduct(*i)),
            Self::LookupProduct(i) => write!(f, "{}", Polynomial::LookupProduct(*i)),
            Self::Random => write!(f, "{}", Polynomial::Random),
            Self::QuotientPiece(i) => write!(f, "piece {i} of the quotient"),
            Self::Pack(i) => write!(f, "pack {i} of advice"),
            Self::Quotient => write!(f, "{}", Polynomial::Quotient),
            Self::OpeningQuotient => f.write_str("the openings' quotient"),
            Self::OpeningProof => f.write_str("the openings' proof at u"),
            Self::Committed(i) => write!(f, "the commitment of link {i}"),
            Self::LinkQuotient => f.write_str("the links' quotient"),
            Self::LinkProof => f.write_str("the links' proof at their z"),
            Self::Named(i) => write!(f, "the commitment to pack {i} of named columns"),
            Self::Mask(i) => write!(f, "what hides pack {i} of named columns"),
        }
    }
}

impl fmt::Display for Polynomial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Advice(i) => write!(f, "advice {i}"),
            Self::PermutationProduct(i) => write!(f, "permutation product {i}"),
            Self::LookupProduct(i) => write!(f, "look-up product {i}"),
            Self::LookupInput(i) => write!(f, "look-up input {i}"),
            Self::LookupTable(i) => write!(f, "look-up table {i}"),
            Self::Fixed(i) => write!(f, "fixed {i}"),
            Self::Sigma(i) => write!(f, "sigma {i}"),
            Self::Quotient => f.write_str("the quotient"),
            Self::Random => f.write_str("the random polynomial"),
        }
    }
}
