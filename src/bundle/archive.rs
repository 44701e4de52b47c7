//! A bundle in one piece, for whoever sends it elsewhere.
//!
//! `zkverdict bundle`, the archive's version (4 bytes, little endian), then the bundle's files in a fixed order: the length of
//! each (8 bytes, little endian) and its bytes. No name of a file stands in it, so whoever unpacks one decides where files
//! come to lie; the same bundle is the same archive, so a hash names it.

use super::files;
use super::{Bundle, BundleError, MANIFEST, MODEL, SRS, VERIFYING_KEY};
use std::path::Path;

const MAGIC: &[u8; 16] = b"zkverdict bundle";
const VERSION: u32 = 1;

/// In the order of the archive.
const FILES: [&str; 4] = [MANIFEST, MODEL, SRS, VERIFYING_KEY];

impl Bundle {
    /// The bundle's own files; what later verbs added is left out.
    pub fn archive(&self) -> Result<Vec<u8>, BundleError> {
        let mut archive = MAGIC.to_vec();
        archive.extend(VERSION.to_le_bytes());
        for name in FILES {
            let bytes = match name {
                MANIFEST => self.bytes_of(name)?,
                _ => self.read(name)?,
            };
            archive.extend((bytes.len() as u64).to_le_bytes());
            archive.extend(bytes);
        }
        Ok(archive)
    }

    /// The bundle that is in an archive, held in memory: nothing is read from files or written to any.
    pub fn from_archive(archive: &[u8]) -> Result<Self, BundleError> {
        let parts = parts(archive).map_err(BundleError::Archive)?;
        Self::hold(FILES.into_iter().zip(parts.map(<[u8]>::to_vec)).collect())
    }

    /// Writes the bundle that is in an archive, in place of one that may be there, and reads all of it: a damaged one is an error.
    pub fn unpack(path: &Path, archive: &[u8]) -> Result<Self, BundleError> {
        let parts = parts(archive).map_err(BundleError::Archive)?;
        files::write_folder(path, |folder| {
            FILES
                .iter()
                .zip(parts)
                .try_for_each(|(name, bytes)| files::write_below(folder, name, bytes))
        })?;
        let bundle = Self::open(path)?;
        FILES[1..].iter().try_for_each(|name| bundle.read(name).map(drop))?;
        Ok(bundle)
    }
}

/// What is in an archive, file by file.
fn parts(archive: &[u8]) -> Result<[&[u8]; 4], &'static str> {
    let rest = archive.strip_prefix(MAGIC).ok_or("it does not begin as one")?;
    let (version, mut rest) = rest.split_first_chunk().ok_or("it ends too early")?;
    if u32::from_le_bytes(*version) != VERSION {
        return Err("it is of another version");
    }
    let mut parts = [&[][..]; 4];
    for part in &mut parts {
        let (length, after) = rest.split_first_chunk().ok_or("it ends too early")?;
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let both = length.and_then(|length| after.split_at_checked(length));
        (*part, rest) = both.ok_or("it ends too early")?;
    }
    if rest.is_empty() { Ok(parts) } else { Err("it goes on behind its end") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::tests::models;
    use crate::circuit::{ModelCircuit, Wishes};
    use crate::proving::{ModelProver, Srs};

    #[test]
    fn archives_are_the_bundle_or_refused() {
        let (_, model) = models::all().swap_remove(0);
        let circuit = ModelCircuit::new(&model, Wishes::default()).expect("a circuit");
        let srs = Srs::unsafe_dev(circuit.k());
        let prover = ModelProver::of_circuit(model, circuit, &srs).expect("keys");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("one.zkv");
        // Archives are about files alone: what is in them is read when a bundle is used.
        let bundle = Bundle::create(&path, b"model", prover.verifier(), &srs).expect("a bundle");
        let archive = bundle.archive().expect("an archive");
        let other = folder.path().join("other.zkv");
        let unpacked = Bundle::unpack(&other, &archive).expect("a bundle");
        assert_eq!(unpacked.archive().expect("an archive"), archive);
        let held = Bundle::from_archive(&archive).expect("a bundle");
        assert_eq!(held.archive().expect("an archive"), archive);

        let refused = |changed: Vec<u8>| {
            let place = folder.path().join("refused.zkv");
            let refused = Bundle::unpack(&place, &changed).expect_err("it was changed").to_string();
            let held = Bundle::from_archive(&changed).and_then(|bundle| bundle.archive());
            let held = held.expect_err("it was changed").to_string();
            assert_eq!(held, refused.replace(&format!("{}/", place.display()), ""));
            refused
        };
        let cut = archive[..archive.len() - 1].to_vec();
        assert!(refused(cut).contains("ends too early"));
        assert!(refused([&archive[..], b"!"].concat()).contains("behind its end"));
        assert!(refused(b"another file".to_vec()).contains("does not begin"));
        for (at, expected) in [(0, "does not begin"), (16, "another version"), (27, "too early")] {
            let mut changed = archive.clone();
            changed[at] ^= 0x40;
            assert!(refused(changed).contains(expected), "{at}");
        }
        // In each of the files.
        for at in [40, archive.len() / 2, archive.len() - 1] {
            let mut changed = archive.clone();
            changed[at] ^= 1;
            assert!(refused(changed).contains("damaged"), "{at}");
        }
    }
}
