//! Compiles contracts with solc, through foundry-compilers.

use std::{
    io::{Error, Write},
    ops::Range,
    path::{Path, PathBuf},
    process::Stdio,
};

use foundry_compilers::{
    artifacts::{
        CompilerOutput, EvmVersion, Optimizer, Settings, SolcInput, SolcLanguage, Source, Sources,
        output_selection::OutputSelection,
    },
    solc::Solc,
};

use serde::{Serialize, de::DeserializeOwned};
use sha3::{Digest, Keccak256};

use super::{INIT_CODE_LIMIT, RUNTIME_LIMIT, RenderedContract, SolidityError};
use crate::program;

/// Characters that are repeated of what a compiler complains about.
const MOST_SAID: usize = 2_000;

/// How a contract is compiled. The defaults run on every EVM chain and cost little gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CompilerSettings {
    /// Compile through Yul. Larger and slightly dearer for these contracts, whose assembly is written for the stack.
    pub via_ir: bool,
    /// Optimise.
    pub optimizer: bool,
    /// How often the code is expected to run: few times make it small, many times make it cheap.
    pub optimizer_runs: usize,
    /// Compile for the EVM as of this fork.
    pub evm_version: EvmVersion,
}

impl Default for CompilerSettings {
    fn default() -> Self {
        Self { via_ir: false, optimizer: true, optimizer_runs: 200, evm_version: EvmVersion::Paris }
    }
}

/// A compiled contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledContract {
    /// The contract's name.
    pub name: String,
    /// Its source, to which the source map refers.
    pub source: String,
    /// The application binary interface, as JSON.
    pub abi: serde_json::Value,
    /// What a deployment sends.
    pub init_code: Vec<u8>,
    /// What lies at the contract's address, but for its immutables.
    pub runtime_code: Vec<u8>,
    /// Where the constructor writes its immutables into the runtime code.
    pub immutables: Vec<Range<usize>>,
    /// Bytes of a second contract that the constructor creates; 0 if there is none.
    pub key_data_bytes: usize,
    /// From runtime code to source, in solc's compressed form.
    pub source_map: String,
    /// The compiler's input, as block explorers take it to verify a contract's source.
    pub standard_json: serde_json::Value,
    /// The compiler.
    pub compiler: CompilerIdentity,
}

impl CompiledContract {
    /// Where the free memory pointer starts: the compiler keeps what lies below to itself. None if the code
    /// does not start as solc lets contracts start.
    pub fn reserved_memory(&self) -> Option<usize> {
        // PUSHn pointer, PUSH1 0x40, MSTORE; or PUSH1 pointer, PUSH1 0x40, MSTORE.
        let (&push, rest) = self.runtime_code.split_first()?;
        let bytes = usize::from(push.checked_sub(0x5f)?);
        let pointer = rest.get(..bytes).filter(|pointer| pointer.len() <= 4)?;
        let stored = rest.get(bytes..)?.starts_with(&[0x60, 0x40, 0x52])
            || rest.get(bytes..)?.starts_with(&[0x80, 0x60, 0x40, 0x52]);
        stored.then(|| pointer.iter().fold(0, |value, &byte| value << 8 | usize::from(byte)))
    }

    /// Where the memory starts that a verifier takes for itself. None if the source is no verifier's.
    pub fn memory_base(&self) -> Option<usize> {
        let (_, rest) = self.source.split_once("R_MPTR = 0x")?;
        usize::from_str_radix(rest.split(';').next()?, 16).ok()
    }
}

/// A Solidity compiler.
#[derive(Debug, Clone)]
pub struct SolidityCompiler {
    solc: Solc,
    hash: [u8; 32],
}

/// Which compiler made a contract.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct CompilerIdentity {
    /// Its version.
    pub version: String,
    /// Keccak-256 of the file that was run, hexadecimal.
    pub hash: String,
    /// Where that lies.
    pub path: PathBuf,
}

impl SolidityCompiler {
    /// The compiler at `path`: anything that takes `--version` and `--standard-json` as solc does.
    pub fn at(path: &Path) -> Result<Self, SolidityError> {
        let failed = |source: Error| SolidityError::Compiler { path: path.to_owned(), source };
        let hash = Keccak256::digest(crate::regular_file::read(path).map_err(failed)?).into();
        let said = run(path, "--version", &[]).map_err(failed)?;
        let said = String::from_utf8_lossy(&said);
        let version = said.lines().find_map(|line| line.trim().strip_prefix("Version:"));
        // `0.8.30+commit.73712a01.Linux.g++`
        let number =
            version.and_then(|version| version.trim().split(['+', '-']).next()?.parse().ok());
        let number = number.ok_or_else(|| failed(Error::other("it does not tell its version")))?;
        Ok(Self { solc: Solc::new_with_version(path, number), hash })
    }

    /// The first compiler among: the package's own in `tools`, `solc` on the PATH, and the newest that Foundry or
    /// svm installed for this user.
    pub fn find() -> Result<Self, SolidityError> {
        let candidates = candidates();
        match candidates.iter().find(|path| path.is_file()) {
            Some(path) => Self::at(path),
            None => Err(SolidityError::NoCompiler { looked: candidates }),
        }
    }

    /// Its version.
    pub fn version(&self) -> String {
        self.solc.version.to_string()
    }

    /// Which compiler it is.
    pub fn identity(&self) -> CompilerIdentity {
        CompilerIdentity {
            version: self.version(),
            hash: super::layout::word(&self.hash),
            path: self.solc.solc.clone(),
        }
    }

    /// Runs the compiler on its standard JSON and gives what it says, errors included.
    pub fn standard_json(
        &self,
        input: &serde_json::Value,
    ) -> Result<serde_json::Value, SolidityError> {
        self.ask(input)
    }

    fn ask<T: Serialize, U: DeserializeOwned>(&self, input: &T) -> Result<U, SolidityError> {
        let path = &self.solc.solc;
        let failed = |source: Error| SolidityError::Compiler { path: path.clone(), source };
        let input = serde_json::to_vec(input).map_err(|error| failed(error.into()))?;
        let output = run(path, "--standard-json", &input).map_err(failed)?;
        serde_json::from_slice(&output).map_err(|error| failed(error.into()))
    }

    /// Compiles a rendered contract.
    pub fn compile(
        &self,
        contract: &RenderedContract,
        settings: CompilerSettings,
    ) -> Result<CompiledContract, SolidityError> {
        let compiled = self.compile_source(&contract.name, &contract.source, settings)?;
        Ok(CompiledContract { key_data_bytes: contract.key_data_bytes, ..compiled })
    }

    /// Compiles the contract `name` of a source that imports nothing.
    pub fn compile_source(
        &self,
        name: &str,
        source: &str,
        settings: CompilerSettings,
    ) -> Result<CompiledContract, SolidityError> {
        let file = format!("{name}.sol");
        let mut sources = Sources::new();
        sources.insert(file.clone().into(), Source::new(source));
        let input = SolcInput::new(SolcLanguage::Solidity, sources, settings.into())
            .sanitized(&self.solc.version);
        let output: CompilerOutput = self.ask(&input)?;
        if let Some(error) = output.errors.iter().find(|error| error.severity.is_error()) {
            // Not as it displays itself: in colours.
            let message = error.formatted_message.as_ref().unwrap_or(&error.message);
            return Err(SolidityError::Compilation { message: message.trim().to_owned() });
        }
        let missing = |what: &str| SolidityError::Compilation {
            message: format!("the compiler returned no {what} for `{name}`"),
        };
        let artifact = output
            .contracts
            .get(Path::new(&file))
            .and_then(|contracts| contracts.get(name))
            .ok_or_else(|| missing("contract"))?;
        let evm = artifact.evm.as_ref().ok_or_else(|| missing("bytecode"))?;
        let init = evm.bytecode.as_ref().ok_or_else(|| missing("init code"))?;
        let deployed = evm.deployed_bytecode.as_ref().ok_or_else(|| missing("runtime code"))?;
        let runtime = deployed.bytecode.as_ref().ok_or_else(|| missing("runtime code"))?;
        let immutables = deployed.immutable_references.values().flatten().map(|place| {
            let start = place.start as usize;
            start..start + place.length as usize
        });
        let json = |what: &str, value: Result<serde_json::Value, serde_json::Error>| {
            value.map_err(|error| SolidityError::Compilation {
                message: format!("the {what} is no JSON: {error}"),
            })
        };
        let runtime_code =
            runtime.object.as_bytes().ok_or_else(|| missing("runtime code"))?.to_vec();
        if runtime_code.len() > RUNTIME_LIMIT {
            return Err(SolidityError::CodeTooLarge {
                bytes: runtime_code.len(),
                limit: RUNTIME_LIMIT,
            });
        }
        let init_code = init.object.as_bytes().ok_or_else(|| missing("init code"))?.to_vec();
        if init_code.len() > INIT_CODE_LIMIT {
            return Err(SolidityError::InitCodeTooLarge {
                bytes: init_code.len(),
                limit: INIT_CODE_LIMIT,
            });
        }
        Ok(CompiledContract {
            name: name.to_owned(),
            source: source.to_owned(),
            abi: json("ABI", serde_json::to_value(&artifact.abi))?,
            init_code,
            runtime_code,
            immutables: immutables.collect(),
            key_data_bytes: 0,
            source_map: runtime.source_map.clone().unwrap_or_default(),
            standard_json: json("compiler's input", serde_json::to_value(&input))?,
            compiler: self.identity(),
        })
    }
}

/// Runs a compiler and gives what it says. It learns nothing of this program's environment.
fn run(compiler: &Path, argument: &str, input: &[u8]) -> Result<Vec<u8>, Error> {
    let mut command = program::command(compiler);
    command.arg(argument).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take();
    // A compiler that does not read to the end has something to say, which comes first.
    let written = stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(input));
    drop(stdin);
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.trim().chars().take(MOST_SAID).collect();
        return Err(Error::other(format!("{}: {said}", output.status)));
    }
    written.map(|()| output.stdout)
}

impl From<CompilerSettings> for Settings {
    fn from(settings: CompilerSettings) -> Self {
        let mut solc = Self {
            optimizer: Optimizer {
                enabled: Some(settings.optimizer),
                runs: Some(settings.optimizer_runs),
                ..Optimizer::default()
            },
            via_ir: Some(settings.via_ir),
            evm_version: Some(settings.evm_version),
            output_selection: OutputSelection::default_output_selection(),
            ..Self::default()
        };
        // No hash of the metadata behind the code: the same source gives the same code.
        solc.metadata = Some(foundry_compilers::artifacts::BytecodeHash::None.into());
        solc
    }
}

/// Where a compiler may be, in order.
fn candidates() -> Vec<PathBuf> {
    // The package's is a script for a compiler that npm installs.
    let developed = program::package().filter(|package| package.join("node_modules").is_dir());
    let mut candidates: Vec<PathBuf> =
        developed.map(|package| package.join("tools/solc")).into_iter().collect();
    candidates.extend(program::folder().map(|folder| folder.join("tools/solc")));
    candidates.extend(program::on_path("solc"));
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    for directory in [".svm", ".local/share/svm"] {
        let Some(directory) = home.as_ref().map(|home| home.join(directory)) else { continue };
        let mut installed: Vec<(Vec<u32>, PathBuf)> = std::fs::read_dir(&directory)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let version = entry.file_name().into_string().ok()?;
                let numbers = version.split('.').map(|n| n.parse().ok()).collect::<Option<_>>()?;
                Some((numbers, entry.path().join(format!("solc-{version}"))))
            })
            .filter(|(_, path)| program::is_private(path))
            .collect();
        installed.sort();
        candidates.extend(installed.into_iter().rev().map(|(_, path)| path));
        candidates.push(directory);
    }
    candidates
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::Name;
    use crate::solidity::{IoClaim, IoClaimKind, IoElement, IoSpec, IoTensor, hostile};

    /// Compiles a source as far as its ABI and gives its contracts' names.
    fn contracts(source: &str) -> Vec<String> {
        let input = serde_json::json!({
            "language": "Solidity",
            "sources": { "source.sol": { "content": source } },
            "settings": { "outputSelection": { "*": { "*": ["abi"] } } },
        });
        let output = SolidityCompiler::find().unwrap().standard_json(&input).unwrap();
        let errors = output["errors"].as_array().into_iter().flatten();
        let error = errors.into_iter().find(|message| message["severity"] == "error");
        assert!(error.is_none(), "{}", error.unwrap()["formattedMessage"].as_str().unwrap());
        let contracts = output["contracts"]["source.sol"].as_object().unwrap();
        contracts.keys().cloned().collect()
    }

    #[test]
    fn hostile_names_compile_in_every_place_of_a_source() {
        let names = hostile::hostile_names();
        let mut source = "pragma solidity ^0.8.20;\n".to_owned();
        for (i, name) in names.iter().enumerate() {
            let name = Name::new(name);
            source += &format!(
                "/// @title {comment}\n/// | `{comment}` | {comment}\n// {comment}\nlibrary {identifier} {{\n    \
                 /* {comment} */\n    string internal constant NAME = {literal};\n}}\n",
                comment = name.comment(),
                identifier = name.identifier("Model").with(&format!("_{i}")),
                literal = name.literal(),
            );
        }
        assert!(hostile::shows_all(&source));
        let found = contracts(&source);
        assert_eq!(found.len(), names.len());
        assert!(found.iter().all(|name| name.contains('_')), "{found:?}");
    }

    #[test]
    fn tensors_of_hostile_names_have_functions_of_their_own() {
        let tensor = |name: String| IoTensor {
            notes: vec![name.clone()],
            name,
            shape: vec![3],
            element: IoElement::Int8,
            scale: 0.5,
            zero_point: 0,
        };
        let claim = |name: String| IoClaim {
            name: name.clone(),
            kind: IoClaimKind::Threshold,
            parameter: Some(tensor(format!("{name}.threshold"))),
            result: tensor(format!("{name}.holds")),
            is_of_positions: false,
        };
        let mut names = hostile::hostile_names();
        let outputs = names.split_off(names.len() / 2).into_iter().map(tensor).collect();
        let claims = hostile::hostile_names();
        let spec = IoSpec {
            library: "HostileIo".into(),
            model: "*/ contract Pwned {} /*\n".into(),
            inferences: 1,
            names_weights: false,
            committed: hostile::hostile_names(),
            hashed: vec![],
            inputs: names.into_iter().map(tensor).collect(),
            claims: claims.into_iter().map(claim).collect(),
            outputs,
        };
        let source = spec.render().unwrap();
        assert!(hostile::shows_all(&source));
        assert_eq!(contracts(&source), ["HostileIo"]);
    }
}
