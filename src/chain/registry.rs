//! The model registry: adds versions, lists them, withdraws them for good.

use std::collections::BTreeSet;

use alloy::{
    eips::BlockNumberOrTag,
    network::TransactionBuilder,
    primitives::{Address, B256, U256, keccak256},
    providers::Provider,
    rpc::types::{Filter, TransactionRequest},
    sol_types::{SolCall, SolEvent},
};
use serde::Serialize;

use super::{
    Chain, ChainError, Revert, SendOptions, Sent,
    bindings::{IModelRegistry, KNOWN_ERRORS},
    revert::CallOutcome,
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
    /// How many instances after the context describe the input; 0 if proofs keep it private.
    pub input_instances: u64,
    /// Where people read about it.
    pub metadata_uri: String,
}

/// A version as the registry has it.
#[derive(Clone, Debug, Serialize)]
pub struct ModelVersion {
    /// The model.
    pub model_id: B256,
    /// Its number, from 1.
    pub version: u64,
    /// `active`, `stopped`, `contradicted` or `tombstoned`.
    pub status: IModelRegistry::Status,
    /// Checks its proofs.
    pub verifier: Address,
    /// Names the verifying key.
    pub vk_digest: B256,
    /// How many instances after the context describe the input.
    pub input_instances: u64,
    /// Where people read about it.
    pub metadata_uri: String,
}

/// A model's id: 32 bytes in hexadecimal as they are, any other name by its hash.
pub fn model_id(name: &str) -> B256 {
    let parsed = name.strip_prefix("0x").and_then(|digits| digits.parse().ok());
    parsed.unwrap_or_else(|| keccak256(name))
}

impl NewVersion {
    fn call(&self, model_id: B256) -> IModelRegistry::addVersionCall {
        IModelRegistry::addVersionCall {
            modelId: model_id,
            verifier: self.verifier,
            vkDigest: self.vk_digest,
            inputInstances: self.input_instances,
            metadataURI: self.metadata_uri.clone(),
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
            input_instances: found.inputInstances,
            metadata_uri: found.metadataURI,
        })
    }

    /// Adds a version and gives its number. One that is there with this verifier and key is found
    /// instead, and nothing is sent: running again after an interruption does no harm.
    pub async fn add(
        &self,
        chain: &Chain,
        model_id: B256,
        new: &NewVersion,
        options: &SendOptions,
    ) -> Result<(u64, Option<Sent>), ChainError> {
        let known = self.list(chain, Some(model_id)).await?;
        if let Some(known) = known
            .iter()
            .find(|known| (known.vk_digest, known.verifier) == (new.vk_digest, new.verifier))
        {
            return Ok((known.version, None));
        }
        let sent = self.send(chain, new.call(model_id), options).await?;
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

    /// Withdraws a version for good.
    pub async fn tombstone(
        &self,
        chain: &Chain,
        model_id: B256,
        version: u64,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let call = IModelRegistry::tombstoneVersionCall {
            modelId: model_id,
            version: U256::from(version),
        };
        self.send(chain, call, options).await
    }

    /// Gas that adding a version would take, or why it cannot be done.
    pub async fn simulate_add(
        &self,
        chain: &Chain,
        model_id: B256,
        new: &NewVersion,
    ) -> Result<u64, ChainError> {
        self.simulate(chain, new.call(model_id)).await
    }

    /// Gas that withdrawing a version would take, or why it cannot be done.
    pub async fn simulate_tombstone(
        &self,
        chain: &Chain,
        model_id: B256,
        version: u64,
    ) -> Result<u64, ChainError> {
        let version = U256::from(version);
        let call = IModelRegistry::tombstoneVersionCall { modelId: model_id, version };
        self.simulate(chain, call).await
    }

    /// Stops a version, or lets it go on.
    pub async fn set_stopped(
        &self,
        chain: &Chain,
        model_id: B256,
        version: u64,
        stopped: bool,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        let version = U256::from(version);
        if stopped {
            let call = IModelRegistry::stopVersionCall { modelId: model_id, version };
            self.send(chain, call, options).await
        } else {
            let call = IModelRegistry::resumeVersionCall { modelId: model_id, version };
            self.send(chain, call, options).await
        }
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

    async fn simulate<C: SolCall>(&self, chain: &Chain, call: C) -> Result<u64, ChainError> {
        if !chain.has_code(self.address).await? {
            return Err(ChainError::NoContract { address: self.address, chain_id: chain.id() });
        }
        let request = TransactionRequest::default()
            .with_from(chain.sender())
            .with_to(self.address)
            .with_input(call.abi_encode());
        chain.estimate(&request).await?.map_err(|data| ChainError::Reverted {
            call: C::SIGNATURE.into(),
            contract: self.address,
            error: Revert::decode(data, &KNOWN_ERRORS).into(),
        })
    }

    async fn send<C: SolCall>(
        &self,
        chain: &Chain,
        call: C,
        options: &SendOptions,
    ) -> Result<Sent, ChainError> {
        match chain.send(self.address, call.abi_encode().into(), &KNOWN_ERRORS, options).await {
            Err(ChainError::Reverted { contract, error, .. }) => {
                Err(ChainError::Reverted { call: C::SIGNATURE.into(), contract, error })
            }
            other => other,
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
