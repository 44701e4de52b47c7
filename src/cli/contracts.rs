//! All contracts of a bundle, as they are deployed.

use super::bundle::AnyVerifier;
use super::chain_args::{deploy_options, deployable};
use super::contract::{CompilerArgs, compile, render};
use super::{CliError, Console};
use crate::bundle::contract_prefix;
use crate::chain::{Chain, Contract, DeployOptions, Deployed, Deployment, SendOptions};
use crate::proving::Judge;
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
        let made = |rendered: RenderedContract| {
            let compiled = compile(&rendered, compiler, console)?;
            let contract = deployable(&compiled)?;
            let options = deploy_options(&rendered, salt, args);
            Ok::<_, CliError>(Made { rendered, compiled, contract, options })
        };
        let whole = match verifier {
            AnyVerifier::Whole(verifier) => {
                let verifier = made(render(verifier, None, args)?)?;
                return Ok(Self { parts: Vec::new(), verifier });
            }
            AnyVerifier::Parts(verifier) => verifier,
        };
        let prefix = contract_prefix(&whole.model().name);
        let parts = whole.parts().iter().enumerate().map(|(number, part)| {
            let name = prefix.with(&format!("Part{}Verifier", number + 1));
            made(render(&part.verifier, Some(&name), args)?)
        });
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let address = |part: &Made| Deployment::predict(&part.contract, salt).into_array();
        let addresses: Vec<_> = parts.iter().map(address).collect();
        let verifier = made(whole.contract(&prefix.with("Verifier"), &addresses)?)?;
        Ok(Self { parts, verifier })
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
