//! Files that are there whole or not at all.

use super::BundleError;
#[cfg(feature = "prove")]
use super::folder::Folder;
use crate::regular_file;
use std::path::Path;
#[cfg(feature = "cli")]
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};
#[cfg(feature = "prove")]
use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[cfg(feature = "prove")]
/// Temporary files and folders being filled.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

#[cfg(feature = "cli")]
/// What a shell reports of a command that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

#[cfg(feature = "prove")]
/// How temporary files and folders begin.
const PREFIX: &str = ".zkverdict-";

#[cfg(feature = "prove")]
/// What holds a folder's lock as long as it is being filled.
const LOCK: &str = "lock";

/// Permissions of files, of programs, and of folders while they are filled, which the user's mask cuts down.
#[cfg(feature = "prove")]
const MODE: u32 = 0o666;
#[cfg(all(feature = "cli", feature = "compile", feature = "chain"))]
const PROGRAM_MODE: u32 = 0o777;
#[cfg(feature = "prove")]
const SECRET_MODE: u32 = 0o600;
#[cfg(feature = "prove")]
const STAGE_MODE: u32 = 0o700;

#[cfg(feature = "prove")]
/// After how long a temporary file that nobody holds is left over from a crash.
const STALE: Duration = Duration::from_secs(600);

/// Set by the first interruption, where somebody ends by himself.
#[cfg(feature = "cli")]
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// A flag that the first interruption sets, instead of ending the process. A second one ends it.
#[cfg(all(feature = "cli", any(feature = "cluster", all(feature = "compile", feature = "chain"))))]
pub fn stop_when_interrupted() -> Arc<AtomicBool> {
    Arc::clone(STOP.get_or_init(Arc::default))
}

#[cfg(feature = "cli")]
/// Lets Ctrl-C, termination and a closed terminal remove what is unfinished before they end the process.
pub fn clean_up_when_interrupted() {
    // Without a handler the process ends all the same, and may leave a hidden temporary folder.
    let _ = ctrlc::set_handler(|| {
        if let Some(stop) = STOP.get()
            && !stop.swap(true, Ordering::Relaxed)
        {
            return;
        }
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
#[cfg(feature = "prove")]
pub fn read(path: &Path) -> Result<Vec<u8>, BundleError> {
    regular_file::read(path).map_err(|source| BundleError::io(path, source))
}

/// Reads a file that lies in a folder, and nowhere else whichever links come to lie there.
pub fn read_below(folder: &Path, name: &str) -> Result<Vec<u8>, BundleError> {
    #[cfg(feature = "prove")]
    let file = regular_file::open_beneath(folder, Path::new(name));
    #[cfg(not(feature = "prove"))]
    let file = regular_file::open(&folder.join(name));
    file.and_then(regular_file::read_open)
        .map_err(|source| BundleError::io(folder.join(name), source))
}

/// Reads a JSON document, naming it when that fails.
pub fn read_document(path: &Path) -> Result<Vec<u8>, BundleError> {
    regular_file::read_at_most(path, regular_file::LARGEST_DOCUMENT)
        .map_err(|source| BundleError::io(path, source))
}

#[cfg(feature = "prove")]
/// Reads a structured reference string, naming it when that fails.
pub fn read_string(path: &Path) -> Result<Vec<u8>, BundleError> {
    regular_file::read_at_most(path, regular_file::LARGEST_STRING)
        .map_err(|source| BundleError::io(path, source))
}

#[cfg(feature = "prove")]
/// Writes a file under a temporary name beside its place and renames it: whoever looks sees the old
/// file or the new one, never half of it, whenever the power fails.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    write_at(path, bytes, MODE)
}

/// The same of a file that nobody else may read.
#[cfg(feature = "prove")]
pub fn write_secret(path: &Path, bytes: &[u8]) -> Result<(), BundleError> {
    write_at(path, bytes, SECRET_MODE)
}

#[cfg(feature = "prove")]
fn write_at(path: &Path, bytes: &[u8], mode: u32) -> Result<(), BundleError> {
    let folder = folder_of(path);
    let held = Folder::at(folder).map_err(|source| BundleError::io(folder, source))?;
    write_in(&held, path, bytes, mode)
}

#[cfg(feature = "prove")]
/// The same below a folder, through no link.
pub fn write_below(folder: &Folder, inside: &str, bytes: &[u8]) -> Result<(), BundleError> {
    write_as(folder, inside, bytes, MODE)
}

/// The same of a file that can be run.
#[cfg(all(feature = "cli", feature = "compile", feature = "chain"))]
pub fn write_program_below(folder: &Folder, inside: &str, text: &str) -> Result<(), BundleError> {
    write_as(folder, inside, text.as_bytes(), PROGRAM_MODE)
}

#[cfg(feature = "prove")]
fn write_as(folder: &Folder, inside: &str, bytes: &[u8], mode: u32) -> Result<(), BundleError> {
    let path = folder.name().join(inside);
    let held = folder.below(folder_of(Path::new(inside)));
    write_in(&held.map_err(|source| BundleError::io(&path, source))?, &path, bytes, mode)
}

/// Writes the file that a path ends with.
#[cfg(feature = "prove")]
fn write_in(folder: &Folder, path: &Path, bytes: &[u8], mode: u32) -> Result<(), BundleError> {
    let failed = |source| BundleError::io(path, source);
    let name = path.file_name().ok_or_else(|| failed(ErrorKind::InvalidFilename.into()))?;
    let folder = folder.path();
    remove_left_over(folder);
    let (_unfinished, mut file) =
        Unfinished::new(|| builder(mode).tempfile_in(folder), |file| file.path())
            .map_err(failed)?;
    // Says to others that it is not left over.
    file.as_file().try_lock().map_err(|error| failed(error.into()))?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(folder.join(name)).map_err(|error| failed(error.error))?;
    sync_folder(folder).map_err(failed)
}

#[cfg(feature = "prove")]
/// Fills a folder beside its place and puts it there in one step, in place of one that may be there: a kill
/// at any moment leaves the old folder or the new one.
///
/// Where others can write to the folder that it comes to lie in, they can put links in the way at any moment, and have
/// nothing written elsewhere by them.
pub fn write_folder<E: From<BundleError>>(
    path: &Path,
    fill: impl FnOnce(&Folder) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |source| BundleError::io(path, source);
    let parent = folder_of(path);
    let parent = Folder::at(parent).map_err(|source| BundleError::io(parent, source))?;
    let name = path.file_name().ok_or_else(|| failed(ErrorKind::InvalidFilename.into()))?;
    remove_left_over(parent.path());
    let make = || builder(STAGE_MODE).tempdir_in(parent.path());
    let (_unfinished, made) = Unfinished::new(make, |stage| stage.path()).map_err(failed)?;
    let stage = Folder::hold_own(made.path(), path.to_owned()).map_err(failed)?;
    let lock = File::create_new(stage.path().join(LOCK)).map_err(failed)?;
    lock.try_lock().map_err(|error| failed(error.into()))?;
    let new = stage.path().join("new");
    std::fs::create_dir(&new).map_err(failed)?;
    let filled = Folder::hold_own(&new, path.to_owned()).map_err(failed)?;
    fill(&filled)?;
    sync_tree(filled.path()).map_err(failed)?;
    // Not interrupted from here on: what is removed afterwards is what lies in the stage then.
    let _swap = unfinished();
    let place = parent.path().join(name);
    if place.exists() {
        exchange(&new, &place).map_err(failed)?;
    } else {
        std::fs::rename(&new, &place).map_err(failed)?;
    }
    Ok(sync_folder(parent.path()).map_err(failed)?)
}

#[cfg(feature = "prove")]
/// Lets two folders change places, in one step.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
fn exchange(new: &Path, path: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    match renameat_with(CWD, new, CWD, path, RenameFlags::EXCHANGE) {
        // Not every file system can.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP) => {
            exchange_in_steps(new, path)
        }
        exchanged => exchanged.map_err(Into::into),
    }
}

#[cfg(all(feature = "prove", not(any(target_os = "linux", target_vendor = "apple"))))]
fn exchange(new: &Path, path: &Path) -> std::io::Result<()> {
    exchange_in_steps(new, path)
}

#[cfg(feature = "prove")]
/// The same in two steps. A kill between them leaves the old folder beside its place, under a name that says
/// so and that nothing removes.
fn exchange_in_steps(new: &Path, path: &Path) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".old");
    let old = path.with_file_name(name);
    std::fs::rename(path, &old)?;
    match std::fs::rename(new, path) {
        Ok(()) => std::fs::remove_dir_all(&old),
        Err(error) => std::fs::rename(&old, path).and(Err(error)),
    }
}

#[cfg(feature = "prove")]
/// Returns when the names in a folder outlast a power failure.
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    // Elsewhere folders cannot be opened, and a rename is durable by itself.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(feature = "prove")]
/// The same for a folder with everything in it.
fn sync_tree(path: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_tree(&entry.path())?;
        } else {
            regular_file::open(&entry.path())?.sync_all()?;
        }
    }
    sync_folder(path)
}

#[cfg(feature = "prove")]
/// Removes what processes that were killed have left in a folder. Those that live hold a lock.
fn remove_left_over(folder: &Path) {
    // Whatever cannot be read or removed is somebody else's, and in nobody's way.
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) && is_left_over(&entry.path()) {
            let path = entry.path();
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(&path)
            } else {
                std::fs::remove_file(&path)
            };
        }
    }
}

#[cfg(feature = "prove")]
fn is_left_over(path: &Path) -> bool {
    let age = std::fs::symlink_metadata(path)
        .and_then(|data| data.modified())
        .ok()
        .and_then(|when| when.elapsed().ok());
    // Between its making and its lock a living one is held by nobody.
    if age.is_none_or(|age| age < STALE) {
        return false;
    }
    let lock = if path.is_dir() { path.join(LOCK) } else { path.to_owned() };
    // What is no file makes nobody wait here, and was left over by nobody.
    match regular_file::open(&lock) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
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
fn builder(
    #[cfg_attr(not(unix), expect(unused))] mode: u32,
) -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    builder
}

#[cfg(all(test, feature = "prove"))]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::SystemTime;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("readable").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn fill(text: &'static str) -> impl FnOnce(&Folder) -> Result<(), BundleError> {
        move |folder| write_below(folder, "inner/file", text.as_bytes())
    }

    #[test]
    fn folders_take_each_others_place_and_leave_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("bundle");
        for text in ["one", "two"] {
            write_folder(&path, fill(text)).expect("written");
            assert_eq!(fs::read_to_string(path.join("inner/file")).expect("there"), text);
            assert_eq!(names(dir.path()), ["bundle"]);
        }
        let refuse = |_: &Folder| Err(BundleError::Contradiction("no".into()));
        write_folder(&path, refuse).expect_err("it is not filled");
        assert_eq!(fs::read_to_string(path.join("inner/file")).expect("there"), "two");
        assert_eq!(names(dir.path()), ["bundle"]);
    }

    #[test]
    fn an_exchange_never_leaves_the_place_empty() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("bundle");
        write_folder(&path, fill("one")).expect("written");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut looks = 0;
                while !done.load(Ordering::Relaxed) {
                    assert!(path.join("inner/file").exists() || path.join("inner/file").exists());
                    looks += 1;
                }
                looks
            });
            for _ in 0..20 {
                write_folder(&path, fill("two")).expect("written");
            }
            done.store(true, Ordering::Relaxed);
            assert!(watcher.join().expect("it was there each time") > 0);
        });
    }

    #[test]
    fn only_what_the_dead_have_left_is_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        let old = SystemTime::now() - 2 * STALE;
        let folder = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir(&path).expect("a folder");
            let lock = File::create(path.join(LOCK)).expect("a file");
            File::open(&path).and_then(|folder| folder.set_modified(old)).expect("a time");
            lock
        };
        drop(folder(".zkverdict-dead"));
        let living = folder(".zkverdict-alive");
        living.try_lock().expect("nobody else has it");
        let file = |name: &str, when| {
            let file = File::create(dir.path().join(name)).expect("a file");
            file.set_modified(when).expect("a time");
        };
        file(".zkverdict-file", old);
        file(".zkverdict-new", SystemTime::now());
        file("other", old);
        write(&dir.path().join("result"), b"x").expect("written");
        assert_eq!(names(dir.path()), [".zkverdict-alive", ".zkverdict-new", "other", "result"]);
    }

    /// Writes while somebody who can write to a folder does something there again and again; gives what came to lie in
    /// the folder that links of his lead to.
    #[cfg(target_os = "linux")]
    fn while_somebody_swaps(
        folder: &Path,
        swap: impl Fn(&Path) + Sync,
        mut write: impl FnMut(&Path) -> bool,
    ) -> Vec<String> {
        let elsewhere = tempfile::tempdir().expect("a directory");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    swap(elsewhere.path());
                }
            });
            // Some are refused, since a link was there; those that are not must not all be.
            let written = (0..100).filter(|_| write(folder)).count();
            done.store(true, Ordering::Relaxed);
            assert!(written > 0);
        });
        names(elsewhere.path())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn nothing_is_written_through_a_link_that_comes_in_between() {
        let dir = tempfile::tempdir().expect("a directory");
        let [inner, link] = ["inner", "link"].map(|name| dir.path().join(name));
        fs::create_dir(&inner).expect("a folder");
        let swap = |elsewhere: &Path| {
            if !link.is_symlink() && !inner.is_symlink() {
                std::os::unix::fs::symlink(elsewhere, &link).expect("a link");
            }
            exchange(&inner, &link).expect("both are there");
        };
        let write = |folder: &Path| {
            let folder = Folder::at(folder).expect("a folder");
            write_below(&folder, "inner/file", b"x").is_ok()
        };
        assert_eq!(while_somebody_swaps(dir.path(), swap, write), [""; 0]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn folder_is_not_filled_elsewhere_by_links_in_its_temporary_places() {
        let dir = tempfile::tempdir().expect("a directory");
        let shared = dir.path().join("shared");
        fs::create_dir(&shared).expect("a folder");
        // Each folder that is being filled is taken away, and a link to elsewhere is there.
        let swap = |elsewhere: &Path| {
            for name in names(&shared).iter().filter(|name| name.starts_with(PREFIX)) {
                let (stage, away) = (shared.join(name), dir.path().join(name));
                if fs::rename(&stage, &away).is_ok() {
                    let _ = std::os::unix::fs::symlink(elsewhere, &stage);
                }
            }
        };
        let write = |folder: &Path| write_folder(&folder.join("bundle"), fill("one")).is_ok();
        assert_eq!(while_somebody_swaps(&shared, swap, write), [""; 0]);
    }
}
