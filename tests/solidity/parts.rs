//! Models in parts: their contracts together, and what cheating provers put together of proofs whose parts are wrong.

use crate::{
    cut::{
        CASES, Planned, batch, calldata, cancelling, compiled, error, moved, pairing_holds,
        selector, wrong_part,
    },
    fixture::SOLC,
};
use halo2_proofs::halo2curves::{
    bn256::{Fr, G1, G1Affine, G2Affine},
    group::{Curve, prime::PrimeCurveAffine},
};
use serde_json::{Value, json};
use sha3::{Digest, Keccak256};
use std::{collections::BTreeMap, path::Path};
use zkverdict::{
    bundle::{BundleError, PartsBundle},
    evm::{Fork, Machine, Outcome},
    proving::{Judge, ModelProver, Powers, Proof, SrsOrigin},
    solidity::{CompilerSettings, PartContract, SolidityError, verify_proof_calldata_of_words},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

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
    for (number, range) in ranges.iter().cloned().enumerate() {
        let mut foreign = proof.clone();
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

/// One pairing has one [τ]₂.
#[test]
fn parts_under_different_strings_are_refused_as_their_keys_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parts.zkv");
    let Planned { onnx, model, layout, cuts, mut circuits, powers } = Planned::new("digits_cnn", 2);
    let (secret, generator) = (Fr::from(0x5eed), G1Affine::generator());
    let mut power = Fr::one();
    let g1 = (0..powers).map(|_| {
        let point = (generator * power).to_affine();
        power *= secret;
        point
    });
    let g1: Vec<G1Affine> = g1.collect();
    let g2 = [G2Affine::generator(), (G2Affine::generator() * secret).to_affine()];
    let strings =
        [Powers::unsafe_dev(powers), Powers { g1: g1.into(), g2, origin: SrsOrigin::Raw }];
    let mut strings = strings.iter().cycle();
    circuits.reverse();
    let refused = PartsBundle::create(&path, &onnx, (&model, &layout), &cuts, |part, _| {
        let ((circuit, widths), powers) = (circuits.pop().unwrap(), strings.next().unwrap());
        let prover = ModelProver::packed(part.model, circuit, powers, &widths).unwrap();
        Ok::<_, BundleError>((prover.verifier().clone(), powers.clone()))
    });
    let why = refused.unwrap_err().to_string();
    assert!(why.contains("key 1 is not of packed proofs under the first's string"), "{why}");
    assert!(!path.exists());
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
