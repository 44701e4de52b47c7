//! Links tell nothing beyond their commitments: who knows the string's secret makes all else of them.

use super::links::{Linked, point, scalar, words};
use super::slow::{Transcript, evaluate, fold, interpolate, inverse_vanishing, omega, power};
use super::{PARAMS, widths};
use halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1, G1Affine, G2Affine},
        ff::{Field, PrimeField},
        group::{Curve, prime::PrimeCurveAffine},
    },
    poly::commitment::ParamsProver,
};
use rand::{SeedableRng, rngs::StdRng};
use zkverdict_prover::packed::{Link, Operation};

/// The number that the string is made of, which nobody would know.
fn tau() -> Fr {
    let tau = Fr::random(StdRng::seed_from_u64(5));
    assert_eq!(PARAMS.s_g2(), (G2Affine::generator() * tau).to_affine());
    tau
}

/// Who knows τ makes links' point and the openings of the commitments alone, knowing neither words nor blinding.
#[test]
fn a_simulator_makes_the_points_of_links_from_commitments_alone() {
    let linked = Linked::new(94, 7, &[6, 7], 1);
    let key = linked.key(&widths(&[1, 1], 1));
    let proof = linked.prove(&key, 3).expect("there is a witness");
    let (verifying, instances) = (key.verifying(), linked.circuit.instances().concat());
    let (layout, tau) = (verifying.layout(), tau());
    let packs = layout.proof_packs();
    let evaluations_at = 64 * (packs + 1);
    let openings_at = evaluations_at + 32 * layout.num_evaluations();
    let links_at = openings_at + 128;
    let point_at = |index: usize| point(&proof[64 * index..][..64]);

    let mut transcript = Transcript::default();
    transcript.buffer.extend(verifying.digest());
    let absorb = |transcript: &mut Transcript, bytes: &[u8]| transcript.buffer.extend(bytes);
    instances.iter().for_each(|value| {
        let mut word = value.to_repr();
        word.reverse();
        absorb(&mut transcript, &word);
    });
    absorb(&mut transcript, &proof[links_at..links_at + 128]);
    absorb(&mut transcript, &proof[..192]);
    let challenge = transcript.draw();
    absorb(&mut transcript, &proof[192..256]);
    let y = transcript.draw();
    absorb(&mut transcript, &proof[256..320]);
    absorb(&mut transcript, &proof[links_at + 128..]);
    let x = transcript.draw();
    absorb(&mut transcript, &proof[evaluations_at..openings_at]);
    let gamma = transcript.draw();
    absorb(&mut transcript, &proof[openings_at..openings_at + 64]);
    let z = transcript.draw();
    assert_eq!((packs, evaluations_at), (4, 320));

    // δ(τ), in the exponent: the columns are in packs of their own.
    let column_of = |link: &Link| {
        let mut packs = layout.phases.iter().flat_map(|phase| &phase.packs);
        packs.position(|pack| pack.slots[0].column == link.column).expect("it is packed")
    };
    let commitments: Vec<G1Affine> =
        (0..2).map(|link| point(&proof[links_at + 64 * link..][..64])).collect();
    let links = || layout.instances.links.iter().zip(&commitments).enumerate();
    let made: G1 = links()
        .map(|(index, (link, commitment))| {
            let factor = power(y, index as i64) * inverse_vanishing(link.class, tau);
            (point_at(column_of(link)).to_curve() - commitment) * factor
        })
        .sum();
    assert_eq!(words(&made.to_affine()), proof[links_at + 128..]);

    // What gates are at x, from the values.
    let values: Vec<Fr> = proof[evaluations_at..openings_at]
        .chunks(32)
        .map(|word| scalar(word.try_into().expect("a word")))
        .collect();
    let columns: Vec<Vec<Fr>> = linked
        .circuit
        .instances()
        .into_iter()
        .map(|mut column| {
            column.resize(1 << layout.k, Fr::ZERO);
            interpolate(&column, Fr::ONE)
        })
        .collect();
    let sum = evaluate(&linked.circuit.instances()[1][1..], Fr::from(3) * challenge);
    let gates = fold(verifying, y, |operation| match *operation {
        Operation::Fixed { column, rotation } => values[layout.fixed(column, rotation).unwrap()],
        Operation::Advice { column, rotation } => values[layout.advice(column, rotation).unwrap()],
        Operation::Instance { column, rotation } => {
            evaluate(&columns[column], x * power(omega(layout.k), rotation.into()))
        }
        Operation::Challenge(0) => challenge,
        Operation::Challenge(_) => sum,
        _ => unreachable!("it looks at no cell"),
    });
    let h = gates * (power(x, 1 << layout.k) - Fr::ONE).invert().unwrap();

    // Each term as (point, value at z, denominator at τ, denominator at z).
    let generator = PARAMS.get_g()[0];
    let mut terms: Vec<(G1, Fr, Fr)> = vec![];
    let mut rest = &values[..];
    let committed: Vec<G1Affine> =
        (0..packs).map(point_at).chain(verifying.commitments().iter().copied()).collect();
    for (pack, commitment) in layout.packs().zip(committed) {
        for &rotation in &pack.rotations {
            let p = x * power(omega(layout.k), rotation.into());
            terms.push((commitment.to_curve(), rest[0], p));
            rest = &rest[1..];
        }
    }
    terms.push((point_at(packs).to_curve(), h, x));
    let (mut opened, mut value) = (made, Fr::ZERO);
    for (index, (link, commitment)) in links() {
        let factor = power(y, index as i64) * inverse_vanishing(link.class, x);
        opened += *commitment * factor;
        value += factor * values[layout.advice(link.column, 0).unwrap()];
    }
    terms.push((opened, value, x));
    let quotient = |at: Fr| -> G1 {
        let term = |(index, (point, value, p)): (usize, &(G1, Fr, Fr))| {
            let factor = power(gamma, index as i64) * (at - p).invert().unwrap();
            (*point - generator * value) * factor
        };
        terms.iter().enumerate().map(term).sum()
    };
    let w = quotient(tau);
    assert_eq!(words(&w.to_affine()), proof[openings_at..openings_at + 64]);
    let last = (quotient(z) - w) * (tau - z).invert().unwrap();
    assert_eq!(words(&last.to_affine()), proof[openings_at + 64..links_at]);
}
