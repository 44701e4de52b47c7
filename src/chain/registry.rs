//! The model registry: adds versions, lists them, withdraws them for good.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockNumberOrTag,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, U256, keccak256},
    providers::Provider,
    rpc::types::{Filter, TransactionRequest},
    sol_types::{SolCall, SolEvent},
};
use serde::Serialize;

use super::{
    Chain, ChainError, Revert, SendOptions, Sent,
    bindings::{IModelClient, IModelRegistry, IRequestConsumer, KNOWN_ERRORS},
    call::CallOutcome,
};

/// A `ModelRegistry` on a chain.
#[derive(Clone, Copy, Debug)]
pub struct Registry {
    address: Address,
}

/// What becomes a version.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// Checks its proofs.
    pub verifier: Address,
    /// The digest that the verifier must have.
    pub vk_digest: B256,
    /// The name of its weights, where they are committed.
    pub weights: Option<B256>,
    /// Whether the owner vouches that the verifier never changes, where its code cannot show it.
    pub vouched: bool,
    /// Where people read about it.
    pub metadata_uri: String,
}

/// A proof and what it proves.
#[derive(Clone, Debug)]
pub struct ProvedInstances {
    /// The proof.
    pub proof: Bytes,
    /// Its instances.
    pub instances: Vec<U256>,
}

/// A change that the registry's owner makes, or its guardian.
#[derive(Clone, Debug)]
pub enum RegistryChange {
    /// Adds a version of a model.
    Add(B256, NewVersion),
    /// Has a version's proofs refused until it is resumed.
    StopVersion(B256, u64),
    /// Has a stopped version's proofs accepted again.
    ResumeVersion(B256, u64),
    /// Withdraws a version without blame: its key may be added again.
    Retire(B256, u64),
    /// Withdraws a version for good, and its key.
    Tombstone(B256, u64),
    /// For how many seconds followers of a model's newest version accept the one before.
    Grace(B256, u64),
    /// Has nothing verified until the registry is resumed.
    Stop,
    /// Lets the registry go on.
    Resume,
    /// Says who may stop things besides the owner; zero for nobody.
    Guardian(Address),
    /// Offers the registry to an account, which has to accept; zero takes an offer back.
    Transfer(Address),
    /// Accepts a registry that was offered to the sender.
    Accept,
    /// Stops a version for good by two valid proofs with one input and two outputs. Anybody may.
    Contradict(B256, u64, Box<[ProvedInstances; 2]>),
}

/// A version as the registry has it.
#[derive(Clone, Debug, Serialize)]
pub struct ModelVersion {
    /// The model.
    pub model_id: B256,
    /// Its number, from 1.
    pub version: u64,
    /// `active`, `stopped`, `contradicted`, `tombstoned` or `retired`.
    pub status: IModelRegistry::Status,
    /// Checks its proofs.
    pub verifier: Address,
    /// Names the verifying key.
    pub vk_digest: B256,
    /// The name of its weights, where they are committed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<B256>,
    /// How many instances hold the input, as the verifier tells.
    pub input_instances: u32,
    /// Whether nothing but the owner's word says that the verifier never changes.
    pub vouched: bool,
    /// Where people read about it.
    pub metadata_uri: String,
}

/// A model's id: 32 bytes in hexadecimal as they are, any other name by its hash.
pub fn model_id(name: &str) -> B256 {
    let parsed = name.strip_prefix("0x").and_then(|digits| digits.parse().ok());
    parsed.unwrap_or_else(|| keccak256(name))
}

/// The name of the committed weights that a consumer's answers have to be about now; zero where its model's key holds them.
/// None where the contracts do not tell.
pub async fn consumer_weights(
    chain: &Chain,
    consumer: Address,
) -> Result<Option<B256>, ChainError> {
    async fn told<C: SolCall>(
        chain: &Chain,
        at: Address,
        call: C,
    ) -> Result<Option<C::Return>, ChainError> {
        Ok(match chain.call(at, call.abi_encode().into()).await? {
            CallOutcome::Returned(data) => C::abi_decode_returns(&data).ok(),
            CallOutcome::Reverted(_) => None,
        })
    }
    let verifier = told(chain, consumer, IModelClient::VERIFIERCall {}).await?;
    let model = told(chain, consumer, IRequestConsumer::MODEL_IDCall {}).await?;
    let version = told(chain, consumer, IRequestConsumer::PINNED_VERSIONCall {}).await?;
    let (Some(verifier), Some(model), Some(version)) = (verifier, model, version) else {
        return Ok(None);
    };
    told(chain, verifier, IModelRegistry::weightsOfCall { modelId: model, version }).await
}

#[allow(non_snake_case, reason = "fields of Solidity's functions")]
impl RegistryChange {
    /// The call's signature and data.
    fn call(&self) -> (&'static str, Bytes) {
        fn encoded<C: SolCall>(call: C) -> (&'static str, Bytes) {
            (C::SIGNATURE, call.abi_encode().into())
        }
        use IModelRegistry as R;
        let number = U256::from::<u64>;
        match *self {
            Self::Add(modelId, ref new) => {
                let (verifier, vkDigest) = (new.verifier, new.vk_digest);
                let metadataURI = new.metadata_uri.clone();
                let vouched = new.vouched;
                match (new.weights, vouched) {
                    (Some(weights), _) => encoded(R::addNamedVersionCall {
                        modelId,
                        verifier,
                        vkDigest,
                        weights,
                        vouched,
                        metadataURI,
                    }),
                    (None, true) => encoded(R::addVouchedVersionCall {
                        modelId,
                        verifier,
                        vkDigest,
                        metadataURI,
                    }),
                    (None, false) => {
                        encoded(R::addVersionCall { modelId, verifier, vkDigest, metadataURI })
                    }
                }
            }
            Self::StopVersion(modelId, version) => {
                encoded(R::stopVersionCall { modelId, version: number(version) })
            }
            Self::ResumeVersion(modelId, version) => {
                encoded(R::resumeVersionCall { modelId, version: number(version) })
            }
            Self::Retire(modelId, version) => {
                encoded(R::retireVersionCall { modelId, version: number(version) })
            }
            Self::Tombstone(modelId, version) => {
                encoded(R::tombstoneVersionCall { modelId, version: number(version) })
            }
            Self::Grace(modelId, seconds_) => encoded(R::setGracePeriodCall { modelId, seconds_ }),
            Self::Stop => encoded(R::stopCall {}),
            Self::Resume => encoded(R::resumeCall {}),
            Self::Guardian(newGuardian) => encoded(R::setGuardianCall { newGuardian }),
            Self::Transfer(to) => encoded(R::transferOwnershipCall { to }),
            Self::Accept => encoded(R::acceptOwnershipCall {}),
            Self::Contradict(modelId, version, ref proved) => {
                let [first, second] = proved.each_ref().map(|one| R::Inference {
                    proof: one.proof.clone(),
                    instances: one.instances.clone(),
                });
                let version = number(version);
                encoded(R::reportContradictionCall { modelId, version, first, second })
            }
        }
    }
}

impl Registry {
    /// The registry at an address.
    pub fn at(address: Address) -> Self {
        Self { address }
    }

    /// Every version of a model, oldest first; of every model if none is named.
    pub async fn list(
        &self,
        chain: &Chain,
        model: Option<B256>,
    ) -> Result<Vec<ModelVersion>, ChainError> {
        if !chain.has_code(self.address).await? {
            return Err(ChainError::NoContract { address: self.address, chain_id: chain.id() });
        }
        let models = match model {
            Some(model) => vec![model],
            None => self.models(chain).await?,
        };
        let mut versions = Vec::new();
        for model_id in models {
            let count = self.call(chain, IModelRegistry::versionCountCall { modelId: model_id });
            let count = count.await?.saturating_to::<u64>();
            for version in 1..=count {
                versions.push(self.version(chain, model_id, version).await?);
            }
        }
        Ok(versions)
    }

    /// One version of a model.
    pub async fn version(
        &self,
        chain: &Chain,
        model_id: B256,
        version: u64,
    ) -> Result<ModelVersion, ChainError> {
        let call =
            IModelRegistry::getVersionCall { modelId: model_id, version: U256::from(version) };
        let found = self.call(chain, call).await?;
        Ok(ModelVersion {
            model_id,
            version,
            status: found.status,
            verifier: found.verifier,
            vk_digest: found.vkDigest,
            weights: found.namesWeights.then_some(found.weights),
            input_instances: found.shape.inputs,
            vouched: found.vouched,
            metadata_uri: found.metadataURI,
        })
    }

    /// Adds a version and gives its number. One that is there with this verifier, key and weights is found
    /// instead, and nothing is sent: running again after an interruption does no harm.
    pub async fn add(
        &self,
        chain: &Chain,
        model_id: B256,
        new: &NewVersion,
        options: &SendOptions,
    ) -> Result<(u64, Option<Sent>), ChainError> {
        let known = self.list(chain, Some(model_id)).await?;
        // A retired one may be there once more.
        if let Some(known) = known.iter().find(|known| {
            !matches!(known.status, IModelRegistry::Status::Retired)
                && (known.vk_digest, known.verifier, known.weights)
                    == (new.vk_digest, new.verifier, new.weights)
        }) {
            return Ok((known.version, None));
        }
        let change = RegistryChange::Add(model_id, new.clone());
        let sent = self.change(chain, &change, options).await?;
        let added = sent
            .logs
            .iter()
            .filter(|log| log.address() == self.address)
            .find_map(|log| IModelRegistry::VersionAdded::decode_log(&log.inner).ok());
        let version = added.ok_or_else(|| ChainError::Malformed {
            request: "eth_getTransactionReceipt",
            message: "the receipt lacks the event `VersionAdded`".into(),
        })?;
        Ok((version.version.saturating_to(), Some(sent)))
    }

    /// Makes a change.
    pub async fn change(
        &self,
        chain: &Chain,
        change: &RegistryChange,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let (signature, data) = change.call();
        match chain.send(self.address, data, &KNOWN_ERRORS, options).await {
            Err(ChainError::Reverted { contract, error, .. }) => {
                Err(ChainError::Reverted { call: signature.into(), contract, error })
            }
            other => other,
        }
    }

    /// Gas that a change would take, or why it cannot be made.
    pub async fn simulate(
        &self,
        chain: &Chain,
        change: &RegistryChange,
    ) -> Result<u64, ChainError> {
        if !chain.has_code(self.address).await? {
            return Err(ChainError::NoContract { address: self.address, chain_id: chain.id() });
        }
        let (signature, data) = change.call();
        let request = TransactionRequest::default()
            .with_from(chain.sender())
            .with_to(self.address)
            .with_input(data);
        chain.estimate(&request).await?.map_err(|data| ChainError::Reverted {
            call: signature.into(),
            contract: self.address,
            error: Revert::decode(data, &KNOWN_ERRORS).into(),
        })
    }

    /// Models in the order in which they were added, from the registry's events.
    async fn models(&self, chain: &Chain) -> Result<Vec<B256>, ChainError> {
        let filter = Filter::new()
            .address(self.address)
            .event_signature(IModelRegistry::VersionAdded::SIGNATURE_HASH)
            .from_block(BlockNumberOrTag::Earliest);
        let logs = chain
            .provider()
            .get_logs(&filter)
            .await
            .map_err(|error| ChainError::rpc("eth_getLogs", chain.endpoint(), error))?;
        let mut seen = BTreeSet::new();
        let models = logs.iter().filter_map(|log| log.topics().get(1).copied());
        Ok(models.filter(|model| seen.insert(*model)).collect())
    }

    async fn call<C: SolCall>(&self, chain: &Chain, call: C) -> Result<C::Return, ChainError> {
        match chain.call(self.address, call.abi_encode().into()).await? {
            CallOutcome::Returned(data) => {
                C::abi_decode_returns(&data).map_err(|error| ChainError::Malformed {
                    request: "eth_call",
                    message: format!("{} of {}: {error}", C::SIGNATURE, self.address),
                })
            }
            CallOutcome::Reverted(data) => Err(ChainError::Reverted {
                call: C::SIGNATURE.into(),
                contract: self.address,
                error: Revert::decode(data, &KNOWN_ERRORS).into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hashed_and_ids_are_kept() {
        let id = B256::repeat_byte(0xab);
        assert_eq!(model_id(&id.to_string()), id);
        assert_eq!(model_id("digits"), keccak256("digits"));
        // Not 32 bytes, so a name.
        assert_eq!(model_id("0x1234"), keccak256("0x1234"));
    }
}
