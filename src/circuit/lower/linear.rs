//! Weighted sums: dense layers and convolutions.

use super::{
    Lowering,
    windows::{phases, seen_taps, shifts},
};
use crate::circuit::{
    CircuitError,
    graph::{
        Cell, Kind, MOST_SPILLS, Place, Position, Run, Scan, Term, Weight, bounds, exponent, index,
    },
};
use crate::model::{Conv, ConvTranspose, Gemm, Node};
use std::collections::HashSet;

/// A contribution of a run: relative power of ρ, position, weight.
type Tap = (u32, Position, i32);

impl Lowering<'_> {
    /// Lets the runs of a block contribute, and makes the outputs: `made` has each one's place, relative
    /// to the first power of ρ, its rule and its bias.
    pub(super) fn linear(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap>,
        omegas: usize,
        made: Vec<(Place, u32, i64)>,
        natural: Scan,
    ) -> usize {
        let cells = made.into_iter().enumerate().map(|(element, (place, rule, bias))| Cell {
            kind: Kind::Made { rule, bias },
            place: Some(place),
            element: Some(index(element)),
        });
        self.linear_groups(node, source, taps, omegas, (cells.collect(), 1), natural)
    }

    /// The same with several rows to an output, at places relative to the first power of ρ.
    pub(super) fn linear_groups(
        &mut self,
        node: &Node,
        source: usize,
        taps: impl Fn(&Run, usize) -> Vec<Tap>,
        omegas: usize,
        (mut cells, rows): (Vec<Cell>, usize),
        natural: Scan,
    ) -> usize {
        let first = self.omegas(omegas);
        // What the taps reach, by power of ρ.
        let mut boxes: Vec<Option<[Position; 2]>> = vec![None; omegas];
        let runs = self.net.blocks[source].runs.len();
        let mut all_taps = Vec::with_capacity(runs);
        for number in 0..runs {
            let run = &mut self.net.blocks[source].runs[number];
            let taps = taps(run, number);
            let [low, high] = bounds(run.elements.iter().map(|&(_, at)| at));
            for &(omega, at, weight) in &taps {
                let reached = &mut boxes[omega as usize];
                let tap = |corner: Position| [corner[0] + at[0], corner[1] + at[1]];
                let corners = reached.iter().flatten().copied().chain([tap(low), tap(high)]);
                *reached = Some(bounds(corners));
                run.terms.push(Term {
                    place: Place { omega: first + omega, at },
                    weight: Weight::Integer(weight),
                });
            }
            all_taps.push(taps);
        }
        let mut marks: Vec<Vec<bool>> = Vec::with_capacity(omegas);
        let offset = |[low, high]: [Position; 2], at: Position| {
            let width = high[0] - low[0] + 1;
            usize::try_from((at[1] - low[1]) * width + at[0] - low[0]).expect("inside the box")
        };
        for reached in &boxes {
            marks.push(
                reached
                    .map_or(Vec::new(), |[low, high]| vec![false; offset([low, high], high) + 1]),
            );
        }
        for (run, taps) in self.net.blocks[source].runs.iter().zip(&all_taps) {
            for &(omega, at, _) in taps {
                let reached = boxes[omega as usize].expect("the tap reaches it");
                for &(_, position) in &run.elements {
                    let place = [at[0] + position[0], at[1] + position[1]];
                    marks[omega as usize][offset(reached, place)] = true;
                }
            }
        }
        for place in cells.iter_mut().filter_map(|cell| cell.place.as_mut()) {
            if let Some([low, high]) = boxes[place.omega as usize]
                && (0..2).all(|axis| (low[axis]..=high[axis]).contains(&place.at[axis]))
            {
                marks[place.omega as usize][offset([low, high], place.at)] = false;
            }
            place.omega += first;
        }
        let len = cells.len() / rows;
        let mut spilt: Vec<Vec<Position>> = Vec::with_capacity(omegas);
        for (marks, reached) in marks.into_iter().zip(&boxes) {
            let Some([low, high]) = *reached else {
                spilt.push(Vec::new());
                continue;
            };
            let width = high[0] - low[0] + 1;
            let places = marks.into_iter().enumerate().filter(|&(_, marked)| marked);
            let places = places.map(|(place, _)| {
                let place = exponent(place);
                [low[0] + place % width, low[1] + place / width]
            });
            spilt.push(places.collect());
        }
        let spills = spill_cells(&spilt, first);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, len, scan, cells, rows);
        self.spill(block, spills);
        block
    }

    pub(super) fn gemm(&mut self, node: &Node, gemm: &Gemm) -> Result<usize, CircuitError> {
        let rows = self.len(node.inputs[0]) / gemm.inputs.max(1);
        let scan = self.wish(node).expect("a Gemm has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = i64::from(self.zero_byte(node.inputs[0]));
        let (mut ranges, mut biases) = (Vec::new(), Vec::new());
        for output in 0..gemm.outputs {
            let weights = &gemm.weights[output * gemm.inputs..][..gemm.inputs];
            let bias = i64::from(gemm.bias[output]);
            ranges.push(centred_range(weights, zero, bias));
            let sum: i64 = weights.iter().map(|&weight| i64::from(weight)).sum();
            biases.push(bias - zero * sum);
        }
        let rules = self.requantizations(node, &gemm.requantization, &ranges)?;
        let made = (0..rows * gemm.outputs).map(|element| {
            let (row, output) = (element / gemm.outputs, element % gemm.outputs);
            let place = Place { omega: index(output), at: [exponent(row), 0] };
            (place, rules[output], biases[output])
        });
        let made = made.collect();
        let taps = |_: &Run, input: usize| {
            let weight = |output| gemm.weights[output * gemm.inputs + input];
            (0..gemm.outputs).map(|output| (index(output), [0, 0], weight(output))).collect()
        };
        let natural = if rows == 1 {
            self.lines(node.output)
        } else {
            Scan::Columns { columns: gemm.outputs }
        };
        Ok(self.linear(node, source, taps, gemm.outputs, made, natural))
    }

    pub(super) fn conv(&mut self, node: &Node, conv: &Conv) -> Result<usize, CircuitError> {
        let window = &conv.window;
        let scan = self.wish(node).expect("a Conv has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = i64::from(self.zero_byte(node.inputs[0]));
        let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
        let taps_per_output = inputs * window.len();
        let range = |output: usize| {
            let weights = &conv.weights[output * taps_per_output..][..taps_per_output];
            centred_range(weights, zero, conv.bias[output].into())
        };
        let ranges: Vec<_> = (0..conv.outputs).map(range).collect();
        let rules = self.requantizations(node, &conv.requantization, &ranges)?;
        // Zero points count only where the window sees the input.
        let [height, width] = window.output;
        let sums: Vec<i64> = (0..conv.outputs * window.len())
            .map(|position| {
                let (output, tap) = (position / window.len(), position % window.len());
                let weight =
                    |input| conv.weights[output * taps_per_output + input * window.len() + tap];
                (0..inputs).map(|input| i64::from(weight(input))).sum()
            })
            .collect();
        let mut made = Vec::with_capacity(conv.batch * conv.outputs * height * width);
        for (batch, output) in (0..conv.batch).flat_map(|b| (0..conv.outputs).map(move |o| (b, o)))
        {
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let seen = seen_taps(window, [row, column]);
                let sum: i64 = seen.map(|tap| sums[output * window.len() + tap]).sum();
                let omega = index(batch * conv.outputs + output);
                let place = Place { omega, at: [exponent(column), exponent(row)] };
                made.push((place, rules[output], i64::from(conv.bias[output]) - zero * sum));
            }
        }
        let phases = phases(window);
        let taps = |_: &Run, run: usize| {
            let (plane, phase) = (run / phases.len(), phases[run % phases.len()]);
            let (batch, channel) = (plane / conv.inputs, plane % conv.inputs);
            let (group, input) = (channel / inputs, channel % inputs);
            let mut taps = Vec::new();
            for (tap, at) in shifts(window, phase) {
                for output in group * outputs..(group + 1) * outputs {
                    let weight =
                        conv.weights[output * taps_per_output + input * window.len() + tap];
                    taps.push((index(batch * conv.outputs + output), at, weight));
                }
            }
            taps
        };
        let natural = Scan::Planes { size: window.output, strides: [1, 1] };
        Ok(self.linear(node, source, taps, conv.batch * conv.outputs, made, natural))
    }

    pub(super) fn conv_transpose(
        &mut self,
        node: &Node,
        conv: &ConvTranspose,
    ) -> Result<usize, CircuitError> {
        let window = &conv.window;
        let scan = self.wish(node).expect("a ConvTranspose has one");
        let source = self.cut(node, node.inputs[0], scan);
        let zero = i64::from(self.zero_byte(node.inputs[0]));
        let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
        let weight = |channel: usize, output: usize, tap: usize| {
            conv.weights[(channel * outputs + output) * window.len() + tap]
        };
        // The window slides over this operator's output; the positions it sees there are reached.
        let [height, width] = window.input;
        let mut reached = vec![Vec::new(); height * width];
        for (row, column) in
            (0..window.output[0]).flat_map(|i| (0..window.output[1]).map(move |j| (i, j)))
        {
            for tap in 0..window.len() {
                let tap_position = [tap / window.kernel[1], tap % window.kernel[1]];
                if let Some([i, j]) = window.position([row, column], tap_position) {
                    reached[i * width + j].push(tap);
                }
            }
        }
        let (mut ranges, mut made) = (Vec::new(), Vec::new());
        for output in 0..conv.outputs {
            let (group, own) = (output / outputs, output % outputs);
            let channels = group * inputs..(group + 1) * inputs;
            let weights: Vec<i32> = (channels)
                .flat_map(|channel| (0..window.len()).map(move |tap| (channel, tap)))
                .map(|(channel, tap)| weight(channel, own, tap))
                .collect();
            ranges.push(centred_range(&weights, zero, conv.bias[output].into()));
        }
        let rules = self.requantizations(node, &conv.requantization, &ranges)?;
        for (batch, output) in (0..conv.batch).flat_map(|b| (0..conv.outputs).map(move |o| (b, o)))
        {
            let (group, own) = (output / outputs, output % outputs);
            for (position, reached) in reached.iter().enumerate() {
                let channels = group * inputs..(group + 1) * inputs;
                let sum: i64 = channels
                    .flat_map(|channel| reached.iter().map(move |&tap| (channel, tap)))
                    .map(|(channel, tap)| i64::from(weight(channel, own, tap)))
                    .sum();
                let omega = index(batch * conv.outputs + output);
                let at = [exponent(position % width), exponent(position / width)];
                made.push((
                    Place { omega, at },
                    rules[output],
                    i64::from(conv.bias[output]) - zero * sum,
                ));
            }
        }
        let taps = |_: &Run, plane: usize| {
            let (batch, channel) = (plane / conv.inputs, plane % conv.inputs);
            let group = channel / inputs;
            let mut taps = Vec::new();
            for tap in 0..window.len() {
                let along = |axis: usize, position: usize| {
                    exponent(position * window.dilations[axis]) - exponent(window.pads[axis])
                };
                let at = [along(1, tap % window.kernel[1]), along(0, tap / window.kernel[1])];
                for own in 0..outputs {
                    let omega = index(batch * conv.outputs + group * outputs + own);
                    taps.push((omega, at, weight(channel, own, tap)));
                }
            }
            taps
        };
        let natural = Scan::Planes { size: window.input, strides: [1, 1] };
        Ok(self.linear(node, source, taps, conv.batch * conv.outputs, made, natural))
    }
}

/// Rows for what is spilt at each power of ρ, from `first` on: as many to a row as there are neighbouring powers
/// with a spill at the same position, like channels of a layer.
fn spill_cells(spilt: &[Vec<Position>], first: u32) -> Vec<Cell> {
    let mut left: Vec<HashSet<Position>> =
        spilt.iter().map(|places| places.iter().copied().collect()).collect();
    let mut cells = Vec::new();
    for (omega, places) in spilt.iter().enumerate() {
        let places = places.iter().copied().filter(|at| left[omega].contains(at)).collect();
        for at in step_by_step(places) {
            let neighbours = left[omega..].iter_mut().take(MOST_SPILLS);
            let taken = neighbours.map(|places| places.remove(&at));
            let count = taken.take_while(|&was_left| was_left).count();
            cells.push(Cell {
                kind: Kind::Spills { count },
                place: Some(Place { omega: first + index(omega), at }),
                element: None,
            });
        }
    }
    cells
}

/// Positions in an order in which each is near the one before.
fn step_by_step(mut rest: Vec<Position>) -> Vec<Position> {
    let mut sorted: Vec<Position> = Vec::with_capacity(rest.len());
    let mut last = [0, 0];
    while !rest.is_empty() {
        let away = |at: &Position| at[0].abs_diff(last[0]) + at[1].abs_diff(last[1]);
        let nearest = (0..rest.len()).min_by_key(|&i| away(&rest[i])).expect("not empty");
        last = rest.swap_remove(nearest);
        sorted.push(last);
    }
    sorted
}

/// The range of an accumulator over all bytes, and over any part of the weights.
fn centred_range(weights: &[i32], zero: i64, bias: i64) -> (i64, i64) {
    weights.iter().fold((bias, bias), |(low, high), &weight| {
        let ends = [-zero * i64::from(weight), (255 - zero) * i64::from(weight)];
        (low + ends[0].min(ends[1]).min(0), high + ends[0].max(ends[1]).max(0))
    })
}
