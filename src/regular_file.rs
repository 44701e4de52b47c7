//! Files from outside, opened so that none makes this program wait, or run out of memory.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read},
    path::Path,
};

/// The largest file that is read at once, but for strings: that of a model, in protobuf's own bound.
const LARGEST: u64 = 1 << 31;

/// The largest string: a ceremony's for the largest circuits, and some more.
#[cfg(feature = "prove")]
pub(crate) const LARGEST_STRING: u64 = 1 << 35;

/// The largest JSON document. Two bytes of nested brackets take 160 bytes of memory.
pub(crate) const LARGEST_DOCUMENT: u64 = 1 << 23;

/// `O_NONBLOCK`: a named pipe that nobody writes to opens at once.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NON_BLOCKING: i32 = 0o4000;
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
const NON_BLOCKING: i32 = 0x4;

/// Opens a regular file, not a pipe, a device or a folder.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NON_BLOCKING);
    regular(options.open(path)?)
}

fn regular(file: File) -> Result<File, Error> {
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"))
}

/// Opens a regular file in a folder or below it, whichever links lie there, and whoever changes them meanwhile.
#[cfg(feature = "prove")]
pub(crate) fn open_beneath(folder: &Path, name: &Path) -> Result<File, Error> {
    let outside = || {
        let problem = format!("it is outside the folder `{}`", folder.display());
        Error::new(ErrorKind::PermissionDenied, problem)
    };
    #[cfg(target_os = "linux")]
    {
        use rustix::{fs, io::Errno};
        let path = fs::OFlags::PATH | fs::OFlags::DIRECTORY | fs::OFlags::CLOEXEC;
        let root = fs::open(folder, path, fs::Mode::empty())?;
        let read = fs::OFlags::RDONLY | fs::OFlags::NONBLOCK | fs::OFlags::CLOEXEC;
        let within = fs::ResolveFlags::BENEATH | fs::ResolveFlags::NO_MAGICLINKS;
        match fs::openat2(&root, name, read, fs::Mode::empty(), within) {
            // Not every kernel has this call, and not every sandbox lets it through.
            Err(Errno::NOSYS | Errno::PERM) => {}
            // Names changed while it looked.
            Err(Errno::AGAIN) => return Err(ErrorKind::ResourceBusy.into()),
            Err(Errno::XDEV) => return Err(outside()),
            opened => return regular(File::from(opened?)),
        }
    }
    let folder = folder.canonicalize()?;
    let place = folder.join(name).canonicalize()?;
    if place.starts_with(&folder) { open(&place) } else { Err(outside()) }
}

/// Opens a file to hold its lock, or makes it. Nothing in it changes.
#[cfg(feature = "chain")]
pub(crate) fn open_lock(path: &Path) -> Result<File, Error> {
    open_to_write(path)
}

/// Makes a file with these contents, or empties one and fills it anew.
#[cfg(feature = "chain")]
pub(crate) fn overwrite(path: &Path, contents: &[u8]) -> Result<(), Error> {
    let mut file = open_to_write(path)?;
    file.set_len(0)?;
    std::io::Write::write_all(&mut file, contents)
}

/// Not through a symbolic link: who puts one in the place of a file that this program will write lets it write to
/// another.
#[cfg(feature = "chain")]
fn open_to_write(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    {
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NON_BLOCKING | no_follow);
    }
    regular(options.open(path)?)
}

/// All that is in a regular file.
#[cfg(any(test, feature = "prove", feature = "compile", feature = "chain"))]
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_at_most(path, LARGEST)
}

/// All that is in a regular file, where that is not too much.
pub(crate) fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, Error> {
    read_open_at_most(open(path)?, limit)
}

/// All that is in an open file, where that is not too much.
pub(crate) fn read_open(file: File) -> Result<Vec<u8>, Error> {
    read_open_at_most(file, LARGEST)
}

fn read_open_at_most(file: File, limit: u64) -> Result<Vec<u8>, Error> {
    let length = file.metadata()?.len();
    if length > limit {
        let problem = format!("it has {length} bytes, at most {limit} are read");
        return Err(Error::new(ErrorKind::FileTooLarge, problem));
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn only_regular_files_are_read_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, pipe) = (folder.path().join("file"), folder.path().join("pipe"));
        std::fs::write(&file, "content").expect("a file");
        assert_eq!(read(&file).expect("a file"), b"content");
        assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
        for other in [&pipe, folder.path(), Path::new("/dev/zero")] {
            assert!(read(other).is_err(), "{}", other.display());
        }
        #[cfg(feature = "prove")]
        {
            use std::os::unix::fs::symlink;
            let inner = folder.path().join("inner");
            std::fs::create_dir(&inner).expect("a folder");
            std::fs::write(inner.join("own"), "own").expect("a file");
            for (name, target) in
                [("near", "own"), ("far", "../file"), ("absolute", "/etc/hostname"), ("up", "..")]
            {
                symlink(target, inner.join(name)).expect("a link");
            }
            let read = |name: &str| {
                let mut text = String::new();
                open_beneath(&inner, Path::new(name))?.read_to_string(&mut text).map(|_| text)
            };
            assert_eq!(
                (read("own").expect("it is"), read("near").expect("it is")),
                ("own".into(), "own".into())
            );
            for name in ["far", "absolute", "up/file", "../file", "/etc/hostname"] {
                assert_eq!(read(name).unwrap_err().kind(), ErrorKind::PermissionDenied, "{name}");
            }
            assert!(read(".").is_err() && read("up/pipe").is_err());
        }
        #[cfg(feature = "chain")]
        {
            let link = folder.path().join("link");
            std::os::unix::fs::symlink(&file, &link).expect("a link");
            assert!(open_lock(&link).is_err() && overwrite(&link, b"gone").is_err());
            drop(open_lock(&file).expect("a file"));
            assert_eq!(read(&file).expect("a file"), b"content");
            overwrite(&file, b"new").expect("a file");
            assert_eq!(read(&file).expect("a file"), b"new");
            assert!(open_lock(&pipe).is_err());
        }
        let sparse = File::create(&file).expect("a file");
        sparse.set_len(LARGEST + 1).expect("a file with a hole");
        assert_eq!(read(&file).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }

    #[cfg(all(feature = "prove", target_os = "linux"))]
    #[test]
    fn nothing_outside_is_read_whoever_changes_links_meanwhile() {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use std::os::unix::fs::symlink;
        use std::sync::atomic::{AtomicBool, Ordering};
        let folder = tempfile::tempdir().expect("a folder");
        let place = |name: &str| folder.path().join(name);
        for (name, text) in [("secret", "secret"), ("model/data", "own"), ("model/in/data", "own")]
        {
            std::fs::create_dir_all(place(name).parent().expect("it has one")).expect("a folder");
            std::fs::write(place(name), text).expect("a file");
        }
        std::fs::create_dir(place("out")).expect("a folder");
        std::fs::write(place("out/data"), "secret").expect("a file");
        symlink("../secret", place("model/other")).expect("a link");
        symlink("../out", place("model/away")).expect("a link");
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for (own, link) in [("data", "other"), ("in", "away")] {
                        let [own, link] = [own, link].map(|name| place("model").join(name));
                        renameat_with(CWD, own, CWD, link, RenameFlags::EXCHANGE).expect("there");
                    }
                }
            });
            let read = (0..4_000).filter_map(|turn| {
                let name = if turn % 2 == 0 { "data" } else { "in/data" };
                open_beneath(&place("model"), Path::new(name)).and_then(read_open).ok()
            });
            let read: Vec<Vec<u8>> = read.collect();
            done.store(true, Ordering::Relaxed);
            assert!(!read.is_empty() && read.iter().all(|bytes| bytes == b"own"));
        });
    }
}
