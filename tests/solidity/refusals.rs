//! Every bad input is refused with its typed error, malformed ones before they cost much.

use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::{Field, PrimeField},
};
use zkverdict::{
    evm::{Address, EvmError, Fork, Machine, Outcome, Run},
    solidity::{CompilerSettings, Refusal, verify_proof_calldata, verify_proof_calldata_of_words},
};

use crate::{
    fixture::{Deployed, Fixture, RICH, SOLC, srs, verdict},
    random_circuit::RandomCircuit,
    spec::Spec,
};

/// Execution gas that a malformed input may cost.
const MALFORMED_GAS: u64 = 100_000;

fn run(calldata: &[u8]) -> Run {
    RICH.deploy().call(calldata)
}

fn refusal(calldata: &[u8]) -> Refusal {
    verdict(&run(calldata)).unwrap_err()
}

/// Refused because of its form, at little cost.
fn malformed(calldata: &[u8]) -> Refusal {
    let run = run(calldata);
    assert!(run.gas.execution < MALFORMED_GAS, "{} gas", run.gas.execution);
    verdict(&run).unwrap_err()
}

fn instances() -> Vec<Fr> {
    RICH.instances.concat()
}

fn calldata_of(proof: &[u8]) -> Vec<u8> {
    verify_proof_calldata(proof, &instances())
}

/// The proof with some of its words changed.
fn with_words(change: impl FnOnce(&mut [[u8; 32]])) -> Vec<u8> {
    let (words, rest) = RICH.proof.as_chunks();
    assert!(rest.is_empty());
    let mut words = words.to_vec();
    change(&mut words);
    words.concat()
}

fn word<F: PrimeField<Repr = [u8; 32]>>(element: F) -> [u8; 32] {
    let mut word = element.to_repr();
    word.reverse();
    word
}

fn field<F: PrimeField<Repr = [u8; 32]>>(mut word: [u8; 32]) -> F {
    word.reverse();
    F::from_repr(word).unwrap()
}

/// The word plus the modulus of a field; none if it does not fit.
fn plus_modulus<F: PrimeField<Repr = [u8; 32]>>(word: [u8; 32]) -> Option<[u8; 32]> {
    let mut carry = 1_u16;
    let mut sum = [0; 32];
    // −1 is the modulus less one; the carry adds the one.
    let minus_one = self::word(-F::ONE);
    for i in (0..32).rev() {
        let digit = u16::from(word[i]) + u16::from(minus_one[i]) + carry;
        sum[i] = (digit & 0xff) as u8;
        carry = digit >> 8;
    }
    (carry == 0).then_some(sum)
}

/// Words before the evaluations, and the evaluations.
fn shape() -> (usize, usize) {
    let source = &RICH.compiled.source;
    let line = source.lines().find(|line| line.contains("points of two words")).unwrap();
    let numbers: Vec<usize> =
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    (2 * (numbers[0] - 2), numbers[1])
}

fn is_point_word(i: usize) -> bool {
    let (points, evaluations) = shape();
    i < points || i >= points + evaluations
}

fn point_of_word(i: usize) -> u64 {
    let (points, evaluations) = shape();
    (if i < points { i / 2 } else { (i - evaluations) / 2 }) as u64
}

#[test]
fn the_honest_proof_is_accepted() {
    assert_eq!(verdict(&run(&calldata_of(&RICH.proof))), Ok(()));
    assert!(RICH.fixture.accepts(&RICH.proof, &RICH.instances));
}

#[test]
fn proof_of_another_length_is_refused() {
    let expected = RICH.proof.len() as u64;
    let mut longer = RICH.proof.clone();
    longer.extend([0; 32]);
    for proof in
        [&RICH.proof[..RICH.proof.len() - 32], &RICH.proof[..RICH.proof.len() - 1], &[], &longer]
    {
        let got = proof.len() as u64;
        let refusal = malformed(&calldata_of(proof));
        assert_eq!(refusal, Refusal::ProofLength { got, expected });
        assert!(!RICH.fixture.accepts(proof, &RICH.instances));
    }
}

#[test]
fn another_number_of_instances_is_refused() {
    let all = instances();
    let expected = all.len() as u64;
    let longer = [&all[..], &[Fr::ZERO]].concat();
    for instances in [&all[..all.len() - 1], &[], &longer] {
        let got = instances.len() as u64;
        let refusal = malformed(&verify_proof_calldata(&RICH.proof, instances));
        assert_eq!(refusal, Refusal::InstanceCount { got, expected });
    }
}

#[test]
fn trailing_calldata_is_refused() {
    for trailing in [1, 31, 32, 64] {
        let mut calldata = calldata_of(&RICH.proof);
        calldata.resize(calldata.len() + trailing, 0);
        assert_eq!(malformed(&calldata), Refusal::MalformedCalldata);
    }
}

#[test]
fn arguments_in_another_order_are_refused() {
    // The instances first, then the proof: what the offsets say, but not how an encoder writes it.
    let canonical = calldata_of(&RICH.proof);
    let (head, tail) = canonical.split_at(4 + 0x40);
    let (proof, instances) = tail.split_at(0x20 + RICH.proof.len());
    let mut calldata = head[..4].to_vec();
    calldata.extend(word(Fr::from(0x40 + instances.len() as u64)));
    calldata.extend(word(Fr::from(0x40)));
    calldata.extend(instances);
    calldata.extend(proof);
    assert_eq!(malformed(&calldata), Refusal::MalformedCalldata);
}

#[test]
fn gap_between_arguments_is_refused() {
    let canonical = calldata_of(&RICH.proof);
    let mut calldata = canonical[..4].to_vec();
    calldata.extend(word(Fr::from(0x60)));
    calldata.extend(word(Fr::from(0x80 + RICH.proof.len() as u64)));
    calldata.extend([0; 32]);
    calldata.extend(&canonical[4 + 0x40..]);
    assert_eq!(malformed(&calldata), Refusal::MalformedCalldata);
}

#[test]
fn arguments_out_of_the_calldata_are_refused() {
    // Solidity's own decoder refuses these, without data.
    let canonical = calldata_of(&RICH.proof);
    for (at, value) in [(4, u64::MAX), (4 + 0x20, u64::MAX), (4 + 0x40, u64::MAX), (4, 1 << 32)] {
        let mut calldata = canonical.clone();
        calldata[at..at + 32].copy_from_slice(&word(Fr::from(value)));
        let run = run(&calldata);
        assert_eq!(run.outcome, Outcome::Reverted(vec![]));
        assert!(run.gas.execution < MALFORMED_GAS);
    }
    for length in [0, 3, 4, 67, canonical.len() - 1] {
        let run = run(&canonical[..length]);
        assert_eq!(run.outcome, Outcome::Reverted(vec![]));
    }
}

#[test]
fn instance_at_or_above_the_modulus_is_refused() {
    let honest: Vec<[u8; 32]> = instances().into_iter().map(word).collect();
    for i in 0..honest.len() {
        let alias = plus_modulus::<Fr>(honest[i]);
        let modulus = plus_modulus::<Fr>([0; 32]);
        for value in [alias, modulus, Some([0xff; 32])].into_iter().flatten() {
            let mut words = honest.clone();
            words[i] = value;
            let refusal = malformed(&verify_proof_calldata_of_words(&RICH.proof, &words));
            assert_eq!(refusal, Refusal::ScalarOutOfRange { index: i as u64 });
        }
    }
}

#[test]
fn evaluation_at_or_above_the_modulus_is_refused() {
    let (points, evaluations) = shape();
    let instances = instances().len();
    for i in 0..evaluations {
        let proof = with_words(|words| {
            let at = &mut words[points + i];
            *at = plus_modulus::<Fr>(*at).unwrap();
        });
        let refusal = malformed(&calldata_of(&proof));
        assert_eq!(refusal, Refusal::ScalarOutOfRange { index: (instances + i) as u64 });
        assert!(!RICH.fixture.accepts(&proof, &RICH.instances));
    }
}

#[test]
fn coordinate_at_or_above_the_modulus_is_refused() {
    for i in (0..RICH.proof.len() / 32).filter(|&i| is_point_word(i)) {
        let proof = with_words(|words| words[i] = plus_modulus::<Fq>(words[i]).unwrap());
        let refusal = malformed(&calldata_of(&proof));
        assert_eq!(refusal, Refusal::PointNotOnCurve { index: point_of_word(i) });
        assert!(!RICH.fixture.accepts(&proof, &RICH.instances));
    }
}

#[test]
fn point_at_infinity_is_refused() {
    for i in (0..RICH.proof.len() / 32).filter(|&i| is_point_word(i)).step_by(2) {
        let proof = with_words(|words| words[i..i + 2].fill([0; 32]));
        let refusal = malformed(&calldata_of(&proof));
        assert_eq!(refusal, Refusal::PointNotOnCurve { index: point_of_word(i) });
        assert!(!RICH.fixture.accepts(&proof, &RICH.instances));
    }
}

#[test]
fn coordinates_in_the_wrong_order_are_refused() {
    let proof = with_words(|words| words.swap(0, 1));
    assert_eq!(malformed(&calldata_of(&proof)), Refusal::PointNotOnCurve { index: 0 });
}

#[test]
fn negated_point_is_refused() {
    for i in (0..RICH.proof.len() / 32).filter(|&i| is_point_word(i)).step_by(2) {
        let proof = with_words(|words| words[i + 1] = word(-field::<Fq>(words[i + 1])));
        assert_eq!(refusal(&calldata_of(&proof)), Refusal::InvalidProof);
        assert!(!RICH.fixture.accepts(&proof, &RICH.instances));
    }
}

#[test]
fn swapped_points_and_evaluations_are_refused() {
    let (points, evaluations) = shape();
    let swapped_points = with_words(|words| {
        words.swap(0, 2);
        words.swap(1, 3);
    });
    let last = points + evaluations;
    let swapped_openings = with_words(|words| {
        words.swap(last, last + 2);
        words.swap(last + 1, last + 3);
    });
    let swapped_evaluations = with_words(|words| words.swap(points, points + 1));
    for proof in [swapped_points, swapped_openings, swapped_evaluations] {
        assert_ne!(proof, RICH.proof);
        assert_eq!(refusal(&calldata_of(&proof)), Refusal::InvalidProof);
        assert!(!RICH.fixture.accepts(&proof, &RICH.instances));
    }
}

#[test]
fn every_changed_word_is_refused() {
    for i in 0..RICH.proof.len() / 32 {
        let proof = with_words(|words| {
            words[i] = if is_point_word(i) {
                word(field::<Fq>(words[i]) + Fq::ONE)
            } else {
                word(field::<Fr>(words[i]) + Fr::ONE)
            };
        });
        let expected = if is_point_word(i) {
            Refusal::PointNotOnCurve { index: point_of_word(i) }
        } else {
            Refusal::InvalidProof
        };
        assert_eq!(refusal(&calldata_of(&proof)), expected, "word {i}");
        assert!(!RICH.fixture.accepts(&proof, &RICH.instances));
    }
}

#[test]
fn every_changed_instance_is_refused() {
    for column in 0..RICH.instances.len() {
        for row in 0..RICH.instances[column].len() {
            let mut instances = RICH.instances.clone();
            instances[column][row] += Fr::ONE;
            let calldata = verify_proof_calldata(&RICH.proof, &instances.concat());
            assert_eq!(refusal(&calldata), Refusal::InvalidProof);
            assert!(!RICH.fixture.accepts(&RICH.proof, &instances));
        }
    }
}

#[test]
fn evaluations_of_zero_are_refused() {
    let (points, evaluations) = shape();
    for i in 0..evaluations {
        let proof = with_words(|words| words[points + i] = [0; 32]);
        assert_eq!(refusal(&calldata_of(&proof)), Refusal::InvalidProof);
    }
    let proof = with_words(|words| words[points..points + evaluations].fill([0; 32]));
    assert_eq!(refusal(&calldata_of(&proof)), Refusal::InvalidProof);
}

#[test]
fn proof_of_zeros_is_refused() {
    let proof = vec![0; RICH.proof.len()];
    assert_eq!(malformed(&calldata_of(&proof)), Refusal::PointNotOnCurve { index: 0 });
}

/// A proof of the same length for other keys.
fn foreign_proof(spec: &Spec, srs_seed: u64) -> Vec<u8> {
    let circuit = RandomCircuit::new(spec, RICH.circuit.spec.seed);
    let instances = circuit.instances.clone();
    assert_eq!(instances, RICH.instances);
    let fixture = Fixture::new(srs(spec.k, srs_seed), &circuit, spec.compress_selectors);
    let proof = fixture.prove(circuit, &instances, 1);
    assert!(fixture.accepts(&proof, &instances));
    assert_eq!(proof.len(), RICH.proof.len());
    proof
}

#[test]
fn proof_under_another_key_is_refused() {
    // The same shape with other fixed values.
    let spec = Spec { seed: RICH.circuit.spec.seed + 1, ..RICH.circuit.spec.clone() };
    assert_eq!(refusal(&calldata_of(&foreign_proof(&spec, 1))), Refusal::InvalidProof);
}

#[test]
fn proof_of_a_circuit_with_other_rows_is_refused() {
    let spec = Spec { k: RICH.circuit.spec.k + 1, ..RICH.circuit.spec.clone() };
    assert_eq!(refusal(&calldata_of(&foreign_proof(&spec, 1))), Refusal::InvalidProof);
}

#[test]
fn proof_under_another_trusted_setup_is_refused() {
    assert_eq!(refusal(&calldata_of(&foreign_proof(&RICH.circuit.spec, 2))), Refusal::InvalidProof);
}

#[test]
fn instances_moved_to_another_column_are_refused() {
    // As many instances in all, in other columns: the same calldata for another statement.
    let mut counts = RICH.circuit.spec.instance_counts.clone();
    let fuller = counts.iter().position(|&count| count > 1).unwrap();
    let other = (0..counts.len()).find(|&i| i != fuller).unwrap();
    counts[fuller] -= 1;
    counts[other] += 1;
    let contract = RICH.fixture.contract(&counts);
    assert_ne!(contract.vk_digest(), RICH.contract.vk_digest());
    let compiled = crate::fixture::compile(&contract, CompilerSettings::default());
    let mut deployed = Deployed::new(&compiled, Fork::default());
    let run = deployed.call(&calldata_of(&RICH.proof));
    assert_eq!(verdict(&run), Err(Refusal::InvalidProof));
}

#[test]
fn challenge_in_the_domain_is_refused() {
    // No proof is known that leads to such a challenge: the contract is changed to draw x = 1.
    let mut rendered = RICH.contract.render().unwrap();
    let draw = rendered.source.find("mstore(X_MPTR, squeeze(").unwrap();
    let end = draw + rendered.source[draw..].find('\n').unwrap();
    rendered.source.replace_range(draw..end, "mstore(X_MPTR, 1)");
    let compiled = SOLC.compile(&rendered, CompilerSettings::default()).unwrap();
    let run = Deployed::new(&compiled, Fork::default()).call(&calldata_of(&RICH.proof));
    assert_eq!(verdict(&run), Err(Refusal::ChallengeInDomain));
    assert!(run.gas.execution < MALFORMED_GAS);
}

#[test]
fn missing_precompile_is_refused() {
    for precompile in 5..=8 {
        let address = Address::with_last_byte(precompile);
        let mut machine = Machine::new(Fork::default()).without_precompile(address);
        // By the constructor,
        let refusal = Refusal::PrecompileFailed { precompile: precompile.into() };
        match machine.deploy(&RICH.compiled.init_code) {
            Err(EvmError::ConstructorReverted { data }) => {
                assert_eq!(Refusal::decode(&data), Some(refusal.clone()));
            }
            other => panic!("{other:?}"),
        }
        // and by every call, should the contract have come to the chain in another way.
        let at = Address::with_last_byte(0xaa);
        let deployed = RICH.deploy();
        machine.set_code(at, &RICH.compiled.runtime_code);
        assert_eq!(deployed.runtime_bytes, RICH.compiled.runtime_code.len());
        let run = machine.call(at, &calldata_of(&RICH.proof)).unwrap();
        assert_eq!(verdict(&run), Err(refusal));
    }
}

#[test]
fn too_little_gas_is_never_acceptance() {
    let calldata = calldata_of(&RICH.proof);
    let enough = run(&calldata).gas.total;
    for part in 1..40 {
        let limit = enough * part / 40;
        let mut machine = Machine::new(Fork::default());
        let address = machine.deploy(&RICH.compiled.init_code).unwrap().address;
        let mut machine = machine.with_gas_limit(limit);
        // An error: the limit does not even cover the calldata.
        let Ok(run) = machine.call(address, &calldata) else { continue };
        assert!(!run.outcome.is_success(), "accepted with {limit} of {enough} gas");
    }
}

#[test]
fn the_contract_works_behind_a_proxy() {
    let mut deployed = RICH.deploy();
    let mut proxy = vec![0x36, 0x3d, 0x3d, 0x37, 0x3d, 0x3d, 0x3d, 0x36, 0x3d, 0x73];
    proxy.extend(deployed.address.as_slice());
    proxy.extend([
        0x5a, 0xf4, 0x3d, 0x82, 0x80, 0x3e, 0x90, 0x3d, 0x91, 0x60, 0x2b, 0x57, 0xfd, 0x5b, 0xf3,
    ]);
    let at = Address::with_last_byte(0xbb);
    deployed.machine.set_code(at, &proxy);
    let mut wrong = RICH.instances.clone();
    wrong.iter_mut().find(|column| !column.is_empty()).unwrap()[0] += Fr::ONE;
    let accepted = deployed.machine.call(at, &calldata_of(&RICH.proof)).unwrap();
    assert_eq!(verdict(&accepted), Ok(()));
    let calldata = verify_proof_calldata(&RICH.proof, &wrong.concat());
    let refused = deployed.machine.call(at, &calldata).unwrap();
    assert_eq!(verdict(&refused), Err(Refusal::InvalidProof));
}

#[test]
fn digest_covers_key_rows_setup_and_instances() {
    let spec = &RICH.circuit.spec;
    let digest = |spec: &Spec, srs_seed| {
        let circuit = RandomCircuit::new(spec, spec.seed);
        let fixture = Fixture::new(srs(spec.k, srs_seed), &circuit, spec.compress_selectors);
        fixture.contract(&spec.instance_counts).vk_digest()
    };
    let honest = digest(spec, 1);
    assert_eq!(honest, RICH.contract.vk_digest());
    assert_ne!(honest, digest(&Spec { seed: spec.seed + 1, ..spec.clone() }, 1));
    assert_ne!(honest, digest(&Spec { k: spec.k + 1, ..spec.clone() }, 1));
    assert_ne!(honest, digest(spec, 2));
    let mut counts = spec.instance_counts.clone();
    counts[0] += 1;
    assert_ne!(honest, RICH.fixture.contract(&counts).vk_digest());
}
