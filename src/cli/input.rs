//! Models and inputs from files.

use super::{CliError, Console, files};
use crate::bundle::ModelFile;
use crate::model::{InputFormat, Model, Port};
use std::path::Path;

/// What a model file may leave open.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DimensionArgs {
    /// Length of a symbolic dimension; a leading one that is not given is 1
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dimension)]
    dimensions: Vec<(String, usize)>,
}

impl DimensionArgs {
    /// A model file with these lengths.
    pub fn open(&self, path: &Path) -> Result<ModelFile, CliError> {
        Ok(ModelFile::open(path, self.dimensions.iter().cloned().collect())?)
    }
}

fn dimension(text: &str) -> Result<(String, usize), String> {
    let parts = text.split_once('=').and_then(|(name, length)| {
        Some((name.to_owned(), length.parse().ok().filter(|&length| length > 0)?))
    });
    parts.ok_or_else(|| "expected a name, `=` and a positive number".into())
}

/// A model, named after its file, and a file's bytes that hold all of it.
#[cfg(feature = "compile")]
pub fn model(path: &Path) -> Result<(Model, Vec<u8>), CliError> {
    model_with(path, &DimensionArgs::default())
}

/// The same, with lengths for symbolic dimensions.
pub fn model_with(path: &Path, dimensions: &DimensionArgs) -> Result<(Model, Vec<u8>), CliError> {
    batch_with(path, dimensions, 1)
}

/// A model of so many inferences, each of which is answered as it is alone.
pub fn batch_with(
    path: &Path,
    dimensions: &DimensionArgs,
    inferences: usize,
) -> Result<(Model, Vec<u8>), CliError> {
    let read = dimensions.open(path)?.model(inferences);
    read.map_err(|error| CliError::from(error).at(path))
}

/// Says how many values of an input file lie beyond the range that the model's integers stand for.
pub fn warn_of_values_beyond(
    model: &Model,
    ports: &[&Port],
    path: &Path,
    console: &Console,
) -> Result<(), CliError> {
    let bytes = files::read(path)?;
    let beyond = model
        .values_beyond_range_of(ports, &bytes, InputFormat::detect(&bytes))
        .map_err(|error| CliError::from(error).at(path))?;
    if beyond > 0 {
        console.warn(format!(
            "{beyond} values of `{}` are beyond the range that the model was quantized for, and are taken as \
             the nearest end of it",
            path.display()
        ));
    }
    Ok(())
}

/// The inferences in an input file: the integers of each input, per inference.
pub fn inferences(model: &Model, path: &Path) -> Result<Vec<Vec<Vec<i32>>>, CliError> {
    let bytes = files::read(path)?;
    model
        .read_inferences(&bytes, InputFormat::detect(&bytes))
        .map_err(|error| CliError::from(error).at(path))
}

/// The integers of these inputs in a file that holds one inference of them.
pub fn one_inference(
    model: &Model,
    ports: &[&Port],
    path: &Path,
) -> Result<Vec<Vec<i32>>, CliError> {
    let bytes = files::read(path)?;
    let mut inferences = model
        .read_inferences_of(ports, &bytes, InputFormat::detect(&bytes))
        .map_err(|error| CliError::from(error).at(path))?;
    match (inferences.pop(), inferences.len()) {
        (Some(inputs), 0) => Ok(inputs),
        (last, others) => Err(CliError::Usage {
            message: format!(
                "`{}` holds {} inferences, a proof of this bundle holds 1",
                path.display(),
                others + usize::from(last.is_some())
            ),
            hint: "prove them one by one".into(),
        }),
    }
}
