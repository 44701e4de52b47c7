//! The operator's loop: follows a consumer's requests, proves, answers.
//!
//! Everything that matters is in a journal before it happens, so the loop may be killed at any moment, and
//! nothing a node says makes it forget:
//!
//! * blocks are read again until they are final, and the consumer's own count says whether a request is missing;
//! * a request leaves the journal when its answer is final, and three answers of the node agree on that;
//! * a signed answer is in the journal before it goes out. Its request gets no other nonce until a final block
//!   decides what the nonce went to, so no request is paid for twice.
//!
//! Trouble with nodes and disks passes: the loop waits, longer each time, and goes on.
//!
//! | file | holds |
//! |---|---|
//! | `event` | what the loop tells |
//! | `options` | how it runs and rests |
//! | `journal` | what must not be forgotten |
//! | `view` | the blocks that a round goes by |
//! | `scan` | requests and answers, as the chain has them |
//! | `slots` | the account's nonces and their transactions |

mod event;
mod journal;
mod options;
mod scan;
mod slots;
mod view;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, TryLockError},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use alloy::{
    json_abi::JsonAbi,
    network::TransactionBuilder,
    primitives::{Address, B256, U256, keccak256},
    rpc::types::TransactionRequest,
    sol,
    sol_types::SolCall,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

pub use self::{
    event::{Health, WatchEvent, WatchReport},
    options::WatchOptions,
};
use self::{
    journal::{Journal, Version},
    slots::Watched,
    view::View,
};
use crate::regular_file;

use super::{
    Chain, ChainError, Disk, FileSystem, Revert, bindings::IRequestConsumer, clock::backoff,
    fees::Fees, lock::KeyLock, send::gas_limit,
};

/// Blocks asked for at once; public nodes refuse more than some thousands.
const LOG_BLOCKS: u64 = 2_000;

/// Answers under way at once.
const MAX_IN_FLIGHT: usize = 16;

/// The longest pause after trouble with a node or a disk.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How many answers to one request may fail in blocks before a run gives it up: somebody who lies about gas, or about
/// what the consumer waits for, could have it paid for without end.
const MOST_FAILED: u32 = 3;

/// The pause before a request is tried again, after its first failure and after many.
const RETRY: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(600));

sol! {
    function requestCount() external view returns (uint256);
}

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
    /// That block's hash.
    #[serde(default)]
    pub block_hash: B256,
}

impl Request {
    /// Names what is asked.
    fn question(&self) -> B256 {
        keccak256(self.inputs.iter().flat_map(|word| word.to_be_bytes::<32>()).collect::<Vec<_>>())
    }
}

/// A proof for a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The proof.
    pub proof: Vec<u8>,
    /// The context, the request's inputs, the outputs.
    pub instances: Vec<U256>,
}

/// Follows the requests of one consumer.
#[derive(Debug)]
pub struct Watcher {
    chain: Chain,
    consumer: Address,
    abi: JsonAbi,
    journal: Mutex<Journal>,
    /// Held as long as this lives: two loops with one journal would answer twice.
    _lock: Option<File>,
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
        let lock_path = directory.join(format!("{}-{consumer}.lock", chain.id()));
        let lock =
            regular_file::open_lock(&lock_path).map_err(|source| failed(&lock_path, source))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::new(io::ErrorKind::ResourceBusy, "another watch is using it");
                return Err(failed(&lock_path.with_extension("json"), busy));
            }
            Err(TryLockError::Error(source)) => return Err(failed(&lock_path, source)),
        }
        let disk = Arc::new(FileSystem);
        let watcher = Self::open_on(disk, chain, consumer, abi, directory, from_block)?;
        Ok(Self { _lock: Some(lock), ..watcher })
    }

    /// The same on a disk of one's own, which nobody else writes to.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        chain: Chain,
        consumer: Address,
        abi: JsonAbi,
        directory: &Path,
        from_block: u64,
    ) -> Result<Self, ChainError> {
        let path = directory.join(format!("{}-{consumer}.json", chain.id()));
        let journal = Journal::open(disk, path, chain.id(), consumer, from_block)?;
        Ok(Self { chain, consumer, abi, journal: Mutex::new(journal), _lock: None })
    }

    fn chain(&self) -> &Chain {
        &self.chain
    }

    /// Waits for a node that knows the consumer. One that does not may be behind: it is asked again.
    async fn find_consumer(&self, options: &WatchOptions) -> Result<(), ChainError> {
        let clock = self.chain.clock();
        let (start, mut failures) = (clock.now(), 0);
        // The loop ends at once where somebody wants that.
        while !options.is_stopped() {
            let error = match self.chain.has_code(self.consumer).await {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    let (address, chain_id) = (self.consumer, self.chain.id());
                    ChainError::NoContract { address, chain_id }
                }
                Err(error) => error,
            };
            failures += 1;
            let is_patient = !options.once || clock.now() - start < options.send.patience;
            let is_there = !matches!(error, ChainError::NoContract { .. }) || failures < 3;
            if error.is_final() || !is_patient || !is_there {
                return Err(error);
            }
            let first = options.interval.min(self.chain.poll_interval());
            options.rest(clock, backoff(clock, first, LONGEST_PAUSE, failures)).await;
        }
        Ok(())
    }

    /// Runs until it is told to stop, or until nothing is left to do, if that is wished for. `prove` gets a
    /// request and the context to prove with.
    pub async fn run(
        &self,
        mut prove: impl FnMut(&Request, U256) -> Result<Answer, String>,
        mut report: impl FnMut(&WatchEvent),
        options: &WatchOptions,
    ) -> Result<WatchReport, ChainError> {
        self.chain.key()?;
        let _key =
            if self.chain.is_shared() { Some(KeyLock::try_take(&self.chain)?) } else { None };
        self.find_consumer(options).await?;
        let mut run = Run {
            watcher: self,
            journal: &mut *self.journal.lock().await,
            options,
            events: Vec::new(),
            watched: BTreeMap::new(),
            not_before: BTreeMap::new(),
            skipped: BTreeSet::new(),
            paid_in_vain: BTreeMap::new(),
            absent: BTreeSet::new(),
            search_from: 0,
            searched: false,
            unproved: 0,
            search_again: Duration::ZERO,
            gap_since: None,
            used: None,
            has_sent: false,
            log_blocks: LOG_BLOCKS,
            totals: WatchReport::default(),
        };
        let clock = self.chain.clock();
        let (mut last_success, mut last_health) = (clock.now(), clock.now());
        let mut health = Health::default();
        loop {
            if options.is_stopped() {
                return Ok(run.totals);
            }
            let outcome = run.round(&mut prove, &mut report, &mut health).await;
            let now = clock.now();
            let pause = match outcome {
                Ok(is_idle) => {
                    (last_success, health.failures) = (now, 0);
                    if is_idle && options.once {
                        run.tell(&mut report);
                        return Ok(run.totals);
                    }
                    // More may wait for their turn.
                    if run.has_sent {
                        options.interval.min(self.chain.poll_interval())
                    } else {
                        options.interval
                    }
                }
                Err(error) if error.is_final() => return Err(error),
                Err(error) if options.once && now - last_success >= options.send.patience => {
                    return Err(error);
                }
                Err(error) => {
                    health.failures += 1;
                    let first = options.interval.min(LONGEST_PAUSE);
                    let retry = backoff(clock, first, LONGEST_PAUSE, health.failures);
                    run.report(WatchEvent::Trouble { reason: error.to_string(), retry });
                    retry
                }
            };
            if now - last_health >= options.health {
                last_health = now;
                run.report(WatchEvent::Health(health));
            }
            run.tell(&mut report);
            options.rest(clock, pause).await;
        }
    }
}

/// One run of the loop.
struct Run<'a> {
    watcher: &'a Watcher,
    journal: &'a mut Journal,
    options: &'a WatchOptions,
    /// What has happened and has not been told.
    events: Vec<WatchEvent>,
    watched: BTreeMap<u64, Watched>,
    /// When requests that failed are tried again.
    not_before: BTreeMap<U256, Duration>,
    /// Requests that failed in this run.
    skipped: BTreeSet<U256>,
    /// How many of their answers failed in blocks, and were paid for.
    paid_in_vain: BTreeMap<U256, u32>,
    /// Requests that the consumer has counted and that the logs lack.
    absent: BTreeSet<U256>,
    /// Where missing events are looked for next, and whether all blocks have been looked through.
    search_from: u64,
    searched: bool,
    /// How much of what could not be proved has been told.
    unproved: usize,
    search_again: Duration,
    gap_since: Option<Duration>,
    /// Transactions of the account after a block.
    used: Option<(B256, u64)>,
    /// Whether this round has sent an answer.
    has_sent: bool,
    /// How many blocks the node looks through for one question.
    log_blocks: u64,
    totals: WatchReport,
}

impl<'a> Run<'a> {
    fn chain(&self) -> &'a Chain {
        &self.watcher.chain
    }

    fn report(&mut self, event: WatchEvent) {
        self.events.push(event);
    }

    fn tell(&mut self, report: &mut impl FnMut(&WatchEvent)) {
        self.events.drain(..).for_each(|event| report(&event));
    }

    /// Looks at the chain, looks after what is under way, answers what is open. True if nothing was left
    /// to do.
    async fn round(
        &mut self,
        prove: &mut impl FnMut(&Request, U256) -> Result<Answer, String>,
        report: &mut impl FnMut(&WatchEvent),
        health: &mut Health,
    ) -> Result<bool, ChainError> {
        self.has_sent = false;
        let mut view = View::take(self.chain(), self.options).await?;
        self.scan(&mut view).await?;
        self.tell(report);
        // Before their nonces are decided and forgotten: those say whose answers they are.
        self.tell_answers(&mut view).await?;
        let mut trouble = self.look_after(&mut view).await;
        for id in self.waiting() {
            self.tell(report);
            if self.options.is_stopped() {
                break;
            }
            if let Err(error) = self.answer(id, &mut view, prove).await {
                if error.is_final() {
                    return Err(error);
                }
                trouble = trouble.and(Err(error));
            }
        }
        let unproved = self.chain().unproved();
        for what in unproved.iter().skip(self.unproved) {
            self.report(WatchEvent::Unproved { what: what.clone() });
        }
        self.unproved = unproved.len();
        self.tell(report);
        self.measure(&view, health);
        trouble?;
        let state = &self.journal.state;
        let is_done = |(id, entry): (&U256, &journal::Entry)| {
            let under_way = state.nonce_of(*id).is_some() && entry.answered.is_none();
            (entry.answered.is_some() && entry.told) || (self.skipped.contains(id) && !under_way)
        };
        let nothing_missing = self.absent.is_empty() && (state.missing.is_empty() || self.searched);
        Ok(nothing_missing && state.open.iter().all(is_done))
    }

    fn measure(&self, view: &View, health: &mut Health) {
        let state = &self.journal.state;
        let answered = state.open.values().filter(|entry| entry.answered.is_some()).count();
        *health = Health {
            head: view.head.number,
            final_block: view.last_final.number,
            open: state.open.len() - answered,
            answered,
            missing: state.missing.len() + self.absent.len(),
            under_way: state.slots.values().filter(|slot| state.is_needed(slot)).count(),
            failures: health.failures,
        };
    }

    /// Requests that something can be done about now.
    fn waiting(&self) -> Vec<U256> {
        let now = self.chain().clock().now();
        let is_ripe = |id: &U256| {
            !self.not_before.get(id).is_some_and(|&when| now < when || self.options.once)
                && self.paid_in_vain.get(id).is_none_or(|&times| times < MOST_FAILED)
        };
        let state = &self.journal.state;
        let open = state.open.iter().filter(|(_, entry)| entry.answered.is_none());
        open.map(|(&id, _)| id).filter(is_ripe).collect()
    }

    /// Tells of answers that are deep enough.
    async fn tell_answers(&mut self, view: &mut View) -> Result<(), ChainError> {
        let untold: Vec<_> = self
            .journal
            .state
            .open
            .iter()
            .filter(|(_, entry)| !entry.told)
            .filter_map(|(&id, entry)| Some((id, entry.answered?)))
            .collect();
        let us = self.chain().sender();
        for (id, seen) in untold {
            let depth = view.head.number.saturating_sub(seen.block).saturating_add(1);
            if depth < self.options.send.confirmations {
                continue;
            }
            if !self.is_in_its_receipt(view, id, &seen).await? {
                self.doubt(id)?;
                continue;
            }
            let ours = self.journal.state.slots.values().any(|slot| {
                slot.versions.iter().any(|version| version.outgoing.transaction == seen.transaction)
            });
            self.journal.change(|state| {
                if let Some(entry) = state.open.get_mut(&id) {
                    entry.told = true;
                    entry.reason = format!("answered in block {}", seen.block);
                }
            })?;
            if ours && seen.operator == us {
                let (transaction, block) = (seen.transaction, seen.block);
                self.totals.answered += 1;
                self.report(WatchEvent::Answered { id, transaction, block });
            } else {
                self.totals.already_answered += 1;
                self.report(WatchEvent::AlreadyAnswered { id });
            }
        }
        Ok(())
    }

    /// Proves and sends an answer, if there is anything to answer.
    async fn answer(
        &mut self,
        id: U256,
        view: &mut View,
        prove: &mut impl FnMut(&Request, U256) -> Result<Answer, String>,
    ) -> Result<(), ChainError> {
        let Some((nonce, before)) = self.nonce_for(view, id).await? else { return Ok(()) };
        if !self.is_open(view.head, id).await? {
            return self.refuse(id, "the consumer does not wait for it".into()).await;
        }
        let has_failed =
            |run: &Self| run.journal.state.open.get(&id).is_some_and(|e| e.failures > 0);
        if has_failed(self) {
            // What was proved last time may not have been what was asked.
            self.read_again(view, id).await?;
        }
        let Some(entry) = self.journal.state.open.get(&id) else { return Ok(()) };
        let (request, operator) = (entry.request.clone(), self.chain().sender());
        if !self.is_in_its_block(view, &request).await? {
            return self.skip(id, "its block does not hold it".into());
        }
        let context = self
            .call(view.head, IRequestConsumer::contextOfCall { operator, requestId: id })
            .await?;
        let answer = match prove(&request, context) {
            Ok(answer) => answer,
            Err(reason) => return self.skip(id, reason),
        };
        let data = IRequestConsumer::answerInferenceCall {
            requestId: id,
            proof: answer.proof.into(),
            instances: answer.instances,
        }
        .abi_encode();
        // Proving takes time: the state may be another one now.
        let now = View::take(self.chain(), self.options).await?;
        let consumer = self.watcher.consumer;
        if let Err(refusal) = self.simulate(now.head, consumer, data.clone().into()).await? {
            return self.refuse(id, refusal.to_string()).await;
        }
        let call = TransactionRequest::default()
            .with_from(operator)
            .with_chain_id(self.chain().id())
            .with_to(consumer)
            .with_input(data);
        let gas = match self.chain().estimate(&call).await? {
            Ok(gas) => gas_limit(gas),
            Err(data) => {
                let refusal = Revert::decode(data, &self.watcher.abi);
                return self.refuse(id, refusal.to_string()).await;
            }
        };
        let base = now.base_fee.unwrap_or_default();
        let fees = if before.is_empty() {
            self.fees(&now, gas).await
        } else {
            // In place of a transaction that nobody needs any more.
            let limits = &self.options.send;
            match (limits.raised(&before, gas, base), limits.fees(gas, base, 0)) {
                (Some(fees), _) => Ok(fees),
                (None, Err(error)) => Err(error),
                (None, Ok(_)) => {
                    self.use_up(nonce);
                    let reason = format!("nonce {nonce} has a transaction that must go first");
                    return self.skip(id, reason);
                }
            }
        };
        let fees = match fees {
            Ok(fees) => fees,
            Err(error @ (ChainError::FeeTooLow { .. } | ChainError::TooExpensive { .. })) => {
                return self.skip(id, error.to_string());
            }
            Err(error) => return Err(error),
        };
        let (cost, balance) =
            (U256::from(gas) * U256::from(fees.max), self.chain().balance(operator).await?);
        if balance < cost {
            let poor = ChainError::InsufficientFunds { sender: operator, balance, cost };
            return self.skip(id, poor.to_string());
        }
        let outgoing = self.chain().sign(call.with_gas_limit(gas).with_nonce(nonce), fees).await?;
        let question = request.question();
        self.has_sent = true;
        self.send_version(&now, Version { outgoing, request: Some(id), question }).await
    }

    async fn fees(&self, view: &View, gas: u64) -> Result<Fees, ChainError> {
        match view.base_fee {
            Some(base) => self.chain().fees_above(base, gas, &self.options.send).await,
            None => self.chain().fees(gas, &self.options.send).await,
        }
    }

    /// Puts a request off that the consumer refuses, unless that is because it has been answered.
    async fn refuse(&mut self, id: U256, reason: String) -> Result<(), ChainError> {
        let mut view = View::take(self.chain(), self.options).await?;
        if !self.is_open(view.head, id).await? {
            self.read_again(&mut view, id).await?;
            let open = &self.journal.state.open;
            if open.get(&id).is_none_or(|entry| entry.answered.is_some()) {
                return Ok(());
            }
        }
        self.skip(id, reason)
    }

    /// Puts a request off, longer after each failure.
    fn skip(&mut self, id: U256, reason: String) -> Result<(), ChainError> {
        let failures = self.journal.change(|state| {
            state.open.get_mut(&id).map_or(1, |entry| {
                entry.failures = entry.failures.saturating_add(1);
                entry.reason.clone_from(&reason);
                entry.failures
            })
        })?;
        let clock = self.chain().clock();
        let retry = backoff(clock, RETRY.0, RETRY.1, failures);
        self.not_before.insert(id, clock.now() + retry);
        if self.skipped.insert(id) {
            self.totals.skipped += 1;
        }
        self.report(WatchEvent::Skipped { id, reason, retry });
        Ok(())
    }

    /// Writes down why a request waits.
    fn note(&mut self, id: Option<U256>, reason: &str) -> Result<(), ChainError> {
        self.journal.change(|state| {
            if let Some(entry) = id.and_then(|id| state.open.get_mut(&id)) {
                reason.clone_into(&mut entry.reason);
            }
        })
    }
}
