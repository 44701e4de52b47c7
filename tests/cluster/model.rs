//! What docs/scaling.md reckons with; needs no server.

use super::{ROOT, text};
use std::path::Path;
use std::process::Command;

fn script(arguments: &[&str]) -> String {
    let script = Path::new(ROOT).join("script/cluster_model.py");
    let output = Command::new("python3").arg(text(&script)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn queues_are_as_simulated_and_the_page_shows_what_is_reckoned() {
    let checked = script(&["--check"]);
    assert!(checked.lines().count() > 15, "{checked}");
    let page = include_str!("../../docs/scaling.md");
    assert!(page.contains(&script(&[])), "docs/scaling.md shows another table");
}
