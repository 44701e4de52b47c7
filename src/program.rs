//! Programs that are run: where they may come from, and what they get to know.
//!
//! A program is named by the user, lies on the PATH, belongs to this package, or lies where only this user can write.
//! It is never looked for above the working directory, which somebody else may have filled.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// What a program may know of this one's environment: where things are, and in which language to speak. No key, no
/// token, nothing that makes it load other code.
const PASSED_ON: [&str; 12] = [
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "TMP",
    "TEMP",
    "SystemRoot",
    "USERPROFILE",
    "LOCALAPPDATA",
    "APPDATA",
];

/// A command that knows nothing of this program's secrets.
#[cfg(feature = "compile")]
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.envs(PASSED_ON.iter().filter_map(|&name| Some((name, env::var_os(name)?))));
    command
}

/// The variables that a program is not to see, for those who cannot clear its environment.
#[cfg(feature = "chain")]
pub(crate) fn withheld() -> impl Iterator<Item = OsString> {
    let is_secret =
        |name: &OsString| !PASSED_ON.iter().any(|passed| name.eq_ignore_ascii_case(passed));
    env::vars_os().map(|(name, _)| name).filter(is_secret)
}

/// Where a program of this name would lie on the PATH. Entries that depend on the working directory do not count.
pub(crate) fn on_path(name: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    folders.into_iter().filter(|folder| folder.is_absolute()).map(move |folder| folder.join(name))
}

/// The folder of this package's sources, where its tools are while it is developed. An executable that was built
/// elsewhere takes nothing from there that others could have put there.
pub(crate) fn package() -> Option<&'static Path> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_here = || env::current_exe().is_ok_and(|program| program.starts_with(package));
    (package.is_dir() && (is_here() || is_private(package))).then_some(package)
}

/// The folder of this executable.
pub(crate) fn folder() -> Option<PathBuf> {
    Some(env::current_exe().ok()?.parent()?.to_owned())
}

/// Whether nobody but this user and the system can have put a file at a path: each folder above it and the file belong
/// to one of the two, and nobody else can write there.
#[cfg(unix)]
pub(crate) fn is_private(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    // What is made now belongs to this user.
    let Ok(own) = tempfile::tempfile().and_then(|file| file.metadata()) else { return false };
    let Ok(path) = path.canonicalize() else { return false };
    path.ancestors().all(|place| {
        place.metadata().is_ok_and(|place| {
            let is_writable_by = |bit: u32| place.mode() & bit != 0;
            [0, own.uid()].contains(&place.uid())
                && !is_writable_by(0o002)
                && (!is_writable_by(0o020) || [0, own.gid()].contains(&place.gid()))
        })
    })
}

/// Elsewhere a user's folder is closed to others by default.
#[cfg(not(unix))]
pub(crate) fn is_private(path: &Path) -> bool {
    path.is_absolute()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::PermissionsExt};

    #[test]
    fn what_others_can_write_is_not_private() {
        // Below the folder for temporary files, where everybody can write.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("solc");
        fs::write(&file, "").unwrap();
        let anybody_can_write = |path: &Path| {
            fs::metadata(path).is_ok_and(|place| place.permissions().mode() & 0o002 != 0)
        };
        if folder.path().ancestors().any(anybody_can_write) {
            assert!(!is_private(&file));
        }

        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let file = folder.path().join("solc");
        fs::write(&file, "").unwrap();
        let above = is_private(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert_eq!(is_private(&file), above);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(!is_private(&file));
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(!is_private(&file));
        assert!(!is_private(&folder.path().join("missing")));
    }

    #[test]
    fn relative_entries_of_the_path_do_not_count() {
        assert!(on_path("solc").all(|path| path.is_absolute()));
    }
}
