//! The Rust and the Solidity verifier give the same verdict.

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use zkverdict::{evm::Fork, solidity::CompilerSettings};

use crate::{
    fixture::{Deployed, Fixture, compile, srs, verdict},
    random_circuit::{RandomCircuit, Spec},
};

fn check(seed: u64, settings: CompilerSettings) {
    let spec = Spec::random(seed);
    let circuit = RandomCircuit::new(&spec, seed);
    let fixture = Fixture::new(srs(spec.k, 1), &circuit, spec.compress_selectors);
    let instances = circuit.instances.clone();
    let proof = fixture.prove(circuit, &instances, seed);
    assert!(fixture.accepts(&proof, &instances), "seed {seed}: halo2 refuses");

    let contract = fixture.contract(&spec.instance_counts);
    let mut settings = settings;
    if std::env::var("LEGACY").is_ok() {
        settings.via_ir = false;
    }
    if std::env::var("NOOPT").is_ok() {
        settings.optimizer = false;
    }
    let compiled = compile(&contract, settings);
    if let Ok(directory) = std::env::var("DUMP") {
        let path = std::path::Path::new(&directory);
        std::fs::write(path.join(format!("{seed}.sol")), &compiled.source).unwrap();
        let hex: String = compiled.runtime_code.iter().map(|b| format!("{b:02x}")).collect();
        std::fs::write(path.join(format!("{seed}.hex")), hex).unwrap();
    }
    let mut deployed = Deployed::new(&compiled, Fork::Prague);
    let run = deployed.verify(&proof, &instances);
    if std::env::var("GAS").is_ok() {
        println!(
            "seed {seed}: {} gas, {} execution, {} bytes",
            run.gas.total, run.gas.execution, deployed.runtime_bytes
        );
    }
    assert_eq!(verdict(&run), Ok(()), "seed {seed}");
    for column in 0..instances.len() {
        for row in 0..instances[column].len().min(2) {
            let mut wrong = instances.clone();
            wrong[column][row] += Fr::ONE;
            let run = deployed.verify(&proof, &wrong);
            assert!(verdict(&run).is_err(), "seed {seed}");
        }
    }
}

#[test]
fn random_circuits_are_accepted() {
    let from = std::env::var("FROM").ok().and_then(|n| n.parse().ok()).unwrap_or(0);
    for seed in from..from + 5 {
        println!("seed {seed}");
        check(seed, CompilerSettings::default());
    }
}
