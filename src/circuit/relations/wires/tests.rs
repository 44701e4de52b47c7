//! Values are what the weights give.

use crate::circuit::tests::{
    IS_TAKEN, assert_breaks, broken, cell, circuit, foldings, forged, honest,
    models::{self, Builder},
    off_by_one, tampered,
};
use crate::circuit::{
    Compiled, Forge, ModelCircuit, Witness,
    columns::Challenges,
    compute::Held,
    layout::moves::{OUTPUT, POSITION, WEIGHT},
    wiring::{Kind, MOST_BORDER_CELLS},
    witness::Sums,
};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;

/// That circuits refuse a second phase that differs on the rows behind all others.
#[track_caller]
fn assert_forgery_breaks(forge: Forge, sentence: &str) {
    let (_, model) = models::all().swap_remove(0);
    for circuit in foldings(&model) {
        assert!(circuit.plan().rows() < circuit.plan().shape.table_rows, "there are rows behind");
        assert_breaks(&forged(&circuit, honest(&model, &circuit), forge), &[sentence]);
    }
}

fn behind(column: &mut [Fr], compiled: &Compiled, change: impl Fn(&mut Fr)) {
    column[compiled.plan.rows()..].iter_mut().for_each(change);
}

#[test]
fn cursors_that_move_otherwise_are_refused() {
    let forge: Forge = |sums, _, compiled, _| {
        behind(&mut sums.cursors[WEIGHT], compiled, |cell| *cell = cell.double());
    };
    assert_forgery_breaks(forge, "the weight monomial moves as the layout says");
    let forge: Forge = |sums, _, compiled, _| {
        behind(&mut sums.cursors[OUTPUT], compiled, |cell| *cell = cell.double());
    };
    assert_forgery_breaks(forge, "the output monomial moves as the layout says");
    let forge: Forge = |sums, _, compiled, _| {
        behind(&mut sums.cursors[POSITION], compiled, |cell| *cell = cell.double());
    };
    assert_forgery_breaks(forge, "the position moves as the layout says");
}

/// Multiplies cursors by factors on all rows, and computes what follows from them.
fn scaled(
    sums: &mut Sums,
    challenges: &Challenges,
    compiled: &Compiled,
    witness: &Witness,
    factors: [Fr; 3],
) {
    for (column, factor) in sums.cursors.iter_mut().zip(factors) {
        column.iter_mut().for_each(|cell| *cell *= factor);
    }
    sums.follow_cursors(compiled.known(witness, challenges));
}

#[test]
fn cursors_that_begin_elsewhere_are_refused() {
    let (_, model) = models::all().swap_remove(0);
    for circuit in foldings(&model) {
        let [weight, output, position] = [
            "the weight monomial begins at 1",
            "the output monomial begins at 1",
            "the position begins at 1",
        ];
        let names =
            forged(&circuit, honest(&model, &circuit), |sums, challenges, compiled, witness| {
                let factors = [Fr::from(2), Fr::from(2), Fr::one()];
                scaled(sums, challenges, compiled, witness, factors);
            });
        assert_breaks(&names, &[weight, output]);
        let names =
            forged(&circuit, honest(&model, &circuit), |sums, challenges, compiled, witness| {
                let factors = [Fr::one(), Fr::from(2), Fr::from(2)];
                scaled(sums, challenges, compiled, witness, factors);
            });
        assert_breaks(&names, &[output, position]);
    }
}

#[test]
fn other_coefficient_is_refused() {
    let forge: Forge = |sums, _, compiled, _| {
        behind(&mut sums.coefficient, compiled, |cell| *cell += Fr::one());
    };
    assert_forgery_breaks(forge, "the coefficient grows by weights times their monomial");
}

#[test]
fn balance_that_jumps_is_refused() {
    let forge: Forge = |sums, _, compiled, _| {
        let last = sums.balance.len() - 1;
        let (from, to) = (compiled.plan.rows(), last - 1);
        sums.balance[from..to].iter_mut().for_each(|cell| *cell += Fr::one());
    };
    assert_forgery_breaks(forge, "the balance grows by what is made less what is taken");
}

#[test]
fn accumulator_that_the_weights_do_not_give_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    for circuit in foldings(&model) {
        let made = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Made { .. }));
        let has_intervals = circuit.plan().shape.intervals;
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == made {
                off_by_one(held, has_intervals);
            }
        };
        assert_breaks(&broken(&circuit, tampered(&model, &circuit, &tamper)), &[IS_TAKEN]);
    }
}

/// A net whose first convolution border cells at the border of six channels: rows of four border cells, and of two.
fn with_border() -> (Model, ModelCircuit) {
    let mut builder = Builder::new(7, &[1, 1, 4, 4]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    builder.conv(builder.last(), (6, 1), [2, 2], plain, vec![0.01; 6]);
    let model = builder.model();
    let circuit = circuit(&model);
    (model, circuit)
}

#[test]
fn border_cell_that_was_not_contributed_is_refused() {
    let (model, circuit) = with_border();
    for full in [2, MOST_BORDER_CELLS] {
        let row = cell(
            &circuit.compiled.net,
            |kind| matches!(kind, Kind::Border { count } if count == full),
        );
        // Each one, and the first in place of the second.
        let lies = (0..full).map(|border_cell| (border_cell, border_cell)).chain([(0, 1)]);
        for (from, to) in lies {
            let tamper = |block: usize, number: usize, held: &mut Held| {
                if (block, number) == row {
                    let border_cells = held.border_cells.as_mut().expect("a row of border cells");
                    border_cells[from] += 1;
                    border_cells.swap(from, to);
                }
            };
            assert_breaks(&broken(&circuit, tampered(&model, &circuit, &tamper)), &[IS_TAKEN]);
        }
    }
}

// If it did, it would make what another row makes as well.
#[test]
fn cell_beyond_a_row_s_border_cells_makes_nothing() {
    let (model, circuit) = with_border();
    let row = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Border { count: 2 }));
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == row {
            held.border_cells.as_mut().expect("a row of border cells")[2..].fill(7);
        }
    };
    let names = broken(&circuit, tampered(&model, &circuit, &tamper));
    assert!(names.is_empty(), "{names:?}");
}

#[test]
fn copy_of_another_value_is_refused() {
    let mut builder = Builder::new(3, &[3, 4]);
    builder.transpose(builder.last());
    let model = builder.model();
    for circuit in foldings(&model) {
        let read = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Read { .. }));
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == read {
                held.division.limbs[0] ^= 1;
            }
        };
        assert_breaks(&broken(&circuit, tampered(&model, &circuit, &tamper)), &[IS_TAKEN]);
    }
}
