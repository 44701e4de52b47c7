//! Sums that float32 rounds, as integers.

use super::sums::Adder;
use super::values::{Checked, Kind, Value, Values, fits, wrong};
use std::rc::Rc;

/// Rounds an integer to 24 significant bits, ties to even.
pub fn round(value: i128) -> i128 {
    let magnitude = value.unsigned_abs();
    let excess = (u128::BITS - magnitude.leading_zeros()).saturating_sub(24);
    if excess == 0 {
        return value;
    }
    let (whole, rest) = (magnitude >> excess, magnitude & ((1 << excess) - 1));
    let half = 1_u128 << (excess - 1);
    let up = rest > half || (rest == half && whole & 1 == 1);
    let rounded = i128::try_from((whole + u128::from(up)) << excess).unwrap_or(i128::MAX);
    if value < 0 { -rounded } else { rounded }
}

impl Values {
    /// A sum, rounded: itself where nothing rounds.
    pub fn rounded(&mut self, adder: &Adder) -> Checked<Value> {
        let value = self.narrow(adder)?;
        if value.factor == 0 {
            return Ok(Value::constant(round(value.constant)));
        }
        let is_exact = match self.kind(value.atom) {
            Kind::Rounded(_) => value == Value::of(value.atom),
            &Kind::Of(_, function) => self.pieces(function).iter().all(|&(_, term)| {
                let sum = value.factor.checked_mul(term);
                let sum = sum.and_then(|sum| sum.checked_add(value.constant));
                sum.is_some_and(|sum| round(sum) == sum)
            }),
            _ => false,
        };
        if is_exact {
            return Ok(value);
        }
        let (low, high) = self.range_of(value)?;
        if low.checked_abs().is_none_or(|low| low >= 1 << 60)
            || high.checked_abs().is_none_or(|high| high >= 1 << 60)
        {
            return wrong("a float32 sum is above 2^60");
        }
        let sum = adder.sum()?;
        let atom = self.atom(Kind::Rounded(Rc::new(sum)), (round(low), round(high)));
        fits(Some(Value::of(atom)))
    }
}
