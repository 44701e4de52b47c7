//! What can be wrong with an answer that a node gives, and whether asking again may help.

use alloy::{
    rpc::json_rpc::ErrorPayload,
    transports::{TransportError, TransportErrorKind},
};

/// What is wrong with an answer, in words that hold nothing of the node's address.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// The client could not be made.
    #[error("{0}")]
    Client(String),
    /// It does not end in time.
    #[error("its answer is longer than {0} MiB")]
    TooLong(usize),
    /// A page, half a document, nothing. Its text may name the access key.
    #[error("its answer, {0} bytes, is not JSON-RPC")]
    NotJsonRpc(usize),
    /// The answer has another question's number.
    #[error("it answers another question")]
    OtherQuestion,
    /// No answer is given by more than half of the nodes.
    #[error("the nodes do not agree on `{0}`")]
    Disagreement(String),
    /// More than half of the nodes have nothing to say.
    #[error("too few nodes have an answer to `{0}`")]
    TooFew(String),
}

impl From<Trouble> for TransportError {
    fn from(trouble: Trouble) -> Self {
        TransportErrorKind::custom(trouble)
    }
}

/// Whether a node refuses for a reason that passes: too much is asked of it, or it is behind.
pub(super) fn asks_to_wait(payload: &ErrorPayload) -> bool {
    let message = payload.message.to_lowercase();
    matches!(payload.code, 429 | -32005 | -32029)
        || [
            "rate limit",
            "too many requests",
            "request limit",
            "compute units",
            "try again",
            // A backend that is behind the one that answered before.
            "header not found",
            "unknown block",
            "block not found",
            "header for hash not found",
        ]
        .iter()
        .any(|words| message.contains(words))
}

/// A status that asking again does not change: no such path, no access.
pub(super) fn refuses_for_good(kind: &TransportErrorKind) -> bool {
    matches!(kind, TransportErrorKind::HttpError(error) if matches!(error.status, 400..=407 | 410..=417))
}

/// Whether a node says that it has thrown away the state that was asked for.
pub(super) fn is_too_old(message: &str) -> bool {
    let message = message.to_lowercase();
    [
        "missing trie node",
        "pruned",
        "archive",
        "historical state",
        "state not available",
        "state is not available",
        "proof window",
        "distance to target block",
    ]
    .iter()
    .any(|words| message.contains(words))
}
