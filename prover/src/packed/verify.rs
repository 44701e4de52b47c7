//! Verdicts: the checks are made in the order in which `docs/protocol.md` has them.

use super::gate::Operation;
use super::layout::horner;
use super::transcript::{Transcript, WORD, element, word};
use super::{Layout, VerifyingKey};
use super::{link, named};
use crate::domain::root_to;
use halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        CurveAffine,
        bn256::{Bn256, Fq, Fr, G1Affine},
        ff::Field,
        group::{Curve, Group, prime::PrimeCurveAffine},
        pairing::{MillerLoopResult, MultiMillerLoop},
    },
};

/// Why a proof is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There are more or fewer instances than the circuit has.
    #[error("there are {got} instances, expected {expected}")]
    InstanceCount {
        /// Those that came.
        got: usize,
        /// Those of the circuit.
        expected: usize,
    },
    /// The proof has another length than every proof of this circuit.
    #[error("the proof has {got} bytes, expected {expected}")]
    ProofLength {
        /// Bytes that came.
        got: usize,
        /// Bytes of every proof.
        expected: usize,
    },
    /// A scalar is not below the modulus; instances are counted, then the proof's evaluations.
    #[error("scalar {index} is not below the modulus")]
    ScalarOutOfRange {
        /// From 0 on.
        index: usize,
    },
    /// A point of the proof is not on the curve, or at infinity.
    #[error("point {index} of the proof is not on the curve")]
    PointNotOnCurve {
        /// From 0 on.
        index: usize,
    },
    /// A commitment that the proof brings has not the name among the instances.
    #[error("the commitment of link {link} is not the one that the instances name")]
    WrongName {
        /// From 0 on; named columns come after all links.
        link: usize,
    },
    /// A challenge is a point where the argument divides by zero.
    #[error("a challenge is a point where the argument divides by zero")]
    ChallengeInDomain,
    /// The proof does not prove the instances.
    #[error("the proof does not prove the instances")]
    InvalidProof,
}

/// A proof as it was read.
struct Proof<'a> {
    bytes: &'a [u8],
    /// Packs, the quotient, W, W', of links their commitments and one for all of them, and of named packs their commitments
    /// and what hides each.
    points: Vec<G1Affine>,
    evaluations: Vec<Fr>,
    /// Where the evaluations begin and end.
    middle: std::ops::Range<usize>,
}

impl<'a> Proof<'a> {
    fn read(layout: &Layout, bytes: &'a [u8], instances: usize) -> Result<Self, Refusal> {
        let (got, expected) = (bytes.len(), layout.proof_length());
        if got != expected {
            return Err(Refusal::ProofLength { got, expected });
        }
        let start = 64 * (layout.proof_packs() + 1);
        let middle = start..start + WORD * layout.num_evaluations();
        let mut points = Vec::new();
        let mut read_points = |bytes: &[u8]| {
            for bytes in bytes.as_chunks::<64>().0 {
                let index = points.len();
                points.push(finite(bytes).ok_or(Refusal::PointNotOnCurve { index })?);
            }
            Ok(())
        };
        read_points(&bytes[..start])?;
        let words = bytes[middle.clone()].as_chunks::<WORD>().0.iter().enumerate();
        let scalar = |(index, word)| {
            element(word).ok_or(Refusal::ScalarOutOfRange { index: instances + index })
        };
        let evaluations = words.map(scalar).collect::<Result<_, _>>()?;
        read_points(&bytes[middle.end..])?;
        Ok(Self { bytes, points, evaluations, middle })
    }

    fn point_bytes(&self, index: usize) -> &[u8] {
        &self.bytes[64 * index..64 * (index + 1)]
    }

    /// Behind the openings' two points.
    fn of_links(&self) -> &[u8] {
        &self.bytes[self.middle.end + 128..]
    }
}

/// A point that is not at infinity, which (0, 0) would stand for.
fn finite(bytes: &[u8; 64]) -> Option<G1Affine> {
    let [x, y] = bytes.as_chunks::<WORD>().0 else { return None };
    let (x, y): (Fq, Fq) = (element(x)?, element(y)?);
    Option::from(G1Affine::from_xy(x, y))
        .filter(|point: &G1Affine| !bool::from(point.is_identity()))
}

impl VerifyingKey {
    /// Whether a proof proves its instances, given column by column, and if not, why not.
    pub fn verify(&self, proof: &[u8], instances: &[Fr]) -> Result<(), Refusal> {
        let layout = &self.layout;
        let (got, expected) = (instances.len(), layout.num_instances());
        if got != expected {
            return Err(Refusal::InstanceCount { got, expected });
        }
        let proof = Proof::read(layout, proof, instances.len())?;
        let (packs, others) = proof.points.split_at(layout.proof_packs());
        let [quotient, w, last, of_links @ ..] = others else { return Err(Refusal::InvalidProof) };
        let (of_links, of_named) = of_links.split_at(layout.link_points());
        let (named, masks) = of_named.split_at(layout.named.len());
        let links = &layout.instances.links;
        for (link, (of, commitment)) in links.iter().zip(of_links).enumerate() {
            if word(&instances[layout.name(of)]) != link::name(of.class, commitment) {
                return Err(Refusal::WrongName { link });
            }
        }
        if let Some(of) = &layout.instances.named
            && word(&instances[layout.name_of_columns(of)]) != named::name(&self.digest, named)
        {
            return Err(Refusal::WrongName { link: links.len() });
        }
        let (last_of_links, of_columns) = proof.of_links().split_at(64 * of_links.len());
        let (commitments, difference) = last_of_links.split_at(64 * links.len());

        let mut transcript = Transcript::new(self.digest);
        instances.iter().for_each(|value| transcript.absorb(&word(value)));
        transcript.absorb(commitments);
        transcript.absorb(of_columns);
        let mut challenges = vec![Fr::ZERO; layout.num_challenges()];
        let mut point = 0;
        for phase in &layout.phases {
            for _ in &phase.packs {
                transcript.absorb(proof.point_bytes(point));
                point += 1;
            }
            for &challenge in &phase.challenges {
                challenges[challenge] = transcript.draw();
            }
        }
        for sum in &layout.instances.sums {
            let column = layout.instance_column(instances, sum.column);
            challenges[sum.challenge] = sum.value(column, |point| challenges[point]);
        }
        let y = transcript.draw();
        transcript.absorb(proof.point_bytes(point));
        transcript.absorb(difference);
        let x = transcript.draw();
        transcript.absorb(&proof.bytes[proof.middle.clone()]);
        let gamma = transcript.draw();
        transcript.absorb(&proof.bytes[proof.middle.end..proof.middle.end + 64]);
        let z = transcript.draw();

        let h = self.quotient(&proof.evaluations, instances, &challenges, y, x)?;
        let invert = |denominator: Fr| -> Result<Fr, Refusal> {
            Option::from(denominator.invert()).ok_or(Refusal::ChallengeInDomain)
        };
        let (mut scalars, mut value, mut power) = (Vec::new(), Fr::ZERO, Fr::ONE);
        let mut rest = &proof.evaluations[..];
        for pack in layout.packs() {
            let to_width = z.pow_vartime([pack.width as u64]);
            let mut scalar = Fr::ZERO;
            for &rotation in &pack.rotations {
                let (of_point, others) = rest.split_at(pack.slots.len());
                rest = others;
                let s = power * invert(to_width - x * root_to(layout.k, rotation))?;
                scalar += s;
                value += s * horner(of_point, z);
                power *= gamma;
            }
            scalars.push(scalar);
        }
        let s = power * invert(z - x)?;
        value += s * h;

        // Of links, as one more polynomial that is opened at x.
        let (s_link, mut of_link, mut scalars_of_links) = (s * gamma, s * gamma, Vec::new());
        for link in links {
            let inverse = link::inverse_vanishing(link.class, x);
            let scalar = of_link * inverse.ok_or(Refusal::ChallengeInDomain)?;
            let column = layout.advice(link.column, 0);
            value += scalar * column.map_or(Fr::ZERO, |at| proof.evaluations[at]);
            scalars_of_links.push(scalar);
            of_link *= y;
        }
        if !links.is_empty() {
            scalars_of_links.push(s_link);
        }

        // What hides a named pack in this proof counts as often as it is not 0 on its rows.
        let first_named = scalars.len() - named.len();
        let vanishing = named::vanishing(layout.k, x).ok_or(Refusal::ChallengeInDomain)?;
        let of_masks: Vec<Fr> = scalars[first_named..].iter().map(|s| *s * vanishing).collect();

        let key = self.commitments.iter().chain(named);
        let points = packs.iter().chain(key).chain([quotient, w, last, &self.g1]);
        let points: Vec<G1Affine> = points.chain(of_links).chain(masks).copied().collect();
        scalars.extend([s, -Fr::ONE, z, -value]);
        scalars.extend(scalars_of_links);
        scalars.extend(of_masks);
        let left = best_multiexp(&scalars, &points).to_affine();
        let product =
            Bn256::multi_miller_loop(&[(&left, &self.g2.into()), (&-*last, &self.tau_g2.into())]);
        if bool::from(product.final_exponentiation().is_identity()) {
            Ok(())
        } else {
            Err(Refusal::InvalidProof)
        }
    }

    /// The gates at x, folded by powers of y, over xⁿ − 1.
    fn quotient(
        &self,
        evaluations: &[Fr],
        instances: &[Fr],
        challenges: &[Fr],
        y: Fr,
        x: Fr,
    ) -> Result<Fr, Refusal> {
        let layout = &self.layout;
        let vanishing = x.pow_vartime([1_u64 << layout.k]) - Fr::ONE;
        let inverse: Option<Fr> = vanishing.invert().into();
        let inverse = inverse.ok_or(Refusal::ChallengeInDomain)?;
        let opened = |at: Option<usize>| at.map_or(Fr::ZERO, |at| evaluations[at]);
        let cell = |operation: &Operation| match *operation {
            Operation::Advice { column, rotation } => opened(layout.advice(column, rotation)),
            Operation::Fixed { column, rotation } => opened(layout.fixed(column, rotation)),
            Operation::Instance { column, rotation } => {
                let values = layout.instance_column(instances, column);
                interpolated(values, x * root_to(layout.k, rotation), layout.k)
            }
            Operation::Challenge(index) => challenges[index],
            _ => unreachable!("it looks at no cell"),
        };
        let gates = self.gates.iter();
        let sum = gates.fold(Fr::ZERO, |sum, gate| sum * y + gate.evaluate(cell));
        Ok(sum * inverse)
    }
}

/// The value at a point off the rows of what has these values on the first rows, and 0 on the others.
fn interpolated(values: &[Fr], point: Fr, k: u32) -> Fr {
    let omega = root_to(k, 1);
    let mut row = Fr::ONE;
    let sum: Fr = values
        .iter()
        .map(|value| {
            let difference = point - row;
            let term = *value * row * difference.invert().unwrap_or(Fr::ZERO);
            row *= omega;
            term
        })
        .sum();
    let n = 1_u64 << k;
    let rows = Fr::from(n).invert().expect("n is not 0");
    sum * (point.pow_vartime([n]) - Fr::ONE) * rows
}
