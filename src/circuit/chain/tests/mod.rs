//! Honest rows hold; each way to cheat is refused by the constraint that is there for it.

mod linear;
mod lookups;
mod public;
mod steps;

use super::{ChainCircuit as ModelCircuit, Forge, Wishes, Witness, rows::Row};
use crate::circuit::tests::{self, IS_AN_ENTRY, assert_breaks};
use crate::model::{
    ElementType, Gemm, Graph, Model, Node, Operator, Origin, Port, Quantization, Requantization,
    Table, Tensor, TensorId,
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
        [gemm(40, 9, hidden), gemm(9, 3, logits), Operator::Table(Table { values: square })];
    let nodes = operators.into_iter().enumerate().map(|(index, operator)| Node {
        name: format!("node{index}"),
        operator,
        inputs: vec![TensorId(index)],
        output: TensorId(index + 1),
        origin: Origin::default(),
    });
    let port =
        |name: &str, tensor| Port { name: name.into(), tensor: TensorId(tensor), is_float: false };
    Model {
        name: "test".into(),
        inputs: vec![port("x", 0)],
        outputs: vec![port("y", 3)],
        graph: Graph {
            tensors: vec![
                tensor("x", 40, -20, ElementType::Int8),
                tensor("hidden", 9, 3, ElementType::Uint8),
                tensor("logits", 3, -11, ElementType::Int8),
                tensor("y", 3, 0, ElementType::Int8),
            ],
            nodes: nodes.collect(),
        },
    }
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

fn circuit() -> ModelCircuit {
    ModelCircuit::new(&model(), Wishes::default()).expect("the model has a circuit")
}

fn honest(circuit: &ModelCircuit) -> Witness {
    circuit.witness(&input(|i| i * 37 % 256 - 128), Fr::from(5)).expect("an input of the model")
}

/// The names of the constraints that a witness breaks.
fn broken(circuit: &ModelCircuit, witness: Witness) -> Vec<String> {
    forged(circuit, witness, |_, _, _, _| {})
}

/// The same, with a second phase that a cheating prover changed after computing it.
fn forged(circuit: &ModelCircuit, witness: Witness, forge: Forge) -> Vec<String> {
    let instances = witness.instances.clone();
    let mut circuit = circuit.with_witness(witness);
    circuit.forge = Some(forge);
    tests::broken(circuit.plan().k, &circuit, instances)
}

/// The first row of a kind.
fn row(circuit: &ModelCircuit, is_it: impl Fn(Row) -> bool) -> usize {
    let rows = &circuit.plan().layout.rows;
    rows.iter().position(|&row| is_it(row)).expect("the layout has such a row")
}

fn made(circuit: &ModelCircuit, layer: usize, output: usize) -> usize {
    row(
        circuit,
        |row| matches!(row, Row::Made { layer: l, output: o, .. } if (l, o) == (layer, output)),
    )
}

fn input_row(circuit: &ModelCircuit, index: usize) -> usize {
    row(circuit, |row| matches!(row, Row::Input { index: i, .. } if i == index))
}

/// Writes another limb and counts its use, as a prover who wants the look-ups to hold would.
fn relimb(witness: &mut Witness, limb: usize, at: usize, value: Fr) {
    let count = |witness: &mut Witness, value: Fr, by: Fr| {
        let index = (0..witness.limb_uses.len() - 1).find(|&i| Fr::from(i as u64) == value);
        if let Some(index) = index {
            witness.limb_uses[index + 1] += by;
        }
    };
    count(witness, witness.limbs[limb][at], -Fr::one());
    count(witness, value, Fr::one());
    witness.limbs[limb][at] = value;
}

/// The row of the table that a row reads.
fn table_row(circuit: &ModelCircuit, witness: &Witness, at: usize) -> usize {
    (0..circuit.plan().fitted.table_rows)
        .find(|&row| Fr::from(row as u64) == witness.table_row[at])
        .expect("a row of the table")
}

#[test]
fn honest_witness_holds_and_gives_the_reference() {
    let (model, circuit) = (model(), circuit());
    for input in inputs() {
        let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
        assert_eq!(witness.outputs, reference(&model, &input));
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

#[test]
fn inputs_that_are_not_the_models_are_errors() {
    let circuit = circuit();
    for input in [vec![0; 39], vec![0; 41], input(|i| if i == 3 { 128 } else { 0 })] {
        assert!(circuit.witness(&input, Fr::zero()).is_err());
    }
}
