//! The Rust and the Solidity verifier of each model give the same verdict on the same bytes.

use crate::{
    claim::{Claim, changes_of_word},
    keyed::{Fixture as _, contract_of, import, of},
    proven::{InProcess, Proven},
};
use halo2_proofs::{
    halo2curves::bn256::{Bn256, Fr},
    poly::kzg::commitment::ParamsKZG,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use zkverdict::{
    circuit::Wishes,
    model::{Model, Operator},
    proving::{Srs, SrsOrigin, Verifier},
    solidity::{Refusal, verify_proof_calldata},
};

/// The instruction that changes two words.
const SWAPS: u8 = 2;

/// Random programs of several changes, per model.
const PROGRAMS: usize = 60;

/// Every word changed in every way, other lengths and counts, and random programs of changes.
fn same_verdicts(proven: &Proven) {
    let name = proven.name();
    let good = proven.claim();
    let mut in_process = InProcess::new(&proven.contract);
    assert_eq!((proven.verdict(&good), in_process.verdict(&good)), (Ok(()), Ok(())), "{name}");
    let mut check = |program: &[u8]| {
        let claim = good.clone().changed(program);
        let (rust, solidity) = (proven.verdict(&claim), in_process.verdict(&claim));
        assert_eq!(rust.is_ok(), solidity.is_ok(), "{name}: {solidity:?} after {program:02x?}");
        assert_eq!(rust.is_ok(), claim == good, "{name}: accepted after {program:02x?}");
        // Of several changes, and of two words swapped, each side may name another one first.
        if program.len() == 4 && program[0] != SWAPS {
            assert_eq!(rust, solidity, "{name}: after {program:02x?}");
        }
    };
    for at in 0..good.words() {
        changes_of_word(u8::try_from(at).unwrap()).iter().for_each(|program| check(program));
    }
    // Cut off and grown, by bytes and by words; an instance less, one more.
    for length in [1, 31, 32, 64, 0xff] {
        check(&[8, 0, 0, length]);
        check(&[9, 0, 0, length]);
    }
    check(&[10, 0, 0, 0]);
    check(&[11, 0, 0, 0]);
    let rng = &mut StdRng::seed_from_u64(0x5a3e);
    for _ in 0..PROGRAMS {
        let length = 4 * rng.gen_range(1..=5);
        let program: Vec<u8> = (0..length).map(|_| rng.r#gen()).collect();
        check(&program);
    }
}

#[test]
fn verifiers_of_models_agree_after_every_change() {
    Proven::models().for_each(same_verdicts);
}

#[test]
#[ignore = "proving resnet8 takes a minute and 1.6 GB"]
fn verifiers_of_the_largest_model_agree_after_every_change() {
    same_verdicts(Proven::largest());
}

/// The arguments in another order are no call of this function, whatever the offsets say.
#[test]
fn instances_before_the_proof_are_refused() {
    for proven in Proven::models() {
        let canonical = verify_proof_calldata(&proven.proof, &proven.instances);
        let (head, tail) = canonical.split_at(4 + 0x40);
        let (proof, instances) = tail.split_at(0x20 + proven.proof.len());
        let offset = |at: usize| [&[0; 24][..], &(at as u64).to_be_bytes()].concat();
        let calldata =
            [&head[..4], &offset(0x40 + instances.len()), &offset(0x40), instances, proof];
        let mut in_process = InProcess::new(&proven.contract);
        let verdict = in_process.verdict_on(&calldata.concat());
        assert_eq!(verdict, Err(Refusal::MalformedCalldata), "{}", proven.name());
    }
}

#[test]
fn proofs_of_other_models_are_refused() {
    let claims: Vec<Claim> = Proven::models().map(Proven::claim).collect();
    for (own, proven) in Proven::models().enumerate() {
        let mut in_process = InProcess::new(&proven.contract);
        for (index, claim) in claims.iter().enumerate() {
            let expected = index == own;
            assert_eq!(proven.verdict(claim).is_ok(), expected, "{}, {index}", proven.name());
            let solidity = in_process.verdict(claim);
            assert_eq!(solidity.is_ok(), expected, "{}, {index}: {solidity:?}", proven.name());
        }
    }
}

/// The model with one bias changed by one: another function, in the same columns.
fn with_another_bias(mut model: Model) -> Model {
    let operators = model.graph.nodes.iter_mut().map(|node| &mut node.operator);
    let bias = operators.filter_map(|operator| match operator {
        Operator::Gemm(gemm) => gemm.bias.last_mut(),
        _ => None,
    });
    *bias.last().expect("each model has a dense layer") += 1;
    model
}

/// A string with another secret.
fn another_srs(k: u32) -> Srs {
    let params = ParamsKZG::<Bn256>::setup(k, StdRng::seed_from_u64(7));
    Srs { params: params.into(), next: None, origin: SrsOrigin::UnsafeDev }
}

/// Proofs of the same input under another key, k or string: neither side takes the other's.
fn other_keys_are_refused(proven: &Proven) {
    let name = proven.name();
    let own = proven.claim();
    let mut own_contract = InProcess::new(&proven.contract);
    let model = || import(name, proven.variant);
    let larger = Wishes { k: Some(proven.circuit.k() + 1), ..Wishes::default() };
    let others = [
        ("bias", of(with_another_bias(model()), Wishes::default(), Srs::unsafe_dev)),
        ("string", of(model(), Wishes::default(), another_srs)),
        ("k", of(model(), larger, Srs::unsafe_dev)),
    ];
    for (what, other) in others {
        let (proof, instances) = other.prove_witness(other.witness(&proven.samples[0]));
        let claim = Claim::new(&proof, &instances);
        let mut contract = InProcess::new(&other.contract());
        assert!(contract.verdict(&claim).is_ok(), "{name}, {what}: its own proof");
        if what != "k" {
            // Nothing but the key tells them apart.
            assert_eq!(proof.len(), own.proof.len(), "{name}, {what}");
        }
        assert!(proven.verdict(&claim).is_err(), "{name}, {what}");
        assert!(own_contract.verdict(&claim).is_err(), "{name}, {what}");
        let refusal = other.verifier().keys().verify(&own.proof, &proven.instances);
        assert!(refusal.is_err(), "{name}, {what}");
        assert!(contract.verdict(&own).is_err(), "{name}, {what}");
    }

    // The same circuit with an instance more, which halo2 alone would take for 0.
    let srs = Srs::unsafe_dev(proven.circuit.k());
    let counts = proven.instances.len() + 1;
    let verifier = Verifier::generate(&srs, &proven.circuit, counts).unwrap();
    let mut contract = InProcess::new(&contract_of(&verifier));
    let longer = [&proven.instances[..], &[Fr::zero()]].concat();
    for instances in [&proven.instances, &longer] {
        let claim = Claim::new(&own.proof, instances);
        assert!(verifier.verify(&own.proof, instances).is_err(), "{name}");
        assert!(contract.verdict(&claim).is_err(), "{name}");
    }
}

#[test]
fn proofs_under_other_keys_are_refused() {
    let small = Proven::models().filter(|proven| proven.circuit.k() <= 12);
    small.for_each(other_keys_are_refused);
}

#[test]
#[ignore = "keys for k = 15 to 19, three per model, take a quarter of an hour and 4.4 GB"]
fn proofs_of_large_models_under_other_keys_are_refused() {
    let large = Proven::models().filter(|proven| proven.circuit.k() > 12);
    large.chain([Proven::largest()]).for_each(other_keys_are_refused);
}
