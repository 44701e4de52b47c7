//! Names that a model's author chose to do harm, all the way.

use super::{
    Desk, ROOT, call,
    hostile::{hostile_names, shows_all},
    onnx::{self, FLOAT, Proto, node, scale, value_info},
    run, text,
};
use serde_json::json;
use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use zkverdict::{model::Model, solidity::SolidityCompiler};

/// A model that quantizes its inputs and gives them back without what is below zero; its parts are called after
/// `names`.
fn model(graph: &str, names: &[String]) -> Vec<u8> {
    let (mut nodes, mut inputs, mut outputs): (Vec<Proto>, Vec<Proto>, Vec<String>) =
        Default::default();
    for name in names {
        let chain =
            ["QuantizeLinear", "DequantizeLinear", "Sigmoid", "QuantizeLinear", "DequantizeLinear"];
        let mut value = name.clone();
        for (i, operator) in chain.into_iter().enumerate() {
            let next = format!("{name}{i}");
            let takes: &[&str] = if operator == "Sigmoid" { &[&value] } else { &[&value, "s"] };
            nodes.push(node(operator, takes, &next).text(3, name));
            value = next;
        }
        inputs.push(value_info(name, FLOAT, &[1, 2]));
        outputs.push(value);
    }
    let outputs: Vec<&str> = outputs.iter().map(String::as_str).collect();
    onnx::named(graph, &nodes, &[scale()], &inputs, &outputs)
}

/// What a call said, which has to show all that is in it.
fn said(output: &Output) -> String {
    let said = [output.stdout.as_slice(), &output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(shows_all(&said), "{}", said.escape_debug());
    assert!(matches!(output.status.code(), Some(0 | 2)), "{:?}: {said}", output.status);
    said
}

#[test]
fn hostile_names_are_read_and_told_without_doing_anything() {
    for (i, name) in hostile_names().into_iter().enumerate() {
        let tell = |bytes: &[u8]| Model::from_onnx(&name, bytes).map(|model| format!("{model:?}"));
        // Without a name, an input is none.
        let names = [if name.is_empty() { "x".to_owned() } else { name.clone() }];
        let model = Model::from_onnx(&name, &model(&name, &names)).unwrap();
        for told in [&model.name, &model.inputs[0].name, &model.graph.nodes[0].name] {
            assert!(shows_all(told) && told.len() <= 256, "name {i}: {}", told.escape_debug());
        }
        let x = value_info("x", FLOAT, &[1]);
        let wrong = [
            onnx::named(&name, &[node(&name, &["x"], "y")], &[], std::slice::from_ref(&x), &["y"]),
            onnx::named(&name, &[node("Relu", &[&name], "y").text(3, &name)], &[], &[], &["y"]),
            onnx::named(&name, &[], &[], &[value_info(&name, FLOAT, &[-1])], &[&name]),
            onnx::named(&name, &[node("Relu", &["x"], "y")], &[], &[x], &[&format!("{name}?")]),
        ];
        for bytes in wrong {
            let error = tell(&bytes).unwrap_err().to_string();
            assert!(shows_all(&error) && error.len() < 2_000, "name {i}: {}", error.escape_debug());
        }
    }
}

#[test]
fn inspect_shows_hostile_names_in_text_and_json() {
    let desk = Desk::new();
    for names in hostile_names().chunks(25) {
        let file = desk.write("x.onnx", &model(&names[0], names));
        let arguments = ["inspect", text(&file)];
        said(&call(&arguments));
        let plain = Command::new(env!("CARGO_BIN_EXE_zkverdict")).args(arguments).output().unwrap();
        assert_eq!(plain.status.code(), Some(0), "{}", said(&plain));
        said(&plain);
    }
}

/// From keys to a project of one's own, with everything called in the worst way.
#[test]
fn contracts_and_projects_of_hostile_names_compile() {
    let desk = Desk::new();
    let worst: Vec<String> =
        hostile_names().into_iter().filter(|name| name.contains("Pwned")).collect();
    for (i, name) in [&worst[30], &"Inference".to_owned()].into_iter().enumerate() {
        let file = desk.write("x.onnx", &model(name, &worst[i..i + 1]));
        let [bundle, out, project] =
            ["x.zkv", "out", "project"].map(|name| desk.path(&format!("{i}{name}")));
        let page = desk.path("gas.html");
        run(&["keygen", text(&file), "--unsafe-dev-srs", "--out", text(&bundle)]);
        let rendered = run(&["render", text(&bundle), "--out", text(&out)]);
        assert_compiles(Path::new(rendered["io"].as_str().unwrap()));
        let proof = desk.path("proof.json");
        let input = desk.write("input.json", b"[1, -1]");
        run(&["prove", text(&bundle), "--input", text(&input), "--out", text(&proof)]);
        run(&["gas", text(&bundle), text(&proof), "--html", text(&page)]);
        run(&["init", text(&project), "--bundle", text(&bundle)]);
        for file in files(&out).into_iter().chain(files(&project)).chain([page]) {
            let content = String::from_utf8(fs::read(&file).unwrap()).unwrap();
            assert!(shows_all(&content.replace('\t', "")), "{}", file.display());
        }
        let forge = Command::new(Path::new(ROOT).join("tools/forge"))
            .args(["test", "--root", text(&project)])
            .output()
            .unwrap();
        assert!(forge.status.success(), "{}", String::from_utf8_lossy(&forge.stdout));
    }
}

fn assert_compiles(file: &Path) {
    let source = fs::read_to_string(file).unwrap();
    let input = json!({
        "language": "Solidity",
        "sources": { "Io.sol": { "content": source } },
        "settings": { "outputSelection": { "*": { "*": ["abi"] } } },
    });
    let output = SolidityCompiler::find().unwrap().standard_json(&input).unwrap();
    let contracts = output["contracts"]["Io.sol"].as_object();
    assert_eq!(contracts.map_or(0, |contracts| contracts.len()), 1, "{output}");
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let below = folders.iter().flat_map(|folder| self::files(folder));
    files.into_iter().chain(below).collect()
}
