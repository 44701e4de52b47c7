//! Files that would make the command wait, or work in vain.
#![cfg(unix)]

use super::{
    Desk, call, document, fails, model,
    onnx::{self, FLOAT, INT8, INT64, Proto, node, scale, tensor, value_info},
    text,
};
use std::{fs, path::PathBuf, process::Command};

/// A named pipe that nobody writes to.
fn pipe(path: PathBuf) -> PathBuf {
    let _ = fs::remove_file(&path);
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn nothing_is_waited_for() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let pipe_path = pipe(desk.path("pipe"));
    let (bundle, model, out) = (text(&bundle), model("credit_logreg"), desk.path("out"));
    let (pipe_text, out) = (text(&pipe_path), text(&out));
    let refused = |arguments: &[&str]| {
        let error = fails(arguments);
        assert!(error.contains("not a regular file"), "{arguments:?}: {error}");
    };
    refused(&["inspect", pipe_text]);
    refused(&["run", &model, "--input", pipe_text]);
    refused(&["keygen", &model, "--srs", pipe_text, "--out", out]);
    refused(&["prove", bundle, "--input", pipe_text, "--out", out]);
    refused(&["verify", bundle, pipe_text]);
    let external = Proto::default().text(1, "location").text(2, "pipe");
    let weights =
        Proto::default().int(1, 2).int(2, INT8).text(8, "w").message(13, &external).int(14, 1);
    let bytes = onnx::named("", &[node("Relu", &["w"], "y")], &[weights], &[], &["y"]);
    let file = desk.write("external.onnx", &bytes);
    let error = fails(&["inspect", text(&file)]);
    assert!(error.contains("cannot read its data from `pipe`"), "{error}");
    for name in ["srs.bin", "vk.bin", "model.onnx"] {
        pipe(PathBuf::from(bundle).join(name));
        refused(&["render", bundle]);
    }
}

/// Whoever shares a folder could put one there, old enough to be taken for left over.
#[test]
fn pipe_among_temporary_files_makes_nobody_wait() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    for name in [".zkverdict-folder/lock", ".zkverdict-file"] {
        let place = desk.path(name);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        pipe(place);
    }
    for name in [".zkverdict-folder", ".zkverdict-file"] {
        assert!(
            Command::new("touch")
                .args(["-d", "1970-01-02"])
                .arg(desk.path(name))
                .status()
                .unwrap()
                .success()
        );
    }
    assert!(desk.proof(&bundle, "credit_logreg").is_file());
}

/// Runs the command with a gigabyte of address space.
fn with_a_gigabyte(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new("sh")
        .args(["-c", "ulimit -v 1048576; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_zkverdict")])
        .args(arguments)
        .output()
        .unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn documents_take_no_memory_out_of_proportion() {
    let desk = Desk::new();
    let (bundle, model) = (desk.bundle("credit_logreg"), model("credit_logreg"));
    let out = desk.path("out");
    // Two bytes of these take 160 bytes of memory.
    let nested = format!("{}0{}", "[".repeat(100), "]".repeat(100));
    let brackets = |bytes: usize| format!("[{}]", vec![nested.as_str(); bytes / 202].join(","));
    let largest = desk.write("largest.json", brackets(8_000_000).as_bytes());
    let larger = desk.write("larger.json", brackets(30_000_000).as_bytes());
    // Twenty gigabytes of nothing.
    let hole = desk.path("hole.json");
    fs::File::create(&hole).unwrap().set_len(20 << 30).unwrap();
    for file in [&largest, &larger, &hole] {
        for words in [
            &["run", &model, "--input", text(file)][..],
            &["prove", text(&bundle), "--input", text(file), "--out", text(&out)],
            &["verify", text(&bundle), text(file)],
            &["inspect", text(file)],
        ] {
            let (code, said) = with_a_gigabyte(words);
            assert_eq!(code, Some(2), "{words:?}: {said}");
            assert!(said.starts_with("error") && !said.contains("panicked"), "{words:?}: {said}");
        }
    }
}

#[test]
fn model_that_no_circuit_has_room_for_is_refused_with_the_k_that_would_do() {
    let desk = Desk::new();
    let quantized = |shape: &[i64], operator: &str| {
        let nodes = [
            node("QuantizeLinear", &["x", "s"], "a"),
            node("DequantizeLinear", &["a", "s"], "b"),
            node(operator, &["b"], "c"),
            node("QuantizeLinear", &["c", "s"], "d"),
            node("DequantizeLinear", &["d", "s"], "y"),
        ];
        onnx::named("", &nodes, &[scale()], &[value_info("x", FLOAT, shape)], &["y"])
    };
    for (shape, operator, k) in
        [(&[64, 65_536][..], "Relu", "k = 23"), (&[1_024, 2_048], "Softmax", "k = 23")]
    {
        let file = desk.write("large.onnx", &quantized(shape, operator));
        let output = call(&["inspect", text(&file), "--format", "halo2"]);
        assert_eq!(output.status.code(), Some(2));
        let error = document(&output.stderr)["error"].as_str().unwrap().to_owned();
        assert!(error.contains(k) && error.contains("rows"), "{error}");
        // What is known of it is told all the same.
        let plan = &document(&output.stdout)["plan"];
        assert_eq!(plan["fits"], false);
        assert_eq!(format!("k = {}", plan["k_needed"]), k);
        let by_node = plan["by_node"].as_array().unwrap();
        let rows: u64 = by_node.iter().map(|node| node["rows"].as_u64().unwrap()).sum();
        assert_eq!(plan["rows_needed"], rows);
    }
}

#[test]
fn model_that_grows_out_of_a_small_file_is_refused_before_it_does() {
    let desk = Desk::new();
    let mut kernel = Proto::default().text(1, "kernel_shape").int(20, 7);
    for length in [64, 64] {
        kernel = kernel.int(8, length);
    }
    let pool = node("MaxPool", &["b"], "c").message(5, &kernel);
    let shape: Vec<u8> = [2_048_i64, 2_048].iter().flat_map(|dim| dim.to_le_bytes()).collect();
    let initializers = [scale(), tensor("shape", INT64, &[2], &shape)];
    let expand = node("Expand", &["b", "shape"], "c");
    for (shape, grows, k) in [(&[1, 1, 128, 128][..], pool, "k = 25"), (&[1, 1], expand, "k = 23")]
    {
        let nodes = [
            node("QuantizeLinear", &["x", "s"], "a"),
            node("DequantizeLinear", &["a", "s"], "b"),
            grows,
            node("QuantizeLinear", &["c", "s"], "d"),
            node("DequantizeLinear", &["d", "s"], "y"),
        ];
        let inputs = [value_info("x", FLOAT, shape)];
        let file =
            desk.write("grows.onnx", &onnx::named("", &nodes, &initializers, &inputs, &["y"]));
        let words = ["inspect", text(&file), "--format", "halo2"];
        let (code, said) = with_a_gigabyte(&words);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(k) && said.contains("rows"), "{said}");
    }
}
