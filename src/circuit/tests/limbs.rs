//! Sums of 16 bits as two integers of 8: a prover can't take from one what the other gets.

use super::{IS_IN_INTERVAL, IS_TAKEN, assert_breaks, broken, circuit, models::port};
use crate::circuit::{Compiled, ModelCircuit, Witness, compute::Held, wiring::Kind};
use crate::model::{
    ElementType, Gemm, Graph, Model, Node, Operator, Origin, Quantization, Requantization, Tensor,
    TensorId, View, ViewElement,
};
use halo2_proofs::halo2curves::bn256::Fr;

/// What the higher integer counts, in units of the sum, and the lower ones between two of them.
const RATIO: i32 = 12_000;
const FACTOR: i32 = 255;

const WEIGHTS: [[i32; 2]; 2] = [[37, -21], [-55, 64]];
const BIAS: [i32; 2] = [1000, -2000];

/// Two inputs of 16 bits, `254·high + low`, and two sums of them, cut at 0, with weights that are so many times as large.
pub fn model(times: i32) -> Model {
    let tensor = |name: &str, length, zero_point| Tensor {
        name: name.into(),
        shape: vec![1, length],
        quantization: Quantization { scale: 0.05, zero_point, element: ElementType::Int8 },
    };
    let sums = |own: bool, shift: i32, multiplier: f32| {
        let row = |output: usize| {
            let [a, b] = WEIGHTS[output].map(|weight| weight * times);
            let mut row = vec![254 * a, 254 * b, a, b];
            if own {
                row.extend([0, 1].map(|at| if at == output { -RATIO * times } else { 0 }));
            }
            row
        };
        let weights = [row(0), row(1)].concat();
        let (zero_point, min, max) = (-128, -128, 127);
        Operator::Gemm(Gemm {
            inputs: weights.len() / 2,
            outputs: 2,
            weights,
            bias: BIAS.map(|bias| (bias + shift) * times).to_vec(),
            requantization: Requantization { multipliers: vec![multiplier], zero_point, min, max },
        })
    };
    let joined = |lengths: [u32; 2]| {
        let of = |input: u32| {
            (0..lengths[input as usize]).map(move |index| ViewElement::Input { input, index })
        };
        Operator::View(View::Elements(of(0).chain(of(1)).collect()))
    };
    #[allow(clippy::cast_precision_loss)]
    let ratio = (RATIO * times) as f32;
    let nodes = [
        ("high", sums(false, -(RATIO - RATIO / FACTOR) / 2, 1.0 / ratio), vec![0], 1),
        ("joined", joined([4, 2]), vec![0, 1], 2),
        ("low", sums(true, -128 * RATIO, 255.0 / ratio), vec![2], 3),
        ("both", joined([2, 2]), vec![1, 3], 4),
    ];
    let nodes = nodes.map(|(name, operator, inputs, output)| Node {
        name: name.into(),
        operator,
        inputs: inputs.into_iter().map(TensorId).collect(),
        output: TensorId(output),
        origin: Origin::default(),
    });
    let tensors = vec![
        tensor("x", 4, 0),
        tensor("high", 2, -128),
        tensor("joined", 6, 0),
        tensor("low", 2, -128),
        tensor("y", 4, -128),
    ];
    Model {
        name: "test".into(),
        inputs: vec![port("x", TensorId(0))],
        outputs: vec![port("y", TensorId(4))],
        graph: Graph { tensors, nodes: nodes.to_vec() },
    }
}

/// Small sums, and large ones, which float32 rounds.
const TIMES: [i32; 2] = [1, 64];

fn outputs(model: &Model, input: &[i32]) -> Vec<i32> {
    let evaluation = model.evaluate(&[input.to_vec()]).expect("an input of the model");
    evaluation.tensor(TensorId(4)).iter().map(|value| value + 128).collect()
}

fn inputs() -> impl Iterator<Item = Vec<i32>> {
    let ends = [-128, 127].into_iter();
    let ends = ends.clone().flat_map(move |a| ends.clone().map(move |b| vec![a, b, a, b]));
    let mixed = (0..8192).map(|i| {
        [97, 31, 57, 13].map(|step| (i * step + i / 256 * (step / 2)) % 256 - 128).to_vec()
    });
    ends.chain([vec![0; 4]]).chain(mixed)
}

#[test]
fn both_integers_together_are_the_sum() {
    for times in TIMES {
        let model = model(times);
        let mut reached = [false; 3];
        for input in inputs() {
            let found = outputs(&model, &input);
            let x = [0, 1].map(|at| 254 * input[at] + input[at + 2]);
            for (output, weights) in WEIGHTS.iter().enumerate() {
                let sum = weights[0] * x[0] + weights[1] * x[1] + BIAS[output];
                let exact = f64::from(sum) * f64::from(FACTOR) / f64::from(RATIO);
                let most = f64::from(255 * FACTOR + 255);
                let value = f64::from(FACTOR * found[output] + found[output + 2]);
                assert!((value - exact.clamp(0.0, most)).abs() <= 1.0, "{value} for {exact}");
                reached[usize::from(exact > 0.0) + usize::from(exact > most)] = true;
            }
        }
        assert_eq!(reached, [true; 3], "both ends and between");
    }
}

/// The witness of a prover who makes another byte of the first element of a node, and goes on honestly.
fn with_other(circuit: &ModelCircuit, input: &[i32], node: &str, by: i64) -> Witness {
    let Compiled { net, plan, .. } = &*circuit.compiled;
    let made = net.blocks.iter().enumerate().find_map(|(number, block)| {
        let mut cells = block.cells.iter();
        let is_it = |kind| matches!(kind, Kind::Made { .. });
        let cell = cells.position(|cell| cell.element == Some(0) && is_it(cell.kind))?;
        (*block.name == *node).then_some((number, cell))
    });
    let made = made.expect("the node makes it");
    let tamper = |block: usize, cell: usize, held: &mut Held| {
        if (block, cell) == made {
            let wanted = i64::from(held.division.byte) + by;
            let now = held.division.u;
            let rows = (0_u32..).zip(&plan.fitted.table);
            let rows = rows.filter(|&(_, &byte)| i64::from(byte) == wanted);
            let (u, &byte) = rows.min_by_key(|(u, _)| u.abs_diff(now)).expect("a row of the table");
            (held.division.u, held.division.byte) = (u, byte);
        }
    };
    Witness::tampered(net, plan, input, Fr::from(5), &tamper).expect("an input of the model")
}

#[test]
fn other_integers_of_a_sum_are_refused() {
    for times in TIMES {
        let model = model(times);
        let circuit = circuit(&model);
        let has_intervals = circuit.plan().shape.intervals;
        let is_refused = |witness: Witness| {
            let mut names = broken(&circuit, witness);
            if has_intervals {
                // The other row's interval may be of another length.
                names.retain(|name| !name.contains(IS_IN_INTERVAL));
            }
            assert_breaks(&names, &[IS_TAKEN]);
        };
        // One less of the higher is as many of the lower as it has, which follows by itself.
        let found = inputs().find(|input| {
            let found = outputs(&model, input);
            found[2] == 0 && (1..255).contains(&found[0])
        });
        let input = found.expect("some sum is a multiple");
        let honest = outputs(&model, &input);
        let same = [honest[0] - 1, honest[1], FACTOR, honest[3]];
        let witness = with_other(&circuit, &input, "high", -1);
        witness.agrees_with(same.map(|byte| byte - 128).into_iter()).expect("the same sum");
        is_refused(witness);
        // One more of the lower alone.
        let witness = with_other(&circuit, &input, "low", 1);
        let other = [honest[0], honest[1], 1, honest[3]];
        witness.agrees_with(other.map(|byte| byte - 128).into_iter()).expect("another sum");
        is_refused(witness);
    }
}
