//! What was deployed where: `deployments/<chain id>.json`, one file per chain.
//!
//! The chain itself knows best, so nothing here is needed to find a contract again. The files are for
//! people, scripts and front ends.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

use crate::regular_file;

use super::{
    ChainError, Contract, DeployOptions, Deployed,
    disk::{FileSystem, write_atomically},
};

/// A directory of records.
#[derive(Clone, Debug)]
pub struct Records {
    directory: PathBuf,
}

/// One contract on one chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The contract's name.
    pub name: String,
    /// Where it lies.
    pub address: Address,
    /// The transaction that put it there, if it was ours.
    pub transaction: Option<B256>,
    /// The block of that transaction.
    pub block: Option<u64>,
    /// The CREATE2 salt.
    pub salt: B256,
    /// What the constructor took, as the ABI encodes it, if it took anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Bytes>,
    /// Hash of the code that the deployer ran.
    pub init_code_hash: B256,
    /// Hash of the code that lies there.
    pub code_hash: B256,
    /// Digest of the verifying key, for verifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vk_digest: Option<B256>,
    /// Whether the keys come from an SRS whose secret somebody may know.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unsafe_dev_srs: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct ChainRecords {
    chain_id: u64,
    contracts: Vec<Record>,
}

impl Record {
    /// The record of a deployment.
    pub fn new(
        contract: &Contract,
        options: &DeployOptions,
        deployed: &Deployed,
        vk_digest: Option<B256>,
    ) -> Self {
        Self {
            name: contract.name.clone(),
            address: deployed.address,
            transaction: deployed.transaction,
            block: deployed.block,
            salt: options.salt,
            arguments: None,
            init_code_hash: contract.init_code_hash(),
            code_hash: deployed.code_hash,
            vk_digest,
            unsafe_dev_srs: options.unsafe_dev_srs,
        }
    }
}

impl Records {
    /// Records in a directory, which is made when something is added.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    /// The file for a chain.
    pub fn path(&self, chain_id: u64) -> PathBuf {
        self.directory.join(format!("{chain_id}.json"))
    }

    /// Everything on a chain, oldest first; nothing if there is no file.
    pub fn read(&self, chain_id: u64) -> Result<Vec<Record>, ChainError> {
        let path = self.path(chain_id);
        let text = match regular_file::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ChainError::Record { path, source }),
        };
        let parsed: Result<ChainRecords, _> = serde_json::from_slice(&text);
        match parsed {
            Ok(records) if records.chain_id == chain_id => Ok(records.contracts),
            Ok(records) => Err(ChainError::Record {
                source: io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("holds records of chain {}", records.chain_id),
                ),
                path,
            }),
            Err(error) => Err(ChainError::Record { path, source: error.into() }),
        }
    }

    /// The last contract of that name on a chain.
    pub fn find(&self, chain_id: u64, name: &str) -> Result<Option<Record>, ChainError> {
        Ok(self.read(chain_id)?.into_iter().rev().find(|record| record.name == name))
    }

    /// Whether records can be added, asked before anything is paid for. Makes the directory.
    pub fn check(&self, chain_id: u64) -> Result<(), ChainError> {
        let at = |path: &Path, source| ChainError::Record { path: path.to_owned(), source };
        fs::create_dir_all(&self.directory).map_err(|source| at(&self.directory, source))?;
        let places = [self.directory.join(".lock"), self.path(chain_id).with_extension("tmp")];
        match places.iter().find(|place| place.is_symlink()) {
            Some(place) => Err(at(place, io::Error::other("it is a symbolic link"))),
            None => self.read(chain_id).map(drop),
        }
    }

    /// Adds a record and gives the file's path. One for the same address is replaced, but what was
    /// known of its transaction stays known.
    pub fn add(&self, chain_id: u64, mut record: Record) -> Result<PathBuf, ChainError> {
        let path = self.path(chain_id);
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| ChainError::Record { path, source }
        };
        fs::create_dir_all(&self.directory).map_err(at(&self.directory))?;
        // Held until the end: two deployments at a time must not forget one of them.
        let lock_path = self.directory.join(".lock");
        let lock = regular_file::open_lock(&lock_path).map_err(at(&lock_path))?;
        lock.lock().map_err(at(&lock_path))?;

        let mut contracts = self.read(chain_id)?;
        if let Some(index) = contracts.iter().position(|known| known.address == record.address) {
            let known = contracts.remove(index);
            record.transaction = record.transaction.or(known.transaction);
            record.block = record.block.or(known.block);
        }
        contracts.push(record);
        let mut text = serde_json::to_vec_pretty(&ChainRecords { chain_id, contracts })
            .expect("records have string keys and no floats");
        text.push(b'\n');
        write_atomically(&FileSystem, &path, &text)?;
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, byte: u8, transaction: Option<B256>) -> Record {
        Record {
            name: name.into(),
            address: Address::repeat_byte(byte),
            transaction,
            block: transaction.map(|_| 7),
            salt: B256::ZERO,
            arguments: None,
            init_code_hash: B256::repeat_byte(byte),
            code_hash: B256::repeat_byte(byte),
            vk_digest: None,
            unsafe_dev_srs: false,
        }
    }

    #[test]
    fn later_records_are_found_first_and_known_transactions_stay() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path().join("deployments"));
        assert_eq!(records.read(1).expect("no file is no error"), []);

        let transaction = Some(B256::repeat_byte(9));
        records.add(1, record("A", 1, transaction)).expect("written");
        records.add(1, record("A", 2, None)).expect("written");
        records.add(5, record("A", 3, None)).expect("written");
        let found = records.find(1, "A").expect("readable").expect("there");
        assert_eq!(found.address, Address::repeat_byte(2));

        records.add(1, record("A", 1, None)).expect("written");
        let found = records.find(1, "A").expect("readable").expect("there");
        assert_eq!((found.transaction, found.block), (transaction, Some(7)));
        assert_eq!(records.read(1).expect("readable").len(), 2);
    }

    #[test]
    fn concurrent_additions_are_all_kept() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path());
        std::thread::scope(|scope| {
            for byte in 1..=16 {
                let records = &records;
                scope.spawn(move || records.add(1, record("A", byte, None)).expect("written"));
            }
        });
        assert_eq!(records.read(1).expect("readable").len(), 16);
    }

    /// As somebody else's repository could have them in its `deployments`.
    #[cfg(unix)]
    #[test]
    fn links_to_other_files_are_not_written_through() {
        for link in [".lock", "1.tmp"] {
            let dir = tempfile::tempdir().expect("a directory");
            let precious = dir.path().join("precious");
            fs::write(&precious, "precious").expect("written");
            std::os::unix::fs::symlink(&precious, dir.path().join(link)).expect("a link");
            let records = Records::new(dir.path());
            for refused in [records.check(1), records.add(1, record("A", 1, None)).map(drop)] {
                assert!(matches!(refused, Err(ChainError::Record { .. })), "{link}");
            }
            assert_eq!(fs::read_to_string(&precious).expect("readable"), "precious", "{link}");
        }
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays_as_it_is() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path());
        for text in ["{", "{\"chain_id\": 2, \"contracts\": []}"] {
            fs::write(records.path(1), text).expect("written");
            assert!(matches!(records.add(1, record("A", 1, None)), Err(ChainError::Record { .. })));
            assert_eq!(fs::read_to_string(records.path(1)).expect("readable"), text);
        }
    }
}
