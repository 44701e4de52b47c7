//! What intervals cannot see. Each lemma is proved in `docs/soundness.md` under its number.

use super::sums::{Adder, WIDE};
use super::values::{Atom, Checked, Kind, Map, NONE, Scalar, Sum, Value, Values, fits, wrong};
use std::rc::Rc;

/// The square of an integer's distance from a zero point.
struct Square(i128);

impl Map for Square {
    fn at(&self, x: i128) -> Checked<i128> {
        fits(x.checked_sub(self.0).and_then(|x| x.checked_mul(x)))
    }

    fn pieces(&self, low: i128, high: i128) -> Checked<Vec<(i128, i128)>> {
        (low..=high).map(|x| Ok((x, self.at(x)?))).collect()
    }
}

/// A sum of squares' distance from the square of the sum, with what it is of.
pub struct Variance {
    /// s, the centred sum.
    pub sum: Atom,
    /// n.
    pub length: i128,
    /// The zero point.
    pub zero: i128,
    pub factor: i128,
    pub epsilon: i128,
    elements: Vec<Atom>,
}

/// How many there are, the zero point, and each with how often it counts.
type CentredSum = (i128, i128, Vec<(Atom, i128)>);

impl Values {
    /// Whether an atom is a sum of integers around a zero point: s = Σ (x − z).
    fn centred_sum(&self, atom: Atom) -> Option<CentredSum> {
        let Kind::Sum(sum) = self.kind(atom) else { return None };
        let one = |&(atom, second, count): &(Atom, Atom, i128)| {
            (second == NONE && count > 0).then_some((atom, count))
        };
        let elements = sum.terms.iter().map(one).collect::<Option<Vec<_>>>()?;
        let length: i128 = elements.iter().map(|(_, count)| count).sum();
        let zero = -sum.constant;
        (zero % length == 0).then_some((length, zero / length, elements))
    }

    /// `(x − zero)²`.
    pub fn square(&mut self, x: Value, zero: i128) -> Checked<Value> {
        self.apply(x, Scalar::Square(zero), &Square(zero))
    }

    /// d = factor·(n·Σ (x − z)² − s²) + epsilon, if that is what a sum is.
    pub fn as_variance(&mut self, sum: &Sum) -> Checked<Option<Variance>> {
        let square = sum.terms.iter().find(|&&(first, second, _)| first == second);
        let Some(&(s, _, minus)) = square else { return Ok(None) };
        let Some((length, zero, elements)) = self.centred_sum(s) else { return Ok(None) };
        let factor = -minus;
        if factor < 1 || sum.constant < 1 || sum.terms.len() != elements.len() + 1 {
            return Ok(None);
        }
        for &(x, count) in &elements {
            let square = self.square(Value::of(x), zero)?;
            let expected = fits(factor.checked_mul(length).and_then(|all| all.checked_mul(count)))?;
            let found = sum.terms.iter().any(|&(atom, second, own)| {
                square == Value::of(atom) && second == NONE && own == expected
            });
            if !found {
                return Ok(None);
            }
        }
        let elements = elements.into_iter().map(|(x, _)| x).collect();
        Ok(Some(Variance { sum: s, length, zero, factor, epsilon: sum.constant, elements }))
    }

    /// Lemma 2 (Cauchy–Schwarz): the range of a variance.
    pub fn variance(&mut self, sum: &Sum) -> Checked<Option<(i128, i128)>> {
        let Some(variance) = self.as_variance(sum)? else { return Ok(None) };
        let ranges = || variance.elements.iter().map(|&x| self.range(x));
        let low = ranges().map(|range| range.0).min().unwrap_or(0);
        let high = ranges().map(|range| range.1).max().unwrap_or(0);
        // At most with half of the elements at each end: n²·(high − low)²/4.
        let most = fits(high.checked_sub(low))?
            .checked_mul(variance.length)
            .and_then(|width| width.checked_mul(width))
            .and_then(|square| (square / 4).checked_mul(variance.factor))
            .and_then(|most| most.checked_add(variance.epsilon));
        Ok(Some((variance.epsilon, fits(most)?)))
    }

    /// Lemma 3: the least that the largest of ranks can be, where each is a function of `m − x`, m is the largest
    /// of all x and every x has a rank: some `m − x` is 0.
    pub fn least_rank(&self, ranks: &[Value]) -> Option<i128> {
        let (mut largest, mut seen, mut least) = (None, Vec::new(), i128::MAX);
        for rank in ranks {
            let (m, x, at_zero) = self.of_distance(rank.atom).filter(|_| rank.factor > 0)?;
            if *largest.get_or_insert(m) != m {
                return None;
            }
            seen.push(Value::of(x));
            let rank = rank.factor.checked_mul(at_zero)?.checked_add(rank.constant)?;
            least = least.min(rank);
        }
        let Kind::Largest(all) = self.kind(largest?) else { return None };
        all.iter().all(|x| seen.contains(x)).then_some(least)
    }

    /// m, x and the value at distance 0 of a function of m − x.
    fn of_distance(&self, atom: Atom) -> Option<(Atom, Atom, i128)> {
        if atom == NONE {
            return None;
        }
        let &Kind::Of(base, function) = self.kind(atom) else { return None };
        let Kind::Sum(sum) = self.kind(base) else { return None };
        self.distance_range(&sum.terms)?;
        let &[(first, _, _), (second, _, _)] = &sum.terms[..] else { return None };
        let is_largest = |atom: Atom| matches!(self.kind(atom), Kind::Largest(_));
        let m = if is_largest(first) && !is_largest(second) { first } else { second };
        let x = if m == first { second } else { first };
        if !is_largest(m) {
            return None;
        }
        let pieces = self.pieces(function);
        let at = pieces.partition_point(|&(start, _)| start <= 0).checked_sub(1)?;
        Some((m, x, pieces[at].1))
    }

    /// Lemma 4: a sum of functions of `m − x`, none of them below 0, is not below the least of them at 0.
    fn least_sum(&self, atom: Atom) -> Option<i128> {
        let low = self.range(atom).0;
        if low != WIDE.0 && low >= 1 {
            return Some(low);
        }
        let Kind::Sum(sum) = self.kind(atom) else { return None };
        let one = |&(atom, second, factor): &(Atom, Atom, i128)| {
            let is_sound = second == NONE && factor >= 1 && self.range(atom).0 >= 0;
            is_sound.then(|| Value::of(atom))
        };
        let terms = sum.terms.iter().map(one).collect::<Option<Vec<_>>>()?;
        (sum.constant >= 0).then_some(())?;
        self.least_rank(&terms)
    }

    /// The inverse root of a value.
    pub fn root(&mut self, of: Value, bits: u32) -> Checked<Value> {
        let (low, _) = self.range_of(of)?;
        if low < 1 || bits > 60 {
            return wrong("a root of what may be 0");
        }
        let most = ((1_i128 << (2 * bits)) / low).isqrt();
        Ok(Value::of(self.atom(Kind::Root(of, bits), (0, most))))
    }

    /// `⌊sum / divisor⌋`.
    pub fn quotient(&mut self, adder: &Adder, divisor: Value) -> Checked<Value> {
        let mut sum = adder.sum()?;
        if divisor.factor == 0 {
            let by = divisor.constant;
            if by < 1 {
                return wrong("a divisor is not above 0");
            }
            let whole = sum.constant.div_euclid(by);
            sum.constant = sum.constant.rem_euclid(by);
            if sum.terms.is_empty() {
                return Ok(Value::constant(whole));
            }
            let (low, high) = self.normalized_range(&sum)?;
            let range = (low.div_euclid(by), high.div_euclid(by));
            let atom = self.atom(Kind::Quotient(Rc::new(sum), divisor), range);
            return fits(Value::of(atom).plus(whole));
        }
        let most = self.softmax_levels(&sum, divisor)?;
        let atom = self.atom(Kind::Quotient(Rc::new(sum), divisor), (0, most));
        Ok(Value::of(atom))
    }

    /// Lemma 5: the range of `gain·u·r + constant`, with u = n·(x − z) − s and r the inverse root of the
    /// variance around s.
    fn normalized_range(&mut self, sum: &Sum) -> Checked<(i128, i128)> {
        let unknown = || wrong("a quotient has no range");
        let &[(first, second, factor)] = &sum.terms[..] else { return unknown() };
        if second == NONE {
            return match self.linear_range(&sum.terms) {
                Some((low, high)) => {
                    let ends = [low, high].map(|end| end.checked_add(sum.constant));
                    Ok((fits(ends[0])?, fits(ends[1])?))
                }
                None => unknown(),
            };
        }
        let is_root = |atom: Atom| match *self.kind(atom) {
            Kind::Root(of, bits) => Some((of, bits)),
            _ => None,
        };
        let (u, root) = match (is_root(first), is_root(second)) {
            (Some(root), None) => (second, root),
            (None, Some(root)) => (first, root),
            _ => return unknown(),
        };
        let (Kind::Sum(u), (spread, bits)) = (self.kind(u).clone(), root) else {
            return unknown();
        };
        let Kind::Sum(spread_sum) = (if spread == Value::of(spread.atom) {
            self.kind(spread.atom).clone()
        } else {
            return unknown();
        }) else {
            return unknown();
        };
        let Some(variance) = self.as_variance(&spread_sum)? else { return unknown() };
        // u = gain·(n·(x − z) − s), whatever the gain.
        let minus = u.terms.iter().find(|&&(atom, _, _)| atom == variance.sum);
        let x = u.terms.iter().find(|&&(atom, _, _)| atom != variance.sum);
        let (Some(&(_, NONE, minus)), Some(&(x, NONE, plus))) = (minus, x) else {
            return unknown();
        };
        let is_centred = u.terms.len() == 2
            && variance.elements.contains(&x)
            && minus.checked_mul(-variance.length) == Some(plus)
            && plus.checked_mul(-variance.zero) == Some(u.constant);
        if !is_centred || bits > 60 {
            return unknown();
        }
        // |n·(x − z) − s|·r < 2^bits·√(n/factor)
        let square = fits(variance.length.checked_mul(1 << (2 * bits)))? / variance.factor;
        let most = square.isqrt() + 1;
        let most =
            fits(minus.checked_abs().and_then(|gain| gain.checked_mul(factor)?.checked_abs()))
                .and_then(|gain| fits(gain.checked_mul(most)))?;
        Ok((fits(sum.constant.checked_sub(most))?, fits(sum.constant.checked_add(most))?))
    }

    /// Lemma 6: `⌊(2·levels·e + s) / (2·s)⌋` is between 0 and `levels` if s is a sum of what is not below 0, e among
    /// it, and is not 0.
    fn softmax_levels(&self, sum: &Sum, divisor: Value) -> Checked<i128> {
        let Value { factor: 2, atom: s, constant: 0 } = divisor else {
            return wrong("a divisor is not twice a sum");
        };
        if self.least_sum(s).is_none_or(|least| least < 1) {
            return wrong("a divisor may be 0");
        }
        let (Kind::Sum(parts), 0) = (self.kind(s), sum.constant) else {
            return wrong("a divisor is no sum");
        };
        let rest: Vec<_> = sum.terms.iter().filter(|&&term| term != (s, NONE, 1)).collect();
        let &[&(e, NONE, twice)] = &rest[..] else {
            return wrong("a dividend is no part of its divisor");
        };
        let is_part = parts.terms.iter().any(|&(part, _, _)| part == e);
        let is_sum = parts.constant >= 0
            && parts.terms.iter().all(|&(part, second, factor)| {
                second == NONE && factor >= 1 && self.range(part).0 >= 0
            });
        if !is_sum || sum.terms.len() != 2 || !is_part || twice < 0 || twice % 2 != 0 {
            return wrong("a dividend is no part of its divisor");
        }
        Ok(twice / 2)
    }
}
