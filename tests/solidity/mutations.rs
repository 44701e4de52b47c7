//! Any change of a proof and its instances: both verifiers have to say the same to whatever comes out.
//! `fuzz/fuzz_targets/verifier.rs` writes programs of changes for hours, the tests here for seconds.

use std::cell::RefCell;

use halo2_proofs::halo2curves::bn256::Fr;
use zkverdict::solidity::Refusal;

use crate::{
    claim::Claim,
    fixture::{Deployed, RICH, verdict},
};

/// The proof of the rich circuit, which holds.
fn good() -> Claim {
    Claim::new(&RICH.proof, &RICH.instances.concat())
}

/// The Rust verifier's verdict. A word that is no field element and a wrong number of instances never reach it.
fn rust(claim: &Claim) -> bool {
    let counts = &RICH.circuit.spec.instance_counts;
    let values = claim.scalars().filter(|v| v.len() == counts.iter().sum::<usize>());
    let Some(mut values) = values else { return false };
    let columns: Vec<Vec<Fr>> =
        counts.iter().map(|&count| values.drain(..count).collect()).collect();
    RICH.fixture.accepts(&claim.proof, &columns)
}

fn solidity(claim: &Claim) -> Result<(), Refusal> {
    thread_local! {
        static DEPLOYED: RefCell<Deployed> = RefCell::new(RICH.deploy());
    }
    DEPLOYED.with_borrow_mut(|deployed| {
        let run = deployed.call(&claim.calldata());
        let verdict = verdict(&run);
        if !matches!(verdict, Ok(()) | Err(Refusal::InvalidProof)) {
            let execution = run.gas.execution;
            assert!(execution < 100_000, "{verdict:?} after {execution} gas");
        }
        verdict
    })
}

/// Panics if the verifiers do not agree.
pub fn check(program: &[u8]) {
    let good = good();
    let claim = good.clone().changed(program);
    let (rust, solidity) = (rust(&claim), solidity(&claim));
    assert_eq!(rust, solidity.is_ok(), "{solidity:?} after {program:02x?}");
    assert_eq!(rust, claim == good, "a changed proof was accepted: {program:02x?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim::changes_of_word;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    #[test]
    fn verifiers_agree_after_any_program() {
        let rng = &mut StdRng::seed_from_u64(0xf022);
        check(&[]);
        for operation in 0..12 {
            for _ in 0..25 {
                let mut program: [u8; 4] = rng.r#gen();
                program[0] = operation;
                check(&program);
            }
        }
        for length in 2..=6 {
            for _ in 0..20 {
                let program: Vec<u8> = (0..4 * length).map(|_| rng.r#gen()).collect();
                check(&program);
            }
        }
    }

    #[test]
    fn verifiers_agree_after_every_change_of_a_word() {
        for at in 0..good().words() {
            for program in changes_of_word(u8::try_from(at).unwrap()) {
                check(&program);
            }
        }
    }
}
