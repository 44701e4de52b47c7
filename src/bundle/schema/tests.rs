//! Schemas and data are read as `script/schemas.py` calculates them by itself, as they are in JavaScript.

use super::*;
use crate::bundle::hex;
use crate::model::Model;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

fn vectors() -> Value {
    let text = include_str!("../../../test/fixtures/schemas/vectors.json");
    serde_json::from_str(text).expect("JSON")
}

/// The name of an error.
fn name_of(error: &SchemaError) -> String {
    let shown = format!("{error:?}");
    shown.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}

fn place_of(error: &SchemaError) -> Option<&ValuePlace> {
    match error {
        SchemaError::AbsentField(place)
        | SchemaError::UnknownField(place)
        | SchemaError::DoubledField(place)
        | SchemaError::NoNumber(place)
        | SchemaError::NoValue(place)
        | SchemaError::Count { place, .. }
        | SchemaError::OffStep { place, .. }
        | SchemaError::OutOfRange { place, .. }
        | SchemaError::OtherInteger { place, .. } => Some(place),
        _ => None,
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// A schema of one field, which may be changed, for a tensor of so many elements.
fn schema(changes: Value) -> DataSchema {
    let mut field =
        json!({"name": "income", "unit": "euros", "step": "100", "range": ["0", "12700"]});
    for (name, value) in changes.as_object().expect("an object") {
        field[name] = value.clone();
    }
    let length = field["count"].as_u64().unwrap_or(1);
    let document = json!({
        "format": "zkverdict schema", "version": 1, "title": "what a bank knows", "code": "int8",
        "shape": [1, length], "fields": [field],
    });
    DataSchema::parse(document.to_string().as_bytes()).expect("a schema")
}

#[test]
fn schemas_are_those_of_the_vectors() {
    let vectors = vectors();
    let documents = list(&vectors["documents"]);
    assert!(documents.len() > 200, "{}", documents.len());
    for document in documents {
        let read = DataSchema::parse(text(&document["text"]).as_bytes());
        match (&document["error"], read) {
            (Value::Null, Ok(schema)) => assert_eq!(json!(hex(&schema.hash)), document["hash"]),
            (Value::String(expected), Err(error)) => {
                assert_eq!(name_of(&error), *expected, "{document}: {error}");
                assert!(error.hint().is_some());
            }
            (_, read) => panic!("{document}: {read:?}"),
        }
    }
}

#[test]
fn data_are_the_integers_of_the_vectors() {
    let vectors = vectors();
    assert!(list(&vectors["data"]).len() > 800);
    for data in list(&vectors["data"]) {
        let at = usize::try_from(data["document"].as_u64().expect("a number")).expect("small");
        let document = text(&vectors["documents"][at]["text"]);
        let schema = DataSchema::parse(document.as_bytes()).expect("a schema");
        match schema.integers(text(&data["text"]).as_bytes()) {
            Ok(integers) => {
                assert_eq!(json!(integers), json!([data["integers"]]), "{document} {data}");
                // What is committed to is of the schema, and one beyond the range is not.
                let elements = |integers: &[i64]| -> Vec<Element> {
                    integers.iter().copied().map(Element::Integer).collect()
                };
                schema.check_elements(&elements(&integers[0])).expect("data of the schema");
                for (at, field) in
                    schema.fields.iter().enumerate().filter(|(_, f)| f.count.is_none())
                {
                    for beyond in [field.integers[0] - 1, field.integers[1] + 1] {
                        let mut other = integers[0].clone();
                        other[at] = beyond;
                        let refused = schema.check_elements(&elements(&other));
                        assert_eq!(refused.is_ok(), field.missing == Some(beyond), "{document}");
                    }
                }
            }
            Err(error) => {
                assert_eq!(json!(name_of(&error)), data["error"], "{document} {data}: {error}");
                let place = place_of(&error);
                assert_eq!(json!(place.map(|place| &place.field)), data["field"], "{data}");
                let element = place.and_then(|place| place.element);
                assert!(data["element"].is_null() || json!(element) == data["element"], "{data}");
                assert!(error.hint().is_some());
            }
        }
    }
}

#[test]
fn the_hash_is_that_of_the_bytes_as_they_are() {
    let schema = schema(json!({}));
    let text = r#"{"format":"zkverdict schema","version":1,"title":"t","code":"int8","shape":[],"fields":[{"name":"x","unit":"u","step":"1","range":["0","1"]}]}"#;
    let hash = |text: &str| DataSchema::parse(text.as_bytes()).expect("a schema").hash;
    // `cast keccak "$(cat FILE)"`
    assert_eq!(hash(text), <[u8; 32]>::from(Keccak256::digest(text)));
    assert_ne!(hash(text), hash(&format!("{text}\n")));
    assert_ne!(hash(text), schema.hash);
    let long =
        |length| DataSchema::parse((text.to_owned() + &" ".repeat(length - text.len())).as_bytes());
    assert!(long(1 << 20).is_ok());
    let error = long((1 << 20) + 1).unwrap_err();
    assert!(error.to_string().contains("at most 1048576 are read"), "{error}");
}

#[test]
fn inferences_are_read_one_by_one_and_the_place_says_which() {
    let schema = schema(json!({"count": 2, "missing": -1}));
    let read = |data: &str| schema.integers(data.as_bytes());
    let two = read(r#"[{"income": [0, 100]}, {"income": [null, "12700"]}]"#).expect("data");
    assert_eq!(two, [[0, 1], [-1, 127]]);
    assert_eq!(read("[]").expect("none"), Vec::<Vec<i64>>::new());
    let error = read(r#"[{"income": [0, 100]}, {"income": [0, 150]}]"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        "element 1 of `income` in inference 1 is no whole number of steps of 100 from 0"
    );
    let elements = [0, 1, 127, -1, 128].map(Element::Integer);
    schema.check_elements(&elements[..4]).expect("data of the schema");
    let error = schema.check_elements(&elements[1..]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "element 1 of `income` in inference 1 is committed to as an integer that is not from 0 to 127"
    );
    let float = schema.check_elements(&[Element::Float(1.0)]);
    assert_eq!(float, Err(SchemaError::NotIntegers));
}

#[test]
fn integers_are_as_many_as_an_input_has_and_as_large_as_circuits_take() {
    let schema = schema(json!({"count": 2}));
    let mut tensor = InstanceTensor { name: "x".into(), code: Code::Int8, shape: vec![1, 2] };
    let data = br#"[{"income": [0, 100]}, {"income": [200, 300]}]"#;
    assert_eq!(schema.integers_for(&tensor, 2, data), Ok(vec![0, 1, 2, 3]));
    let error = schema.integers_for(&tensor, 1, data).unwrap_err();
    assert_eq!(error, SchemaError::Inferences { got: 2, expected: 1 });
    tensor.shape = vec![2];
    assert_eq!(name_of(&schema.integers_for(&tensor, 2, data).unwrap_err()), "OtherInput");
    let document = json!({
        "format": "zkverdict schema", "version": 1, "title": "t", "code": "uint32", "shape": [],
        "fields": [{"name": "x", "unit": "u", "step": "1", "range": ["0", "4294967295"]}],
    });
    let schema = DataSchema::parse(document.to_string().as_bytes()).expect("a schema");
    let tensor = InstanceTensor { name: "x".into(), code: Code::Uint32, shape: vec![] };
    let read = |x: u32| schema.integers_for(&tensor, 1, format!("{{\"x\": {x}}}").as_bytes());
    assert_eq!(read(0x7fff_ffff), Ok(vec![i32::MAX]));
    assert_eq!(name_of(&read(0x8000_0000).unwrap_err()), "NoCircuit");
}

#[test]
fn errors_do_not_say_what_the_data_are() {
    let schema = schema(json!({"count": 2}));
    for secret in
        ["73219", "\"73219\"", "\"73219x\"", "7321.9", "{\"73219\": 1}", "73219.", "[73219]"]
    {
        let error =
            schema.integers(format!("{{\"income\": [{secret}, 1]}}").as_bytes()).unwrap_err();
        let shown = format!("{error} {error:?} {:?}", error.hint());
        assert!(!shown.contains("7321"), "{shown}");
    }
    let error = schema.check_elements(&[Element::Integer(7321), Element::Integer(1)]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("7321"), "{error}");
}

#[test]
fn a_schema_is_of_one_type_and_shape() {
    let schema = schema(json!({"count": 7}));
    let tensor =
        |code, shape: &[usize]| InstanceTensor { name: "x".into(), code, shape: shape.into() };
    schema.check_input(&tensor(Code::Int8, &[1, 7])).expect("its input");
    for (code, shape) in [
        (Code::Uint8, &[1, 7][..]),
        (Code::Int8, &[7]),
        (Code::Int8, &[7, 1]),
        (Code::Int8, &[1, 8]),
    ] {
        let error = schema.check_input(&tensor(code, shape)).unwrap_err();
        assert_eq!(name_of(&error), "OtherInput");
        assert!(
            error.to_string().contains("is of int8 in the shape [1, 7], and the input `x`"),
            "{error}"
        );
    }
}

/// By a reckoning with whole numbers of another unit, 10^−4, where all of these are whole.
#[test]
fn values_are_rounded_half_to_even() {
    let rng = &mut StdRng::seed_from_u64(0x5ca1e);
    let decimal = |ten_thousandths: i64| {
        let sign = if ten_thousandths < 0 { "-" } else { "" };
        let size = ten_thousandths.abs();
        Decimal::parse(&format!("{sign}{}.{:04}", size / 10_000, size % 10_000)).expect("a decimal")
    };
    for _ in 0..20_000 {
        let step = rng.gen_range(1..=50);
        let offset = rng.gen_range(-1_000..=1_000);
        let value = rng.gen_range(-20_000..=20_000);
        let (steps, is_exact) = decimal(value).steps(decimal(offset), decimal(step));
        let steps = i64::try_from(steps).expect("small");
        let away = 2 * (value - offset - steps * step).abs();
        assert!(away < step || away == step && steps % 2 == 0, "({value} − {offset}) / {step}");
        assert_eq!(is_exact, away == 0);
        let again = Decimal::after(decimal(offset), decimal(step), steps);
        assert_eq!(again, Some(decimal(offset + steps * step)));
    }
}

#[test]
fn decimals_come_back_from_their_texts() {
    for (given, shown) in [
        ("0", "0"),
        ("-0.0", "0"),
        ("1.50", "1.5"),
        ("-0.000000000000000001", "-0.000000000000000001"),
        ("999999999999999999.999999999999999999", "999999999999999999.999999999999999999"),
        ("1e17", "100000000000000000"),
        ("-12e-1", "-1.2"),
    ] {
        let read = Decimal::parse(given).expect("a decimal");
        assert_eq!(read.to_string(), shown);
        assert_eq!(Decimal::parse(shown), Some(read));
    }
    let largest = Decimal::parse("999999999999999999.999999999999999999").expect("a decimal");
    let smallest = Decimal::parse("0.000000000000000001").expect("a decimal");
    let least = Decimal::parse("-999999999999999999.999999999999999999").expect("a decimal");
    // 10^36 − 1 on either side of zero.
    assert_eq!(largest.steps(least, smallest), (2 * (10i128.pow(36) - 1), true));
    assert_eq!(Decimal::after(largest, smallest, 1), None);
    assert_eq!(Decimal::after(Decimal::ZERO, largest, i64::MAX), None);
}

/// Changes of a document and of data: each gives an answer or an error.
#[test]
fn nothing_that_is_read_makes_it_panic() {
    let rng = &mut StdRng::seed_from_u64(0xf022);
    let vectors = vectors();
    let parts =
        br#"{}[]",:0123456789.-+eE\u \n nulltrue9999999999999999999"count""missing""range"1e400-0"#;
    let changed = |text: &str, rng: &mut StdRng| -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..rng.gen_range(1..3) {
            let at = rng.gen_range(0..=bytes.len());
            let end = (at + rng.gen_range(0..3)).min(bytes.len());
            let from = rng.gen_range(0..parts.len());
            let part = &parts[from..(from + rng.gen_range(0..5)).min(parts.len())];
            drop(bytes.splice(at..end, part.iter().copied()));
        }
        bytes
    };
    let (mut read, mut refused) = (0, 0);
    for turn in 0..20_000 {
        let data = list(&vectors["data"]);
        let data = &data[turn % data.len()];
        let at = usize::try_from(data["document"].as_u64().expect("a number")).expect("small");
        let document = text(&vectors["documents"][at]["text"]);
        let which = rng.gen_range(0..3);
        let document = if which > 0 { changed(document, rng) } else { document.into() };
        let Ok(schema) = DataSchema::parse(&document) else {
            refused += 1;
            continue;
        };
        let data = text(&data["text"]);
        let data = if which < 2 { changed(data, rng) } else { data.into() };
        match schema.integers(&data) {
            Ok(inferences) => {
                for integers in inferences {
                    let elements: Vec<_> = integers.into_iter().map(Element::Integer).collect();
                    schema.check_elements(&elements).expect("what is read is of the schema");
                    let codes = elements.iter().map(|&element| schema.code.encode(element));
                    assert!(
                        codes.clone().count() == schema.len() && codes.clone().all(|c| c.is_some())
                    );
                }
                read += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(read > 500 && refused > 5_000, "{read} {refused}");
}

/// A draft's integers are those that the model's first node makes of values at whole steps.
#[test]
fn a_draft_counts_as_the_model_does() {
    for (name, is_float) in [("credit", false), ("medical", false)] {
        let path = format!("{}/templates/project/{name}/model.onnx", env!("CARGO_MANIFEST_DIR"));
        check_draft(
            &Model::from_onnx(name, &std::fs::read(path).expect("a model")).expect("a model"),
            is_float,
        );
    }
    let path =
        format!("{}/test/fixtures/models/digits_mlp/int8_qdq.onnx", env!("CARGO_MANIFEST_DIR"));
    check_draft(
        &Model::from_onnx("digits", &std::fs::read(path).expect("a model")).expect("a model"),
        true,
    );
}

fn check_draft(model: &Model, is_float: bool) {
    let port = &model.inputs[0];
    assert_eq!(port.is_float, is_float);
    let tensor = InstanceTensor::of_port(model, port);
    let draft = DataSchema::draft(model, port, &tensor).expect("a draft");
    let schema = DataSchema::parse(draft.as_bytes()).expect("a schema");
    schema.check_input(&tensor).expect("its input");
    let [field] = &schema.fields[..] else { panic!("one field") };
    let quantization = model.graph.tensors[port.tensor.0].quantization;
    let (low, high) = quantization.element.range();
    assert_eq!(field.integers, [low, high].map(i64::from));
    for integer in low..=high {
        let value = Decimal::after(field.offset, field.step, integer.into()).expect("a decimal");
        assert_eq!(value.steps(field.offset, field.step), (integer.into(), true));
        let real: f32 = value.to_string().parse().expect("a float");
        assert_eq!(quantization.quantize(real), integer);
        let back = quantization.dequantize(integer);
        assert!((back - real).abs() <= back.abs() * f32::EPSILON, "{back} {real}");
    }
}
