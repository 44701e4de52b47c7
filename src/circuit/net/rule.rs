//! From accumulators to bytes.

use crate::circuit::activation::Activation;
use crate::model::{Add, Steps};

/// What becomes of an accumulator.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The least and the greatest accumulator.
    pub range: (i64, i64),
    /// From accumulators to levels.
    pub levels: Levels,
    /// From levels to bytes.
    pub activation: Activation,
}

/// From accumulators to levels.
#[derive(Clone, Debug)]
pub enum Levels {
    /// A monotone function, by where it steps.
    Steps(Steps),
    /// The accumulator itself, in a table of this function alone.
    Table(Vec<u8>),
    /// A sum of two operands of 8 bits.
    Sum(Box<Sum>),
}

/// A sum of two scaled bytes.
#[derive(Clone, Debug)]
pub struct Sum {
    /// How the reference adds.
    pub add: Add,
    /// The integers that byte 0 of each operand stands for.
    pub bases: [i32; 2],
    /// The integer that level 0 stands for.
    pub base: i32,
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
    /// The level of a pair of bytes.
    pub fn level(&self, left: u8, right: u8) -> u8 {
        let [left_base, right_base] = self.bases;
        let sum = self.add.apply(i32::from(left) + left_base, i32::from(right) + right_base);
        u8::try_from(sum - self.base).expect("sums are clamped to their type")
    }

    /// The exact plane for a divisor, if rounding both factors gives one: all 65,536 pairs are checked.
    pub fn plane(&self, d: i128) -> Option<SumPlane> {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
        let factor = |scale: f32| (f64::from(scale) * d as f64).round() as i128;
        let factors = [factor(self.add.left), factor(self.add.right)];
        let (low, high) = (self.add.min - self.base, self.add.max - self.base);
        let (mut least, mut most) = (i128::MIN, i128::MAX);
        for left in 0..=255_u8 {
            for right in 0..=255_u8 {
                let level = i128::from(self.level(left, right));
                let sum = factors[0] * i128::from(left) + factors[1] * i128::from(right);
                if level > i128::from(low) {
                    least = least.max(level * d - sum);
                }
                if level < i128::from(high) {
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

    /// The sum as a function of 256·left + right.
    pub fn table(&self) -> Vec<u8> {
        (0..=u16::MAX).map(|pair| {
            let [left, right] = pair.to_be_bytes();
            self.level(left, right)
        })
        .collect()
    }
}
