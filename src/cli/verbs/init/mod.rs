//! `init`: a Foundry project that acts on a model's answers, and with a model that comes with this program all that it
//! takes to see it do so on a local chain.

mod project;
mod use_case;

use super::{demo, keygen};
use crate::bundle::{Bundle, DataSchema, InputCommitment, KeyDocument, hex};
use crate::chain::context_of;
use crate::circuit::{InstanceLayout, InstanceTensor, Role};
use crate::cli::project::{FORGE_SCRIPTS, FORGE_SUPPORT, SOURCES};
use crate::cli::{Answer, CliError, Console, commitments::WeightsArgs, contract, files, input};
use crate::model::{InputFormat, Model, Quantization};
use crate::name::Name;
use crate::proving::{
    Commitment, CommittedWeights, ModelProver, Options, Proof, Secrets, SrsOrigin, scalar_of,
};
use alloy::primitives::{Address, U256, keccak256};
use clap::Parser;
use project::{ATTESTED, Project, Tools};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use tempfile::TempDir;
use use_case::{Own, SCHEMA, UseCase, in_shell};

/// What `init` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The folder to make
    dir: PathBuf,
    /// A bundle of your own that `keygen` made [default: keys for a trained model that comes with this program]
    #[arg(long)]
    bundle: Option<PathBuf>,
    /// An input for the proof that the project's tests submit [default: zeros]
    #[arg(long, requires = "bundle")]
    input: Option<PathBuf>,
    #[command(flatten)]
    weights: WeightsArgs,
    /// What the project does with the model's answers
    #[arg(long, value_enum, default_value_t)]
    template: UseCase,
}

#[derive(Serialize)]
struct Report {
    project: String,
    model: String,
    consumer: String,
    verifier: String,
    test: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    script: Option<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "project   {}", self.project)?;
        writeln!(f, "edit      {}", self.consumer)?;
        if let Some(script) = &self.script {
            writeln!(f, "see it    {}", in_shell(script))?;
        }
        writeln!(f, "try       cd {} && forge test", in_shell(&self.project))
    }
}

/// A model with its keys.
struct Subject {
    bundle: Bundle,
    /// Whose bundle it is: this program's, for a model of its own, in a folder that ends with it.
    own: Option<(&'static Own, TempDir)>,
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
    let use_case = args.template;
    let subject = subject(&args, console)?;
    let stage = console.stage("making the proving key");
    let prover = subject.bundle.prover()?;
    drop(stage);
    let (model, verifier, layout) = (prover.model(), prover.verifier(), prover.verifier().layout());
    use_case.check(model, layout)?;
    let trainings = trainings(&args, &subject, &prover)?;
    let model = trainings.first().map_or(model, CommittedWeights::model);
    let inputs = inputs(&args, &subject, model)?;
    let (chosen, bound) = bound(use_case, &subject, model, layout, &inputs)?;
    let given = [inputs.clone(), chosen].concat();
    let commitments = commitments(&subject, layout, &inputs)?;
    let prove = |weights: Option<&CommittedWeights>| {
        let secrets = Secrets { inputs: &commitments, weights, blindings: None };
        prove(use_case, &prover, &given, secrets, console)
    };
    let proof = prove(trainings.first())?;
    // About the same with other weights.
    let retrained = trainings.get(1).map(|weights| prove(Some(weights))).transpose()?;

    let data_schema = data_schema(use_case, &subject, model, layout)?;
    let rendered = contract::render(verifier, None, &Default::default())?;
    let (name, prefix) = (Name::new(&model.name), crate::bundle::contract_prefix(&model.name));
    let library = crate::bundle::io_library(model, layout);
    let schema = serde_json::to_string_pretty(&library.schema()).map_err(CliError::Json)?;
    let key = serde_json::to_string(&KeyDocument::of(verifier)).map_err(CliError::Json)?;
    // Private inputs are not among the instances.
    let shown = inputs.iter().zip(&layout.inputs).filter(|(_, told)| told.is_public());
    let told = layout.outputs.iter().filter(|output| output.is_public());
    let tools = Tools::find();
    let project = Project {
        use_case,
        is_own: subject.own.is_some(),
        model: name.comment(),
        model_literal: name.literal(),
        prefix: &prefix,
        names_weights: layout.names_weights,
        first_name: layout.committed().next().map(|_| layout.range(Role::InputName).start),
        input_length: shown.map(|(input, _)| input.len()).sum(),
        input_words: layout.range(Role::Input).len(),
        output_length: told.map(|output| output.tensor.len()).sum(),
        first_output: layout.range(Role::Output).start,
        answer: answer(model, layout, &inputs, &proof)?,
        claim: library.claim_functions().pop().unwrap_or_default(),
        bound,
        data_schema: keccak256(&data_schema).to_string(),
        keygen: use_case.keygen(model).join(" "),
        digest: hex(&verifier.digest()),
        schema_hash: keccak256(&schema).to_string(),
        unsafe_dev_srs: verifier.keys().srs_origin() == SrsOrigin::UnsafeDev,
        tools: &tools,
    };
    let fixture = |proof: &Proof| {
        let instances: Vec<String> = proof.instances.iter().map(|word| hex(word)).collect();
        let fixture = serde_json::json!({
            "vk_digest": hex(&proof.vk_digest), "proof": hex(&proof.bytes), "instances": instances,
        });
        format!("{fixture:#}\n")
    };

    let consumer_path = format!("src/{prefix}Consumer.sol");
    let verifier_path = format!("src/{prefix}Verifier.sol");
    let test_path = format!("test/{prefix}Consumer.t.sol");
    let script = subject.own.as_ref().is_some_and(|(own, _)| own.script);
    files::write_folder(&args.dir, |root| -> Result<(), CliError> {
        let write = |path: &str, text: &str| files::write_below(root, path, text.as_bytes());
        write(&consumer_path, &project.consumer())?;
        write(&verifier_path, &rendered.source)?;
        if !layout.claims.is_empty() {
            write(&format!("src/{}.sol", library.library), &library.render()?)?;
        }
        write(&test_path, &project.test())?;
        write("test/Proved.sol", &project.proved())?;
        if use_case.is_attested() {
            write("test/Attested.sol", ATTESTED)?;
            files::write_below(root, SCHEMA, &data_schema)?;
        }
        write("test/fixtures/proof.json", &fixture(&proof))?;
        if let Some(retrained) = &retrained {
            write("test/Retrained.sol", project::RETRAINED)?;
            write("test/fixtures/retrained.json", &fixture(retrained))?;
        }
        write("script/DeployConsumer.s.sol", &project.deployment())?;
        write("schema.json", &schema)?;
        write("key.json", &key)?;
        write("README.md", &project.readme())?;
        write("foundry.toml", &project.foundry_toml())?;
        write(".gitignore", "/out\n/cache\n/broadcast\n/node_modules\n/work\n")?;
        for (path, source) in SOURCES {
            write(&path.replacen("contracts/", "lib/zkverdict/", 1), source)?;
        }
        for (path, source) in FORGE_SUPPORT {
            write(path, source)?;
        }
        for (path, source) in FORGE_SCRIPTS {
            write(path, &source.replace("../contracts/", "zkverdict/"))?;
        }
        if use_case == UseCase::Trading {
            write("test/TestExchange.sol", project::TEST_EXCHANGE)?;
        }
        if let Some(shim) = tools.shim() {
            let package = serde_json::json!({
                "private": true, "devDependencies": { "solc": "0.8.37" },
            });
            write("package.json", &format!("{package:#}\n"))?;
            files::write_program_below(root, "tools/solc", &shim)?;
        }
        if let Some((own, _)) = &subject.own {
            files::write_below(root, &format!("{}.onnx", own.name), own.onnx)?;
            copy_bundle(&subject.bundle, |name, bytes| {
                Ok(files::write_below(root, &format!("{}.zkv/{name}", own.name), bytes)?)
            })?;
            for (path, bytes) in own.files.iter().filter(|(path, _)| *path != SCHEMA) {
                files::write_below(root, path, bytes)?;
            }
        }
        if script {
            write("script/local.sh", &project.local())?;
            files::write_program_below(root, "run.sh", &project.script())?;
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
        script: script.then(|| path("run.sh")),
    })?;
    Ok(Answer::Yes)
}

/// Arguments of `keygen`, as it reads them from a command line.
#[derive(clap::Parser)]
struct Keygen {
    #[command(flatten)]
    args: keygen::Args,
}

/// The bundle that is given, or one of new keys for the model that comes with this program.
fn subject(args: &Args, console: &Console) -> Result<Subject, CliError> {
    if let Some(path) = &args.bundle {
        return Ok(Subject { bundle: Bundle::open(path)?, own: None });
    }
    let own = args.template.own();
    let failed = |error| CliError::io(std::env::temp_dir(), error);
    let folder = tempfile::tempdir().map_err(failed)?;
    let (onnx, out) =
        (folder.path().join(format!("{}.onnx", own.name)), folder.path().join("keys.zkv"));
    files::write(&onnx, own.onnx)?;
    let model = Model::from_onnx(own.name, own.onnx)?;
    let paths = ["keygen".into(), onnx.into_os_string(), "--out".into(), out.clone().into()];
    let wishes = args.template.keygen(&model).into_iter().map(Into::into);
    let wishes = paths.into_iter().chain(["--unsafe-dev-srs".into()]).chain(wishes);
    let keygen = Keygen::try_parse_from(wishes).expect("these arguments are what `keygen` takes");
    keygen::make(&keygen.args, console)?;
    Ok(Subject { bundle: Bundle::open(&out)?, own: Some((own, folder)) })
}

/// Copies a bundle into the project.
fn copy_bundle(
    bundle: &Bundle,
    write: impl Fn(&str, &[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let entries = std::fs::read_dir(&bundle.path);
    for entry in entries.map_err(|error| CliError::io(&bundle.path, error))? {
        let name = entry.map_err(|error| CliError::io(&bundle.path, error))?.file_name();
        let bytes = files::read(&bundle.path.join(&name))?;
        write(&name.to_string_lossy(), &bytes)?;
    }
    Ok(())
}

/// Where weights are committed, two commitments: to the model's, and to those of another training, or where there is none to the same
/// ones under another name.
fn trainings(
    args: &Args,
    subject: &Subject,
    prover: &ModelProver,
) -> Result<Vec<CommittedWeights>, CliError> {
    let first = match &subject.own {
        Some((own, _)) => match own.retrained() {
            Some(_) => prover.commit_weights(Model::from_onnx(own.name, own.onnx)?)?,
            None => return Ok(vec![]),
        },
        None => match args.weights.open(&subject.bundle)? {
            Some(weights) => weights.committed(prover)?,
            None => return Ok(vec![]),
        },
    };
    let retrained = match subject.own.as_ref().and_then(|(own, _)| Some((own, own.retrained()?))) {
        Some((own, onnx)) => Model::from_onnx(own.name, onnx)?,
        None => first.model().clone(),
    };
    let second = prover.commit_weights(retrained)?;
    Ok(vec![first, second])
}

/// What attested data mean: of a model of one's own a beginning, to edit.
fn data_schema(
    use_case: UseCase,
    subject: &Subject,
    model: &Model,
    layout: &InstanceLayout,
) -> Result<Vec<u8>, CliError> {
    if let (Some((own, _)), true) = (&subject.own, use_case.is_attested()) {
        return Ok(own.schema().unwrap_or_default().to_vec());
    }
    match layout.committed().next() {
        Some((number, port)) if use_case.is_attested() => {
            Ok(DataSchema::draft(model, &model.inputs[number], &port.tensor)?.into_bytes())
        }
        _ => Ok(vec![]),
    }
}

/// What the proof of the project's tests is about.
fn inputs(args: &Args, subject: &Subject, model: &Model) -> Result<Vec<Vec<i32>>, CliError> {
    let own = args.template.own();
    if args.template.knows_input() {
        if let Some(path) = &args.input {
            return Err(CliError::Usage {
                message: format!("`{}` is not needed", path.display()),
                hint: "leave `--input` out: the contract of this template says what the model sees"
                    .into(),
            });
        }
        // Whatever the model calls it, these are its integers.
        let integers = serde_json::from_slice(own.input).map_err(CliError::Json)?;
        return Ok(vec![integers]);
    }
    let zeros = || {
        let zero =
            |tensor: &crate::model::Tensor| vec![tensor.quantization.zero_point; tensor.len()];
        model.inputs.iter().map(|port| zero(&model.graph.tensors[port.tensor.0])).collect()
    };
    if let (Some(_), Some(schema)) = (&subject.own, own.schema()) {
        let tensor = InstanceTensor::of_port(model, &model.inputs[0]);
        return Ok(vec![DataSchema::parse(schema)?.integers_for(&tensor, 1, own.input)?]);
    }
    let inferences = match (&subject.own, &args.input) {
        (Some(_), _) => model.read_inferences(own.input, InputFormat::detect(own.input))?,
        (None, Some(path)) => input::inferences(model, path)?,
        (None, None) => vec![],
    };
    Ok(inferences.into_iter().next().unwrap_or_else(zeros))
}

/// The integers that a threshold is for the test's proof, and what the contract compares with, as a number of 18 decimals: of a
/// model that somebody brought, what the given input just reaches, or stays below.
fn bound(
    use_case: UseCase,
    subject: &Subject,
    model: &Model,
    layout: &InstanceLayout,
    inputs: &[Vec<i32>],
) -> Result<(Vec<Vec<i32>>, String), CliError> {
    let (Some(threshold), Some(claim)) = (use_case.threshold(), layout.claims.first()) else {
        return Ok((vec![], String::new()));
    };
    if subject.own.is_some() {
        return Ok((
            vec![claim.claim.choose(model, layout.inferences, threshold)?],
            format!("{threshold}e18"),
        ));
    }
    let (port, tensor) = claim.claim.port(model, layout.inferences)?;
    let output = model.evaluate(inputs)?.tensor(port.tensor).to_vec();
    let integer = output[claim.claim.element.unwrap_or(0)];
    let Quantization { element, scale, zero_point, .. } = tensor.quantization;
    let is_below = use_case == UseCase::Biometric;
    let integer = integer + i32::from(is_below);
    if integer > element.range().1 {
        return Err(CliError::Usage {
            message: "the distance that the model gives for the input is the largest that there is"
                .into(),
            hint: "give a template and a scan that belong together with `--input`".into(),
        });
    }
    let millionths = f64::from(integer - zero_point) * f64::from(scale) * 1e6;
    // Never on the wrong side of the step.
    let millionths = if is_below { millionths.ceil() + 1.0 } else { millionths.floor() - 1.0 };
    Ok((vec![vec![integer]], format!("{:.6}e18", millionths / 1e6)))
}

/// Commitments to the inputs that are committed.
fn commitments(
    subject: &Subject,
    layout: &InstanceLayout,
    inputs: &[Vec<i32>],
) -> Result<Vec<Commitment>, CliError> {
    if layout.committed().next().is_none() {
        return Ok(vec![]);
    }
    let powers = subject.bundle.powers()?;
    let commitments = layout.committed().map(|(number, port)| {
        let made = InputCommitment::new(port.tensor.clone(), &inputs[number], &powers);
        let made = made.ok_or_else(|| CliError::Panic {
            message: "the bundle's string is shorter than a commitment to its input".into(),
        })?;
        Ok(made.commitment().clone())
    });
    commitments.collect()
}

/// Proves what the project's tests submit: for the addresses that their names hash to.
fn prove(
    use_case: UseCase,
    prover: &ModelProver,
    inputs: &[Vec<i32>],
    secrets: Secrets<'_>,
    console: &Console,
) -> Result<Proof, CliError> {
    let address = |name: &str| Address::from_word(keccak256(name));
    let (kind, sender) = match use_case {
        UseCase::Game => ("answer", address("alice")),
        UseCase::Content => ("content", Address::ZERO),
        _ => ("turn", address("alice")),
    };
    let nonce = match (use_case, inputs) {
        (UseCase::Content, [prompt, ..]) => token_of(prover, prompt),
        _ => U256::ZERO,
    };
    let context = context_of(kind, 31337, address("consumer"), sender, nonce);
    let context = scalar_of(context.to_be_bytes()).expect("contexts are reduced");
    let _stage = console.stage("proving");
    let (proof, _) = prover.prove_linked(inputs, context, secrets, &Options::default())?;
    Ok(proof)
}

/// The token of a prompt: the hash of its bytes, as instances have them.
fn token_of(prover: &ModelProver, prompt: &[i32]) -> U256 {
    let model = prover.model();
    let least = model.graph.tensors[model.inputs[0].tensor.0].quantization.element.range().0;
    let bytes = prompt.iter().map(|integer| u8::try_from(integer - least).unwrap_or_default());
    U256::from_be_bytes(keccak256(bytes.collect::<Vec<u8>>()).0)
}

/// What the consumer makes of the outputs: the first of the greatest, or the byte of a single one.
fn answer(
    model: &Model,
    layout: &InstanceLayout,
    inputs: &[Vec<i32>],
    proof: &Proof,
) -> Result<usize, CliError> {
    let evaluation = model.evaluate(inputs)?;
    let outputs: Vec<i32> = (model.outputs.iter())
        .flat_map(|port| evaluation.tensor(port.tensor).iter().copied())
        .collect();
    if let ([_], []) = (&outputs[..], &layout.claims[..]) {
        return Ok(proof.instances.last().map_or(0, |word| word[31].into()));
    }
    let best = outputs.iter().enumerate().max_by_key(|&(at, &value)| (value, usize::MAX - at));
    Ok(best.map_or(0, |(at, _)| at))
}
