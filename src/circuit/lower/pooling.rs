//! Means, sums and largest elements of windows and axes.

use super::{
    Lowering,
    read::{Source, read_cell},
    rounded_pool,
    rules::slope,
    windows::{phases, shifts},
};
use crate::circuit::{
    CircuitError,
    graph::{Block, Cell, Kind, Place, Run, Scan, exponent, index},
};
use crate::model::{AveragePool, MaxPool, Node, Reduce, ReduceMax, Rescale};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn average_pool(
        &mut self,
        node: &Node,
        pool: &AveragePool,
    ) -> Result<usize, CircuitError> {
        if self.is_rounded(node, pool) {
            return self.rounded_pool(node, pool);
        }
        let window = &pool.window;
        let scan = self.wish(node).expect("an AveragePool has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = self.zero_byte(node.inputs[0]);
        let base = self.base(node.output);
        let mut rules: BTreeMap<usize, u32> = BTreeMap::new();
        let [height, width] = window.output;
        let mut made = Vec::new();
        for plane in 0..pool.planes {
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let seen = window.positions([row, column]).count();
                let rule = match rules.get(&seen) {
                    Some(&rule) => rule,
                    None => {
                        let count = i32::try_from(seen).expect("windows are small");
                        let range = (-zero * count, (255 - zero) * count);
                        let level = |sum| {
                            rounded_pool::of_sum(pool, zero, sum, seen).expect("sums decide") - base
                        };
                        let bounds = (pool.mean.min - base, pool.mean.max - base);
                        let divisor = if pool.count_include_pad { window.len() } else { seen };
                        let rule = self.monotone(level, bounds, slope(&pool.mean, divisor), range);
                        rules.insert(seen, rule);
                        rule
                    }
                };
                let count = i64::try_from(seen).expect("windows are small");
                let at = [exponent(column), exponent(row)];
                made.push((Place { omega: index(plane), at }, rule, -i64::from(zero) * count));
            }
        }
        let phases = if matches!(scan, Scan::Sums { .. }) { vec![[0, 0]] } else { phases(window) };
        let taps = |_: &Run, run: usize| {
            let (plane, phase) = (run / phases.len(), phases[run % phases.len()]);
            if matches!(scan, Scan::Sums { .. }) {
                return vec![(index(plane), [0, 0], 1)];
            }
            let shifts = shifts(window, phase).into_iter();
            shifts.map(|(_, at)| (index(plane), at, 1)).collect()
        };
        let natural = Scan::Planes { size: window.output, strides: [1, 1] };
        Ok(self.linear(node, source, taps, pool.planes, made, natural))
    }

    pub(super) fn reduce(&mut self, node: &Node, reduce: &Reduce) -> Result<usize, CircuitError> {
        let scan = self.wish(node).expect("a Reduce has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = self.zero_byte(node.inputs[0]);
        let base = self.base(node.output);
        let count = i32::try_from(reduce.length).expect("axes are short");
        let range = (-zero * count, (255 - zero) * count);
        let rule = match &reduce.rescale {
            Rescale::Requantization(requantization) => {
                let range = (i64::from(range.0), i64::from(range.1));
                self.requantizations(node, requantization, &[range])?[0]
            }
            Rescale::Mean(mean, count) => {
                let level = |sum| mean.apply(sum, *count) - base;
                self.monotone(level, (mean.min - base, mean.max - base), slope(mean, *count), range)
            }
        };
        let bias = -i64::from(zero) * i64::from(count);
        let outputs = reduce.outer * reduce.inner;
        let made = (0..outputs)
            .map(|output| (Place { omega: index(output), at: [0, 0] }, rule, bias))
            .collect();
        let taps = |_: &Run, run: usize| vec![(index(run), [0, 0], 1)];
        let natural = self.lines(node.output);
        Ok(self.linear(node, source, taps, outputs, made, natural))
    }

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
    fn largest(&mut self, node: &Node, windows: Vec<Vec<usize>>) -> usize {
        let all = self.sources(node.inputs[0]);
        let sources: Vec<Source> = windows.iter().flatten().map(|&element| all[element]).collect();
        let (places, spills) = self.read(&sources);
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
        self.spill(block, spills);
        block
    }
}
