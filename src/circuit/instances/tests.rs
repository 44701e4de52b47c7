//! Where instances stand, what names them, and what is refused.

use super::*;
use crate::circuit::tests::ports;
use crate::model::ClaimKind;
use std::collections::HashSet;

fn tensor(name: &str, code: Code, shape: &[usize]) -> InstanceTensor {
    InstanceTensor { name: name.into(), code, shape: shape.to_vec() }
}

fn port(name: &str, code: Code, len: usize, visibility: Visibility) -> InstancePort {
    InstancePort { tensor: tensor(name, code, &[len]), visibility }
}

fn about(output: &str, element: Option<usize>, kind: ClaimKind) -> Claim {
    Claim { output: output.into(), element, kind }
}

/// Two inferences with all that there can be.
fn everything() -> InstanceLayout {
    InstanceLayout {
        inferences: 2,
        names_weights: true,
        inputs: vec![
            port("scan", Code::Uint8, 32, Visibility::Public),
            port("age", Code::Int16, 1, Visibility::Hashed),
            port("key", Code::Int8, 5, Visibility::Private),
            port("template", Code::Int8, 40, Visibility::Committed),
            port("tokens", Code::Uint32, 8, Visibility::Public),
        ],
        claims: vec![
            InstanceClaim {
                name: "scores[1]".into(),
                claim: about("scores", Some(1), ClaimKind::Threshold),
                parameters: vec![tensor("threshold", Code::Int8, &[])],
                results: vec![tensor("holds", Code::Uint8, &[])],
            },
            InstanceClaim {
                name: "scores".into(),
                claim: about("scores", None, ClaimKind::ArgMax),
                parameters: vec![],
                results: vec![tensor("position", Code::Uint16, &[])],
            },
        ],
        outputs: vec![
            port("scores", Code::Int8, 10, Visibility::Private),
            port("embedding", Code::Float32, 15, Visibility::Public),
        ],
    }
}

#[test]
fn parts_stand_in_the_order_that_never_changes() {
    let layout = everything();
    let parts = layout.parts();
    let found: Vec<_> = parts.iter().map(|p| (p.role, p.inference, p.name, p.at.clone())).collect();
    use Role::{ClaimParameter, ClaimResult, Context, Input, InputName, Output, WeightsName};
    let expected = [
        (Context, Some(0), "context", 0..1),
        (Context, Some(1), "context", 1..2),
        (WeightsName, None, "weights", 2..3),
        (InputName, None, "template", 3..4),
        (Input, Some(0), "scan", 4..6),
        (Input, Some(0), "age", 6..7),
        (Input, Some(0), "tokens", 7..9),
        (Input, Some(1), "scan", 9..11),
        (Input, Some(1), "age", 11..12),
        (Input, Some(1), "tokens", 12..14),
        (ClaimParameter, Some(0), "scores[1]", 14..15),
        (ClaimParameter, Some(1), "scores[1]", 15..16),
        (ClaimResult, Some(0), "scores[1]", 16..17),
        (ClaimResult, Some(0), "scores", 17..18),
        (ClaimResult, Some(1), "scores[1]", 18..19),
        (ClaimResult, Some(1), "scores", 19..20),
        (Output, Some(0), "embedding", 20..23),
        (Output, Some(1), "embedding", 23..26),
    ];
    assert_eq!(found, expected);
    assert_eq!((layout.len(), layout.free()), (26, 4));
    let roles = [Context, WeightsName, InputName, Input, ClaimParameter, ClaimResult, Output];
    let ranges = roles.map(|role| layout.range(role));
    assert_eq!(ranges, [0..2, 2..3, 3..4, 4..14, 14..16, 16..20, 20..26]);
}

/// Circuits of one inference of a model are named as by the model alone, and whatever else proofs say changes the name.
#[test]
fn digest_covers_all_that_instances_say() {
    let model = ports::model();
    let plain = InstanceLayout::of_model(&model, false);
    assert_eq!(plain.digest(&model), model.digest(&[]));
    let private = InstanceLayout::of_model(&model, true);
    assert_eq!(private.digest(&model), model.digest(&private.visibility()));
    let claim = |parameters: &[InstanceTensor], results: &[InstanceTensor]| {
        let (parameters, results) = (parameters.to_vec(), results.to_vec());
        let claim = about("port0", None, ClaimKind::Threshold);
        InstanceClaim { name: "port0".into(), claim, parameters, results }
    };
    let of = |about: Claim| InstanceClaim { claim: about, ..claim(&[], &[]) };
    let byte = |shape: &[usize]| tensor("bound", Code::Uint8, shape);
    let mut layouts = vec![plain.clone(), private];
    let mut add = |change: &dyn Fn(&mut InstanceLayout)| {
        let mut layout = plain.clone();
        change(&mut layout);
        layouts.push(layout);
    };
    add(&|layout| layout.inferences = 2);
    add(&|layout| layout.inferences = 3);
    add(&|layout| layout.names_weights = true);
    add(&|layout| layout.inputs[1].visibility = Visibility::Committed);
    add(&|layout| layout.outputs[0].visibility = Visibility::Private);
    let claims = [
        vec![claim(&[], &[])],
        vec![claim(&[], &[]); 2],
        vec![claim(&[byte(&[])], &[])],
        vec![claim(&[], &[byte(&[])])],
        vec![claim(&[byte(&[1])], &[])],
        vec![claim(&[byte(&[]), byte(&[])], &[])],
        vec![claim(&[tensor("bound", Code::Int8, &[])], &[])],
        vec![claim(&[tensor("band", Code::Uint8, &[])], &[])],
        vec![InstanceClaim { name: "port1".into(), ..claim(&[], &[]) }],
        vec![of(about("port1", None, ClaimKind::Threshold))],
        vec![of(about("port0", Some(0), ClaimKind::Threshold))],
        vec![of(about("port0", None, ClaimKind::Equal))],
        vec![of(about("port0", None, ClaimKind::Top(2)))],
        vec![of(about("port0", None, ClaimKind::Top(3)))],
    ];
    for claims in claims {
        add(&|layout| layout.claims.clone_from(&claims));
    }
    let digests: HashSet<_> = layouts.iter().map(|layout| layout.digest(&model)).collect();
    assert_eq!(digests.len(), layouts.len());
}

#[test]
fn role_without_instances_has_an_empty_range() {
    let layout = InstanceLayout {
        inferences: 1,
        names_weights: false,
        inputs: vec![port("x", Code::Int8, 62, Visibility::Private)],
        claims: vec![],
        outputs: vec![port("y", Code::Int8, 32, Visibility::Public)],
    };
    assert!(!layout.shows_input());
    assert_eq!(layout.range(Role::Context), 0..1);
    for role in [Role::WeightsName, Role::InputName, Role::Input, Role::ClaimResult] {
        assert!(layout.range(role).is_empty(), "{role:?}");
    }
    assert_eq!(layout.range(Role::Output), 1..3);
}

#[test]
fn description_survives_its_file_and_old_files_are_read() {
    let layout = everything();
    let text = serde_json::to_string(&layout).unwrap();
    assert_eq!(serde_json::from_str::<InstanceLayout>(&text).unwrap(), layout);
    // As the first version writes it: what came later is absent.
    let first = r#"{"inferences":1,
        "inputs":[{"tensor":{"name":"x","code":"int8","shape":[1,64]}}],
        "outputs":[{"tensor":{"name":"y","code":"uint8","shape":[1,10]},"visibility":"public"}]}"#;
    let layout: InstanceLayout = serde_json::from_str(first).unwrap();
    assert_eq!((layout.len(), layout.shows_input()), (1 + 3 + 1, true));
    assert!(serde_json::from_str::<InstanceLayout>(&first.replace("shape", "form")).is_err());
}

#[test]
fn description_of_too_many_elements_is_no_panic() {
    let mut layout = everything();
    layout.outputs[1].tensor.shape = vec![usize::MAX, 3];
    let instances = vec![Word::default(); 30];
    assert!(matches!(layout.check(&instances), Err(InstanceError::Count { got: 30, .. })));
}

#[test]
fn instances_are_checked_and_read_part_by_part() {
    let layout = everything();
    let mut instances = vec![Word::default(); layout.len()];
    // Contexts, names and hashes may be anything.
    for at in [0, 1, 2, 3, 6, 11] {
        instances[at] = [0x2f; 32];
    }
    let parts = layout.parts();
    let embedding = parts.last().unwrap();
    let values = (0..15_u8).map(|value| Element::Float(-f32::from(value)));
    let values: Vec<_> = values.collect();
    let words = embedding.pack(values.iter().copied()).unwrap();
    instances[embedding.at.clone()].copy_from_slice(&words);
    layout.check(&instances).unwrap();
    assert_eq!(embedding.elements(&instances).unwrap(), values);
    assert!(embedding.pack(values[1..].iter().copied()).is_none(), "an element too few");
    instances[25][1] = 1;
    let error = layout.check(&instances).unwrap_err();
    assert_eq!(error, InstanceError::Packing { index: 25, name: "embedding".into() });
    instances.pop();
    let error = layout.check(&instances).unwrap_err();
    assert_eq!(error, InstanceError::Count { got: 25, expected: 26 });
}
