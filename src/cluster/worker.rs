//! Who makes proofs: takes one job at a time, and says what came of it.

use super::ClusterError;
use super::asking::hidden;
use super::hash::Hash;
use super::message::{DeadLetter, Job, LARGEST_PROOF, Message, Sign, State, Status, cut, now};
use super::objects::{LARGEST_BUNDLE, LARGEST_INPUT};
use super::seal::SecretKey;
use super::server::{SIGN_LIFE, Server, ServerOptions};
use crate::bundle::{Bundle, Work, hex, wipe};
use crate::proving::{ModelProver, Options};
use async_nats::jetstream::{self, AckKind};
use futures_util::StreamExt;
use rand::{Rng, RngCore};
use std::path::{Path, PathBuf};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use std::time::{Duration, Instant};

/// How often workers may say that they cannot do a job.
pub const MOST_FAILED: u32 = 3;

/// How often a job may be begun: one that ends whoever begins it, for want of memory say, is given up too.
const MOST_BEGUN: u32 = 10;

/// When a job that is too large here comes again, at the earliest and at the latest: at random between, as otherwise it may meet
/// the same worker each time.
const ELSEWHERE: (u64, u64) = (500, 2500);

/// How long a worker asks for a job before it looks whether it is to end.
const ASKING: Duration = Duration::from_secs(2);

/// The longest pause after trouble with the server.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How a worker runs.
pub struct WorkerOptions {
    /// Where the jobs are.
    pub server: ServerOptions,
    /// What a job may take; any that comes, where it is not said.
    pub memory_bytes: Option<u64>,
    /// Where bundles are kept, for the next start too.
    pub bundles: PathBuf,
    /// What sealed inputs are opened with.
    pub key: Option<SecretKey>,
    /// The device that it proves on, where there is one: jobs for devices are left to others otherwise.
    pub gpu: Option<String>,
    /// After how long a job of a worker that says nothing goes to another; the same for all workers.
    pub patience: Duration,
    /// Set to end: what is under way goes back to the queue.
    pub stop: Arc<AtomicBool>,
}

/// What a worker tells.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names say what the fields are")]
pub enum WorkerEvent {
    /// It takes jobs from here on, under this name.
    Started { worker: String },
    /// It has a job.
    Took { job: Hash },
    /// It has made a proof.
    Proved { job: Hash, seconds: f64 },
    /// Somebody has made one before.
    Known { job: Hash },
    /// It cannot: the job goes back to the queue.
    Failed { job: Hash, error: String },
    /// The job needs what this worker has not; another may have it.
    Left { job: Hash, why: String },
    /// The job is given up.
    Dead { job: String, error: String },
    /// It was told to end: the job goes back to the queue.
    Returned { job: Hash },
    /// The server, or the disk, failed at something; it tries again.
    Trouble { why: String, retry: Duration },
}

/// What a worker has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct WorkReport {
    /// Proofs that it made.
    pub proved: u64,
    /// Times that it could not.
    pub failed: u64,
}

/// Takes jobs until it is told to end.
pub fn work(
    options: &WorkerOptions,
    tell: &(dyn Fn(WorkerEvent) + Sync),
) -> Result<WorkReport, ClusterError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(ClusterError::Runtime)?;
    let mut seed = [0; 8];
    rand::rngs::OsRng.fill_bytes(&mut seed);
    let name = hex(&seed)[2..].to_owned();
    let key = options.key.as_ref().map(|key| key.public().bytes());
    let sign = Arc::new(Mutex::new(Sign::new(options.memory_bytes, key, options.gpu.as_deref())));
    let mut worker =
        Worker { options, tell, name, sign, known: None, report: WorkReport::default() };
    runtime.block_on(worker.run())?;
    // Threads that prove end with the stop; nobody waits for what the library does.
    runtime.shutdown_timeout(Duration::from_secs(1));
    Ok(worker.report)
}

struct Worker<'a> {
    options: &'a WorkerOptions,
    tell: &'a (dyn Fn(WorkerEvent) + Sync),
    name: String,
    sign: Arc<Mutex<Sign>>,
    /// What the last job was proved with.
    known: Option<(Hash, Arc<ModelProver>)>,
    report: WorkReport,
}

/// What came of a job.
enum Outcome {
    Proof(Vec<u8>),
    /// It cannot be done, and trying again may help or not.
    Failed(String),
    Stopped,
}

impl Worker<'_> {
    fn is_told_to_end(&self) -> bool {
        self.options.stop.load(Ordering::Relaxed)
    }

    /// Works until it is told to end, whatever happens to the server. That there is one has to be seen once.
    async fn run(&mut self) -> Result<(), ClusterError> {
        let client = format!("zkverdict worker {}", self.name);
        let mut server = Server::connect(&self.options.server, &client).await?;
        let signs = tokio::spawn(give_signs(server.clone(), self.name.clone(), self.sign.clone()));
        (self.tell)(WorkerEvent::Started { worker: self.name.clone() });
        let mut pause = Duration::from_millis(100);
        while !self.is_told_to_end() {
            match self.serve(&server).await {
                Ok(()) => pause = Duration::from_millis(100),
                Err(error) => {
                    let why = error.to_string();
                    (self.tell)(WorkerEvent::Trouble { why, retry: pause });
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                    // A server that lost everything has all places again.
                    if let Ok(again) = Server::connect(&self.options.server, &client).await {
                        server = again;
                    }
                }
            }
        }
        signs.abort();
        let _ = server.workers.delete(&self.name).await;
        let _ = server.client.flush().await;
        Ok(())
    }

    /// Takes jobs until there is trouble, or the end.
    async fn serve(&mut self, server: &Server) -> Result<(), ClusterError> {
        let doing = "asking for jobs";
        let consumer = server.consumer(self.options.patience).await?;
        while !self.is_told_to_end() {
            let batch = consumer.batch().max_messages(1).expires(ASKING).messages().await;
            let mut batch = batch.map_err(ClusterError::server(doing))?;
            while let Some(message) = batch.next().await {
                let message = message.map_err(ClusterError::server(doing))?;
                if let Err(trouble) = self.take(server, &message).await {
                    // Where the server hears it, nobody waits for this worker.
                    let _ = message.ack_with(AckKind::Nak(None)).await;
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }

    /// Does what a message asks for.
    async fn take(
        &mut self,
        server: &Server,
        message: &jetstream::Message,
    ) -> Result<(), ClusterError> {
        let name = Server::job_name(&message.subject);
        let job = Job::read(&message.payload).and_then(|job| {
            if job.name().to_string() == name {
                Ok(job)
            } else {
                let why = "it is another than its name says".into();
                Err(ClusterError::Message { what: Job::WHAT, why })
            }
        });
        let job = match job {
            Ok(job) => job,
            Err(error) => {
                let error = error.to_string();
                server.bury(&DeadLetter::new(name, None, &error)).await?;
                (self.tell)(WorkerEvent::Dead { job: cut(name), error });
                return answer(message, AckKind::Term).await;
            }
        };
        // Of a job whose status was lost or overwritten, a new one says what is known.
        let (status, number) = server.status(job.name()).await?;
        let status = status.unwrap_or_else(|| Status::queued(job.clone()));
        if matches!(status.state, State::Done | State::Dead) {
            (self.tell)(WorkerEvent::Known { job: job.name() });
            return answer(message, AckKind::Ack).await;
        }
        if let Some(why) = self.cannot(&job) {
            // It is said once; who wrote meanwhile knows more.
            if status.error.as_ref() != Some(&why) && status.failed == 0 {
                let left = Status { state: State::Queued, error: Some(why.clone()), ..status };
                server.say(&left, number).await?;
            }
            (self.tell)(WorkerEvent::Left { job: job.name(), why });
            let pause = rand::thread_rng().gen_range(ELSEWHERE.0..ELSEWHERE.1);
            return answer(message, AckKind::Nak(Some(Duration::from_millis(pause)))).await;
        }
        if status.begun >= MOST_BEGUN {
            let error = format!(
                "{MOST_BEGUN} workers began, and ended before they were done: for want of memory?"
            );
            return self.give_up(server, message, status, number, &error).await;
        }
        let begun = Status {
            state: State::Proving,
            begun: status.begun + 1,
            worker: Some(self.name.clone()),
            error: None,
            ..status
        };
        let Some(number) = server.say(&begun, number).await? else {
            // Somebody else said something: it comes again, and is looked at again.
            return answer(message, AckKind::Nak(Some(Duration::from_millis(100)))).await;
        };
        self.begin(server, message, begun, number).await
    }

    /// Why this worker has to leave a job to others.
    fn cannot(&self, job: &Job) -> Option<String> {
        if let Some(most) = self.options.memory_bytes.filter(|&most| job.memory_bytes > most) {
            let needed = job.memory_bytes;
            return Some(format!("it needs {needed} bytes of memory, and workers have {most}"));
        }
        if job.gpu && self.options.gpu.is_none() {
            return Some(
                "it is for workers with `--gpu`, and those that were asked have none".into(),
            );
        }
        let own = self.options.key.as_ref().map(|key| key.public().bytes());
        match job.sealed_to {
            Some(key) if own != Some(key) => {
                Some(format!("it is sealed to the key `{key}`, which workers have not"))
            }
            _ => None,
        }
    }

    /// Proves, while it says that it is alive, and says what came of it.
    async fn begin(
        &mut self,
        server: &Server,
        message: &jetstream::Message,
        status: Status,
        number: u64,
    ) -> Result<(), ClusterError> {
        let job = status.job.name();
        (self.tell)(WorkerEvent::Took { job });
        self.sign.lock().unwrap_or_else(PoisonError::into_inner).job = Some(job);
        let start = Instant::now();
        let outcome = {
            let alive = async {
                loop {
                    tokio::time::sleep(self.options.patience / 3).await;
                    // Without it another worker begins too, which is harmless.
                    let _ = message.ack_with(AckKind::Progress).await;
                }
            };
            let proof = self.prove(server, &status.job);
            tokio::select! { outcome = proof => outcome, () = alive => unreachable!("it has no end") }
        };
        self.sign.lock().unwrap_or_else(PoisonError::into_inner).job = None;
        match outcome? {
            Outcome::Proof(proof) => {
                let done =
                    Status { state: State::Done, proof: Some(hex(&proof)), error: None, ..status };
                self.persist(|| keep(server, &done, number)).await?;
                answer(message, AckKind::Ack).await?;
                self.report.proved += 1;
                self.sign.lock().unwrap_or_else(PoisonError::into_inner).done += 1;
                let seconds = start.elapsed().as_secs_f64();
                (self.tell)(WorkerEvent::Proved { job, seconds });
                Ok(())
            }
            Outcome::Failed(error) => {
                self.report.failed += 1;
                let failed = status.failed.saturating_add(1);
                let status = Status { failed, ..status };
                if failed >= MOST_FAILED {
                    return self.give_up(server, message, status, number, &error).await;
                }
                let error = cut(&error);
                let back = Status { state: State::Queued, error: Some(error.clone()), ..status };
                server.say(&back, number).await?;
                (self.tell)(WorkerEvent::Failed { job, error });
                answer(message, AckKind::Nak(Some(Duration::from_secs(1)))).await
            }
            Outcome::Stopped => {
                let begun = status.begun.saturating_sub(1);
                let back = Status { state: State::Queued, begun, ..status };
                server.say(&back, number).await?;
                (self.tell)(WorkerEvent::Returned { job });
                answer(message, AckKind::Nak(None)).await
            }
        }
    }

    /// Gives a job up, for everybody to see.
    async fn give_up(
        &self,
        server: &Server,
        message: &jetstream::Message,
        status: Status,
        number: u64,
        error: &str,
    ) -> Result<(), ClusterError> {
        let (job, error) = (status.job.clone(), cut(error));
        let name = job.name().to_string();
        server.bury(&DeadLetter::new(&name, Some(job), &error)).await?;
        let dead = Status { state: State::Dead, error: Some(error.clone()), ..status };
        server.say(&dead, number).await?;
        (self.tell)(WorkerEvent::Dead { job: name, error });
        answer(message, AckKind::Ack).await
    }

    /// A job's proof. Trouble with the server is an error, and no fault of the job.
    async fn prove(&mut self, server: &Server, job: &Job) -> Result<Outcome, ClusterError> {
        let failed = |error: ClusterError| match error {
            trouble @ (ClusterError::Server { .. } | ClusterError::Runtime(_)) => Err(trouble),
            error => Ok(Outcome::Failed(error.to_string())),
        };
        let prover = match self.prover(server, job.bundle).await {
            Ok(prover) => prover,
            Err(error) => return failed(error),
        };
        // Inputs that the requester was told to hide came in the clear: no honest one does that.
        if job.sealed_to.is_none()
            && let Some(what) = hidden(prover.verifier().layout())
        {
            return failed(ClusterError::Hidden { what });
        }
        let input = match server.get("the input", job.input, LARGEST_INPUT).await {
            Ok(input) => input,
            Err(error) => return failed(error),
        };
        let work = match (&job.sealed_to, &self.options.key) {
            (Some(_), Some(key)) => match key.open_input(&input, job.bundle) {
                Ok(mut bytes) => {
                    let work = Work::parse(&bytes);
                    wipe(&mut bytes);
                    work
                }
                Err(error) => return failed(error),
            },
            _ => Work::parse(&input),
        };
        let work = match work {
            Ok(work) => work,
            Err(why) => return failed(ClusterError::Message { what: "the input", why }),
        };
        let stop = Arc::clone(&self.options.stop);
        let is_sealed = job.sealed_to.is_some();
        let proving = tokio::task::spawn_blocking(move || {
            let options = Options { cancel: Some(&stop), ..Options::default() };
            work.prove(&prover, &options)
        });
        let outcome = proving.await;
        if self.is_told_to_end() && !matches!(outcome, Ok(Ok(_))) {
            return Ok(Outcome::Stopped);
        }
        Ok(match outcome {
            Ok(Ok(proof)) if proof.bytes.len() <= LARGEST_PROOF => Outcome::Proof(proof.bytes),
            Ok(Ok(_)) => Outcome::Failed("the proof is longer than any that is taken".into()),
            // What is wrong with values shows them.
            Ok(Err(_)) if is_sealed => Outcome::Failed(
                "no proof can be made of this input; it is sealed, so no more is said here".into(),
            ),
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            Err(_) => {
                Outcome::Failed("the prover stopped at something that it takes for granted".into())
            }
        })
    }

    /// What a bundle's proofs are made with: kept from job to job.
    async fn prover(
        &mut self,
        server: &Server,
        bundle: Hash,
    ) -> Result<Arc<ModelProver>, ClusterError> {
        if let Some((_, prover)) = self.known.as_ref().filter(|(known, _)| *known == bundle) {
            return Ok(Arc::clone(prover));
        }
        // Its memory is needed for the next.
        self.known = None;
        let path = self.options.bundles.join(format!("{bundle}.zkv"));
        let here = path.clone();
        let kept = tokio::task::spawn_blocking(move || kept(&here, bundle)).await;
        let archive = match kept.ok().flatten() {
            Some(_) => None,
            None => Some(server.get("the bundle", bundle, LARGEST_BUNDLE).await?),
        };
        let made = tokio::task::spawn_blocking(move || {
            let bundle = match archive {
                Some(archive) => Bundle::unpack(&path, &archive)?,
                None => Bundle::open(&path)?,
            };
            bundle.prover()
        });
        // Libraries panic on some bytes.
        let made = made.await.map_err(|_| ClusterError::Message {
            what: "the bundle",
            why: "its keys cannot be made".into(),
        })?;
        let prover = Arc::new(made?);
        self.known = Some((bundle, Arc::clone(&prover)));
        Ok(prover)
    }

    /// Does something until the server answers: a proof is worth waiting for.
    async fn persist<T, F: Future<Output = Result<T, ClusterError>>>(
        &self,
        mut what: impl FnMut() -> F,
    ) -> Result<T, ClusterError> {
        let mut pause = Duration::from_millis(100);
        loop {
            match what().await {
                Err(error) if !self.is_told_to_end() => {
                    (self.tell)(WorkerEvent::Trouble { why: error.to_string(), retry: pause });
                    tokio::time::sleep(pause).await;
                    pause = (2 * pause).min(LONGEST_PAUSE);
                }
                outcome => return outcome,
            }
        }
    }
}

/// The bundle that was kept, if it is the one.
fn kept(path: &Path, bundle: Hash) -> Option<Bundle> {
    let kept = Bundle::open(path).ok()?;
    (Hash::of(&kept.archive().ok()?) == bundle).then_some(kept)
}

/// Says that a job is done. Where somebody else has said so before, that proof stays: nobody sees two.
async fn keep(server: &Server, done: &Status, mut number: u64) -> Result<(), ClusterError> {
    while server.say(done, number).await?.is_none() {
        let (status, found) = server.status(done.job.name()).await?;
        if status.is_some_and(|status| matches!(status.state, State::Done | State::Dead)) {
            break;
        }
        // Whoever has begun meanwhile finds it done.
        number = found;
    }
    Ok(())
}

/// Answers a message, and waits until the server has heard it.
async fn answer(message: &jetstream::Message, kind: AckKind) -> Result<(), ClusterError> {
    let answered = message.double_ack_with(kind).await;
    answered.map_err(ClusterError::server("answering for the job"))
}

/// Says every now and then that a worker lives.
async fn give_signs(server: Server, name: String, sign: Arc<Mutex<Sign>>) {
    loop {
        let now = {
            let mut sign = sign.lock().unwrap_or_else(PoisonError::into_inner);
            sign.at = now();
            sign.write()
        };
        let _ = server.workers.put(&name, now.into()).await;
        tokio::time::sleep(SIGN_LIFE / 6).await;
    }
}
