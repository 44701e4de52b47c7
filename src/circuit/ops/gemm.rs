//! Gemm: a dense layer.

use super::{linear::centred_range, lowering::Lowering};
use crate::circuit::{
    CircuitError,
    wiring::{Place, Run, Scan, exponent, index},
};
use crate::model::{Gemm, Node};

impl Lowering<'_> {
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
}
