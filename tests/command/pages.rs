//! The pages of the guide and of the reference: their commands are run, and what they show is what these print.
//!
//! A page's blocks of `sh` are run in order in a folder of their own, which has the files that comments of the page name. A block of
//! `text` behind one shows its standard output, all of it or, up to a line of `…`, its beginning. With UPDATE_SNAPSHOTS=1 pages are
//! written anew.

use super::{Desk, ROOT, run};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How far numbers may be from those that a page shows: gas depends on the proof's bytes.
const NEAR: f64 = 0.02;

/// What follows a number that depends on the machine.
const UNITS: [&str; 3] = ["s", "s,", "MB"];

/// A fenced block of a page.
struct Block<'a> {
    language: &'a str,
    content: String,
}

/// The text before each block, and the blocks.
fn parts(page: &str) -> Vec<(String, Option<Block<'_>>)> {
    let (mut parts, mut text, mut lines) = (Vec::new(), String::new(), page.split_inclusive('\n'));
    while let Some(line) = lines.next() {
        match line.trim_end().strip_prefix("```") {
            Some(language) => {
                let content = lines.by_ref().take_while(|line| line.trim_end() != "```").collect();
                parts.push((std::mem::take(&mut text), Some(Block { language, content })));
            }
            None => text.push_str(line),
        }
    }
    parts.push((text, None));
    parts
}

/// Copies the files that comments name, `<!-- file NAME: PATH -->`, into a folder.
fn provide(page: &str, folder: &Path) {
    let named =
        page.lines().filter_map(|line| line.strip_prefix("<!-- file ")?.strip_suffix(" -->"));
    for (name, path) in named.map(|named| named.split_once(": ").unwrap()) {
        fs::copy(Path::new(ROOT).join(path), folder.join(name)).unwrap();
    }
}

/// What the commands of a block print.
fn printed(commands: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_zkverdict"));
    let paths = std::env::var_os("PATH").unwrap();
    let paths =
        [program.parent().unwrap().to_owned()].into_iter().chain(std::env::split_paths(&paths));
    let output = Command::new("sh")
        .args(["-euc", commands])
        .current_dir(folder)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .env("ZKVERDICT_ANVIL", "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{commands}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Whether a page may show one line for another: all but numbers is the same, and these are near.
fn is_alike(shown: &str, printed: &str) -> bool {
    let words =
        |line: &'_ str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
    let (shown, printed) = (words(shown), words(printed));
    let number = |word: &str| -> Option<f64> {
        word.trim_matches(|c: char| "(),".contains(c)).replace(',', "").parse().ok()
    };
    let is_near = |at: usize| {
        let depends = printed.get(at + 1).is_some_and(|unit| UNITS.contains(&unit.as_str()));
        match (number(&shown[at]), number(&printed[at])) {
            (Some(one), Some(other)) => depends || (one - other).abs() <= NEAR * other.abs(),
            _ => shown[at] == printed[at],
        }
    };
    shown.len() == printed.len() && (0..shown.len()).all(is_near)
}

/// Runs a page, and gives it as it should be.
fn walked(page: &str, desk: &Desk) -> String {
    provide(page, desk.folder.path());
    let (mut made, mut last) = (String::new(), None);
    for (text, block) in parts(page) {
        made.push_str(&text);
        let Some(Block { language, content }) = block else { break };
        let content = match language {
            "sh" => {
                last = Some(printed(&content, desk.folder.path()));
                content
            }
            "text" => {
                let printed = last.take().expect("text shows what the commands before it print");
                sample(&content, &printed)
            }
            _ => content,
        };
        made.push_str(&format!("```{language}\n{content}```\n"));
    }
    made
}

/// What a block of text should be, given what was printed.
fn sample(shown: &str, printed: &str) -> String {
    let lines: Vec<&str> = printed.lines().map(str::trim_end).collect();
    let shown: Vec<&str> = shown.lines().collect();
    let kept = match shown.iter().position(|line| *line == "…") {
        Some(kept) => &lines[..kept.min(lines.len())],
        None => &lines[..],
    };
    let is_whole = kept.len() == lines.len();
    let mut sample: Vec<&str> = kept.to_vec();
    if !is_whole {
        sample.push("…");
    }
    let is_same = sample.len() == shown.len()
        && sample.iter().zip(&shown).all(|(printed, shown)| is_alike(shown, printed));
    let chosen = if is_same { shown } else { sample };
    chosen.iter().map(|line| format!("{line}\n")).collect()
}

fn pages() -> Vec<PathBuf> {
    let folder = Path::new(ROOT).join("docs/guide");
    let mut pages: Vec<_> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    pages.sort();
    pages
}

/// Compares a page with what it should be, or writes it.
fn hold(path: &Path, made: &str) {
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, made).unwrap();
    }
    let found = fs::read_to_string(path).unwrap_or_default();
    let differs = found.lines().zip(made.lines()).find(|(found, made)| found != made);
    assert!(
        found == made,
        "{}: UPDATE_SNAPSHOTS=1 cargo test --test command pages; first difference: {differs:?}",
        path.display()
    );
}

#[test]
fn commands_of_the_guide_print_what_it_shows() {
    let pages = pages();
    assert!(pages.len() > 3, "{pages:?}");
    for path in pages {
        let page = fs::read_to_string(&path).unwrap();
        hold(&path, &walked(&page, &Desk::new()));
    }
}

#[test]
fn numbers_of_a_page_may_be_near_and_words_may_not() {
    assert!(is_alike("total  384,295 gas in 0.4 s", "total   383,001 gas in 7 s"));
    for other in
        ["total  334,295 gas in 0.4 s", "totals  384,295 gas in 0.4 s", "total  384,295 gas"]
    {
        assert!(!is_alike("total  384,295 gas in 0.4 s", other), "{other}");
    }
    assert_eq!(sample("a\n…\n", "a \nb\n"), "a\n…\n");
    assert_eq!(sample("a 1.00\n", "a 1.01\nb\n"), "a 1.01\nb\n");
}

/// The help of every verb, as one page.
#[test]
fn reference_has_every_verb() {
    let help = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_zkverdict"))
            .args(words)
            .env("COLUMNS", "100")
            .output()
            .unwrap();
        assert!(output.status.success());
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| format!("{}\n", line.trim_end())).collect::<String>()
    };
    let own = help(&["--help"]);
    let listed = own.split_once("Commands:").unwrap().1.split_once("Options:").unwrap().0;
    let verbs = listed.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let mut page = format!(
        "# Commands\n\nMade by a test (`UPDATE_SNAPSHOTS=1 cargo test --test command pages`): what `--help` says.\n\n```\n{own}```\n"
    );
    for verb in verbs.filter(|verb| !["", "help"].contains(verb)) {
        page.push_str(&format!("\n## {verb}\n\n```\n{}```\n", help(&[verb, "--help"])));
    }
    hold(&Path::new(ROOT).join("docs/reference/commands.md"), &page);
}

/// Every error of the contracts that come with the program, as one page.
#[test]
fn reference_has_every_error() {
    let meanings = run(&["explain"])["meanings"].clone();
    let field = |meaning: &Value, name: &str| meaning[name].as_str().map(str::to_owned);
    let row = |meaning: &Value| {
        let [error, selector, source] =
            ["error", "selector", "source"].map(|name| field(meaning, name));
        let said = field(meaning, "meaning").unwrap().replace('|', "\\|");
        Some(format!("| `{}` | `{}` | {said} | {} |\n", error?, selector?, source?))
    };
    let rows: Vec<String> = meanings.as_array().unwrap().iter().filter_map(row).collect();
    assert!(rows.len() > 80);
    let page = format!(
        "# Errors of contracts\n\nMade by a test (`UPDATE_SNAPSHOTS=1 cargo test --test command pages`): what `zkverdict explain` says. `zkverdict explain 0x…` \
         takes a selector, or a whole revert's data and shows its values.\n\n| error | selector | means | declared in |\n|---|---|---|---|\n{}",
        rows.concat()
    );
    hold(&Path::new(ROOT).join("docs/reference/errors.md"), &page);
}

/// The files of the book, below `docs`.
fn book(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { book(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// A heading as links call it.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().trim().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere_and_the_book_has_every_page() {
    let root = Path::new(ROOT);
    let mut pages = book(&root.join("docs"));
    pages.extend(["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root.join(name)));
    let mut broken = Vec::new();
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        let prose: String = parts(&text).into_iter().map(|(prose, _)| prose).collect();
        for link in prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (path, place) = link.split_once('#').unwrap_or((link, ""));
            let target =
                if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
            let content = fs::read_to_string(&target).unwrap_or_default();
            let mut headings = content.lines().filter(|line| line.starts_with('#'));
            let is_there = target.exists()
                && (place.is_empty()
                    || headings.any(|line| anchor(line.trim_start_matches('#')) == place));
            if !is_there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    let summary = fs::read_to_string(root.join("docs/SUMMARY.md")).unwrap();
    for page in book(&root.join("docs")) {
        let name = page.strip_prefix(root.join("docs")).unwrap().to_str().unwrap().to_owned();
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is in no chapter"
        );
    }
}
