//! Limbs are below N, and bytes are those of the table.

use super::{IS_AN_ENTRY, assert_breaks, broken, circuit, forged, honest, made, relimb, table_row};
use crate::circuit::chain::{Forge, Witness};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

#[test]
fn limb_beyond_the_table_is_refused() {
    let circuit = circuit();
    let base = Fr::from(circuit.plan().shape.table_rows as u64);
    let at = made(&circuit, 0, 4);
    // N more in one limb, one less in the next: the same remainder.
    let mut witness = honest(&circuit);
    let (low, high) = (witness.limbs[0][at] + base, witness.limbs[1][at] - Fr::one());
    relimb(&mut witness, 0, at, low);
    relimb(&mut witness, 1, at, high);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn fractional_quotient_is_refused() {
    let circuit = circuit();
    let at = made(&circuit, 0, 2);
    let base = Fr::from(circuit.plan().shape.table_rows as u64);
    let divisor = base.pow([circuit.plan().shape.limbs as u64]);
    // D·(u − 1/D) + (z + 1): the same dividend from another quotient.
    let mut witness = honest(&circuit);
    witness.table_row[at] -= divisor.invert().expect("N is not 0");
    let limb = witness.limbs[0][at] + Fr::one();
    relimb(&mut witness, 0, at, limb);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn negative_remainder_is_refused() {
    let circuit = circuit();
    let at = made(&circuit, 0, 2);
    let base = Fr::from(circuit.plan().shape.table_rows as u64);
    // One more quotient, D less remainder: saturation or rounding to the prover's taste.
    let mut witness = honest(&circuit);
    let top = circuit.plan().shape.limbs - 1;
    let index = table_row(&circuit, &witness, at);
    witness.table_row[at] += Fr::one();
    witness.table_uses[index + 1] -= Fr::one();
    witness.table_uses[index + 2] += Fr::one();
    witness.byte[at] = Fr::from(u64::from(circuit.plan().fitted.table[index + 1]));
    let limb = witness.limbs[top][at] - base;
    relimb(&mut witness, top, at, limb);
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

#[test]
fn other_byte_than_the_table_has_is_refused() {
    let circuit = circuit();
    let at = made(&circuit, 1, 1);
    // The output's instance is changed along: only the table can tell.
    let mut witness = honest(&circuit);
    witness.byte[at] += Fr::one();
    *witness.instances.last_mut().expect("the output's word") += Fr::from(256);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn uses_that_were_not_are_refused() {
    let circuit = circuit();
    for forge in [
        |w: &mut Witness| w.limb_uses[9] += Fr::one(),
        |w: &mut Witness| {
            w.table_uses[9] += Fr::one();
        },
    ] {
        let mut witness = honest(&circuit);
        forge(&mut witness);
        assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
    }
}

#[test]
fn lookup_sum_that_skips_a_row_is_refused() {
    let circuit = circuit();
    for column in 0..circuit.plan().shape.lookup_sums() {
        assert!(column < 2, "the test forges two columns");
        let forge: Forge = if column == 0 {
            |sums, _, _, _| sums.lookup_sums[0][77] += Fr::one()
        } else {
            |sums, _, _, _| sums.lookup_sums[1][77] += Fr::one()
        };
        let names = forged(&circuit, honest(&circuit), forge);
        assert_breaks(&names, &["the sum grows by the row's look-ups"]);
    }
}

#[test]
fn lookup_sum_that_begins_elsewhere_is_refused() {
    let circuit = circuit();
    // All sums are moved by one: rows agree with each other, only the ends do not.
    let names = forged(&circuit, honest(&circuit), |sums, _, _, _| {
        sums.lookup_sums.iter_mut().flatten().for_each(|sum| *sum += Fr::one());
    });
    assert_breaks(&names, &[IS_AN_ENTRY]);
}
