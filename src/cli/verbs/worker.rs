//! `worker`: makes the proofs that others ask for.

use crate::cli::cluster_args::ServerArgs;
use crate::cli::log::Log;
use crate::cli::{Answer, CliError, Console, files};
use crate::cluster::{Hash, SecretKey, WorkReport, WorkerEvent, WorkerOptions, work};
use crate::proving::{NoDevice, device};
use serde::Serialize;
use serde_json::json;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What `worker` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The NATS server that has the jobs: `nats://HOST` or `tls://HOST`
    #[arg(long, value_name = "URL", required_unless_present = "new_key")]
    nats: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// Leave jobs to others that take more memory than this, by their plan
    #[arg(long, value_name = "BYTES")]
    memory: Option<u64>,
    /// Keep the bundles of jobs here, for the next start too [default: a temporary folder]
    #[arg(long, value_name = "DIR")]
    bundles: Option<PathBuf>,
    /// The key that private inputs are encrypted to
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Prove on the CUDA device that is found as `prove` finds it, and do not start where there is none; takes the jobs of
    /// `prove --gpu` besides all others
    #[arg(long)]
    gpu: bool,
    /// Make such a key, print its public part, and end
    #[arg(long, value_name = "FILE", conflicts_with_all = ["nats", "memory", "bundles", "key", "gpu", "log"])]
    new_key: Option<PathBuf>,
    /// After how long a job of a worker that says nothing goes to another; the same for all workers
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

#[derive(Serialize)]
struct NewKey {
    public_key: Hash,
    file: PathBuf,
}

impl fmt::Display for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.public_key)
    }
}

impl fmt::Display for WorkReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "proved  {}", self.proved)?;
        writeln!(f, "failed  {}", self.failed)
    }
}

/// Takes jobs until it is interrupted.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    if let Some(file) = args.new_key {
        let public_key = SecretKey::create(&file)?.public().bytes();
        console.result(&NewKey { public_key, file })?;
        return Ok(Answer::Yes);
    }
    let gpu = args.gpu.then(|| device().map_err(no_device)).transpose()?;
    let url = args.nats.as_deref().unwrap_or_default();
    let temporary;
    let bundles = match args.bundles {
        Some(bundles) => {
            std::fs::create_dir_all(&bundles).map_err(|error| CliError::io(&bundles, error))?;
            bundles
        }
        None => {
            let made = tempfile::Builder::new().prefix("zkverdict-worker-").tempdir();
            temporary = made.map_err(|error| CliError::io(std::env::temp_dir(), error))?;
            temporary.path().to_owned()
        }
    };
    let options = WorkerOptions {
        server: args.server.at(url),
        memory_bytes: args.memory,
        bundles,
        key: args.key.map(|path| SecretKey::open(&path)).transpose()?,
        gpu,
        patience: Duration::from_secs(args.patience),
        stop: files::stop_when_interrupted(),
    };
    let log = console.log(true);
    let report = work(&options, &|event| tell(&log, event))?;
    log.event("ended", json!(report));
    console.result(&report)?;
    Ok(Answer::Yes)
}

/// What is said where there is nothing to prove on.
fn no_device(why: NoDevice) -> CliError {
    let hint = match why {
        NoDevice::NotBuilt => "build with `--features cuda`, or leave `--gpu` out",
        NoDevice::Off => "unset it, or leave `--gpu` out",
        NoDevice::NoLibrary => "make the library with `script/cuda.sh`, or leave `--gpu` out",
        _ => "check the driver and the library, or leave `--gpu` out",
    };
    CliError::Usage { message: format!("there is no GPU to prove on: {why}"), hint: hint.into() }
}

/// Says what has happened, in one line.
fn tell(log: &Log, event: WorkerEvent) {
    match event {
        WorkerEvent::Started { worker } => log.event("started", json!({ "worker": worker })),
        WorkerEvent::Took { job } => log.event("took", json!({ "job": job })),
        WorkerEvent::Proved { job, seconds } => {
            log.event("proved", json!({ "job": job, "seconds": (seconds * 1e3).round() / 1e3 }));
        }
        WorkerEvent::Known { job } => log.event("known", json!({ "job": job })),
        WorkerEvent::Failed { job, error } => {
            log.event("failed", json!({ "job": job, "reason": error }));
        }
        WorkerEvent::Left { job, why } => log.event("left", json!({ "job": job, "reason": why })),
        WorkerEvent::Dead { job, error } => {
            log.event("dead", json!({ "job": job, "reason": error }));
        }
        WorkerEvent::Returned { job } => log.event("returned", json!({ "job": job })),
        WorkerEvent::Trouble { why, retry } => {
            log.event("trouble", json!({ "reason": why, "retry_seconds": retry.as_secs_f64() }));
        }
    }
}
