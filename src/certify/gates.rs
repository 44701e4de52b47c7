//! What the constraints are, stated a second time and without the circuit's code.
//!
//! Both statements are polynomials in the cells and challenges. They are compared at random points: polynomials of
//! degree 5 that differ agree there with a probability below 2^-250, so a constraint that is missing, changed or
//! added is seen, and so is a column that lies elsewhere.

mod abreast;
mod hidden;

use super::CertifyError;
use super::shape::{Exponents, Flag, MOVES_PER_COLUMN, Place, Places, Shape};
use halo2_proofs::{
    halo2curves::{
        bn256::Fr,
        ff::{Field, FromUniformBytes},
    },
    plonk::ConstraintSystem,
};
use sha3::{Digest, Keccak256};
use zkverdict_prover::packed::InstanceSum;

const BETA: usize = 0;
const GAMMA: usize = 1;
const POINTS: [usize; 3] = [2, 3, 4];
const TAU: usize = 5;
/// What the verifier adds up, where no row takes a packed instance.
const WORDS: usize = 6;

/// The sums of instances that a packed key has to have: of all behind the free ones, each 256^31·τ times the one before.
pub fn word_sums(shape: &Shape) -> Vec<InstanceSum> {
    let (first, factor) = (shape.free_instances, power(Fr::from(256), 31));
    let sum = InstanceSum { challenge: WORDS, column: 0, first, factor, point: TAU };
    shape.has_word_sum().then_some(sum).into_iter().collect()
}

/// What is asked for at a random point.
#[derive(Clone, Copy)]
enum Cell {
    Advice(usize, i32),
    Fixed(usize, i32),
    Instance(usize, i32),
    Challenge(usize),
}

/// Values that nobody chose: a function of the system itself, of a round and of the cell.
struct Point {
    seed: [u8; 32],
}

impl Point {
    fn at(&self, cell: Cell) -> Fr {
        let (kind, column, rotation) = match cell {
            Cell::Advice(column, rotation) => (0_u8, column, rotation),
            Cell::Fixed(column, rotation) => (1, column, rotation),
            Cell::Instance(column, rotation) => (2, column, rotation),
            Cell::Challenge(index) => (3, index, 0),
        };
        let half = |half: u8| {
            let mut hash = Keccak256::new();
            hash.update(self.seed);
            hash.update([half, kind]);
            hash.update(column.to_le_bytes());
            hash.update(rotation.to_le_bytes());
            hash.finalize()
        };
        let mut wide = [0; 64];
        wide[..32].copy_from_slice(&half(0));
        wide[32..].copy_from_slice(&half(1));
        Fr::from_uniform_bytes(&wide)
    }
}

/// A digest of all gates, for certificates and golden lists.
pub fn digest(system: &ConstraintSystem<Fr>) -> [u8; 32] {
    let mut hash = Keccak256::new();
    for gate in system.gates() {
        for polynomial in gate.polynomials() {
            hash.update(format!("{polynomial:?}\n"));
        }
    }
    hash.finalize().into()
}

/// Compares a constraint system with the statement below.
pub fn check(
    system: &ConstraintSystem<Fr>,
    shape: &Shape,
    places: &Places,
) -> Result<usize, CertifyError> {
    let wrong = |what: &str| Err(CertifyError::System { what: what.into() });
    let [first, second, fixed] = places.columns;
    if system.num_fixed_columns() != fixed || system.num_instance_columns() != 1 {
        return wrong("it has other fixed or instance columns");
    }
    let mut phases = vec![0_u8; first];
    phases.extend(vec![1; second]);
    if system.advice_column_phase() != phases {
        return wrong("its advice columns are of other phases");
    }
    // What the verifier adds up is one more.
    let challenges = if shape.has_word_sum() { WORDS + 1 } else { TAU + 1 };
    if system.challenge_phase() != vec![0; challenges] {
        return wrong("its challenges are not drawn after the first phase");
    }
    if system.num_selectors() > 0
        || !system.lookups().is_empty()
        || !system.permutation().get_columns().is_empty()
    {
        return wrong("it has selectors, look-ups or copies of the backend");
    }
    if system.degree() > 5 {
        return wrong("a gate has a degree above 5");
    }
    let seed = digest(system);
    let mut count = 0;
    for round in 0..2_u8 {
        let mut hash = Keccak256::new();
        hash.update(seed);
        hash.update([round]);
        let point = Point { seed: hash.finalize().into() };
        let mut expected = Statement { shape, places, point: &point, all: Vec::new() }.all();
        for polynomial in system.gates().iter().flat_map(|gate| gate.polynomials()) {
            let value = polynomial.evaluate(
                &|constant| constant,
                &|_| Fr::zero(),
                &|query| point.at(Cell::Fixed(query.column_index(), query.rotation().0)),
                &|query| point.at(Cell::Advice(query.column_index(), query.rotation().0)),
                &|query| point.at(Cell::Instance(query.column_index(), query.rotation().0)),
                &|challenge| point.at(Cell::Challenge(challenge.index())),
                &|value: Fr| -value,
                &|a, b| a + b,
                &|a, b| a * b,
                &|a, scale| a * scale,
            );
            match expected.iter().position(|(_, known)| *known == value) {
                Some(found) => _ = expected.swap_remove(found),
                None => return wrong("it has a constraint that is none of a model's"),
            }
        }
        if let Some((name, _)) = expected.first() {
            return wrong(&format!("it lacks the constraint `{name}`"));
        }
        count = system.gates().iter().map(|gate| gate.polynomials().len()).sum();
    }
    Ok(count)
}

/// The constraints' values at a point.
struct Statement<'a> {
    shape: &'a Shape,
    places: &'a Places,
    point: &'a Point,
    all: Vec<(&'static str, Fr)>,
}

fn number(value: usize) -> Fr {
    Fr::from(u64::try_from(value).unwrap_or(u64::MAX))
}

fn power(base: Fr, exponent: u64) -> Fr {
    base.pow([exponent])
}

impl Statement<'_> {
    fn rotation(&self, place: Place, rows: i32) -> i32 {
        let small = |value: usize| i32::try_from(value).unwrap_or(i32::MAX);
        rows * small(self.shape.fold) + small(place.offset)
    }

    fn advice(&self, place: Place) -> Fr {
        self.point.at(Cell::Advice(place.column, self.rotation(place, 0)))
    }

    fn advice_before(&self, place: Place) -> Fr {
        self.point.at(Cell::Advice(place.column, self.rotation(place, -1)))
    }

    fn fixed(&self, place: Place) -> Fr {
        self.point.at(Cell::Fixed(place.column, self.rotation(place, 0)))
    }

    fn fixed_before(&self, place: Place) -> Fr {
        self.point.at(Cell::Fixed(place.column, self.rotation(place, -1)))
    }

    fn challenge(&self, index: usize) -> Fr {
        self.point.at(Cell::Challenge(index))
    }

    fn flag(&self, flag: Flag) -> Fr {
        self.places.flag(flag).map_or(Fr::zero(), |place| self.fixed(place))
    }

    fn active(&self) -> Fr {
        self.fixed(self.places.active)
    }

    /// 1 on rows that do not weigh.
    fn cells(&self) -> Fr {
        self.active() - self.fixed(self.places.weighs)
    }

    fn lane(&self, lane: usize) -> Fr {
        self.fixed(self.places.lanes[lane])
    }

    fn limb(&self, limb: usize) -> Fr {
        self.advice(self.places.limbs[limb])
    }

    fn n(&self) -> Fr {
        number(self.shape.table_rows)
    }

    fn makes(&self) -> Fr {
        [Flag::Divides, Flag::Intervals, Flag::Multiplies, Flag::MultipliesIn]
            .map(|flag| self.flag(flag))
            .iter()
            .sum()
    }

    /// What a row holds: its first limb, or a wide integer.
    fn held(&self) -> Fr {
        let limb = self.limb(0);
        match self.places.integer {
            Some(integer) => limb + self.flag(Flag::Wide) * (self.advice(integer) - limb),
            None => limb,
        }
    }

    /// `limb_first + N·limb_(first + 1)`.
    fn pair(&self, first: usize) -> Fr {
        self.limb(first) + self.n() * self.limb(first + 1)
    }

    /// `scale·(D·u + z)`.
    fn divided(&self) -> Fr {
        let mut sum = self.advice(self.places.table_row);
        for limb in (0..self.shape.limbs).rev() {
            sum = sum * self.n() + self.limb(limb);
        }
        sum * self.lane(1)
    }

    fn push(&mut self, name: &'static str, value: Fr) {
        self.all.push((name, value));
    }

    fn all(mut self) -> Vec<(&'static str, Fr)> {
        self.look_ups();
        self.limbs_and_weights();
        self.walks();
        self.wires();
        self.groups();
        self.products();
        self.packing();
        self.links();
        self.hashes();
        self.intervals();
        self.abreast();
        self.all
    }

    /// Σ 1/(β + look-up) − Σ uses/(β + entry), three terms to a sum.
    fn look_ups(&mut self) {
        let [beta, gamma] = [BETA, GAMMA].map(|index| self.challenge(index));
        let spills = self.cells() * self.flag(Flag::Border);
        let looks_up = Fr::one() - spills;
        let places = self.places;
        let step = |parts: Option<[Fr; 2]>| match parts {
            Some([first, second]) if self.shape.averages => first + gamma * second,
            Some([first, second]) => first + power(Fr::from(2), 40) * second,
            None => Fr::zero(),
        };
        let entry = |row: Fr, byte: Fr, step: Fr| {
            row + gamma * byte + gamma.square() + gamma.square() * gamma * step
        };
        let table_step = match (places.starts_table, places.lengths_table) {
            (Some(starts), Some(lengths)) => self.fixed(starts) + gamma * self.fixed(lengths),
            (Some(starts), None) => self.fixed(starts),
            _ => Fr::zero(),
        };
        let index = self.fixed(places.index);
        let in_table = entry(index, self.fixed(places.table), table_step);
        let mut terms: Vec<(Fr, Fr)> = Vec::new();
        let mut weights = places.weights.iter().flat_map(|weights| &weights.lanes);
        for own in (0..self.shape.abreast).map(|value| places.value(value)) {
            let parts = own.parts.map(|parts| parts.map(|part| self.advice(part)));
            let read = entry(self.advice(own.table_row), self.advice(own.byte), step(parts));
            let limbs = own.limbs.iter().map(|&limb| {
                let beside = weights.next().map_or(Fr::zero(), |&weight| {
                    self.fixed(weight) + self.fixed(places.weighs) * gamma.pow([5])
                });
                self.advice(limb) + beside
            });
            terms.extend(limbs.chain([read]).map(|look_up| (looks_up, beta + look_up)));
        }
        terms.push((-self.advice(places.limb_uses), beta + index));
        terms.push((-self.advice(places.table_uses), beta + in_table));
        terms.extend(self.weights_looked_up(&weights.copied().collect::<Vec<Place>>()));
        let last = places.sums[places.sums.len() - 1];
        let mut sum = self.advice_before(last);
        for (terms, &column) in terms.chunks(3).zip(&places.sums) {
            let next = self.advice(column);
            let all: Fr = terms.iter().map(|(_, denominator)| *denominator).product();
            // With random denominators, dividing is as good as leaving one out.
            let fractions: Fr = terms
                .iter()
                .map(|(numerator, denominator)| {
                    let inverse = Option::<Fr>::from(denominator.invert()).unwrap_or(Fr::zero());
                    *numerator * all * inverse
                })
                .sum();
            let step = (next - sum) * all - fractions;
            self.push("the sum grows by the row's look-ups", self.active() * step);
            sum = next;
        }
        let edge = self.fixed_before(places.active) - self.active();
        let ends = edge * self.advice_before(last);
        self.push("every look-up is a table entry", ends);
    }

    /// Cursors begin at 1 and make the moves that their cells choose.
    fn walks(&mut self) {
        let names = [
            "the weight monomial moves as the layout says",
            "the output monomial moves as the layout says",
            "the position moves as the layout says",
        ];
        let begins = [
            "the weight monomial begins at 1",
            "the output monomial begins at 1",
            "the position begins at 1",
        ];
        let first = (Fr::one() - self.fixed_before(self.places.active)) * self.active();
        for cursor in 0..3 {
            let place = self.places.cursors[cursor];
            let (now, then) = (self.advice(place), self.advice_before(place));
            let mut sides = [Fr::zero(); 2];
            let columns = self.places.moves[cursor].iter();
            for (&column, steps) in columns.zip(self.shape.menus[cursor].chunks(MOVES_PER_COLUMN)) {
                let choice = self.fixed(column);
                for (node, step) in (1..).zip(steps) {
                    let chosen = lagrange(choice, node, steps.len());
                    for (side, factor) in sides.iter_mut().zip(self.factors(step)) {
                        *side += chosen * (factor - Fr::one());
                    }
                }
            }
            let moved = now * sides[1] - then * sides[0];
            let moves = if cursor == 0 { self.active() } else { self.cells() };
            self.push(names[cursor], self.active() * (now - then) + moves * moved);
            self.push(begins[cursor], first * (then - Fr::one()));
        }
    }

    /// What a move multiplies with and divides by.
    fn factors(&self, step: &Exponents) -> [Fr; 2] {
        [1, -1].map(|sign| {
            let powers = step.iter().zip(POINTS).filter(|(exponent, _)| **exponent * sign > 0);
            powers
                .map(|(exponent, point)| {
                    power(self.challenge(point), exponent.unsigned_abs().into())
                })
                .product()
        })
    }

    /// The coefficient, and the balance of what is made and contributed.
    fn wires(&mut self) {
        let places = self.places;
        let [weight, output, position] = places.cursors.map(|cursor| self.advice(cursor));
        let rho = self.challenge(POINTS[0]);
        let lanes = (0..places.lanes.len()).rev();
        let weights = lanes.fold(Fr::zero(), |sum, lane| sum * rho + self.lane(lane));
        let coefficient = self.advice(places.coefficient);
        let kept = (Fr::one() - self.fixed(places.starts)) * self.advice_before(places.coefficient);
        let loaded = self.cells() * self.flag(Flag::Loads) * (self.held() - self.lane(0));
        let added = self.fixed(places.weighs) * weights + self.committed_weights(rho) + loaded;
        self.push(
            "the coefficient grows by weights times their monomial",
            self.active() * (coefficient - kept) - weight * added,
        );

        let byte = self.advice(places.byte);
        let mut value =
            self.makes() * byte + self.flag(Flag::Takes) * (self.limb(0) - self.lane(0));
        if let Some(integer) = places.integer {
            value += self.flag(Flag::TakesWide) * (self.advice(integer) - self.lane(0));
        }
        let balance = self.advice(places.balance);
        let then = self.advice_before(places.balance);
        let words = self.flag(Flag::EndsWord) * (Fr::one() - self.flag(Flag::Packs));
        let multiplier = self.word_multiplier();
        let fold = i32::try_from(self.shape.fold).unwrap_or(i32::MAX);
        let last = i32::try_from(self.shape.free_instances).map_or(i32::MAX, |free| free - 1);
        let after = (0..fold).fold(balance, |sum, back| {
            sum * multiplier + self.point.at(Cell::Instance(0, last - back))
        });
        let word = if self.shape.sums_words { Fr::zero() } else { words * (after - balance) };
        let made = output * self.made();
        self.push(
            "the balance grows by what is made less what is taken",
            self.active() * (balance - then)
                + self.cells() * (word + coefficient * position * value - made)
                + self.given_abreast(),
        );
        let last = self.fixed_before(places.active) * (Fr::one() - self.active());
        self.push("everything made is what was taken", last * then);
    }

    fn made(&self) -> Fr {
        let offset = self.lane(0);
        let divides = self.flag(Flag::Divides) + self.flag(Flag::Naturals);
        let mut made = divides * (self.divided() - offset);
        if let Some(parts) = self.places.parts {
            made += self.flag(Flag::Intervals) * (self.advice(parts[0]) + self.pair(0) - offset);
        }
        let copied = self.held() - self.lane(1) - self.flag(Flag::Larger) * self.limb(1);
        made += self.flag(Flag::Reads) * copied;
        if let (true, Some(parts)) = (self.shape.averages, self.places.parts) {
            let here = self.advice(parts[0]) + self.advice(parts[1]) * self.pair(0);
            let [low, high] = [0, 1].map(|limb| self.advice_before(self.places.limbs[limb]));
            let [start, stride] = parts.map(|part| self.advice_before(part));
            let before = start + stride * (low + self.n() * high);
            let correction = self.advice_before(self.places.byte) - power(Fr::from(2), 20);
            let rounded = before + correction - power(Fr::from(2), 100);
            made += self.flag(Flag::Adds) * (here - offset) - self.flag(Flag::Continues) * rounded;
        }
        if self.places.flag(Flag::Border).is_some() {
            let places = self.places;
            let cells = [places.limbs[0], places.limbs[1], places.table_row, places.byte];
            let rho = self.challenge(POINTS[0]);
            let (mut sum, mut monomial) = (Fr::zero(), Fr::one());
            for (number, cell) in cells.into_iter().enumerate() {
                let on = if number == 0 { Fr::one() } else { self.lane(number - 1) };
                sum += self.advice(cell) * monomial * on;
                monomial *= rho;
            }
            made += self.flag(Flag::Border) * sum;
        }
        made
    }

    /// Rows that go on from the row before.
    fn groups(&mut self) {
        let places = self.places;
        let before = |limb: usize| self.advice_before(places.limbs[limb]);
        let mut found = Vec::new();
        if places.flag(Flag::Larger).is_some() {
            let on = self.cells() * self.flag(Flag::Larger);
            let above = self.advice(places.table_row);
            let not_below = self.limb(0) - before(0) - above;
            found.push(("the larger is not below the value before", on * not_below));
            found.push(("the larger is one of both", on * self.limb(1) * above));
        }
        if places.flag(Flag::Holds).is_some() {
            let on = self.cells() * self.flag(Flag::Holds);
            found.push(("the value is held", on * (self.limb(0) - before(0))));
            found.push(("the value beside it is held", on * (self.limb(1) - before(1))));
            if self.shape.averages {
                let row = places.table_row;
                let held = self.advice(row) - self.advice_before(row);
                found.push(("the row read is held", on * held));
            }
        }
        self.all.extend(found);
    }

    /// Products of elements.
    fn products(&mut self) {
        if !self.shape.products {
            return;
        }
        let places = self.places;
        let [before_0, before_1] = [0, 1].map(|limb| self.advice_before(places.limbs[limb]));
        let pairs = self.cells() * self.flag(Flag::Pairs);
        let beside = pairs * (self.limb(1) - before_0);
        let placed = places.parts.map_or(Fr::zero(), |parts| self.advice(parts[0]) + self.pair(0));
        let (by_line, by_interval) = (self.flag(Flag::Multiplies), self.flag(Flag::MultipliesIn));
        let dividend = by_line * self.divided() + by_interval * placed;
        let product = (before_0 - self.lane(2)) * (before_1 - self.lane(3));
        let expected = (by_line + by_interval) * (self.lane(0) + product);
        let equal = self.cells() * (dividend - expected);
        self.push("the value beside is that of the row before", beside);
        self.push("the accumulator is the product of the pair", equal);
    }

    /// Instances and public bytes.
    fn packing(&mut self) {
        let places = self.places;
        let inputs = match places.flag(Flag::Inputs) {
            Some(inputs) => self.fixed(inputs),
            None => {
                let others = self.makes() + self.flag(Flag::Reads);
                self.flag(Flag::Packs) * (Fr::one() - others)
            }
        };
        let room = self.n() - Fr::from(256);
        let raised = self.limb(1) - self.limb(0) - room;
        self.push("an input plus N − 256 is below N", self.cells() * inputs * raised);

        let copy = self.limb(0) - self.lane(0);
        let value = copy + self.makes() * (self.advice(places.byte) - copy);
        let tau = self.challenge(TAU);
        let ends = self.flag(Flag::EndsWord);
        let factor = self.lane(2) * (Fr::one() - ends + ends * tau);
        let (packed, then) = (self.advice(places.packed), self.advice_before(places.packed));
        let taken = value + (factor - Fr::one()) * packed;
        self.push(
            "the packed instances hold the public bytes",
            self.active() * (then - packed)
                - self.cells() * self.flag(Flag::Packs) * taken
                - self.packed_abreast(),
        );
        let (here, before) = (self.active(), self.fixed_before(places.active));
        let mut begun = self.advice_before(places.balance);
        if self.shape.has_word_sum() {
            begun += self.challenge(WORDS);
        }
        // The words of inputs' links come before all others, then hashed ones, and those of outputs' links behind the instances.
        let multiplier = self.word_multiplier();
        let all: Vec<_> = places.links.iter().map(|link| link[1]).zip(&self.shape.links).collect();
        let outputs = self.shape.outputs.map_or(0, |outputs| outputs.links.min(all.len()));
        let (inputs, outputs) = all.split_at(all.len() - outputs);
        let links = |links: &[(Place, &usize)]| {
            let (mut linked, mut apart) = (Fr::zero(), Fr::one());
            for &(sum, &words) in links {
                linked += apart * self.advice_before(sum);
                apart *= multiplier.pow([words as u64]);
            }
            (linked, apart)
        };
        let words = self.shape.outputs.map_or(0, |outputs| outputs.words as u64);
        begun += multiplier.pow([words]) * links(outputs).0;
        let begun = self.hashed_before(begun);
        let (linked, apart) = links(inputs);
        let begins = (Fr::one() - before) * here * (then - linked - apart * begun);
        self.push("the bytes are those of the instances", begins);
        self.push("nothing but the bytes is packed", before * (Fr::one() - here) * then);
    }

    /// The words of commitments.
    fn links(&mut self) {
        let multiplier = self.word_multiplier();
        let last = self.fixed_before(self.places.active) * (Fr::one() - self.active());
        for &[word, sum, rows] in &self.places.links {
            let (here, then) = (self.advice(sum), self.advice_before(sum));
            let next = here * multiplier + self.advice(word);
            let left = self.active() * (then - here - self.fixed(rows) * (next - here));
            self.push("the linked sum holds the words of the commitment", left);
            self.push("nothing but the words of the commitment is linked", last * then);
        }
    }

    /// Intervals and float32 sums.
    fn intervals(&mut self) {
        let Some(parts) = self.places.parts else { return };
        let rest = self.pair(0) + self.pair(2);
        let on = self.cells() * (self.flag(Flag::Intervals) + self.flag(Flag::MultipliesIn));
        let room = self.advice(parts[1]) - Fr::one() - rest;
        self.push("the remainder is below the interval's length", on * room);
        if self.shape.averages {
            let most = power(Fr::from(2), 22) - Fr::one();
            let on = self.cells() * self.flag(Flag::Adds);
            self.push("the quotient of a sum is below 2^22", on * (most - rest));
        }
    }
}

/// 1 where the choice is `node`, 0 at the other numbers up to `last`.
fn lagrange(choice: Fr, node: usize, last: usize) -> Fr {
    (0..=last)
        .filter(|&other| other != node)
        .map(|other| {
            let scale = number(node) - number(other);
            (choice - number(other)) * Option::<Fr>::from(scale.invert()).unwrap_or(Fr::zero())
        })
        .product()
}
