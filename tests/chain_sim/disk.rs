//! A disk that fails at any step, and loses at a crash what was not synced.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use zkverdict::chain::Disk;

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    is_synced: bool,
}

#[derive(Debug)]
struct Inner {
    random: ChaCha8Rng,
    /// What readers see.
    files: BTreeMap<PathBuf, Contents>,
    /// The names that outlast a crash.
    durable: BTreeMap<PathBuf, Contents>,
    failure: f64,
    /// Steps until the process dies; none: it lives.
    dies_in: Option<u64>,
    is_dead: bool,
    everything: Vec<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<Inner>>);

impl SimDisk {
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            random: ChaCha8Rng::seed_from_u64(seed ^ 0xd15c),
            files: BTreeMap::new(),
            durable: BTreeMap::new(),
            failure: 0.0,
            dies_in: None,
            is_dead: false,
            everything: Vec::new(),
        })))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("no panics")
    }

    /// How likely a step fails from now on.
    pub fn set_failure(&self, failure: f64) {
        self.inner().failure = failure;
    }

    /// The process dies at a step from now.
    pub fn die_in(&self, steps: Option<u64>) {
        let mut inner = self.inner();
        (inner.dies_in, inner.is_dead) = (steps, false);
    }

    pub fn is_dead(&self) -> bool {
        self.inner().is_dead
    }

    /// The power fails: of what was not synced, anything or nothing is left, and files half.
    pub fn crash(&self) {
        let inner = &mut *self.inner();
        let mut after = inner.durable.clone();
        let names: Vec<PathBuf> = inner.files.keys().chain(inner.durable.keys()).cloned().collect();
        for name in names {
            if !inner.random.gen_bool(0.5) {
                continue;
            }
            match inner.files.get(&name) {
                Some(contents) => after.insert(name, contents.clone()),
                None => after.remove(&name),
            };
        }
        for contents in after.values_mut().filter(|contents| !contents.is_synced) {
            let left = inner.random.gen_range(0..=contents.bytes.len());
            contents.bytes.truncate(left);
            contents.is_synced = true;
        }
        inner.files.clone_from(&after);
        inner.durable = after;
    }

    /// Everything that was ever written.
    pub fn everything(&self) -> Vec<Vec<u8>> {
        self.inner().everything.clone()
    }

    pub fn text(&self, path: &Path) -> Option<String> {
        self.inner().files.get(path).map(|file| String::from_utf8_lossy(&file.bytes).into_owned())
    }
}

impl Inner {
    /// Does a step, or half of it, or nothing.
    fn step(&mut self, act: impl FnOnce(&mut Self)) -> io::Result<()> {
        if self.is_dead {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if let Some(left) = &mut self.dies_in {
            if *left == 0 {
                self.is_dead = true;
                if self.random.gen_bool(0.5) {
                    act(self);
                }
                return Err(io::ErrorKind::Interrupted.into());
            }
            *left -= 1;
        }
        if self.failure > 0.0 && self.random.gen_bool(self.failure) {
            // A failure may come after the deed.
            if self.random.gen_bool(0.5) {
                act(self);
            }
            let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::Other];
            return Err(kinds[self.random.gen_range(0..2)].into());
        }
        act(self);
        Ok(())
    }
}

impl Disk for SimDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let inner = self.inner();
        inner.files.get(path).map(|file| file.bytes.clone()).ok_or(io::ErrorKind::NotFound.into())
    }

    fn write(&self, path: &Path, contents: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        inner.everything.push(contents.to_vec());
        inner.step(|inner| {
            let file = Contents { bytes: contents.to_vec(), is_synced: false };
            inner.files.insert(path.to_owned(), file);
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.inner().step(|inner| {
            if let Some(file) = inner.files.get_mut(path) {
                file.is_synced = true;
            }
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner().step(|inner| {
            if let Some(file) = inner.files.remove(from) {
                inner.files.insert(to.to_owned(), file);
            }
        })
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        self.inner().step(|inner| inner.durable.clone_from(&inner.files))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner().step(|inner| {
            inner.files.remove(path);
        })
    }
}
