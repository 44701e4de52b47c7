//! Many proofs, one pairing.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use zkverdict::{
    evm::Outcome,
    solidity::{Refusal, verify_batch_calldata},
};

use crate::{
    fixture::{Case, RICH, verdict},
    random_circuit::RandomCircuit,
    spec::Spec,
};

/// Proofs of the rich circuit for different instances.
fn batch(size: u64) -> (Vec<Vec<u8>>, Vec<Vec<Fr>>) {
    batch_of(&RICH, size)
}

fn batch_of(case: &Case, size: u64) -> (Vec<Vec<u8>>, Vec<Vec<Fr>>) {
    let prove = |seed| {
        let circuit = RandomCircuit::new(&case.circuit.spec, 77 + seed);
        let instances = circuit.instances.clone();
        let proof = case.fixture.prove(circuit, &instances, seed);
        assert!(case.fixture.accepts(&proof, &instances));
        (proof, instances.concat())
    };
    (0..size).map(prove).unzip()
}

fn refusal(proofs: &[Vec<u8>], instances: &[Vec<Fr>]) -> Refusal {
    let run = RICH.deploy().call(&verify_batch_calldata(proofs, instances));
    verdict(&run).unwrap_err()
}

#[test]
fn batch_of_eight_costs_at_most_three_fifths_of_eight_calls() {
    let case = Case::new(&Spec::model_like(), 1);
    let (proofs, instances) = batch_of(&case, 8);
    let mut deployed = case.deploy();
    for size in [1, 2, 3, 8] {
        let calldata = verify_batch_calldata(&proofs[..size], &instances[..size]);
        let run = deployed.call(&calldata);
        assert_eq!(verdict(&run), Ok(()), "{size} proofs");
        let single = deployed.verify(&proofs[0], &[instances[0].clone()]).gas.total;
        println!("{size}: {} gas, {single} for one call", run.gas.total);
        if size == 8 {
            assert!(run.gas.total * 5 <= single * 8 * 3, "{} gas", run.gas.total);
        }
    }
}

#[test]
fn same_proof_twice_is_accepted() {
    let (mut proofs, mut instances) = batch(1);
    proofs.push(proofs[0].clone());
    instances.push(instances[0].clone());
    let run = RICH.deploy().call(&verify_batch_calldata(&proofs, &instances));
    assert_eq!(verdict(&run), Ok(()));
}

#[test]
fn one_bad_proof_among_many_is_refused() {
    let (proofs, instances) = batch(4);
    let evaluation = RICH.proof.len() - 0x80 - 1;
    for bad in 0..4 {
        let mut wrong = proofs.clone();
        wrong[bad][evaluation] ^= 1;
        assert_eq!(refusal(&wrong, &instances), Refusal::InvalidProof);
        let mut wrong = instances.clone();
        wrong[bad][0] += Fr::ONE;
        assert_eq!(refusal(&proofs, &wrong), Refusal::InvalidProof);
        let mut wrong = proofs.clone();
        wrong[bad][..32].fill(0xff);
        assert_eq!(refusal(&wrong, &instances), Refusal::PointNotOnCurve { index: 0 });
    }
}

#[test]
fn exchanged_instances_are_refused() {
    let (proofs, mut instances) = batch(2);
    instances.swap(0, 1);
    assert_eq!(refusal(&proofs, &instances), Refusal::InvalidProof);
}

#[test]
fn opposite_errors_do_not_cancel_out() {
    // The last proofs of opening (W′) exchanged: the sum over both proofs without weights is the same on the
    // side of [τ]₂, and for the same proof twice on both sides.
    let (proof, instances) = batch(1);
    let mut proofs = vec![proof[0].clone(), proof[0].clone()];
    let at = proofs[0].len() - 0x40;
    // −W′ in one of the two.
    let y: [u8; 32] = proofs[0][at + 0x20..].try_into().unwrap();
    let negated = {
        use halo2_proofs::halo2curves::{bn256::Fq, ff::PrimeField};
        let mut little = y;
        little.reverse();
        let mut negated = (-Fq::from_repr(little).unwrap()).to_repr();
        negated.reverse();
        negated
    };
    proofs[1][at + 0x20..].copy_from_slice(&negated);
    let instances = vec![instances[0].clone(), instances[0].clone()];
    assert_eq!(refusal(&proofs, &instances), Refusal::InvalidProof);
}

#[test]
fn empty_batch_is_refused() {
    assert_eq!(refusal(&[], &[]), Refusal::EmptyBatch);
}

#[test]
fn batch_without_as_many_instances_as_proofs_is_refused() {
    let (proofs, instances) = batch(2);
    assert_eq!(refusal(&proofs, &instances[..1]), Refusal::BatchLength { proofs: 2, instances: 1 });
    assert_eq!(refusal(&[], &instances), Refusal::BatchLength { proofs: 0, instances: 2 });
}

#[test]
fn malformed_member_is_refused() {
    let (proofs, instances) = batch(2);
    let expected = proofs[0].len() as u64;

    let mut shorter = proofs.clone();
    shorter[1].truncate(expected as usize - 32);
    let refused = refusal(&shorter, &instances);
    assert_eq!(refused, Refusal::MalformedCalldata);

    // As many bytes in all, in another place.
    let mut moved = shorter.clone();
    moved[0].extend([0; 32]);
    let refused = refusal(&moved, &instances);
    assert_eq!(refused, Refusal::ProofLength { got: expected + 32, expected });
    let mut moved = instances.clone();
    let last = moved[1].pop().unwrap();
    moved[0].push(last);
    let count = instances[0].len() as u64;
    let refused = refusal(&proofs, &moved);
    assert_eq!(refused, Refusal::InstanceCount { got: count + 1, expected: count });

    // Lengths that are not what the offsets say.
    let calldata = verify_batch_calldata(&proofs, &instances);
    let first_proof = 0x64 + 0x40;
    let first_list = calldata.len() - 2 * (0x20 + 0x20 * instances[0].len());
    for (at, refused) in [
        (first_proof, Refusal::ProofLength { got: expected + 1, expected }),
        (first_list, Refusal::InstanceCount { got: count + 1, expected: count }),
    ] {
        let mut wrong = calldata.clone();
        wrong[at + 31] += 1;
        let run = RICH.deploy().call(&wrong);
        assert_eq!(verdict(&run), Err(refused));
    }
}

#[test]
fn trailing_calldata_is_refused() {
    let (proofs, instances) = batch(1);
    let mut calldata = verify_batch_calldata(&proofs, &instances);
    calldata.extend([0; 32]);
    let run = RICH.deploy().call(&calldata);
    assert_eq!(verdict(&run), Err(Refusal::MalformedCalldata));
}

#[test]
fn offsets_out_of_the_calldata_are_refused() {
    let (proofs, instances) = batch(2);
    let calldata = verify_batch_calldata(&proofs, &instances);
    // The offsets of the two arguments: Solidity's own decoder refuses them, without data.
    for at in [4, 0x24] {
        let mut wrong = calldata.clone();
        wrong[at..at + 32].fill(0xff);
        let run = RICH.deploy().call(&wrong);
        assert_eq!(run.outcome, Outcome::Reverted(vec![]));
    }
    // The offsets of the proofs and of a list of instances.
    let first_list = calldata.len() - 2 * (0x20 + 0x20 * instances[0].len());
    for at in [0x64, 0x84, first_list - 0x40] {
        for value in [0, 0xff] {
            let mut wrong = calldata.clone();
            wrong[at..at + 32].fill(value);
            let run = RICH.deploy().call(&wrong);
            assert_eq!(verdict(&run), Err(Refusal::MalformedCalldata));
        }
    }
}
