//! One sender for a key on a machine.

use std::{
    env,
    fs::{self, File, TryLockError},
    path::PathBuf,
    time::Duration,
};

use super::{Chain, ChainError};
use crate::regular_file;

/// How long to wait for another process that sends: a transaction takes seconds, a loop forever.
const PATIENCE: Duration = Duration::from_secs(15);

/// Held while nonces of a key are given out. The system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct KeyLock {
    _file: File,
}

impl KeyLock {
    /// Takes the lock, waiting for others if that is wished for. `None` where nobody else can send.
    pub(super) async fn take(chain: &Chain, waits: bool) -> Result<Option<Self>, ChainError> {
        if !chain.is_shared() {
            return Ok(None);
        }
        let start = chain.clock().now();
        loop {
            match Self::try_take(chain) {
                Err(ChainError::KeyInUse { .. })
                    if waits && chain.clock().now() - start < PATIENCE =>
                {
                    chain.clock().sleep(Duration::from_millis(100)).await;
                }
                taken => return taken.map(Some),
            }
        }
    }

    /// Takes the lock, or says who has it.
    pub(super) fn try_take(chain: &Chain) -> Result<Self, ChainError> {
        let sender = chain.key()?.address();
        // Development nodes share their id and their keys; what differs is where they listen.
        let place = if chain.is_local() {
            chain.endpoint().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
        } else {
            String::new()
        };
        let folder = folder();
        let failed = |path: &PathBuf, source| ChainError::Record { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(|source| failed(&folder, source))?;
        let path = folder.join(format!("{}-{sender}{place}.lock", chain.id()));
        let file = regular_file::open_lock(&path).map_err(|source| failed(&path, source))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ChainError::KeyInUse { sender, lock: path }),
            Err(TryLockError::Error(source)) => Err(failed(&path, source)),
        }
    }
}

/// Where all processes of this user look.
fn folder() -> PathBuf {
    let user = env::home_dir().filter(|home| home.is_dir());
    user.map_or_else(|| env::temp_dir().join("zkverdict"), |home| home.join(".zkverdict"))
        .join("locks")
}
