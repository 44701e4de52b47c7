//! The command line: one verb per stage of the path.
//!
//! Standard output holds the result and nothing else; progress, warnings and hints go to standard
//! error. Exit codes: 0 yes, 1 no (the proof is not valid, a snapshot check failed), 2 could not tell;
//! `watch` also has 75, for trouble that passes.

#[cfg(feature = "compile")]
mod artifact;
mod bounds;
mod bundle;
#[cfg(all(feature = "compile", feature = "chain"))]
mod chain_args;
mod claims;
#[cfg(feature = "cluster")]
mod cluster_args;
mod commitments;
mod console;
mod context;
#[cfg(feature = "compile")]
mod contract;
#[cfg(all(feature = "compile", feature = "chain"))]
mod contracts;
mod error;
mod examples;
mod input;
mod log;
#[cfg(feature = "compile")]
mod path;
#[cfg(all(test, feature = "compile"))]
mod prediction;
#[cfg(all(feature = "compile", feature = "chain"))]
mod project;
mod proof_file;
mod prover_args;
#[cfg(all(test, feature = "compile"))]
mod random_graphs;
#[cfg(feature = "compile")]
mod rendered;
mod schema;
mod segments;
mod statement;
#[cfg(feature = "compile")]
mod usage;
mod verbs;
mod wishes;

use crate::bundle::files;
use clap::{FromArgMatches, Parser};
use std::ffi::OsString;
use std::process::ExitCode;

use console::Console;
use error::CliError;
#[cfg(all(feature = "compile", feature = "chain"))]
use examples::EXIT_CODES;

/// Verify the answers of quantized ONNX models on EVM chains.
#[derive(Parser)]
#[command(name = "zkverdict", version, max_term_width = 100)]
struct Cli {
    /// Print one JSON document instead of text; errors become JSON too
    #[arg(long, global = true)]
    json: bool,

    /// No progress, warnings or hints
    #[arg(long, short, global = true)]
    quiet: bool,

    /// Say what happens in lines for a log, with warnings and hints, also where nobody watches
    #[arg(long, global = true, value_name = "FORM", value_enum)]
    log: Option<log::Form>,

    #[command(subcommand)]
    verb: verbs::Verb,
}

/// What a verb found out, when it could tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// The proof is valid, the file is written, the check holds.
    Yes,
    /// The proof is not valid, the check failed.
    No,
    /// Trouble that passes, said already: a supervisor starts the loop again.
    #[cfg_attr(not(all(feature = "compile", feature = "chain")), allow(dead_code))]
    Later,
}

/// What a supervisor takes for "try again later" (`EX_TEMPFAIL`).
const LATER: u8 = 75;

/// Runs the command and says how it went.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().collect()))
}

/// The same with arguments of choice, the command's name first; gives the exit code. For a process of its own: it takes over
/// what interruptions do.
pub fn run(arguments: Vec<OsString>) -> u8 {
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let parsed = examples::command().try_get_matches_from(arguments);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, wants_json),
    };
    files::clean_up_when_interrupted();
    let console = Console::new(cli.json, cli.quiet, cli.log);
    crate::proving::on_warning(move |message| console.warn(message));
    match caught(|| verbs::run(cli.verb, &console)) {
        Ok(Answer::Yes) => 0,
        Ok(Answer::No) => 1,
        Ok(Answer::Later) => LATER,
        Err(error) => {
            console.error(&error);
            2
        }
    }
}

/// What a verb found out, or that it panicked: libraries do on some bytes from outside.
fn caught(verb: impl FnOnce() -> Result<Answer, CliError>) -> Result<Answer, CliError> {
    // Said once, as every other error; where it happened only to whoever asks for that.
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|wanted| wanted == "0") {
        std::panic::set_hook(Box::new(|_| ()));
    }
    // Nothing that the verb changed is looked at afterwards.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(verb)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let message =
            text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        Err(CliError::Panic { message: message.to_owned() })
    })
}

/// Help and version are answers; anything else wrong with the arguments is an error, in JSON when
/// the arguments asked for it, readable or not.
fn usage(error: &clap::Error, wants_json: bool) -> u8 {
    if !error.use_stderr() {
        // A closed pipe behind `--help` is nobody's problem.
        let _ = error.print();
        return 0;
    }
    if wants_json {
        let text = error.to_string();
        let mut lines = text.lines();
        let message = lines.next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let hint = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
        Console::new(true, false, None).error(&CliError::Usage { message, hint });
    } else {
        let _ = error.print();
    }
    2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panic_of_a_library_is_an_error() {
        let error = caught(|| panic!("point at {}", "infinity")).unwrap_err();
        assert_eq!(error.to_string(), "could not go on: point at infinity");
        assert!(error.hint().is_some());
        assert_eq!(caught(|| Ok(Answer::No)).expect("an answer"), Answer::No);
    }
}
