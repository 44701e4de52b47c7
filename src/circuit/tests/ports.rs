//! Several inputs and outputs: each has words of its own, in the model's order.

use super::{
    IS_TAKEN, broken, circuit,
    models::{Builder, port},
};
use crate::circuit::{
    CircuitError, Goal, InstanceLayout, ModelCircuit, Plans, Role, Shape, Wishes, Witness,
    compute::Held, tests::assert_breaks, wiring::Kind,
};
use crate::model::{ElementType, Model, TensorId, Visibility};
use halo2_proofs::halo2curves::{bn256::Fr, ff::PrimeField};

const INPUTS: [usize; 2] = [33, 5];
const OUTPUTS: [usize; 4] = [7, 33, 33, 5];

/// Two inputs of different types; outputs are a layer of both, the layer's first operand (which the layer takes
/// as well), the same once more, and an input as it is.
pub fn model() -> Model {
    let mut builder = Builder::new(3, &[1, INPUTS[0]]);
    let x = TensorId(0);
    let y = builder.input(&[1, INPUTS[1]], ElementType::Uint8);
    let table = builder.table(x);
    let wide = builder.gemm(y, OUTPUTS[0], vec![0.002_1]);
    let narrow = builder.gemm(table, OUTPUTS[0], vec![0.001_7]);
    let sum = builder.add(narrow, wide, [0.5, 0.25]);
    let mut model = builder.model();
    let port = |(index, &tensor): (usize, &TensorId)| port(&format!("port{index}"), tensor);
    model.inputs = [x, y].iter().enumerate().map(port).collect();
    model.outputs = [sum, table, table, y].iter().enumerate().map(port).collect();
    model
}

/// Integers of both inputs.
pub fn inputs() -> [Vec<i32>; 2] {
    let bytes = |len: usize, offset: i32| {
        (0..len as i32).map(|i| (i * 91 + 17) % 256 - offset).collect::<Vec<_>>()
    };
    [bytes(INPUTS[0], 128), bytes(INPUTS[1], 0)]
}

/// The same as bytes.
pub fn codes() -> [Vec<u8>; 2] {
    let [x, y] = inputs();
    let byte = |integer: i32| u8::try_from(integer).expect("a byte");
    [x.into_iter().map(|integer| byte(integer + 128)).collect(), y.into_iter().map(byte).collect()]
}

fn reference(model: &Model) -> Vec<i32> {
    let evaluation = model.evaluate(&inputs()).expect("inputs of the model");
    model.outputs.iter().flat_map(|port| evaluation.tensor(port.tensor).to_vec()).collect()
}

fn honest(circuit: &ModelCircuit) -> Witness {
    circuit.witness(&inputs().concat(), Fr::from(5)).expect("inputs of the model")
}

fn words(lengths: &[usize]) -> usize {
    lengths.iter().map(|len| len.div_ceil(31)).sum()
}

#[test]
fn outputs_are_the_reference_and_have_words_of_their_own() {
    let model = model();
    let reference = reference(&model);
    for (goal, private_input) in [(Goal::Speed, false), (Goal::Speed, true), (Goal::Gas, false)] {
        let wishes = Wishes { goal, private_input, ..Wishes::default() };
        let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
        let shown = if private_input { 0 } else { words(&INPUTS) };
        assert_eq!(circuit.instances(), 1 + shown + words(&OUTPUTS));
        let witness = honest(&circuit);
        assert_eq!(witness.outputs, reference);
        let instances: Vec<[u8; 32]> = (witness.instances.iter())
            .map(|word| {
                let mut bytes = word.to_repr();
                bytes.reverse();
                bytes
            })
            .collect();
        let layout = InstanceLayout::of_model(&model, private_input);
        assert_eq!(layout.outputs(&instances).unwrap(), reference);
        for (part, input) in layout.parts().iter().filter(|p| p.role == Role::Input).zip(inputs()) {
            assert_eq!(part.integers(&instances).unwrap(), input);
        }
        if !private_input {
            // The second input begins a word: its first byte weighs least there.
            let second = instances[1 + words(&INPUTS[..1])];
            assert_eq!(i32::from(second[31]), inputs()[1][0]);
        }
        assert_eq!(broken(&circuit, witness), [""; 0]);
    }
}

/// Refuses another first and another last word than the bytes'.
fn assert_words_are_bytes(circuit: &ModelCircuit, witness: &Witness) {
    assert_eq!(broken(circuit, witness.clone()), [""; 0]);
    for word in [circuit.layout().free(), circuit.instances() - 1] {
        let mut other = witness.clone();
        other.instances[word] += Fr::one();
        assert_breaks(&broken(circuit, other), &["the bytes are those of the instances"]);
    }
}

#[test]
fn each_input_is_public_or_private() {
    let model = model();
    for private in 0..INPUTS.len() {
        let mut told = InstanceLayout::of_model(&model, false);
        told.inputs[private].visibility = Visibility::Private;
        let plans = Plans::for_instances(&model, told.clone(), Wishes::default());
        let plans = plans.expect("the model has circuits");
        for goal in [Goal::Speed, Goal::Gas] {
            let circuit = plans.circuit(goal);
            let shown = INPUTS[1 - private].div_ceil(31);
            assert_eq!(circuit.instances(), 1 + shown + words(&OUTPUTS));
            let witness = honest(&circuit);
            assert_eq!(witness.outputs, reference(&model));
            assert_words_are_bytes(&circuit, &witness);
        }
    }
}

#[test]
fn names_stand_before_the_words_and_no_row_takes_them() {
    let model = model();
    let mut told = InstanceLayout::of_model(&model, false);
    told.inputs[1].visibility = Visibility::Committed;
    let wishes = Wishes { packed: true, ..Wishes::default() };
    let plans = Plans::of_any(&model, told.clone(), wishes);
    let plans = plans.expect("the model has circuits");
    for goal in [Goal::Speed, Goal::Gas] {
        let circuit = plans.circuit(goal);
        assert_eq!((circuit.instances(), circuit.layout().free()), (told.len(), 2));
        assert_eq!(circuit.shape().links()[0].name, 1);
        let mut witness = honest(&circuit);
        witness.instances[1] = -Fr::one();
        assert_words_are_bytes(&circuit, &witness);
    }
}

/// What is described and not built is refused by name: a name without a link would say nothing.
#[test]
fn instances_that_no_circuit_proves_are_refused() {
    let model = model();
    let refused = |change: fn(&mut InstanceLayout)| {
        let mut told = InstanceLayout::of_model(&model, false);
        change(&mut told);
        match Plans::for_instances(&model, told, Wishes::default()) {
            Err(CircuitError::Instances { what }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert!(refused(|told| told.inferences = 2).starts_with("they are not of the inputs"));
    let output = refused(|told| told.outputs[2].visibility = Visibility::Hashed);
    assert!(output.starts_with("output `port2` is hashed"), "{output}");
    let changes: [fn(&mut InstanceLayout); 4] = [
        |told| told.inputs.swap(0, 1),
        |told| _ = told.outputs.pop(),
        |told| told.inputs[0].tensor.name = "x".into(),
        |told| told.outputs[3].tensor.shape.push(1),
    ];
    for change in changes {
        assert!(refused(change).starts_with("they are not of the inputs and outputs of"));
    }
}

#[test]
fn inputs_are_committed_in_both_formats_and_a_few_of_them() {
    let model = model();
    let mut told = InstanceLayout::of_model(&model, false);
    told.inputs[1].visibility = Visibility::Committed;
    for (packed, goal) in [(true, Goal::Speed), (false, Goal::Speed), (false, Goal::Gas)] {
        let wishes = Wishes { packed, ..Wishes::default() };
        let plans = Plans::for_instances(&model, told.clone(), wishes).expect("a circuit");
        let circuit = plans.circuit(goal);
        let (k, shape) = (circuit.k(), circuit.shape());
        assert!(told.fits(&shape) && shape.is_possible(k) && shape.fold == 1);
        ModelCircuit::restore(&model, &told, k, &shape).expect("the same plan");
        // Neither a shape without links nor one that is linked otherwise, nor one whose columns share the backend's.
        for other in [
            Shape { links: vec![], ..shape.clone() },
            Shape { links: vec![2], ..shape.clone() },
            Shape { links: vec![1, 1], ..shape.clone() },
            Shape { fold: 2, ..shape.clone() },
        ] {
            assert!(!other.is_possible(k) || !told.fits(&other), "{other:?}");
            assert!(ModelCircuit::restore(&model, &told, k, &other).is_err(), "{other:?}");
        }
        let too_far = Shape { links: vec![1 << k], ..shape.clone() };
        assert!(!too_far.is_possible(k));
    }
    let mut model = Builder::new(3, &[1, 2]).model();
    model.inputs = (0..5).map(|number| port(&format!("x{number}"), TensorId(0))).collect();
    let mut told = InstanceLayout::of_model(&model, false);
    told.inputs.iter_mut().for_each(|input| input.visibility = Visibility::Committed);
    let refused = told.check_model(&model).expect_err("five are too many").to_string();
    assert!(refused.contains("5 committed inputs and outputs, more than the 4"), "{refused}");
    told.inputs[0].visibility = Visibility::Public;
    told.check_model(&model).expect("four are not");
}

#[test]
fn any_output_off_by_one_is_refused() {
    let model = model();
    let circuit = circuit(&model);
    let net = &circuit.compiled.net;
    let honest = honest(&circuit);
    for port in &net.outputs {
        for element in [0, port.len - 1] {
            let cells = &net.blocks[port.block].cells;
            let number = cells.iter().position(|cell| cell.element == Some(element as u32));
            let number = number.expect("every element has a cell");
            assert!(
                matches!(cells[number].kind, Kind::Read { .. }),
                "outputs of several are copies"
            );
            let tamper = |block: usize, cell: usize, held: &mut Held| {
                if (block, cell) == (port.block, number) {
                    held.division.limbs[0] ^= 1;
                }
            };
            let (inputs, plan) = (inputs().concat(), circuit.plan());
            let witness = Witness::tampered(net, plan, &inputs, Fr::from(5), &tamper);
            let witness = witness.expect("inputs of the model");
            let differing = witness.outputs.iter().zip(&honest.outputs).filter(|(a, b)| a != b);
            assert_eq!(differing.count(), 1);
            assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
        }
    }
}

#[test]
fn words_are_those_of_their_ports() {
    let model = model();
    let circuit = circuit(&model);
    let refused = ["the bytes are those of the instances"];
    for word in 2..circuit.instances() {
        let mut witness = honest(&circuit);
        witness.instances.swap(word - 1, word);
        assert_breaks(&broken(&circuit, witness), &refused);
    }
}
