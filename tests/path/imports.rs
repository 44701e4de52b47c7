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
