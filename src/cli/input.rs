//! Models and inputs from files.

use super::{CliError, files};
use crate::model::{InputFormat, Model};
use std::path::Path;

/// A model, named after its file, and the file's bytes.
pub fn model(path: &Path) -> Result<(Model, Vec<u8>), CliError> {
    let bytes = files::read(path)?;
    let model = Model::from_onnx(&model_name(path), &bytes)
        .map_err(|error| CliError::from(error).at(path))?;
    Ok((model, bytes))
}

/// The file's name, or its folder's where files are named after their quantization alone.
fn model_name(path: &Path) -> String {
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    path.file_stem().map_or_else(|| "model".into(), text)
}

/// The inferences in an input file: the integers of each input, per inference.
pub fn inferences(model: &Model, path: &Path) -> Result<Vec<Vec<Vec<i32>>>, CliError> {
    let bytes = files::read(path)?;
    model
        .read_inferences(&bytes, InputFormat::detect(&bytes))
        .map_err(|error| CliError::from(error).at(path))
}
