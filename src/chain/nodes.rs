//! One or several nodes as one: asks again when an answer does not come, and goes by what most of them say.
//!
//! | asked for | the answer |
//! |---|---|
//! | logs, receipts, code, calls, blocks by number or hash | what more than half of the nodes say in the same words |
//! | the newest, or the newest final block | the highest that more than half of the nodes have reached |
//! | how many transactions an account has sent | the most that more than half of the nodes know of |
//! | a transaction that goes out | goes to all; one that takes it is enough |
//! | gas | the highest that more than half of the nodes ask for |
//! | suggested tips, transactions by hash | the first that answers: neither is believed further on |
//!
//! So a single lying node among three changes nothing, and among two it stops everything. All are asked at the same time:
//! one that is slow among three is not waited for, or a moment only.

use std::{
    fmt,
    future::{Future, poll_fn},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use alloy::{
    primitives::U256,
    rpc::json_rpc::{RequestPacket, Response, ResponsePacket, ResponsePayload, SerializedRequest},
    transports::{BoxTransport, RpcError, TransportError, TransportFut},
};
use serde_json::{Value, json};
use tower_service::Service;

use super::{
    clock::{Clock, backoff},
    trouble::{Trouble, asks_to_wait, refuses_for_good},
};

/// How often a question is asked.
const ATTEMPTS: u32 = 5;

/// The pause after the first failure; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long the others are waited for when most have answered.
const MOMENT: Duration = Duration::from_secs(2);

/// All nodes of a connection.
#[derive(Clone)]
pub(super) struct Nodes {
    nodes: Arc<[BoxTransport]>,
    clock: Arc<dyn Clock>,
}

/// How several answers become one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    Same,
    Reached,
    AnyTakesIt,
    First,
}

type Answer = Result<ResponsePayload, TransportError>;

impl Nodes {
    pub(super) fn new(nodes: Vec<BoxTransport>, clock: Arc<dyn Clock>) -> Self {
        Self { nodes: nodes.into(), clock }
    }

    async fn ask(self, request: SerializedRequest) -> Result<Response, TransportError> {
        let id = request.id().clone();
        let payload = match &*self.nodes {
            [node] => self.ask_one(node, &request).await?,
            nodes => {
                let rule = rule(&request);
                let answers = self.ask_all(rule, &request).await;
                agree(rule, request.method(), nodes.len(), answers)?
            }
        };
        Ok(Response { id, payload })
    }

    /// Asks all nodes, and waits for as many as it takes.
    async fn ask_all(&self, rule: Rule, request: &SerializedRequest) -> Vec<Answer> {
        let ask = |node| Some(Box::pin(self.ask_one(node, request)));
        let mut asked: Vec<_> = self.nodes.iter().map(ask).collect();
        let (mut answers, mut moment) = (Vec::new(), None);
        poll_fn(|context| {
            for future in &mut asked {
                let polled = future.as_mut().map(|future| future.as_mut().poll(context));
                if let Some(Poll::Ready(answer)) = polled {
                    answers.push(answer);
                    *future = None;
                }
            }
            let is_all = answers.len() == asked.len();
            if is_all || !is_enough(rule, asked.len(), &answers) {
                return if is_all { Poll::Ready(()) } else { Poll::Pending };
            }
            if matches!(rule, Rule::Same | Rule::First) {
                return Poll::Ready(());
            }
            // The others may have got further, or have to get the transaction too.
            moment.get_or_insert_with(|| self.clock.sleep(MOMENT)).as_mut().poll(context)
        })
        .await;
        answers
    }

    /// Asks until there is an answer, so many times. Sending the same transaction twice does nothing, so this
    /// holds for everything that is asked.
    async fn ask_one(&self, node: &BoxTransport, request: &SerializedRequest) -> Answer {
        let mut failures = 0;
        loop {
            let packet = RequestPacket::Single(request.clone());
            let answer = match node.clone().call(packet).await {
                Ok(ResponsePacket::Single(response)) if response.id == *request.id() => {
                    Ok(response.payload)
                }
                Ok(_) => Err(Trouble::OtherQuestion.into()),
                Err(error) => Err(error),
            };
            let is_final = match &answer {
                Ok(ResponsePayload::Success(_)) => true,
                Ok(ResponsePayload::Failure(payload)) => !asks_to_wait(payload),
                Err(RpcError::Transport(kind)) => refuses_for_good(kind),
                Err(_) => true,
            };
            failures += 1;
            if is_final || failures == ATTEMPTS {
                return answer;
            }
            let pause = backoff(&*self.clock, FIRST_PAUSE, LONGEST_PAUSE, failures);
            self.clock.sleep(pause).await;
        }
    }
}

fn rule(request: &SerializedRequest) -> Rule {
    let params: Value = request
        .params()
        .and_then(|params| serde_json::from_str(params.get()).ok())
        .unwrap_or_default();
    let tag = |index: usize| params.get(index).and_then(Value::as_str).unwrap_or_default();
    match request.method() {
        "eth_sendRawTransaction" => Rule::AnyTakesIt,
        "eth_blockNumber" => Rule::Reached,
        "eth_getBlockByNumber" if !tag(0).starts_with("0x") => Rule::Reached,
        "eth_getTransactionCount" if matches!(tag(1), "latest" | "pending") => Rule::Reached,
        "eth_estimateGas" | "eth_gasPrice" => Rule::Reached,
        "eth_feeHistory" | "eth_maxPriorityFeePerGas" | "eth_getTransactionByHash" => Rule::First,
        _ => Rule::Same,
    }
}

fn is_success(answer: &Answer) -> bool {
    matches!(answer, Ok(payload) if payload.is_success())
}

/// Whether the answers so far make one.
fn is_enough(rule: Rule, nodes: usize, answers: &[Answer]) -> bool {
    let needed = nodes / 2 + 1;
    let have_most_answered = || answers.iter().filter(|answer| answer.is_ok()).count() >= needed;
    match rule {
        Rule::Same => agreed(needed, answers).is_some(),
        Rule::Reached => have_most_answered(),
        Rule::AnyTakesIt | Rule::First => answers.iter().any(is_success) || have_most_answered(),
    }
}

/// The first answer that so many nodes give.
fn agreed(needed: usize, answers: &[Answer]) -> Option<usize> {
    let words: Vec<Option<Value>> =
        answers.iter().map(|answer| answer.as_ref().ok().map(in_few_words)).collect();
    (0..answers.len()).find(|&index| {
        words[index].is_some()
            && words.iter().filter(|&word| *word == words[index]).count() >= needed
    })
}

fn agree(rule: Rule, method: &str, nodes: usize, mut answers: Vec<Answer>) -> Answer {
    let needed = nodes / 2 + 1;
    // A refusal with a reason says more than silence.
    let first_of = |mut answers: Vec<Answer>| {
        let best = answers
            .iter()
            .position(is_success)
            .or_else(|| answers.iter().position(Result::is_ok))
            .unwrap_or_default();
        answers.swap_remove(best)
    };
    if matches!(rule, Rule::First | Rule::AnyTakesIt) {
        return first_of(answers);
    }
    if answers.iter().filter(|answer| answer.is_ok()).count() < needed {
        answers.retain(Result::is_err);
        return answers.swap_remove(0);
    }
    if rule == Rule::Same {
        return match agreed(needed, &answers) {
            Some(index) => answers.swap_remove(index),
            None => Err(Trouble::Disagreement(method.to_owned()).into()),
        };
    }
    let number = |answer: &Answer| answer.as_ref().ok().and_then(height);
    let (mut reached, others): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().filter(Result::is_ok).partition(|answer| number(answer).is_some());
    reached.sort_by_key(|answer| std::cmp::Reverse(number(answer)));
    let height = reached.get(needed - 1).and_then(number);
    reached.retain(|answer| number(answer) == height);
    // The same height, and perhaps not the same block.
    let words: Vec<_> =
        reached.iter().map(|answer| answer.as_ref().map(in_few_words).ok()).collect();
    let times = |index: usize| words.iter().filter(|&word| *word == words[index]).count();
    let best = (0..reached.len()).rev().max_by_key(|&index| times(index));
    match best.filter(|_| height.is_some()) {
        Some(index) => reached.swap_remove(index),
        // Most have no such block, or do not know the word.
        None if others.len() >= needed => first_of(others),
        None => Err(Trouble::TooFew(method.to_owned()).into()),
    }
}

fn value(payload: &ResponsePayload) -> Option<Value> {
    serde_json::from_str(payload.as_success()?.get()).ok()
}

/// The number that an answer is, or the number of the block that it is.
fn height(payload: &ResponsePayload) -> Option<U256> {
    let value = value(payload)?;
    let number = value.get("number").unwrap_or(&value);
    serde_json::from_value(number.clone()).ok()
}

/// What two nodes must agree on: they may dress it differently.
fn in_few_words(payload: &ResponsePayload) -> Value {
    let ResponsePayload::Failure(error) = payload else {
        return value(payload).map_or(Value::Null, |value| pruned(&value));
    };
    match super::revert::revert_data(error) {
        Some(data) => json!({ "reverted": data }),
        None => json!({ "refused": true }),
    }
}

/// Receipts, logs and blocks without what some nodes leave out or add.
fn pruned(value: &Value) -> Value {
    const KEPT: [&str; 16] = [
        "address",
        "topics",
        "data",
        "blockHash",
        "blockNumber",
        "transactionHash",
        "logIndex",
        "status",
        "from",
        "to",
        "gasUsed",
        "logs",
        "hash",
        "number",
        "parentHash",
        "baseFeePerGas",
    ];
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| KEPT.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), pruned(value)))
            .collect(),
        Value::Array(values) => values.iter().map(pruned).collect(),
        Value::String(text) => Value::String(text.to_lowercase()),
        other => other.clone(),
    }
}

impl fmt::Debug for Nodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} nodes", self.nodes.len())
    }
}

impl Service<RequestPacket> for Nodes {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, packet: RequestPacket) -> Self::Future {
        let nodes = self.clone();
        Box::pin(async move {
            match packet {
                RequestPacket::Single(request) => {
                    nodes.ask(request).await.map(ResponsePacket::Single)
                }
                RequestPacket::Batch(requests) => {
                    let mut responses = Vec::new();
                    for request in requests {
                        responses.push(nodes.clone().ask(request).await?);
                    }
                    Ok(ResponsePacket::Batch(responses))
                }
            }
        })
    }
}
