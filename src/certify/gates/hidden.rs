//! What is asked of hashed inputs, and of committed weights beside what fixed ones have.

use super::{BETA, GAMMA, Place, Statement, TAU, power};
use crate::certify::poseidon::{Poseidon, WIDTH};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

impl Statement<'_> {
    /// By which words are apart.
    pub(super) fn word_multiplier(&self) -> Fr {
        power(Fr::from(256), 31) * self.challenge(TAU)
    }

    /// Each of the first lanes lies beside a limb, whose look-up it has on rows that weigh.
    pub(super) fn limbs_and_weights(&mut self) {
        let places = self.places;
        let limbs = (0..self.shape.abreast).flat_map(|value| places.value(value).limbs);
        let lanes = places.weights.iter().flat_map(|weights| &weights.lanes);
        for (limb, &lane) in limbs.zip(lanes) {
            let both = self.active() * self.advice(limb) * self.fixed(lane);
            self.push("a row has no weight beside a limb", both);
        }
    }

    /// Each weight of these lanes is one that can be: on every row.
    pub(super) fn weights_looked_up(&self, lanes: &[Place]) -> Vec<(Fr, Fr)> {
        let Some(weights) = &self.places.weights else { return Vec::new() };
        let [beta, gamma] = [BETA, GAMMA].map(|index| self.challenge(index));
        let entry = |weight: Fr| beta + weight + power(gamma, 5);
        let lanes = lanes.iter().map(|&lane| (Fr::one(), entry(self.fixed(lane))));
        let table = (-self.advice(weights.uses), entry(self.fixed(weights.table)));
        lanes.chain([table]).collect()
    }

    /// A row's committed weights, each one power of ρ behind the one before.
    pub(super) fn committed_weights(&self, rho: Fr) -> Fr {
        let Some(weights) = &self.places.weights else { return Fr::zero() };
        let sum =
            weights.lanes.iter().rev().fold(Fr::zero(), |sum, &lane| sum * rho + self.fixed(lane));
        self.fixed(weights.scale) * sum
    }

    /// Hashed words and hashes, and what begins behind them.
    pub(super) fn hashed_before(&self, behind: Fr) -> Fr {
        let Some(places) = &self.places.hashes else { return behind };
        let words: usize = self.shape.hashes.iter().map(|hash| hash.taken()).sum();
        self.advice_before(places.sum) + self.word_multiplier().pow([words as u64]) * behind
    }

    /// States of Poseidon, one S-box to a row, and the sum of what they take and give.
    pub(super) fn hashes(&mut self) {
        let Some(places) = &self.places.hashes else { return };
        let (active, poseidon) = (self.active(), Poseidon::get());
        let state: [Fr; WIDTH] = places.state.map(|place| self.advice(place));
        let before: [Fr; WIDTH] = places.state.map(|place| self.advice_before(place));
        let [past, full, partial] = places.turns.map(|flag| self.fixed(flag));
        let begins = self.fixed(places.begins);
        let entered = state[0] + self.fixed(places.constant);
        let squared = active * (self.advice(places.square) - entered.square());
        self.push("the square is that of what enters", squared);
        let entered_before = before[0] + self.fixed_before(places.constant);
        let out = self.advice_before(places.square).square() * entered_before;
        let [_, b, c, d] = before;
        let round = poseidon.mixed([b, c, d, out]);
        let part = poseidon.mixed([out, b, c, d]);
        // What comes out of an S-box that 0 enters.
        let known = poseidon.constants[0][0].pow([5]);
        for (element, own) in state.into_iter().enumerate() {
            let turned =
                past * [b, c, d, out][element] + full * round[element] + partial * part[element];
            let goes_on = Fr::one() - begins;
            let held = match element {
                0 => active * own - turned,
                3 => active * own - begins * known - goes_on * turned,
                _ => (active - begins) * own - goes_on * turned,
            };
            self.push("a state is what the round gives, or begins", held);
        }
        let (sum, then) = (self.advice(places.sum), self.advice_before(places.sum));
        let apart = self.word_multiplier();
        // Words before the row, were it the only one: the second of a pair, and the first where it is not the blinding.
        let one = apart * sum + state[2];
        let two = apart * one + state[1];
        let mut taken = begins * ((Fr::one() - full) * one + full * two - sum);
        let mut behind: usize = self.shape.hashes.iter().map(|hash| hash.taken()).sum();
        for (hash, &ends) in self.shape.hashes.iter().zip(&places.ends) {
            behind -= hash.taken();
            taken -= self.fixed(ends) * apart.pow([(behind + hash.at) as u64]) * state[0];
        }
        let last = self.fixed_before(self.places.active) * (Fr::one() - active);
        self.push("the hashed sum holds words and hashes", active * (then - sum) - taken);
        self.push("nothing but the words of hashes is hashed", last * then);
    }
}
