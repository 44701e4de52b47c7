//! Inequalities between integers, and the only integers that satisfy them.
//!
//! Everything here is of the form `sum ≥ 0`. Two of them, over the same free integers, leave no choice: those of a
//! quotient (lemma 7) and of an inverse root (lemma 8).

use super::sums::Adder;
use super::values::{Atom, Checked, Kind, NONE, Sum, Term, Value, Values, fits, wrong};

/// Inequalities that wait for their other half.
#[derive(Debug, Default)]
pub struct Systems {
    open: Vec<(Sum, i128)>,
}

impl Systems {
    /// Takes `sum ≥ 0`, which honest provers can show up to `capacity`, and says which atoms are known now.
    pub fn inequality(
        &mut self,
        values: &mut Values,
        sum: &Adder,
        capacity: i128,
    ) -> Checked<Option<(Atom, Value)>> {
        let new = sum.sum()?;
        for number in 0..self.open.len() {
            let (old, room) = self.open[number].clone();
            let room = room.min(capacity);
            for [first, second] in [[&new, &old], [&old, &new]] {
                let found = match quotient(values, first, second, room)? {
                    Some(found) => Some(found),
                    None => root(values, first, second, room)?,
                };
                if let Some(found) = found {
                    self.open.remove(number);
                    return Ok(Some(found));
                }
            }
        }
        self.open.push((new, capacity));
        Ok(None)
    }

    /// None may be left alone.
    pub fn finish(&self) -> Checked<()> {
        match self.open.len() {
            0 => Ok(()),
            count => wrong(format!("{count} inequalities determine nothing")),
        }
    }
}

fn is_free(values: &Values, atom: Atom) -> bool {
    atom != NONE && matches!(values.kind(atom), Kind::Free(_))
}

fn total(first: &Sum, second: &Sum) -> Checked<Sum> {
    let mut all = Adder::default();
    for sum in [first, second] {
        add(&mut all, &sum.terms, sum.constant)?;
    }
    all.sum()
}

fn add(all: &mut Adder, terms: &[Term], constant: i128) -> Checked<()> {
    for &term in terms {
        all.term(term);
    }
    all.constant(constant)
}

/// Lemma 7: `0 ≤ c − m·q ≤ m − 1` means `q = ⌊c/m⌋`. `first` is `c − m·q`, and both together are `m − 1`.
fn quotient(
    values: &mut Values,
    first: &Sum,
    second: &Sum,
    room: i128,
) -> Checked<Option<(Atom, Value)>> {
    let total = total(first, second)?;
    let divisor = match total.terms[..] {
        [] if total.constant >= 0 => Value::constant(fits(total.constant.checked_add(1))?),
        [(s, NONE, factor)] if total.constant == -1 && factor > 0 => {
            Value { factor, atom: s, constant: 0 }
        }
        _ => return Ok(None),
    };
    let mut rest = Vec::new();
    let mut quotient = Adder::default();
    let mut weights = Vec::new();
    for &(one, other, factor) in &first.terms {
        let free = if divisor.factor == 0 {
            (other == NONE && is_free(values, one)).then_some((one, divisor.constant))
        } else if one == divisor.atom && is_free(values, other) {
            Some((other, divisor.factor))
        } else if other == divisor.atom && is_free(values, one) {
            Some((one, divisor.factor))
        } else {
            None
        };
        match free {
            Some((atom, by)) if factor < 0 && factor % by == 0 => {
                quotient.add(Value::of(atom), -factor / by)?;
                weights.push((-factor / by, values.range(atom).1));
            }
            _ => rest.push((one, other, factor)),
        }
    }
    if weights.is_empty() || rest.iter().any(|&(a, b, _)| is_free(values, a) || is_free(values, b))
    {
        return Ok(None);
    }
    let quotient = values.narrow(&quotient)?;
    if quotient != Value::of(quotient.atom) {
        return Ok(None);
    }
    let mut dividend = Adder::default();
    add(&mut dividend, &rest, first.constant)?;
    let value = values.quotient(&dividend, divisor)?;
    // There is a witness for every input.
    let most = fits(values.range_of(divisor)?.1.checked_sub(1))?;
    if most > room {
        return wrong(format!("a remainder up to {most} has digits up to {room} only"));
    }
    let (low, high) = values.range_of(value)?;
    weights.sort_unstable();
    let digits = weights.iter().fold(0_i128, |all, &(weight, most)| {
        let reaches = weight <= all.saturating_add(1);
        if reaches { all.saturating_add(weight.saturating_mul(most)) } else { all }
    });
    if low < 0 || high > digits {
        return wrong(format!("a quotient from {low} to {high} has digits up to {digits} only"));
    }
    Ok(Some((quotient.atom, value)))
}

/// Lemma 8: `r²·d ≤ 2^(2·bits) < (r + 1)²·d` has one solution. `first` is `2^(2·bits) − r·p` with `p = r·d`, and
/// `second` is `r·p + 2·p + d − 1 − 2^(2·bits)`.
fn root(
    values: &mut Values,
    first: &Sum,
    second: &Sum,
    room: i128,
) -> Checked<Option<(Atom, Value)>> {
    let &[(one, other, -1)] = &first.terms[..] else { return Ok(None) };
    if other == NONE || first.constant < 1 || first.constant.count_ones() != 1 {
        return Ok(None);
    }
    let zeros = first.constant.trailing_zeros();
    for (r, p) in [(one, other), (other, one)] {
        let Kind::Sum(product) = values.kind(p) else { continue };
        let &[(a, b, 1)] = &product.terms[..] else { continue };
        if product.constant != 0 || b == NONE || !zeros.is_multiple_of(2) {
            continue;
        }
        let d = if a == r {
            b
        } else if b == r {
            a
        } else {
            continue;
        };
        let is_natural = match values.kind(r) {
            Kind::Free(_) => true,
            Kind::Sum(digits) => {
                digits.constant == 0
                    && digits.terms.iter().all(|&(digit, second, weight)| {
                        second == NONE && weight > 0 && is_free(values, digit)
                    })
            }
            _ => false,
        };
        let mut expected = Adder::default();
        add(&mut expected, &[(one, other, 1), (p, NONE, 2), (d, NONE, 1)], -1)?;
        expected.constant(-first.constant)?;
        if !is_natural || expected.sum()? != *second {
            continue;
        }
        let bits = zeros / 2;
        let value = values.root(Value::of(d), bits)?;
        // Both are below (2·r + 1)·d, and r is at most 2^bits/√d.
        let spread = values.range(d).1;
        let most = (spread.isqrt() + 1)
            .checked_mul(1 << (bits + 1))
            .and_then(|most| most.checked_add(spread));
        let (most, (_, root)) = (fits(most)?, values.range_of(value)?);
        if most > room || root > values.range(r).1 {
            return wrong("a root or its remainders have more digits than there are");
        }
        return Ok(Some((r, value)));
    }
    Ok(None)
}
