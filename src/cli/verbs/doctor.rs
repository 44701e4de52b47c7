//! `doctor`: what this machine has of what the path needs, and how to get what it has not.

use crate::chain::{ANVIL_VARIABLE, KEYSTORE_PASSWORD_VARIABLE, PRIVATE_KEY_VARIABLE, find_anvil};
use crate::cli::{Answer, CliError, Console};
use crate::proving::CEREMONIES;
use crate::solidity::SolidityCompiler;
use serde::Serialize;
use std::fmt;

/// What `doctor` takes.
#[derive(clap::Args)]
pub struct Args {}

/// Whether something is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// It is.
    Here,
    /// Something else does instead.
    Replaced,
    /// It is not.
    Missing,
}

#[derive(Serialize)]
struct Check {
    what: &'static str,
    state: State,
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

#[derive(Serialize)]
struct Report {
    checks: Vec<Check>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { what, state, found, hint } in &self.checks {
            let mark = match state {
                State::Here => "yes",
                State::Replaced => "–",
                State::Missing => "no",
            };
            writeln!(f, "{mark:<4} {what:<10} {found}")?;
            if let Some(hint) = hint {
                writeln!(f, "                {hint}")?;
            }
        }
        Ok(())
    }
}

fn compiler() -> Check {
    let what = "compiler";
    match SolidityCompiler::find() {
        Ok(compiler) => {
            let identity = compiler.identity();
            let found = format!("solc {} at {}", identity.version, identity.path.display());
            Check { what, state: State::Here, found, hint: None }
        }
        Err(error) => Check {
            what,
            state: State::Missing,
            found: error.to_string(),
            hint: Some(
                "`render`, `gas` and `deploy` need it: run `npm install` in this package, put `solc` on the PATH, or give --solc".into(),
            ),
        },
    }
}

fn anvil() -> Check {
    let what = "anvil";
    match find_anvil() {
        Ok(path) => {
            Check { what, state: State::Here, found: path.display().to_string(), hint: None }
        }
        Err(_) => Check {
            what,
            state: State::Replaced,
            found: "none; a chain in this process takes its place".into(),
            hint: Some(format!(
                "name one in {ANVIL_VARIABLE}, or install Foundry, for a chain that other programs reach"
            )),
        },
    }
}

fn string() -> Check {
    Check {
        what: "string",
        state: State::Replaced,
        found: "`keygen` asks for one with --srs; --unsafe-dev-srs needs none, and proves nothing"
            .into(),
        hint: Some(CEREMONIES.into()),
    }
}

/// What the system says of its memory: megabytes that can be had.
fn available_megabytes() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? >> 10)
}

fn machine() -> Check {
    let cores = std::thread::available_parallelism().map_or(1, |count| count.get());
    let memory = available_megabytes()
        .map_or_else(|| "memory that nothing is known of".into(), |mb| format!("{mb} MB free"));
    #[cfg(target_arch = "x86_64")]
    let is_fast = std::arch::is_x86_feature_detected!("avx512ifma");
    #[cfg(not(target_arch = "x86_64"))]
    let is_fast = false;
    let fast =
        if is_fast { "AVX-512 IFMA" } else { "no AVX-512 IFMA, without which proofs take longer" };
    Check {
        what: "machine",
        state: State::Here,
        found: format!("{cores} cores, {memory}, {fast}"),
        hint: Some("`inspect MODEL` says what its proofs take".into()),
    }
}

/// Which variables are set; what secrets are is said to nobody.
fn environment() -> Check {
    let known = [PRIVATE_KEY_VARIABLE, KEYSTORE_PASSWORD_VARIABLE, ANVIL_VARIABLE];
    let set: Vec<&str> =
        known.into_iter().filter(|name| std::env::var_os(name).is_some()).collect();
    let state = if set.contains(&PRIVATE_KEY_VARIABLE) { State::Here } else { State::Replaced };
    Check {
        what: "signing",
        state,
        found: if set.is_empty() {
            "no variable of this program is set".into()
        } else {
            format!("set: {}", set.join(", "))
        },
        hint: (state != State::Here).then(|| {
            format!("`deploy --rpc-url` and `submit --rpc-url` sign with --keystore, --ledger or {PRIVATE_KEY_VARIABLE}")
        }),
    }
}

/// Looks around. No where something is missing that nothing replaces.
pub fn run(_: &Args, console: &Console) -> Result<Answer, CliError> {
    let stage = console.stage("looking for programs");
    let checks = vec![compiler(), anvil(), string(), machine(), environment()];
    drop(stage);
    let is_whole = checks.iter().all(|check| check.state != State::Missing);
    console.result(&Report { checks })?;
    Ok(if is_whole { Answer::Yes } else { Answer::No })
}
