//! Proofs that a scheduler has made: the commands that make them, as a graph of files.

use super::Args;
use crate::bundle::{Bundle, PartsBundle, ProofFile, Work};
use crate::circuit::Goal;
use crate::cli::{Answer, CliError, Console, files, input};
use crate::proving::{Judge, Proof};
use crate::solidity::Prediction;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const VERSION: u32 = 1;

/// What of `prove` is for schedulers.
#[derive(clap::Args)]
pub struct EmitArgs {
    /// Prove nothing, but write down the commands that do, with the files that each reads and writes and what it takes: for
    /// Slurm, make, or whatever runs commands. INPUT may hold several inferences, whose proofs go to the folder OUT. What the
    /// proofs are made of lies in a folder beside FILE, and is as secret as the input
    #[arg(long, value_name = "FILE", requires = "input")]
    #[cfg_attr(feature = "cluster", arg(conflicts_with = "nats"))]
    emit_jobs: Option<PathBuf>,
    /// Make the proof of what `--emit-jobs` wrote into this file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["input", "files", "emit_jobs", "join"])]
    work: Option<PathBuf>,
    /// Put the proofs of a model's parts together, in order
    #[arg(long, value_name = "PROOF", num_args = 1.., conflicts_with_all = ["input", "files", "emit_jobs"])]
    join: Vec<PathBuf>,
}

impl EmitArgs {
    /// Whether a file has all that the proof is made of.
    pub fn work(&self) -> Result<Option<Work>, CliError> {
        let Some(path) = &self.work else { return Ok(None) };
        let mut bytes = files::read(path)?;
        let work = Work::parse(&bytes);
        bytes.fill(0);
        let work = work.map_err(|why| CliError::Usage {
            message: format!("`{}` is no work that `--emit-jobs` wrote: {why}", path.display()),
            hint: "write the jobs again".into(),
        });
        work.map(Some)
    }

    /// The proof that the parts' proofs make together, where that is asked for. It is valid.
    pub fn joined(&self, bundle: &Path) -> Result<Option<(impl Judge, Proof)>, CliError> {
        if self.join.is_empty() {
            return Ok(None);
        }
        let verifier = PartsBundle::open(bundle)?.verifier()?;
        let open = |path: &PathBuf| ProofFile::open(path).map(|file| file.proof);
        let proofs = self.join.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let unfit = |why: String| CliError::Usage {
            message: format!("the proofs do not fit together: {why}"),
            hint: "give the proofs of all parts of one inference, in their order".into(),
        };
        let proof = verifier
            .gather(&proofs)
            .ok_or_else(|| unfit(format!("{} proofs are not those of the parts", proofs.len())))?;
        verifier.verify(&proof).map_err(|refusal| unfit(refusal.in_words()))?;
        Ok(Some((verifier, proof)))
    }

    /// Where the jobs are to be written, if they are.
    pub fn file(&self) -> Option<&Path> {
        self.emit_jobs.as_deref()
    }
}

/// A command, what it needs and what it takes.
#[derive(Serialize)]
struct Job {
    name: String,
    command: Vec<String>,
    reads: Vec<PathBuf>,
    writes: Vec<PathBuf>,
    /// Names of jobs that have to be done before.
    after: Vec<String>,
    /// Predicted, for two cores.
    seconds: f64,
    memory_bytes: u64,
}

/// What is written, and printed.
#[derive(Serialize)]
struct Jobs {
    version: u32,
    jobs: Vec<Job>,
}

impl fmt::Display for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Job { name, command, after, seconds, memory_bytes, .. } in &self.jobs {
            write!(f, "{name}  {seconds:.1} s, {} MB", memory_bytes >> 20)?;
            if !after.is_empty() {
                write!(f, ", after {}", after.join(", "))?;
            }
            writeln!(f, "\n  {}", command.join(" "))?;
        }
        Ok(())
    }
}

/// Writes the jobs and what they are made of.
pub fn emit(args: &Args, file: &Path, console: &Console) -> Result<Answer, CliError> {
    let file = absolute(file)?;
    let folder = file.with_extension("files");
    let parts = PartsBundle::is_at(&args.bundle).then(|| PartsBundle::open(&args.bundle));
    let parts = parts.transpose()?;
    let bundles = match &parts {
        Some(bundle) => bundle.parts.clone(),
        None => vec![Bundle::open(&args.bundle)?],
    };
    let predicted = bundles.iter().map(prediction).collect::<Result<Vec<_>, _>>()?;
    let works = args.all_works(parts.as_ref().ok_or(&bundles[0]), console)?;
    // Nothing is written before all is known to be right.
    std::fs::create_dir_all(&folder).map_err(|error| CliError::io(&folder, error))?;
    let out = absolute(&args.out)?;
    let is_one = works.len() == 1;
    if !is_one {
        std::fs::create_dir_all(&out).map_err(|error| CliError::io(&out, error))?;
    }
    let whole = absolute(&args.bundle)?;
    let mut jobs = Vec::new();
    for (number, work) in works.iter().enumerate() {
        let proof = if is_one { out.clone() } else { out.join(format!("{number}.json")) };
        let works = match &parts {
            Some(bundle) => Some(bundle.works(work)?),
            None => None,
        };
        let works: Vec<&Work> = works.as_ref().map_or(vec![work], |works| works.iter().collect());
        let mut made = Vec::new();
        for (part, (work, bundle)) in works.iter().zip(&bundles).enumerate() {
            let name = match &parts {
                None => format!("prove-{number}"),
                Some(_) => format!("prove-{number}-{}", part + 1),
            };
            let source = folder.join(format!("{name}.work"));
            files::write_secret(&source, &work.to_bytes())?;
            let result =
                if parts.is_some() { folder.join(format!("{name}.json")) } else { proof.clone() };
            let bundle = absolute(&bundle.path)?;
            let command =
                ["prove", text(&bundle)?, "--work", text(&source)?, "--out", text(&result)?];
            jobs.push(Job {
                command: words(&command),
                reads: vec![bundle.clone(), source.clone()],
                writes: vec![result.clone()],
                after: Vec::new(),
                seconds: predicted[part].prove_seconds,
                memory_bytes: predicted[part].memory_bytes,
                name,
            });
            made.push(result);
        }
        let light = |name: String, command: &[&str], reads, writes, after| Job {
            command: words(command),
            name,
            reads,
            writes,
            after,
            // Keys are read, and for a check made again.
            seconds: predicted.iter().map(|part| part.prove_seconds).sum::<f64>() / 2.0,
            memory_bytes: predicted.iter().map(|part| part.memory_bytes).max().unwrap_or_default(),
        };
        let mut last: Vec<String> =
            jobs.iter().rev().take(made.len()).map(|job| job.name.clone()).collect();
        last.reverse();
        if parts.is_some() {
            let mut command = vec!["prove", text(&whole)?, "--out", text(&proof)?, "--join"];
            for part in &made {
                command.push(text(part)?);
            }
            let name = format!("join-{number}");
            let reads = [vec![whole.clone()], made.clone()].concat();
            jobs.push(light(name.clone(), &command, reads, vec![proof.clone()], last));
            last = vec![name];
        }
        let command = ["verify", text(&whole)?, text(&proof)?];
        let reads = vec![whole.clone(), proof.clone()];
        jobs.push(light(format!("verify-{number}"), &command, reads, Vec::new(), last));
    }
    let jobs = Jobs { version: VERSION, jobs };
    let document = serde_json::to_vec_pretty(&jobs).map_err(CliError::Json)?;
    files::write(&file, &document)?;
    console.result(&jobs)?;
    Ok(Answer::Yes)
}

impl Args {
    /// What the proof of each inference in the input is made of.
    fn all_works(
        &self,
        bundle: Result<&PartsBundle, &Bundle>,
        console: &Console,
    ) -> Result<Vec<Work>, CliError> {
        let (model, layout) = match bundle {
            Ok(parts) => (parts.model()?, &parts.manifest.layout),
            Err(bundle) => (bundle.model()?, &bundle.manifest.layout),
        };
        let weights = match bundle {
            Ok(_) => self.weights.refuse(&self.bundle).map(|()| None)?,
            Err(bundle) => self.weights.open(bundle)?,
        };
        let powers = || match bundle {
            Ok(parts) => parts.parts[0].powers(),
            Err(bundle) => bundle.powers(),
        };
        // The members of a batch are one input, and a commitment is to one.
        let is_single = layout.inferences > 1
            || layout.committed().next().is_some()
            || !self.commitments.is_empty();
        let inferences = match &self.input {
            Some(path) if !is_single => input::inferences(&model, path)?,
            _ => Vec::new(),
        };
        let secrets = || self.commitments.open(layout, powers);
        if inferences.len() < 2 {
            let contexts = self.context.resolve(layout.inferences)?;
            return Ok(vec![self.work(
                &model,
                layout,
                (contexts, secrets()?),
                weights,
                console,
            )?]);
        }
        let contexts = self.context.resolve(inferences.len())?;
        let (chosen, weights) = (self.chosen.of(&model, layout)?, weights.map(Arc::new));
        let works = inferences.into_iter().zip(contexts).map(|(inputs, context)| {
            Ok(Work {
                inputs: [inputs, chosen.clone()].concat(),
                contexts: vec![context],
                blindings: secrets()?.blindings(),
                commitments: Vec::new(),
                weights: weights.clone(),
            })
        });
        works.collect()
    }
}

fn prediction(bundle: &Bundle) -> Result<Prediction, CliError> {
    let circuit = bundle.circuit(&bundle.model()?)?;
    Ok(Prediction::new(&circuit, bundle.manifest.format, Goal::default())?)
}

fn absolute(path: &Path) -> Result<PathBuf, CliError> {
    std::path::absolute(path).map_err(|error| CliError::io(path, error))
}

fn text(path: &Path) -> Result<&str, CliError> {
    path.to_str().ok_or_else(|| CliError::Usage {
        message: format!("`{}` is no text, which commands have to be", path.display()),
        hint: "take another name".into(),
    })
}

fn words(command: &[&str]) -> Vec<String> {
    std::iter::once("zkverdict").chain(command.iter().copied()).map(str::to_owned).collect()
}
