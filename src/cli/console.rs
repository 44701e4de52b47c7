//! What people and scripts see: results on standard output, everything else on standard error.

use super::CliError;
use crate::name::{printable, printable_json};
use serde::Serialize;
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::Duration;

/// Where a verb puts its result, and what it says meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    json: bool,
    /// Somebody is watching standard error, and has not asked for quiet.
    watched: bool,
    #[cfg_attr(
        not(any(feature = "cluster", all(feature = "compile", feature = "chain"))),
        allow(dead_code, reason = "only what runs by itself has a log")
    )]
    quiet: bool,
}

impl Console {
    /// A console that prints JSON or text, with or without remarks.
    pub fn new(json: bool, quiet: bool) -> Self {
        Self { json, watched: !quiet && std::io::stderr().is_terminal(), quiet }
    }

    /// Prints a result: its `Display` for people, its serialization with `--json`.
    pub fn result<T: Display + Serialize>(&self, result: &T) -> Result<(), CliError> {
        let text = if self.json {
            printable_json(&serde_json::to_string_pretty(result).map_err(CliError::Json)?)
        } else {
            printable(&result.to_string())
        };
        // A reader that went away (`| head`) has seen what it wanted.
        match writeln!(std::io::stdout().lock(), "{}", text.trim_end()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Err(CliError::io("standard output", error))
            }
            _ => Ok(()),
        }
    }

    /// Something to know that is not the result.
    pub fn warn(&self, message: impl Display) {
        if self.watched {
            eprintln!("warning: {}", printable(&message.to_string()));
        }
    }

    /// Something to know before it happens.
    #[cfg(any(feature = "cluster", all(feature = "compile", feature = "chain")))]
    pub fn note(&self, message: impl Display) {
        if self.watched {
            eprintln!("{}", printable(&message.to_string()));
        }
    }

    /// Whether nothing but the result is wanted.
    #[cfg(any(feature = "cluster", all(feature = "compile", feature = "chain")))]
    pub fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Asks for a password, when somebody is there to be asked.
    #[cfg(all(feature = "compile", feature = "chain"))]
    pub fn ask_password(&self, what: &str) -> Option<String> {
        let term = console::Term::stderr();
        if !term.is_term() {
            return None;
        }
        term.write_str(&format!("{what}: ")).ok()?;
        term.read_secure_line().ok()
    }

    /// Says why the verb could not tell.
    pub fn error(&self, error: &CliError) {
        let (message, hint) = (message_of(error), error.hint());
        if self.json {
            let document = serde_json::json!({ "error": message, "hint": hint });
            eprintln!("{}", printable_json(&document.to_string()));
        } else {
            eprintln!("error: {}", printable(&message));
            if let Some(hint) = hint.filter(|_| self.watched) {
                eprintln!("\nhint: {}", printable(&hint));
            }
        }
    }

    /// A spinner with the name of the stage under way, when somebody is watching.
    pub fn stage(&self, name: &'static str) -> Stage {
        let bar = (self.watched && !self.json).then(|| {
            let bar = indicatif::ProgressBar::new_spinner().with_message(name);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Stage { bar }
    }
}

/// What an error says, with what it comes from, as it can be shown.
pub fn in_full(error: &dyn std::error::Error) -> String {
    printable(&message_of(error))
}

fn message_of(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Transparent wrappers repeat their source's words.
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        source = cause.source();
    }
    message
}

/// A stage under way; its spinner goes when it is dropped.
#[derive(Debug)]
pub struct Stage {
    bar: Option<indicatif::ProgressBar>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
