//! Instances hold the input's and the output's bytes, and no others.

use super::{
    IS_AN_ENTRY, ModelCircuit, assert_breaks, broken, circuit, forged, honest, input_row, relimb,
};
use crate::circuit::{
    chain::{
        Forge, Witness,
        witness::{Challenges, Fixed},
    },
    field::{byte_power, pack},
};
use halo2_proofs::halo2curves::bn256::Fr;

#[test]
fn input_above_a_byte_is_refused() {
    let circuit = circuit();
    let at = input_row(&circuit, 7);
    // 256 in the first limb, and whatever looks fine in the second.
    let mut witness = honest(&circuit);
    relimb(&mut witness, 1, at, Fr::one());
    assert_breaks(&broken(&circuit, witness), &["an input plus N − 256 is below N"]);

    let mut witness = honest(&circuit);
    let excess = Fr::from(256) - witness.limbs[0][at];
    let raised = witness.limbs[1][at] + excess;
    relimb(&mut witness, 0, at, Fr::from(256));
    relimb(&mut witness, 1, at, raised);
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

const ARE_THE_INSTANCES: &str = "the bytes are those of the instances, and no more";

#[test]
fn every_output_off_by_one_is_refused() {
    let circuit = circuit();
    let outputs = honest(&circuit).outputs;
    for position in 0..outputs.len() {
        for step in [-1, 1] {
            let mut claimed: Vec<u8> = outputs.iter().map(|&y| (y + 128) as u8).collect();
            claimed[position] = claimed[position].wrapping_add_signed(step);
            let mut witness = honest(&circuit);
            *witness.instances.last_mut().expect("the output's word") = pack(&claimed)[0];
            assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
        }
    }
}

#[test]
fn every_other_word_is_refused() {
    let circuit = circuit();
    for word in 1..circuit.instances() {
        let mut witness = honest(&circuit);
        witness.instances[word] += Fr::one();
        assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
    }
}

#[test]
fn bytes_beyond_a_short_word_are_refused() {
    let circuit = circuit();
    // 40 inputs: the second word has 9 bytes, its tenth must be 0. So must the output's fourth.
    for (word, byte) in [(2, 9), (3, 3)] {
        let mut witness = honest(&circuit);
        witness.instances[word] += byte_power(byte);
        assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
    }
}

#[test]
fn swapped_words_are_refused() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    witness.instances.swap(1, 2);
    assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
}

#[test]
fn any_context_is_accepted() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    witness.instances[0] = -Fr::one();
    assert_eq!(broken(&circuit, witness), [""; 0]);
}

/// Claims another word and takes bytes off its packing from the front, rightly up to the first row that
/// `jumps`: from there on the honest rest stands.
fn jump(circuit: &ModelCircuit, jumps: Forge) -> Vec<String> {
    let mut witness = honest(circuit);
    witness.instances[1] += Fr::from(3);
    forged(circuit, witness, jumps)
}

/// Fills `packed` from the front up to the row before `until`.
fn pack_from_the_front(
    until: usize,
    packed: &mut [Fr],
    owed: Fr,
    challenges: &Challenges,
    fixed: &Fixed,
    witness: &Witness,
) {
    packed[0] = owed;
    for at in 1..until {
        let tau = if fixed.marks[at] { challenges.tau } else { Fr::one() };
        let (byte, multiplier) = match (fixed.takes[at], fixed.makes[at]) {
            (true, false) => (witness.limbs[0][at], fixed.weights[0][at] * tau),
            (false, true) => (witness.byte[at], Fr::from(256) * tau),
            _ => (Fr::zero(), Fr::one()),
        };
        let inverse = multiplier.invert().expect("multipliers are not 0");
        packed[at] = (packed[at - 1] - byte) * inverse;
    }
}

#[test]
fn input_byte_that_the_instances_do_not_hold_is_refused() {
    let names = jump(&circuit(), |sums, challenges, fixed, witness| {
        let is_input = |&at: &usize| fixed.takes[at] && !fixed.makes[at];
        let until = (1..fixed.takes.len()).filter(is_input).nth(5).expect("an input");
        let owed = sums.owed[0];
        pack_from_the_front(until, &mut sums.packed, owed, challenges, fixed, witness);
    });
    assert_breaks(&names, &["the packed instances hold the input byte"]);
}

#[test]
fn output_byte_that_the_instances_do_not_hold_is_refused() {
    let names = jump(&circuit(), |sums, challenges, fixed, witness| {
        let is_output = |&at: &usize| fixed.makes[at] && !fixed.takes[at];
        let until = (1..fixed.takes.len()).filter(is_output).nth(1).expect("an output");
        let owed = sums.owed[0];
        pack_from_the_front(until, &mut sums.packed, owed, challenges, fixed, witness);
    });
    assert_breaks(&names, &["the packed instances hold the output byte"]);
}

#[test]
fn packing_that_jumps_elsewhere_is_refused() {
    let names = jump(&circuit(), |sums, challenges, fixed, witness| {
        let is_hidden = |&at: &usize| fixed.makes[at] && fixed.takes[at];
        let until = (1..fixed.takes.len()).filter(is_hidden).nth(1).expect("a hidden value");
        let owed = sums.owed[0];
        pack_from_the_front(until, &mut sums.packed, owed, challenges, fixed, witness);
    });
    assert_breaks(&names, &["other rows take nothing off the packed instances"]);
}
