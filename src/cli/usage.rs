//! What stages of the command take.

use crate::bundle::cpu_seconds;
use std::{cell::RefCell, collections::BTreeMap, time::Instant};

/// What stages that follow each other take.
pub struct Meter(RefCell<Vec<(String, Instant, f64)>>);

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
