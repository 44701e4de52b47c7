//! What is certified.

use super::{Case, number, wishes};
use crate::certify::{CertifyError, Report, certify};
use crate::circuit::tests::{
    abreast, average, batch, claims, limbs, models, ports,
    random::{self, Random},
    summed, vectors,
};
use crate::circuit::{Goal, InstanceLayout, ModelCircuit, Plans, Wishes};
use crate::model::{Model, Operator, Visibility};
use crate::proving::{Keys, ModelVerifier, Powers, Srs, Verifier, Widths, links};
use std::fmt::Debug;
use std::sync::Arc;
use zkverdict_prover::packed::Link;

/// Certifies all circuits of models, and counts what was found on the way.
fn certified<N: Debug>(models: impl IntoIterator<Item = (N, Model)>) -> Vec<Report> {
    let (mut reports, mut failures) = (Vec::new(), Vec::new());
    for (name, model) in models {
        for case in wishes().into_iter().filter_map(|wishes| Case::new(&model, wishes)) {
            match case.check(&model) {
                Ok(report) => reports.push(report),
                Err(why) => failures.push(format!("{name:?}: {why}")),
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    reports
}

#[test]
fn every_operator_is_certified() {
    assert!(!certified(models::all()).is_empty());
}

/// Of a batch inference by inference.
#[test]
fn batches_are_certified() {
    for model in [1, 2].map(|outputs| batch::model(3, outputs)) {
        for wishes in wishes() {
            let case = Case::of(&model, batch::circuit(&model, wishes));
            case.check(&model).unwrap();
        }
    }
    // One of two outputs is not told.
    let model = batch::model(3, 2);
    let mut told = InstanceLayout::of_model(&model, false).of_batch(3);
    let words = told.len();
    told.outputs[1].visibility = Visibility::Private;
    assert_eq!((words, told.len()), (3 * (1 + 2 + 1 + 2), 3 * (1 + 2 + 1)));
    let plans = Plans::for_instances(&model, told, Wishes::default()).expect("plans");
    Case::of(&model, plans.circuit(Goal::Speed)).check(&model).unwrap();
}

/// Rows of every kind that can have several values.
#[test]
fn values_abreast_are_certified() {
    for (number, (model, circuit)) in abreast::circuits().into_iter().enumerate() {
        Case::of(&model, circuit).check(&model).unwrap_or_else(|why| panic!("{number}: {why}"));
    }
}

#[test]
fn operators_on_vectors_are_certified() {
    let reports = certified([
        ("softmax 2x5", vectors::softmax_of((2, 5, 0.05), 255)),
        ("softmax 1x70", vectors::softmax_of((1, 70, 0.002), 254)),
        ("normalization 2x6", vectors::normalization(2, 6, 40)),
        ("normalization 1x70", vectors::normalization(1, 70, 3)),
        ("argmax", vectors::arg_max([2, 6, 1], false)),
        ("argmax last", vectors::arg_max([1, 256, 2], true)),
    ]);
    assert!(!reports.is_empty());
}

#[test]
fn means_of_rounded_sums_are_certified() {
    let models = average::cases().into_iter().map(|pool| (format!("{pool:?}"), pool.model()));
    let sums: usize = certified(models).iter().map(|report| report.float_sums).sum();
    assert!(sums > 0, "no pool rounds its sums");
}

/// What is claimed is certified as outputs are, and no other claim is.
#[test]
fn claims_are_certified() {
    let model = claims::model();
    let kinds: Vec<&str> = claims::kinds().into_iter().map(|(claim, _)| claim).collect();
    for (number, claim) in kinds.iter().enumerate() {
        let wishes = wishes()[number % 4];
        let told = |claim: &str| claims::layout(&model, &[claim], wishes.private_input);
        let plans = Plans::for_instances(&model, told(claim), wishes).expect("plans");
        let mut case = Case::of(&model, plans.circuit(wishes.goal));
        case.check(&model).unwrap_or_else(|why| panic!("{claim}: {why}"));
        for other in ["y[2]=threshold", "y[3]=threshold", "y[2]=equal", "y=argmax"] {
            if other != *claim {
                case.layout = told(other);
                assert!(case.check(&model).is_err(), "{claim} is no {other}");
            }
        }
    }
}

/// The certificate is about the instances that the circuit says it has, and holds for no others.
#[test]
fn inputs_are_public_one_by_one() {
    let model = ports::model();
    for private in [0, 1] {
        let told = |private: usize| {
            let mut told = InstanceLayout::of_model(&model, false);
            told.inputs[private].visibility = Visibility::Private;
            told
        };
        let plans = Plans::for_instances(&model, told(private), Wishes::default()).expect("plans");
        for goal in [Goal::Speed, Goal::Gas] {
            let mut case = Case::of(&model, plans.circuit(goal));
            case.check(&model).unwrap_or_else(|why| panic!("{private}, {goal:?}: {why}"));
            for others in [told(1 - private), InstanceLayout::of_model(&model, false)] {
                case.layout = others;
                let refused = case.check(&model);
                assert!(matches!(refused, Err(CertifyError::Packing { .. })), "{refused:?}");
            }
        }
    }
}

/// Each set of committed inputs, and no other set of the same circuit.
#[test]
fn committed_inputs_are_certified() {
    use Visibility::{Committed, Private, Public};
    let model = ports::model();
    let all = [
        [Committed, Public],
        [Public, Committed],
        [Committed, Committed],
        [Private, Committed],
        [Committed, Private],
    ];
    for told in all {
        let mut case = Case::told(&model, &told);
        case.check(&model).unwrap_or_else(|why| panic!("{told:?}: {why}"));
        let others = all.into_iter().chain([[Public, Public]]).filter(|other| *other != told);
        for others in others {
            for (input, other) in case.layout.inputs.iter_mut().zip(others) {
                input.visibility = other;
            }
            let refused = case.check(&model);
            assert!(
                matches!(refused, Err(CertifyError::Packing { .. } | CertifyError::Row { .. })),
                "{told:?} as {others:?}: {refused:?}"
            );
        }
    }
}

/// In halo2's format, whose verifiers have to look for links beside what halo2's do.
#[test]
fn keys_of_halo2s_format_are_certified_with_their_links_alone() {
    let (model, told) = (ports::model(), [Visibility::Public, Visibility::Committed]);
    let circuit = summed::told_in(&model, &told, false);
    let srs = Srs::unsafe_dev(circuit.k());
    let keys = Verifier::generate(&srs, &circuit, circuit.instances()).expect("keys");
    let certified = |links: Vec<Link>| {
        certify(&model, &circuit, &Keys::Halo2(keys.clone().with_links(links))).map(drop)
    };
    let own = links(&circuit.shape());
    certified(own.clone()).expect("it is the model's");
    let [link] = own[..] else { panic!("one input is committed") };
    let others = [
        vec![],
        vec![Link { column: link.column + 1, ..link }],
        vec![Link { class: link.class + 1, ..link }],
        vec![Link { number: link.number + 1, ..link }],
        vec![link, link],
    ];
    for other in others {
        let refused = certified(other);
        assert!(matches!(refused, Err(CertifyError::System { .. })), "{refused:?}");
    }
}

/// The whole way: a key, its commitments, its model's file.
#[test]
fn keys_of_fixtures_are_certified() {
    for (name, goal) in [
        ("credit_logreg", Goal::Speed),
        ("diagnosis_mlp", Goal::Gas),
        ("digits_mlp", Goal::Speed),
        ("digits_cnn", Goal::Speed),
        ("tiny_transformer_gelu", Goal::Speed),
    ] {
        let path =
            format!("{}/test/fixtures/models/{name}/int8_qdq.onnx", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("a fixture");
        let model = Model::from_onnx(name, &bytes).expect("a fixture is a model");
        let circuit = ModelCircuit::new(&model, Wishes { goal, ..Wishes::default() })
            .expect("a fixture has a circuit");
        let srs = Srs::unsafe_dev(circuit.k());
        let keys = Verifier::generate(&srs, &circuit, circuit.instances()).expect("keys");
        let keys = Keys::Halo2(keys);
        let report = certify(&model, &circuit, &keys).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(report.widest_bits < 250, "{name}");
    }
}

/// Every file of every fixture model, wide, folded and with values abreast.
#[test]
#[ignore = "takes minutes: `script/certify.sh` runs it"]
fn all_fixtures_are_certified() {
    let folder = format!("{}/test/fixtures/models", env!("CARGO_MANIFEST_DIR"));
    let folders =
        std::fs::read_dir(folder).expect("fixtures").map(|entry| entry.expect("a folder"));
    let (mut checked, mut failures) = (0, Vec::new());
    for file in folders.flat_map(|entry| std::fs::read_dir(entry.path()).expect("a folder")) {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "onnx") {
            continue;
        }
        let bytes = std::fs::read(&path).expect("a fixture");
        let model = Model::from_onnx("fixture", &bytes).expect("a fixture is a model");
        let [wide, folded, .., abreast] = wishes();
        for wishes in [wide, folded, abreast] {
            let case = Case::new(&model, wishes).expect("a fixture has a circuit");
            match case.check(&model) {
                Ok(report) => eprintln!("{}: {report:?}", path.display()),
                Err(why) => failures.push(format!("{}: {why}", path.display())),
            }
            checked += 1;
        }
    }
    assert!(failures.is_empty() && checked > 0, "{failures:#?} of {checked}");
}

/// A model with other weights.
fn other_weights(model: &Model) -> Model {
    let mut other = model.clone();
    for node in &mut other.graph.nodes {
        if let Operator::Conv(conv) = &mut node.operator {
            conv.weights[0] ^= 1;
        }
    }
    other
}

/// Whose circuit has the same packs, and commits to others.
#[test]
fn packed_keys_are_certified_with_their_string() {
    let (_, model) = models::all().swap_remove(0);
    let wishes = Wishes { packed: true, ..Wishes::default() };
    let circuit = ModelCircuit::new(&model, wishes).expect("the model has a circuit");
    let other = other_weights(&model);
    let others = ModelCircuit::restore(&other, circuit.layout(), circuit.k(), &circuit.shape())
        .expect("same shape");
    let widths = Widths::all(&circuit.constraint_system(), 9);
    let powers = Powers::unsafe_dev(9 << circuit.k());
    let key = |model: &Model, circuit: &ModelCircuit| {
        let model = Arc::new(model.clone());
        ModelVerifier::generate_packed(model, circuit, &powers, &widths).expect("a key")
    };
    let keys = key(&model, &circuit);
    let report = certify(&model, &circuit, keys.keys());
    assert!(report.is_ok(), "{report:?}");
    let refused = certify(&model, &circuit, key(&other, &others).keys());
    assert!(matches!(refused, Err(CertifyError::Pack { .. })), "{refused:?}");
    let refused = certify(&other, &circuit, keys.keys());
    assert!(matches!(refused, Err(CertifyError::Output { .. })), "{refused:?}");
    // From its bytes alone, without the string that the commitments are made with.
    let (bytes, origin) = (keys.keys().to_bytes(), powers.origin);
    let (model, shape, k) = (Arc::new(model.clone()), circuit.shape(), circuit.k());
    let layout = circuit.layout().clone();
    let bare = ModelVerifier::from_packed_bytes(model, layout, shape, k, origin, &bytes);
    let bare = bare.expect("a key");
    let refused = certify(bare.model(), &circuit, bare.keys());
    assert!(matches!(refused, Err(CertifyError::String)), "{refused:?}");
    let other = Powers { g2: [powers.g2[0]; 2], ..powers };
    assert!(bare.with_powers(other).is_err());
}

/// A key of other weights is not a model's.
#[test]
fn key_of_another_model_is_refused() {
    let mut all = models::all();
    let (_, model) = all.swap_remove(0);
    let circuit = ModelCircuit::new(&model, Wishes::default()).expect("the model has a circuit");
    let srs = Srs::unsafe_dev(circuit.k());
    let other = other_weights(&model);
    let others = ModelCircuit::restore(&other, circuit.layout(), circuit.k(), &circuit.shape())
        .expect("same shape");
    let keys = Verifier::generate(&srs, &circuit, circuit.instances()).expect("keys");
    let keys = Keys::Halo2(keys);
    assert!(certify(&model, &circuit, &keys).is_ok());
    let refused = certify(&other, &others, &keys);
    assert!(matches!(refused, Err(CertifyError::Key { .. })), "{refused:?}");
    // The key's own circuit, claimed to be of the other model.
    let refused = certify(&other, &circuit, &keys);
    assert!(matches!(refused, Err(CertifyError::Output { .. })), "{refused:?}");
}

/// With its input hashed.
fn hashed(model: &Model, wishes: Wishes) -> Option<Case> {
    let mut layout = InstanceLayout::of_model(model, false);
    layout.inputs.iter_mut().for_each(|input| input.visibility = Visibility::Hashed);
    let plans = Plans::for_instances(model, layout, wishes).ok()?;
    Some(Case::of(model, plans.circuit(wishes.goal)))
}

/// With whatever weights are committed.
fn architecture(model: &Model, wishes: Wishes) -> Option<Case> {
    let layout = InstanceLayout {
        names_weights: true,
        ..InstanceLayout::of_model(model, wishes.private_input)
    };
    let wishes = Wishes { packed: true, ..wishes };
    let plans = Plans::for_instances(&model.without_weights(), layout, wishes).ok()?;
    Some(Case::of(model, plans.circuit(wishes.goal)))
}

/// Sums of 16 bits: what the lower integer is left of the higher one's multiple.
#[test]
fn other_multiple_of_a_sum_is_refused() {
    for times in [1, 64] {
        let model = limbs::model(times);
        assert!(!certified([("limbs", model.clone())]).is_empty());
        let circuit =
            ModelCircuit::new(&model, Wishes::default()).expect("the model has a circuit");
        let mut other = model.clone();
        let Operator::Gemm(low) = &mut other.graph.nodes[2].operator else {
            panic!("the lower integer is a sum");
        };
        low.weights[4] += 1;
        let others = ModelCircuit::restore(&other, circuit.layout(), circuit.k(), &circuit.shape());
        let case = Case::of(&other, others.expect("same shape"));
        case.check(&other).expect("it is the other's own");
        assert!(case.check(&model).is_err());
    }
}

#[test]
fn random_graphs_are_certified() {
    let (count, seed) = (number("CERTIFY_GRAPHS", 100), number("CERTIFY_SEED", 4242));
    let mut random = Random(seed);
    let (mut planned, mut failures) = (0, Vec::new());
    for number in 0..count {
        let model = random::model(&mut random, seed.wrapping_mul(1_000_003) + number);
        let wishes = Wishes {
            goal: if number % 3 == 1 { Goal::Gas } else { Goal::Speed },
            private_input: number % 2 == 0,
            max_k: Some(14),
            packed: number % 6 >= 3,
            abreast: Some([2, 4, 8][number as usize % 3]),
            ..Wishes::default()
        };
        // Some take more rows than that, or have no weights that can be committed.
        let hidden = match number % 10 {
            3 => hashed(&model, wishes),
            7 => architecture(&model, wishes),
            _ => None,
        };
        let Some(case) = hidden.or_else(|| Case::new(&model, wishes)) else { continue };
        planned += 1;
        if let Err(why) = case.check(&model) {
            failures.push(format!("seed {seed}, graph {number}: {why}"));
        }
    }
    assert!(failures.is_empty(), "{} of {planned}: {failures:#?}", failures.len());
    assert!(planned * 10 >= count * 9, "{planned} of {count} have a circuit");
}
