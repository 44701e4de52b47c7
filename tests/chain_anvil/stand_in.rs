//! Contracts for these tests, and proofs for them.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use alloy::primitives::{Bytes, U256, keccak256};
use foundry_compilers::{
    artifacts::{
        CompilerOutput, EvmVersion, Optimizer, Settings, SolcInput, SolcLanguage, Source, Sources,
        output_selection::OutputSelection,
    },
    solc::Solc,
};
use zkverdict::chain::{Chain, Contract, LocalChain, RuntimeCode};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn compiled() -> &'static CompilerOutput {
    static OUTPUT: OnceLock<CompilerOutput> = OnceLock::new();
    OUTPUT.get_or_init(|| {
        let solc = Solc::new(root().join("tools/solc")).expect("the compiler");
        let path = Path::new("StandIn.sol");
        let text = include_str!("StandIn.sol");
        let mut sources = Sources::new();
        sources.insert(path.into(), Source::new(text));
        let settings = Settings {
            optimizer: Optimizer { enabled: Some(true), runs: Some(200), ..Default::default() },
            evm_version: Some(EvmVersion::Paris),
            output_selection: OutputSelection::default_output_selection(),
            ..Default::default()
        };
        let input =
            SolcInput::new(SolcLanguage::Solidity, sources, settings).sanitized(&solc.version);
        let output = solc.compile(&input).expect("the compiler runs");
        assert!(!output.has_error(), "{:?}", output.errors);
        output
    })
}

/// A contract of `StandIn.sol`.
pub fn contract(name: &str) -> Contract {
    let compiled = compiled()
        .contracts
        .values()
        .find_map(|contracts| contracts.get(name))
        .unwrap_or_else(|| panic!("no contract {name}"));
    let evm = compiled.evm.as_ref().expect("code was asked for");
    let init = evm.bytecode.as_ref().and_then(|code| code.object.as_bytes()).expect("init code");
    let deployed = evm.deployed_bytecode.as_ref().expect("runtime code");
    let runtime = deployed.bytecode.as_ref().and_then(|code| code.object.as_bytes());
    let immutables = deployed
        .immutable_references
        .values()
        .flatten()
        .map(|at| at.start as usize..(at.start + at.length) as usize)
        .collect();
    let abi = serde_json::to_string(compiled.abi.as_ref().expect("an ABI")).expect("JSON");
    Contract::new(name, init.clone(), &abi)
        .expect("a contract")
        .with_runtime(RuntimeCode { code: runtime.expect("runtime code").clone(), immutables })
}

/// The same contract with arguments for its constructor.
pub fn with_arguments(name: &str, arguments: &[u8]) -> Contract {
    let mut contract = contract(name);
    contract.init_code = Bytes::from([&contract.init_code, arguments].concat());
    contract
}

pub fn instances() -> Vec<U256> {
    vec![U256::from(5), U256::from(7)]
}

/// What `StandIn` takes for a proof.
pub fn proof(instances: &[U256]) -> Vec<u8> {
    let packed: Vec<u8> =
        instances.iter().flat_map(|instance| instance.to_be_bytes::<32>()).collect();
    keccak256(packed).to_vec()
}

pub async fn connect(local: &LocalChain) -> Chain {
    Chain::connect(local.url(), Some(local.key())).await.expect("the local chain answers")
}
