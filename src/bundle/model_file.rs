//! Models from files, with the files that lie beside them.

use super::{BundleError, files};
use crate::model::{ImportOptions, Model, ModelError, embed};
use crate::regular_file;
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A model file, with what it leaves open.
#[derive(Clone, Debug)]
pub struct ModelFile {
    /// What the model is called.
    pub name: String,
    /// What the file holds.
    pub bytes: Vec<u8>,
    /// Lengths of symbolic dimensions; a leading one that is not given is 1.
    pub dimensions: BTreeMap<String, usize>,
    /// Where it lies, if it may have data in files beside it.
    path: Option<PathBuf>,
}

impl ModelFile {
    /// Reads a file; the model is named after it.
    pub fn open(path: &Path, dimensions: BTreeMap<String, usize>) -> Result<Self, BundleError> {
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        let name = path.file_stem().map_or_else(|| "model".into(), text);
        Ok(Self { name, bytes: files::read(path)?, dimensions, path: Some(path.to_owned()) })
    }

    /// A file in memory, which is all of the model.
    pub fn of_bytes(name: &str, bytes: Vec<u8>, dimensions: BTreeMap<String, usize>) -> Self {
        Self { name: name.to_owned(), bytes, dimensions, path: None }
    }

    /// Reads it with what it leaves open, for so many inferences along the leading dimension of every input; leading
    /// dimensions stay what they are for one.
    pub fn read<T>(
        &self,
        inferences: usize,
        read: impl FnOnce(&ImportOptions<'_>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let beside = |location: &str, offset: u64, length: usize| match &self.path {
            Some(path) => read_beside(path, location, offset, length),
            None => Err(Error::new(
                ErrorKind::NotFound,
                "the model is in memory, with no file beside it",
            )),
        };
        read(&ImportOptions {
            dimensions: self.dimensions.clone(),
            batch: Some(inferences).filter(|&inferences| inferences > 1),
            external_data: Some(&beside),
        })
    }

    /// The model of so many inferences, each of which is answered as it is alone; and a file's bytes that hold all of it.
    pub fn model(&self, inferences: usize) -> Result<(Model, Vec<u8>), ModelError> {
        let batch = self.model_of(inferences)?;
        if inferences > 1 {
            batch.0.check_batch(&self.model_of(1)?.0, inferences)?;
        }
        Ok(batch)
    }

    fn model_of(&self, inferences: usize) -> Result<(Model, Vec<u8>), ModelError> {
        self.read(inferences, |options| {
            let bytes = embed(&self.bytes, options)?.unwrap_or_else(|| self.bytes.clone());
            Ok((Model::from_onnx(&self.name, &bytes)?, bytes))
        })
    }
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
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    // Before anything of this length is allocated.
    if end.is_none_or(|end| len < end) {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the file is too short"));
    }
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}
