//! Softmax and layer normalization. The comments of their types have the equations.

use crate::model::{LayerNormalization, Softmax};

impl Softmax {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        let mut y = Vec::with_capacity(x.len());
        for row in x.chunks(self.length) {
            let largest = row.iter().copied().max().unwrap_or(0);
            let exponential = |x: i32| {
                let distance = usize::try_from(largest - x).expect("no element is larger");
                i64::from(self.exponentials[distance])
            };
            let sum: i64 = row.iter().map(|&x| exponential(x)).sum();
            y.extend(row.iter().map(|&x| {
                let steps = (2 * i64::from(self.levels) * exponential(x) + sum).div_euclid(2 * sum);
                clamp(i128::from(steps) + i128::from(self.zero_point), self.min, self.max)
            }));
        }
        y
    }
}

impl LayerNormalization {
    pub(super) fn evaluate(&self, x: &[i32]) -> Vec<i32> {
        let length = i64::try_from(self.length).expect("lengths are within limits");
        let mut y = Vec::with_capacity(x.len());
        for row in x.chunks(self.length) {
            let sum: i64 = row.iter().map(|&x| i64::from(x)).sum();
            let squares: i64 = row.iter().map(|&x| i64::from(x) * i64::from(x)).sum();
            let variance = i128::from(length) * i128::from(squares) - i128::from(sum).pow(2);
            let spread = i128::from(self.variance_factor) * variance + i128::from(self.epsilon);
            let root = inverse_root(spread.unsigned_abs(), self.root_bits);
            for ((&x, &gain), &offset) in row.iter().zip(&self.gain).zip(&self.offset) {
                let centred = i128::from(length * i64::from(x) - sum);
                let scaled = i128::from(gain) * centred * root + offset;
                y.push(clamp(scaled >> self.shift, self.min, self.max));
            }
        }
        y
    }
}

/// The largest `r` with `r²·d ≤ 2^(2·bits)`.
fn inverse_root(d: u128, bits: u32) -> i128 {
    let root = ((1_u128 << (2 * bits)) / d.max(1)).isqrt();
    i128::try_from(root).expect("roots of 128 bits have 64")
}

fn clamp(value: i128, min: i32, max: i32) -> i32 {
    let clamped = value.clamp(i128::from(min), i128::from(max));
    i32::try_from(clamped).expect("it is between two int32 values")
}
