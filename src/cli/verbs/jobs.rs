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
        for WorkerLine { worker, seen_seconds_ago, job, done, memory_bytes, gpu, .. } in
            &self.workers
        {
            write!(f, "worker   {} seen {seen_seconds_ago} s ago, {done} done", Name::new(worker))?;
            if let Some(most) = memory_bytes {
                write!(f, ", up to {} MB", most >> 20)?;
            }
            if let Some(gpu) = gpu {
                write!(f, ", with a GPU: {}", Name::new(gpu))?;
            }
            match job {
                Some(job) => writeln!(f, ", at {job}")?,
                None => writeln!(f)?,
            }
        }
        for line in &self.jobs {
            let JobLine { job, state, age_seconds, begun, failed, refused, error, .. } = line;
            write!(f, "job      {job}{} {state}", of_model(line.part))?;
            write!(f, ", {age_seconds} s old, begun {begun} times")?;
            if line.gpu {
                write!(f, ", for a GPU")?;
            }
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
        for DeadJob { job, part, error, age_seconds } in &self.dead {
            let (job, error) = (Name::new(job), Name::new(error));
            writeln!(f, "dead     {job}{} {age_seconds} s ago: {error}", of_model(*part))?;
        }
        Ok(())
    }
}

/// Which part of a model a job is of.
fn of_model(part: Option<[usize; 2]>) -> String {
    part.map(|[part, parts]| format!(" part {part} of {parts}")).unwrap_or_default()
}

/// Shows what there is.
pub fn run(args: &Args, console: &Console) -> Result<Answer, CliError> {
    console.result(&overview(&args.server.at(&args.nats))?)?;
    Ok(Answer::Yes)
}
