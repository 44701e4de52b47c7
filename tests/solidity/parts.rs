//! Models in parts: their contracts together, and what cheating provers put together of proofs whose parts are wrong.

use crate::fixture::SOLC;
use halo2_proofs::halo2curves::{
    bn256::{Bn256, Fq, Fr, G1, G1Affine, G2Affine},
    ff::PrimeField,
    group::{Curve, prime::PrimeCurveAffine},
    pairing::Engine,
};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::{collections::BTreeMap, path::Path, sync::LazyLock};
use zkverdict::{
    bundle::{PartsBundle, Work},
    circuit::{Goal, InstanceLayout, Plans, Wishes},
    evm::{Address, Called, Experiment, Fork, GasReport, Machine, Outcome},
    model::Model,
    proving::{Blindings, Judge, ModelProver, Options, PartsVerifier, Powers, Proof},
    solidity::{
        CompiledContract, CompilerSettings, Packing, PartContract, SolidityError, packing,
        verify_batch_calldata_of_words, verify_proof_calldata_of_words,
    },
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A model in parts, with proofs of two inferences.
struct Case {
    verifier: PartsVerifier,
    parts: Vec<CompiledContract>,
    proofs: [Proof; 2],
}

static CASES: [LazyLock<Case>; 3] = [
    LazyLock::new(|| Case::new("digits_cnn", 2)),
    LazyLock::new(|| Case::new("digits_cnn", 3)),
    LazyLock::new(|| Case::new("lenet5", 4)),
];

/// A chain with all contracts.
struct Deployed {
    machine: Machine,
    parts: Vec<Address>,
    whole: Address,
}

fn compiled(contract: &zkverdict::solidity::RenderedContract) -> CompiledContract {
    SOLC.compile(contract, CompilerSettings::default()).unwrap()
}

impl Case {
    fn new(name: &str, count: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = Path::new(ROOT).join("test/fixtures/models").join(name).join("int8_qdq.onnx");
        let onnx = std::fs::read(path).unwrap();
        let model = Model::from_onnx(name, &onnx).unwrap();
        let layout = InstanceLayout::of_model(&model, false);
        let cuts = model.cuts_into(count).unwrap();
        let wishes = Wishes { packed: true, ..Wishes::default() };
        let planned = model.cut(&cuts).unwrap().into_iter().enumerate().map(|(number, part)| {
            let layout = layout.of_part(&part, count, number);
            let plans = Plans::for_instances(&part.model, layout, wishes).unwrap();
            let circuit = plans.circuit(Goal::Gas);
            let packing = packing(&circuit, Goal::Gas).unwrap();
            (circuit, packing)
        });
        let mut planned: Vec<_> = planned.collect();
        let most = planned.iter().map(|(_, Packing { powers, .. })| *powers).max().unwrap();
        let powers = Powers::unsafe_dev(most);
        planned.reverse();
        let mut provers = Vec::new();
        let (bundle, verifier) = PartsBundle::create(
            &folder.path().join("parts.zkv"),
            &onnx,
            (&model, &layout),
            &cuts,
            |part, _| {
                let (circuit, Packing { widths, .. }) = planned.pop().unwrap();
                let prover = ModelProver::packed(part.model, circuit, &powers, &widths).unwrap();
                let verifier = prover.verifier().clone();
                provers.push(prover);
                Ok::<_, zkverdict::bundle::BundleError>((verifier, powers.clone()))
            },
        )
        .unwrap();
        let size = model.graph.tensors[model.inputs[0].tensor.0].len();
        let proofs = [1, 2].map(|seed| {
            let work = Work {
                inputs: vec![(0..size).map(|at| (at as i32 * 31 + seed * 7) % 256 - 128).collect()],
                contexts: vec![Fr::from(5)],
                commitments: Vec::new(),
                blindings: Blindings::draw(0),
                weights: None,
            };
            let proof = bundle.prove(&work, |number, _, work| {
                let proof = work.prove(&provers[number], &Options::default()).unwrap();
                Ok::<_, zkverdict::bundle::BundleError>(proof)
            });
            let proof = proof.unwrap();
            assert_eq!(verifier.verify(&proof), Ok(()));
            proof
        });
        let parts = verifier.parts().iter().enumerate().map(|(number, part)| {
            compiled(&part.contract(&format!("Part{number}")).unwrap().render().unwrap())
        });
        let parts = parts.collect();
        Self { verifier, parts, proofs }
    }

    /// The parts on a chain, and what the contract of the whole is told of them.
    fn parts_on(&self, machine: &mut Machine) -> Vec<PartContract> {
        let part = |part: &CompiledContract| {
            let deployment = machine.deploy(&part.init_code).unwrap();
            let code_hash = Keccak256::digest(&deployment.runtime).into();
            PartContract { address: deployment.address.into_array(), code_hash }
        };
        self.parts.iter().map(part).collect()
    }

    fn whole(&self, parts: &[PartContract]) -> CompiledContract {
        compiled(&self.verifier.contract("Whole", parts).unwrap())
    }

    /// The contract of the whole without one of its checks.
    fn weakened(&self, parts: &[PartContract], check: &str, instead: &str) -> CompiledContract {
        let mut rendered = self.verifier.contract("Whole", parts).unwrap();
        assert_eq!(rendered.source.matches(check).count(), 1, "{check}");
        rendered.source = rendered.source.replace(check, instead);
        compiled(&rendered)
    }

    fn deploy(&self) -> Deployed {
        self.deploy_with(|parts| self.whole(parts))
    }

    fn deploy_with(&self, whole: impl FnOnce(&[PartContract]) -> CompiledContract) -> Deployed {
        let mut machine = Machine::new(Fork::default());
        let parts = self.parts_on(&mut machine);
        let whole = machine.deploy(&whole(&parts).init_code).unwrap().address;
        let parts = parts.iter().map(|part| Address::from(part.address)).collect();
        Deployed { machine, parts, whole }
    }

    fn report(&self, calldata: &[u8], fork: Fork) -> GasReport {
        let parts = self.parts_on(&mut Machine::new(fork));
        let mut experiment = Experiment::new(&self.whole(&parts).init_code, calldata);
        for (number, part) in self.parts.iter().enumerate() {
            let (name, init_code) = (format!("Part{number}"), part.init_code.clone());
            experiment = experiment.with_called(Called { name, init_code, debug: None });
        }
        experiment.run(fork).unwrap()
    }

    /// Where each part's proof lies in that of the whole.
    fn ranges(&self) -> Vec<std::ops::Range<usize>> {
        let mut end = 32 * self.verifier.crossing();
        let lengths = self.verifier.parts().iter().map(|part| part.verifier.keys().proof_length());
        lengths
            .map(|length| {
                end += length;
                end - length..end
            })
            .collect()
    }

    /// A part's proof and instances, as the contract of the whole hands them on.
    fn split(&self, proof: &Proof, number: usize) -> (Vec<u8>, Vec<[u8; 32]>) {
        let part = &self.verifier.parts()[number];
        let name = |&number: &usize| proof.bytes[32 * number..][..32].try_into().unwrap();
        let [before, behind] = &part.own;
        let instances = proof.instances[before.clone()].iter().copied();
        let instances = instances.chain(part.names.iter().map(name));
        let instances = instances.chain(proof.instances[behind.clone()].iter().copied());
        (proof.bytes[self.ranges()[number].clone()].to_vec(), instances.collect())
    }

    /// Where [W'] lies, on which no challenge depends: before the commitments of links and what shows them.
    fn opening(&self, number: usize) -> usize {
        let links = self.verifier.parts()[number].names.len();
        self.ranges()[number].end - 64 * (links + 1) - 64
    }
}

fn calldata(proof: &Proof) -> Vec<u8> {
    verify_proof_calldata_of_words(&proof.bytes, &proof.instances)
}

fn batch(proofs: &[&Proof]) -> Vec<u8> {
    let (proofs, instances): (Vec<_>, Vec<_>) =
        proofs.iter().map(|proof| (&proof.bytes, &proof.instances)).unzip();
    verify_batch_calldata_of_words(&proofs, &instances)
}

fn selector(signature: &str) -> Vec<u8> {
    Keccak256::digest(signature)[..4].to_vec()
}

/// `WrongPart` with what a part has reverted with.
fn wrong_part(part: u8, reason: &[u8]) -> Vec<u8> {
    let number = |number: usize| {
        let mut word = [0; 32];
        word[24..].copy_from_slice(&(number as u64).to_be_bytes());
        word
    };
    let words = [number(part.into()), number(0x40), number(reason.len())].concat();
    let padding = vec![0; reason.len().next_multiple_of(32) - reason.len()];
    [&selector("WrongPart(uint256,bytes)")[..], &words, reason, &padding].concat()
}

/// With one number.
fn error(signature: &str, number: u8) -> Vec<u8> {
    let mut word = [0; 32];
    word[31] = number;
    [&selector(signature)[..], &word].concat()
}

impl Deployed {
    fn call(&mut self, to: Address, calldata: &[u8]) -> Result<Vec<u8>, Vec<u8>> {
        match self.machine.call(to, calldata).unwrap().outcome {
            Outcome::Returned(data) => Ok(data),
            Outcome::Reverted(data) => Err(data),
            other => panic!("{other:?}"),
        }
    }

    fn verify(&mut self, calldata: &[u8]) -> Result<(), Vec<u8>> {
        let mut yes = [0; 32];
        yes[31] = 1;
        self.call(self.whole, calldata).map(|data| assert_eq!(data, yes))
    }

    /// What a part returns for a proof: right and left.
    fn accumulate(&mut self, case: &Case, proof: &Proof, number: usize) -> [G1Affine; 2] {
        let (bytes, instances) = case.split(proof, number);
        let arguments = verify_proof_calldata_of_words(&bytes, &instances);
        let calldata = [&selector("accumulate(bytes,uint256[])"), &arguments[4..]].concat();
        let data = self.call(self.parts[number], &calldata).unwrap();
        assert_eq!(data.len(), 128);
        [point(&data[..64]), point(&data[64..])]
    }
}

fn point(bytes: &[u8]) -> G1Affine {
    let coordinate = |bytes: &[u8]| {
        let mut repr: [u8; 32] = bytes.try_into().unwrap();
        repr.reverse();
        Fq::from_repr(repr).unwrap()
    };
    let point = G1Affine { x: coordinate(&bytes[..32]), y: coordinate(&bytes[32..]) };
    assert!(bool::from(halo2_proofs::halo2curves::CurveAffine::is_on_curve(&point)));
    point
}

fn bytes(point: G1Affine) -> Vec<u8> {
    let coordinate = |coordinate: Fq| {
        let mut repr = coordinate.to_repr();
        repr.reverse();
        repr
    };
    [coordinate(point.x), coordinate(point.y)].concat()
}

/// The same proof with something added to its [W'] in one part.
fn moved(case: &Case, proof: &Proof, number: usize, by: G1) -> Proof {
    let mut moved = proof.clone();
    let place = &mut moved.bytes[case.opening(number)..][..64];
    let sum = (point(place) + by).to_affine();
    place.copy_from_slice(&bytes(sum));
    moved
}

fn pairing_holds(case: &Case, [right, left]: [G1Affine; 2]) -> bool {
    let tau_g2 = case.verifier.parts()[0].verifier.keys().tau_g2();
    Bn256::pairing(&left, &tau_g2) == Bn256::pairing(&right, &G2Affine::generator())
}

/// [τ]₁, which everybody knows: that of the development string, from its powers.
fn tau_g1() -> G1 {
    Powers::unsafe_dev(2).g1[1].to_curve()
}

/// Two proofs, each wrong in one part, whose pairings are wrong by the same and the opposite amount. With z the point that a part is
/// opened at, [W'] + Δ makes a pairing wrong by (τ − z)·Δ; and z·G is seen from what a part returns.
fn cancelling(
    case: &Case,
    deployed: &mut Deployed,
    [(first, one), (second, other)]: [(&Proof, usize); 2],
) -> [G1; 2] {
    let mut z = |proof: &Proof, number: usize| {
        let [right, _] = deployed.accumulate(case, proof, number);
        let moved = moved(case, proof, number, G1::generator());
        let [other, _] = deployed.accumulate(case, &moved, number);
        other.to_curve() - right
    };
    let (z_one, z_other) = (z(first, one), z(second, other));
    [tau_g1() - z_other, z_one - tau_g1()]
}

#[test]
fn parts_are_verified_with_one_pairing() {
    let path = Path::new(ROOT).join("tests/solidity/parts_gas.json");
    let mut measured = BTreeMap::new();
    for case in &CASES {
        let count = case.verifier.parts().len();
        for (what, calldata) in [
            (format!("{count} parts"), calldata(&case.proofs[0])),
            (format!("{count} parts, 2 proofs"), batch(&[&case.proofs[0], &case.proofs[1]])),
        ] {
            let report = case.report(&calldata, Fork::Prague);
            assert!(report.call.accepted, "{:?}", report.call);
            let calls = |name: &str| report.precompiles.iter().find(|used| used.name == name);
            assert_eq!(calls("ecPairing").unwrap().count, 1, "{what}");
            let parts: Vec<i64> = report.parts.iter().map(|part| part.gas).collect();
            let rest = i64::try_from(report.execution).unwrap() - parts.iter().sum::<i64>();
            // Folding and the pairing, and what hands on the rest.
            let pairs = parts.len() as i64 * if what.contains("proofs") { 2 } else { 1 };
            let folded = 12_300 * (pairs - 1) + 113_000;
            assert!((folded..folded + 8_000 * pairs).contains(&rest), "{what}: {rest}, {folded}");
            println!("{what}: {report}");
            measured.insert(
                what,
                json!({ "total": report.total, "intrinsic": report.intrinsic,
                "parts": parts, "rest": rest, "runtime_bytes": report.runtime_bytes }),
            );
        }
    }
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        let text = serde_json::to_string_pretty(&measured).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let kept: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(kept.keys().collect::<Vec<_>>(), measured.keys().collect::<Vec<_>>());
    for (what, kept) in &kept {
        // Proofs are drawn anew, and with them their zero bytes.
        for figure in ["total", "rest", "runtime_bytes"] {
            let [kept, found] = [kept, &measured[what]].map(|of| of[figure].as_i64().unwrap());
            assert!(200 * kept.abs_diff(found) <= kept.unsigned_abs(), "{what}: {kept}, {found}");
        }
    }
}

#[test]
fn an_ordinary_verifier_has_nothing_of_a_part() {
    let case = &CASES[0];
    let part = &case.verifier.parts()[0];
    let ordinary = part.verifier.contract("Part0").unwrap().render().unwrap();
    assert!(!ordinary.source.contains("accumulate("));
    let (own, ordinary) = (&case.parts[0], compiled(&ordinary));
    println!("{} bytes, {} of a part", ordinary.runtime_code.len(), own.runtime_code.len());
    assert!(own.runtime_code.len() < ordinary.runtime_code.len() + 600);
    // A part's contract still judges by itself.
    let mut deployed = case.deploy();
    let (bytes, instances) = case.split(&case.proofs[0], 0);
    let at = deployed.parts[0];
    assert!(deployed.call(at, &verify_proof_calldata_of_words(&bytes, &instances)).is_ok());
    let (bytes, instances) = case.split(&moved(case, &case.proofs[0], 0, G1::generator()), 0);
    let refused = deployed.call(at, &verify_proof_calldata_of_words(&bytes, &instances));
    assert_eq!(refused, Err(selector("InvalidProof()")));
}

#[test]
fn a_wrong_pairing_of_any_part_is_refused() {
    for case in &CASES {
        let mut deployed = case.deploy();
        let [proof, other] = &case.proofs;
        assert_eq!(deployed.verify(&calldata(proof)), Ok(()));
        assert_eq!(deployed.verify(&batch(&[proof, other])), Ok(()));
        for number in 0..case.parts.len() {
            let wrong = moved(case, proof, number, G1::generator());
            assert!(!pairing_holds(case, deployed.accumulate(case, &wrong, number)));
            assert!(pairing_holds(case, deployed.accumulate(case, proof, number)));
            let invalid = Err(selector("InvalidProof()"));
            assert_eq!(deployed.verify(&calldata(&wrong)), invalid);
            assert_eq!(deployed.verify(&batch(&[&wrong])), invalid);
            assert_eq!(deployed.verify(&batch(&[other, &wrong])), invalid);
        }
    }
}

/// Without the challenge the sums fit, and the contract takes them.
#[test]
fn wrong_pairings_that_cancel_each_other_out_are_refused() {
    let case = &CASES[1];
    let mut deployed = case.deploy();
    let challenge = "let challenge := keccak256(POINTS_MPTR, length)";
    let without = |parts: &[PartContract]| case.weakened(parts, challenge, "let challenge := 1");
    let mut without = case.deploy_with(without);
    let [proof, other] = &case.proofs;
    // Of two parts of one proof.
    let [by, back] = cancelling(case, &mut deployed, [(proof, 0), (proof, 2)]);
    let wrong = moved(case, &moved(case, proof, 0, by), 2, back);
    let points = [0, 1, 2].map(|number| deployed.accumulate(case, &wrong, number));
    assert_eq!(points.map(|points| pairing_holds(case, points)), [false, true, false]);
    let sum = |side: usize| points.iter().map(|points| points[side].to_curve()).sum::<G1>();
    assert!(pairing_holds(case, [sum(0).to_affine(), sum(1).to_affine()]), "they fit");
    assert_eq!(deployed.verify(&calldata(&wrong)), Err(selector("InvalidProof()")));
    assert_eq!(without.verify(&calldata(&wrong)), Ok(()), "nothing else refuses them");
    // Of the same part of two proofs of a batch.
    let [by, back] = cancelling(case, &mut deployed, [(proof, 1), (other, 1)]);
    let wrong = [moved(case, proof, 1, by), moved(case, other, 1, back)];
    let points = [0, 1].map(|of| deployed.accumulate(case, &wrong[of], 1));
    assert_eq!(points.map(|points| pairing_holds(case, points)), [false; 2]);
    let sum = |side: usize| points.iter().map(|points| points[side].to_curve()).sum::<G1>();
    assert!(pairing_holds(case, [sum(0).to_affine(), sum(1).to_affine()]), "they fit");
    let calldata = batch(&[&wrong[0], &wrong[1]]);
    assert_eq!(deployed.verify(&calldata), Err(selector("InvalidProof()")));
    assert_eq!(without.verify(&calldata), Ok(()), "nothing else refuses them");
}

#[test]
fn a_part_that_refuses_is_named() {
    let case = &CASES[1];
    let mut deployed = case.deploy();
    let [proof, other] = &case.proofs;
    let ranges = case.ranges();
    // Another proof's part, another's names, and swapped ones.
    for number in 0..3 {
        let mut foreign = proof.clone();
        let range = ranges[number].clone();
        foreign.bytes[range.clone()].copy_from_slice(&other.bytes[range]);
        let wrong_name = error("WrongName(uint256)", 0);
        let expected = Err(wrong_part(number as u8, &wrong_name));
        assert_eq!(deployed.verify(&calldata(&foreign)), expected);
        assert_eq!(deployed.verify(&batch(&[other, &foreign])), expected);
    }
    let mut renamed = proof.clone();
    renamed.bytes[..32].copy_from_slice(&other.bytes[..32]);
    let expected = Err(wrong_part(0, &error("WrongName(uint256)", 0)));
    assert_eq!(deployed.verify(&calldata(&renamed)), expected);
    // A part whose commitment is no point, and one with another context.
    let mut broken = proof.clone();
    broken.bytes[ranges[1].start] ^= 1;
    let expected = Err(wrong_part(1, &error("PointNotOnCurve(uint256)", 0)));
    assert_eq!(deployed.verify(&calldata(&broken)), expected);
    let mut elsewhere = proof.clone();
    elsewhere.instances[0][31] ^= 1;
    assert_eq!(deployed.verify(&calldata(&elsewhere)), Err(selector("InvalidProof()")));
    // Swapped, repeated, missing.
    let of = |number: usize| &proof.bytes[ranges[number].clone()];
    let names = &proof.bytes[..ranges[0].start];
    for order in [vec![1, 0, 2], vec![0, 2, 1], vec![0, 0, 2], vec![0, 1, 1], vec![0, 1], vec![]] {
        let parts = order.iter().flat_map(|&number| of(number)).copied();
        let bytes: Vec<u8> = names.iter().copied().chain(parts).collect();
        let moved = Proof { bytes, ..proof.clone() };
        let refused = deployed.verify(&calldata(&moved)).unwrap_err();
        if moved.bytes.len() == proof.bytes.len() {
            let first = (0..3).find(|&part| order[part] != part).unwrap();
            assert_eq!(refused[..4], selector("WrongPart(uint256,bytes)"), "{order:?}");
            assert_eq!(refused[4 + 31] as usize, first, "{order:?}");
        } else {
            assert_eq!(refused[..4], selector("ProofLength(uint256,uint256)"), "{order:?}");
        }
        assert!(case.verifier.verify(&moved).is_err());
    }
    let empty = batch(&[]);
    assert_eq!(deployed.verify(&empty), Err(selector("EmptyBatch()")));
    let mut short = proof.clone();
    short.instances.pop();
    let refused = deployed.verify(&calldata(&short)).unwrap_err();
    assert_eq!(refused[..4], selector("InstanceCount(uint256,uint256)"));
}

/// Points that a part might return, had somebody put another contract in its place.
#[test]
fn another_contract_in_the_place_of_a_part_is_refused_by_the_constructor() {
    let case = &CASES[0];
    let digest = case.verifier.parts()[1].verifier.digest();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let source = format!(
        "pragma solidity ^0.8.20; contract Fake {{ bytes32 public constant VK_DIGEST = 0x{digest}; \
         function accumulate(bytes calldata, uint256[] calldata) external pure returns (uint256[4] memory) {{}} }}"
    );
    let fake = SOLC.compile_source("Fake", &source, CompilerSettings::default()).unwrap();
    let mut machine = Machine::new(Fork::default());
    let parts = case.parts_on(&mut machine);
    let fake = machine.deploy(&fake.init_code).unwrap().address;
    let [honest, other] = [parts[0], parts[1]];
    let code_hash = other.code_hash;
    let elsewhere = [fake.into_array(), [0x77; 20], honest.address];
    for wrong in elsewhere.map(|address| PartContract { address, code_hash }) {
        let refused = machine.deploy(&case.whole(&[honest, wrong]).init_code).unwrap_err();
        let mut expected = error("OtherPart(uint256,address)", 1);
        expected.extend([0; 12]);
        expected.extend(wrong.address);
        assert_eq!(refused, zkverdict::evm::EvmError::ConstructorReverted { data: expected });
        let unchecked = case.weakened(&[honest, wrong], "verifier.codehash != code_hash", "false");
        assert!(machine.deploy(&unchecked.init_code).is_ok(), "nothing else refuses it");
    }
    assert!(machine.deploy(&case.whole(&[honest, other]).init_code).is_ok());
    let count = case.verifier.contract("Whole", &[honest]);
    assert!(matches!(count, Err(SolidityError::PartAddresses { received: 1, expected: 2 })));
}

/// A point that is not on the curve, as no verifier of a part returns, is refused by whoever adds it up.
#[test]
fn points_off_the_curve_are_refused_by_precompiles() {
    let case = &CASES[0];
    let mut deployed = case.deploy();
    // PUSH1 2, PUSH0, MSTORE, PUSH1 128, PUSH0, RETURN: (2, 0) and the point at infinity.
    let code = [0x60, 2, 0x5f, 0x52, 0x60, 0x80, 0x5f, 0xf3];
    for (number, precompile) in [(0, 6), (1, 7)] {
        let address = deployed.parts[number];
        let own = deployed.machine.code(address);
        deployed.machine.set_code(address, &code);
        let refused = deployed.verify(&calldata(&case.proofs[0]));
        assert_eq!(refused, Err(error("PrecompileFailed(uint256)", precompile)));
        deployed.machine.set_code(address, &own);
    }
    assert_eq!(deployed.verify(&calldata(&case.proofs[0])), Ok(()));
}

/// The registry of `contracts`, compiled as forge does.
fn registry() -> Vec<u8> {
    let mut sources = serde_json::Map::new();
    for entry in ["contracts", "contracts/interfaces", "contracts/libraries"] {
        for file in std::fs::read_dir(Path::new(ROOT).join(entry)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sol") {
                let name = path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned();
                let content = std::fs::read_to_string(&path).unwrap();
                sources.insert(name, json!({ "content": content }));
            }
        }
    }
    let output = SOLC.standard_json(&json!({
        "language": "Solidity",
        "sources": sources,
        "settings": {
            "optimizer": { "enabled": true, "runs": 200 },
            "evmVersion": "paris",
            "outputSelection": { "contracts/ModelRegistry.sol": { "ModelRegistry": ["evm.bytecode.object"] } },
        },
    }));
    let output = output.unwrap();
    let code = &output["contracts"]["contracts/ModelRegistry.sol"]["ModelRegistry"]["evm"]["bytecode"]
        ["object"];
    zkverdict::bundle::unhex(&format!("0x{}", code.as_str().unwrap())).unwrap()
}

fn word(tail: &[u8]) -> Vec<u8> {
    [&vec![0; 32 - tail.len()][..], tail].concat()
}

/// What of the code of rendered contracts the registry has to see.
#[test]
fn the_registry_sees_that_rendered_parts_never_change() {
    for case in &CASES {
        let mut deployed = case.deploy();
        let owner = word(zkverdict::evm::CALLER.as_slice());
        let init_code = [registry(), owner].concat();
        let registry = deployed.machine.deploy(&init_code).unwrap().address;
        let add = [
            selector("addVersion(bytes32,address,bytes32,string)"),
            word(&[7]),
            word(deployed.whole.as_slice()),
            case.verifier.digest().to_vec(),
            word(&[0x80]),
            word(&[]),
        ]
        .concat();
        let run = deployed.machine.call(registry, &add).unwrap();
        println!("{} parts: {} gas to add", case.parts.len(), run.gas.total);
        assert_eq!(run.outcome, Outcome::Returned(word(&[1])));
        // bytes32, uint256, bytes, uint256[]: two words before what `verifyProof` takes.
        let direct = calldata(&case.proofs[0]);
        let mut arguments = direct[4..].to_vec();
        for offset in [0, 32] {
            let moved = u16::from_be_bytes([arguments[offset + 30], arguments[offset + 31]]) + 64;
            arguments[offset + 30..offset + 32].copy_from_slice(&moved.to_be_bytes());
        }
        let selector = selector("verifyInference(bytes32,uint256,bytes,uint256[])");
        let verify = [selector, word(&[7]), word(&[1]), arguments].concat();
        let direct = deployed.machine.call(deployed.whole, &direct).unwrap().gas.total;
        let run = deployed.machine.call(registry, &verify).unwrap();
        assert_eq!(run.outcome, Outcome::Returned(word(&[1])));
        println!("{} gas through the registry, {direct} without", run.gas.total);
        // Other code in the place of a part, which accepts what it may.
        deployed.machine.set_code(deployed.parts[1], &[0x60, 0x80, 0x5f, 0xf3]);
        let refused = deployed.call(registry, &verify).unwrap_err();
        let changed = "VerifierChanged(address,bytes32,bytes32)";
        assert_eq!(refused[..4], Keccak256::digest(changed)[..4]);
    }
}
