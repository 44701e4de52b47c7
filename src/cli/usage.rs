//! What the command has used of the machine.

use std::fs;
#[cfg(feature = "compile")]
use std::{cell::RefCell, collections::BTreeMap, time::Instant};

/// The most memory this process has held at once; 0 where the system does not say.
pub fn peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB")?.trim().parse().ok()
    });
    kilobytes.unwrap_or(0_u64) * 1024
}

/// Seconds of processor time that all its threads have taken, in its code and the system's; 0 where the system does
/// not say.
pub fn cpu_seconds() -> f64 {
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

/// What stages that follow each other take.
#[cfg(feature = "compile")]
pub struct Meter(RefCell<Vec<(String, Instant, f64)>>);

#[cfg(feature = "compile")]
impl Meter {
    /// Begins with a stage.
    pub fn new(stage: &str) -> Self {
        let meter = Self(RefCell::default());
        meter.enter(stage);
        meter
    }

    /// Goes on with a stage, perhaps one that there was before.
    pub fn enter(&self, stage: &str) {
        self.0.borrow_mut().push((stage.to_owned(), Instant::now(), cpu_seconds()));
    }

    /// Seconds of each stage, and of the processors' time.
    pub fn finish(self) -> BTreeMap<String, [f64; 2]> {
        self.enter("");
        let mut took = BTreeMap::<String, [f64; 2]>::new();
        for pair in self.0.into_inner().windows(2) {
            let [(stage, start, used), (_, end, used_then)] = pair else { continue };
            let [wall, cpu] = took.entry(stage.clone()).or_default();
            *wall += end.duration_since(*start).as_secs_f64();
            *cpu += used_then - used;
        }
        took
    }
}
