//! The extension module `zkverdict._zkverdict`: the library as Python's part of the package calls it.
//!
//! Arrays come as the bytes of .npy and .npz files, which the library reads as the command does, with the same checks and
//! messages; what is found out goes back as JSON, of which `python/zkverdict` makes dataclasses. Whatever takes long runs in
//! a thread of its own without the interpreter's lock: see `work`.

mod commitment;
mod error;
mod keys;
mod model;
mod options;
mod secrets;
mod work;

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command with these arguments, its name first; gives the exit code. It takes over what Ctrl-C does, as is
/// fitting where the process is the command.
#[pyfunction]
fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| zkverdict::cli::run(arguments))
}

/// Writes a file that is there whole or not at all.
#[pyfunction]
fn write_file(py: Python<'_>, path: std::path::PathBuf, bytes: &[u8]) -> PyResult<()> {
    zkverdict::bundle::write(&path, bytes).map_err(|failure| error::raise(py, failure))
}

#[pymodule]
fn _zkverdict(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<model::Model>()?;
    module.add_class::<keys::Keys>()?;
    module.add_class::<commitment::Commitment>()?;
    module.add_class::<commitment::Weights>()?;
    module.add_function(wrap_pyfunction!(run_command, module)?)?;
    module.add_function(wrap_pyfunction!(write_file, module)?)
}
