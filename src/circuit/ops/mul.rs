//! Mul: a product of two tensors, element by element, or with constants.

use super::lowering::{Lowering, read_cell};
use super::table::has_many;
use crate::circuit::wiring::{Cell, Kind, index};
use crate::model::{Mul, Node, Operand};

impl Lowering<'_> {
    pub(super) fn mul(&mut self, node: &Node, mul: &Mul) -> usize {
        let base = self.base(node.output);
        if let Operand::Constant(constants) = &mul.operand {
            let quantization = self.graph.tensors[node.inputs[0].0].quantization;
            let low = quantization.element.range().0 - quantization.zero_point;
            let factor = |constant: i32| constant - mul.operand_zero_point;
            if has_many(constants) && constants.iter().all(|&constant| factor(constant) > 0) {
                let bounds = (mul.min - base, mul.max - base);
                return self.monotone_by_constant(node, constants, bounds, |constant| {
                    let level = move |x: i32| mul.apply(x + low, factor(constant)) - base;
                    (level, f64::from(mul.multiplier) * f64::from(factor(constant)))
                });
            }
            let values =
                |constant: i32| (0..256).map(|x| mul.apply(x + low, factor(constant))).collect();
            return self.by_constant(node, constants, values);
        }
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let zeros = [left, right].map(|tensor| self.zero_byte(tensor));
        let reach = zeros.map(|zero| [-zero, 255 - zero]);
        let products = reach[0].iter().flat_map(|a| reach[1].iter().map(move |b| a * b));
        let range = (products.clone().min().unwrap_or(0), products.max().unwrap_or(0));
        let rule = self.monotone(
            |product| mul.apply(product, 1) - base,
            (mul.min - base, mul.max - base),
            mul.multiplier.into(),
            range,
        );
        let mut sources = self.sources(left);
        let len = sources.len();
        sources.extend(self.sources(right));
        let (places, border_cells) = self.read(&sources);
        let mut cells = Vec::new();
        for element in 0..len {
            cells.push(read_cell(sources[element], places[element]));
            let right = read_cell(sources[len + element], places[len + element]);
            let kind = match right.kind {
                Kind::Read { constant } => Kind::Pair { constant },
                other => other,
            };
            cells.push(Cell { kind, ..right });
            cells.push(Cell {
                kind: Kind::Product { rule, zeros },
                place: None,
                element: Some(index(element)),
            });
        }
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, len, scan, cells, 3);
        self.border_cell(block, border_cells);
        block
    }
}
