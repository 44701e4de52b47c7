//! Decimals, exactly: multiples of 10^−18 below 10^18 in magnitude.
//!
//! Sums and quotients of two of them fit 128 bits, so nothing here rounds but where it is asked to.

use std::fmt;

/// Digits behind the point, and before it.
const PLACES: usize = 18;

/// What 1 is.
const ONE: i128 = 1_000_000_000_000_000_000;

/// Characters of a decimal's text.
const LONGEST: usize = 64;

/// A decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal(i128);

impl Decimal {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads a number as JSON writes it: no sign but `-`, no zero before other digits, digits on both sides of a point. None if it is
    /// another text or no such decimal.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, Some(exponent)),
            None => (rest, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (mantissa, None),
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let power = exponent.map(|power| power.strip_prefix(['-', '+']).unwrap_or(power));
        let is_number = is_digits(whole)
            && (whole == "0" || !whole.starts_with('0'))
            && fraction.is_none_or(is_digits)
            && power.is_none_or(is_digits);
        if !is_number {
            return None;
        }
        let digits = [whole, fraction.unwrap_or_default()].concat();
        let kept = digits.trim_end_matches('0');
        let significant = kept.trim_start_matches('0');
        if significant.is_empty() {
            return Some(Self::ZERO);
        }
        // The last digit that is kept is so many powers of ten above 10^−18. Exponents of more digits than these are beyond any bound.
        let exponent: i64 = exponent.map_or(Ok(0), str::parse).ok()?;
        let dropped = PLACES + digits.len() - kept.len();
        let places = exponent.checked_add_unsigned(dropped as u64)?;
        let places = places.checked_sub_unsigned(fraction.map_or(0, str::len) as u64)?;
        let places = usize::try_from(places).ok().filter(|places| *places < 2 * PLACES)?;
        if significant.len() + places > 2 * PLACES {
            return None;
        }
        let magnitude: i128 = significant.parse().ok()?;
        let magnitude = magnitude * 10i128.pow(u32::try_from(places).ok()?);
        Some(Self(if is_negative { -magnitude } else { magnitude }))
    }

    /// Whether it is above 0.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// How many steps it is from an offset: the nearest integer, of two the even one, and whether it is just that. Assumes that the
    /// step is above 0.
    pub fn steps(self, offset: Self, step: Self) -> (i128, bool) {
        let distance = self.0 - offset.0;
        let (below, rest) = (distance.div_euclid(step.0), distance.rem_euclid(step.0));
        let up = match (2 * rest).cmp(&step.0) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => below.rem_euclid(2),
            std::cmp::Ordering::Greater => 1,
        };
        (below + up, rest == 0)
    }

    /// So many steps from an offset. None if that is no decimal.
    pub fn after(offset: Self, step: Self, steps: i64) -> Option<Self> {
        let sum = step.0.checked_mul(steps.into())?.checked_add(offset.0)?;
        (sum.unsigned_abs() < (ONE * ONE).unsigned_abs()).then_some(Self(sum))
    }
}

/// As short as it can be, without an exponent.
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, fraction) = (self.0.abs() / ONE, self.0.abs() % ONE);
        let fraction = format!("{fraction:0PLACES$}");
        match fraction.trim_end_matches('0') {
            "" => f.pad(&format!("{sign}{whole}")),
            fraction => f.pad(&format!("{sign}{whole}.{fraction}")),
        }
    }
}
