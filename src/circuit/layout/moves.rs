//! Moves: how cursors walk from monomial to monomial.
//!
//! | cursor | holds | needed on |
//! |---|---|---|
//! | weight | the monomial of a row's weights | rows of weights |
//! | output | the monomial of what a row makes | rows that make or copy something |
//! | position | the position in its run | rows whose value is taken |
//!
//! Each row multiplies a cursor by one of the moves of its menu, which a fixed cell chooses. A move changes an exponent
//! by at most 64, and there are fewer than 2^22 rows: exponents are between −2^28 and 2^28.

use crate::circuit::wiring::Place;
use halo2_proofs::halo2curves::bn256::Fr;
use std::collections::HashMap;

/// Number of cursors.
pub const CURSORS: usize = 3;
/// The cursor of weights.
pub const WEIGHT: usize = 0;
/// The cursor of what is made.
pub const OUTPUT: usize = 1;
/// The cursor of positions.
pub const POSITION: usize = 2;

/// Moves that one fixed column chooses from, beside staying: their Lagrange polynomials have this degree, and the gate has two more.
const MOVES_PER_COLUMN: usize = 3;

/// No move is farther: moves are powers of challenges in the contract, and the error of `relations::wires` rests on it.
const FARTHEST: i32 = 64;

/// Lengths of moves along one axis, for ways of many lengths.
const STRIDES: [i32; 3] = [4, 16, FARTHEST];

/// Exponents of ρ, s₁ and s₂.
pub type Exponents = [i32; 3];

impl From<Place> for Exponents {
    fn from(place: Place) -> Self {
        let omega = i32::try_from(place.omega).expect("fewer than 2^31 powers of ρ");
        [omega, place.at[0], place.at[1]]
    }
}

/// The moves of a cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Menu(Vec<Exponents>);

impl Menu {
    /// A menu for wished displacements: single steps, and then what saves most rows, wishes or strides if it
    /// has some, one after the other. Of a batch, whose lines are long, wishes that are farther than any move are gone in equal parts.
    pub fn new(
        wishes: &HashMap<Exponents, usize>,
        columns: usize,
        has_strides: bool,
        of_batch: bool,
    ) -> Self {
        let strides = |length: i32| {
            (0..3).flat_map(move |axis| {
                [length, -length].map(|stride| {
                    let mut step = [0; 3];
                    step[axis] = stride;
                    step
                })
            })
        };
        let goes = |step: &Exponents| wishes.keys().any(|wish| times(wish, step) > 0);
        let mut moves: Vec<Exponents> = strides(1).filter(goes).collect();
        let mut strides: Vec<Exponents> =
            STRIDES.into_iter().filter(|_| has_strides).flat_map(strides).filter(goes).collect();
        if of_batch {
            strides.extend(wishes.keys().flat_map(equal_parts));
            strides.sort_unstable();
            strides.dedup();
        }
        let mut rest = wishes.clone();
        while moves.len() < columns * MOVES_PER_COLUMN {
            let near = |wish: &Exponents| wish.iter().all(|exponent| exponent.abs() <= FARTHEST);
            let by_wish = (rest.iter())
                .filter(|(wish, _)| near(wish))
                .map(|(wish, count)| (count * distance(wish).saturating_sub(1), *wish))
                .max();
            let by_stride = (strides.iter())
                .map(|stride| {
                    let saved = |(wish, count): (&Exponents, &usize)| {
                        count * times(wish, stride) * (distance(stride) - 1)
                    };
                    (rest.iter().map(saved).sum::<usize>(), *stride)
                })
                .max();
            match (by_wish, by_stride) {
                (wish, Some((saved, stride)))
                    if saved > 0 && wish.is_none_or(|(by_wish, _)| saved >= by_wish) =>
                {
                    moves.push(stride);
                    let mut after = HashMap::new();
                    for (wish, count) in rest {
                        let steps = i32::try_from(times(&wish, &stride)).expect("below 2^31");
                        let wish = [0, 1, 2].map(|axis| wish[axis] - steps * stride[axis]);
                        *after.entry(wish).or_default() += count;
                    }
                    rest = after;
                }
                (Some((saved, wish)), _) if saved > 0 => {
                    moves.push(wish);
                    rest.remove(&wish);
                }
                _ => break,
            }
        }
        Self(moves)
    }

    /// Whether it could have been made here.
    pub fn is_valid(&self) -> bool {
        let farthest = FARTHEST.unsigned_abs();
        self.0.iter().all(|step| step.iter().all(|exponent| exponent.unsigned_abs() <= farthest))
            && self.0.len() <= 16 * MOVES_PER_COLUMN
    }

    /// Fixed columns that choose a move.
    pub fn columns(&self) -> usize {
        self.0.len().div_ceil(MOVES_PER_COLUMN)
    }

    /// The moves, as numbers from 1 on, that lead over a displacement.
    pub fn path(&self, mut rest: Exponents) -> Vec<u8> {
        let mut path = Vec::new();
        while rest != [0; 3] {
            let after = |step: &Exponents| [0, 1, 2].map(|axis| rest[axis] - step[axis]);
            // A move may go too far only where single steps lead back.
            let leads_on = |step: &Exponents| {
                let after = after(step);
                (0..3).all(|axis| after[axis] == 0 || self.steps(axis, after[axis].signum()))
            };
            let (number, step) = (self.0.iter().enumerate())
                .filter(|(_, step)| leads_on(step))
                .min_by_key(|(_, step)| distance(&after(step)))
                .expect("a menu has a step in every direction that is needed");
            assert!(distance(&after(step)) < distance(&rest), "a menu has single steps");
            path.push(u8::try_from(number + 1).expect("menus are short"));
            rest = after(step);
        }
        path
    }

    /// Whether it has a single step in a direction.
    fn steps(&self, axis: usize, direction: i32) -> bool {
        let mut step = [0; 3];
        step[axis] = direction;
        self.0.contains(&step)
    }

    /// What a move multiplies by: numerator and denominator.
    pub fn factors<T: Clone + std::ops::Mul<Output = T>>(
        step: &Exponents,
        challenges: &[T; 3],
        one: &T,
    ) -> [T; 2] {
        [1, -1].map(|direction| {
            let powers = (0..3).filter(|&axis| step[axis] * direction > 0);
            let powers = powers.map(|axis| power(&challenges[axis], step[axis].unsigned_abs()));
            powers.reduce(|product, factor| product * factor).unwrap_or_else(|| one.clone())
        })
    }

    /// The moves that each fixed column chooses from.
    pub fn by_column(&self) -> impl Iterator<Item = &[Exponents]> {
        self.0.chunks(MOVES_PER_COLUMN)
    }

    /// The fixed column that a move has a cell of, and what that cell is; of all others it is 0.
    pub fn cell(number: u8) -> Option<(usize, u8)> {
        let number = usize::from(number).checked_sub(1)?;
        let within = u8::try_from(number % MOVES_PER_COLUMN).expect("less than four");
        Some((number / MOVES_PER_COLUMN, within + 1))
    }

    /// What each move multiplies by, staying first.
    pub fn multipliers(&self, challenges: &[Fr; 3]) -> Vec<Fr> {
        let step = |step: &Exponents| {
            let [numerator, denominator] = Self::factors(step, challenges, &Fr::one());
            // 0 with probability 2^-254; the proof then fails and is made again.
            numerator * denominator.invert().unwrap_or(Fr::zero())
        };
        std::iter::once(Fr::one()).chain(self.0.iter().map(step)).collect()
    }
}

/// The strides that lead over what is farther along an axis than any move, in as few steps as can be.
fn equal_parts(wish: &Exponents) -> impl Iterator<Item = Exponents> {
    let far = (0..3).filter(|&axis| wish[axis].abs() > FARTHEST);
    far.map(|axis| {
        let mut step = [0; 3];
        let parts = wish[axis].unsigned_abs().div_ceil(FARTHEST.unsigned_abs());
        step[axis] = wish[axis] / i32::try_from(parts).expect("fewer than it is long");
        step
    })
}

/// How often a stride along one axis fits into a displacement.
fn times(wish: &Exponents, stride: &Exponents) -> usize {
    let axis = (0..3).find(|&axis| stride[axis] != 0).expect("a stride is not 0");
    usize::try_from(wish[axis] / stride[axis]).unwrap_or(0)
}

/// How many single steps a displacement takes.
fn distance(exponents: &Exponents) -> usize {
    exponents.iter().map(|exponent| exponent.unsigned_abs() as usize).sum()
}

/// A power, at least the first.
pub fn power<T: Clone + std::ops::Mul<Output = T>>(base: &T, exponent: u32) -> T {
    let mut power: Option<T> = None;
    for bit in (0..u32::BITS - exponent.leading_zeros()).rev() {
        power = power.map(|power| power.clone() * power);
        if exponent >> bit & 1 == 1 {
            power = Some(power.map_or_else(|| base.clone(), |power| power * base.clone()));
        }
    }
    power.expect("the exponent is not 0")
}
