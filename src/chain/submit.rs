//! Submits proofs to verifiers, and to contracts that act on them.

use alloy::{
    json_abi::JsonAbi,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, keccak256, uint},
    rpc::types::TransactionRequest,
    sol_types::{SolCall, SolValue},
};
use serde::Serialize;

use super::{
    Chain, ChainError, Revert, SendOptions, Sent,
    bindings::{IERC165, IHalo2Verifier, IInferenceConsumer, interface_id},
    call::CallOutcome,
};

/// Modulus of BN254's scalar field, which instances are below.
const SCALAR_MODULUS: U256 =
    uint!(0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001_U256);

/// The context that ties a proof to a sender's turn at a consumer: what `contracts/libraries/InferenceContext.sol`
/// derives.
pub fn consumer_context(chain_id: u64, consumer: Address, sender: Address, nonce: u64) -> U256 {
    context_of("turn", chain_id, consumer, sender, U256::from(nonce))
}

/// The context of a proof for some use, as `InferenceContext` derives it: a sender's `turn`, an operator's `answer` to a request,
/// the `content` of a token by anybody.
pub fn context_of(
    kind: &str,
    chain_id: u64,
    consumer: Address,
    sender: Address,
    nonce: U256,
) -> U256 {
    let kind = keccak256(format!("zkverdict.context.{kind}.v1"));
    let words = (kind, U256::from(chain_id), consumer, sender, nonce).abi_encode();
    U256::from_be_bytes(keccak256(words).0) % SCALAR_MODULUS
}

/// The context that a consumer asks for in a proof of the sender's next turn.
pub async fn next_context(
    chain: &Chain,
    consumer: Address,
    sender: Address,
) -> Result<U256, ChainError> {
    if !chain.has_code(consumer).await? {
        return Err(ChainError::NoContract { address: consumer, chain_id: chain.id() });
    }
    let call = IInferenceConsumer::contextOfCall { sender };
    let malformed = |message| ChainError::Malformed { request: "eth_call", message };
    match chain.call(consumer, call.abi_encode().into()).await? {
        CallOutcome::Returned(data) => IInferenceConsumer::contextOfCall::abi_decode_returns(&data)
            .map_err(|error| malformed(format!("contextOf of {consumer}: {error}"))),
        CallOutcome::Reverted(_) => {
            Err(malformed(format!("{consumer} has no `contextOf(address)`: it is no consumer")))
        }
    }
}

/// Calldata that asks a contract for its verdict.
#[derive(Clone, Debug)]
pub struct Submission {
    to: Address,
    data: Bytes,
    answer: Answer,
}

/// What a contract returns when it accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// `true`, as verifiers do.
    True,
    /// Anything: not reverting is the answer.
    Anything,
}

/// What a contract says about a proof.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// The proof is valid, and the transaction with it is in a block.
    Accepted(Sent),
    /// The contract refuses the proof.
    Refused {
        /// Its words.
        error: Revert,
        /// The transaction in which it refused; usually none is sent, as simulation shows the same.
        transaction: Option<B256>,
    },
}

/// A verdict as one JSON object.
#[derive(Clone, Debug, Serialize)]
pub struct VerdictReport {
    /// The transaction, if one was sent.
    pub transaction: Option<B256>,
    /// What it used.
    pub gas_used: Option<u64>,
    /// Whether the contract accepts the proof.
    pub valid: bool,
    /// What the contract says when it refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Revert>,
}

impl Verdict {
    /// Whether the contract accepts the proof.
    pub fn is_valid(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    /// The verdict in the form that is printed.
    pub fn report(&self) -> VerdictReport {
        match self {
            Self::Accepted(sent) => VerdictReport {
                transaction: Some(sent.transaction),
                gas_used: Some(sent.gas_used),
                valid: true,
                error: None,
            },
            Self::Refused { error, transaction } => VerdictReport {
                transaction: *transaction,
                gas_used: None,
                valid: false,
                error: Some(error.clone()),
            },
        }
    }
}

impl Submission {
    /// A proof for a verifier.
    pub fn to_verifier(verifier: Address, proof: &[u8], instances: &[U256]) -> Self {
        let call = IHalo2Verifier::verifyProofCall {
            proof: Bytes::copy_from_slice(proof),
            instances: instances.to_vec(),
        };
        Self { to: verifier, data: call.abi_encode().into(), answer: Answer::True }
    }

    /// A proof for a consumer, made for the sender's next turn.
    pub fn to_consumer(consumer: Address, proof: &[u8], instances: &[U256]) -> Self {
        let call = IInferenceConsumer::submitInferenceCall {
            proof: Bytes::copy_from_slice(proof),
            instances: instances.to_vec(),
        };
        Self::to_contract(consumer, call.abi_encode())
    }

    /// A proof for whatever lies at an address: a consumer, if it says so by ERC-165, or else a verifier.
    pub async fn detect(
        chain: &Chain,
        to: Address,
        proof: &[u8],
        instances: &[U256],
    ) -> Result<Self, ChainError> {
        let interface = interface_id(&IInferenceConsumer::abi::contract());
        let call = IERC165::supportsInterfaceCall { interfaceId: interface.into() };
        Ok(match chain.call(to, call.abi_encode().into()).await? {
            CallOutcome::Returned(answer)
                if U256::try_from_be_slice(&answer) == Some(U256::ONE) =>
            {
                Self::to_consumer(to, proof, instances)
            }
            _ => Self::to_verifier(to, proof, instances),
        })
    }

    /// Whether a consumer is asked, which has a verifier of its own.
    pub fn is_to_consumer(&self) -> bool {
        self.answer == Answer::Anything
    }

    /// A call to a contract that acts on a proof, and reverts when it refuses.
    pub fn to_contract(contract: Address, calldata: impl Into<Bytes>) -> Self {
        Self { to: contract, data: calldata.into(), answer: Answer::Anything }
    }

    /// The contract that is asked.
    pub fn to(&self) -> Address {
        self.to
    }

    /// The calldata.
    pub fn data(&self) -> &Bytes {
        &self.data
    }

    /// Asks without sending: the gas that the transaction would take, or the contract's refusal.
    pub async fn simulate(
        &self,
        chain: &Chain,
        abi: &JsonAbi,
    ) -> Result<Result<u64, Revert>, ChainError> {
        // A call to an address without code succeeds, which must not look like a verdict.
        if !chain.has_code(self.to).await? {
            return Err(ChainError::NoContract { address: self.to, chain_id: chain.id() });
        }
        match chain.call(self.to, self.data.clone()).await? {
            CallOutcome::Reverted(data) => return Ok(Err(Revert::decode(data, abi))),
            CallOutcome::Returned(returned) => {
                if let Some(refusal) = self.read_answer(&returned)? {
                    return Ok(Err(refusal));
                }
            }
        }
        let request = TransactionRequest::default()
            .with_from(chain.sender())
            .with_to(self.to)
            .with_input(self.data.clone());
        let estimate = chain.estimate(&request).await?;
        Ok(estimate.map_err(|data| Revert::decode(data, abi)))
    }

    /// Simulates, then sends if the contract accepts, and waits for the receipt.
    pub async fn send(
        &self,
        chain: &Chain,
        abi: &JsonAbi,
        options: &SendOptions,
    ) -> Result<Verdict, ChainError> {
        if let Err(error) = self.simulate(chain, abi).await? {
            return Ok(Verdict::Refused { error, transaction: None });
        }
        match chain.send(self.to, self.data.clone(), abi, options).await {
            Ok(sent) => Ok(Verdict::Accepted(sent)),
            // The state changed after the simulation: somebody answered first, a version was stopped.
            Err(ChainError::Reverted { error, .. }) => {
                Ok(Verdict::Refused { error: *error, transaction: None })
            }
            Err(ChainError::Failed { error, transaction }) if error.name.is_some() => {
                Ok(Verdict::Refused { error: *error, transaction: Some(transaction) })
            }
            Err(error) => Err(error),
        }
    }

    /// `None` if the contract accepts.
    fn read_answer(&self, returned: &Bytes) -> Result<Option<Revert>, ChainError> {
        if self.answer == Answer::Anything {
            return Ok(None);
        }
        match U256::try_from_be_slice(returned).filter(|_| returned.len() == 32) {
            Some(U256::ONE) => Ok(None),
            // Verifiers made elsewhere return false instead of reverting.
            Some(U256::ZERO) => Ok(Some(Revert {
                name: Some("Error".into()),
                arguments: vec!["the verifier returned false".into()],
                data: returned.clone(),
            })),
            _ => Err(ChainError::NotAVerifier { address: self.to, returned: returned.to_string() }),
        }
    }
}
