//! Each module uses the ones before it on the path and knows nothing of the ones after it; files of a module use each
//! other in one direction too.

use super::keyed::ROOT;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Which modules each may use.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("circuit", &["model"]),
    ("proving", &["model", "circuit"]),
    ("certify", &["model", "circuit", "proving"]),
    ("solidity", &["circuit", "proving"]),
    ("bundle", &["model", "circuit", "proving", "solidity"]),
    ("evm", &["solidity"]),
    ("chain", &["solidity"]),
    ("cluster", &["model", "circuit", "proving", "bundle"]),
    (
        "cli",
        &[
            "model", "circuit", "proving", "certify", "solidity", "bundle", "evm", "chain",
            "cluster",
        ],
    ),
];

/// Files that everybody may use, and that use none of the modules.
const LEAVES: [&str; 3] = ["name", "program", "regular_file"];

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
    let modules =
        ALLOWED.map(|(module, allowed)| (rust_files(&source.join(module)), module, allowed));
    let leaves = LEAVES.map(|leaf| (vec![source.join(format!("{leaf}.rs"))], leaf, &[][..]));
    for (files, module, allowed) in modules.into_iter().chain(leaves) {
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

/// A module by its path in the crate.
type Module = Vec<String>;

/// The files of the crate without comments and tests.
fn sources() -> BTreeMap<Module, String> {
    let source = Path::new(ROOT).join("src");
    let module = |file: &Path| -> Module {
        let parts = file.strip_prefix(&source).unwrap().with_extension("");
        let parts: Module = parts.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        match parts.split_last() {
            Some((last, folder)) if last == "mod" => folder.to_vec(),
            _ => parts,
        }
    };
    let text = |file: &Path| -> String {
        let text = std::fs::read_to_string(file).unwrap();
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        let lines = text[..end].lines().map(|line| line.split("//").next().unwrap_or_default());
        lines.collect::<Vec<_>>().join("\n")
    };
    let files = rust_files(&source).into_iter().map(|file| (module(&file), text(&file)));
    files.filter(|(module, _)| !module.iter().any(|part| part == "tests")).collect()
}

/// All paths of a `use`, braces resolved.
fn paths(tree: &str, before: &str, found: &mut Vec<String>) {
    let (mut depth, mut start) = (0, 0);
    let mut parts = vec![];
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&tree[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&tree[start..]);
    for part in parts.into_iter().map(str::trim).filter(|part| !part.is_empty()) {
        match part.split_once('{') {
            Some((head, rest)) => {
                let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
                paths(inner, &format!("{before}{head}"), found);
            }
            None => found.push(format!("{before}{part}")),
        }
    }
}

/// Every path that a file's text names, in imports and elsewhere.
fn named(text: &str) -> Vec<String> {
    let mut found = vec![];
    let mut rest = String::new();
    for statement in text.split_inclusive(';') {
        let words = statement.trim_start();
        match words
            .strip_prefix("use ")
            .or_else(|| statement.split_once("\nuse ").map(|(_, tree)| tree))
        {
            // What a folder's file passes on is not what it uses.
            Some(tree) => paths(tree.trim_end_matches(';'), "", &mut found),
            None if words.starts_with("pub") && words.contains(" use ") => {}
            None => rest += statement,
        }
    }
    let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    // `super::*` names nothing.
    let names = |word: &&str| word.contains("::") && !word.ends_with("::");
    found.extend(rest.split(|c| !is_path(c)).filter(names).map(str::to_owned));
    found
}

/// Whether a file defines a name.
fn defines(text: &str, name: &str) -> bool {
    ["struct", "enum", "trait", "fn", "const", "type", "static"].iter().any(|kind| {
        text.match_indices(&format!("{kind} {name}")).any(|(at, found)| {
            let after = text[at + found.len()..].chars().next();
            after.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_')
        })
    })
}

/// The file that a path means, seen from a module.
fn resolve(sources: &BTreeMap<Module, String>, from: &Module, path: &str) -> Option<Module> {
    let mut parts =
        path.split("::").map(|part| part.split(" as ").next().unwrap_or(part).trim()).peekable();
    let mut module = from.clone();
    match parts.peek()? {
        &"crate" => {
            module.clear();
            parts.next();
        }
        &"self" => drop(parts.next()),
        &"super" => {
            while parts.next_if_eq(&"super").is_some() {
                module.pop();
            }
        }
        first => {
            module.push((*first).to_owned());
            sources.get(&module)?;
            module.pop();
        }
    }
    let mut name = None;
    for part in parts {
        module.push(part.to_owned());
        if !sources.contains_key(&module) {
            module.pop();
            name = Some(part);
            break;
        }
    }
    let Some(name) = name else { return Some(module) };
    let own = sources.get(&module)?;
    // A folder's file passes on what the files in the folder define.
    let is_inside = |other: &&Module| other.len() == module.len() + 1 && other.starts_with(&module);
    let inside = sources.keys().filter(is_inside).find(|inside| defines(&sources[*inside], name));
    Some(inside.filter(|_| !defines(own, name)).cloned().unwrap_or(module))
}

/// Files that import each other, directly or through others. A folder's own file, which names those in it, is no part of
/// a circle.
fn circles() -> Vec<BTreeSet<Module>> {
    let sources = sources();
    let is_folder = |module: &Module| {
        sources.keys().any(|other| other.len() > module.len() && other.starts_with(module))
    };
    let uses: BTreeMap<&Module, BTreeSet<Module>> = sources
        .iter()
        .filter(|(module, _)| !is_folder(module))
        .map(|(module, text)| {
            let used = named(text).into_iter().filter_map(|path| resolve(&sources, module, &path));
            (module, used.filter(|used| used != module && !is_folder(used)).collect())
        })
        .collect();
    let reached = |from: &Module| {
        let (mut reached, mut waiting) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = waiting.pop() {
            for used in uses.get(&module).into_iter().flatten() {
                if reached.insert(used.clone()) {
                    waiting.push(used.clone());
                }
            }
        }
        reached
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> =
        uses.keys().map(|&module| (module, reached(module))).collect();
    let circle = |module: &Module| -> BTreeSet<Module> {
        let back =
            |other: &&Module| all.get(*other).is_some_and(|reached| reached.contains(module));
        all[module].iter().filter(back).cloned().collect()
    };
    let circles: BTreeSet<BTreeSet<Module>> = uses.keys().map(|&module| circle(module)).collect();
    circles.into_iter().filter(|circle| circle.len() > 1).collect()
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    let circles = circles();
    assert!(circles.is_empty(), "{circles:?}");
}

#[test]
fn circles_are_found() {
    // The first and the last of three files of the solidity module as it once was.
    let mut found = vec![];
    paths(
        "super::{\n    SolidityError,\n    gas::{self, Cost}, layout::Ptr as P }",
        "",
        &mut found,
    );
    assert_eq!(
        found,
        ["super::SolidityError", "super::gas::self", "super::gas::Cost", "super::layout::Ptr as P"]
    );
    let sources = sources();
    let solidity = |file: &str| vec!["solidity".to_owned(), file.to_owned()];
    let seen = |path: &str| resolve(&sources, &solidity("gas"), path).unwrap();
    assert_eq!(seen("super::SolidityError"), solidity("error"));
    assert_eq!(seen("super::yul_cost::Cost"), solidity("yul_cost"));
    assert_eq!(seen("super::contract"), solidity("contract"));
    assert_eq!(seen("crate::proving::vk_digest"), ["proving", "digest"]);
}
