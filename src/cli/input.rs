//! Models and inputs from files.

use super::{CliError, Console, files};
use crate::model::{ImportOptions, InputFormat, Model, ModelError, Port, embed};
use crate::regular_file;
use std::io::{Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

/// What a model file may leave open.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct DimensionArgs {
    /// Length of a symbolic dimension; a leading one that is not given is 1
    #[arg(long = "dim", value_name = "NAME=N", value_parser = dimension)]
    dimensions: Vec<(String, usize)>,
    /// Inferences along every input's leading dimension, where a verb has them.
    #[arg(skip)]
    batch: Option<usize>,
}

impl DimensionArgs {
    /// The same for so many inferences; leading dimensions stay what they are where there is one.
    pub fn of_batch(&self, inferences: usize) -> Self {
        Self { batch: Some(inferences).filter(|&inferences| inferences > 1), ..self.clone() }
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
    let bytes = files::read(path)?;
    let embedded = with_options(path, dimensions, |options| {
        let embedded = embed(&bytes, options)?;
        let model = Model::from_onnx(&model_name(path), embedded.as_deref().unwrap_or(&bytes))?;
        Ok((model, embedded))
    })?;
    let (model, embedded) = embedded;
    Ok((model, embedded.unwrap_or(bytes)))
}

/// A model of so many inferences, each of which is answered as it is alone.
pub fn batch_with(
    path: &Path,
    dimensions: &DimensionArgs,
    inferences: usize,
) -> Result<(Model, Vec<u8>), CliError> {
    let batch = model_with(path, &dimensions.of_batch(inferences))?;
    if inferences > 1 {
        let (alone, _) = model_with(path, dimensions)?;
        let checked = batch.0.check_batch(&alone, inferences);
        checked.map_err(|error| CliError::from(error).at(path))?;
    }
    Ok(batch)
}

/// Reads a model file with its symbolic dimensions and the files beside it.
pub fn with_options<T>(
    path: &Path,
    DimensionArgs { dimensions, batch }: &DimensionArgs,
    read: impl FnOnce(&ImportOptions<'_>) -> Result<T, ModelError>,
) -> Result<T, CliError> {
    let external =
        |location: &str, offset: u64, length: usize| read_beside(path, location, offset, length);
    let options = ImportOptions {
        dimensions: dimensions.iter().cloned().collect(),
        batch: *batch,
        external_data: Some(&external),
    };
    read(&options).map_err(|error| CliError::from(error).at(path))
}

/// Reads part of a file in the model's folder or below it.
fn read_beside(
    model: &Path,
    location: &str,
    offset: u64,
    length: usize,
) -> std::io::Result<Vec<u8>> {
    let mut file = regular_file::open_beneath(files::folder_of(model), Path::new(location))?;
    let end = u64::try_from(length).ok().and_then(|length| offset.checked_add(length));
    // Before anything of this length is allocated.
    if end.is_none_or(|end| file_len(&file) < end) {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the file is too short"));
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn file_len(file: &std::fs::File) -> u64 {
    file.metadata().map_or(0, |metadata| metadata.len())
}

/// The file's name, or its folder's where files are named after their quantization alone.
pub fn model_name(path: &Path) -> String {
    let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
    path.file_stem().map_or_else(|| "model".into(), text)
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
