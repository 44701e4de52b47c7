//! numpy's format for several arrays: a zip archive of `.npy` files, stored or deflated.

use miniz_oxide::inflate;

use super::{Array, npy};
use crate::model::ModelError;
use crate::name::Name;

/// Bytes that the compressed entries of an archive may have together: a small file can claim any number.
const MAX_INFLATED: usize = 1 << 28;

fn error(reason: impl Into<String>) -> ModelError {
    ModelError::InputFormat { format: "an .npz archive", reason: reason.into() }
}

const END_OF_DIRECTORY: &[u8] = b"PK\x05\x06";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const LOCAL_HEADER: &[u8] = b"PK\x03\x04";

/// The name that stands for the input of a model with one input, where no array has the input's own.
const FALLBACK: &str = "x";

/// The arrays that have the names of inputs.
///
/// For a model with one input, the only array will do, or the one that is called `x`.
pub(super) fn read(
    bytes: &[u8],
    inputs: &[&str],
) -> Result<Vec<(Option<String>, Array)>, ModelError> {
    let mut entries = directory(bytes)?;
    for entry in &mut entries {
        if let Some(name) = entry.name.strip_suffix(".npy") {
            entry.name = name.to_owned();
        }
        Name::tame(&mut entry.name);
    }
    let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(error(format!("it has two entries `{}`", pair[0])));
    }
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    let stand_in = match inputs {
        [input] if !has(input) && entries.len() == 1 => Some(entries[0].name.clone()),
        [input] if !has(input) && has(FALLBACK) => Some(FALLBACK.to_owned()),
        _ => None,
    };
    let mut budget = MAX_INFLATED;
    entries
        .into_iter()
        .filter(|entry| match &stand_in {
            Some(name) => entry.name == *name,
            None => inputs.contains(&entry.name.as_str()),
        })
        .map(|entry| {
            let array = npy::read(&entry.contents(bytes, &mut budget)?)?;
            Ok((stand_in.is_none().then_some(entry.name), array))
        })
        .collect()
}

/// One array by name, if it is there.
pub(super) fn read_one(bytes: &[u8], name: &str) -> Result<Option<Array>, ModelError> {
    let file = format!("{name}.npy");
    directory(bytes)?
        .into_iter()
        .find(|entry| entry.name == file)
        .map(|entry| npy::read(&entry.contents(bytes, &mut MAX_INFLATED.clone())?))
        .transpose()
}

struct Entry {
    name: String,
    method: u16,
    compressed: usize,
    uncompressed: usize,
    header: usize,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let value = bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))?;
    usize::try_from(value).ok()
}

/// Reads the directory at the end of the archive.
fn directory(bytes: &[u8]) -> Result<Vec<Entry>, ModelError> {
    let damaged = || error("its directory is damaged or missing");
    // The end record is 22 bytes long, with a comment of at most 65,535 bytes after it.
    let first = bytes.len().saturating_sub(22 + 65_535);
    let end = (first..bytes.len().saturating_sub(21))
        .rev()
        .find(|&at| bytes[at..].starts_with(END_OF_DIRECTORY))
        .ok_or_else(damaged)?;
    let count = u16_at(bytes, end + 10).ok_or_else(damaged)?;
    let mut at = u32_at(bytes, end + 16).ok_or_else(damaged)?;
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = bytes.get(at..).ok_or_else(damaged)?;
        if !entry.starts_with(DIRECTORY_ENTRY) {
            return Err(damaged());
        }
        let half = |at| u16_at(entry, at).map(usize::from).ok_or_else(damaged);
        let word = |at| u32_at(entry, at).ok_or_else(damaged);
        let name_len = half(28)?;
        let name = entry.get(46..46 + name_len).ok_or_else(damaged)?;
        entries.push(Entry {
            name: String::from_utf8_lossy(name).into_owned(),
            method: u16_at(entry, 10).ok_or_else(damaged)?,
            compressed: word(20)?,
            uncompressed: word(24)?,
            header: word(42)?,
        });
        at += 46 + name_len + half(30)? + half(32)?;
    }
    Ok(entries)
}

impl Entry {
    /// The entry's bytes. What is inflated is taken from a budget.
    fn contents(&self, archive: &[u8], budget: &mut usize) -> Result<Vec<u8>, ModelError> {
        let name = Name::new(&self.name);
        let damaged = || error(format!("its entry `{name}` is damaged"));
        let local = archive.get(self.header..).ok_or_else(damaged)?;
        if !local.starts_with(LOCAL_HEADER) {
            return Err(damaged());
        }
        let [name_len, extra_len] = [26, 28].map(|at| u16_at(local, at).map(usize::from));
        let start = 30 + name_len.ok_or_else(damaged)? + extra_len.ok_or_else(damaged)?;
        let data = local.get(start..start + self.compressed).ok_or_else(damaged)?;
        match self.method {
            0 => Ok(data.to_vec()),
            8 => {
                let limit = self.uncompressed;
                *budget = budget.checked_sub(limit).ok_or_else(|| {
                    error(format!(
                        "its entries up to `{name}` are more than {MAX_INFLATED} bytes without compression; \
                         save them uncompressed, with numpy.savez"
                    ))
                })?;
                let contents =
                    inflate::decompress_to_vec_with_limit(data, limit).map_err(|_| damaged())?;
                if contents.len() == self.uncompressed { Ok(contents) } else { Err(damaged()) }
            }
            other => Err(error(format!("its entry `{name}` is compressed by method {other}"))),
        }
    }
}
