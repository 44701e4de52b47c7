//! Committed weights: circuits that depend on nothing of them, and provers who take others than they committed to, or such
//! as no model has.

use super::{
    IS_AN_ENTRY, IS_TAKEN, assert_breaks, broken, limbs, mixed, models,
    models::{Builder, slopes},
};
use crate::circuit::{
    CircuitError, Compiled, Given, Goal, InstanceLayout, ModelCircuit, Plans, Wishes, Witness,
    field::field,
    layout::rows::Content,
    shape::{LARGEST_K, SMALLEST_K, Shape, WIDEST},
    weights::{self, COMMITTED_RANGE, weighs},
};
use crate::model::{Model, TensorId, Visibility};
use halo2_proofs::halo2curves::bn256::Fr;

/// What keeps limbs and weights that share a look-up from making up for each other.
const ARE_APART: &str = "a row has no weight beside a limb";

const PLAIN: ([usize; 2], [usize; 2], [usize; 2]) = ([1, 1], [1, 1], [0, 0]);

pub fn plans(model: &Model) -> Result<Plans, CircuitError> {
    let instances =
        InstanceLayout { names_weights: true, ..InstanceLayout::of_model(model, false) };
    let of = |k| {
        let wishes = Wishes { packed: true, k: Some(k), ..Wishes::default() };
        Plans::for_instances(&model.without_weights(), instances.clone(), wishes)
    };
    let mut last = of(SMALLEST_K);
    for k in SMALLEST_K + 1..=LARGEST_K {
        if !matches!(last, Err(CircuitError::TooManyRows { .. } | CircuitError::LongTable(_))) {
            break;
        }
        last = of(k);
    }
    last
}

pub fn circuit(model: &Model) -> ModelCircuit {
    plans(model).expect("the model has a circuit").circuit(Goal::default())
}

fn witness(circuit: &ModelCircuit, model: &Model) -> Witness {
    circuit.witness_of(model, &mixed(model), Fr::from(5)).expect("weights and input of the model")
}

/// With weights of one's own, whatever they are.
fn with(circuit: &ModelCircuit, model: &Model, change: impl Fn(&mut [i32])) -> Witness {
    let mut own = weights::of_model(model).expect("they can be committed");
    change(&mut own);
    let Compiled { net, plan, .. } = &*circuit.compiled;
    let (input, weights) = (&mixed(model)[..], &own[..]);
    let given = Given { input, weights, ..Given::default() };
    let witness = Witness::new(net, plan, given, Fr::from(5));
    witness.expect("an input of the model")
}

/// Another training of the same architecture.
pub fn retrained(model: &Model, seed: i32) -> Model {
    let own = model.weights().into_iter().zip(0..);
    let other = own.map(|(weight, at)| match (at * seed + weight) % 5 {
        0 => 0,
        _ => (weight + at * seed).rem_euclid(255) - 127,
    });
    model.with_weights(&other.collect::<Vec<i32>>()).expect("as many")
}

/// A convolution, a dense layer of several rows, and one of one, with a sum and a pool between them.
pub fn several() -> Model {
    let mut builder = Builder::new(3, &[1, 2, 5, 6]);
    let conv = builder.conv(TensorId(0), (3, 1), [2, 3], ([2, 1], [1, 1], [0, 0]), vec![0.001_3]);
    let rows = builder.reshape(conv, &[6, 4]);
    let dense = builder.gemm(rows, 4, vec![0.002]);
    let sum = builder.add(rows, dense, [0.713_2, 0.391_7]);
    let flat = builder.reshape(sum, &[1, 24]);
    builder.gemm(flat, 5, vec![0.002_1]);
    builder.model()
}

#[test]
fn honest_rows_hold_whatever_the_weights_are() {
    let mut proved = 0;
    for (name, model) in models::all().into_iter().chain([("several", several())]) {
        let circuit = match plans(&model) {
            Ok(plans) => plans.circuit(Goal::default()),
            Err(CircuitError::CommittedWeights { .. } | CircuitError::Instances { .. }) => continue,
            Err(error) => panic!("{name}: {error}"),
        };
        proved += 1;
        for seed in [0, 29] {
            let model = if seed == 0 { model.clone() } else { retrained(&model, seed) };
            let witness = witness(&circuit, &model);
            let reference = model.evaluate(&[mixed(&model)]).expect("an input of the model");
            let reference = model.outputs.iter().flat_map(|port| reference.tensor(port.tensor));
            assert!(witness.agrees_with(reference.copied()).is_ok(), "{name} {seed}");
            assert_eq!(broken(&circuit, witness), [""; 0], "{name} {seed}");
        }
    }
    assert!(proved > 4, "{proved}");
}

/// The weights' name comes before those of inputs, and neither is taken by a row.
#[test]
fn weights_are_committed_beside_an_input() {
    let model = several();
    let mut instances =
        InstanceLayout { names_weights: true, ..InstanceLayout::of_model(&model, false) };
    instances.inputs[0].visibility = Visibility::Committed;
    let wishes = Wishes { packed: true, ..Wishes::default() };
    let circuit = Plans::for_instances(&model, instances, wishes).unwrap().circuit(Goal::Speed);
    let shape = circuit.shape();
    assert_eq!((shape.free_instances, shape.links()[0].name), (3, 2));
    assert_eq!(shape.named_columns().map(|(_, name)| name), Some(1));
    let mut witness = witness(&circuit, &model);
    (witness.instances[1], witness.instances[2]) = (Fr::from(77), -Fr::one());
    assert_eq!(broken(&circuit, witness), [""; 0]);
    for (name, changed) in [
        ("wider than what is behind places", Shape { weight_lanes: 40, ..shape.clone() }),
        ("without a place", Shape { weight_lanes: 13, ..shape.clone() }),
        ("without a name", Shape { free_instances: 2, ..shape.clone() }),
        ("with rows of instances", Shape { sums_words: false, ..shape.clone() }),
        ("with more lanes than any row", Shape { lanes: WIDEST + 1, ..shape.clone() }),
        ("without a lane for each flag", Shape { lanes: shape.least_lanes() - 1, ..shape.clone() }),
    ] {
        assert!(!changed.is_possible(circuit.k()), "{name}");
    }
}

/// Neither layout nor anything fixed tells weights: those of 0 keep their places.
#[test]
fn circuits_are_the_same_whatever_the_weights_are() {
    let model = several();
    let told = |model: &Model| {
        let instances =
            InstanceLayout { names_weights: true, ..InstanceLayout::of_model(model, false) };
        let wishes = Wishes { packed: true, ..Wishes::default() };
        let circuit = Plans::for_instances(model, instances, wishes).unwrap().circuit(Goal::Speed);
        let fixed = circuit.fixed_columns().into_iter().map(|(column, values)| {
            (column, (0..values.len()).map(|row| values.at(row)).collect::<Vec<_>>())
        });
        (circuit.k(), circuit.shape(), circuit.rows(), fixed.collect::<Vec<_>>())
    };
    let first = told(&model);
    for other in [retrained(&model, 7), model.without_weights()] {
        assert!(told(&other) == first);
    }
    let (columns, _) = first.1.named_columns().expect("they are committed");
    assert!(first.3.iter().all(|(column, _)| !columns.contains(column)));
}

/// The row and lane of a committed weight.
fn place(circuit: &ModelCircuit, wanted: u32) -> (usize, usize) {
    use crate::circuit::wiring::Weight;
    let plan = circuit.plan();
    let found = plan.layout.rows.iter().enumerate().find_map(|(at, row)| {
        let Content::Weights(number) = row.content else { return None };
        let lanes = &plan.layout.weights[number as usize].lanes;
        let is_it = |weight: &Weight| {
            matches!(*weight, Weight::Committed { number, .. } if number == wanted)
        };
        Some((at, lanes.iter().position(is_it)?))
    });
    found.expect("it has a place")
}

/// Puts another weight in a lane of a row that looks it up, and counts it, as a prover who wants the look-ups to hold would.
fn reweigh(witness: &mut Witness, lane: usize, at: usize, value: Fr) {
    let weights = witness.weights.as_mut().expect("they are committed");
    let row_of = |value: Fr| {
        let found = COMMITTED_RANGE.into_iter().position(|weight| field(weight.into()) == value);
        found.map(|index| index + 1)
    };
    if let Some(row) = row_of(weights.lanes[lane].at(at)) {
        weights.uses.add(row, -Fr::one());
    }
    if let Some(row) = row_of(value) {
        weights.uses.add(row, Fr::one());
    }
    weights.lanes[lane].set_element(at, value);
}

/// All else is as with the model's: what is made is not what other weights give.
#[test]
fn another_weight_or_bias_than_the_one_that_was_computed_with_is_refused() {
    let model = several();
    let circuit = circuit(&model);
    let all = weights::of_model(&model).unwrap();
    // Of the convolution: the first weight, the last, a digit of each of its biases' places; the last digit of all.
    for number in [0, 35, 36, 40, 44, all.len() - 1] {
        let mut witness = witness(&circuit, &model);
        let (at, lane) = place(&circuit, u32::try_from(number).unwrap());
        let other = if all[number] == 127 { 126 } else { all[number] + 1 };
        reweigh(&mut witness, lane, at, field(other.into()));
        assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
    }
}

#[test]
fn a_weight_that_no_8_bits_hold_is_refused() {
    let model = several();
    let circuit = circuit(&model);
    for out_of_range in [128, -129] {
        // Computed with honestly.
        let witness = with(&circuit, &model, |weights| weights[7] = out_of_range);
        assert_breaks(&broken(&circuit, witness), &[IS_AN_ENTRY]);
    }
    let digit = with(&circuit, &model, |weights| weights[37] = 200);
    assert_breaks(&broken(&circuit, digit), &[IS_AN_ENTRY]);
    // A field element that is no integer, on a row of weights and on one of limbs that are 0.
    let (at, lane) = place(&circuit, 7);
    let half = Fr::from(2).invert().unwrap();
    let behind = circuit.plan().rows();
    for (at, breaks) in [(at, &[IS_AN_ENTRY, IS_TAKEN][..]), (behind, &[IS_AN_ENTRY])] {
        let mut witness = witness(&circuit, &model);
        reweigh(&mut witness, lane, at, half);
        assert_breaks(&broken(&circuit, witness), breaks);
    }
}

/// A weight is looked up with the limb beside it added, and a limb with the weight beside it: neither may take off what the other
/// is too much.
#[test]
fn limbs_and_weights_that_make_up_for_each_other_are_refused() {
    let model = several();
    let circuit = circuit(&model);
    let (plan, base) = (circuit.plan(), field(circuit.plan().shape.base()));
    let shared = plan.shape.lanes_beside_limbs();
    assert!(shared > 2 && plan.shape.limb_columns() >= shared.min(3));
    for number in [0, 7, 37] {
        let (at, lane) = place(&circuit, number);
        assert!(lane < shared, "{number} has a limb beside it");
        let (value, limb) = (lane / plan.shape.limb_columns(), lane % plan.shape.limb_columns());
        // Computed with honestly, and 127 once it is looked up.
        let mut witness = with(&circuit, &model, |weights| weights[number as usize] = 128);
        limbs(&mut witness, value, limb).set_element(at, -Fr::one());
        let last = COMMITTED_RANGE.count();
        witness.weights.as_mut().expect("they are committed").uses.add(last, Fr::one());
        assert_breaks(&broken(&circuit, witness), &[ARE_APART]);
    }
    // N more in one limb of a made byte, one less in the next: the same remainder, of limbs that are looked up as before.
    let at = (1..plan.rows()).find(|&at| circuit.compiled.fixed.rows[at].makes());
    let at = at.expect("some row makes a byte");
    let mut witness = witness(&circuit, &model);
    for (limb, more) in [(0, base), (1, -Fr::one())] {
        limbs(&mut witness, 0, limb).add(at, more);
        witness.weights.as_mut().expect("they are committed").lanes[limb].set_element(at, -more);
    }
    assert_breaks(&broken(&circuit, witness), &[ARE_APART]);
}

/// Lanes behind a layer's outputs weigh for places that nothing makes, and lanes of other rows for none.
#[test]
fn lanes_of_no_weight_add_nothing() {
    let model = several();
    let circuit = circuit(&model);
    let plan = circuit.plan();
    let (at, first) = place(&circuit, 0);
    let Content::Weights(number) = plan.layout.rows[at].content else { panic!("a row of weights") };
    let lanes = plan.layout.weights[number as usize].lanes.len();
    assert!(first < lanes && lanes < plan.shape.weight_lanes);
    for lane in [lanes, plan.shape.weight_lanes - 1] {
        let mut witness = witness(&circuit, &model);
        reweigh(&mut witness, lane, at, Fr::one());
        assert_breaks(&broken(&circuit, witness), &[IS_TAKEN]);
    }
    let is_known = |row: &usize| match plan.layout.rows[*row].content {
        Content::Weights(number) => plan.layout.weights[number as usize].digit.is_none(),
        _ => false,
    };
    let known: Vec<usize> = (1..plan.rows()).filter(is_known).collect();
    for at in [known[0], known[known.len() - 1]] {
        let mut witness = witness(&circuit, &model);
        reweigh(&mut witness, 0, at, Fr::one());
        assert_eq!(broken(&circuit, witness), [""; 0], "row {at}");
    }
    // On rows that do not weigh it is looked up as the limb beside it, and there is none beside a limb.
    let honest = witness(&circuit, &model);
    let others = (1..plan.rows()).filter(|&at| !weighs(plan, at));
    let (without, with): (Vec<usize>, Vec<usize>) =
        others.partition(|&at| honest.limbs[0].at(at) == Fr::zero());
    for (rows, breaks) in [(without, &[][..]), (with, &[ARE_APART])] {
        for at in [rows[0], rows[rows.len() - 1]] {
            let mut witness = witness(&circuit, &model);
            let limb = witness.limbs[0].at(at);
            let index = (0..plan.shape.table_rows as u64).find(|&index| Fr::from(index) == limb);
            let index = index.expect("a limb") as usize;
            witness.limb_uses.add(index + 1, -Fr::one());
            witness.limb_uses.add(index + 2, Fr::one());
            let weights = witness.weights.as_mut().expect("they are committed");
            weights.lanes[0].set_element(at, Fr::one());
            assert_breaks(&broken(&circuit, witness), breaks);
        }
    }
}

#[test]
fn layers_whose_weights_cannot_be_committed_are_refused_by_name() {
    let refused = |build: &dyn Fn(&mut Builder, TensorId)| {
        let mut builder = Builder::new(3, &[1, 4, 5, 5]);
        build(&mut builder, TensorId(0));
        let model = builder.model();
        match plans(&model) {
            Err(error) => error.to_string(),
            Ok(_) => weights::of_model(&model).expect_err("they are too large").to_string(),
        }
    };
    type Build<'a> = &'a dyn Fn(&mut Builder, TensorId);
    let cases: [(Build<'_>, &str); 5] = [
        (
            &|b, x| {
                b.conv(x, (4, 2), [3, 3], PLAIN, slopes(4));
            },
            "those of groups",
        ),
        (
            &|b, x| {
                b.conv(x, (2, 1), [3, 3], ([1, 1], [1, 1], [1, 1]), slopes(2));
            },
            "see a border",
        ),
        (
            &|b, x| {
                b.conv_transpose(x, 2);
            },
            "spread over positions",
        ),
        (
            &|b, x| {
                b.table(x);
            },
            "no layer has any",
        ),
        (
            &|b, x| {
                let flat = b.reshape(x, &[4, 25]);
                b.gemm(flat, 2, vec![0.002]);
                b.set_weights(&[128; 52]);
            },
            "are not from -128 to 127",
        ),
    ];
    for (build, why) in cases {
        let error = refused(build);
        assert!(error.contains(why), "{why}: {error}");
    }
    let mut builder = Builder::new(3, &[1, 4]);
    builder.gemm(TensorId(0), 1, vec![0.002]);
    builder.set_weights(&[1, 2, 3, 4, 9_000_000]);
    let error = weights::of_model(&builder.model()).unwrap_err().to_string();
    assert!(error.contains("biases beyond 24 bits"), "{error}");
    // Halo2's verifiers are brought no commitments.
    let model = several();
    let instances =
        InstanceLayout { names_weights: true, ..InstanceLayout::of_model(&model, false) };
    let refused = Plans::for_instances(&model, instances, Wishes::default());
    assert!(matches!(refused, Err(CircuitError::UnlinkedWeights)));
}

#[test]
fn biases_have_three_digits_and_hold_the_zero_point() {
    let mut builder = Builder::new(3, &[1, 2]);
    builder.gemm(TensorId(0), 2, vec![0.002]);
    builder.set_weights(&[1, -2, 100, 100, 70_000, -5]);
    let digits = weights::of_model(&builder.model()).unwrap();
    assert_eq!(digits[..4], [1, -2, 100, 100]);
    let bias = |output: usize| (0..3).map(|d| digits[4 + 2 * d + output] << (8 * d)).sum::<i32>();
    // The byte of 0 is 121.
    assert_eq!([bias(0), bias(1)], [70_000 + 121, -5 - 121 * 200]);
    assert!(digits.iter().all(|digit| COMMITTED_RANGE.contains(digit)));
}
