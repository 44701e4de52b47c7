//! Softmax. For each vector, with m = max x and all sums over its elements,
//!
//! ```text
//! e_i = exponentials[m − x_i]        s = Σ e_i
//! 2·levels·e_i + s = 2·s·q_i + rem_i        0 ≤ rem_i ≤ 2·s − 1        y_i = clamp(q_i + zero point)
//! ```
//!
//! | rows | place [v, i] has | proves |
//! |---|---|---|
//! | larger | x_i | m |
//! | made | m − x_i | e_i |
//! | wide | s, at one i; of long vectors, first its parts | |
//! | wide loads, quotients | −2·s, 2·s and 1, times q_i | |
//! | natural | 2·levels·e_i + s − 2·s·q_i | rem_i is not negative |
//! | natural | s − 1 − 2·levels·e_i + 2·s·q_i | rem_i is below 2·s |
//! | made | q_i | y_i |
//!
//! m is at least each x_i and one of them, so m − x_i is in [0, 255], as the table needs. e is not 0 where
//! x_i = m, so s is at least 1, and q_i, an integer, is the quotient. It is at most `levels` because e_i ≤ s.

use super::vectors::{PER_VECTOR, Rows, Vectors, at, bits, check_bits};
use super::{
    lowering::{Lowering, too_large, unsupported},
    rules::clamp,
};
use crate::circuit::{
    CircuitError,
    table::rules::{Levels, Rule},
    wiring::{Kind, Place, index},
};
use crate::model::{Node, Softmax};

/// Far below the longest table, which has other rows as well.
const MOST_LEVELS: u32 = 1 << 19;

impl Lowering<'_> {
    pub(super) fn softmax(
        &mut self,
        node: &Node,
        softmax: &Softmax,
    ) -> Result<usize, CircuitError> {
        let vectors = Vectors { count: softmax.rows, length: softmax.length };
        let base = self.base(node.output);
        let largest_sum = (softmax.exponentials.iter().copied().max().map_or(0, i128::from))
            * i128::from(index(vectors.length));
        // q_i is one limb.
        let most = softmax.levels;
        if most > MOST_LEVELS {
            return Err(too_large(node));
        }
        if softmax.exponentials.len() != 256 || softmax.exponentials[0] == 0 {
            return Err(unsupported(node));
        }
        let levels = i128::from(most);
        check_bits(node, bits(largest_sum) + 32, 2)?;
        let x = self.cut(node, node.inputs[0], vectors.scan());
        let largest = self.largest_of(node, x, vectors);

        let distances = self.places();
        let exponential = self.rule(Rule {
            range: (0, 255),
            levels: Levels::Table(softmax.exponentials.clone()),
            activation: clamp((0, 255)),
            values: None,
        });
        for i in 0..vectors.length {
            self.take(x, i, distances.plus(at(0, i)), -1);
            self.take(largest, 0, distances.plus(at(0, i)), 1);
        }
        let e = self.make_all(node, vectors, distances, exponential, 0);

        let sums = self.sums(node, e, vectors);
        let [rem, rest] = [(); 2].map(|()| self.places());
        for i in 0..vectors.length {
            self.take(e, i, rem.plus(at(0, i)), 2 * levels);
            self.take(e, i, rest.plus(at(0, i)), -2 * levels);
        }
        let s = self.wide(node, vectors.count, sums, 0);
        debug_assert_eq!(self.net.blocks[s].scan, PER_VECTOR);
        let factors: [Place; 3] = [(); 3].map(|()| self.places());
        let quotients = self.places();
        self.take(s, 0, factors[0], -2);
        self.take(s, 0, factors[1], 2);
        for i in 0..vectors.length {
            self.take(s, 0, rem.plus(at(0, i)), 1);
            self.take(s, 0, rest.plus(at(0, i)), 1);
        }

        let mut products = Rows::default();
        for (number, (v, i)) in vectors.elements().enumerate() {
            let vector = at(v, 0);
            if number % vectors.length == 0 {
                products.group();
                let (target, place) = (rem.plus(vector), factors[0].plus(vector));
                products.push(Kind::WideLoad { target, starts: true }, Some(place));
                let (target, place) = (rest.plus(vector), factors[1].plus(vector));
                products.push(Kind::WideLoad { target, starts: false }, Some(place));
                // Nothing is contributed to the last factor: it is the constant 1.
                let (target, place) = (quotients.plus(vector), factors[2].plus(vector));
                let one = Kind::Load { zero: 0, constant: 1, target, starts: false };
                products.push(one, Some(place));
            }
            products.push(Kind::Quotient { at: at(0, i), most }, None);
        }
        self.rows(node, products);
        let mut checks = Rows::default();
        checks.remainders(vectors, [rem, rest], |_| [0, -1], 2 * largest_sum);
        self.rows(node, checks);

        let (min, max) = (softmax.min - base, softmax.max - base);
        let zero = softmax.zero_point - base;
        let level = |q: i32| (q + zero).clamp(min, max);
        let most = i32::try_from(most).expect("at most 2^19");
        let rule = self.monotone(level, (min, max), 1.0, (0, most));
        Ok(self.make_output(node, vectors, quotients, rule, 0))
    }
}
