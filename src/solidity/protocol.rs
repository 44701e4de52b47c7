//! What a proof of a circuit consists of, and in which order prover and verifier speak.
//!
//! Everything here follows `verify_proof` and `VerifierSHPLONK` of halo2-axiom 0.5.3.

use std::ops::Range;

use halo2_proofs::{
    SerdeFormat,
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine, G2Affine},
        ff::PrimeField,
        group::prime::PrimeCurveAffine,
    },
    plonk::{Any, ConstraintSystem, Expression, VerifyingKey},
    poly::{
        commitment::{Params, ParamsProver},
        kzg::commitment::ParamsKZG,
    },
};

use super::{SolidityError, packed::Packed};
use zkverdict_prover::packed::Link;

/// A point that the proof brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProofPoint {
    Advice(usize),
    LookupInput(usize),
    LookupTable(usize),
    PermutationProduct(usize),
    LookupProduct(usize),
    Random,
    QuotientPiece(usize),
    /// Columns that share a commitment.
    Pack(usize),
    /// Not in pieces.
    Quotient,
    /// The quotient at the opened points.
    OpeningQuotient,
    /// The proof of evaluation at one more point.
    OpeningProof,
    /// The commitment of a link.
    Committed(usize),
    /// One for all links.
    LinkQuotient,
    /// Behind a proof of halo2's format: that the sum of all links is 0 at a point.
    LinkProof,
    /// The commitment to named columns.
    Named(usize),
    /// What hides them.
    Mask(usize),
}

/// What is opened: a commitment, or the sum of the quotient's pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polynomial {
    Advice(usize),
    PermutationProduct(usize),
    LookupProduct(usize),
    LookupInput(usize),
    LookupTable(usize),
    Fixed(usize),
    Sigma(usize),
    Quotient,
    Random,
}

/// A value at a point: given by the proof, or computed by the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evaluation {
    /// By its position in the proof.
    Proof(usize),
    Quotient,
}

/// A challenge, named as halo2 and SHPLONK name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Challenge {
    Phase(usize),
    Theta,
    Beta,
    Gamma,
    Y,
    X,
}

/// Points that are absorbed together, and the challenges drawn after them.
#[derive(Debug, Clone)]
pub(super) struct Round {
    pub(super) points: Range<usize>,
    pub(super) challenges: Vec<Challenge>,
}

/// One polynomial of a rotation set with its values, in the order of the set's rotations.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) polynomial: Polynomial,
    pub(super) evaluations: Vec<Evaluation>,
}

/// The polynomials that are opened at the same points.
#[derive(Debug, Clone)]
pub(super) struct RotationSet {
    /// Ascending.
    pub(super) rotations: Vec<i64>,
    pub(super) members: Vec<Member>,
}

/// A column of the permutation argument: where its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PermutationColumn {
    /// By the position of its query among the advice, fixed or instance queries.
    Advice(usize),
    Fixed(usize),
    Instance(usize),
}

/// A named polynomial that must vanish on the usable rows.
#[derive(Debug, Clone)]
pub(super) struct Constraint {
    pub(super) name: String,
    pub(super) expression: Expression<Fr>,
}

/// A look-up argument.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) name: String,
    pub(super) inputs: Vec<Expression<Fr>>,
    pub(super) tables: Vec<Expression<Fr>>,
}

/// All that the contract has to know of a circuit.
#[derive(Debug, Clone)]
pub(super) struct Protocol {
    pub(super) k: u32,
    pub(super) omega: Fr,
    pub(super) key: Key,
    pub(super) instance_counts: Vec<usize>,
    pub(super) num_phase_challenges: usize,
    pub(super) advice_queries: Vec<(usize, i32)>,
    pub(super) fixed_queries: Vec<(usize, i32)>,
    pub(super) instance_queries: Vec<(usize, i32)>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) lookups: Vec<Lookup>,
    /// The columns of each permutation product.
    pub(super) permutation: Vec<Vec<PermutationColumn>>,
    pub(super) blinding_factors: usize,
    /// The proof's points in its order, the two of SHPLONK last.
    pub(super) points: Vec<ProofPoint>,
    pub(super) rounds: Vec<Round>,
    pub(super) num_evaluations: usize,
    pub(super) sets: Vec<RotationSet>,
    /// In place of sets, where columns share commitments.
    pub(super) packed: Option<Packed>,
    /// Columns that hold what commitments do, where they do not.
    pub(super) linked: Vec<Link>,
}

/// What a verifying key and a trusted setup add to a constraint system.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) transcript_repr: Fr,
    pub(super) g1: G1Affine,
    pub(super) g2: G2Affine,
    pub(super) tau_g2: G2Affine,
    /// One per fixed column.
    pub(super) fixed: Vec<G1Affine>,
    /// One per column of the permutation.
    pub(super) sigma: Vec<G1Affine>,
}

impl Key {
    /// A key of the same shape as that of any circuit with these constraints. Its points are all different but for
    /// what `classes` says of the fixed columns.
    fn placeholder(cs: &ConstraintSystem<Fr>, classes: &[Option<usize>]) -> Self {
        let generator = G1Affine::generator();
        let multiples = (2..).map(|i: u64| G1Affine::from(generator * Fr::from(i)));
        let mut points =
            multiples.take(cs.num_fixed_columns() + cs.permutation().get_columns().len());
        let different: Vec<_> = points.by_ref().take(cs.num_fixed_columns()).collect();
        let point = |class: &Option<usize>| class.map_or_else(G1Affine::identity, |i| different[i]);
        Self {
            transcript_repr: -Fr::from(1),
            g1: generator,
            g2: G2Affine::generator(),
            tau_g2: G2Affine::generator(),
            fixed: classes.iter().map(point).collect(),
            sigma: points.collect(),
        }
    }
}

impl Protocol {
    pub(super) fn new(
        params: &ParamsKZG<Bn256>,
        vk: &VerifyingKey<G1Affine>,
        instance_counts: &[usize],
    ) -> Result<Self, SolidityError> {
        let k = rows_exponent(vk)?;
        if params.k() != k {
            return Err(SolidityError::SrsSize { srs: params.k(), key: k });
        }
        let key = Key {
            transcript_repr: vk.transcript_repr(),
            g1: params.get_g().first().copied().unwrap_or_else(G1Affine::generator),
            g2: params.g2(),
            tau_g2: params.s_g2(),
            fixed: vk.fixed_commitments().clone(),
            sigma: vk.permutation().commitments().clone(),
        };
        Self::with_key(vk.cs(), k, instance_counts, key)
    }

    /// The protocol of a circuit that has no key yet. Selectors have to be fixed columns already.
    pub(super) fn without_key(
        cs: &ConstraintSystem<Fr>,
        k: u32,
        instance_counts: &[usize],
    ) -> Result<Self, SolidityError> {
        let different: Vec<_> = (0..cs.num_fixed_columns()).map(Some).collect();
        Self::with_columns(cs, &different, k, instance_counts)
    }

    /// The same of a circuit whose fixed columns are known: for each the first that is equal to it, none for one
    /// that is 0 everywhere.
    pub(super) fn with_columns(
        cs: &ConstraintSystem<Fr>,
        classes: &[Option<usize>],
        k: u32,
        instance_counts: &[usize],
    ) -> Result<Self, SolidityError> {
        Self::with_key(cs, k, instance_counts, Key::placeholder(cs, classes))
    }

    fn with_key(
        cs: &ConstraintSystem<Fr>,
        k: u32,
        instance_counts: &[usize],
        key: Key,
    ) -> Result<Self, SolidityError> {
        check_instance_counts(
            instance_counts,
            cs.num_instance_columns(),
            k,
            cs.blinding_factors(),
        )?;
        let degree = cs.degree();
        let constraints = constraints(cs, degree)?;
        let lookups = lookups(cs, degree)?;

        let advice_queries: Vec<_> =
            cs.advice_queries().iter().map(|(column, at)| (column.index(), at.0)).collect();
        let fixed_queries: Vec<_> =
            cs.fixed_queries().iter().map(|(column, at)| (column.index(), at.0)).collect();
        let instance_queries: Vec<_> =
            cs.instance_queries().iter().map(|(column, at)| (column.index(), at.0)).collect();
        let index = |column: usize, queries: &[(usize, i32)]| {
            queries.iter().position(|&query| query == (column, 0)).ok_or_else(|| {
                SolidityError::InconsistentKey {
                    what: format!("no query of column `{column}` of the permutation"),
                }
            })
        };
        let permutation_columns = cs.permutation().get_columns();
        let permutation_columns = permutation_columns
            .iter()
            .map(|column| {
                Ok(match column.column_type() {
                    Any::Advice(_) => {
                        PermutationColumn::Advice(index(column.index(), &advice_queries)?)
                    }
                    Any::Fixed => PermutationColumn::Fixed(index(column.index(), &fixed_queries)?),
                    Any::Instance => {
                        PermutationColumn::Instance(index(column.index(), &instance_queries)?)
                    }
                })
            })
            .collect::<Result<Vec<_>, SolidityError>>()?;
        for (what, received, expected) in [
            ("permutation", key.sigma.len(), permutation_columns.len()),
            ("fixed", key.fixed.len(), cs.num_fixed_columns()),
        ] {
            if received != expected {
                return Err(SolidityError::InconsistentKey {
                    what: format!("`{received}` {what} commitments, expected `{expected}`"),
                });
            }
        }
        // One degree is for the product itself, one for the rows where it is active.
        let columns_per_product =
            degree.checked_sub(2).filter(|&columns| columns > 0).ok_or_else(|| {
                SolidityError::InconsistentKey { what: format!("degree `{degree}`, below 3") }
            })?;
        let permutation: Vec<_> =
            permutation_columns.chunks(columns_per_product).map(<[_]>::to_vec).collect();

        let (points, rounds) = rounds(
            &cs.advice_column_phase(),
            &cs.challenge_phase(),
            lookups.len(),
            permutation.len(),
            degree - 1,
        );
        let mut protocol = Self {
            k,
            omega: omega(k),
            key,
            instance_counts: instance_counts.to_vec(),
            num_phase_challenges: cs.num_challenges(),
            advice_queries,
            fixed_queries,
            instance_queries,
            constraints,
            lookups,
            permutation,
            blinding_factors: cs.blinding_factors(),
            points,
            rounds,
            num_evaluations: 0,
            sets: vec![],
            packed: None,
            linked: vec![],
        };
        protocol.num_evaluations = protocol.lookup_evaluation(protocol.lookups.len());
        protocol.sets = rotation_sets(&protocol.queries(), k)?;
        Ok(protocol)
    }

    pub(super) fn num_instances(&self) -> usize {
        self.instance_counts.iter().sum()
    }

    /// Bytes of a proof.
    pub(super) fn proof_length(&self) -> usize {
        0x40 * self.points.len() + 0x20 * self.num_evaluations
    }

    /// Points before the evaluations; the rest comes after them.
    pub(super) fn points_before_evaluations(&self) -> usize {
        self.points.len() - 2 - self.last_points()
    }

    pub(super) fn uses_lagrange_bases(&self) -> bool {
        !self.permutation.is_empty() || !self.lookups.is_empty()
    }

    // Positions of evaluations, in the order in which the proof gives them.

    pub(super) fn advice_evaluation(&self, query: usize) -> usize {
        query
    }

    pub(super) fn fixed_evaluation(&self, query: usize) -> usize {
        self.advice_queries.len() + query
    }

    fn random_evaluation(&self) -> usize {
        self.fixed_evaluation(self.fixed_queries.len())
    }

    pub(super) fn sigma_evaluation(&self, column: usize) -> usize {
        self.random_evaluation() + 1 + column
    }

    /// The product at x; at ωx it is the next, and where the rows end (in all products but the last)
    /// the one after that.
    pub(super) fn permutation_evaluation(&self, product: usize) -> usize {
        self.sigma_evaluation(self.key.sigma.len()) + 3 * product
    }

    /// The product at x and ωx, the permuted input at x and ω⁻¹x, the permuted table at x.
    pub(super) fn lookup_evaluation(&self, lookup: usize) -> usize {
        let products = self.permutation.len();
        // The last product is not opened where the rows end.
        self.permutation_evaluation(products) - usize::from(products > 0) + 5 * lookup
    }

    /// All openings, in halo2's order: it decides the powers of SHPLONK's challenges.
    fn queries(&self) -> Vec<(Polynomial, i64, Evaluation)> {
        let given = |position: usize| Evaluation::Proof(position);
        let mut queries = vec![];
        for (i, &(column, at)) in self.advice_queries.iter().enumerate() {
            let value = given(self.advice_evaluation(i));
            queries.push((Polynomial::Advice(column), at.into(), value));
        }
        let products = self.permutation.len();
        for i in 0..products {
            let at_x = self.permutation_evaluation(i);
            queries.push((Polynomial::PermutationProduct(i), 0, given(at_x)));
            queries.push((Polynomial::PermutationProduct(i), 1, given(at_x + 1)));
        }
        for i in (0..products.saturating_sub(1)).rev() {
            let at_last = self.permutation_evaluation(i) + 2;
            let last = -(self.blinding_factors as i64 + 1);
            queries.push((Polynomial::PermutationProduct(i), last, given(at_last)));
        }
        for i in 0..self.lookups.len() {
            let product = self.lookup_evaluation(i);
            queries.extend([
                (Polynomial::LookupProduct(i), 0, given(product)),
                (Polynomial::LookupInput(i), 0, given(product + 2)),
                (Polynomial::LookupTable(i), 0, given(product + 4)),
                (Polynomial::LookupInput(i), -1, given(product + 3)),
                (Polynomial::LookupProduct(i), 1, given(product + 1)),
            ]);
        }
        for (i, &(column, at)) in self.fixed_queries.iter().enumerate() {
            let value = given(self.fixed_evaluation(i));
            queries.push((Polynomial::Fixed(column), at.into(), value));
        }
        for i in 0..self.key.sigma.len() {
            queries.push((Polynomial::Sigma(i), 0, given(self.sigma_evaluation(i))));
        }
        queries.push((Polynomial::Quotient, 0, Evaluation::Quotient));
        queries.push((Polynomial::Random, 0, given(self.random_evaluation())));
        queries
    }
}

/// The generator of the 2^k-th roots of unity that halo2 uses.
pub(super) fn omega(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |omega, _| omega.square())
}

/// k of a verifying key. The key does not give its domain away, only its encoding does.
fn rows_exponent(vk: &VerifyingKey<G1Affine>) -> Result<u32, SolidityError> {
    let bytes = vk.to_bytes(SerdeFormat::RawBytesUnchecked);
    let k = bytes.get(1..5).and_then(|k| k.try_into().ok()).map(u32::from_le_bytes);
    k.filter(|&k| (1..=Fr::S).contains(&k)).ok_or_else(|| SolidityError::InconsistentKey {
        what: format!("k = `{k:?}`, which is no domain of the field"),
    })
}

fn check_instance_counts(
    counts: &[usize],
    columns: usize,
    k: u32,
    blinding_factors: usize,
) -> Result<(), SolidityError> {
    if counts.len() != columns {
        return Err(SolidityError::InstanceColumns { received: counts.len(), expected: columns });
    }
    let rows = (1_usize << k).saturating_sub(blinding_factors + 1);
    match counts.iter().enumerate().find(|&(_, &count)| count > rows) {
        Some((column, &count)) => Err(SolidityError::TooManyInstances { column, count, rows }),
        None => Ok(()),
    }
}

pub(super) fn constraints(
    cs: &ConstraintSystem<Fr>,
    allowed: usize,
) -> Result<Vec<Constraint>, SolidityError> {
    let mut constraints = vec![];
    for gate in cs.gates() {
        for (i, expression) in gate.polynomials().iter().enumerate() {
            let name = match gate.constraint_name(i) {
                "" => gate.name().to_owned(),
                constraint => format!("{}: {constraint}", gate.name()),
            };
            let degree = expression.degree();
            if degree > allowed {
                return Err(SolidityError::DegreeTooHigh { constraint: name, degree, allowed });
            }
            constraints.push(Constraint { name, expression: expression.clone() });
        }
    }
    Ok(constraints)
}

fn lookups(cs: &ConstraintSystem<Fr>, allowed: usize) -> Result<Vec<Lookup>, SolidityError> {
    let highest = |expressions: &[Expression<Fr>]| {
        expressions.iter().map(Expression::degree).max().unwrap_or(1).max(1)
    };
    let mut lookups = vec![];
    for argument in cs.lookups() {
        let (inputs, tables) = (argument.input_expressions(), argument.table_expressions());
        let degree = (2 + highest(inputs) + highest(tables)).max(4);
        let name = argument.name().to_owned();
        if degree > allowed {
            return Err(SolidityError::DegreeTooHigh { constraint: name, degree, allowed });
        }
        lookups.push(Lookup { name, inputs: inputs.clone(), tables: tables.clone() });
    }
    Ok(lookups)
}

/// Points and challenges, as they follow each other.
#[derive(Default)]
pub(super) struct Rounds {
    pub(super) points: Vec<ProofPoint>,
    pub(super) rounds: Vec<Round>,
}

impl Rounds {
    pub(super) fn draw(&mut self, challenges: Vec<Challenge>) {
        // Without a challenge in between, points are absorbed with those that follow.
        if !challenges.is_empty() {
            let start = self.rounds.last().map_or(0, |round| round.points.end);
            self.rounds.push(Round { points: start..self.points.len(), challenges });
        }
    }
}

/// The proof's points and when challenges are drawn.
fn rounds(
    advice_phases: &[u8],
    challenge_phases: &[u8],
    lookups: usize,
    products: usize,
    quotient_pieces: usize,
) -> (Vec<ProofPoint>, Vec<Round>) {
    let mut rounds = Rounds::default();
    for phase in 0..=advice_phases.iter().copied().max().unwrap_or(0) {
        let in_phase = |phases: &[u8]| {
            phases
                .iter()
                .enumerate()
                .filter(|&(_, &p)| p == phase)
                .map(|(i, _)| i)
                .collect::<Vec<_>>()
        };
        rounds.points.extend(in_phase(advice_phases).into_iter().map(ProofPoint::Advice));
        rounds.draw(in_phase(challenge_phases).into_iter().map(Challenge::Phase).collect());
    }
    rounds.draw(vec![Challenge::Theta]);
    rounds.points.extend(
        (0..lookups).flat_map(|i| [ProofPoint::LookupInput(i), ProofPoint::LookupTable(i)]),
    );
    rounds.draw(vec![Challenge::Beta, Challenge::Gamma]);
    rounds.points.extend((0..products).map(ProofPoint::PermutationProduct));
    rounds.points.extend((0..lookups).map(ProofPoint::LookupProduct));
    rounds.points.push(ProofPoint::Random);
    rounds.draw(vec![Challenge::Y]);
    rounds.points.extend((0..quotient_pieces).map(ProofPoint::QuotientPiece));
    rounds.draw(vec![Challenge::X]);
    rounds.points.extend([ProofPoint::OpeningQuotient, ProofPoint::OpeningProof]);
    (rounds.points, rounds.rounds)
}

/// Groups openings as `construct_intermediate_sets` does: sets in the order of their first polynomial.
fn rotation_sets(
    queries: &[(Polynomial, i64, Evaluation)],
    k: u32,
) -> Result<Vec<RotationSet>, SolidityError> {
    let rows = 1_i64 << k;
    let canonical = |rotation: i64| {
        let rotation = rotation.rem_euclid(rows);
        if rotation > rows / 2 { rotation - rows } else { rotation }
    };
    let mut polynomials: Vec<(Polynomial, Vec<(i64, Evaluation)>)> = vec![];
    for &(polynomial, rotation, evaluation) in queries {
        let rotation = canonical(rotation);
        let opened = match polynomials.iter_mut().find(|(other, _)| *other == polynomial) {
            Some((_, opened)) => opened,
            None => {
                polynomials.push((polynomial, vec![]));
                &mut polynomials.last_mut().expect("one was just pushed").1
            }
        };
        if opened.iter().any(|&(other, _)| other == rotation) {
            return Err(SolidityError::QueryCollision {
                polynomial: format!("{polynomial:?}"),
                rotation,
                rows: 1 << k,
            });
        }
        opened.push((rotation, evaluation));
    }
    let mut sets: Vec<RotationSet> = vec![];
    for (polynomial, mut opened) in polynomials {
        opened.sort_by_key(|&(rotation, _)| rotation);
        let (rotations, evaluations): (Vec<_>, Vec<_>) = opened.into_iter().unzip();
        let member = Member { polynomial, evaluations };
        match sets.iter_mut().find(|set| set.rotations == rotations) {
            Some(set) => set.members.push(member),
            None => sets.push(RotationSet { rotations, members: vec![member] }),
        }
    }
    Ok(sets)
}
