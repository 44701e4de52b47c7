//! Files that are there whole or not at all.

use super::CliError;
use std::io::Write;
use std::path::Path;

/// Reads a file, naming it when that fails.
pub fn read(path: &Path) -> Result<Vec<u8>, CliError> {
    std::fs::read(path).map_err(|source| CliError::io(path, source))
}

/// Writes a file under a temporary name beside its place and renames it: whoever looks sees the old
/// file or the new one, never half of it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |source| CliError::io(path, source);
    let folder = folder_of(path);
    std::fs::create_dir_all(folder).map_err(|source| CliError::io(folder, source))?;
    let mut file = builder(0o666).tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Fills a folder beside its place and renames it, in place of one that may be there.
pub fn write_folder(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let parent = folder_of(path);
    std::fs::create_dir_all(parent).map_err(|source| CliError::io(parent, source))?;
    let failed = |source| CliError::io(path, source);
    let stage =
        tempfile::Builder::new().prefix(".zkverdict-").tempdir_in(parent).map_err(failed)?;
    let (new, old) = (stage.path().join("new"), stage.path().join("old"));
    std::fs::create_dir(&new).map_err(failed)?;
    fill(&new)?;
    if path.exists() {
        std::fs::rename(path, &old).map_err(failed)?;
    }
    std::fs::rename(&new, path).map_err(failed)
}

/// The folder that a path lies in.
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

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
