//! Deployments and submissions on a real anvil.

mod command;
mod deploy;
mod in_process;
mod stand_in;
mod submit;
mod trouble;
mod watch;
