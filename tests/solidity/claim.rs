//! A proof with its instances, and small programs that change them.

use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr},
    ff::{Field, PrimeField},
};
use zkverdict::solidity::verify_proof_calldata_of_words;

/// What a call brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    pub proof: Vec<u8>,
    pub instances: Vec<[u8; 32]>,
}

impl Claim {
    /// A proof with its instances.
    pub fn new(proof: &[u8], instances: &[Fr]) -> Self {
        Self { proof: proof.to_vec(), instances: instances.iter().copied().map(word).collect() }
    }

    /// The instances as field elements; none if one is not below the modulus.
    pub fn scalars(&self) -> Option<Vec<Fr>> {
        self.instances.iter().map(|&word| element(word)).collect()
    }

    /// A call of `verifyProof`.
    pub fn calldata(&self) -> Vec<u8> {
        verify_proof_calldata_of_words(&self.proof, &self.instances)
    }

    /// Words of the proof and the instances.
    pub fn words(&self) -> usize {
        self.proof.len() / 32 + self.instances.len()
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
        let words = self.words();
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
            5 => self.set(at, sum(old, modulus::<Fq>())),
            6 => {
                let mut small = [0; 32];
                small[31] = value;
                self.set(at, sum(old, small));
            }
            // The other point with the same x, if there is a y at this place.
            7 => {
                let zero = Fq::ZERO;
                if let Some(y) = element::<Fq>(old) {
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
}

/// Programs that change one word: a bit, all zero, all ones, swapped with the next, + r, + q, + 1, negated.
pub fn changes_of_word(at: u8) -> [[u8; 4]; 8] {
    [
        [0, at, 31, 0],
        [1, at, 0, 0],
        [1, at, 0, 0xff],
        [2, at, at.wrapping_add(1), 0],
        [4, at, 0, 0],
        [5, at, 0, 0],
        [6, at, 0, 1],
        [7, at, 0, 0],
    ]
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
