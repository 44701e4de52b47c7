//! Where the contract keeps things: memory, calldata, and the names in its source.

use std::fmt;

use halo2_proofs::halo2curves::{
    bn256::{Fq, Fq2, Fr, G1Affine, G2Affine},
    ff::{Field, PrimeField},
    group::prime::PrimeCurveAffine,
};

use super::{
    expression::field_literal,
    packed::Packed,
    protocol::{Challenge, Evaluation, Polynomial, ProofPoint, Protocol, Round},
};

/// Where memory starts that Solidity has not reserved.
const FREE_MPTR: usize = 0x80;

const WORD: usize = 0x20;
const POINT: usize = 0x40;

/// x, y and the scalar of a term.
const TERM: usize = 0x60;

/// Drawn for links behind a proof of halo2's format: behind the proof, behind their quotient, and behind their own proof.
pub(super) const LINK_CHALLENGES: [&str; 3] = ["LINK_MU", "LINK_Z", "LINK_NU"];

/// A place in memory or calldata, or a length; printed as hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ptr(pub(super) usize);

impl fmt::Display for Ptr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.0 < 0x100 { 4 } else { 6 };
        write!(f, "{:#0digits$x}", self.0)
    }
}

impl Ptr {
    /// The word there, as Yul.
    pub(super) fn load(self) -> String {
        format!("mload({self})")
    }

    const fn plus(self, bytes: usize) -> Self {
        Self(self.0 + bytes)
    }
}

/// A word as Yul: 64 hexadecimal digits.
pub(super) fn word(big_endian: &[u8]) -> String {
    let digits: String = big_endian.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

fn big_endian(element: &impl PrimeField<Repr = [u8; 32]>) -> [u8; 32] {
    let mut bytes = element.to_repr();
    bytes.reverse();
    bytes
}

/// A scalar as a word.
pub(super) fn scalar_word(scalar: Fr) -> String {
    word(&big_endian(&scalar))
}

/// x and y as words.
pub(super) fn point_words(point: G1Affine) -> [String; 2] {
    point_bytes(point).map(|bytes| word(&bytes))
}

/// x and y, big-endian.
pub(super) fn point_bytes(point: G1Affine) -> [[u8; 32]; 2] {
    [big_endian(&point.x), big_endian(&point.y)]
}

/// A point of G2 as the precompile takes it: imaginary parts first.
pub(super) fn g2_bytes(point: G2Affine) -> [[u8; 32]; 4] {
    let Fq2 { c0: x0, c1: x1 } = point.x;
    let Fq2 { c0: y0, c1: y1 } = point.y;
    [x1, x0, y1, y0].map(|coordinate: Fq| big_endian(&coordinate))
}

/// A scalar, big-endian.
pub(super) fn scalar_bytes(scalar: Fr) -> [u8; 32] {
    big_endian(&scalar)
}

/// A commitment of the verifying key, with the polynomials that share it.
#[derive(Debug, Clone)]
pub(super) struct KeyPoint {
    pub(super) point: G1Affine,
    pub(super) title: String,
}

/// The memory map.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) r_mptr: Ptr,
    pub(super) weight_mptr: Ptr,
    pub(super) count_mptr: Ptr,
    pub(super) challenge_mptr: Ptr,
    pub(super) transcript_mptr: Ptr,
    pub(super) evaluations_mptr: Ptr,
    challenges_mptr: Ptr,
    opening_challenges_mptr: Ptr,
    instance_evaluations_mptr: Ptr,
    pub(super) l_first_mptr: Ptr,
    pub(super) l_last_mptr: Ptr,
    pub(super) l_active_mptr: Ptr,
    pub(super) inverses_mptr: Ptr,
    pub(super) inverses_end_mptr: Ptr,
    pub(super) inverse_of_vanishing_mptr: Ptr,
    pub(super) inverse_of_x_mptr: Option<Ptr>,
    opening_points_mptr: Ptr,
    link_denominators_mptr: Ptr,
    /// 1 over what is 0 on the free rows of named columns.
    pub(super) free_rows_mptr: Ptr,
    /// xⁿ − 1, where there are named columns.
    pub(super) vanishing_mptr: Ptr,
    instance_denominators_mptr: Ptr,
    pub(super) first_denominator_mptr: Ptr,
    pub(super) last_denominator_mptr: Ptr,
    pub(super) blinding_denominator_mptr: Ptr,
    pub(super) scratch_mptr: Ptr,
    pub(super) right_mptr: Ptr,
    pub(super) left_mptr: Ptr,
    pub(super) proof_terms_mptr: Ptr,
    pub(super) key_terms_mptr: Ptr,
    pub(super) terms_end_mptr: Ptr,
    /// The key's points: the generator first, each point once, none at infinity.
    pub(super) key_points: Vec<KeyPoint>,
    /// Rotations at which anything is opened, ascending.
    pub(super) rotations: Vec<i64>,
    points: Vec<ProofPoint>,
}

impl Layout {
    pub(super) fn new(protocol: &Protocol) -> Self {
        // Compiled through Yul, a contract keeps variables in memory that find no room on the stack. How many
        // grows with what is loaded; the tests keep a distance. A word that nobody uses costs three gas.
        let variables = 24 + 5 * (protocol.num_evaluations + protocol.points.len()) / 2;
        let mut next = (FREE_MPTR + WORD * variables).next_multiple_of(0x100);
        let mut take = |bytes: usize| {
            let mptr = Ptr(next);
            next += bytes;
            mptr
        };
        let [r_mptr, weight_mptr, count_mptr, challenge_mptr] = [0; 4].map(|_| take(WORD));
        let transcript_mptr = take(WORD);
        let evaluations_mptr = take(absorbed_bytes(protocol));
        let challenges_mptr = take(WORD * (protocol.num_phase_challenges + 5));
        let of_links = if protocol.linked.is_empty() { 0 } else { LINK_CHALLENGES.len() };
        let opening_challenges_mptr = take(WORD * (3 + of_links));
        let instance_evaluations_mptr = take(WORD * protocol.instance_queries.len());
        let [l_first_mptr, l_last_mptr, l_active_mptr] =
            [0; 3].map(|_| take(if protocol.uses_lagrange_bases() { WORD } else { 0 }));

        let mut rotations: Vec<i64> =
            protocol.sets.iter().flat_map(|set| set.rotations.iter().copied()).collect();
        rotations.sort_unstable();
        rotations.dedup();
        let uses_inverse_of_x = protocol.sets.iter().any(|set| set.rotations.len() > 1);

        let inverses_mptr = take(0);
        let inverse_of_vanishing_mptr = take(WORD);
        let inverse_of_x_mptr = uses_inverse_of_x.then(|| take(WORD));
        let denominators = protocol.packed.as_ref().map(|packed| packed.denominators().len());
        let opening_points_mptr = take(WORD * denominators.unwrap_or(rotations.len()));
        let link_denominators_mptr = take(WORD * link_denominators(protocol).len());
        let named = protocol.packed.as_ref().and_then(|packed| packed.named);
        let word_of_named = if named.is_some() { WORD } else { 0 };
        let free_rows_mptr = take(word_of_named);
        let filled = (0..protocol.instance_queries.len())
            .filter(|&query| protocol.instance_counts[protocol.instance_queries[query].0] > 0);
        let instance_denominators_mptr = take(WORD * filled.count());
        let [first_denominator_mptr, last_denominator_mptr, blinding_denominator_mptr] =
            [0; 3].map(|_| take(if protocol.uses_lagrange_bases() { WORD } else { 0 }));
        let inverses_end_mptr = take(0);
        take(inverses_end_mptr.0 - inverses_mptr.0);
        let vanishing_mptr = take(word_of_named);

        let scratch_mptr = take(6 * WORD);
        let right_mptr = take(6 * WORD);
        let left_mptr = take(6 * WORD);
        let key_points = key_points(protocol);
        let proof_terms_mptr = take(TERM * protocol.points.len());
        let key_terms_mptr = take(TERM * key_points.len());
        let terms_end_mptr = take(0);

        Self {
            r_mptr,
            weight_mptr,
            count_mptr,
            challenge_mptr,
            transcript_mptr,
            evaluations_mptr,
            challenges_mptr,
            opening_challenges_mptr,
            instance_evaluations_mptr,
            l_first_mptr,
            l_last_mptr,
            l_active_mptr,
            inverses_mptr,
            inverses_end_mptr,
            inverse_of_vanishing_mptr,
            inverse_of_x_mptr,
            opening_points_mptr,
            link_denominators_mptr,
            free_rows_mptr,
            vanishing_mptr,
            instance_denominators_mptr,
            first_denominator_mptr,
            last_denominator_mptr,
            blinding_denominator_mptr,
            scratch_mptr,
            right_mptr,
            left_mptr,
            proof_terms_mptr,
            key_terms_mptr,
            terms_end_mptr,
            key_points,
            rotations,
            points: protocol.points.clone(),
        }
    }

    /// Free memory for values that polynomials share.
    pub(super) fn shared_mptr(&self) -> usize {
        self.terms_end_mptr.0
    }

    pub(super) fn evaluation(&self, position: usize) -> Ptr {
        self.evaluations_mptr.plus(WORD * position)
    }

    /// A value as Yul; the quotient's is in the variable `h`.
    pub(super) fn value(&self, evaluation: Evaluation) -> String {
        match evaluation {
            Evaluation::Proof(position) => self.evaluation(position).load(),
            Evaluation::Quotient => "h".to_owned(),
        }
    }

    /// The names and places of the challenges, SHPLONK's last.
    pub(super) fn challenges(&self, protocol: &Protocol) -> Vec<(String, Ptr)> {
        let drawn = protocol.rounds.iter().flat_map(|round| &round.challenges);
        let mut challenges: Vec<_> = drawn
            .map(|&challenge| (challenge_name(challenge), self.challenge(protocol, challenge)))
            .collect();
        let opening: &[&str] = match protocol.packed {
            Some(_) => &["OPENING_GAMMA", "OPENING_Z"],
            None => &["OPENING_Y", "OPENING_V", "OPENING_U"],
        };
        let of_links: &[&str] = if protocol.linked.is_empty() { &[] } else { &LINK_CHALLENGES };
        for (i, &name) in opening.iter().chain(of_links).enumerate() {
            challenges.push((name.to_owned(), self.opening_challenges_mptr.plus(WORD * i)));
        }
        for sum in protocol.packed.iter().flat_map(|packed| &packed.sums) {
            let challenge = Challenge::Phase(sum.challenge);
            challenges.push((challenge_name(challenge), self.challenge(protocol, challenge)));
        }
        challenges.sort_by_key(|&(_, mptr)| mptr);
        challenges
    }

    fn challenge(&self, protocol: &Protocol, challenge: Challenge) -> Ptr {
        let after_phases = |i| protocol.num_phase_challenges + i;
        let position = match challenge {
            Challenge::Phase(i) => i,
            Challenge::Theta => after_phases(0),
            Challenge::Beta => after_phases(1),
            Challenge::Gamma => after_phases(2),
            Challenge::Y => after_phases(3),
            Challenge::X => after_phases(4),
        };
        self.challenges_mptr.plus(WORD * position)
    }

    pub(super) fn phase_challenge(&self, index: usize) -> Ptr {
        self.challenges_mptr.plus(WORD * index)
    }

    pub(super) fn instance_evaluation(&self, query: usize) -> Ptr {
        self.instance_evaluations_mptr.plus(WORD * query)
    }

    /// The denominator of an instance query whose column is not empty.
    pub(super) fn instance_denominator(&self, protocol: &Protocol, query: usize) -> Ptr {
        let before = protocol.instance_queries[..query]
            .iter()
            .filter(|&&(column, _)| protocol.instance_counts[column] > 0);
        self.instance_denominators_mptr.plus(WORD * before.count())
    }

    /// Where 1 / (u − point) is.
    pub(super) fn opening_point(&self, rotation: i64) -> Ptr {
        let position = self.rotations.partition_point(|&other| other < rotation);
        self.opening_points_mptr.plus(WORD * position)
    }

    /// Where 1 / (zᵗ − point) is.
    pub(super) fn opening_denominator(&self, position: usize) -> Ptr {
        self.opening_points_mptr.plus(WORD * position)
    }

    /// Where 1 / (x^(2^class) − 1) is; behind a proof of halo2's format the same of the links' z.
    pub(super) fn link_denominator(&self, protocol: &Protocol, class: u32) -> Ptr {
        let own = link_denominators(protocol).iter().position(|&other| other == class);
        own.map_or(self.inverse_of_vanishing_mptr, |position| {
            self.link_denominators_mptr.plus(WORD * position)
        })
    }

    pub(super) fn proof_term(&self, point: ProofPoint) -> Option<Ptr> {
        let position = self.points.iter().position(|&other| other == point)?;
        Some(self.proof_terms_mptr.plus(TERM * position))
    }

    pub(super) fn key_term(&self, position: usize) -> Ptr {
        self.key_terms_mptr.plus(TERM * position)
    }

    /// The terms that take a polynomial's scalar: none for a zero polynomial of the key, several for the
    /// quotient (the second multiplied by xⁿ, and so on).
    pub(super) fn terms(&self, protocol: &Protocol, polynomial: Polynomial) -> Vec<TermPlace> {
        let proof = |point| self.proof_term(point).map(TermPlace::Proof).into_iter().collect();
        let key = |point: Option<&G1Affine>| {
            let position = self.key_points.iter().position(|key| Some(&key.point) == point);
            position.map(|position| TermPlace::Key(self.key_term(position))).into_iter().collect()
        };
        match polynomial {
            Polynomial::Advice(i) => proof(ProofPoint::Advice(i)),
            Polynomial::PermutationProduct(i) => proof(ProofPoint::PermutationProduct(i)),
            Polynomial::LookupProduct(i) => proof(ProofPoint::LookupProduct(i)),
            Polynomial::LookupInput(i) => proof(ProofPoint::LookupInput(i)),
            Polynomial::LookupTable(i) => proof(ProofPoint::LookupTable(i)),
            Polynomial::Random => proof(ProofPoint::Random),
            Polynomial::Fixed(i) => key(protocol.key.fixed.get(i)),
            Polynomial::Sigma(i) => key(protocol.key.sigma.get(i)),
            Polynomial::Quotient => {
                let pieces = (0..).map(|i| self.proof_term(ProofPoint::QuotientPiece(i)));
                pieces.map_while(|piece| piece).map(TermPlace::Proof).collect()
            }
        }
    }
}

/// A term by the place of its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TermPlace {
    /// Of the proof: its scalar is set once.
    Proof(Ptr),
    /// Of the key: scalars add up.
    Key(Ptr),
}

impl TermPlace {
    /// Adds the variable `scalar` to the term, as Yul.
    pub(super) fn add(self) -> String {
        match self {
            Self::Proof(mptr) => format!("mstore({}, scalar)", mptr.plus(POINT)),
            Self::Key(mptr) => {
                let mptr = mptr.plus(POINT);
                format!("mstore({mptr}, addmod(mload({mptr}), scalar, r))")
            }
        }
    }
}

/// The most that the transcript holds beside its state.
fn absorbed_bytes(protocol: &Protocol) -> usize {
    let instances = WORD * protocol.num_instances();
    let rounds = protocol.rounds.iter().enumerate().map(|(i, round)| {
        let last =
            round.points_of_links(i, protocol).len() + Round::points_of_names(i, protocol).len();
        let points = POINT * (round.points.len() + last);
        if i == 0 { instances + points } else { points }
    });
    rounds.max().unwrap_or(0).max(WORD * protocol.num_evaluations)
}

/// The size classes of links whose domain is shorter than the circuit, so that what vanishes there is another polynomial; behind
/// a proof of halo2's format all of them.
pub(super) fn link_denominators(protocol: &Protocol) -> Vec<u32> {
    let classes = protocol.packed.iter().flat_map(Packed::classes);
    let shorter = classes.filter(|&class| class != protocol.k);
    let mut linked: Vec<u32> = protocol.linked.iter().map(|link| link.class).collect();
    linked.sort_unstable();
    linked.dedup();
    shorter.chain(linked).collect()
}

/// The key's points that are opened, each once: equal commitments share one multiplication.
fn key_points(protocol: &Protocol) -> Vec<KeyPoint> {
    let mut points = vec![KeyPoint { point: protocol.key.g1, title: "[1]₁".to_owned() }];
    if protocol.packed.is_some() {
        for (i, &point) in protocol.key.fixed.iter().enumerate() {
            points.push(KeyPoint { point, title: format!("pack {i} of the key") });
        }
        return points;
    }
    let members = protocol.sets.iter().flat_map(|set| &set.members);
    for member in members {
        let (point, title) = match member.polynomial {
            Polynomial::Fixed(i) => (protocol.key.fixed.get(i), format!("fixed {i}")),
            Polynomial::Sigma(i) => (protocol.key.sigma.get(i), format!("sigma {i}")),
            _ => continue,
        };
        let Some(&point) = point.filter(|point| !bool::from(point.is_identity())) else {
            continue;
        };
        match points.iter_mut().find(|other| other.point == point) {
            Some(other) => other.title += &format!(", {title}"),
            None => points.push(KeyPoint { point, title }),
        }
    }
    points
}

/// The name of a challenge's place without `_MPTR`.
pub(super) fn challenge_name(challenge: Challenge) -> String {
    match challenge {
        Challenge::Phase(i) => format!("CHALLENGE_{i}"),
        Challenge::Theta => "THETA".to_owned(),
        Challenge::Beta => "BETA".to_owned(),
        Challenge::Gamma => "GAMMA".to_owned(),
        Challenge::Y => "Y".to_owned(),
        Challenge::X => "X".to_owned(),
    }
}

/// ω to a power that may be negative.
pub(super) fn omega_power(protocol: &Protocol, exponent: i64) -> Fr {
    let rows = 1_i64 << protocol.k;
    protocol.omega.pow_vartime([exponent.rem_euclid(rows).unsigned_abs()])
}

/// x·ω^rotation as Yul, x being an expression.
pub(super) fn rotated(protocol: &Protocol, x: &str, rotation: i64) -> String {
    if rotation == 0 {
        return x.to_owned();
    }
    format!("mulmod({x}, {}, r)", field_literal(omega_power(protocol, rotation)))
}

/// A point of opening for people.
pub(super) fn rotation_title(rotation: i64) -> String {
    let digits = |n: i64| -> String {
        n.to_string()
            .chars()
            .map(|c| match c {
                '-' => '⁻',
                '0' => '⁰',
                '1' => '¹',
                '2' => '²',
                '3' => '³',
                '4' => '⁴',
                '5' => '⁵',
                '6' => '⁶',
                '7' => '⁷',
                '8' => '⁸',
                _ => '⁹',
            })
            .collect()
    };
    match rotation {
        0 => "x".to_owned(),
        1 => "ωx".to_owned(),
        other => format!("ω{}x", digits(other)),
    }
}
