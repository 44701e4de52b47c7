//! Layer normalization. For each vector, with x centred and all sums over its elements,
//!
//! ```text
//! s = Σ x_i        u_i = n·x_i − s        d = variance_factor·(n·Σ x_i² − s²) + epsilon
//! r²·d ≤ 2^(2·root_bits)        2^(2·root_bits) + 1 ≤ (r + 1)²·d
//! gain_i·u_i·r + offset_i = 2^shift·q_i + rem_i        0 ≤ rem_i ≤ 2^shift − 1        y_i = clamp(q_i)
//! ```
//!
//! | rows | place [v, i] has | proves |
//! |---|---|---|
//! | made | x_i | x_i² |
//! | wide | s, at one i; of long vectors, first its parts | |
//! | wide load, multiply | s times −variance_factor·s | |
//! | wide | d | |
//! | free | | r is an integer, at least 0 |
//! | wide loads, multiplies | r·d, r²·d | |
//! | natural | 2^(2·root_bits) − r²·d | r is not too large |
//! | natural | (r + 1)²·d − 1 − 2^(2·root_bits) | r is not too small |
//! | wide loads, multiplies | r and −r times gain_i·u_i | |
//! | free | | q_i is an integer, up to a constant |
//! | natural | gain_i·u_i·r + offset_i − 2^shift·q_i | rem_i is not negative |
//! | natural | 2^shift − 1 − gain_i·u_i·r − offset_i + 2^shift·q_i | rem_i is below 2^shift |
//! | made | q_i | y_i |
//!
//! d is at least epsilon, and that at least 1, so exactly one r satisfies its inequalities.
//!
//! **The range of q.** u_i² ≤ (n − 1)·(n·Σ x² − s²), which is less than n·d / variance_factor, and r ≤ 2^root_bits/√d:
//! so |u_i|·r < 2^root_bits·√(n / variance_factor), whatever the input. Quotients count from the least one.

use super::vectors::{PER_VECTOR, Rows, Vectors, at, bits, check_bits, digits, free_bits};
use super::{
    lowering::{Lowering, too_large},
    rules::clamp,
};
use crate::circuit::{
    CircuitError,
    table::rules::{Levels, Rule},
    wiring::{FREE_DIGIT, Hint, Kind, Members, NATURAL_DIGIT, Place, Scan},
};
use crate::model::{LayerNormalization, Node};

/// What is known of a layer normalization's integers before any input is.
struct Bounds {
    /// d.
    spread: i128,
    /// r.
    root: i128,
    /// Both sides of r's inequalities, and what they are apart.
    error: i128,
    /// q.
    quotient: (i32, i32),
}

impl Bounds {
    /// `None` if they leave the integers that rules have.
    fn new(normalization: &LayerNormalization) -> Option<Self> {
        let LayerNormalization { length, root_bits, shift, .. } = *normalization;
        let length = i128::try_from(length).ok()?;
        let factor = i128::from(normalization.variance_factor);
        let epsilon = i128::from(normalization.epsilon);
        if epsilon < 1 || factor < 1 || root_bits > 60 || shift > 62 {
            return None;
        }
        // The variance is largest with half of the elements at each end.
        let spread = factor * length * length * (255 * 255) / 4 + epsilon;
        let root = ((1_i128 << (2 * root_bits)) / epsilon).isqrt();
        // (2·r + 1)·d, with r ≤ 2^root_bits/√d.
        let error =
            (1_i128 << (root_bits + 1)).checked_mul(spread.isqrt() + 1)?.checked_add(spread)?;
        let scaled = ((length.isqrt() + 1) << root_bits) / factor.isqrt() + 1;
        let mut quotient = (i128::MAX, i128::MIN);
        for (&gain, &offset) in normalization.gain.iter().zip(&normalization.offset) {
            let reach = i128::from(gain).abs().checked_mul(scaled)?;
            let (low, high) = (offset.checked_sub(reach)?, offset.checked_add(reach)?);
            quotient = (quotient.0.min(low >> shift), quotient.1.max(high >> shift));
        }
        // Their difference is an int32 as well.
        let half =
            |quotient: i128| i32::try_from(quotient.checked_mul(2)?).ok().map(|twice| twice / 2);
        let quotient = (half(quotient.0)?, half(quotient.1)?);
        Some(Self { spread, root, error, quotient })
    }
}

impl Lowering<'_> {
    pub(super) fn layer_normalization(
        &mut self,
        node: &Node,
        normalization: &LayerNormalization,
    ) -> Result<usize, CircuitError> {
        let bounds = Bounds::new(normalization).ok_or_else(|| too_large(node))?;
        let vectors = Vectors { count: normalization.rows, length: normalization.length };
        let Vectors { count, length } = vectors;
        let n = i128::try_from(length).expect("lengths are within limits");
        let zero = i128::from(self.zero_byte(node.inputs[0]));
        let factor = i128::from(normalization.variance_factor);
        let x = self.cut(node, node.inputs[0], vectors.scan());

        // Squares, sums, and n·gain·x.
        // Cursors have short ways between powers of ρ that are near each other.
        let sums = self.sums(node, x, vectors);
        let [distances, scaled, ups, downs] = [(); 4].map(|()| self.places());
        for (i, &gain) in normalization.gain.iter().enumerate() {
            self.take(x, i, distances.plus(at(0, i)), 1);
            self.take(x, i, scaled.plus(at(0, i)), i128::from(gain) * n);
        }
        let square = |byte: i128| u32::try_from((byte - zero).pow(2)).expect("at most 255²");
        let rule = self.rule(Rule {
            range: (0, 255),
            levels: Levels::Table((0..256).map(square).collect()),
            activation: clamp((0, 255)),
            values: None,
        });
        let squares = self.make_all(node, vectors, distances, rule, 0);
        let [spreads, loads, multiplies] = [(); 3].map(|()| self.places());
        for i in 0..length {
            self.take(squares, i, spreads, factor * n);
        }
        let s = self.wide(node, count, sums, -n * zero);
        self.take(s, 0, loads, -factor);
        self.take(s, 0, multiplies, 1);
        for (i, &gain) in normalization.gain.iter().enumerate() {
            self.take(s, 0, scaled.plus(at(0, i)), -i128::from(gain));
        }
        let mut rows = Rows::default();
        for v in (0..count).map(|v| at(v, 0)) {
            rows.group();
            let target = spreads.plus(v);
            rows.push(Kind::WideLoad { target, starts: true }, Some(loads.plus(v)));
            let multiply = Kind::WideMultiply { constant: 0, at: [0, 0] };
            rows.push(multiply, Some(multiplies.plus(v)));
        }
        self.rows(node, rows);

        let epsilon = i128::from(normalization.epsilon);
        let d = self.wide(node, count, spreads, epsilon);
        let roots = self.roots(node, normalization, &bounds, d, |v| Hint::InverseRoot {
            place: spreads.plus(at(v, 0)),
            constant: epsilon,
            bits: normalization.root_bits,
        })?;

        // r and −r times gain·u.
        let [rem, rest] = [(); 2].map(|()| self.places());
        for (digit, &root) in (0..).zip(&roots) {
            self.take(root, 0, ups, 1 << (FREE_DIGIT * digit));
            self.take(root, 0, downs, -(1 << (FREE_DIGIT * digit)));
        }
        let mut rows = Rows::default();
        for v in 0..count {
            rows.group();
            let vector = at(v, 0);
            let (target, place) = (rem.plus(vector), ups.plus(vector));
            rows.push(Kind::WideLoad { target, starts: true }, Some(place));
            let (target, place) = (rest.plus(vector), downs.plus(vector));
            rows.push(Kind::WideLoad { target, starts: false }, Some(place));
            for (i, &gain) in normalization.gain.iter().enumerate() {
                let constant = -i128::from(gain) * n * zero;
                let multiply = Kind::WideMultiply { constant, at: at(0, i) };
                rows.push(multiply, Some(scaled.plus(at(v, i))));
            }
        }
        self.rows(node, rows);
        self.quotients(node, normalization, &bounds, [rem, rest])
    }

    /// The inverse roots of vectors' spreads, as digits.
    fn roots(
        &mut self,
        node: &Node,
        normalization: &LayerNormalization,
        bounds: &Bounds,
        d: usize,
        hint: impl Fn(usize) -> Hint,
    ) -> Result<Vec<usize>, CircuitError> {
        let count = normalization.rows;
        let root_digits = digits(bounds.root, FREE_DIGIT);
        let largest = 2 * (free_bits(root_digits) + 1) + bits(bounds.spread);
        let two_pow = 1_i128 << (2 * normalization.root_bits);
        check_bits(node, largest.max(bits(two_pow)) + 2, digits(bounds.error, NATURAL_DIGIT))?;
        let [above, below, twice, again, second, once, first] = [(); 7].map(|()| self.places());
        // (r + 1)²·d = r²·d + 2·r·d + d
        self.take(d, 0, below, 1);
        self.take(d, 0, first, 1);
        let mut roots = Vec::new();
        for digit in 0..root_digits {
            let root = self.free(node, (count, PER_VECTOR), (digit, root_digits), &hint);
            let weight = 1_i128 << (FREE_DIGIT * digit);
            self.take(root, 0, once, weight);
            self.take(root, 0, twice, weight);
            self.take(root, 0, again, -weight);
            roots.push(root);
        }
        let multiply = Kind::WideMultiply { constant: 0, at: [0, 0] };
        let products = self.places();
        let mut rows = Rows::default();
        for v in (0..count).map(|v| at(v, 0)) {
            rows.group();
            let target = products.plus(v);
            rows.push(Kind::WideLoad { target, starts: true }, Some(once.plus(v)));
            rows.push(multiply, Some(first.plus(v)));
        }
        self.rows(node, rows);
        let product = self.wide(node, count, products, 0);
        self.take(product, 0, second, 1);
        self.take(product, 0, below, 2);
        let mut rows = Rows::default();
        for v in (0..count).map(|v| at(v, 0)) {
            rows.group();
            let target = below.plus(v);
            rows.push(Kind::WideLoad { target, starts: true }, Some(twice.plus(v)));
            let target = above.plus(v);
            rows.push(Kind::WideLoad { target, starts: false }, Some(again.plus(v)));
            rows.push(multiply, Some(second.plus(v)));
        }
        for v in (0..count).map(|v| at(v, 0)) {
            rows.natural(above.plus(v), two_pow, bounds.error);
            rows.natural(below.plus(v), -1 - two_pow, bounds.error);
        }
        self.rows(node, rows);
        Ok(roots)
    }

    /// The outputs from what is at places: gain·u·r, and the same negated.
    fn quotients(
        &mut self,
        node: &Node,
        normalization: &LayerNormalization,
        bounds: &Bounds,
        [rem, rest]: [Place; 2],
    ) -> Result<usize, CircuitError> {
        let vectors = Vectors { count: normalization.rows, length: normalization.length };
        let Vectors { count, length } = vectors;
        let (low, high) = bounds.quotient;
        let divisor = 1_i128 << normalization.shift;
        // Up to twice the digit's base, one digit holds all.
        let range = i128::from(high - low);
        let quotient_digits = if range < 4000 { 1 } else { digits(range, FREE_DIGIT) };
        let natural_digits = digits(divisor, NATURAL_DIGIT);
        let largest = free_bits(quotient_digits) + normalization.shift;
        check_bits(node, largest.max(i128::BITS) + 2, natural_digits)?;
        let offset = |i: usize| normalization.offset[i] - i128::from(low) * divisor;
        let places = self.places();
        for digit in 0..quotient_digits {
            // Elements in columns, so that their positions are [v, i].
            let scan = Scan::Whole { width: count, members: Members::ONE };
            let hint = |element: usize| {
                let (i, v) = (element / count, element % count);
                Hint::Quotient { place: rem.plus(at(v, i)), offset: offset(i), divisor }
            };
            let q = self.free(node, (count * length, scan), (digit, quotient_digits), hint);
            let weight = 1_i128 << (FREE_DIGIT * digit);
            self.take(q, 0, rem, -weight * divisor);
            self.take(q, 0, rest, weight * divisor);
            self.take(q, 0, places, weight);
        }
        let mut rows = Rows::default();
        let biases = |i: usize| [offset(i), divisor - 1 - offset(i)];
        rows.remainders(vectors, [rem, rest], biases, divisor - 1);
        self.rows(node, rows);
        let base = self.base(node.output);
        let (min, max) = (normalization.min - base, normalization.max - base);
        let level = |q: i32| (q - base).clamp(min, max);
        let rule = self.monotone(level, (min, max), 1.0, (low, high));
        Ok(self.make_output(node, vectors, places, rule, low.into()))
    }
}
