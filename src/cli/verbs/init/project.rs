//! The texts of a project: contracts, tests, scripts, and the page about it.

use super::use_case::{UseCase, in_shell};
use crate::cli::project::SOLC_SHIM;
use crate::name::{Comment, Identifier, Literal};
use askama::Template;
use std::path::PathBuf;

/// What tests of attested data share.
pub const ATTESTED: &str = include_str!("../../../../templates/project/Attested.sol");

/// What tests of models that are trained anew share.
pub const RETRAINED: &str = include_str!("../../../../templates/project/Retrained.sol");

/// Where a vault trades in tests.
pub const TEST_EXCHANGE: &str =
    include_str!("../../../../templates/project/trading/TestExchange.sol");

/// What the texts tell.
pub struct Project<'a> {
    pub use_case: UseCase,
    /// Whether the model is the one that comes with this program, and the script with it.
    pub is_own: bool,
    pub model: Comment,
    pub model_literal: Literal,
    pub prefix: &'a Identifier,
    /// Whether proofs name committed weights.
    pub names_weights: bool,
    /// Where the name of a committed input stands in the instances, if there is one.
    pub first_name: Option<usize>,
    /// Elements of public inputs, and instances that they take.
    pub input_length: usize,
    pub input_words: usize,
    /// Elements of outputs that proofs show, and where those begin.
    pub output_length: usize,
    pub first_output: usize,
    /// What the consumer makes of the outputs of the tests' proof.
    pub answer: usize,
    /// What the names of the claim's functions end in.
    pub claim: String,
    /// What the contract compares an output with, with 18 decimals.
    pub bound: String,
    /// The hash of the schema of attested data.
    pub data_schema: String,
    /// What `keygen` is asked for.
    pub keygen: String,
    pub digest: String,
    pub schema_hash: String,
    pub unsafe_dev_srs: bool,
    pub tools: &'a Tools,
}

impl Project<'_> {
    /// Whether the consumer follows a registry's newest version where there is a registry.
    fn follows(&self) -> bool {
        self.names_weights || self.use_case == UseCase::Biometric
    }
}

macro_rules! texts {
    ($($function:ident $text:ident $path:literal),* $(,)?) => {
        $(
            #[derive(Template)]
            #[template(path = $path, escape = "none")]
            struct $text<'a> {
                project: &'a Project<'a>,
            }
        )*

        impl Project<'_> {
            $(
                pub fn $function(&self) -> String {
                    let text = $text { project: self }.render();
                    // Askama drops a template's last line break.
                    text.expect("these templates are filled with texts and numbers") + "\n"
                }
            )*
        }
    };
}

texts![
    consumer Consumer "project/Consumer.sol",
    test ConsumerTest "project/ConsumerTest.sol",
    proved Proved "project/Proved.sol",
    deployment DeployConsumer "project/DeployConsumer.sol",
    readme Readme "project/README.md",
    foundry_toml FoundryToml "project/foundry.toml",
    local Local "project/local.sh",
    script Script "project/run.sh",
];

/// Programs that a project takes beside what is on the PATH: where they are now.
pub struct Tools {
    /// This program.
    program: PathBuf,
    /// This package's `node_modules`, if they have a Solidity compiler.
    modules: Option<PathBuf>,
}

impl Tools {
    /// Looks where they are.
    pub fn find() -> Self {
        let modules = crate::program::package().map(|package| package.join("node_modules"));
        Self {
            program: std::env::current_exe().unwrap_or_else(|_| "zkverdict".into()),
            modules: modules.filter(|modules| modules.join("solc/package.json").is_file()),
        }
    }

    /// Whether the compiler is that of npm.
    pub fn has_shim(&self) -> bool {
        self.modules.is_some()
    }

    /// The compiler as `foundry.toml` has it.
    pub fn solc(&self) -> &'static str {
        if self.has_shim() { "./tools/solc" } else { "0.8.28" }
    }

    /// The compiler's shim, which finds the compiler also where it was found when the project was made.
    pub fn shim(&self) -> Option<String> {
        let found = serde_json::json!(self.modules.as_ref()?);
        let (first, rest) = SOLC_SHIM.split_once("\"use strict\";\n").unwrap_or(("", SOLC_SHIM));
        Some(format!(
            "{first}\"use strict\";\n// Where the compiler was when this project was made; `npm install` puts one here.\n\
             module.paths.push({found});\n{rest}"
        ))
    }

    /// This program, for a shell.
    pub fn program(&self) -> String {
        in_shell(&self.program.display().to_string())
    }

    /// Where npm put Foundry's programs, for a shell: their launchers hide exit codes. Nowhere, if they are not there.
    pub fn foundry(&self) -> String {
        let folder = self.modules.as_ref().map(|modules| modules.join("@foundry-rs"));
        in_shell(&folder.map_or(String::new(), |folder| folder.display().to_string()))
    }
}
