//! The operator's loop: follows a consumer's requests, proves, answers.
//!
//! Everything that matters is in a journal before it happens, so the loop may be killed at any moment:
//!
//! * a request is in the journal before the block cursor moves past it, so none is lost;
//! * a signed answer is in the journal before it goes out, and after a crash the same bytes go out again.
//!   They get into a block once at most, so no request is answered twice.
//!
//! The consumer itself takes one answer per request, whoever gives it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use alloy::{
    json_abi::JsonAbi,
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};
use serde::{Deserialize, Serialize};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    Chain, ChainError, Outgoing, Revert, SendOptions, Sent, Submission, Verdict,
    bindings::{IRequestConsumer, KNOWN_ERRORS},
    file::write_atomically,
    revert::CallOutcome,
};

/// Blocks asked for at once; public nodes refuse more than some thousands.
const LOG_BLOCKS: u64 = 2_000;

/// Answers under way at once.
const MAX_IN_FLIGHT: usize = 16;

/// Somebody's question to a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its number at the consumer.
    pub id: U256,
    /// Who asks.
    pub requester: Address,
    /// The packed inputs.
    pub inputs: Vec<U256>,
    /// The block that holds it.
    pub block: u64,
}

/// A proof for a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The proof.
    pub proof: Vec<u8>,
    /// The context, the request's inputs, the outputs.
    pub instances: Vec<U256>,
}

/// How the loop runs.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// The first block to look at when there is no journal yet.
    pub from_block: u64,
    /// Blocks that a request must be deep, its own included.
    pub confirmations: u64,
    /// Whether to return when nothing is left to do, instead of waiting for more.
    pub once: bool,
    /// Time between two looks for requests.
    pub interval: Duration,
    /// How answers are sent.
    pub send: SendOptions,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            from_block: 0,
            confirmations: 1,
            once: false,
            interval: Duration::from_secs(2),
            send: SendOptions::default(),
        }
    }
}

/// What happens in the loop.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// A request was found.
    Found(Request),
    /// An answer is in a block.
    Answered {
        /// The request.
        id: U256,
        /// The transaction.
        sent: Sent,
    },
    /// Somebody else, or an earlier run, has answered.
    AlreadyAnswered {
        /// The request.
        id: U256,
    },
    /// No answer can be given: it cannot be proved, or the consumer does not want it. It is tried again
    /// by the next run.
    Skipped {
        /// The request.
        id: U256,
        /// Why.
        reason: String,
    },
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WatchReport {
    /// Requests that this run answered.
    pub answered: u64,
    /// Requests that were answered before.
    pub already_answered: u64,
    /// Requests that could not be answered.
    pub skipped: u64,
}

/// Follows the requests of one consumer.
#[derive(Debug)]
pub struct Watcher {
    chain: Chain,
    consumer: Address,
    abi: JsonAbi,
    journal: Arc<Mutex<Journal>>,
    /// Held as long as this lives: two loops with one journal would answer twice.
    _lock: File,
}

/// What must not be forgotten.
#[derive(Debug)]
struct Journal {
    path: PathBuf,
    state: State,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    chain_id: u64,
    consumer: Address,
    /// Everything below has been looked at.
    next_block: u64,
    /// Requests without a confirmed answer.
    open: BTreeMap<U256, Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    request: Request,
    /// The answer that went out, or is about to.
    outgoing: Option<Outgoing>,
}

/// What became of an answer that was under way.
type Outcome = (U256, Result<Verdict, ChainError>);

impl Journal {
    fn save(&self) -> Result<(), ChainError> {
        let text =
            serde_json::to_vec(&self.state).expect("the state has string keys and no floats");
        write_atomically(&self.path, &text)
    }
}

impl Watcher {
    /// Opens the journal in a directory, or starts one. `abi` holds the errors of consumer and verifier,
    /// for messages.
    pub fn open(
        chain: Chain,
        consumer: Address,
        abi: JsonAbi,
        directory: &Path,
        from_block: u64,
    ) -> Result<Self, ChainError> {
        let failed = |path: &Path, source| ChainError::Record { path: path.to_owned(), source };
        fs::create_dir_all(directory).map_err(|source| failed(directory, source))?;
        let path = directory.join(format!("{}-{consumer}.json", chain.id()));
        let lock_path = path.with_extension("lock");
        let lock = File::create(&lock_path).map_err(|source| failed(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::new(io::ErrorKind::ResourceBusy, "another watch is using it");
                return Err(failed(&path, busy));
            }
            Err(TryLockError::Error(source)) => return Err(failed(&lock_path, source)),
        }
        let state = match fs::read(&path) {
            Ok(text) => {
                serde_json::from_slice(&text).map_err(|error| failed(&path, error.into()))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => State {
                chain_id: chain.id(),
                consumer,
                next_block: from_block,
                open: BTreeMap::new(),
            },
            Err(source) => return Err(failed(&path, source)),
        };
        if (state.chain_id, state.consumer) != (chain.id(), consumer) {
            let other = io::Error::new(io::ErrorKind::InvalidData, "belongs to another consumer");
            return Err(failed(&path, other));
        }
        let journal = Arc::new(Mutex::new(Journal { path, state }));
        Ok(Self { chain, consumer, abi, journal, _lock: lock })
    }

    /// Runs until nothing is left to do, if that is wished for, or until something is wrong that waiting
    /// does not cure. `prove` gets a request and the context to prove with.
    pub async fn run(
        &self,
        mut prove: impl FnMut(&Request, U256) -> Result<Answer, String>,
        mut report: impl FnMut(&WatchEvent),
        options: &WatchOptions,
    ) -> Result<WatchReport, ChainError> {
        self.chain.key()?;
        if !self.chain.has_code(self.consumer).await? {
            let (address, chain_id) = (self.consumer, self.chain.id());
            return Err(ChainError::NoContract { address, chain_id });
        }
        let mut run = Run {
            watcher: self,
            options,
            under_way: JoinSet::new(),
            busy: BTreeSet::new(),
            skipped: BTreeSet::new(),
            totals: WatchReport::default(),
        };
        let mut last_answer = Instant::now();
        loop {
            match run.round(&mut prove, &mut report).await {
                Ok(idle) => {
                    last_answer = Instant::now();
                    if idle && options.once {
                        return Ok(run.totals);
                    }
                    if idle {
                        sleep(options.interval).await;
                    }
                }
                Err(ChainError::Unreachable { .. })
                    if last_answer.elapsed() < options.send.patience =>
                {
                    sleep(options.interval).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().expect("no panic while it is held")
    }

    async fn is_open(&self, id: U256) -> Result<bool, ChainError> {
        let open = self.call(IRequestConsumer::isOpenCall { requestId: id }).await?;
        Ok(open)
    }

    async fn call<C: SolCall>(&self, call: C) -> Result<C::Return, ChainError> {
        match self.chain.call(self.consumer, call.abi_encode().into()).await? {
            CallOutcome::Returned(data) => {
                C::abi_decode_returns(&data).map_err(|error| ChainError::Malformed {
                    request: "eth_call",
                    message: format!("{} of {}: {error}", C::SIGNATURE, self.consumer),
                })
            }
            CallOutcome::Reverted(data) => Err(ChainError::Reverted {
                call: C::SIGNATURE.into(),
                contract: self.consumer,
                error: Revert::decode(data, &KNOWN_ERRORS).into(),
            }),
        }
    }

    /// Options that put an answer into the journal before it goes out.
    fn journaled(&self, id: U256, options: &SendOptions) -> SendOptions {
        let journal = Arc::clone(&self.journal);
        let announce = options.on_send.clone();
        SendOptions {
            on_send: Some(Arc::new(move |outgoing| {
                let mut journal = journal.lock().expect("no panic while it is held");
                if let Some(entry) = journal.state.open.get_mut(&id) {
                    entry.outgoing = Some(outgoing.clone());
                }
                journal.save()?;
                announce.as_ref().map_or(Ok(()), |announce| announce(outgoing))
            })),
            ..options.clone()
        }
    }
}

/// One run of the loop.
struct Run<'a> {
    watcher: &'a Watcher,
    options: &'a WatchOptions,
    under_way: JoinSet<Outcome>,
    /// Requests with an answer under way.
    busy: BTreeSet<U256>,
    /// Requests that this run does not try again.
    skipped: BTreeSet<U256>,
    totals: WatchReport,
}

impl Run<'_> {
    /// Looks for requests, sends answers, takes in what became of them. True if nothing was to be done.
    async fn round(
        &mut self,
        prove: &mut impl FnMut(&Request, U256) -> Result<Answer, String>,
        report: &mut impl FnMut(&WatchEvent),
    ) -> Result<bool, ChainError> {
        let found = self.find(report).await?;
        let waiting = self.waiting();
        for id in &waiting {
            while let Some(outcome) = self.under_way.try_join_next() {
                self.settle(finished(outcome), report).await?;
            }
            if self.under_way.len() >= MAX_IN_FLIGHT
                && let Some(outcome) = self.under_way.join_next().await
            {
                self.settle(finished(outcome), report).await?;
            }
            self.answer(*id, prove, report).await?;
        }
        if let Some(outcome) = self.under_way.join_next().await {
            self.settle(finished(outcome), report).await?;
        }
        Ok(!found && self.under_way.is_empty() && self.waiting().is_empty())
    }

    /// Requests that nothing is being done about.
    fn waiting(&self) -> Vec<U256> {
        let journal = self.watcher.journal();
        let open = journal.state.open.keys();
        open.filter(|id| !self.busy.contains(id) && !self.skipped.contains(id)).copied().collect()
    }

    /// Puts new requests into the journal. True if there may be more.
    async fn find(&mut self, report: &mut impl FnMut(&WatchEvent)) -> Result<bool, ChainError> {
        let chain = &self.watcher.chain;
        let failed = |request| move |error| ChainError::rpc(request, chain.endpoint(), error);
        let height =
            chain.provider().get_block_number().await.map_err(failed("eth_blockNumber"))?;
        let from = self.watcher.journal().state.next_block;
        let Some(last) = (height + 1).checked_sub(self.options.confirmations) else {
            return Ok(false);
        };
        if last < from {
            return Ok(false);
        }
        let to = last.min(from + LOG_BLOCKS - 1);
        let filter = Filter::new()
            .address(self.watcher.consumer)
            .event_signature(IRequestConsumer::InferenceRequested::SIGNATURE_HASH)
            .from_block(from)
            .to_block(to);
        let logs = chain.provider().get_logs(&filter).await.map_err(failed("eth_getLogs"))?;
        let mut journal = self.watcher.journal();
        for log in logs {
            let Ok(event) = IRequestConsumer::InferenceRequested::decode_log(&log.inner) else {
                continue;
            };
            let request = Request {
                id: event.requestId,
                requester: event.requester,
                inputs: event.inputs.clone(),
                block: log.block_number.unwrap_or(to),
            };
            report(&WatchEvent::Found(request.clone()));
            journal.state.open.insert(request.id, Entry { request, outgoing: None });
        }
        journal.state.next_block = to + 1;
        journal.save()?;
        Ok(to < last)
    }

    /// Starts to answer a request.
    async fn answer(
        &mut self,
        id: U256,
        prove: &mut impl FnMut(&Request, U256) -> Result<Answer, String>,
        report: &mut impl FnMut(&WatchEvent),
    ) -> Result<(), ChainError> {
        let watcher = self.watcher;
        let (request, outgoing) = {
            let journal = watcher.journal();
            let entry = &journal.state.open[&id];
            (entry.request.clone(), entry.outgoing.clone())
        };
        let chain = watcher.chain.clone();
        let options = watcher.journaled(id, &self.options.send);
        if let Some(outgoing) = outgoing {
            self.busy.insert(id);
            self.under_way.spawn(async move {
                (id, chain.resume(outgoing, &options).await.map(Verdict::Accepted))
            });
            return Ok(());
        }
        if !watcher.is_open(id).await? {
            return self.close(id, WatchEvent::AlreadyAnswered { id }, report);
        }
        let operator = chain.sender();
        let context =
            watcher.call(IRequestConsumer::contextOfCall { operator, requestId: id }).await?;
        let answer = match prove(&request, context) {
            Ok(answer) => answer,
            Err(reason) => {
                self.skip(id, reason, report);
                return Ok(());
            }
        };
        let call = IRequestConsumer::answerInferenceCall {
            requestId: id,
            proof: answer.proof.into(),
            instances: answer.instances,
        };
        let submission = Submission::to_contract(watcher.consumer, call.abi_encode());
        let abi = watcher.abi.clone();
        self.busy.insert(id);
        self.under_way.spawn(async move { (id, submission.send(&chain, &abi, &options).await) });
        Ok(())
    }

    /// Takes in what became of an answer.
    async fn settle(
        &mut self,
        (id, outcome): Outcome,
        report: &mut impl FnMut(&WatchEvent),
    ) -> Result<(), ChainError> {
        self.busy.remove(&id);
        let refusal = match outcome {
            Ok(Verdict::Accepted(sent)) => {
                return self.close(id, WatchEvent::Answered { id, sent }, report);
            }
            Ok(Verdict::Refused { error, .. }) => error,
            Err(ChainError::Failed { error, .. }) => *error,
            // The bytes stay in the journal, and are sent again.
            Err(ChainError::Unconfirmed { .. }) => return Ok(()),
            // Another transaction of the same account has the nonce: these bytes are void.
            Err(ChainError::Displaced { .. }) => return self.forget_outgoing(id),
            Err(error) => return Err(error),
        };
        if !self.watcher.is_open(id).await? {
            return self.close(id, WatchEvent::AlreadyAnswered { id }, report);
        }
        self.forget_outgoing(id)?;
        self.skip(id, refusal.to_string(), report);
        Ok(())
    }

    fn forget_outgoing(&self, id: U256) -> Result<(), ChainError> {
        let mut journal = self.watcher.journal();
        if let Some(entry) = journal.state.open.get_mut(&id) {
            entry.outgoing = None;
        }
        journal.save()
    }

    fn close(
        &mut self,
        id: U256,
        event: WatchEvent,
        report: &mut impl FnMut(&WatchEvent),
    ) -> Result<(), ChainError> {
        let mut journal = self.watcher.journal();
        journal.state.open.remove(&id);
        journal.save()?;
        match event {
            WatchEvent::Answered { .. } => self.totals.answered += 1,
            _ => self.totals.already_answered += 1,
        }
        report(&event);
        Ok(())
    }

    fn skip(&mut self, id: U256, reason: String, report: &mut impl FnMut(&WatchEvent)) {
        self.skipped.insert(id);
        self.totals.skipped += 1;
        report(&WatchEvent::Skipped { id, reason });
    }
}

/// An answer's task neither panics nor is it cancelled while the loop lives.
fn finished(outcome: Result<Outcome, tokio::task::JoinError>) -> Outcome {
    outcome.expect("sending does not panic")
}
