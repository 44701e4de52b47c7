//! Transforms without any reordering: in place from natural to permuted order, and back.
//!
//! Forward, values on a coset → coefficients, each step splits what it works on in two (decimation in frequency):
//!
//! ```text
//! (u, v)  →  (u + v, (u − v)·w)           at distance h, for h = n/2, …, 1
//! ```
//!
//! which leaves coefficients times n in bit-reversed order, but that lanes and vectors of each 64 are exchanged
//! (the last three steps are between lanes, and vectors are what can be added). Backward undoes the steps one by one
//! (decimation in time) and so takes that order:
//!
//! ```text
//! (u, v)  →  (u + v·w, u − v·w)           at distance h, for h = 1, …, n/2
//! ```
//!
//! For values on the coset c·⟨ω⟩ the factors w at distance h are `c^(n/2h)·ω_{2h}^j`: the coset costs nothing.
//! Two steps are taken at once, and the recursion works inside a cache as soon as the part fits.

use crate::field::{Lanes, Packed, kernels};
use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use rayon::prelude::*;

/// log₂ of the least size.
pub const SMALLEST: u32 = 6;

/// The factors of one direction and coset.
pub struct Factors<L> {
    /// For distances of at least a vector: those of distance 8·h are at `h − 1`.
    vectors: Vec<L>,
    /// For distances 4, 2 and 1, from index 4, 2 and 1 on, in all lanes.
    single: [L; 8],
}

impl<L: Lanes<Fr>> Factors<L> {
    /// For values on `coset`·⟨`omega`⟩, omega of order 2^k; with both inverted, the other direction's.
    pub fn new(k: u32, omega: Fr, coset: Fr) -> Self {
        assert!(k >= SMALLEST, "transforms begin at 2^{SMALLEST}");
        // Of each distance, from half the size on: (root, coset).
        let mut levels = Vec::new();
        let mut level = (1_usize << (k - 1), omega, coset);
        while level.0 >= 1 {
            levels.push(level);
            level = (level.0 / 2, level.1.square(), level.2.square());
        }
        let mut single = [L::zero(); 8];
        let mut vectors = zeros::<L>((1 << (k - 3)) - 1);
        for &(distance, omega, coset) in &levels {
            if distance >= 8 {
                let count = distance / 8;
                powers(&mut vectors[count - 1..2 * count - 1], omega, coset);
            } else {
                let mut factor = coset;
                for single in &mut single[distance..2 * distance] {
                    *single = splat(factor);
                    factor *= omega;
                }
            }
        }
        Self { vectors, single }
    }

    #[inline(always)]
    fn at(&self, distance: usize, index: usize) -> L {
        self.vectors[distance - 1 + index]
    }
}

/// So many zeros, written by all threads: the system clears their memory as it is first touched.
pub fn zeros<L: Lanes<Fr>>(vectors: usize) -> Vec<L> {
    (0..vectors).into_par_iter().with_min_len(STEP).map(|_| L::zero()).collect()
}

/// Fills with `first`·`ratio`^i, eight to a vector, on all threads.
pub fn powers<L: Lanes<Fr>>(vectors: &mut [L], ratio: Fr, first: Fr) {
    const CHUNK: usize = 1 << 9;
    vectors.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, vectors)| {
        let mut power = first * ratio.pow_vartime([(chunk * CHUNK * 8) as u64]);
        let mut start = [Fr::ZERO; 8];
        for element in &mut start {
            *element = power;
            power *= ratio;
        }
        geometric(vectors, &start, ratio.pow_vartime([8]));
    });
}

/// From so many vectors on, transforms are cut into parts for several threads.
const PARALLEL: usize = 1 << 10;

/// Vectors of a step that a thread takes at once.
const STEP: usize = 1 << 7;

/// How long the parts are that a step leaves, of so many vectors: half if that makes it a power of 4 at last.
fn part(length: usize) -> usize {
    if length.trailing_zeros().is_multiple_of(2) { length / 2 } else { length / 4 }
}

fn quarters<L>(values: &mut [L]) -> [&mut [L]; 4] {
    let (low, high) = values.split_at_mut(values.len() / 2);
    let (first, second) = low.split_at_mut(low.len() / 2);
    let (third, fourth) = high.split_at_mut(high.len() / 2);
    [first, second, third, fourth]
}

type Step<L, const N: usize> = fn([&mut [L]; N], &Factors<L>, usize, usize);

/// The step that halves or quarters `values`, or undoes that, on all threads.
fn step<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>, two: Step<L, 2>, four: Step<L, 4>) {
    let part = part(values.len());
    if part == values.len() / 2 {
        let (low, high) = values.split_at_mut(part);
        let pairs = low.par_chunks_mut(STEP).zip(high.par_chunks_mut(STEP)).enumerate();
        pairs.for_each(|(at, (low, high))| two([low, high], factors, part, at * STEP));
    } else {
        let [first, second, third, fourth] = quarters(values).map(|part| part.par_chunks_mut(STEP));
        let fours = first.zip(second).zip(third.zip(fourth)).enumerate();
        fours.for_each(|(at, ((first, second), (third, fourth)))| {
            four([first, second, third, fourth], factors, part, at * STEP);
        });
    }
}

/// How many threads work on one transform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// Many transforms are made at once.
    One,
    /// As many as there are, if it is long enough.
    All,
}

/// Natural to permuted order. Values are below 2p, before and after.
pub fn forward<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>, threads: Threads) {
    if threads == Threads::One || values.len() < PARALLEL {
        return forward_serial(values, factors);
    }
    step(values, factors, split_2, split_4);
    let parts = values.par_chunks_exact_mut(part(values.len()));
    parts.for_each(|part| forward(part, factors, threads));
}

/// Permuted to natural order, packed elsewhere. Values are below 2p, before and after.
pub fn backward_packed<L: Lanes<Fr>>(
    values: &mut [L],
    factors: &Factors<L>,
    to: &mut [Packed],
    threads: Threads,
) {
    backward_loose(values, factors, threads);
    if threads == Threads::One {
        return pack_all(values, to);
    }
    let parts = values.par_chunks(PARALLEL).zip(to.par_chunks_mut(PARALLEL));
    parts.for_each(|(values, to)| pack_all(values, to));
}

/// The same not packed: below 2p·(k + 1).
pub fn backward_loose<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>, threads: Threads) {
    if threads == Threads::One || values.len() < PARALLEL {
        return backward_serial(values, factors);
    }
    let parts = values.par_chunks_exact_mut(part(values.len()));
    parts.for_each(|part| backward_loose(part, factors, threads));
    step(values, factors, join_2, join_4);
}

kernels! {
    /// One element in all lanes.
    pub fn splat<L: Lanes<Fr>>(element: Fr) -> L {
        L::splat(element)
    }

    /// Fills with vectors, each the one before times a ratio.
    fn geometric<L: Lanes<Fr>>(vectors: &mut [L], start: &[Fr; 8], ratio: Fr) {
        let (mut vector, ratio) = (L::from_elements(start), L::splat(ratio));
        for to in vectors {
            *to = vector;
            vector = vector.mul(ratio);
        }
    }

    /// Natural to permuted order.
    fn forward_serial<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>) {
        let length = values.len();
        if length == 8 {
            return forward_64(values, factors);
        }
        let part = part(length);
        if part == length / 2 {
            let (low, high) = values.split_at_mut(part);
            split_2([low, high], factors, part, 0);
        } else {
            split_4(quarters(values), factors, part, 0);
        }
        for part in values.chunks_exact_mut(part) {
            forward_serial(part, factors);
        }
    }

    /// A step at distance `half`, of pairs from `start` on.
    fn split_2<L: Lanes<Fr>>(pairs: [&mut [L]; 2], factors: &Factors<L>, half: usize, start: usize) {
        let [low, high] = pairs;
        for (j, (low, high)) in low.iter_mut().zip(high.iter_mut()).enumerate() {
            let (u, v) = (*low, *high);
            *low = u.add(v);
            *high = u.sub_loose(v).mul(factors.at(half, start + j));
        }
    }

    /// Two steps, at distances 2·`quarter` and `quarter`, of fours from `start` on.
    fn split_4<L: Lanes<Fr>>(fours: [&mut [L]; 4], factors: &Factors<L>, quarter: usize, start: usize) {
        let [first, second, third, fourth] = fours;
        let fours = first.iter_mut().zip(second.iter_mut()).zip(third.iter_mut().zip(fourth.iter_mut()));
        for (j, ((x0, x1), (x2, x3))) in fours.enumerate() {
            let j = start + j;
            let (a0, a1) = (x0.add_loose(*x2), x1.add_loose(*x3));
            let b0 = x0.sub_loose(*x2).mul(factors.at(2 * quarter, j));
            let b1 = x1.sub_loose(*x3).mul(factors.at(2 * quarter, j + quarter));
            let w = factors.at(quarter, j);
            *x0 = a0.add_loose(a1).reduce();
            *x1 = a0.sub_loose4(a1).mul(w);
            *x2 = b0.add(b1);
            *x3 = b0.sub_loose(b1).mul(w);
        }
    }

    /// The last six steps.
    fn forward_64<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>) {
        let values: &mut [L; 8] = values.try_into().expect("eight vectors");
        let mut x = *values;
        for distance in [4_usize, 2, 1] {
            for start in (0..8).step_by(2 * distance) {
                for j in 0..distance {
                    let (u, v) = (x[start + j], x[start + distance + j]);
                    x[start + j] = u.add(v);
                    x[start + distance + j] = u.sub_loose(v).mul(factors.at(distance, j));
                }
            }
        }
        L::transpose(&mut x);
        for distance in [4_usize, 2, 1] {
            for start in (0..8).step_by(2 * distance) {
                for j in 0..distance {
                    let (u, v) = (x[start + j], x[start + distance + j]);
                    x[start + j] = u.add(v);
                    x[start + distance + j] = u.sub_loose(v).mul(factors.single[distance + j]);
                }
            }
        }
        *values = x;
    }

    fn pack_all<L: Lanes<Fr>>(values: &[L], to: &mut [Packed]) {
        for (value, to) in values.iter().zip(to) {
            *to = value.reduce().pack();
        }
    }

    /// Permuted to natural order. Each step adds 2p to the bound: below 2p·(k + 1) afterwards, and k is at most 28.
    fn backward_serial<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>) {
        let length = values.len();
        if length == 8 {
            return backward_64(values, factors);
        }
        let part = part(length);
        for part in values.chunks_exact_mut(part) {
            backward_serial(part, factors);
        }
        if part == length / 2 {
            let (low, high) = values.split_at_mut(part);
            join_2([low, high], factors, part, 0);
        } else {
            join_4(quarters(values), factors, part, 0);
        }
    }

    /// Undoes [`split_2`], times 2.
    fn join_2<L: Lanes<Fr>>(pairs: [&mut [L]; 2], factors: &Factors<L>, half: usize, start: usize) {
        let [low, high] = pairs;
        for (j, (low, high)) in low.iter_mut().zip(high.iter_mut()).enumerate() {
            let (u, v) = (*low, high.mul(factors.at(half, start + j)));
            *low = u.add_loose(v);
            *high = u.sub_loose(v);
        }
    }

    /// Undoes [`split_4`], times 4.
    fn join_4<L: Lanes<Fr>>(fours: [&mut [L]; 4], factors: &Factors<L>, quarter: usize, start: usize) {
        let [first, second, third, fourth] = fours;
        let fours = first.iter_mut().zip(second.iter_mut()).zip(third.iter_mut().zip(fourth.iter_mut()));
        for (j, ((x0, x1), (x2, x3))) in fours.enumerate() {
            let j = start + j;
            let w = factors.at(quarter, j);
            let (y1, y3) = (x1.mul(w), x3.mul(w));
            let (a0, a1) = (x0.add_loose(y1), x0.sub_loose(y1));
            let a2 = x2.add_loose(y3).mul(factors.at(2 * quarter, j));
            let a3 = x2.sub_loose(y3).mul(factors.at(2 * quarter, j + quarter));
            *x0 = a0.add_loose(a2);
            *x2 = a0.sub_loose(a2);
            *x1 = a1.add_loose(a3);
            *x3 = a1.sub_loose(a3);
        }
    }

    /// The first six steps.
    fn backward_64<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>) {
        let values: &mut [L; 8] = values.try_into().expect("eight vectors");
        let mut x = *values;
        for distance in [1_usize, 2, 4] {
            for start in (0..8).step_by(2 * distance) {
                for j in 0..distance {
                    let v = x[start + distance + j].mul(factors.single[distance + j]);
                    let u = x[start + j];
                    x[start + j] = u.add_loose(v);
                    x[start + distance + j] = u.sub_loose(v);
                }
            }
        }
        L::transpose(&mut x);
        for distance in [1_usize, 2, 4] {
            for start in (0..8).step_by(2 * distance) {
                for j in 0..distance {
                    let v = x[start + distance + j].mul(factors.at(distance, j));
                    let u = x[start + j];
                    x[start + j] = u.add_loose(v);
                    x[start + distance + j] = u.sub_loose(v);
                }
            }
        }
        *values = x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::{Arithmetic, portable};
    use halo2_proofs::halo2curves::ff::WithSmallOrderMulGroup;
    use halo2_proofs::poly::EvaluationDomain;
    use rand::{SeedableRng, rngs::StdRng};

    kernels! {
        fn lanes<L: Lanes<Fr>>(elements: &[Fr]) -> Vec<L> {
            elements.as_chunks().0.iter().map(|chunk| L::from_elements(chunk)).collect()
        }

        fn elements<L: Lanes<Fr>>(lanes: &[L]) -> Vec<Fr> {
            lanes.iter().flat_map(|lanes| lanes.elements()).collect()
        }

        fn reduce<L: Lanes<Fr>>(lanes: &mut [L]) {
            for lanes in lanes {
                *lanes = lanes.mul(L::splat(Fr::ONE));
            }
        }
    }

    fn backward<L: Lanes<Fr>>(values: &mut [L], factors: &Factors<L>) {
        backward_loose(values, factors, Threads::All);
        reduce(values);
    }

    fn agrees<L: Lanes<Fr>>() {
        let mut rng = StdRng::seed_from_u64(3);
        // The largest are cut into parts.
        for k in (6..=12).chain([14, 15]) {
            let domain = EvaluationDomain::<Fr>::new(4, k);
            let n = 1_usize << k;
            let values: Vec<Fr> = (0..n)
                .map(|row| if row % 5 == 0 { -Fr::ONE } else { Fr::random(&mut rng) })
                .collect();
            let coefficients = domain.lagrange_to_coeff(domain.lagrange_from_vec(values.clone()));
            let omega = domain.get_omega();
            let inverse = omega.invert().expect("a root of unity");
            let coset = Fr::ZETA * domain.get_extended_omega();

            let mut work = lanes::<L>(&values);
            let mut alone = work.clone();
            forward(&mut alone, &Factors::new(k, inverse, Fr::ONE), Threads::One);
            forward(&mut work, &Factors::new(k, inverse, Fr::ONE), Threads::All);
            assert_eq!(elements(&work), elements(&alone));
            let permuted = elements(&work);
            for (index, &coefficient) in coefficients.iter().enumerate() {
                let reversed = index.reverse_bits() >> (usize::BITS - k);
                let (lane, vector) = (reversed % 8, reversed / 8 % 8);
                let place = reversed / 64 * 64 + lane * 8 + vector;
                assert_eq!(permuted[place], coefficient * Fr::from(n as u64));
            }
            backward(&mut work, &Factors::new(k, omega, coset));
            let on_coset = domain.coeff_to_extended_part(coefficients, domain.get_extended_omega());
            let scaled: Vec<Fr> =
                on_coset.iter().map(|&value| value * Fr::from(n as u64)).collect();
            assert_eq!(elements(&work), scaled);
            // And back.
            let coset = coset.invert().expect("not 0");
            forward(&mut work, &Factors::new(k, inverse, coset), Threads::All);
            backward(&mut work, &Factors::new(k, omega, Fr::ONE));
            let square = Fr::from(n as u64).square();
            let back: Vec<Fr> = values.iter().map(|&value| value * square).collect();
            assert_eq!(elements(&work), back);
        }
    }

    #[test]
    fn transforms_are_halo2_s() {
        for arithmetic in Arithmetic::all() {
            match arithmetic {
                Arithmetic::Portable => agrees::<portable::Eight<Fr>>(),
                #[cfg(target_arch = "x86_64")]
                Arithmetic::Adx(_) => agrees::<portable::Eight<Fr, true>>(),
                #[cfg(target_arch = "x86_64")]
                Arithmetic::Ifma(_) => agrees::<crate::field::ifma::Eight<Fr>>(),
            }
        }
    }
}
