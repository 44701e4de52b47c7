//! Circuits whose verifier adds the packed instances up: one challenge is not drawn there, so the backend's mock prover
//! does not know it, and gates are evaluated row by row here.

use super::{Forge, ModelCircuit, Witness};
use crate::circuit::{
    Goal, InstanceLayout, Plans, Values, Wishes, parallel,
    shape::{LARGEST_K, SMALLEST_K},
};
use crate::model::{Model, Visibility};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::Expression,
};

/// A model's circuit for packed proofs.
pub fn summed(model: &Model) -> ModelCircuit {
    let wishes = Wishes { packed: true, ..Wishes::default() };
    ModelCircuit::new(model, wishes).expect("the model has a circuit")
}

/// A circuit of a model for packed proofs, of whose inputs is told what these say.
pub fn told(model: &Model, told: &[Visibility]) -> ModelCircuit {
    let mut instances = InstanceLayout::of_model(model, false);
    let inputs = instances.inputs.iter_mut().zip(told);
    inputs.for_each(|(input, &told)| input.visibility = told);
    // As short as can be: each row is evaluated here.
    let of = |k| {
        let wishes = Wishes { packed: true, k: Some(k), ..Wishes::default() };
        Plans::for_instances(model, instances.clone(), wishes).ok()
    };
    let plans = (SMALLEST_K..=LARGEST_K).find_map(of).expect("the model has circuits");
    plans.circuit(Goal::default())
}

/// The names of the constraints that a witness breaks.
pub(in crate::circuit) fn broken(
    circuit: &ModelCircuit,
    witness: Witness,
    forge: Forge,
) -> Vec<String> {
    let rows = broken_rows(circuit, witness, forge);
    let mut names: Vec<String> = rows.into_iter().map(|(name, _)| name).collect();
    names.dedup();
    names
}

/// The names of the constraints that a witness breaks, and on which rows, of all: those behind the table are random.
pub(in crate::circuit) fn broken_rows(
    circuit: &ModelCircuit,
    witness: Witness,
    forge: Forge,
) -> Vec<(String, usize)> {
    let system = circuit.constraint_system();
    let sum = circuit.shape().word_sum().expect("the instances are added up");
    let mut challenges: Vec<Fr> =
        (0..system.num_challenges() as u64).map(|index| Fr::from(index + 7).pow([91])).collect();
    let point = sum.factor * challenges[sum.point];
    let words = witness.instances[sum.first..].iter().rev();
    challenges[sum.challenge] = words.fold(Fr::zero(), |sum, word| sum * point + word);

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
    let mut fixed = table(circuit.fixed_columns(), system.num_fixed_columns());
    let lanes = circuit.witness.as_ref().and_then(|witness| witness.weights.clone());
    if let (Some(lanes), Some((columns, _))) = (lanes, circuit.shape().named_columns()) {
        for (column, values) in columns.into_iter().zip(lanes.lanes) {
            (0..values.len()).for_each(|row| fixed[column][row] = values.at(row));
            // What hides them in a proof.
            (rows - 3..rows).for_each(|row| fixed[column][row] = Fr::from(row as u64).pow([5]));
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

    let broken = |polynomial: &Expression<Fr>| {
        parallel::map(0..rows, |row| {
            let at = |column: &[Fr], rotation: i32| {
                let row = (row as i64 + i64::from(rotation)).rem_euclid(rows as i64);
                column[usize::try_from(row).expect("a row")]
            };
            let value = polynomial.evaluate(
                &|constant| constant,
                &|_| unreachable!("there are no selectors"),
                &|query| at(&fixed[query.column_index()], query.rotation().0),
                &|query| at(&advice[query.column_index()], query.rotation().0),
                &|_| unreachable!("gates do not look at instances"),
                &|challenge| challenges[challenge.index()],
                &|value| -value,
                &|one, other| one + other,
                &|one, other| one * other,
                &|value, factor| value * factor,
            );
            (value != Fr::zero()).then_some(row)
        })
    };
    let mut found = Vec::new();
    for gate in system.gates() {
        for (index, polynomial) in gate.polynomials().iter().enumerate() {
            let name = gate.constraint_name(index);
            let rows = broken(polynomial).into_iter().flatten();
            found.extend(rows.map(|row| (name.to_owned(), row)));
        }
    }
    found.sort();
    found
}
