//! Contracts of keys with links, of a circuit whose columns hold the words of commitments.

#[allow(dead_code, reason = "the prover's tests need more of it")]
#[path = "../../prover/tests/packed/circuit.rs"]
pub mod circuit;

use super::{Case, Deployed, verdict};
use circuit::Walk;
use halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::{Field, PrimeField},
    },
    plonk::{Circuit, ConstraintSystem},
};
use std::sync::LazyLock;
use zkverdict::{
    evm::Fork,
    proving::Powers,
    solidity::{Refusal, verify_batch_calldata, verify_proof_calldata},
};
use zkverdict_prover::{
    Arithmetic, Options, Synthesized,
    packed::{self as library, Commitment, ProvingKey, Widths, link},
};

pub static POWERS: LazyLock<Powers> = LazyLock::new(|| Powers::unsafe_dev(7 << 8));

/// The circuit with links of these classes, and proofs of it, each of commitments of its own.
fn case(rows: usize, k: u32, classes: &[u32], proofs: usize) -> Case {
    let Powers { g1, g2, .. } = &*POWERS;
    let walk = Walk::new(rows);
    let mut system = ConstraintSystem::default();
    Walk::configure_with_params(&mut system, walk.params());
    let widths = Widths { phases: vec![3, 2], key: 7 };
    let string = library::Powers { g1, g2: *g2 };
    let public = Walk::public_with_links(classes);
    let (source, best) = (Synthesized(&walk), Arithmetic::best());
    let key = ProvingKey::new(string, k, &system, &source, &public, &widths, best).unwrap();
    let prove = |_| {
        let words = |(&class, column): (&u32, usize)| walk.words(column, 1 << (k - class));
        let words = classes.iter().zip([0, 3]).map(words);
        let commit = |words| Commitment::new(g1, words, link::draw_blinding()).unwrap();
        let commitments: Vec<Commitment> = words.map(commit).collect();
        let names = classes.iter().zip(&commitments).map(|(&class, of)| name(class, &of.point));
        let walk = Walk { names: names.collect(), ..walk.clone() };
        let [a, b] = walk.instances();
        let source = Synthesized(&walk);
        let (proof, _) = key.prove(&source, &[&a, &b], &commitments, &Options::default()).unwrap();
        assert_eq!(key.verifying().verify(&proof, &walk.instances().concat()), Ok(()));
        (proof, [a, b].concat())
    };
    let (made, instances) = (0..proofs).map(prove).unzip();
    Case::of(key, system, made, instances)
}

fn name(class: u32, point: &G1Affine) -> Fr {
    scalar(link::name(class, point))
}

/// The number in a word.
pub fn scalar(mut word: [u8; 32]) -> Fr {
    word.reverse();
    Fr::from_repr(word).unwrap()
}

/// Links of two classes, one of them over a shorter domain than the circuit's.
pub static TWO: LazyLock<Case> = LazyLock::new(|| case(94, 7, &[6, 7], 3));

#[test]
fn a_link_costs_what_is_foretold() {
    let mut before = None;
    // None, as many rows as the commitment's domain has, more, two of one class, two of different classes.
    for (k, classes, most) in [
        (7, &[][..], 0),
        (7, &[7][..], 20_000),
        (8, &[][..], 0),
        (8, &[7][..], 20_000),
        (8, &[7, 7][..], 8_500),
        (8, &[7, 8][..], 10_000),
    ] {
        let rows = if classes.contains(&8) { 202 } else { 94 << (k - 7) };
        let case = case(rows, k, classes, 1);
        let mut deployed = case.deploy(Fork::default());
        let run = deployed.call(&case.claim(0).calldata());
        assert_eq!(verdict(&run), Ok(()));
        let estimate = case.contract.estimate_gas();
        let words = case.claim(0).instances;
        let estimate = estimate.with_instances(&words);
        println!("k {k}, {classes:?}: {:?}, {} bytes, {estimate:?}", run.gas, deployed.bytes);
        for (estimated, measured) in
            [(estimate.total, run.gas.total), (estimate.execution, run.gas.execution)]
        {
            assert!(100 * estimated.abs_diff(measured) <= measured, "{estimated} {measured}");
        }
        assert_eq!(estimate.proof_bytes, case.proofs[0].len());
        let bytes = (estimate.runtime_bytes, deployed.bytes);
        assert!(10 * bytes.0.abs_diff(bytes.1) <= bytes.1, "{bytes:?}");
        if let Some(before) = before.filter(|_| most > 0) {
            let more = run.gas.total - before;
            println!("{more} more");
            assert!(more <= most, "{classes:?}: {more}");
        }
        if classes.len() < 2 {
            before = Some(run.gas.total);
        }
    }
}

pub fn call(deployed: &mut Deployed, proof: &[u8], instances: &[Fr]) -> Result<(), Refusal> {
    verdict(&deployed.call(&verify_proof_calldata(proof, instances)))
}

#[test]
fn a_contract_takes_the_commitments_that_the_instances_name() {
    let case = &*TWO;
    let mut deployed = case.deploy(Fork::Prague);
    let (proof, instances) = (&case.proofs[0], &case.instances[0]);
    let start = proof.len() - 64 * 3;
    let mut with = |at: usize, bytes: &[u8], instances: &[Fr]| {
        let mut proof = proof.clone();
        proof[at..at + bytes.len()].copy_from_slice(bytes);
        call(&mut deployed, &proof, instances)
    };
    assert_eq!(with(start, &[], instances), Ok(()));
    let mut generator = [0; 64];
    (generator[31], generator[63]) = (1, 2);
    for (link, class) in [(0, 6), (1, 7)] {
        // A forged name, another commitment with the name as it was, and with its own.
        let mut renamed = instances.clone();
        renamed[1 + link] += Fr::ONE;
        let refused = Err(Refusal::WrongName { link: link as u64 });
        assert_eq!(with(start, &[], &renamed), refused);
        let at = start + 64 * link;
        let theirs = &case.proofs[1][at..at + 64];
        assert_eq!(with(at, theirs, instances), refused);
        renamed[1 + link] = case.instances[1][1 + link];
        assert_eq!(with(at, theirs, &renamed), Err(Refusal::InvalidProof));
        assert_eq!(with(at, &generator, instances), refused);
        renamed[1 + link] = name(class, &G1Affine::generator());
        assert_eq!(with(at, &generator, &renamed), Err(Refusal::InvalidProof));
        // Names are of a class.
        renamed[1 + link] = name(13 - class, &G1Affine::generator());
        assert_eq!(with(at, &generator, &renamed), refused);
        // Infinity.
        let index = 5 + link as u64;
        assert_eq!(with(at, &[0; 64], instances), Err(Refusal::PointNotOnCurve { index }));
    }
    // The links' quotient.
    let at = start + 128;
    assert_eq!(with(at, &generator, instances), Err(Refusal::InvalidProof));
    assert_eq!(with(at, &case.proofs[1][at..], instances), Err(Refusal::InvalidProof));
    assert_eq!(with(at, &[0; 64], instances), Err(Refusal::PointNotOnCurve { index: 7 }));
    // Both commitments exchanged.
    let swapped = [&proof[start + 64..start + 128], &proof[start..start + 64]].concat();
    assert_eq!(with(start, &swapped, instances), Err(Refusal::WrongName { link: 0 }));
}

#[test]
fn batches_are_of_the_commitments_that_their_instances_name() {
    let case = &*TWO;
    let (proofs, instances) = (&case.proofs, &case.instances);
    let mut deployed = case.deploy(Fork::Prague);
    let mut call = |proofs: &[Vec<u8>], instances: &[Vec<Fr>]| {
        verdict(&deployed.call(&verify_batch_calldata(proofs, instances)))
    };
    for size in 1..=3 {
        assert_eq!(call(&proofs[..size], &instances[..size]), Ok(()), "{size} proofs");
    }
    for (wrong, link) in (0..3).flat_map(|wrong| (0..2).map(move |link| (wrong, link))) {
        let mut renamed = instances.clone();
        renamed[wrong][1 + link] = instances[(wrong + 1) % 3][1 + link];
        let refused = Err(Refusal::WrongName { link: link as u64 });
        assert_eq!(call(proofs, &renamed), refused);
        // With the commitment itself.
        let mut exchanged = proofs.clone();
        let at = proofs[0].len() - 64 * (3 - link);
        let theirs = proofs[(wrong + 1) % 3][at..at + 64].to_vec();
        exchanged[wrong][at..at + 64].copy_from_slice(&theirs);
        assert_eq!(call(&exchanged, &renamed), Err(Refusal::InvalidProof));
    }
    // The links' quotients of two members, exchanged.
    let mut exchanged = proofs.clone();
    let at = proofs[0].len() - 64;
    for (member, other) in [(0, 1), (1, 0)] {
        exchanged[member][at..].copy_from_slice(&proofs[other][at..]);
    }
    assert_eq!(call(&exchanged, instances), Err(Refusal::InvalidProof));
}

#[test]
fn contracts_without_links_say_nothing_of_them() {
    let without = case(94, 7, &[], 1).contract.render().unwrap().source;
    let with = TWO.contract.render().unwrap().source;
    for word in ["WrongName", "packed_links", "links' quotient"] {
        assert!(!without.contains(word) && with.contains(word), "{word}");
    }
}
