//! Several inferences in one proof: each has a context, and words of its own.

use super::{
    assert_breaks, broken,
    models::{Builder, port},
};
use crate::circuit::{
    CircuitError, Contexts, Goal, InstanceLayout, ModelCircuit, Plans, Role, Wishes, Witness,
    links, pack,
};
use crate::model::{ElementType, Model, TensorId, View, ViewElement, Visibility};
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};

const INFERENCES: usize = 3;

/// One inference, or several along the leading axis: a layer, and with `outputs` = 2 also a table of the input.
pub fn model(inferences: usize, outputs: usize) -> Model {
    let mut builder = Builder::new(3, &[inferences, 33]);
    let x = TensorId(0);
    let layer = builder.gemm(x, 7, vec![0.002_1]);
    let table = builder.table(x);
    let mut model = builder.model();
    model.outputs =
        [layer, table][..outputs].iter().map(|&t| port(&format!("y{t:?}"), t)).collect();
    if outputs == 1 {
        model.graph.nodes.pop();
    }
    model
}

pub fn circuit(model: &Model, wishes: Wishes) -> ModelCircuit {
    let told = InstanceLayout::of_model(model, wishes.private_input).of_batch(INFERENCES);
    let plans = Plans::for_instances(model, told, wishes).expect("the model has circuits");
    plans.circuit(wishes.goal)
}

fn input() -> Vec<i32> {
    (0..33 * INFERENCES as i32).map(|i| (i * 91 + 17) % 256 - 128).collect()
}

fn contexts() -> Vec<Fr> {
    (5..).map(Fr::from).take(INFERENCES).collect()
}

fn honest(circuit: &ModelCircuit) -> Witness {
    circuit.witness(&input(), contexts()).expect("inputs of the model")
}

fn word(scalar: &Fr) -> [u8; 32] {
    let mut word: [u8; 32] = scalar.to_repr();
    word.reverse();
    word
}

const WISHES: [(Goal, bool, bool); 4] = [
    (Goal::Speed, false, false),
    (Goal::Gas, false, false),
    (Goal::Speed, true, false),
    (Goal::Speed, false, true),
];

#[test]
fn each_inference_has_a_context_and_words_of_its_own() {
    for outputs in [1, 2] {
        let (model, alone) = (model(INFERENCES, outputs), model(1, outputs));
        for (goal, private_input, packed) in WISHES {
            let wishes = Wishes { goal, private_input, packed, ..Wishes::default() };
            let circuit = circuit(&model, wishes);
            let witness = honest(&circuit);
            let words: Vec<[u8; 32]> = witness.instances.iter().map(word).collect();
            let layout = circuit.layout();
            assert_eq!(words.len(), layout.len());
            assert_eq!(witness.instances[..INFERENCES], contexts());
            let input = input();
            for part in layout.parts() {
                let inference = part.inference.expect("nothing belongs to all");
                let own = &input[33 * inference..][..33];
                let answers = alone.evaluate(&[own.to_vec()]).expect("an input");
                let expected = match part.role {
                    Role::Context => continue,
                    Role::Input => own,
                    Role::Output => {
                        let port = alone.outputs.iter().find(|port| port.name == part.name);
                        answers.tensor(port.expect("a model's").tensor)
                    }
                    other => panic!("{other:?}"),
                };
                assert_eq!(part.integers(&words).expect("packed"), expected, "{part:?}");
            }
            let evaluation = model.evaluate(&[input]).expect("an input");
            let reference = model.outputs.iter().flat_map(|port| evaluation.tensor(port.tensor));
            assert!(witness.outputs.iter().eq(reference));
            assert_eq!(broken(&circuit, witness), [""; 0]);
        }
    }
}

/// One commitment holds the inputs of all inferences.
#[test]
fn committed_inputs_of_a_batch_are_linked_together() {
    let model = model(INFERENCES, 1);
    let mut told = InstanceLayout::of_model(&model, false).of_batch(INFERENCES);
    told.inputs[0].visibility = Visibility::Committed;
    let wishes = Wishes { packed: true, ..Wishes::default() };
    let plans = Plans::for_instances(&model, told, wishes).expect("the model has circuits");
    let circuit = plans.circuit(Goal::Speed);
    let words: Vec<Fr> = input()
        .chunks(33)
        .flat_map(|own| {
            let bytes: Vec<u8> = own.iter().map(|&value| (value + 128) as u8).collect();
            pack(&bytes)
        })
        .collect();
    assert_eq!(circuit.shape().links, [words.len()]);
    let witness = honest(&circuit);
    let rows: Vec<usize> = links::rows(words.len(), circuit.k()).expect("it has room").collect();
    assert!(rows.iter().map(|&row| witness.linked[0].at(row)).eq(words));
    assert_eq!(broken(&circuit, witness.clone()), [""; 0]);
    // Those of the first inference and the last.
    let mut swapped = witness;
    let [one, last] = [rows[0], rows[rows.len() - 2]].map(|row| swapped.linked[0].at(row));
    swapped.linked[0].set_element(rows[0], last);
    swapped.linked[0].set_element(rows[rows.len() - 2], one);
    assert_breaks(&broken(&circuit, swapped), &["the bytes are those of the instances"]);
}

#[test]
fn words_of_two_inferences_do_not_change_places() {
    let model = model(INFERENCES, 2);
    for (goal, private_input, packed) in WISHES {
        let circuit = circuit(&model, Wishes { goal, private_input, packed, ..Wishes::default() });
        let parts = circuit.layout().parts();
        for role in [Role::Input, Role::Output] {
            let first: Vec<usize> =
                parts.iter().filter(|part| part.role == role).map(|part| part.at.start).collect();
            let (Some(&one), Some(&last)) = (first.first(), first.last()) else { continue };
            let mut witness = honest(&circuit);
            witness.instances.swap(one, last);
            assert_breaks(&broken(&circuit, witness), &["the bytes are those of the instances"]);
        }
    }
}

#[test]
fn a_batch_that_cannot_be_proved_is_refused() {
    let circuit = circuit(&model(INFERENCES, 1), Wishes::default());
    let found = circuit.witness(&input(), Contexts::from(Fr::one()));
    assert!(matches!(found, Err(CircuitError::Contexts { found: 1, expected: INFERENCES })));

    let refused = |model: &Model, told: InstanceLayout| match Plans::for_instances(
        model,
        told,
        Wishes::default(),
    ) {
        Err(CircuitError::Instances { what }) => what,
        other => panic!("{other:?}"),
    };
    // Leading axes of another length.
    let model = model(INFERENCES, 1);
    let told = InstanceLayout::of_model(&model, false).of_batch(INFERENCES);
    let other = InstanceLayout { inferences: 11, ..told };
    assert!(refused(&model, other).starts_with("they are not of the inputs and outputs of"));
    // Two inputs whose words would have to lie by turns.
    let mut builder = Builder::new(3, &[2, 5]);
    let y = builder.input(&[2, 5], ElementType::Int8);
    let sum = builder.add(TensorId(0), y, [0.7, 0.4]);
    let mut model = builder.model();
    model.inputs = [TensorId(0), y].iter().map(|&t| port(&format!("x{t:?}"), t)).collect();
    model.outputs = vec![port("sum", sum)];
    let told = InstanceLayout::of_model(&model, false).of_batch(2);
    assert!(refused(&model, told).starts_with("2 inferences in one proof, of 2 inputs"));
}

#[test]
fn models_that_mix_inferences_are_refused() {
    let (batch, alone) = (model(INFERENCES, 2), model(1, 2));
    batch.check_batch(&alone, INFERENCES).expect("inferences are independent");
    let swapped = |inferences: usize| {
        let mut builder = Builder::new(3, &[inferences, 4]);
        let elements = 0..4 * inferences;
        let view = elements.map(|index| ViewElement::Input {
            input: 0,
            index: u32::try_from((index + 4) % (4 * inferences)).expect("few"),
        });
        let view = View::Elements(view.collect());
        builder.node(crate::model::Operator::View(view), &[TensorId(0)], &[inferences, 4]);
        builder.model()
    };
    let error =
        swapped(2).check_batch(&swapped(1), 2).expect_err("an inference has another's input");
    assert!(error.to_string().contains("mixes inferences"), "{error}");
    let error = swapped(2).check_batch(&swapped(1), 4).expect_err("there are two");
    assert!(error.to_string().contains("in a batch of 4 that is its leading dimension"), "{error}");
}
