//! Who watches a proof being made, and may stop it.

use crate::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use std::time::Instant;

/// What a prover is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Filling columns.
    Witness,
    /// Committing to columns.
    Commitments,
    /// Drawing a random polynomial and committing to it.
    RandomPolynomial,
    /// Transforming columns and running the gates.
    Quotient,
    /// Committing to the quotient's pieces.
    QuotientCommitments,
    /// Evaluating columns.
    Evaluations,
    /// Proving the evaluations.
    Opening,
}

impl std::fmt::Display for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Witness => "witness",
            Self::Commitments => "commitments",
            Self::RandomPolynomial => "random polynomial",
            Self::Quotient => "quotient",
            Self::QuotientCommitments => "commitments to the quotient",
            Self::Evaluations => "evaluations",
            Self::Opening => "opening",
        })
    }
}

/// Where no clock is, stages take no time.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
#[derive(Clone, Copy)]
struct Instant;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl Instant {
    fn now() -> Self {
        Self
    }

    fn elapsed(self) -> Duration {
        Duration::ZERO
    }
}

/// What each stage took.
pub type Times = Vec<(Stage, Duration)>;

pub(crate) struct Watch<'a> {
    progress: Option<&'a dyn Fn(Stage)>,
    cancel: Option<&'a AtomicBool>,
    since: Option<(Stage, Instant)>,
    times: Times,
}

impl<'a> Watch<'a> {
    pub fn new(progress: Option<&'a dyn Fn(Stage)>, cancel: Option<&'a AtomicBool>) -> Self {
        Self { progress, cancel, since: None, times: Vec::new() }
    }

    /// Begins a stage, or goes on with it; fails if the proof is not wanted any more.
    pub fn enter(&mut self, stage: Stage) -> Result<(), Error> {
        if self.cancel.is_some_and(|cancel| cancel.load(Ordering::Relaxed)) {
            return Err(Error::Cancelled);
        }
        if self.since.is_none_or(|(current, _)| current != stage) {
            self.finish();
            self.since = Some((stage, Instant::now()));
            if let Some(progress) = self.progress {
                progress(stage);
            }
        }
        Ok(())
    }

    /// Ends the current stage.
    pub fn finish(&mut self) {
        let Some((stage, since)) = self.since.take() else { return };
        let took = since.elapsed();
        match self.times.iter_mut().find(|(of, _)| *of == stage) {
            Some((_, time)) => *time += took,
            None => self.times.push((stage, took)),
        }
    }

    pub fn into_times(self) -> Times {
        self.times
    }
}
