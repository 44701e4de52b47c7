//! Contracts under the development string: they say so, and no public chain takes them.

use sha3::{Digest, Keccak256};
use zkverdict::{
    evm::{EvmError, Fork, Machine},
    proving::{Srs, SrsOrigin},
    solidity::{CompilerSettings, InstanceCounts, InstanceKind, SolidityError, VerifierContract},
};

use crate::{
    fixture::{Fixture, RICH, SOLC, verdict},
    random_circuit::RandomCircuit,
    spec::Spec,
};

fn selector(signature: &str) -> Vec<u8> {
    Keccak256::digest(signature)[..4].to_vec()
}

fn word(value: u64) -> Vec<u8> {
    [vec![0; 24], value.to_be_bytes().to_vec()].concat()
}

/// A constant of a deployed contract.
fn constant(machine: &mut Machine, init_code: &[u8], name: &str) -> Vec<u8> {
    let address = machine.deploy(init_code).unwrap().address;
    machine.call(address, &selector(&format!("{name}()"))).unwrap().outcome.data().to_vec()
}

fn compile(contract: &VerifierContract) -> Vec<u8> {
    let rendered = contract.render().unwrap();
    SOLC.compile(&rendered, CompilerSettings::default()).unwrap().init_code
}

#[test]
fn development_string_stays_on_local_chains_whatever_it_is_called() {
    let spec = Spec::model_like();
    let circuit = RandomCircuit::new(&spec, spec.seed);
    // Read as a file that somebody gives with `--srs`.
    let raw = Srs::unsafe_dev(spec.k + 1).to_bytes();
    let srs = Srs::from_bytes_unchecked(&raw, SrsOrigin::Raw).unwrap();
    let srs = srs.cut_down(spec.k).unwrap().expect("it is longer");
    let params = (*srs.params).clone();
    let fixture = Fixture::new(params, &circuit, spec.compress_selectors);
    let contract = fixture.contract(&spec.instance_counts);
    assert!(contract.is_unsafe_dev() && contract.render().unwrap().unsafe_dev_srs);

    let init_code = compile(&contract);
    let refusal = |id: u64| {
        let error = Machine::new(Fork::default()).with_chain_id(id).deploy(&init_code).unwrap_err();
        let EvmError::ConstructorReverted { data } = error else { panic!("{error:?}") };
        assert_eq!(data, [selector("UnsafeDevSrs(uint256)"), word(id)].concat());
    };
    for id in [1, 10, 8453, 11_155_111] {
        refusal(id);
    }
    for id in [31337, 1337] {
        let mut machine = Machine::new(Fork::default()).with_chain_id(id);
        assert_eq!(constant(&mut machine, &init_code, "UNSAFE_DEV_SRS"), word(1));
    }
    let named = compile(&contract.on_dev_chain(10));
    assert!(Machine::new(Fork::default()).with_chain_id(10).deploy(&named).is_ok());
    let error = Machine::new(Fork::default()).with_chain_id(1).deploy(&named);
    assert!(matches!(error, Err(EvmError::ConstructorReverted { .. })), "{error:?}");
}

#[test]
fn other_strings_go_anywhere() {
    assert!(!RICH.contract.is_unsafe_dev());
    let init_code = &RICH.compiled.init_code;
    let mut machine = Machine::new(Fork::default()).with_chain_id(1);
    assert_eq!(constant(&mut machine, init_code, "UNSAFE_DEV_SRS"), word(0));
    let address = machine.deploy(init_code).unwrap().address;
    let calldata =
        zkverdict::solidity::verify_proof_calldata(&RICH.proof, &RICH.instances.concat());
    assert_eq!(verdict(&machine.call(address, &calldata).unwrap()), Ok(()));
}

#[test]
fn contract_tells_what_its_instances_are() {
    let total: usize = RICH.instances.iter().map(Vec::len).sum();
    let counts = |inputs| {
        InstanceCounts::new([
            (InstanceKind::Context, 1),
            (InstanceKind::Input, inputs),
            (InstanceKind::Output, total - 2),
        ])
    };
    let contract = RICH.contract.clone().with_instance_counts(counts(1)).unwrap();
    let init_code = compile(&contract);
    let mut machine = Machine::new(Fork::default());
    let mut tell = |name| constant(&mut machine, &init_code, name);
    assert_eq!(tell("INPUT_INSTANCES"), word(1));
    assert_eq!(tell("OUTPUT_INSTANCES"), word(total as u64 - 2));
    let mut parts = vec![0, 0, 0, 1, 2, 0, 0, 1, 5, 0, 0, u8::try_from(total - 2).unwrap()];
    parts.resize(32, 0);
    assert_eq!(tell("INSTANCES"), [word(32), word(12), parts].concat());

    let error = RICH.contract.clone().with_instance_counts(counts(2)).unwrap_err();
    assert!(matches!(error, SolidityError::InstanceCounts { .. }), "{error}");
}
