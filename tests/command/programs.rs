//! Programs that are run: none that somebody else has put in the way, and none that learns a secret.
#![cfg(unix)]

use super::{Desk, ROOT, command, document, run, text};
use std::{fs, os::unix::fs::PermissionsExt, path::Path};

const KEY: &str = "0x00000000000000000000000000000000000000000000000000000000deadbeef";

/// A script at a path that writes down what it knows, then is the package's compiler.
fn script(path: &Path, log: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let text = format!("#!/bin/sh\nenv >> '{}'\nexec '{ROOT}/tools/solc' \"$@\"\n", log.display());
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn compiler_in_the_working_directory_is_not_run() {
    let desk = Desk::new();
    let (bundle, log) = (desk.bundle("credit_logreg"), desk.path("log"));
    let folder = desk.path("cloned/contracts/src");
    fs::create_dir_all(&folder).unwrap();
    for place in ["cloned/tools/solc", "cloned/contracts/tools/solc", "cloned/contracts/src/solc"] {
        script(&desk.path(place), &log);
    }
    // An entry of the PATH that means the working directory, whatever that is.
    let path = format!("tools:.::{}", std::env::var("PATH").unwrap());
    let mut render = command(&["render", text(&bundle)]);
    render.current_dir(&folder).env("ZKVERDICT_PRIVATE_KEY", KEY).env("PATH", path);
    let output = render.output().unwrap();
    assert!(!log.exists(), "it ran: {}", fs::read_to_string(&log).unwrap());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(document(&output.stdout)["compiler"]["path"], format!("{ROOT}/tools/solc"));
}

#[test]
fn compiler_learns_no_secret_and_is_named_in_the_report() {
    let desk = Desk::new();
    let (bundle, log, solc) =
        (desk.bundle("credit_logreg"), desk.path("log"), desk.path("bin/solc"));
    script(&solc, &log);
    let mut render = command(&["render", text(&bundle), "--solc", text(&solc)]);
    let secrets =
        ["ZKVERDICT_PRIVATE_KEY", "AWS_SECRET_ACCESS_KEY", "NODE_OPTIONS", "LD_PRELOAD_X"];
    for secret in secrets {
        render.env(secret, if secret == "NODE_OPTIONS" { "--no-warnings" } else { KEY });
    }
    let output = render.output().unwrap();
    let report = document(&output.stdout);
    let known = fs::read_to_string(&log).unwrap();
    assert!(known.contains("PATH=") && !known.contains("deadbeef"), "{known}");
    assert!(secrets.iter().all(|secret| !known.contains(secret)), "{known}");
    assert_eq!(report["compiler"]["path"], text(&solc));
    assert!(report["compiler"]["version"].as_str().unwrap().starts_with("0.8."), "{report}");
    // The script changed nothing but the compiler's name.
    let own = run(&["render", text(&bundle)]);
    assert_eq!(own["code_hash"], report["code_hash"]);
    assert_ne!(own["compiler"]["hash"], report["compiler"]["hash"]);
}

#[test]
fn deployment_is_that_of_the_pinned_code_or_none() {
    let desk = Desk::new();
    let bundle = desk.bundle("credit_logreg");
    let planned = run(&["deploy", text(&bundle), "--dry-run"]);
    let hash = planned["code_hash"].as_str().unwrap();
    let deployed = run(&["deploy", text(&bundle), "--expect-code-hash", hash]);
    assert_eq!(
        (&deployed["code_hash"], &deployed["address"]),
        (&planned["code_hash"], &planned["address"])
    );
    assert!(deployed["compiler"]["hash"].as_str().unwrap().starts_with("0x"), "{deployed}");
    let error = super::fails(&["deploy", text(&bundle), "--expect-code-hash", KEY]);
    assert!(error.contains(hash), "{error}");
}

/// What is deployed stays for ever: a compiler that says something else the second time deploys nothing.
#[test]
fn compiler_that_changes_its_mind_deploys_nothing() {
    let desk = Desk::new();
    let (bundle, solc, asked) =
        (desk.bundle("credit_logreg"), desk.path("fickle"), desk.path("asked"));
    // From the second contract on, one byte more behind the code.
    let text_of_script = format!(
        "#!/bin/sh\n[ \"$1\" = --version ] && exec '{ROOT}/tools/solc' --version\n\
         if [ -e '{asked}' ]; then more=00; else touch '{asked}'; fi\n\
         '{ROOT}/tools/solc' \"$@\" | sed \"s/\\(\\\"object\\\": *\\\"[0-9a-f]*\\)\\\"/\\1$more\\\"/g\"\n",
        asked = asked.display()
    );
    fs::write(&solc, text_of_script).unwrap();
    fs::set_permissions(&solc, fs::Permissions::from_mode(0o755)).unwrap();
    let deploy = ["deploy", text(&bundle), "--solc", text(&solc)];
    let error = super::fails(&deploy);
    assert!(error.contains("different code of the same source"), "{error}");
    assert!(asked.is_file());
}
