//! Why a job could not be published, done or believed.

use super::hash::Hash;
use crate::bundle::BundleError;
use crate::proving::ProvingError;
use std::path::PathBuf;

/// Why a job could not be published, done or believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the fields are")]
pub enum ClusterError {
    /// There is no connection. Addresses may hold passwords, so they are not shown whole.
    #[error("no connection to the NATS server at `{server}`: {why}")]
    Connect { server: String, why: String },

    /// A file with credentials or certificates cannot be used.
    #[error("`{}` cannot be used: {why}", path.display())]
    File { path: PathBuf, why: String },

    /// The server, or the way to it, failed: it may pass.
    #[error("NATS: {doing} failed: {why}")]
    Server { doing: &'static str, why: String },

    /// Somebody sent what is no message of this program.
    #[error("{what} is not as it should be: {why}")]
    Message { what: &'static str, why: String },

    /// A message is of another version.
    #[error("{what} is version {found}, and this program knows version {expected}")]
    Version { what: &'static str, found: u64, expected: u32 },

    /// Something is longer than it may be.
    #[error("{what} has {bytes} bytes, more than the {limit} that are taken")]
    TooLarge { what: &'static str, bytes: u64, limit: u64 },

    /// Something is not what its name says.
    #[error("{what} `{hash}` is not what its hash says")]
    Changed { what: &'static str, hash: Hash },

    /// Something is not there.
    #[error("{what} `{hash}` is not on the server")]
    Missing { what: &'static str, hash: Hash },

    /// What is private was about to be sent in the clear.
    #[error("{what}, and no key of the workers is given to encrypt it to")]
    Hidden { what: &'static str },

    /// What was sealed cannot be opened.
    #[error("the input is not sealed to this worker's key for this bundle, or it was changed")]
    Sealed,

    /// No worker could do a job.
    #[error("the job `{job}` failed: {error}")]
    Failed { job: Hash, error: String },

    /// All proofs that came back were wrong.
    #[error(
        "the job `{job}` came back with a wrong proof {tries} times, the last one of worker `{worker}`: {why}"
    )]
    Wrong { job: Hash, tries: u32, worker: String, why: String },

    /// Nobody has done a job in the time that was given.
    #[error("the job `{job}` is not done after {seconds} s: {state}")]
    Late { job: Hash, seconds: u64, state: String },

    /// One of a model's parts is not proved.
    #[error("part {part} of {parts}: {error}")]
    Part { part: usize, parts: usize, error: Box<Self> },

    /// The parts' proofs make none of the model.
    #[error("the proofs of the parts are none of the model: {why}")]
    Joined { why: String },

    /// There is no runtime.
    #[error("no thread for the connection can be started")]
    Runtime(#[source] std::io::Error),

    /// The bundle cannot be used.
    #[error(transparent)]
    Bundle(#[from] BundleError),

    /// No proof can be made or checked.
    #[error(transparent)]
    Proving(#[from] ProvingError),
}

impl ClusterError {
    /// What to do about it, where the error alone can tell.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Connect { .. } => {
                Some("check that the server runs there, and `--creds` and `--ca`".into())
            }
            Self::Server { .. } => Some(
                "check that the server has JetStream (`nats-server --jetstream`), and what these credentials may do".into(),
            ),
            Self::Version { .. } => Some("run the same version everywhere".into()),
            Self::Hidden { .. } => Some(
                "make a key with `zkverdict worker --new-key FILE`, start workers with `--key FILE`, and give the public key that it prints with `--worker-key HEX`".into(),
            ),
            Self::Wrong { .. } => {
                Some("find the worker with `zkverdict jobs`, and take its credentials away".into())
            }
            Self::Failed { .. } => Some("`zkverdict jobs` shows what failed".into()),
            Self::Late { .. } => {
                Some("`zkverdict jobs` shows the queue and the workers; the job stays in the queue, and asking again finds it".into())
            }
            Self::Part { error, .. } => error.hint(),
            Self::Bundle(error) => error.hint(),
            Self::Proving(error) => error.hint(),
            _ => None,
        }
    }

    /// Whether nobody has done a job in the time that was given.
    pub(super) fn is_late(&self) -> bool {
        match self {
            Self::Part { error, .. } => error.is_late(),
            _ => matches!(self, Self::Late { .. }),
        }
    }

    /// That the server failed at something.
    pub(super) fn server<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> Self {
        move |why| Self::Server { doing, why: why.to_string() }
    }
}
