//! How the loop runs, and rests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::chain::{Clock, SendOptions};

/// How soon a wish to stop is noticed.
const STOP_INTERVAL: Duration = Duration::from_millis(200);

/// How the loop runs.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// The first block to look at when there is no journal yet.
    pub from_block: u64,
    /// Blocks that a request must be deep, its own included; at least 1.
    pub confirmations: u64,
    /// How deep a block is that stays, on chains that do not say which blocks are final.
    pub finality_depth: u64,
    /// Whether to return when nothing is left to do, instead of waiting for more.
    pub once: bool,
    /// Time between two looks for requests.
    pub interval: Duration,
    /// Time between two signs of life.
    pub health: Duration,
    /// Makes the loop end after its present step.
    pub stop: Option<Arc<AtomicBool>>,
    /// How answers are sent.
    pub send: SendOptions,
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self {
            from_block: 0,
            confirmations: 1,
            finality_depth: 64,
            once: false,
            interval: Duration::from_secs(2),
            health: Duration::from_secs(60),
            stop: None,
            send: SendOptions::default(),
        }
    }
}

impl WatchOptions {
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Waits, in steps that are short where somebody may want it to stop.
    pub(super) async fn rest(&self, clock: &dyn Clock, pause: Duration) {
        let end = clock.now() + pause;
        while clock.now() < end && !self.is_stopped() {
            let left = end - clock.now();
            clock.sleep(if self.stop.is_some() { left.min(STOP_INTERVAL) } else { left }).await;
        }
    }
}
