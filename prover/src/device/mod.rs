//! Sums and quotients on a device, and on the processor where it fails.
//!
//! What a device gives are the same elements and points, so proofs are the same byte for byte; whoever makes a proof
//! checks it, so a device that errs makes none that is accepted.

mod library;
#[cfg(test)]
mod tests;

use crate::Error;
use crate::columns::{Cells, Column};
use crate::engine::{Engine, Opener};
use crate::program::Program;
use crate::quotient::Table;
use crate::warnings::warn;
use halo2_proofs::halo2curves::bn256::{Fr, G1, G1Affine};
#[cfg(feature = "cuda")]
pub use library::name;
pub use library::on_device;
use std::sync::OnceLock;

/// What a device does for a key; an error says why it does not.
pub trait Device: Send + Sync {
    /// Of each column, Σ cell·point.
    fn sums(&self, columns: &[&Cells]) -> Result<Vec<G1>, String>;

    /// The quotient's pieces on the rows.
    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
    ) -> Result<Vec<Vec<Fr>>, String>;
}

/// A device, and the processor for the rest and for when the device fails: then it is not asked again.
pub struct Accelerated {
    device: Box<dyn Device>,
    processor: Box<dyn Engine>,
    failure: OnceLock<String>,
}

impl Accelerated {
    /// With both.
    pub fn new(device: Box<dyn Device>, processor: Box<dyn Engine>) -> Self {
        Self { device, processor, failure: OnceLock::new() }
    }

    /// What the device makes, if it is as much as was asked for.
    fn ask<T>(
        &self,
        count: usize,
        work: impl FnOnce(&dyn Device) -> Result<Vec<T>, String>,
    ) -> Option<Vec<T>> {
        if self.failure.get().is_some() {
            return None;
        }
        let why = match work(&*self.device) {
            Ok(made) if made.len() == count => return Some(made),
            Ok(made) => format!("it made {} results of {count}", made.len()),
            Err(why) => why,
        };
        if self.failure.set(why.clone()).is_ok() {
            warn(&format!("the device failed, and the processor does its work: {why}"));
        }
        None
    }
}

impl Engine for Accelerated {
    fn sums(&self, columns: &[&Column]) -> Vec<G1> {
        let cells: Vec<&Cells> = columns.iter().map(|column| &column.cells).collect();
        self.ask(columns.len(), |device| device.sums(&cells))
            .unwrap_or_else(|| self.processor.sums(columns))
    }

    fn points(&self) -> Vec<G1Affine> {
        self.processor.points()
    }

    /// A device has room for all, and no time for parts.
    fn columns_at_once(&self, _: u32) -> usize {
        usize::MAX
    }

    fn pieces(
        &self,
        table: &Table<'_>,
        program: &Program,
        uniform: &[Vec<Fr>],
        count: usize,
        check: &mut dyn FnMut() -> Result<(), Error>,
    ) -> Result<Vec<Vec<Fr>>, Error> {
        check()?;
        match self.ask(count, |device| device.pieces(table, program, uniform, count)) {
            Some(pieces) => Ok(pieces),
            None => self.processor.pieces(table, program, uniform, count, check),
        }
    }

    fn combination(&self, columns: &[&Column], factor: Fr, rows: usize) -> Vec<Fr> {
        self.processor.combination(columns, factor, rows)
    }

    fn point(&self, k: u32, x: Fr) -> Box<dyn Opener> {
        self.processor.point(k, x)
    }
}
