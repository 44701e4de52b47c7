//! Schemas: data in their units are committed to as the integers that they are.

use super::{Desk, ROOT, call, document, fails, model, onnx, run, text};
use onnx::{FLOAT, INT8, Proto, node, tensor, value_info};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::{fs, path::Path};

fn read(path: &Path) -> Value {
    document(&fs::read(path).unwrap())
}

/// Keccak-256 of a file.
fn keccak(path: &Path) -> String {
    let digits = Keccak256::digest(fs::read(path).unwrap());
    format!("0x{}", digits.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// A bundle of the template's model, whose input is told as this says.
fn bundle(desk: &Desk, name: &str, more: &[&str]) -> String {
    let out = desk.path(name);
    let onnx = format!("{ROOT}/templates/project/credit/model.onnx");
    let words = ["keygen", &onnx, "--unsafe-dev-srs", "--format", "packed", "--out", text(&out)];
    run(&[&words[..], more].concat());
    text(&out).to_owned()
}

/// A schema of the template's input, with changes at some places.
fn schema(desk: &Desk, changes: &[(&str, Value)]) -> String {
    let mut schema = read(Path::new(&credit("schema")));
    for (place, value) in changes {
        *schema.pointer_mut(place).unwrap() = value.clone();
    }
    text(&desk.write("changed.schema.json", schema.to_string().as_bytes())).to_owned()
}

fn credit(file: &str) -> String {
    format!("{ROOT}/templates/project/credit/{file}.json")
}

/// The template's data, with changes of some fields; one that is null is left out.
fn data(desk: &Desk, changes: &Value) -> String {
    let mut data = read(Path::new(&credit("sound")));
    for (field, value) in changes.as_object().unwrap() {
        data[field] = value.clone();
    }
    text(&desk.write("data.json", data.to_string().as_bytes())).to_owned()
}

#[test]
fn data_in_a_schemas_units_are_committed_to_as_the_integers_that_they_are() {
    let desk = Desk::new();
    let keys = bundle(&desk, "c.zkv", &["--input", "features=committed"]);
    let hashed = bundle(&desk, "h.zkv", &["--input", "features=hashed"]);
    let integers = desk.write("integers.json", b"[48, 14, 6, 0, 60, 41, 22]");
    let out = |name: &str| text(&desk.path(name)).to_owned();
    let hash = keccak(Path::new(&credit("schema")));
    for (keys, name) in [(&keys, "c"), (&hashed, "h")] {
        let [by_schema, by_integers] = ["s", "i"].map(|how| out(&format!("{name}.{how}.json")));
        let words = ["commit", keys, "--input", &credit("sound"), "--out", &by_schema];
        let told = run(&[&words[..], &["--schema", &credit("schema")]].concat());
        assert_eq!(told["schema"], hash);
        let told = run(&["commit", keys, "--input", text(&integers), "--out", &by_integers]);
        assert!(told.get("schema").is_none(), "{told}");
        let [one, other] = [&by_schema, &by_integers].map(|file| read(Path::new(file)));
        for field in ["words", "code", "shape", "input", "kind", "version"] {
            assert_eq!(one[field], other[field], "{field}");
        }
        let keys_of = |file: &Value| file.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys_of(&one), keys_of(&other), "the format stays");
        let proof = out("proof.json");
        run(&["prove", keys, "--input-commitment", &by_schema, "--out", &proof]);
        assert_eq!(run(&["verify", keys, &proof])["valid"], json!(true));
    }
    // 4850 lies between 48 and 49 hundreds: the even one. 4,799.99… is nearest to 48.
    for (income, same) in [(json!(4850), true), (json!("4799.999"), true), (json!(4851), false)] {
        let place = out("rounded.json");
        let data = data(&desk, &json!({ "income": income }));
        let words = ["commit", &keys, "--schema", &credit("schema"), "--out", &place, "--input"];
        run(&[&words[..], &[&data]].concat());
        let is_same =
            read(Path::new(&place))["words"] == read(Path::new(&out("c.i.json")))["words"];
        assert_eq!(is_same, same, "{income}");
        fs::remove_file(place).unwrap();
    }

    // Each refusal leaves no file, and tells no value.
    let refused = |keys: &str, schema: &str, data: &str, why: &str| {
        let place = out("none.json");
        let words = ["commit", keys, "--input", data, "--schema", schema, "--out", &place];
        let error = fails(&words);
        assert!(error.contains(why), "{why}: {error}");
        assert!(!error.contains("7321") && !Path::new(&place).exists(), "{error}");
    };
    let own = credit("schema");
    for (change, why) in [
        (json!({"income": 73219}), "`income` is not from 0 to 12700 (in EUR net a month)"),
        (json!({"age": 41.7321}), "`age` is no whole number of steps of 1 from 0"),
        (json!({"age": "0x7321"}), "`age` is no number"),
        (json!({"age": null}), "`age` is `null`"),
        (json!({"age": [73]}), "`age` is not a single value"),
        (json!({"height": 73}), "`height` is no field"),
    ] {
        refused(&keys, &own, &data(&desk, &change), why);
    }
    let written = |text: &str| desk.write("written.json", text.as_bytes());
    for (content, why) in [
        ("{\"income\": 7321", "line 1, column"),
        ("{\"income\": 7321, \"income\": 7321}", "`income` is given twice"),
        ("{}", "`income` is left out"),
        ("[]", "it holds 0 inferences, a proof of this bundle 1"),
        ("[{}, {}]", "`income` in inference 0 is left out"),
        ("[7321, 14, 6, 0, 60, 41, 22]", "line 1, column"),
    ] {
        refused(&keys, &own, text(&written(content)), why);
    }
    let sound = credit("sound");
    refused(&keys, &sound, &sound, "it is no schema");
    refused(&keys, "missing.json", &sound, "missing.json");
    let other = schema(&desk, &[("/code", json!("int16"))]);
    refused(
        &keys,
        &other,
        &sound,
        "is of int16 in the shape [1, 7], and the input `features` is of int8",
    );
    let other = schema(&desk, &[("/shape", json!([7]))]);
    refused(
        &hashed,
        &other,
        &sound,
        "is of int8 in the shape [7], and the input `features` is of int8 in the shape [1, 7]",
    );
    let points = ["commit", &keys, "--points", "--out", &out("p"), "--schema", &own];
    assert!(fails(&points).contains("--schema"));
}

#[test]
fn each_inference_of_a_batch_has_its_data() {
    let desk = Desk::new();
    let batch = ["--batch", "2", "--input", "features=committed"];
    let keys = bundle(&desk, "b.zkv", &batch);
    let hashed = bundle(&desk, "h.zkv", &["--batch", "2", "--input", "features=hashed"]);
    let [sound, strained] = ["sound", "strained"].map(|name| read(Path::new(&credit(name))));
    let both = desk.write("both.json", json!([sound, strained]).to_string().as_bytes());
    let ints = b"[[48, 14, 6, 0, 60, 41, 22], [17, 12, 70, 45, 4, 24, 92]]";
    let integers = desk.write("integers.json", ints);
    let out = |name: &str| text(&desk.path(name)).to_owned();
    let schema = credit("schema");
    for (keys, own, others) in [
        (&keys, vec!["s.json"], vec!["i.json"]),
        (&hashed, vec!["hs.0.json", "hs.1.json"], vec!["hi.0.json", "hi.1.json"]),
    ] {
        let [to, also] = [&own, &others].map(|files| out(&files[0].replace(".0", "")));
        let words = ["commit", keys, "--input", text(&both), "--schema", &schema, "--out", &to];
        let told = run(&words);
        let inferences = told["inferences"].as_array();
        let tells = |told: &Value| told["schema"] == keccak(Path::new(&schema));
        assert!(
            inferences.map_or(tells(&told), |all| all.len() == 2 && all.iter().all(tells)),
            "{told}"
        );
        run(&["commit", keys, "--input", text(&integers), "--out", &also]);
        for (own, other) in own.iter().zip(&others) {
            let [own, other] = [own, other].map(|file| read(&desk.path(file)));
            assert_eq!(own["words"], other["words"]);
        }
    }
    let words = ["commit", &keys, "--input", &credit("sound"), "--schema", &schema];
    let error = fails(&[&words[..], &["--out", &out("none.json")]].concat());
    assert!(error.contains("it holds 1 inferences, a proof of this bundle 2"), "{error}");
}

#[test]
fn a_schema_is_shown_compared_and_begun() {
    let desk = Desk::new();
    let keys = bundle(&desk, "c.zkv", &["--input", "features=committed"]);
    let own = credit("schema");
    let told = run(&["schema", &own, "--for", &keys]);
    assert_eq!(
        (&told["hash"], &told["input"]),
        (&json!(keccak(Path::new(&own))), &json!("features"))
    );
    assert_eq!((&told["code"], &told["shape"]), (&json!("int8"), &json!([1, 7])));
    let fields = told["fields"].as_array().unwrap();
    let expected = json!({
        "name": "debts", "unit": "EUR", "first": 2, "count": 1, "step": "1000", "offset": "0",
        "range": ["0", "127000"], "integers": [0, 127], "rounding": "nearest",
    });
    assert_eq!((fields.len(), &fields[2]), (7, &expected));
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_zkverdict"));
    let medical = format!("{ROOT}/templates/project/medical/schema.json");
    let shown = plain.args(["schema", &medical]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = "0–143    brightness  0 to 255  from 0, black, to 255, white, of 12 by 12 pixels, row by row  steps of 1 from 128  -128 to 127";
    assert!(shown.lines().any(|own| own == line), "{shown}");
    assert!(shown.starts_with(&format!("hash   {}\n", keccak(Path::new(&medical)))), "{shown}");

    let error = fails(&["schema", &medical, "--for", &keys]);
    assert!(
        error.contains("is of int8 in the shape [1, 144], and the input `features`"),
        "{error}"
    );
    assert!(fails(&["schema", &credit("sound")]).contains("it is no schema"));
    assert!(fails(&["schema"]).contains("required"));
    let changed = schema(&desk, &[("/fields/3/range/1", json!("640"))]);
    let error = fails(&["schema", &changed]);
    assert!(
        error.contains("`arrears` is that of integers from 0 to 128, which are not all int8"),
        "{error}"
    );

    // What is begun is a schema of the bundle, whose integers are those of the model's own scale.
    let out = desk.path("begun.json");
    let begin = |keys: &str| run(&["schema", "--of", keys, "--out", text(&out)]);
    let begun = begin(&keys);
    assert_eq!((&begun["hash"], &begun["file"]), (&json!(keccak(&out)), &json!(text(&out))));
    let expected = json!([{
        "name": "features", "unit": "what the model takes", "first": 0, "count": 7, "step": "1", "offset": "0",
        "range": ["-128", "127"], "integers": [-128, 127], "rounding": "exact",
    }]);
    assert_eq!(begun["fields"], expected);
    assert_eq!(run(&["schema", text(&out), "--for", &keys])["hash"], begun["hash"]);
    let again = ["schema", "--of", &keys, "--out", text(&out)];
    assert!(fails(&again).contains("is there already"));
    let integers = json!({"features": [48, 14, 6, 0, 60, 41, 22]});
    let integers = desk.write("integers.json", integers.to_string().as_bytes());
    let words = |place: &Path| {
        let words = ["commit", &keys, "--schema", text(&out), "--out", text(place), "--input"];
        run(&[&words[..], &[text(&integers)]].concat());
        read(place)["words"].clone()
    };
    let by_draft = words(&desk.path("draft.json"));
    let place = desk.path("own.json");
    let by_own = ["commit", &keys, "--schema", &own, "--out", text(&place), "--input"];
    run(&[&by_own[..], &[&credit("sound")]].concat());
    assert_eq!(read(&place)["words"], by_draft);
    fs::remove_file(&out).unwrap();

    // Floats by the model's first node.
    let digits = desk.path("digits.zkv");
    let words = ["keygen", &model("digits_mlp"), "--unsafe-dev-srs", "--format", "packed"];
    let name = run(&["inspect", &model("digits_mlp")])["inputs"][0]["name"].clone();
    let told = format!("{}=committed", name.as_str().unwrap());
    run(&[&words[..], &["--input", &told, "--out", text(&digits)]].concat());
    let begun = begin(text(&digits));
    let field = &begun["fields"][0];
    assert_eq!((&field["rounding"], &field["count"]), (&json!("nearest"), &json!(64)));
    let step: f32 = field["step"].as_str().unwrap().parse().unwrap();
    let values: Vec<f32> = (0..64u8).map(|at| f32::from(at) * 3.4 * step).collect();
    let [array, object] = [json!(values), json!({ name.as_str().unwrap(): values })];
    let [array, object] = [("a.json", array), ("o.json", object)]
        .map(|(file, json)| desk.write(file, json.to_string().as_bytes()));
    let places = ["floats.json", "units.json"].map(|file| desk.path(file));
    let commit = ["commit", text(&digits), "--input"];
    run(&[&commit[..], &[text(&array), "--out", text(&places[0])]].concat());
    let more = [text(&object), "--out", text(&places[1]), "--schema", text(&out)];
    run(&[&commit[..], &more].concat());
    let [floats, units] = places.map(|place| read(&place)["words"].clone());
    assert_eq!(floats, units);
    let public = bundle(&desk, "p.zkv", &[]);
    let output = call(&["schema", "--of", &public, "--out", text(&desk.path("none.json"))]);
    assert_eq!(output.status.code(), Some(2));
    assert!(!desk.path("none.json").exists());
}

/// A model that makes reals of whole numbers of dollars, months and years itself, and quantizes those.
#[test]
fn integers_that_a_model_casts_and_quantizes_are_proved_as_it_does_so() {
    let desk = Desk::new();
    let to_float = Proto::default().text(1, "to").int(3, FLOAT).int(20, 2);
    let (means, spreads): ([f32; 3], [f32; 3]) = ([40.5, -3.0, 100.0], [0.371, 2.25, 0.017]);
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    let bytes = onnx::model(
        &[
            node("Cast", &["x"], "r").message(5, &to_float),
            node("Sub", &["r", "means"], "centred"),
            node("Mul", &["centred", "spreads"], "scaled"),
            node("QuantizeLinear", &["scaled", "s", "z"], "y"),
        ],
        &[
            tensor("means", FLOAT, &[3], &floats(&means)),
            tensor("spreads", FLOAT, &[3], &floats(&spreads)),
            onnx::scale(),
            tensor("z", INT8, &[], &[5]),
        ],
        &[value_info("x", INT8, &[1, 3])],
    );
    let onnx = desk.write("cast.onnx", &bytes);
    let inputs: Vec<[i32; 3]> = (-128..=127).map(|x| [x, x, x]).collect();
    let all = desk.write("all.json", json!(inputs).to_string().as_bytes());
    let answers = run(&["run", text(&onnx), "--input", text(&all)]);
    let expected = |inputs: [i32; 3]| -> Vec<i32> {
        let one = |at: usize| {
            let real = (inputs[at] as f32 - means[at]) * spreads[at] / 0.5;
            (real.round_ties_even() as i32 + 5).clamp(-128, 127)
        };
        (0..3).map(one).collect()
    };
    for (inputs, answer) in inputs.iter().zip(answers["inferences"].as_array().unwrap()) {
        assert_eq!(answer["outputs"]["y"]["quantized"], json!(expected(*inputs)), "{inputs:?}");
    }
    let keys = desk.path("cast.zkv");
    let words = ["keygen", text(&onnx), "--unsafe-dev-srs", "--format", "packed"];
    run(&[&words[..], &["--input", "x=committed", "--out", text(&keys)]].concat());
    let [schema, place, proof] = ["s.json", "c.json", "p.json"].map(|name| desk.path(name));
    run(&["schema", "--of", text(&keys), "--out", text(&schema)]);
    let begun = read(&schema);
    assert_eq!(
        (&begun["fields"][0]["step"], &begun["fields"][0]["offset"]),
        (&json!("1"), &json!("0"))
    );
    let data = desk.write("data.json", br#"{"x": [73, "-11", 1.2e2]}"#);
    let words = ["commit", text(&keys), "--input", text(&data), "--schema", text(&schema)];
    run(&[&words[..], &["--out", text(&place)]].concat());
    run(&["prove", text(&keys), "--input-commitment", text(&place), "--out", text(&proof)]);
    let verified = run(&["verify", text(&keys), text(&proof)]);
    assert_eq!(verified["outputs"]["y"]["quantized"], json!(expected([73, -11, 120])));
    let certificate = desk.path("certificate.json");
    run(&["certify", text(&keys), "--model", text(&onnx), "--out", text(&certificate)]);
}
