//! Compiled contracts from elsewhere: artifacts of Foundry and Hardhat, and Solidity files.

use super::{CliError, files, proof_file::unhex};
use crate::evm::DebugInfo;
use crate::solidity::SolidityCompiler;
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// A compiled contract.
#[derive(Debug)]
pub struct Artifact {
    /// Its name.
    pub name: String,
    /// What a deployment sends, without constructor arguments.
    pub creation_code: Vec<u8>,
    /// Its ABI; null where the file has none.
    pub abi: Value,
    /// How it is compiled, where that could be found out.
    pub compilation: Option<Compilation>,
}

/// How a contract is compiled.
#[derive(Debug)]
pub struct Compilation {
    /// The compiler's input.
    pub input: Value,
    /// The contract's file in it.
    pub file: String,
    /// The compiler's output, if it was asked already.
    pub output: Option<Value>,
}

impl Artifact {
    /// Reads the JSON that a compiler or a framework wrote about one contract.
    pub fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = files::read(path)?;
        let malformed = |why: String| CliError::Artifact { path: path.to_owned(), why };
        let json: Value =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        // Foundry and solc have `bytecode.object`, Hardhat `bytecode`.
        let code = ["/bytecode/object", "/bytecode", "/evm/bytecode/object", "/bin"]
            .iter()
            .find_map(|pointer| json.pointer(pointer)?.as_str())
            .ok_or_else(|| malformed("it has no `bytecode`".into()))?;
        let digits = code.strip_prefix("0x").unwrap_or(code);
        let creation_code =
            unhex(&format!("0x{digits}")).filter(|code| !code.is_empty()).ok_or_else(|| {
                let linked =
                    if digits.contains("__") { ", its libraries are not linked" } else { "" };
                malformed(format!("its bytecode is not hexadecimal digits{linked}"))
            })?;
        let compilation = metadata(&json).and_then(|metadata| compilation(&metadata, path));
        let target = compilation.as_ref().map(|(_, _, name)| name.clone());
        let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let named = json["contractName"].as_str().map(str::to_owned);
        Ok(Self {
            name: named.or(target).or_else(stem).unwrap_or_else(|| "contract".into()),
            creation_code,
            abi: json["abi"].clone(),
            compilation: compilation.map(|(input, file, _)| Compilation {
                input,
                file,
                output: None,
            }),
        })
    }

    /// Compiles the contract of a Solidity file: the one of the file's name, or its last.
    pub fn compile(path: &Path, compiler: &SolidityCompiler) -> Result<Self, CliError> {
        let failed = |why: String| CliError::Artifact { path: path.to_owned(), why };
        let (file, sources) = with_imports(path)?;
        let wanted: Vec<&str> = DebugInfo::WANTED_OUTPUT.into_iter().chain(["abi"]).collect();
        let input = json!({
            "language": "Solidity",
            "sources": sources,
            "settings": {
                "optimizer": { "enabled": true, "runs": 200 },
                "viaIR": true,
                "evmVersion": "paris",
                "metadata": { "bytecodeHash": "none" },
                "outputSelection": { (file.as_str()): { "*": wanted } },
            },
        });
        let output = compiler.standard_json(&input)?;
        let errors = output["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(error) = errors.iter().find(|error| error["severity"] == "error") {
            let message = error["formattedMessage"].as_str().unwrap_or("it does not compile");
            return Err(failed(message.trim().to_owned()));
        }
        let bytecode =
            |contract: &Value| contract["evm"]["bytecode"]["object"].as_str().map(str::len);
        let contracts = output["contracts"][&file].as_object();
        let mut deployable = contracts.into_iter().flatten().filter(|(_, c)| bytecode(c) > Some(0));
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let own = deployable.clone().find(|(name, _)| Some(*name) == stem.as_ref());
        let (name, contract) = own
            .or_else(|| deployable.next_back())
            .ok_or_else(|| failed("it has no contract that can be deployed".into()))?;
        let digits = contract["evm"]["bytecode"]["object"].as_str().unwrap_or_default();
        let creation_code = unhex(&format!("0x{digits}"))
            .ok_or_else(|| failed("its libraries are not linked".into()))?;
        let (name, abi) = (name.clone(), contract["abi"].clone());
        Ok(Self {
            name,
            creation_code,
            abi,
            compilation: Some(Compilation { input, file, output: Some(output) }),
        })
    }
}

/// The compiler's metadata in an artifact: an object, or text.
fn metadata(artifact: &Value) -> Option<Value> {
    match &artifact["metadata"] {
        Value::Object(metadata) => Some(Value::Object(metadata.clone())),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => serde_json::from_str(artifact["rawMetadata"].as_str()?).ok(),
    }
}

/// The input that the metadata describes, with sources from disk; the contract's file and name.
/// Nothing if a source is missing or has changed.
fn compilation(metadata: &Value, artifact: &Path) -> Option<(Value, String, String)> {
    let settings = &metadata["settings"];
    let (file, name) = settings["compilationTarget"].as_object()?.iter().next()?;
    let mut sources = serde_json::Map::new();
    for (path, source) in metadata["sources"].as_object()? {
        let hash = source["keccak256"].as_str()?;
        let mut candidates = roots(artifact).into_iter().map(|root| root.join(path));
        let text = candidates.find_map(|candidate| {
            let text = String::from_utf8(crate::regular_file::read(&candidate).ok()?).ok()?;
            let digest = super::bundle::hex(&Keccak256::digest(&text));
            (digest == hash).then_some(text)
        })?;
        sources.insert(path.clone(), json!({ "content": text }));
    }
    let mut kept = serde_json::Map::new();
    for key in ["optimizer", "evmVersion", "viaIR", "metadata", "remappings"] {
        if let Some(value) = settings.get(key) {
            kept.insert(key.to_owned(), value.clone());
        }
    }
    let input = json!({ "language": "Solidity", "sources": sources, "settings": kept });
    Some((input, file.clone(), name.as_str()?.to_owned()))
}

/// Where sources may lie: the working directory, and the folders around a file.
fn roots(file: &Path) -> Vec<PathBuf> {
    let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let around = absolute.ancestors().skip(1).map(Path::to_owned);
    std::iter::once(PathBuf::new()).chain(around).collect()
}

/// A file's name for the compiler, and the contents of everything it imports.
fn with_imports(path: &Path) -> Result<(String, Value), CliError> {
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    let main = if plain {
        path.to_owned()
    } else {
        normalized(&std::path::absolute(path).unwrap_or_default())
    };
    let name = main.display().to_string();
    let mut sources = BTreeMap::new();
    let mut waiting = vec![(name.clone(), path.to_owned())];
    while let Some((name, place)) = waiting.pop() {
        if sources.contains_key(&name) {
            continue;
        }
        let bytes = files::read(&place)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for import in imports(&text) {
            let relative = import.starts_with("./") || import.starts_with("../");
            let folder = if relative { Path::new(&name).parent() } else { None };
            let unit =
                folder.map_or_else(|| PathBuf::from(import), |f| normalized(&f.join(import)));
            let places = if relative {
                place.parent().map(|folder| folder.join(import)).into_iter().collect()
            } else {
                let found =
                    |root: PathBuf| [root.join(import), root.join("node_modules").join(import)];
                roots(path).into_iter().flat_map(found).collect::<Vec<_>>()
            };
            let found = places.into_iter().find(|place| place.is_file()).ok_or_else(|| {
                let why = format!("`{import}`, which it imports, is not there");
                CliError::Artifact { path: place.clone(), why }
            })?;
            waiting.push((unit.display().to_string(), found));
        }
        sources.insert(name, json!({ "content": text }));
    }
    Ok((name, json!(sources)))
}

/// The paths that a Solidity file imports.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    let statements = text.split(';').filter_map(|statement| {
        // The import is what follows the last comment or line before it.
        let at = statement.rfind("import")?;
        let before = statement[..at].rsplit('\n').next()?;
        before.trim().is_empty().then(|| &statement[at..])
    });
    statements.filter_map(|statement| {
        let quote = if statement.contains('"') { '"' } else { '\'' };
        statement.rsplit(quote).nth(1)
    })
}

/// The path without `.` and `..`.
fn normalized(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other),
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found_in_all_their_forms() {
        let text = "// SPDX\npragma solidity ^0.8.20;\nimport \"./A.sol\";\nimport {B, C as D} from '../B.sol';\n\
            import * as E from \"lib/E.sol\"; /// import nothing;\ncontract X { string s = \"import \"; }";
        assert_eq!(imports(text).collect::<Vec<_>>(), ["./A.sol", "../B.sol", "lib/E.sol"]);
    }

    #[test]
    fn paths_are_normalized_as_the_compiler_does() {
        assert_eq!(normalized(Path::new("a/./b/../c.sol")), Path::new("a/c.sol"));
    }
}
