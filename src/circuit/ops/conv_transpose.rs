//! ConvTranspose: a convolution with the roles of inputs and outputs exchanged.

use super::{grids::GridSums, linear::centred_range, lowering::Lowering, windows::planes_of};
use crate::circuit::{
    CircuitError,
    wiring::{Members, Place, Run, exponent, index},
};
use crate::model::{ConvTranspose, Node};

impl Lowering<'_> {
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
        // The window slides over this operator's output; the positions it sees there are reached.
        let reached = |output: usize| {
            let (group, own) = (output / outputs, output % outputs);
            let mut sums = GridSums::new(window.input, window.strides);
            for tap in 0..window.len() {
                let channels = group * inputs..(group + 1) * inputs;
                let sum = channels.map(|channel| i64::from(weight(channel, own, tap))).sum();
                let kernel = [tap / window.kernel[1], tap % window.kernel[1]];
                let seen = window.windows(kernel);
                let first = seen.each_ref().map(|seen| seen.start);
                if let Some(first) = window.position(first, kernel) {
                    sums.add(first, seen.map(|seen| seen.len()), sum);
                }
            }
            sums.sums()
        };
        let reached: Vec<Vec<i64>> = (0..conv.outputs).map(reached).collect();
        let width = window.input[1];
        for (batch, output) in (0..conv.batch).flat_map(|b| (0..conv.outputs).map(move |o| (b, o)))
        {
            for (position, sum) in reached[output].iter().enumerate() {
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
        let natural = planes_of(window.input, Members::ONE);
        Ok(self.linear(node, source, taps, conv.batch * conv.outputs, made, natural))
    }
}
