//! Poseidon of three inputs with circom's parameters, round by round as its paper has it.
//!
//! Nothing here is shared with the circuit, which makes one S-box after the other and adds constants elsewhere.

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use std::sync::LazyLock;

/// Elements of a state.
pub const WIDTH: usize = 4;

/// Rounds of a permutation.
pub const ROUNDS: usize = 64;

const FULL_ROUNDS: usize = 8;
const BITS: usize = 254;

/// What is added in each round, and what a state is multiplied with at the end of it.
pub struct Poseidon {
    pub constants: Vec<[Fr; WIDTH]>,
    pub matrix: [[Fr; WIDTH]; WIDTH],
}

/// The bits that the paper's generator gives: each is a sum of six before it, and of two that follow each other the second
/// counts where the first is 1.
struct Bits {
    all: Vec<bool>,
    next: usize,
}

impl Bits {
    fn new() -> Self {
        // The field's kind, the S-box, bits of the modulus, width, full and partial rounds, and then ones.
        let description = [
            format!("{:02b}{:04b}", 1, 0),
            format!("{BITS:012b}{WIDTH:012b}"),
            format!("{FULL_ROUNDS:010b}{:010b}", ROUNDS - FULL_ROUNDS),
            "1".repeat(30),
        ];
        let all = description.concat().bytes().map(|bit| bit == b'1').collect();
        // The first 160 that it makes are not used.
        Self { all, next: 80 + 160 }
    }

    fn at(&mut self, index: usize) -> bool {
        while self.all.len() <= index {
            let last = self.all.len() - 80;
            let sum = [0, 13, 23, 38, 51, 62]
                .into_iter()
                .fold(false, |sum, back| sum ^ self.all[last + back]);
            self.all.push(sum);
        }
        self.all[index]
    }

    fn bit(&mut self) -> bool {
        loop {
            self.next += 2;
            if self.at(self.next - 2) {
                return self.at(self.next - 1);
            }
        }
    }

    /// A number of as many bits as the modulus has, the highest first, modulo the modulus; and whether it was below it.
    fn number(&mut self) -> (Fr, bool) {
        let bits: Vec<bool> = (0..BITS).map(|_| self.bit()).collect();
        let number =
            bits.iter().fold(Fr::ZERO, |sum, &bit| sum.double() + Fr::from(u64::from(bit)));
        // Below it, the number is its own residue.
        let residue = number.to_repr();
        let place = |power: usize| residue[power / 8] >> (power % 8) & 1 == 1;
        let is_below = bits.iter().rev().enumerate().all(|(power, &bit)| place(power) == bit);
        (number, is_below)
    }
}

impl Poseidon {
    pub fn get() -> &'static Self {
        static POSEIDON: LazyLock<Poseidon> = LazyLock::new(Poseidon::new);
        &POSEIDON
    }

    fn new() -> Self {
        let mut bits = Bits::new();
        let mut constant = || loop {
            if let (number, true) = bits.number() {
                break number;
            }
        };
        let constants = (0..ROUNDS).map(|_| [(); WIDTH].map(|()| constant())).collect();
        let [x, y] = [(); 2].map(|()| [(); WIDTH].map(|()| bits.number().0));
        let entry = |x: Fr, y: Fr| Option::from((x + y).invert()).unwrap_or(Fr::ZERO);
        Self { constants, matrix: x.map(|x| y.map(|y| entry(x, y))) }
    }

    /// Whether all elements go through an S-box in a round, and not the first alone.
    pub fn is_full(round: usize) -> bool {
        !(FULL_ROUNDS / 2..ROUNDS - FULL_ROUNDS / 2).contains(&round)
    }

    /// The matrix times a state.
    pub fn mixed(&self, state: [Fr; WIDTH]) -> [Fr; WIDTH] {
        self.matrix.map(|row| row.iter().zip(state).map(|(entry, element)| entry * element).sum())
    }

    /// The hash of three inputs.
    #[cfg(test)]
    pub fn hash(&self, [a, b, c]: [Fr; 3]) -> Fr {
        let mut state = [Fr::ZERO, a, b, c];
        for (round, constants) in self.constants.iter().enumerate() {
            state.iter_mut().zip(constants).for_each(|(element, constant)| *element += constant);
            let boxes = if Self::is_full(round) { WIDTH } else { 1 };
            state[..boxes].iter_mut().for_each(|element| *element = element.pow([5]));
            state = self.mixed(state);
        }
        state[0]
    }
}
