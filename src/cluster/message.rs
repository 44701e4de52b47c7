//! What requesters, workers and the server's stores say to each other: JSON documents of known versions and bounded lengths.

use super::ClusterError;
use super::hash::Hash;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The version of all messages.
const VERSION: u32 = 1;

/// Bytes of a message: a status holds a proof.
pub const LARGEST_MESSAGE: usize = 1 << 19;

/// Bytes of a proof.
pub const LARGEST_PROOF: usize = 1 << 17;

/// Characters of what workers say of themselves and of what failed.
const LONGEST_TEXT: usize = 500;

/// One proof to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    pub(super) version: u32,
    /// The archive of the bundle.
    pub bundle: Hash,
    /// The input as it is stored, sealed or not.
    pub input: Hash,
    /// The public key that it is sealed to.
    pub sealed_to: Option<Hash>,
    /// What proving takes at most, by the plan.
    pub memory_bytes: u64,
    /// Whether it is left to workers that prove on a device.
    pub gpu: bool,
    /// Of a model in parts, which part the bundle is of, counted from 1, and how many there are: for whoever looks.
    pub part: Option<[usize; 2]>,
}

/// Which jobs the proof of a model in parts is divided into, for whoever asks for the same again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Division {
    version: u32,
    /// One for each part, in order.
    pub jobs: Vec<Job>,
    /// Of what crosses cuts, which is in the sealed inputs with its blindings.
    pub names: Vec<Hash>,
}

/// How a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody has it.
    Queued,
    /// A worker has it.
    Proving,
    /// There is a proof.
    Done,
    /// It was given up.
    Dead,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Proving => "proving",
            Self::Done => "done",
            Self::Dead => "dead",
        })
    }
}

/// What is known of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    pub(super) version: u32,
    /// How it is.
    pub state: State,
    /// The job.
    pub job: Job,
    /// When it was published, in milliseconds of Unix time.
    pub published: u64,
    /// How often a worker began.
    pub begun: u32,
    /// How often a worker said that it cannot.
    pub failed: u32,
    /// How often a requester refused the proof.
    pub refused: u32,
    /// Who had it last.
    pub worker: Option<String>,
    /// What failed last, or why nobody can take it.
    pub error: Option<String>,
    /// The proof's bytes.
    pub proof: Option<String>,
}

/// A sign of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sign {
    version: u32,
    /// When it was given, in milliseconds of Unix time.
    pub at: u64,
    /// Since when the worker runs.
    pub since: u64,
    /// The job that it is at.
    pub job: Option<Hash>,
    /// Jobs that it has done.
    pub done: u64,
    /// The most memory that a job of it may take.
    pub memory_bytes: Option<u64>,
    /// The public key that it reads inputs with.
    pub key: Option<Hash>,
    /// The device that it proves on.
    pub gpu: Option<String>,
}

/// A job that was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeadLetter {
    version: u32,
    /// What came as a job's name, and as the job.
    pub name: String,
    /// The job, if it was one.
    pub job: Option<Job>,
    /// What failed.
    pub error: String,
    /// When it was given up.
    pub at: u64,
}

/// What every message has, whatever its version.
#[derive(Deserialize)]
struct Head {
    version: u64,
}

/// A document of this module.
pub trait Message: Serialize + DeserializeOwned {
    /// What it is called.
    const WHAT: &'static str;

    /// That its texts are short, and what else serde does not see.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }

    /// Reads one.
    fn read(bytes: &[u8]) -> Result<Self, ClusterError> {
        let what = Self::WHAT;
        if bytes.len() > LARGEST_MESSAGE {
            let (bytes, limit) = (bytes.len() as u64, LARGEST_MESSAGE as u64);
            return Err(ClusterError::TooLarge { what, bytes, limit });
        }
        let malformed = |why: String| ClusterError::Message { what, why };
        // The version first: another version's document may have other fields.
        let Head { version } =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        if version != u64::from(VERSION) {
            return Err(ClusterError::Version { what, found: version, expected: VERSION });
        }
        let read: Self =
            serde_json::from_slice(bytes).map_err(|error| malformed(error.to_string()))?;
        read.check().map_err(malformed)?;
        Ok(read)
    }

    /// Writes it.
    fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("its keys are texts")
    }
}

impl Message for Job {
    const WHAT: &'static str = "the job";
}

impl Message for Status {
    const WHAT: &'static str = "the status of the job";

    fn check(&self) -> Result<(), String> {
        let mut texts = [&self.worker, &self.error].into_iter().flatten();
        texts.try_for_each(|text| short(text))?;
        match &self.proof {
            Some(proof) if proof.len() > 2 * LARGEST_PROOF + 2 => {
                Err("its proof is too long".into())
            }
            None if self.state == State::Done => Err("it is done, and has no proof".into()),
            _ => Ok(()),
        }
    }
}

impl Message for Division {
    const WHAT: &'static str = "the division into parts";
}

impl Message for Sign {
    const WHAT: &'static str = "the sign of life";

    fn check(&self) -> Result<(), String> {
        self.gpu.as_deref().map_or(Ok(()), short)
    }
}

impl Message for DeadLetter {
    const WHAT: &'static str = "the dead letter";

    fn check(&self) -> Result<(), String> {
        short(&self.name).and_then(|()| short(&self.error))
    }
}

fn short(text: &str) -> Result<(), String> {
    let is_short = text.chars().count() <= LONGEST_TEXT;
    if is_short { Ok(()) } else { Err(format!("a text has more than {LONGEST_TEXT} characters")) }
}

/// A text as messages may hold it.
pub fn cut(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

/// Milliseconds of Unix time.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Job {
    /// A job of a bundle and an input as it is stored.
    pub fn new(bundle: Hash, input: Hash, sealed_to: Option<Hash>, memory_bytes: u64) -> Self {
        Self { version: VERSION, bundle, input, sealed_to, memory_bytes, gpu: false, part: None }
    }

    /// Its name: of the bundle and the input alone, so that the same job is the same whoever publishes it. What is sealed is
    /// another each time, so the name tells nobody which input it may be. A job for a device is another than one for everybody, which
    /// would wait with it otherwise.
    pub fn name(&self) -> Hash {
        let device: &[u8] = if self.gpu { b" gpu" } else { b"" };
        Hash::of(&[b"zkverdict job", device, &self.bundle.0, &self.input.0].concat())
    }
}

impl Division {
    /// Into these jobs.
    pub fn new(jobs: Vec<Job>, names: Vec<Hash>) -> Self {
        Self { version: VERSION, jobs, names }
    }
}

impl Status {
    /// Of a job that is published now.
    pub fn queued(job: Job) -> Self {
        Self {
            version: VERSION,
            state: State::Queued,
            job,
            published: now(),
            begun: 0,
            failed: 0,
            refused: 0,
            worker: None,
            error: None,
            proof: None,
        }
    }
}

impl Sign {
    /// Of a worker that starts now.
    pub fn new(memory_bytes: Option<u64>, key: Option<Hash>, gpu: Option<&str>) -> Self {
        let at = now();
        let gpu = gpu.map(cut);
        Self { version: VERSION, at, since: at, job: None, done: 0, memory_bytes, key, gpu }
    }
}

impl DeadLetter {
    /// Of what came as a job.
    pub fn new(name: &str, job: Option<Job>, error: &str) -> Self {
        Self { version: VERSION, name: cut(name), job, error: cut(error), at: now() }
    }
}
