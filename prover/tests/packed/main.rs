//! The packed protocol: two provers, one verifier, and lies.

mod circuit;
mod links;
mod named;
mod python;
mod simulator;

mod slow;

use circuit::{Extra, Walk};
use halo2_proofs::{
    halo2curves::{
        bn256::{Bn256, Fr},
        ff::Field,
    },
    plonk::{Circuit, ConstraintSystem},
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use rand::{SeedableRng, rngs::StdRng};
use slow::{Lies, Slow};
use std::sync::LazyLock;
use zkverdict_prover::{
    Arithmetic, Error as ProverError, Options, Randomness, Seeded, Stage, Synthesized,
    packed::{
        Error, InstanceSum, Instances, Layout, Operation, Powers, ProvingKey, Refusal,
        VerifyingKey, Widths,
    },
};

/// Longer than any test needs.
static PARAMS: LazyLock<ParamsKZG<Bn256>> =
    LazyLock::new(|| ParamsKZG::setup(11, StdRng::seed_from_u64(5)));

const COUNTS: [usize; 2] = [1, 3];

fn widths(phases: &[usize], key: usize) -> Widths {
    Widths { phases: phases.to_vec(), key }
}

/// Two packs of three and one column; one of the key with five slots of seven.
fn usual() -> Widths {
    widths(&[3, 2], 7)
}

fn new_key(
    circuit: &Walk,
    k: u32,
    counts: &[usize],
    widths: &Widths,
    arithmetic: Arithmetic,
) -> Result<ProvingKey, Error> {
    new_key_of(circuit, k, &Walk::public(counts), widths, arithmetic)
}

fn new_key_of(
    circuit: &Walk,
    k: u32,
    public: &Instances,
    widths: &Widths,
    arithmetic: Arithmetic,
) -> Result<ProvingKey, Error> {
    let mut system = ConstraintSystem::default();
    Walk::configure_with_params(&mut system, circuit.params());
    let string = Powers { g1: PARAMS.get_g(), g2: [PARAMS.g2(), PARAMS.s_g2()] };
    ProvingKey::new(string, k, &system, &Synthesized(circuit), public, widths, arithmetic)
}

fn key_of(circuit: &Walk, k: u32, widths: &Widths, arithmetic: Arithmetic) -> ProvingKey {
    new_key(circuit, k, &COUNTS, widths, arithmetic).expect("supported")
}

fn prove(key: &ProvingKey, circuit: &Walk, options: &Options<'_>) -> Result<Vec<u8>, Error> {
    let [a, b] = circuit.instances();
    key.prove(&Synthesized(circuit), &[&a, &b], &[], options).map(|(proof, _)| proof)
}

#[test]
fn proofs_are_accepted_whatever_the_packs() {
    // Widths that divide nothing, wider than there are columns, and one column to a pack.
    for (k, rows, phases, key) in
        [(7, 10, [3, 1], 4), (7, 50, [2, 1], 3), (7, 100, [5, 7], 6), (7, 122, [1, 1], 1)]
    {
        let circuit = Walk::new(rows);
        for arithmetic in Arithmetic::all() {
            let key = key_of(&circuit, k, &widths(&phases, key), arithmetic);
            let proof = prove(&key, &circuit, &Options::default()).expect("there is a witness");
            assert_eq!(proof.len(), key.verifying().layout().proof_length());
            let mut instances = circuit.instances().concat();
            assert_eq!(key.verifying().verify(&proof, &instances), Ok(()), "{phases:?}");
            instances[2] += Fr::ONE;
            assert_eq!(key.verifying().verify(&proof, &instances), Err(Refusal::InvalidProof));
        }
    }
}

#[test]
fn the_same_bytes_come_from_schoolbook_arithmetic() {
    let circuit = Walk::new(40);
    let randomness = Seeded::new([3; 32]);
    for widths in [usual(), widths(&[2, 5], 2)] {
        let key = key_of(&circuit, 7, &widths, Arithmetic::best());
        let options = Options { randomness: Some(&randomness), ..Options::default() };
        let proof = prove(&key, &circuit, &options).expect("there is a witness");
        let tail = |column| randomness.blinding(column, 6);
        let verifying = key.verifying();
        let slow =
            Slow { key: verifying, params: &PARAMS, circuit: &circuit, tail: &tail, linked: &[] };
        assert_eq!(slow.prove(&Lies::default()), proof);
    }
}

#[test]
fn a_wrong_witness_has_no_proof() {
    let circuit = Walk { wrong: Some(20), ..Walk::new(40) };
    let key = key_of(&circuit, 7, &usual(), Arithmetic::best());
    let proof = prove(&key, &circuit, &Options::default()).expect("nothing is checked");
    let verdict = key.verifying().verify(&proof, &circuit.instances().concat());
    assert_eq!(verdict, Err(Refusal::InvalidProof));
}

/// What the verifier says of a prover that lies.
fn verdict(lies: &Lies<'_>, widths: &Widths) -> Result<(), Refusal> {
    let circuit = Walk::new(40);
    let key = key_of(&circuit, 7, widths, Arithmetic::best());
    let tail = |column| Seeded::new([3; 32]).blinding(column, 6);
    let verifying = key.verifying();
    let slow =
        Slow { key: verifying, params: &PARAMS, circuit: &circuit, tail: &tail, linked: &[] };
    key.verifying().verify(&slow.prove(lies), &circuit.instances().concat())
}

#[test]
fn a_slot_that_is_not_in_use_is_0() {
    assert_eq!(verdict(&Lies::default(), &widths(&[4, 2], 7)), Ok(()));
    // The fourth slot of four, of which three are in use: its constant, and its highest coefficient.
    for at in [3, 4 * 63 + 3] {
        let packs = |pack: usize, polynomial: &mut Vec<Fr>| {
            if pack == 0 {
                polynomial[at] += Fr::ONE;
            }
        };
        let lies = Lies { packs: Some(&packs), ..Lies::default() };
        assert_eq!(verdict(&lies, &widths(&[4, 2], 7)), Err(Refusal::InvalidProof));
    }
}

#[test]
fn a_value_is_the_column_s_also_where_no_gate_asks_for_it() {
    let circuit = Walk::new(40);
    let key = key_of(&circuit, 7, &usual(), Arithmetic::best());
    let layout = key.verifying().layout();
    // Of the first pack, which is opened at x and ωx, gates ask for one column at ωx.
    let pack = &layout.phases[0].packs[0];
    assert_eq!(pack.rotations, [0, 1]);
    let gates = || key.verifying().gates().iter().flat_map(|gate| gate.operations());
    let is_needed = |slot: &usize| {
        let wanted = Operation::Advice { column: pack.slots[*slot].column, rotation: 1 };
        gates().any(|operation| *operation == wanted)
    };
    let unneeded: Vec<usize> = (0..3).filter(|slot| !is_needed(slot)).collect();
    assert_eq!(unneeded.len(), 2);
    for (point, slot) in (0..2).flat_map(|point| (0..3).map(move |slot| (point, slot))) {
        let values = |values: &mut Vec<Vec<Vec<Fr>>>| values[0][point][slot] += Fr::ONE;
        let lies = Lies { values: Some(&values), ..Lies::default() };
        assert_eq!(verdict(&lies, &usual()), Err(Refusal::InvalidProof), "{point} {slot}");
    }
    // Two lies that cancel each other in the sum of a pack's values.
    let values = |values: &mut Vec<Vec<Vec<Fr>>>| {
        values[0][1][unneeded[0]] += Fr::ONE;
        values[0][1][unneeded[1]] -= Fr::ONE;
    };
    let lies = Lies { values: Some(&values), ..Lies::default() };
    assert_eq!(verdict(&lies, &usual()), Err(Refusal::InvalidProof));
    // Each value of the second phase and of the key.
    for (pack, points, slots) in [(1, 2, 1), (2, 1, 4)] {
        for (point, slot) in (0..points).flat_map(|point| (0..slots).map(move |s| (point, s))) {
            let values = |values: &mut Vec<Vec<Vec<Fr>>>| values[pack][point][slot] += Fr::ONE;
            let lies = Lies { values: Some(&values), ..Lies::default() };
            assert_eq!(verdict(&lies, &usual()), Err(Refusal::InvalidProof));
        }
    }
}

#[test]
fn packs_are_not_exchanged() {
    // Three packs of one column, all opened at the same two points or at one.
    let widths = widths(&[1, 1], 5);
    assert_eq!(verdict(&Lies::default(), &widths), Ok(()));
    for swap in [(0, 1), (0, 2), (1, 2)] {
        let lies = Lies { swap: Some(swap), ..Lies::default() };
        assert_eq!(verdict(&lies, &widths), Err(Refusal::InvalidProof));
    }
}

#[test]
fn every_word_counts() {
    let circuit = Walk::new(40);
    let key = key_of(&circuit, 7, &usual(), Arithmetic::best());
    let verifying = key.verifying();
    let proof = prove(&key, &circuit, &Options::default()).expect("there is a witness");
    let instances = circuit.instances().concat();
    let (packs, evaluations) = (2, verifying.layout().num_evaluations());
    let first = 2 * (packs + 1);
    for word in 0..proof.len() / 32 {
        let is_scalar = (first..first + evaluations).contains(&word);
        let point = if word < first { word } else { word - evaluations.min(word - first) } / 2;
        let off_curve = Refusal::PointNotOnCurve { index: point };
        let out_of_range =
            Refusal::ScalarOutOfRange { index: instances.len() + word - first.min(word) };
        let changed = |change: &dyn Fn(&mut [u8])| {
            let mut proof = proof.clone();
            change(&mut proof[32 * word..32 * (word + 1)]);
            verifying.verify(&proof, &instances).expect_err("something is changed")
        };
        let one_more = changed(&|word| word[31] ^= 1);
        assert_eq!(one_more, if is_scalar { Refusal::InvalidProof } else { off_curve });
        let full = changed(&|word| word.fill(0xff));
        assert_eq!(full, if is_scalar { out_of_range } else { off_curve });
    }
    // Other points of the curve, and infinity.
    for index in 0..packs + 3 {
        let at = 64 * index + if index > packs { 32 * evaluations } else { 0 };
        let with = |point: &[u8]| {
            let mut proof = proof.clone();
            proof[at..at + 64].copy_from_slice(point);
            verifying.verify(&proof, &instances)
        };
        let mut generator = [0; 64];
        (generator[31], generator[63]) = (1, 2);
        assert_eq!(with(&generator), Err(Refusal::InvalidProof));
        assert_eq!(with(&[0; 64]), Err(Refusal::PointNotOnCurve { index }));
        let mut other = proof.clone();
        let (a, b) = (at, if index == 0 { 64 } else { 0 });
        let moved = proof[b..b + 64].to_vec();
        other[a..a + 64].copy_from_slice(&moved);
        assert_eq!(verifying.verify(&other, &instances), Err(Refusal::InvalidProof));
    }
    for length in [0, proof.len() - 32, proof.len() - 1] {
        let (got, expected) = (length, proof.len());
        let refusal = Refusal::ProofLength { got, expected };
        assert_eq!(verifying.verify(&proof[..length], &instances), Err(refusal));
    }
    let longer = [&proof[..], &[0]].concat();
    assert!(matches!(verifying.verify(&longer, &instances), Err(Refusal::ProofLength { .. })));
    for index in 0..instances.len() {
        let mut instances = instances.clone();
        instances[index] += Fr::ONE;
        assert_eq!(verifying.verify(&proof, &instances), Err(Refusal::InvalidProof));
    }
    let refusal = Refusal::InstanceCount { got: 3, expected: 4 };
    assert_eq!(verifying.verify(&proof, &instances[..3]), Err(refusal));
}

#[test]
fn sums_are_of_instances_at_challenges_that_are_drawn() {
    let (circuit, mut system) = (Walk::new(40), ConstraintSystem::default());
    Walk::configure_with_params(&mut system, circuit.params());
    let layout = |public: &Instances| Layout::new(&system, 7, public, &usual());
    let public = Walk::public(&COUNTS);
    assert_eq!(layout(&public).expect("all is there").num_challenges(), 2);
    // No column, no value, no point, one that is a sum itself, no challenge, one that is summed twice.
    let changes: [fn(&mut Vec<InstanceSum>); 6] = [
        |sums| sums[0].column = 2,
        |sums| sums[0].first = 4,
        |sums| sums[0].point = 2,
        |sums| sums[0].point = 1,
        |sums| sums[0].challenge = 2,
        |sums| sums.push(sums[0]),
    ];
    for change in changes {
        let mut public = public.clone();
        change(&mut public.sums);
        let refused = layout(&public).map(drop);
        assert!(matches!(refused, Err(Error::Prover(ProverError::Instances))), "{public:?}");
        let mut key = key_of(&circuit, 7, &usual(), Arithmetic::best()).verifying().to_bytes();
        // Challenge, column, first value, factor, point: behind the phases, of which the second has one pack and no challenge.
        let sum = public.sums[public.sums.len() - 1];
        let numbers = [sum.challenge, sum.column, sum.first].map(|n| (n as u32).to_be_bytes());
        let factor = [&[0; 31][..], &[3]].concat();
        let bytes = |numbers: [[u8; 4]; 3], point: usize| {
            [&numbers.concat()[..], &factor, &(point as u32).to_be_bytes()].concat()
        };
        let known = bytes([1, 1, 1].map(u32::to_be_bytes), 0);
        let at = key.windows(known.len()).position(|window| window == known).expect("its sum");
        if public.sums.len() == 1 {
            key[at..at + known.len()].copy_from_slice(&bytes(numbers, sum.point));
        } else {
            key[at - 1] = 2;
            key.splice(at..at, known);
        }
        assert!(VerifyingKey::from_bytes(&key).is_err(), "{public:?}");
    }
}

#[test]
fn random_rows_have_to_hide_what_is_opened() {
    // Six rows for 2·R + 1: a pack that is opened at three points needs seven.
    let circuit = Walk { extra: Extra::ThreeRows, ..Walk::new(40) };
    let make = |widths| new_key(&circuit, 7, &COUNTS, &widths, Arithmetic::best()).map(drop);
    let refused = Err((3, 7, 6));
    for width in 1..=4 {
        let made = make(widths(&[width, 2], 7)).map_err(|error| match error {
            Error::RandomRows { points, needed, rows } => (points, needed, rows),
            other => panic!("{other}"),
        });
        assert_eq!(made, refused);
    }
}

#[test]
fn columns_differ_from_proof_to_proof_and_not_with_a_seed() {
    let circuit = Walk::new(40);
    let proof = |seed: Option<u8>, arithmetic| {
        let randomness = seed.map(|seed| Seeded::new([seed; 32]));
        let randomness = randomness.as_ref().map(|seeded| seeded as &dyn Randomness);
        let key = key_of(&circuit, 7, &usual(), arithmetic);
        prove(&key, &circuit, &Options { randomness, ..Options::default() }).expect("a witness")
    };
    let first = proof(Some(1), Arithmetic::Portable);
    for arithmetic in Arithmetic::all() {
        assert_eq!(proof(Some(1), arithmetic), first);
        for other in [proof(Some(2), arithmetic), proof(None, arithmetic)] {
            // The key's evaluations too, which are at another x.
            assert!(first.chunks(32).zip(other.chunks(32)).all(|(a, b)| a != b));
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let circuit = Walk::new(40);
    let make = |circuit: &Walk, k, counts: &[usize], widths: &Widths| {
        new_key(circuit, k, counts, widths, Arithmetic::best()).expect_err("something does not fit")
    };
    for phases in [&[3][..], &[3, 2, 2], &[0, 2], &[3, 5000]] {
        let error = make(&circuit, 7, &COUNTS, &widths(phases, 7));
        assert!(matches!(error, Error::Widths { phases: 2, .. }), "{error}");
    }
    let error = make(&circuit, 7, &COUNTS, &widths(&[3, 2], 17));
    assert!(matches!(error, Error::StringTooShort { found: 2048, needed: 2176 }), "{error}");
    for counts in [&[1][..], &[1, 3, 0], &[1, 123]] {
        let error = make(&circuit, 7, counts, &usual());
        assert!(matches!(error, Error::Prover(ProverError::Instances)), "{error}");
    }
    let selector = Walk { extra: Extra::Selector, ..Walk::new(40) };
    let error = make(&selector, 7, &COUNTS, &usual());
    assert!(matches!(error, Error::Prover(ProverError::Unsupported("selectors"))), "{error}");
    let error = make(&circuit, 5, &COUNTS, &usual());
    assert!(matches!(error, Error::Prover(ProverError::Unsupported(_))), "{error}");
    let key = key_of(&circuit, 7, &usual(), Arithmetic::best());
    let error = key
        .prove(&Synthesized(&circuit), &[&[Fr::ONE]], &[], &Options::default())
        .expect_err("few");
    assert!(matches!(error, Error::Prover(ProverError::Instances)), "{error}");
    // A key of another circuit: with other columns, and with other gates.
    for extra in [Extra::Nothing, Extra::ThreeRows] {
        let mut system = ConstraintSystem::default();
        Walk::configure_with_params(&mut system, extra as u8);
        if extra == Extra::Nothing {
            system.advice_column();
        }
        let string = Powers { g1: PARAMS.get_g(), g2: [PARAMS.g2(), PARAMS.s_g2()] };
        let (verifying, source) = (key.verifying().clone(), Synthesized(&circuit));
        let best = Arithmetic::best();
        let made = ProvingKey::of_verifying(verifying, string, &system, &source, best);
        assert!(matches!(made, Err(Error::OtherCircuit)), "{made:?}");
    }
    let large = Walk::new(123);
    let error = new_key(&large, 7, &COUNTS, &usual(), Arithmetic::best());
    assert!(matches!(error, Err(Error::Prover(ProverError::Synthesis(_)))));
}

#[test]
fn a_proof_is_followed_and_stopped() {
    let circuit = Walk::new(40);
    let key = key_of(&circuit, 7, &usual(), Arithmetic::best());
    let seen = std::cell::RefCell::new(vec![]);
    let cancel = std::sync::atomic::AtomicBool::new(false);
    let progress = |stage| {
        seen.borrow_mut().push(stage);
        cancel.store(stage == Stage::Evaluations, std::sync::atomic::Ordering::Relaxed);
    };
    let options =
        Options { progress: Some(&progress), cancel: Some(&cancel), ..Options::default() };
    let stopped = prove(&key, &circuit, &options);
    assert!(matches!(stopped, Err(Error::Prover(ProverError::Cancelled))));
    let stages = seen.take();
    assert_eq!(stages.first(), Some(&Stage::Witness));
    assert_eq!(stages.last(), Some(&Stage::Evaluations));
}

#[test]
fn a_key_is_read_as_it_was_written_and_damage_is_an_error() {
    let circuit = Walk::new(40);
    let key = key_of(&circuit, 7, &usual(), Arithmetic::best());
    let bytes = key.verifying().to_bytes();
    assert_eq!(VerifyingKey::from_bytes(&bytes).as_ref(), Ok(key.verifying()));
    for length in 0..bytes.len() {
        assert!(VerifyingKey::from_bytes(&bytes[..length]).is_err());
    }
    assert!(VerifyingKey::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    // What is read is another key, which refuses the proof; never the same one, never a panic.
    let proof = prove(&key, &circuit, &Options::default()).expect("there is a witness");
    let instances = circuit.instances().concat();
    let mut read = 0;
    for at in 0..bytes.len() {
        for bit in [0, 3, 7] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(other) = VerifyingKey::from_bytes(&bytes) {
                assert_eq!(other.to_bytes(), bytes);
                assert_ne!(other.digest(), key.verifying().digest());
                if read % 16 == 0 {
                    assert!(other.verify(&proof, &instances).is_err());
                }
                read += 1;
            }
        }
    }
    assert!(read > 100, "{read}");
}
