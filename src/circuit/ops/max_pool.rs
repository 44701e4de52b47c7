//! MaxPool, ReduceMax: the largest of each window, one comparison after the other.

use super::lowering::{Lowering, Source, read_cell};
use super::windows::{phases, planes_of, seen_taps, shifts};
use crate::circuit::wiring::{Cell, Kind, Place, Run, index};
use crate::model::{MaxPool, Node, ReduceMax};

impl Lowering<'_> {
    pub(super) fn max_pool(&mut self, node: &Node, pool: &MaxPool) -> usize {
        let window = &pool.window;
        if (0..2).any(|axis| window.strides[axis] < window.kernel[axis]) {
            return self.overlapping(node, pool);
        }
        let [height, width] = window.output;
        let plane = window.input[0] * window.input[1];
        let windows = (0..pool.planes * height * width).map(|output| {
            let (channel, position) = (output / (height * width), output % (height * width));
            let seen = window.positions([position / width, position % width]);
            seen.map(|offset| channel * plane + offset).collect()
        });
        self.largest(node, windows.collect())
    }

    /// The largest of windows that share elements. As in a convolution each tap shifts a phase of the plane, so that a term
    /// reads it for all windows: an element is read at as many places as there are windows that see it.
    fn overlapping(&mut self, node: &Node, pool: &MaxPool) -> usize {
        let window = &pool.window;
        let scan = self.wish(node).expect("a MaxPool has one");
        let source = self.cut(node, node.inputs[0], scan);
        let [height, width] = window.output;
        let outputs = height * width;
        let members = self.members(pool.planes);
        let planes = pool.planes / members.count();
        let (mut cells, mut groups) = (Vec::new(), Vec::new());
        for element in 0..pool.planes * outputs {
            let (plane, output) = (element / outputs, element % outputs);
            let (row, column) = (output / width, output % width);
            let (member, own) = members.of_plane(plane, pool.planes);
            groups.push(index(cells.len()));
            for (position, tap) in seen_taps(window, [row, column]).enumerate() {
                let kind = match position {
                    0 => Kind::Read { constant: 0 },
                    _ => Kind::Larger { constant: 0 },
                };
                let omega = index(own * window.len() + tap);
                let place = Some(Place { omega, at: members.at(member, [column, row]) });
                cells.push(Cell { kind, place, element: None });
            }
            cells.last_mut().expect("windows see elements").element = Some(index(element));
        }
        let phases = phases(window);
        let taps = |_: &Run, run: usize| {
            let (plane, phase) = (run / phases.len() % planes, phases[run % phases.len()]);
            let omega = |tap: usize| index(plane * window.len() + tap);
            let shifts = shifts(window, phase).into_iter();
            shifts.map(|(tap, at)| (omega(tap), members.shift(at), 1)).collect()
        };
        let natural = planes_of(window.output, members);
        let omegas = planes * window.len();
        self.linear_groups(node, source, taps, omegas, (cells, groups), natural)
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
        let block = self.block_of(&node.name, windows.len(), scan, (cells, groups));
        self.border_cell(block, border_cells);
        block
    }
}
