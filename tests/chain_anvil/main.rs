//! Deployments and submissions on a real anvil.
#![cfg(all(feature = "compile", feature = "chain", feature = "cli"))]

mod attested;
mod command;
mod daemon;
mod deploy;
mod in_process;
#[cfg(feature = "cluster")]
#[path = "../shared/nats.rs"]
mod nats;
mod packed;
mod parts;
mod projects;
mod stand_in;
mod submit;
mod trouble;
mod watch;
mod weights;
