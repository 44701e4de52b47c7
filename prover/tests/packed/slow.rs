//! A prover that follows `docs/protocol.md` with schoolbook arithmetic, shares nothing with the crate's, and lies where it
//! is told to.

use super::circuit::Walk;
use halo2_proofs::{
    arithmetic::best_multiexp,
    halo2curves::{
        bn256::{Bn256, Fr, G1Affine},
        ff::{Field, FromUniformBytes, PrimeField},
        group::Curve,
    },
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use sha3::{Digest, Keccak256};
use zkverdict_prover::packed::{Operation, Pack, VerifyingKey};

/// Changes the polynomial of a pack.
type OfPack<'a> = &'a dyn Fn(usize, &mut Vec<Fr>);

/// Changes values by pack, by point, by slot.
type OfValues<'a> = &'a dyn Fn(&mut Vec<Vec<Vec<Fr>>>);

/// Changes the polynomial of links.
type OfLinks<'a> = &'a dyn Fn(&mut Vec<Fr>);

/// Changes what the prover says, and knows better.
#[derive(Default)]
pub struct Lies<'a> {
    /// Of the proof's packs, before they are committed to.
    pub packs: Option<OfPack<'a>>,
    /// Before they are absorbed.
    pub values: Option<OfValues<'a>>,
    /// Exchanges two packs of the proof after they are made.
    pub swap: Option<(usize, usize)>,
    /// Before links' quotient is committed to.
    pub difference: Option<OfLinks<'a>>,
    /// That quotient is chosen after x is known, so that what is opened has the value there that it should have.
    pub late: bool,
}

pub struct Slow<'a> {
    pub key: &'a VerifyingKey,
    pub params: &'a ParamsKZG<Bn256>,
    pub circuit: &'a Walk,
    /// The random rows of an advice column.
    pub tail: &'a dyn Fn(usize) -> Vec<Fr>,
    /// What is committed to, of each link.
    pub linked: &'a [Vec<Fr>],
}

pub fn omega(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

pub fn power(base: Fr, exponent: i64) -> Fr {
    let power = base.pow([exponent.unsigned_abs()]);
    if exponent < 0 { power.invert().expect("roots are not 0") } else { power }
}

pub fn evaluate(polynomial: &[Fr], x: Fr) -> Fr {
    polynomial.iter().rev().fold(Fr::ZERO, |sum, coefficient| sum * x + coefficient)
}

/// Of values on c·ω⁰, c·ω¹, ….
pub fn interpolate(values: &[Fr], coset: Fr) -> Vec<Fr> {
    let n = values.len();
    let root = power(omega(n.trailing_zeros()), -1);
    let size = Fr::from(n as u64).invert().expect("n is not 0");
    let coefficient = |i: usize| {
        let sum = evaluate(values, power(root, i as i64));
        sum * size * power(coset, -(i as i64))
    };
    (0..n).map(coefficient).collect()
}

/// The quotient by Xᵗ − p, whatever the remainder.
fn divide(polynomial: &[Fr], t: usize, p: Fr) -> Vec<Fr> {
    let mut rest = polynomial.to_vec();
    let mut quotient = vec![Fr::ZERO; polynomial.len().saturating_sub(t)];
    for i in (t..rest.len()).rev() {
        quotient[i - t] = rest[i];
        let carry = rest[i] * p;
        rest[i - t] += carry;
    }
    quotient
}

fn add(to: &mut Vec<Fr>, from: &[Fr], factor: Fr) {
    to.resize(to.len().max(from.len()), Fr::ZERO);
    to.iter_mut().zip(from).for_each(|(to, from)| *to += factor * from);
}

fn word<F: PrimeField<Repr = [u8; 32]>>(value: &F) -> Vec<u8> {
    value.to_repr().iter().rev().copied().collect()
}

#[derive(Default)]
pub struct Transcript {
    pub buffer: Vec<u8>,
    proof: Vec<u8>,
    /// Behind all else, whenever it is said.
    last: Vec<u8>,
}

impl Transcript {
    fn say(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
        self.proof.extend(bytes);
    }

    fn say_last(&mut self, bytes: &[u8]) {
        self.buffer.extend(bytes);
        self.last.extend(bytes);
    }

    pub fn draw(&mut self) -> Fr {
        if self.buffer.len() == 32 {
            self.buffer.push(1);
        }
        self.buffer = Keccak256::digest(&self.buffer).to_vec();
        let mut wide = [0; 64];
        wide[..32].copy_from_slice(&self.buffer);
        wide[..32].reverse();
        Fr::from_uniform_bytes(&wide)
    }
}

/// The gates, added up by powers of y, where `cell` gives the values of columns and challenges.
pub fn fold(key: &VerifyingKey, y: Fr, cell: impl Fn(&Operation) -> Fr) -> Fr {
    key.gates().iter().fold(Fr::ZERO, |sum, gate| {
        let mut stack = vec![];
        for operation in gate.operations() {
            let mut pop = || -> Fr { stack.pop().expect("gates are whole") };
            let value = match operation {
                Operation::Constant(value) => *value,
                Operation::Negation => -pop(),
                Operation::Sum => pop() + pop(),
                Operation::Product => pop() * pop(),
                other => cell(other),
            };
            stack.push(value);
        }
        assert_eq!(stack.len(), 1);
        sum * y + stack[0]
    })
}

/// The points of a link's domain of which it says nothing: the first and the last sixteen.
pub fn free_points(class: u32) -> Vec<Fr> {
    let rows = 1_i64 << class;
    let free = (0..rows).filter(|row| *row == 0 || *row >= rows - 16);
    free.map(|row| power(omega(class), row)).collect()
}

/// 1/Z(x), Z being 0 on a link's other points.
pub fn inverse_vanishing(class: u32, x: Fr) -> Fr {
    let words = 1..(1_i64 << class) - 16;
    let z: Fr = words.map(|row| x - power(omega(class), row)).product();
    z.invert().expect("x is not on the domain")
}

impl Slow<'_> {
    fn commit(&self, polynomial: &[Fr]) -> Vec<u8> {
        let point: G1Affine =
            best_multiexp(polynomial, &self.params.get_g()[..polynomial.len()]).to_affine();
        [word(&point.x), word(&point.y)].concat()
    }

    pub fn prove(&self, lies: &Lies<'_>) -> Vec<u8> {
        let layout = self.key.layout();
        let n = 1_usize << layout.k;
        let omega_k = omega(layout.k);
        let instances = self.circuit.instances();
        let padded = |mut values: Vec<Fr>| {
            values.resize(n, Fr::ZERO);
            values
        };
        let mut transcript =
            Transcript { buffer: self.key.digest().to_vec(), ..Transcript::default() };
        instances.iter().flatten().for_each(|value| transcript.buffer.extend(word(value)));
        let links = &layout.instances.links;
        assert_eq!(links.len(), self.linked.len());
        self.linked.iter().for_each(|polynomial| transcript.say_last(&self.commit(polynomial)));
        let polynomial = |values: Vec<Fr>| interpolate(&padded(values), Fr::ONE);
        let fixed: Vec<Vec<Fr>> = self.circuit.fixed().into_iter().map(polynomial).collect();
        let instance: Vec<Vec<Fr>> = instances.into_iter().map(polynomial).collect();

        // Each column of advice with its random rows, and packs of them.
        let mut advice = vec![vec![]; 4];
        let mut challenges = vec![Fr::ZERO; layout.num_challenges()];
        let mut packed: Vec<Vec<Fr>> = vec![];
        for (number, phase) in layout.phases.iter().enumerate() {
            let columns = self.circuit.advice((number > 0).then(|| challenges[0]));
            let start = packed.len();
            for pack in &phase.packs {
                let mut slots = vec![];
                for slot in &pack.slots {
                    let tail = (self.tail)(slot.column);
                    let mut values = columns[slot.column].clone();
                    values.resize(n - tail.len(), Fr::ZERO);
                    values.extend(tail);
                    advice[slot.column] = interpolate(&values, Fr::ONE);
                    slots.push(advice[slot.column].clone());
                }
                let mut polynomial = interleave(pack, &slots);
                if let Some(lie) = lies.packs {
                    lie(packed.len(), &mut polynomial);
                }
                packed.push(polynomial);
            }
            if let Some((a, b)) = lies.swap.filter(|(a, _)| (start..packed.len()).contains(a)) {
                packed.swap(a, b);
            }
            packed[start..].iter().for_each(|pack| transcript.say(&self.commit(pack)));
            for &challenge in &phase.challenges {
                challenges[challenge] = transcript.draw();
            }
        }
        for sum in &layout.instances.sums {
            let point = sum.factor * challenges[sum.point];
            let values = self.circuit.instances()[sum.column][sum.first..].to_vec();
            let terms = values.iter().zip(0..).map(|(value, i)| *value * power(point, i));
            challenges[sum.challenge] = terms.sum();
        }
        let y = transcript.draw();
        // The gates on a coset of 8·n points.
        let (large, coset) = (8 * n, Fr::from(7));
        let root = omega(large.trailing_zeros());
        let quotient: Vec<Fr> = (0..large)
            .map(|i| {
                let x = coset * power(root, i as i64);
                let at = |polynomial: &[Fr], rotation: i32| {
                    evaluate(polynomial, x * power(omega_k, rotation.into()))
                };
                let sum = fold(self.key, y, |operation| match *operation {
                    Operation::Fixed { column, rotation } => at(&fixed[column], rotation),
                    Operation::Advice { column, rotation } => at(&advice[column], rotation),
                    Operation::Instance { column, rotation } => at(&instance[column], rotation),
                    Operation::Challenge(index) => challenges[index],
                    _ => unreachable!("it looks at no cell"),
                });
                sum * (x.pow([n as u64]) - Fr::ONE).invert().expect("not a row")
            })
            .collect();
        let mut quotient = interpolate(&quotient, coset);
        if self.circuit.wrong.is_none() {
            assert!(quotient[4 * n..].iter().all(|coefficient| *coefficient == Fr::ZERO));
        }
        quotient.truncate(4 * n);
        transcript.say(&self.commit(&quotient));
        // Of links: Σ yʲ·(column − what is committed to)/Z.
        let mut difference = vec![];
        for ((link, polynomial), factor) in links.iter().zip(self.linked).zip(powers(y)) {
            let mut of_link = advice[link.column].clone();
            add(&mut of_link, polynomial, -Fr::ONE);
            for point in free_points(link.class) {
                let shifted = [vec![Fr::ZERO], of_link.clone()].concat();
                of_link.push(Fr::ZERO);
                of_link.iter_mut().for_each(|coefficient| *coefficient *= -point);
                add(&mut of_link, &shifted, Fr::ONE);
            }
            add(&mut difference, &divide(&of_link, 1 << link.class, Fr::ONE), factor);
        }
        if let Some(lie) = lies.difference {
            lie(&mut difference);
        }
        if !links.is_empty() {
            transcript.say_last(&self.commit(&difference));
        }
        let x = transcript.draw();
        // What links open at x, with the value that it should have.
        let (mut opened, mut opened_value) = (difference, Fr::ZERO);
        for ((link, polynomial), factor) in links.iter().zip(self.linked).zip(powers(y)) {
            let factor = factor * inverse_vanishing(link.class, x);
            add(&mut opened, polynomial, factor);
            opened_value += factor * evaluate(&advice[link.column], x);
        }
        if lies.late {
            let error = opened_value - evaluate(&opened, x);
            opened[0] += error;
            let at = transcript.last.len() - 64;
            let mut difference = opened.clone();
            for ((link, polynomial), factor) in links.iter().zip(self.linked).zip(powers(y)) {
                let factor = factor * inverse_vanishing(link.class, x);
                add(&mut difference, polynomial, -factor);
            }
            transcript.last.splice(at.., self.commit(&difference));
        }

        let shifted = |column: &[Fr], rotation: i32| -> Vec<Fr> {
            let factor = |i: usize| power(omega_k, i64::from(rotation) * i as i64);
            column.iter().enumerate().map(|(i, value)| *value * factor(i)).collect()
        };
        for pack in &layout.key {
            let slots: Vec<Vec<Fr>> =
                pack.slots.iter().map(|slot| shifted(&fixed[slot.column], slot.rotation)).collect();
            packed.push(interleave(pack, &slots));
        }
        let points = |pack: &Pack| -> Vec<Fr> {
            pack.rotations.iter().map(|&at| x * power(omega_k, at.into())).collect()
        };
        let mut values: Vec<Vec<Vec<Fr>>> = vec![];
        for (index, pack) in layout.packs().enumerate() {
            let of_slot = |slot: &zkverdict_prover::packed::Slot, point: Fr| {
                if index < layout.proof_packs() {
                    evaluate(&advice[slot.column], point)
                } else {
                    evaluate(&shifted(&fixed[slot.column], slot.rotation), point)
                }
            };
            let of_point = |point: Fr| pack.slots.iter().map(|slot| of_slot(slot, point)).collect();
            values.push(points(pack).into_iter().map(of_point).collect());
        }
        if let Some(lie) = lies.values {
            lie(&mut values);
        }
        values.iter().flatten().flatten().for_each(|value| transcript.say(&word(value)));
        let gamma = transcript.draw();

        let mut w = vec![];
        let mut factor = Fr::ONE;
        for ((pack, polynomial), values) in layout.packs().zip(&packed).zip(&values) {
            for (point, values) in points(pack).into_iter().zip(values) {
                let mut difference = polynomial.clone();
                add(&mut difference, values, -Fr::ONE);
                add(&mut w, &divide(&difference, pack.width, point), factor);
                factor *= gamma;
            }
        }
        add(&mut w, &divide(&quotient, 1, x), factor);
        add(&mut w, &divide(&opened, 1, x), factor * gamma);
        transcript.say(&self.commit(&w));
        let z = transcript.draw();

        let mut l = vec![];
        let mut factor = Fr::ONE;
        for ((pack, polynomial), values) in layout.packs().zip(&packed).zip(&values) {
            for (point, values) in points(pack).into_iter().zip(values) {
                let s =
                    factor * (power(z, pack.width as i64) - point).invert().expect("not a root");
                add(&mut l, polynomial, s);
                l[0] -= s * evaluate(values, z);
                factor *= gamma;
            }
        }
        let s = factor * (z - x).invert().expect("they differ");
        add(&mut l, &quotient, s);
        l[0] -= s * evaluate(&quotient, x);
        add(&mut l, &opened, s * gamma);
        l[0] -= s * gamma * opened_value;
        add(&mut l, &w, -Fr::ONE);
        transcript.say(&self.commit(&divide(&l, 1, z)));
        [transcript.proof, transcript.last].concat()
    }
}

/// 1, y, y², ….
fn powers(y: Fr) -> impl Iterator<Item = Fr> {
    std::iter::successors(Some(Fr::ONE), move |power| Some(*power * y))
}

/// Σ Xⁱ·fᵢ(Xᵗ).
fn interleave(pack: &Pack, slots: &[Vec<Fr>]) -> Vec<Fr> {
    let mut polynomial = vec![Fr::ZERO; pack.width * slots[0].len()];
    for (i, slot) in slots.iter().enumerate() {
        for (m, coefficient) in slot.iter().enumerate() {
            polynomial[i + pack.width * m] = *coefficient;
        }
    }
    polynomial
}
