//! Names that a model's author chose to do harm, all the way.

use super::{
    Desk, ROOT, call,
    hostile::{hostile_names, shows_all},
    onnx::{self, FLOAT, Proto, node, scale, value_info},
    run, said, text,
};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use zkverdict::{
    Bundle, ModelVerifier, Wishes, circuit::ModelCircuit, model::Model, proving::Srs,
    solidity::SolidityCompiler,
};

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

/// Where compiled contracts come from while many are rendered: this answers as the compiler did for one of them,
/// with the name that is asked for. All that is written is compiled together, for real, afterwards.
fn quick_compiler(desk: &Desk) -> std::path::PathBuf {
    let file = desk.write("reference.onnx", &model("reference", &["x".to_owned()]));
    let [bundle, out, answer] =
        ["reference.zkv", "reference", "answer"].map(|name| desk.path(name));
    run(&["keygen", text(&file), "--unsafe-dev-srs", "--out", text(&bundle)]);
    let rendered = run(&["render", text(&bundle), "--out", text(&out)]);
    let input = fs::read(rendered["standard_json"].as_str().unwrap()).unwrap();
    let compiler = SolidityCompiler::find().unwrap();
    let output = compiler.standard_json(&super::document(&input)).unwrap();
    fs::write(&answer, output.to_string()).unwrap();
    let script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 'Version: {}+quick' && exit\n\
         name=$(sed -n 's/.*\"\\([A-Za-z0-9_]*\\)\\.sol\".*/\\1/p' | head -n 1)\n\
         exec sed \"s/{}/$name/g\" '{}'\n",
        compiler.version(),
        rendered["name"].as_str().unwrap(),
        answer.display()
    );
    let path = desk.write("quick-solc", script.as_bytes());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// A contract of Foundry's whose names are what somebody else chose.
fn artifact(name: &str) -> Vec<u8> {
    // Returns nothing, whatever it is called with.
    json!({ "contractName": name, "abi": [], "bytecode": { "object": "0x60018060095f395ff300" } })
        .to_string()
        .into_bytes()
}

/// One name everywhere: of the model, of its parts, of a contract. Gives the Solidity that is written.
fn whole_path(
    desk: &Desk,
    (solc, srs): (&Path, &Srs),
    at: usize,
    name: &str,
) -> Vec<(String, String)> {
    let place = |what: &str| desk.path(&format!("{at}-{what}"));
    let part = if name.is_empty() { "x" } else { name }.to_owned();
    let (file, foreign) = (place("model.onnx"), place("artifact.json"));
    let onnx = model(name, &[part]);
    fs::write(&file, &onnx).unwrap();
    fs::write(&foreign, artifact(name)).unwrap();
    let [bundle, out, project] = ["model.zkv", "rendered", "project"].map(place);
    let [page, graph] = ["gas.html", "inspect.html"].map(place);
    // As `keygen` does, with one string for all.
    let model = Model::from_onnx("model", &onnx).unwrap();
    let circuit = ModelCircuit::new(&model, Wishes::default()).unwrap();
    let key = ModelVerifier::generate(Arc::new(model), &circuit, srs).unwrap();
    Bundle::create(&bundle, &onnx, &key, srs).unwrap();
    let calls: [&[&str]; 4] = [
        &["inspect", text(&file), "--html", text(&graph)],
        &["render", text(&bundle), "--out", text(&out), "--solc", text(solc)],
        &["init", text(&project), "--bundle", text(&bundle)],
        &["gas", "--contract", text(&foreign), "--calldata", "0x", "--html", text(&page)],
    ];
    for words in calls {
        let output = call(words);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(0), "{name:?}, {words:?}: {said}");
    }
    let written = files(&out).into_iter().chain(files(&project));
    let mut sources = vec![];
    for path in written.chain([page, graph]) {
        let content = fs::read_to_string(&path).unwrap();
        assert!(shows_all(&content.replace('\t', "")), "{name:?}: {}", path.display());
        let is_page = path.extension().is_some_and(|extension| extension == "html");
        assert!(!is_page || !content.contains("<script>alert"), "{name:?}");
        let inside = path.strip_prefix(desk.folder.path()).unwrap().to_str().unwrap();
        if inside.ends_with(".sol") {
            // One copy of the library will do.
            let unit = inside.split_once("/lib/").map_or(inside, |(_, library)| library);
            sources.push((unit.to_owned(), content));
        }
    }
    sources
}

/// Names on the whole path in one run of all tests: one of so many. `HOSTILE_NAMES=all` takes each.
const ONE_OF: usize = 4;

/// Names whose contracts the compiler takes at once: it has two gigabytes.
const AT_ONCE: usize = 16;

#[test]
fn hostile_names_go_the_whole_path_and_what_is_written_compiles() {
    let desk = Desk::new();
    let solc = quick_compiler(&desk);
    // The circuits of all these models are the same.
    let any = Model::from_onnx("model", &model("", &["x".to_owned()])).unwrap();
    let srs = Srs::unsafe_dev(ModelCircuit::new(&any, Wishes::default()).unwrap().k());
    let step = if std::env::var_os("HOSTILE_NAMES").is_some() { 1 } else { ONE_OF };
    let names: Vec<_> = hostile_names().into_iter().step_by(step).collect();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..thread_count() {
            scope.spawn(|| {
                loop {
                    let first = AT_ONCE * next.fetch_add(1, Ordering::Relaxed);
                    let Some(names) = names.get(first..) else { break };
                    let mut written = BTreeMap::new();
                    for (at, name) in (first..).zip(names.iter().take(AT_ONCE)) {
                        written.extend(whole_path(&desk, (&solc, &srs), at, name));
                    }
                    assert_compile(&written);
                }
            });
        }
    });
}

/// That these compile together, and hold what they should and nobody else's.
fn assert_compile(written: &BTreeMap<String, String>) {
    let content =
        |(unit, content): (&String, &String)| (unit.clone(), json!({ "content": content }));
    let sources: serde_json::Map<_, _> = written.iter().map(content).collect();
    let input = json!({
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "evmVersion": "cancun",
            "outputSelection": { "*": { "*": ["abi"] } },
        },
    });
    let output = SolidityCompiler::find().unwrap().standard_json(&input).unwrap();
    let errors = output["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let errors: Vec<_> = errors.iter().filter(|error| error["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    for unit in written.keys() {
        let contracts = output["contracts"][unit].as_object();
        assert!(contracts.is_none_or(|contracts| !contracts.contains_key("Pwned")), "{unit}");
        let is_own = unit.contains("-rendered/") || unit.contains("/src/");
        assert!(!is_own || contracts.is_some_and(|contracts| !contracts.is_empty()), "{unit}");
    }
}

fn thread_count() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get())
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
