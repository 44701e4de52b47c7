//! `jobs`: what a queue holds, and who works on it.

use crate::cli::cluster_args::ServerArgs;
use crate::cli::{Answer, CliError, Console};
use crate::cluster::{DeadJob, JobLine, Overview, WorkerLine, overview};
use crate::name::Name;
use std::fmt;

/// What `jobs` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The NATS server: `nats://HOST` or `tls://HOST`
    #[arg(long, value_name = "URL")]
    nats: String,
    #[command(flatten)]
    server: ServerArgs,
}

impl fmt::Display for Overview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "queue    {} jobs", self.queued)?;
        for WorkerLine { worker, seen_seconds_ago, job, done, memory_bytes, .. } in &self.workers {
            write!(f, "worker   {} seen {seen_seconds_ago} s ago, {done} done", Name::new(worker))?;
            if let Some(most) = memory_bytes {
                write!(f, ", up to {} MB", most >> 20)?;
            }
            match job {
                Some(job) => writeln!(f, ", at {job}")?,
                None => writeln!(f)?,
            }
        }
        for line in &self.jobs {
            let JobLine { job, state, age_seconds, begun, failed, refused, error, .. } = line;
            write!(f, "job      {job} {state}, {age_seconds} s old, begun {begun} times")?;
            if *failed > 0 {
                write!(f, ", failed {failed} times")?;
            }
            if *refused > 0 {
                write!(f, ", refused {refused} times")?;
            }
            match error {
                Some(error) => writeln!(f, ": {}", Name::new(error))?,
                None => writeln!(f)?,
            }
        }
        for DeadJob { job, error, age_seconds } in &self.dead {
            writeln!(f, "dead     {} {age_seconds} s ago: {}", Name::new(job), Name::new(error))?;
        }
        Ok(())
    }
}

/// Shows what there is.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    console.result(&overview(&args.server.at(&args.nats))?)?;
    Ok(Answer::Yes)
}
