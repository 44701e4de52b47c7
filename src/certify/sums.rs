//! Sums of values and of products of two, and the atoms that they are.

use super::values::{
    Atom, Checked, Kind, Map, NONE, Scalar, Sum, Term, Value, Values, fits, wrong,
};
use std::rc::Rc;

/// The range of integers that 128 bits may not have room for.
pub const WIDE: (i128, i128) = (i128::MIN, i128::MAX);

/// A sum as it is put together.
#[derive(Clone, Debug, Default)]
pub struct Adder {
    linear: Vec<Term>,
    constant: i128,
    /// Products, multiplied out.
    expanded: Vec<Term>,
    expanded_constant: i128,
    /// What the products come to, for all inputs: narrower than the range of their terms.
    products: (i128, i128),
    has_wide_products: bool,
}

impl Adder {
    /// Adds an integer.
    pub fn constant(&mut self, constant: i128) -> Checked<()> {
        self.constant = fits(self.constant.checked_add(constant))?;
        Ok(())
    }

    /// Adds a multiple of a value.
    pub fn add(&mut self, value: Value, weight: i128) -> Checked<()> {
        self.constant(fits(weight.checked_mul(value.constant))?)?;
        let factor = fits(weight.checked_mul(value.factor))?;
        if factor != 0 {
            self.linear.push((value.atom, NONE, factor));
        }
        Ok(())
    }

    /// Adds a term as it is. One with two atoms leaves the sum without a range.
    pub fn term(&mut self, term: Term) {
        if term.1 == NONE {
            self.linear.push(term);
        } else {
            self.expanded.push(term);
            self.has_wide_products = true;
        }
    }

    /// Adds a product.
    pub fn product(&mut self, values: &Values, left: Value, right: Value) -> Checked<()> {
        if left.factor == 0 {
            return self.add(right, left.constant);
        }
        if right.factor == 0 {
            return self.add(left, right.constant);
        }
        match (values.range_of(left), values.range_of(right)) {
            (Ok(a), Ok(b)) => {
                let ends = [(a.0, b.0), (a.0, b.1), (a.1, b.0), (a.1, b.1)];
                let ends = ends.map(|(a, b)| a.saturating_mul(b));
                let low = ends.iter().fold(i128::MAX, |low, &end| low.min(end));
                let high = ends.iter().fold(i128::MIN, |high, &end| high.max(end));
                self.products.0 = self.products.0.saturating_add(low);
                self.products.1 = self.products.1.saturating_add(high);
            }
            _ => self.has_wide_products = true,
        }
        let (first, second) = (left.atom.min(right.atom), left.atom.max(right.atom));
        self.expanded.push((first, second, fits(left.factor.checked_mul(right.factor))?));
        for (one, other) in [(left, right), (right, left)] {
            let factor = fits(one.factor.checked_mul(other.constant))?;
            if factor != 0 {
                self.expanded.push((one.atom, NONE, factor));
            }
        }
        let constant = fits(left.constant.checked_mul(right.constant))?;
        self.expanded_constant = fits(self.expanded_constant.checked_add(constant))?;
        Ok(())
    }

    /// The terms in order, equal ones added up.
    pub fn sum(&self) -> Checked<Sum> {
        let all = self.linear.iter().chain(&self.expanded).copied().collect();
        let constant = fits(self.constant.checked_add(self.expanded_constant))?;
        Ok(Sum { terms: merged(all)?, constant })
    }

    /// The range of the whole sum, `None` if it is wide.
    fn range(&self, values: &Values) -> Checked<Option<(i128, i128)>> {
        let linear = values.linear_range(&merged(self.linear.clone())?);
        let (false, Some(linear)) = (self.has_wide_products, linear) else { return Ok(None) };
        let whole =
            |linear: i128, products: i128| linear.checked_add(products)?.checked_add(self.constant);
        Ok(whole(linear.0, self.products.0).zip(whole(linear.1, self.products.1)))
    }
}

fn merged(mut terms: Vec<Term>) -> Checked<Vec<Term>> {
    terms.sort_unstable();
    let mut merged: Vec<Term> = Vec::with_capacity(terms.len());
    for (first, second, factor) in terms {
        match merged.last_mut() {
            Some(last) if (last.0, last.1) == (first, second) => {
                last.2 = fits(last.2.checked_add(factor))?;
            }
            _ => merged.push((first, second, factor)),
        }
    }
    merged.retain(|term| term.2 != 0);
    Ok(merged)
}

/// The value that at most one term and a constant are.
fn single(sum: &Sum) -> Option<Value> {
    match sum.terms[..] {
        [] => Some(Value::constant(sum.constant)),
        [(atom, NONE, factor)] => Some(Value { factor, atom, constant: sum.constant }),
        _ => None,
    }
}

/// Greatest common divisor of all factors, with the sign of the first.
fn content(terms: &[Term]) -> i128 {
    let mut divisor = 0_u128;
    for &(_, _, factor) in terms {
        let (mut a, mut b) = (divisor, factor.unsigned_abs());
        while b != 0 {
            (a, b) = (b, a % b);
        }
        divisor = a;
        if divisor == 1 {
            break;
        }
    }
    let divisor = i128::try_from(divisor).unwrap_or(1).max(1);
    if terms.first().is_some_and(|term| term.2 < 0) { -divisor } else { divisor }
}

fn divided(terms: &[Term], divisor: i128) -> Vec<Term> {
    terms.iter().map(|&(first, second, factor)| (first, second, factor / divisor)).collect()
}

/// Bits of a magnitude.
fn bits(integer: i128) -> u32 {
    u128::BITS - integer.unsigned_abs().leading_zeros()
}

impl Values {
    /// How many bits the magnitude of an atom has at most.
    pub fn atom_bits(&self, atom: Atom) -> u32 {
        let range = self.range(atom);
        match self.kind(atom) {
            Kind::Sum(sum) if range == WIDE => self.sum_bits(sum),
            _ => bits(range.0).max(bits(range.1)),
        }
    }

    /// How many bits the magnitude of a sum has at most.
    pub fn sum_bits(&self, sum: &Sum) -> u32 {
        let term = |&(first, second, factor): &Term| {
            let second = if second == NONE { 0 } else { self.atom_bits(second) };
            bits(factor).saturating_add(self.atom_bits(first)).saturating_add(second)
        };
        let most = sum.terms.iter().map(term).max().unwrap_or(0).max(bits(sum.constant));
        most.saturating_add(usize::BITS - (sum.terms.len() + 1).leading_zeros())
    }

    /// The range of a sum whose terms are single atoms of less than 128 bits.
    pub fn linear_range(&self, terms: &[Term]) -> Option<(i128, i128)> {
        if let Some(range) = self.distance_range(terms) {
            return Some(range);
        }
        let (mut low, mut high) = (0_i128, 0_i128);
        for &(atom, second, factor) in terms {
            let range = self.range(atom);
            if second != NONE || range == WIDE {
                return None;
            }
            let ends = [factor.checked_mul(range.0)?, factor.checked_mul(range.1)?];
            low = low.checked_add(ends[0].min(ends[1]))?;
            high = high.checked_add(ends[0].max(ends[1]))?;
        }
        Some((low, high))
    }

    /// Lemma 1: what `± (m − x)` is between, if m is the largest of several values, x among them.
    pub fn distance_range(&self, terms: &[Term]) -> Option<(i128, i128)> {
        let &[(first, NONE, factor), (second, NONE, other)] = terms else { return None };
        if factor.checked_add(other)? != 0 {
            return None;
        }
        let is_among = |x: Atom, largest: Atom| match self.kind(largest) {
            Kind::Largest(values) => values.contains(&Value::of(x)),
            _ => false,
        };
        let (largest, x, factor) = if is_among(second, first) {
            (first, second, factor)
        } else if is_among(first, second) {
            (second, first, other)
        } else {
            return None;
        };
        let most = self.range(largest).1.checked_sub(self.range(x).0)?.checked_mul(factor)?;
        Some((most.min(0), most.max(0)))
    }

    /// The value that a sum is: its atom has neither a constant nor a divisor, but a range.
    pub fn narrow(&mut self, adder: &Adder) -> Checked<Value> {
        let sum = adder.sum()?;
        if let Some(value) = single(&sum) {
            return Ok(value);
        }
        let divisor = content(&sum.terms);
        let Some((low, high)) = adder.range(self)? else {
            return wrong("a sum has no range");
        };
        let ends = [low, high].map(|end| end.checked_sub(sum.constant));
        let (low, high) = (fits(ends[0])?, fits(ends[1])?);
        // Outwards, where the ends of products are no multiples.
        let step = divisor.abs();
        let (low, high) = (low.div_euclid(step), -(-high).div_euclid(step));
        let range = if divisor < 0 { (-high, -low) } else { (low, high) };
        let terms = divided(&sum.terms, divisor);
        let atom = self.atom(Kind::Sum(Rc::new(Sum { terms, constant: 0 })), range);
        Ok(Value { factor: divisor, atom, constant: sum.constant })
    }

    /// A function of a sum. Sums of two bytes are functions of a pair, however they are weighed.
    pub fn function_of(&mut self, adder: &Adder, scalar: Scalar, map: &dyn Map) -> Checked<Value> {
        let sum = adder.sum()?;
        if let &[(first, NONE, a), (second, NONE, b)] = &sum.terms[..]
            && self.distance_range(&sum.terms).is_none()
            && [first, second].iter().all(|&atom| self.is_byte(atom))
        {
            let left = Value { factor: a, atom: first, constant: 0 };
            let right = Value { factor: b, atom: second, constant: sum.constant };
            return self
                .apply_to_pair([left, right], scalar, &|x, y| map.at(fits(x.checked_add(y))?));
        }
        let value = self.narrow(adder)?;
        self.apply(value, scalar, map)
    }

    pub fn is_byte(&self, atom: Atom) -> bool {
        let (low, high) = self.range(atom);
        low >= 0 && high <= 255
    }

    /// The value of an integer of any size: what it is a sum of stays hidden in an atom.
    pub fn wide(&mut self, adder: &Adder) -> Checked<Value> {
        let mut sum = adder.sum()?;
        if let Some(value) = single(&sum) {
            return Ok(value);
        }
        // Sums of sums are added up in groups; how is of no concern.
        let parts = sum.terms.iter().map(|&(atom, second, factor)| match self.kind(atom) {
            Kind::Sum(part)
                if second == NONE && part.terms.iter().all(|&(_, second, _)| second == NONE) =>
            {
                Some((Rc::clone(part), factor))
            }
            _ => None,
        });
        if let Some(parts) = parts.collect::<Option<Vec<_>>>() {
            let mut all = Adder::default();
            all.constant(sum.constant)?;
            for (part, factor) in parts {
                for &(atom, _, own) in &part.terms {
                    all.add(Value { factor: own, atom, constant: 0 }, factor)?;
                }
                all.constant(fits(part.constant.checked_mul(factor))?)?;
            }
            sum = all.sum()?;
        }
        if let Some(value) = single(&sum) {
            return Ok(value);
        }
        let mut divisor = 1;
        let mut range = self.linear_range(&sum.terms);
        if let Some(variance) = self.variance(&sum)? {
            range = Some(variance);
        } else if sum.constant == 0 {
            divisor = content(&sum.terms);
            sum.terms = divided(&sum.terms, divisor);
            range = self.linear_range(&sum.terms);
        } else {
            range = range.and_then(|(low, high)| {
                low.checked_add(sum.constant).zip(high.checked_add(sum.constant))
            });
        }
        let atom = self.atom(Kind::Sum(Rc::new(sum)), range.unwrap_or(WIDE));
        Ok(Value { factor: divisor, atom, constant: 0 })
    }

    /// The largest of several values.
    pub fn largest(&mut self, of: impl IntoIterator<Item = Value>) -> Checked<Value> {
        let mut all = Vec::new();
        for value in of {
            match (value.factor, value.constant, (value.factor != 0).then(|| self.kind(value.atom)))
            {
                (1, 0, Some(Kind::Largest(values))) => all.extend(values.iter().copied()),
                _ => all.push(value),
            }
        }
        all.sort_unstable();
        all.dedup();
        match all[..] {
            [] => wrong("the largest of nothing"),
            [only] => Ok(only),
            _ => {
                let ranges =
                    all.iter().map(|&value| self.range_of(value)).collect::<Checked<Vec<_>>>()?;
                let low = ranges.iter().map(|range| range.0).max().unwrap_or(0);
                let high = ranges.iter().map(|range| range.1).max().unwrap_or(0);
                let low = low.max(self.least_rank(&all).unwrap_or(low));
                let atom = self.atom(Kind::Largest(all.into()), (low, high));
                Ok(Value::of(atom))
            }
        }
    }
}
