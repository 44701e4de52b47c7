//! ReduceMean, ReduceSum and GlobalAveragePool: sums along an axis.

use super::{lowering::Lowering, rules::slope};
use crate::circuit::{
    CircuitError,
    wiring::{Place, Run, index},
};
use crate::model::{Node, Reduce, Rescale};

impl Lowering<'_> {
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
}
