//! What a call without a transaction comes to.

use alloy::{
    primitives::Bytes,
    transports::{RpcError, TransportError},
};

use super::{ChainError, revert::revert_data};

/// What a call without a transaction came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// The contract returned.
    Returned(Bytes),
    /// The contract reverted, with these bytes.
    Reverted(Bytes),
}

/// Tells a contract's refusal from trouble with the node.
pub(super) fn call_outcome(
    request: &'static str,
    endpoint: &str,
    error: TransportError,
) -> Result<CallOutcome, ChainError> {
    match &error {
        RpcError::ErrorResp(payload) if let Some(data) = revert_data(payload) => {
            Ok(CallOutcome::Reverted(data))
        }
        _ => Err(ChainError::rpc(request, endpoint, error)),
    }
}
