//! Hands signed bytes to a node, and reads what it says of them.

use alloy::{providers::Provider, transports::RpcError};

use super::{Chain, ChainError, Outgoing, revert::revert_data, trouble::asks_to_wait};

/// What a node says of bytes that are handed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handed {
    /// It has them.
    Taken,
    /// The nonce is in a block, with these bytes or others.
    NonceUsed,
    /// Others with this nonce wait, and pay about as much.
    Replaces,
    /// The price is below what the node takes.
    Underpriced,
}

impl Chain {
    /// Hands the bytes to the node once; what it says of them decides nothing but whether to try again.
    pub(super) async fn hand_over(&self, signed: &Outgoing) -> Result<Handed, ChainError> {
        let error = match self.provider().send_raw_transaction(&signed.bytes).await {
            Ok(_) => return Ok(Handed::Taken),
            Err(error) => error,
        };
        let message = match &error {
            RpcError::ErrorResp(payload) if revert_data(payload).is_some() => {
                return Ok(Handed::Taken);
            }
            RpcError::ErrorResp(payload) if !asks_to_wait(payload) => {
                payload.message.to_lowercase()
            }
            _ => return Err(ChainError::rpc("eth_sendRawTransaction", self.endpoint(), error)),
        };
        let says = |words: &[&str]| words.iter().any(|word| message.contains(word));
        if says(&["already known", "already imported", "known transaction", "alreadyknown"]) {
            Ok(Handed::Taken)
        } else if says(&["nonce too low", "nonce is too low"]) {
            Ok(Handed::NonceUsed)
        } else if says(&["replacement transaction underpriced"]) {
            Ok(Handed::Replaces)
        } else if says(&[
            "underpriced",
            "less than block base fee",
            "fee too low",
            "max fee per gas",
        ]) {
            Ok(Handed::Underpriced)
        } else {
            Err(ChainError::rpc("eth_sendRawTransaction", self.endpoint(), error))
        }
    }
}
