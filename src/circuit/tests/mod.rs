//! Honest rows hold; each way to cheat is refused by the constraint that is there for it.

pub mod abreast;
pub mod batch;
pub mod claims;
pub mod committed;
mod dense;
mod fractions;
mod free;
pub mod limbs;
mod map;
pub mod models;
mod operators;
pub mod ports;
pub mod random;
pub mod rows;
pub mod summed;
pub mod unique;
pub mod vectors;

pub use super::relations::float_sum::tests as average;
use super::{
    Compiled, Forge, InstanceLayout, ModelCircuit, Values, Witness,
    compute::{Held, Tamper},
    layout::rows::Row,
    shape::{SMALLEST_K, Shape, longest_table},
    wiring::{Kind, Net},
};
pub(super) use crate::circuit::field::field;
use crate::circuit::{Contexts, Wishes};
use crate::model::Model;
use halo2_proofs::halo2curves::bn256::Fr;

/// That exactly the constraints of these names are broken.
#[track_caller]
pub(super) fn assert_breaks(names: &[String], sentences: &[&str]) {
    let is_expected = |name: &String| sentences.iter().any(|sentence| name.contains(sentence));
    let all = sentences.iter().all(|sentence| names.iter().any(|name| name.contains(sentence)));
    assert!(all && names.iter().all(is_expected), "expected {sentences:?}, found {names:?}");
}

/// What the look-up argument refuses.
pub(super) const IS_AN_ENTRY: &str = "every look-up is a table entry";

/// The names of the constraints that a witness breaks.
pub(super) fn broken(circuit: &ModelCircuit, witness: Witness) -> Vec<String> {
    forged(circuit, witness, |_, _, _, _| {})
}

/// The same, with a second phase that a cheating prover changed after computing it.
pub(super) fn forged(circuit: &ModelCircuit, witness: Witness, forge: Forge) -> Vec<String> {
    let rows = rows::broken(circuit, witness, forge);
    let mut names: Vec<String> = rows.into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names
}

pub(super) const IS_TAKEN: &str = "everything made is what was taken";

pub(super) const IS_IN_INTERVAL: &str = "the remainder is below the interval's length";

pub(super) fn net(model: &Model) -> Net {
    Net::new(model, &InstanceLayout::of_model(model, false)).expect("the model is a net")
}

pub(super) fn circuit(model: &Model) -> ModelCircuit {
    ModelCircuit::new(model, Wishes::default()).expect("the model has a circuit")
}

/// The model's circuit with one, two and four columns that share one.
pub(super) fn foldings(model: &Model) -> [ModelCircuit; 3] {
    let circuit = circuit(model);
    let shape = &circuit.plan().shape;
    [1, 2, 4].map(|fold| {
        let fits = |&k: &u32| shape.table_rows <= longest_table(k, fold);
        let k = (SMALLEST_K..).find(fits).expect("a domain is long enough");
        let shape = Shape { fold, ..shape.clone() };
        ModelCircuit::restore_any(model, circuit.layout(), k, &shape)
            .expect("as many rows in another domain")
    })
}

pub(super) fn input(model: &Model, of: impl Fn(i32) -> i32) -> Vec<i32> {
    let length: usize =
        (model.inputs.iter()).map(|port| model.graph.tensors[port.tensor.0].len()).sum();
    (0..i32::try_from(length).expect("a small tensor")).map(of).collect()
}

pub(super) fn mixed(model: &Model) -> Vec<i32> {
    input(model, |i| i * 37 % 256 - 128)
}

pub(super) fn honest(model: &Model, circuit: &ModelCircuit) -> Witness {
    circuit.witness(&mixed(model), contexts(circuit)).expect("an input of the model")
}

/// One for each inference.
fn contexts(circuit: &ModelCircuit) -> Contexts {
    (5..).map(Fr::from).take(circuit.layout().inferences).collect::<Vec<Fr>>().into()
}

/// The witness of a prover who cheats in one cell and goes on honestly.
pub(super) fn tampered(model: &Model, circuit: &ModelCircuit, tamper: Tamper<'_>) -> Witness {
    let Compiled { net, plan, .. } = &*circuit.compiled;
    let witness = Witness::tampered(net, plan, &mixed(model), contexts(circuit), tamper);
    witness.expect("an input of the model")
}

/// That a circuit refuses another byte as an element of its first output, all else being what follows from it.
#[track_caller]
pub(super) fn assert_other_output_is_refused(
    circuit: &ModelCircuit,
    input: &[i32],
    element: usize,
) {
    let Compiled { net, plan, .. } = &*circuit.compiled;
    let block = net.outputs[0].block;
    let cells = &net.blocks[block].cells;
    let number = cells.iter().position(|cell| cell.element == Some(element as u32));
    let number = number.expect("every element has a cell");
    let tamper = |tampered: usize, cell: usize, held: &mut Held| {
        if (tampered, cell) != (block, number) {
            return;
        }
        let byte = held.byte();
        if let Kind::Read { .. } = cells[number].kind {
            held.division.limbs[0] = if byte == 255 { 254 } else { byte + 1 };
        } else {
            // Another row of the table, whose look-ups hold.
            let others = (0..).zip(&plan.fitted.table);
            let others = others.filter(|&(_, &other)| other != byte && other <= 255);
            let nearest = others.min_by_key(|&(_, other)| other.abs_diff(byte));
            let (u, &other) = nearest.expect("the table has two bytes");
            (held.division.u, held.division.byte) = (u, other);
        }
    };
    let honest = circuit.witness(input, Fr::from(5)).expect("an input of the model");
    let witness = Witness::tampered(net, plan, input, Fr::from(5), &tamper);
    let witness = witness.expect("an input of the model");
    for (other, (now, then)) in witness.outputs.iter().zip(&honest.outputs).enumerate() {
        assert_eq!(now != then, other == element, "output {other}");
    }
    let mut names = broken(circuit, witness);
    if plan.shape.intervals {
        // The other row's interval may be of another length.
        names.retain(|name| !name.contains(IS_IN_INTERVAL));
    }
    assert_breaks(&names, &[IS_TAKEN]);
}

/// The block and number of the first cell of a kind.
pub(super) fn cell(net: &Net, is_it: impl Fn(Kind) -> bool) -> (usize, usize) {
    let found = net.blocks.iter().enumerate().find_map(|(block, cells)| {
        Some((block, cells.cells.iter().position(|cell| is_it(cell.kind))?))
    });
    found.expect("the net has such a cell")
}

/// The row of a cell.
pub(super) fn row(circuit: &ModelCircuit, (block, cell): (usize, usize)) -> usize {
    value(circuit, (block, cell)).0
}

/// The row of a cell, and which of its values it is.
pub(super) fn value(circuit: &ModelCircuit, cell: (usize, usize)) -> (usize, usize) {
    let layout = &circuit.plan().layout;
    let rows = layout.rows.iter().enumerate();
    let mut found =
        rows.filter_map(|(at, row)| Some((at, layout.cells(row).position(|own| own == cell)?)));
    found.next().expect("every cell has a row")
}

/// The rows of a kind, in order.
pub(super) fn rows(circuit: &ModelCircuit, is_it: impl Fn(Kind) -> bool) -> Vec<usize> {
    let layout = &circuit.plan().layout;
    let kind = |row: &Row| {
        let (block, cell) = layout.cells(row).next()?;
        Some(circuit.compiled.net.blocks[block].cells[cell].kind)
    };
    let rows = layout.rows.iter().enumerate();
    rows.filter(|(_, row)| kind(row).is_some_and(&is_it)).map(|(at, _)| at).collect()
}

/// The number that a field element stands for.
pub(super) fn integer(value: Fr) -> i128 {
    let read = |value: Fr| {
        let bytes = value.to_bytes();
        bytes[16..].iter().all(|&byte| byte == 0).then(|| {
            let low = <[u8; 16]>::try_from(&bytes[..16]).expect("sixteen bytes");
            i128::from_le_bytes(low)
        })
    };
    read(value).or_else(|| read(-value).map(|value| -value)).expect("a small number")
}

/// Writes another limb and counts its use, as a prover who wants the look-ups to hold would.
pub(super) fn relimb(witness: &mut Witness, limb: usize, at: usize, to: Fr) {
    relimb_of(witness, 0, limb, at, to);
}

/// A limb's column, of a value by its number.
pub(super) fn limbs(witness: &mut Witness, value: usize, limb: usize) -> &mut Values {
    match value.checked_sub(1) {
        Some(further) => &mut witness.abreast[further].limbs[limb],
        None => &mut witness.limbs[limb],
    }
}

/// The same as [`relimb`] of a value of the row by its number.
pub(super) fn relimb_of(witness: &mut Witness, value: usize, limb: usize, at: usize, to: Fr) {
    let count = |witness: &mut Witness, value: Fr, by: Fr| {
        let index = (0..witness.limb_uses.len() - 1).find(|&i| Fr::from(i as u64) == value);
        if let Some(index) = index {
            witness.limb_uses.add(index + 1, by);
        }
    };
    let then = limbs(witness, value, limb).at(at);
    count(witness, then, -Fr::one());
    count(witness, to, Fr::one());
    limbs(witness, value, limb).set_element(at, to);
}

pub(super) fn table_row(witness: &Witness, at: usize) -> usize {
    table_row_of(witness, 0, at)
}

pub(super) fn table_row_of(witness: &Witness, value: usize, at: usize) -> usize {
    let column = match value.checked_sub(1) {
        Some(further) => &witness.abreast[further].table_row,
        None => &witness.table_row,
    };
    usize::try_from(integer(column.at(at))).expect("a row of the table")
}

/// Reads another row of the table and counts its use.
pub(super) fn reread(circuit: &ModelCircuit, witness: &mut Witness, at: usize, row: usize) {
    reread_of(circuit, witness, 0, at, row);
}

/// The same of a value of the row by its number.
pub(super) fn reread_of(
    circuit: &ModelCircuit,
    witness: &mut Witness,
    value: usize,
    at: usize,
    row: usize,
) {
    let then = table_row_of(witness, value, at);
    witness.table_uses.add(then + 1, -Fr::one());
    witness.table_uses.add(row + 1, Fr::one());
    let fitted = &circuit.plan().fitted;
    let (table_row, byte, parts) = match value.checked_sub(1) {
        Some(further) => {
            let own = &mut witness.abreast[further];
            (&mut own.table_row, &mut own.byte, &mut own.parts)
        }
        None => (&mut witness.table_row, &mut witness.byte, &mut witness.parts),
    };
    table_row.set_element(at, field(i128::try_from(row).expect("a short table")));
    byte.set_element(at, Fr::from(u64::from(fitted.table[row])));
    if let (Some(intervals), Some(steps)) = (&fitted.intervals, parts) {
        steps[0].set_element(at, field(intervals[row].start));
        steps[1].set_element(at, field(intervals[row].length));
    }
}

/// Makes another accumulator of a row, in the same interval if it is made by one.
pub(super) fn off_by_one(held: &mut Held, has_intervals: bool) {
    let limbs = &mut held.division.limbs;
    if has_intervals && limbs[2] > 0 {
        (limbs[0], limbs[2]) = (limbs[0] + 1, limbs[2] - 1);
    } else if has_intervals {
        (limbs[0], limbs[2]) = (limbs[0] - 1, limbs[2] + 1);
    } else {
        limbs[0] ^= 1;
    }
}
