//! Contracts of keys with named columns: what proofs bring of them, and what instances call it.

use super::links::{
    POWERS, call,
    circuit::{Extra, Walk},
    scalar,
};
use super::{Case, Deployed, verdict};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{Circuit, ConstraintSystem},
};
use std::sync::LazyLock;
use zkverdict::{
    evm::Fork,
    solidity::{Refusal, verify_batch_calldata},
};
use zkverdict_prover::{
    Arithmetic, Options, Synthesized,
    packed::{self as library, Commitment, Instances, Named, ProvingKey, Widths, link},
};

const K: u32 = 7;

/// Two packs of one named column each, behind a link; each proof about commitments of its own.
pub static TWO: LazyLock<Case> = LazyLock::new(|| {
    let walk = Walk { extra: Extra::Named, ..Walk::new(94) };
    let mut system = ConstraintSystem::default();
    Walk::configure_with_params(&mut system, walk.params());
    let widths = Widths { phases: vec![3, 2], key: 1 };
    let string = library::Powers { g1: &POWERS.g1, g2: POWERS.g2 };
    let named = Named { columns: vec![3, 4], instance_column: 0, number: 2 };
    let mut public = Walk::public_with_links(&[6]);
    public.counts[0] += 1;
    let public = Instances { named: Some(named), ..public };
    let (source, best) = (Synthesized(&walk), Arithmetic::best());
    let key = ProvingKey::new(string, K, &system, &source, &public, &widths, best).unwrap();
    let prove = |_| {
        let words = walk.words(0, 1 << (K - 6));
        let linked = Commitment::new(&POWERS.g1, words, link::draw_blinding()).unwrap();
        let blindings = vec![link::draw_blinding(), link::draw_blinding()];
        let columns = key.commit_columns(walk.named(), blindings).unwrap();
        let names = vec![
            scalar(link::name(6, &linked.point)),
            scalar(key.verifying().name_of_columns(&columns.points)),
        ];
        let walk = Walk { names, ..walk.clone() };
        let [a, b] = walk.instances();
        let (source, options) = (Synthesized(&walk), Options::default());
        let made = key.prove_with_columns(&source, &[&a, &b], &[linked], Some(&columns), &options);
        let (proof, _) = made.unwrap();
        let instances = [a, b].concat();
        assert_eq!(key.verifying().verify(&proof, &instances), Ok(()));
        (proof, instances)
    };
    let (proofs, instances) = (0..3).map(prove).unzip();
    Case::of(key, system, proofs, instances)
});

/// Where commitments begin in a proof, and what hides them in it.
fn places(case: &Case) -> (usize, usize) {
    let end = case.proofs[0].len();
    (end - 4 * 64, end - 2 * 64)
}

#[test]
fn a_contract_takes_the_columns_that_the_instances_name() {
    let case = &*TWO;
    let mut deployed: Deployed = case.deploy(Fork::Prague);
    let (proof, instances) = (&case.proofs[0], &case.instances[0]);
    let (theirs, their_instances) = (&case.proofs[1], &case.instances[1]);
    let (columns, masks) = places(case);
    let mut with = |at: usize, bytes: &[u8], instances: &[Fr]| {
        let mut proof = proof.clone();
        proof[at..at + bytes.len()].copy_from_slice(bytes);
        call(&mut deployed, &proof, instances)
    };
    assert_eq!(with(columns, &[], instances), Ok(()));
    // Another name, other columns under the name of these, and under their own.
    let refused = Err(Refusal::WrongName { link: 1 });
    let mut renamed = instances.clone();
    renamed[2] += Fr::ONE;
    assert_eq!(with(columns, &[], &renamed), refused);
    assert_eq!(with(columns, &theirs[columns..masks], instances), refused);
    renamed[2] = their_instances[2];
    assert_eq!(with(columns, &[], &renamed), refused);
    assert_eq!(with(columns, &theirs[columns..masks], &renamed), Err(Refusal::InvalidProof));
    // One of two, both exchanged, negated, infinity.
    assert_eq!(with(columns, &theirs[columns..columns + 64], instances), refused);
    let swapped = [&proof[columns + 64..masks], &proof[columns..columns + 64]].concat();
    assert_eq!(with(columns, &swapped, instances), refused);
    let [negated, of_mask] = [columns, masks].map(|at| {
        let y = scalar_of_field(&proof[at + 32..at + 64]);
        (-y).to_bytes().into_iter().rev().collect::<Vec<u8>>()
    });
    assert_eq!(with(columns + 32, &negated, instances), refused);
    let first = 5 + 2;
    for (number, at) in (columns..masks + 128).step_by(64).enumerate() {
        let index = first + number as u64;
        assert_eq!(with(at, &[0; 64], instances), Err(Refusal::PointNotOnCurve { index }));
    }
    // What hides them in this proof.
    assert_eq!(with(masks + 32, &of_mask, instances), Err(Refusal::InvalidProof));
    assert_eq!(with(masks, &theirs[masks..], instances), Err(Refusal::InvalidProof));
    let swapped = [&proof[masks + 64..], &proof[masks..masks + 64]].concat();
    assert_eq!(with(masks, &swapped, instances), Err(Refusal::InvalidProof));
}

fn scalar_of_field(bytes: &[u8]) -> halo2_proofs::halo2curves::bn256::Fq {
    let mut bytes: [u8; 32] = bytes.try_into().unwrap();
    bytes.reverse();
    halo2_proofs::halo2curves::bn256::Fq::from_bytes(&bytes).unwrap()
}

#[test]
fn batches_are_of_the_columns_that_their_instances_name() {
    let case = &*TWO;
    let (proofs, instances) = (&case.proofs, &case.instances);
    let mut deployed = case.deploy(Fork::Prague);
    let mut call = |proofs: &[Vec<u8>], instances: &[Vec<Fr>]| {
        verdict(&deployed.call(&verify_batch_calldata(proofs, instances)))
    };
    for size in 1..=3 {
        assert_eq!(call(&proofs[..size], &instances[..size]), Ok(()), "{size} proofs");
    }
    let (columns, masks) = places(case);
    for wrong in 0..3 {
        let other = (wrong + 1) % 3;
        let mut renamed = instances.clone();
        renamed[wrong][2] = instances[other][2];
        assert_eq!(call(proofs, &renamed), Err(Refusal::WrongName { link: 1 }));
        let mut exchanged = proofs.clone();
        exchanged[wrong][columns..masks].copy_from_slice(&proofs[other][columns..masks]);
        assert_eq!(call(&exchanged, &renamed), Err(Refusal::InvalidProof));
    }
    // What hides the columns of two members, exchanged.
    let mut exchanged = proofs.clone();
    for (member, other) in [(0, 1), (1, 0)] {
        exchanged[member][masks..].copy_from_slice(&proofs[other][masks..]);
    }
    assert_eq!(call(&exchanged, instances), Err(Refusal::InvalidProof));
}
