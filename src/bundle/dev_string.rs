//! Development strings, kept between runs: making a long one takes longer than proving.
//!
//! They lie in the user's cache folder, each followed by its hash. A file that is missing, damaged or in the
//! way is no error: the string is made again.

use super::files;
use crate::proving::{Srs, SrsOrigin};
use sha3::{Digest, Keccak256};
use std::path::PathBuf;

/// Shorter strings are made faster than read.
const SHORTEST_KEPT: u32 = 12;

const HASH_BYTES: usize = 32;

/// The development string for a k, from the cache where it was made before.
pub fn unsafe_dev_srs(k: u32) -> Srs {
    let path = if k < SHORTEST_KEPT { None } else { path(k) };
    if let Some(srs) = path.as_ref().and_then(|path| read(path)) {
        return srs;
    }
    let srs = Srs::unsafe_dev(k);
    if let Some(path) = path {
        let mut bytes = srs.to_bytes();
        let hash = Keccak256::digest(&bytes);
        bytes.extend_from_slice(&hash);
        // Without a cache, the next run only takes longer.
        let _ = files::write(&path, &bytes);
    }
    srs
}

fn read(path: &std::path::Path) -> Option<Srs> {
    let bytes = crate::regular_file::read(path).ok()?;
    let (srs, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH_BYTES)?)?;
    if Keccak256::digest(srs)[..] != *hash {
        return None;
    }
    // Earlier versions kept no further power.
    Srs::from_bytes_unchecked(srs, SrsOrigin::UnsafeDev).ok().filter(|srs| srs.next.is_some())
}

fn path(k: u32) -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let cache = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("zkverdict").join(format!("unsafe-dev-{k}.string")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_string_is_read_again_and_a_damaged_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("kept.srs");
        let srs = Srs::unsafe_dev(5);
        let mut bytes = srs.to_bytes();
        let hash = Keccak256::digest(&bytes);
        bytes.extend_from_slice(&hash);
        std::fs::write(&path, &bytes).expect("a file");
        assert_eq!(read(&path).expect("it is whole").to_bytes(), srs.to_bytes());
        bytes[100] ^= 1;
        std::fs::write(&path, &bytes).expect("a file");
        assert!(read(&path).is_none());
        std::fs::write(&path, b"short").expect("a file");
        assert!(read(&path).is_none());
    }
}
