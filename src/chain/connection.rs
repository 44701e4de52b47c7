//! A chain to talk to: a node, its chain id, and whoever signs.

use std::{future::Future, sync::Arc, time::Duration};

use alloy::{
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{client::RpcClient, types::TransactionRequest},
    transports::http::{
        Http,
        reqwest::{Client, Url},
    },
};

use super::{
    ChainError, Key,
    in_process::{self, InProcess},
    revert::{CallOutcome, call_outcome},
};

/// How long one request may take. Nodes answer in milliseconds, public ones in seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Whether a chain id is one of those that development nodes use, where nothing has any value.
pub fn is_local(chain_id: u64) -> bool {
    matches!(chain_id, 31337 | 1337)
}

/// Waits for a future. The one place that starts a runtime, for callers without one.
///
/// # Panics
///
/// When called from inside an async runtime: await the future there instead.
pub fn block_on<T, E: From<ChainError>>(
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(ChainError::Runtime)?
        .block_on(future)
}

/// A connection to a node, and the key that signs on its chain.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    endpoint: String,
    id: u64,
    key: Option<Key>,
    /// Held from asking for a nonce until the node has the transaction with it: without that, sends of
    /// one process at a time would take the same nonce.
    pub(super) nonces: Arc<tokio::sync::Mutex<()>>,
}

impl Chain {
    /// Connects and asks for the chain id. Without a key, nothing can be sent.
    pub async fn connect(url: &str, key: Option<Key>) -> Result<Self, ChainError> {
        let (parsed, endpoint) = parse_url(url)?;
        let mut client = Client::builder().timeout(REQUEST_TIMEOUT);
        let is_local = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        if is_local {
            // A proxy from the environment cannot know this machine's own ports.
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| ChainError::Unreachable {
            endpoint: endpoint.clone(),
            reason: error.without_url().to_string(),
        })?;
        let client = RpcClient::new(Http::with_client(client, parsed), is_local);
        // Nonces, fees and gas limits are filled in `send`, which knows what to do about each.
        let provider =
            ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased();
        let id = provider
            .get_chain_id()
            .await
            .map_err(|error| ChainError::rpc("eth_chainId", &endpoint, error))?;
        Ok(Self { provider, endpoint, id, key, nonces: Arc::default() })
    }

    /// A new chain in this process, and the key of its rich account. It ends when this is dropped.
    pub fn in_process() -> Self {
        let key = Key::from_hex(in_process::KEY, "this program").expect("it is 32 bytes");
        let client = RpcClient::new(InProcess::new(key.address()), true);
        let provider =
            ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased();
        Self {
            provider,
            endpoint: "this process".into(),
            id: in_process::CHAIN_ID,
            key: Some(key),
            nonces: Arc::default(),
        }
    }

    /// Refuses to go on when the node serves another chain.
    pub fn expect_id(self, expected: u64) -> Result<Self, ChainError> {
        if self.id == expected {
            Ok(self)
        } else {
            Err(ChainError::WrongChain { endpoint: self.endpoint, found: self.id, expected })
        }
    }

    /// The same chain with another key.
    pub fn with_key(mut self, key: Option<Key>) -> Self {
        self.key = key;
        self
    }

    /// The chain id.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Whether nothing on this chain has any value.
    pub fn is_local(&self) -> bool {
        is_local(self.id)
    }

    /// Scheme, host and port of the node: what may be shown of its address.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The node, for calls that this module has no words for.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The key that signs.
    pub fn key(&self) -> Result<&Key, ChainError> {
        self.key.as_ref().ok_or(ChainError::NoKey)
    }

    /// Who sends: the key's address, or nobody in particular when only looking.
    pub fn sender(&self) -> Address {
        self.key.as_ref().map_or(Address::ZERO, Key::address)
    }

    /// Code at an address, empty if there is none.
    pub async fn code(&self, address: Address) -> Result<Bytes, ChainError> {
        self.provider
            .get_code_at(address)
            .await
            .map_err(|error| ChainError::rpc("eth_getCode", &self.endpoint, error))
    }

    /// Whether there is a contract at an address.
    pub async fn has_code(&self, address: Address) -> Result<bool, ChainError> {
        self.code(address).await.map(|code| !code.is_empty())
    }

    /// Hash of the code at an address, `None` if there is none.
    pub async fn code_hash(&self, address: Address) -> Result<Option<B256>, ChainError> {
        let code = self.code(address).await?;
        Ok((!code.is_empty()).then(|| keccak256(code)))
    }

    /// Balance of an address, in wei.
    pub async fn balance(&self, address: Address) -> Result<U256, ChainError> {
        self.provider
            .get_balance(address)
            .await
            .map_err(|error| ChainError::rpc("eth_getBalance", &self.endpoint, error))
    }

    /// Calls a contract without a transaction.
    pub async fn call(&self, to: Address, data: Bytes) -> Result<CallOutcome, ChainError> {
        let request =
            TransactionRequest::default().with_from(self.sender()).with_to(to).with_input(data);
        self.call_request(request).await
    }

    pub(super) async fn call_request(
        &self,
        request: TransactionRequest,
    ) -> Result<CallOutcome, ChainError> {
        match self.provider.call(request).await {
            Ok(returned) => Ok(CallOutcome::Returned(returned)),
            Err(error) => call_outcome("eth_call", &self.endpoint, error),
        }
    }
}

/// The address, and what of it may be shown.
fn parse_url(url: &str) -> Result<(Url, String), ChainError> {
    let parsed = Url::parse(url)
        .ok()
        .filter(|parsed| matches!(parsed.scheme(), "http" | "https") && parsed.has_host())
        .ok_or_else(|| ChainError::InvalidUrl { url: without_secrets(url) })?;
    let endpoint = parsed.origin().ascii_serialization();
    Ok((parsed, endpoint))
}

/// The start of something that is no address, up to where an access key could begin.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_scheme_host_and_port_are_shown() {
        let (_, endpoint) = parse_url("https://user:pass@node.example:8545/v3/SECRET?key=SECRET")
            .expect("an address");
        assert_eq!(endpoint, "https://node.example:8545");
    }

    #[test]
    fn what_is_not_http_is_refused() {
        for url in ["", "localhost:8545", "ws://localhost:8545", "file:///etc/passwd", "http://"] {
            assert!(matches!(parse_url(url), Err(ChainError::InvalidUrl { .. })), "{url}");
        }
        let error = parse_url("wss://me:SECRET@node.example/SECRET?SECRET").expect_err("not http");
        assert_eq!(error.to_string(), "`wss://node.example` is not an http or https address");
    }
}
