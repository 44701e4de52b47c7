//! Deploys contracts, and gets verdicts on proofs, on EVM chains.
//!
//! This module sees contracts, ABIs and calldata, and has never heard of models:
//!
//! | step | here |
//! |---|---|
//! | a chain to talk to | [`Chain::connect`], [`LocalChain::start`], [`Chain::in_process`] |
//! | somebody who pays | [`Key`] |
//! | code and ABI → an address | [`Contract`], [`Deployment::plan`], [`Deployment::send`] |
//! | what lies where | [`Records`] |
//! | proof → verdict | [`Submission::simulate`], [`Submission::send`] |
//! | models and their versions | [`Registry`] |
//! | requests → answers | [`Watcher`] |
//! | a committed input's name → somebody's word for it | [`attest`] |
//!
//! Everything is async on alloy; [`block_on`] is the one place with a runtime, for callers that have
//! none. Nothing here prints, and nothing here ever holds a secret in a message.
//!
//! ```no_run
//! # use zkverdict::chain::*;
//! # async fn example(contract: Contract, proof: Vec<u8>, instances: Vec<alloy::primitives::U256>)
//! # -> Result<(), ChainError> {
//! let local = LocalChain::start()?;
//! let chain = Chain::connect(local.url(), Some(local.key())).await?;
//!
//! let deployment = Deployment::plan(&chain, &contract, &DeployOptions::default()).await?;
//! println!("{} will lie at {}", contract.name, deployment.address());
//! let deployed = deployment.send(&chain, &SendOptions::default()).await?;
//!
//! let submission = Submission::to_verifier(deployed.address, &proof, &instances);
//! match submission.send(&chain, &contract.abi, &SendOptions::default()).await? {
//!     Verdict::Accepted(receipt) => println!("valid, {} gas", receipt.gas_used),
//!     Verdict::Refused { error, .. } => println!("refused: {error}"),
//! }
//! # Ok(())
//! # }
//! ```

mod attestation;
mod bindings;
mod call;
mod clock;
mod connection;
mod contract;
mod deploy;
mod disk;
mod error;
mod fees;
mod hand_over;
mod http;
mod in_process;
mod key;
mod local;
mod lock;
mod nodes;
mod outgoing;
mod proofs;
mod proved;
mod receipt;
mod record;
mod registry;
mod revert;
mod send;
mod send_options;
mod submit;
mod trouble;
mod variables;
mod watch;

pub use attestation::{Attested, attest};
pub use bindings::{
    CREATE2_DEPLOYER, IAttestedConsumer, IERC165, IHalo2Verifier, IInferenceConsumer,
    IModelRegistry, IRequestConsumer,
};
pub use call::CallOutcome;
pub use clock::{Clock, MachineClock};
pub use connection::{Chain, block_on, is_local};
pub use contract::{Contract, RuntimeCode};
pub use deploy::{DeployOptions, Deployed, Deployment};
pub use disk::{Disk, FileSystem};
pub use error::ChainError;
pub use key::Key;
pub use local::{LocalChain, find_anvil};
pub use outgoing::Outgoing;
pub use record::{Record, Records};
pub use registry::{
    ModelVersion, NewVersion, ProvedInstances, Registry, RegistryChange, consumer_weights, model_id,
};
pub use revert::Revert;
pub use send::Sent;
pub use send_options::{DEFAULT_MAX_COST, OnSend, SendOptions};
pub use submit::{Submission, Verdict, VerdictReport, consumer_context, context_of, next_context};
pub use variables::{ANVIL_VARIABLE, KEYSTORE_PASSWORD_VARIABLE, PRIVATE_KEY_VARIABLE};
pub use watch::{Answer, Health, Request, WatchEvent, WatchOptions, WatchReport, Watcher};
