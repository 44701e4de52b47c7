//! Files that are there whole or not at all.

use std::{io::Write, path::Path};

use super::ChainError;

/// Writes beside the file and renames. Whoever looks sees the old contents or the new ones, whenever the
/// power fails.
pub(super) fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), ChainError> {
    let at = |source| ChainError::Record { path: path.to_owned(), source };
    // In the same directory: a rename between file systems is not atomic.
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(at)?;
    file.write_all(contents).map_err(at)?;
    file.as_file().sync_all().map_err(at)?;
    file.persist(path).map_err(|error| at(error.error))?;
    Ok(())
}
