//! Outputs that no line gives are on their side of a threshold.

use super::{
    IS_AN_ENTRY, ModelCircuit, assert_breaks, broken, honest, inputs, made, model, reference,
    relimb, table_row,
};
use crate::circuit::chain::{Plan, Wishes, Witness, fit::Fitted, program::Program};
use crate::model::{Model, Operator};
use halo2_proofs::halo2curves::bn256::Fr;

/// The same network with scales that no line fits: powers of two, whose ties alternate.
fn model_without_lines() -> Model {
    let mut model = model();
    for node in &mut model.graph.nodes {
        if let Operator::Gemm(gemm) = &mut node.operator {
            let multipliers = &mut gemm.requantization.multipliers;
            multipliers.iter_mut().for_each(|multiplier| *multiplier = 1.0 / 512.0);
        }
    }
    model
}

fn circuit_with_steps() -> ModelCircuit {
    let circuit = ModelCircuit::new(&model_without_lines(), Wishes::default())
        .expect("the model has a circuit");
    assert!(circuit.plan().shape.steps, "these scales need step tables");
    circuit
}

#[test]
fn step_tables_hold_and_give_the_reference() {
    let (model, circuit) = (model_without_lines(), circuit_with_steps());
    for input in inputs() {
        let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
        assert_eq!(witness.outputs, reference(&model, &input));
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

#[test]
fn step_tables_give_the_reference_at_every_accumulator() {
    let model = model_without_lines();
    let program = Program::new(&model).expect("a chain");
    let plan = Plan::new(&program, Wishes::default()).expect("a plan");
    let Operator::Gemm(gemm) = &model.graph.nodes[0].operator else { panic!("a Gemm") };
    let fitted: &Fitted = &plan.fitted;
    for output in [0, 5] {
        let (low, high) = program.layers[0].accumulator_range(output);
        for acc in low..=high {
            let bias = i128::from(program.layers[0].bias[output]);
            let division = fitted.divide(0, output, acc - bias);
            let acc = i32::try_from(acc).expect("an int32");
            let expected = gemm.requantization.apply(acc, output);
            assert_eq!(i32::from(division.byte), expected, "accumulator {acc}");
        }
    }
}

/// A made row whose bucket has a threshold inside.
fn bucket_with_a_step(circuit: &ModelCircuit, witness: &Witness) -> usize {
    let fitted = &circuit.plan().fitted;
    let at = (0..9).map(|output| made(circuit, 0, output)).find(|&at| {
        let pair = table_row(circuit, witness, at) & !1;
        fitted.table[pair] != fitted.table[pair + 1]
    });
    at.expect("some output lies in a bucket with a step")
}

/// Reads the other row of the bucket, as a prover who wants the other byte would.
fn other_side(circuit: &ModelCircuit, witness: &mut Witness, at: usize) {
    let fitted = &circuit.plan().fitted;
    let u = table_row(circuit, witness, at);
    let other = u ^ 1;
    witness.table_uses[u + 1] -= Fr::one();
    witness.table_uses[other + 1] += Fr::one();
    witness.table_row[at] = Fr::from(other as u64);
    witness.byte[at] = Fr::from(u64::from(fitted.table[other]));
    let [_, above] = witness.steps.as_mut().expect("a step table");
    above[at] = Fr::from((other % 2) as u64);
}

#[test]
fn wrong_side_of_a_threshold_is_refused() {
    let circuit = circuit_with_steps();
    let mut witness = honest(&circuit);
    let at = bucket_with_a_step(&circuit, &witness);
    other_side(&circuit, &mut witness, at);
    let names = broken(&circuit, witness.clone());
    let sentence = "the remainder is on its side of the threshold";
    assert!(names.iter().any(|name| name.contains(sentence)), "{names:?}");

    // With the distance that the gate wants, which is negative: the look-up refuses it.
    witness.limbs[2][at] = -witness.limbs[2][at] - Fr::one();
    let names = broken(&circuit, witness);
    assert!(!names.iter().any(|name| name.contains(sentence)), "{names:?}");
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

#[test]
fn distance_of_the_provers_choice_is_refused() {
    let circuit = circuit_with_steps();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 1);
    let distance = witness.limbs[2][at] + Fr::one();
    relimb(&mut witness, 2, at, distance);
    assert_breaks(&broken(&circuit, witness), &["the remainder is on its side of the threshold"]);
}

#[test]
fn remainder_beyond_the_width_is_refused() {
    let circuit = circuit_with_steps();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 1);
    relimb(&mut witness, 1, at, Fr::zero());
    assert_breaks(&broken(&circuit, witness), &["a remainder plus N − width is below N"]);
}

#[test]
fn above_that_is_neither_0_nor_1_is_refused() {
    let circuit = circuit_with_steps();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 1);
    // 2·threshold + above stays as the table has it, and the bucket too.
    let [thresholds, above] = witness.steps.as_mut().expect("a step table");
    above[at] += Fr::from(2);
    thresholds[at] -= Fr::one();
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains("above is 0 or 1")), "{names:?}");
}

#[test]
fn half_thresholds_are_refused() {
    let circuit = circuit_with_steps();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 1);
    // The other parity: the entry holds with a threshold that is no integer.
    let [thresholds, above] = witness.steps.as_mut().expect("a step table");
    let (old, half) = (above[at], Fr::from(2).invert().expect("2 is not 0"));
    above[at] = Fr::one() - old;
    thresholds[at] += (old - above[at]) * half;
    let names = broken(&circuit, witness.clone());
    assert!(!names.iter().any(|name| name.contains("above is 0 or 1")), "{names:?}");
    let threshold = witness.steps.as_ref().expect("a step table")[0][at];
    let z = witness.limbs[0][at];
    let is_above = old == Fr::zero();
    witness.limbs[2][at] = if is_above { z - threshold } else { threshold - Fr::one() - z };
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}
