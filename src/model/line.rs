//! Replaces a requantization by one exact integer division.
//!
//! A requantization f is a monotone step function of the accumulator. Over the accumulator's proven
//! range, integers `a`, `b` with a given divisor `d` replace it when
//!
//! ```text
//! f(acc) = clamp( floor((a·acc + b) / d) )        for every acc in the range
//! ```
//!
//! Both sides are monotone, so it is enough that they step together: with `T_q` the smallest
//! accumulator of output q or more, the line is exact if and only if
//!
//! ```text
//! a·(T_q − 1) + b < q·d ≤ a·T_q + b               for every q between the clamp's bounds
//! ```
//!
//! These are at most 255 pairs of inequalities, checked one by one: a complete proof.

use super::Requantization;

/// `floor((a·acc + b) / d)`, a requantization before its clamp. Levels count from the smallest
/// value of the output's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Slope, not negative.
    pub a: i128,
    /// Offset.
    pub b: i128,
    /// Divisor.
    pub d: i128,
}

impl Line {
    /// The level of an accumulator, and the remainder of the division.
    pub fn divide(&self, acc: i128) -> (i128, i128) {
        let dividend = self.a * acc + self.b;
        (dividend.div_euclid(self.d), dividend.rem_euclid(self.d))
    }
}

/// Where a requantization steps, over a range of accumulators.
#[derive(Clone, Debug)]
pub struct Steps {
    /// `(acc, level)`: from this accumulator on, the level is at least this. Ascending, as those below.
    reached: Vec<(i128, i128)>,
    /// `(acc, level)`: up to this accumulator, the level is below this.
    below: Vec<(i128, i128)>,
    /// Those of each that bound the offset of some line, which are few.
    bounds: [Vec<(i128, i128)>; 2],
    /// The float multiplier, where the search for a slope begins.
    multiplier: f64,
}

impl Steps {
    /// Finds the steps of one output channel by bisection on the float32 computation.
    ///
    /// Levels are outputs minus `base`, the smallest value of the output's type. Assumes
    /// `low <= high`.
    pub fn find(
        requantization: &Requantization,
        channel: usize,
        base: i32,
        range: (i32, i32),
    ) -> Self {
        Self::of(
            |acc| requantization.apply(acc, channel) - base,
            (requantization.min - base, requantization.max - base),
            f64::from(requantization.multiplier(channel)),
            range,
        )
    }

    /// Finds the steps of any monotone function from accumulators to levels, clamped between `floor`
    /// and `ceiling`; the search for its line begins at the slope `multiplier`.
    pub fn of(
        level: impl Fn(i32) -> i32,
        (floor, ceiling): (i32, i32),
        multiplier: f64,
        (low, high): (i32, i32),
    ) -> Self {
        let level = |acc: i32| i128::from(level(acc));
        let (floor, ceiling) = (i128::from(floor), i128::from(ceiling));
        let (first, last) = (level(low), level(high));
        let (mut reached, mut below) = (Vec::new(), Vec::new());
        // Below the clamp's lower bound and above its upper one, any level will do.
        if first > floor {
            reached.push((i128::from(low), first));
        }
        let mut from = i64::from(low);
        for q in first + 1..=last {
            // Invariant: level(before) < q <= level(at).
            let (mut before, mut at) = (from, i64::from(high));
            while at - before > 1 {
                let middle = i64::midpoint(before, at);
                let acc = i32::try_from(middle).expect("between two int32 values");
                if level(acc) >= q { at = middle } else { before = middle }
            }
            reached.push((i128::from(at), q));
            below.push((i128::from(at - 1), q));
            from = at - 1;
        }
        if last < ceiling {
            below.push((i128::from(high), last + 1));
        }
        let bounds = [hull(&reached, true), hull(&below, false)];
        Self { reached, below, bounds, multiplier }
    }

    /// Where the level rises: the least accumulator of each level that is reached, with the level.
    pub fn rises(&self) -> &[(i128, i128)] {
        &self.reached
    }

    /// The exact line with divisor `d`, if there is one.
    pub fn line(&self, d: i128) -> Option<Line> {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let middle = (self.multiplier * d as f64) as i128;
        // Far beyond any quantization in use; below, no product of this search leaves i128.
        if !(0..1 << 76).contains(&middle) || !(1..1 << 76).contains(&d) {
            return None;
        }
        // The room for b is a concave function of a (the least of linear functions minus the
        // largest of others): climb it from the multiplier itself.
        let (mut low, mut high) = ((middle - (middle >> 7) - 2).max(0), middle + (middle >> 7) + 2);
        while high - low > 2 {
            let third = (high - low) / 3;
            let (left, right) = (low + third, high - third);
            if self.room(left, d) < self.room(right, d) { low = left } else { high = right }
        }
        let a = (low..=high).max_by_key(|&a| self.room(a, d))?;
        (self.room(a, d) >= 0).then(|| Line { a, b: self.offsets(a, d).0, d })
    }

    /// The slope, in units of 2^-60, that leaves a line the most room; `None` if no line is exact.
    pub fn best_slope(&self) -> Option<i128> {
        self.line(1 << 60).map(|line| line.a)
    }

    /// The exact line with divisor `d ≤ 2^60` next to the best slope, if there is one: room is a concave
    /// function of the slope, so that no other integer has more than the two beside the best. `None` for slopes
    /// and divisors whose products could leave i128.
    pub fn line_near(&self, best_slope: i128, d: i128) -> Option<Line> {
        if !(1..=1 << 60).contains(&d) {
            return None;
        }
        // Below 2^67: with accumulators and levels of 32 bits, nothing that follows leaves i128.
        let below = best_slope.checked_mul(d)? >> 60;
        let a = ((below - 1).max(0)..=below + 2).max_by_key(|&a| self.room(a, d))?;
        (self.room(a, d) >= 0).then(|| Line { a, b: self.offsets(a, d).0, d })
    }

    /// The most room between the steps that a line of any real slope has, in levels; negative where none is
    /// exact. The more room, the smaller the divisors of exact lines.
    pub fn most_room(&self) -> f64 {
        #[allow(clippy::cast_precision_loss)]
        let real = |points: &[(i128, i128)]| -> Vec<(f64, f64)> {
            points.iter().map(|&(acc, level)| (acc as f64, level as f64)).collect()
        };
        let [reached, below] = [real(&self.bounds[0]), real(&self.bounds[1])];
        if reached.is_empty() || below.is_empty() {
            return f64::INFINITY;
        }
        let room = |slope: f64| {
            let offset = |&(acc, level): &(f64, f64)| level - slope * acc;
            let least = reached.iter().map(offset).fold(f64::NEG_INFINITY, f64::max);
            below.iter().map(offset).fold(f64::INFINITY, f64::min) - least
        };
        // Room is a concave function of the slope.
        let (mut low, mut high) = (self.multiplier * 0.992, self.multiplier * 1.008);
        for _ in 0..80 {
            let third = (high - low) / 3.0;
            let (left, right) = (low + third, high - third);
            if room(left) < room(right) { low = left } else { high = right }
        }
        room(f64::midpoint(low, high))
    }

    /// Whether a line steps exactly where the requantization does.
    pub fn allow(&self, line: Line) -> bool {
        let Line { a, b, d } = line;
        a >= 0
            && self.reached.iter().all(|&(acc, q)| a * acc + b >= q * d)
            && self.below.iter().all(|&(acc, q)| a * acc + b < q * d)
    }

    /// How many offsets fit a slope, minus one; negative when none does.
    fn room(&self, a: i128, d: i128) -> i128 {
        let (least, most) = self.offsets(a, d);
        most - least
    }

    /// The least and the greatest offset that fit a slope.
    fn offsets(&self, a: i128, d: i128) -> (i128, i128) {
        let [reached, below] = &self.bounds;
        let least = reached.iter().map(|&(acc, q)| q * d - a * acc).max();
        let most = below.iter().map(|&(acc, q)| q * d - 1 - a * acc).min();
        match (least, most) {
            (Some(least), Some(most)) => (least, most),
            (Some(least), None) => (least, least),
            (None, Some(most)) => (most, most),
            (None, None) => (0, 0),
        }
    }
}

/// The points that some line touches from above, or from below. Assumes that they ascend.
fn hull(points: &[(i128, i128)], above: bool) -> Vec<(i128, i128)> {
    let mut hull: Vec<(i128, i128)> = Vec::new();
    for &(x, y) in points {
        while let [.., (x0, y0), (x1, y1)] = hull[..] {
            let (now, before) = ((x1 - x0) * (y - y0), (x - x0) * (y1 - y0));
            let bends = if above { now < before } else { now > before };
            if bends {
                break;
            }
            hull.pop();
        }
        hull.push((x, y));
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requantization(multiplier: f32, zero_point: i32) -> Requantization {
        Requantization { multipliers: vec![multiplier], zero_point, min: -128, max: 127 }
    }

    fn agrees_everywhere(requantization: &Requantization, line: Line, range: (i32, i32)) {
        for acc in range.0..=range.1 {
            let (level, _) = line.divide(i128::from(acc));
            let output = i32::try_from(level.clamp(0, 255)).expect("a byte") - 128;
            assert_eq!(output, requantization.apply(acc, 0), "acc {acc}");
        }
    }

    #[test]
    fn line_agrees_with_float32_at_every_accumulator() {
        let range = (-400_000, 300_000);
        for (multiplier, zero_point) in
            [(1.0 / 649.475, -128), (1.0 / 58.605_648, -3), (0.002_31, 63), (1.0 / 1842.204, 29)]
        {
            let requantization = requantization(multiplier, zero_point);
            let steps = Steps::find(&requantization, 0, -128, range);
            // 1/1842.204 steps so close to the float32 grid that 2^33 has no line for it.
            let line = steps.line(1 << 40).expect("a line with a large divisor");
            assert!(steps.allow(line));
            agrees_everywhere(&requantization, line, range);
        }
    }

    #[test]
    fn line_off_by_one_step_is_not_allowed() {
        let steps = Steps::find(&requantization(0.002_31, 63), 0, -128, (-400_000, 300_000));
        let line = steps.line(1 << 33).expect("a line with a large divisor");
        assert!(!steps.allow(Line { b: line.b + line.a, ..line }));
        assert!(!steps.allow(Line { b: line.b - line.a, ..line }));
    }

    // Ties alternate between rounding up and down, which no line does.
    #[test]
    fn power_of_two_multiplier_has_no_line() {
        let steps = Steps::find(&requantization(1.0 / 256.0, 0), 0, -128, (-30_000, 30_000));
        assert_eq!(steps.line(1 << 40), None);
    }

    #[test]
    fn constant_accumulator_has_a_line() {
        let requantization = requantization(0.01, 5);
        let steps = Steps::find(&requantization, 0, -128, (321, 321));
        let line = steps.line(1000).expect("nothing to step over");
        agrees_everywhere(&requantization, line, (321, 321));
    }

    #[test]
    fn room_in_levels_is_that_of_the_best_line() {
        for (multiplier, zero_point) in [(0.002_31, 63), (1.0 / 1842.204, 29), (1.0 / 256.0, 0)] {
            let requantization = requantization(multiplier, zero_point);
            let steps = Steps::find(&requantization, 0, -128, (-400_000, 300_000));
            let (d, room) = (2_f64.powi(60), steps.most_room());
            match steps.line(1 << 60) {
                #[allow(clippy::cast_precision_loss)]
                Some(line) => {
                    let own = (steps.room(line.a, line.d) as f64 + 1.0) / d;
                    assert!((own - room).abs() < 1e-9, "{own} {room}");
                }
                None => assert!(room < 1e-9, "{room}"),
            }
        }
    }

    #[test]
    fn offsets_are_bounded_by_all_steps() {
        // Clamped on both sides, on either and on none.
        for range in [(-400_000, 300_000), (-400_000, 100), (-100, 300_000), (-30_000, 20_000)] {
            for (multiplier, zero_point) in [(0.002_31, 63), (1.0 / 1842.204, 29), (1.7, 0)] {
                let requantization = requantization(multiplier, zero_point);
                let steps = Steps::find(&requantization, 0, -128, range);
                let d = 1_i128 << 40;
                #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
                let middle = (f64::from(multiplier) * d as f64) as i128;
                for a in (-500..=500).map(|step| middle + step * middle / 60_000) {
                    let least = steps.reached.iter().map(|&(acc, q)| q * d - a * acc).max();
                    let most = steps.below.iter().map(|&(acc, q)| q * d - 1 - a * acc).min();
                    assert_eq!(
                        least.zip(most),
                        Some(steps.offsets(a, d)),
                        "{multiplier} {range:?} {a}"
                    );
                }
                assert!(steps.bounds.iter().all(|bounds| bounds.len() < 40), "few of them");
            }
        }
    }

    #[test]
    fn slope_or_divisor_beyond_the_search_has_no_line() {
        let steps = Steps::find(&requantization(1.0e4, 0), 0, -128, (-2, 2));
        let slope = steps.best_slope().expect("levels are far apart");
        assert_eq!(steps.line_near(slope, 1 << 59), None, "2^59 slopes of 2^73 leave i128");
        assert!(steps.line_near(slope, 1 << 40).is_some());
        for d in [-1, 0, (1 << 60) + 1, i128::MAX] {
            assert_eq!(steps.line_near(1, d), None, "{d}");
        }
    }
}
