//! Schemas from files.

use super::{CliError, files};
use crate::bundle::DataSchema;
use std::path::Path;

/// Reads a schema.
pub fn open(path: &Path) -> Result<DataSchema, CliError> {
    let bytes = files::read_document(path)?;
    DataSchema::parse(&bytes).map_err(|error| CliError::from(error).at(path))
}
