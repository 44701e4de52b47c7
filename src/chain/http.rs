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

use super::trouble::Trouble;

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

impl HttpNode {
    pub(super) fn new(url: Url, is_local: bool) -> Result<Self, Trouble> {
        let mut client = Client::builder().timeout(REQUEST_TIMEOUT);
        if is_local {
            // A proxy from the environment cannot know this machine's own ports.
            client = client.no_proxy();
        }
        let client =
            client.build().map_err(|error| Trouble::Client(error.without_url().to_string()))?;
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
                return Err(Trouble::TooLong(megabytes).into());
            }
            answer.extend_from_slice(&chunk);
        }
        // Errors of the protocol come with any status. What else may be in the body is not repeated: it
        // may name the access key.
        serde_json::from_slice(&answer).map_err(|_| {
            if status.is_success() {
                Trouble::NotJsonRpc(answer.len()).into()
            } else {
                TransportErrorKind::http_error(status.as_u16(), String::new())
            }
        })
    }
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

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpListener,
        thread,
    };

    use alloy::rpc::json_rpc::{Id, Request};

    use super::*;

    /// What the client makes of an answer that a server gives to whatever it is asked.
    fn asked(answer: impl Fn(&mut dyn Write) + Send + 'static) -> Result<ResponsePacket, String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            answer(&mut stream);
        });
        let url =
            Url::parse(&format!("http://127.0.0.1:{port}/SECRET?SECRET")).expect("an address");
        let node = HttpNode { longest: 1 << 20, ..HttpNode::new(url, true).expect("a client") };
        let request = Request::new("eth_blockNumber", Id::Number(1), ()).serialize().expect("JSON");
        let answer = super::super::block_on(async {
            Ok::<_, super::super::ChainError>(node.ask(RequestPacket::Single(request)).await)
        });
        answer.expect("a runtime").map_err(|error| {
            let error = super::super::ChainError::rpc("eth_blockNumber", "http://127.0.0.1", error);
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error:?}");
            error.to_string()
        })
    }

    fn page(status: &str, body: &str) -> impl Fn(&mut dyn Write) + Send + use<> {
        let length = body.len();
        let text = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{body}");
        move |stream| stream.write_all(text.as_bytes()).expect("written")
    }

    #[test]
    fn what_is_not_json_rpc_is_an_error_that_says_so() {
        for body in
            ["Too many requests, SECRET", "<html>SECRET</html>", r#"{"jsonrpc":"2.0","id":1,"#, ""]
        {
            let error = asked(page("200 OK", body)).expect_err(body);
            assert!(
                error.ends_with(&format!("its answer, {} bytes, is not JSON-RPC", body.len())),
                "{error}"
            );
        }
        let error = asked(page("503 Service Unavailable", "SECRET")).expect_err("no JSON");
        assert!(error.ends_with("HTTP status 503"), "{error}");
        let refused = r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"limit"}}"#;
        let answer =
            asked(page("429 Too Many Requests", refused)).expect("an answer of the protocol");
        assert!(answer.is_error());
        asked(page("200 OK", r#"{"jsonrpc":"2.0","id":1,"result":"0x1"}"#)).expect("an answer");
    }

    #[test]
    fn an_answer_without_end_is_cut_off() {
        let endless = |stream: &mut dyn Write| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
            // Until the client hangs up.
            while stream.write_all(&[b' '; 65_536]).is_ok() {}
        };
        let error = asked(endless).expect_err("nothing that ends");
        assert!(error.ends_with("its answer is longer than 1 MiB"), "{error}");
    }

    #[test]
    fn a_broken_connection_is_an_error() {
        asked(|_| {}).expect_err("nothing");
        asked(|stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{");
        })
        .expect_err("half an answer");
    }
}
