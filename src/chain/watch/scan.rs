//! Finds requests and answers.
//!
//! Blocks are read again and again until they are final, so what a reorg moves is found where it lies now. That
//! a node leaves nothing out shows in the consumer's own count: requests have consecutive numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use alloy::primitives::U256;

use super::{
    LOG_BLOCKS, Request, Run, WatchEvent,
    journal::{Entry, MOST_MISSING, Place, Seen, State},
    view::{Happened, Point, View},
};
use crate::chain::ChainError;

/// How many requests are looked for at once whose events are missing.
const MISSING: usize = 100;

/// The pause before all blocks are looked through again.
const SEARCH_INTERVAL: Duration = Duration::from_secs(60);

/// Windows that are looked through for them in one round.
const WINDOWS: u64 = 20;

impl Run<'_> {
    /// Reads what there is to read.
    pub(super) async fn scan(&mut self, view: &mut View) -> Result<(), ChainError> {
        self.check_place(view).await?;
        self.read_final(view).await?;
        self.search(view).await?;
        self.read_passing(view).await?;
        self.settle(view).await
    }

    /// Goes back to a block that the chain still has.
    async fn check_place(&mut self, view: &mut View) -> Result<(), ChainError> {
        while let Some(place) = self.journal.state.place() {
            match view.hash(self.watcher.chain(), place.number).await? {
                Some(hash) if hash == place.hash => return Ok(()),
                Some(_) => {
                    self.journal.change(State::go_back)?;
                    let block = self.journal.state.next_block();
                    self.report(WatchEvent::Rewound { block });
                }
                None => {
                    return Err(ChainError::Contradiction {
                        request: "eth_getBlockByNumber",
                        message: format!(
                            "its newest block is {}, and {} was final before",
                            view.head.number, place.number
                        ),
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads final blocks, once.
    async fn read_final(&mut self, view: &mut View) -> Result<(), ChainError> {
        loop {
            let from = self.journal.state.next_block();
            let to = view.last_final.number.min(from.saturating_add(LOG_BLOCKS - 1));
            if from > to {
                return Ok(());
            }
            let happened = self.happened(view, from, to, &[]).await?;
            let hash = view.hash(self.watcher.chain(), to).await?;
            let Some(hash) = hash else { return Ok(()) };
            let end = Point { number: to, hash };
            let count = self.request_count(end).await?;
            self.note_final(end, count, happened)?;
        }
    }

    fn note_final(
        &mut self,
        end: Point,
        count: Option<U256>,
        happened: Happened,
    ) -> Result<(), ChainError> {
        let found = self.unknown(&happened.requests);
        self.journal.change(|state| {
            let seen: BTreeSet<U256> = happened.requests.iter().map(|request| request.id).collect();
            let after_last = seen.last().map(|last| last.saturating_add(U256::from(1)));
            let first = state.next_request().or_else(|| seen.first().copied());
            // Without the consumer's count a gap shows when a later request comes.
            let next = match count {
                Some(count) => Some(count),
                None => first.max(after_last),
            };
            if let (Some(first), Some(next)) = (first, next) {
                // Somebody who invents numbers does not fill the disk.
                let mut id = first;
                while id < next && state.missing.len() < MOST_MISSING {
                    if !seen.contains(&id) && !state.open.contains_key(&id) {
                        state.missing.insert(id);
                    }
                    id += U256::from(1);
                }
                if count.is_some() {
                    state.missing.retain(|&id| id < next);
                    state.open.retain(|&id, entry| {
                        id < next
                            || entry.request.block > end.number
                            || state.slots.values().any(|slot| slot.may_answer(id))
                    });
                }
            }
            for request in happened.requests {
                note_request(&mut state.open, request);
            }
            for (id, seen) in happened.answers {
                note_answer(&mut state.open, id, seen);
            }
            state.missing.retain(|id| !seen.contains(id));
            state.advance(Place::from((end, next)));
        })?;
        self.tell_found(found);
        Ok(())
    }

    /// Reads blocks that are not final, anew in each round.
    async fn read_passing(&mut self, view: &mut View) -> Result<(), ChainError> {
        let from = self.journal.state.next_block();
        let (mut happened, mut count) = (Happened::default(), None);
        if from <= view.head.number {
            happened = self.happened(view, from, view.head.number, &[]).await?;
            // Answers count at once, requests when they are deep enough.
            happened.requests.retain(|request| request.block <= view.deep.number);
        }
        if from <= view.deep.number {
            count = self.request_count(view.deep).await?;
        }
        let there: BTreeSet<U256> = happened.requests.iter().map(|request| request.id).collect();
        let found = self.unknown(&happened.requests);
        let answered: BTreeMap<U256, Seen> = happened.answers.into_iter().collect();
        let slots = self.journal.state.slots.values();
        let busy: BTreeSet<U256> = slots
            .flat_map(|slot| slot.versions.iter().filter_map(|version| version.request))
            .collect();
        let (gone, reopened) = self.journal.change(|state| {
            let mut gone = Vec::new();
            let mut reopened = Vec::new();
            let (mut lost, next) = (Vec::new(), state.next_request());
            state.open.retain(|&id, entry| {
                let is_gone = entry.request.block >= from && !there.contains(&id);
                if is_gone && entry.reason != GONE {
                    gone.push(id);
                    entry.reason = GONE.into();
                }
                if entry.answered.is_some_and(|seen| seen.block >= from)
                    && !answered.contains_key(&id)
                {
                    entry.answered = None;
                    if std::mem::take(&mut entry.told) {
                        reopened.push(id);
                    }
                }
                // With a transaction under way it is kept until that is decided.
                let stays = !is_gone || busy.contains(&id);
                if !stays && next.is_some_and(|next| id < next) {
                    // Its true event lies in a final block: what was read here was another one.
                    lost.push(id);
                }
                stays
            });
            state.missing.extend(lost);
            for request in happened.requests {
                // What was read for good stays: numbers are given out once.
                let known = state.open.get(&request.id);
                if known.is_none_or(|entry| entry.request.block >= from) {
                    note_request(&mut state.open, request);
                }
            }
            for (id, seen) in answered {
                note_answer(&mut state.open, id, seen);
            }
            (gone, reopened)
        })?;
        for id in gone {
            self.report(WatchEvent::Gone { id });
        }
        for id in reopened {
            self.report(WatchEvent::Reopened { id });
        }
        self.tell_found(found);
        let mut id = self.journal.state.next_request();
        let mut absent = BTreeSet::new();
        while let (Some(next), Some(count)) = (id, count)
            && next < count
            && absent.len() < MISSING
        {
            if !self.journal.state.open.contains_key(&next) {
                absent.insert(next);
            }
            id = Some(next + U256::from(1));
        }
        for id in absent.difference(&self.absent.clone()) {
            self.report(WatchEvent::Missing { id: *id });
        }
        self.absent = absent;
        Ok(())
    }

    /// Looks through old blocks for requests whose events are missing.
    async fn search(&mut self, view: &mut View) -> Result<(), ChainError> {
        let (start, end) = (self.journal.state.from_block, self.journal.state.next_block());
        if self.chain().clock().now() < self.search_again {
            return Ok(());
        }
        for _ in 0..WINDOWS {
            let about: Vec<U256> =
                self.journal.state.missing.iter().take(MISSING).copied().collect();
            if about.is_empty() || end <= start {
                return Ok(());
            }
            if self.search_from < start || self.search_from >= end {
                self.search_from = start;
            }
            let to = (end - 1).min(self.search_from.saturating_add(LOG_BLOCKS - 1));
            let happened = self.happened(view, self.search_from, to, &about).await?;
            let found = self.unknown(&happened.requests);
            self.journal.change(|state| {
                for request in happened.requests {
                    state.missing.remove(&request.id);
                    note_request(&mut state.open, request);
                }
                for (id, seen) in happened.answers {
                    note_answer(&mut state.open, id, seen);
                }
            })?;
            self.tell_found(found);
            self.search_from = to + 1;
            if self.search_from >= end {
                // All of it, in vain or not: from the start, after a while.
                self.searched = true;
                self.search_from = start;
                self.search_again = self.chain().clock().now() + SEARCH_INTERVAL;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Lets go of requests whose answer stays: final, in its block's receipts, and the consumer says so too.
    async fn settle(&mut self, view: &mut View) -> Result<(), ChainError> {
        let last = view.last_final;
        let answered: Vec<(U256, Seen)> = self
            .journal
            .state
            .open
            .iter()
            .filter(|(_, entry)| entry.told && entry.request.block <= last.number)
            .filter_map(|(&id, entry)| Some((id, entry.answered?)))
            .filter(|(_, seen)| seen.block <= last.number)
            .collect();
        for (id, seen) in answered {
            if self.is_open(last, id).await? || !self.is_in_its_receipt(view, id, &seen).await? {
                self.doubt(id)?;
                continue;
            }
            self.journal.change(|state| state.open.remove(&id))?;
        }
        Ok(())
    }

    /// Forgets an answer that another answer of the node contradicts. If the event is true, it is read again when
    /// the consumer says that it does not wait.
    pub(super) fn doubt(&mut self, id: U256) -> Result<(), ChainError> {
        self.journal.change(|state| {
            if let Some(entry) = state.open.get_mut(&id) {
                entry.answered = None;
                entry.told = false;
                entry.reason = "the node contradicts itself about its answer".into();
            }
        })
    }

    /// Asks again for a request's own events, where something about it does not fit.
    pub(super) async fn read_again(&mut self, view: &mut View, id: U256) -> Result<(), ChainError> {
        let Some(entry) = self.journal.state.open.get(&id) else { return Ok(()) };
        let block = entry.request.block;
        let is_final = block < self.journal.state.next_block()
            || self.journal.state.next_request().is_some_and(|next| id < next);
        let happened = self.happened(view, block, view.head.number, &[id]).await?;
        let busy = self.journal.state.nonce_of(id).is_some();
        self.journal.change(|state| {
            match happened.requests.into_iter().find(|request| request.id == id) {
                Some(request) => {
                    if let Some(entry) = state.open.get_mut(&id) {
                        entry.request = request;
                    }
                }
                // There was no such event where one was read: it is somewhere else, or nowhere.
                None => {
                    if is_final {
                        state.missing.insert(id);
                    }
                    // With a transaction under way it is kept until that is decided.
                    if !busy {
                        state.open.remove(&id);
                    }
                }
            }
            for (id, seen) in happened.answers {
                note_answer(&mut state.open, id, seen);
            }
        })
    }

    fn unknown(&self, requests: &[Request]) -> Vec<Request> {
        let open = &self.journal.state.open;
        requests.iter().filter(|request| !open.contains_key(&request.id)).cloned().collect()
    }

    fn tell_found(&mut self, found: Vec<Request>) {
        for request in found {
            self.report(WatchEvent::Found(request));
        }
    }
}

const GONE: &str = "its block is not in the chain any more";

fn note_request(open: &mut BTreeMap<U256, Entry>, request: Request) {
    let id = request.id;
    let entry = open.entry(id).or_insert_with(|| Entry::new(request.clone()));
    if entry.request.question() != request.question() {
        // Another question under the same number.
        entry.failures = 0;
    }
    if entry.reason == GONE {
        entry.reason = "found".into();
    }
    entry.request = request;
}

fn note_answer(open: &mut BTreeMap<U256, Entry>, id: U256, seen: Seen) {
    if let Some(entry) = open.get_mut(&id) {
        entry.answered = Some(seen);
    }
}
