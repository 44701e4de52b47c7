//! Files that are there whole or not at all, whenever the power fails.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::Path,
};

use super::ChainError;
use crate::regular_file;

/// The steps that a file is written in. Tests put a disk in its place that fails at any of them.
pub trait Disk: fmt::Debug + Send + Sync {
    /// The contents of a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Makes a file with these contents, or empties one and fills it anew.
    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()>;
    /// Returns when a file's contents outlast a power failure.
    fn sync(&self, path: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of the one that had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Returns when the names in a folder outlast a power failure.
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The file system.
#[derive(Clone, Copy, Debug)]
pub struct FileSystem;

impl Disk for FileSystem {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        regular_file::read(path)
    }

    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        regular_file::overwrite(path, contents)
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        // Elsewhere folders cannot be opened, and a rename is durable by itself.
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// Writes beside the file and renames. Whoever looks sees the old contents or the new ones, and the new ones
/// alone once this has returned, whenever the power fails. One writer at a time: callers hold a lock.
pub(super) fn write_atomically(
    disk: &dyn Disk,
    path: &Path,
    contents: &[u8],
) -> Result<(), ChainError> {
    let at = |source| ChainError::Record { path: path.to_owned(), source };
    // In the same directory: a rename between file systems is not atomic. Always the same name: what a
    // crash leaves is written over.
    let temporary = path.with_extension("tmp");
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let filled = disk
        .write(&temporary, contents)
        .and_then(|()| disk.sync(&temporary))
        .and_then(|()| disk.rename(&temporary, path));
    if filled.is_err() {
        // Where even this fails, the next writer writes over it.
        let _ = disk.remove(&temporary);
    }
    filled.map_err(at)?;
    disk.sync_folder(directory.unwrap_or(Path::new("."))).map_err(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_beside_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.json");
        for text in ["one", "two"] {
            write_atomically(&FileSystem, &path, text.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("readable"), text);
        }
        // A folder in the file's place: the rename fails.
        let blocked = dir.path().join("b.json");
        fs::create_dir(&blocked).expect("a folder");
        write_atomically(&FileSystem, &blocked, b"x").expect_err("a folder is there");
        assert_eq!(fs::read_dir(dir.path()).expect("readable").count(), 2);
    }
}
