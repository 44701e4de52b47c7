//! What people and scripts see: results on standard output, everything else on standard error.

use super::CliError;
use super::log::{Form, Log};
use crate::name::{message_of, printable, printable_json};
use serde::Serialize;
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Where a verb puts its result, and what it says meanwhile.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    json: bool,
    /// Somebody is watching standard error, and has not asked for quiet.
    watched: bool,
    #[cfg_attr(
        not(any(feature = "cluster", all(feature = "compile", feature = "chain"))),
        allow(dead_code, reason = "only what runs by itself says something unasked")
    )]
    quiet: bool,
    /// How lines look in which everything is said, whoever watches.
    log: Option<Form>,
}

impl Console {
    /// A console that prints JSON or text, with or without remarks, or with all of them in lines for a log.
    pub fn new(json: bool, quiet: bool, log: Option<Form>) -> Self {
        let watched = !quiet && log.is_none() && std::io::stderr().is_terminal();
        Self { json, watched, quiet, log }
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
        let message = printable(&message.to_string());
        self.tell("warning", json!({ "message": message }), format_args!("warning: {message}"));
    }

    /// Something to know before it happens.
    pub fn note(&self, message: impl Display) {
        let message = printable(&message.to_string());
        self.tell("note", json!({ "message": message }), &message);
    }

    /// Says something in a line of the log, or in words to whoever watches.
    pub fn tell(&self, event: &str, values: Value, words: impl Display) {
        match self.log {
            Some(form) => Log::new(form, true).event(event, values),
            None if self.watched => eprintln!("{words}"),
            None => {}
        }
    }

    /// The log that was asked for; one of text where `always` is true and nobody wants quiet.
    #[cfg(any(feature = "cluster", all(feature = "compile", feature = "chain")))]
    pub fn log(&self, always: bool) -> Log {
        let is_on = self.log.is_some() || (always && !self.quiet);
        Log::new(self.log.unwrap_or(Form::Text), is_on)
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
            let document = json!({ "error": message, "hint": hint });
            eprintln!("{}", printable_json(&document.to_string()));
        } else {
            eprintln!("error: {}", printable(&message));
            if let Some(hint) = hint.as_deref().map(printable) {
                self.tell("hint", json!({ "message": hint }), format_args!("\nhint: {hint}"));
            }
        }
    }

    /// A spinner with the name of the stage under way, when somebody is watching.
    pub fn stage(&self, name: &'static str) -> Stage {
        let log = self.log.map(|form| Log::new(form, true));
        if let Some(log) = log {
            log.event("stage", json!({ "name": name }));
        }
        let bar = (self.watched && !self.json).then(|| {
            let bar = indicatif::ProgressBar::new_spinner().with_message(name);
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        Stage { bar, log, name, begun: Instant::now() }
    }
}

/// A stage under way; its spinner goes when it is dropped, and a log has how long it took.
#[derive(Debug)]
pub struct Stage {
    bar: Option<indicatif::ProgressBar>,
    log: Option<Log>,
    name: &'static str,
    begun: Instant,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if let Some(log) = self.log {
            let seconds = self.begun.elapsed().as_secs_f64();
            log.event("done", json!({ "name": self.name, "seconds": seconds }));
        }
    }
}
