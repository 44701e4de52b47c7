//! What the template is filled with.

use askama::Template;
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use sha3::{Digest, Keccak256};

use super::{
    InstanceCounts,
    constraints::{ConstraintSource, LookupSource, PermutationSource, permutation, polynomials},
    contract::{INTERFACE, Tier, VerifierContract},
    expression::field_literal,
    layout::{
        Layout, Ptr, challenge_name, g2_bytes, link_denominators, omega_power, point_words,
        rotated, rotation_title, scalar_word, word,
    },
    legend::{self, Place},
    linked::{self, LinkedSource, NameSource},
    openings::{SetSource, sets, term_ranges, unit_term},
    packed_openings::{self, PackedSource},
    protocol::{Challenge, ProofPoint, Protocol, Round},
    yul_cost::Cost,
};

/// Selectors of the typed errors, as Yul.
pub(super) struct Selectors {
    pub(super) precompile_failed: String,
    pub(super) point_not_on_curve: String,
    pub(super) scalar_out_of_range: String,
    pub(super) wrong_name: String,
    pub(super) challenge_in_domain: String,
    pub(super) memory_in_use: String,
    pub(super) invalid_proof: String,
    pub(super) malformed_calldata: String,
    pub(super) wrong_key_data: String,
}

impl Selectors {
    pub(super) fn new() -> Self {
        let selector = |signature: &str| word(&Keccak256::digest(signature)[..4]);
        Self {
            precompile_failed: selector("PrecompileFailed(uint256)"),
            point_not_on_curve: selector("PointNotOnCurve(uint256)"),
            scalar_out_of_range: selector("ScalarOutOfRange(uint256)"),
            wrong_name: selector("WrongName(uint256)"),
            challenge_in_domain: selector("ChallengeInDomain()"),
            memory_in_use: selector("MemoryInUse()"),
            invalid_proof: selector("InvalidProof()"),
            malformed_calldata: selector("MalformedCalldata()"),
            wrong_key_data: selector("WrongKeyData()"),
        }
    }
}

pub(super) struct ChallengePlace {
    pub(super) name: String,
    pub(super) mptr: Ptr,
}

/// A term of the multi-scalar multiplication.
pub(super) struct Term {
    pub(super) title: String,
    pub(super) x_mptr: Ptr,
    pub(super) y_mptr: Ptr,
    pub(super) scalar_mptr: Ptr,
    pub(super) end_mptr: Ptr,
    pub(super) x: String,
    pub(super) y: String,
}

impl Term {
    fn at(mptr: Ptr, title: String) -> Self {
        let Ptr(at) = mptr;
        Self {
            title,
            x_mptr: mptr,
            y_mptr: Ptr(at + 0x20),
            scalar_mptr: Ptr(at + 0x40),
            end_mptr: Ptr(at + 0x60),
            x: String::new(),
            y: String::new(),
        }
    }
}

pub(super) struct Copy {
    pub(super) mptr: Ptr,
    pub(super) offset: Ptr,
    pub(super) length: Ptr,
}

pub(super) struct RoundSource {
    pub(super) title: String,
    pub(super) copies: Vec<Copy>,
    pub(super) draws: Vec<String>,
}

pub(super) struct InstanceSource {
    pub(super) title: String,
    pub(super) count: usize,
    pub(super) point: String,
    pub(super) cptr: String,
    pub(super) length: Ptr,
    pub(super) mptr: Ptr,
    pub(super) denominator_mptr: Ptr,
}

impl InstanceSource {
    /// Instances are added two at a time, the odd one first.
    pub(super) fn is_odd(&self) -> bool {
        !self.count.is_multiple_of(2)
    }
}

pub(super) struct LagrangeSource {
    pub(super) last: usize,
    pub(super) blinding_factors: usize,
}

pub(super) struct OpeningPoint {
    pub(super) mptr: Ptr,
    pub(super) value: String,
    pub(super) in_first_set: bool,
}

/// The contract that holds the key's points.
pub(super) struct KeyData {
    pub(super) code_hash: String,
    /// Of the points, without the STOP in front of them.
    pub(super) length: Ptr,
    /// Of the init code: eleven bytes that return what comes after them, which is the contract's code.
    pub(super) init_code_length: Ptr,
}

#[derive(Template)]
#[template(path = "Halo2Verifier.sol", escape = "none")]
pub(super) struct Source<'a> {
    pub(super) interface: &'a str,
    pub(super) name: &'a str,
    pub(super) k: u32,
    /// Squarings that raise x to the rows, each with where to store what links' domains vanish with.
    pub(super) squarings: Vec<Option<Ptr>>,
    /// Where everything lies.
    pub(super) layout: &'a Layout,
    pub(super) vk_digest: String,
    pub(super) model_digest: Option<String>,
    pub(super) transcript_repr: String,
    pub(super) num_instances: usize,
    pub(super) accumulates: bool,
    pub(super) instance_counts: Option<&'a InstanceCounts>,
    pub(super) unsafe_dev_srs: bool,
    pub(super) dev_chain_ids: &'a [u64],
    pub(super) num_points: usize,
    pub(super) points_before_evaluations: usize,
    pub(super) num_evaluations: usize,
    pub(super) proof_length: Ptr,
    pub(super) calldata_length: Ptr,
    pub(super) instances_cptr: Ptr,
    pub(super) instances_length: Ptr,
    pub(super) batch_item_length: Ptr,
    pub(super) batch_proof_length: Ptr,
    pub(super) batch_proofs_length: Ptr,
    pub(super) batch_list_length: Ptr,
    pub(super) evaluations_offset: Ptr,
    pub(super) evaluations_length: Ptr,
    pub(super) evaluations_hash_length: Ptr,
    pub(super) opening_offset: Ptr,
    pub(super) evaluation_places: Vec<Place>,
    pub(super) proof_term_places: Vec<Place>,
    pub(super) challenges: Vec<ChallengePlace>,
    pub(super) inverses_length: Ptr,
    pub(super) selectors: Selectors,
    pub(super) g2: Vec<String>,
    pub(super) minus_tau_g2: Vec<String>,
    pub(super) omega: String,
    pub(super) omega_inverse: String,
    pub(super) rows_inverse: String,
    pub(super) delta: String,
    pub(super) key_terms: Vec<Term>,
    pub(super) key_data: Option<KeyData>,
    pub(super) generator: Term,
    pub(super) opening_quotient: Term,
    pub(super) opening_proof: Term,
    pub(super) rounds: Vec<RoundSource>,
    pub(super) instances: Vec<InstanceSource>,
    pub(super) lagrange: Option<LagrangeSource>,
    pub(super) opening_points: Vec<OpeningPoint>,
    pub(super) constraint_groups: Vec<Vec<ConstraintSource>>,
    pub(super) permutation: Option<PermutationSource>,
    pub(super) lookups: Vec<LookupSource>,
    pub(super) sets: Vec<SetSource>,
    pub(super) packed: Option<PackedSource>,
    pub(super) names: Vec<NameSource>,
    pub(super) linked: Option<LinkedSource>,
    pub(super) unit_term: Option<Term>,
    pub(super) first_ranges: Vec<(Ptr, Ptr)>,
    pub(super) ranges: Vec<(Ptr, Ptr)>,
}

impl<'a> Source<'a> {
    /// Whether the proof brings commitments that instances name.
    fn has_names(&self) -> bool {
        let packed = self.packed.as_ref();
        !self.names.is_empty() || packed.is_some_and(|packed| packed.named.is_some())
    }

    pub(super) fn new(contract: &'a VerifierContract) -> Self {
        let VerifierContract { name, protocol, layout, .. } = contract;
        let num_instances = protocol.num_instances();
        let proof_length = protocol.proof_length();
        let evaluations_offset = 0x40 * protocol.points_before_evaluations();
        let evaluations_length = 0x20 * protocol.num_evaluations;
        let proof_term = |point: ProofPoint| {
            let mptr = layout.proof_term(point).unwrap_or(layout.proof_terms_mptr);
            Term::at(mptr, point.to_string())
        };
        let (constraints, lookups) = polynomials(protocol, layout);
        let unit = unit_term(protocol, layout);
        let unit_mptr = unit.as_ref().map(|&(_, mptr)| mptr);
        let omega_inverse = omega_power(protocol, -1);
        let rows_inverse = Fr::from(1 << protocol.k).invert().unwrap_or(Fr::ZERO);
        Self {
            interface: interface_body(),
            name,
            k: protocol.k,
            squarings: squarings(protocol, layout),
            layout,
            vk_digest: word(&contract.vk_digest()),
            model_digest: contract.model_digest.map(|digest| word(&digest)),
            transcript_repr: match &protocol.packed {
                Some(packed) => word(&packed.digest),
                None => scalar_word(protocol.key.transcript_repr),
            },
            num_instances,
            accumulates: contract.accumulates,
            instance_counts: contract.instance_counts.as_ref(),
            unsafe_dev_srs: contract.is_unsafe_dev(),
            dev_chain_ids: &contract.dev_chain_ids,
            num_points: protocol.points.len(),
            points_before_evaluations: protocol.points_before_evaluations(),
            num_evaluations: protocol.num_evaluations,
            proof_length: Ptr(proof_length),
            // Selector, two offsets, two lengths.
            calldata_length: Ptr(0x84 + proof_length + 0x20 * num_instances),
            instances_cptr: Ptr(0x84 + proof_length),
            instances_length: Ptr(0x20 * num_instances),
            // Two offsets, two lengths.
            batch_item_length: Ptr(0x80 + proof_length + 0x20 * num_instances),
            batch_proof_length: Ptr(0x20 + proof_length),
            batch_proofs_length: Ptr(0x40 + proof_length),
            batch_list_length: Ptr(0x20 + 0x20 * num_instances),
            evaluations_offset: Ptr(evaluations_offset),
            evaluations_length: Ptr(evaluations_length),
            evaluations_hash_length: Ptr(0x20 + evaluations_length),
            opening_offset: Ptr(evaluations_offset + evaluations_length),
            evaluation_places: legend::evaluations(protocol, layout),
            proof_term_places: legend::proof_terms(protocol, layout),
            challenges: challenge_places(protocol, layout),
            inverses_length: Ptr(layout.inverses_end_mptr.0 - layout.inverses_mptr.0),
            selectors: Selectors::new(),
            g2: g2_bytes(protocol.key.g2).iter().map(|bytes| word(bytes)).collect(),
            minus_tau_g2: g2_bytes(-protocol.key.tau_g2).iter().map(|bytes| word(bytes)).collect(),
            omega: field_literal(protocol.omega),
            omega_inverse: field_literal(omega_inverse),
            rows_inverse: field_literal(rows_inverse),
            delta: field_literal(Fr::DELTA),
            key_terms: key_terms(layout),
            key_data: (contract.tier == Tier::Data).then(|| {
                let code = contract.key_data();
                KeyData {
                    code_hash: word(&Keccak256::digest(&code)),
                    length: Ptr(code.len() - 1),
                    init_code_length: Ptr(11 + code.len()),
                }
            }),
            generator: Term::at(layout.key_term(0), "[1]₁".to_owned()),
            opening_quotient: proof_term(ProofPoint::OpeningQuotient),
            opening_proof: proof_term(ProofPoint::OpeningProof),
            rounds: rounds(protocol, layout),
            instances: instances(protocol, layout),
            lagrange: protocol.uses_lagrange_bases().then_some(LagrangeSource {
                last: protocol.blinding_factors + 1,
                blinding_factors: protocol.blinding_factors,
            }),
            opening_points: opening_points(protocol, layout),
            constraint_groups: constraint_groups(constraints),
            permutation: permutation(protocol, layout),
            lookups,
            sets: sets(protocol, layout),
            packed: protocol
                .packed
                .as_ref()
                .map(|packed| packed_openings::source(packed, protocol, layout)),
            names: linked::names(protocol),
            linked: LinkedSource::new(protocol, layout),
            unit_term: unit.map(|(title, mptr)| Term::at(mptr, title)),
            first_ranges: term_ranges(protocol, layout, unit_mptr),
            ranges: term_ranges(protocol, layout, None),
        }
    }
}

/// Constraints that are added in one function each: all of them if they are few, else hardly more than one.
fn constraint_groups(constraints: Vec<ConstraintSource>) -> Vec<Vec<ConstraintSource>> {
    /// Bytes of code that one function may have without becoming larger when compiled through Yul.
    const SMALL: usize = 1_200;
    /// About as many bytes has a function otherwise.
    const USUAL: usize = 150;
    let bytes = |constraint: &ConstraintSource| -> usize {
        constraint.lines().map(|line| Cost::of(&line).bytes).sum()
    };
    let limit = if constraints.iter().map(bytes).sum::<usize>() <= SMALL { SMALL } else { USUAL };
    let mut groups: Vec<Vec<ConstraintSource>> = vec![];
    let mut filled = limit;
    for constraint in constraints {
        let size = bytes(&constraint);
        match groups.last_mut().filter(|_| filled + size <= limit) {
            Some(group) => group.push(constraint),
            None => {
                groups.push(vec![constraint]);
                filled = 0;
            }
        }
        filled += size;
    }
    groups
}

/// The interface without its licence and pragma.
pub(super) fn interface_body() -> &'static str {
    let start = INTERFACE.find("/// @title").unwrap_or(0);
    INTERFACE[start..].trim_end()
}

/// For each squaring of x where to store the power − 1, if it is what a link's domain vanishes with.
fn squarings(protocol: &Protocol, layout: &Layout) -> Vec<Option<Ptr>> {
    let classes = match protocol.packed {
        Some(_) => link_denominators(protocol),
        None => vec![],
    };
    let place = |class| classes.contains(&class).then(|| layout.link_denominator(protocol, class));
    (1..=protocol.k).map(place).collect()
}

fn challenge_places(protocol: &Protocol, layout: &Layout) -> Vec<ChallengePlace> {
    let is_used = |name: &str| match name {
        "THETA" => !protocol.lookups.is_empty(),
        "BETA" | "GAMMA" => protocol.uses_lagrange_bases(),
        _ => true,
    };
    let challenges = layout.challenges(protocol).into_iter();
    challenges
        .filter(|(name, _)| is_used(name))
        .map(|(name, mptr)| ChallengePlace { name, mptr })
        .collect()
}

fn key_terms(layout: &Layout) -> Vec<Term> {
    let terms = layout.key_points.iter().enumerate().map(|(i, key)| {
        let [x, y] = point_words(key.point);
        Term { x, y, ..Term::at(layout.key_term(i), key.title.clone()) }
    });
    terms.collect()
}

fn rounds(protocol: &Protocol, layout: &Layout) -> Vec<RoundSource> {
    let used: Vec<_> =
        challenge_places(protocol, layout).into_iter().map(|place| place.name).collect();
    let mut sources = vec![];
    for (i, round) in protocol.rounds.iter().enumerate() {
        // The first round comes after the key's digest and the instances, the others after the state.
        let mut hashed = 0x20 + if i == 0 { 0x20 * protocol.num_instances() } else { 0 };
        let of_links = round.points_of_links(i, protocol);
        let offset_of_links = 0x20 * protocol.num_evaluations + 0x40 * of_links.start;
        let of_links = (offset_of_links, of_links.len());
        let of_names = Round::points_of_names(i, protocol);
        let offset_of_names = 0x20 * protocol.num_evaluations + 0x40 * of_names.start;
        let of_names = (offset_of_names, of_names.len());
        let of_round = (0x40 * round.points.start, round.points.len());
        // Of links the commitments come first, and what is made of them last.
        let ranges =
            if i == 0 { [of_links, of_names, of_round] } else { [of_round, of_links, of_names] };
        let mut copies = vec![];
        for (offset, points) in ranges.into_iter().filter(|&(_, points)| points > 0) {
            let (mptr, length) = (Ptr(layout.transcript_mptr.0 + hashed), 0x40 * points);
            copies.push(Copy { mptr, offset: Ptr(offset), length: Ptr(length) });
            hashed += length;
        }
        let mut draws = vec![];
        for (j, &challenge) in round.challenges.iter().enumerate() {
            // A single word is followed by 0x01.
            let squeeze = if j > 0 || hashed == 0x20 {
                "squeeze_again()".to_owned()
            } else {
                format!("squeeze({})", Ptr(hashed))
            };
            let name = challenge_name(challenge);
            draws.push(if used.contains(&name) {
                format!("mstore({name}_MPTR, {squeeze})")
            } else {
                format!("pop({squeeze}) // {} is not used by this circuit.", name.to_lowercase())
            });
        }
        let title = match protocol.packed {
            Some(_) => packed_openings::round_title(&round.challenges),
            None => round_title(&round.challenges),
        };
        sources.push(RoundSource { title, copies, draws });
    }
    sources
}

fn round_title(challenges: &[Challenge]) -> String {
    let title = match challenges.first() {
        Some(Challenge::Phase(_)) => "Advice of this phase; challenges for the next.",
        Some(Challenge::Theta) => {
            "Advice of the last phase; θ compresses the columns of a look-up."
        }
        Some(Challenge::Beta) => {
            "Permuted inputs and tables of look-ups; β and γ make products of values."
        }
        Some(Challenge::Y) => {
            "Running products and the random polynomial; y adds up the constraints."
        }
        Some(Challenge::X) | Some(Challenge::Gamma) | None => {
            "Pieces of the quotient; all is evaluated at x."
        }
    };
    title.to_owned()
}

fn instances(protocol: &Protocol, layout: &Layout) -> Vec<InstanceSource> {
    let queries = protocol.instance_queries.iter().enumerate();
    let sources = queries.map(|(query, &(column, rotation))| {
        let before: usize = protocol.instance_counts[..column].iter().sum();
        let count = protocol.instance_counts[column];
        InstanceSource {
            title: format!("Instance column {column} at {}", rotation_title(rotation.into())),
            count,
            point: rotated(protocol, "mload(X_MPTR)", rotation.into()),
            cptr: match before {
                0 => "instances_cptr".to_owned(),
                before => format!("add(instances_cptr, {})", Ptr(0x20 * before)),
            },
            length: Ptr(0x20 * count),
            mptr: layout.instance_evaluation(query),
            denominator_mptr: layout.instance_denominator(protocol, query),
        }
    });
    sources.collect()
}

fn opening_points(protocol: &Protocol, layout: &Layout) -> Vec<OpeningPoint> {
    let first = protocol.sets.first().map(|set| set.rotations.as_slice()).unwrap_or_default();
    let points = layout.rotations.iter().map(|&rotation| OpeningPoint {
        mptr: layout.opening_point(rotation),
        value: rotated(protocol, "x", rotation),
        in_first_set: first.contains(&rotation),
    });
    points.collect()
}
