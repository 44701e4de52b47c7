//! What is certified of hashed inputs and of committed weights, and faults in what is there for them.

use super::Case;
use crate::certify::{
    CertifyError,
    poseidon::Poseidon,
    shape::{Hash, HashPlaces, Place, Places, Shape, WeightPlaces},
    weights::Lanes,
};
use crate::circuit::tests::{batch, committed, models, ports, summed};
use crate::circuit::{CircuitError, Goal, InstanceLayout, Plans, Wishes};
use crate::model::{Model, Operator, Visibility};
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use light_poseidon::PoseidonBytesHasher;
use rand::{SeedableRng, rngs::StdRng};

/// Rows of a permutation.
const ROWS: usize = 87;

#[test]
fn poseidon_is_that_of_the_libraries() {
    let mut rng = StdRng::seed_from_u64(7);
    let mut library = light_poseidon::Poseidon::<ark_bn254::Fr>::new_circom(3).expect("three");
    let bytes = |element: Fr| {
        let mut bytes: [u8; 32] = element.to_repr();
        bytes.reverse();
        bytes
    };
    for _ in 0..5 {
        let inputs = [(); 3].map(|()| Fr::random(&mut rng));
        let [a, b, c] = inputs.map(bytes);
        let expected = library.hash_bytes_be(&[&a, &b, &c]).expect("below the modulus");
        assert_eq!(bytes(Poseidon::get().hash(inputs)), expected);
    }
}

/// In halo2's proofs, whose columns may share one.
fn of_rows(told: [Visibility; 2], goal: Goal) -> Case {
    let model = ports::model();
    let mut instances = InstanceLayout::of_model(&model, false);
    instances.inputs.iter_mut().zip(told).for_each(|(input, told)| input.visibility = told);
    let plans = Plans::for_instances(&model, instances, Wishes::default()).expect("plans");
    Case::of(&model, plans.circuit(goal))
}

/// Each set of hashed inputs, and no other set of the same circuit.
#[test]
fn hashed_inputs_are_certified() {
    use Visibility::{Committed, Hashed, Private, Public};
    let model = ports::model();
    let all = [
        [Hashed, Public],
        [Public, Hashed],
        [Hashed, Hashed],
        [Private, Hashed],
        [Hashed, Committed],
        [Public, Public],
    ];
    for told in &all[..5] {
        let mut cases = vec![Case::told(&model, told)];
        if !told.contains(&Committed) {
            cases.extend([Goal::Speed, Goal::Gas].map(|goal| of_rows(*told, goal)));
        }
        for (number, mut case) in cases.into_iter().enumerate() {
            let report = case.check(&model).unwrap_or_else(|why| panic!("{told:?}: {why}"));
            assert_eq!(report.hashes, told.iter().filter(|told| **told == Hashed).count());
            for others in all.iter().filter(|others| *others != told && number == 0) {
                for (input, other) in case.layout.inputs.iter_mut().zip(others) {
                    input.visibility = *other;
                }
                let refused = case.check(&model);
                assert!(
                    matches!(refused, Err(CertifyError::Packing { .. } | CertifyError::Row { .. })),
                    "{told:?} as {others:?}: {refused:?}"
                );
            }
        }
    }
}

#[test]
fn batches_with_hashed_inputs_are_certified() {
    for (model, circuit) in batch::hashing_circuits() {
        Case::of(&model, circuit).check(&model).unwrap();
    }
}

/// A circuit with hashes of two words and of one, and where their cells are.
struct Hashing {
    model: Model,
    case: Case,
    shape: Shape,
    places: HashPlaces,
}

impl Hashing {
    fn new() -> Self {
        let model = ports::model();
        let case = Case::told(&model, &[Visibility::Hashed; 2]);
        let shape = Shape::read(&case.circuit.shape()).expect("a shape");
        let places = Places::new(&shape).expect("a shape of the planner").hashes;
        Self { model, case, places: places.expect("inputs are hashed"), shape }
    }

    /// Why it is refused where these cells hold something else.
    fn refused(&mut self, cells: &[(Place, usize, Fr)]) -> String {
        let mut honest = Vec::new();
        for &(place, row, value) in cells {
            let cell = &mut self.case.fixed[place.column][row];
            honest.push((place, row, std::mem::replace(cell, value)));
        }
        let why = self.case.check(&self.model).expect_err("it is no model's").to_string();
        for (place, row, value) in honest.into_iter().rev() {
            self.case.fixed[place.column][row] = value;
        }
        why
    }

    fn value(&self, place: Place, row: usize) -> Fr {
        self.case.fixed[place.column][row]
    }

    /// What all rows of hashes hold, from one row on, lies on rows that come earlier or later.
    fn moved(&self, from: usize, to: usize) -> Vec<(Place, usize, Fr)> {
        let mut cells = Vec::new();
        let last = 4 * ROWS;
        for place in self.places.flags().chain([self.places.constant]) {
            for row in from.min(to)..=last {
                let own = (row + from).checked_sub(to).filter(|&own| own >= from && own <= last);
                let value = own.map_or(Fr::zero(), |own| self.value(place, own));
                cells.push((place, row, value));
            }
        }
        cells
    }
}

/// Each kind of fault by its reason. A hash of two words begins on row 1, and one of one word behind its end.
#[test]
fn faults_in_rows_of_hashes_are_refused_by_name() {
    let mut hashing = Hashing::new();
    let (one, zero) = (Fr::one(), Fr::zero());
    let HashPlaces { constant, turns: [past, full, partial], begins, ends, .. } =
        hashing.places.clone();
    let last = 1 + 2 * ROWS;
    assert_eq!(hashing.value(ends[0], last), one);
    assert_eq!(hashing.value(ends[1], last + 1 + ROWS), one);
    let wrong_constant = "what it adds before its S-box is not Poseidon's constant";
    let wrong_turn = "its state is not what Poseidon's round gives";
    // A constant, of the first row, of a partial round, of the last S-box; h₀ of another length or without the tag.
    for row in [1, 30, last - 1, last + 1] {
        let other = hashing.value(constant, row) + one;
        assert!(hashing.refused(&[(constant, row, other)]).contains(wrong_constant), "row {row}");
    }
    let untagged = hashing.value(constant, 1 + ROWS) + Fr::from(33);
    assert!(hashing.refused(&[(constant, 1, untagged)]).contains(wrong_constant));
    // An S-box that is left out: its round ends one early, or is taken for a partial one.
    assert!(hashing.refused(&[(past, 3, zero), (full, 3, one)]).contains(wrong_turn));
    let row = (2..last).find(|&row| hashing.value(full, row) == one).expect("a full round");
    assert!(hashing.refused(&[(full, row, zero), (partial, row, one)]).contains(wrong_turn));
    // A round that is left out, with all behind it one row earlier.
    let row = (2..last).find(|&row| hashing.value(partial, row) == one).expect("a partial round");
    let skipped = hashing.moved(row + 1, row);
    assert!(hashing.refused(&skipped).contains(wrong_constant));
    // Nothing that goes on, or two ways at once.
    let broken_off = "the hash before it is broken off";
    assert!(hashing.refused(&[(past, 2, zero)]).contains(broken_off));
    assert!(hashing.refused(&[(full, 2, one)]).contains("do not go together"));
    assert!(hashing.refused(&[(past, 1, one)]).contains("goes on from a row of no hash"));
    let two = Fr::from(2);
    assert!(hashing.refused(&[(begins, 1, two)]).contains("neither 0 nor 1"));
    for row in [0, hashing.shape.table_rows + 1] {
        assert!(hashing.refused(&[(past, row, one)]).contains("outside of the table"), "row {row}");
    }
    // A word that is left out: the second permutation, with the padding, is not there.
    let mut shorter = hashing.moved(last + 1, 1 + ROWS + 1);
    shorter.push((begins, 1 + ROWS, zero));
    shorter.push((constant, 1 + ROWS, zero));
    shorter.push((ends[0], 1 + ROWS, one));
    assert!(hashing.refused(&shorter).contains("a hash takes 1 words, expected 3"));
    // A word more: the one-word input's hash goes on where it ends.
    let end = last + 1 + ROWS;
    assert!(hashing.refused(&[(begins, end, one), (ends[1], end, zero)]).contains(wrong_constant));
    // Without its blinding: both of the first pair are words.
    assert!(hashing.refused(&[(full, 1, one)]).contains("goes on from a row of no hash"));
    // A permutation that begins from 0 and not from the hash before it.
    assert!(hashing.refused(&[(full, 1 + ROWS, zero)]).contains(broken_off));
    // Words that are free in the middle of a permutation.
    assert!(hashing.refused(&[(begins, 2, one)]).contains("begins before the last is done"));
    // The instance is another state, or that of the other input.
    let way = "is a state on the way to it";
    for row in [1, 40, 1 + ROWS] {
        assert!(hashing.refused(&[(ends[0], row, one)]).contains(way), "row {row}");
    }
    assert!(hashing.refused(&[(ends[0], last, zero)]).contains("is not told as that"));
    let both = [(ends[0], last, zero), (ends[1], last, one)];
    assert!(hashing.refused(&both).contains("is not told as that"));
    assert!(hashing.refused(&[(ends[1], last, one)]).contains("do not go together"));
    let idle = end + 1;
    assert!(hashing.refused(&[(ends[0], idle, one)]).contains("told as a hash and is none"));
    assert!(hashing.refused(&[(begins, idle, one)]).contains("there is no such input"));
}

/// The shape says how long inputs are and which instances are their hashes.
#[test]
fn hashes_of_another_shape_are_refused() {
    let hashing = Hashing::new();
    let all = hashing.shape.hashes.clone();
    let [first, second] = [all[0], all[1]];
    for hashes in [
        vec![],
        vec![first],
        vec![second, first],
        vec![Hash { at: second.at, ..first }, Hash { at: first.at, ..second }],
        vec![Hash { length: first.length + 1, ..first }, second],
        vec![Hash { words: first.words + 1, ..first }, second],
        vec![first, second, second],
    ] {
        let subject =
            hashing.case.subject(Shape { hashes: hashes.clone(), ..hashing.shape.clone() });
        assert!(subject.check(&hashing.model).is_err(), "{hashes:?}");
    }
}

/// Every architecture that has a circuit, told by any training of it.
#[test]
fn architectures_are_certified() {
    let mut certified = 0;
    for (name, model) in models::all().into_iter().chain([("several", committed::several())]) {
        let circuit = match committed::plans(&model) {
            Ok(plans) => plans.circuit(Goal::default()),
            Err(CircuitError::CommittedWeights { .. } | CircuitError::Instances { .. }) => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        certified += 1;
        let case = Case::of(&model, circuit);
        for training in [model.clone(), committed::retrained(&model, 29), model.without_weights()] {
            let report = case.check(&training).unwrap_or_else(|why| panic!("{name}: {why}"));
            assert!(report.weights > 0 && report.widest_bits < 250, "{name}");
        }
    }
    assert!(certified > 4, "{certified}");
}

/// Of another architecture, or with weights of its own in the key.
#[test]
fn other_architectures_are_refused() {
    let model = committed::several();
    let mut case = Case::of(&model, committed::circuit(&model));
    let mut other = model.clone();
    for node in &mut other.graph.nodes {
        if let Operator::Gemm(gemm) = &mut node.operator {
            gemm.requantization.multipliers[0] *= 1.01;
        }
    }
    let refused = case.check(&other);
    assert!(matches!(refused, Err(CertifyError::Output { .. })), "{refused:?}");
    case.layout.names_weights = false;
    assert!(case.check(&model).is_err());
    let known = Case::new(&model, Wishes { packed: true, ..Wishes::default() });
    let mut known = known.expect("it has a circuit");
    known.layout.names_weights = true;
    assert!(known.check(&model).is_err());
}

#[test]
fn faults_in_committed_weights_are_refused_by_name() {
    let model = committed::several();
    let mut case = Case::of(&model, committed::circuit(&model));
    let shape = Shape::read(&case.circuit.shape()).expect("a shape");
    let places = Places::new(&shape).expect("a shape of the planner");
    let WeightPlaces { scale, table, .. } = places.weights.clone().expect("they are committed");
    let scales = case.fixed[scale.column][..=shape.table_rows].to_vec();
    let mut refused = |place: Place, row: usize, value: Fr| {
        let honest = std::mem::replace(&mut case.fixed[place.column][row], value);
        let why = case.check(&model).expect_err("it is no model's").to_string();
        case.fixed[place.column][row] = honest;
        why
    };
    let weighing = scales.iter().position(|&scale| scale == Fr::one()).expect("weights");
    let of_digits = scales.iter().position(|&scale| scale == Fr::from(256)).expect("biases");
    for row in [weighing, of_digits] {
        let why = refused(scale, row, scales[row] + Fr::one());
        let reasons = ["another function", "no interval holds", "leaves"];
        assert!(reasons.iter().any(|reason| why.contains(reason)), "{why}");
    }
    let why = refused(scale, weighing, -Fr::one());
    assert!(why.contains("is no small integer"), "{why}");
    let idle = scales.iter().skip(1).position(|&scale| scale == Fr::zero()).expect("others") + 1;
    let why = refused(scale, idle, Fr::one());
    assert!(why.contains("does not weigh") || why.contains("no weight"), "{why}");
    let why = refused(scale, shape.table_rows + 1, Fr::one());
    assert!(why.contains("outside of the table"), "{why}");
    // 128 may be one, or −128 none.
    for row in [1, 256] {
        let why = refused(table, row, Fr::from(128));
        assert!(why.contains("has one that cannot be"), "{why}");
        let why = refused(table, row, Fr::zero());
        assert!(why.contains("has not all that can be"), "{why}");
    }
    let why = refused(table, shape.table_rows, Fr::from(128));
    assert!(why.contains("has one that cannot be"), "{why}");
    // What is no weight is in a place of one; a weight is another's; two cells hold one.
    let honest = case.circuit.weight_numbers();
    let (lane, row) = (0..honest.len())
        .flat_map(|lane| (0..honest[lane].len()).map(move |row| (lane, row)))
        .find(|&(lane, row)| honest[lane][row] == 2)
        .expect("it has a place");
    let mut of = |number: i32| {
        let mut other = honest.clone();
        other[lane][row] = number;
        case.lanes = Lanes::of(&other);
        case.check(&model).expect_err("it is no model's").to_string()
    };
    assert!(of(0).contains("what is no weight is contributed to it"));
    assert!(of(1_000_000).contains("another function"));
    assert!(of(1).contains("shape that cannot be checked"));
}

/// Committed outputs beside each set of inputs, and neither as outputs that are told nor with other words before them.
#[test]
fn committed_outputs_are_certified() {
    use Visibility::{Committed, Hashed, Private, Public};
    let model = ports::model();
    let mut model = Model { outputs: model.outputs[..2].to_vec(), ..model };
    model.outputs[1].name = "other".into();
    for told in [[Public, Public], [Private, Private], [Committed, Public], [Hashed, Committed]] {
        let mut case = Case::of(&model, summed::told_of_all(&model, &told, Committed, true));
        case.check(&model).unwrap_or_else(|why| panic!("{told:?}: {why}"));
        let shape = Shape::read(&case.circuit.shape()).expect("a shape");
        let own = shape.outputs.expect("they are committed");
        for (links, words) in [(own.links - 1, own.words), (own.links, own.words + 1)] {
            let outputs = Some(crate::certify::shape::CommittedOutputs { links, words });
            let refused = case.subject(Shape { outputs, ..shape.clone() }).check(&model);
            assert!(refused.is_err(), "{told:?}");
        }
        case.layout.outputs.iter_mut().for_each(|output| output.visibility = Public);
        assert!(matches!(case.check(&model), Err(CertifyError::Packing { .. })), "{told:?}");
    }
}
