//! Proving on more than one machine: jobs on NATS JetStream.
//!
//! Whoever wants a proof puts a job into a queue; workers take one at a time, prove, and say what they made. Deliveries are at
//! least once, so everything is named by what it is made of, and doing a job twice is harmless. A requester checks every proof
//! against instances that it computed itself: a wrong worker costs time, and nothing else.
//!
//! | what | where in NATS |
//! |---|---|
//! | jobs | the stream `zkverdict-jobs`, `zkverdict.job.ID` each, of which there is one at a time |
//! | how a job is, and its proof; which jobs a model in parts is divided into | the bucket `zkverdict-status` |
//! | bundles and inputs, by their hash | the object store `zkverdict-objects` |
//! | signs of life | the bucket `zkverdict-workers`, forgotten after a while |
//! | jobs that could not be done | the stream `zkverdict-dead` |
//! | that a job's status is another | `zkverdict.told.ID`, kept nowhere |
//!
//! | file | holds |
//! |---|---|
//! | `hash` | names of what is sent |
//! | `message` | what is said, and how it is read |
//! | `seal` | what only workers can read |
//! | `server` | the connection, and the places above |
//! | `objects` | bundles and inputs |
//! | `asking` | a job of whoever wants a proof, until there is one |
//! | `request` | who wants proofs |
//! | `parts` | who wants them of models in parts |
//! | `worker` | who makes them |
//! | `overview` | what there is |
//!
//! Nothing here prints, and nothing here puts a secret into a message that is not sealed.

mod asking;
mod error;
mod hash;
mod message;
mod objects;
mod overview;
mod parts;
mod request;
mod seal;
mod server;
mod worker;

pub use asking::{RequestEvent, RequesterOptions};
pub use error::ClusterError;
pub use hash::Hash;
pub use message::{Job, Sign, State, Status};
pub use overview::{DeadJob, JobLine, Overview, WorkerLine, overview};
pub use parts::PartsRequester;
pub use request::Requester;
pub use seal::{PublicKey, SecretKey};
pub use server::ServerOptions;
pub use worker::{WorkReport, WorkerEvent, WorkerOptions, work};

#[cfg(test)]
mod tests;
