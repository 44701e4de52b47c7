//! What the loop must not forget.
//!
//! Every change goes to the disk before it counts: when writing fails, the loop goes on with what it knew before,
//! and nothing has been sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::PathBuf,
    sync::Arc,
};

use alloy::primitives::{Address, B256, U256};
use serde::{Deserialize, Serialize};

use super::{Disk, Request};
use crate::chain::{ChainError, Outgoing, disk::write_atomically};

/// The layout of the file.
const VERSION: u32 = 2;

/// How many requests are known to be missing, at most.
pub(super) const MOST_MISSING: usize = 1_000;

/// How many places the cursor remembers, to find the way back after a deep reorg.
const TRAIL: usize = 32;

/// The journal and where it is kept.
#[derive(Debug)]
pub(super) struct Journal {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    pub(super) state: State,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    chain_id: u64,
    consumer: Address,
    /// The first block that matters.
    pub(super) from_block: u64,
    /// Final blocks up to which everything has been read, newest last.
    pub(super) trail: Vec<Place>,
    /// Requests whose number the consumer has given out, and whose event no node has shown.
    pub(super) missing: BTreeSet<U256>,
    /// Requests whose answer is not final.
    pub(super) open: BTreeMap<U256, Entry>,
    /// Transactions that are not final, by nonce.
    pub(super) slots: BTreeMap<u64, Slot>,
}

/// A block of the chain that the loop has followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) number: u64,
    pub(super) hash: B256,
    /// The number of requests after this block, where it could be found out.
    pub(super) requests: Option<U256>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) request: Request,
    /// Why it is not answered.
    pub(super) reason: String,
    /// How often answering it has failed.
    pub(super) failures: u32,
    /// Its answer, as far as one is in a block.
    pub(super) answered: Option<Seen>,
    /// Whether that has been told.
    pub(super) told: bool,
}

/// An answer in a block, ours or another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) transaction: B256,
    pub(super) block: u64,
    pub(super) hash: B256,
    pub(super) operator: Address,
}

/// One nonce of the account, and the transactions that were signed with it. One of them at most gets into a
/// block. As long as it is open which, their request gets no other nonce: so no answer is paid twice.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Slot {
    /// Never empty once it is written.
    pub(super) versions: Vec<Version>,
}

/// A transaction, and what it answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Version {
    pub(super) outgoing: Outgoing,
    /// None where it only fills the gap before later nonces.
    pub(super) request: Option<U256>,
    /// The hash of the inputs that it answers: a reorg may put another question under the number.
    pub(super) question: B256,
}

impl Slot {
    /// The version that is sent.
    pub(super) fn newest(&self) -> &Version {
        self.versions.last().expect("a slot is written with its first version")
    }

    /// All transactions with this nonce.
    pub(super) fn transactions(&self) -> Vec<Outgoing> {
        self.versions.iter().map(|version| version.outgoing.clone()).collect()
    }

    /// Whether one of the versions answers a request.
    pub(super) fn may_answer(&self, id: U256) -> bool {
        self.versions.iter().any(|version| version.request == Some(id))
    }
}

impl Entry {
    pub(super) fn new(request: Request) -> Self {
        Self { request, reason: "found".into(), failures: 0, answered: None, told: false }
    }
}

impl State {
    /// The newest place that has been read for good.
    pub(super) fn place(&self) -> Option<Place> {
        self.trail.last().copied()
    }

    /// The first block that has not been read for good.
    pub(super) fn next_block(&self) -> u64 {
        self.place().map_or(self.from_block, |place| place.number.saturating_add(1))
    }

    /// The first request whose event has not been read for good, where that is known.
    pub(super) fn next_request(&self) -> Option<U256> {
        match self.place() {
            Some(place) => place.requests,
            None => (self.from_block == 0).then_some(U256::ZERO),
        }
    }

    pub(super) fn advance(&mut self, place: Place) {
        self.trail.push(place);
        if self.trail.len() > TRAIL {
            // The oldest stay, and the newest: between them the way back is longer.
            self.trail.remove(TRAIL / 4);
        }
    }

    /// Gives up the newest place. Whoever made it up may have counted too few requests there, and had them forgotten.
    pub(super) fn go_back(&mut self) {
        let counted = self.trail.pop().and_then(|place| place.requests);
        let (Some(mut id), Some(end)) = (counted, self.next_request()) else { return };
        while id < end && self.missing.len() < MOST_MISSING {
            if !self.open.contains_key(&id) {
                self.missing.insert(id);
            }
            id += U256::from(1);
        }
    }

    /// The undecided nonce that a request has a transaction with.
    pub(super) fn nonce_of(&self, id: U256) -> Option<u64> {
        self.slots.iter().find(|(_, slot)| slot.may_answer(id)).map(|(&nonce, _)| nonce)
    }

    /// Whether the newest transaction of a nonce answers a request that still waits, as it now stands.
    pub(super) fn is_needed(&self, slot: &Slot) -> bool {
        let newest = slot.newest();
        let entry = newest.request.and_then(|id| self.open.get(&id));
        entry.is_some_and(|entry| {
            entry.answered.is_none() && entry.request.question() == newest.question
        })
    }
}

impl Journal {
    /// Reads the journal, or starts one.
    pub(super) fn open(
        disk: Arc<dyn Disk>,
        path: PathBuf,
        chain_id: u64,
        consumer: Address,
        from_block: u64,
    ) -> Result<Self, ChainError> {
        let failed = |source: io::Error| ChainError::Record { path: path.clone(), source };
        let state = match disk.read(&path) {
            Ok(text) => read(&text).map_err(|error| failed(error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State {
                version: VERSION,
                chain_id,
                consumer,
                from_block,
                trail: Vec::new(),
                missing: BTreeSet::new(),
                open: BTreeMap::new(),
                slots: BTreeMap::new(),
            },
            Err(source) => return Err(failed(source)),
        };
        let wrong = |what: &str| failed(io::Error::new(io::ErrorKind::InvalidData, what));
        if state.version != VERSION {
            return Err(wrong("was written by another version of this program"));
        }
        if (state.chain_id, state.consumer) != (chain_id, consumer) {
            return Err(wrong("belongs to another consumer"));
        }
        Ok(Self { disk, path, state })
    }

    /// Changes the state, on the disk first. Nothing is written where nothing changes.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&mut State) -> T,
    ) -> Result<T, ChainError> {
        let text = |state: &State| {
            serde_json::to_vec(state).expect("the state has string keys and no floats")
        };
        let mut next = self.state.clone();
        let result = change(&mut next);
        let written = text(&next);
        if written != text(&self.state) {
            write_atomically(&*self.disk, &self.path, &written)?;
            self.state = next;
        }
        Ok(result)
    }
}

/// The first layout: a height instead of a place, and at most one version of an answer, with its request.
#[derive(Deserialize)]
struct First {
    chain_id: u64,
    consumer: Address,
    next_block: u64,
    open: BTreeMap<U256, FirstEntry>,
}

#[derive(Deserialize)]
struct FirstEntry {
    request: Request,
    outgoing: Option<Outgoing>,
}

fn read(text: &[u8]) -> Result<State, serde_json::Error> {
    let value: serde_json::Value = serde_json::from_slice(text)?;
    if value.get("version").is_some() {
        return serde_json::from_value(value);
    }
    let First { chain_id, consumer, next_block, open } = serde_json::from_value(value)?;
    let slots = open.iter().filter_map(|(&id, entry)| {
        let outgoing = entry.outgoing.clone()?;
        let (nonce, question) = (outgoing.nonce, entry.request.question());
        let versions = vec![Version { outgoing, request: Some(id), question }];
        Some((nonce, Slot { versions }))
    });
    Ok(State {
        version: VERSION,
        chain_id,
        consumer,
        // What is open may have moved in a reorg: it is read again.
        from_block: open.values().map(|entry| entry.request.block).fold(next_block, u64::min),
        trail: Vec::new(),
        missing: BTreeSet::new(),
        slots: slots.collect(),
        open: open.into_iter().map(|(id, entry)| (id, Entry::new(entry.request))).collect(),
    })
}
