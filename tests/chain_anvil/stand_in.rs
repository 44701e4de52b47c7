//! Contracts for these tests, and proofs for them.

use std::{
    path::{Path, PathBuf},
    sync::OnceLock,
};

use alloy::{
    primitives::{Address, B256, Bytes, U256, keccak256},
    sol_types::SolValue,
};
use foundry_compilers::{
    artifacts::{
        BytecodeHash, CompilerOutput, EvmVersion, Optimizer, Settings, SolcInput, SolcLanguage,
        Source, Sources, output_selection::OutputSelection,
    },
    solc::Solc,
};
use serde_json::Value;
use zkverdict::chain::{
    Chain, Contract, DeployOptions, Deployment, LocalChain, RuntimeCode, SendOptions, model_id,
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn compiled() -> &'static CompilerOutput {
    static OUTPUT: OnceLock<CompilerOutput> = OnceLock::new();
    OUTPUT.get_or_init(|| {
        let solc = Solc::new(root().join("tools/solc")).expect("the compiler");
        let mut sources = Sources::new();
        let mut add = |path: &Path| {
            let text = std::fs::read_to_string(root().join(path)).expect("a source");
            sources.insert(path.into(), Source::new(text));
        };
        add(Path::new("tests/chain_anvil/StandIn.sol"));
        for folder in
            ["contracts", "contracts/interfaces", "contracts/libraries", "contracts/testing"]
        {
            for entry in std::fs::read_dir(root().join(folder)).expect("a folder") {
                let name = entry.expect("an entry").file_name();
                if Path::new(&name).extension().is_some_and(|extension| extension == "sol") {
                    add(&Path::new(folder).join(name));
                }
            }
        }
        let settings = Settings {
            optimizer: Optimizer { enabled: Some(true), runs: Some(200), ..Default::default() },
            evm_version: Some(EvmVersion::Paris),
            via_ir: Some(true),
            // A hash of sources would be code that a registry may take for instructions.
            metadata: Some(BytecodeHash::None.into()),
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

/// A contract of `StandIn.sol`, or of `contracts/`.
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

/// Deploys a contract and gives its address.
pub async fn deploy(chain: &Chain, contract: &Contract) -> Address {
    let planned = Deployment::plan(chain, contract, &DeployOptions::default()).await;
    planned.expect("a plan").send(chain, &SendOptions::default()).await.expect("deployed").address
}

/// A consumer that trusts the verifier which `deploy` left a record of.
pub async fn asker(chain: &Chain, records: &Path) -> Address {
    let record = std::fs::read(records.join("31337.json")).expect("a record");
    let record: Value = serde_json::from_slice(&record).expect("JSON");
    let text = |field: &str| record["contracts"][0][field].as_str().expect("text").to_owned();
    let verifier: Address = text("address").parse().expect("an address");
    let digest: B256 = text("vk_digest").parse().expect("32 bytes");
    let model = model_id("credit");
    let arguments = (verifier, model, digest, B256::ZERO).abi_encode_params();
    let single = deploy(chain, &with_arguments("SingleModelVerifier", &arguments)).await;
    deploy(chain, &with_arguments("Asker", &(single, model).abi_encode_params())).await
}

pub async fn connect(local: &LocalChain) -> Chain {
    Chain::connect(local.url(), Some(local.key())).await.expect("the local chain answers")
}
