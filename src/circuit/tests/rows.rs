//! Gates row by row: which constraints a witness breaks, and where.
//!
//! The backend's mock prover does not know the challenge that is not drawn where the verifier adds the packed instances up, and
//! walks each gate as a tree on each row. Here all gates are one list of steps, equal ones once, with all that challenges alone
//! say made out before the first row.

use super::{Forge, ModelCircuit, Witness};
use crate::circuit::{Values, parallel};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::Expression,
};
use std::{cell::RefCell, collections::HashMap};

/// What is made out of earlier steps, by their numbers, or of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Constant(Fr),
    /// A column's cell, some rows on.
    Cell(usize, i32),
    Sum(usize, usize),
    Product(usize, usize),
}

/// Steps without two that are equal.
#[derive(Default)]
struct Steps {
    steps: Vec<Step>,
    known: HashMap<Step, usize>,
}

impl Steps {
    fn add(&mut self, step: Step) -> usize {
        *self.known.entry(step).or_insert_with(|| {
            self.steps.push(step);
            self.steps.len() - 1
        })
    }

    fn constant(&self, at: usize) -> Option<Fr> {
        match self.steps[at] {
            Step::Constant(value) => Some(value),
            _ => None,
        }
    }

    fn sum(&mut self, one: usize, other: usize) -> usize {
        match (self.constant(one), self.constant(other)) {
            (Some(one), Some(other)) => self.add(Step::Constant(one + other)),
            (Some(zero), None) if zero == Fr::zero() => other,
            (None, Some(zero)) if zero == Fr::zero() => one,
            _ => self.add(Step::Sum(one.min(other), one.max(other))),
        }
    }

    fn product(&mut self, one: usize, other: usize) -> usize {
        match (self.constant(one), self.constant(other)) {
            (Some(one), Some(other)) => self.add(Step::Constant(one * other)),
            (Some(zero), None) | (None, Some(zero)) if zero == Fr::zero() => {
                self.add(Step::Constant(zero))
            }
            (Some(unit), None) if unit == Fr::one() => other,
            (None, Some(unit)) if unit == Fr::one() => one,
            _ => self.add(Step::Product(one.min(other), one.max(other))),
        }
    }

    /// What each step comes to, given cells.
    fn evaluate(&self, cell: impl Fn(usize, i32) -> Fr) -> Vec<Fr> {
        let mut values: Vec<Fr> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            values.push(match *step {
                Step::Constant(value) => value,
                Step::Cell(column, rotation) => cell(column, rotation),
                Step::Sum(one, other) => values[one] + values[other],
                Step::Product(one, other) => values[one] * values[other],
            });
        }
        values
    }
}

/// The step that a gate's polynomial is; fixed columns come first, then advice, then the instances.
fn step_of(
    steps: &RefCell<Steps>,
    polynomial: &Expression<Fr>,
    [advice, instance]: [usize; 2],
    challenges: &[Fr],
) -> usize {
    let constant = |value: Fr| steps.borrow_mut().add(Step::Constant(value));
    let cell = |column: usize, rotation: i32| steps.borrow_mut().add(Step::Cell(column, rotation));
    let product = |one: usize, other: usize| steps.borrow_mut().product(one, other);
    polynomial.evaluate(
        &constant,
        &|_| unreachable!("there are no selectors"),
        &|query| cell(query.column_index(), query.rotation().0),
        &|query| cell(advice + query.column_index(), query.rotation().0),
        &|query| cell(instance + query.column_index(), query.rotation().0),
        &|challenge| constant(challenges[challenge.index()]),
        &|value| product(value, constant(-Fr::one())),
        &|one, other| steps.borrow_mut().sum(one, other),
        &product,
        &|value, factor| product(value, constant(factor)),
    )
}

/// The names of the constraints that a witness breaks, and on which rows, of all: those behind the table are random.
pub(in crate::circuit) fn broken(
    circuit: &ModelCircuit,
    witness: Witness,
    forge: Forge,
) -> Vec<(String, usize)> {
    let system = circuit.constraint_system();
    let mut challenges: Vec<Fr> =
        (0..system.num_challenges() as u64).map(|index| Fr::from(index + 7).pow([91])).collect();
    if let Some(sum) = circuit.shape().word_sum() {
        let point = sum.factor * challenges[sum.point];
        let words = witness.instances[sum.first..].iter().rev();
        challenges[sum.challenge] = words.fold(Fr::zero(), |sum, word| sum * point + word);
    }

    let mut circuit = circuit.with_witness(witness);
    circuit.forge = Some(forge);
    let rows = 1_usize << circuit.k();
    let table = |columns: Vec<(usize, Values)>, count: usize| {
        let mut table = vec![vec![Fr::zero(); rows]; count];
        for (column, values) in columns {
            (0..values.len()).for_each(|row| table[column][row] = values.at(row));
        }
        table
    };
    let mut cells = table(circuit.fixed_columns(), system.num_fixed_columns());
    let lanes = circuit.witness.as_ref().and_then(|witness| witness.weights.clone());
    if let (Some(lanes), Some((columns, _))) = (lanes, circuit.shape().named_columns()) {
        for (column, values) in columns.into_iter().zip(lanes.lanes) {
            (0..values.len()).for_each(|row| cells[column][row] = values.at(row));
            // What hides them in a proof.
            (rows - 3..rows).for_each(|row| cells[column][row] = Fr::from(row as u64).pow([5]));
        }
    }
    let mut advice = circuit.first_phase().expect("there is a witness");
    let drawn: Vec<Option<Fr>> = challenges.iter().copied().map(Some).collect();
    advice.extend(circuit.second_phase(&drawn).expect("all challenges are drawn"));
    let mut advice = table(advice, system.num_advice_columns());
    let usable = rows - system.blinding_factors() - 1;
    for (column, values) in (11..).zip(&mut advice) {
        (usable..rows).for_each(|row| values[row] = Fr::from(row as u64).pow([column]));
    }
    let mut instances = circuit.witness.as_ref().expect("there is one").instances.clone();
    instances.resize(rows.max(instances.len()), Fr::zero());
    let first = [cells.len(), cells.len() + advice.len()];
    cells.extend(advice);
    cells.push(instances);

    let steps = RefCell::new(Steps::default());
    let mut constraints = Vec::new();
    for gate in system.gates() {
        for (index, polynomial) in gate.polynomials().iter().enumerate() {
            let step = step_of(&steps, polynomial, first, &challenges);
            constraints.push((gate.constraint_name(index), step));
        }
    }
    let steps = steps.into_inner();
    let broken = parallel::map(0..rows, |row| {
        let values = steps.evaluate(|column, rotation| {
            let row = (row as i64 + i64::from(rotation)).rem_euclid(rows as i64);
            cells[column][usize::try_from(row).expect("a row")]
        });
        let broken = constraints.iter().filter(|(_, step)| values[*step] != Fr::zero());
        broken.map(|(name, _)| ((*name).to_owned(), row)).collect::<Vec<_>>()
    });
    let mut found: Vec<(String, usize)> = broken.into_iter().flatten().collect();
    found.sort();
    found
}
