//! JSON-RPC over HTTP with limits: how long an answer may take, and how long it may be.

use std::{
    fmt,
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{
        TransportError, TransportErrorKind, TransportFut,
        http::reqwest::{Client, Url, header::CONTENT_TYPE},
    },
};
use tower_service::Service;

/// How long one request may take. Nodes answer in milliseconds, public ones in seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an answer may be. The logs of thousands of requests have a few megabytes.
const ANSWER_BYTES: usize = 32 << 20;

/// A node that is reached by HTTP. `Debug` leaves out its address, which may hold an access key.
#[derive(Clone)]
pub(super) struct HttpNode {
    client: Client,
    url: Url,
    longest: usize,
}

/// What is wrong with an answer, in words that hold nothing of the node's address.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Trouble(pub(super) String);

impl HttpNode {
    pub(super) fn new(url: Url, is_local: bool) -> Result<Self, Trouble> {
        let mut client = Client::builder().timeout(REQUEST_TIMEOUT);
        if is_local {
            // A proxy from the environment cannot know this machine's own ports.
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| Trouble(error.without_url().to_string()))?;
        Ok(Self { client, url, longest: ANSWER_BYTES })
    }

    async fn ask(self, packet: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let body = serde_json::to_vec(&packet).map_err(TransportError::ser_err)?;
        let mut response = self
            .client
            .post(self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| TransportErrorKind::custom(error.without_url()))?
        {
            if answer.len() + chunk.len() > self.longest {
                let megabytes = self.longest >> 20;
                return Err(trouble(format!("its answer is longer than {megabytes} MiB")));
            }
            answer.extend_from_slice(&chunk);
        }
        // Errors of the protocol come with any status. What else may be in the body is not repeated: it
        // may name the access key.
        serde_json::from_slice(&answer).map_err(|_| {
            if status.is_success() {
                trouble(format!("its answer, {} bytes, is not JSON-RPC", answer.len()))
            } else {
                TransportErrorKind::http_error(status.as_u16(), String::new())
            }
        })
    }
}

pub(super) fn trouble(message: String) -> TransportError {
    TransportErrorKind::custom(Trouble(message))
}

impl fmt::Debug for HttpNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpNode")
    }
}

impl Service<RequestPacket> for HttpNode {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        Box::pin(self.clone().ask(packet))
    }
}
