//! Commitments to inputs. They hold what they hide, and say nothing of it but to a prover and their own file.

use crate::error::raise;
use pyo3::prelude::*;
use std::{path::PathBuf, sync::Arc};
use zkverdict::bundle::{InputCommitment, hex};

/// A commitment to an input.
#[pyclass(frozen, module = "zkverdict._zkverdict")]
pub struct Commitment(pub Arc<InputCommitment>);

#[pymethods]
impl Commitment {
    /// Reads a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = InputCommitment::open(&path).map_err(|failure| raise(py, failure))?;
        Ok(Self(Arc::new(read)))
    }

    /// Writes a file that nobody else can read.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.0.write(&path).map_err(|failure| raise(py, failure))
    }

    /// The input that it is to.
    #[getter]
    fn input(&self) -> String {
        self.0.tensor().name.clone()
    }

    /// What proofs call it.
    #[getter]
    fn name(&self) -> String {
        hex(&self.0.name())
    }
}
