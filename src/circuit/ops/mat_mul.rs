//! Products of matrices.

use super::lowering::{Lowering, constant, read_cell};
use crate::circuit::{
    CircuitError,
    wiring::{Block, Cell, Kind, Place, Scan, exponent, index},
};
use crate::model::{MatMul, Node};

impl Lowering<'_> {
    pub(super) fn mat_mul(&mut self, node: &Node, product: &MatMul) -> Result<usize, CircuitError> {
        let MatMul { batch, rows, inner, columns, ref requantization } = *product;
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let zeros = [left, right].map(|tensor| self.zero_byte(tensor));
        let most = |zero: i32| i64::from(zero.max(255 - zero));
        let reach = i64::try_from(inner).expect("axes are short") * most(zeros[0]) * most(zeros[1]);
        let rule = self.requantizations(node, requantization, &[(-reach, reach)])?[0];
        let [left, right] = [left, right].map(|tensor| self.sources(tensor));
        // Both factors are read in the order of the products of a column with a row.
        let mut sources = Vec::new();
        for (n, k) in (0..batch).flat_map(|n| (0..inner).map(move |k| (n, k))) {
            sources.extend((0..rows).map(|i| left[(n * rows + i) * inner + k]));
            sources.extend((0..columns).map(|j| right[(n * inner + k) * columns + j]));
        }
        let (places, border_cells) = self.read(&sources);
        let first = self.omegas(batch);
        let mut cells = Vec::with_capacity(sources.len());
        let mut groups = Vec::new();
        let mut next = 0;
        for (n, _) in (0..batch).flat_map(|n| (0..inner).map(move |k| (n, k))) {
            groups.push(index(cells.len()));
            let target = Place { omega: first + index(n), at: [0, 0] };
            for i in 0..rows {
                let target = target.plus([exponent(i), 0]);
                let (zero, constant) = (zeros[0], constant(sources[next]));
                let kind = Kind::Load { zero, constant, target, starts: i == 0 };
                cells.push(Cell { kind, ..read_cell(sources[next], places[next]) });
                next += 1;
            }
            for j in 0..columns {
                let (zero, constant) = (zeros[1], constant(sources[next]));
                let kind = Kind::Multiply { zero, constant, at: [0, exponent(j)] };
                cells.push(Cell { kind, ..read_cell(sources[next], places[next]) });
                next += 1;
            }
        }
        self.net.blocks.push(Block {
            name: node.name.clone(),
            len: 0,
            scan: Scan::Flat,
            runs: Vec::new(),
            cells,
            groups,
            is_packed: false,
            tensors: 1,
        });
        let factors = self.net.blocks.len() - 1;
        self.border_cell(factors, border_cells);
        let cells = (0..batch * rows * columns).map(|element| {
            let (n, rest) = (element / (rows * columns), element % (rows * columns));
            let at = [exponent(rest / columns), exponent(rest % columns)];
            Cell {
                kind: Kind::Made { rule, bias: 0 },
                place: Some(Place { omega: first + index(n), at }),
                element: Some(index(element)),
            }
        });
        let cells = cells.collect();
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        Ok(self.block(&node.name, batch * rows * columns, scan, cells, 1))
    }
}
