//! What a chain's nodes have proved, and what was taken by their word.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicUsize},
};

use alloy::{
    consensus::ReceiptEnvelope,
    primitives::{B256, Log},
    rpc::types::TransactionReceipt,
};

/// What a chain's nodes have proved so far.
#[derive(Debug, Default)]
pub(super) struct Proofs {
    /// Whether nothing counts without proof.
    pub(super) is_required: bool,
    /// Whether nobody has to prove anything: the node is this process.
    pub(super) is_needless: bool,
    known: Mutex<Known>,
    /// The node that proved something last: it is asked first.
    pub(super) last: AtomicUsize,
}

/// What was proved, and what was not.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) proved: BTreeSet<Kind>,
    /// What was taken without proof, and why.
    pub(super) unproved: BTreeMap<Kind, String>,
    pub(super) blocks: VecDeque<Arc<ProvedBlock>>,
}

/// What is proved in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Receipts,
    Accounts,
}

/// A block whose transactions and receipts are those that its hash stands for.
#[derive(Debug)]
pub(super) struct ProvedBlock {
    pub(super) hash: B256,
    /// In order: the transaction's hash, what it used, its receipt.
    pub(super) transactions: Vec<(B256, u64, ReceiptEnvelope)>,
}

impl Proofs {
    /// Proofs without which nothing counts.
    pub(super) fn required() -> Self {
        Self { is_required: true, ..Self::default() }
    }

    /// None are needed.
    pub(super) fn needless() -> Self {
        Self { is_needless: true, ..Self::default() }
    }

    /// What is known until now.
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that is done under the lock can panic halfway.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What could not be proved, in sentences.
    pub(super) fn unproved(&self) -> Vec<String> {
        let what = |kind: &Kind| match kind {
            Kind::Receipts => "receipts and events",
            Kind::Accounts => "code and nonces",
        };
        let known = self.known();
        let sentence = |(kind, reason)| format!("{} by the nodes' word: {reason}", what(kind));
        known.unproved.iter().map(sentence).collect()
    }
}

impl ProvedBlock {
    /// What the block says of a transaction: the gas that it used, and its receipt.
    pub(super) fn receipt(&self, transaction: B256) -> Option<(u64, &ReceiptEnvelope)> {
        let found = self.transactions.iter().find(|(hash, ..)| *hash == transaction);
        found.map(|(_, gas, receipt)| (*gas, receipt))
    }

    /// Its events, each with its transaction.
    pub(super) fn logs(&self) -> impl Iterator<Item = (B256, &Log)> {
        self.transactions
            .iter()
            .flat_map(|(hash, _, receipt)| receipt.logs().iter().map(move |log| (*hash, log)))
    }

    /// Whether a receipt is the block's.
    pub(super) fn holds(&self, receipt: &TransactionReceipt) -> bool {
        self.receipt(receipt.transaction_hash).is_some_and(|(gas, proved)| {
            receipt.gas_used == gas
                && receipt.status() == proved.status()
                && receipt.logs().iter().map(|log| &log.inner).eq(proved.logs())
        })
    }
}

impl Kind {
    /// The request that asks for such proofs.
    pub(super) fn request(self) -> &'static str {
        match self {
            Self::Receipts => "eth_getBlockReceipts",
            Self::Accounts => "eth_getProof",
        }
    }
}
