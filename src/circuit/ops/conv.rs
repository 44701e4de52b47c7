//! Conv: a convolution.

use super::{
    grids::GridSums,
    linear::centred_range,
    lowering::Lowering,
    windows::{phases, shifts},
};
use crate::circuit::{
    CircuitError,
    wiring::{Place, Run, Scan, exponent, index},
};
use crate::model::{Conv, Node};

impl Lowering<'_> {
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
        let sums: Vec<Vec<i64>> = (0..conv.outputs)
            .map(|output| {
                let mut sums = GridSums::new(window.output, [1, 1]);
                for tap in 0..window.len() {
                    let weight =
                        |input| conv.weights[output * taps_per_output + input * window.len() + tap];
                    let sum = (0..inputs).map(|input| i64::from(weight(input))).sum();
                    let seen = window.windows([tap / window.kernel[1], tap % window.kernel[1]]);
                    let (first, counts) = (seen.each_ref().map(|s| s.start), seen.map(|s| s.len()));
                    sums.add(first, counts, sum);
                }
                sums.sums()
            })
            .collect();
        let mut made = Vec::with_capacity(conv.batch * conv.outputs * height * width);
        for (batch, output) in (0..conv.batch).flat_map(|b| (0..conv.outputs).map(move |o| (b, o)))
        {
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let sum = sums[output][row * width + column];
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
}
