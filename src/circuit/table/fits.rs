//! A net's arithmetic for one table length.
//!
//! With N rows in the table and l limbs, the divisor is D = N^l. A made byte with accumulator `raw` (the
//! sum of bytes times weights) holds in one of two forms:
//!
//! ```text
//! line:  D·u + z = slope·(raw + bias) + constant          z = Σ_j N^j·limb_j        byte = out[u]
//! interval:  start + z = raw + bias + constant            see `intervals`
//! ```
//!
//! A circuit has both kinds of rows; rules take intervals only where no line with this divisor is exact.
//!
//! **No wrap.** Of a line, u and the limbs are below N ≤ 2^22, so the left side is below 2^88 and, like the
//! right side (`NO_WRAP_BOUND`: a rule for which one could be larger does not fit), an integer: both are equal
//! as integers when they are equal in the field. Of intervals, all positions together are fewer than 2^39, or
//! than 2^99 with float32 sums (`most_positions`), and z is below N²: `intervals` and `average` have the rest.
//! `raw` itself is an integer far below these bounds: it is what the linear maps prove it to be. Then u is
//! the quotient, which lies in the rule's own region of the table because raw lies in its proven range.

use super::binades::{self, Binade};
use super::intervals::{self, Interval};
use super::rules::{FunctionId, Levels, Rises, Rule};
use crate::circuit::{
    parallel,
    wiring::{COMMITTED_DIGIT, Net, Weight},
};
use crate::model::Steps;

/// Both sides of a line's equation stay below this; the field's modulus is above 2^253.
const NO_WRAP_BOUND: i128 = 1 << 120;

/// The divisor is no larger: slopes are known to 60 bits.
const LARGEST_DIVISOR: i128 = 1 << 60;

/// A net's rules for one table length.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Number of rows of the table, and base of the limbs.
    pub table_rows: usize,
    /// Limbs per remainder.
    pub limbs: usize,
    /// By rule of the net.
    pub rules: Vec<FittedRule>,
    /// The value in each row of the table.
    pub table: Vec<u32>,
    /// With intervals, start and length in each row, or the first rows: see [`Self::fill`].
    pub intervals: Option<Vec<Interval>>,
    /// With float32 sums, their binades and the first row of each in the table.
    pub binades: Vec<(usize, Binade)>,
}

/// A rule's integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FittedRule {
    /// `D·u + z = slope·(raw + bias) + constant`.
    Line {
        /// At least 1.
        slope: i128,
        /// Begins the rule's region of the table at level 0.
        constant: i128,
        /// What a sum's operands are multiplied with.
        factors: [i128; 2],
    },
    /// `start + z = raw + bias + constant`.
    Intervals {
        /// What a sum's operands are multiplied with.
        factors: [i128; 2],
        /// Takes the function's least accumulator to the start of its first interval.
        constant: i128,
        /// The first of the function's rows in the table.
        first: usize,
        /// How many.
        count: usize,
    },
}

/// What a row of a made byte holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Division {
    /// The table's row.
    pub u: u32,
    /// The remainder, least limb first; of an interval's row, two of what it is short of as well.
    pub limbs: [u32; 4],
    /// The output.
    pub byte: u32,
}

impl Fitted {
    /// Fits rules to a table length; `None` if it is too short for them, or if an equation could wrap around
    /// the field. Rules without a slope have no line at any length: they take intervals, and where `may_step` has a
    /// share others may too: those that have no line, or one that takes more than that share of the table.
    pub fn new(
        net: &Net,
        slopes: &[Option<Slope>],
        table_rows: usize,
        limbs: usize,
        may_step: Option<Share>,
    ) -> Option<Self> {
        let rules = &net.rules[..];
        let rows = i128::try_from(table_rows).ok()?;
        let d = rows.checked_pow(u32::try_from(limbs).ok()?).filter(|&d| d <= LARGEST_DIVISOR)?;
        let forms: Vec<Form> = (rules.iter().zip(slopes))
            .map(|(rule, &slope)| Form::new(rule, rows, d, slope, may_step))
            .collect::<Option<_>>()?;

        // Rules with the same function share its intervals; those of different functions are disjoint, so
        // that no accumulator of one lies in an interval of another.
        let mut room = 0;
        let most_positions = most_positions(net);
        let mut intervals: Vec<Interval> = Vec::new();
        let mut fitted = vec![None; rules.len()];
        let mut known: Vec<(FunctionId, &Rule, FittedRule)> = Vec::new();
        for (fitted, (rule, form)) in fitted.iter_mut().zip(rules.iter().zip(&forms)) {
            let (Form::Intervals, Some(function)) = (form, rule.function()) else { continue };
            let factors = match &rule.levels {
                Levels::Sum(sum) => sum.weighed.map_or([0, 0], |weighed| weighed.factors),
                _ => [0, 0],
            };
            let found = known.iter().find(|(other, known, ..)| {
                *other == function
                    && known.activation == rule.activation
                    && known.values == rule.values
            });
            let own = match found {
                Some(&(.., own)) => own,
                None => {
                    let Rises { range: (low, high), rises } = &net.functions[function.0 as usize];
                    let (first, constant) = (intervals.len(), room - low);
                    let after = room + high - low + 1;
                    if after > most_positions {
                        return None;
                    }
                    let longest = rows * rows;
                    let own = Interval::all((*low, *high), rises, rule, longest);
                    let count = own.len();
                    intervals.extend(own.into_iter().map(|interval| interval.after(room)));
                    room = after;
                    let own = FittedRule::Intervals { factors, constant, first, count };
                    known.push((function, rule, own));
                    own
                }
            };
            *fitted = Some(own);
        }
        if intervals.len() > table_rows {
            return None;
        }
        let has_intervals = !intervals.is_empty();
        let mut binades = Vec::new();
        if let Some(sums) = net.float_sums {
            let own = Binade::all(sums);
            let needed: i128 = own.iter().map(|binade| binade.rows()).sum();
            let taken = i128::try_from(intervals.len()).ok()?;
            if rows * rows < binades::QUOTIENTS || taken + needed > rows {
                return None;
            }
            for binade in own {
                binades.push((intervals.len(), binade));
                intervals.extend(binade.entries());
            }
        }
        let mut table: Vec<u32> = intervals.iter().map(|interval| interval.byte).collect();

        // Rules with the same clamp and table share a region.
        let mut regions: Vec<Region> = Vec::new();
        let mut region_of = vec![0; rules.len()];
        for (index, (rule, form)) in rules.iter().zip(&forms).enumerate() {
            let Form::Line { reach: (low, high), .. } = *form else { continue };
            let own = match (&rule.levels, *form) {
                (Levels::Table(table), _) => {
                    Some(table.iter().map(|&byte| rule.value_of(byte)).collect())
                }
                (Levels::Sum(sum), Form::Line { factors: PAIR, .. }) => {
                    Some(sum.table.iter().map(|&level| rule.value(level.into())).collect())
                }
                _ => None,
            };
            let known = regions.iter_mut().position(|region| {
                region.own == own
                    && region.rule.activation == rule.activation
                    && region.rule.values == rule.values
            });
            region_of[index] = known.unwrap_or(regions.len());
            match known {
                Some(known) => {
                    let region = &mut regions[known];
                    region.low = region.low.min(low);
                    region.high = region.high.max(high);
                }
                None => {
                    regions.push(Region { own, rule, low, high });
                }
            }
        }
        let mut starts = Vec::new();
        for region in &regions {
            let length = i128::try_from(table.len()).ok()?;
            starts.push(length - region.low);
            if length + region.high - region.low >= rows {
                return None;
            }
            table.extend((region.low..=region.high).map(|level| region.byte(level)));
        }
        for (fitted, (form, region)) in fitted.iter_mut().zip(forms.iter().zip(&region_of)) {
            let Form::Line { slope, b, factors, most, .. } = *form else { continue };
            let constant = b + d * starts[*region];
            if most + constant.abs() >= NO_WRAP_BOUND || d * (rows + 1) >= NO_WRAP_BOUND {
                return None;
            }
            *fitted = Some(FittedRule::Line { slope, constant, factors });
        }
        table.resize(table_rows, 0);
        let intervals = has_intervals.then_some(intervals);
        let rules = fitted.into_iter().collect::<Option<_>>()?;
        Some(Self { table_rows, limbs, rules, table, intervals, binades })
    }

    /// Gives an interval to the rows that have none: many tables are fitted, and one is filled.
    pub fn fill(&mut self) {
        // No accumulator lies in an interval of length 0.
        let nothing = Interval { start: 0, length: 0, byte: 0 };
        if let Some(intervals) = &mut self.intervals {
            intervals.reserve_exact(self.table_rows.saturating_sub(intervals.len()));
            intervals.resize(self.table_rows, nothing);
        }
    }

    /// The divisor of every line.
    pub fn divisor(&self) -> i128 {
        (0..self.limbs).fold(1, |d, _| d * self.base())
    }

    /// The base of the limbs.
    pub fn base(&self) -> i128 {
        i128::try_from(self.table_rows).expect("a table length")
    }

    /// The integer of a weight, given those that are committed.
    pub fn weight(&self, weight: Weight, committed: &[i32]) -> i128 {
        match weight {
            Weight::Committed { number, digit } => {
                i128::from(committed[number as usize]) << (COMMITTED_DIGIT * u32::from(digit))
            }
            Weight::Integer(weight) => weight.into(),
            Weight::Long(weight) => weight.0,
            Weight::Operand { rule, operand } => match self.rules[rule as usize] {
                FittedRule::Line { factors, .. } | FittedRule::Intervals { factors, .. } => {
                    factors[operand as usize]
                }
            },
        }
    }

    /// Makes a byte from an accumulator and its bias.
    pub fn make(&self, rule: u32, accumulator: i128) -> Division {
        match self.rules[rule as usize] {
            FittedRule::Line { slope, constant, .. } => self.divide(slope * accumulator + constant),
            FittedRule::Intervals { constant, first, count, .. } => {
                self.find_interval(accumulator + constant, first, count)
            }
        }
    }

    /// Divides by D.
    pub fn divide(&self, dividend: i128) -> Division {
        let d = self.divisor();
        let u = small(dividend.div_euclid(d));
        let mut z = dividend.rem_euclid(d);
        let mut limbs = [0; 4];
        for limb in &mut limbs[..self.limbs] {
            *limb = small(z % self.base());
            z /= self.base();
        }
        Division { u, limbs, byte: self.table[u as usize] }
    }

    /// Rounds a float32 sum: what its row holds, and the rounded sum.
    pub fn round(&self, sum: i128) -> (Division, i128) {
        let found = self.binades.partition_point(|(_, binade)| binade.low <= sum) - 1;
        let (first, binade) = self.binades[found];
        let (rest, z) = binade.find(sum);
        let base = self.base();
        let left = binades::QUOTIENTS - 1 - z;
        let limbs = [z % base, z / base, left % base, left / base].map(small);
        let u = u32::try_from(first).expect("a table length") + small(rest);
        let division = Division { u, limbs, byte: self.table[u as usize] };
        (division, sum + binade.correction(rest))
    }

    fn find_interval(&self, position: i128, first: usize, count: usize) -> Division {
        let intervals = self.intervals.as_ref().expect("a rule has intervals");
        let own = &intervals[first..first + count];
        let row = own.partition_point(|interval| interval.start <= position) - 1;
        let interval = own[row];
        let (z, rest) =
            (position - interval.start, interval.start + interval.length - 1 - position);
        let base = self.base();
        let limbs = [z % base, z / base, rest % base, rest / base].map(small);
        let u = u32::try_from(first + row).expect("a table length");
        Division { u, limbs, byte: interval.byte }
    }
}

/// How many positions the intervals of all functions may have. With float32 sums, start and length are read as
/// two values, and rows that are marked are to be told from others.
fn most_positions(net: &Net) -> i128 {
    if net.float_sums.is_some() { binades::MOST_POSITIONS } else { intervals::MOST_ACCUMULATORS }
}

/// The slope of a line, in units of 2^-60.
pub type Slope = i128;

/// The slopes of all rules; none where no line fits, whatever its divisor.
pub fn slopes(rules: &[Rule]) -> Vec<Option<Slope>> {
    let slope = |rule: &Rule| match &rule.levels {
        Levels::Table(_) => Some(0),
        Levels::Sum(sum) => sum.plane(1 << 60).map(|_| 0),
        Levels::Steps(monotone) => monotone.steps.best_slope(),
        Levels::Rises(_) => None,
    };
    parallel::each(rules, slope)
}

fn small(value: i128) -> u32 {
    u32::try_from(value).expect("accumulators are in their range")
}

/// One of how many parts of a table.
pub type Share = i128;

/// How much of the table a line may take where intervals take over, in the order in which these are tried.
pub const SHARES: [Share; 3] = [4, 2, 1];

/// Factors that make a pair of bytes the row of a table of all pairs.
const PAIR: [i128; 2] = [256, 1];

/// The rows of such a table.
const PAIRS: (i128, i128) = (0, 65_535);

/// The least rows that each function has in any table, with the first rule that has it. Where there are lines, functions
/// may share their rows: they count for nothing.
pub fn least_rows(net: &Net, slopes: &[Option<Slope>]) -> Vec<(usize, usize)> {
    let is_same = |one: &Rule, other: &Rule| {
        let is_same_table = match (&one.levels, &other.levels) {
            (Levels::Table(a), Levels::Table(b)) => {
                let mut pairs = a.iter().zip(b);
                a.len() == b.len() && pairs.all(|(&a, &b)| one.value_of(a) == one.value_of(b))
            }
            (Levels::Sum(a), Levels::Sum(b)) if one.function().is_none() => a.table == b.table,
            _ => one.function().is_some() && one.function() == other.function(),
        };
        is_same_table && one.activation == other.activation && one.values == other.values
    };
    let mut known: Vec<&Rule> = Vec::new();
    let mut least = Vec::new();
    for (number, (rule, slope)) in net.rules.iter().zip(slopes).enumerate() {
        let rows = match (&rule.levels, rule.function(), slope) {
            (Levels::Table(table), ..) => table.len(),
            (_, _, Some(_)) => continue,
            (_, Some(function), None) => {
                let Rises { range, rises } = &net.functions[function.0 as usize];
                Interval::all(*range, rises, rule, i128::MAX).len()
            }
            (_, None, None) => usize::from(u16::MAX) + 1,
        };
        if !known.iter().any(|known| is_same(known, rule)) {
            known.push(rule);
            least.push((number, rows));
        }
    }
    least
}

/// How a rule is proved.
#[derive(Clone, Copy, Debug)]
enum Form {
    Line {
        slope: i128,
        b: i128,
        factors: [i128; 2],
        /// The least and the greatest level.
        reach: (i128, i128),
        /// The largest magnitude of slope·(raw + bias) + b.
        most: i128,
    },
    Intervals,
}

impl Form {
    fn new(
        rule: &Rule,
        rows: i128,
        d: i128,
        slope: Option<Slope>,
        may_step: Option<Share>,
    ) -> Option<Self> {
        let line = slope.and_then(|slope| Self::line(rule, d, slope));
        // Levels far beyond the clamp would fill the table.
        let share = may_step.or_else(|| slope.is_none().then_some(SHARES[0]));
        let is_long = |line: &Self| match (line, share) {
            (&Self::Line { reach: (low, high), .. }, Some(share)) => high - low > rows / share,
            _ => false,
        };
        let monotone = matches!(rule.levels, Levels::Steps(_));
        let line = line.filter(|line| !(monotone && is_long(line)));
        match (&rule.levels, line) {
            (_, Some(line)) => Some(line),
            _ if share.is_none() => None,
            (_, None) if rule.function().is_some() => Some(Self::Intervals),
            // A table of all pairs needs no line.
            (Levels::Sum(_), None) => Some(Self::identity(d, PAIRS, PAIR)),
            _ => None,
        }
    }

    fn identity(d: i128, (low, high): (i128, i128), factors: [i128; 2]) -> Self {
        let most = d * low.abs().max(high.abs());
        Self::Line { slope: d, b: 0, factors, reach: (low, high), most }
    }

    fn line(rule: &Rule, d: i128, slope: Slope) -> Option<Self> {
        let range = (i128::from(rule.range.0), i128::from(rule.range.1));
        match &rule.levels {
            Levels::Table(_) => Some(Self::identity(d, range, [0, 0])),
            Levels::Sum(sum) => {
                let plane = sum.plane(d)?;
                let ends = plane.factors.map(|factor| [0, 255 * factor]);
                let all = ends[0].iter().flat_map(|a| ends[1].iter().map(move |b| a + b + plane.b));
                let (low, high) = (all.clone().min()?, all.max()?);
                let reach = (low.div_euclid(d), high.div_euclid(d));
                let (factors, b) = (plane.factors, plane.b);
                Some(Self::Line { slope: 1, b, factors, reach, most: low.abs().max(high.abs()) })
            }
            Levels::Steps(monotone) => Self::of_steps(&monotone.steps, d, slope, range),
            Levels::Rises(_) => None,
        }
    }

    fn of_steps(steps: &Steps, d: i128, slope: Slope, (low, high): (i128, i128)) -> Option<Self> {
        // A slope of 0 could not be divided by.
        let line = steps.line_near(slope, d).filter(|&line| line.a > 0 && steps.allow(line))?;
        let reach = (line.divide(low).0, line.divide(high).0);
        let most = line.a * low.abs().max(high.abs()) + line.b.abs();
        Some(Self::Line { slope: line.a, b: line.b, factors: [0, 0], reach, most })
    }
}

/// An activation's rows: levels from `low` to `high`.
struct Region<'a> {
    own: Option<Vec<u32>>,
    rule: &'a Rule,
    low: i128,
    high: i128,
}

impl Region<'_> {
    fn byte(&self, level: i128) -> u32 {
        match &self.own {
            // The pair table of a sum, or a function's own.
            Some(own) => own[usize::try_from(level).expect("tables begin at 0")],
            None => self.rule.value(level),
        }
    }
}

#[cfg(test)]
mod tests;
