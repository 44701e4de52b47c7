//! Time, and the chance that spreads it. Tests put a clock in its place that nobody has to wait for.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use tokio::time::Instant;

/// Passes time.
pub trait Clock: fmt::Debug + Send + Sync {
    /// Time since some moment that stays the same.
    fn now(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// Anything from 0 up to 1: those who failed together do not all come back together.
    fn jitter(&self) -> f64;
}

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct MachineClock {
    start: Instant,
}

impl Default for MachineClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(time))
    }

    fn jitter(&self) -> f64 {
        rand::random()
    }
}

/// A pause after so many failures: twice as long after each, up to `longest`, and a part of it by chance.
pub(super) fn backoff(
    clock: &dyn Clock,
    first: Duration,
    longest: Duration,
    failures: u32,
) -> Duration {
    let doubled = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    doubled.min(longest).mul_f64(0.5 + clock.jitter() / 2.0)
}
