//! Who wants proofs of a model in parts: each part is a job of its own, several workers prove at once, and the whole is checked.
//!
//! A worker is sent a part's bundle and, sealed, the part's own input, what it makes, and the blindings of both. The blindings are drawn
//! by whoever asks, so that all parts are about the same names, and for one proof alone. A part that is proved again keeps its names:
//! a commitment tells no more in two proofs than in one.
//!
//! Where all inputs are told, a record by the hash of bundles and input says which jobs there are, so that whoever asks again is given
//! the same proof. Whoever writes one that comes to a proof knows the input and the bundle, hence all that a proof could tell; and what
//! comes of any is checked as everything is: one that is wrong costs time, and then jobs are made anew.

use super::ClusterError;
use super::asking::{Desk, Request, RequestEvent, RequesterOptions, Sent, Tell, hidden};
use super::hash::Hash;
use super::message::{Division, State};
use super::objects::LARGEST_INPUT;
use crate::bundle::{PartsBundle, Work};
use crate::circuit::Word;
use crate::proving::{Judge, PartsVerifier, Proof};
use futures_util::{TryFutureExt, future::try_join_all};
use std::time::Instant;

/// Asks for proofs of a model in parts.
pub struct PartsRequester {
    desk: Desk,
    bundle: PartsBundle,
    sent: Vec<Sent>,
    verifier: PartsVerifier,
}

impl PartsRequester {
    /// Connects, and prepares to send the bundles of all parts, of which each takes so much memory.
    pub fn open(
        bundle: &PartsBundle,
        memory_bytes: &[u64],
        options: RequesterOptions,
    ) -> Result<Self, ClusterError> {
        if options.worker_key.is_none() {
            let what = "the parts of a model are given values that nobody else is to know";
            return Err(ClusterError::Hidden { what });
        }
        let (verifier, count) = (bundle.verifier()?, bundle.parts.len());
        let parts = bundle.parts.iter().zip(memory_bytes).enumerate();
        let sent = parts.map(|(number, (part, &memory_bytes))| {
            Sent::new(part, memory_bytes, Some([number + 1, count]))
        });
        let sent = sent.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { desk: Desk::open(options)?, bundle: bundle.clone(), sent, verifier })
    }

    /// What its proofs are checked against.
    pub fn verifier(&self) -> &PartsVerifier {
        &self.verifier
    }

    /// Has the proofs of all parts made, and puts them together; what is told is told with the number of the part, from 0.
    pub fn prove(
        &self,
        work: &Work,
        tell: &(dyn Fn(usize, RequestEvent) + Sync),
    ) -> Result<Proof, ClusterError> {
        let layout = self.verifier.layout();
        let whole = work.instances(self.verifier.model(), layout)?;
        // Of what is not told, a hash would let people try which it is.
        let name = hidden(layout).is_none().then(|| self.name(work));
        let asked = Asked { requester: self, work, whole, begun: Instant::now(), tell };
        self.desk.wait_for(asked.prove(name))
    }

    /// The name of all that makes the jobs, but for what is random in them.
    fn name(&self, work: &Work) -> Hash {
        let mut bytes = b"zkverdict parts".to_vec();
        // Whom they are sealed to and left to is in the jobs.
        let jobs = self.sent.iter().map(|sent| sent.job(Hash([0; 32]), &self.desk.options));
        bytes.extend(serde_json::to_vec(&jobs.collect::<Vec<_>>()).expect("its keys are texts"));
        bytes.extend(work.to_bytes());
        Hash::of(&bytes)
    }
}

/// One proof that is wanted.
struct Asked<'a> {
    requester: &'a PartsRequester,
    work: &'a Work,
    /// The instances of the whole.
    whole: Vec<Word>,
    begun: Instant,
    tell: &'a (dyn Fn(usize, RequestEvent) + Sync),
}

impl Asked<'_> {
    /// With the jobs that somebody has made of the same, or with new ones.
    async fn prove(&self, name: Option<Hash>) -> Result<Proof, ClusterError> {
        let PartsRequester { desk: desk @ Desk { server, .. }, .. } = self.requester;
        let tell: &Tell<'_> = &|event| (self.tell)(0, event);
        let (mut useless, mut anew) = (None, false);
        loop {
            let (known, number) = match name {
                Some(name) => desk.trying(self.begun, tell, || server.division(name)).await?,
                None => (None, 0),
            };
            anew |= known.is_some();
            if let Some(known) = known.filter(|_| useless != Some(number))
                && desk.trying(self.begun, tell, || self.is_of_use(&known)).await?
            {
                match self.gather(&known, None, false).await {
                    Err(error) if !error.is_late() => {
                        tell(RequestEvent::Trouble { why: error.to_string() });
                        useless = Some(number);
                        continue;
                    }
                    outcome => return outcome,
                }
            }
            let (division, inputs) = self.divide()?;
            if let Some(name) = name {
                // What is known to others has to be there.
                for (job, input) in division.jobs.iter().zip(&inputs) {
                    let put = || server.put("the input", (job.input, input), LARGEST_INPUT);
                    desk.trying(self.begun, tell, put).await?;
                }
                let said = || server.divide(name, &division, number);
                if !desk.trying(self.begun, tell, said).await? {
                    // Somebody else was faster, or this was said and no answer came.
                    continue;
                }
            }
            return self.gather(&division, Some(&inputs), anew).await;
        }
    }

    /// New jobs, and their inputs as they are stored.
    fn divide(&self) -> Result<(Division, Vec<Vec<u8>>), ClusterError> {
        let PartsRequester { desk, bundle, sent, verifier } = self.requester;
        let (works, names) = bundle.divide(verifier.model(), self.work)?;
        let key = desk.options.worker_key.as_ref();
        let inputs = sent.iter().zip(&works).map(|(sent, work)| sent.input(work, key));
        let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
        let jobs = sent.iter().zip(&inputs);
        let jobs = jobs.map(|(sent, input)| sent.job(Hash::of(input), &desk.options)).collect();
        Ok((Division::new(jobs, names.into_iter().map(Hash).collect()), inputs))
    }

    /// Whether jobs that somebody has made are those of these parts, and can still be done.
    async fn is_of_use(&self, known: &Division) -> Result<bool, ClusterError> {
        let PartsRequester { desk: Desk { server, options, .. }, sent, verifier, .. } =
            self.requester;
        let own = known.jobs.iter().zip(sent).map(|(job, sent)| sent.job(job.input, options));
        if known.jobs.len() != sent.len()
            || known.names.len() != verifier.crossing()
            || !own.eq(known.jobs.iter().cloned())
        {
            return Ok(false);
        }
        for job in &known.jobs {
            let (status, _) = server.status(job.name()).await?;
            let can_be = match status.map(|status| status.state) {
                Some(State::Dead) => false,
                Some(State::Done) => true,
                // Whoever had it stored may have gone before it was published.
                Some(State::Queued | State::Proving) | None => server.has(job.input, None).await?,
            };
            if !can_be {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for the proofs of all parts at once, and puts them together.
    async fn gather(
        &self,
        division: &Division,
        inputs: Option<&[Vec<u8>]>,
        anew: bool,
    ) -> Result<Proof, ClusterError> {
        let PartsRequester { desk, sent, verifier, .. } = self.requester;
        let names: Vec<Word> = division.names.iter().map(|name| name.0).collect();
        let joined = |why: String| ClusterError::Joined { why };
        let mut requests = Vec::new();
        for (number, (job, (part, sent))) in
            division.jobs.iter().zip(verifier.parts().iter().zip(sent)).enumerate()
        {
            let instances = part.instances(&names, &self.whole);
            requests.push(Request {
                desk,
                sent,
                verifier: &part.verifier,
                job: job.clone(),
                input: inputs.and_then(|inputs| inputs.get(number)).map(Vec::as_slice),
                anew,
                instances: instances.ok_or_else(|| joined("it has other instances".into()))?,
                tell: Box::new(move |event| (self.tell)(number, event)),
            });
        }
        let parts = requests.len();
        let proofs = requests.iter().enumerate().map(|(number, request)| {
            let of_part =
                move |error| ClusterError::Part { part: number + 1, parts, error: Box::new(error) };
            request.prove().map_err(of_part)
        });
        let proofs = try_join_all(proofs).await?;
        let proof = verifier.join(&names, &proofs, self.whole.clone());
        verifier.verify(&proof).map_err(|refusal| joined(refusal.in_words()))?;
        Ok(proof)
    }
}
