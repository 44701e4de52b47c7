//! The stored samples of the fixture models, from file to verdict.

use super::{
    keyed::{Fixture as _, MODELS, keyed, outputs, reference, with_wishes},
    proven::{InProcess, Proven},
};
use alloy::primitives::U256;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use zkverdict::{
    chain::{
        Chain, ChainError, Contract, DeployOptions, Deployment, LocalChain, SendOptions,
        Submission, Verdict, block_on,
    },
    circuit::{BYTES_PER_WORD, Goal, Wishes},
    evm::{Fork, GasReport},
    proving::{ProvingError, Verifier, WORD_BYTES, word_of},
    solidity::verify_proof_calldata,
};

const MOST_GAS: u64 = 450_000;
const MOST_CODE: usize = 12 * 1024;
const MOST_NET_CODE: usize = 24_576;

// Of layers that are all dense, in gas mode.
const MOST_SMALL_GAS: u64 = 330_000;
const MOST_SMALL_CODE: usize = 10 * 1024;

fn words(instances: &[Fr]) -> Vec<[u8; WORD_BYTES]> {
    instances.iter().map(word_of).collect()
}

#[test]
fn proofs_of_all_samples_hold_the_reference_and_are_accepted() {
    for (name, most_k, variants) in MODELS {
        for variant in variants {
            let keyed = keyed(name, variant);
            assert!(keyed.circuit().k() <= most_k, "{name}: k = {}", keyed.circuit().k());
            let contract = keyed.contract();
            assert!(contract.runtime_code.len() <= MOST_CODE, "{name}/{variant}");
            let mut in_process = InProcess::new(&contract);
            for input in keyed.samples() {
                let (proof, instances) = keyed.prove_witness(keyed.witness(&input));
                let held = keyed.outputs(&instances);
                assert_eq!(held, keyed.reference(&input), "{name}/{variant}");
                assert!(in_process.accepts(&proof, &instances), "{name}/{variant}");
                let calldata = verify_proof_calldata(&proof, &instances);
                let report =
                    GasReport::measure(&contract.init_code, &calldata, Fork::default()).unwrap();
                assert!(report.total <= MOST_GAS, "{name}/{variant}: {} gas", report.total);
            }
        }
    }
}

/// Keys are made from whole columns, by the prover's own sums; halo2 makes the same from the same cells one by one.
#[test]
fn verifying_keys_are_those_that_halo2_makes() {
    let wishes = Wishes { goal: Goal::Gas, ..Wishes::default() };
    let folded = with_wishes("credit_logreg", "int8_qdq", wishes);
    let folded = (folded.verifier(), folded.circuit());
    let others = Proven::models().map(|proven| (&proven.verifier, &proven.circuit));
    for (verifier, circuit) in others.filter(|(_, circuit)| circuit.k() <= 14).chain([folded]) {
        let keys = verifier.keys().halo2().unwrap();
        let halo2 = Verifier::generate(keys.srs(), circuit, circuit.instances()).unwrap();
        assert_eq!(keys.to_bytes(), halo2.to_bytes(), "{}", verifier.model().name);
    }
}

fn holds_the_reference_and_is_accepted(proven: &Proven) {
    let name = proven.name();
    assert!(proven.circuit.k() <= proven.most_k, "{name}: k = {}", proven.circuit.k());
    assert!(proven.contract.runtime_code.len() <= MOST_NET_CODE, "{name}");
    let held = outputs(&proven.verifier, &proven.instances);
    assert_eq!(held, reference(proven.model(), &proven.samples[0]), "{name}");
    let mut in_process = InProcess::new(&proven.contract);
    assert!(in_process.accepts(&proven.proof, &proven.instances), "{name}");
}

#[test]
fn proofs_of_nets_hold_the_reference_and_are_accepted() {
    Proven::nets().for_each(holds_the_reference_and_is_accepted);
}

#[test]
#[ignore = "proving resnet8 takes a minute and 1.6 GB"]
fn proof_of_the_largest_net_holds_the_reference_and_is_accepted() {
    holds_the_reference_and_is_accepted(Proven::largest());
}

#[test]
fn every_model_is_cheap_to_verify_in_gas_mode() {
    let layers =
        MODELS.map(|(name, _, variants)| (name, variants[0], MOST_SMALL_GAS, MOST_SMALL_CODE));
    let net = ("digits_cnn", "int8_qdq_perchannel", MOST_GAS, MOST_NET_CODE);
    for (name, variant, most_gas, most_code) in layers.into_iter().chain([net]) {
        let wishes = Wishes { goal: Goal::Gas, ..Wishes::default() };
        let keyed = with_wishes(name, variant, wishes);
        let contract = keyed.contract();
        let input = keyed.samples().remove(0);
        let (proof, instances) = keyed.prove_witness(keyed.witness(&input));
        assert_eq!(keyed.outputs(&instances), keyed.reference(&input), "{name}");
        let calldata = verify_proof_calldata(&proof, &instances);
        let report = GasReport::measure(&contract.init_code, &calldata, Fork::default()).unwrap();
        assert!(report.total <= most_gas, "{name}: {} gas", report.total);
        let code = contract.runtime_code.len();
        assert!(code <= most_code, "{name}: {code} bytes");
    }
}

#[test]
fn private_input_is_proved_and_not_shown() {
    let wishes = Wishes { private_input: true, ..Wishes::default() };
    let keyed = with_wishes("diagnosis_mlp", "int8_qdq", wishes);
    let contract = keyed.contract();
    let input = keyed.samples().remove(0);
    let (proof, instances) = keyed.prove_witness(keyed.witness(&input));
    assert_eq!(instances.len(), 2, "the context and the output");
    assert_eq!(keyed.outputs(&instances), keyed.reference(&input));
    assert!(InProcess::new(&contract).accepts(&proof, &instances));
}

#[test]
fn instances_hold_the_context_the_input_and_the_output() {
    let keyed = keyed("digits_mlp", "int8_qdq");
    let input = keyed.samples().remove(0);
    let instances = words(&keyed.witness(&input).instances);
    assert_eq!(instances[0], word_of(&Fr::from(0xC0FFEE)));
    let bytes = |words: &[[u8; WORD_BYTES]], count: usize| -> Vec<i32> {
        let bytes = words.iter().flat_map(|word| word.iter().rev().take(BYTES_PER_WORD));
        bytes.take(count).map(|&byte| i32::from(byte) - 128).collect()
    };
    assert_eq!(bytes(&instances[1..4], 64), input);
    assert_eq!(bytes(&instances[4..], 10), keyed.reference(&input));
}

#[test]
fn output_off_by_one_has_no_proof() {
    for (name, _, variants) in MODELS {
        let keyed = keyed(name, variants[0]);
        let input = keyed.samples().remove(0);
        for position in 0..keyed.reference(&input).len() {
            let mut witness = keyed.witness(&input);
            let word = witness.instances.len()
                - 1
                - (keyed.reference(&input).len().div_ceil(BYTES_PER_WORD) - 1)
                + position / BYTES_PER_WORD;
            let step = Fr::from(256).pow([(position % BYTES_PER_WORD) as u64]);
            witness.instances[word] += step;
            let instances = witness.instances.clone();
            let proof =
                keyed.halo2().unwrap().prove(keyed.circuit().with_witness(witness), &instances);
            assert!(matches!(proof, Err(ProvingError::OwnProof)), "{name}: output {position}");
        }
    }
}

#[test]
fn chain_accepts_all_samples_and_says_why_not() {
    let result: Result<(), ChainError> = block_on(async {
        let local = LocalChain::start()?;
        let chain = Chain::connect(local.url(), Some(local.key())).await?;
        for (name, _, variants) in MODELS {
            for variant in variants {
                let keyed = keyed(name, variant);
                let compiled = keyed.contract();
                let contract = Contract::new(
                    &compiled.name,
                    compiled.init_code.clone(),
                    &compiled.abi.to_string(),
                )?;
                let options = DeployOptions::default();
                let deployment = Deployment::plan(&chain, &contract, &options).await?;
                let deployed = deployment.send(&chain, &SendOptions::default()).await?;
                for input in keyed.samples() {
                    let (proof, instances) = keyed.prove_witness(keyed.witness(&input));
                    let mut words: Vec<U256> =
                        instances.iter().map(|i| U256::from_be_bytes(word_of(i))).collect();
                    let submit = async |words: &[U256]| {
                        Submission::to_verifier(deployed.address, &proof, words)
                            .send(&chain, &contract.abi, &SendOptions::default())
                            .await
                    };
                    let Verdict::Accepted(sent) = submit(&words).await? else {
                        panic!("{name}/{variant} is refused");
                    };
                    let calldata = verify_proof_calldata(&proof, &instances);
                    let report =
                        GasReport::measure(&compiled.init_code, &calldata, Fork::default())
                            .unwrap();
                    assert_eq!(sent.gas_used, report.total, "{name}/{variant}");
                    *words.last_mut().unwrap() ^= U256::from(1);
                    let Verdict::Refused { error, .. } = submit(&words).await? else {
                        panic!("{name}/{variant}: another output is accepted");
                    };
                    assert_eq!(error.to_string(), "InvalidProof()");
                }
            }
        }
        Ok(())
    });
    result.unwrap();
}

#[test]
fn narrow_layouts_prove_and_cost_less_gas() {
    let total = |goal| {
        let wishes = Wishes { goal, ..Wishes::default() };
        let keyed = with_wishes("digits_mlp", "int8_qdq", wishes);
        let contract = keyed.contract();
        let (proof, instances) = keyed.prove_witness(keyed.witness(&keyed.samples()[1]));
        let calldata = verify_proof_calldata(&proof, &instances);
        let report = GasReport::measure(&contract.init_code, &calldata, Fork::default()).unwrap();
        assert!(report.call.accepted);
        report.total
    };
    assert!(total(Goal::Gas) < total(Goal::Speed));
}

#[test]
fn same_model_in_both_formats_has_the_same_key() {
    for (name, _, variants) in MODELS {
        let digest = |variant| keyed(name, variant).verifier().digest();
        assert_eq!(digest(variants[0]), digest(variants[1]), "{name}");
    }
}
