//! The quotient of the gates by Xⁿ − 1, one coset after the other.
//!
//! `h·(Xⁿ − 1) = Σ yⁱ·gate` has as many pieces of n coefficients, `h = Σ X^(n·i)·hᵢ`, as the gates' degree less 1. On a
//! coset `c·⟨ω⟩`, where Xⁿ = cⁿ, the n values of h are those of `Σ c^(n·i)·hᵢ`, whose degree is below n: as many
//! cosets as there are pieces give all pieces, by a matrix of cⁿ's powers.
//!
//! A coset is worked on in two halves, of every second point each: `c·⟨ω²⟩` and `c·ω·⟨ω²⟩`. A rotation goes from a point
//! to one of the same half, or of the other one; of a column that is asked at even rotations alone, or at odd
//! ones, a half of the values is enough at a time. With `p = lo + X^(n/2)·hi`, its values on half s of the rows, where
//! X^(n/2) is (−1)^s, are those of `lo + (−1)^s·hi`, and on half s of a coset those of `lo + δₛ·hi`, δₛ = (−1)^s·c^(n/2): all
//! transforms are of n/2 points, and
//!
//! ```text
//! lo + δ·hi  =  (1 + δ)/2·(lo + hi)  +  (1 − δ)/2·(lo − hi)
//! ```
//!
//! The columns' values are made anew for each coset, unless their coefficients are few enough to be kept.

use crate::Error;
use crate::columns::Column;
use crate::domain::root;
use crate::fft::{Factors, Threads, backward_loose, backward_packed, forward};
use crate::field::{Lanes, Packed, kernels};
use crate::program::{Kind, Operation, Program, Query};
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, WithSmallOrderMulGroup},
};
use rayon::prelude::*;

/// Coefficients are kept between cosets if they take at most so many bytes.
const KEPT: usize = 128 << 20;

/// Vectors that a thread runs the program on before it takes others.
const BLOCK: usize = 64;

/// The same of simpler work.
const CHUNK: usize = 1 << 8;

/// All columns.
pub struct Table<'a> {
    /// log₂ of the rows.
    pub k: u32,
    /// Public.
    pub instance: &'a [Column],
    /// The witness.
    pub advice: &'a [Column],
    /// The key.
    pub fixed: &'a [Column],
}

impl Table<'_> {
    /// A column.
    pub fn column(&self, kind: Kind, index: usize) -> &Column {
        match kind {
            Kind::Instance => &self.instance[index],
            Kind::Advice => &self.advice[index],
            Kind::Fixed => &self.fixed[index],
        }
    }
}

/// Of each coset, the factor that its points are ω's powers times.
pub fn cosets(k: u32, count: usize) -> Vec<Fr> {
    let step = root(k + count.next_power_of_two().trailing_zeros());
    (0..count).scan(Fr::ZETA, |coset, _| Some(std::mem::replace(coset, *coset * step))).collect()
}

/// What transforms of halves need.
struct Halves<L> {
    k: u32,
    omega: Fr,
    /// From the rows of each half to coefficients.
    down: [Factors<L>; 2],
}

impl<L: Lanes<Fr>> Halves<L> {
    fn new(k: u32) -> Self {
        let omega = root(k);
        Self { k, omega, down: [Fr::ONE, omega].map(|coset| Self::down(k, omega, coset)) }
    }

    /// From values on `coset`·⟨ω²⟩ to coefficients.
    fn down(k: u32, omega: Fr, coset: Fr) -> Factors<L> {
        Factors::new(k - 1, invert(omega.square()), invert(coset))
    }

    /// From coefficients to values on the halves of `coset`·⟨ω⟩.
    fn up(&self, coset: Fr) -> [Factors<L>; 2] {
        [coset, coset * self.omega]
            .map(|coset| Factors::new(self.k - 1, self.omega.square(), coset))
    }

    /// Vectors of a half.
    fn len(&self) -> usize {
        1 << (self.k - 4)
    }

    /// Of a column, the coefficients of lo + hi and of lo − hi, times n/2.
    fn residues(&self, column: &Column, threads: Threads) -> [Vec<L>; 2] {
        [0, 1].map(|parity| {
            let mut values = half_vectors::<L>(column, parity, 1 << self.k);
            forward(&mut values, &self.down[parity], threads);
            values
        })
    }
}

/// `even`·a + `odd`·b, in place of `even`.
fn mix<L: Lanes<Fr>>(even: &mut [L], odd: &[L], [a, b]: [Fr; 2], threads: Threads) {
    if threads == Threads::One {
        return mix_vectors(even, odd, a, b);
    }
    let parts = even.par_chunks_mut(CHUNK).zip(odd.par_chunks(CHUNK));
    parts.for_each(|(even, odd)| mix_vectors(even, odd, a, b));
}

fn invert(element: Fr) -> Fr {
    element.invert().expect("roots of unity and their factors are not 0")
}

/// Which half of a column, or halves, half s of a coset needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Half s + parity, modulo 2.
    One(usize),
    /// Both.
    Both,
}

impl Needs {
    /// The halves that have to be made for half `s`: both stay.
    fn for_half(self, s: usize) -> &'static [usize] {
        match (self, s) {
            (Self::Both, 0) => &[0, 1],
            (Self::Both, _) => &[],
            (Self::One(parity), s) if (s + parity) % 2 == 0 => &[0],
            (Self::One(_), _) => &[1],
        }
    }
}

/// The values of the quotient's pieces on the rows. `check` is asked before each half of a coset whether to go on.
pub fn pieces<L: Lanes<Fr>>(
    table: &Table<'_>,
    program: &Program,
    uniform: &[Fr],
    count: usize,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<Vec<Fr>>, Error> {
    let k = table.k;
    let n = 1_usize << k;
    let half = Fr::from(2).invert().expect("2 is not 0");
    let mut columns: Vec<(Kind, usize)> =
        program.queries.iter().map(|query| (query.kind, query.column)).collect();
    columns.sort_unstable();
    columns.dedup();
    let needs = |&(kind, column): &(Kind, usize)| {
        let of = |query: &&Query| (query.kind, query.column) == (kind, column);
        let parities = program.queries.iter().filter(of).map(|query| query.rotation.rem_euclid(2));
        let (least, most) = (parities.clone().min(), parities.max());
        if least == most { Needs::One(least.unwrap_or(0) as usize) } else { Needs::Both }
    };
    let needs: Vec<Needs> = columns.iter().map(needs).collect();
    let halves = Halves::<L>::new(k);
    // A thread that waits for parts of its column begins another one, whose buffers come on top: only where there are
    // too few columns for all threads.
    let threads = match columns.len() / rayon::current_num_threads() {
        0..8 => Threads::All,
        _ => Threads::One,
    };
    let residues =
        |&(kind, index): &(Kind, usize)| halves.residues(table.column(kind, index), threads);
    let bytes = columns.len() * (n / 8) * size_of::<L>();
    let kept: Option<Vec<[Vec<L>; 2]>> =
        (bytes <= KEPT).then(|| columns.par_iter().map(residues).collect());

    let cosets = cosets(k, count);
    let of_n: Vec<Fr> = cosets.iter().map(|coset| coset.pow_vartime([n as u64])).collect();
    let scale = invert(Fr::from(n as u64 / 2));
    // By column, one half or both.
    let mut values: Vec<Vec<Vec<Packed>>> = needs
        .iter()
        .map(|needs| vec![vec![[0; 32]; halves.len()]; if *needs == Needs::Both { 2 } else { 1 }])
        .collect();
    // By coset and half: coefficients of the quotient's residue, times n/2.
    let mut quotients: Vec<[Vec<Packed>; 2]> = Vec::with_capacity(count);
    for (index, &coset) in cosets.iter().enumerate() {
        let up = halves.up(coset);
        let delta = coset.pow_vartime([n as u64 / 2]);
        let vanishing = invert(of_n[index] - Fr::ONE);
        let mut of_coset = [Vec::new(), Vec::new()];
        for (s, of_half) in of_coset.iter_mut().enumerate() {
            check()?;
            values.par_iter_mut().enumerate().for_each(|(column, to)| {
                let made = needs[column].for_half(s);
                if made.is_empty() {
                    return;
                }
                let make = |mut even: Vec<L>, odd: &[L], parity: usize, to: &mut Vec<Packed>| {
                    let delta = if parity == 0 { delta } else { -delta };
                    let factors = [Fr::ONE + delta, Fr::ONE - delta].map(|factor| factor * half);
                    mix(&mut even, odd, factors, threads);
                    backward_packed(&mut even, &up[parity], scale, to, threads);
                };
                let own;
                let [even, odd] = match (&kept, made, &mut to[..]) {
                    (Some(kept), ..) => &kept[column],
                    // What is needed once is its own room.
                    (None, &[parity], [to]) => {
                        let [even, odd] = residues(&columns[column]);
                        return make(even, &odd, parity, to);
                    }
                    (None, ..) => {
                        own = residues(&columns[column]);
                        &own
                    }
                };
                for (&parity, to) in made.iter().zip(to) {
                    make(even.clone(), odd, parity, to);
                }
            });
            let input = |&Query { kind, column, rotation }: &Query| {
                let at = columns.binary_search(&(kind, column)).expect("it was listed");
                let there = s as i32 + rotation;
                let parity = match needs[at] {
                    Needs::Both => there.rem_euclid(2) as usize,
                    Needs::One(_) => 0,
                };
                (&values[at][parity][..], there.div_euclid(2))
            };
            let inputs: Vec<(&[Packed], i32)> = program.queries.iter().map(input).collect();
            let mut quotient = vec![L::zero(); halves.len()];
            quotient.par_chunks_mut(BLOCK).enumerate().for_each(|(block, quotient)| {
                run(program, uniform, &inputs, block * BLOCK, vanishing, quotient);
            });
            let first = if s == 0 { coset } else { coset * halves.omega };
            forward(&mut quotient, &Halves::down(k, halves.omega, first), Threads::All);
            let mut packed = vec![[0; 32]; halves.len()];
            packed
                .par_chunks_mut(CHUNK)
                .zip(quotient.par_chunks(CHUNK))
                .for_each(|(to, from)| pack(from, to));
            *of_half = packed;
        }
        quotients.push(of_coset);
    }
    drop((values, kept));
    // A piece's residue on half s of the rows is Σ m·(lo + (−1)^s·hi) over the cosets, and with q₀ and q₁ of a coset,
    // lo = (q₀ + q₁)/2 and hi = (q₀ − q₁)/(2·δ).
    let matrix = inverse_vandermonde(&of_n);
    let on_rows = halves.up(Fr::ONE);
    let piece = |row: &Vec<Fr>| {
        let mut piece = vec![Fr::ZERO; n];
        for (s, on_rows) in on_rows.iter().enumerate() {
            let mut values = vec![L::zero(); halves.len()];
            for ((factor, quotients), coset) in row.iter().zip(&quotients).zip(&cosets) {
                let sign = invert(coset.pow_vartime([n as u64 / 2]));
                let sign = if s == 0 { sign } else { -sign };
                let factor = *factor * half;
                let [a, b] = [Fr::ONE + sign, Fr::ONE - sign].map(|mixed| mixed * factor);
                let quotients = quotients[0].par_chunks(CHUNK).zip(quotients[1].par_chunks(CHUNK));
                let parts = values.par_chunks_mut(CHUNK).zip(quotients);
                parts.for_each(|(to, (zeroth, first))| add_packed(to, zeroth, first, a, b));
            }
            backward_loose(&mut values, on_rows, Threads::All);
            let parts = piece.par_chunks_mut(16 * CHUNK).zip(values.par_chunks(CHUNK));
            parts.for_each(|(to, from)| every_second(from, to, s, scale));
        }
        piece
    };
    Ok(matrix.par_iter().map(piece).collect())
}

/// The inverse of the matrix whose rows are powers of `nodes`: row i gives coefficient i of what has the given values.
pub fn inverse_vandermonde(nodes: &[Fr]) -> Vec<Vec<Fr>> {
    let count = nodes.len();
    let mut matrix = vec![vec![Fr::ZERO; count]; count];
    for (column, node) in nodes.iter().enumerate() {
        // Lagrange's polynomial of this node.
        let mut polynomial = vec![Fr::ONE];
        let mut denominator = Fr::ONE;
        for (_, other) in nodes.iter().enumerate().filter(|&(other, _)| other != column) {
            polynomial.insert(0, Fr::ZERO);
            for i in 0..polynomial.len() - 1 {
                let higher = polynomial[i + 1];
                polynomial[i] -= higher * other;
            }
            denominator *= *node - other;
        }
        let inverse = denominator.invert().expect("nodes differ");
        for (row, coefficient) in polynomial.into_iter().enumerate() {
            matrix[row][column] = coefficient * inverse;
        }
    }
    matrix
}

/// As elements.
pub fn elements<L: Lanes<Fr>>(vectors: &[L]) -> Vec<Fr> {
    let mut elements = vec![Fr::ZERO; 8 * vectors.len()];
    let parts = elements.par_chunks_mut(8 * CHUNK).zip(vectors.par_chunks(CHUNK));
    parts.for_each(|(to, from)| copy_elements(from, to));
    elements
}

kernels! {
    /// A column's values on half of the rows.
    fn half_vectors<L: Lanes<Fr>>(column: &Column, parity: usize, rows: usize) -> Vec<L> {
        let mut vectors = Vec::with_capacity(rows / 16);
        for index in 0..rows / 16 {
            vectors.push(column.every_second::<L>(parity, index, rows));
        }
        vectors
    }

    /// `even`·a + `odd`·b, in place of `even`.
    fn mix_vectors<L: Lanes<Fr>>(even: &mut [L], odd: &[L], a: Fr, b: Fr) {
        let (a, b) = (L::splat(a), L::splat(b));
        for (even, odd) in even.iter_mut().zip(odd) {
            *even = even.mul(a).add(odd.mul(b));
        }
    }

    fn add_packed<L: Lanes<Fr>>(to: &mut [L], zeroth: &[Packed], first: &[Packed], a: Fr, b: Fr) {
        let (a, b) = (L::splat(a), L::splat(b));
        for (to, (zeroth, first)) in to.iter_mut().zip(zeroth.iter().zip(first)) {
            let sum = L::unpack(zeroth).mul(a).add(L::unpack(first).mul(b));
            *to = to.add(sum);
        }
    }

    fn pack<L: Lanes<Fr>>(from: &[L], to: &mut [Packed]) {
        for (from, to) in from.iter().zip(to) {
            *to = from.pack();
        }
    }

    /// Values times `scale` to every second element, from `parity` on.
    fn every_second<L: Lanes<Fr>>(from: &[L], to: &mut [Fr], parity: usize, scale: Fr) {
        let scale = L::splat(scale);
        for (from, to) in from.iter().zip(to.as_chunks_mut::<16>().0) {
            for (lane, element) in from.mul(scale).elements().into_iter().enumerate() {
                to[2 * lane + parity] = element;
            }
        }
    }

    fn copy_elements<L: Lanes<Fr>>(vectors: &[L], to: &mut [Fr]) {
        for (vector, to) in vectors.iter().zip(to.as_chunks_mut::<8>().0) {
            *to = vector.elements();
        }
    }

    /// The program on the rows from vector `start` on, times `scale`.
    fn run<L: Lanes<Fr>>(
        program: &Program,
        uniform: &[Fr],
        inputs: &[(&[Packed], i32)],
        start: usize,
        scale: Fr,
        results: &mut [L],
    ) {
        let scale = L::splat(scale);
        let mut registers = vec![L::zero(); program.registers];
        for (register, value) in registers.iter_mut().zip(uniform) {
            *register = L::splat(*value);
        }
        for (offset, result) in results.iter_mut().enumerate() {
            for operation in &program.operations {
                match *operation {
                    Operation::Load { to, query } => {
                        let (values, rotation) = inputs[query as usize];
                        let rows = 8 * values.len() as i64;
                        let row = 8 * (start + offset) as i64 + i64::from(rotation);
                        let row = row.rem_euclid(rows) as usize;
                        let vector = L::unpack(&values[row / 8]);
                        registers[to as usize] = if row.is_multiple_of(8) {
                            vector
                        } else {
                            vector.shifted(L::unpack(&values[(row / 8 + 1) % values.len()]), row % 8)
                        };
                    }
                    Operation::Add { to, a, b } => {
                        registers[to as usize] = registers[a as usize].add(registers[b as usize]);
                    }
                    Operation::Sub { to, a, b } => {
                        registers[to as usize] = registers[a as usize].sub(registers[b as usize]);
                    }
                    Operation::Mul { to, a, b } => {
                        registers[to as usize] = registers[a as usize].mul(registers[b as usize]);
                    }
                }
            }
            *result = registers[program.result].mul(scale);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_found_from_values() {
        for count in 1..=5 {
            let nodes: Vec<Fr> = (0..count).map(|i| Fr::from(3 * i + 2)).collect();
            let coefficients: Vec<Fr> = (0..count).map(|i| Fr::from(7 + i * i)).collect();
            let values: Vec<Fr> = nodes
                .iter()
                .map(|node| coefficients.iter().rev().fold(Fr::ZERO, |sum, c| sum * node + c))
                .collect();
            for (row, coefficient) in inverse_vandermonde(&nodes).iter().zip(&coefficients) {
                let found: Fr = row.iter().zip(&values).map(|(a, b)| *a * b).sum();
                assert_eq!(found, *coefficient);
            }
        }
    }

    #[test]
    fn cosets_differ_from_each_other_and_from_the_rows() {
        for count in 1..=8 {
            let n = 1 << 7;
            let mut powers: Vec<Fr> = cosets(7, count).iter().map(|c| c.pow_vartime([n])).collect();
            powers.push(Fr::ONE);
            for (i, power) in powers.iter().enumerate() {
                assert!(!powers[..i].contains(power));
            }
        }
    }
}
