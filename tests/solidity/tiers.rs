//! Contracts of every size: small, large, with their key elsewhere, and too large.

use foundry_compilers::artifacts::EvmVersion;
use halo2_proofs::halo2curves::ff::PrimeField;
use zkverdict::{
    evm::Fork,
    solidity::{
        CompilerSettings, INIT_CODE_LIMIT, RUNTIME_LIMIT, Refusal, SolidityError, Tier,
        estimate_gas, verify_batch_calldata,
    },
};

use crate::{
    compilers::questions,
    fixture::{Case, Deployed, Fixture, RICH, SOLC, compile, solc, srs, verdict},
    random_circuit::RandomCircuit,
    spec::Spec,
};

fn assert_within_a_hundredth(predicted: u64, measured: u64) {
    let difference = predicted.abs_diff(measured);
    assert!(100 * difference <= measured, "{predicted} predicted, {measured} measured");
}

#[test]
fn circuit_as_large_as_a_convolution_takes_two_thirds_of_the_limit() {
    let case = Case::new(&Spec::large(), 1);
    let mut deployed = case.deploy();
    let run = deployed.verify(&case.proof, &case.instances);
    assert_eq!(verdict(&run), Ok(()));
    let estimate = case.contract.estimate_gas();
    let bytes = deployed.runtime_bytes;
    println!("{} gas, {bytes} bytes, {estimate:?}", run.gas.total);
    assert_eq!(case.contract.tier(), Tier::Inline);
    assert!(bytes * 3 <= RUNTIME_LIMIT * 2, "{bytes} bytes");
    assert!(10 * bytes.abs_diff(estimate.runtime_bytes) <= bytes, "{estimate:?}, {bytes} bytes");
    assert_within_a_hundredth(estimate.total, run.gas.total);

    let mut wrong = case.proof.clone();
    let evaluation = wrong.len() - 0xa0 + 0x1f;
    wrong[evaluation] ^= 1;
    assert_eq!(verdict(&deployed.verify(&wrong, &case.instances)), Err(Refusal::InvalidProof));
}

#[test]
fn large_circuit_compiles_through_yul_with_every_compiler() {
    let case = Case::new(&Spec::large(), 1);
    let rendered = case.contract.render().unwrap();
    let mut settings = CompilerSettings::default();
    settings.via_ir = true;
    for compiler in ["tools/solc", "tools/solc-0.8.28", "tools/solc-0.8.20"] {
        let compiled = solc(compiler).compile(&rendered, settings).unwrap();
        let (reserved, base) = (compiled.reserved_memory(), compiled.memory_base().unwrap());
        println!("{compiler}: {} bytes, {reserved:?} of {base}", compiled.runtime_code.len());
        assert!(reserved.is_none_or(|reserved| reserved * 4 <= base * 3));
        let mut deployed = Deployed::new(&compiled, Fork::default());
        assert_eq!(verdict(&deployed.verify(&case.proof, &case.instances)), Ok(()));
    }
}

/// Of large inputs the calldata's floor decides, of small ones what the contract does.
#[test]
fn inputs_of_any_size_are_predicted() {
    for (k, count, at_floor) in [(6, 30, false), (8, 150, false), (10, 900, true)] {
        let case = Case::new(&Spec::with_inputs(k, count), 1);
        let run = case.deploy().verify(&case.proof, &case.instances);
        assert_eq!(verdict(&run), Ok(()));
        let words = case.instances.concat().into_iter().map(|instance| instance.to_repr());
        let zero_bytes = words.flatten().filter(|&byte| byte == 0).count();
        let estimate = case.contract.estimate_gas().with_zero_bytes(zero_bytes);
        println!("{count} instances: {estimate:?}, {:?}", run.gas);
        assert_eq!(run.gas.total == run.gas.floor, at_floor, "{count} instances");
        assert_within_a_hundredth(estimate.total, run.gas.total);
        assert_within_a_hundredth(estimate.floor, run.gas.floor);
        assert_within_a_hundredth(estimate.intrinsic, run.gas.intrinsic);
        assert_within_a_hundredth(estimate.execution, run.gas.execution);
    }
}

#[test]
fn key_that_is_too_large_for_the_code_goes_into_a_second_contract() {
    let case = Case::new(&Spec::wide(260), 1);
    assert_eq!(case.contract.tier(), Tier::Data);
    // [1]₁, 260 columns and the gate's selector.
    assert_eq!(case.compiled.key_data_bytes, 1 + 64 * 262);
    let mut deployed = case.deploy();
    let run = deployed.verify(&case.proof, &case.instances);
    assert_eq!(verdict(&run), Ok(()));
    let estimate = case.contract.estimate_gas();
    println!("{} gas, {} bytes, {estimate:?}", run.gas.total, deployed.runtime_bytes);
    assert_within_a_hundredth(estimate.total, run.gas.total);
    let spec = &case.circuit.spec;
    let without_key =
        estimate_gas(case.fixture.pk.get_vk().cs(), spec.k, &spec.instance_counts).unwrap();
    assert_eq!(without_key, estimate);
    assert!(case.fixture.accepts(&case.proof, &case.instances));
}

#[test]
fn both_tiers_give_the_same_answers() {
    let contract = RICH.contract.clone().in_tier(Tier::Data);
    let rendered = contract.render().unwrap();
    let pipelines = [(false, true), (false, false), (true, true), (true, false)];
    let mut compiled = vec![];
    for (via_ir, optimizer) in pipelines {
        for evm_version in [EvmVersion::Paris, EvmVersion::Cancun] {
            let mut settings = CompilerSettings::default();
            (settings.via_ir, settings.optimizer) = (via_ir, optimizer);
            settings.evm_version = evm_version;
            compiled.push(SOLC.compile(&rendered, settings).unwrap());
        }
    }
    for old in ["tools/solc-0.8.20", "tools/solc-0.8.28"] {
        compiled.push(solc(old).compile(&rendered, CompilerSettings::default()).unwrap());
    }
    for compiled in &compiled {
        let mut deployed = Deployed::new(compiled, Fork::default());
        for (i, (calldata, expected)) in questions().into_iter().enumerate() {
            assert_eq!(verdict(&deployed.call(&calldata)), expected, "question {i}");
        }
    }
    let gas = Deployed::new(&compiled[0], Fork::default()).verify(&RICH.proof, &RICH.instances).gas;
    assert_within_a_hundredth(contract.estimate_gas().total, gas.total);
}

#[test]
fn changed_key_data_is_refused() {
    let contract = RICH.contract.clone().in_tier(Tier::Data);
    let compiled = compile(&contract, CompilerSettings::default());
    let instances = RICH.instances.concat();
    let batch = verify_batch_calldata(&[&RICH.proof], &[&instances]);
    // As nothing but another chain's rules could do it.
    let change = |code: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let mut deployed = Deployed::new(&compiled, Fork::default());
        let address = deployed.address.create(1);
        let right = deployed.machine.code(address);
        assert_eq!(right.len(), compiled.key_data_bytes);
        assert_eq!(right[0], 0, "the code stops at once");
        deployed.machine.set_code(address, &code(right));
        [verdict(&deployed.verify(&RICH.proof, &RICH.instances)), verdict(&deployed.call(&batch))]
    };
    assert_eq!(change(&|code| code), [Ok(()), Ok(())]);
    let refused = [Err(Refusal::WrongKeyData), Err(Refusal::WrongKeyData)];
    assert_eq!(change(&|_| vec![]), refused);
    assert_eq!(change(&|code| code[..code.len() - 1].to_vec()), refused);
    assert_eq!(change(&|code| [code, vec![0]].concat()), refused);
    assert_eq!(
        change(&|mut code| {
            code[70] ^= 1;
            code
        }),
        refused
    );
}

#[test]
fn what_no_chain_takes_is_an_error_with_numbers() {
    // 64 bytes per point: 383 fit.
    let spec = Spec::wide(400);
    let circuit = RandomCircuit::new(&spec, 1);
    let fixture = Fixture::new(srs(spec.k, 1), &circuit, false);
    let error = fixture.contract(&spec.instance_counts).render().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key's `402` points take a contract of `25729` bytes, a chain takes at most `24576`"
    );

    // In its own code, where it was not put by itself.
    let spec = Spec::wide(350);
    let circuit = RandomCircuit::new(&spec, 1);
    let fixture = Fixture::new(srs(spec.k, 1), &circuit, false);
    let inline = fixture.contract(&spec.instance_counts).in_tier(Tier::Inline).render().unwrap();
    match SOLC.compile(&inline, CompilerSettings::default()) {
        Err(SolidityError::CodeTooLarge { bytes, limit: RUNTIME_LIMIT }) => {
            assert!(bytes > 30_000, "{bytes}");
        }
        other => panic!("{:?}", other.err()),
    }

    // A constructor that stores 50,000 bytes.
    let bytes: String = (0..50_000_u32).map(|i| format!("{:02x}", i * i % 251)).collect();
    let source =
        format!("pragma solidity ^0.8.20; contract Big {{ bytes data = hex\"{bytes}\"; }}");
    match SOLC.compile_source("Big", &source, CompilerSettings::default()) {
        Err(SolidityError::InitCodeTooLarge { bytes, limit: INIT_CODE_LIMIT }) => {
            assert!(bytes > 50_000, "{bytes}");
        }
        other => panic!("{:?}", other.err()),
    }
}
