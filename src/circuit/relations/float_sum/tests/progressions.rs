//! Sums are in the progressions that their rows read, and what they are made of is the elements' own.

use super::{
    IS_AN_ENTRY, IS_TAKEN, assert_breaks, broken, field, honest, integer, nudge, pair, relimb,
    relimb_pair, reread, rows, table_row, ties,
};
use crate::circuit::shape::Flag;
use crate::circuit::{
    ModelCircuit, Witness,
    table::binades::{LIFT, QUOTIENTS},
    table::intervals::LENGTH_FACTOR,
    wiring::Kind,
};
use halo2_proofs::halo2curves::bn256::Fr;

/// Rows that round, of windows whose sums are large enough for it, with the progression's stride.
fn rounding(circuit: &ModelCircuit, witness: &Witness) -> Vec<(usize, i128)> {
    let rows = rows(circuit, |kind| matches!(kind, Kind::Adds { .. })).into_iter();
    let lengths = &witness.parts.as_ref().expect("there are intervals")[1];
    rows.map(|at| (at, integer(lengths.at(at)))).filter(|&(_, stride)| stride > 2).collect()
}

#[test]
fn neighbouring_output_of_a_mean_is_refused() {
    let circuit = ties().circuit();
    for at in rows(&circuit, |kind| matches!(kind, Kind::Average { .. })).into_iter().take(3) {
        for by in [-1, 1] {
            // The interval's row is another one, and its limbs are as they were, or make the same sum.
            let mut witness = honest(&circuit);
            let row = table_row(&witness, at).checked_add_signed(by).expect("not the first");
            reread(&circuit, &mut witness, at, row);
            let names = broken(&circuit, witness.clone());
            assert!(names.iter().any(|name| name.contains(IS_TAKEN)), "{names:?}");

            let steps = circuit.plan().fitted.intervals.as_ref().expect("there are intervals");
            let moved =
                steps[row.checked_add_signed(-by).expect("not the first")].start - steps[row].start;
            let z = pair(&circuit, &witness, 0, at) + moved;
            let low = field(z) - witness.limbs[1].at(at) * field(circuit.plan().shape.base());
            relimb(&mut witness, 0, at, low);
            let low = field(steps[row].length - 1 - z)
                - witness.limbs[3].at(at) * field(circuit.plan().shape.base());
            relimb(&mut witness, 2, at, low);
            let names = broken(&circuit, witness);
            assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
        }
    }
}

#[test]
fn other_rounding_is_refused() {
    let circuit = ties().circuit();
    let honest = honest(&circuit);
    // The last rounded sum of a window becomes the float next to it, and the last row goes on from there.
    let is_last = |at: usize| circuit.compiled.fixed.rows[at + 1][Flag::Intervals];
    let fits = |at: usize, by| pair(&circuit, &honest, 2, at + 1) >= by;
    let (at, stride) = (rounding(&circuit, &honest).into_iter())
        .find(|&(at, stride)| is_last(at) && fits(at, stride / 2))
        .expect("some interval is long enough");
    let mut witness = honest.clone();
    witness.byte.add(at, field(stride / 2));
    nudge(&circuit, &mut witness, at + 1, stride / 2);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn other_stride_is_refused() {
    let circuit = ties().circuit();
    let mut witness = honest(&circuit);
    let (at, _) = rounding(&circuit, &witness)[0];
    // A start that makes up for it: the same sum, rounded alike.
    let quotient = pair(&circuit, &witness, 0, at);
    let steps = witness.parts.as_mut().expect("there are intervals");
    steps[0].add(at, -field(quotient));
    steps[1].add(at, Fr::one());
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn start_that_makes_up_for_a_stride_is_refused() {
    let circuit = ties().circuit();
    let honest = honest(&circuit);
    // The next row of the table, which rounds by one less, with parts that make the same sum and, added up
    // as those of intervals are in circuits without float32 sums, the same entry.
    let (at, stride) = (rounding(&circuit, &honest).into_iter())
        .find(|&(at, _)| {
            circuit.compiled.fixed.rows[at + 1][Flag::Intervals]
                && pair(&circuit, &honest, 0, at + 1) > 0
        })
        .expect("some interval is long enough");
    let factor = field(i128::from(LENGTH_FACTOR));
    let row = table_row(&honest, at);
    let entries = circuit.plan().fitted.intervals.as_ref().expect("there are intervals");
    assert_eq!(entries[row + 1].byte + 1, entries[row].byte);
    let mut witness = honest;
    reread(&circuit, &mut witness, at, row + 1);
    let quotient = field(pair(&circuit, &witness, 0, at));
    let steps = witness.parts.as_mut().expect("there are intervals");
    // One less than the start that was read: stride·z is the same.
    let by = (factor - quotient).invert().expect("no sum is that long");
    steps[0].add(at, -(factor * by));
    steps[1].add(at, by);
    assert_eq!(
        steps[0].at(at) + steps[1].at(at) * quotient,
        field(entries[row].start) + field(stride) * quotient
    );
    nudge(&circuit, &mut witness, at + 1, -1);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn progression_of_another_binade_is_refused() {
    let circuit = ties().circuit();
    let honest = honest(&circuit);
    let binades = &circuit.plan().fitted.binades;
    let number = |row: usize| binades.partition_point(|&(first, _)| first <= row) - 1;
    let (at, binade, sum) = (rounding(&circuit, &honest).into_iter())
        .find_map(|(at, stride)| {
            let row = table_row(&honest, at);
            let (first, binade) = binades[number(row)];
            let rest = i128::try_from(row - first).expect("a short table");
            let sum = binade.low + rest + stride * pair(&circuit, &honest, 0, at);
            // Sums that are floats in any binade below: only the quotient tells.
            (binade.correction(rest) == 0 && rest % 2 == 0).then_some((at, number(row), sum))
        })
        .expect("some sum is a float");
    let (first, below) = binades[binade - 1];
    let (rest, quotient) = below.find(sum);
    assert!(quotient >= QUOTIENTS);
    let mut witness = honest;
    reread(&circuit, &mut witness, at, first + usize::try_from(rest).unwrap());
    relimb_pair(&circuit, &mut witness, 0, at, quotient);
    let mut other = witness.clone();
    assert_breaks(&broken(&circuit, witness), &["the quotient of a sum is below 2^22"]);

    // What is left of 2^22 below 0.
    relimb(&mut other, 3, at, Fr::zero());
    relimb(&mut other, 2, at, field(QUOTIENTS - 1 - quotient));
    assert_breaks(&broken(&circuit, other), &[IS_AN_ENTRY]);
}

#[test]
fn interval_in_place_of_a_progression_is_refused() {
    let circuit = ties().circuit();
    for progression in [false, true] {
        let mut witness = honest(&circuit);
        let (at, _) = rounding(&circuit, &witness)[0];
        let last = rows(&circuit, |kind| matches!(kind, Kind::Average { .. }))[0];
        if progression {
            // An interval's row reads a progression.
            let row = circuit.plan().fitted.binades[0].0;
            reread(&circuit, &mut witness, last, row);
        } else {
            reread(&circuit, &mut witness, at, 3);
        }
        let names = broken(&circuit, witness);
        assert!(names.iter().any(|name| name.contains(IS_TAKEN)), "{names:?}");
    }
}

#[test]
fn value_in_place_of_a_progression_is_refused() {
    let circuit = ties().circuit();
    // A sum of 0 is start + stride·z of every row without an interval, which would have it "rounded" to
    // that row's value.
    let honest = circuit.witness(&[-128; 48], Fr::from(5)).expect("an input of the model");
    let at = rows(&circuit, |kind| matches!(kind, Kind::Average { .. }))[0] - 1;
    let fitted = &circuit.plan().fitted;
    let intervals = fitted.intervals.as_ref().expect("there are intervals");
    let room = pair(&circuit, &honest, 2, at + 1);
    let row = (0..fitted.table_rows)
        .find(|&row| {
            (1..room).contains(&(i128::from(fitted.table[row]) - LIFT)) && intervals[row].start == 0
        })
        .expect("some term is above 2^20");
    let mut witness = honest;
    reread(&circuit, &mut witness, at, row);
    nudge(&circuit, &mut witness, at + 1, i128::from(fitted.table[row]) - LIFT);
    assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
}

#[test]
fn other_terms_are_refused() {
    let circuit = ties().circuit();
    let mut witness = honest(&circuit);
    // One more in the element's own row, and the last sum of its window.
    let own = rows(&circuit, |kind| matches!(kind, Kind::Made { .. }))[0];
    witness.byte.add(own, Fr::one());
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}
