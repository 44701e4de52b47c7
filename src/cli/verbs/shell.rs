//! `completions` and `man`: what shells and `man` know of the command line.

use crate::bundle::folder::Folder;
use crate::cli::{Answer, CliError, Console, examples::command, files};
use clap_complete::Shell;
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;

/// What `completions` takes.
#[derive(clap::Args)]
pub struct CompletionArgs {
    /// For which shell
    #[arg(value_enum)]
    shell: Shell,
}

/// What `man` takes.
#[derive(clap::Args)]
pub struct ManualArgs {
    /// Write a page for each verb into this folder [default: print the first page]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.script)
    }
}

/// Prints a shell's script.
pub fn completions(args: &CompletionArgs, console: &Console) -> Result<Answer, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "zkverdict", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    console.result(&Script { shell: args.shell.to_string(), script })?;
    Ok(Answer::Yes)
}

#[derive(Serialize)]
struct Pages {
    /// Where they are, or the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    files: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

impl fmt::Display for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| writeln!(f, "{file}"))?;
        f.write_str(self.page.as_deref().unwrap_or_default())
    }
}

/// Prints or writes the manual.
pub fn manual(args: &ManualArgs, console: &Console) -> Result<Answer, CliError> {
    let page = |command: clap::Command| -> Result<(String, Vec<u8>), CliError> {
        let manual = clap_mangen::Man::new(command);
        let mut page = Vec::new();
        manual.render(&mut page).map_err(|error| CliError::io("manual", error))?;
        Ok((manual.get_filename(), page))
    };
    let mut command = command();
    command.build();
    let Some(out) = &args.out else {
        let (_, page) = page(command)?;
        let page = Some(String::from_utf8_lossy(&page).into_owned());
        console.result(&Pages { files: Vec::new(), page })?;
        return Ok(Answer::Yes);
    };
    let folder = Folder::at(out).map_err(|error| CliError::io(out, error))?;
    let verbs: Vec<clap::Command> = command.get_subcommands().cloned().collect();
    let mut written = Vec::new();
    for command in std::iter::once(command).chain(verbs) {
        let (name, page) = page(command)?;
        files::write_below(&folder, &name, &page)?;
        written.push(out.join(name).display().to_string());
    }
    console.result(&Pages { files: written, page: None })?;
    Ok(Answer::Yes)
}
