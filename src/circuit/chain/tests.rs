//! Honest rows hold; each way to cheat is refused by the constraint that is there for it.

use super::{
    ChainCircuit as ModelCircuit, Forge, Wishes, Witness,
    rows::Row,
    witness::{Challenges, Fixed},
};
use crate::circuit::field::pack;
use crate::model::{
    ElementType, Gemm, Graph, Model, Node, Operator, Origin, Port, Quantization, Requantization,
    Table, Tensor, TensorId,
};
use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    halo2curves::{bn256::Fr, ff::Field},
};

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

#[track_caller]
fn assert_breaks_only(names: &[String], sentence: &str) {
    assert!(!names.is_empty(), "nothing refuses it");
    for name in names {
        assert!(name.contains(sentence), "expected `{sentence}`, found {names:?}");
    }
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

#[test]
fn honest_witness_holds_and_gives_the_reference() {
    let (model, circuit) = (model(), circuit());
    for input in inputs() {
        let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
        assert_eq!(witness.outputs, reference(&model, &input));
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

const IS_AN_ENTRY: &str = "every look-up is a table entry";

#[test]
fn limb_beyond_the_table_is_refused() {
    let circuit = circuit();
    let base = Fr::from(circuit.plan().shape.table_rows as u64);
    let at = made(&circuit, 0, 4);
    // N more in one limb, one less in the next: the same remainder.
    let mut witness = honest(&circuit);
    let (low, high) = (witness.limbs[0][at] + base, witness.limbs[1][at] - Fr::one());
    relimb(&mut witness, 0, at, low);
    relimb(&mut witness, 1, at, high);
    assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
}

#[test]
fn fractional_quotient_is_refused() {
    let circuit = circuit();
    let at = made(&circuit, 0, 2);
    let base = Fr::from(circuit.plan().shape.table_rows as u64);
    let divisor = base.pow([circuit.plan().shape.limbs as u64]);
    // D·(u − 1/D) + (z + 1): the same dividend from another quotient.
    let mut witness = honest(&circuit);
    witness.table_row[at] -= divisor.invert().expect("N is not 0");
    let limb = witness.limbs[0][at] + Fr::one();
    relimb(&mut witness, 0, at, limb);
    assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
}

#[test]
fn negative_remainder_is_refused() {
    let circuit = circuit();
    let at = made(&circuit, 0, 2);
    let base = Fr::from(circuit.plan().shape.table_rows as u64);
    // One more quotient, D less remainder: saturation or rounding to the prover's taste.
    let mut witness = honest(&circuit);
    let top = circuit.plan().shape.limbs - 1;
    let index = table_row(&circuit, &witness, at);
    witness.table_row[at] += Fr::one();
    witness.table_uses[index + 1] -= Fr::one();
    witness.table_uses[index + 2] += Fr::one();
    witness.byte[at] = Fr::from(u64::from(circuit.plan().fitted.table[index + 1]));
    let limb = witness.limbs[top][at] - base;
    relimb(&mut witness, top, at, limb);
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

#[test]
fn other_byte_than_the_table_has_is_refused() {
    let circuit = circuit();
    let at = made(&circuit, 1, 1);
    // The output's instance is changed along: only the table can tell.
    let mut witness = honest(&circuit);
    witness.byte[at] += Fr::one();
    *witness.instances.last_mut().expect("the output's word") += Fr::from(256);
    assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
}

#[test]
fn uses_that_were_not_are_refused() {
    let circuit = circuit();
    for forge in [
        |w: &mut Witness| w.limb_uses[9] += Fr::one(),
        |w: &mut Witness| {
            w.table_uses[9] += Fr::one();
        },
    ] {
        let mut witness = honest(&circuit);
        forge(&mut witness);
        assert_breaks_only(&broken(&circuit, witness), IS_AN_ENTRY);
    }
}

#[test]
fn lookup_sum_that_skips_a_row_is_refused() {
    let circuit = circuit();
    for column in 0..circuit.plan().shape.lookup_sums() {
        assert!(column < 2, "the test forges two columns");
        let forge: Forge = if column == 0 {
            |sums, _, _, _| sums.lookup_sums[0][77] += Fr::one()
        } else {
            |sums, _, _, _| sums.lookup_sums[1][77] += Fr::one()
        };
        let names = forged(&circuit, honest(&circuit), forge);
        assert_breaks_only(&names, "the sum grows by the row's look-ups");
    }
}

#[test]
fn lookup_sum_that_begins_elsewhere_is_refused() {
    let circuit = circuit();
    // All sums are moved by one: rows agree with each other, only the ends do not.
    let names = forged(&circuit, honest(&circuit), |sums, _, _, _| {
        sums.lookup_sums.iter_mut().flatten().for_each(|sum| *sum += Fr::one());
    });
    assert_breaks_only(&names, IS_AN_ENTRY);
}

#[test]
fn other_segment_is_refused() {
    let circuit = circuit();
    let names = forged(&circuit, honest(&circuit), |sums, _, fixed, _| {
        // In the middle of the idle rows, where nothing takes it.
        let last = fixed.active.len() - 1;
        sums.segment[last] += Fr::one();
    });
    assert_breaks_only(&names, "the segment is the weights' Horner sum");
}

#[test]
fn segment_before_the_first_row_does_not_count() {
    let circuit = circuit();
    let names = forged(&circuit, honest(&circuit), |sums, _, _, _| sums.segment[0] = Fr::from(9));
    assert_eq!(names, [""; 0]);
}

#[test]
fn other_product_is_refused() {
    let circuit = circuit();
    let names = forged(&circuit, honest(&circuit), |sums, _, fixed, _| {
        let last = fixed.active.len() - 1;
        sums.products[last] += Fr::one();
    });
    assert!(
        names.iter().any(|name| name.contains("products grow by the value taken")),
        "{names:?}"
    );
}

#[test]
fn products_that_begin_above_zero_are_refused() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    // The first output is one more than its weights give; products begin with that one.
    let at = made(&circuit, 0, 0);
    let limb = witness.limbs[0][at] + Fr::one();
    relimb(&mut witness, 0, at, limb);
    let names = forged(&circuit, witness, |sums, _, fixed, _| {
        let end = fixed.ends_block.iter().position(|&ends| ends).expect("the input's block ends");
        sums.products[..=end].iter_mut().for_each(|sum| *sum += Fr::one());
    });
    assert_breaks_only(&names, "products are 0 before the first row");
}

#[test]
fn output_that_the_weights_do_not_give_is_refused() {
    let circuit = circuit();
    for (layer, outputs) in [(0, 9), (1, 3)] {
        for output in 0..outputs {
            let mut witness = honest(&circuit);
            let at = made(&circuit, layer, output);
            let limb = witness.limbs[0][at] + Fr::one();
            relimb(&mut witness, 0, at, limb);
            assert_breaks_only(&broken(&circuit, witness), "what is owed shrinks by what is made");
        }
    }
}

#[test]
fn owing_at_the_end_of_a_block_is_refused() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 3);
    let limb = witness.limbs[0][at] + Fr::one();
    relimb(&mut witness, 0, at, limb);
    let names = forged(&circuit, witness, |sums, challenges, fixed, _| {
        // Every row is right from the front: what is too much is left over at the end of the block.
        let mut blocks = (0..).filter(|&at| fixed.ends_block[at]);
        let first = blocks.next().expect("the input's block ends") + 1;
        let end = blocks.next().expect("the first layer's block ends");
        assert!(!fixed.makes[first], "the block begins with weights");
        let mut shift = sums.products[first - 1] - sums.owed[first];
        for at in first..=end {
            if fixed.makes[at] {
                shift *= challenges.rho.invert().expect("a random point is not 0");
            }
            sums.owed[at] += shift;
        }
    });
    assert_breaks_only(&names, "nothing is owed at the end of a block");
}

#[test]
fn input_above_a_byte_is_refused() {
    let circuit = circuit();
    let at = input_row(&circuit, 7);
    // 256 in the first limb, and whatever looks fine in the second.
    let mut witness = honest(&circuit);
    relimb(&mut witness, 1, at, Fr::one());
    assert_breaks_only(&broken(&circuit, witness), "an input plus N − 256 is below N");

    let mut witness = honest(&circuit);
    let excess = Fr::from(256) - witness.limbs[0][at];
    let raised = witness.limbs[1][at] + excess;
    relimb(&mut witness, 0, at, Fr::from(256));
    relimb(&mut witness, 1, at, raised);
    let names = broken(&circuit, witness);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

const ARE_THE_INSTANCES: &str = "the bytes are those of the instances, and no more";

#[test]
fn every_output_off_by_one_is_refused() {
    let circuit = circuit();
    let outputs = honest(&circuit).outputs;
    for position in 0..outputs.len() {
        for step in [-1, 1] {
            let mut claimed: Vec<u8> = outputs.iter().map(|&y| (y + 128) as u8).collect();
            claimed[position] = claimed[position].wrapping_add_signed(step);
            let mut witness = honest(&circuit);
            *witness.instances.last_mut().expect("the output's word") = pack(&claimed)[0];
            assert_breaks_only(&broken(&circuit, witness), ARE_THE_INSTANCES);
        }
    }
}

#[test]
fn every_other_word_is_refused() {
    let circuit = circuit();
    for word in 1..circuit.instances() {
        let mut witness = honest(&circuit);
        witness.instances[word] += Fr::one();
        assert_breaks_only(&broken(&circuit, witness), ARE_THE_INSTANCES);
    }
}

#[test]
fn bytes_beyond_a_short_word_are_refused() {
    let circuit = circuit();
    // 40 inputs: the second word has 9 bytes, its tenth must be 0. So must the output's fourth.
    for (word, byte) in [(2, 9), (3, 3)] {
        let mut witness = honest(&circuit);
        witness.instances[word] += crate::circuit::field::byte_power(byte);
        assert_breaks_only(&broken(&circuit, witness), ARE_THE_INSTANCES);
    }
}

#[test]
fn swapped_words_are_refused() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    witness.instances.swap(1, 2);
    assert_breaks_only(&broken(&circuit, witness), ARE_THE_INSTANCES);
}

#[test]
fn any_context_is_accepted() {
    let circuit = circuit();
    let mut witness = honest(&circuit);
    witness.instances[0] = -Fr::one();
    assert_eq!(broken(&circuit, witness), [""; 0]);
}

/// Claims another word and takes bytes off its packing from the front, rightly up to the first row that
/// `jumps`: from there on the honest rest stands.
fn jump(circuit: &ModelCircuit, jumps: Forge) -> Vec<String> {
    let mut witness = honest(circuit);
    witness.instances[1] += Fr::from(3);
    forged(circuit, witness, jumps)
}

/// Fills `packed` from the front up to the row before `until`.
fn pack_from_the_front(
    until: usize,
    packed: &mut [Fr],
    owed: Fr,
    challenges: &Challenges,
    fixed: &Fixed,
    witness: &Witness,
) {
    packed[0] = owed;
    for at in 1..until {
        let tau = if fixed.marks[at] { challenges.tau } else { Fr::one() };
        let (byte, multiplier) = match (fixed.takes[at], fixed.makes[at]) {
            (true, false) => (witness.limbs[0][at], fixed.weights[0][at] * tau),
            (false, true) => (witness.byte[at], Fr::from(256) * tau),
            _ => (Fr::zero(), Fr::one()),
        };
        let inverse = multiplier.invert().expect("multipliers are not 0");
        packed[at] = (packed[at - 1] - byte) * inverse;
    }
}

#[test]
fn input_byte_that_the_instances_do_not_hold_is_refused() {
    let names = jump(&circuit(), |sums, challenges, fixed, witness| {
        let is_input = |&at: &usize| fixed.takes[at] && !fixed.makes[at];
        let until = (1..fixed.takes.len()).filter(is_input).nth(5).expect("an input");
        let owed = sums.owed[0];
        pack_from_the_front(until, &mut sums.packed, owed, challenges, fixed, witness);
    });
    assert_breaks_only(&names, "the packed instances hold the input byte");
}

#[test]
fn output_byte_that_the_instances_do_not_hold_is_refused() {
    let names = jump(&circuit(), |sums, challenges, fixed, witness| {
        let is_output = |&at: &usize| fixed.makes[at] && !fixed.takes[at];
        let until = (1..fixed.takes.len()).filter(is_output).nth(1).expect("an output");
        let owed = sums.owed[0];
        pack_from_the_front(until, &mut sums.packed, owed, challenges, fixed, witness);
    });
    assert_breaks_only(&names, "the packed instances hold the output byte");
}

#[test]
fn packing_that_jumps_elsewhere_is_refused() {
    let names = jump(&circuit(), |sums, challenges, fixed, witness| {
        let is_hidden = |&at: &usize| fixed.makes[at] && fixed.takes[at];
        let until = (1..fixed.takes.len()).filter(is_hidden).nth(1).expect("a hidden value");
        let owed = sums.owed[0];
        pack_from_the_front(until, &mut sums.packed, owed, challenges, fixed, witness);
    });
    assert_breaks_only(&names, "other rows take nothing off the packed instances");
}

#[test]
fn inputs_that_are_not_the_models_are_errors() {
    let circuit = circuit();
    for input in [vec![0; 39], vec![0; 41], input(|i| if i == 3 { 128 } else { 0 })] {
        assert!(circuit.witness(&input, Fr::zero()).is_err());
    }
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
    use super::{fit::Fitted, program::Program};
    let model = model_without_lines();
    let program = Program::new(&model).expect("a chain");
    let plan = super::Plan::new(&program, Wishes::default()).expect("a plan");
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

/// The row of the table that a row reads.
fn table_row(circuit: &ModelCircuit, witness: &Witness, at: usize) -> usize {
    (0..circuit.plan().fitted.table_rows)
        .find(|&row| Fr::from(row as u64) == witness.table_row[at])
        .expect("a row of the table")
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
    assert_breaks_only(&broken(&circuit, witness), "the remainder is on its side of the threshold");
}

#[test]
fn remainder_beyond_the_width_is_refused() {
    let circuit = circuit_with_steps();
    let mut witness = honest(&circuit);
    let at = made(&circuit, 0, 1);
    relimb(&mut witness, 1, at, Fr::zero());
    assert_breaks_only(&broken(&circuit, witness), "a remainder plus N − width is below N");
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
