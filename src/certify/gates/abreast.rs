//! What is asked of values abreast of a row's first: the terms that they add to what the row says, and constraints of their own.

use super::{POINTS, Statement, power};
use crate::certify::shape::{Flag, Place, ValuePlaces};
use halo2_proofs::halo2curves::bn256::Fr;

impl Statement<'_> {
    /// 1 on rows of several values.
    fn several(&self) -> Fr {
        self.places.several.iter().flatten().map(|&place| self.fixed(place)).sum()
    }

    /// What each value but the first copies, and the byte that it reads.
    fn copies_and_bytes(&self) -> Vec<(Fr, Fr)> {
        let of =
            |own: &ValuePlaces| (self.advice(own.limbs[0]) - self.lane(0), self.advice(own.byte));
        self.places.abreast.iter().map(of).collect()
    }

    /// What values but the first contribute less what they make, each as many steps along the first axis as the row's flag says after
    /// the other; border cells are at the powers of ρ behind the first value's where there is no batch.
    pub(super) fn given_abreast(&self) -> Fr {
        let [output, position] = [1, 2].map(|cursor| self.advice(self.places.cursors[cursor]));
        let [rho, along] = [POINTS[0], POINTS[1]].map(|point| self.challenge(point));
        let reads = self.flag(Flag::Divides) + self.flag(Flag::Intervals);
        let (mut contributed, mut made) = (Fr::zero(), Fr::zero());
        for (number, (copy, byte)) in (1..).zip(self.copies_and_bytes()) {
            let value = reads * byte + self.flag(Flag::Takes) * copy;
            for (flag, [_, apart]) in self.places.several.into_iter().zip(self.shape.apart_by()) {
                let flag = flag.map_or(Fr::zero(), |flag| self.fixed(flag));
                contributed +=
                    flag * power(along, u64::from(apart.unsigned_abs()) * number) * value;
            }
        }
        for (number, own) in (1..).zip(&self.places.abreast) {
            let limbs: Vec<Fr> = own.limbs.iter().map(|&limb| self.advice(limb)).collect();
            let [row, byte] = [own.table_row, own.byte].map(|place| self.advice(place));
            let quotient =
                (0..self.shape.limbs).rev().fold(row, |sum, limb| sum * self.n() + limbs[limb]);
            let mut accumulator =
                self.flag(Flag::Divides) * (quotient * self.lane(1) - self.lane(0));
            if let Some([start, _]) = own.parts {
                let in_interval = self.advice(start) + limbs[0] + self.n() * limbs[1];
                accumulator += self.flag(Flag::Intervals) * (in_interval - self.lane(0));
            }
            let copied = limbs[0] - self.lane(1) - self.flag(Flag::Larger) * limbs[1];
            accumulator += self.flag(Flag::Reads) * copied;
            if let (true, Some(parts)) = (self.shape.averages, own.parts) {
                let [start, stride] = parts.map(|part| self.advice(part));
                let sum = start + stride * (limbs[0] + self.n() * limbs[1]);
                let then = |place: Place| self.advice_before(place);
                let [start, stride, low, high] =
                    [parts[0], parts[1], own.limbs[0], own.limbs[1]].map(then);
                let unrounded = start + stride * (low + self.n() * high);
                let lift = power(Fr::from(2), 100) + power(Fr::from(2), 20);
                accumulator += self.flag(Flag::Adds) * (sum - self.lane(0));
                accumulator -= self.flag(Flag::Continues) * (unrounded + then(own.byte) - lift);
            }
            let cells = [limbs[0], limbs[1], row, byte];
            if self.shape.members > 1 {
                let switched =
                    cells[1..].iter().zip(0..).map(|(&cell, lane)| cell * self.lane(lane));
                let all = [cells[0]].into_iter().chain(switched);
                let spilled: Fr =
                    (0..).zip(all).map(|(further, cell)| power(rho, further) * cell).sum();
                accumulator += self.flag(Flag::Border) * spilled;
            } else {
                let further = 4 * number..;
                let spilled: Fr =
                    further.zip(cells).map(|(further, cell)| power(rho, further) * cell).sum();
                made += self.several() * self.flag(Flag::Border) * spilled;
            }
            for (flag, [apart, _]) in self.places.several.into_iter().zip(self.shape.apart_by()) {
                if let Some(flag) = flag {
                    let apart = power(along, u64::from(apart.unsigned_abs()) * number);
                    made += self.fixed(flag) * apart * accumulator;
                }
            }
        }
        let coefficient = self.advice(self.places.coefficient);
        coefficient * position * contributed - output * made
    }

    /// Bytes but the first of a row.
    pub(super) fn packed_abreast(&self) -> Fr {
        let reads = self.flag(Flag::Divides) + self.flag(Flag::Intervals);
        let values = (1..).zip(self.copies_and_bytes()).map(|(number, (copy, byte))| {
            power(Fr::from(256), number) * (reads * byte + (Fr::one() - reads) * copy)
        });
        self.several() * self.flag(Flag::Packs) * values.sum::<Fr>()
    }

    /// What is asked of values but the first one by one.
    pub(super) fn abreast(&mut self) {
        let places = self.places;
        let inputs = match places.flag(Flag::Inputs) {
            Some(inputs) => self.fixed(inputs),
            None => self.flag(Flag::Packs) * (Fr::one() - self.makes() - self.flag(Flag::Reads)),
        };
        let on = |flag: Flag| self.several() * self.flag(flag);
        let (in_interval, adds) = (on(Flag::Intervals), on(Flag::Adds));
        let (larger, holds) = (on(Flag::Larger), on(Flag::Holds));
        let inputs = inputs * self.several();
        let mut found = Vec::new();
        for own in &places.abreast {
            let limb = |limb: usize| self.advice(own.limbs[limb]);
            let held = |place: Place| self.advice(place) - self.advice_before(place);
            let raised = limb(1) - limb(0) - (self.n() - Fr::from(256));
            found.push(("each input abreast plus N − 256 is below N", inputs * raised));
            if let Some([_, length]) = own.parts {
                let rest = limb(0) + limb(2) + self.n() * (limb(1) + limb(3));
                let room = self.advice(length) - Fr::one() - rest;
                let what = "each remainder abreast is below its interval's length";
                found.push((what, in_interval * room));
            }
            if self.shape.averages {
                let rest = limb(0) + limb(2) + self.n() * (limb(1) + limb(3));
                let most = power(Fr::from(2), 22) - Fr::one();
                found.push(("each quotient of a sum abreast is below 2^22", adds * (most - rest)));
            }
            if places.flag(Flag::Larger).is_some() {
                let above = self.advice(own.table_row);
                let what = "each larger abreast is not below the value before";
                found.push((what, larger * (held(own.limbs[0]) - above)));
                found.push(("each larger abreast is one of both", larger * limb(1) * above));
            }
            if places.flag(Flag::Holds).is_some() {
                found.push(("each value abreast is held", holds * held(own.limbs[0])));
                found.push(("each value beside one abreast is held", holds * held(own.limbs[1])));
                if self.shape.averages {
                    found.push(("each row read abreast is held", holds * held(own.table_row)));
                }
            }
        }
        self.all.extend(found);
    }
}
