//! Several inferences in one proof: each has a context, and words of its own.

use super::{
    assert_breaks, broken,
    models::{Builder, port},
};
use crate::circuit::{
    CircuitError, Contexts, Goal, InstanceLayout, InstancePart, ModelCircuit, Plans, Role, Wishes,
    Witness, hash_of_words, links, pack,
    shape::{LARGEST_K, SMALLEST_K},
    wiring::Weight,
};
use crate::model::{Claims, ElementType, Model, TensorId, View, ViewElement, Visibility};
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

/// A layer of both inputs of so many inferences, which are of an odd number of words and an even one; outputs are it and the second
/// input.
fn hashing(told: [Visibility; 2], packed: bool) -> (Model, ModelCircuit) {
    let mut builder = Builder::new(3, &[INFERENCES, 5]);
    let y = builder.input(&[INFERENCES, 33], ElementType::Int8);
    let [narrow, wide] = [TensorId(0), y].map(|input| builder.gemm(input, 5, vec![0.002_1]));
    let sum = builder.add(narrow, wide, [0.5, 0.25]);
    let mut model = builder.model();
    model.inputs = vec![port("a", TensorId(0)), port("b", y)];
    model.outputs = vec![port("sum", sum), port("same", y)];
    let mut instances = InstanceLayout::of_model(&model, false).of_batch(INFERENCES);
    instances.inputs.iter_mut().zip(told).for_each(|(input, told)| input.visibility = told);
    // As short as can be: each row is evaluated here.
    let of = |k| {
        let wishes = Wishes { packed, k: Some(k), ..Wishes::default() };
        Plans::for_instances(&model, instances.clone(), wishes).ok()
    };
    let plans = (SMALLEST_K..=LARGEST_K).find_map(of).expect("the model has circuits");
    let circuit = plans.circuit(Goal::Speed);
    (model, circuit)
}

pub fn hashing_circuits() -> impl Iterator<Item = (Model, ModelCircuit)> {
    use Visibility::{Committed, Hashed, Private, Public};
    let all = [
        ([Hashed, Private], false),
        ([Public, Hashed], false),
        ([Hashed, Hashed], true),
        ([Committed, Hashed], true),
    ];
    all.into_iter().map(|(told, packed)| hashing(told, packed))
}

/// Each has the hash of its own words and blinding, in its own place, and none has another's.
#[test]
fn each_inference_of_a_batch_has_hashes_of_its_own() {
    for (model, circuit) in hashing_circuits() {
        let layout = circuit.layout();
        let input: Vec<i32> =
            (0..38 * INFERENCES as i32).map(|i| (i * 91 + 17) % 256 - 128).collect();
        let blindings: Vec<Fr> = (11..).map(Fr::from).take(circuit.shape().hashes.len()).collect();
        let witness = circuit.witness_with(&model, &input, &blindings, contexts());
        let witness = witness.expect("inputs of the model");
        assert_eq!(witness.instances.len(), layout.len());
        let parts = layout.parts();
        let places = |name: &str| -> Vec<usize> {
            let is_hash = |part: &&InstancePart<'_>| {
                part.role == Role::Input && part.tensor.is_none() && part.name == name
            };
            parts.iter().filter(is_hash).map(|part| part.at.start).collect()
        };
        let mut left = blindings.iter();
        let mut all = Vec::new();
        for (name, len, first) in [("a", 5, 0), ("b", 33, 5 * INFERENCES)] {
            for (inference, at) in places(name).into_iter().enumerate() {
                let own = &input[first + inference * len..][..len];
                let bytes: Vec<u8> = own.iter().map(|&value| (value + 128) as u8).collect();
                let blinding = *left.next().expect("one for each");
                let expected = hash_of_words(len, &pack(&bytes), blinding);
                assert_eq!(witness.instances[at], expected, "{name} of {inference}");
                all.push(at);
            }
        }
        assert!(left.next().is_none() && all.len() % INFERENCES == 0 && !all.is_empty());
        assert_eq!(broken(&circuit, witness.clone()), [""; 0]);
        for other in [all[1], all[all.len() - 1]] {
            let mut swapped = witness.clone();
            swapped.instances.swap(all[0], other);
            assert_breaks(&broken(&circuit, swapped), &["the bytes are those of the instances"]);
        }
    }
}

/// Windows over several images with a border around them, and what is behind them.
fn images(inferences: usize) -> Model {
    let mut builder = Builder::new(4, &[inferences, 1, 4, 4]);
    let padded = ([1, 1], [1, 1], [1, 1]);
    let conv = builder.conv(builder.last(), (2, 1), [3, 3], padded, vec![0.004]);
    let pool = builder.max_pool(conv, [2, 2], [2, 2], [0, 0]);
    let overlapping = builder.max_pool(pool, [2, 1], [1, 1], [0, 0]);
    let flat = builder.reshape(overlapping, &[inferences, 4]);
    builder.gemm(flat, 3, vec![0.003]);
    builder.model()
}

/// Images of a batch lie among each other: each weight has one row for all, whatever is public and in both formats, and each inference is
/// what it is alone.
#[test]
fn images_of_a_batch_share_weights() {
    for inferences in [3, 8, 11] {
        let (model, alone) = (images(inferences), images(1));
        for (private_input, packed, abreast) in [
            (false, false, None),
            (false, true, Some(1)),
            (false, true, Some(4)),
            (true, true, Some(8)),
        ] {
            let of = |model: &Model, inferences: usize| {
                let told = InstanceLayout::of_model(model, private_input).of_batch(inferences);
                let wishes = Wishes { packed, abreast, ..Wishes::default() };
                Plans::for_instances(model, told, wishes).expect("circuits").circuit(Goal::Speed)
            };
            let circuit = of(&model, inferences);
            let weights = |circuit: &ModelCircuit| {
                let layout = &circuit.plan().layout;
                layout
                    .weights
                    .iter()
                    .map(|row| row.lanes.iter().filter(|&&own| own != Weight::Integer(0)).count())
                    .sum::<usize>()
            };
            assert_eq!(weights(&circuit), weights(&of(&alone, 1)));
            let input: Vec<i32> =
                (0..16 * inferences as i32).map(|i| (i * 91 + 17) % 256 - 128).collect();
            let contexts: Vec<Fr> = (5..).map(Fr::from).take(inferences).collect();
            let witness = circuit.witness(&input, contexts).expect("inputs of the model");
            let expected = input.chunks(16).flat_map(|own| {
                let answers = alone.evaluate(&[own.to_vec()]).expect("an input");
                answers.tensor(alone.outputs[0].tensor).to_vec()
            });
            assert!(witness.outputs.iter().copied().eq(expected));
            assert_eq!(broken(&circuit, witness), [""; 0]);
            // It is what is written down of it.
            let restored =
                ModelCircuit::restore(&model, circuit.layout(), circuit.k(), &circuit.shape());
            assert_eq!(restored.expect("the same plan").rows(), circuit.rows());
        }
    }
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
}

/// A sum of two inputs, with claims that have parameters and claims that have none, about all elements and about one.
fn claiming(inferences: usize, told: [Visibility; 2], claims: &[&str]) -> (Model, InstanceLayout) {
    let mut builder = Builder::new(3, &[inferences, 40]);
    let y = builder.input(&[inferences, 40], ElementType::Int8);
    let sum = builder.add(TensorId(0), y, [0.5, 0.25]);
    let layer = builder.gemm(sum, 6, vec![0.002_1]);
    let mut model = builder.model();
    model.inputs = vec![port("a", TensorId(0)), port("b", y)];
    model.outputs = vec![port("sum", sum), port("layer", layer)];
    let mut layout = InstanceLayout::of_model(&model, false).of_batch(inferences);
    layout.inputs.iter_mut().zip(told).for_each(|(input, told)| input.visibility = told);
    let claims = Claims::read(&model, claims, inferences).expect("claims about the model");
    let layout = layout.with_claims(&model, &claims).expect("claims about the model");
    (model, layout)
}

const PUBLIC: [Visibility; 2] = [Visibility::Public; 2];
const CLAIMS: [&str; 6] = [
    "layer=argmax",
    "layer[2]=threshold",
    "layer=range",
    "layer=bucket:3",
    "sum[39]=equal",
    "sum=values",
];

/// What every inference says with the verifier's choices for it is what it says alone, whatever else is in the proof.
#[test]
fn each_inference_of_a_batch_has_inputs_claims_and_bounds_of_its_own() {
    let cases: [([Visibility; 2], &[&str], Goal, bool); 5] = [
        (PUBLIC, &CLAIMS[5..], Goal::Speed, false),
        (PUBLIC, &CLAIMS, Goal::Speed, true),
        ([Visibility::Private; 2], &CLAIMS[1..3], Goal::Gas, true),
        ([Visibility::Private, Visibility::Public], &CLAIMS[1..2], Goal::Gas, false),
        ([Visibility::Public, Visibility::Committed], &CLAIMS[4..], Goal::Speed, true),
    ];
    for (told, claims, goal, packed) in cases {
        let (model, layout) = claiming(INFERENCES, told, claims);
        let (alone, own_layout) = claiming(1, told, claims);
        let wishes = Wishes { goal, packed, ..Wishes::default() };
        let plans = Plans::for_instances(&model, layout.clone(), wishes).expect("circuits");
        let circuit = plans.circuit(goal);
        // Of each inference its inputs and what is chosen for it; of an input those of all inferences.
        let value = |seed: usize| i32::try_from(seed * 37 % 256).expect("a byte") - 128;
        let lengths = own_layout.claims.iter().flat_map(|claim| &claim.parameters);
        let lengths: Vec<usize> = [40, 40].into_iter().chain(lengths.map(|t| t.len())).collect();
        let inputs: Vec<Vec<Vec<i32>>> = (0..INFERENCES)
            .map(|inference| {
                let tensor = |(number, &len): (usize, &usize)| {
                    (0..len).map(|i| value(i + 11 * number + 5 * inference)).collect()
                };
                lengths.iter().enumerate().map(tensor).collect()
            })
            .collect();
        let all = (0..lengths.len()).flat_map(|number| {
            inputs.iter().flat_map(move |inference| inference[number].iter().copied())
        });
        let all: Vec<i32> = all.collect();
        let witness = circuit.witness(&all, contexts()).expect("inputs of the model");
        let words: Vec<[u8; 32]> = witness.instances.iter().map(word).collect();
        assert_eq!(words.len(), layout.len());
        for (inference, inputs) in inputs.iter().enumerate() {
            let evaluation = alone.evaluate(&inputs[..2]).expect("inputs of the model");
            let mut said = own_layout
                .answers(&alone, &evaluation, &inputs[2..])
                .expect("what claims take")
                .into_iter();
            let mut given = own_layout.inputs.iter().zip(inputs);
            let mut chosen = inputs[2..].iter();
            let parts = layout.parts().into_iter();
            for part in parts.filter(|part| part.inference == Some(inference)) {
                let found = part.integers(&words).expect("packed");
                let expected = match part.role {
                    Role::Context => continue,
                    Role::Input => {
                        given.find(|(port, _)| port.is_public()).expect("its input").1.clone()
                    }
                    Role::ClaimParameter => chosen.next().expect("its own").clone(),
                    Role::ClaimResult | Role::Output => said.by_ref().take(found.len()).collect(),
                    other => panic!("{other:?}"),
                };
                assert_eq!(found, expected, "{part:?}");
            }
            assert_eq!(said.next(), None);
        }
        assert_eq!(broken(&circuit, witness.clone()), [""; 0]);
        // Nothing of one inference serves another.
        for role in [Role::Input, Role::ClaimParameter, Role::ClaimResult, Role::Output] {
            let parts = circuit.layout().parts();
            let mut of_role = parts.iter().filter(|part| part.role == role);
            let Some(first) = of_role.next() else { continue };
            let is_same = |part: &&InstancePart<'_>| part.name == first.name;
            let last = of_role.rfind(is_same).expect("the last inference's");
            let mut swapped = witness.clone();
            swapped.instances.swap(first.at.start, last.at.start);
            if swapped.instances != witness.instances {
                let broken = broken(&circuit, swapped);
                assert_breaks(&broken, &["the bytes are those of the instances"]);
            }
        }
    }
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
