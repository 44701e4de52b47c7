//! What the loop tells.

use std::time::Duration;

use alloy::primitives::{B256, U256};
use serde::Serialize;

use super::Request;

/// What happens in the loop.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// A request was found.
    Found(Request),
    /// The consumer has given out a number, and no node shows the request. It is looked for.
    Missing {
        /// The request.
        id: U256,
    },
    /// A reorg has taken the request's block.
    Gone {
        /// The request.
        id: U256,
    },
    /// A transaction goes out.
    Sent {
        /// The request; none where it only fills a gap between nonces.
        id: Option<U256>,
        /// The transaction.
        transaction: B256,
        /// Its nonce.
        nonce: u64,
        /// Whether it takes the place of one that offered less.
        raised: bool,
    },
    /// An answer of ours is in a block.
    Answered {
        /// The request.
        id: U256,
        /// The transaction.
        transaction: B256,
        /// Its block.
        block: u64,
    },
    /// Somebody else, or an earlier run, has answered.
    AlreadyAnswered {
        /// The request.
        id: U256,
    },
    /// A reorg has taken the answer's block.
    Reopened {
        /// The request.
        id: U256,
    },
    /// No answer can be given now: it cannot be proved, the consumer does not want it, it costs too much.
    Skipped {
        /// The request.
        id: U256,
        /// Why.
        reason: String,
        /// When it is tried again.
        retry: Duration,
    },
    /// Somebody else has used the account's nonce.
    Displaced {
        /// The nonce.
        nonce: u64,
        /// The request that gets another one.
        id: Option<U256>,
    },
    /// A deep reorg: blocks from this one on are read again.
    Rewound {
        /// The block.
        block: u64,
    },
    /// The nodes do not prove something, and are believed.
    Unproved {
        /// What, and why.
        what: String,
    },
    /// A node or the disk makes trouble. The loop goes on after a pause.
    Trouble {
        /// What.
        reason: String,
        /// The pause.
        retry: Duration,
    },
    /// A sign of life.
    Health(Health),
}

/// How the loop is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    /// The newest block.
    pub head: u64,
    /// The newest block that stays.
    pub final_block: u64,
    /// Requests without an answer in a block.
    pub open: usize,
    /// Requests whose answer is in a block that is not final.
    pub answered: usize,
    /// Requests that no node shows.
    pub missing: usize,
    /// Transactions without a block.
    pub under_way: usize,
    /// Failures in a row; 0 where all is well.
    pub failures: u32,
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
