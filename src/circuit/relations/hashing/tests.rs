//! An instance is the hash of the bytes and of a blinding, and of nothing else.

use crate::circuit::{
    BYTES_PER_WORD, CircuitError, Forge, Given, Goal, InstanceLayout, ModelCircuit, Plans, Wishes,
    Witness,
    columns::Challenges,
    field::byte_power,
    hash_of_words,
    hashes::{self, Hashed, MOST_HASHES},
    layout::rows::Content,
    pack,
    poseidon::{Fields, Turn},
    shape::{LARGEST_K, SMALLEST_K, Shape, longest_table},
    tests::{assert_breaks, broken, forged, ports, relimb, row, rows as evaluated, summed},
};
use crate::model::Visibility::{self, Committed, Hashed as Told, Private, Public};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use std::ops::RangeInclusive;

const WORDS_ARE_BYTES: &str = "the bytes are those of the instances";
const SUM_HOLDS: &str = "the hashed sum holds words and hashes";

/// A model of two inputs, of two words and of one, in packed proofs.
fn circuit(told: [Visibility; 2]) -> ModelCircuit {
    summed::told(&ports::model(), &told)
}

/// The same in halo2's proofs, of whose columns so many share one.
fn of_rows(told: [Visibility; 2], fold: usize) -> ModelCircuit {
    let model = ports::model();
    let mut instances = InstanceLayout::of_model(&model, false);
    let inputs = instances.inputs.iter_mut().zip(told);
    inputs.for_each(|(input, told)| input.visibility = told);
    let of = |k| {
        let wishes = Wishes { k: Some(k), ..Wishes::default() };
        Plans::for_instances(&model, instances.clone(), wishes).ok()
    };
    let plans = (SMALLEST_K..=LARGEST_K).find_map(of).expect("the model has circuits");
    let shape = Shape { fold, ..plans.circuit(Goal::Speed).shape() };
    let fits = |&k: &u32| shape.table_rows <= longest_table(k, fold);
    let k = (SMALLEST_K..).find(fits).expect("a domain is long enough");
    ModelCircuit::restore(&model, &instances, k, &shape).expect("as many rows in another domain")
}

fn blindings(circuit: &ModelCircuit) -> Vec<Fr> {
    (1..=circuit.shape().hashes.len() as u64).map(|hash| Fr::from(hash).pow([97])).collect()
}

fn honest(circuit: &ModelCircuit) -> Witness {
    let (input, blindings) = (ports::inputs().concat(), blindings(circuit));
    let given = Given { input: &input, blindings: &blindings, ..Given::default() };
    circuit.witness_of_any(given, Fr::from(5)).expect("inputs of the model")
}

/// The words of the inputs that are hashed.
fn words(told: [Visibility; 2]) -> Vec<Vec<Fr>> {
    let inputs = told.into_iter().zip(ports::codes());
    inputs.filter(|(told, _)| *told == Told).map(|(_, codes)| pack(&codes)).collect()
}

fn place(circuit: &ModelCircuit, number: usize) -> (Hashed, RangeInclusive<usize>) {
    let all = circuit.shape().hashes;
    (all[number], hashes::rows(&all).nth(number).expect("a hash"))
}

/// Whoever cheats in states goes on honestly, and says that the hash is what comes out.
fn with_states(
    circuit: &ModelCircuit,
    number: usize,
    words: &[Fr],
    tamper: impl Fn(usize, &mut [Fr; Fields::WIDTH + 1]),
) -> Witness {
    let (own, rows) = place(circuit, number);
    let blinding = blindings(circuit)[number];
    let mut witness = honest(circuit);
    let states = hashes::tampered_rows(own, words, blinding, &tamper);
    for (row, state) in rows.zip(&states) {
        let columns = witness.hashed.iter_mut().zip(state);
        columns.for_each(|(column, cell)| column.set_element(row, *cell));
    }
    let last = states.last().expect("there are rows");
    witness.instances[circuit.shape().free_instances + own.at] = last[0];
    witness
}

#[test]
fn honest_rows_hold_and_instances_are_hashes() {
    let all = [[Told, Public], [Public, Told], [Told, Told], [Private, Told]];
    for (told, fold) in all.into_iter().zip([1, 4, 2, 1]) {
        for circuit in [of_rows(told, fold), circuit(told)] {
            let (shape, witness) = (circuit.shape(), honest(&circuit));
            let lengths = ports::codes().map(|codes| codes.len());
            let lengths = told.into_iter().zip(lengths).filter(|(told, _)| *told == Told);
            let expected = lengths.zip(words(told)).zip(blindings(&circuit));
            let expected: Vec<Fr> = expected
                .map(|(((_, length), words), blinding)| hash_of_words(length, &words, blinding))
                .collect();
            let at = |own: &Hashed| witness.instances[shape.free_instances + own.at];
            assert_eq!(shape.hashes.iter().map(at).collect::<Vec<_>>(), expected);
            assert_eq!(witness.instances.len(), circuit.layout().len());
            assert_eq!(circuit.instances(), circuit.layout().len());
            assert_eq!(shape.private_input, told.contains(&Private));
            assert_eq!(broken(&circuit, witness), [""; 0], "{told:?}, fold {}", shape.fold);
        }
    }
    // Beside a committed one.
    for told in [[Committed, Told], [Told, Committed]] {
        let circuit = circuit(told);
        assert_eq!(broken(&circuit, honest(&circuit)), [""; 0], "{told:?}");
    }
}

#[test]
fn columns_are_counted_as_they_are_made() {
    for circuit in [circuit([Told, Told]), of_rows([Told, Public], 4)] {
        let system = circuit.constraint_system();
        let made = [system.num_advice_columns(), system.num_fixed_columns()];
        assert_eq!(circuit.shape().columns(), made);
    }
}

#[test]
fn a_hash_needs_a_blinding_and_hides_with_it() {
    let circuit = circuit([Told, Public]);
    let input = ports::inputs().concat();
    let refused = circuit.witness(&input, Fr::from(5)).map(drop);
    let is_told = matches!(refused, Err(CircuitError::Blindings { found: 0, expected: 1 }));
    assert!(is_told, "{refused:?}");
    let hash = |blinding: u64| {
        let blindings = &[Fr::from(blinding)];
        let given = Given { input: &input, blindings, ..Given::default() };
        circuit.witness_of_any(given, Fr::from(5)).expect("inputs of the model").instances[1]
    };
    assert_ne!(hash(1), hash(2));
}

#[test]
fn instances_of_other_hashes_are_refused() {
    for (circuit, instances) in
        [(circuit([Told, Told]), &[1, 2][..]), (of_rows([Told, Told], 2), &[1][..])]
    {
        for &instance in instances {
            let mut witness = honest(&circuit);
            witness.instances[instance] += Fr::one();
            assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
        }
        let mut witness = honest(&circuit);
        witness.instances.swap(1, 2);
        assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
    }
}

/// A hash and a public word, or words of two hashes, do not make up for each other.
#[test]
fn hashes_of_other_words_are_refused() {
    let told = [Told, Told];
    let both = circuit(told);
    let honest = words(told);
    for (number, own) in honest.iter().enumerate() {
        let mut others = own.clone();
        others[own.len() - 1] += Fr::one();
        let witness = with_states(&both, number, &others, |_, _| {});
        assert_breaks(&broken(&both, witness), &[WORDS_ARE_BYTES]);
        let mut swapped = own.clone();
        swapped.reverse();
        if swapped != *own {
            let witness = with_states(&both, number, &swapped, |_, _| {});
            assert_breaks(&broken(&both, witness), &[WORDS_ARE_BYTES]);
        }
    }
    // Two words are padded with 0 and nothing else.
    let mut longer = honest[0].clone();
    longer.push(Fr::one());
    let witness = with_states(&both, 0, &longer, |_, _| {});
    assert_breaks(&broken(&both, witness), &[WORDS_ARE_BYTES]);
    let one = circuit([Told, Public]);
    let mut witness = with_states(&one, 0, &[honest[0][0] + Fr::one(), honest[0][1]], |_, _| {});
    witness.instances[2] -= Fr::one();
    assert_breaks(&broken(&one, witness), &[WORDS_ARE_BYTES]);
}

/// Bytes that do not fit a byte could make up for other words.
#[test]
fn a_hashed_byte_is_below_256() {
    for told in [[Public, Told], [Private, Told]] {
        let circuit = circuit(told);
        let input = if told[0] == Public { 0 } else { 1 };
        let block = circuit.compiled.net.inputs[input].block;
        let at = row(&circuit, (block, 3));
        let mut witness = honest(&circuit);
        relimb(&mut witness, 1, at, Fr::zero());
        assert_breaks(&broken(&circuit, witness), &["an input plus N − 256 is below N"]);
    }
}

/// Each element, where the state comes from the one before in each way, and where there is none: each constraint refuses it on
/// that row, and nothing else does.
#[test]
fn another_state_is_refused_wherever_it_is() {
    let told = [Told, Public];
    let circuit = circuit(told);
    let words = &words(told)[0];
    let (own, rows) = place(&circuit, 0);
    let fixed: Vec<_> = hashes::fixed_rows(own).collect();
    let find = |turn: Option<Turn>, begins: bool| {
        let row = fixed.iter().position(|row| (row.turn, row.begins) == (turn, begins));
        row.expect("there is such a row")
    };
    let cases = [
        find(None, true),
        find(Some(Turn::Past), false),
        find(Some(Turn::Full), false),
        find(Some(Turn::Partial), false),
        find(Some(Turn::Full), true),
        fixed.len() - 2,
        fixed.len() - 1,
    ];
    let refused = |witness: Witness| evaluated::broken(&circuit, witness, |_, _, _, _| {});
    let on = |name: &str, at: &[usize]| -> Vec<(String, usize)> {
        at.iter().map(|at| (name.to_owned(), rows.start() + at)).collect()
    };
    let names = [
        "the first element is what the round gives",
        "the second element is what the round gives",
        "the third element is what the round gives",
        "the fourth element is what the round gives",
    ];
    for (element, name) in names.into_iter().enumerate() {
        // Two of them are anything where a permutation begins.
        let is_free = |at: usize| fixed[at].begins && (1..3).contains(&element);
        let mut cases: Vec<usize> = cases.into_iter().filter(|&at| !is_free(at)).collect();
        cases.sort_unstable();
        let witness = with_states(&circuit, 0, words, |row, state| {
            if cases.contains(&row) {
                state[element] += Fr::one();
                state[Fields::WIDTH] = (state[0] + fixed[row].constant).square();
            }
        });
        // Behind it there is no state.
        let mut witness = witness;
        witness.hashed[element].add(*rows.end() + 2, Fr::one());
        if element == 0 {
            witness.hashed[Fields::WIDTH].add(*rows.end() + 2, Fr::one());
        }
        cases.push(fixed.len() + 1);
        assert_eq!(refused(witness), on(name, &cases));
    }
    let cases = [0, 1, 50, fixed.len() - 2, fixed.len() - 1];
    let witness = with_states(&circuit, 0, words, |row, state| {
        if cases.contains(&row) {
            state[Fields::WIDTH] += Fr::one();
        }
    });
    assert_eq!(refused(witness), on("the square is that of what enters", &cases));
}

/// In proofs whose columns share one as well.
#[test]
fn another_state_is_refused_where_columns_share_one() {
    let told = [Told, Public];
    let circuit = of_rows(told, 4);
    let cases = [
        (0, "the first element is what the round gives"),
        (3, "the fourth element is what the round gives"),
    ];
    for (element, name) in cases {
        let (own, _) = place(&circuit, 0);
        let fixed: Vec<_> = hashes::fixed_rows(own).collect();
        let witness = with_states(&circuit, 0, &words(told)[0], |row, state| {
            if row == 100 {
                state[element] += Fr::one();
                state[Fields::WIDTH] = (state[0] + fixed[row].constant).square();
            }
        });
        assert_breaks(&broken(&circuit, witness), &[name]);
    }
}

/// The row before the first is no row of the table: what it holds is nobody's promise, and says nothing.
#[test]
fn what_is_before_a_hash_says_nothing() {
    let circuit = circuit([Told, Told]);
    let mut witness = honest(&circuit);
    for column in &mut witness.hashed {
        column.add(0, Fr::from(7));
    }
    assert_eq!(broken(&circuit, witness), [""; 0]);
}

/// Where a hash begins, goes on, ends, and elsewhere: on that row and on the one after it.
#[test]
fn a_sum_that_jumps_is_refused() {
    let circuit = circuit([Told, Told]);
    let jump: Forge = |sums, _, _, _| {
        let sum = sums.hashed.as_mut().expect("inputs are hashed");
        JUMPS.into_iter().for_each(|row| sum[row] += Fr::one());
    };
    let found = evaluated::broken(&circuit, honest(&circuit), jump);
    let rows = JUMPS.into_iter().flat_map(|row| [row, row + 1]);
    let expected: Vec<(String, usize)> =
        rows.map(|row| ("the hashed sum holds words and hashes".to_owned(), row)).collect();
    assert_eq!(found, expected);
}

const JUMPS: [usize; 4] = [1, 11, 1 + hashes::ROWS, 1 + 2 * hashes::ROWS];

fn apart(challenges: &Challenges) -> Fr {
    byte_power(BYTES_PER_WORD) * challenges.tau
}

#[test]
fn words_beyond_the_last_are_refused() {
    let circuit = circuit([Told, Public]);
    // Something is left behind the last row, all the way from the first.
    let leave: Forge = |sums, challenges, compiled, _| {
        let shape = &compiled.plan.shape;
        let fixed: Vec<_> = hashes::fixed_rows(shape.hashes[0]).collect();
        let sum = sums.hashed.as_mut().expect("inputs are hashed");
        let (mut rest, begun, apart) = (Fr::one(), sum[0], apart(challenges));
        for at in (0..sum.len()).rev() {
            sum[at] += rest;
            if let Some(row) = at.checked_sub(1).and_then(|at| fixed.get(at))
                && row.begins
            {
                rest *= if row.turn.is_none() { apart } else { apart.square() };
            }
        }
        let words: usize = shape.hashes.iter().map(|hashed| hashed.taken()).sum();
        let behind = apart.pow([words as u64]).invert().expect("it is not 0");
        sums.balance[0] -= (sum[0] - begun) * behind;
    };
    let names = forged(&circuit, honest(&circuit), leave);
    let balance = "the balance grows by what is made less what is taken";
    assert_breaks(&names, &["nothing but the words of hashes is hashed", balance]);
}

/// A prover could make up for another hash wherever something begins.
#[test]
fn another_hash_is_refused_wherever_what_is_left_begins() {
    let balance = "the balance grows by what is made less what is taken";
    let circuit = circuit([Told, Public]);
    let other = || {
        let mut witness = honest(&circuit);
        witness.instances[1] += Fr::one();
        witness
    };
    let attacks: [(Forge, &str); 5] = [
        (|_, _, _, _| {}, WORDS_ARE_BYTES),
        (
            |sums, _, _, _| sums.balance.iter_mut().for_each(|at| *at -= Fr::one()),
            "everything made is what was taken",
        ),
        (|sums, _, _, _| sums.balance[0] -= Fr::one(), balance),
        (
            |sums, challenges, _, _| sums.packed[0] += apart(challenges).pow([3]),
            "the packed instances hold the public bytes",
        ),
        (
            |sums, challenges, _, _| {
                let sum = sums.hashed.as_mut().expect("inputs are hashed");
                sum[0] -= apart(challenges).pow([3]);
            },
            SUM_HOLDS,
        ),
    ];
    for (attack, refusal) in attacks {
        assert_breaks(&forged(&circuit, other(), attack), &[refusal]);
    }
}

/// A word of 0 stands where a hash does: no byte is there.
#[test]
fn a_hash_has_no_byte_in_its_place() {
    let circuit = circuit([Told, Public]);
    let net = &circuit.compiled.net;
    let zeros = net.blocks.iter().enumerate().filter(|(_, block)| block.name == "hash");
    let zeros: Vec<usize> = zeros.map(|(number, _)| row(&circuit, (number, 0))).collect();
    // Of the padding, and of the hash.
    assert_eq!(zeros.len(), 2);
    for (number, at) in zeros.into_iter().enumerate() {
        assert!(matches!(circuit.plan().layout.rows[at].content, Content::Cell { .. }));
        let mut witness = honest(&circuit);
        relimb(&mut witness, 0, at, Fr::one());
        if number == 1 {
            witness.instances[1] += Fr::one();
        }
        let names = broken(&circuit, witness);
        let taken = "everything made is what was taken";
        let expected: &[&str] = if number == 1 { &[taken] } else { &[taken, WORDS_ARE_BYTES] };
        assert_breaks(&names, expected);
    }
}

#[test]
fn shapes_and_layouts_have_the_same_hashes() {
    let circuit = circuit([Public, Told]);
    let (k, shape, layout) = (circuit.k(), circuit.shape(), circuit.layout().clone());
    let own = Hashed { length: 5, words: 1, at: 2 };
    assert_eq!(shape.hashes, [own]);
    ModelCircuit::restore(&ports::model(), &layout, k, &shape).expect("the same plan");
    let others = [
        vec![],
        vec![Hashed { at: 1, ..own }],
        vec![Hashed { words: 2, ..own }],
        vec![Hashed { length: 6, ..own }],
        vec![own, own],
    ];
    for hashes in others {
        let other = Shape { hashes, ..shape.clone() };
        assert!(!layout.fits(&other), "{other:?}");
        assert!(ModelCircuit::restore(&ports::model(), &layout, k, &other).is_err());
    }
    let far = Hashed { words: usize::MAX / 2, ..own };
    for hashes in [vec![far], vec![own; MOST_HASHES + 1], vec![Hashed { at: usize::MAX, ..own }]] {
        assert!(!Shape { hashes, ..shape.clone() }.is_possible(k));
    }
}
