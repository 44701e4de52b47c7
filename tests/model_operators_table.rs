//! The table of supported operators in the documentation is the one in the code.

#![allow(clippy::unwrap_used)]

use std::{fs, path::PathBuf};

use zkverdict::model::supported_operators;

const INTRODUCTION: &str = "\
# Supported operators

Made from the table in `src/model/import/operators.rs` by
`UPDATE=1 cargo test --test model_operators_table`.

An operator counts in its quantized form: between DequantizeLinear and QuantizeLinear, or as a node
that takes and gives integers. *Bit for bit*: the integers are those of onnxruntime's kernels (those that do
not saturate sums of 16 bits). *Within a step*: onnxruntime computes in floats there; the definition in
integers here agrees except where a value lies close to half a step.

";

#[test]
fn documentation_lists_what_the_code_supports() {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "docs", "operators.md"].iter().collect();
    let expected = format!("{INTRODUCTION}{}", supported_operators());
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &expected).unwrap();
    }
    let current = fs::read_to_string(&path).unwrap();
    assert_eq!(current, expected, "run `UPDATE=1 cargo test --test model_operators_table`");
}
