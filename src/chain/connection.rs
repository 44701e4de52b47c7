//! A chain to talk to: a node, its chain id, and whoever signs.

use std::{future::Future, sync::Arc};

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::{client::RpcClient, types::TransactionRequest},
    transports::{BoxTransport, IntoBoxTransport, http::reqwest::Url},
};

use super::{
    ChainError, Clock, Key, MachineClock,
    call::{CallOutcome, call_outcome},
    http::HttpNode,
    in_process::{self, InProcess},
    nodes::Nodes,
    proved::Proofs,
};

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

/// A connection to one node or several, and the key that signs on their chain.
#[derive(Clone, Debug)]
pub struct Chain {
    /// All nodes as one.
    provider: DynProvider,
    /// Each by itself.
    pub(super) nodes: Arc<[DynProvider]>,
    pub(super) proofs: Arc<Proofs>,
    endpoint: String,
    id: u64,
    key: Option<Key>,
    clock: Arc<dyn Clock>,
    /// Whether other processes of this machine can send to this chain.
    is_shared: bool,
    /// Held from asking for a nonce until the node has the transaction with it: without that, sends of
    /// one process at a time would take the same nonce.
    pub(super) nonces: Arc<tokio::sync::Mutex<()>>,
}

impl Chain {
    /// Connects and asks for the chain id. Without a key, nothing can be sent.
    pub async fn connect(url: &str, key: Option<Key>) -> Result<Self, ChainError> {
        Self::connect_all(&[url], key).await
    }

    /// Connects to several nodes of one chain, which have to agree on what matters.
    pub async fn connect_all(
        urls: &[impl AsRef<str>],
        key: Option<Key>,
    ) -> Result<Self, ChainError> {
        Self::connect_by(urls, key, Arc::new(MachineClock::default())).await
    }

    /// The same by a clock of one's own.
    pub async fn connect_by(
        urls: &[impl AsRef<str>],
        key: Option<Key>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChainError> {
        let mut nodes = Vec::new();
        for url in urls {
            let (parsed, endpoint) = parse_url(url.as_ref())?;
            let is_local = matches!(parsed.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
            let node = HttpNode::new(parsed, is_local).map_err(|trouble| {
                ChainError::Unreachable { endpoint: endpoint.clone(), reason: trouble.to_string() }
            })?;
            nodes.push((endpoint, node));
        }
        let chain = Self::over(nodes, key, clock).await?;
        Ok(Self { is_shared: true, ..chain })
    }

    /// A chain behind transports of one's own, each with what may be shown of its address. Only this process
    /// is taken to send with the key.
    pub async fn over<T: IntoBoxTransport>(
        nodes: Vec<(String, T)>,
        key: Option<Key>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ChainError> {
        let mut ids = Vec::new();
        let (mut transports, mut each) = (Vec::new(), Vec::new());
        let mut endpoints = Vec::new();
        for (endpoint, transport) in nodes {
            let transport = transport.into_box_transport();
            let node = provider(vec![transport.clone()], &clock);
            let id = node
                .get_chain_id()
                .await
                .map_err(|error| ChainError::rpc("eth_chainId", &endpoint, error))?;
            ids.push((id, endpoint.clone()));
            endpoints.push(endpoint);
            transports.push(transport);
            each.push(node);
        }
        let expected = ids.first().map_or(0, |(id, _)| *id);
        if let Some((found, endpoint)) = ids.into_iter().find(|(id, _)| *id != expected) {
            return Err(ChainError::WrongChain { endpoint, found, expected });
        }
        Ok(Self {
            provider: provider(transports, &clock),
            nodes: each.into(),
            proofs: Arc::default(),
            endpoint: endpoints.join("`, `"),
            id: expected,
            key,
            clock,
            is_shared: false,
            nonces: Arc::default(),
        })
    }

    /// A new chain in this process, and the key of its rich account. It ends when this is dropped.
    pub fn in_process() -> Self {
        let key = Key::from_hex(in_process::KEY, "this program").expect("it is 32 bytes");
        let node = BoxTransport::new(InProcess::new(key.address()));
        let clock: Arc<dyn Clock> = Arc::new(MachineClock::default());
        Self {
            provider: provider(vec![node], &clock),
            nodes: Arc::default(),
            proofs: Arc::new(Proofs::needless()),
            endpoint: "this process".into(),
            id: in_process::CHAIN_ID,
            key: Some(key),
            clock,
            is_shared: false,
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

    /// The same chain, of whose nodes nothing is believed that they could prove and do not.
    pub fn with_required_proofs(self) -> Self {
        Self { proofs: Arc::new(Proofs::required()), ..self }
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

    /// What time it is.
    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Whether other processes of this machine can send to this chain.
    pub(super) fn is_shared(&self) -> bool {
        self.is_shared
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

    /// Code at an address in a particular block, proved where the node offers it. Other nodes behind the same address
    /// may be blocks apart.
    pub async fn code_in(&self, address: Address, block: B256) -> Result<Bytes, ChainError> {
        let request = "eth_getCode";
        let code = self
            .provider
            .get_code_at(address)
            .block_id(BlockId::hash_canonical(block))
            .await
            .map_err(|error| ChainError::rpc(request, &self.endpoint, error))?;
        let account = self.proved_account(address, block).await?;
        if account.is_some_and(|account| account.code_hash != keccak256(&code)) {
            let message = format!("this is not the code at {address} in block {block}");
            return Err(ChainError::Contradiction { request, message });
        }
        Ok(code)
    }

    /// The hash of the newest block.
    pub(super) async fn newest_block(&self) -> Result<B256, ChainError> {
        let request = "eth_getBlockByNumber";
        let block = self.provider.get_block(BlockId::latest()).await;
        let block = block.map_err(|error| ChainError::rpc(request, &self.endpoint, error))?;
        block.map(|block| block.header.hash).ok_or_else(|| ChainError::Contradiction {
            request,
            message: "it does not have its newest block".into(),
        })
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

    /// Calls a contract in the state after a particular block, which the node must know.
    pub(super) async fn call_in(
        &self,
        block: B256,
        to: Address,
        data: Bytes,
    ) -> Result<CallOutcome, ChainError> {
        let request =
            TransactionRequest::default().with_from(self.sender()).with_to(to).with_input(data);
        match self.provider.call(request).hash_canonical(block).await {
            Ok(returned) => Ok(CallOutcome::Returned(returned)),
            Err(error) => call_outcome("eth_call", &self.endpoint, error),
        }
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

/// Nonces, fees and gas limits are filled in `send`, which knows what to do about each.
fn provider(nodes: Vec<BoxTransport>, clock: &Arc<dyn Clock>) -> DynProvider {
    let client = RpcClient::new(Nodes::new(nodes, Arc::clone(clock)), true);
    ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
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
