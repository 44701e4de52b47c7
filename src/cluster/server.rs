//! The connection to a NATS server, and what is kept there.

use super::ClusterError;
use super::hash::Hash;
use super::message::{DeadLetter, Division, Job, Message, Status};
use async_nats::jetstream::{
    self, consumer,
    consumer::pull,
    kv, object_store, stream,
    stream::{DiscardPolicy, RetentionPolicy, StorageType},
};
use async_nats::{Client, ConnectOptions, HeaderMap, ServerAddr};
use std::path::PathBuf;
use std::time::Duration;

const JOBS: &str = "zkverdict-jobs";
const JOB: &str = "zkverdict.job";
const DEAD: &str = "zkverdict-dead";
const DEAD_LETTER: &str = "zkverdict.dead";
const TOLD: &str = "zkverdict.told";
const WORKERS: &str = "zkverdict-workers";
const STATUS: &str = "zkverdict-status";
/// Before the names of what was divided, beside the statuses of jobs.
const DIVISION: &str = "parts";
const OBJECTS: &str = "zkverdict-objects";
/// The one consumer of the queue, which all workers pull from.
const CONSUMER: &str = "workers";

/// How many may have jobs, or ask for one, at once.
const MOST_WORKERS: i64 = 20_000;

/// After how long a worker that says nothing is forgotten.
pub const SIGN_LIFE: Duration = Duration::from_secs(30);

/// How long statuses, bundles and inputs are kept.
pub const KEPT: Duration = Duration::from_secs(7 * 86_400);

/// How long dead letters are kept.
const DEAD_KEPT: Duration = Duration::from_secs(30 * 86_400);

/// For how long the server refuses a message that it has had.
const DUPLICATES: Duration = Duration::from_secs(120);

/// Waiting for an answer of the server.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The longest pause between two tries to connect again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where the server is, and who asks.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// `nats://HOST[:PORT]`, or `tls://`; several with commas between them.
    pub url: String,
    /// A credentials file of NATS.
    pub credentials: Option<PathBuf>,
    /// Certificates that the server's has to go back to; with it there is no connection without TLS.
    pub ca: Option<PathBuf>,
}

impl ServerOptions {
    /// The addresses without names and passwords.
    pub fn shown(&self) -> String {
        let shown = |url: &str| match url.split_once("://") {
            Some((scheme, rest)) => {
                format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
            }
            None => url.rsplit_once('@').map_or(url, |(_, host)| host).to_owned(),
        };
        self.url.split(',').map(|url| shown(url.trim())).collect::<Vec<_>>().join(",")
    }
}

/// A status, where there is one that can be read and is of its job, and the number of what the bucket holds.
pub type Known = (Option<Status>, u64);

/// A connection, with all places.
#[derive(Clone)]
pub struct Server {
    pub client: Client,
    context: jetstream::Context,
    pub jobs: stream::Stream,
    pub dead: stream::Stream,
    pub status: kv::Store,
    pub workers: kv::Store,
    pub objects: object_store::ObjectStore,
}

impl Server {
    /// Connects, and makes the places that are not there.
    pub async fn connect(options: &ServerOptions, name: &str) -> Result<Self, ClusterError> {
        let client = client(options, name).await?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(TIMEOUT);
        let jobs = stream::Config {
            name: JOBS.into(),
            description: Some("proofs that zkverdict is to make".into()),
            subjects: vec![format!("{JOB}.>")],
            retention: RetentionPolicy::WorkQueue,
            // One of each job at a time, however often it is published.
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            duplicate_window: DUPLICATES,
            storage: StorageType::File,
            ..Default::default()
        };
        let jobs = context
            .get_or_create_stream(jobs)
            .await
            .map_err(ClusterError::server("opening the queue"))?;
        let config = &jobs.cached_info().config;
        if config.retention != RetentionPolicy::WorkQueue || config.max_messages_per_subject != 1 {
            return Err(ClusterError::Server {
                doing: "opening the queue",
                why: format!("a stream `{JOBS}` that is no queue of zkverdict is there"),
            });
        }
        let dead = stream::Config {
            name: DEAD.into(),
            description: Some("jobs that zkverdict gave up".into()),
            subjects: vec![format!("{DEAD_LETTER}.>")],
            max_age: DEAD_KEPT,
            storage: StorageType::File,
            ..Default::default()
        };
        let dead = context.get_or_create_stream(dead).await;
        let dead = dead.map_err(ClusterError::server("opening the dead letters"))?;
        let bucket = |name: &str, max_age, storage| kv::Config {
            bucket: name.into(),
            history: 1,
            max_age,
            storage,
            ..Default::default()
        };
        let status = bucket(STATUS, KEPT, StorageType::File);
        let status = self::bucket(&context, status).await?;
        let workers = bucket(WORKERS, SIGN_LIFE, StorageType::Memory);
        let workers = self::bucket(&context, workers).await?;
        let objects = match context.get_object_store(OBJECTS).await {
            Ok(objects) => objects,
            Err(_) => {
                let config = object_store::Config {
                    bucket: OBJECTS.into(),
                    max_age: KEPT,
                    storage: StorageType::File,
                    ..Default::default()
                };
                let made = context.create_object_store(config).await;
                made.map_err(ClusterError::server("opening the object store"))?
            }
        };
        Ok(Self { client, context, jobs, dead, status, workers, objects })
    }

    /// What workers pull jobs from. A job comes again when nothing is said of it for so long.
    pub async fn consumer(
        &self,
        patience: Duration,
    ) -> Result<consumer::Consumer<pull::Config>, ClusterError> {
        let config = pull::Config {
            durable_name: Some(CONSUMER.into()),
            ack_policy: consumer::AckPolicy::Explicit,
            ack_wait: patience,
            // Counted by workers: a job that goes back because it is too large for one is none that failed.
            max_deliver: -1,
            max_ack_pending: MOST_WORKERS,
            max_waiting: MOST_WORKERS,
            ..Default::default()
        };
        let consumer = self.jobs.create_consumer(config).await;
        consumer.map_err(ClusterError::server("opening the queue"))
    }

    /// Puts a job into the queue, where it is not in it already. `number` is that of the status that says so: the same
    /// publication is one, however often it is sent.
    pub async fn publish(&self, job: &Job, number: u64) -> Result<(), ClusterError> {
        let name = job.name();
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, format!("{name}-{number}"));
        let doing = "publishing the job";
        let sent =
            self.context.publish_with_headers(format!("{JOB}.{name}"), headers, job.write().into());
        match sent.await.map_err(ClusterError::server(doing))?.await {
            Ok(_) => Ok(()),
            // The server's words for: it is in the queue.
            Err(error) if error.to_string().contains("maximum messages per subject") => Ok(()),
            Err(error) => Err(ClusterError::server(doing)(error)),
        }
    }

    /// The name of a job that came, as it was published.
    pub fn job_name(subject: &str) -> &str {
        subject.strip_prefix(JOB).and_then(|name| name.strip_prefix('.')).unwrap_or(subject)
    }

    /// What is known of a job.
    pub async fn status(&self, job: Hash) -> Result<Known, ClusterError> {
        let entry = self.status.entry(job.to_string()).await;
        let entry = entry.map_err(ClusterError::server("asking how the job is"))?;
        let Some(entry) = entry else { return Ok((None, 0)) };
        let status = Status::read(&entry.value).ok().filter(|status| status.job.name() == job);
        Ok((status, entry.revision))
    }

    /// Says how a job is, where nobody has said anything since the status with this number was read: the number of the new
    /// one, or nothing.
    pub async fn say(&self, status: &Status, number: u64) -> Result<Option<u64>, ClusterError> {
        let job = status.job.name();
        let said = self.status.update(job.to_string(), status.write().into(), number).await;
        let number = match said {
            Ok(number) => number,
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => {
                return Ok(None);
            }
            Err(error) => return Err(ClusterError::server("saying how the job is")(error)),
        };
        // Who does not hear it asks by and by.
        let _ = self.client.publish(format!("{TOLD}.{job}"), Default::default()).await;
        Ok(Some(number))
    }

    /// Into which jobs what has this name was divided, where that can be read, and the number of what the bucket holds.
    pub async fn division(&self, of: Hash) -> Result<(Option<Division>, u64), ClusterError> {
        let entry = self.status.entry(format!("{DIVISION}.{of}")).await;
        let entry = entry.map_err(ClusterError::server("asking for the jobs of all parts"))?;
        let read = |entry: kv::Entry| (Division::read(&entry.value).ok(), entry.revision);
        Ok(entry.map_or((None, 0), read))
    }

    /// Says into which jobs it is divided, where nobody has said so since the one with this number was read: whether it was said.
    pub async fn divide(
        &self,
        of: Hash,
        division: &Division,
        number: u64,
    ) -> Result<bool, ClusterError> {
        let key = format!("{DIVISION}.{of}");
        match self.status.update(key, division.write().into(), number).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == kv::UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(ClusterError::server("saying which jobs there are")(error)),
        }
    }

    /// Tells when a job's status is another.
    pub async fn told(&self, job: Hash) -> Result<async_nats::Subscriber, ClusterError> {
        let told = self.client.subscribe(format!("{TOLD}.{job}")).await;
        told.map_err(ClusterError::server("listening for the job"))
    }

    /// Keeps a job that was given up.
    pub async fn bury(&self, letter: &DeadLetter) -> Result<(), ClusterError> {
        // What came as a name may be no token of a subject.
        let subject = format!("{DEAD_LETTER}.{}", Hash::of(letter.name.as_bytes()));
        let doing = "keeping the dead letter";
        let sent = self.context.publish(subject, letter.write().into()).await;
        sent.map_err(ClusterError::server(doing))?.await.map_err(ClusterError::server(doing))?;
        Ok(())
    }
}

async fn bucket(
    context: &jetstream::Context,
    config: kv::Config,
) -> Result<kv::Store, ClusterError> {
    match context.get_key_value(&config.bucket).await {
        Ok(bucket) => Ok(bucket),
        Err(_) => {
            let made = context.create_key_value(config).await;
            made.map_err(ClusterError::server("opening a bucket"))
        }
    }
}

async fn client(options: &ServerOptions, name: &str) -> Result<Client, ClusterError> {
    let mut connect = ConnectOptions::new()
        .name(name)
        .connection_timeout(TIMEOUT)
        .request_timeout(Some(TIMEOUT))
        .reconnect_delay_callback(|tries| {
            LONGEST_PAUSE.min(Duration::from_millis(50 << tries.min(8)))
        });
    if let Some(path) = &options.credentials {
        let file = |why: String| ClusterError::File { path: path.clone(), why };
        // The library's own messages may show what it found.
        let with = connect.credentials_file(path).await;
        connect = with.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => {
                file(error.kind().to_string())
            }
            _ => file("it is no credentials file of NATS".into()),
        })?;
    }
    if let Some(path) = &options.ca {
        if !path.is_file() {
            let why = "it is no file".into();
            return Err(ClusterError::File { path: path.clone(), why });
        }
        connect = connect.add_root_certificates(path.clone()).require_tls(true);
    }
    let server = options.shown();
    let servers = options.url.split(',').map(|url| url.trim().parse::<ServerAddr>());
    let servers = servers.collect::<Result<Vec<_>, _>>().map_err(|_| ClusterError::Connect {
        server: server.clone(),
        why: "it is no address such as `nats://HOST:PORT`".into(),
    })?;
    // The library leaves those in addresses aside.
    let named = servers.iter().find_map(|server| server.username().zip(server.password()));
    if let Some((user, password)) = named.filter(|_| options.credentials.is_none()) {
        connect = connect.user_and_password(user.to_owned(), password.to_owned());
    }
    connect.connect(servers).await.map_err(|error| {
        // What it comes from may show the address with its password.
        ClusterError::Connect { server, why: error.kind().to_string() }
    })
}
