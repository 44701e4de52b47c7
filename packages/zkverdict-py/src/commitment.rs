//! Commitments to inputs and weights. They hold what they hide, and say nothing of it but to a prover and their own file.

use crate::error::raise;
use pyo3::prelude::*;
use std::{path::PathBuf, sync::Arc};
use zkverdict::bundle::{InputSecret, WeightsCommitment, hex};

/// A commitment to an input, or a hash of one.
#[pyclass(frozen, module = "zkverdict._zkverdict")]
pub struct Commitment(pub Arc<InputSecret>);

#[pymethods]
impl Commitment {
    /// Reads a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = InputSecret::open(&path).map_err(|failure| raise(py, failure))?;
        Ok(Self(Arc::new(read)))
    }

    /// Writes a file that nobody else can read.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        let written = match &*self.0 {
            InputSecret::Committed(commitment) => commitment.write(&path),
            InputSecret::Hashed(hash) => hash.write(&path),
        };
        written.map_err(|failure| raise(py, failure))
    }

    /// The input that it is to.
    #[getter]
    fn input(&self) -> String {
        self.0.tensor().name.clone()
    }

    /// What proofs call it: the name, or the hash.
    #[getter]
    fn name(&self) -> String {
        hex(&self.0.instance())
    }

    /// Whether that is a hash.
    #[getter]
    fn is_hash(&self) -> bool {
        matches!(&*self.0, InputSecret::Hashed(_))
    }
}

/// A commitment to the weights of a training, under one key.
#[pyclass(frozen, module = "zkverdict._zkverdict")]
pub struct Weights(pub Arc<WeightsCommitment>);

#[pymethods]
impl Weights {
    /// Reads a file.
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let read = WeightsCommitment::open(&path).map_err(|failure| raise(py, failure))?;
        Ok(Self(Arc::new(read)))
    }

    /// Writes a file that nobody else can read.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        self.0.write(&path).map_err(|failure| raise(py, failure))
    }

    /// What proofs call it.
    #[getter]
    fn name(&self) -> String {
        hex(&self.0.name())
    }

    /// The key that it is under.
    #[getter]
    fn vk_digest(&self) -> String {
        hex(&self.0.vk_digest())
    }
}
