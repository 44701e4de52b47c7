//! Packed proofs of models and their contracts, run in an EVM in process, against the Rust verifier.
//! Beside them what stands behind proofs of halo2's format, where these show commitments.
//! `verifier.py` is the third one; `prover/tests/packed` runs it.

#![allow(clippy::unwrap_used)]
#![cfg(all(feature = "compile", feature = "gas", feature = "prove"))]

mod behind;
#[path = "../solidity/claim.rs"]
mod claim;
mod links;
mod named;

use claim::{Claim, changes_of_word};
use halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    plonk::ConstraintSystem,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use zkverdict::{
    circuit::{ModelCircuit, Wishes},
    evm::{Address, Fork, Machine, Outcome, Run},
    model::{InputFormat, Model},
    proving::{Powers, packed_instances},
    solidity::{
        CompilerSettings, Packing, Refusal, SolidityCompiler, SolidityError, VerifierContract,
        cheapest_packing, verify_batch_calldata,
    },
};
use zkverdict_prover::{
    Arithmetic, Options, Synthesized,
    packed::{self as library, ProvingKey, Refusal as Said, Widths},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Of the longest string that packs may ask for, and what each power is worth to the command line, in gas.
const POWERS: usize = 1 << 19;
const GAS_PER_POWER: f64 = 0.06;

fn folder_of(name: &str) -> PathBuf {
    Path::new(ROOT).join("test/fixtures/models").join(name)
}

fn circuit_of(name: &str) -> (Model, ModelCircuit) {
    let model = std::fs::read(folder_of(name).join("int8_qdq.onnx")).unwrap();
    let model = Model::from_onnx(name, &model).unwrap();
    let circuit = ModelCircuit::new(&model, Wishes { packed: true, ..Wishes::default() }).unwrap();
    (model, circuit)
}

/// A model with its keys, proofs of its first samples and its contract.
struct Case {
    key: ProvingKey,
    system: ConstraintSystem<Fr>,
    proofs: Vec<Vec<u8>>,
    instances: Vec<Vec<Fr>>,
    contract: VerifierContract,
    init_code: Vec<u8>,
}

impl Case {
    /// With the cheapest widths, or one that is none of them.
    fn new(name: &str, width: Option<usize>, samples: usize) -> Self {
        let (model, circuit) = circuit_of(name);
        let inputs = std::fs::read(folder_of(name).join("samples.npy")).unwrap();
        let inputs = model.read_inferences(&inputs, InputFormat::Npy).unwrap();

        let system = circuit.constraint_system();
        let public = packed_instances(&circuit.shape(), circuit.instances());
        let widths = match width {
            Some(width) => Widths::all(&system, width),
            None => {
                cheapest_packing(&system, circuit.k(), &public, POWERS, GAS_PER_POWER)
                    .unwrap()
                    .widths
            }
        };
        let Powers { g1, g2, .. } = Powers::unsafe_dev(widths.key.max(4) << circuit.k());
        let (k, string, best) = (circuit.k(), library::Powers { g1: &g1, g2 }, Arithmetic::best());
        let source = Synthesized(&circuit);
        let key = ProvingKey::new(string, k, &system, &source, &public, &widths, best).unwrap();
        let mut proofs = vec![];
        let mut instances = vec![];
        for input in &inputs[..samples] {
            let witness = circuit.witness(&input[0], Fr::from(0xC0FFEE)).unwrap();
            let values = witness.instances.clone();
            let circuit = circuit.with_witness(witness);
            let (proof, _) =
                key.prove(&Synthesized(&circuit), &[&values], &[], &Options::default()).unwrap();
            assert_eq!(key.verifying().verify(&proof, &values), Ok(()));
            proofs.push(proof);
            instances.push(values);
        }
        Self::of(key, system, proofs, instances)
    }

    fn of(
        key: ProvingKey,
        system: ConstraintSystem<Fr>,
        proofs: Vec<Vec<u8>>,
        instances: Vec<Vec<Fr>>,
    ) -> Self {
        let contract = VerifierContract::packed(key.verifying(), &system).unwrap();
        let compiler = SolidityCompiler::at(&Path::new(ROOT).join("tools/solc")).unwrap();
        let rendered = contract.render().unwrap();
        let compiled = compiler.compile(&rendered, CompilerSettings::default()).unwrap();
        Self { key, system, proofs, instances, contract, init_code: compiled.init_code }
    }

    fn claim(&self, index: usize) -> Claim {
        Claim::new(&self.proofs[index], &self.instances[index])
    }

    fn deploy(&self, fork: Fork) -> Deployed {
        let mut machine = Machine::new(fork);
        let deployment = machine.deploy(&self.init_code).unwrap();
        Deployed { machine, address: deployment.address, bytes: deployment.runtime.len() }
    }

    /// The Rust verifier's verdict, in the contract's words.
    fn verdict(&self, claim: &Claim) -> Result<(), Refusal> {
        let expected = self.key.verifying().layout();
        let (got, lengths) = (claim.instances.len() as u64, claim.proof.len() as u64);
        let (count, length) = (expected.num_instances() as u64, expected.proof_length() as u64);
        if lengths != length {
            return Err(Refusal::ProofLength { got: lengths, expected: length });
        }
        if got != count {
            return Err(Refusal::InstanceCount { got, expected: count });
        }
        for index in 0..claim.instances.len() {
            let one = Claim { instances: vec![claim.instances[index]], ..claim.clone() };
            if one.scalars().is_none() {
                return Err(Refusal::ScalarOutOfRange { index: index as u64 });
            }
        }
        let scalars = claim.scalars().unwrap();
        self.key.verifying().verify(&claim.proof, &scalars).map_err(|refusal| match refusal {
            Said::ScalarOutOfRange { index } => Refusal::ScalarOutOfRange { index: index as u64 },
            Said::PointNotOnCurve { index } => Refusal::PointNotOnCurve { index: index as u64 },
            Said::WrongName { link } => Refusal::WrongName { link: link as u64 },
            Said::ChallengeInDomain => Refusal::ChallengeInDomain,
            Said::InvalidProof => Refusal::InvalidProof,
            other => panic!("{other}"),
        })
    }
}

struct Deployed {
    machine: Machine,
    address: Address,
    bytes: usize,
}

impl Deployed {
    fn call(&mut self, calldata: &[u8]) -> Run {
        self.machine.call(self.address, calldata).unwrap()
    }
}

/// The contract's verdict; anything but true and a typed error is a panic.
fn verdict(run: &Run) -> Result<(), Refusal> {
    match &run.outcome {
        Outcome::Returned(data) => {
            let mut yes = [0; 32];
            yes[31] = 1;
            assert_eq!(data[..], yes);
            Ok(())
        }
        Outcome::Reverted(data) => Err(Refusal::decode(data).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// Two packs of advice and one of the key.
static DIGITS: LazyLock<Case> = LazyLock::new(|| Case::new("digits_mlp", None, 1));

/// More packs, of a width that is no power of two.
static CREDIT: LazyLock<Case> = LazyLock::new(|| Case::new("credit_logreg", Some(5), 3));

/// What a call costs at most: with instances as dense as they can be. It is refused after all work is done.
fn dense(case: &Case) -> Claim {
    let mut claim = case.claim(0);
    for word in &mut claim.instances {
        *word = [0x11; 32];
    }
    claim
}

fn assert_cheap(case: &Case, most: u64) {
    let mut prague = case.deploy(Fork::Prague);
    let run = prague.call(&case.claim(0).calldata());
    assert_eq!(verdict(&run), Ok(()));
    println!("{:?}, {} bytes", run.gas, prague.bytes);
    let run = prague.call(&dense(case).calldata());
    assert_eq!(verdict(&run), Err(Refusal::InvalidProof));
    let measured = run.gas;
    let newest = case.deploy(Fork::default()).call(&dense(case).calldata()).gas;
    let amsterdam = case.deploy(Fork::Amsterdam).call(&dense(case).calldata()).gas;
    println!("dense: {measured:?}, amsterdam {amsterdam:?}");
    assert!(measured.total <= most, "{measured:?}");
    assert!(prague.bytes <= 12 << 10, "{} bytes", prague.bytes);
    let estimate = case.contract.estimate_gas();
    println!("{estimate:?}");
    for (estimated, measured) in
        [(estimate.total, newest.total), (estimate.execution, newest.execution)]
    {
        assert!(100 * estimated.abs_diff(measured) <= measured, "{estimated} {measured}");
    }
    assert_eq!(estimate.proof_bytes, case.proofs[0].len());
}

#[test]
fn contracts_accept_proofs_and_are_as_cheap_as_foretold() {
    assert_cheap(&DIGITS, 220_000);
    assert_cheap(&CREDIT, 245_000);
}

/// By Osaka's prices, which are about 3,000 more than Prague's.
#[test]
fn nets_are_cheap_in_their_fastest_layout() {
    for (name, most) in [
        ("credit_logreg", 223_000),
        ("digits_mlp", 223_000),
        ("digits_cnn", 248_000),
        ("lenet5", 278_000),
        ("tiny_transformer", 278_000),
        ("tiny_transformer_gelu", 278_000),
    ] {
        let (_, circuit) = circuit_of(name);
        let system = circuit.constraint_system();
        let public = packed_instances(&circuit.shape(), circuit.instances());
        let packing =
            cheapest_packing(&system, circuit.k(), &public, POWERS, GAS_PER_POWER).unwrap();
        let Packing { widths, estimate, .. } = packing;
        let advice = system.num_advice_columns();
        let fixed = system.num_fixed_columns();
        println!("{name}: k {}, {advice} + {fixed} columns, {widths:?} {estimate:?}", circuit.k());
        assert!(estimate.total <= most, "{name}: {estimate:?}");
    }
}

#[test]
#[ignore = "makes a string of half a million powers"]
fn lenet5_is_as_cheap_as_foretold() {
    assert_cheap(&Case::new("lenet5", None, 2), 278_000);
}

#[test]
fn verifiers_agree_on_every_change_of_a_word() {
    for case in [&*DIGITS, &CREDIT, &links::TWO, &named::TWO] {
        let good = case.claim(0);
        let mut deployed = case.deploy(Fork::Prague);
        for at in 0..good.words() {
            for program in changes_of_word(u8::try_from(at).unwrap()) {
                let claim = good.clone().changed(&program);
                let run = deployed.call(&claim.calldata());
                assert_eq!(verdict(&run), case.verdict(&claim), "{program:02x?}");
                assert_eq!(verdict(&run).is_ok(), claim == good, "{program:02x?}");
                if !matches!(verdict(&run), Ok(()) | Err(Refusal::InvalidProof)) {
                    assert!(run.gas.execution < 50_000, "{:?}", run.gas);
                }
            }
        }
    }
}

/// `MUTATIONS` programs of each length, or a few. `script/packed.sh` says how many there are to be.
fn changes(few: usize) -> usize {
    std::env::var("MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(few)
}

#[test]
fn verifiers_agree_after_any_program() {
    agree_after_any_program(&CREDIT);
    agree_after_any_program(&links::TWO);
    agree_after_any_program(&named::TWO);
}

fn agree_after_any_program(case: &Case) {
    let rng = &mut StdRng::seed_from_u64(0xf023);
    let (good, other) = (case.claim(0), case.claim(1));
    let mut deployed = case.deploy(Fork::Prague);
    // Words of another proof in their own places pass all checks but the last; so does the whole of it with its instances.
    for length in [0, 1, 2, 3] {
        for _ in 0..changes(125) {
            let mut claim = good.clone();
            if length == 0 || rng.r#gen() {
                let words = claim.proof.len() / 64;
                let (a, b) = (rng.gen_range(0..=words), rng.gen_range(0..=words));
                let range = 64 * a.min(b)..64 * a.max(b);
                claim.proof[range.clone()].copy_from_slice(&other.proof[range]);
            }
            if rng.gen_range(0..4) == 0 {
                let at = rng.gen_range(0..claim.instances.len());
                claim.instances[at] = other.instances[at];
            }
            let program: Vec<u8> = (0..4 * length).map(|_| rng.r#gen()).collect();
            let claim = claim.changed(&program);
            let (rust, solidity) =
                (case.verdict(&claim), verdict(&deployed.call(&claim.calldata())));
            // Which of several faults is named may differ.
            assert_eq!(rust.is_ok(), solidity.is_ok(), "{program:02x?}");
            assert_eq!(rust.is_ok(), claim == good || claim == other, "{program:02x?}");
        }
    }
}

#[test]
fn the_verifier_in_python_agrees_on_proofs_of_models_and_of_named_columns() {
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|byte| format!("{byte:02x}")).collect() };
    let line = |case: &Case, claim: &Claim| {
        let key = hex(&case.key.verifying().to_bytes());
        let verdict = match case.verdict(claim) {
            Ok(()) => "accepted".to_owned(),
            Err(Refusal::WrongName { link }) => format!("WrongName({link})"),
            Err(Refusal::PointNotOnCurve { index }) => format!("PointNotOnCurve({index})"),
            Err(Refusal::ScalarOutOfRange { index }) => format!("ScalarOutOfRange({index})"),
            Err(refusal) => format!("{refusal:?}"),
        };
        let instances: Vec<String> = claim.instances.iter().map(|word| hex(word)).collect();
        format!("{verdict} {key} {} {}\n", hex(&claim.proof), instances.join(" "))
    };
    let rng = &mut StdRng::seed_from_u64(0xf024);
    let mut lines = String::new();
    for case in [&*DIGITS, &named::TWO] {
        let good = case.claim(0);
        let accepted = line(case, &good);
        assert!(accepted.starts_with("accepted"));
        lines += &accepted;
        // They take longer: 200 where 2,500 are asked for.
        lines.extend((0..changes(150) * 2 / 25).map(|at| {
            // A bit, a word, an exchange, a multiple of a modulus, another point of the same x.
            let program = [at as u8 % 8, rng.r#gen(), rng.r#gen(), rng.r#gen()];
            line(case, &good.clone().changed(&program))
        }));
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("packed_models.txt");
    std::fs::write(&file, lines).unwrap();
    let verifier = Path::new(ROOT).join("tests/packed/verifier.py");
    let output = Command::new("python3").arg(verifier).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn batches_are_accepted_and_wrong_proofs_in_them_are_not() {
    let (proofs, instances) = (&CREDIT.proofs, &CREDIT.instances);
    let mut deployed = CREDIT.deploy(Fork::Prague);
    let mut call = |proofs: &[Vec<u8>], instances: &[Vec<Fr>]| {
        let run = deployed.call(&verify_batch_calldata(proofs, instances));
        (verdict(&run), run.gas.total)
    };
    let mut before = 0;
    for size in 1..=3 {
        let (verdict, gas) = call(&proofs[..size], &instances[..size]);
        assert_eq!(verdict, Ok(()), "{size} proofs");
        println!("{size}: {gas} gas");
        assert!(size == 1 || gas - before < 140_000, "{} for another", gas - before);
        before = gas;
    }
    let twice = [proofs[0].clone(), proofs[0].clone()];
    assert_eq!(call(&twice, &[instances[0].clone(), instances[0].clone()]).0, Ok(()));
    for wrong in 0..3 {
        let mut instances = instances.clone();
        instances[wrong][0] += Fr::ONE;
        assert_eq!(call(proofs, &instances).0, Err(Refusal::InvalidProof));
    }
    let mut exchanged = instances.clone();
    exchanged.swap(0, 1);
    assert_eq!(call(proofs, &exchanged).0, Err(Refusal::InvalidProof));
    // The openings' proofs of two members, exchanged: their sum stays, not that with weights.
    let mut mixed = proofs.clone();
    let at = mixed[0].len() - 64;
    let tail: Vec<u8> = mixed[0].drain(at..).collect();
    let other: Vec<u8> = mixed[1].drain(at..).collect();
    mixed[0].extend(other);
    mixed[1].extend(tail);
    assert_eq!(call(&mixed, instances).0, Err(Refusal::InvalidProof));
    assert_eq!(call(&[], &[]).0, Err(Refusal::EmptyBatch));
}

#[test]
fn a_contract_is_made_of_its_own_circuit_alone() {
    let refused = VerifierContract::packed(DIGITS.key.verifying(), &ConstraintSystem::default());
    assert!(matches!(refused, Err(SolidityError::InconsistentKey { .. })));
    let rendered = DIGITS.contract.render().unwrap();
    assert_eq!(rendered.vk_digest, DIGITS.key.verifying().digest());
    assert_eq!(rendered.proof_length, DIGITS.proofs[0].len());
    assert!(rendered.unsafe_dev_srs);
    // What gates are called is in the contract, for those who read it.
    assert!(!DIGITS.system.gates().is_empty());
    for gate in DIGITS.system.gates() {
        assert!(rendered.source.contains(gate.name()), "{}", gate.name());
    }
}
