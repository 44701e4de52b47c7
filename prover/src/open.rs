//! Evaluations of columns outside their rows, and one proof for all of them: SHPLONK (BDFG21), as halo2-axiom's
//! verifier takes it, with polynomials given by their values on the rows ω⁰, …, ωⁿ⁻¹.
//!
//! All points are x·ω^r. With `d_i = 1/(ω^i − x)`, and so `1/(ω^i − x·ω^r) = ω^(−r)·d_(i−r)`,
//!
//! ```text
//! p(x·ω^r)  =  (1 − xⁿ)/n · Σ p_i·ω^(i−r)·d_(i−r)
//! ```
//!
//! Polynomials that are opened at the same points S form a set, with C = Σ yʲ·pⱼ. With R of degree below |S| equal to C on S,
//! and Z = Π (X − s), partial fractions save the interpolation of R:
//!
//! ```text
//! (C − R)/Z  =  Σ_s a_s·(C − C(s))/(X − s),       a_s = 1/Π_(s' ≠ s) (s − s')
//! ```

use crate::Error;
use crate::columns::Column;
use crate::domain::root;
use crate::engine::Opener;
use crate::fft::powers;
use crate::field::{Lanes, kernels};
use crate::quotient::elements;
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// Vectors for one thread at a time.
const CHUNK: usize = 1 << 8;

/// A point x with what evaluations at x·ω^r need.
pub struct Point<L> {
    k: u32,
    x: Fr,
    /// 1/(ω^i − x).
    inverses: Vec<L>,
    /// ω^i/(ω^i − x), times (1 − xⁿ)/n.
    weights: Vec<L>,
}

/// Polynomials opened at the same points.
pub struct Set<'a> {
    /// The rotations r of the points x·ω^r.
    pub rotations: Vec<i32>,
    /// Each with its evaluations, in the rotations' order.
    pub polynomials: Vec<(&'a Column, Vec<Fr>)>,
}

/// (Σ factor·column − value)/(X − x·ω^rotation), `value` being what the sum is at x·ω^rotation.
pub struct Quotient<'a> {
    pub rotation: i32,
    pub columns: Vec<(&'a Column, Fr)>,
    pub value: Fr,
}

impl<L: Lanes<Fr>> Point<L> {
    /// For evaluations at x and its rotations. `x` is not a row: that has probability n/2^254.
    pub fn new(k: u32, x: Fr) -> Self {
        let n = 1_u64 << k;
        let rows = rows::<L>(k);
        let inverses = reciprocals(&rows, x);
        let factor = (Fr::ONE - x.pow_vartime([n])) * Fr::from(n).invert().expect("n is not 0");
        let mut weights = rows;
        weights.par_chunks_mut(CHUNK).zip(inverses.par_chunks(CHUNK)).for_each(|(to, by)| {
            multiply(to, by, factor);
        });
        Self { k, x, inverses, weights }
    }

    /// x·ω^r.
    fn rotated(&self, rotation: i32) -> Fr {
        let omega = root(self.k);
        let power = omega.pow_vartime([rotation.unsigned_abs().into()]);
        self.x * if rotation < 0 { power.invert().expect("roots are not 0") } else { power }
    }

    /// ω^(−rotation), with which 1/(ω^i − x), rotated, is 1/(ω^i − x·ω^rotation).
    fn back(&self, rotation: i32) -> Fr {
        let back = root(self.k).pow_vartime([rotation.unsigned_abs().into()]);
        if rotation < 0 { back } else { back.invert().expect("roots are not 0") }
    }

    fn add_up(&self, columns: &[(&Column, Fr)]) -> Vec<L> {
        let (columns, factors): (Vec<&Column>, Vec<Fr>) = columns.iter().copied().unzip();
        combined(&columns, &factors, 1 << self.k)
    }
}

impl<L: Lanes<Fr>> Opener for Point<L> {
    fn evaluate(&self, column: &Column, rotations: &[i32]) -> Vec<Fr> {
        let chunks = self.weights.len().div_ceil(CHUNK);
        let sums = (0..chunks).into_par_iter().map(|chunk| {
            let end = ((chunk + 1) * CHUNK).min(self.weights.len());
            products(column, &self.weights, rotations, chunk * CHUNK, end)
        });
        let add = |mut a: Vec<Fr>, b: Vec<Fr>| {
            a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
            a
        };
        sums.reduce(|| vec![Fr::ZERO; rotations.len()], add)
    }

    fn sum(&self, columns: &[(&Column, Fr)]) -> Vec<Fr> {
        elements(&self.add_up(columns))
    }

    fn quotients(&self, quotients: &[Quotient<'_>]) -> Vec<Fr> {
        let mut sum = vec![L::zero(); self.inverses.len()];
        for &Quotient { rotation, ref columns, value } in quotients {
            let combined = self.add_up(columns);
            let term = Term { rotation, factor: self.back(rotation), value };
            sum.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, to)| {
                let terms = std::slice::from_ref(&term);
                add_quotient(to, &combined, &self.inverses, terms, chunk * CHUNK);
            });
        }
        elements(&sum)
    }

    fn open(
        &self,
        sets: &[Set<'_>],
        y: Fr,
        v: Fr,
        commit: &mut dyn FnMut(Vec<Fr>) -> Result<(), Error>,
        challenge: &mut dyn FnMut() -> Fr,
    ) -> Result<(), Error> {
        let n = 1_usize << self.k;
        let combined: Vec<Vec<L>> = sets
            .iter()
            .map(|set| {
                let columns: Vec<&Column> =
                    set.polynomials.iter().map(|(column, _)| *column).collect();
                combination(&columns, y, n)
            })
            .collect();
        // Of each set and point: a_s, C(s).
        let points: Vec<Vec<Fr>> = sets
            .iter()
            .map(|set| set.rotations.iter().map(|&rotation| self.rotated(rotation)).collect())
            .collect();
        let weights: Vec<Vec<Fr>> = points.iter().map(|points| barycentric(points)).collect();
        let values: Vec<Vec<Fr>> = sets
            .iter()
            .map(|set| {
                let value = |index: usize| {
                    let evaluations = set.polynomials.iter().rev().map(|(_, values)| values[index]);
                    evaluations.fold(Fr::ZERO, |sum, value| sum * y + value)
                };
                (0..set.rotations.len()).map(value).collect()
            })
            .collect();

        let mut quotient = vec![L::zero(); n / 8];
        let mut power = Fr::ONE;
        for (index, set) in sets.iter().enumerate() {
            let terms: Vec<Term> = (0..set.rotations.len())
                .map(|at| {
                    let rotation = set.rotations[at];
                    let factor = power * weights[index][at] * self.back(rotation);
                    Term { rotation, factor, value: values[index][at] }
                })
                .collect();
            quotient.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, to)| {
                add_quotient(to, &combined[index], &self.inverses, &terms, chunk * CHUNK);
            });
            power *= v;
        }
        commit(elements(&quotient))?;

        let u = challenge();
        let mut all: Vec<i32> = sets.iter().flat_map(|set| set.rotations.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        let distances: Vec<(i32, Fr)> =
            all.iter().map(|&rotation| (rotation, u - self.rotated(rotation))).collect();
        let mut factors = Vec::new();
        let mut constant = Fr::ZERO;
        let mut power = Fr::ONE;
        for (index, set) in sets.iter().enumerate() {
            let others = distances.iter().filter(|(rotation, _)| !set.rotations.contains(rotation));
            let outside: Fr = others.map(|(_, distance)| *distance).product();
            // R(u) = Z(u)·Σ a_s·C(s)/(u − s).
            let own = points[index].iter().map(|point| u - point);
            let vanishing: Fr = own.clone().product();
            let sum: Fr = own
                .zip(weights[index].iter().zip(&values[index]))
                .map(|(distance, (weight, value))| {
                    *weight * value * distance.invert().expect("u is none of the points")
                })
                .sum();
            factors.push(power * outside);
            constant += power * outside * vanishing * sum;
            power *= v;
        }
        let all: Fr = distances.iter().map(|(_, distance)| *distance).product();
        let normal = factors[0].invert().expect("u is none of the points");
        let inverses = reciprocals(&rows::<L>(self.k), u);
        let mut last = quotient;
        last.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, to)| {
            let start = chunk * CHUNK;
            linearize(to, &combined, &factors, all, constant, &inverses, normal, start);
        });
        commit(elements(&last))
    }
}

/// ω⁰, ω¹, ….
fn rows<L: Lanes<Fr>>(k: u32) -> Vec<L> {
    let mut rows = vec![L::zero(); 1 << (k - 3)];
    powers(&mut rows, root(k), Fr::ONE);
    rows
}

/// 1/(row − x).
fn reciprocals<L: Lanes<Fr>>(rows: &[L], x: Fr) -> Vec<L> {
    let mut inverses = rows.to_vec();
    inverses.par_chunks_mut(1 << 10).for_each(|chunk| invert_differences(chunk, x));
    inverses
}

/// Of each point, one over the product of its differences to the others.
fn barycentric(points: &[Fr]) -> Vec<Fr> {
    let weight = |(index, point): (usize, &Fr)| {
        let others = points.iter().enumerate().filter(|&(other, _)| other != index);
        let product: Fr = others.map(|(_, other)| *point - other).product();
        product.invert().expect("rotations of a point differ")
    };
    points.iter().enumerate().map(weight).collect()
}

/// Σ yʲ·column.
pub fn combination<L: Lanes<Fr>>(columns: &[&Column], y: Fr, rows: usize) -> Vec<L> {
    let factors: Vec<Fr> = columns
        .iter()
        .scan(Fr::ONE, |power, _| Some(std::mem::replace(power, *power * y)))
        .collect();
    combined(columns, &factors, rows)
}

/// Σ factor·column.
fn combined<L: Lanes<Fr>>(columns: &[&Column], factors: &[Fr], rows: usize) -> Vec<L> {
    let mut sums = vec![L::zero(); rows / 8];
    sums.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, sums)| {
        combine(columns, factors, rows, chunk * CHUNK, sums);
    });
    sums
}

/// A summand of (C − R)/Z.
struct Term {
    rotation: i32,
    factor: Fr,
    value: Fr,
}

kernels! {
    fn multiply<L: Lanes<Fr>>(to: &mut [L], by: &[L], factor: Fr) {
        let factor = L::splat(factor);
        for (to, by) in to.iter_mut().zip(by) {
            *to = to.mul(*by).mul(factor);
        }
    }

    fn invert_differences<L: Lanes<Fr>>(vectors: &mut [L], x: Fr) {
        let x = L::splat(x);
        let mut product = L::splat(Fr::ONE);
        let mut before = Vec::with_capacity(vectors.len());
        for vector in vectors.iter_mut() {
            *vector = vector.sub(x);
            before.push(product);
            product = product.mul(*vector);
        }
        let inverses = product.elements().map(|element| element.invert().expect("x is not a row"));
        let mut inverse = L::from_elements(&inverses);
        for (vector, before) in vectors.iter_mut().zip(before).rev() {
            let next = inverse.mul(*vector);
            *vector = inverse.mul(before);
            inverse = next;
        }
    }

    /// Sums of the column's values times rotated weights, over vectors from `start` to `end`.
    fn products<L: Lanes<Fr>>(
        column: &Column,
        weights: &[L],
        rotations: &[i32],
        start: usize,
        end: usize,
    ) -> Vec<Fr> {
        let mut sums = vec![L::zero(); rotations.len()];
        for index in start..end {
            let vector: L = column.vector(index, 8 * weights.len());
            for (sum, &rotation) in sums.iter_mut().zip(rotations) {
                *sum = sum.add(vector.mul(rotated(weights, index, -rotation)));
            }
        }
        let mut totals = Vec::with_capacity(sums.len());
        for sum in sums {
            totals.push(sum.elements().iter().sum());
        }
        totals
    }

    fn combine<L: Lanes<Fr>>(
        columns: &[&Column],
        factors: &[Fr],
        rows: usize,
        start: usize,
        sums: &mut [L],
    ) {
        for (column, factor) in columns.iter().zip(factors) {
            let factor = L::splat(*factor);
            for (offset, sum) in sums.iter_mut().enumerate() {
                let vector: L = column.vector(start + offset, rows);
                *sum = sum.add(vector.mul(factor));
            }
        }
    }

    fn add_quotient<L: Lanes<Fr>>(
        to: &mut [L],
        combined: &[L],
        inverses: &[L],
        terms: &[Term],
        start: usize,
    ) {
        for Term { rotation, factor, value } in terms {
            let (factor, value) = (L::splat(*factor), L::splat(*value));
            for (offset, to) in to.iter_mut().enumerate() {
                let index = start + offset;
                let inverse = rotated(inverses, index, -rotation).mul(factor);
                *to = to.add(combined[index].sub_loose(value).mul(inverse));
            }
        }
    }

    /// (Σ factor·C − constant − all·h)/(X − u)·normal, in place of h.
    fn linearize<L: Lanes<Fr>>(
        h: &mut [L],
        combined: &[Vec<L>],
        factors: &[Fr],
        all: Fr,
        constant: Fr,
        inverses: &[L],
        normal: Fr,
        start: usize,
    ) {
        let (all, constant, normal) = (L::splat(all), L::splat(constant), L::splat(normal));
        let mut scaled = Vec::with_capacity(factors.len());
        for factor in factors {
            scaled.push(L::splat(*factor));
        }
        for (offset, h) in h.iter_mut().enumerate() {
            let mut sum = L::zero().sub(constant).sub(h.mul(all));
            for (combined, factor) in combined.iter().zip(&scaled) {
                sum = sum.add(combined[start + offset].mul(*factor));
            }
            *h = sum.mul(inverses[start + offset]).mul(normal);
        }
    }
}

/// Eight values from row 8·`index` + `rotation` on.
#[inline(always)]
fn rotated<L: Lanes<Fr>>(vectors: &[L], index: usize, rotation: i32) -> L {
    let row =
        (8 * index as i64 + i64::from(rotation)).rem_euclid(8 * vectors.len() as i64) as usize;
    let vector = vectors[row / 8];
    if row.is_multiple_of(8) {
        return vector;
    }
    vector.shifted(vectors[(row / 8 + 1) % vectors.len()], row % 8)
}
