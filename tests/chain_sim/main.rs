//! The chain layer in worlds where everything goes wrong: blocks that go again, nodes that lag, lie, break off,
//! disks that fail, processes that die. No sockets, no real time; a seed gives the same world again.
//!
//! `SIM_SEEDS=N` runs so many seeds, `SIM_FIRST=N` starts with another one, `SIM_SEED=N` shows one.
#![cfg(feature = "chain")]

mod alone;
mod disk;
mod falsehoods;
mod lies;
mod node;
mod rows;
mod scenario;
mod time;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use scenario::Scenario;

/// How many seeds are run where nobody says.
const SEEDS: u64 = 2_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs seeds on all cores, until one fails; that is named.
fn for_seeds(seeds: u64, check: impl Fn(u64) -> Result<(), String> + Sync) {
    if let Some(seed) = number("SIM_SEED") {
        return check(seed).unwrap_or_else(|error| panic!("{error}"));
    }
    let first = number("SIM_FIRST").unwrap_or_default();
    let end = first + number("SIM_SEEDS").unwrap_or(seeds);
    let next = AtomicU64::new(first);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    // One failure is enough to look at.
                    if seed >= end || !failures.lock().expect("no panics").is_empty() {
                        return;
                    }
                    let outcome =
                        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(seed)));
                    let error = match outcome {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => error,
                        Err(_) => "it panics".to_owned(),
                    };
                    failures.lock().expect("no panics").push((seed, error));
                }
            });
        }
    });
    let mut failures = failures.into_inner().expect("no panics");
    failures.sort();
    if let Some((seed, error)) = failures.first() {
        let seeds: Vec<u64> = failures.iter().map(|(seed, _)| *seed).collect();
        panic!("seeds {seeds:?} fail, the first is SIM_SEED={seed}: {error}");
    }
}

fn watch(seed: u64) -> Result<(), String> {
    let mut scenario = Scenario::new(seed);
    scenario.run();
    let outcome = scenario.check();
    if std::env::var_os("SIM_SEED").is_some() {
        println!("{}", scenario.told);
    }
    outcome
}

#[test]
fn every_request_is_answered_once_whatever_goes_wrong() {
    for_seeds(SEEDS, watch);
}

#[test]
fn one_deployment_is_one_transaction_whatever_goes_wrong() {
    for_seeds(SEEDS, |seed| {
        let mut scenario = Scenario::deploying(seed);
        let (deployed, runs) = rows::deploy_until_done(&mut scenario, 40);
        let deployed = deployed.map_err(|error| format!("after {runs} runs: {error}"))?;
        rows::check_deployment(&scenario, &deployed)?;
        scenario.check_secrets()
    });
}
