//! Who wants proofs: publishes jobs, waits, and believes no proof that it has not checked.

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
    /// What proving takes at most, by the plan: workers with less leave the job to others.
    pub memory_bytes: u64,
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

/// Asks for proofs of one bundle.
pub struct Requester {
    runtime: tokio::runtime::Runtime,
    server: Server,
    bundle: Hash,
    archive: Vec<u8>,
    verifier: ModelVerifier,
    options: RequesterOptions,
}

/// Whether everybody may see all that a proof is made of: why not.
pub(super) fn hidden(layout: &InstanceLayout) -> Option<&'static str> {
    if !layout.shows_input() {
        Some("the bundle keeps inputs private, hashed or committed")
    } else if layout.names_weights {
        Some("the bundle keeps weights committed")
    } else {
        None
    }
}

impl Requester {
    /// Connects, and prepares to send a bundle. What it keeps private is sent to nobody without a key of the workers.
    pub fn open(bundle: &Bundle, options: RequesterOptions) -> Result<Self, ClusterError> {
        let verifier = bundle.verifier()?;
        if let (Some(what), None) = (hidden(verifier.layout()), &options.worker_key) {
            return Err(ClusterError::Hidden { what });
        }
        let archive = bundle.archive()?;
        let bundle = Hash::of(&archive);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(ClusterError::Runtime)?;
        let connect = Server::connect(&options.server, "zkverdict prove");
        let server = runtime.block_on(connect)?;
        Ok(Self { runtime, server, bundle, archive, verifier, options })
    }

    /// What its proofs are checked against.
    pub fn verifier(&self) -> &ModelVerifier {
        &self.verifier
    }

    /// Has a proof made. Several threads may ask at once, also from inside an async runtime.
    pub fn prove(
        &self,
        work: &Work,
        tell: &(dyn Fn(RequestEvent) + Sync),
    ) -> Result<Proof, ClusterError> {
        let instances = work.instances(self.verifier.model(), self.verifier.layout())?;
        let mut bytes = work.to_bytes();
        let input = match &self.options.worker_key {
            None => bytes,
            Some(key) => {
                let sealed = key.seal(&bytes, self.bundle);
                wipe(&mut bytes);
                sealed?
            }
        };
        let sealed_to = self.options.worker_key.as_ref().map(PublicKey::bytes);
        let memory_bytes = self.options.memory_bytes;
        let job = Job::new(self.bundle, Hash::of(&input), sealed_to, memory_bytes);
        let request = Request { requester: self, job, input, instances, tell };
        // A thread of its own: no runtime waits inside another.
        let handle = self.runtime.handle();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| handle.block_on(request.prove()));
            waiting.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }
}

/// A job under way.
struct Request<'a> {
    requester: &'a Requester,
    job: Job,
    input: Vec<u8>,
    instances: Vec<Word>,
    tell: &'a (dyn Fn(RequestEvent) + Sync),
}

impl Request<'_> {
    async fn prove(&self) -> Result<Proof, ClusterError> {
        let name = self.job.name();
        let begun = Instant::now();
        let mut told = self.trying(begun, || self.requester.server.told(name)).await?;
        let mut number = self.trying(begun, || self.queue()).await?;
        let mut refused = 0;
        loop {
            let (proof, status, found) = self.wait(begun, &mut told, number).await?;
            let proof = Proof {
                format: Some(self.requester.verifier.format()),
                vk_digest: self.requester.verifier.digest(),
                bytes: proof,
                instances: self.instances.clone(),
            };
            let Err(why) = self.requester.verifier.verify(&proof) else {
                if self.job.sealed_to.is_some() {
                    // Nobody else has asked for it.
                    self.requester.server.forget(self.job.input).await;
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
            let said = self.trying(begun, || self.requester.server.say(&again, found)).await?;
            if let Some(said) = said {
                number = said;
                self.trying(begun, || self.publish(number, false)).await?;
            }
        }
    }

    /// Sends what workers need, says that the job is queued unless it is known and not given up, and publishes it.
    async fn queue(&self) -> Result<u64, ClusterError> {
        let server = &self.requester.server;
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
        // What workers were sent before may be why it was given up.
        self.publish(number, is_dead).await?;
        Ok(number)
    }

    async fn publish(&self, number: u64, anew: bool) -> Result<(), ClusterError> {
        let Self { requester: Requester { server, archive, .. }, job, input, .. } = self;
        server.put("the bundle", (job.bundle, archive), LARGEST_BUNDLE, anew).await?;
        server.put("the input", (job.input, input), LARGEST_INPUT, anew).await?;
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
        let (server, name) = (&self.requester.server, self.job.name());
        let (mut published, mut last) = (Instant::now(), None);
        loop {
            if begun.elapsed() > self.requester.options.wait {
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

    /// Does something again and again while the server does not answer.
    async fn trying<T, F: Future<Output = Result<T, ClusterError>>>(
        &self,
        begun: Instant,
        mut what: impl FnMut() -> F,
    ) -> Result<T, ClusterError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match what().await {
                Err(error @ ClusterError::Server { .. })
                    if begun.elapsed() < self.requester.options.wait =>
                {
                    (self.tell)(RequestEvent::Trouble { why: error.to_string() });
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(Duration::from_secs(5));
                }
                outcome => return outcome,
            }
        }
    }
}
