//! Who wants proofs: publishes jobs, waits, and believes no proof that it has not checked.

use super::ClusterError;
use super::asking::{Desk, Request, RequestEvent, RequesterOptions, Sent, hidden};
use super::hash::Hash;
use crate::bundle::{Bundle, Work};
use crate::proving::{ModelVerifier, Proof};

/// Asks for proofs of one bundle.
pub struct Requester {
    desk: Desk,
    sent: Sent,
    verifier: ModelVerifier,
}

impl Requester {
    /// Connects, and prepares to send a bundle. What it keeps private is sent to nobody without a key of the workers; workers with
    /// less memory than proving takes leave its jobs to others.
    pub fn open(
        bundle: &Bundle,
        memory_bytes: u64,
        options: RequesterOptions,
    ) -> Result<Self, ClusterError> {
        let verifier = bundle.verifier()?;
        if let (Some(what), None) = (hidden(verifier.layout()), &options.worker_key) {
            return Err(ClusterError::Hidden { what });
        }
        let sent = Sent::new(bundle, memory_bytes, None)?;
        Ok(Self { desk: Desk::open(options)?, sent, verifier })
    }

    /// What its proofs are checked against.
    pub fn verifier(&self) -> &ModelVerifier {
        &self.verifier
    }

    /// Has a proof made. Several threads may ask at once, also from inside an async runtime.
    pub fn prove(
        &self,
        work: &Work,
        tell: &(dyn Fn(RequestEvent) + Sync),
    ) -> Result<Proof, ClusterError> {
        let Self { desk, sent, verifier } = self;
        let instances = work.instances(verifier.model(), verifier.layout())?;
        let input = sent.input(work, desk.options.worker_key.as_ref())?;
        let request = Request {
            desk,
            sent,
            verifier,
            job: sent.job(Hash::of(&input), &desk.options),
            input: Some(&input),
            anew: false,
            instances,
            tell: Box::new(tell),
        };
        desk.wait_for(request.prove())
    }
}
