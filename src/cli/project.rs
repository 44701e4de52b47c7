//! The Solidity sources that applications build on, as part of this program: the registry is compiled from
//! them, and `init` writes them into new projects.

use super::{CliError, Console, contract::CompilerArgs};
use crate::chain::{Contract, RuntimeCode};
use crate::solidity::SolidityCompiler;
use serde_json::{Value, json};

macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../", $path)))),*]
    };
}

/// Path in this repository and contents of every source that needs nothing from elsewhere.
pub const SOURCES: &[(&str, &str)] = sources![
    "contracts/AttestedConsumer.sol",
    "contracts/BatchConsumer.sol",
    "contracts/InferenceConsumer.sol",
    "contracts/ModelClient.sol",
    "contracts/ModelRegistry.sol",
    "contracts/NamedConsumer.sol",
    "contracts/RequestConsumer.sol",
    "contracts/SingleModelVerifier.sol",
    "contracts/TwoStepOwned.sol",
    "contracts/adapters/ERC7007Content.sol",
    "contracts/adapters/ERC7992Adapter.sol",
    "contracts/adapters/ERC8004Validator.sol",
    "contracts/adapters/ERC8084Metadata.sol",
    "contracts/examples/CreditLending.sol",
    "contracts/examples/GameAgent.sol",
    "contracts/examples/TradingSignal.sol",
    "contracts/interfaces/IAttestedConsumer.sol",
    "contracts/interfaces/IBatchConsumer.sol",
    "contracts/interfaces/IERC1271.sol",
    "contracts/interfaces/IERC5267.sol",
    "contracts/interfaces/IERC7007.sol",
    "contracts/interfaces/IERC7992.sol",
    "contracts/interfaces/IERC8004.sol",
    "contracts/interfaces/IERC8084.sol",
    "contracts/interfaces/IHalo2Verifier.sol",
    "contracts/interfaces/IInferenceConsumer.sol",
    "contracts/interfaces/IModelHalo2Verifier.sol",
    "contracts/interfaces/IModelRegistry.sol",
    "contracts/interfaces/IModelVerifier.sol",
    "contracts/interfaces/IPartsVerifier.sol",
    "contracts/interfaces/IRequestConsumer.sol",
    "contracts/interfaces/IVersionedConsumer.sol",
    "contracts/interfaces/IVersionedRequests.sol",
    "contracts/libraries/FixedCode.sol",
    "contracts/libraries/InferenceContext.sol",
    "contracts/libraries/MerkleRoot.sol",
    "contracts/libraries/PackedTensor.sol",
    "contracts/libraries/Signatures.sol",
    "contracts/libraries/VerifierShape.sol",
    "contracts/testing/InferenceTesting.sol",
    "contracts/testing/MockVerifier.sol",
];

/// What forge tests need.
pub const FORGE_SUPPORT: &[(&str, &str)] = sources!["test/Test.sol", "test/Vm.sol"];

/// Deployment and submission with forge alone.
pub const FORGE_SCRIPTS: &[(&str, &str)] = sources!["script/Deploy.s.sol", "script/Submit.s.sol"];

/// The npm compiler with the command line of a native one.
pub const SOLC_SHIM: &str = include_str!("../../tools/solc");

/// Compiles a contract of `contracts/`, as forge does with this repository's settings.
pub fn compile(name: &str, args: &CompilerArgs, console: &Console) -> Result<Contract, CliError> {
    let _stage = console.stage("compiling the contract");
    let compiler = args.find()?;
    let (contract, runtime) = compile_with(&compiler, name)?;
    Ok(contract.with_runtime(runtime))
}

fn compile_with(
    compiler: &SolidityCompiler,
    name: &str,
) -> Result<(Contract, RuntimeCode), CliError> {
    let sources: serde_json::Map<String, Value> = SOURCES
        .iter()
        .map(|&(path, content)| (path.to_owned(), json!({ "content": content })))
        .collect();
    let outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode"];
    let output = compiler.standard_json(&json!({
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "evmVersion": "paris",
            "metadata": { "bytecodeHash": "none" },
            "outputSelection": { "*": { "*": outputs } },
        },
    }))?;
    let bad = |reason: &str| CliError::Usage {
        message: format!("`{name}` does not compile with solc {}: {reason}", compiler.version()),
        hint: "give another compiler with `--solc`".into(),
    };
    let mut messages = output["errors"].as_array().into_iter().flatten();
    if let Some(error) = messages.find(|message| message["severity"] == "error") {
        return Err(bad(error["formattedMessage"].as_str().unwrap_or_default()));
    }
    let artifact = &output["contracts"][format!("contracts/{name}.sol")][name];
    let code = |value: &Value| {
        let digits = value.as_str().filter(|digits| !digits.is_empty());
        digits.and_then(|digits| alloy::primitives::hex::decode(digits).ok())
    };
    let evm = &artifact["evm"];
    let init = code(&evm["bytecode"]["object"]).ok_or_else(|| bad("no code"))?;
    let deployed = &evm["deployedBytecode"];
    let runtime = code(&deployed["object"]).ok_or_else(|| bad("no code"))?;
    let places = deployed["immutableReferences"].as_object().into_iter().flatten();
    let immutables = places
        .flat_map(|(_, places)| places.as_array().into_iter().flatten())
        .filter_map(|place| {
            let at = |field: &str| usize::try_from(place[field].as_u64()?).ok();
            Some(at("start")?..at("start")? + at("length")?)
        })
        .collect();
    let contract = Contract::new(name, init, &artifact["abi"].to_string())?;
    Ok((contract, RuntimeCode { code: runtime.into(), immutables }))
}
