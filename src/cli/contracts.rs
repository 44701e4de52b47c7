//! All contracts of a bundle, as they are deployed.

use super::bundle::AnyVerifier;
use super::chain_args::{deploy_options, deployable};
use super::contract::CompilerArgs;
use super::rendered::{AllRendered, Rendered, predict};
use super::{CliError, Console};
use crate::chain::{Chain, Contract, DeployOptions, Deployed, Deployment, SendOptions};
use crate::solidity::{CompiledContract, RenderedContract, SolidityCompiler};
use alloy::primitives::B256;

/// One of them.
pub struct Made {
    /// Its source.
    pub rendered: RenderedContract,
    /// What the compiler made of it.
    pub compiled: CompiledContract,
    /// The same in the chain's terms.
    pub contract: Contract,
    /// How it is deployed.
    pub options: DeployOptions,
}

/// The contracts of a bundle, in the order in which they are deployed: first those of a model's parts, where it is in
/// parts. Proofs are sent to the last.
pub struct Contracts {
    /// Those before the last.
    pub parts: Vec<Made>,
    /// The last.
    pub verifier: Made,
}

impl Contracts {
    /// Renders and compiles them. Where a part's contract lies is part of the last one's code, so the salt is too.
    pub fn new(
        verifier: &AnyVerifier,
        salt: B256,
        args: &CompilerArgs,
        compiler: &SolidityCompiler,
        console: &Console,
    ) -> Result<Self, CliError> {
        let place = |_: u64, compiled: &CompiledContract| predict(compiled, salt);
        let AllRendered { parts, verifier } =
            AllRendered::new(verifier, None, place, (args, compiler), console)?;
        let made = |Rendered { rendered, compiled }: Rendered| {
            let contract = deployable(&compiled)?;
            let options = deploy_options(&rendered, salt, args);
            Ok::<_, CliError>(Made { rendered, compiled, contract, options })
        };
        let parts = parts.into_iter().map(|(part, _)| made(part)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { parts, verifier: made(verifier)? })
    }

    /// All of them, in order.
    pub fn all(&self) -> impl Iterator<Item = &Made> {
        self.parts.iter().chain([&self.verifier])
    }

    /// Deploys those that are not there yet; where the last lies.
    pub async fn deploy(&self, chain: &Chain, send: &SendOptions) -> Result<Deployed, CliError> {
        for part in &self.parts {
            let deployment = Deployment::plan(chain, &part.contract, &part.options).await?;
            deployment.send(chain, send).await?;
        }
        let Made { contract, options, .. } = &self.verifier;
        let deployment = Deployment::plan(chain, contract, options).await?;
        Ok(deployment.send(chain, send).await?)
    }
}
