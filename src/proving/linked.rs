//! Committed inputs in halo2's format: what stands behind a proof that every verifier of halo2's takes.
//!
//! ```text
//! proof of halo2's  ‖  C_0 … C_(J−1)  ‖  D  ‖  W
//! ```
//!
//! In the proof's own transcript μ is drawn behind its last point, z behind D, and a contract draws ν behind W. With a_j the
//! column of link j, c_j what its commitment is to, and Z_j 0 on the rows that hold words (`docs/protocol.md`),
//!
//! ```text
//! δ = Σ_j μʲ·(a_j − c_j)/Z_j     D = [δ(τ)]₁     L = Σ_j μʲ/Z_j(z)·(a_j − c_j) − δ     L(z) = 0     W = [L(τ)/(τ − z)]₁
//! e( Σ_j μʲ/Z_j(z)·(A_j − C_j) − D + z·W ,  [1]₂ )  =  e( W, [τ]₂ )
//! ```
//!
//! A_j is among the proof's own points. That the C_j are not absorbed does no harm: the instances, which come before all else,
//! hold their names. `docs/soundness.md` has the argument.

use super::Refusal;
use super::transcript::{KeccakRead, WORD_BYTES, read_word, word_of};
use halo2_proofs::{
    halo2curves::{
        CurveAffine,
        bn256::{Bn256, Fq, Fr, G1, G1Affine},
        group::{Curve, Group, prime::PrimeCurveAffine},
        pairing::{MillerLoopResult, MultiMillerLoop},
    },
    plonk::ConstraintSystem,
    poly::kzg::commitment::ParamsKZG,
    transcript::Transcript,
};
use zkverdict_prover::packed::{Link, link};

#[cfg(feature = "prove")]
pub(super) use making::tail;

const POINT_BYTES: usize = 2 * WORD_BYTES;

/// Bytes behind a proof of a circuit with so many links.
pub(super) fn bytes(links: usize) -> usize {
    match links {
        0 => 0,
        links => POINT_BYTES * (links + 2),
    }
}

/// What stands behind a proof.
pub(super) struct Tail {
    commitments: Vec<G1Affine>,
    quotient: G1Affine,
    shown: G1Affine,
}

impl Tail {
    /// Reads points of which `first` come before them, and looks whether the commitments are those that the instances name.
    pub(super) fn read(
        mut bytes: &[u8],
        first: u64,
        links: &[Link],
        instances: &[Fr],
    ) -> Result<Self, Refusal> {
        let mut points = Vec::with_capacity(links.len() + 2);
        for index in first..first + links.len() as u64 + 2 {
            let point = point(&mut bytes).ok_or(Refusal::PointNotOnCurve { index })?;
            points.push(point);
        }
        let (Some(shown), Some(quotient)) = (points.pop(), points.pop()) else {
            return Err(Refusal::InvalidProof);
        };
        for (number, (link, commitment)) in links.iter().zip(&points).enumerate() {
            let named = instances.get(link.number).map(word_of);
            if named != Some(link::name(link.class, commitment)) {
                return Err(Refusal::WrongName { link: number as u64 });
            }
        }
        Ok(Self { commitments: points, quotient, shown })
    }

    /// Whether the columns, which the proof commits to, hold what is committed to; `transcript` is as the proof left it.
    pub(super) fn check(
        &self,
        links: &[Link],
        columns: &[G1Affine],
        params: &ParamsKZG<Bn256>,
        transcript: &mut KeccakRead<&[u8]>,
    ) -> Result<(), Refusal> {
        let absorb = |transcript: &mut KeccakRead<&[u8]>, point| {
            transcript.common_point(point).map_err(|_| Refusal::InvalidProof)
        };
        let mu = *transcript.squeeze_challenge_scalar::<()>();
        absorb(transcript, self.quotient)?;
        let z = *transcript.squeeze_challenge_scalar::<()>();
        let factors = link::factors(links, mu, z).ok_or(Refusal::ChallengeInDomain)?;
        let differences = columns.iter().zip(&self.commitments).zip(factors);
        let sum: G1 = differences
            .map(|((column, commitment), factor)| (column.to_curve() - commitment) * factor)
            .sum();
        let left = (sum - self.quotient.to_curve() + self.shown * z).to_affine();
        let (right, g2, tau_g2) = (-self.shown, params.g2().into(), params.s_g2().into());
        let product = Bn256::multi_miller_loop(&[(&left, &g2), (&right, &tau_g2)]);
        let product = product.final_exponentiation();
        if bool::from(product.is_identity()) { Ok(()) } else { Err(Refusal::InvalidProof) }
    }
}

/// A point as proofs have it, none if it is off the curve, at infinity or written otherwise.
fn point(bytes: &mut &[u8]) -> Option<G1Affine> {
    let x: Fq = read_word(bytes, "coordinate").ok()?;
    let y: Fq = read_word(bytes, "coordinate").ok()?;
    let point = Option::<G1Affine>::from(G1Affine::from_xy(x, y))?;
    (!bool::from(point.is_identity())).then_some(point)
}

/// The commitments to the columns of links in a proof, which begins with those to advice, phase by phase.
pub(super) fn columns(
    proof: &[u8],
    links: &[Link],
    system: &ConstraintSystem<Fr>,
) -> Option<Vec<G1Affine>> {
    let phases = system.advice_column_phase();
    let column = |link: &Link| {
        let own = (phases.get(link.column)?, link.column);
        let others = phases.iter().zip(0..);
        let before = others.filter(|&(phase, column)| (phase, column) < own).count();
        point(&mut proof.get(POINT_BYTES * before..)?)
    };
    links.iter().map(column).collect()
}

#[cfg(feature = "prove")]
mod making {
    use super::{POINT_BYTES, word_of};
    use crate::proving::{Commitment, KeccakChallenge, ProvingError};
    use halo2_proofs::{
        arithmetic::best_multiexp,
        halo2curves::{
            bn256::{Bn256, Fr, G1Affine},
            ff::Field,
            group::Curve,
        },
        plonk::ConstraintSystem,
        poly::{
            commitment::{Params, ParamsProver},
            kzg::commitment::ParamsKZG,
        },
        transcript::Transcript,
    };
    use zkverdict_prover::{
        Randomness, Source,
        packed::{Link, Linking, link},
    };

    /// What stands behind a proof that was made of these columns and random values, `transcript` being as it left it.
    pub(in crate::proving) fn tail(
        transcript: &mut impl Transcript<G1Affine, KeccakChallenge>,
        (params, system): (&ParamsKZG<Bn256>, &ConstraintSystem<Fr>),
        links: &[Link],
        source: &dyn Source,
        instances: &[Fr],
        commitments: &[Commitment],
        randomness: &dyn Randomness,
    ) -> Result<Vec<u8>, ProvingError> {
        let (k, rows) = (params.k(), 1_usize << params.k());
        let commit = |coefficients: Vec<Fr>| {
            let powers = &params.get_g()[..coefficients.len()];
            (best_multiexp(&coefficients, powers).to_affine(), coefficients)
        };
        let linking = Linking::new((links, k), commitments, &[instances], commit);
        let linking = linking.map_err(ProvingError::Link)?;
        let cells = source.advice(0, rows, &[instances], &vec![None; system.num_challenges()])?;
        let blinding = system.blinding_factors() + 1;
        let value = |column: usize, row: usize| match cells.iter().find(|(own, _)| *own == column) {
            Some((_, cells)) => cells.element(row),
            None => Fr::ZERO,
        };
        linking.check_columns(value).map_err(ProvingError::Link)?;
        let coefficients = |column: usize| {
            let mut values: Vec<Fr> = (0..rows - blinding).map(|row| value(column, row)).collect();
            values.extend(randomness.blinding(column, blinding));
            link::interpolate(&mut values, k);
            values
        };
        let mu = *transcript.squeeze_challenge_scalar::<()>();
        let (quotient, difference) = commit(linking.quotient(mu, coefficients));
        // Where the random rows of all columns are those of the commitments: no challenge makes that happen.
        let no_point = |_| ProvingError::OwnProof;
        transcript.common_point(quotient).map_err(no_point)?;
        let z = *transcript.squeeze_challenge_scalar::<()>();
        let shown = linking.shown(mu, z, &difference, coefficients).map_err(ProvingError::Link)?;
        let (shown, _) = commit(shown);
        let mut bytes = Vec::with_capacity(POINT_BYTES * (links.len() + 2));
        for point in linking.points().chain([&quotient, &shown]) {
            bytes.extend([point.x, point.y].map(|coordinate| word_of(&coordinate)).as_flattened());
        }
        Ok(bytes)
    }
}
