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
//! transforms are of n/2 points.
//!
//! Where there are too many columns for the coefficients and values of all, the gates are cut into parts of fewer, which are
//! gone through one after the other; coefficients stay for the next part if it has their column too.

use crate::Error;
use crate::columns::Column;
use crate::domain::root;
use crate::fft::{Factors, Threads, backward_loose, backward_packed, forward, zeros};
use crate::field::{Lanes, Packed, kernels};
use crate::memory;
use crate::program::{Kind, Operation, Part, Program, Query};
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, WithSmallOrderMulGroup},
};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// From 2^`LONG` rows on, parts of the gates have at most so many columns; twice as many on half as many rows.
const LONG: u32 = 17;
const COLUMNS: usize = 24;

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

    /// A column's lo and hi.
    fn coefficients(&self, column: &Column, threads: Threads) -> [Vec<Packed>; 2] {
        // Of lo + hi and of lo − hi, times n/2.
        let residues = [0, 1].map(|parity| {
            let mut values = half_vectors::<L>(column, parity, 1 << self.k);
            forward(&mut values, &self.down[parity], threads);
            values
        });
        let scale = invert(Fr::from(1 << self.k));
        let mut halves = [0, 1].map(|_| vec![[0; 32]; self.len()]);
        let [lo, hi] = &mut halves;
        let parts = residues[0].par_chunks(CHUNK).zip(residues[1].par_chunks(CHUNK));
        let parts = parts.zip(lo.par_chunks_mut(CHUNK).zip(hi.par_chunks_mut(CHUNK)));
        parts.for_each(|((sum, difference), (lo, hi))| separate(sum, difference, scale, lo, hi));
        halves
    }

    /// Values on half a coset, whose points' n/2-th power is `delta`.
    fn values(
        &self,
        [lo, hi]: &[Vec<Packed>; 2],
        delta: Fr,
        up: &Factors<L>,
        to: &mut [Packed],
        threads: Threads,
    ) {
        let mut values = folded::<L>(lo, hi, delta);
        backward_packed(&mut values, up, to, threads);
    }
}

/// How many columns a part of the gates may have.
pub fn columns_at_once(k: u32) -> usize {
    COLUMNS << LONG.saturating_sub(k)
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
    uniform: &[Vec<Fr>],
    count: usize,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<Vec<Fr>>, Error> {
    memory::trim();
    let k = table.k;
    let n = 1_usize << k;
    let half = Fr::from(2).invert().expect("2 is not 0");
    let halves = Halves::<L>::new(k);
    let cosets = cosets(k, count);
    let mut coefficients = BTreeMap::new();
    // By coset and half: the gates' sum, and then its residue's coefficients, times n/2.
    let mut quotients: Vec<[Vec<Packed>; 2]> =
        cosets.iter().map(|_| [0, 1].map(|_| vec![[0; 32]; halves.len()])).collect();
    for (part, uniform) in program.parts.iter().zip(uniform) {
        add_part(table, part, uniform, &halves, &cosets, &mut coefficients, &mut quotients, check)?;
    }
    coefficients.into_par_iter().for_each(drop);
    for (&coset, quotients) in cosets.iter().zip(&mut quotients) {
        for (quotient, first) in quotients.iter_mut().zip([coset, coset * halves.omega]) {
            let mut values = zeros::<L>(halves.len());
            let parts = values.par_chunks_mut(CHUNK).zip(quotient.par_chunks(CHUNK));
            parts.for_each(|(to, from)| unpack(from, to));
            forward(&mut values, &Halves::down(k, halves.omega, first), Threads::All);
            let parts = quotient.par_chunks_mut(CHUNK).zip(values.par_chunks(CHUNK));
            parts.for_each(|(to, from)| pack(from, to));
        }
    }
    let of_n: Vec<Fr> = cosets.iter().map(|coset| coset.pow_vartime([n as u64])).collect();
    let scale = invert(Fr::from(n as u64 / 2));
    // A piece's residue on half s of the rows is Σ m·(lo + (−1)^s·hi) over the cosets, and with q₀ and q₁ of a coset,
    // lo = (q₀ + q₁)/2 and hi = (q₀ − q₁)/(2·δ).
    let matrix = inverse_vandermonde(&of_n);
    let on_rows = halves.up(Fr::ONE);
    let piece = |row: &Vec<Fr>| {
        let mut piece = vec![Fr::ZERO; n];
        for (s, on_rows) in on_rows.iter().enumerate() {
            let mut values = zeros::<L>(halves.len());
            for ((factor, quotients), coset) in row.iter().zip(&quotients).zip(&cosets) {
                let sign = invert(coset.pow_vartime([n as u64 / 2]));
                let sign = if s == 0 { sign } else { -sign };
                let vanishing = coset.pow_vartime([n as u64]) - Fr::ONE;
                let factor = *factor * half * invert(vanishing);
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

/// Adds what a part of the gates is to their sum on each half of each coset.
#[allow(clippy::too_many_arguments, reason = "what all parts share")]
fn add_part<L: Lanes<Fr>>(
    table: &Table<'_>,
    part: &Part,
    uniform: &[Fr],
    halves: &Halves<L>,
    cosets: &[Fr],
    coefficients: &mut BTreeMap<(Kind, usize), [Vec<Packed>; 2]>,
    sums: &mut [[Vec<Packed>; 2]],
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<(), Error> {
    // By column, the least and the largest remainder of its rotations by 2.
    let mut parities = BTreeMap::<(Kind, usize), (usize, usize)>::new();
    for &Query { kind, column, rotation } in &part.queries {
        let parity = rotation.rem_euclid(2) as usize;
        let (least, most) = parities.entry((kind, column)).or_insert((parity, parity));
        (*least, *most) = (parity.min(*least), parity.max(*most));
    }
    let columns: Vec<(Kind, usize)> = parities.keys().copied().collect();
    let needs = |&(least, most): &(usize, usize)| {
        if least == most { Needs::One(least) } else { Needs::Both }
    };
    let needs: Vec<Needs> = parities.values().map(needs).collect();
    // A thread that waits for parts of its column begins another one, whose buffers come on top: only where there are
    // too few columns for all threads.
    let threads = match columns.len() / rayon::current_num_threads() {
        0..8 => Threads::All,
        _ => Threads::One,
    };
    coefficients.retain(|column, _| parities.contains_key(column));
    let missing: Vec<_> =
        columns.iter().filter(|column| !coefficients.contains_key(column)).collect();
    let made = missing.into_par_iter().map(|&(kind, index)| {
        ((kind, index), halves.coefficients(table.column(kind, index), threads))
    });
    coefficients.extend(made.collect::<Vec<_>>());
    let coefficients: Vec<&[Vec<Packed>; 2]> = coefficients.values().collect();
    // By column, one half or both. Each is asked for by itself: a copy of one would be written here and now, by one thread.
    let mut values: Vec<Vec<Vec<Packed>>> = needs
        .iter()
        .map(|needs| if *needs == Needs::Both { 2 } else { 1 })
        .map(|count| (0..count).map(|_| vec![[0; 32]; halves.len()]).collect())
        .collect();
    for (&coset, sums) in cosets.iter().zip(sums) {
        let up = halves.up(coset);
        let delta = coset.pow_vartime([1_u64 << (halves.k - 1)]);
        let deltas = [delta, -delta];
        for (s, sums) in sums.iter_mut().enumerate() {
            check()?;
            values.par_iter_mut().enumerate().for_each(|(column, to)| {
                for (&parity, to) in needs[column].for_half(s).iter().zip(to) {
                    let (delta, up) = (deltas[parity], &up[parity]);
                    halves.values(coefficients[column], delta, up, to, threads);
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
            let inputs: Vec<(&[Packed], i32)> = part.queries.iter().map(input).collect();
            sums.par_chunks_mut(BLOCK).enumerate().for_each(|(block, sums)| {
                run::<L>(part, uniform, &inputs, block * BLOCK, sums);
            });
        }
    }
    Ok(())
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

    /// From (lo + hi)·n/2 and (lo − hi)·n/2, with `scale` 1/n.
    fn separate<L: Lanes<Fr>>(
        sum: &[L],
        difference: &[L],
        scale: Fr,
        lo: &mut [Packed],
        hi: &mut [Packed],
    ) {
        let scale = L::splat(scale);
        let to = lo.iter_mut().zip(hi.iter_mut());
        for ((sum, difference), (lo, hi)) in sum.iter().zip(difference).zip(to) {
            *lo = sum.add_loose(*difference).mul(scale).pack();
            *hi = sum.sub_loose(*difference).mul(scale).pack();
        }
    }

    /// lo + delta·hi.
    fn folded<L: Lanes<Fr>>(lo: &[Packed], hi: &[Packed], delta: Fr) -> Vec<L> {
        let delta = L::splat(delta);
        let mut values = Vec::with_capacity(lo.len());
        for (lo, hi) in lo.iter().zip(hi) {
            values.push(L::unpack(lo).add(L::unpack(hi).mul(delta)));
        }
        values
    }

    fn unpack<L: Lanes<Fr>>(from: &[Packed], to: &mut [L]) {
        for (from, to) in from.iter().zip(to) {
            *to = L::unpack(from);
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

    /// Adds what a part of the program gives on the rows from vector `start` on.
    fn run<L: Lanes<Fr>>(
        part: &Part,
        uniform: &[Fr],
        inputs: &[(&[Packed], i32)],
        start: usize,
        sums: &mut [Packed],
    ) {
        let mut registers = vec![L::zero(); part.registers];
        for (register, value) in registers.iter_mut().zip(uniform) {
            *register = L::splat(*value);
        }
        for (offset, sum) in sums.iter_mut().enumerate() {
            for operation in &part.operations {
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
            *sum = L::unpack(sum).add(registers[part.result]).pack();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::Cells;
    use crate::field::portable::Eight;
    use halo2_proofs::plonk::{ConstraintSystem, Expression};
    use halo2_proofs::poly::Rotation;
    use rand::{SeedableRng, rngs::StdRng};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    /// Gates of many columns, with sums in products and rotations of both parities.
    fn system() -> ConstraintSystem<Fr> {
        let mut system = ConstraintSystem::default();
        let advice: Vec<_> = (0..6).map(|_| system.advice_column()).collect();
        let fixed: Vec<_> = (0..8).map(|_| system.fixed_column()).collect();
        system.create_gate("all", |meta| {
            let mut a = |index: usize, at| meta.query_advice(advice[index], Rotation(at));
            let [a0, a1, a2, a3, a4, a5] = [0, 1, 2, 3, 4, 5].map(|index| a(index, 0));
            let [before, after] = [a(1, -1), a(0, 1)];
            let f: Vec<_> =
                fixed.iter().map(|&column| meta.query_fixed(column, Rotation::cur())).collect();
            let constant = |value: u64| Expression::Constant(Fr::from(value));
            let inner = a2 + f[1].clone() * a3.clone() - f[2].clone();
            let last = f[3].clone() * a5 + after - constant(7);
            let lanes = f.iter().fold(constant(0), |sum, f| sum * Fr::from(5) + f.clone());
            vec![
                f[0].clone() * (a0 * a1.clone() * inner - a4.clone() * last),
                f[0].clone() * (a1 - before),
                a4 * f[4].clone() * lanes,
                (constant(1) - f[5].clone()) * f[0].clone() * (a3 - constant(1)),
            ]
        });
        system
    }

    #[test]
    fn parts_of_the_gates_make_the_pieces_of_all() {
        const K: u32 = 7;
        const MOST: usize = 5;
        let mut rng = StdRng::seed_from_u64(9);
        let mut column = || {
            let cells = (0..1 << K).map(|_| Fr::random(&mut rng)).collect();
            Column::new(Cells::Elements(Arc::new(cells)))
        };
        let advice: Vec<Column> = (0..6).map(|_| column()).collect();
        let fixed: Vec<Column> = (0..8).map(|_| column()).collect();
        let table = Table { k: K, instance: &[], advice: &advice, fixed: &fixed };
        let system = system();
        let made = |most| {
            let program = Program::new(system.gates(), most);
            let uniform = program.uniform(&[], Fr::from(3));
            let made = pieces::<Eight<Fr>>(&table, &program, &uniform, 4, &mut || Ok(()));
            (program.parts, made.unwrap())
        };
        let (whole, pieces) = made(14);
        let (parts, same) = made(MOST);
        assert_eq!(whole.len(), 1);
        assert!(parts.len() > 1);
        for part in parts {
            let columns: BTreeSet<_> =
                part.queries.iter().map(|query| (query.kind, query.column)).collect();
            assert!(columns.len() <= MOST, "{columns:?}");
        }
        assert_eq!(pieces, same);
    }

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
