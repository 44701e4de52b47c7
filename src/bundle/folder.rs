//! Folders that stay the same ones while files are made in them, whoever renames what lies on the way or puts links
//! there.

use std::{
    io::{Error, ErrorKind, Result},
    path::{Component, Path, PathBuf},
};

/// A folder held open. On Linux it stays the same one whatever comes to lie at its path; elsewhere links on the way are
/// refused, and whoever is quick enough can still put one there.
#[derive(Debug)]
pub struct Folder {
    name: PathBuf,
    path: PathBuf,
    #[cfg(target_os = "linux")]
    _handle: rustix::fd::OwnedFd,
}

impl Folder {
    /// The folder that somebody has named, through links too. It is made where there is none.
    pub fn at(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        Self::hold(path, path.to_owned())
    }

    /// A folder below this one, through no link. What is missing on the way is made.
    pub fn below(&self, inside: &Path) -> Result<Self> {
        let mut folder = Self::hold(&self.path, self.name.clone())?;
        for part in inside.components() {
            match part {
                Component::CurDir => {}
                Component::Normal(part) => folder = folder.child(Path::new(part))?,
                _ => return Err(Error::new(ErrorKind::InvalidInput, "it is not below the folder")),
            }
        }
        Ok(folder)
    }

    fn child(&self, part: &Path) -> Result<Self> {
        let path = self.path.join(part);
        match std::fs::create_dir(&path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Self::hold_own(&path, self.name.join(part)),
        }
    }

    /// What it is called, for people.
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// A path that leads to it, in this process and as long as it is held.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(target_os = "linux")]
impl Folder {
    /// Holds the folder at a path.
    fn hold(path: &Path, name: PathBuf) -> Result<Self> {
        Self::hold_as(path, name, rustix::fs::OFlags::empty())
    }

    /// Holds the folder at a path that ends with no link.
    pub fn hold_own(path: &Path, name: PathBuf) -> Result<Self> {
        Self::hold_as(path, name, rustix::fs::OFlags::NOFOLLOW)
    }

    fn hold_as(path: &Path, name: PathBuf, flags: rustix::fs::OFlags) -> Result<Self> {
        use rustix::fs::{Mode, OFlags, open};
        use std::os::fd::AsRawFd;
        let flags = flags | OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = open(path, flags, Mode::empty())?;
        let held = PathBuf::from(format!("/proc/self/fd/{}", handle.as_raw_fd()));
        // Not every sandbox has it.
        let path = if held.is_dir() { held } else { path.to_owned() };
        Ok(Self { name, path, _handle: handle })
    }
}

#[cfg(not(target_os = "linux"))]
impl Folder {
    fn hold(path: &Path, name: PathBuf) -> Result<Self> {
        Ok(Self { name, path: path.to_owned() })
    }

    /// The folder at a path that ends with no link.
    pub fn hold_own(path: &Path, name: PathBuf) -> Result<Self> {
        if !std::fs::symlink_metadata(path)?.is_dir() {
            return Err(Error::new(ErrorKind::NotADirectory, "it is not a folder"));
        }
        Self::hold(path, name)
    }
}
