//! A network of dense layers with both element types: each output, each word and each accumulator.

use super::{
    IS_AN_ENTRY, assert_breaks, broken, circuit, foldings,
    models::{NO_LINE, chain},
    relimb, reread, rows, table_row,
};
use crate::circuit::shape::Flag;
use crate::circuit::{
    ModelCircuit, Witness,
    field::{byte_power, field, pack},
    table::rules::Levels,
    wiring::Kind,
};
use crate::model::{
    ElementType, Gemm, Model, Operator, Quantization, Requantization, Table, Tensor,
};
use halo2_proofs::halo2curves::bn256::Fr;

/// A small network with both element types, per-channel scales, a fused Relu and a table:
/// 40 int8 inputs (two words) → 9 uint8 → 3 int8 → table.
fn model() -> Model {
    let mut seed = 7_u64;
    let mut random = |range: i64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((seed >> 33) as i64 % (2 * range + 1) - range).expect("a small number")
    };
    let tensor = |name: &str, length, zero_point, element| Tensor {
        name: name.into(),
        shape: vec![1, length],
        quantization: Quantization { scale: 0.05, zero_point, element },
    };
    let mut gemm = |inputs: usize, outputs: usize, requantization| {
        Operator::Gemm(Gemm {
            inputs,
            outputs,
            weights: (0..inputs * outputs).map(|_| random(127)).collect(),
            bias: (0..outputs).map(|_| random(5000)).collect(),
            requantization,
        })
    };
    let hidden = Requantization {
        multipliers: (0..9).map(|channel| 0.002_134_7 + 0.000_113_31 * channel as f32).collect(),
        zero_point: 3,
        min: 3,
        max: 255,
    };
    let logits =
        Requantization { multipliers: vec![0.003_141_59], zero_point: -11, min: -128, max: 127 };
    let square = (-128..128).map(|x: i32| x * x / 129 - 60).collect();
    let operators =
        vec![gemm(40, 9, hidden), gemm(9, 3, logits), Operator::Table(Table { values: square })];
    let tensors = vec![
        tensor("x", 40, -20, ElementType::Int8),
        tensor("hidden", 9, 3, ElementType::Uint8),
        tensor("logits", 3, -11, ElementType::Int8),
        tensor("y", 3, 0, ElementType::Int8),
    ];
    chain(tensors, operators)
}

/// What the model computes, written down without any of the circuit's arithmetic.
fn reference(model: &Model, input: &[i32]) -> Vec<i32> {
    let mut values = input.to_vec();
    for node in &model.graph.nodes {
        values = match &node.operator {
            Operator::Gemm(gemm) => {
                let zero_point = model.graph.tensors[node.inputs[0].0].quantization.zero_point;
                let output = |output: usize| {
                    let row = &gemm.weights[output * gemm.inputs..][..gemm.inputs];
                    let sum: i32 = row.iter().zip(&values).map(|(w, x)| w * (x - zero_point)).sum();
                    gemm.requantization.apply(sum + gemm.bias[output], output)
                };
                (0..gemm.outputs).map(output).collect()
            }
            Operator::Table(table) => values
                .iter()
                .map(|&x| table.values[usize::try_from(x + 128).expect("an int8")])
                .collect(),
            other => panic!("{other:?} is not in this test"),
        };
    }
    values
}

fn input(of: impl Fn(i32) -> i32) -> Vec<i32> {
    (0..40).map(of).collect()
}

/// Inputs at both ends of the range, in the middle, and mixed.
fn inputs() -> [Vec<i32>; 5] {
    [
        input(|i| i * 37 % 256 - 128),
        input(|_| -128),
        input(|_| 127),
        input(|i| if i % 2 == 0 { 127 } else { -128 }),
        input(|_| -20),
    ]
}

/// The same network with scales that no line fits: powers of two, whose ties alternate.
fn model_without_lines() -> Model {
    let mut model = model();
    for node in &mut model.graph.nodes {
        if let Operator::Gemm(gemm) = &mut node.operator {
            gemm.requantization.multipliers.fill(NO_LINE);
        }
    }
    model
}

fn honest(circuit: &ModelCircuit) -> Witness {
    circuit.witness(&inputs()[0], Fr::from(5)).expect("an input of the model")
}

#[test]
fn dense_layers_give_the_reference_at_any_input() {
    for model in [model(), model_without_lines()] {
        for circuit in foldings(&model) {
            for input in inputs() {
                let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
                assert_eq!(witness.outputs, reference(&model, &input));
                assert_eq!(broken(&circuit, witness), [""; 0]);
            }
        }
    }
}

#[test]
fn inputs_that_are_not_the_models_are_errors() {
    let circuit = circuit(&model());
    for input in [vec![0; 39], vec![0; 41], input(|i| if i == 3 { 128 } else { 0 })] {
        assert!(circuit.witness(&input, Fr::zero()).is_err());
    }
}

#[test]
fn intervals_give_the_reference_at_every_accumulator() {
    let model = model_without_lines();
    let circuit = circuit(&model);
    let (net, fitted) = (&circuit.compiled.net, &circuit.plan().fitted);
    let Operator::Gemm(gemm) = &model.graph.nodes[0].operator else { panic!("a Gemm") };
    let made = net.blocks.iter().flat_map(|block| &block.cells);
    let rules = made.filter_map(|cell| match cell.kind {
        Kind::Made { rule, .. } => Some(rule),
        _ => None,
    });
    for (output, rule) in rules.take(gemm.outputs).enumerate().step_by(5) {
        assert!(matches!(net.rules[rule as usize].levels, Levels::Steps(_)));
        let (low, high) = net.rules[rule as usize].range;
        for acc in low..=high {
            let byte = fitted.make(rule, acc.into()).byte;
            let acc = i32::try_from(acc).expect("an int32");
            let expected = u32::try_from(gemm.requantization.apply(acc, output));
            assert_eq!(Ok(byte), expected, "accumulator {acc}");
        }
    }
}

const ARE_THE_INSTANCES: &str = "the bytes are those of the instances";

#[test]
fn every_output_off_by_one_is_refused() {
    for circuit in foldings(&model()) {
        let outputs = honest(&circuit).outputs;
        for position in 0..outputs.len() {
            for step in [-1, 1] {
                let mut claimed: Vec<u8> = outputs.iter().map(|&y| (y + 128) as u8).collect();
                claimed[position] = claimed[position].wrapping_add_signed(step);
                let mut witness = honest(&circuit);
                *witness.instances.last_mut().expect("the output's word") = pack(&claimed)[0];
                assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
            }
        }
    }
}

#[test]
fn bytes_beyond_a_short_word_are_refused() {
    for circuit in foldings(&model()) {
        // 40 inputs: the second word has 9 bytes, its tenth must be 0. So must the output's fourth.
        for (word, byte) in [(2, 9), (3, 3)] {
            let mut witness = honest(&circuit);
            witness.instances[word] += byte_power(byte);
            assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
        }
    }
}

#[test]
fn swapped_words_are_refused() {
    for circuit in foldings(&model()) {
        let mut witness = honest(&circuit);
        witness.instances.swap(1, 2);
        assert_breaks(&broken(&circuit, witness), &[ARE_THE_INSTANCES]);
    }
}

#[test]
fn negative_remainder_is_refused() {
    for circuit in foldings(&model()) {
        let made = rows(&circuit, |kind| matches!(kind, Kind::Made { .. }));
        let at = made.into_iter().find(|&at| circuit.compiled.fixed.rows[at][Flag::Divides]);
        let at = at.expect("an output by division");
        // One more quotient, D less remainder: saturation or rounding to the prover's taste.
        let mut witness = honest(&circuit);
        let next = table_row(&witness, at) + 1;
        reread(&circuit, &mut witness, at, next);
        let top = circuit.plan().shape.limbs - 1;
        let limb = witness.limbs[top].at(at) - field(circuit.plan().shape.base());
        relimb(&mut witness, top, at, limb);
        let names = broken(&circuit, witness);
        assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
    }
}
