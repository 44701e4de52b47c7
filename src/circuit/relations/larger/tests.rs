//! Rows that go on from the row before: larger values, held ones and products.

use crate::circuit::tests::{
    assert_breaks, broken, cell, foldings, honest, models, off_by_one, relimb, reread, table_row,
    tampered,
};
use crate::circuit::{ModelCircuit, Witness, compute::Held, layout::rows::Content, wiring::Kind};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;

fn model(named: &str) -> Model {
    models::all().into_iter().find(|(name, _)| *name == named).expect("there is such a model").1
}

fn pools() -> Model {
    model("pools")
}

/// The first cell that holds the larger of two, where the copy is smaller than the value before.
fn larger(model: &Model, circuit: &ModelCircuit) -> (usize, usize) {
    let found = std::sync::Mutex::new(Vec::new());
    let tamper = |block: usize, number: usize, held: &mut Held| {
        let kind = circuit.compiled.net.blocks[block].cells[number].kind;
        let is_larger = matches!(kind, Kind::Larger { .. });
        if is_larger && held.division.limbs[1] > 3 {
            found.lock().expect("no test fails there").push((block, number));
        }
    };
    tampered(model, circuit, &tamper);
    let found = found.into_inner().expect("no test fails there").into_iter().min();
    found.expect("some value is smaller than the one before")
}

#[test]
fn smaller_than_the_value_before_is_refused() {
    let model = pools();
    for circuit in foldings(&model) {
        let at = larger(&model, &circuit);
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == at {
                let copy = held.division.limbs[0] - held.division.limbs[1];
                held.division.limbs = [copy, 0, 0, 0];
            }
        };
        let names = broken(&circuit, tampered(&model, &circuit, &tamper));
        assert_breaks(&names, &["the larger is not below the value before"]);
    }
}

#[test]
fn larger_than_both_is_refused() {
    let model = pools();
    for circuit in foldings(&model) {
        let at = larger(&model, &circuit);
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == at {
                held.division.limbs[0] += 1;
                held.division.limbs[1] += 1;
                held.division.u += 1;
            }
        };
        let names = broken(&circuit, tampered(&model, &circuit, &tamper));
        assert_breaks(&names, &["the larger is one of both"]);
    }
}

/// A row that holds what the row before held, followed by a cell of a kind.
fn hold(circuit: &ModelCircuit, witness: &Witness, fits: impl Fn(Kind, usize) -> bool) -> usize {
    let rows = &circuit.plan().layout.rows;
    let found = rows.windows(2).enumerate().find_map(|(at, pair)| {
        let Content::Cell { block, cell } = pair[1].content else { return None };
        let kind = circuit.compiled.net.blocks[block as usize].cells[cell as usize].kind;
        (pair[0].content == Content::Hold && fits(kind, at + 1)).then_some(at)
    });
    assert!(witness.byte.len() > 1);
    found.expect("some row holds a value")
}

#[test]
fn held_value_that_changes_is_refused() {
    // A reduction, whose elements lie apart.
    let model = model("views");
    for circuit in foldings(&model) {
        let mut witness = honest(&model, &circuit);
        // The next row's value is larger than the held one by at least one, and its own copy.
        let at = hold(&circuit, &witness, |kind, next| {
            matches!(kind, Kind::Larger { .. }) && witness.table_row.at(next) != Fr::zero()
        });
        let held = witness.limbs[0].at(at) + Fr::one();
        relimb(&mut witness, 0, at, held);
        let above = table_row(&witness, at + 1);
        reread(&circuit, &mut witness, at + 1, above - 1);
        assert_breaks(&broken(&circuit, witness), &["the value is held"]);
    }
}

#[test]
fn value_beside_that_changes_is_refused() {
    let model = model("views");
    for circuit in foldings(&model) {
        let mut witness = honest(&model, &circuit);
        let at = hold(&circuit, &witness, |kind, _| matches!(kind, Kind::Larger { .. }));
        let held = witness.limbs[1].at(at) + Fr::one();
        relimb(&mut witness, 1, at, held);
        assert_breaks(&broken(&circuit, witness), &["the value beside it is held"]);
    }
}

fn products() -> Model {
    model("products of elements")
}

#[test]
fn factor_of_the_provers_choice_is_refused() {
    let model = products();
    for circuit in foldings(&model) {
        let pair = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Pair { .. }));
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == pair {
                held.division.limbs[1] += 1;
            }
        };
        let names = broken(&circuit, tampered(&model, &circuit, &tamper));
        assert_breaks(&names, &["the value beside is that of the row before"]);
    }
}

#[test]
fn other_product_is_refused() {
    let model = products();
    for circuit in foldings(&model) {
        let product = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Product { .. }));
        let has_intervals = circuit.plan().shape.intervals;
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == product {
                off_by_one(held, has_intervals);
            }
        };
        let names = broken(&circuit, tampered(&model, &circuit, &tamper));
        assert_breaks(&names, &["the accumulator is the product of the pair"]);
    }
}
