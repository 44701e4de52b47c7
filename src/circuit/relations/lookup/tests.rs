//! Limbs are below N, bytes are those of the table, and sums of look-ups skip nothing.

use crate::circuit::shape::Flag;
use crate::circuit::tests::{
    IS_AN_ENTRY, IS_TAKEN, assert_breaks, broken, cell, field, foldings, forged, honest, models,
    relimb, row,
};
use crate::circuit::{ModelCircuit, Witness, wiring::Kind};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;

const GROWS: &str = "the sum grows by the row's look-ups";

/// It border cells: rows of border cells look nothing up, and all others do.
fn conv() -> Model {
    models::all().swap_remove(0).1
}

/// The first row that makes a byte.
fn made(circuit: &ModelCircuit) -> usize {
    row(circuit, cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Made { .. })))
}

#[test]
fn limb_beyond_the_table_is_refused() {
    let model = conv();
    for circuit in foldings(&model) {
        let mut witness = honest(&model, &circuit);
        let at = made(&circuit);
        // N more in one limb, one less in the next: the same remainder.
        let low = witness.limbs[0].at(at) + field(circuit.plan().shape.base());
        let high = witness.limbs[1].at(at) - Fr::one();
        relimb(&mut witness, 0, at, low);
        relimb(&mut witness, 1, at, high);
        assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
    }
}

#[test]
fn read_that_the_table_has_not_is_refused() {
    let model = conv();
    for circuit in foldings(&model) {
        assert!(circuit.plan().shape.border_cells);
        // Of a made byte, which is taken as well, and behind all rows in use.
        let behind = circuit.plan().rows();
        let refusals = [(made(&circuit), &[IS_AN_ENTRY, IS_TAKEN][..]), (behind, &[IS_AN_ENTRY])];
        for (at, sentences) in refusals {
            let mut witness = honest(&model, &circuit);
            witness.byte.add(at, Fr::from(256));
            assert_breaks(&broken(&circuit, witness), sentences);
        }
    }
}

#[test]
fn fractional_quotient_is_refused() {
    let (_, model) = models::all().into_iter().find(|(name, _)| *name == "tables").expect("tables");
    for circuit in foldings(&model) {
        let mut witness = honest(&model, &circuit);
        let at = made(&circuit);
        assert!(circuit.compiled.fixed.rows[at][Flag::Divides]);
        // D·(u − 1/D) + (z + 1): the same dividend from another quotient.
        let divisor = field(circuit.plan().fitted.divisor());
        witness.table_row.add(at, -divisor.invert().expect("N is not 0"));
        let low = witness.limbs[0].at(at) + Fr::one();
        relimb(&mut witness, 0, at, low);
        assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
    }
}

#[test]
fn uses_that_were_not_are_refused() {
    let model = conv();
    for circuit in foldings(&model) {
        for forge in [
            |witness: &mut Witness| witness.limb_uses.add(9, Fr::one()),
            |witness: &mut Witness| witness.table_uses.add(9, Fr::one()),
        ] {
            let mut witness = honest(&model, &circuit);
            forge(&mut witness);
            assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
        }
    }
}

#[test]
fn lookup_sum_that_jumps_is_refused() {
    let model = conv();
    for circuit in foldings(&model) {
        let names = forged(&circuit, honest(&model, &circuit), |sums, _, _, _| {
            sums.lookup_sums[0][7] += Fr::one();
        });
        assert_breaks(&names, &[GROWS]);
    }
}

#[test]
fn lookup_sums_that_begin_elsewhere_are_refused() {
    let model = conv();
    for circuit in foldings(&model) {
        let names = forged(&circuit, honest(&model, &circuit), |sums, _, _, _| {
            sums.lookup_sums.iter_mut().flatten().for_each(|sum| *sum += Fr::one());
        });
        assert_breaks(&names, &[IS_AN_ENTRY]);
    }
}
