//! A job under way: it is published until there is a proof of it that verifies.

use super::ClusterError;
use super::hash::Hash;
use super::message::{Job, State, Status, cut};
use super::objects::{LARGEST_BUNDLE, LARGEST_INPUT};
use super::seal::PublicKey;
use super::server::{Server, ServerOptions};
use crate::bundle::{Bundle, Work, unhex, wipe};
use crate::circuit::{InstanceLayout, Word};
use crate::proving::{ModelVerifier, Proof};
use futures_util::StreamExt;
use std::time::{Duration, Instant};

/// How often a job is published again because its proof was wrong.
const TRIES: u32 = 3;

/// Between two looks at a job of which nothing is told.
const LOOK: Duration = Duration::from_secs(1);

/// Between two times that a job is published that is not done: a server that lost what it had not written has it again.
const AGAIN: Duration = Duration::from_secs(30);

/// What a requester does not find out by itself.
#[derive(Clone, Debug)]
pub struct RequesterOptions {
    /// Where the jobs go.
    pub server: ServerOptions,
    /// What inputs are sealed to.
    pub worker_key: Option<PublicKey>,
    /// Whether jobs are left to workers that prove on a device.
    pub gpu: bool,
    /// How long a job may take, from its publication on.
    pub wait: Duration,
}

/// What a requester tells while it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub enum RequestEvent {
    /// The job is in the queue, or a worker has it: why it waits, where it was left.
    Waits { job: Hash, state: State, worker: Option<String>, why: Option<String> },
    /// A worker's proof is wrong; the job is published again.
    Refused { job: Hash, worker: String, why: String },
    /// The server does not answer; it is asked again.
    Trouble { why: String },
}

/// Whoever is told.
pub type Tell<'a> = dyn Fn(RequestEvent) + Sync + 'a;

/// Whether everybody may see all that a proof is made of: why not.
pub fn hidden(layout: &InstanceLayout) -> Option<&'static str> {
    if !layout.shows_input() {
        Some("the bundle keeps inputs private, hashed or committed")
    } else if layout.commits_outputs() {
        Some("the bundle keeps outputs committed")
    } else if layout.names_weights {
        Some("the bundle keeps weights committed")
    } else {
        None
    }
}

/// The connection of whoever asks.
pub struct Desk {
    runtime: tokio::runtime::Runtime,
    pub server: Server,
    pub options: RequesterOptions,
}

impl Desk {
    /// Connects.
    pub fn open(options: RequesterOptions) -> Result<Self, ClusterError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(ClusterError::Runtime)?;
        let connect = Server::connect(&options.server, "zkverdict prove");
        let server = runtime.block_on(connect)?;
        Ok(Self { runtime, server, options })
    }

    /// Waits for something on a thread of its own: no runtime waits inside another.
    pub fn wait_for<T: Send>(&self, what: impl Future<Output = T> + Send) -> T {
        let handle = self.runtime.handle();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| handle.block_on(what));
            waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Does something again and again while the server does not answer.
    pub async fn trying<T, F: Future<Output = Result<T, ClusterError>>>(
        &self,
        begun: Instant,
        tell: &Tell<'_>,
        mut what: impl FnMut() -> F,
    ) -> Result<T, ClusterError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match what().await {
                Err(error @ ClusterError::Server { .. }) if begun.elapsed() < self.options.wait => {
                    tell(RequestEvent::Trouble { why: error.to_string() });
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(Duration::from_secs(5));
                }
                outcome => return outcome,
            }
        }
    }
}

/// A bundle, or that of a model's part, as jobs have it.
pub struct Sent {
    bundle: Bundle,
    pub hash: Hash,
    length: u64,
    memory_bytes: u64,
    part: Option<[usize; 2]>,
}

impl Sent {
    /// What proving takes at most is by the plan: workers with less leave its jobs to others.
    pub fn new(
        bundle: &Bundle,
        memory_bytes: u64,
        part: Option<[usize; 2]>,
    ) -> Result<Self, ClusterError> {
        let archive = bundle.archive()?;
        let (hash, length) = (Hash::of(&archive), archive.len() as u64);
        Ok(Self { bundle: bundle.clone(), hash, length, memory_bytes, part })
    }

    /// A job of an input as it is stored.
    pub fn job(&self, input: Hash, options: &RequesterOptions) -> Job {
        let sealed_to = options.worker_key.as_ref().map(PublicKey::bytes);
        let job = Job::new(self.hash, input, sealed_to, self.memory_bytes);
        Job { gpu: options.gpu, part: self.part, ..job }
    }

    /// An input as it is stored: where there is a key of the workers, for them alone.
    pub fn input(&self, work: &Work, key: Option<&PublicKey>) -> Result<Vec<u8>, ClusterError> {
        let mut bytes = work.to_bytes();
        let Some(key) = key else { return Ok(bytes) };
        let sealed = key.seal(&bytes, self.hash);
        wipe(&mut bytes);
        sealed
    }

    /// Its archive, read when it is sent: the bundles of all parts together are large.
    fn archive(&self) -> Result<Vec<u8>, ClusterError> {
        let archive = self.bundle.archive()?;
        let is_same = Hash::of(&archive) == self.hash;
        let changed = ClusterError::Changed { what: "the bundle", hash: self.hash };
        if is_same { Ok(archive) } else { Err(changed) }
    }
}

/// A job under way.
pub struct Request<'a> {
    pub desk: &'a Desk,
    pub sent: &'a Sent,
    pub verifier: &'a ModelVerifier,
    pub job: Job,
    /// As it is stored; nothing where somebody else has stored it.
    pub input: Option<&'a [u8]>,
    /// Whether all is sent again: what was sent before may be why it was given up.
    pub anew: bool,
    /// Those of every proof that is taken.
    pub instances: Vec<Word>,
    pub tell: Box<dyn Fn(RequestEvent) + Send + Sync + 'a>,
}

impl Request<'_> {
    /// Waits for a proof that verifies.
    pub async fn prove(&self) -> Result<Proof, ClusterError> {
        let name = self.job.name();
        let begun = Instant::now();
        let mut told = self.trying(begun, || self.desk.server.told(name)).await?;
        let mut number = self.trying(begun, || self.queue()).await?;
        let mut refused = 0;
        loop {
            let (proof, status, found) = self.wait(begun, &mut told, number).await?;
            let proof = Proof {
                format: Some(self.verifier.format()),
                vk_digest: self.verifier.digest(),
                bytes: proof,
                instances: self.instances.clone(),
            };
            let Err(why) = self.verifier.verify(&proof) else {
                if self.job.sealed_to.is_some() {
                    // Nobody else has asked for it.
                    self.desk.server.forget(self.job.input).await;
                }
                return Ok(proof);
            };
            let (why, worker) = (why.to_string(), status.worker.clone().unwrap_or_default());
            refused += 1;
            if refused == TRIES {
                return Err(ClusterError::Wrong { job: name, tries: TRIES, worker, why });
            }
            let error = cut(&format!("the proof of worker `{worker}` is wrong: {why}"));
            (self.tell)(RequestEvent::Refused { job: name, worker, why });
            let refused = status.refused.saturating_add(1);
            let again = Status { refused, error: Some(error), ..Status::queued(self.job.clone()) };
            let said = self.trying(begun, || self.desk.server.say(&again, found)).await?;
            if let Some(said) = said {
                number = said;
                self.trying(begun, || self.publish(number, false)).await?;
            }
        }
    }

    /// Sends what workers need, says that the job is queued unless it is known and not given up, and publishes it.
    async fn queue(&self) -> Result<u64, ClusterError> {
        let server = &self.desk.server;
        let (status, known) = server.status(self.job.name()).await?;
        let state = status.map(|status| status.state);
        let is_dead = state == Some(State::Dead);
        let number = match state {
            Some(State::Done) => return Ok(known),
            Some(State::Queued | State::Proving) => known,
            // Where somebody else was faster, it is queued too.
            Some(State::Dead) | None => {
                server.say(&Status::queued(self.job.clone()), known).await?.unwrap_or(known)
            }
        };
        self.publish(number, is_dead || self.anew).await?;
        Ok(number)
    }

    async fn publish(&self, number: u64, anew: bool) -> Result<(), ClusterError> {
        let Self { desk: Desk { server, .. }, sent, job, .. } = self;
        if anew || !server.has(sent.hash, Some(sent.length)).await? {
            let archive = sent.archive()?;
            server.put("the bundle", (sent.hash, &archive), LARGEST_BUNDLE).await?;
        }
        if let Some(input) = self.input
            && (anew || !server.has(job.input, Some(input.len() as u64)).await?)
        {
            server.put("the input", (job.input, input), LARGEST_INPUT).await?;
        }
        server.publish(job, number).await
    }

    /// Waits for a proof, which comes with the status that has it and that one's number, or for what ends the job. `number` is that of
    /// the status with which it began.
    async fn wait(
        &self,
        begun: Instant,
        told: &mut async_nats::Subscriber,
        mut number: u64,
    ) -> Result<(Vec<u8>, Status, u64), ClusterError> {
        let (server, name) = (&self.desk.server, self.job.name());
        let (mut published, mut last) = (Instant::now(), None);
        loop {
            if begun.elapsed() > self.desk.options.wait {
                let seconds = begun.elapsed().as_secs();
                let state = match &last {
                    Some((state, _, Some(why))) => format!("it is {state}, {why}"),
                    Some((state, ..)) => format!("it is {state}"),
                    None => "nothing is known of it".into(),
                };
                return Err(ClusterError::Late { job: name, seconds, state });
            }
            let (status, found) = self.trying(begun, || server.status(name)).await?;
            let Some(status) = status else {
                // Forgotten by a server that lost it, or overwritten.
                number = self.trying(begun, || self.queue()).await?;
                tokio::time::sleep(LOOK / 10).await;
                continue;
            };
            match status.state {
                State::Done => {
                    // What is no proof is refused as a wrong one is.
                    let proof = status.proof.as_deref().and_then(unhex).unwrap_or_default();
                    return Ok((proof, status, found));
                }
                State::Dead if found != number => {
                    let error = status.error.unwrap_or_default();
                    return Err(ClusterError::Failed { job: name, error });
                }
                _ => {}
            }
            let now = (status.state, status.worker.clone(), status.error.clone());
            if last.as_ref() != Some(&now) {
                let (state, worker, why) = now.clone();
                (self.tell)(RequestEvent::Waits { job: name, state, worker, why });
                last = Some(now);
            }
            if published.elapsed() > AGAIN {
                self.trying(begun, || self.publish(found, false)).await?;
                published = Instant::now();
            }
            // Nothing that is told is lost, and what was told before is no news.
            if let Ok(None) = tokio::time::timeout(LOOK, told.next()).await {
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    async fn trying<T, F: Future<Output = Result<T, ClusterError>>>(
        &self,
        begun: Instant,
        what: impl FnMut() -> F,
    ) -> Result<T, ClusterError> {
        self.desk.trying(begun, &self.tell, what).await
    }
}
