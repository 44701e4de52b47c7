//! Files that are there whole or not at all.

use super::BundleError;
use crate::regular_file;
#[cfg(feature = "prove")]
use std::io::Write;
use std::path::Path;
#[cfg(feature = "prove")]
use std::path::PathBuf;
#[cfg(feature = "prove")]
use std::sync::{Mutex, MutexGuard, PoisonError};

#[cfg(feature = "prove")]
/// Temporary files and folders being filled.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

#[cfg(feature = "cli")]
/// What a shell reports of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

#[cfg(feature = "cli")]
/// Lets Ctrl-C, termination and a closed terminal remove what is unfinished before they end the process.
pub fn clean_up_when_interrupted() {
    // Without a handler the process ends all the same, and may leave a hidden temporary folder.
    let _ = ctrlc::set_handler(|| {
        // Kept to the end, so that nothing is swapped or begun from here on.
        let unfinished = unfinished();
        for path in unfinished.iter() {
            // A file written meanwhile makes removing the folder fail once.
            for _ in 0..10 {
                let removed = if path.is_dir() {
                    std::fs::remove_dir_all(path)
                } else {
                    std::fs::remove_file(path)
                };
                if removed.is_ok() {
                    break;
                }
            }
        }
        std::process::exit(INTERRUPTED);
    });
}

#[cfg(feature = "prove")]
fn unfinished() -> MutexGuard<'static, Vec<PathBuf>> {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(feature = "prove")]
/// A path's entry among the unfinished.
struct Unfinished(PathBuf);

#[cfg(feature = "prove")]
impl Unfinished {
    /// Makes a temporary file or folder and enters it at once.
    fn new<T>(
        make: impl FnOnce() -> std::io::Result<T>,
        path: impl FnOnce(&T) -> &Path,
    ) -> std::io::Result<(Self, T)> {
        let mut all = unfinished();
        let made = make()?;
        let path = path(&made).to_owned();
        all.push(path.clone());
        Ok((Self(path), made))
    }
}

#[cfg(feature = "prove")]
impl Drop for Unfinished {
    fn drop(&mut self) {
        unfinished().retain(|path| *path != self.0);
    }
}

/// Reads a file, naming it when that fails.
pub fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    regular_file::read(path).map_err(|source| BundleError::io(path, source))
}

#[cfg(feature = "prove")]
/// Writes a file under a temporary name beside its place and renames it: whoever looks sees the old
/// file or the new one, never half of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    let failed = |source| BundleError::io(path, source);
    let folder = folder_of(path);
    std::fs::create_dir_all(folder).map_err(|source| BundleError::io(folder, source))?;
    let (_unfinished, mut file) =
        Unfinished::new(|| builder(0o666).tempfile_in(folder), |file| file.path())
            .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

#[cfg(feature = "prove")]
/// Fills a folder beside its place and renames it, in place of one that may be there.
pub fn write_folder<E: From<BundleError>>(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let parent = folder_of(path);
    std::fs::create_dir_all(parent).map_err(|source| BundleError::io(parent, source))?;
    let failed = |source| BundleError::io(path, source);
    let stage = || tempfile::Builder::new().prefix(".zkverdict-").tempdir_in(parent);
    let (_unfinished, stage) = Unfinished::new(stage, |stage| stage.path()).map_err(failed)?;
    let (new, old) = (stage.path().join("new"), stage.path().join("old"));
    std::fs::create_dir(&new).map_err(failed)?;
    fill(&new)?;
    // An interruption between the two would take the old folder along.
    let _swap = unfinished();
    let is_there = path.exists();
    if is_there {
        std::fs::rename(path, &old).map_err(failed)?;
    }
    let renamed = std::fs::rename(&new, path);
    if is_there && renamed.is_err() {
        std::fs::rename(&old, path).map_err(failed)?;
    }
    Ok(renamed.map_err(failed)?)
}

#[cfg(feature = "prove")]
/// The folder that a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(feature = "prove")]
/// Temporary files and folders with the permissions of any other: the user's mask decides.
fn builder(mode: u32) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".zkverdict-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    builder
}
