//! MaxPool, ReduceMax: the largest of each window, one comparison after the other.

use super::lowering::{Lowering, Source, read_cell};
use crate::circuit::wiring::{Block, Cell, Kind, index};
use crate::model::{MaxPool, Node, ReduceMax};

impl Lowering<'_> {
    pub(super) fn max_pool(&mut self, node: &Node, pool: &MaxPool) -> usize {
        let window = &pool.window;
        let [height, width] = window.output;
        let plane = window.input[0] * window.input[1];
        let windows = (0..pool.planes * height * width).map(|output| {
            let (channel, position) = (output / (height * width), output % (height * width));
            let seen = window.positions([position / width, position % width]);
            seen.map(|offset| channel * plane + offset).collect()
        });
        self.largest(node, windows.collect())
    }

    pub(super) fn reduce_max(&mut self, node: &Node, reduce: &ReduceMax) -> usize {
        let windows = (0..reduce.outer * reduce.inner).map(|output| {
            let (outer, inner) = (output / reduce.inner, output % reduce.inner);
            (0..reduce.length).map(|i| (outer * reduce.length + i) * reduce.inner + inner).collect()
        });
        self.largest(node, windows.collect())
    }

    /// The largest element of each window.
    pub(super) fn largest(&mut self, node: &Node, windows: Vec<Vec<usize>>) -> usize {
        let all = self.sources(node.inputs[0]);
        let sources: Vec<Source> = windows.iter().flatten().map(|&element| all[element]).collect();
        let (places, border_cells) = self.read(&sources);
        let (mut cells, mut groups, mut next) = (Vec::new(), Vec::new(), 0);
        for (element, window) in windows.iter().enumerate() {
            groups.push(index(cells.len()));
            for position in 0..window.len() {
                let read = read_cell(sources[next], places[next]);
                let kind = match read.kind {
                    Kind::Read { constant } if position > 0 => Kind::Larger { constant },
                    first => first,
                };
                let is_last = position + 1 == window.len();
                cells.push(Cell { kind, element: is_last.then_some(index(element)), ..read });
                next += 1;
            }
        }
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        self.net.blocks.push(Block {
            name: node.name.clone(),
            len: windows.len(),
            scan,
            runs: scan.runs(windows.len()),
            cells,
            groups,
            is_public: false,
        });
        let block = self.net.blocks.len() - 1;
        self.border_cell(block, border_cells);
        block
    }
}
