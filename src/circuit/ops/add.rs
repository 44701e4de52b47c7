//! Add: a sum of two tensors, or with constants.

use super::{
    lowering::{Lowering, Value},
    rules::clamp,
    table::has_many,
};
use crate::circuit::{
    table::rules::{Levels, Rule, Sum, Weighed},
    wiring::{Cell, Kind, Place, Scan, Term, Weight, index},
};
use crate::model::{Add, Node, Operand, TensorId};

/// Three limbs of a table of 512 rows: sums without a plane at this divisor hardly have one at another.
const USUAL_DIVISOR: i128 = 1 << 27;

impl Lowering<'_> {
    pub(super) fn add(&mut self, node: &Node, add: &Add) -> usize {
        let base = self.base(node.output);
        if let Operand::Constant(constants) = &add.operand {
            let low = self.base(node.inputs[0]);
            if has_many(constants) && add.left > 0.0 {
                let bounds = (add.min - base, add.max - base);
                return self.monotone_by_constant(node, constants, bounds, |constant| {
                    (move |x: i32| add.apply(x + low, constant) - base, add.left.into())
                });
            }
            let values = |constant: i32| (0..256).map(|x| add.apply(x + low, constant)).collect();
            return self.by_constant(node, constants, values);
        }
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let scan_of = |lowering: &Self, tensor: TensorId| match lowering.values[tensor.0] {
            Some(Value::Block(block)) => Some(lowering.net.blocks[block].scan),
            _ => None,
        };
        // Both operands are cut alike, so that an output has the same place for both.
        let scan = [left, right].into_iter().filter_map(|tensor| scan_of(self, tensor));
        let scan = scan.filter(|scan| scan.is_injective()).find(|&scan| scan != Scan::Flat);
        let scan = scan.unwrap_or_else(|| self.lines(left));
        let mut blocks = [left, right].map(|tensor| self.cut(node, tensor, scan));
        if blocks[0] == blocks[1] {
            // A run has one term for a place.
            let sources = self.sources(right);
            blocks[1] = self.copy(&node.name, &sources, scan);
        }
        let mut sum = Sum::new(add, [self.base(left), self.base(right)], base);
        if sum.plane(USUAL_DIVISOR).is_none() {
            sum.weighed = sum.weighed().map(|(factors, function)| Weighed {
                factors,
                function: self.add_function(function),
            });
        }
        let rule = self.rule(Rule {
            range: (0, 0),
            levels: Levels::Sum(Box::new(sum)),
            activation: clamp((add.min - base, add.max - base)),
            values: None,
        });
        let runs = self.net.blocks[blocks[0]].runs.len();
        let first = self.omegas(runs);
        let mut cells = Vec::new();
        for run in 0..runs {
            let omega = first + index(run);
            for (operand, &block) in (0..).zip(&blocks) {
                self.net.blocks[block].runs[run].terms.push(Term {
                    place: Place { omega, at: [0, 0] },
                    weight: Weight::Operand { rule, operand },
                });
            }
            for &(element, at) in &self.net.blocks[blocks[0]].runs[run].elements {
                cells.push(Cell {
                    kind: Kind::Made { rule, bias: 0 },
                    place: Some(Place { omega, at }),
                    element: Some(element),
                });
            }
        }
        cells.sort_by_key(|cell| cell.element);
        let scan = self.scan(node.output, scan, |_| true);
        self.block(&node.name, cells.len(), scan, cells, 1)
    }
}
