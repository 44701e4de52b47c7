//! Conv: a convolution.

use super::{
    grids::GridSums,
    linear::centred_range,
    lowering::Lowering,
    windows::{phases, planes_of, shifts},
};
use crate::circuit::{
    CircuitError,
    wiring::{Place, Run, index},
};
use crate::model::{Conv, Node};

impl Lowering<'_> {
    pub(super) fn conv(&mut self, node: &Node, conv: &Conv) -> Result<usize, CircuitError> {
        let window = &conv.window;
        let scan = self.wish(node).expect("a Conv has one");
        let source = self.cut(node, node.inputs[0], scan);
        let members = self.members(conv.batch);
        let batch = conv.batch / members.count();
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
        let planes = conv.batch * conv.outputs;
        for plane in 0..planes {
            let (member, own) = members.of_plane(plane, planes);
            let output = own % conv.outputs;
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let sum = sums[output][row * width + column];
                let place = Place { omega: index(own), at: members.at(member, [column, row]) };
                made.push((place, rules[output], i64::from(conv.bias[output]) - zero * sum));
            }
        }
        let phases = phases(window);
        let taps = |_: &Run, run: usize| {
            // Runs of each member alone are those of its planes, one after the other.
            let (plane, phase) = (run / phases.len(), phases[run % phases.len()]);
            let (batch, channel) = (plane / conv.inputs % batch, plane % conv.inputs);
            let (group, input) = (channel / inputs, channel % inputs);
            let mut taps = Vec::new();
            for (tap, at) in shifts(window, phase) {
                for output in group * outputs..(group + 1) * outputs {
                    let weight =
                        conv.weights[output * taps_per_output + input * window.len() + tap];
                    let omega = index(batch * conv.outputs + output);
                    taps.push((omega, members.shift(at), weight));
                }
            }
            taps
        };
        let natural = planes_of(window.output, members);
        Ok(self.linear(node, source, taps, batch * conv.outputs, made, natural))
    }
}
