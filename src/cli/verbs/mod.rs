//! The verbs. Each file holds one: its arguments, its result, and `run`.

use super::{Answer, CliError, Console};

/// What the command can do.
#[derive(clap::Subcommand)]
pub enum Verb {}

/// Does what the verb says.
pub fn run(verb: Verb, _console: &Console) -> Result<Answer, CliError> {
    match verb {}
}
