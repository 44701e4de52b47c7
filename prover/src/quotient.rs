//! The quotient of the gates by Xⁿ − 1, one coset after the other.
//!
//! `h·(Xⁿ − 1) = Σ yⁱ·gate` has as many pieces of n coefficients, `h = Σ X^(n·i)·hᵢ`, as the gates' degree less 1. On a
//! coset `c·⟨ω⟩`, where Xⁿ = cⁿ, the n values of h are those of `Σ c^(n·i)·hᵢ`, whose degree is below n: as many
//! cosets as there are pieces give all pieces, by a matrix of cⁿ's powers.
//!
//! Rotations stay inside a coset. The columns' values on it are made anew for each, unless their coefficients are
//! few enough to be kept.

use crate::Error;
use crate::columns::Column;
use crate::fft::{Factors, backward, backward_packed, forward};
use crate::field::{Lanes, Packed, kernels};
use crate::program::{Kind, Operation, Program, Query};
use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField, WithSmallOrderMulGroup},
};
use rayon::prelude::*;

/// Coefficients are kept between cosets if they take at most so many bytes.
const KEPT: usize = 128 << 20;

/// Vectors that a thread runs the program on before it takes others.
const BLOCK: usize = 64;

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

/// A root of unity of order 2^k.
pub fn root(k: u32) -> Fr {
    (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square())
}

/// Of each coset, the factor that its points are ω's powers times.
fn cosets(k: u32, count: usize) -> Vec<Fr> {
    let step = root(k + count.next_power_of_two().trailing_zeros());
    (0..count).scan(Fr::ZETA, |coset, _| Some(std::mem::replace(coset, *coset * step))).collect()
}

/// The values of the quotient's pieces on the rows. `check` is asked before each coset whether to go on.
pub fn pieces<L: Lanes<Fr>>(
    table: &Table<'_>,
    program: &Program,
    uniform: &[Fr],
    count: usize,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<Vec<Fr>>, Error> {
    let k = table.k;
    let n = 1_usize << k;
    let omega = root(k);
    let invert =
        |element: Fr| element.invert().expect("roots of unity and their factors are not 0");
    let inverse = invert(omega);
    let mut columns: Vec<(Kind, usize)> =
        program.queries.iter().map(|query| (query.kind, query.column)).collect();
    columns.sort_unstable();
    columns.dedup();
    let down = Factors::<L>::new(k, inverse, Fr::ONE);
    let coefficients = |&(kind, index): &(Kind, usize)| {
        let mut values = vectors::<L>(table.column(kind, index), n);
        forward(&mut values, &down);
        values
    };
    let bytes = columns.len() * (n / 8) * size_of::<L>();
    let kept: Option<Vec<Vec<L>>> =
        (bytes <= KEPT).then(|| columns.par_iter().map(coefficients).collect());

    let cosets = cosets(k, count);
    let of_n: Vec<Fr> = cosets.iter().map(|coset| coset.pow_vartime([n as u64])).collect();
    let matrix = inverse_vandermonde(&of_n);
    let mut pieces = vec![vec![L::zero(); n / 8]; count];
    let mut values = vec![vec![[0; 32]; n / 8]; columns.len()];
    for (index, &coset) in cosets.iter().enumerate() {
        check()?;
        let up = Factors::<L>::new(k, omega, coset);
        let scale = invert(Fr::from(n as u64));
        values.par_iter_mut().enumerate().for_each(|(column, to)| {
            let mut work = match &kept {
                Some(kept) => kept[column].clone(),
                None => coefficients(&columns[column]),
            };
            backward_packed(&mut work, &up, scale, to);
        });
        let vanishing = invert(of_n[index] - Fr::ONE);
        let inputs: Vec<(&[Packed], i32)> = program
            .queries
            .iter()
            .map(|&Query { kind, column, rotation }| {
                let at = columns.binary_search(&(kind, column)).expect("it was listed");
                (&values[at][..], rotation)
            })
            .collect();
        let mut quotient = vec![L::zero(); n / 8];
        quotient.par_chunks_mut(BLOCK).enumerate().for_each(|(block, quotient)| {
            run(program, uniform, &inputs, block * BLOCK, vanishing, quotient);
        });
        forward(&mut quotient, &Factors::new(k, inverse, invert(coset)));
        for (piece, row) in pieces.iter_mut().zip(&matrix) {
            let factor = row[index] * scale;
            piece.par_chunks_mut(BLOCK).zip(quotient.par_chunks(BLOCK)).for_each(|(to, from)| {
                add_scaled(to, from, factor);
            });
        }
    }
    drop((values, kept));
    let on_rows = Factors::<L>::new(k, omega, Fr::ONE);
    let finish = |mut piece: Vec<L>| {
        backward(&mut piece, &on_rows, Fr::ONE);
        elements(&piece)
    };
    Ok(pieces.into_par_iter().map(finish).collect())
}

/// The inverse of the matrix whose rows are powers of `nodes`: row i gives coefficient i of what has the given values.
fn inverse_vandermonde(nodes: &[Fr]) -> Vec<Vec<Fr>> {
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
    const CHUNK: usize = 1 << 8;
    let mut elements = vec![Fr::ZERO; 8 * vectors.len()];
    let parts = elements.par_chunks_mut(8 * CHUNK).zip(vectors.par_chunks(CHUNK));
    parts.for_each(|(to, from)| copy_elements(from, to));
    elements
}

kernels! {
    /// A column's values.
    pub fn vectors<L: Lanes<Fr>>(column: &Column, rows: usize) -> Vec<L> {
        let mut vectors = Vec::with_capacity(rows / 8);
        for index in 0..rows / 8 {
            vectors.push(column.vector::<L>(index, rows));
        }
        vectors
    }

    fn copy_elements<L: Lanes<Fr>>(vectors: &[L], to: &mut [Fr]) {
        for (vector, to) in vectors.iter().zip(to.as_chunks_mut::<8>().0) {
            *to = vector.elements();
        }
    }

    fn add_scaled<L: Lanes<Fr>>(to: &mut [L], from: &[L], factor: Fr) {
        let factor = L::splat(factor);
        for (to, from) in to.iter_mut().zip(from) {
            *to = to.add(from.mul(factor));
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
