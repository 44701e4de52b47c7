//! `watch`: follows a consumer's requests, proves, answers.

use crate::bundle::Bundle;
use crate::chain::{
    Answer as Proved, Request, WatchEvent, WatchOptions, WatchReport, Watcher, block_on,
};
use crate::circuit::{InstanceLayout, Role, Word};
use crate::cli::chain_args::ChainArgs;
use crate::cli::{Answer, CliError, Console};
use crate::proving::scalar_of;
use alloy::json_abi::JsonAbi;
use alloy::primitives::{Address, U256};
use serde::Serialize;
use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What `watch` takes.
#[derive(clap::Args)]
pub struct Args {
    /// The bundle that `keygen` made
    bundle: PathBuf,
    /// The contract that asks
    #[arg(long, value_name = "ADDRESS")]
    consumer: Address,
    /// Where the journal is kept; the loop goes on from it after a crash
    #[arg(long, value_name = "DIR", default_value = "watch")]
    journal: PathBuf,
    /// The first block to look at when there is no journal yet
    #[arg(long, value_name = "N", default_value_t = 0)]
    from_block: u64,
    /// Answer what there is, and end
    #[arg(long)]
    once: bool,
    /// Seconds between two looks for requests
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    interval: f64,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    totals: WatchReport,
    seconds: f64,
    per_second: f64,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WatchReport { answered, already_answered, skipped } = self.totals;
        writeln!(f, "answered          {answered} ({:.2} a second)", self.per_second)?;
        writeln!(f, "already answered  {already_answered}")?;
        writeln!(f, "skipped           {skipped}")
    }
}

/// Runs the loop.
pub fn run(args: Args, console: &Console) -> Result<Answer, CliError> {
    if args.chain.dry_run {
        return Err(CliError::Usage {
            message: "`watch` has no dry run".into(),
            hint: "try an answer with `zkverdict submit --dry-run`".into(),
        });
    }
    let interval = Duration::try_from_secs_f64(args.interval).map_err(|_| CliError::Usage {
        message: format!("`--interval {}` is no time", args.interval),
        hint: String::new(),
    })?;
    let bundle = Bundle::open(&args.bundle)?;
    let layout = &bundle.manifest.layout;
    if !layout.shows_input() {
        return Err(CliError::Usage {
            message: "the bundle keeps inputs private, but requests on a chain are public".into(),
            hint: "make a bundle with `--input-visibility public`".into(),
        });
    }
    let stage = console.stage("making the proving key");
    let prover = bundle.prover()?;
    drop(stage);
    let answer = |request: &Request, context: U256| -> Result<Proved, String> {
        let inputs = unpack(layout, &request.inputs)?;
        let context = scalar_of(context.to_be_bytes()).ok_or("the context is no field element")?;
        let made = prover.prove(&inputs, context).map_err(|error| error.to_string())?;
        let instances = made.instances.iter().map(|&word| U256::from_be_bytes(word)).collect();
        Ok(Proved { proof: made.bytes, instances })
    };
    let report = |event: &WatchEvent| match event {
        WatchEvent::Found(request) => console.note(format!("request {}", request.id)),
        WatchEvent::Answered { id, transaction, .. } => {
            console.note(format!("request {id} answered in {}", transaction));
        }
        WatchEvent::AlreadyAnswered { id } => console.note(format!("request {id} was answered")),
        WatchEvent::Skipped { id, reason, .. } => console.warn(format!("request {id}: {reason}")),
        _ => {}
    };
    let options = WatchOptions {
        from_block: args.from_block,
        confirmations: args.chain.confirmations,
        once: args.once,
        interval,
        send: args.chain.send_options(console),
        ..WatchOptions::default()
    };
    block_on(async {
        let connection = args.chain.connect(console).await?;
        let watcher = Watcher::open(
            connection.chain.clone(),
            args.consumer,
            // The errors of verifiers, registries and consumers are known without.
            JsonAbi::new(),
            &args.journal,
            options.from_block,
        )?;
        let start = Instant::now();
        let totals = watcher.run(answer, report, &options).await?;
        let seconds = start.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss)]
        let per_second = totals.answered as f64 / seconds;
        console.result(&Report { totals, seconds, per_second })?;
        Ok(Answer::Yes)
    })
}

/// The model's inputs in a request's words, which are the instances of a proof's inputs.
fn unpack(layout: &InstanceLayout, words: &[U256]) -> Result<Vec<Vec<i32>>, String> {
    let at = layout.range(Role::Input);
    if words.len() != at.len() {
        return Err(format!("the request has {} words, expected {}", words.len(), at.len()));
    }
    let mut instances = vec![Word::default(); layout.len()];
    for (instance, word) in instances[at].iter_mut().zip(words) {
        *instance = word.to_be_bytes();
    }
    let parts = layout.parts();
    let inputs = parts.iter().filter(|part| part.role == Role::Input);
    inputs.map(|part| part.integers(&instances).map_err(|error| error.to_string())).collect()
}
