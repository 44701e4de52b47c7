//! `init`: a Foundry project for one's own model, with a consumer to edit.

use super::demo;
use crate::bundle::{Bundle, KeyDocument, hex};
use crate::chain::consumer_context;
use crate::circuit::Role;
use crate::cli::project::{FORGE_SCRIPTS, FORGE_SUPPORT, SOLC_SHIM, SOURCES};
use crate::cli::{Answer, CliError, Console, contract, files, input, path, wishes::WishArgs};
use crate::name::{Comment, Identifier, Literal, Name};
use crate::proving::{ModelProver, Proof, SrsOrigin, scalar_of};
use alloy::primitives::{Address, keccak256};
use askama::Template;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// What `init` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The folder to make
    dir: PathBuf,
    /// The bundle that `keygen` made [default: a trained model that comes with this program]
    #[arg(long)]
    bundle: Option<PathBuf>,
    /// An input for the proof that the project's tests submit [default: zeros]
    #[arg(long, requires = "bundle")]
    input: Option<PathBuf>,
    /// What the consumer does with an answer
    #[arg(long, value_enum, default_value_t)]
    template: Application,
}

/// What a consumer does with the model's answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Application {
    /// Keeps them, for whatever you make of them
    #[default]
    Plain,
    /// Credit lines by a score of attested features
    Credit,
    /// Opens to whom the model recognizes
    Biometric,
    /// Lets proposals pass by the model's verdict
    Dao,
    /// Moves of a game
    Game,
    /// An answer that others read while it is fresh
    Oracle,
}

impl Application {
    /// Whether somebody says which inputs count.
    fn is_attested(self) -> bool {
        self != Self::Plain
    }

    fn is_biometric(self) -> bool {
        self == Self::Biometric
    }

    /// Whether an answer counts for a time.
    fn has_times(self) -> bool {
        matches!(self, Self::Credit | Self::Biometric)
    }
}

#[derive(Template)]
#[template(path = "project/Consumer.sol", escape = "none")]
struct Consumer<'a> {
    template: Application,
    model: Comment,
    prefix: &'a Identifier,
    input_length: usize,
    input_words: usize,
    output_length: usize,
    first_output: usize,
}

#[derive(Template)]
#[template(path = "project/ConsumerTest.sol", escape = "none")]
struct ConsumerTest<'a> {
    template: Application,
    model: Comment,
    model_literal: Literal,
    prefix: &'a Identifier,
    input_words: usize,
    answer: usize,
}

#[derive(Template)]
#[template(path = "project/DeployConsumer.sol", escape = "none")]
struct DeployConsumer<'a> {
    template: Application,
    model_literal: Literal,
    prefix: &'a Identifier,
    digest: String,
    schema_hash: String,
}

#[derive(Template)]
#[template(path = "project/README.md", escape = "none")]
struct Readme<'a> {
    template: Application,
    model: Comment,
    prefix: &'a Identifier,
    input_words: usize,
    answer: usize,
    shim: bool,
    unsafe_dev_srs: bool,
    /// Whether there is `key.json`.
    has_key: bool,
}

#[derive(Template)]
#[template(path = "project/foundry.toml", escape = "none")]
struct FoundryToml<'a> {
    prefix: &'a Identifier,
    solc: &'a str,
    shim: bool,
}

#[derive(Serialize)]
struct Report {
    project: String,
    model: String,
    consumer: String,
    verifier: String,
    test: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "project   {}", self.project)?;
        writeln!(f, "edit      {}", self.consumer)?;
        writeln!(f, "try       cd {} && forge test", self.project)
    }
}

/// A model with its keys, and where those come from.
struct Subject {
    prover: ModelProver,
    inputs: Vec<Vec<i32>>,
}

/// Makes the project.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    let is_free = match std::fs::read_dir(&args.dir) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(CliError::io(&args.dir, error)),
    };
    if !is_free {
        return Err(CliError::Usage {
            message: format!("`{}` is not empty", args.dir.display()),
            hint: "give the name of a new folder".into(),
        });
    }
    let Subject { prover, inputs } = subject(&args, console)?;
    let (model, verifier) = (prover.model(), prover.verifier());
    if !verifier.layout().claims.is_empty() {
        return Err(CliError::Usage {
            message: "this bundle's proofs make claims, and the consumers of `init` read outputs"
                .into(),
            hint: "write the consumer after docs/claims.md, with the library that `render` writes"
                .into(),
        });
    }
    let rendered = contract::render(verifier, None, &Default::default())?;
    let (name, prefix) = (Name::new(&model.name), crate::bundle::contract_prefix(&model.name));

    // The project's tests give accounts and contracts the addresses that their names hash to.
    let address = |name: &str| Address::from_word(keccak256(name));
    let context = consumer_context(31337, address("consumer"), address("alice"), 0);
    let context = scalar_of(context.to_be_bytes()).expect("contexts are reduced");
    let stage = console.stage("proving");
    let proof = prover.prove(&inputs, context)?;
    drop(stage);
    let layout = verifier.layout();
    let outputs = layout.outputs(&proof.instances)?;
    let answer = answer(&outputs, &proof);
    let instances: Vec<String> = proof.instances.iter().map(|word| hex(word)).collect();
    let proof = serde_json::json!({
        "vk_digest": hex(&proof.vk_digest), "proof": hex(&proof.bytes), "instances": instances,
    });

    // Private inputs are not among the instances.
    let shown = inputs.iter().zip(&layout.inputs).filter(|(_, told)| told.is_public());
    let template = args.template;
    let input_words = layout.range(Role::Input).len();
    if template.is_attested() && input_words == 0 {
        return Err(CliError::Usage {
            message: "this bundle's proofs keep the input private, so nobody can attest it".into(),
            hint: "leave `--template` out, or make the bundle with public inputs".into(),
        });
    }
    let consumer = Consumer {
        template,
        model: name.comment(),
        prefix: &prefix,
        input_length: shown.map(|(input, _)| input.len()).sum(),
        input_words,
        output_length: outputs.len(),
        first_output: layout.range(Role::Output).start,
    };
    let modules = node_modules();
    let shim = modules.is_some();
    let unsafe_dev_srs = verifier.keys().srs_origin() == SrsOrigin::UnsafeDev;
    let key = KeyDocument::of(verifier).map(|key| serde_json::to_string(&key)).transpose();
    let key = key.map_err(CliError::Json)?;
    let readme = Readme {
        template,
        model: name.comment(),
        prefix: &prefix,
        input_words,
        answer,
        shim,
        unsafe_dev_srs,
        has_key: key.is_some(),
    };
    let schema = crate::bundle::io_library(model, layout).schema();
    let schema = serde_json::to_string_pretty(&schema).map_err(CliError::Json)?;
    let deploy = DeployConsumer {
        template,
        model_literal: name.literal(),
        prefix: &prefix,
        digest: hex(&verifier.digest()),
        schema_hash: keccak256(&schema).to_string(),
    };
    let foundry =
        FoundryToml { prefix: &prefix, solc: if shim { "./tools/solc" } else { "0.8.28" }, shim };
    let test = ConsumerTest {
        template,
        model: name.comment(),
        model_literal: name.literal(),
        prefix: &prefix,
        input_words,
        answer,
    };
    let text = |rendered: Result<String, askama::Error>| {
        // Askama drops a template's last line break.
        rendered.expect("these templates are filled with texts and numbers") + "\n"
    };

    let consumer_path = format!("src/{prefix}Consumer.sol");
    let verifier_path = format!("src/{prefix}Verifier.sol");
    let test_path = format!("test/{prefix}Consumer.t.sol");
    files::write_folder(&args.dir, |root| -> Result<(), CliError> {
        let write = |path: &str, text: &str| files::write_below(root, path, text.as_bytes());
        write(&consumer_path, &text(consumer.render()))?;
        write(&verifier_path, &rendered.source)?;
        write(&test_path, &text(test.render()))?;
        write("test/fixtures/proof.json", &format!("{proof:#}\n"))?;
        write("script/DeployConsumer.s.sol", &text(deploy.render()))?;
        write("schema.json", &schema)?;
        if let Some(key) = &key {
            write("key.json", key)?;
        }
        write("README.md", &text(readme.render()))?;
        write("foundry.toml", &text(foundry.render()))?;
        write(".gitignore", "/out\n/cache\n/broadcast\n/node_modules\n")?;
        for (path, source) in SOURCES {
            write(&path.replacen("contracts/", "lib/zkverdict/", 1), source)?;
        }
        for (path, source) in FORGE_SUPPORT {
            write(path, source)?;
        }
        for (path, source) in FORGE_SCRIPTS {
            write(path, &source.replace("../contracts/", "zkverdict/"))?;
        }
        if let Some(modules) = &modules {
            let package = serde_json::json!({
                "private": true, "devDependencies": { "solc": "0.8.37" },
            });
            write("package.json", &format!("{package:#}\n"))?;
            files::write_program_below(root, "tools/solc", &shim_with_fallback(modules))?;
        }
        Ok(())
    })?;
    let path = |inside: &str| args.dir.join(inside).display().to_string();
    console.result(&Report {
        project: args.dir.display().to_string(),
        consumer: path(&consumer_path),
        verifier: path(&verifier_path),
        test: path(&test_path),
        model: model.name.clone(),
    })?;
    Ok(Answer::Yes)
}

/// The bundle's model, or the one that comes with this program.
fn subject(args: &Args, console: &Console) -> Result<Subject, CliError> {
    let Some(path) = &args.bundle else {
        let model = demo::model()?;
        let (prover, _) = path::generate(model, WishArgs::default(), console)?;
        let inputs = demo::inputs(prover.model())?;
        return Ok(Subject { prover, inputs });
    };
    let bundle = Bundle::open(path)?;
    if let Some((_, input)) = bundle.manifest.layout.committed().next() {
        return Err(CliError::Usage {
            message: format!(
                "the input `{}` of this bundle is committed, and the project's contract compares no names",
                crate::name::Name::new(&input.tensor.name)
            ),
            hint: "a name that nobody compares says nothing: begin with a bundle whose inputs are public".into(),
        });
    }
    let stage = console.stage("making the proving key");
    let prover = bundle.prover()?;
    drop(stage);
    let model = prover.model();
    let zeros = || {
        let zero =
            |tensor: &crate::model::Tensor| vec![tensor.quantization.zero_point; tensor.len()];
        model.inputs.iter().map(|port| zero(&model.graph.tensors[port.tensor.0])).collect()
    };
    let inputs = match &args.input {
        Some(path) => input::inferences(model, path)?.into_iter().next().unwrap_or_else(zeros),
        None => zeros(),
    };
    Ok(Subject { prover, inputs })
}

/// What the consumer makes of the outputs: the first of the greatest, or the byte of a single one.
fn answer(outputs: &[i32], proof: &Proof) -> usize {
    if let [_] = outputs {
        return proof.instances.last().map_or(0, |word| word[31].into());
    }
    let best = outputs.iter().enumerate().max_by_key(|&(at, &value)| (value, usize::MAX - at));
    best.map_or(0, |(at, _)| at)
}

/// This package's `node_modules`, if they have a Solidity compiler.
fn node_modules() -> Option<PathBuf> {
    let modules = crate::program::package()?.join("node_modules");
    modules.join("solc/package.json").is_file().then_some(modules)
}

/// The compiler's shim, which finds the compiler also where it was found when the project was made.
fn shim_with_fallback(modules: &Path) -> String {
    let found = serde_json::json!(modules);
    let (first, rest) = SOLC_SHIM.split_once("\"use strict\";\n").unwrap_or(("", SOLC_SHIM));
    format!(
        "{first}\"use strict\";\n// Where the compiler was when this project was made; `npm install` puts one here.\n\
         module.paths.push({found});\n{rest}"
    )
}
