//! Pools are proved bit for bit.

use super::{Case, Random, assert_other_output_is_refused, broken, cases, honest, rows, ties};
use crate::circuit::{
    LARGEST_DEGREE, ModelCircuit, Wishes,
    table::binades::{Binade, LIFT, MARK, QUOTIENTS},
    wiring::Kind,
};
use crate::model::{Operator, TensorId, View, ViewElement};
use halo2_proofs::{
    halo2curves::bn256::Fr,
    plonk::{Circuit, ConstraintSystem},
};

#[test]
fn sums_are_rounded_as_float32_rounds_them() {
    let mut random = Random(3);
    for range in [(-(1_i128 << 34), 1 << 34), (0, 1 << 33), (-5, 3), (1 << 24, 1 << 24)] {
        let binades = Binade::all(range);
        let edges = (0..36).flat_map(|bit| (-9..9).map(move |by| (1_i128 << bit) + by));
        let halves = (23..34).flat_map(|bit| {
            // Halfway between neighbours, at both ends of a binade and in the middle.
            let half = 1_i128 << (bit - 23) >> 1;
            [1 << bit, 3 << (bit - 1), 2 << bit].into_iter().flat_map(move |at: i128| {
                (-6..6).flat_map(move |odd| [-1, 0, 1].map(|by| at + odd * half + by))
            })
        });
        let any = (0..2000).map(|_| i128::from(random.below(1 << 31) * 8 + random.below(8)));
        let all = edges.chain(halves).chain(any);
        for sum in all.flat_map(|sum| [sum, -sum]).filter(|sum| (range.0..=range.1).contains(sum)) {
            let of_it: Vec<_> = (binades.iter())
                .filter(|binade| {
                    (binade.low..binade.low + QUOTIENTS * binade.stride).contains(&sum)
                })
                .collect();
            assert_eq!(of_it.len(), 1, "{sum} is in one binade of {range:?}");
            let (rest, number) = of_it[0].find(sum);
            let entry = of_it[0].entries().nth(usize::try_from(rest).unwrap()).unwrap();
            assert_eq!(entry.start - MARK + entry.length * number, sum);
            assert!((0..QUOTIENTS).contains(&number));
            let rounded = sum + i128::from(entry.byte) - LIFT;
            assert_eq!(rounded, sum as f32 as i128, "{sum}");
        }
    }
}

#[test]
fn pools_are_proved_bit_for_bit() {
    let mut random = Random(1);
    for case in cases() {
        let (model, circuit) = (case.model(), case.circuit());
        for (number, input) in case.inputs(&mut random, 30).into_iter().enumerate() {
            let witness = circuit.witness(&input, Fr::from(5)).expect("an input of the model");
            let reference = model.evaluate(&[input]).expect("the model evaluates");
            assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor), "{case:?}");
            if number == 3 {
                assert_eq!(broken(&circuit, witness), [""; 0], "{case:?}");
            }
        }
    }
}

#[test]
fn other_output_is_refused() {
    let mut random = Random(9);
    for case in cases() {
        let circuit = case.circuit();
        let input = case.inputs(&mut random, 1).pop().expect("one was asked for");
        for element in [0, circuit.compiled.net.outputs[0].len - 1] {
            assert_other_output_is_refused(&circuit, &input, element);
        }
    }
}

#[test]
fn tensor_that_others_take_keeps_its_bytes() {
    // The pool takes the table's outputs under another shape, the model's output takes them too.
    let mut model = ties().model();
    let graph = &mut model.graph;
    let [table, pool] = &mut graph.nodes[..] else { panic!("a table and a pool") };
    let reshaped = TensorId(graph.tensors.len());
    graph.tensors.push(graph.tensors[1].clone());
    let view = |view| Operator::View(view);
    let mut reshape = table.clone();
    reshape.operator = view(View::Reshape);
    (reshape.inputs, reshape.output) = (vec![table.output], reshaped);
    pool.inputs = vec![reshaped];
    let mut both = pool.clone();
    let elements = [(0, 12), (1, 48)]
        .into_iter()
        .flat_map(|(input, len)| (0..len).map(move |index| ViewElement::Input { input, index }));
    both.operator = view(View::Elements(elements.collect()));
    both.inputs = vec![pool.output, table.output];
    both.output = TensorId(graph.tensors.len());
    let mut tensor = graph.tensors[2].clone();
    tensor.shape = vec![60];
    graph.tensors.push(tensor);
    model.outputs[0].tensor = both.output;
    graph.nodes.insert(1, reshape);
    graph.nodes.push(both);
    let circuit = ModelCircuit::new(&model, Wishes::default()).expect("the model has a circuit");
    let witness = honest(&circuit);
    let input: Vec<i32> = (0..48).map(|i| i * 37 % 256 - 128).collect();
    let reference = model.evaluate(&[input]).expect("the model evaluates");
    assert_eq!(witness.outputs, reference.tensor(model.outputs[0].tensor));
    assert_eq!(broken(&circuit, witness), [""; 0]);
}

#[test]
fn only_sums_that_float32_rounds_take_rows() {
    let adds = |case: &Case| {
        let circuit = case.circuit();
        assert_eq!(circuit.plan().shape.averages, circuit.compiled.net.float_sums.is_some());
        rows(&circuit, |kind| matches!(kind, Kind::Adds { .. })).len()
    };
    // Two of the four elements' additions are rounded apart from the output, of 12 windows.
    assert_eq!(adds(&ties()), 24);
    assert_eq!(adds(&Case { scales: [0.125, 0.125], ..ties() }), 0);
    assert_eq!(adds(&Case { kernel: [1, 2], strides: [1, 2], ..ties() }), 0);
}

#[test]
fn gates_have_the_degree_that_there_is_room_for() {
    let mut system = ConstraintSystem::default();
    ModelCircuit::configure_with_params(&mut system, ties().circuit().params());
    assert!(system.degree() <= LARGEST_DEGREE);
}
