//! Committed inputs are the words of their links, and no others.

mod outputs;

use crate::circuit::columns::Challenges;
use crate::circuit::field::{byte_power, pack};
use crate::circuit::shape::Shape;
use crate::circuit::tests::{
    assert_breaks, broken, forged, ports, relimb, row,
    summed::{told, told_in},
};
use crate::circuit::{BYTES_PER_WORD, Forge, Link, ModelCircuit, Witness, links};
use crate::model::Visibility::{self, Committed, Private, Public};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

const WORDS_ARE_BYTES: &str = "the bytes are those of the instances";
const BALANCE_GROWS: &str = "the balance grows by what is made less what is taken";
const SUM_HOLDS: &str = "the linked sum holds the words of the commitment";

/// A model of two inputs, of two words and of one.
fn circuit(visibility: [Visibility; 2]) -> ModelCircuit {
    told(&ports::model(), &visibility)
}

fn honest(circuit: &ModelCircuit) -> Witness {
    circuit.witness(&ports::inputs().concat(), Fr::from(5)).expect("inputs of the model")
}

/// Where the first link's words lie.
fn rows(circuit: &ModelCircuit, link: usize) -> Vec<usize> {
    let rows = links::rows(circuit.shape().links[link], circuit.k());
    rows.expect("the circuit has room").collect()
}

fn apart(challenges: &Challenges) -> Fr {
    byte_power(BYTES_PER_WORD) * challenges.tau
}

#[test]
fn honest_rows_hold_and_links_have_the_words_of_their_inputs() {
    let told = [
        ([Committed, Public], vec![2]),
        ([Public, Committed], vec![1]),
        ([Committed, Committed], vec![2, 1]),
        ([Private, Committed], vec![1]),
        ([Committed, Private], vec![2]),
    ];
    for (told, words) in told {
        let circuit = circuit(told);
        let (shape, witness) = (circuit.shape(), honest(&circuit));
        assert_eq!((&shape.links, shape.private_input), (&words, told.contains(&Private)));
        assert_eq!(broken(&circuit, witness.clone()), [""; 0], "{told:?}");
        let inputs = told.into_iter().zip(ports::codes());
        let committed = inputs.filter(|(told, _)| *told == Committed);
        for (link, (_, codes)) in committed.enumerate() {
            let words = pack(&codes);
            let rows = rows(&circuit, link);
            assert_eq!(rows.len(), words.len());
            assert_eq!(rows[0], 1 << (circuit.k() - 6));
            for row in 0..witness.linked[link].len() {
                let word = rows.iter().position(|&own| own == row).map(|word| words[word]);
                assert_eq!(witness.linked[link].at(row), word.unwrap_or(Fr::zero()), "row {row}");
            }
        }
        let links = shape.links();
        let system = circuit.constraint_system();
        for (number, Link { column, class, name }) in links.into_iter().enumerate() {
            assert_eq!((class, name), (6, 1 + number));
            assert_eq!(system.advice_column_phase()[column], 0);
            let queries = system.advice_queries().iter();
            let rotations: Vec<i32> = queries
                .filter(|(own, _)| own.index() == column)
                .map(|(_, rotation)| rotation.0)
                .collect();
            assert_eq!(rotations, [0], "a proof evaluates it at x");
        }
    }
}

/// What is public of a committed input is its name, which may be any here: proofs link it.
#[test]
fn names_are_free_and_all_other_instances_are_not() {
    let circuit = circuit([Public, Committed]);
    for instance in [0, 1, 2, circuit.instances() - 1] {
        let mut witness = honest(&circuit);
        witness.instances[instance] += Fr::one();
        let names = broken(&circuit, witness);
        if instance < 2 {
            assert_eq!(names, [""; 0])
        } else {
            assert_breaks(&names, &[WORDS_ARE_BYTES])
        }
    }
}

#[test]
fn other_words_than_the_bytes_are_refused() {
    let both = circuit([Committed, Committed]);
    for link in 0..2 {
        for row in rows(&both, link) {
            let mut witness = honest(&both);
            witness.linked[link].add(row, Fr::one());
            assert_breaks(&broken(&both, witness), &[WORDS_ARE_BYTES]);
        }
    }
    // Words of one link, of two links, and of a link and the instances change places.
    let mut witness = honest(&both);
    let rows = [rows(&both, 0), rows(&both, 1)];
    let [first, second] = [0, 1].map(|word| witness.linked[0].at(rows[0][word]));
    witness.linked[0].set_element(rows[0][0], second);
    witness.linked[0].set_element(rows[0][1], first);
    assert_breaks(&broken(&both, witness), &[WORDS_ARE_BYTES]);
    let mut witness = honest(&both);
    let other = witness.linked[1].at(rows[1][0]);
    witness.linked[0].set_element(rows[0][0], other);
    witness.linked[1].set_element(rows[1][0], first);
    assert_breaks(&broken(&both, witness), &[WORDS_ARE_BYTES]);
    let one = circuit([Public, Committed]);
    let mut witness = honest(&one);
    let row = self::rows(&one, 0)[0];
    let word = witness.linked[0].at(row);
    witness.linked[0].set_element(row, witness.instances[2]);
    witness.instances[2] = word;
    assert_breaks(&broken(&one, witness), &[WORDS_ARE_BYTES]);
}

/// Bytes that do not fit a byte could make up for other words.
#[test]
fn a_committed_byte_is_below_256() {
    for told in [[Public, Committed], [Private, Committed]] {
        let circuit = circuit(told);
        let at = row(&circuit, (circuit.compiled.net.inputs[1].block, 3));
        let mut witness = honest(&circuit);
        relimb(&mut witness, 1, at, Fr::zero());
        assert_breaks(&broken(&circuit, witness), &["an input plus N − 256 is below N"]);
    }
}

#[test]
fn a_sum_that_jumps_is_refused() {
    let circuit = circuit([Committed, Public]);
    // On a row without a word, and on one with one.
    let jumps: [Forge; 2] = [
        |sums, _, _, _| sums.linked[0][2] += Fr::one(),
        |sums, _, compiled, _| {
            let (links, k) = (&compiled.plan.shape.links, compiled.plan.k);
            let first = links::rows(links[0], k).and_then(|mut rows| rows.next());
            sums.linked[0][first.expect("there are words")] += Fr::one();
        },
    ];
    for jump in jumps {
        assert_breaks(&forged(&circuit, honest(&circuit), jump), &[SUM_HOLDS]);
    }
}

#[test]
fn words_beyond_the_last_are_refused() {
    let circuit = circuit([Committed, Public]);
    // Something is left behind the last row, all the way from the first.
    let leave: Forge = |sums, challenges, compiled, _| {
        let shape = &compiled.plan.shape;
        let rows = links::rows(shape.links[0], compiled.plan.k).expect("there is room");
        let rows: Vec<usize> = rows.collect();
        let (mut rest, begun) = (Fr::one(), sums.linked[0][0]);
        for at in (0..sums.linked[0].len()).rev() {
            sums.linked[0][at] += rest;
            if rows.contains(&at) {
                rest *= apart(challenges);
            }
        }
        let behind = balance_factor(shape, challenges).invert().unwrap();
        sums.balance[0] -= (sums.linked[0][0] - begun) * behind;
    };
    let names = forged(&circuit, honest(&circuit), leave);
    assert_breaks(&names, &["nothing but the words of the commitment is linked", BALANCE_GROWS]);
}

/// What the packed bytes say of the balance: T to the power of all linked words.
fn balance_factor(shape: &Shape, challenges: &Challenges) -> Fr {
    apart(challenges).pow([shape.links.iter().sum::<usize>() as u64])
}

/// A prover could make up for another public word, or for another word of a commitment, wherever something begins:
/// `balance` on the row before the table is nobody's promise.
#[test]
fn other_words_are_refused_wherever_what_is_left_begins() {
    let holds = "the packed instances hold the public bytes";
    let circuit = circuit([Public, Committed]);
    let other_instance = || {
        let mut witness = honest(&circuit);
        witness.instances[2] += Fr::one();
        witness
    };
    let instance: [(Forge, &str); 5] = [
        (|_, _, _, _| {}, WORDS_ARE_BYTES),
        // The balance begins at one less, all the way or on the row before the table alone.
        (
            |sums, _, _, _| sums.balance.iter_mut().for_each(|at| *at -= Fr::one()),
            "everything made is what was taken",
        ),
        (|sums, _, _, _| sums.balance[0] -= Fr::one(), BALANCE_GROWS),
        // So much more is packed, or so much less is linked.
        (
            |sums, challenges, compiled, _| {
                sums.packed[0] += balance_factor(&compiled.plan.shape, challenges);
            },
            holds,
        ),
        (
            |sums, challenges, compiled, _| {
                sums.linked[0][0] -= balance_factor(&compiled.plan.shape, challenges);
            },
            SUM_HOLDS,
        ),
    ];
    for (attack, refusal) in instance {
        assert_breaks(&forged(&circuit, other_instance(), attack), &[refusal]);
    }
    let row = rows(&circuit, 0)[0];
    let other_word = || {
        let mut witness = honest(&circuit);
        witness.linked[0].add(row, Fr::one());
        witness
    };
    let word: [(Forge, &str); 5] = [
        (|_, _, _, _| {}, WORDS_ARE_BYTES),
        (
            |sums, challenges, compiled, _| {
                let by = balance_factor(&compiled.plan.shape, challenges).invert().unwrap();
                sums.balance.iter_mut().for_each(|at| *at -= by);
            },
            "everything made is what was taken",
        ),
        (
            |sums, challenges, compiled, _| {
                let by = balance_factor(&compiled.plan.shape, challenges).invert().unwrap();
                sums.balance[0] -= by;
            },
            BALANCE_GROWS,
        ),
        (|sums, _, _, _| sums.packed[0] += Fr::one(), holds),
        (|sums, _, _, _| sums.linked[0][0] -= Fr::one(), SUM_HOLDS),
    ];
    for (attack, refusal) in word {
        assert_breaks(&forged(&circuit, other_word(), attack), &[refusal]);
    }
}

/// In halo2's format, whose circuits have rows that take the words of the instances.
#[test]
fn committed_inputs_are_bound_where_rows_take_words() {
    for visibility in [[Public, Committed], [Committed, Committed], [Private, Committed]] {
        let circuit = told_in(&ports::model(), &visibility, false);
        let (shape, links) = (circuit.shape(), circuit.shape().links.len());
        assert!(!shape.sums_words && shape.fold == 1 && shape.is_possible(circuit.k()));
        assert_eq!(broken(&circuit, honest(&circuit)), [""; 0], "{visibility:?}");
        for (link, row) in
            (0..links).flat_map(|link| rows(&circuit, link).into_iter().map(move |row| (link, row)))
        {
            let mut witness = honest(&circuit);
            witness.linked[link].add(row, Fr::one());
            assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
        }
        for instance in 0..circuit.instances() {
            let mut witness = honest(&circuit);
            witness.instances[instance] += Fr::one();
            let names = broken(&circuit, witness);
            if instance <= links {
                assert_eq!(names, [""; 0]);
            } else {
                assert_breaks(&names, &[WORDS_ARE_BYTES]);
            }
        }
    }
    let circuit = told_in(&ports::model(), &[Public, Committed], false);
    let attacks: [(Forge, &str); 3] = [
        (|sums, _, _, _| sums.balance[0] -= Fr::one(), BALANCE_GROWS),
        (
            |sums, challenges, compiled, _| {
                sums.packed[0] += balance_factor(&compiled.plan.shape, challenges);
            },
            "the packed instances hold the public bytes",
        ),
        (
            |sums, challenges, compiled, _| {
                sums.linked[0][0] -= balance_factor(&compiled.plan.shape, challenges);
            },
            SUM_HOLDS,
        ),
    ];
    for (attack, refusal) in attacks {
        let mut witness = honest(&circuit);
        witness.instances[2] += Fr::one();
        assert_breaks(&forged(&circuit, witness, attack), &[refusal]);
    }
    // A public word, and a linked one that makes up for it.
    let mut witness = honest(&circuit);
    witness.instances[2] += Fr::one();
    witness.linked[0].add(rows(&circuit, 0)[0], -Fr::one());
    assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
}

/// The first of the links' words stands at T^0 and the instances' behind the links': nothing of one makes up for the other.
#[test]
fn a_public_word_and_a_linked_one_do_not_make_up_for_each_other() {
    let circuit = circuit([Public, Committed]);
    let row = rows(&circuit, 0)[0];
    let mut witness = honest(&circuit);
    witness.instances[2] += Fr::one();
    witness.linked[0].add(row, -Fr::one());
    assert_breaks(&broken(&circuit, witness), &[WORDS_ARE_BYTES]);
}
