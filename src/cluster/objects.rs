//! Bundles and inputs on the server, by the hash of their bytes.

use super::ClusterError;
use super::hash::Hash;
use super::message::now;
use super::server::{KEPT, Server};
use async_nats::jetstream::object_store::{GetErrorKind, InfoErrorKind, ObjectMetadata};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Bytes of a bundle's archive, and of an input.
pub const LARGEST_BUNDLE: u64 = 1 << 33;
pub const LARGEST_INPUT: u64 = 1 << 28;

/// Bytes that go at once; the server takes a million.
const CHUNK: usize = 1 << 19;

/// Reading stops when nothing comes for so long.
const PATIENCE: Duration = Duration::from_secs(20);

const SENDING: &str = "sending the bundle and the input";

impl Server {
    /// Whether something with a hash and of a length is there, and for some time to come.
    pub async fn has(&self, hash: Hash, length: Option<u64>) -> Result<bool, ClusterError> {
        match self.objects.info(hash.to_string()).await {
            Ok(info) => {
                // Old ones go while a job waits: they are sent again in time.
                let modified = info.modified.map_or(0, |time| time.unix_timestamp().unsigned_abs());
                let is_new = (now() / 1000).saturating_sub(modified) < KEPT.as_secs() / 2;
                let is_as_long = length.is_none_or(|length| info.size as u64 == length);
                Ok(!info.deleted && is_as_long && is_new)
            }
            Err(error) if error.kind() == InfoErrorKind::NotFound => Ok(false),
            Err(error) => Err(ClusterError::server(SENDING)(error)),
        }
    }

    /// Stores bytes by their hash, whatever is there.
    pub async fn put(
        &self,
        what: &'static str,
        (hash, bytes): (Hash, &[u8]),
        limit: u64,
    ) -> Result<(), ClusterError> {
        let length = bytes.len() as u64;
        if length > limit {
            return Err(ClusterError::TooLarge { what, bytes: length, limit });
        }
        let name = hash.to_string();
        let meta = ObjectMetadata { name, chunk_size: Some(CHUNK), ..Default::default() };
        let mut rest = bytes;
        let put = self.objects.put(meta, &mut rest).await;
        put.map(drop).map_err(ClusterError::server(SENDING))
    }

    /// Reads what was stored, and checks that it is what its hash says.
    pub async fn get(
        &self,
        what: &'static str,
        hash: Hash,
        limit: u64,
    ) -> Result<Vec<u8>, ClusterError> {
        let doing = "fetching the bundle and the input";
        // An object may be a link to itself.
        let object = tokio::time::timeout(PATIENCE, self.objects.get(hash.to_string())).await;
        let object = object.map_err(|_| ClusterError::server(doing)("nothing comes"))?;
        let object = match object {
            Ok(object) => object,
            Err(error) if error.kind() == GetErrorKind::NotFound => {
                return Err(ClusterError::Missing { what, hash });
            }
            Err(error) => return Err(ClusterError::server(doing)(error)),
        };
        let length = object.info.size as u64;
        if length > limit {
            return Err(ClusterError::TooLarge { what, bytes: length, limit });
        }
        // Whoever wrote the length may have written more.
        let mut object = object.take(length);
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = tokio::time::timeout(PATIENCE, object.read(&mut chunk)).await;
            let read = read.map_err(|_| ClusterError::server(doing)("nothing comes"))?;
            match read {
                Ok(0) => break,
                Ok(count) => bytes.extend(&chunk[..count]),
                // The store's own hash is another's word.
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    return Err(ClusterError::Changed { what, hash });
                }
                Err(error) => return Err(ClusterError::server(doing)(error)),
            }
        }
        if Hash::of(&bytes) == hash { Ok(bytes) } else { Err(ClusterError::Changed { what, hash }) }
    }

    /// Forgets something, where the server lets it.
    pub async fn forget(&self, hash: Hash) {
        let _ = self.objects.delete(hash.to_string()).await;
    }
}
