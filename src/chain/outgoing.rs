//! A signed transaction, as it is kept and sent.

use alloy::{
    consensus::TxEnvelope,
    eips::eip2718::Decodable2718,
    primitives::{B256, Bytes},
};
use serde::{Deserialize, Serialize};

/// A signed transaction. Its bytes can be sent any number of times; they get into a block once at most.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The transaction's hash.
    pub transaction: B256,
    /// The transaction as it goes over the wire.
    pub bytes: Bytes,
    /// Its nonce.
    pub nonce: u64,
    /// The most that it pays per unit of gas, in wei.
    pub max_fee_per_gas: u128,
}

impl Outgoing {
    /// The transaction that the bytes are.
    pub(super) fn envelope(&self) -> Option<TxEnvelope> {
        TxEnvelope::decode_2718_exact(&self.bytes).ok()
    }
}
