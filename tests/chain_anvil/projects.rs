//! Projects that `init` makes, followed as their pages say.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use alloy::{
    primitives::{Address, U256, keccak256},
    sol,
};
use tempfile::TempDir;
use zkverdict::chain::{IInferenceConsumer, LocalChain};

use crate::{
    command::{KEY, address, bundle, error, ok, read, root},
    stand_in::connect,
};

sol! {
    function publicInputsSchemaHash() external view returns (uint256);
    function PINNED_VERSION() external view returns (uint256);
    function VERIFIER() external view returns (uint256);
}

/// A project in a folder below `node_modules`.
struct Project {
    _place: TempDir,
    folder: PathBuf,
}

impl Project {
    fn new(arguments: &[&str]) -> Self {
        let place = tempfile::tempdir_in(root().join("target")).expect("a directory");
        let folder = place.path().join("project");
        ok(&[&["init", folder.to_str().expect("text")], arguments].concat());
        Self { _place: place, folder }
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.folder.join(path)).expect(path)
    }

    /// What the page says to run, in its order.
    fn commands(&self) -> Vec<String> {
        let readme = self.read("README.md");
        let blocks = readme.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
        blocks.map(str::to_owned).collect()
    }

    fn shell(&self, block: &str, variables: &[(&str, &str)]) -> Output {
        let bin = |path: &str| root().join(path).display().to_string();
        let command = Path::new(env!("CARGO_BIN_EXE_zkverdict")).parent().expect("a folder");
        let path = [&bin("tools"), &bin("node_modules/.bin"), &command.display().to_string()]
            .map(String::as_str)
            .join(":");
        Command::new("bash")
            .current_dir(&self.folder)
            .args(["-euo", "pipefail", "-c", block])
            .env("PATH", format!("{path}:{}", std::env::var("PATH").expect("a path")))
            .envs(variables.iter().copied())
            .output()
            .expect("bash runs")
    }

    /// What a block that succeeds prints.
    fn follow(&self, block: &str, variables: &[(&str, &str)]) -> String {
        let output = self.shell(block, variables);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{block}\n{text}\n{errors}");
        assert!(!errors.to_lowercase().contains("warning"), "{block}\n{errors}");
        text
    }
}

/// The two commands, then the project's own tests.
fn goes_to_its_decision(template: &str) {
    let project = Project::new(&["--template", template]);
    let [script, tests, ..] = &project.commands()[..] else { panic!("two blocks of commands") };
    assert_eq!(script, "./run.sh\n");
    let said = project.follow(script, &[]);
    assert!(said.ends_with("gas.md says what it took.\n"), "{said}");
    assert!(said.contains("refused: "), "{said}");
    let gas = project.read("gas.md");
    let measured =
        gas.lines().filter_map(|line| line.split('|').nth(2)?.trim().parse::<u64>().ok());
    let proof = gas.lines().find(|line| {
        ["submitting a proof", "adding content"].iter().any(|what| line.contains(what))
    });
    assert!(measured.clone().count() >= 3 && measured.min() >= Some(21_000), "{gas}");
    assert!(template == "game" || proof.is_some(), "{gas}");
    project.follow(tests, &[]);
    project.follow("forge fmt --check", &[]);
    // What is private is nobody else's to read.
    use std::os::unix::fs::PermissionsExt;
    let mode =
        std::fs::metadata(project.folder.join("work")).expect("a folder").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn credit_goes_to_its_decision() {
    goes_to_its_decision("credit");
}

#[test]
fn medical_goes_to_its_decision() {
    goes_to_its_decision("medical");
}

#[test]
fn content_goes_to_its_decision() {
    goes_to_its_decision("content");
}

#[test]
fn game_goes_to_its_decision() {
    goes_to_its_decision("game");
}

#[test]
fn biometric_goes_to_its_decision() {
    goes_to_its_decision("biometric");
}

#[test]
fn dao_goes_to_its_decision() {
    goes_to_its_decision("dao");
}

#[test]
fn trading_goes_to_its_decision() {
    goes_to_its_decision("trading");
}

/// A contract that forgets what it has to ask for.
#[test]
fn the_script_fails_where_something_is_accepted_that_must_not_be() {
    let project = Project::new(&["--template", "credit"]);
    let path = project.folder.join("src/CreditConsumer.sol");
    let source = project.read("src/CreditConsumer.sol");
    let forgetful: String = source
        .lines()
        .filter(|line| !line.contains("isAtLeast"))
        .map(|line| line.to_owned() + "\n")
        .collect();
    assert_ne!(forgetful, source);
    std::fs::write(path, forgetful).expect("written");
    let output = project.shell("./run.sh", &[]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("not as it should be: ScoreTooLow(int256) was expected"), "{errors}");
}

/// A model of one's own, from the keys that the error asks for to the project's tests.
#[test]
fn a_template_takes_a_model_of_ones_own_whose_proofs_say_what_it_needs() {
    let (plain, _) = bundle();
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let model = "test/fixtures/models/credit_logreg/int8_qdq.onnx";
    for (template, lacks) in [
        ("credit", "needs weights that are committed"),
        ("medical", "needs one input, which is committed"),
        ("biometric", "needs two inputs, of which one is committed and the other private"),
        ("dao", "needs one public input of 8 signed bytes"),
        ("game", "needs one public input of 64 signed bytes"),
        ("trading", "needs weights that are committed"),
    ] {
        let said = error(&["init", &path("none"), "--bundle", plain, "--template", template]);
        assert!(said.contains(lacks), "{template}: {said}");
        assert!(!dir.path().join("none").exists());
    }
    let keygen = ["keygen", model, "--out", &path("own.zkv"), "--unsafe-dev-srs"];
    let told = ["--format", "packed", "--input", "input=committed", "--claim", "output=threshold"];
    ok(&[&keygen[..], &told, &["--weights", "committed"]].concat());
    let credit = ["--bundle", &path("own.zkv"), "--template", "credit"];
    let said = error(&[&["init", &path("none")], &credit[..]].concat());
    assert!(said.contains("no commitment to any is given"), "{said}");
    let weights = ["--weights-commitment", &path("w.json")];
    ok(&["commit", &path("own.zkv"), "--weights", model, "--out", weights[1]]);
    let project = Project::new(&[&credit[..], &weights].concat());
    let [tests, ..] = &project.commands()[..] else { panic!("a block of commands") };
    project.follow(tests, &[]);
    assert!(!project.folder.join("run.sh").exists(), "its inputs are not known here");
    // What makes claims or commits is for no consumer that reads outputs.
    let said = error(&["init", &path("none"), "--bundle", &path("own.zkv")]);
    assert!(said.contains("needs weights that are in the key"), "{said}");
    let named = path("named.zkv");
    ok(&[&["keygen", model, "--out", &named, "--unsafe-dev-srs"], &told[..]].concat());
    let said = error(&["init", &path("none"), "--bundle", &named]);
    assert!(said.contains("compares no names"), "{said}");
}

/// The commands of the page, as they are written: it is tested, deployed, and has acted on a proof.
#[tokio::test]
async fn a_projects_readme_is_followed_as_written() {
    let local = LocalChain::start().expect("anvil");
    let chain = connect(&local).await;
    let dir = tempfile::tempdir().expect("a directory");
    let (bundle, input) = bundle();
    let records = dir.path().join("deployments").display().to_string();
    let deploy = ["registry", "deploy", "--deployments", &records, "--rpc-url", local.url()];
    let registry = ok(&deploy)["address"].as_str().expect("an address").to_owned();
    let project = Project::new(&["--bundle", bundle, "--input", input]);
    let account = chain.sender().to_string();
    let follow = |block: &str, consumer: &str, more: &[(&str, &str)]| {
        let always = [
            ("RPC", local.url()),
            ("KEY", KEY),
            ("ZKVERDICT_PRIVATE_KEY", KEY),
            ("BUNDLE", bundle),
            ("INPUT", input),
            ("CONSUMER", consumer),
            ("ACCOUNT", &account),
        ];
        project.follow(block, &[&always, more].concat())
    };
    let found = |text: &str, name: &str| {
        let (_, rest) = text.split_once(&format!("{name}: address "))?;
        Some(rest[..42].to_owned())
    };
    let (mut consumer, mut metadata) = (String::new(), String::new());
    let commands = project.commands();
    for block in &commands {
        let uris = [("SCHEMA_URI", "ipfs://schema"), ("KEY_URI", "ipfs://key")];
        let text = follow(block, &consumer, &uris);
        for (name, place) in [("consumer", &mut consumer), ("metadata", &mut metadata)] {
            *place = found(&text, name).unwrap_or_else(|| place.clone());
        }
    }
    // Through a registry: the verifier becomes a version once, and every consumer pins it.
    let deploy = commands.iter().find(|block| block.contains("DeployConsumer"));
    for _ in 0..2 {
        let text = follow(deploy.expect("a deployment"), "", &[("REGISTRY", &registry)]);
        let made: Address =
            found(&text, "consumer").expect("a consumer").parse().expect("an address");
        assert_eq!(read(&chain, made, PINNED_VERSIONCall {}).await, U256::ONE);
        let verifier = read(&chain, made, VERIFIERCall {}).await;
        assert_eq!(format!("{verifier:#042x}"), registry.to_lowercase());
    }
    let versions = ok(&["registry", "list", "--registry", &registry, "--rpc-url", local.url()]);
    assert_eq!(versions.as_array().map(Vec::len), Some(1));
    project.follow("forge fmt --check", &[]);
    let call = IInferenceConsumer::noncesCall { sender: chain.sender() };
    assert_eq!(read(&chain, address(&consumer.into()), call).await, U256::ONE);
    let schema = std::fs::read(project.folder.join("schema.json")).expect("a schema");
    let call = publicInputsSchemaHashCall {};
    let hash = read(&chain, address(&metadata.into()), call).await;
    assert_eq!(hash, U256::from_be_bytes(keccak256(schema).0));
}
