//! Files of commitments, which hold what they hide: nobody but their owner reads them, and no copy stays in memory.

use super::{BundleError, files, unhex};
use crate::circuit::Word;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

/// What such documents are called by their first field.
pub const FORMAT: &str = "zkverdict commitment";

/// Their version.
pub const VERSION: u32 = 1;

/// Overwrites what nobody should find in memory later on.
pub fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    // The compiler leaves out what nobody reads.
    std::hint::black_box(secret);
}

/// Overwrites texts.
pub fn wipe_all<'a>(texts: impl IntoIterator<Item = &'a mut String>) {
    texts.into_iter().for_each(|text| wipe(&mut std::mem::take(text).into_bytes()));
}

/// A document's bytes, for whoever wipes them.
pub fn bytes(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(document).expect("its keys are texts")
}

/// Writes a document's bytes.
pub fn write(path: &Path, mut bytes: Vec<u8>) -> Result<(), BundleError> {
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

/// What every such document begins with, whatever its version.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
    kind: Option<String>,
}

/// The reader's own messages show what it found.
fn malformed(error: serde_json::Error) -> String {
    let (line, column) = (error.line(), error.column());
    format!("it is not as `commit` writes it, at line {line}, column {column}")
}

/// What a document says that it is of.
pub fn kind(bytes: &[u8]) -> Result<String, String> {
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    Ok(head.kind.unwrap_or_default())
}

/// A document of a kind.
pub fn document<T: DeserializeOwned>(bytes: &[u8], kind: &str) -> Result<T, String> {
    let head: Head = serde_json::from_slice(bytes).map_err(malformed)?;
    if head.format != FORMAT {
        return Err("it is no commitment".into());
    }
    if head.version != VERSION {
        return Err(format!("it is version {}, expected {VERSION}", head.version));
    }
    match head.kind {
        Some(found) if found != kind => Err(format!("it is of another kind than `{kind}`")),
        _ => serde_json::from_slice(bytes).map_err(malformed),
    }
}
