//! Files of commitments, which hold what they hide: nobody but their owner reads them, and no copy stays in memory.

use super::{BundleError, files, unhex};
use crate::circuit::Word;
use serde::Serialize;
use std::path::Path;

/// Overwrites what nobody should find in memory later on.
pub fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    // The compiler leaves out what nobody reads.
    std::hint::black_box(secret);
}

/// Writes a document.
pub fn write(path: &Path, document: &impl Serialize) -> Result<(), BundleError> {
    let mut bytes = serde_json::to_vec_pretty(document).map_err(BundleError::Json)?;
    let written = files::write_secret(path, &bytes);
    wipe(&mut bytes);
    written
}

/// What `parse` makes of a file's bytes.
pub fn open<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, String>,
) -> Result<T, BundleError> {
    // As large as a model may be: these documents hold all weights, and nothing that nests.
    let mut bytes = files::read(path)?;
    let read = parse(&bytes);
    wipe(&mut bytes);
    read.map_err(|why| BundleError::CommitmentFile { path: path.to_owned(), why })
}

/// A word as these documents have it.
pub fn word(text: &str, what: &str) -> Result<Word, String> {
    let word = unhex(text).and_then(|bytes| bytes.try_into().ok());
    word.ok_or_else(|| format!("{what} is not `0x` and 64 hexadecimal digits"))
}
