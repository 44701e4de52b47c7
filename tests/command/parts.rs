//! Models in parts, all the way: `keygen --segments`, `prove`, `verify`, and the contracts.

use super::{Desk, document, fails, model, refused, run, text};
use serde_json::{Value, json};
use std::fs;

/// Bytes of a name.
const NAME: usize = 32;

fn bytes(file: &Value) -> Vec<u8> {
    let digits = file["proof"].as_str().unwrap().trim_start_matches("0x");
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn a_model_in_parts_is_one_bundle_one_proof_and_one_verdict() {
    let desk = Desk::new();
    let (onnx, keys) = (model("digits_cnn"), desk.path("parts.zkv"));
    let keys = text(&keys);
    let keygen = ["keygen", &onnx, "--unsafe-dev-srs", "--out", keys, "--segments"];
    let made = run(&[&keygen[..], &["3"]].concat());
    assert_eq!(made["parts"].as_array().unwrap().len(), 3);
    let crossing = |part: usize, way: &str| made["parts"][part][way].clone();
    assert_eq!((crossing(0, "takes"), crossing(2, "gives")), (json!([]), json!([])));
    assert_eq!(
        (crossing(1, "takes"), crossing(2, "takes")),
        (crossing(0, "gives"), crossing(1, "gives"))
    );

    let input = desk
        .write("x.json", json!((0..64).map(|i| i % 17).collect::<Vec<_>>()).to_string().as_bytes());
    let prove = |name: &str, context: u64| {
        let (out, context) = (desk.path(name), format!("0x{context:064x}"));
        let words =
            ["prove", keys, "--input", text(&input), "--context", &context, "--out", text(&out)];
        run(&words);
        (text(&out).to_owned(), document(&fs::read(out).unwrap()))
    };
    let (file, proof) = prove("p.json", 7);
    let (_, again) = prove("again.json", 7);
    let reference = run(&["run", &onnx, "--input", text(&input)]);
    assert_eq!(proof["inferences"], reference["inferences"]);
    let said =
        run(&["verify", keys, &file, "--model", &onnx, "--context", &format!("0x{:064x}", 7)]);
    assert_eq!((&said["valid"], &said["vk_digest"]), (&true.into(), &made["vk_digest"]));
    assert_eq!(said["model_digest"], made["model_digest"]);
    let other = refused(&["verify", keys, &file, "--model", &model("digits_mlp")]);
    assert!(other["reason"].as_str().unwrap().contains("is not that of the model"), "{other}");

    // On a chain of its own, with the contracts of all parts.
    let accepted = run(&["submit", keys, &file]);
    assert_eq!(
        (&accepted["valid"], &accepted["outputs"]),
        (&true.into(), &proof["inferences"][0]["outputs"])
    );

    // What the two proofs are made of, put together in other ways.
    let (own, others) = (bytes(&proof), bytes(&again));
    let names = 2 * NAME;
    assert!((0..2).all(|name| own[name * NAME..][..NAME] != others[name * NAME..][..NAME]));
    let end = own.len() - 1000;
    let swapped = [&own[NAME..names], &own[..NAME], &own[names..]].concat();
    let forged = [
        (swapped, "of part 0 of the model: commitment 0 of the proof is not the one"),
        ([&own[..end], &others[end..]].concat(), "of part 2 of the model: commitment 0"),
        (own[..end].to_vec(), "bytes, expected"),
        ([&others[..NAME], &own[NAME..]].concat(), "of part 0 of the model: commitment 0"),
    ];
    let mut file = String::new();
    for (forged, why) in forged {
        let hex: String = forged.iter().map(|byte| format!("{byte:02x}")).collect();
        let forged = json!({
            "format": "packed", "vk_digest": proof["vk_digest"], "proof": format!("0x{hex}"),
            "instances": proof["instances"],
        });
        file = text(&desk.write("forged.json", forged.to_string().as_bytes())).to_owned();
        let refused = refused(&["verify", keys, &file, "--trust-bundle"]);
        assert!(refused["reason"].as_str().unwrap().contains(why), "{refused}");
    }
    // The contract says the same.
    let verdict = refused(&["submit", keys, &file, "--trust-bundle"]);
    let wrong_name = json!(["0", "0xc484bc0c".to_owned() + &"0".repeat(64)]);
    assert_eq!(verdict["error"]["name"], "WrongPart");
    assert_eq!(verdict["error"]["arguments"], wrong_name);

    // A part's folder in the place of another's, and one of a bundle of another model.
    let folder = |number: usize| desk.path("parts.zkv").join(number.to_string());
    fs::rename(folder(1), desk.path("kept")).unwrap();
    fs::rename(folder(2), folder(1)).unwrap();
    fs::rename(desk.path("kept"), folder(2)).unwrap();
    for verb in [&["verify", keys, &file][..], &["render", keys], &["gas", keys, &file]] {
        assert!(fails(verb).contains("damaged"), "{verb:?}");
    }
    let refused = fails(&["commit", keys, "--input", text(&input), "--out", "c.json"]);
    assert!(refused.contains("is the bundle of a model in parts"), "{refused}");
}

#[test]
fn the_contracts_of_parts_are_rendered_measured_and_certified_as_one() {
    let desk = Desk::new();
    let (onnx, keys, out) = (model("digits_cnn"), desk.path("parts.zkv"), desk.path("contracts"));
    let (keys, out) = (text(&keys), text(&out));
    let keygen = ["keygen", &onnx, "--unsafe-dev-srs", "--out", keys, "--segments", "2"];
    let made = run(&keygen);
    let input = desk
        .write("x.json", json!((0..64).map(|i| i % 17).collect::<Vec<_>>()).to_string().as_bytes());
    let file = desk.path("p.json");
    let file = text(&file);
    run(&["prove", keys, "--input", text(&input), "--out", file]);
    let accepted = run(&["submit", keys, file]);

    // All contracts, where `deploy` and `submit` put them.
    let rendered = run(&["render", keys, "--out", out]);
    assert_eq!(
        (&rendered["address"], &rendered["name"]),
        (&accepted["verifier"], &json!("DigitsCnnVerifier"))
    );
    assert_eq!(
        (rendered["key"].clone(), rendered["parts"].as_array().unwrap().len()),
        (Value::Null, 2)
    );
    for (number, part) in rendered["parts"].as_array().unwrap().iter().enumerate() {
        assert_eq!(part["name"], format!("DigitsCnnPart{}Verifier", number + 1));
        for written in ["contract", "abi", "bytecode", "standard_json", "key", "viem"] {
            assert!(fs::metadata(part[written].as_str().unwrap()).is_ok(), "{written}");
        }
        let whole = fs::read_to_string(rendered["contract"].as_str().unwrap()).unwrap();
        let address = part["address"].as_str().unwrap().trim_start_matches("0x").to_lowercase();
        assert!(whole.contains(&address), "{address}");
    }
    for written in ["contract", "abi", "bytecode", "standard_json", "io", "schema", "viem"] {
        assert!(fs::metadata(rendered[written].as_str().unwrap()).is_ok(), "{written}");
    }
    // Another salt puts all of them elsewhere.
    let salt = format!("0x{:064x}", 1);
    let other = ["--salt", &salt, "--name", "Mine"];
    let other = run(&[&["render", keys, "--out", out][..], &other].concat());
    assert_eq!((&other["salt"], &other["parts"][1]["name"]), (&json!(salt), &json!("MinePart2")));
    assert_ne!(other["parts"][0]["address"], rendered["parts"][0]["address"]);
    assert_ne!(other["address"], rendered["address"]);

    // The whole call, with what each part takes of it.
    let measured = run(&["gas", keys, file, "--fork", "osaka"]);
    let number = |value: &Value| value.as_i64().unwrap();
    let parts = measured["parts"].as_array().unwrap();
    let taken: i64 = parts.iter().map(|part| number(&part["gas"])).sum();
    let execution = number(&measured["execution"]);
    assert!(taken < execution && execution < taken + 150_000, "{measured}");
    let pairings: Vec<&Value> = measured["precompiles"].as_array().unwrap().iter().collect();
    let pairing = pairings.iter().find(|used| used["name"] == "ecPairing").unwrap();
    assert_eq!((&pairing["count"], parts.len()), (&json!(1), 2));
    assert_eq!(number(&measured["total"]), number(&accepted["gas_used"]));
    assert_eq!(
        measured["phases"].as_object().unwrap().values().map(number).sum::<i64>(),
        number(&measured["total"])
    );
    let batch = run(&["gas", keys, file, file, "--fork", "osaka"]);
    assert!(number(&batch["total"]) < 2 * number(&measured["total"]), "{batch}");
    // Another name for what crosses the cut.
    let proof = document(&fs::read(file).unwrap());
    let mut digits: Vec<char> = proof["proof"].as_str().unwrap().chars().collect();
    digits[65] = if digits[65] == '0' { '1' } else { '0' };
    let broken = json!({
        "format": "packed", "vk_digest": proof["vk_digest"], "instances": proof["instances"],
        "proof": digits.iter().collect::<String>(),
    });
    let broken = desk.write("broken.json", broken.to_string().as_bytes());
    let reason = refused(&["gas", keys, text(&broken)])["call"]["reason"].clone();
    assert!(reason.as_str().unwrap().contains("WrongPart"), "{reason}");

    // Each part for its part of the model, and all of them for the model.
    let certificate = desk.path("certificate.json");
    let certify = ["certify", keys, "--model", &onnx, "--out", text(&certificate)];
    let certified = run(&certify);
    assert_eq!((&certified["holds"], &certified["vk_digest"]), (&json!(true), &made["vk_digest"]));
    assert_eq!(certified["model_digest"], made["model_digest"]);
    for (number, part) in certified["parts"].as_array().unwrap().iter().enumerate() {
        let own = desk.path("parts.zkv").join((number + 1).to_string());
        let alone = run(&["certify", text(&own), "--model", &onnx, "--out", text(&certificate)]);
        assert_eq!((&alone, &part["holds"]), (part, &json!(true)));
    }
    fs::remove_file(&certificate).unwrap();
    let mut certify = certify;
    let mlp = model("digits_mlp");
    certify[3] = &mlp;
    let reason = refused(&certify);
    assert!(!certificate.exists(), "{reason}");
    assert_eq!((&reason["holds"], &reason["parts"]), (&json!(false), &json!([])));
}

#[test]
fn parts_that_cannot_be_are_refused() {
    let desk = Desk::new();
    let (onnx, keys) = (model("credit_logreg"), desk.path("none.zkv"));
    let keygen = |more: &[&str]| {
        fails(&[&["keygen", &onnx, "--unsafe-dev-srs", "--out", text(&keys)], more].concat())
    };
    for (more, why) in [
        (&["--segments", "40"][..], "no places to cut it at"),
        (&["--segments", "2", "--format", "halo2"], "halo2's format have none"),
        (&["--segments", "2", "--batch", "2"], "one inference at a time"),
        (&["--segments", "auto", "--max-memory", "1"], "no places to cut it at"),
    ] {
        let error = keygen(more);
        assert!(error.contains(why), "{error}");
    }
    assert!(!keys.exists());
}

/// Parts that are each kept below a bound, which the model in one is not.
#[test]
fn a_model_is_cut_into_as_few_parts_as_keep_the_bounds() {
    let desk = Desk::new();
    let (onnx, keys) = (model("lenet5"), desk.path("auto.zkv"));
    let plan = run(&["inspect", &onnx, "--optimize", "memory"])["plan"]["predicted"].clone();
    let bound = plan["memory_bytes"].as_u64().unwrap() * 9 / 10;
    let keygen = ["keygen", &onnx, "--unsafe-dev-srs", "--out", text(&keys), "--segments", "auto"];
    let made = run(&[&keygen[..], &["--max-memory", &bound.to_string()]].concat());
    let parts = made["parts"].as_array().unwrap();
    assert!((2..=3).contains(&parts.len()), "{made}");
    assert!(parts.iter().all(|part| part["memory_bytes"].as_u64().unwrap() <= bound), "{made}");
}
