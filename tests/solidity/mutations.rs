//! Small programs that change a proof and its instances: both verifiers have to say the same to whatever
//! comes out. `fuzz/fuzz_targets/verifier.rs` writes such programs for hours, the tests here for seconds.

use std::cell::RefCell;

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use zkverdict::solidity::{Refusal, verify_proof_calldata_of_words};

use crate::fixture::{Deployed, RICH, verdict};

/// What a call brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub proof: Vec<u8>,
    pub instances: Vec<[u8; 32]>,
}

impl Claim {
    /// The proof of the rich circuit, which holds.
    fn good() -> Self {
        let instances = RICH.instances.concat();
        Self { proof: RICH.proof.clone(), instances: instances.into_iter().map(word).collect() }
    }

    /// Runs a program: instructions of four bytes, what is left over is not run.
    pub fn changed(mut self, program: &[u8]) -> Self {
        for instruction in program.chunks_exact(4) {
            let &[operation, at, other, value] = instruction else { break };
            self.change(operation, at.into(), other.into(), value);
        }
        self
    }

    /// `at` and `other` count words: those of the proof, then the instances.
    fn change(&mut self, operation: u8, at: usize, other: usize, value: u8) {
        let words = self.proof.len() / 32 + self.instances.len();
        if words == 0 {
            return;
        }
        let (at, other) = (at % words, other % words);
        let (old, source) = (self.get(at), self.get(other));
        match operation % 12 {
            0 => {
                let mut new = old;
                new[other % 32] ^= 1 << (value % 8);
                self.set(at, new);
            }
            1 => self.set(at, [value; 32]),
            2 => {
                self.set(at, source);
                self.set(other, old);
            }
            3 => self.set(at, source),
            4 => self.set(at, sum(old, modulus::<Fr>())),
            5 => self.set(at, sum(old, modulus::<halo2_proofs::halo2curves::bn256::Fq>())),
            6 => {
                let mut small = [0; 32];
                small[31] = value;
                self.set(at, sum(old, small));
            }
            // The other point with the same x, if there is a y at this place.
            7 => {
                let zero = halo2_proofs::halo2curves::bn256::Fq::ZERO;
                if let Some(y) = element::<halo2_proofs::halo2curves::bn256::Fq>(old) {
                    self.set(at, word(zero - y));
                }
            }
            8 => {
                let length = self.proof.len().saturating_sub(usize::from(value));
                self.proof.truncate(length);
            }
            9 => self.proof.resize(self.proof.len() + usize::from(value), value),
            10 => {
                self.instances.pop();
            }
            _ => self.instances.push([value; 32]),
        }
    }

    fn get(&self, at: usize) -> [u8; 32] {
        let in_proof = self.proof.len() / 32;
        match at.checked_sub(in_proof) {
            Some(instance) => self.instances[instance],
            None => self.proof[32 * at..32 * (at + 1)].try_into().unwrap(),
        }
    }

    fn set(&mut self, at: usize, value: [u8; 32]) {
        let in_proof = self.proof.len() / 32;
        match at.checked_sub(in_proof) {
            Some(instance) => self.instances[instance] = value,
            None => self.proof[32 * at..32 * (at + 1)].copy_from_slice(&value),
        }
    }

    /// The Rust verifier's verdict. A word that is no field element and a wrong number of instances never reach it.
    fn rust(&self) -> bool {
        let counts = &RICH.circuit.spec.instance_counts;
        let values: Option<Vec<Fr>> = self.instances.iter().map(|&word| element(word)).collect();
        let Some(mut values) = values.filter(|v| v.len() == counts.iter().sum::<usize>()) else {
            return false;
        };
        let columns: Vec<Vec<Fr>> =
            counts.iter().map(|&count| values.drain(..count).collect()).collect();
        RICH.fixture.accepts(&self.proof, &columns)
    }

    fn solidity(&self) -> Result<(), Refusal> {
        thread_local! {
            static DEPLOYED: RefCell<Deployed> = RefCell::new(RICH.deploy());
        }
        let calldata = verify_proof_calldata_of_words(&self.proof, &self.instances);
        DEPLOYED.with_borrow_mut(|deployed| {
            let run = deployed.call(&calldata);
            let verdict = verdict(&run);
            if !matches!(verdict, Ok(()) | Err(Refusal::InvalidProof)) {
                let execution = run.gas.execution;
                assert!(execution < 100_000, "{verdict:?} after {execution} gas");
            }
            verdict
        })
    }
}

/// Panics if the verifiers do not agree.
pub fn check(program: &[u8]) {
    let good = Claim::good();
    let claim = good.clone().changed(program);
    let (rust, solidity) = (claim.rust(), claim.solidity());
    assert_eq!(rust, solidity.is_ok(), "{solidity:?} after {program:02x?}");
    assert_eq!(rust, claim == good, "a changed proof was accepted: {program:02x?}");
}

fn word<F: PrimeField<Repr = [u8; 32]>>(value: F) -> [u8; 32] {
    let mut bytes = value.to_repr();
    bytes.reverse();
    bytes
}

fn element<F: PrimeField<Repr = [u8; 32]>>(mut word: [u8; 32]) -> Option<F> {
    word.reverse();
    F::from_repr(word).into()
}

fn modulus<F: PrimeField<Repr = [u8; 32]>>() -> [u8; 32] {
    let mut one = [0; 32];
    one[31] = 1;
    sum(word(-F::ONE), one)
}

/// Modulo 2²⁵⁶.
fn sum(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let mut carry = 0;
    let mut sum = [0; 32];
    for i in (0..32).rev() {
        let digit = u16::from(a[i]) + u16::from(b[i]) + carry;
        (sum[i], carry) = ((digit & 0xff) as u8, digit >> 8);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let words = Claim::good().proof.len() / 32 + Claim::good().instances.len();
        for at in 0..words {
            let at = u8::try_from(at).unwrap();
            // A bit, all zero, all ones, swapped with the next, + r, + q, + 1, negated.
            let bit = [0, at, 31, 0];
            let next = [2, at, at.wrapping_add(1), 0];
            for program in [
                bit,
                next,
                [1, at, 0, 0],
                [1, at, 0, 0xff],
                [4, at, 0, 0],
                [5, at, 0, 0],
                [6, at, 0, 1],
                [7, at, 0, 0],
            ] {
                check(&program);
            }
        }
    }
}
