//! Functions of one integer, as a model's operators apply them, and where they change.

use super::values::{Checked, Map, fits, wrong};
use crate::model::AveragePool;

/// A monotone function: it changes where bisection finds it to.
pub struct Monotone<F>(pub F);

impl<F: Fn(i128) -> Checked<i128>> Map for Monotone<F> {
    fn at(&self, x: i128) -> Checked<i128> {
        (self.0)(x)
    }

    fn pieces(&self, low: i128, high: i128) -> Checked<Vec<(i128, i128)>> {
        let mut pieces = vec![(low, self.at(low)?)];
        // Parts of the range whose ends differ, the first on top.
        let mut open = vec![((low, pieces[0].1), (high, self.at(high)?))];
        while let Some(((low, first), (high, last))) = open.pop() {
            if first == last {
                continue;
            }
            if high - low == 1 {
                pieces.push((high, last));
                continue;
            }
            let middle = low + (high - low) / 2;
            let value = self.at(middle)?;
            open.push(((middle, value), (high, last)));
            open.push(((low, first), (middle, value)));
        }
        Ok(pieces)
    }
}

/// Any function of few integers.
pub struct Listed<F>(pub F);

impl<F: Fn(i128) -> Checked<i128>> Map for Listed<F> {
    fn at(&self, x: i128) -> Checked<i128> {
        (self.0)(x)
    }

    fn pieces(&self, low: i128, high: i128) -> Checked<Vec<(i128, i128)>> {
        if high - low > 1 << 16 {
            return wrong("a function that is not monotone has too long a range");
        }
        (low..=high).map(|x| Ok((x, self.at(x)?))).collect()
    }
}

pub fn int32(x: i128) -> Checked<i32> {
    fits(i32::try_from(x).ok())
}

/// Rounded multiples are monotone only if the factor is above 0.
pub fn check_slope(slope: f32) -> Checked<()> {
    if slope > 0.0 && slope.is_finite() { Ok(()) } else { wrong(format!("a slope of {slope}")) }
}

/// A table's value.
pub fn entry<T: Copy + Into<i128>>(table: &[T], x: i128) -> Checked<i128> {
    let found = usize::try_from(x).ok().and_then(|x| table.get(x));
    match found {
        Some(&value) => Ok(value.into()),
        None => wrong(format!("{x} is beyond a table of {} values", table.len())),
    }
}

/// The mean of a sum of centred elements, if it is the same however float32 adds them up: because it lies far
/// enough from a step, or because no addition rounds.
pub fn of_sum(pool: &AveragePool, zero: i128, sum: i32, seen: usize) -> Option<i32> {
    let by_distance = pool.of_sum(sum, seen);
    by_distance.or_else(|| {
        let scale = pool.mean.scale;
        let mantissa = i128::from(scale.to_bits() & 0x007f_ffff | 0x0080_0000);
        let odd = mantissa >> mantissa.trailing_zeros();
        let most = zero.abs().max((255 - zero).abs()) * i128::try_from(seen).ok()?;
        if !(1e-30..1e30).contains(&scale) || odd.checked_mul(most)? >= 1 << 24 {
            return None;
        }
        #[allow(clippy::cast_precision_loss, reason = "below 2^24")]
        let real = sum as f32 * scale;
        let divisor = if pool.count_include_pad { pool.window.len() } else { seen };
        Some(pool.mean.of_real(real, divisor))
    })
}
