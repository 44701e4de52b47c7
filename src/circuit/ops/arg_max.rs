//! ArgMax. For each vector of n elements, with m = max x,
//!
//! ```text
//! f_i = 1 if m − x_i = 0, else 0        first: n − max (n − i)·f_i        last: max (i + 1)·f_i − 1
//! ```
//!
//! | rows | place [v, i] has | proves |
//! |---|---|---|
//! | larger | x_i | m |
//! | made | m − x_i | f_i |
//! | larger | (n − i)·f_i or (i + 1)·f_i | the largest |
//! | read | minus the largest, or it | the index |
//!
//! m is one of the elements, so some f_i is 1, and the index is one of an element.

use super::vectors::{PER_VECTOR, Vectors, at};
use super::{lowering::Lowering, rules::clamp};
use crate::circuit::{
    CircuitError,
    table::rules::{Levels, Rule},
    wiring::{Cell, Kind, index},
};
use crate::model::{ArgMax, Node};

impl Lowering<'_> {
    pub(super) fn arg_max(&mut self, node: &Node, arg_max: &ArgMax) -> Result<usize, CircuitError> {
        let ArgMax { outer, length, inner, select_last } = *arg_max;
        if length > 256 {
            return Err(CircuitError::IndexRange { node: node.name.clone(), length });
        }
        let vectors = Vectors { count: outer * inner, length };
        let x = if inner == 1 {
            self.cut(node, node.inputs[0], vectors.scan())
        } else {
            let sources = self.sources(node.inputs[0]);
            let lines = (0..vectors.count).flat_map(|v| {
                let first = v / inner * length * inner + v % inner;
                (0..length).map(move |i| first + i * inner)
            });
            let sources: Vec<_> = lines.map(|element| sources[element]).collect();
            self.copy(&node.name, &sources, vectors.scan())
        };
        let largest = self.largest_of(node, x, vectors);
        let distances = self.places();
        for i in 0..length {
            self.take(x, i, distances.plus(at(0, i)), -1);
            self.take(largest, 0, distances.plus(at(0, i)), 1);
        }
        let is_zero = self.rule(Rule {
            range: (0, 255),
            levels: Levels::Table((0..256).map(|distance| u32::from(distance == 0)).collect()),
            activation: clamp((0, 255)),
            values: None,
        });
        let flags = self.make_all(node, vectors, distances, is_zero, 0);
        let ranks = self.places();
        let n = i128::try_from(length).expect("at most 256");
        for (i, position) in (0..length).zip(0_i128..) {
            let rank = if select_last { position + 1 } else { n - position };
            self.take(flags, i, ranks.plus(at(0, i)), rank);
        }
        let mut cells = Vec::with_capacity(vectors.count * length);
        for (number, (v, i)) in vectors.elements().enumerate() {
            let position = number % length;
            let kind = if position == 0 {
                Kind::Read { constant: 0 }
            } else {
                Kind::Larger { constant: 0 }
            };
            let element = (position + 1 == length).then(|| index(v));
            cells.push(Cell { kind, place: Some(ranks.plus(at(v, i))), element });
        }
        let best = self.block(&node.name, vectors.count, PER_VECTOR, cells, length);
        let indices = self.places();
        let (weight, constant) = if select_last { (1, -1) } else { (-1, n) };
        self.take(best, 0, indices, weight);
        let constant = i32::try_from(constant).expect("at most 256");
        let cells = (0..vectors.count).map(|v| Cell {
            kind: Kind::Read { constant },
            place: Some(indices.plus(at(v, 0))),
            element: Some(index(v)),
        });
        let cells = cells.collect();
        let scan = self.scan(node.output, self.lines(node.output), |_| true);
        Ok(self.block(&node.name, vectors.count, scan, cells, 1))
    }
}
