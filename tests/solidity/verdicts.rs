//! The Rust and the Solidity verifier give the same verdict on the same bytes.

use halo2_proofs::halo2curves::bn256::Fr;
use rand::{Rng, SeedableRng, rngs::StdRng};
use zkverdict::{evm::Fork, proving::proof_length, solidity::CompilerSettings};

use crate::{
    fixture::{Deployed, Fixture, compile, srs, verdict},
    random_circuit::RandomCircuit,
    spec::Spec,
};

/// Circuits with seeds `from`, `from + step`, …, 26 of them; four tests make 104.
const CIRCUITS: u64 = 26;
const TESTS: u64 = 4;

fn settings(seed: u64) -> CompilerSettings {
    let mut settings = CompilerSettings::default();
    // Mostly the default; compiling through Yul takes longer.
    settings.via_ir = seed.is_multiple_of(13);
    settings.optimizer = !seed.is_multiple_of(3);
    settings
}

/// Changes a proof or its instances somewhere.
fn mutate(proof: &mut [u8], instances: &mut [Vec<Fr>], rng: &mut StdRng) {
    let words = proof.len() / 32;
    let at = rng.gen_range(0..words) * 32;
    match rng.gen_range(0..6) {
        0 => proof[rng.gen_range(0..words * 32)] ^= 1 << rng.gen_range(0..8),
        1 => proof[at..at + 32].fill(0),
        2 => proof[at..at + 32].fill(0xff),
        3 => {
            let other = rng.gen_range(0..words) * 32;
            for i in 0..32 {
                proof.swap(at + i, other + i);
            }
        }
        4 => {
            let other = rng.gen_range(0..words) * 32;
            proof.copy_within(other..other + 32, at);
        }
        _ => {
            let filled: Vec<&mut Vec<Fr>> =
                instances.iter_mut().filter(|c| !c.is_empty()).collect();
            let count = filled.len().max(1);
            if let Some(column) = filled.into_iter().nth(rng.gen_range(0..count)) {
                let row = rng.gen_range(0..column.len());
                column[row] += Fr::from(rng.gen_range(0..3));
            }
        }
    }
}

fn same_verdicts(seed: u64) {
    let spec = Spec::random(seed);
    let circuit = RandomCircuit::new(&spec, seed);
    let fixture = Fixture::new(srs(spec.k, 1), &circuit, spec.compress_selectors);
    let instances = circuit.instances.clone();
    let proof = fixture.prove(circuit, &instances, seed);
    let contract = fixture.contract(&spec.instance_counts);
    let compiled = compile(&contract, settings(seed));
    let mut deployed = Deployed::new(&compiled, Fork::default());

    assert_eq!(proof_length(fixture.pk.get_vk().cs()), proof.len(), "seed {seed}");
    assert!(fixture.accepts(&proof, &instances), "seed {seed}: Rust refuses");
    assert_eq!(verdict(&deployed.verify(&proof, &instances)), Ok(()), "seed {seed}");
    if settings(seed) == CompilerSettings::default() {
        let measured = deployed.verify(&proof, &instances).gas.total;
        let predicted = contract.estimate_gas().total;
        let difference = measured.abs_diff(predicted);
        println!("seed {seed}: {predicted} predicted, {measured} measured");
        assert!(
            100 * difference <= measured,
            "seed {seed}: {predicted} predicted, {measured} measured"
        );
    }
    let rng = &mut StdRng::seed_from_u64(seed);
    for round in 0..8 {
        let (mut proof, mut instances) = (proof.clone(), instances.clone());
        mutate(&mut proof, &mut instances, rng);
        let rust = fixture.accepts(&proof, &instances);
        let solidity = verdict(&deployed.verify(&proof, &instances));
        assert_eq!(rust, solidity.is_ok(), "seed {seed}, round {round}: {solidity:?}");
    }
}

fn test(index: u64) {
    for i in 0..CIRCUITS {
        same_verdicts(i * TESTS + index);
    }
}

#[test]
fn random_circuits_get_the_same_verdicts_1() {
    test(0);
}

#[test]
fn random_circuits_get_the_same_verdicts_2() {
    test(1);
}

#[test]
fn random_circuits_get_the_same_verdicts_3() {
    test(2);
}

#[test]
fn random_circuits_get_the_same_verdicts_4() {
    test(3);
}
