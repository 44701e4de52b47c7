//! Intervals: where monotone functions are constant, each a row of the table.

use super::rules::Rule;

/// What lengths are multiplied with beside starts.
pub const LENGTH_FACTOR: u64 = 1 << 40;

/// Accumulators of all functions together: `relations::interval` says why.
pub const MOST_ACCUMULATORS: i128 = 1 << 39;

/// An interval of accumulators with one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The first accumulator, counted through all functions.
    pub start: i128,
    /// How many.
    pub length: i128,
    /// Their value.
    pub byte: u32,
}

impl Interval {
    /// The intervals of a function over a range, none longer than `longest`, as if it were the first.
    pub fn all(
        (low, high): (i128, i128),
        rises: &[(i128, i128)],
        rule: &Rule,
        longest: i128,
    ) -> Vec<Self> {
        // Before the first rise, all is at the clamp's lower bound.
        let first = (low, rule.value(rule.activation.min.into()));
        let rises = rises.iter().map(|&(acc, level)| (acc, rule.value(level)));
        let mut changes: Vec<(i128, u32)> = vec![first];
        for (acc, byte) in rises {
            match changes.last_mut() {
                // A rise at the range's beginning holds for all of it.
                Some(last) if last.0 == acc => last.1 = byte,
                Some(last) if last.1 == byte => {}
                _ => changes.push((acc, byte)),
            }
        }
        let ends = changes.iter().skip(1).map(|&(acc, _)| acc).chain([high + 1]);
        let mut intervals = Vec::new();
        for (&(from, byte), to) in changes.iter().zip(ends) {
            let mut start = from;
            while start < to {
                let length = longest.min(to - start);
                intervals.push(Self { start: start - low, length, byte });
                start += length;
            }
        }
        intervals
    }

    /// The interval where `room` accumulators of other functions come first.
    pub fn after(self, room: i128) -> Self {
        Self { start: room + self.start, ..self }
    }

    /// The table's value beside the byte.
    pub fn entry(self) -> i128 {
        self.start + i128::from(LENGTH_FACTOR) * self.length
    }
}
