//! Binades: float32 sums that are rounded alike, as progressions that are rows of the table each.

use super::intervals::Interval;

/// Added to the starts of progressions in the table, so that no other row passes for one.
pub const MARK: i128 = 1 << 100;

/// Accumulators of all functions together where there are float32 sums: far from `MARK`.
pub const MOST_POSITIONS: i128 = MARK / 2;

/// Added to corrections in the table, so that none is negative.
pub const LIFT: i128 = 1 << 20;

/// How many sums a progression has.
pub const QUOTIENTS: i128 = 1 << 22;

/// Sums that are rounded alike: `stride` progressions of 2^22 integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binade {
    /// The least.
    pub low: i128,
    /// What the progressions go on by: twice the distance of neighbouring floats, or 1.
    pub stride: i128,
}

impl Binade {
    /// The binades that a range reaches into, in order.
    pub fn all((low, high): (i128, i128)) -> Vec<Self> {
        let mut binades: Vec<Self> =
            (0..4).map(|piece| Self { low: piece * QUOTIENTS, stride: 1 }).collect();
        let most = low.abs().max(high.abs());
        while let Some(last) = binades.last().copied().filter(|last| last.end() <= most) {
            let stride = if last.stride == 1 { 4 } else { 2 * last.stride };
            binades.push(Self { low: last.end(), stride });
        }
        let negative: Vec<Self> =
            binades.iter().map(|&binade| Self { low: -binade.end(), ..binade }).collect();
        let all = negative.into_iter().rev().chain(binades);
        all.filter(|binade| binade.low <= high && low < binade.end()).collect()
    }

    /// The first integer after it.
    fn end(self) -> i128 {
        self.low + QUOTIENTS * self.stride
    }

    /// Rows that it takes in the table.
    pub fn rows(self) -> i128 {
        self.stride
    }

    /// Its rows of the table.
    pub fn entries(self) -> impl Iterator<Item = Interval> {
        (0..self.stride).map(move |rest| Interval {
            start: MARK + self.low + rest,
            length: self.stride,
            byte: u32::try_from(LIFT + self.correction(rest)).expect(
                "corrections are shorter than half a stride, which is a table's length at most",
            ),
        })
    }

    /// The progression of a sum, and its number there.
    pub fn find(self, sum: i128) -> (i128, i128) {
        let offset = sum - self.low;
        (offset % self.stride, offset / self.stride)
    }

    /// What rounding adds to a sum of a progression: ties go to even multiples of half a stride.
    pub fn correction(self, rest: i128) -> i128 {
        let step = self.stride / 2;
        if 2 * rest <= step {
            -rest
        } else if 2 * rest < 3 * step {
            step - rest
        } else {
            self.stride - rest
        }
    }
}
