//! Where jobs go, and how verbs that want proofs have them made there.

use super::{CliError, Console};
use crate::bundle::{Bundle, PartsBundle, Work};
use crate::circuit::Goal;
use crate::cluster::{
    PartsRequester, PublicKey, RequestEvent, Requester, RequesterOptions, ServerOptions, State,
};
use crate::proving::Proof;
use crate::solidity::Prediction;
use std::path::PathBuf;
use std::time::Duration;

/// How a server is reached.
#[derive(Clone, clap::Args)]
pub struct ServerArgs {
    /// A credentials file of NATS
    #[arg(long, value_name = "FILE", requires = "nats")]
    creds: Option<PathBuf>,
    /// Certificates that the server's must go back to; there is no connection without TLS then
    #[arg(long, value_name = "FILE", requires = "nats")]
    ca: Option<PathBuf>,
}

impl ServerArgs {
    /// The server at an address.
    pub fn at(&self, url: &str) -> ServerOptions {
        let Self { creds, ca } = self.clone();
        ServerOptions { url: url.into(), credentials: creds, ca }
    }
}

/// What verbs take that can have proofs made elsewhere.
#[derive(Clone, clap::Args)]
pub struct QueueArgs {
    /// Have the proof made by workers of this NATS server (`nats://HOST` or `tls://HOST`), and check what they send
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    /// The public key of the workers, which private inputs are encrypted to: who has the secret key sees them
    #[arg(long, value_name = "HEX32", requires = "nats", value_parser = parse_key)]
    worker_key: Option<PublicKey>,
    /// Leave the job to workers that prove on a GPU (`worker --gpu`)
    #[arg(long, requires = "nats")]
    gpu: bool,
    /// Seconds that a proof may take, with the time that it waits for a worker
    #[arg(long, value_name = "SECONDS", requires = "nats", default_value_t = 3600)]
    wait: u64,
}

fn parse_key(text: &str) -> Result<PublicKey, String> {
    PublicKey::parse(text).ok_or_else(|| {
        "expected the public key that `zkverdict worker --new-key` printed: `0x` and 64 hexadecimal digits".into()
    })
}

impl QueueArgs {
    /// How proofs are asked for, where that is wanted.
    fn options(&self) -> Option<RequesterOptions> {
        let url = self.nats.as_ref()?;
        Some(RequesterOptions {
            server: self.server.at(url),
            worker_key: self.worker_key.clone(),
            gpu: self.gpu,
            wait: Duration::from_secs(self.wait),
        })
    }

    /// Whoever has a bundle's proofs made, where that is wanted.
    pub fn requester(&self, bundle: &Bundle) -> Result<Option<Requester>, CliError> {
        let Some(options) = self.options() else { return Ok(None) };
        Ok(Some(Requester::open(bundle, memory(bundle)?, options)?))
    }

    /// The same of a model in parts.
    pub fn parts_requester(
        &self,
        bundle: &PartsBundle,
    ) -> Result<Option<PartsRequester>, CliError> {
        let Some(options) = self.options() else { return Ok(None) };
        let memory = bundle.parts.iter().map(memory).collect::<Result<Vec<u64>, _>>()?;
        Ok(Some(PartsRequester::open(bundle, &memory, options)?))
    }
}

/// What proving takes at most, by the plan.
fn memory(bundle: &Bundle) -> Result<u64, CliError> {
    let circuit = bundle.circuit(&bundle.model()?)?;
    Ok(Prediction::new(&circuit, bundle.manifest.format, Goal::default())?.memory_bytes)
}

/// Has a proof made, and says meanwhile what keeps it.
pub fn prove(requester: &Requester, work: &Work, console: &Console) -> Result<Proof, CliError> {
    let _stage = console.stage("proving elsewhere");
    Ok(requester.prove(work, &|event| tell(event, "the job", console))?)
}

/// The same of a model in parts.
pub fn prove_parts(
    requester: &PartsRequester,
    work: &Work,
    console: &Console,
) -> Result<Proof, CliError> {
    let _stage = console.stage("proving elsewhere");
    let told = |part: usize, event| tell(event, &format!("part {}", part + 1), console);
    Ok(requester.prove(work, &told)?)
}

fn tell(event: RequestEvent, what: &str, console: &Console) {
    match event {
        RequestEvent::Waits { state: State::Queued, why: Some(why), .. } => {
            console.warn(format!("{what} waits: {why}"));
        }
        RequestEvent::Waits { state: State::Proving, worker: Some(worker), .. } => {
            console.note(format!("worker {worker} is proving {what}"));
        }
        RequestEvent::Waits { .. } => {}
        RequestEvent::Refused { worker, why, .. } => {
            console.warn(format!(
                "worker {worker} sent a wrong proof, {what} is published again: {why}"
            ));
        }
        RequestEvent::Trouble { why } => console.warn(format!("trying again: {why}")),
    }
}
