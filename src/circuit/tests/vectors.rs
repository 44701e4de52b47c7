//! Softmax, layer normalization and ArgMax, alone and in pieces.

use super::{
    IS_AN_ENTRY, IS_TAKEN, assert_breaks, assert_other_output_is_refused, broken, circuit,
    foldings, forged, models::chain, relimb, rows,
};
use crate::circuit::columns::Constant;
use crate::circuit::shape::Flag;
use crate::circuit::{
    CircuitError, Compiled, ModelCircuit, Wishes, Witness,
    field::{field, pack},
    layout::rows::Content,
    wiring::{Hint, Kind},
};
use crate::model::{
    ArgMax, ElementType, LayerNormalization, Model, Operator, Quantization, Softmax, Tensor,
    TensorId,
};
use halo2_proofs::halo2curves::bn256::Fr;

const ZERO_POINT: i32 = -3;

/// A model of one operator on a matrix.
fn model(shape: [usize; 2], operator: Operator, output: (usize, ElementType)) -> Model {
    let tensor = |name: &str, shape, zero_point, element| Tensor {
        name: name.into(),
        shape,
        quantization: Quantization { scale: 0.05, zero_point, element },
    };
    let tensors = vec![
        tensor("x", shape.to_vec(), ZERO_POINT, ElementType::Int8),
        tensor("y", vec![output.0], 0, output.1),
    ];
    chain(tensors, vec![operator])
}

pub fn softmax(rows: usize, length: usize, scale: f64) -> Model {
    softmax_of((rows, length, scale), 255)
}

pub fn softmax_of((rows, length, scale): (usize, usize, f64), levels: u32) -> Model {
    let exponential = |distance: u32| {
        let exponential = (-f64::from(distance) * scale).exp() * f64::from(1 << 20);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rounded = exponential.round() as u32;
        rounded
    };
    let operator = Operator::Softmax(Softmax {
        rows,
        length,
        exponentials: (0..256).map(exponential).collect(),
        levels,
        zero_point: -128,
        min: -128,
        max: 127,
    });
    model([rows, length], operator, (rows * length, ElementType::Int8))
}

/// With a gain of 40 output steps, quotients reach far beyond the clamp.
pub fn normalization(rows: usize, length: usize, gain: i64) -> Model {
    let root_bits = 34;
    let shift = 16 + root_bits - 5;
    let step = 1_i128 << shift;
    let operator = Operator::LayerNormalization(LayerNormalization {
        rows,
        length,
        variance_factor: 1 << 10,
        epsilon: 5,
        root_bits,
        gain: (0..length as i64).map(|i| (gain << 16) * (1 - 2 * (i % 2)) + 77 * i).collect(),
        offset: (0..length as i128).map(|i| step / 2 + (i - 2) * step + i * 12_345).collect(),
        shift,
        min: -128,
        max: 127,
    });
    model([rows, length], operator, (rows * length, ElementType::Int8))
}

pub fn arg_max(shape: [usize; 3], select_last: bool) -> Model {
    let [outer, length, inner] = shape;
    let operator = Operator::ArgMax(ArgMax { outer, length, inner, select_last });
    model([outer, length * inner], operator, (outer * inner, ElementType::Int64))
}

/// Constant, extreme and random inputs.
fn inputs(model: &Model) -> Vec<Vec<i32>> {
    let len = model.graph.tensors[0].len();
    let input = |of: &dyn Fn(i32) -> i32| (0_i32..).take(len).map(of).collect();
    let mut seed = 5_u32;
    let mut random = |bits: u32| {
        let mut next = |_: i32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i32::try_from(seed >> (32 - bits)).expect("few bits") - (1 << (bits - 1))
        };
        (0_i32..).take(len).map(&mut next).collect()
    };
    vec![
        random(8),
        random(8),
        random(2),
        random(5),
        input(&|_| -128),
        input(&|_| 127),
        input(&|_| ZERO_POINT),
        input(&|i| if i % 2 == 0 { 127 } else { -128 }),
        input(&|i| if i == 0 { 127 } else { -128 }),
        input(&|i| if i == 1 { -128 } else { 127 }),
        input(&|i| i32::from(i == 2)),
    ]
}

fn assert_is_the_reference(model: &Model) {
    let circuit = circuit(model);
    for (number, input) in inputs(model).into_iter().enumerate() {
        let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
        let reference =
            model.evaluate(std::slice::from_ref(&input)).expect("an input of the model");
        assert_eq!(witness.outputs, reference.tensor(TensorId(1)));
        if number % 2 == 1 {
            assert_eq!(broken(&circuit, witness), [""; 0]);
        } else {
            let element = number * 7 % witness.outputs.len();
            assert_other_output_is_refused(&circuit, &input, element);
        }
    }
}

/// The rows of elements 0, 1, … of the output.
pub fn output_rows(circuit: &ModelCircuit) -> Vec<usize> {
    let output = circuit.compiled.net.outputs[0].block;
    let is_output = |content: Content| matches!(content, Content::Cell { block, .. } if block as usize == output);
    let rows = circuit.plan().layout.rows.iter().enumerate();
    rows.filter(|(_, row)| is_output(row.content)).map(|(at, _)| at).collect()
}

/// Writes the digits of an integer into a row.
pub fn rewrite(circuit: &ModelCircuit, witness: &mut Witness, at: usize, integer: i128) {
    let division = circuit.plan().fitted.divide(integer);
    let u = |witness: &Witness| {
        (0..witness.table_uses.len() - 1)
            .find(|&i| Fr::from(i as u64) == witness.table_row.at(at))
            .expect("a row of the table")
    };
    let old = u(witness);
    witness.table_uses.add(old + 1, -Fr::one());
    witness.table_uses.add(division.u as usize + 1, Fr::one());
    witness.table_row.set_element(at, Fr::from(u64::from(division.u)));
    witness.byte.set_element(at, Fr::from(u64::from(division.byte)));
    for limb in 0..circuit.plan().shape.limbs {
        relimb(witness, limb, at, Fr::from(u64::from(division.limbs[limb])));
    }
}

/// The integer that a row's digits make.
fn integer(circuit: &ModelCircuit, witness: &Witness, at: usize) -> Fr {
    let base = field(circuit.plan().shape.base());
    let limbs = &witness.limbs[..circuit.plan().shape.limbs];
    limbs.iter().rev().fold(witness.table_row.at(at), |sum, limb| sum * base + limb.at(at))
}

pub fn hinting(
    circuit: &ModelCircuit,
    input: &[i32],
    hints: impl Fn(Kind, i128) -> i128 + Sync,
) -> Witness {
    let Compiled { net, plan, .. } = &*circuit.compiled;
    Witness::with_hints(net, plan, input, Fr::from(5), hints).expect("an input of the model")
}

fn some_input(model: &Model) -> Vec<i32> {
    inputs(model).swap_remove(0)
}

#[test]
fn softmax_is_the_reference() {
    assert_is_the_reference(&softmax(3, 7, 0.04));
    assert_is_the_reference(&softmax(2, 5, 2.5));
    assert_is_the_reference(&softmax(2, 1, 0.3));
    assert_is_the_reference(&softmax(1, 40, 0.000_01));
    // Sums in groups.
    assert_is_the_reference(&softmax(2, 67, 0.04));
    // Quotients that need a longer table.
    assert_is_the_reference(&softmax_of((1, 5, 0.04), 5000));
}

// Ways between places are as long as the vector.
#[test]
fn rows_of_a_softmax_grow_with_its_length_alone() {
    let rows = |length| circuit(&softmax(1, length, 0.04)).plan().rows();
    let [short, long] = [rows(128), rows(1024)];
    assert!(long < 8 * short && long < 16 * 1024, "{short} rows, {long} rows");
}

#[test]
fn integers_that_are_too_large_are_refused() {
    let mut fine = normalization(1, 5, 40);
    let Operator::LayerNormalization(normalization) = &mut fine.graph.nodes[0].operator else {
        panic!("a layer normalization")
    };
    normalization.shift = 63;
    for model in [softmax_of((1, 5, 0.04), (1 << 19) + 1), fine] {
        let error = ModelCircuit::new(&model, Wishes::default());
        assert!(matches!(error, Err(CircuitError::LargeIntegers { .. })), "{error:?}");
    }
}

#[test]
fn layer_normalization_is_the_reference() {
    assert_is_the_reference(&normalization(3, 6, 40));
    assert_is_the_reference(&normalization(2, 5, 0));
    // Quotients of two digits.
    assert_is_the_reference(&normalization(2, 9, 5000));
    // Multiples of the divisor beyond 64 bits.
    assert_is_the_reference(&normalization(1, 5, 10_000_000));
    // Sums in groups.
    assert_is_the_reference(&normalization(2, 67, 40));
    assert_is_the_reference(&normalization(3, 1, 40));
}

#[test]
fn arg_max_is_the_reference() {
    for select_last in [false, true] {
        assert_is_the_reference(&arg_max([3, 7, 1], select_last));
        assert_is_the_reference(&arg_max([2, 5, 3], select_last));
        assert_is_the_reference(&arg_max([2, 1, 1], select_last));
    }
}

#[test]
fn arg_max_of_256_is_the_reference() {
    let model = arg_max([1, 256, 1], true);
    let circuit = circuit(&model);
    for input in [vec![7; 256], inputs(&model).swap_remove(0)] {
        let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
        let reference = model.evaluate(&[input]).expect("an input of the model");
        assert_eq!(witness.outputs, reference.tensor(TensorId(1)));
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

#[test]
fn arg_max_of_more_than_256_is_refused() {
    let error = ModelCircuit::new(&arg_max([1, 257, 1], false), Wishes::default());
    assert!(matches!(error, Err(CircuitError::IndexRange { length: 257, .. })));
}

#[test]
fn other_quotient_of_a_softmax_is_refused() {
    let model = softmax(2, 5, 0.04);
    let circuit = circuit(&model);
    for by in [-1, 1] {
        let hints = |kind, honest: i128| match kind {
            Kind::Quotient { .. } if honest > 3 => honest + by,
            _ => honest,
        };
        // The remainder or what it is short of is negative, and no digits make it.
        let witness = hinting(&circuit, &some_input(&model), hints);
        assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
    }
}

#[test]
fn negative_remainder_of_a_softmax_is_refused() {
    let model = softmax(2, 5, 0.04);
    let circuit = circuit(&model);
    let hints = |kind, honest: i128| match kind {
        Kind::Quotient { .. } if honest > 3 => honest + 1,
        _ => honest,
    };
    let honest = hinting(&circuit, &some_input(&model), |_, honest| honest);
    let mut witness = hinting(&circuit, &some_input(&model), hints);
    assert_ne!(witness.outputs, honest.outputs);
    // A field element makes the remainder: only the look-up refuses it.
    let naturals = rows(&circuit, |kind| matches!(kind, Kind::Natural { bias: 0, .. }));
    let others = rows(&circuit, |kind| matches!(kind, Kind::Natural { bias: -1, .. }));
    let mut forged = 0;
    for at in naturals {
        if integer(&circuit, &witness, at) == integer(&circuit, &honest, at) {
            continue;
        }
        // The sum of both is 2·s − 1, so what the remainder gains the other loses.
        let position = circuit.plan().layout.rows[at].content;
        let Content::Cell { block, cell } = position else { panic!("a cell") };
        let place = circuit.compiled.net.blocks[block as usize].cells[cell as usize]
            .place
            .expect("a place");
        let other = others.iter().copied().find(|&other| {
            let Content::Cell { block, cell } = circuit.plan().layout.rows[other].content else {
                return false;
            };
            let cell = circuit.compiled.net.blocks[block as usize].cells[cell as usize];
            cell.place.expect("a place").at == place.at
        });
        let other = other.expect("each remainder has another");
        let gained = integer(&circuit, &witness, other) - integer(&circuit, &honest, other);
        let remainder = integer(&circuit, &honest, at) - gained;
        rewrite(&circuit, &mut witness, at, 0);
        relimb(&mut witness, 0, at, remainder);
        forged += 1;
    }
    assert!(forged > 0);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn fractional_quotient_of_a_softmax_is_refused() {
    let model = softmax(1, 3, 0.04);
    let circuit = circuit(&model);
    let mut witness = hinting(&circuit, &[50, 40, 45], |_, honest| honest);
    let quotients = rows(&circuit, |kind| matches!(kind, Kind::Quotient { .. }));
    let remainders = rows(&circuit, |kind| matches!(kind, Kind::Natural { bias: 0, .. }));
    let others = rows(&circuit, |kind| matches!(kind, Kind::Natural { bias: -1, .. }));
    let wides = rows(&circuit, |kind| matches!(kind, Kind::Wide { .. }));
    let sum = witness.wide.as_ref().expect("there are integers of any size").at(wides[0]);
    let fraction = sum.double().invert().expect("sums are not 0");
    // q + 1/(2·s) leaves 1 less.
    let at = quotients[0];
    let quotient = witness.limbs[0].at(at) + fraction;
    relimb(&mut witness, 0, at, quotient);
    let (at, other) = (remainders[0], *others.last().expect("there are remainders"));
    let (less, more) =
        (witness.limbs[0].at(at) - Fr::one(), witness.limbs[0].at(other) + Fr::one());
    relimb(&mut witness, 0, at, less);
    relimb(&mut witness, 0, other, more);
    let at = output_rows(&circuit)[0];
    // The output's division takes the fraction into its remainder.
    let plan = circuit.plan();
    let fixed = &circuit.compiled.fixed;
    let slope = fixed.constant(Constant::Scale, at).invert().expect("slopes are not 0");
    let limb = witness.limbs[0].at(at) + slope * fraction;
    assert!(
        (fixed.rows[at][Flag::Naturals] || fixed.rows[at][Flag::Divides]) && plan.shape.vectors
    );
    relimb(&mut witness, 0, at, limb);
    assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
}

#[test]
fn other_root_is_refused() {
    let model = normalization(2, 5, 40);
    let circuit = circuit(&model);
    for by in [-1, 1] {
        let hints = |kind, honest: i128| match kind {
            Kind::Free { hint: Hint::InverseRoot { .. }, .. } => honest + by,
            _ => honest,
        };
        let witness = hinting(&circuit, &some_input(&model), hints);
        assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
    }
}

#[test]
fn other_quotient_of_a_layer_normalization_is_refused() {
    let model = normalization(2, 5, 40);
    let circuit = circuit(&model);
    for by in [-1, 1] {
        let hints = |kind, honest: i128| match kind {
            Kind::Free { hint: Hint::Quotient { .. }, .. } => honest + by,
            _ => honest,
        };
        let witness = hinting(&circuit, &some_input(&model), hints);
        assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
    }
}

#[test]
fn other_integer_of_any_size_is_refused() {
    let model = normalization(2, 5, 40);
    for circuit in foldings(&model) {
        let honest = hinting(&circuit, &some_input(&model), |_, honest| honest);
        for at in rows(&circuit, Kind::is_wide).into_iter().step_by(3) {
            let mut witness = honest.clone();
            witness.wide.as_mut().expect("there are integers of any size").add(at, Fr::one());
            assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
        }
        // Elsewhere it does not count.
        let mut witness = honest;
        let at = output_rows(&circuit)[0];
        witness.wide.as_mut().expect("there are integers of any size").add(at, Fr::one());
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

#[test]
fn other_factor_than_was_loaded_is_refused() {
    let model = softmax(2, 5, 0.04);
    for circuit in foldings(&model) {
        let honest = hinting(&circuit, &some_input(&model), |_, honest| honest);
        let names = forged(&circuit, honest, |sums, _, fixed, _| {
            let is_load = |at: &usize| {
                fixed.fixed.rows[*at][Flag::Loads] && fixed.fixed.rows[*at][Flag::Wide]
            };
            let at = (1..fixed.fixed.rows.len()).find(is_load).expect("a factor is loaded");
            sums.coefficient[at] += Fr::one();
        });
        assert_breaks(&names, &["the coefficient grows by weights times their monomial"]);
    }
}

#[test]
fn other_index_is_refused() {
    let model = arg_max([1, 6, 1], false);
    let circuit = circuit(&model);
    // Elements 1 and 4 are largest; 4 is not the first.
    let input = [3, 9, -5, 8, 9, 0];
    let mut witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
    assert_eq!(witness.outputs, [1]);
    let at = output_rows(&circuit)[0];
    relimb(&mut witness, 0, at, Fr::from(4));
    *witness.instances.last_mut().expect("the output's word") = pack(&[4])[0];
    assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
}

#[test]
fn transformers_are_the_reference() {
    for name in ["tiny_transformer/int8_qdq", "tiny_transformer_gelu/int8_qop"] {
        let path = format!("{}/test/fixtures/models/{name}.onnx", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("a fixture");
        let model = Model::from_onnx("transformer", &bytes).expect("a model");
        let circuit = circuit(&model);
        let plan = circuit.plan();
        assert!(plan.k <= 15, "{name}: k = {}", plan.k);
        let restored = ModelCircuit::restore(&model, circuit.layout(), plan.k, &plan.shape);
        let restored = restored.expect("its own plan");
        assert_eq!(restored.plan().rows(), plan.rows());
        let output = model.outputs[0].tensor;
        for (number, input) in inputs(&model).into_iter().enumerate() {
            let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
            let reference = model.evaluate(&[input]).expect("an input of the model");
            assert_eq!(witness.outputs, reference.tensor(output));
            // These have extreme rows.
            if [0, 7].contains(&number) {
                assert_eq!(broken(&circuit, witness), [""; 0]);
            }
        }
    }
}
