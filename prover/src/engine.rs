//! What is done with lanes, behind one interface: chosen once, and compiled in this crate whatever circuit is proved.

use crate::Error;
use crate::columns::Column;
#[cfg(target_arch = "x86_64")]
use crate::field::{Adx, Ifma};
use crate::field::{Arithmetic, Backend, Portable};
use crate::msm::{self, Points};
use crate::open::{Point, Quotient, Set, combination};
use crate::program::Program;
use crate::quotient::{self, Table};
use halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine};
use rayon::prelude::*;

/// Sums, transforms and openings.
pub trait Engine: Send + Sync {
    /// Of each column, Σ cell·point over its cells; its random values are not among them.
    fn sums(&self, columns: &[&Column]) -> Vec<G1>;

    /// The same of one column.
    fn sum(&self, column: &Column) -> G1 {
        self.sums(&[column])[0]
    }

    /// The points.
    fn points(&self) -> Vec<G1Affine>;

    /// How many columns a part of the gates may have.
    fn columns_at_once(&self, k: u32) -> usize {
        quotient::columns_at_once(k)
    }

    /// The quotient's pieces on the rows; `check` is asked before each coset whether to go on.
    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
        check: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Vec<Vec<Fr>>, Error>;

    /// Σ factorʲ·column.
    fn combination(&self, columns: &[&Column], factor: Fr, rows: usize) -> Vec<Fr>;

    /// What is evaluated at x and its rotations.
    fn point(&self, k: u32, x: Fr) -> Box<dyn Opener>;
}

/// Evaluations at a point and its rotations, and their proof.
pub trait Opener: Send + Sync {
    /// A column's values at x·ω^r for each rotation r.
    fn evaluate(&self, column: &Column, rotations: &[i32]) -> Vec<Fr>;

    /// Σ factor·column on the rows.
    fn sum(&self, columns: &[(&Column, Fr)]) -> Vec<Fr>;

    /// The sum of these quotients on the rows.
    fn quotients(&self, quotients: &[Quotient<'_>]) -> Vec<Fr>;

    /// The proof's two messages, given to `commit` as values on the rows; `challenge` draws between them.
    fn open(
        &self,
        sets: &[Set<'_>],
        y: Fr,
        v: Fr,
        commit: &mut dyn FnMut(Vec<Fr>) -> Result<(), Error>,
        challenge: &mut dyn FnMut() -> Fr,
    ) -> Result<(), Error>;
}

struct With<B: Backend>(Points<B::Coordinates>);

/// For points that commit to values on the rows: on the processor.
pub fn new(points: &[G1Affine], arithmetic: Arithmetic) -> Box<dyn Engine> {
    match arithmetic {
        Arithmetic::Portable => Box::new(With::<Portable>(Points::new(points))),
        #[cfg(target_arch = "x86_64")]
        Arithmetic::Adx(_) => Box::new(With::<Adx>(Points::new(points))),
        #[cfg(target_arch = "x86_64")]
        Arithmetic::Ifma(_) => Box::new(With::<Ifma>(Points::new(points))),
    }
}

/// The generator's multiples by many scalars.
pub fn multiples(scalars: &[Fr], arithmetic: Arithmetic) -> Vec<G1Affine> {
    match arithmetic {
        Arithmetic::Portable => msm::multiples::<<Portable as Backend>::Coordinates>(scalars),
        #[cfg(target_arch = "x86_64")]
        Arithmetic::Adx(_) => msm::multiples::<<Adx as Backend>::Coordinates>(scalars),
        #[cfg(target_arch = "x86_64")]
        Arithmetic::Ifma(_) => msm::multiples::<<Ifma as Backend>::Coordinates>(scalars),
    }
}

impl<B: Backend> Engine for With<B> {
    fn sums(&self, columns: &[&Column]) -> Vec<G1> {
        columns.par_iter().map(|column| self.0.sum(&column.cells)).collect()
    }

    fn points(&self) -> Vec<G1Affine> {
        self.0.affine()
    }

    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
        check: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Vec<Vec<Fr>>, Error> {
        quotient::pieces::<B::Scalars>(table, program, uniform, count, check)
    }

    fn combination(&self, columns: &[&Column], factor: Fr, rows: usize) -> Vec<Fr> {
        quotient::elements(&combination::<B::Scalars>(columns, factor, rows))
    }

    fn point(&self, k: u32, x: Fr) -> Box<dyn Opener> {
        Box::new(Point::<B::Scalars>::new(k, x))
    }
}
