//! What rows of the table say: functions by division, by interval, and float32's rounding.

use super::floats::round;
use super::values::{Checked, Map, fits, wrong};

/// Added to the starts of progressions, so that none passes for an interval.
const MARK: i128 = 1 << 100;

/// Added to corrections.
const LIFT: i128 = 1 << 20;

/// How many sums a progression has.
const QUOTIENTS: i128 = 1 << 22;

/// No table is longer: `docs/soundness.md` says why starts and lengths that share a cell are those of one row.
const LONGEST: i128 = 1 << 22;

/// Lengths beside starts in one cell.
const LENGTH_FACTOR: i128 = 1 << 40;

/// The table, read and checked.
#[derive(Debug, Default)]
pub struct Table {
    /// N bytes, or what is in their place.
    pub values: Vec<i128>,
    /// Start, length and value, in order and without gaps or overlaps.
    intervals: Vec<[i128; 3]>,
    /// Start, stride and correction, in order.
    progressions: Vec<[i128; 3]>,
}

impl Table {
    /// Reads columns: the values, and starts and lengths, in one cell or in two.
    pub fn new(
        values: Vec<i128>,
        starts: Option<&[i128]>,
        lengths: Option<&[i128]>,
    ) -> Checked<Self> {
        let mut table = Self { values, ..Self::default() };
        for (row, &start) in starts.unwrap_or_default().iter().enumerate() {
            let value = table.values[row];
            let (start, length) = match lengths {
                Some(lengths) => (start, lengths[row]),
                None => (start.rem_euclid(LENGTH_FACTOR), start.div_euclid(LENGTH_FACTOR)),
            };
            if length < 0 || start < 0 {
                return wrong(format!("row {row} of the table has a negative interval"));
            }
            if start >= MARK / 2 {
                table.progressions.push([start - MARK, length, value - LIFT]);
            } else if length > 0 {
                table.intervals.push([start, length, value]);
            }
        }
        table.intervals.sort_unstable();
        table.progressions.sort_unstable();
        let most = if lengths.is_some() { MARK / 2 } else { 1 << 39 };
        let base = i128::try_from(table.values.len()).unwrap_or(i128::MAX);
        for [start, length, _] in &table.intervals {
            let end = fits(start.checked_add(*length))?;
            // Both the remainder and what it is short of the length are pairs of limbs.
            if end > most || *length > base * base || base > LONGEST {
                return wrong(format!("the interval from {start} on is too long or too far"));
            }
        }
        for pair in table.intervals.windows(2) {
            if pair[0][0] + pair[0][1] > pair[1][0] {
                return wrong(format!("two intervals hold position {}", pair[1][0]));
            }
        }
        for &[low, stride, correction] in &table.progressions {
            if !(1..=1 << 20).contains(&stride) || low.abs() >= 1 << 60 {
                return wrong("a progression of float32 sums is out of range");
            }
            // Within a binade, rounding depends on the rest alone; both ends are in it.
            let high = low + stride * (QUOTIENTS - 1);
            for end in [low, high] {
                if round(end) - end != correction {
                    return wrong(format!("a float32 sum of {end} is rounded wrongly"));
                }
            }
            // Negative binades begin with a power of two and end after one.
            let bits = |value: i128| {
                let magnitude = if value < 0 { -(value + 1) } else { value };
                u128::BITS - magnitude.unsigned_abs().leading_zeros()
            };
            // A multiple of twice the distance of floats, so that all of it is rounded alike.
            let widest = bits(low).max(bits(high)).max(24);
            let narrowest = bits(low).min(bits(high)).max(24);
            let is_alike = widest == narrowest && (stride == 1 || stride == 1 << (widest - 23));
            if !is_alike || (stride == 1 && widest > 24) || (low < 0) != (high < 0) {
                return wrong("a progression of float32 sums is in two binades");
            }
        }
        for pair in table.progressions.windows(2) {
            let ([low, stride, _], [next, other, _]) = (pair[0], pair[1]);
            let is_next = if next - low < stride.min(other) && stride == other {
                next == low + 1
            } else {
                false
            };
            let begins = next == low + 1 + stride * (QUOTIENTS - 1);
            if !is_next && !begins {
                return wrong(format!("no or two progressions hold the sum {next}"));
            }
        }
        Ok(table)
    }

    /// Whether every float32 sum in a range has its progression.
    pub fn rounds(&self, low: i128, high: i128) -> bool {
        let first = self.progressions.first().map(|first| first[0]);
        let last = self.progressions.last().map(|last| last[0] + last[1] * (QUOTIENTS - 1));
        first.is_some_and(|first| first <= low) && last.is_some_and(|last| high <= last)
    }
}

/// `table[⌊(slope·x + constant) / D⌋]`.
pub struct Division<'a> {
    pub table: &'a Table,
    pub slope: i128,
    pub constant: i128,
    /// D.
    pub divisor: i128,
}

impl Division<'_> {
    fn row(&self, x: i128) -> Checked<usize> {
        let dividend = fits(self.slope.checked_mul(x).and_then(|x| x.checked_add(self.constant)))?;
        let rows = fits(i128::try_from(self.table.values.len()).ok())?;
        let row = dividend.div_euclid(self.divisor);
        if row < 0 || row >= rows {
            return wrong(format!("the dividend of {x} leaves the table at row {row} of {rows}"));
        }
        fits(usize::try_from(row).ok())
    }
}

impl Map for Division<'_> {
    fn at(&self, x: i128) -> Checked<i128> {
        Ok(self.table.values[self.row(x)?])
    }

    fn pieces(&self, low: i128, high: i128) -> Checked<Vec<(i128, i128)>> {
        let (first, last) = (self.row(low)?, self.row(high)?);
        let mut pieces = vec![(low, self.table.values[first])];
        for row in first + 1..=last {
            let value = self.table.values[row];
            if pieces.last().is_some_and(|&(_, before)| before == value) {
                continue;
            }
            // The least x whose dividend is not below row·D.
            let row = fits(i128::try_from(row).ok())?;
            let reach = fits(row.checked_mul(self.divisor))?;
            let start = -(self.constant - reach).div_euclid(self.slope);
            if pieces.last().is_some_and(|&(last, _)| last == start) {
                pieces.pop();
            }
            pieces.push((start, value));
        }
        Ok(pieces)
    }
}

/// The value of the interval that holds `x + offset`.
pub struct Interval<'a> {
    pub table: &'a Table,
    pub offset: i128,
}

impl Interval<'_> {
    fn number(&self, x: i128) -> Checked<usize> {
        let position = fits(x.checked_add(self.offset))?;
        let intervals = &self.table.intervals;
        let after = intervals.partition_point(|interval| interval[0] <= position);
        let found = after
            .checked_sub(1)
            .filter(|&number| position < intervals[number][0] + intervals[number][1]);
        match found {
            Some(number) => Ok(number),
            None => wrong(format!("no interval holds position {position}")),
        }
    }
}

impl Map for Interval<'_> {
    fn at(&self, x: i128) -> Checked<i128> {
        Ok(self.table.intervals[self.number(x)?][2])
    }

    fn pieces(&self, low: i128, high: i128) -> Checked<Vec<(i128, i128)>> {
        let (first, last) = (self.number(low)?, self.number(high)?);
        let intervals = &self.table.intervals[first..=last];
        if intervals.windows(2).any(|pair| pair[0][0] + pair[0][1] != pair[1][0]) {
            return wrong(format!("intervals have a gap between {low} and {high}"));
        }
        let piece = |interval: &[i128; 3]| (low.max(interval[0] - self.offset), interval[2]);
        Ok(intervals.iter().map(piece).collect())
    }
}
