//! What the verifier chooses, from the model's units to integers.
//!
//! An integer q stands for exactly `(q − zero point) · scale`, the scale being the float32 that it is. A number as it was written is compared
//! with that without any rounding, so that a claim never says more than was asked:
//!
//! * a threshold, a bound or the lower end of a range becomes the smallest integer whose value is at least as large,
//! * the upper end of a range becomes the largest integer whose value is no larger,
//! * a value to be equal to is one of the output's: exactly, or as float32 shows it.

use super::{Claim, ClaimError, ClaimKind, unit};
use crate::model::{ElementType, Model, Port, Quantization};
use crate::name::Name;
use num_bigint::BigInt;
use std::cmp::Ordering;
use std::str::FromStr;

/// Characters of a number, and powers of ten: more than any float has.
const LONGEST: usize = 400;

/// A number as it was written: digits · 10^exponent.
#[derive(Debug)]
struct Decimal {
    digits: BigInt,
    exponent: i32,
}

impl FromStr for Decimal {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let text = text.trim();
        // It takes what is longer than any integer, and names of no number.
        if text.len() > LONGEST || !text.parse::<f64>().is_ok_and(f64::is_finite) {
            return Err(());
        }
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().map_err(|_| ())?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).map_err(|_| ())?);
        let exponent = exponent.filter(|exponent| exponent.unsigned_abs() <= 3 * LONGEST as u32);
        let digits = format!("{whole}{fraction}").parse().map_err(|_| ())?;
        Ok(Self { digits, exponent: exponent.ok_or(())? })
    }
}

/// The value of an integer: mantissa · 2^exponent.
fn value(quantization: Quantization, integer: i32) -> (BigInt, i32) {
    let bits = quantization.scale.to_bits();
    let (fraction, exponent) = (bits & 0x7f_ffff, i32::try_from(bits >> 23 & 0xff));
    let exponent = exponent.expect("8 bits");
    let fraction = if exponent == 0 { fraction } else { fraction | 1 << 23 };
    let steps = BigInt::from(integer - quantization.zero_point);
    (steps * fraction, exponent.max(1) - 127 - 23)
}

impl Decimal {
    /// How it compares with an integer's value.
    fn compare(&self, quantization: Quantization, integer: i32) -> Ordering {
        let (mantissa, binary) = value(quantization, integer);
        let [mut own, mut other] = [self.digits.clone(), mantissa];
        let raise = |number: &mut BigInt, base: u32, exponent: i32| {
            *number *= BigInt::from(base).pow(exponent.unsigned_abs());
        };
        raise(if self.exponent < 0 { &mut other } else { &mut own }, 10, self.exponent);
        raise(if binary < 0 { &mut own } else { &mut other }, 2, binary);
        own.cmp(&other)
    }
}

impl Claim {
    /// The integers of what the verifier chooses, from the model's units: as many numbers as the claim has, separated by commas; of
    /// positions also a label. Of several inferences those of one.
    pub fn choose(
        &self,
        model: &Model,
        inferences: usize,
        text: &str,
    ) -> Result<Vec<i32>, ClaimError> {
        let (port, tensor) = self.port(model, inferences)?;
        let claim = self.subject();
        let scale = Scale { claim: Name::new(&claim).to_string(), unit: unit(&tensor), port };
        let texts: Vec<&str> = match self.kind {
            // Labels may have commas.
            ClaimKind::Equal => vec![text],
            _ => text.split(',').collect(),
        };
        let (found, expected) = (texts.len(), self.kind.parameters());
        if found != expected {
            return Err(ClaimError::Numbers { claim: scale.claim, found, expected });
        }
        if self.kind == ClaimKind::Equal {
            return Ok(vec![scale.equal(text)?]);
        }
        let numbers: Vec<Decimal> =
            texts.iter().map(|text| scale.number(text)).collect::<Result<_, _>>()?;
        if self.kind == ClaimKind::Range {
            let (low, high) =
                (scale.least(&numbers[0], texts[0])?, scale.most(&numbers[1], texts[1])?);
            return match low <= high {
                true => Ok(vec![low, high]),
                false => Err(scale.empty(&numbers)),
            };
        }
        let integers = numbers.iter().zip(&texts).map(|(number, text)| scale.least(number, text));
        let integers: Vec<i32> = integers.collect::<Result<_, _>>()?;
        if numbers.windows(2).any(|pair| compare(&pair[0], &pair[1]).is_ge()) {
            return Err(ClaimError::Descending { claim: scale.claim });
        }
        Ok(integers)
    }
}

/// How two numbers compare.
fn compare(a: &Decimal, b: &Decimal) -> Ordering {
    let least = a.exponent.min(b.exponent);
    let [a, b] = [a, b].map(|number| {
        &number.digits * BigInt::from(10).pow((number.exponent - least).unsigned_abs())
    });
    a.cmp(&b)
}

/// The unit of what a claim is about.
struct Scale<'a> {
    claim: String,
    unit: Quantization,
    port: &'a Port,
}

impl Scale<'_> {
    /// The integers that the output can be. Positions that have labels are no others.
    fn range(&self) -> (i32, i32) {
        let (low, high) = self.unit.element.range();
        match i32::try_from(self.port.labels.len()) {
            Ok(labels) if self.unit.element == ElementType::Uint8 && labels > 0 => {
                (low, high.min(labels - 1))
            }
            _ => (low, high),
        }
    }

    fn shown(&self, integer: i32) -> String {
        self.unit.dequantize(integer).to_string()
    }

    fn number(&self, text: &str) -> Result<Decimal, ClaimError> {
        let no_number = |()| ClaimError::Number {
            claim: self.claim.clone(),
            found: Name::new(text).to_string(),
            labels: None,
        };
        text.parse().map_err(no_number)
    }

    fn outside(&self, text: &str) -> ClaimError {
        let (low, high) = self.range();
        ClaimError::OutsideOutput {
            claim: self.claim.clone(),
            found: Name::new(text).to_string(),
            low: self.shown(low),
            high: self.shown(high),
        }
    }

    fn empty(&self, numbers: &[Decimal]) -> ClaimError {
        match numbers {
            [low, high] if compare(low, high).is_gt() => {
                ClaimError::Descending { claim: self.claim.clone() }
            }
            _ => ClaimError::Empty { claim: self.claim.clone(), step: self.unit.scale.to_string() },
        }
    }

    /// The smallest integer whose value is at least a number.
    fn least(&self, number: &Decimal, text: &str) -> Result<i32, ClaimError> {
        let (low, high) = self.range();
        let reaches = |&integer: &i32| number.compare(self.unit, integer).is_le();
        let is_below_all = number.compare(self.unit, low).is_lt();
        (low..=high).find(reaches).filter(|_| !is_below_all).ok_or_else(|| self.outside(text))
    }

    /// The largest integer whose value is at most a number.
    fn most(&self, number: &Decimal, text: &str) -> Result<i32, ClaimError> {
        let (low, high) = self.range();
        let reaches = |&integer: &i32| number.compare(self.unit, integer).is_ge();
        let is_above_all = number.compare(self.unit, high).is_gt();
        (low..=high).rev().find(reaches).filter(|_| !is_above_all).ok_or_else(|| self.outside(text))
    }

    /// The integer of a value, or of a label.
    fn equal(&self, text: &str) -> Result<i32, ClaimError> {
        let labelled = self.port.labels.iter().position(|label| label == text);
        if let Some(position) = labelled.and_then(|position| i32::try_from(position).ok()) {
            return Ok(position);
        }
        let number = self.number(text).map_err(|error| match error {
            ClaimError::Number { claim, found, .. } if !self.port.labels.is_empty() => {
                let labels = Some(format!("[{}]", Name::list(&self.port.labels)));
                ClaimError::Number { claim, found, labels }
            }
            error => error,
        })?;
        let (low, high) = self.range();
        let as_shown = text.trim().parse::<f32>().ok();
        let is_it = |&integer: &i32| {
            number.compare(self.unit, integer).is_eq()
                || as_shown == Some(self.unit.dequantize(integer))
        };
        if let Some(integer) = (low..=high).find(is_it) {
            return Ok(integer);
        }
        let above = self.least(&number, text)?;
        let below = (above - 1).max(low);
        Err(ClaimError::NoValue {
            claim: self.claim.clone(),
            found: Name::new(text).to_string(),
            nearest: format!("{} and {}", self.shown(below), self.shown(above)),
        })
    }
}
