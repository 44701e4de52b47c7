//! The fixture's bytecode and source maps are those that the compiler gives.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use zkverdict::evm::{DebugInfo, EvmError, Experiment, Fork};

use crate::lab::{JSON, Lab, PIPELINES, SOURCES, unhex};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Runs solc (`npm ci` installs it) on standard JSON.
fn solc(input: &Value) -> Result<Value, EvmError> {
    Ok(compile("solc", input))
}

/// Runs one of the compilers in `tools`.
fn compile(compiler: &str, input: &Value) -> Value {
    let mut solc = Command::new(Path::new(ROOT).join("tools").join(compiler))
        .arg("--standard-json")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the compiler starts");
    let mut stdin = solc.stdin.take().expect("stdin is piped");
    stdin.write_all(input.to_string().as_bytes()).expect("solc reads its input");
    drop(stdin);
    let output = solc.wait_with_output().expect("solc ends");
    serde_json::from_slice(&output.stdout).expect("solc writes JSON")
}

fn input(via_ir: bool) -> Value {
    let sources: serde_json::Map<String, Value> = SOURCES
        .iter()
        .map(|(name, text)| (format!("{name}.sol"), json!({ "content": text })))
        .collect();
    json!({
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "viaIR": via_ir,
            "evmVersion": "paris",
            "metadata": { "bytecodeHash": "none" },
            "outputSelection": { "*": { "*": ["abi", "evm.bytecode.object"] } },
        },
    })
}

/// Compiles the fixture anew. `UPDATE_SNAPSHOTS=1` keeps the result.
#[test]
fn fixture_is_what_the_compiler_gives() {
    let mut all = json!({});
    for pipeline in PIPELINES {
        let input = input(pipeline == "via_ir");
        let output = solc(&input).unwrap();
        for (name, _) in SOURCES {
            let file = format!("{name}.sol");
            let contract = &output["contracts"][&file][name];
            let bytecode = contract["evm"]["bytecode"]["object"].as_str().unwrap();
            let code = unhex(bytecode);
            let debug = DebugInfo::from_compiler(&input, &file, name, &code, solc).unwrap();
            assert!(!debug.is_coarse);
            let own = debug.files.iter().find(|known| known.name == file).unwrap();
            all[pipeline][name] = json!({
                "id": own.id,
                "abi": contract["abi"],
                "bytecode": bytecode,
                "source_map": debug.source_map,
            });
        }
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let path = Path::new(ROOT).join("test/fixtures/gas/lab.json");
        let text = serde_json::to_string_pretty(&all).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    } else {
        assert!(all == serde_json::from_str::<Value>(JSON).unwrap(), "run with UPDATE_SNAPSHOTS=1");
    }
}

/// The oldest compiler that the contracts allow, and the newest.
#[test]
fn lines_inside_assembly_are_found_with_every_compiler() {
    // Without the optimizer the oldest one runs out of stack.
    for (compiler, optimizer) in [("solc-0.8.20", true), ("solc", true), ("solc", false)] {
        let mut input = input(true);
        input["settings"]["optimizer"]["enabled"] = optimizer.into();
        let output = compile(compiler, &input);
        let code = &output["contracts"]["Lab.sol"]["Lab"]["evm"]["bytecode"]["object"];
        let code = unhex(code.as_str().unwrap());
        let run = |input: &Value| Ok::<_, EvmError>(compile(compiler, input));
        let debug = DebugInfo::from_compiler(&input, "Lab.sol", "Lab", &code, run).unwrap();
        let report = Experiment::new(&code, &Lab::read("legacy").good_calldata())
            .with_debug_info(debug)
            .run(Fork::Prague)
            .unwrap();
        let line = Lab::line_of("staticcall(gas(), 0x08");
        let pairing = report.lines.iter().find(|known| known.line == line);
        assert!(
            pairing.is_some_and(|line| (113_000..114_000).contains(&line.gas)),
            "{compiler}, optimizer {optimizer}: {:?}",
            report.lines
        );
    }
}

#[test]
fn source_of_other_bytecode_is_refused() {
    let error = DebugInfo::from_compiler(&input(false), "Lab.sol", "Lab", &[0], solc).unwrap_err();
    assert_eq!(error, EvmError::OtherBytecode { contract: "Lab".to_owned() });
}

#[test]
fn compiler_errors_are_passed_on() {
    let mut broken = input(true);
    broken["sources"]["Lab.sol"]["content"] = json!("contract Lab {");
    let error = DebugInfo::from_compiler(&broken, "Lab.sol", "Lab", &[], solc).unwrap_err();
    let expected = "the compiler's output is not usable: Function, variable, struct or modifier";
    assert!(error.to_string().starts_with(expected), "{error}");
}
