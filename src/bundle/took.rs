//! What making a proof takes of the machine.

use serde::Serialize;
#[cfg(feature = "prove")]
use std::{fs, time::Instant};

/// What making a proof took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Took {
    /// How long proving took.
    pub seconds: f64,
    /// Processor time of all threads meanwhile.
    pub cpu_seconds: f64,
    /// The most memory the process held.
    pub peak_memory_bytes: u64,
}

/// When something began.
#[cfg(feature = "prove")]
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    at: Instant,
    cpu_seconds: f64,
}

#[cfg(feature = "prove")]
impl Beginning {
    /// It begins.
    pub fn now() -> Self {
        Self { at: Instant::now(), cpu_seconds: cpu_seconds() }
    }

    /// What it took up to now.
    pub fn took(&self) -> Took {
        Took {
            seconds: self.at.elapsed().as_secs_f64(),
            cpu_seconds: cpu_seconds() - self.cpu_seconds,
            peak_memory_bytes: peak_bytes(),
        }
    }
}

/// The most memory this process has held at once; 0 where the system does not say.
#[cfg(feature = "prove")]
pub(crate) fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok()
    });
    kilobytes.unwrap_or(0_u64) * 1024
}

/// Seconds of processor time that all its threads have taken, in its code and the system's; 0 where the system does
/// not say.
#[cfg(feature = "prove")]
pub(crate) fn cpu_seconds() -> f64 {
    /// What Linux counts in for its users.
    const TICKS_PER_SECOND: f64 = 100.0;
    /// Between a process's name and the processor time in its code.
    const FIELDS_BEFORE_TIME: usize = 11;
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name may have spaces and parentheses.
    let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
    let times = fields.split_whitespace().skip(FIELDS_BEFORE_TIME).take(2);
    times.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}
