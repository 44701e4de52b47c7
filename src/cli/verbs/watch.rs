//! `watch`: follows a consumer's requests, proves, answers.

use crate::bundle::{Bundle, WeightsCommitment, Work};
use crate::chain::{
    Answer as Proved, Chain, ChainError, Request, SendOptions, WatchEvent, WatchOptions,
    WatchReport, Watcher, block_on, consumer_weights,
};
use crate::circuit::{InstanceLayout, Role, Word};
use crate::cli::bundle::AnyBundle;
use crate::cli::chain_args::ChainArgs;
#[cfg(feature = "cluster")]
use crate::cli::cluster_args::QueueArgs;
use crate::cli::commitments::WeightsArgs;
use crate::cli::log::Log;
use crate::cli::{Answer, CliError, Console, files};
#[cfg(feature = "cluster")]
use crate::cluster::RequestEvent;
use crate::proving::{Blindings, Options, Proof, Secrets, scalar_of};
use alloy::json_abi::JsonAbi;
use alloy::primitives::{Address, B256, U256};
use serde::Serialize;
use serde_json::json;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// Seconds between two lines about how the loop is
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0)]
    health: f64,
    /// How deep a block is that stays, on chains that do not say which blocks are final
    #[arg(long, value_name = "N", default_value_t = 64)]
    finality_depth: u64,
    #[command(flatten)]
    weights: WeightsArgs,
    #[cfg(feature = "cluster")]
    #[command(flatten)]
    queue: QueueArgs,
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
    let interval = seconds("--interval", args.interval)?;
    let health = seconds("--health", args.health)?;
    let bundle = AnyBundle::open(&args.bundle)?;
    let layout = bundle.layout();
    if !layout.shows_input() {
        return Err(CliError::Usage {
            message:
                "the bundle keeps inputs private or committed, but requests on a chain are public"
                    .into(),
            hint: "make a bundle with `--input-visibility public`".into(),
        });
    }
    let weights = args.weights.open(bundle.first())?;
    let name = weights.as_ref().map(|weights| B256::from(weights.name()));
    let weights = weights.map(Arc::new);
    let log = console.log(true);
    let prove = proving(&args, &bundle, weights.as_deref(), log, console)?;
    let answer = |request: &Request, context: U256| -> Result<Proved, String> {
        let inputs = unpack(layout, &request.inputs)?;
        let context = scalar_of(context.to_be_bytes()).ok_or("the context is no field element")?;
        let (commitments, blindings) = (Vec::new(), Blindings::draw(0));
        let contexts = vec![context];
        let weights = weights.clone();
        let made = prove(&Work { inputs, contexts, commitments, blindings, weights })?;
        let instances = made.instances.iter().map(|&word| U256::from_be_bytes(word)).collect();
        Ok(Proved { proof: made.bytes, instances })
    };
    let mut report = |event: &WatchEvent| tell(&log, event);
    // What is said twice otherwise: the loop's own events tell of each transaction.
    let send = SendOptions { on_send: None, ..args.chain.send_options(console) };
    let options = WatchOptions {
        from_block: args.from_block,
        confirmations: args.chain.confirmations,
        finality_depth: args.finality_depth,
        once: args.once,
        interval,
        health,
        stop: Some(files::stop_when_interrupted()),
        send,
    };
    let outcome = block_on(async {
        let connection = args.chain.connect(console).await?;
        if let Some(name) = name {
            expects(&connection.chain, args.consumer, name).await?;
        }
        let watcher = Watcher::open(
            connection.chain.clone(),
            args.consumer,
            // The errors of verifiers, registries and consumers are known without.
            JsonAbi::new(),
            &args.journal,
            options.from_block,
        )?;
        let chain = &connection.chain;
        let (node, operator) = (chain.endpoint(), chain.sender());
        let started = json!({
            "chain": chain.id(), "node": node, "consumer": args.consumer, "operator": operator,
        });
        log.event("started", started);
        let start = Instant::now();
        let totals = watcher.run(answer, &mut report, &options).await?;
        let seconds = start.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss)]
        let per_second = totals.answered as f64 / seconds;
        log.event("ended", json!(totals));
        console.result(&Report { totals, seconds, per_second })?;
        Ok::<_, CliError>(Answer::Yes)
    });
    match outcome {
        Err(CliError::Chain(error))
            if !args.once
                && (!error.is_final() || matches!(error, ChainError::KeyInUse { .. })) =>
        {
            console.error(&CliError::Chain(error));
            Ok(Answer::Later)
        }
        outcome => outcome,
    }
}

/// What makes proofs: this process, or workers elsewhere.
type Proving = Box<dyn Fn(&Work) -> Result<Proof, String>>;

/// Of a model in parts, the keys of all of them are kept.
fn proving(
    args: &Args,
    bundle: &AnyBundle,
    weights: Option<&WeightsCommitment>,
    log: Log,
    console: &Console,
) -> Result<Proving, CliError> {
    let bundle = match bundle {
        AnyBundle::Whole(bundle) => return proving_one(args, bundle, weights, log, console),
        AnyBundle::Parts(bundle) => bundle.clone(),
    };
    #[cfg(feature = "cluster")]
    if let Some(requester) = args.queue.parts_requester(&bundle)? {
        return Ok(Box::new(move |work| {
            let told = |part, event| tell_job(log, Some(part), event);
            requester.prove(work, &told).map_err(|error| error.to_string())
        }));
    }
    let one = |part| proving_one(args, part, None, log, console);
    let parts = bundle.parts.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(Box::new(move |work| {
        let prove = |number: usize, _: &Bundle, work: &Work| Ok(parts[number](work)?);
        bundle.prove(work, prove).map_err(|error: Box<dyn Error>| error.to_string())
    }))
}

fn proving_one(
    args: &Args,
    bundle: &Bundle,
    weights: Option<&WeightsCommitment>,
    log: Log,
    console: &Console,
) -> Result<Proving, CliError> {
    #[cfg(feature = "cluster")]
    if let Some(requester) = args.queue.requester(bundle)? {
        return Ok(Box::new(move |work| {
            let told = |event| tell_job(log, None, event);
            requester.prove(work, &told).map_err(|error| error.to_string())
        }));
    }
    let _ = (args, log);
    let _stage = console.stage("making the proving key");
    let prover = bundle.prover()?;
    // Once for all proofs.
    let weights = weights.map(|weights| weights.committed(&prover)).transpose()?;
    Ok(Box::new(move |work| {
        let options = Options::default();
        let made = match &weights {
            None => work.prove(&prover, &options),
            Some(weights) => {
                let secrets = Secrets { weights: Some(weights), ..Secrets::default() };
                let made =
                    prover.prove_linked(&work.inputs, work.contexts.clone(), secrets, &options);
                made.map(|(proof, _)| proof)
            }
        };
        made.map_err(|error| error.to_string())
    }))
}

/// Logs what becomes of a job, or of that of a model's part.
#[cfg(feature = "cluster")]
fn tell_job(log: Log, part: Option<usize>, event: RequestEvent) {
    let (name, mut values) = match event {
        RequestEvent::Waits { job, state, worker, why } => {
            ("job", json!({ "job": job, "state": state, "worker": worker, "reason": why }))
        }
        RequestEvent::Refused { job, worker, why } => {
            ("refused", json!({ "job": job, "worker": worker, "reason": why }))
        }
        RequestEvent::Trouble { why } => ("trouble", json!({ "reason": why })),
    };
    if let Some(part) = part {
        values["part"] = json!(part + 1);
    }
    log.event(name, values);
}

/// That answers about these weights are those that a consumer counts now; a consumer that does not tell says it of each answer.
async fn expects(chain: &Chain, consumer: Address, name: B256) -> Result<(), CliError> {
    match consumer_weights(chain, consumer).await? {
        Some(expected) if expected != name => Err(CliError::Usage {
            message: format!(
                "{consumer} counts answers about the weights {expected}, and the commitment is to {name}"
            ),
            hint: "give the file of that name with `--weights-commitment`".into(),
        }),
        _ => Ok(()),
    }
}

fn seconds(flag: &str, value: f64) -> Result<Duration, CliError> {
    Duration::try_from_secs_f64(value).map_err(|_| CliError::Usage {
        message: format!("`{flag} {value}` is no time"),
        hint: String::new(),
    })
}

/// Says what has happened, in one line.
fn tell(log: &Log, event: &WatchEvent) {
    let id = |id: &U256| id.to_string();
    match event {
        WatchEvent::Found(request) => log.event(
            "found",
            json!({ "request": id(&request.id), "block": request.block, "requester": request.requester }),
        ),
        WatchEvent::Missing { id: request } => {
            log.event("missing", json!({ "request": id(request), "reason": "no node shows its event" }));
        }
        WatchEvent::Gone { id: request } => {
            log.event("gone", json!({ "request": id(request), "reason": "a reorg took its block" }));
        }
        WatchEvent::Sent { id: request, transaction, nonce, raised } => {
            let request = request.as_ref().map(id);
            let name = if *raised { "raised" } else { "sent" };
            log.event(
                name,
                json!({ "request": request, "transaction": transaction, "nonce": nonce }),
            );
        }
        WatchEvent::Answered { id: request, transaction, block } => log.event(
            "answered",
            json!({ "request": id(request), "block": block, "transaction": transaction }),
        ),
        WatchEvent::AlreadyAnswered { id: request } => {
            log.event("already_answered", json!({ "request": id(request) }));
        }
        WatchEvent::Reopened { id: request } => log.event(
            "reopened",
            json!({ "request": id(request), "reason": "a reorg took its answer's block" }),
        ),
        WatchEvent::Skipped { id: request, reason, retry } => log.event(
            "skipped",
            json!({ "request": id(request), "reason": reason, "retry_seconds": retry.as_secs() }),
        ),
        WatchEvent::Displaced { nonce, id: request } => log.event(
            "displaced",
            json!({
                "request": request.as_ref().map(id), "nonce": nonce,
                "reason": "somebody else has used the account's nonce",
            }),
        ),
        WatchEvent::Rewound { block } => log.event(
            "rewound",
            json!({ "block": block, "reason": "the chain has other blocks than before" }),
        ),
        WatchEvent::Unproved { what } => log.event("unproved", json!({ "reason": what })),
        WatchEvent::Trouble { reason, retry } => {
            log.event("trouble", json!({ "reason": reason, "retry_seconds": retry.as_secs() }));
        }
        WatchEvent::Health(health) => log.event("health", json!(health)),
    }
}

/// The model's inputs, and what claims compare with, in a request's words: they are the instances of a proof's.
fn unpack(layout: &InstanceLayout, words: &[U256]) -> Result<Vec<Vec<i32>>, String> {
    let at = layout.range(Role::Input).start..layout.range(Role::ClaimParameter).end;
    if words.len() != at.len() {
        return Err(format!("the request has {} words, expected {}", words.len(), at.len()));
    }
    let mut instances = vec![Word::default(); layout.len()];
    for (instance, word) in instances[at].iter_mut().zip(words) {
        *instance = word.to_be_bytes();
    }
    let parts = layout.parts();
    let is_given = |role| matches!(role, Role::Input | Role::ClaimParameter);
    let inputs = parts.iter().filter(|part| is_given(part.role));
    inputs.map(|part| part.integers(&instances).map_err(|error| error.to_string())).collect()
}
