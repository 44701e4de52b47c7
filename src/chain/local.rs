//! A chain of one's own, for as long as it is needed.

use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

use alloy::{
    node_bindings::{Anvil, AnvilInstance},
    signers::local::PrivateKeySigner,
};

use super::{Chain, ChainError, Key, variables::ANVIL_VARIABLE};
use crate::program;

/// An anvil that listens on a free port of this machine, and stops when this is dropped.
#[derive(Debug)]
pub struct LocalChain {
    anvil: AnvilInstance,
    url: String,
}

impl LocalChain {
    /// Starts the anvil that [`ANVIL_VARIABLE`] names, or the one in this package's `node_modules`, next to this
    /// program, in `PATH`, or where foundryup puts it for this user.
    pub fn start() -> Result<Self, ChainError> {
        Self::start_with(&find_anvil()?, ["--hardfork", "osaka"])
    }

    /// Starts a particular anvil with arguments of its own.
    pub fn start_with<S: Into<OsString>>(
        anvil: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<Self, ChainError> {
        let arguments = arguments.into_iter().map(Into::into);
        let hidden = program::withheld().map(|name| (name, ""));
        let builder = Anvil::at(anvil).host("127.0.0.1").args(arguments).envs(hidden);
        let instance = builder.try_spawn().map_err(|error| ChainError::AnvilFails {
            path: anvil.to_owned(),
            reason: error.to_string(),
        })?;
        if instance.keys().is_empty() {
            return Err(ChainError::AnvilFails {
                path: anvil.to_owned(),
                reason: "it has no accounts".into(),
            });
        }
        let url = instance.endpoint();
        Ok(Self { anvil: instance, url })
    }

    /// A chain wherever there may be no anvil: one that runs in this process takes its place, with the
    /// same id, the same rich account and the same fork. An anvil that is named by [`ANVIL_VARIABLE`]
    /// is not replaced.
    pub async fn start_or_in_process() -> Result<(Chain, Option<Self>), ChainError> {
        let is_named = env::var_os(ANVIL_VARIABLE).is_some_and(|path| !path.is_empty());
        match Self::start() {
            Ok(local) => {
                let chain = Chain::connect(local.url(), Some(local.key())).await?;
                Ok((chain, Some(local)))
            }
            Err(ChainError::NoAnvil { .. } | ChainError::AnvilFails { .. }) if !is_named => {
                Ok((Chain::in_process(), None))
            }
            Err(error) => Err(error),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The first of its accounts, which are rich on this chain and known to everybody.
    pub fn key(&self) -> Key {
        self.nth_key(0).expect("an anvil without accounts is refused at its start")
    }

    /// Another of its accounts.
    pub fn nth_key(&self, index: usize) -> Option<Key> {
        self.anvil.nth_key(index).map(|key| PrivateKeySigner::from(key.clone()).into())
    }
}

/// Finds an anvil binary, or says where none is.
pub fn find_anvil() -> Result<PathBuf, ChainError> {
    let mut looked_at = Vec::new();
    for candidate in anvil_candidates() {
        if is_native(&candidate) {
            return Ok(candidate);
        }
        looked_at.push(candidate);
    }
    Err(ChainError::NoAnvil { looked_at })
}

/// Where anvil may lie, best first.
fn anvil_candidates() -> Vec<PathBuf> {
    if let Some(path) = env::var_os(ANVIL_VARIABLE) {
        // Somebody who names one wants this one, or an error.
        return if path.is_empty() { vec![] } else { vec![path.into()] };
    }
    let binary = format!("anvil{}", env::consts::EXE_SUFFIX);
    let package = program::package().map(|package| package.join(npm_package()).join("bin"));
    let mut candidates: Vec<PathBuf> =
        package.into_iter().chain(program::folder()).map(|folder| folder.join(&binary)).collect();
    candidates.extend(program::on_path(&binary));
    let foundry = env::home_dir().map(|home| home.join(".foundry/bin").join(&binary));
    candidates.extend(foundry.filter(|path| path.is_absolute() && program::is_private(path)));
    candidates
}

/// The npm package with the native binary for this machine.
fn npm_package() -> String {
    let platform = match env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let architecture = match env::consts::ARCH {
        "aarch64" => "arm64",
        _ => "amd64",
    };
    format!("node_modules/@foundry-rs/anvil-{platform}-{architecture}")
}

/// Whether a file is there and is not a script: npm's launcher is a Node program, and killing that leaves
/// the real anvil running.
fn is_native(path: &Path) -> bool {
    use std::io::Read;
    let mut start = [0; 2];
    path.is_file()
        && crate::regular_file::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok()
        && &start != b"#!"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_absent_files_are_not_anvils() {
        let dir = tempfile::tempdir().expect("a directory");
        let script = dir.path().join("anvil");
        std::fs::write(&script, "#!/usr/bin/env node\n").expect("a file");
        assert!(!is_native(&script));
        assert!(!is_native(&dir.path().join("missing")));
        assert!(!is_native(dir.path()));
        std::fs::write(&script, b"\x7fELF").expect("a file");
        assert!(is_native(&script));
    }
}
