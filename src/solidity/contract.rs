//! The contract: from a verifying key to Solidity source.

use askama::Template;
use halo2_proofs::{
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine},
        ff::{Field, PrimeField},
    },
    plonk::VerifyingKey,
    poly::kzg::commitment::ParamsKZG,
};
use sha3::{Digest, Keccak256};

use crate::proving::vk_digest;

use super::{
    SolidityError,
    expression::{Cells, Graph, Id, Step, Writer, field_literal},
    layout::{
        Layout, Ptr, TermPlace, challenge_name, g2_bytes, omega_power, point_words, rotated,
        rotation_title, scalar_word, word,
    },
    protocol::{Challenge, PermutationColumn, Polynomial, ProofPoint, Protocol},
};

/// The interface that every rendered contract implements, as Solidity source.
pub const INTERFACE: &str = include_str!("../../contracts/interfaces/IHalo2Verifier.sol");

/// A verifier of one circuit, ready to be rendered.
#[derive(Debug, Clone)]
pub struct VerifierContract {
    name: String,
    vk_digest: [u8; 32],
    protocol: Protocol,
    layout: Layout,
}

/// A rendered contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedContract {
    /// The contract's name.
    pub name: String,
    /// The whole source: one file that imports nothing.
    pub source: String,
    /// What `VK_DIGEST` returns.
    pub vk_digest: [u8; 32],
    /// Bytes of a proof.
    pub proof_length: usize,
    /// How many instances a proof has.
    pub num_instances: usize,
}

impl VerifierContract {
    /// A verifier of proofs under `vk`, whose instance columns hold as many values as `instance_counts` says.
    ///
    /// The contract is called `Halo2Verifier`; [`Self::named`] gives it another name.
    pub fn new(
        params: &ParamsKZG<Bn256>,
        vk: &VerifyingKey<G1Affine>,
        instance_counts: &[usize],
    ) -> Result<Self, SolidityError> {
        let protocol = Protocol::new(params, vk, instance_counts)?;
        let layout = Layout::new(&protocol);
        let vk_digest = vk_digest(params, vk, instance_counts);
        Ok(Self { name: "Halo2Verifier".to_owned(), vk_digest, protocol, layout })
    }

    /// The same contract under another name, which has to be a Solidity identifier.
    pub fn named(mut self, name: &str) -> Result<Self, SolidityError> {
        let starts = |c: char| c.is_ascii_alphabetic() || c == '_';
        let continues = |c: char| starts(c) || c.is_ascii_digit();
        if !name.starts_with(starts) || !name.chars().all(continues) || name == "IHalo2Verifier" {
            return Err(SolidityError::InvalidName { name: name.to_owned() });
        }
        name.clone_into(&mut self.name);
        Ok(self)
    }

    /// Bytes of a proof.
    pub fn proof_length(&self) -> usize {
        self.protocol.proof_length()
    }

    /// What `VK_DIGEST` returns.
    pub fn vk_digest(&self) -> [u8; 32] {
        self.vk_digest
    }

    /// The contract's source.
    pub fn render(&self) -> Result<RenderedContract, SolidityError> {
        let source = Source::new(self).render()?;
        Ok(RenderedContract {
            name: self.name.clone(),
            source,
            vk_digest: self.vk_digest(),
            proof_length: self.proof_length(),
            num_instances: self.protocol.num_instances(),
        })
    }
}

/// Selectors of the typed errors, as Yul.
struct Selectors {
    precompile_failed: String,
    point_not_on_curve: String,
    scalar_out_of_range: String,
    challenge_in_domain: String,
    memory_in_use: String,
    invalid_proof: String,
}

impl Selectors {
    fn new() -> Self {
        let selector = |signature: &str| word(&Keccak256::digest(signature)[..4]);
        Self {
            precompile_failed: selector("PrecompileFailed(uint256)"),
            point_not_on_curve: selector("PointNotOnCurve(uint256)"),
            scalar_out_of_range: selector("ScalarOutOfRange(uint256)"),
            challenge_in_domain: selector("ChallengeInDomain()"),
            memory_in_use: selector("MemoryInUse()"),
            invalid_proof: selector("InvalidProof()"),
        }
    }
}

struct ChallengePlace {
    name: String,
    mptr: Ptr,
}

/// A term of the multi-scalar multiplication.
struct Term {
    title: String,
    x_mptr: Ptr,
    y_mptr: Ptr,
    scalar_mptr: Ptr,
    end_mptr: Ptr,
    x: String,
    y: String,
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

struct Copy {
    mptr: Ptr,
    offset: Ptr,
    length: Ptr,
}

struct RoundSource {
    title: String,
    copy: Option<Copy>,
    draws: Vec<String>,
}

struct InstanceSource {
    title: String,
    count: usize,
    point: String,
    cptr: String,
    length: Ptr,
    mptr: Ptr,
    denominator_mptr: Ptr,
}

struct LagrangeSource {
    last: usize,
    blinding_factors: usize,
    first_denominator_mptr: Ptr,
    last_denominator_mptr: Ptr,
    blinding_denominator_mptr: Ptr,
}

struct OpeningPoint {
    mptr: Ptr,
    value: String,
    in_first_set: bool,
}

struct ConstraintSource {
    title: String,
    shared: Vec<String>,
    value: String,
}

struct PermutationSource {
    first: String,
    last: String,
    links: Vec<LinkSource>,
    products: Vec<ProductSource>,
}

struct LinkSource {
    start: String,
    end: String,
}

struct ProductSource {
    current: String,
    next: String,
    columns: Vec<ColumnSource>,
}

struct ColumnSource {
    value: String,
    sigma: String,
    is_last: bool,
}

struct LookupSource {
    title: String,
    input: Step,
    table: Step,
    product: String,
    next: String,
    permuted_input: String,
    previous_input: String,
    permuted_table: String,
}

struct SetSource {
    title: String,
    prelude: Vec<String>,
    points: Vec<SetPoint>,
    scalar: String,
    scalars: Vec<String>,
}

struct SetPoint {
    /// The polynomials' values, the last polynomial's first.
    values: Vec<String>,
    factor: String,
}

#[derive(Template)]
#[template(path = "Halo2Verifier.sol", escape = "none")]
struct Source<'a> {
    interface: &'a str,
    title: String,
    name: &'a str,
    k: u32,
    r_mptr: Ptr,
    weight_mptr: Ptr,
    count_mptr: Ptr,
    vk_digest: String,
    transcript_repr: String,
    num_instances: usize,
    num_points: usize,
    num_evaluations: usize,
    proof_length: usize,
    calldata_length: usize,
    instances_cptr: Ptr,
    instances_length: Ptr,
    batch_item_length: usize,
    evaluations_offset: Ptr,
    evaluations_length: Ptr,
    evaluations_hash_length: Ptr,
    opening_offset: Ptr,
    transcript_mptr: Ptr,
    evaluations_mptr: Ptr,
    challenges: Vec<ChallengePlace>,
    l_first_mptr: Ptr,
    l_last_mptr: Ptr,
    l_active_mptr: Ptr,
    inverses_mptr: Ptr,
    inverses_end_mptr: Ptr,
    inverses_length: Ptr,
    inverse_of_vanishing_mptr: Ptr,
    inverse_of_x_mptr: Option<Ptr>,
    scratch_mptr: Ptr,
    right_mptr: Ptr,
    left_mptr: Ptr,
    proof_terms_mptr: Ptr,
    key_terms_mptr: Ptr,
    terms_end_mptr: Ptr,
    selectors: Selectors,
    g2: Vec<String>,
    minus_tau_g2: Vec<String>,
    omega: String,
    omega_inverse: String,
    rows_inverse: String,
    delta: String,
    key_terms: Vec<Term>,
    generator: Term,
    opening_quotient: Term,
    opening_proof: Term,
    rounds: Vec<RoundSource>,
    instances: Vec<InstanceSource>,
    lagrange: Option<LagrangeSource>,
    opening_points: Vec<OpeningPoint>,
    constraints: Vec<ConstraintSource>,
    permutation: Option<PermutationSource>,
    lookups: Vec<LookupSource>,
    sets: Vec<SetSource>,
    unit_term: Option<Term>,
    first_ranges: Vec<(Ptr, Ptr)>,
    ranges: Vec<(Ptr, Ptr)>,
}

impl<'a> Source<'a> {
    fn new(contract: &'a VerifierContract) -> Self {
        let VerifierContract { name, protocol, layout, .. } = contract;
        let num_instances = protocol.num_instances();
        let proof_length = protocol.proof_length();
        let evaluations_offset = 0x40 * protocol.points_before_evaluations();
        let evaluations_length = 0x20 * protocol.num_evaluations;
        let proof_term = |point: ProofPoint| {
            let mptr = layout.proof_term(point).unwrap_or(layout.proof_terms_mptr);
            Term::at(mptr, format!("{point:?}"))
        };
        let (constraints, lookups) = polynomials(protocol, layout);
        let unit = unit_term(protocol, layout);
        let unit_mptr = unit.as_ref().map(|&(_, mptr)| mptr);
        let omega_inverse = omega_power(protocol, -1);
        let rows_inverse = Fr::from(1 << protocol.k).invert().unwrap_or(Fr::ZERO);
        Self {
            interface: interface_body(),
            title: format!("Verifier of {name}'s circuit"),
            name,
            k: protocol.k,
            r_mptr: layout.r_mptr,
            weight_mptr: layout.weight_mptr,
            count_mptr: layout.count_mptr,
            vk_digest: word(&contract.vk_digest()),
            transcript_repr: scalar_word(protocol.transcript_repr),
            num_instances,
            num_points: protocol.points.len(),
            num_evaluations: protocol.num_evaluations,
            proof_length,
            // Selector, two offsets, two lengths.
            calldata_length: 0x84 + proof_length + 0x20 * num_instances,
            instances_cptr: Ptr(0x84 + proof_length),
            instances_length: Ptr(0x20 * num_instances),
            // Two offsets, two lengths.
            batch_item_length: 0x80 + proof_length + 0x20 * num_instances,
            evaluations_offset: Ptr(evaluations_offset),
            evaluations_length: Ptr(evaluations_length),
            evaluations_hash_length: Ptr(0x20 + evaluations_length),
            opening_offset: Ptr(evaluations_offset + evaluations_length),
            transcript_mptr: layout.transcript_mptr,
            evaluations_mptr: layout.evaluations_mptr,
            challenges: challenge_places(protocol, layout),
            l_first_mptr: layout.l_first_mptr,
            l_last_mptr: layout.l_last_mptr,
            l_active_mptr: layout.l_active_mptr,
            inverses_mptr: layout.inverses_mptr,
            inverses_end_mptr: layout.inverses_end_mptr,
            inverses_length: Ptr(layout.inverses_end_mptr.0 - layout.inverses_mptr.0),
            inverse_of_vanishing_mptr: layout.inverse_of_vanishing_mptr,
            inverse_of_x_mptr: layout.inverse_of_x_mptr,
            scratch_mptr: layout.scratch_mptr,
            right_mptr: layout.right_mptr,
            left_mptr: layout.left_mptr,
            proof_terms_mptr: layout.proof_terms_mptr,
            key_terms_mptr: layout.key_terms_mptr,
            terms_end_mptr: layout.terms_end_mptr,
            selectors: Selectors::new(),
            g2: g2_bytes(protocol.g2).iter().map(|bytes| word(bytes)).collect(),
            minus_tau_g2: g2_bytes(-protocol.tau_g2).iter().map(|bytes| word(bytes)).collect(),
            omega: field_literal(protocol.omega),
            omega_inverse: field_literal(omega_inverse),
            rows_inverse: field_literal(rows_inverse),
            delta: field_literal(Fr::DELTA),
            key_terms: key_terms(layout),
            generator: Term::at(layout.key_term(0), "[1]₁".to_owned()),
            opening_quotient: proof_term(ProofPoint::OpeningQuotient),
            opening_proof: proof_term(ProofPoint::OpeningProof),
            rounds: rounds(protocol, layout),
            instances: instances(protocol, layout),
            lagrange: protocol.uses_lagrange_bases().then_some(LagrangeSource {
                last: protocol.blinding_factors + 1,
                blinding_factors: protocol.blinding_factors,
                first_denominator_mptr: layout.first_denominator_mptr,
                last_denominator_mptr: layout.last_denominator_mptr,
                blinding_denominator_mptr: layout.blinding_denominator_mptr,
            }),
            opening_points: opening_points(protocol, layout),
            constraints,
            permutation: permutation(protocol, layout),
            lookups,
            sets: sets(protocol, layout),
            unit_term: unit.map(|(title, mptr)| Term::at(mptr, title)),
            first_ranges: term_ranges(protocol, layout, unit_mptr),
            ranges: term_ranges(protocol, layout, None),
        }
    }
}

/// The interface without its licence and pragma.
fn interface_body() -> &'static str {
    let start = INTERFACE.find("/// @title").unwrap_or(0);
    INTERFACE[start..].trim_end()
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
        let before = 0x20 + if i == 0 { 0x20 * protocol.num_instances() } else { 0 };
        let length = 0x40 * round.points.len();
        let copy = (length > 0).then_some(Copy {
            mptr: Ptr(layout.transcript_mptr.0 + before),
            offset: Ptr(0x40 * round.points.start),
            length: Ptr(length),
        });
        let mut draws = vec![];
        for (j, &challenge) in round.challenges.iter().enumerate() {
            let hashed = before + length;
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
        sources.push(RoundSource { title: round_title(&round.challenges), copy, draws });
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

/// Where the values that constraints refer to are.
struct Values<'a> {
    protocol: &'a Protocol,
    layout: &'a Layout,
}

impl Values<'_> {
    fn position(queries: &[(usize, i32)], column: usize, rotation: i32) -> usize {
        let position = queries.iter().position(|&query| query == (column, rotation));
        position.expect("halo2 records every query of a constraint")
    }
}

impl Cells for Values<'_> {
    fn fixed(&self, column: usize, rotation: i32) -> String {
        let query = Self::position(&self.protocol.fixed_queries, column, rotation);
        self.layout.evaluation(self.protocol.fixed_evaluation(query)).load()
    }

    fn advice(&self, column: usize, rotation: i32) -> String {
        let query = Self::position(&self.protocol.advice_queries, column, rotation);
        self.layout.evaluation(self.protocol.advice_evaluation(query)).load()
    }

    fn instance(&self, column: usize, rotation: i32) -> String {
        let query = Self::position(&self.protocol.instance_queries, column, rotation);
        self.layout.instance_evaluation(query).load()
    }

    fn challenge(&self, index: usize) -> String {
        self.layout.phase_challenge(index).load()
    }
}

/// The gates' constraints and the look-ups, which share subexpressions.
fn polynomials(protocol: &Protocol, layout: &Layout) -> (Vec<ConstraintSource>, Vec<LookupSource>) {
    let values = Values { protocol, layout };
    let mut graph = Graph::default();
    let gates: Vec<Id> = protocol
        .constraints
        .iter()
        .map(|constraint| graph.expression(&constraint.expression, &values))
        .collect();
    let mut sides: Vec<Id> = vec![];
    for lookup in &protocol.lookups {
        for columns in [&lookup.inputs, &lookup.tables] {
            let mut compressed = graph.constant(Fr::ZERO);
            for column in columns {
                let theta = graph.leaf("mload(THETA_MPTR)".to_owned());
                let column = graph.expression(column, &values);
                let scaled = graph.product(compressed, theta);
                compressed = graph.sum(scaled, column);
            }
            sides.push(compressed);
        }
    }
    let roots: Vec<Id> = gates.iter().chain(&sides).copied().collect();
    let mut writer = Writer::new(&graph, &roots, layout.shared_mptr());

    let mut constraints = vec![];
    for (constraint, &gate) in protocol.constraints.iter().zip(&gates) {
        let Step { shared, value } = writer.step(gate);
        constraints.push(ConstraintSource { title: comment(&constraint.name), shared, value });
    }
    let mut lookups = vec![];
    for (i, (lookup, sides)) in protocol.lookups.iter().zip(sides.chunks(2)).enumerate() {
        let at = |offset| layout.evaluation(protocol.lookup_evaluation(i) + offset).load();
        lookups.push(LookupSource {
            title: comment(&lookup.name),
            input: writer.step(sides[0]),
            table: writer.step(sides[1]),
            product: at(0),
            next: at(1),
            permuted_input: at(2),
            previous_input: at(3),
            permuted_table: at(4),
        });
    }
    (constraints, lookups)
}

/// A name from the circuit as a comment: one line, no control characters, not too long.
fn comment(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control() && !is_bidirectional(*c)).collect();
    let short: String = name.chars().take(100).collect();
    if short.is_empty() { "(no name)".to_owned() } else { short }
}

/// Characters that reorder text, which solc refuses in comments.
const fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn permutation(protocol: &Protocol, layout: &Layout) -> Option<PermutationSource> {
    let at = |product: usize, offset| {
        layout.evaluation(protocol.permutation_evaluation(product) + offset).load()
    };
    let last = protocol.permutation.len().checked_sub(1)?;
    let value = |column| match column {
        PermutationColumn::Advice(query) => {
            layout.evaluation(protocol.advice_evaluation(query)).load()
        }
        PermutationColumn::Fixed(query) => {
            layout.evaluation(protocol.fixed_evaluation(query)).load()
        }
        PermutationColumn::Instance(query) => layout.instance_evaluation(query).load(),
    };
    let mut position = 0;
    let mut products = vec![];
    for (i, columns) in protocol.permutation.iter().enumerate() {
        let mut sources = vec![];
        for &column in columns {
            let sigma = layout.evaluation(protocol.sigma_evaluation(position)).load();
            position += 1;
            let is_last = position == protocol.sigma.len();
            sources.push(ColumnSource { value: value(column), sigma, is_last });
        }
        products.push(ProductSource { current: at(i, 0), next: at(i, 1), columns: sources });
    }
    Some(PermutationSource {
        first: at(0, 0),
        last: at(last, 0),
        links: (0..last).map(|i| LinkSource { start: at(i + 1, 0), end: at(i, 2) }).collect(),
        products,
    })
}

fn sets(protocol: &Protocol, layout: &Layout) -> Vec<SetSource> {
    let sources = protocol.sets.iter().enumerate().map(|(i, set)| {
        let rotations = &set.rotations;
        let titles: Vec<_> = rotations.iter().map(|&rotation| rotation_title(rotation)).collect();
        let others = rotations.len() - 1;
        // 1 / x^others is a factor of 1 / ∏ (p − other points).
        let mut prelude = vec![];
        if let Some(mptr) = layout.inverse_of_x_mptr.filter(|_| others > 0) {
            let mut power = mptr.load();
            for _ in 1..others {
                power = format!("mulmod({power}, {}, r)", mptr.load());
            }
            prelude.push(format!("let factor := {power}"));
        }
        let points = rotations.iter().enumerate().map(|(position, &rotation)| {
            let values = set.members.iter().rev();
            let inverse = layout.opening_point(rotation).load();
            let factor = if others == 0 {
                inverse
            } else {
                let weight = interpolation_weight(protocol, rotations, rotation);
                format!("mulmod(mulmod({inverse}, factor, r), {}, r)", field_literal(weight))
            };
            SetPoint {
                values: values.map(|member| layout.value(member.evaluations[position])).collect(),
                factor,
            }
        });
        // The first set's product cancels out.
        let scalar = if i == 0 {
            "mload(WEIGHT_MPTR)".to_owned()
        } else {
            rotations.iter().fold("scale".to_owned(), |scalar, &rotation| {
                format!("mulmod({scalar}, {}, r)", layout.opening_point(rotation).load())
            })
        };
        SetSource {
            title: titles.join(", "),
            prelude,
            points: points.collect(),
            scalar,
            scalars: scalars(protocol, layout, i),
        }
    });
    sources.collect()
}

/// 1 / ∏ (ω^rotation − ω^other) over the other rotations.
fn interpolation_weight(protocol: &Protocol, rotations: &[i64], rotation: i64) -> Fr {
    let point = omega_power(protocol, rotation);
    let others = rotations.iter().filter(|&&other| other != rotation);
    let product: Fr = others.map(|&other| point - omega_power(protocol, other)).product();
    product.invert().expect("rotations of a set are different modulo the rows")
}

/// The variable `scalar` goes to the first polynomial, times y to the next, and so on.
fn scalars(protocol: &Protocol, layout: &Layout, set: usize) -> Vec<String> {
    let members = &protocol.sets[set].members;
    let mut statements = vec![];
    for (j, member) in members.iter().enumerate() {
        let terms = layout.terms(protocol, member.polynomial);
        if member.polynomial == Polynomial::Quotient {
            let mut pieces: Vec<String> = terms
                .iter()
                .flat_map(|term| [term.add(), "scalar := mulmod(scalar, x_to_n, r)".to_owned()])
                .collect();
            pieces.pop();
            statements.push("let power := scalar".to_owned());
            statements.extend(pieces);
            statements.push("scalar := power".to_owned());
        } else {
            statements.extend(terms.iter().map(|term| term.add()));
        }
        if j + 1 < members.len() {
            statements.push("scalar := mulmod(scalar, y, r)".to_owned());
        }
    }
    statements
}

/// The term whose scalar is the weight itself, if the proof brings it.
fn unit_term(protocol: &Protocol, layout: &Layout) -> Option<(String, Ptr)> {
    let polynomial = protocol.sets.first()?.members.first()?.polynomial;
    match layout.terms(protocol, polynomial).first()? {
        TermPlace::Proof(mptr) => Some((format!("{polynomial:?}"), *mptr)),
        TermPlace::Key(_) => None,
    }
}

/// The proof's terms that have a scalar, without `unit`, as few ranges.
fn term_ranges(protocol: &Protocol, layout: &Layout, unit: Option<Ptr>) -> Vec<(Ptr, Ptr)> {
    let members = protocol.sets.iter().flat_map(|set| &set.members);
    let opened = members.flat_map(|member| layout.terms(protocol, member.polynomial));
    let mut mptrs: Vec<Ptr> = opened
        .filter_map(|term| match term {
            TermPlace::Proof(mptr) => Some(mptr),
            TermPlace::Key(_) => None,
        })
        .chain(layout.proof_term(ProofPoint::OpeningQuotient))
        .chain(layout.proof_term(ProofPoint::OpeningProof))
        .filter(|&mptr| Some(mptr) != unit)
        .collect();
    mptrs.sort_unstable();
    let mut ranges: Vec<(Ptr, Ptr)> = vec![];
    for mptr in mptrs {
        let end = Ptr(mptr.0 + 0x60);
        match ranges.last_mut() {
            Some(range) if range.1 == mptr => range.1 = end,
            _ => ranges.push((mptr, end)),
        }
    }
    ranges
}
