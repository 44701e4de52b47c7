//! Files from outside, opened so that none makes this program wait, or run out of memory.

use std::{
    fs::{File, OpenOptions},
    io::{Error, ErrorKind, Read},
    path::Path,
};

/// The largest file that is read at once: a ceremony's string of the largest size.
const LARGEST: u64 = 1 << 35;

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
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        return Ok(file);
    }
    Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"))
}

/// All that is in a regular file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    if length > LARGEST {
        let problem = format!("it has {length} bytes, at most {LARGEST} are read");
        return Err(Error::new(ErrorKind::FileTooLarge, problem));
    }
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(LARGEST).read_to_end(&mut bytes)?;
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
        let sparse = File::create(&file).expect("a file");
        sparse.set_len(LARGEST + 1).expect("a file with a hole");
        assert_eq!(read(&file).unwrap_err().kind(), ErrorKind::FileTooLarge);
    }
}
