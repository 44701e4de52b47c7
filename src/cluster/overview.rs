//! What there is: queue, jobs, workers, dead letters.

use super::ClusterError;
use super::hash::Hash;
use super::message::{DeadLetter, Message, Sign, State, Status, now};
use super::server::{Server, ServerOptions};
use async_nats::jetstream::kv;
use futures_util::StreamExt;
use serde::Serialize;

/// How many jobs and dead letters are shown at most, the newest.
const SHOWN: usize = 1000;

/// What there is.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Jobs in the queue, those that workers have among them.
    pub queued: u64,
    /// Jobs of the last days, the newest first.
    pub jobs: Vec<JobLine>,
    /// Workers that live.
    pub workers: Vec<WorkerLine>,
    /// Jobs that were given up, the newest first.
    pub dead: Vec<DeadJob>,
}

/// A job.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "as in `Status`")]
pub struct JobLine {
    pub job: Hash,
    pub state: State,
    pub age_seconds: u64,
    pub begun: u32,
    pub failed: u32,
    pub refused: u32,
    pub memory_bytes: u64,
    pub gpu: bool,
    pub part: Option<[usize; 2]>,
    pub sealed: bool,
    pub worker: Option<String>,
    pub error: Option<String>,
}

/// A worker.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs, reason = "as in `Sign`")]
pub struct WorkerLine {
    pub worker: String,
    pub seen_seconds_ago: u64,
    pub up_seconds: u64,
    pub job: Option<Hash>,
    pub done: u64,
    pub memory_bytes: Option<u64>,
    pub key: Option<Hash>,
    pub gpu: Option<String>,
}

/// A job that was given up.
#[derive(Clone, Debug, Serialize)]
pub struct DeadJob {
    /// What came as its name.
    pub job: String,
    /// Which part of a model it is of, of how many.
    pub part: Option<[usize; 2]>,
    /// What failed.
    pub error: String,
    /// When it was given up.
    pub age_seconds: u64,
}

/// Seconds since a time in milliseconds.
fn since(then: u64) -> u64 {
    now().saturating_sub(then) / 1000
}

/// Looks at everything. What is no message of this program is left out.
pub fn overview(options: &ServerOptions) -> Result<Overview, ClusterError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ClusterError::Runtime)?;
    runtime.block_on(look(options))
}

async fn look(options: &ServerOptions) -> Result<Overview, ClusterError> {
    let server = Server::connect(options, "zkverdict jobs").await?;
    let queue =
        server.jobs.get_info().await.map_err(ClusterError::server("looking at the queue"))?;
    let mut jobs: Vec<(u64, JobLine)> = Vec::new();
    for (key, value) in entries(&server.status).await? {
        let Ok(status) = Status::read(&value) else { continue };
        let job = status.job.name();
        if job.to_string() == key {
            let line = JobLine {
                job,
                state: status.state,
                age_seconds: since(status.published),
                begun: status.begun,
                failed: status.failed,
                refused: status.refused,
                memory_bytes: status.job.memory_bytes,
                gpu: status.job.gpu,
                part: status.job.part,
                sealed: status.job.sealed_to.is_some(),
                worker: status.worker,
                error: status.error,
            };
            jobs.push((status.published, line));
        }
    }
    jobs.sort_by(|(a, first), (b, second)| b.cmp(a).then(first.job.cmp(&second.job)));
    jobs.truncate(SHOWN);
    let mut workers: Vec<WorkerLine> = Vec::new();
    for (worker, value) in entries(&server.workers).await? {
        let Ok(sign) = Sign::read(&value) else { continue };
        let Sign { at, since: up, job, done, memory_bytes, key, gpu, .. } = sign;
        let (seen_seconds_ago, up_seconds) = (since(at), since(up));
        workers.push(WorkerLine {
            worker,
            seen_seconds_ago,
            up_seconds,
            job,
            done,
            memory_bytes,
            key,
            gpu,
        });
    }
    workers.sort_by(|a, b| a.worker.cmp(&b.worker));
    let doing = "looking at the dead letters";
    let info = server.dead.get_info().await.map_err(ClusterError::server(doing))?;
    let mut dead = Vec::new();
    let (first, last) = (info.state.first_sequence.max(1), info.state.last_sequence);
    let oldest = first.max(last.saturating_add(1).saturating_sub(SHOWN as u64));
    for number in (oldest..=last).rev().take(SHOWN) {
        // One may have gone meanwhile.
        let Ok(message) = server.dead.get_raw_message(number).await else { continue };
        let Ok(letter) = DeadLetter::read(&message.payload) else { continue };
        let age_seconds = since(letter.at);
        let part = letter.job.and_then(|job| job.part);
        dead.push(DeadJob { job: letter.name, part, error: letter.error, age_seconds });
    }
    let jobs = jobs.into_iter().map(|(_, line)| line).collect();
    Ok(Overview { queued: queue.state.messages, jobs, workers, dead })
}

/// All that a bucket holds, by its keys.
async fn entries(bucket: &kv::Store) -> Result<Vec<(String, Vec<u8>)>, ClusterError> {
    let doing = "looking at jobs and workers";
    let mut keys = bucket.keys().await.map_err(ClusterError::server(doing))?;
    let mut found = Vec::new();
    while let Some(key) = keys.next().await {
        let key = key.map_err(ClusterError::server(doing))?;
        let value = bucket.get(&key).await.map_err(ClusterError::server(doing))?;
        found.extend(value.map(|value| (key, value.to_vec())));
    }
    Ok(found)
}
