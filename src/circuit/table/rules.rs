//! From accumulators to bytes.

use crate::circuit::activation::Activation;
use crate::model::{Add, Steps};
use std::sync::Arc;

/// Factors of a sum's plane, and its divisor, are below this: no product of them and a byte leaves i128.
const LARGEST_FACTOR: i128 = 1 << 76;

/// Integers in the proportion of a sum's operands are no larger: sums of their multiples leave other functions room.
const LARGEST_MULTIPLE: i128 = 1 << 24;

/// What becomes of an accumulator.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The least and the greatest accumulator.
    pub range: (i64, i64),
    /// From accumulators to levels.
    pub levels: Levels,
    /// From levels to bytes.
    pub activation: Activation,
    /// What takers get in place of a byte.
    pub values: Option<Arc<Vec<u32>>>,
}

impl Rule {
    /// The value for a level.
    pub fn value(&self, level: i128) -> u32 {
        self.value_of(self.activation.apply(level).into())
    }

    /// The function that intervals can have.
    pub fn function(&self) -> Option<FunctionId> {
        match &self.levels {
            Levels::Steps(monotone) => Some(monotone.function),
            Levels::Rises(function) => Some(*function),
            Levels::Table(_) => None,
            Levels::Sum(sum) => sum.weighed.map(|weighed| weighed.function),
        }
    }

    /// The value for a byte, or for what a table has in its place.
    pub fn value_of(&self, byte: u32) -> u32 {
        match &self.values {
            Some(values) => values[byte as usize],
            None => byte,
        }
    }
}

/// From accumulators to levels.
#[derive(Clone, Debug)]
pub enum Levels {
    /// A monotone function.
    Steps(Monotone),
    /// A monotone function of accumulators that may leave int32.
    Rises(FunctionId),
    /// The accumulator itself, in a table of this function alone.
    Table(Vec<u32>),
    /// A sum of two operands of 8 bits.
    Sum(Box<Sum>),
}

/// A monotone function.
#[derive(Clone, Debug)]
pub struct Monotone {
    /// Where it steps, over the rule's range.
    pub steps: Steps,
    /// The function over the ranges of all rules with it, which share intervals.
    pub function: FunctionId,
}

/// Which of a net's functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FunctionId(pub u32);

/// A monotone function, by where it rises.
#[derive(Clone, Debug)]
pub struct Rises {
    /// The least and the greatest accumulator.
    pub range: (i128, i128),
    /// The least accumulator of each level that is reached, with the level.
    pub rises: Vec<(i128, i128)>,
}

/// A sum of two scaled bytes.
#[derive(Clone, Debug)]
pub struct Sum {
    /// Scales of the operands over that of the sum.
    pub scales: [f32; 2],
    /// The least and the greatest level.
    pub bounds: (i32, i32),
    /// The level of each pair of bytes, 256·left + right.
    pub table: Vec<u8>,
    /// Another form of it.
    pub weighed: Option<Weighed>,
}

/// A sum as a monotone function of its operands, each times an integer.
#[derive(Clone, Copy, Debug)]
pub struct Weighed {
    /// Factors of the operands' bytes.
    pub factors: [i128; 2],
    /// The function.
    pub function: FunctionId,
}

/// A plane `a₀·left + a₁·right + b` that steps, divided by d, where a sum does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SumPlane {
    /// Factors of the operands' bytes.
    pub factors: [i128; 2],
    /// Constant.
    pub b: i128,
}

impl Sum {
    /// A sum of operands whose byte 0 stands for `bases`, where level 0 stands for `base`.
    pub fn new(add: &Add, bases: [i32; 2], base: i32) -> Self {
        let level = |pair: u16| {
            let [left, right] = pair.to_be_bytes().map(i32::from);
            let sum = add.apply(left + bases[0], right + bases[1]);
            u8::try_from(sum - base).expect("sums are clamped to their type")
        };
        Self {
            scales: [add.left, add.right],
            bounds: (add.min - base, add.max - base),
            table: (0..=u16::MAX).map(level).collect(),
            weighed: None,
        }
    }

    /// Integers in the operands' proportion such that the level is a monotone function of the sum of their multiples, and
    /// that function. Ties that alternate, as those of scales that are powers of two, have it and no plane.
    pub fn weighed(&self) -> Option<([i128; 2], Rises)> {
        let [left, right] = self.scales.map(f64::from);
        let mut rest = (right / left).abs();
        // The convergents of the proportion's continued fraction.
        let (mut before, mut now) = ([1, 0], [0, 1]);
        loop {
            #[allow(clippy::cast_possible_truncation, reason = "one that is too large is refused")]
            let whole = rest.floor() as i128;
            let next = [0, 1].map(|part| before[part] + whole.min(LARGEST_MULTIPLE) * now[part]);
            (before, now) = (now, next);
            if !rest.is_finite() || now.iter().any(|&part| part > LARGEST_MULTIPLE) {
                return None;
            }
            let signed = |scale: f64, factor: i128| if scale < 0.0 { -factor } else { factor };
            let factors = [signed(left, now[0]), signed(right, now[1])];
            if let Some(rises) = self.rises(factors) {
                return Some((factors, rises));
            }
            #[allow(clippy::cast_precision_loss)]
            let fraction = rest - whole as f64;
            rest = 1.0 / fraction;
        }
    }

    /// The level as a function of the sum of the operands' multiples; none if it is no monotone one.
    fn rises(&self, factors: [i128; 2]) -> Option<Rises> {
        let mut reached: [Option<(i128, i128)>; 256] = [None; 256];
        for (left, levels) in (0_i128..).zip(self.table.chunks(256)) {
            for (right, &level) in (0_i128..).zip(levels) {
                let sum = factors[0] * left + factors[1] * right;
                let (low, high) = reached[usize::from(level)].get_or_insert((sum, sum));
                (*low, *high) = ((*low).min(sum), (*high).max(sum));
            }
        }
        let reached = (0_i128..).zip(reached);
        let reached: Vec<(i128, (i128, i128))> =
            reached.filter_map(|(level, reached)| Some((level, reached?))).collect();
        let is_monotone = reached.windows(2).all(|pair| pair[0].1.1 < pair[1].1.0);
        let range = (reached.first()?.1.0, reached.last()?.1.1);
        let rises = reached.iter().map(|&(level, (low, _))| (low, level)).collect();
        is_monotone.then_some(Rises { range, rises })
    }

    /// The exact plane for a divisor, if rounding both factors gives one: all 65,536 pairs are checked. `None` for
    /// factors and divisors of 2^76 or more.
    pub fn plane(&self, d: i128) -> Option<SumPlane> {
        // What i128 has no room for becomes its largest value, which is refused like all that is too large.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let factors = self.scales.map(|scale| (f64::from(scale) * d as f64).round() as i128);
        let is_small = |factor: &i128| (1 - LARGEST_FACTOR..LARGEST_FACTOR).contains(factor);
        if d < 1 || ![d, factors[0], factors[1]].iter().all(is_small) {
            return None;
        }
        let (low, high) = (i128::from(self.bounds.0), i128::from(self.bounds.1));
        let (mut least, mut most) = (i128::MIN, i128::MAX);
        for (left, levels) in (0_i128..).zip(self.table.chunks(256)) {
            for (right, &level) in (0_i128..).zip(levels) {
                let level = i128::from(level);
                let sum = factors[0] * left + factors[1] * right;
                if level > low {
                    least = least.max(level * d - sum);
                }
                if level < high {
                    most = most.min((level + 1) * d - 1 - sum);
                }
            }
            if least > most {
                return None;
            }
        }
        let b = if least == i128::MIN { most } else { least };
        (b != i128::MAX).then_some(SumPlane { factors, b })
    }
}
