//! Each module uses the ones before it on the path and knows nothing of the ones after it.

use super::keyed::ROOT;
use std::path::{Path, PathBuf};

/// Which modules each may use.
const ALLOWED: [(&str, &[&str]); 7] = [
    ("model", &[]),
    ("circuit", &["model"]),
    ("proving", &["model", "circuit"]),
    ("solidity", &["proving"]),
    ("evm", &["solidity"]),
    ("chain", &["solidity"]),
    ("cli", &["model", "circuit", "proving", "solidity", "evm", "chain"]),
];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    let below = folders.iter().flat_map(|folder| rust_files(folder));
    files.into_iter().filter(is_rust).chain(below).collect()
}

#[test]
fn imports_go_one_way() {
    let source = Path::new(ROOT).join("src");
    for (module, allowed) in ALLOWED {
        let files = rust_files(&source.join(module));
        assert!(!files.is_empty(), "{module} has no files");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for used in text.split("crate::").skip(1) {
                let end = used.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let used = &used[..end.unwrap_or(used.len())];
                let is_module = ALLOWED.iter().any(|(name, _)| *name == used);
                assert!(
                    !is_module || used == module || allowed.contains(&used),
                    "{}: {module} may not use {used}",
                    file.display()
                );
            }
            assert!(
                !text.contains("use crate::{"),
                "{}: imports of several modules at once hide from this test",
                file.display()
            );
        }
    }
}

/// The paths that a file imports from its circuit, each from `circuit` on.
fn imported(text: &str, own: &[String]) -> Vec<Vec<String>> {
    let mut paths = Vec::new();
    for item in text.split("\nuse ").skip(1) {
        let item = item.split(';').next().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        paths.extend(expanded(&item.replace(' ', "")));
    }
    let absolute = |path: Vec<String>| match path[0].as_str() {
        "crate" if path.get(1).is_some_and(|module| module == "circuit") => {
            Some(path[2..].to_vec())
        }
        "super" => {
            let up = path.iter().take_while(|name| *name == "super").count();
            let base = own.len().checked_sub(up)?;
            Some([&own[..base], &path[up..]].concat())
        }
        _ => None,
    };
    paths.into_iter().filter_map(absolute).collect()
}

/// The paths of a tree of imports: `a::{b,c::d}` is `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<Vec<String>> {
    let Some((before, inner)) = tree.split_once('{') else {
        return vec![tree.split("::").map(str::to_owned).collect()];
    };
    let inner = inner.strip_suffix('}').unwrap();
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.flat_map(|part| expanded(&format!("{before}{part}"))).collect()
}

#[test]
fn files_of_the_circuit_import_each_other_in_no_circle() {
    let folder = Path::new(ROOT).join("src/circuit");
    let module = |file: &PathBuf| -> Vec<String> {
        let path = file.strip_prefix(&folder).unwrap().with_extension("");
        path.iter().map(|name| name.to_str().unwrap().to_owned()).filter(|n| n != "mod").collect()
    };
    let files: Vec<(PathBuf, Vec<String>)> =
        rust_files(&folder).into_iter().map(|file| (file.clone(), module(&file))).collect();
    // A `mod.rs` only puts together what is below it; tests may know everything.
    let is_leaf = |(file, module): &&(PathBuf, Vec<String>)| {
        !file.ends_with("mod.rs") && !module.iter().any(|name| name == "tests")
    };
    let mut left: Vec<(Vec<String>, Vec<Vec<String>>)> = files
        .iter()
        .filter(is_leaf)
        .map(|(file, module)| {
            (module.clone(), imported(&std::fs::read_to_string(file).unwrap(), module))
        })
        .collect();
    assert!(left.iter().any(|(_, imports)| !imports.is_empty()));
    // Files that import none of those left are taken away, until none is left.
    while !left.is_empty() {
        let names: Vec<Vec<String>> = left.iter().map(|(name, _)| name.clone()).collect();
        let waits = |(own, imports): &(Vec<String>, Vec<Vec<String>>)| {
            imports
                .iter()
                .any(|path| names.iter().any(|name| name != own && path.starts_with(name)))
        };
        let before = left.len();
        left.retain(waits);
        assert!(left.len() < before, "a circle among {names:?}");
    }
}
