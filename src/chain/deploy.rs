//! Deploys a contract at an address that depends on its code alone.
//!
//! The deterministic deployer lies at the same address on nearly all chains. It takes `salt ++ init code` and
//! runs CREATE2, so anybody who deploys the same code gets the same address on every chain, and deploying
//! twice does nothing.

use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, B256, Bytes, keccak256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use serde::Serialize;

use super::{
    Chain, ChainError, Contract, Revert, SendOptions, bindings::CREATE2_DEPLOYER, call::CallOutcome,
};

/// The largest contract that Ethereum takes (EIP-170).
const MAX_CODE_BYTES: usize = 24_576;

/// How a contract is deployed.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeployOptions {
    /// Another salt gives another address.
    pub salt: B256,
    /// The contract's keys come from an SRS whose secret somebody may know.
    pub unsafe_dev_srs: bool,
    /// A chain beside the local ones that such a contract was rendered for.
    pub dev_chain_id: Option<u64>,
}

/// A deployment that could be sent, or that has been sent by somebody before.
#[derive(Clone, Debug)]
pub struct Deployment<'a> {
    contract: &'a Contract,
    salt: B256,
    address: Address,
    chain_id: u64,
    already_deployed: bool,
    gas: u64,
}

/// A contract that lies on a chain, checked.
#[derive(Clone, Debug, Serialize)]
pub struct Deployed {
    /// Where it lies.
    pub address: Address,
    /// The transaction that put it there, unless it was there before.
    pub transaction: Option<B256>,
    /// What that transaction used.
    pub gas_used: Option<u64>,
    /// The chain.
    pub chain_id: u64,
    /// Whether it was there before.
    pub already_deployed: bool,
    /// Keccak-256 of the code that lies there.
    pub code_hash: B256,
    /// The block of the transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// What of this is the nodes' word.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unproved: Vec<String>,
}

impl<'a> Deployment<'a> {
    /// The address for a contract and a salt, the same on every chain.
    pub fn predict(contract: &Contract, salt: B256) -> Address {
        CREATE2_DEPLOYER.create2(salt, contract.init_code_hash())
    }

    /// Finds out what a deployment would do, and sends nothing.
    pub async fn plan(
        chain: &Chain,
        contract: &'a Contract,
        options: &DeployOptions,
    ) -> Result<Self, ChainError> {
        let is_for_development = chain.is_local() || options.dev_chain_id == Some(chain.id());
        if options.unsafe_dev_srs && !is_for_development {
            return Err(ChainError::UnsafeSrs {
                contract: contract.name.clone(),
                chain_id: chain.id(),
            });
        }
        let mut deployment = Self {
            contract,
            salt: options.salt,
            address: Self::predict(contract, options.salt),
            chain_id: chain.id(),
            already_deployed: false,
            gas: 0,
        };
        let code = chain.code(deployment.address).await?;
        if code.is_empty() {
            deployment.gas = deployment.simulate(chain).await?;
        } else {
            deployment.check_code(&code)?;
            deployment.already_deployed = true;
        }
        Ok(deployment)
    }

    /// Where the contract lies or will lie.
    pub fn address(&self) -> Address {
        self.address
    }

    /// Whether it lies there now.
    pub fn already_deployed(&self) -> bool {
        self.already_deployed
    }

    /// Estimated gas of the transaction, 0 if none is needed.
    pub fn gas(&self) -> u64 {
        self.gas
    }

    /// What [`send`](Self::send) would give, as far as it is known without sending.
    pub fn dry_run(&self) -> serde_json::Value {
        serde_json::json!({
            "address": self.address,
            "transaction": null,
            "gas_used": null,
            "estimated_gas": self.gas,
            "chain_id": self.chain_id,
            "already_deployed": self.already_deployed,
            "dry_run": true,
        })
    }

    /// Deploys the contract unless it is there, waits, and checks the code.
    pub async fn send(self, chain: &Chain, options: &SendOptions) -> Result<Deployed, ChainError> {
        if self.already_deployed {
            return self.found(chain, options).await;
        }
        let sent = match chain
            .send_and_keep(CREATE2_DEPLOYER, self.calldata(), &self.contract.abi, options)
            .await
        {
            Ok(sent) => sent,
            // Somebody else deployed the same code in the meantime.
            Err(ChainError::Failed { .. } | ChainError::Reverted { .. })
                if chain.has_code(self.address).await? =>
            {
                return self.found(chain, options).await;
            }
            Err(error) => return Err(error),
        };
        // Asked at the transaction's block: other nodes behind the same address may lag behind.
        let code = chain.code_in(self.address, sent.block_hash).await?;
        let code_hash = self.check_code(&code)?;
        self.forget_if_final(chain, options).await;
        Ok(Deployed {
            address: self.address,
            transaction: Some(sent.transaction),
            gas_used: Some(sent.gas_used),
            chain_id: self.chain_id,
            already_deployed: false,
            code_hash,
            block: Some(sent.block),
            unproved: chain.unproved(),
        })
    }

    async fn found(&self, chain: &Chain, options: &SendOptions) -> Result<Deployed, ChainError> {
        // In a particular block: what it has can be proved.
        let code = chain.code_in(self.address, chain.newest_block().await?).await?;
        let code_hash = self.check_code(&code)?;
        self.forget_if_final(chain, options).await;
        Ok(Deployed {
            address: self.address,
            transaction: None,
            gas_used: None,
            chain_id: self.chain_id,
            already_deployed: true,
            code_hash,
            block: None,
            unproved: chain.unproved(),
        })
    }

    /// Forgets the transaction once no run can be told any more that nothing lies at the address: this one may die
    /// before it has told its result, and nodes that are behind would make the next one pay again. Until then
    /// the journal stays; it does no harm, and so a disk that does not let go of it is no trouble either.
    async fn forget_if_final(&self, chain: &Chain, options: &SendOptions) {
        if chain.is_local() || self.is_final(chain).await {
            let _ = options.forget();
        }
    }

    async fn is_final(&self, chain: &Chain) -> bool {
        let block = chain.provider().get_block(BlockId::finalized()).await;
        let Ok(Some(block)) = block else { return false };
        chain.code_in(self.address, block.header.hash).await.is_ok_and(|code| !code.is_empty())
    }

    fn calldata(&self) -> Bytes {
        [self.salt.as_slice(), &self.contract.init_code].concat().into()
    }

    /// Gas of the deployment, or why it cannot succeed.
    async fn simulate(&self, chain: &Chain) -> Result<u64, ChainError> {
        if !chain.has_code(CREATE2_DEPLOYER).await? {
            return Err(ChainError::NoDeployer {
                chain_id: chain.id(),
                deployer: CREATE2_DEPLOYER,
            });
        }
        let request = TransactionRequest::default()
            .with_from(chain.sender())
            .with_to(CREATE2_DEPLOYER)
            .with_input(self.calldata());
        if let Ok(gas) = chain.estimate(&request).await? {
            return Ok(gas);
        }
        // The deployer swallows the constructor's words. A plain creation gives them.
        let request = TransactionRequest::default()
            .with_from(chain.sender())
            .with_deploy_code(self.contract.init_code.clone());
        let contract = self.contract.name.clone();
        let error = match chain.call_request(request).await? {
            CallOutcome::Reverted(data) => Revert::decode(data, &self.contract.abi),
            CallOutcome::Returned(code) if code.len() > MAX_CODE_BYTES => {
                return Err(ChainError::Artifact {
                    contract,
                    reason: format!(
                        "{} bytes of code, a chain takes {MAX_CODE_BYTES} at most",
                        code.len()
                    ),
                });
            }
            CallOutcome::Returned(_) => Revert::decode(Bytes::new(), &self.contract.abi),
        };
        Err(ChainError::ConstructorFails { contract, error: error.into() })
    }

    /// Hash of the code, if it is what the compiler made.
    fn check_code(&self, code: &[u8]) -> Result<B256, ChainError> {
        if code.is_empty() {
            return Err(ChainError::NoContract { address: self.address, chain_id: self.chain_id });
        }
        if let Some(runtime) = &self.contract.runtime {
            let found = runtime.masked_hash(code);
            let expected = runtime.masked_hash(&runtime.code);
            if found != expected {
                return Err(ChainError::WrongCode { address: self.address, found, expected });
            }
        }
        Ok(keccak256(code))
    }
}
