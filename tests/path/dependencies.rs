//! What the package depends on: where it comes from, and under which licences. The lists are those of `deny.toml`.

use super::keyed::ROOT;
use serde_json::Value;
use std::process::Command;

fn file(name: &str) -> String {
    std::fs::read_to_string(format!("{ROOT}/{name}")).unwrap()
}

/// The texts in quotes between two marks of a file.
fn quoted<'a>(text: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let part = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    part.split('"').skip(1).step_by(2).collect()
}

#[test]
fn everything_comes_from_the_registry() {
    let deny = file("deny.toml");
    let allowed = quoted(&deny, "allow-registry = [", "]");
    let lock = file("Cargo.lock");
    for source in lock.lines().filter_map(|line| line.strip_prefix("source = ")) {
        let source = source.trim_matches('"');
        assert!(
            source.strip_prefix("registry+").is_some_and(|registry| allowed.contains(&registry)),
            "{source}"
        );
    }
    for banned in quoted(&deny, "deny = [\n", "]").into_iter().filter(|name| !name.is_empty()) {
        assert!(!lock.contains(&format!("name = \"{banned}\"\n")), "{banned}");
    }
}

/// Whether one of the choices of a licence expression is allowed in all its parts.
fn is_allowed(expression: &str, allowed: &[&str]) -> bool {
    let expression = expression.trim();
    // Splits outside parentheses.
    let split = |word: &str| -> Vec<String> {
        let (mut parts, mut depth) = (vec![String::new()], 0);
        for token in expression.replace('/', " OR ").split_inclusive(' ') {
            if depth == 0 && token.trim() == word {
                parts.push(String::new());
            } else {
                parts.last_mut().unwrap().push_str(token);
            }
            depth += token.matches('(').count();
            depth -= token.matches(')').count();
        }
        parts
    };
    for (word, all) in [("OR", false), ("AND", true)] {
        let parts = split(word);
        if parts.len() > 1 {
            let mut parts = parts.iter().map(|part| is_allowed(part, allowed));
            return if all { parts.all(|ok| ok) } else { parts.any(|ok| ok) };
        }
    }
    match expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => is_allowed(inner, allowed),
        None => allowed.contains(&expression),
    }
}

#[test]
fn licences_are_permissive() {
    let deny = file("deny.toml");
    let allowed = quoted(&deny, "\nallow = [", "]");
    let exceptions = quoted(&deny, "exceptions = [", "}]");
    // Only what this machine builds: the sources of other systems' packages need not be here.
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let rustc = String::from_utf8(rustc.stdout).unwrap();
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    // What only the Python package is built from may have to be fetched first.
    let arguments = ["metadata", "--format-version", "1", "--locked"];
    let metadata = Command::new(env!("CARGO"))
        .current_dir(ROOT)
        .args(arguments)
        .args(["--filter-platform", host])
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let licence = package["license"].as_str().unwrap_or_default();
        let is_exception = exceptions.chunks(2).any(|exception| exception == [name, licence]);
        assert!(is_exception || is_allowed(licence, &allowed), "{name}: `{licence}`");
    }
}

#[test]
fn expressions_of_licences_are_understood() {
    let allowed = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"];
    for good in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "ISC AND (MIT OR GPL-3.0)",
        "Apache-2.0 WITH LLVM-exception OR X",
    ] {
        assert!(is_allowed(good, &allowed), "{good}");
    }
    for bad in ["", "GPL-3.0", "MIT AND GPL-3.0", "ISC AND (GPL-3.0 OR X)", "(MIT OR X) AND Y"] {
        assert!(!is_allowed(bad, &allowed), "{bad}");
    }
}

/// Features are checked beside all dependencies: none may be forgotten there.
#[test]
fn all_optional_dependencies_stand_together() {
    let manifest = file("Cargo.toml");
    let mut together = quoted(&manifest, "_dependencies = [", "]");
    together.sort_unstable();
    let mut optional: Vec<String> = (manifest.lines())
        .filter(|line| line.contains("optional = true"))
        .map(|line| format!("dep:{}", line.split_once(" = ").unwrap().0))
        .collect();
    optional.sort_unstable();
    assert_eq!(together, optional);
}
