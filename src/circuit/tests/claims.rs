//! Claims: they are what they mean, also at their bounds and with equal elements, and no others are accepted.

use super::{
    Compiled, IS_AN_ENTRY, IS_TAKEN, assert_breaks, assert_other_output_is_refused, broken,
    models::{Builder, port},
    row,
};
use crate::circuit::{
    CircuitError, Goal, InstanceLayout, ModelCircuit, Plans, Role, Wishes, Witness, compute::Held,
    layout::rows::Content,
};
use crate::model::{ArgMax, Claims, ElementType, Model, Operator, Quantization, TensorId};
use halo2_proofs::halo2curves::bn256::Fr;

const ELEMENTS: usize = 6;

/// One layer of six results, the third and the fifth of which are always equal, and the position of the largest of them.
pub fn model() -> Model {
    let mut builder = Builder::new(21, &[1, 9]);
    let layer = builder.gemm(TensorId(0), ELEMENTS, vec![0.004]);
    let twice = (0..ELEMENTS).map(|i| (Some(0), [0, 1, 2, 3, 2, 5][i])).collect();
    let y = builder.view(&[layer], twice, &[1, ELEMENTS]);
    let arg_max = ArgMax { outer: 1, length: ELEMENTS, inner: 1, select_last: false };
    let class = builder.node(Operator::ArgMax(arg_max), &[y], &[1]);
    let mut model = builder.model();
    model.graph.tensors[class.0].quantization =
        Quantization { scale: 1.0, zero_point: 0, element: ElementType::Int64 };
    model.outputs = vec![port("y", y), port("class", class)];
    model
}

/// An input that makes the third element and the fifth the largest.
fn input(model: &Model) -> Vec<i32> {
    let of = |seed: i32| (0..9).map(move |i| (i * 37 + seed * 91) % 256 - 128).collect::<Vec<_>>();
    let is_largest = |input: &Vec<i32>| {
        let y = outputs(model, input);
        y.iter().enumerate().all(|(i, &y_i)| i == 2 || i == 4 || y_i < y[2]) && y[2] < 120
    };
    (0..4000).map(of).find(is_largest).expect("some input does")
}

fn outputs(model: &Model, input: &[i32]) -> Vec<i32> {
    let evaluation = model.evaluate(&[input.to_vec()]).expect("an input of the model");
    evaluation.tensor(model.outputs[0].tensor).to_vec()
}

/// A model's instances with these claims.
pub fn layout(model: &Model, claims: &[&str], private_input: bool) -> InstanceLayout {
    let claims = Claims::read(model, claims, 1).expect("claims about the model");
    let layout = InstanceLayout::of_model(model, private_input);
    layout.with_claims(model, &claims).expect("claims about the model")
}

fn circuit(model: &Model, claims: &[&str], goal: Goal, packed: bool) -> ModelCircuit {
    let wishes = Wishes { goal, packed, ..Wishes::default() };
    let plans = Plans::for_instances(model, layout(model, claims, false), wishes);
    plans.expect("the claims have circuits").circuit(goal)
}

/// What the circuit says of an input, and what claims mean.
fn said(
    model: &Model,
    circuit: &ModelCircuit,
    input: &[i32],
    chosen: &[Vec<i32>],
) -> (Witness, Vec<i32>) {
    let all = [&[input.to_vec()][..], chosen].concat().concat();
    let witness = circuit.witness(&all, Fr::from(5)).expect("an input and parameters");
    let evaluation = model.evaluate(&[input.to_vec()]).expect("an input of the model");
    let answers = circuit.layout().answers(model, &evaluation, chosen).expect("its parameters");
    (witness, answers)
}

/// What the verifier chooses about an element's value.
type About = fn(i32) -> Vec<i32>;

/// Of each kind of claim, one or two, with what the verifier chooses.
pub fn kinds() -> Vec<(&'static str, About)> {
    vec![
        ("y[2]=threshold", |y| vec![y]),
        ("y=threshold", |y| vec![y]),
        ("y[2]=range", |y| vec![y, y]),
        ("y=range", |y| vec![y - 3, y + 1]),
        ("y[2]=bucket:3", |y| vec![y - 1, y, y + 1]),
        ("y=bucket:2", |y| vec![y - 9, y]),
        ("y[2]=equal", |y| vec![y]),
        ("class=equal", |_| vec![2]),
        ("class=range", |_| vec![2, 4]),
        ("y=argmax", |_| vec![]),
        ("y=top:3", |_| vec![]),
        ("y[2]=values", |_| vec![]),
    ]
}

#[test]
fn circuits_say_what_claims_mean() {
    let model = model();
    let input = input(&model);
    let y = outputs(&model, &input)[2];
    for (number, (claim, about)) in kinds().into_iter().enumerate() {
        let (goal, packed) =
            [(Goal::Speed, false), (Goal::Gas, false), (Goal::Speed, true)][number % 3];
        let circuit = circuit(&model, &[claim], goal, packed);
        let told = circuit.layout().outputs.iter().filter(|port| port.is_public()).count();
        assert_eq!(told, 1, "the claim's own output is not told: {claim}");
        for shift in [-1, 0, 1] {
            let chosen: Vec<i32> = about(y + shift);
            let chosen = if chosen.is_empty() { vec![] } else { vec![chosen] };
            let (witness, answers) = said(&model, &circuit, &input, &chosen);
            assert_eq!(witness.outputs, answers, "{claim}, {shift}");
            if shift == 0 {
                assert_eq!(broken(&circuit, witness), [""; 0], "{claim}");
            }
        }
    }
}

/// Threshold and ends of ranges at the value, one above and one below: what is said is right, and the opposite is refused.
#[test]
fn claims_off_by_one_at_their_bounds_are_refused() {
    let model = model();
    let input = input(&model);
    let y = outputs(&model, &input)[2];
    /// What is chosen, from the value on, and what is said then.
    type Case = (&'static [i32], i32);
    let bounds: [(&str, &[Case]); 4] = [
        ("y[2]=threshold", &[(&[-1], 1), (&[0], 1), (&[1], 0)]),
        ("y[2]=equal", &[(&[-1], 0), (&[0], 1), (&[1], 0)]),
        ("y[2]=range", &[(&[0, 3], 1), (&[1, 3], 0), (&[-3, 0], 1), (&[-3, -1], 0)]),
        ("y[2]=bucket:2", &[(&[0, 1], 1), (&[-1, 0], 2), (&[1, 2], 0)]),
    ];
    for (claim, cases) in bounds {
        let circuit = circuit(&model, &[claim, "class=none"], Goal::Speed, false);
        for &(about, expected) in cases {
            let chosen: Vec<i32> = about.iter().map(|shift| y + shift).collect();
            let (witness, answers) = said(&model, &circuit, &input, std::slice::from_ref(&chosen));
            assert_eq!((&answers, &witness.outputs), (&vec![expected], &vec![expected]), "{claim}");
            let all = [&input[..], &chosen].concat();
            assert_other_output_is_refused(&circuit, &all, 0);
        }
    }
}

/// What is claimed cannot be told otherwise than it was computed, and no other parameter than the one that it was computed with.
#[test]
fn forged_claims_and_parameters_are_refused() {
    let model = model();
    let input = input(&model);
    let y = outputs(&model, &input)[2];
    for packed in [false, true] {
        let circuit = circuit(&model, &["y[2]=threshold"], Goal::Speed, packed);
        let (honest, _) = said(&model, &circuit, &input, &[vec![y + 1]]);
        for role in [Role::ClaimParameter, Role::ClaimResult] {
            let word = circuit.layout().range(role).start;
            // The other bit, a lower threshold, and what no byte is.
            for change in [Fr::one(), -Fr::one(), Fr::from(2).invert().unwrap(), Fr::from(256)] {
                let mut forged = honest.clone();
                forged.instances[word] += change;
                assert_breaks(&broken(&circuit, forged), &["the bytes are those of the instances"]);
            }
        }
    }
}

/// A parameter is a byte: else 256 more would be another threshold, and the same low byte of an instance to whoever reads that alone.
/// (That an input is below 256 is a constraint of its own, which `relations::packing` tests alone.)
#[test]
fn a_parameter_that_is_no_byte_is_refused() {
    let model = model();
    let input = input(&model);
    let circuit = circuit(&model, &["y[2]=threshold", "class=none"], Goal::Speed, false);
    let (mut forged, _) = said(&model, &circuit, &input, &[vec![-128]]);
    let at = row(&circuit, (circuit.compiled.net.inputs[1].block, 0));
    let raised = circuit.plan().shape.table_rows as u64 - 256;
    forged.limbs[0].set_element(at, Fr::from(256));
    forged.limbs[1].set_element(at, Fr::from(256 + raised));
    let word = circuit.layout().range(Role::ClaimParameter).start;
    forged.instances[word] += Fr::from(256);
    assert_breaks(&broken(&circuit, forged), &[IS_AN_ENTRY, IS_TAKEN]);
}

/// A bit is a byte that is read from the table, not half of one.
#[test]
fn a_bit_that_is_a_fraction_is_refused() {
    let model = model();
    let input = input(&model);
    let y = outputs(&model, &input)[2];
    let circuit = circuit(&model, &["y[2]=threshold", "class=none"], Goal::Speed, false);
    let (mut forged, _) = said(&model, &circuit, &input, &[vec![y]]);
    let rows = &circuit.plan().layout.rows;
    let block = circuit.compiled.net.outputs[0].block;
    let is_bit =
        |content: Content| matches!(content, Content::Cell { block: b, .. } if b as usize == block);
    let row = rows.iter().position(|row| is_bit(row.content)).expect("the bit has a row");
    let half = Fr::from(2).invert().unwrap();
    forged.byte.set_element(row, half);
    let word = circuit.layout().range(Role::ClaimResult).start;
    forged.instances[word] = half;
    let names = broken(&circuit, forged);
    assert!(names.iter().any(|name| name.contains(IS_AN_ENTRY)), "{names:?}");
}

/// The first of equal elements is the largest, and no prover chooses another.
#[test]
fn positions_of_equal_elements_cannot_be_chosen() {
    let model = model();
    let input = input(&model);
    for (claim, expected) in [("y=argmax", vec![2]), ("y=top:2", vec![2, 4])] {
        let circuit = circuit(&model, &[claim, "class=none"], Goal::Speed, false);
        let (witness, answers) = said(&model, &circuit, &input, &[]);
        assert_eq!((&witness.outputs, &answers), (&expected, &expected));
        let Compiled { net, plan, .. } = &*circuit.compiled;
        let port = net.outputs[0];
        for (element, honest) in expected.iter().enumerate() {
            let cells = &net.blocks[port.block].cells;
            let number = cells.iter().position(|cell| cell.element == Some(element as u32));
            let number = number.expect("every element has a cell");
            let tamper = |block: usize, cell: usize, held: &mut Held| {
                if (block, cell) == (port.block, number) {
                    // 2 and 4 are the positions of equal elements.
                    held.division.limbs[0] = 6 - held.division.limbs[0];
                }
            };
            let forged = Witness::tampered(net, plan, &input, Fr::from(5), &tamper).unwrap();
            assert_eq!(forged.outputs[element], 6 - honest);
            assert_breaks(&broken(&circuit, forged), &[IS_TAKEN]);
        }
    }
}

/// An output that is only claimed about takes no instances.
#[test]
fn instances_hold_nothing_of_an_output_that_is_not_told() {
    let model = model();
    let claims = ["y[2]=threshold", "y=argmax", "class=none"];
    let layout = layout(&model, &claims, true);
    assert_eq!(layout.parts().len(), 4, "context, threshold, bit, position");
    assert_eq!((layout.len(), layout.range(Role::Output)), (4, 4..4));
    let names: Vec<&str> = layout.claims.iter().map(|claim| claim.name.as_str()).collect();
    assert_eq!(names, ["y[2]", "y"]);
    let both = self::layout(&model, &["y=argmax", "y=threshold", "y=values"], true);
    let names: Vec<&str> = both.claims.iter().map(|claim| claim.name.as_str()).collect();
    assert_eq!((names, both.outputs[0].is_public()), (vec!["y:argmax", "y:threshold"], true));
}

/// A description from a file is one of claims about the model, or it is refused.
#[test]
fn claims_that_are_not_the_models_are_refused() {
    let model = model();
    let honest = layout(&model, &["y[2]=threshold", "y=argmax"], false);
    honest.check_model(&model).expect("claims about the model");
    type Change = fn(&mut InstanceLayout);
    let changes: [(&str, Change); 8] = [
        ("300 claims, at most 256", |told| {
            told.claims = vec![told.claims[0].clone(); 300];
        }),
        ("has no output", |told| told.claims[0].claim.output = "z".into()),
        ("the output has 6 elements", |told| told.claims[0].claim.element = Some(6)),
        ("is not described", |told| told.claims[0].claim.element = Some(3)),
        ("is not described", |told| told.claims[0].name = "y[1]".into()),
        ("is not described", |told| told.claims[1].results[0].shape = vec![2]),
        ("is not described", |told| told.claims[0].parameters.clear()),
        ("proofs would say nothing", |told| {
            told.claims.clear();
            told.outputs
                .iter_mut()
                .for_each(|port| port.visibility = crate::model::Visibility::Private);
        }),
    ];
    for (why, change) in changes {
        let mut told = honest.clone();
        change(&mut told);
        match Plans::for_instances(&model, told, Wishes::default()) {
            Err(CircuitError::Instances { what }) => assert!(what.contains(why), "{what}"),
            other => panic!("{why}: {:?}", other.map(|_| ())),
        }
    }
    let circuit = circuit(&model, &["y[2]=threshold"], Goal::Speed, false);
    let evaluation = model.evaluate(&[input(&model)]).unwrap();
    for chosen in [&[][..], &[vec![1, 2]], &[vec![1], vec![1]]] {
        let refused = circuit.layout().answers(&model, &evaluation, chosen);
        assert!(matches!(refused, Err(CircuitError::Instances { .. })), "{refused:?}");
    }
}
