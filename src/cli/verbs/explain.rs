//! `explain`: what an exit code or a contract's error means.

use crate::bundle::{hex, unhex};
use crate::chain::Revert;
use crate::cli::project::SOURCES;
use crate::cli::{Answer, CliError, Console, EXIT_CODES};
use alloy::json_abi::{Error, JsonAbi};
use serde::Serialize;
use std::{collections::HashSet, fmt};

/// Contracts that are written anew for each model and project, and one that needs a library from elsewhere.
const OTHERS: [(&str, &str); 10] = [
    (
        "contracts/examples/ContentNft.sol",
        include_str!("../../../contracts/examples/ContentNft.sol"),
    ),
    ("templates/Halo2Verifier.sol", include_str!("../../../templates/Halo2Verifier.sol")),
    ("templates/PartsVerifier.sol", include_str!("../../../templates/PartsVerifier.sol")),
    ("templates/ModelIo.sol", include_str!("../../../templates/ModelIo.sol")),
    (
        "templates/project/biometric/Consumer.sol",
        include_str!("../../../templates/project/biometric/Consumer.sol"),
    ),
    (
        "templates/project/content/Consumer.sol",
        include_str!("../../../templates/project/content/Consumer.sol"),
    ),
    (
        "templates/project/credit/Consumer.sol",
        include_str!("../../../templates/project/credit/Consumer.sol"),
    ),
    (
        "templates/project/dao/Consumer.sol",
        include_str!("../../../templates/project/dao/Consumer.sol"),
    ),
    (
        "templates/project/medical/Consumer.sol",
        include_str!("../../../templates/project/medical/Consumer.sol"),
    ),
    (
        "templates/project/DeployConsumer.sol",
        include_str!("../../../templates/project/DeployConsumer.sol"),
    ),
];

/// What every contract can revert with.
const BUILT_IN: &str = "\
    /// @notice A contract refused with a message.
    error Error(string message);
    /// @notice One of Solidity's own checks failed: 0x01 an assertion, 0x11 an overflow, 0x12 a division by zero, \
    0x21 a value that an enum does not have, 0x31 an empty array, 0x32 an index beyond an array, 0x41 too much memory.
    error Panic(uint256 code);
";

/// What `explain` takes.
#[derive(clap::Args)]
pub struct Args {
    /// An exit code, an error's selector or whole data from `0x` on, or an error's name [default: all that are known]
    what: Option<String>,
}

/// A meaning of what is asked for.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Meaning {
    /// Of an exit code.
    Exit { exit_code: u8, meaning: &'static str },
    /// Of a contract's error.
    Refusal {
        error: String,
        selector: String,
        meaning: String,
        /// Values in the data that was given.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        arguments: Vec<String>,
        /// Where it is declared.
        source: String,
    },
}

#[derive(Serialize)]
struct Report {
    meanings: Vec<Meaning>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for meaning in &self.meanings {
            match meaning {
                Meaning::Exit { exit_code, meaning } => {
                    writeln!(f, "exit code {exit_code}: {meaning}")?;
                }
                Meaning::Refusal { error, selector, meaning, arguments, source } => {
                    writeln!(f, "{error}  {selector}")?;
                    writeln!(f, "  {meaning}")?;
                    if !arguments.is_empty() {
                        writeln!(f, "  here: {}", arguments.join(", "))?;
                    }
                    writeln!(f, "  declared in {source}")?;
                }
            }
        }
        Ok(())
    }
}

/// An error that a contract declares, with what is written about it.
struct Declared {
    error: Error,
    meaning: String,
    source: &'static str,
}

impl Declared {
    /// What it means, with the values that are in data.
    fn refusal(self, data: Option<&[u8]>) -> Meaning {
        let Self { error, meaning, source } = self;
        let mut abi = JsonAbi::new();
        let (signature, selector) = (error.signature(), hex(error.selector().as_slice()));
        abi.errors.entry(error.name.clone()).or_default().push(error);
        let revert = data.map(|data| Revert::decode(data.to_vec().into(), &abi));
        let arguments = revert.filter(|revert| revert.name.is_some());
        let arguments = arguments.map_or_else(Vec::new, |revert| revert.arguments);
        Meaning::Refusal { error: signature, selector, meaning, arguments, source: source.into() }
    }
}

/// All errors of the contracts that come with this program.
fn declared() -> Vec<Declared> {
    let built_in = [("every contract", BUILT_IN)];
    let sources = SOURCES.iter().chain(&OTHERS).chain(&built_in).copied();
    let mut all: Vec<_> = sources.flat_map(|(source, text)| declared_in(source, text)).collect();
    // Other contracts pass on what verifiers say.
    all.sort_by_key(|declared| declared.source != "contracts/interfaces/IHalo2Verifier.sol");
    all
}

fn declared_in(source: &'static str, text: &'static str) -> Vec<Declared> {
    let mut comment = String::new();
    let mut all = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("///") {
            let words = words.trim();
            // What an argument is, is not what the error says.
            if let Some(notice) = words.strip_prefix("@notice") {
                comment = notice.trim().to_owned();
            } else if !words.starts_with('@') {
                comment = format!("{comment} {words}").trim().to_owned();
            }
        } else if line.starts_with("error ") && line.ends_with(");") {
            let meaning = std::mem::take(&mut comment);
            if let Some(error) = parsed(line) {
                all.push(Declared { error, meaning, source });
            }
        } else {
            comment.clear();
        }
    }
    all
}

/// A declaration; enums are bytes to the ABI.
fn parsed(line: &str) -> Option<Error> {
    let (head, arguments) = line.trim_end_matches(';').split_once('(')?;
    let plain = |argument: &str| {
        let argument = argument.trim();
        match argument.split_once(' ') {
            Some((kind, name)) if kind.starts_with(|c: char| c.is_ascii_uppercase()) => {
                format!("uint8 {name}")
            }
            _ => argument.to_owned(),
        }
    };
    let arguments: Vec<String> = arguments.trim_end_matches(')').split(',').map(plain).collect();
    Error::parse(&format!("{head}({})", arguments.join(", "))).ok()
}

/// What a text means: nothing where it is no code, selector or name.
fn meanings(what: &str) -> Vec<Meaning> {
    let data = unhex(what).filter(|data| data.len() >= 4);
    if let (None, Ok(code)) = (&data, what.parse::<u8>()) {
        let known = EXIT_CODES.iter().filter(|(exit_code, _)| *exit_code == code);
        let meaning = |&(exit_code, meaning)| Meaning::Exit { exit_code, meaning };
        return known.map(meaning).collect();
    }
    let is_meant = |error: &Error| match &data {
        Some(data) => data.starts_with(error.selector().as_slice()),
        None => error.name == what || error.signature() == what,
    };
    let known = declared().into_iter().filter(|declared| is_meant(&declared.error));
    known.map(|declared| declared.refusal(data.as_deref())).collect()
}

/// All that is known, each error once.
fn all() -> Vec<Meaning> {
    let exits = EXIT_CODES.iter();
    let exits = exits.map(|&(exit_code, meaning)| Meaning::Exit { exit_code, meaning });
    let mut known = HashSet::new();
    let mut errors = declared();
    errors.retain(|declared| known.insert(declared.error.signature()));
    errors.sort_by_key(|declared| declared.error.name.clone());
    exits.chain(errors.into_iter().map(|declared| declared.refusal(None))).collect()
}

/// Tells what is known.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    let Some(what) = &args.what else {
        console.result(&Report { meanings: all() })?;
        return Ok(Answer::Yes);
    };
    let meanings = meanings(what);
    if meanings.is_empty() {
        let names: Vec<String> =
            declared().into_iter().map(|declared| declared.error.name).collect();
        let near = crate::name::nearest(what, names.iter().map(String::as_str));
        let hint = near.map_or_else(
            || {
                "give an exit code, a selector of four bytes from `0x` on, or an error's name"
                    .into()
            },
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("`{what}` is no exit code or error that is known here");
        return Err(CliError::Usage { message, hint });
    }
    console.result(&Report { meanings })?;
    Ok(Answer::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::Path};

    fn refusals(what: &str) -> Vec<(String, String, Vec<String>)> {
        let refusal = |meaning| match meaning {
            Meaning::Refusal { error, meaning, arguments, .. } => (error, meaning, arguments),
            Meaning::Exit { .. } => panic!("{what} is no exit code"),
        };
        meanings(what).into_iter().map(refusal).collect()
    }

    /// The lines that declare errors below a folder.
    fn lines(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut found = vec![];
        for path in entries {
            if path.is_dir() {
                found.extend(lines(&path));
            } else if path.extension().is_some_and(|extension| extension == "sol") {
                let text = fs::read_to_string(&path).unwrap();
                let errors = text.lines().map(str::trim).filter(|line| line.starts_with("error "));
                found.extend(errors.map(str::to_owned));
            }
        }
        found
    }

    #[test]
    fn every_error_of_the_contracts_is_explained() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let all: Vec<String> = ["contracts", "templates"]
            .iter()
            .flat_map(|folder| lines(&root.join(folder)))
            .collect();
        assert!(all.len() > 80);
        for line in all {
            let name = line["error ".len()..].split('(').next().unwrap();
            let known = refusals(name);
            assert!(!known.is_empty() && known.iter().all(|known| !known.1.is_empty()), "{line}");
        }
    }

    /// The selector that contracts put into memory themselves, and arguments that are decoded.
    #[test]
    fn selectors_and_data_are_those_of_the_contracts() {
        let verifier = include_str!("../../../templates/Halo2Verifier.sol");
        let errors = include_str!("../../../contracts/interfaces/IHalo2Verifier.sol");
        assert!(verifier.contains("IHalo2Verifier") && errors.contains("error InvalidProof();"));
        let told = refusals("0x09bde339");
        assert_eq!(told[0].0, "InvalidProof()");
        assert_eq!(told[0].1, "The proof does not prove the instances.");
        assert_eq!(refusals("InvalidProof()"), refusals("InvalidProof"));
        let length = alloy::primitives::keccak256("ProofLength(uint256,uint256)");
        let data = format!("{}{:064x}{:064x}", hex(&length[..4]), 2, 3);
        assert_eq!(refusals(&data)[0].2, ["2", "3"]);
        // An enum is a byte.
        assert_eq!(refusals("VersionIs")[0].0, "VersionIs(bytes32,uint256,uint8)");
        assert_eq!(refusals("0x4e487b71")[0].0, "Panic(uint256)");
        assert_eq!(refusals("0x08c379a0")[0].0, "Error(string)");
        assert!(meanings("0x00000000").is_empty() && meanings("77").is_empty());
        assert!(EXIT_CODES.iter().all(|(code, _)| meanings(&code.to_string()).len() == 1));
    }
}
