//! Committed inputs in halo2's format: what stands behind its proofs, in Rust and in contracts.

use super::{Deployed, ROOT, changes, changes_of_word, claim::Claim, folder_of, verdict};
use halo2_proofs::halo2curves::bn256::Fr;
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{path::Path, sync::LazyLock};
use zkverdict::{
    circuit::{Goal, InstanceLayout, Plans, Wishes, pack},
    evm::{Fork, Machine},
    model::{InputFormat, Model, Visibility},
    proving::{Commitment, ModelProver, Options, Powers, Srs, link},
    solidity::{
        CompilerSettings, Refusal, SolidityCompiler, VerifierContract, verify_batch_calldata,
        verify_proof_calldata,
    },
};

/// A model with a committed input, and proofs of its first samples, each with a commitment of its own.
struct Case {
    prover: ModelProver,
    proofs: Vec<Vec<u8>>,
    instances: Vec<Vec<Fr>>,
    contract: VerifierContract,
    init_code: Vec<u8>,
}

impl Case {
    fn new(name: &str, proofs: usize) -> Self {
        let model = std::fs::read(folder_of(name).join("int8_qdq.onnx")).unwrap();
        let model = Model::from_onnx(name, &model).unwrap();
        let inputs = std::fs::read(folder_of(name).join("samples.npy")).unwrap();
        let inputs = model.read_inferences(&inputs, InputFormat::Npy).unwrap();
        let mut layout = InstanceLayout::of_model(&model, false);
        layout.inputs[0].visibility = Visibility::Committed;
        let plans = Plans::for_instances(&model, layout, Wishes::default()).unwrap();
        let circuit = plans.circuit(Goal::Gas);
        let srs = Srs::unsafe_dev(circuit.k());
        let powers = Powers::unsafe_dev(1 << circuit.k());
        let prover = ModelProver::of_circuit(model, circuit, &srs).unwrap();
        let prove = |input: &Vec<Vec<i32>>| {
            let bytes = input[0].iter().map(|integer| u8::try_from(integer + 128).unwrap());
            let words = pack(&bytes.collect::<Vec<_>>());
            let own = Commitment::new(&powers.g1, words, link::draw_blinding()).unwrap();
            let (context, options) = (Fr::from(0xC0FFEE), Options::default());
            let proved = prover.prove_linked(input, context, &[own][..], &options).unwrap().0;
            assert_eq!(prover.verifier().verify(&proved), Ok(()));
            let scalars = proved.scalars().unwrap();
            (proved.bytes, scalars)
        };
        let (proofs, instances) = inputs[..proofs].iter().map(prove).unzip();
        let contract = prover.verifier().contract("Linked").unwrap();
        let init_code = compiled(&contract);
        Self { prover, proofs, instances, contract, init_code }
    }

    fn claim(&self, index: usize) -> Claim {
        Claim::new(&self.proofs[index], &self.instances[index])
    }

    /// The Rust verifier's verdict.
    fn verdict(&self, claim: &Claim) -> Result<(), Refusal> {
        let keys = self.prover.verifier().keys();
        keys.check_lengths(claim.proof.len(), claim.instances.len())?;
        for (index, &word) in claim.instances.iter().enumerate() {
            if zkverdict::proving::scalar_of(word).is_none() {
                return Err(Refusal::ScalarOutOfRange { index: index as u64 });
            }
        }
        keys.verify(&claim.proof, &claim.scalars().unwrap())
    }
}

fn compiled(contract: &VerifierContract) -> Vec<u8> {
    let compiler = SolidityCompiler::at(&Path::new(ROOT).join("tools/solc")).unwrap();
    let rendered = contract.render().unwrap();
    compiler.compile(&rendered, CompilerSettings::default()).unwrap().init_code
}

fn deploy(init_code: &[u8], fork: Fork) -> Deployed {
    let mut machine = Machine::new(fork);
    let deployment = machine.deploy(init_code).unwrap();
    Deployed { machine, address: deployment.address, bytes: deployment.runtime.len() }
}

static CREDIT: LazyLock<Case> = LazyLock::new(|| Case::new("credit_logreg", 3));

/// Bytes of what stands behind a proof with one link.
const BEHIND: usize = 3 * 64;

#[test]
fn what_stands_behind_a_proof_costs_what_is_foretold() {
    let case = &*CREDIT;
    let claim = case.claim(0);
    let run = deploy(&case.init_code, Fork::default()).call(&claim.calldata());
    assert_eq!(verdict(&run), Ok(()));
    let estimate = case.contract.estimate_gas().with_instances(&claim.instances);
    println!("{:?}, {estimate:?}", run.gas);
    for (estimated, measured) in
        [(estimate.total, run.gas.total), (estimate.execution, run.gas.execution)]
    {
        assert!(100 * estimated.abs_diff(measured) <= measured, "{estimated} {measured}");
    }
    assert_eq!(estimate.proof_bytes, claim.proof.len());
    // The same proof without it, which a verifier of halo2's takes.
    let keys = case.prover.verifier().keys().halo2().unwrap();
    let alone = VerifierContract::new(keys.params(), keys.vk(), &[keys.instances()]).unwrap();
    let proof = &claim.proof[..claim.proof.len() - BEHIND];
    let calldata = verify_proof_calldata(proof, &case.instances[0]);
    let without = deploy(&compiled(&alone), Fork::default()).call(&calldata);
    assert_eq!(verdict(&without), Ok(()));
    let more = run.gas.total - without.gas.total;
    println!("{more} more");
    assert!(more <= 35_000, "{more}");
    let source = alone.render().unwrap().source;
    assert!(!source.contains("WrongName") && !source.contains("open_links"));
}

#[test]
fn verifiers_agree_on_every_change_of_a_word_behind_a_proof() {
    let case = &*CREDIT;
    let good = case.claim(0);
    let mut deployed = deploy(&case.init_code, Fork::Prague);
    let names = good.proof.len() / 32;
    // The link's points, the point before them, and the instances.
    for at in names - BEHIND / 32 - 2..good.words() {
        for program in changes_of_word(u8::try_from(at).unwrap()) {
            let claim = good.clone().changed(&program);
            let run = deployed.call(&claim.calldata());
            assert_eq!(verdict(&run), case.verdict(&claim), "{program:02x?}");
            assert_eq!(verdict(&run).is_ok(), claim == good, "{program:02x?}");
        }
    }
}

#[test]
fn verifiers_agree_after_any_program_behind_a_proof() {
    let case = &*CREDIT;
    let rng = &mut StdRng::seed_from_u64(0xf027);
    let (good, other) = (case.claim(0), case.claim(1));
    let mut deployed = deploy(&case.init_code, Fork::Prague);
    for length in [0, 1, 2] {
        for _ in 0..changes(60) {
            let mut claim = good.clone();
            if length == 0 || rng.r#gen() {
                let points = claim.proof.len() / 64;
                let a = rng.gen_range(points - 4..=points);
                let b = rng.gen_range(points - 4..=points);
                let end = claim.proof.len();
                let [a, b] = [a.min(b), a.max(b)].map(|point| end - 64 * (points - point));
                claim.proof[a..b].copy_from_slice(&other.proof[a..b]);
            }
            if rng.gen_range(0..3) == 0 {
                claim.instances[1] = other.instances[1];
            }
            let program: Vec<u8> = (0..4 * length).map(|_| rng.r#gen()).collect();
            let claim = claim.changed(&program);
            let (rust, solidity) =
                (case.verdict(&claim), verdict(&deployed.call(&claim.calldata())));
            assert_eq!(rust.is_ok(), solidity.is_ok(), "{program:02x?}");
            assert_eq!(rust.is_ok(), claim == good || claim == other, "{program:02x?}");
        }
    }
}

#[test]
fn batches_are_of_what_stands_behind_each_proof() {
    let case = &*CREDIT;
    let (proofs, instances) = (&case.proofs, &case.instances);
    let mut deployed = deploy(&case.init_code, Fork::Prague);
    let mut call = |proofs: &[Vec<u8>], instances: &[Vec<Fr>]| {
        verdict(&deployed.call(&verify_batch_calldata(proofs, instances)))
    };
    for size in 1..=3 {
        assert_eq!(call(&proofs[..size], &instances[..size]), Ok(()), "{size} proofs");
    }
    let end = proofs[0].len();
    // All of it, the quotients, and what shows them, of two members exchanged.
    for (from, expected) in [
        (BEHIND, Refusal::WrongName { link: 0 }),
        (128, Refusal::InvalidProof),
        (64, Refusal::InvalidProof),
    ] {
        let mut exchanged = proofs.clone();
        for (member, other) in [(0, 1), (1, 0)] {
            exchanged[member][end - from..].copy_from_slice(&proofs[other][end - from..]);
        }
        assert_eq!(call(&exchanged, instances), Err(expected));
    }
    let mut renamed = instances.clone();
    renamed[2][1] = instances[0][1];
    assert_eq!(call(proofs, &renamed), Err(Refusal::WrongName { link: 0 }));
}
