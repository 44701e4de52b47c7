//! Honest rows hold; each way to cheat is refused by the constraint that is there for it.

mod models;
mod vectors;

use super::{
    Compiled, Forge, NetCircuit, Witness,
    fit::{Division, FittedRule},
    graph::{Kind, Net},
    layout::{Content, MAKER, POSITION, WEIGHER},
    witness::{Challenges, Held, Sums, Tamper},
};
use crate::circuit::{Goal, Wishes};
use crate::model::Model;
use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    halo2curves::bn256::Fr,
};
use models::{Builder, NO_LINE, slopes};

/// The names of the constraints that a witness breaks.
fn broken(circuit: &NetCircuit, witness: Witness) -> Vec<String> {
    forged(circuit, witness, |_, _, _, _| {})
}

/// The same, with a second phase that a cheating prover changed after computing it.
fn forged(circuit: &NetCircuit, witness: Witness, forge: Forge) -> Vec<String> {
    let instances = witness.instances.clone();
    let mut circuit = circuit.with_witness(witness);
    circuit.forge = Some(forge);
    let prover =
        MockProver::run(circuit.plan().k, &circuit, vec![instances]).expect("the circuit fits");
    let failures = prover.verify().err().unwrap_or_default();
    let mut names: Vec<String> = failures
        .into_iter()
        .map(|failure| match failure {
            VerifyFailure::ConstraintNotSatisfied { constraint, .. } => constraint.to_string(),
            other => panic!("{other}"),
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// That exactly the constraints of these names are broken.
fn assert_breaks(names: &[String], sentences: &[&str]) {
    let is_expected = |name: &String| sentences.iter().any(|sentence| name.contains(sentence));
    let all = sentences.iter().all(|sentence| names.iter().any(|name| name.contains(sentence)));
    assert!(all && names.iter().all(is_expected), "expected {sentences:?}, found {names:?}");
}

fn circuit(model: &Model) -> NetCircuit {
    NetCircuit::new(model, Wishes::default()).expect("the model has a circuit")
}

fn input(model: &Model, of: impl Fn(i32) -> i32) -> Vec<i32> {
    let length = model.graph.tensors[0].len();
    (0..i32::try_from(length).expect("a small tensor")).map(of).collect()
}

fn mixed(model: &Model) -> Vec<i32> {
    input(model, |i| i * 37 % 256 - 128)
}

fn honest(model: &Model, circuit: &NetCircuit) -> Witness {
    circuit.witness(&mixed(model), Fr::from(5)).expect("an input of the model")
}

/// The witness of a prover who cheats in one cell and goes on honestly.
fn tampered(model: &Model, circuit: &NetCircuit, tamper: Tamper<'_>) -> Witness {
    let Compiled { net, plan, .. } = &*circuit.compiled;
    Witness::tampered(net, plan, &mixed(model), Fr::from(5), tamper).expect("an input of the model")
}

/// The block and number of the first cell of a kind.
fn cell(net: &Net, is_it: impl Fn(Kind) -> bool) -> (usize, usize) {
    let found = net.blocks.iter().enumerate().find_map(|(block, cells)| {
        Some((block, cells.cells.iter().position(|cell| is_it(cell.kind))?))
    });
    found.expect("the net has such a cell")
}

/// The row of a cell.
fn row(circuit: &NetCircuit, (block, cell): (usize, usize)) -> usize {
    let is_it = |content: Content| match content {
        Content::Cell { block: b, cell: c } => (b as usize, c as usize) == (block, cell),
        _ => false,
    };
    let rows = &circuit.plan().layout.rows;
    rows.iter().position(|row| is_it(row.content)).expect("every cell has a row")
}

/// Writes another limb and counts its use, as a prover who wants the look-ups to hold would.
fn relimb(witness: &mut Witness, limb: usize, at: usize, value: u64) {
    let old = witness.limbs[limb][at];
    let index = (0..witness.limb_uses.len() - 1).find(|&i| Fr::from(i as u64) == old);
    witness.limb_uses[index.expect("honest limbs are indices") + 1] -= Fr::one();
    witness.limb_uses[usize::try_from(value).expect("a limb") + 1] += Fr::one();
    witness.limbs[limb][at] = Fr::from(value);
}

/// Reads another row of the table and counts its use.
fn reread(circuit: &NetCircuit, witness: &mut Witness, at: usize, u: usize) {
    let old = witness.table_row[at];
    let index = (0..witness.table_uses.len() - 1).find(|&i| Fr::from(i as u64) == old);
    witness.table_uses[index.expect("honest reads are of rows") + 1] -= Fr::one();
    witness.table_uses[u + 1] += Fr::one();
    witness.table_row[at] = Fr::from(u as u64);
    witness.byte[at] = Fr::from(u64::from(circuit.plan().fitted.table[u]));
}

/// Makes another accumulator of a row, in the same interval if it is made by one.
fn off_by_one(held: &mut Held, has_intervals: bool) {
    let limbs = &mut held.division.limbs;
    if has_intervals && limbs[2] > 0 {
        (limbs[0], limbs[2]) = (limbs[0] + 1, limbs[2] - 1);
    } else if has_intervals {
        (limbs[0], limbs[2]) = (limbs[0] - 1, limbs[2] + 1);
    } else {
        limbs[0] ^= 1;
    }
}

const TAKEN: &str = "everything made is what was taken";

#[test]
fn columns_that_share_one_hold_the_same() {
    for (name, model) in models::all().into_iter().step_by(5) {
        let wishes = Wishes { goal: Goal::Gas, ..Wishes::default() };
        let circuit = NetCircuit::new(&model, wishes).expect("the model has a circuit");
        assert!(circuit.plan().shape.fold > 1, "{name}");
        let witness = honest(&model, &circuit);
        let mut cheating = witness.clone();
        assert_eq!(broken(&circuit, witness), [""; 0], "{name}");
        for word in 1..circuit.instances() {
            cheating.instances[word] += Fr::one();
            assert!(!broken(&circuit, cheating.clone()).is_empty(), "{name}");
        }
        let honest = honest(&model, &circuit);
        let at = circuit.plan().layout.rows.iter().rposition(|row| row.packs.is_some());
        let at = at.expect("outputs are public");
        let mut cheating = honest;
        let limb = small(cheating.limbs[0][at]) ^ 1;
        relimb(&mut cheating, 0, at, limb);
        assert!(!broken(&circuit, cheating).is_empty(), "{name}");
    }
}

#[test]
fn every_operator_gives_the_reference_at_any_input() {
    for (name, model) in models::all() {
        let circuit = circuit(&model);
        let inputs = [
            mixed(&model),
            input(&model, |_| -128),
            input(&model, |_| 127),
            input(&model, |i| if i % 2 == 0 { 127 } else { -128 }),
            input(&model, |_| -7),
        ];
        for input in inputs {
            let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
            let reference = model.evaluate(&[input]).expect("an input of the model");
            let reference = reference.tensor(model.outputs[0].tensor);
            assert_eq!(witness.outputs, reference, "{name}");
            assert_eq!(broken(&circuit, witness), [""; 0], "{name}");
        }
    }
}

// The output's row reads another row of the table; all look-ups and the instances go along.
#[test]
fn every_operator_refuses_an_output_off_by_one_at_any_position() {
    for (name, model) in models::all() {
        let circuit = circuit(&model);
        let honest = honest(&model, &circuit);
        let net = &circuit.compiled.net;
        let cells = &net.blocks[net.output].cells;
        let outputs = cells.iter().enumerate().filter(|(_, cell)| cell.element.is_some());
        // The first ones stand for all: rows of one block differ in their fixed cells only.
        for (number, cell) in outputs.take(3) {
            let element = cell.element.expect("filtered") as usize;
            let other = if honest.outputs[element] == 127 { -1 } else { 1 };
            let byte = u8::try_from(honest.outputs[element] + other + 128).expect("a byte");
            let Some(u) = circuit.plan().fitted.table.iter().position(|&b| b == u32::from(byte))
            else {
                continue;
            };
            let tamper = |block: usize, at: usize, held: &mut Held| {
                if (block, at) == (net.output, number) {
                    if matches!(cell.kind, Kind::Read { .. }) {
                        held.division.limbs[0] = byte.into();
                    } else {
                        (held.division.u, held.division.byte) = (u as u32, byte.into());
                    }
                }
            };
            let witness = tampered(&model, &circuit, &tamper);
            assert_eq!(witness.outputs[element], honest.outputs[element] + other, "{name}");
            // In a circuit with intervals, the other row's length can be refused as well.
            let names = broken(&circuit, witness);
            assert!(names.iter().any(|broken| broken.contains(TAKEN)), "{name}: {names:?}");
        }
    }
}

#[test]
fn instances_of_another_output_are_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    for word in 1..circuit.instances() {
        let mut witness = honest(&model, &circuit);
        witness.instances[word] += Fr::one();
        assert_breaks(&broken(&circuit, witness), &["the bytes are those of the instances"]);
    }
    let mut witness = honest(&model, &circuit);
    witness.instances[0] += Fr::one();
    assert_eq!(broken(&circuit, witness), [""; 0], "any context will do");
}

#[test]
fn private_input_is_no_instance_but_is_checked() {
    let (_, model) = models::all().swap_remove(0);
    let wishes = Wishes { private_input: true, ..Wishes::default() };
    let circuit = NetCircuit::new(&model, wishes).expect("the model has a circuit");
    let words = model.graph.tensors[model.outputs[0].tensor.0].len().div_ceil(31);
    assert_eq!(circuit.instances(), 1 + words);
    let witness = honest(&model, &circuit);
    let reference = model.evaluate(&[mixed(&model)]).expect("an input of the model");
    assert_eq!(&witness.outputs, reference.tensor(model.outputs[0].tensor));
    assert_eq!(broken(&circuit, witness.clone()), [""; 0]);
    let at = row(&circuit, (circuit.compiled.net.input, 3));
    let mut cheating = witness;
    relimb(&mut cheating, 1, at, 0);
    assert_breaks(&broken(&circuit, cheating), &["an input plus N − 256 is below N"]);
}

#[test]
fn input_above_a_byte_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    let at = row(&circuit, (circuit.compiled.net.input, 3));
    let mut witness = honest(&model, &circuit);
    relimb(&mut witness, 1, at, 0);
    assert_breaks(&broken(&circuit, witness), &["an input plus N − 256 is below N"]);
}

#[test]
fn packing_that_jumps_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    let jump: Forge = |sums, _, compiled, _| {
        let last = compiled.plan.layout.rows.iter().rposition(|row| row.packs.is_some());
        sums.packed[last.expect("bytes are packed")] += Fr::one();
    };
    let names = forged(&circuit, honest(&model, &circuit), jump);
    assert_breaks(&names, &["the packed instances hold the public bytes"]);
    // Elsewhere nothing is taken off.
    let jump: Forge = |sums, _, compiled, _| {
        let first = compiled.plan.layout.rows.iter().position(|row| row.packs.is_some());
        for packed in &mut sums.packed[..first.expect("bytes are packed") - 1] {
            *packed += Fr::one();
        }
        // The words begin as the bytes do, and end elsewhere.
        sums.balance[0] += Fr::one();
    };
    let names = forged(&circuit, honest(&model, &circuit), jump);
    let balance = "the balance grows by what is made less what is taken";
    assert_breaks(&names, &["the packed instances hold the public bytes", balance]);
}

#[test]
fn bytes_beyond_the_packed_ones_are_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    // Something is left after the last byte, all the way from the first row.
    let leave: Forge = |sums, challenges, compiled, _| {
        let mut rest = Fr::one();
        for at in (0..sums.packed.len()).rev() {
            sums.packed[at] += rest;
            let row = &compiled.fixed.rows[at];
            if row.packs {
                let tau = if row.ends_word { challenges.tau } else { Fr::one() };
                rest *= compiled.fixed.weights[2][at] * tau;
            }
        }
        sums.balance[0] = sums.packed[0];
    };
    let names = forged(&circuit, honest(&model, &circuit), leave);
    let balance = "the balance grows by what is made less what is taken";
    assert_breaks(&names, &["nothing but the bytes is packed", balance]);
}

/// A circuit, and a second phase that differs on the rows behind all others.
fn forged_behind(forge: Forge) -> Vec<String> {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    assert!(circuit.plan().rows() < circuit.plan().shape.table_rows, "there are rows behind");
    forged(&circuit, honest(&model, &circuit), forge)
}

fn behind(column: &mut [Fr], compiled: &Compiled, change: impl Fn(&mut Fr)) {
    column[compiled.plan.rows()..].iter_mut().for_each(change);
}

#[test]
fn cursors_that_move_otherwise_are_refused() {
    let names = forged_behind(|sums, _, compiled, _| {
        behind(&mut sums.cursors[WEIGHER], compiled, |cell| *cell = cell.double());
    });
    assert_breaks(&names, &["the weigher moves as the layout says"]);
    let names = forged_behind(|sums, _, compiled, _| {
        behind(&mut sums.cursors[MAKER], compiled, |cell| *cell = cell.double());
    });
    assert_breaks(&names, &["the maker moves as the layout says"]);
    let names = forged_behind(|sums, _, compiled, _| {
        behind(&mut sums.cursors[POSITION], compiled, |cell| *cell = cell.double());
    });
    assert_breaks(&names, &["the position moves as the layout says"]);
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
    let Compiled { plan, fixed, .. } = compiled;
    sums.coefficient = witness.coefficient(fixed, challenges, &sums.cursors[WEIGHER]);
    sums.balance = witness.balance(fixed, plan, challenges, &sums.cursors, &sums.coefficient);
}

#[test]
fn cursors_that_begin_elsewhere_are_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    let [weigher, maker, position] =
        ["the weigher begins at 1", "the maker begins at 1", "the position begins at 1"];
    let names =
        forged(&circuit, honest(&model, &circuit), |sums, challenges, compiled, witness| {
            let factors = [Fr::from(2), Fr::from(2), Fr::one()];
            scaled(sums, challenges, compiled, witness, factors);
        });
    assert_breaks(&names, &[weigher, maker]);
    let names =
        forged(&circuit, honest(&model, &circuit), |sums, challenges, compiled, witness| {
            let factors = [Fr::one(), Fr::from(2), Fr::from(2)];
            scaled(sums, challenges, compiled, witness, factors);
        });
    assert_breaks(&names, &[maker, position]);
}

#[test]
fn other_coefficient_is_refused() {
    let names = forged_behind(|sums, _, compiled, _| {
        behind(&mut sums.coefficient, compiled, |cell| *cell += Fr::one());
    });
    assert_breaks(&names, &["the coefficient grows by weights times their monomial"]);
}

#[test]
fn balance_that_jumps_is_refused() {
    let names = forged_behind(|sums, _, compiled, _| {
        let last = sums.balance.len() - 1;
        let (from, to) = (compiled.plan.rows(), last - 1);
        sums.balance[from..to].iter_mut().for_each(|cell| *cell += Fr::one());
    });
    assert_breaks(&names, &["the balance grows by what is made less what is taken"]);
}

#[test]
fn accumulator_that_the_weights_do_not_give_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    let made = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Made { .. }));
    let has_intervals = circuit.plan().shape.steps;
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == made {
            off_by_one(held, has_intervals);
        }
    };
    assert_breaks(&broken(&circuit, tampered(&model, &circuit, &tamper)), &[TAKEN]);
}

#[test]
fn spill_that_was_not_contributed_is_refused() {
    let (_, model) = models::all().swap_remove(0);
    let circuit = circuit(&model);
    let spills = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Spills { .. }));
    // Either of the two, and one in place of the other.
    let lies: [fn(&mut Division); 3] = [
        |row| row.limbs[0] ^= 1,
        |row| row.limbs[2] ^= 1,
        |row| {
            row.limbs.swap(0, 2);
            std::mem::swap(&mut row.u, &mut row.limbs[1]);
        },
    ];
    for lie in lies {
        let tamper = |block: usize, number: usize, held: &mut Held| {
            if (block, number) == spills {
                lie(&mut held.division);
            }
        };
        assert_breaks(&broken(&circuit, tampered(&model, &circuit, &tamper)), &[TAKEN]);
    }
}

#[test]
fn copy_of_another_value_is_refused() {
    let mut builder = Builder::new(3, &[3, 4]);
    builder.transpose(builder.last());
    let model = builder.model();
    let circuit = circuit(&model);
    let read = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Read { .. }));
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == read {
            held.division.limbs[0] ^= 1;
        }
    };
    assert_breaks(&broken(&circuit, tampered(&model, &circuit, &tamper)), &[TAKEN]);
}

fn pools() -> Model {
    models::all().into_iter().find(|(name, _)| *name == "pools").expect("there are pools").1
}

/// The first cell that holds the larger of two, where the copy is smaller than the value before.
fn larger(model: &Model, circuit: &NetCircuit) -> (usize, usize) {
    let found = std::cell::Cell::new(None);
    let tamper = |block: usize, number: usize, held: &mut Held| {
        let kind = circuit.compiled.net.blocks[block].cells[number].kind;
        let is_larger = matches!(kind, Kind::Larger { .. });
        if is_larger && held.division.limbs[1] > 3 && found.get().is_none() {
            found.set(Some((block, number)));
        }
    };
    tampered(model, circuit, &tamper);
    found.get().expect("some value is smaller than the one before")
}

#[test]
fn smaller_than_the_value_before_is_refused() {
    let model = pools();
    let circuit = circuit(&model);
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

#[test]
fn larger_than_both_is_refused() {
    let model = pools();
    let circuit = circuit(&model);
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

/// A row that holds what the row before held, followed by a cell of a kind.
fn hold(circuit: &NetCircuit, witness: &Witness, fits: impl Fn(Kind, usize) -> bool) -> usize {
    let rows = &circuit.plan().layout.rows;
    let found = rows.windows(2).enumerate().find_map(|(at, pair)| {
        let Content::Cell { block, cell } = pair[1].content else { return None };
        let kind = circuit.compiled.net.blocks[block as usize].cells[cell as usize].kind;
        (pair[0].content == Content::Hold && fits(kind, at + 1)).then_some(at)
    });
    assert!(!witness.byte.is_empty());
    found.expect("some row holds a value")
}

fn small(value: Fr) -> u64 {
    (0..1 << 16).find(|&small| Fr::from(small) == value).expect("a small number")
}

#[test]
fn held_value_that_changes_is_refused() {
    let model = pools();
    let circuit = circuit(&model);
    let mut witness = honest(&model, &circuit);
    // The next row's value is larger than the held one by at least one, and its own copy.
    let at = hold(&circuit, &witness, |kind, next| {
        matches!(kind, Kind::Larger { .. }) && witness.table_row[next] != Fr::zero()
    });
    let held = small(witness.limbs[0][at]);
    relimb(&mut witness, 0, at, held + 1);
    let above = usize::try_from(small(witness.table_row[at + 1])).expect("a row");
    reread(&circuit, &mut witness, at + 1, above - 1);
    assert_breaks(&broken(&circuit, witness), &["the value is held"]);
}

#[test]
fn value_beside_that_changes_is_refused() {
    let model = pools();
    let circuit = circuit(&model);
    let mut witness = honest(&model, &circuit);
    let at = hold(&circuit, &witness, |kind, _| matches!(kind, Kind::Larger { .. }));
    let held = small(witness.limbs[1][at]);
    relimb(&mut witness, 1, at, held + 1);
    assert_breaks(&broken(&circuit, witness), &["the value beside it is held"]);
}

fn products() -> Model {
    let found = models::all().into_iter().find(|(name, _)| *name == "products of elements");
    found.expect("there are products").1
}

#[test]
fn factor_of_the_provers_choice_is_refused() {
    let model = products();
    let circuit = circuit(&model);
    let pair = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Pair { .. }));
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == pair {
            held.division.limbs[1] += 1;
        }
    };
    let names = broken(&circuit, tampered(&model, &circuit, &tamper));
    assert_breaks(&names, &["the value beside is that of the row before"]);
}

#[test]
fn other_product_is_refused() {
    let model = products();
    let circuit = circuit(&model);
    let product = cell(&circuit.compiled.net, |kind| matches!(kind, Kind::Product { .. }));
    let has_intervals = circuit.plan().shape.steps;
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == product {
            off_by_one(held, has_intervals);
        }
    };
    let names = broken(&circuit, tampered(&model, &circuit, &tamper));
    assert_breaks(&names, &["the accumulator is the product of the pair"]);
}

#[test]
fn remainder_beyond_an_interval_is_refused() {
    let mut builder = Builder::new(5, &[1, 2, 3, 3]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    builder.conv(builder.last(), (1, 1), [2, 2], plain, vec![NO_LINE]);
    let model = builder.model();
    let circuit = circuit(&model);
    let net = &circuit.compiled.net;
    let intervals = circuit.plan().fitted.intervals.clone().expect("the rule has no line");
    let base = circuit.plan().shape.table_rows as u32;
    let found = std::cell::Cell::new(None);
    tampered(&model, &circuit, &|block, number, held| {
        let kind = net.blocks[block].cells[number].kind;
        if matches!(kind, Kind::Made { .. }) && held.division.u > 0 {
            found.set(Some((block, number)));
        }
    });
    let at = found.get().expect("some output is in a later interval");
    // The interval before, and a remainder that is longer than it.
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == at {
            let division = &mut held.division;
            let [now, before] = [0, 1].map(|back| intervals[division.u as usize - back]);
            let z = division.limbs[0]
                + base * division.limbs[1]
                + u32::try_from(now.start - before.start).expect("they follow each other");
            division.u -= 1;
            division.byte = before.byte;
            division.limbs = [z % base, z / base, 0, 0];
        }
    };
    let names = broken(&circuit, tampered(&model, &circuit, &tamper));
    assert_breaks(&names, &["the remainder is below the interval's length"]);
}

#[test]
fn interval_of_another_function_is_refused() {
    // One function per channel, neither with a line.
    let mut builder = Builder::new(5, &[1, 2, 3, 3]);
    let plain = ([1, 1], [1, 1], [0, 0]);
    builder.conv(builder.last(), (2, 1), [2, 2], plain, vec![NO_LINE, 2.0 * NO_LINE]);
    let model = builder.model();
    let circuit = circuit(&model);
    let net = &circuit.compiled.net;
    let fitted = &circuit.plan().fitted;
    let intervals = fitted.intervals.as_ref().expect("the rules have no lines");
    let FittedRule::Intervals { first, count, .. } = fitted.rules[1] else {
        panic!("the second rule has intervals");
    };
    let others = &intervals[first..first + count];
    let FittedRule::Intervals { first, .. } = fitted.rules[0] else {
        panic!("the first rule has intervals");
    };
    let own_start = intervals[first].start;
    let made = cell(net, |kind| matches!(kind, Kind::Made { rule: 0, .. }));
    let base = i128::from(circuit.plan().shape.table_rows as u32);
    let changed = std::cell::Cell::new(false);
    // As far from the other function's least accumulator as the honest one is from its own.
    let tamper = |block: usize, number: usize, held: &mut Held| {
        if (block, number) == made {
            let division = &mut held.division;
            let now = intervals[division.u as usize];
            let z = i128::from(division.limbs[0]) + base * i128::from(division.limbs[1]);
            let position = now.start - own_start + z + others[0].start;
            let row = others.partition_point(|interval| interval.start <= position) - 1;
            let other = others[row];
            let z = position - other.start;
            let rest = other.length - 1 - z;
            let limbs = [z % base, z / base, rest % base, rest / base];
            division.limbs = limbs.map(|limb| u32::try_from(limb).expect("a limb"));
            division.u = u32::try_from(
                intervals.iter().position(|interval| interval == &other).expect("it is one"),
            )
            .expect("a table row");
            changed.set(other.byte != division.byte);
            division.byte = other.byte;
        }
    };
    let witness = tampered(&model, &circuit, &tamper);
    assert!(changed.get(), "the functions differ there");
    assert_breaks(&broken(&circuit, witness), &[TAKEN]);
}

#[test]
fn places_are_made_once() {
    for (name, model) in models::all() {
        let circuit = circuit(&model);
        let cells = circuit.compiled.net.blocks.iter().flat_map(|block| &block.cells);
        let mut places: Vec<_> = cells.filter_map(|cell| cell.place).collect();
        let count = places.len();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), count, "{name}");
        assert!(places.iter().all(|place| place.omega > 0), "{name}: ρ⁰ belongs to the instances");
    }
}

#[test]
fn stored_plan_is_taken_up_again_only_for_its_model() {
    let mut all = models::all();
    let (_, model) = all.swap_remove(0);
    let (_, other) = all.swap_remove(1);
    let circuit = circuit(&model);
    let (k, shape) = (circuit.plan().k, &circuit.plan().shape);
    let again = NetCircuit::restore(&model, k, shape).expect("the model's own plan");
    assert_eq!(again.plan().shape, *shape);
    assert_eq!(again.plan().layout.weights, circuit.plan().layout.weights);
    assert!(NetCircuit::restore(&other, k, shape).is_err());
}

#[test]
fn per_channel_slopes_share_nothing() {
    let mut builder = Builder::new(9, &[1, 8]);
    builder.gemm(builder.last(), 3, slopes(3));
    let model = builder.model();
    let net = Net::new(&model, false).expect("a dense layer");
    assert_eq!(net.rules.len(), 3);
}

#[test]
fn try_models() {
    let files = std::env::var("TRY").unwrap_or_default();
    for path in files.split_whitespace() {
        let bytes = std::fs::read(path).unwrap();
        let model = Model::from_onnx("m", &bytes).unwrap();
        let start = std::time::Instant::now();
        let net = super::Net::new(&model, false).unwrap();
        println!(
            "{path}: lowered {:?}, {} blocks, {} rules",
            start.elapsed(),
            net.blocks.len(),
            net.rules.len()
        );
        let circuit = NetCircuit::new(&model, Wishes::default()).unwrap();
        let plan = circuit.plan();
        println!(
            "planned {:?} k {} rows {} {:?}",
            start.elapsed(),
            plan.k,
            plan.rows(),
            plan.shape
        );
        let mut counts = std::collections::BTreeMap::new();
        for row in &plan.layout.rows {
            let name = match row.content {
                super::layout::Content::Cell { block, .. } => {
                    format!("{:02} {}", block, net.blocks[block as usize].name)
                }
                super::layout::Content::Weights(_) => "weights".into(),
                other => format!("{other:?}"),
            };
            *counts.entry(name).or_insert(0) += 1;
        }
        println!("{counts:?}");
        let input = &model.graph.tensors[model.inputs[0].tensor.0];
        let low = input.quantization.element.range().0;
        let integers: Vec<i32> = (0..input.len()).map(|i| (i * 37 % 256) as i32 + low).collect();
        let start = std::time::Instant::now();
        let witness = circuit.witness(&integers, Fr::from(5)).unwrap();
        println!("witness {:?}", start.elapsed());
        let reference = model.evaluate(&[integers]).unwrap();
        assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor));
        if plan.k < 17 {
            let broken = broken(&circuit, witness);
            println!("broken: {:?}", &broken[..broken.len().min(5)]);
            assert!(broken.is_empty());
        }
    }
}
