//! The graph says what claims mean, and units are taken at their word.

use super::*;
use crate::model::{Graph, TensorId};

/// A model that gives what it takes.
fn model(outputs: &[(&str, &[usize], Quantization)]) -> Model {
    let port = |(index, (name, _, _)): (usize, &(&str, &[usize], Quantization))| Port {
        name: (*name).into(),
        tensor: TensorId(index),
        is_float: false,
        preparation: None,
        labels: Vec::new(),
    };
    let tensor = |(name, shape, quantization): &(&str, &[usize], Quantization)| Tensor {
        name: (*name).into(),
        shape: shape.to_vec(),
        quantization: *quantization,
    };
    let ports: Vec<Port> = outputs.iter().enumerate().map(port).collect();
    let graph = Graph { tensors: outputs.iter().map(tensor).collect(), nodes: Vec::new() };
    Model { name: "same".into(), inputs: ports.clone(), outputs: ports, graph }
}

fn steps(scale: f32, zero_point: i32, element: ElementType) -> Quantization {
    Quantization { scale, zero_point, element }
}

const SIGNED: fn() -> Quantization = || steps(0.5, 3, ElementType::Int8);
const UNSIGNED: fn() -> Quantization = || steps(0.25, 128, ElementType::Uint8);
const POSITIONS: fn() -> Quantization = || steps(1.0, 0, ElementType::Int64);

/// Claims of all kinds about outputs of all types: the model that proves them says what they mean.
#[test]
fn the_graph_says_what_claims_mean() {
    let model = model(&[
        ("signed", &[2, 5, 2, 1], SIGNED()),
        ("unsigned", &[7], UNSIGNED()),
        ("class", &[1], POSITIONS()),
    ]);
    let mut texts = Vec::new();
    for output in ["signed", "unsigned"] {
        for kind in
            ["argmax", "top:1", "top:2", "threshold", "range", "bucket:1", "bucket:4", "equal"]
        {
            texts.push(format!("{output}={kind}"));
        }
        for kind in ["values", "threshold", "range", "bucket:3", "equal"] {
            texts.push(format!("{output}[4]={kind}"));
        }
    }
    texts.extend(["class=equal", "class=range", "class[0]=equal"].map(String::from));
    let mut state = 5_u64;
    let mut below = |end: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((state >> 33) % end).unwrap()
    };
    for text in &texts {
        let claims = Claims::read(&model, &[text], 1).unwrap();
        let claim = &claims.claims[0];
        let proved = model.with_claims(&claims, 1).unwrap();
        let tensor = |id: TensorId| &proved.graph.tensors[id.0];
        let (port, output) = claim.port(&model, 1).unwrap();
        assert_eq!(tensor(proved.outputs[0].tensor).shape, claim.result(&output).shape, "{text}");
        for round in 0..40 {
            // Few values, so that some are equal, and now and then the ends of the type.
            let mut some = |len: usize, base: i32, positions: bool| -> Vec<i32> {
                let value = |_| match below(6) {
                    _ if positions => below(5),
                    0 => base,
                    1 => base + 255,
                    _ => base + 120 + below(5),
                };
                (0..len).map(value).collect()
            };
            let mut inputs = vec![some(20, -128, false), some(7, 0, false), some(1, 0, true)];
            let chosen = claim.parameter(&output).map(|parameter| {
                let len = parameter.shape.iter().product();
                some(len, parameter.element.range().0, claim.output == "class")
            });
            let integers = inputs[port.tensor.0].clone();
            inputs.extend(chosen.clone());
            let evaluation = proved.evaluate(&inputs).unwrap();
            let expected = claim.evaluate(&output, &integers, &chosen.clone().unwrap_or_default());
            let found = evaluation.tensor(proved.outputs[0].tensor);
            assert_eq!(found, expected, "{text}, round {round}: {integers:?}, {chosen:?}");
        }
    }
}

/// Whoever reads ONNX expects the first of several.
#[test]
fn equal_elements_come_in_order() {
    let output = Tensor { name: "y".into(), shape: vec![1, 2, 3], quantization: SIGNED() };
    let claim = |kind| Claim { output: "y".into(), element: None, kind };
    let y = [4, 9, 9, -1, -1, -1];
    assert_eq!(claim(ClaimKind::ArgMax).evaluate(&output, &y, &[]), [1, 0]);
    assert_eq!(claim(ClaimKind::Top(2)).evaluate(&output, &y, &[]), [1, 2, 0, 1]);
}

#[test]
fn outputs_are_told_unless_something_else_is_asked() {
    let model = model(&[("a", &[3], SIGNED()), ("b", &[1, 1], SIGNED()), ("a[0]", &[2], SIGNED())]);
    let read = |texts: &[&str]| Claims::read(&model, texts, 1);
    let told = |texts: &[&str]| read(texts).unwrap().told;
    assert_eq!(told(&[]), [true, true, true]);
    assert_eq!(told(&["a=none"]), [false, true, true]);
    assert_eq!(told(&["a=argmax"]), [false, true, true]);
    assert_eq!(told(&["a=argmax", "a=values"]), [true, true, true]);
    assert_eq!(told(&["a[2]=values"]), [false, true, true]);
    // An output that is called so comes before an element.
    assert_eq!(read(&["a[0]=argmax"]).unwrap().claims[0].element, None);
    assert_eq!(read(&["a[1]=equal"]).unwrap().claims[0].element, Some(1));
    let refused = |texts: &[&str]| read(texts).unwrap_err().to_string();
    for (texts, why) in [
        (&["c=argmax"][..], "the model has no output `c`, its outputs are"),
        (&["a[9]=equal"], "claim about `a[9]`: the output has 3 elements"),
        (&["a[1]=argmax"], "claim about `a[1]`: `argmax` compares the elements"),
        (&["a[1]=none"], "claim about `a[1]`: `none` is of a whole output"),
        (
            &["b=argmax"],
            "claim about `b`: `argmax` needs lines of 2 to 256 elements, this output's have 1",
        ),
        (&["a=top:4"], "claim about `a`: `top:4` is of 1 to 3"),
        (&["a=top:0"], "claim about `a`: `top:0` is of 1 to 3"),
        (&["a=bucket:0"], "claim about `a`: `bucket:0` is of 1 to 255"),
        (&["a=bucket:256"], "claim about `a`: `bucket:256` is of 1 to 255"),
        (&["a=top"], "`top` is no claim, expected values, none, argmax"),
        (&["a=argmax:2"], "`argmax:2` is no claim"),
        (&["argmax"], "`argmax` says nothing of an output, expected NAME=claim"),
        (&["a=top:2", "a=top:3"], "claim about `a`: `top:3` is claimed already"),
        (&["a=values", "a=none"], "claim about `a`: `none` and `values` exclude each other"),
        (&["a=none", "b=none", "a[0]=none"], "proofs would say nothing"),
    ] {
        assert!(refused(texts).starts_with(why), "{texts:?}: {}", refused(texts));
    }
}

#[test]
fn kinds_are_written_as_they_are_read() {
    for text in ["values", "argmax", "top:3", "threshold", "range", "bucket:2", "equal"] {
        assert_eq!(text.parse::<ClaimKind>().unwrap().to_string(), text);
        let json = serde_json::to_string(&text.parse::<ClaimKind>().unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<ClaimKind>(&json).unwrap().to_string(), text);
    }
}

fn choose(model: &Model, claim: &str, text: &str) -> Result<Vec<i32>, String> {
    let claims = Claims::read(model, &[claim], 1).unwrap();
    claims.claims[0].choose(model, 1, text).map_err(|error| error.to_string())
}

/// A float is more or less than what it is written as, and that decides.
#[test]
fn units_become_integers_that_say_no_more_than_was_asked() {
    let model = model(&[
        ("y", &[2], steps(0.1, 3, ElementType::Int8)),
        ("u", &[1], steps(0.25, 128, ElementType::Uint8)),
        ("class", &[1], POSITIONS()),
    ]);
    // 0.1 as float32 is 0.100000001490116119384765625.
    for (text, integer) in [
        ("0", 3),
        ("-0", 3),
        ("0.1", 4),
        ("0.100000001490116119384765625", 4),
        ("0.1000000014901161193847656250", 4),
        ("0.10000000149011611938476562500000000000000001", 5),
        ("1e-1", 4),
        ("1E-300", 4),
        ("-0.1", 3),
        ("-0.100000001490116119384765625", 2),
        ("-0.10000000149011611938476562500000000000000001", 2),
        ("-0.1000000015", 2),
        ("-0.2", 2),
        ("12.4", 127),
        ("-13.1", -127),
    ] {
        assert_eq!(choose(&model, "y[1]=threshold", text), Ok(vec![integer]), "{text}");
    }
    assert_eq!(choose(&model, "y=range", "-0.1,0.1"), Ok(vec![3, 3]));
    assert_eq!(choose(&model, "y=range", "-0.1000000015,0.1000000015"), Ok(vec![2, 4]));
    assert_eq!(choose(&model, "y=bucket:3", "-1, 0,0.05"), Ok(vec![-6, 3, 4]));
    assert_eq!(choose(&model, "y=equal", "0.1"), Ok(vec![4]));
    assert_eq!(choose(&model, "u=equal", "-32"), Ok(vec![0]));
    assert_eq!(choose(&model, "u=threshold", "31.75"), Ok(vec![255]));
    assert_eq!(choose(&model, "class=equal", "7"), Ok(vec![7]));
    for (claim, text, why) in [
        (
            "y=threshold",
            "12.5",
            "claim `y`: 12.5 is outside the output's values, which are -13.1 to 12.4",
        ),
        ("y=threshold", "-14", "claim `y`: -14 is outside"),
        ("y=threshold", "NaN", "claim `y`: `NaN` is no number"),
        ("y=threshold", "inf", "claim `y`: `inf` is no number"),
        ("y=threshold", "1e99999999999", "claim `y`: `1e99999999999` is no number"),
        ("y=threshold", "", "claim `y`: `` is no number"),
        ("y=threshold", "1,2", "claim `y`: 2 numbers, expected 1"),
        ("y=range", "1", "claim `y`: 1 numbers, expected 2"),
        ("y=range", "1,0", "claim `y`: the numbers do not ascend"),
        (
            "y=range",
            "0.01,0.02",
            "claim `y`: no value of the output lies between the two, its steps are 0.1 apart",
        ),
        ("y=bucket:2", "1,1", "claim `y`: the numbers do not ascend"),
        (
            "y=equal",
            "0.15",
            "claim `y`: 0.15 is no value of the output, the nearest are 0.1 and 0.2",
        ),
        (
            "class=equal",
            "256",
            "claim `class`: 256 is outside the output's values, which are 0 to 255",
        ),
    ] {
        let refused = choose(&model, claim, text).unwrap_err();
        assert!(refused.starts_with(why), "{text}: {refused}");
    }
}

#[test]
fn labels_are_positions() {
    let mut model = model(&[("class", &[1], POSITIONS())]);
    model.outputs[0].labels = ["approve", "re,view", "7"].map(String::from).to_vec();
    for (text, position) in [("approve", 0), ("re,view", 1), ("7", 2), ("1", 1)] {
        assert_eq!(choose(&model, "class=equal", text), Ok(vec![position]), "{text}");
    }
    let unknown = choose(&model, "class=equal", "deny").unwrap_err();
    assert!(unknown.starts_with("claim `class`: `deny` is no number and none of the labels"));
    let outside = choose(&model, "class=equal", "3").unwrap_err();
    assert!(outside.ends_with("which are 0 to 2"), "{outside}");
}

#[test]
fn what_is_said_is_shown_in_the_models_units() {
    let model = model(&[("y", &[2], SIGNED())]);
    let said = |text: &str, parameter: &[i32], result: &[i32]| {
        let claims = Claims::read(&model, &[text], 1).unwrap();
        let said =
            ClaimValues::new((&model, 1), &claims.claims[0], parameter.to_vec(), result.to_vec());
        let said = said.unwrap();
        (serde_json::to_value(&said).unwrap(), said.to_string())
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (value, words) = said("y[1]=threshold", &[5], &[1]);
    assert_eq!(value, json(r#"{"kind":"threshold","threshold":1.0,"quantized":5,"holds":true}"#));
    assert_eq!(words, "is at least 1: yes");
    let (value, words) = said("y=range", &[1, 5], &[1, 0]);
    let expected =
        r#"{"kind":"range","range":[-1.0,1.0],"quantized":[1,5],"holds":[true,false],"shape":[2]}"#;
    assert_eq!(value, json(expected));
    assert_eq!(words, "is between -1, 1: yes, no");
    let (value, _) = said("y[0]=bucket:2", &[1, 5], &[2]);
    assert_eq!(
        value,
        json(r#"{"kind":"bucket","bounds":[-1.0,1.0],"quantized":[1,5],"bucket":2}"#)
    );
    assert_eq!(said("y=argmax", &[], &[1]).0, json(r#"{"kind":"argmax","position":1}"#));
    let top = json(r#"{"kind":"top","positions":[1,0],"shape":[2]}"#);
    assert_eq!(said("y=top:2", &[], &[1, 0]).0, top);
    assert_eq!(
        said("y[0]=values", &[], &[4]).0,
        json(r#"{"kind":"values","value":0.5,"quantized":4}"#)
    );
}
