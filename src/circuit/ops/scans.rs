//! How each tensor's takers would like it to be cut.

use super::{lowering::Lowering, windows::whole_window};
use crate::circuit::wiring::Scan;
use crate::model::{self, Node, Operator, View, Window};

impl Lowering<'_> {
    /// How many operators take each tensor, through views.
    pub(super) fn count_uses(&mut self, outputs: &[model::Port]) {
        for output in outputs {
            self.uses[output.tensor.0] += 1;
        }
        for node in self.graph.nodes.iter().rev() {
            let passed_on = match node.operator {
                Operator::View(_) => self.uses[node.output.0],
                _ => 1,
            };
            for input in &node.inputs {
                self.uses[input.0] += passed_on;
            }
        }
    }

    /// How each tensor's takers would like it to be cut, through views that keep the order.
    pub(super) fn collect_wishes(&mut self) {
        for node in self.graph.nodes.iter().rev() {
            let Some(input) = node.inputs.first() else { continue };
            if let Operator::View(View::Reshape) = node.operator {
                let passed_on = self.wanted[node.output.0].clone();
                self.wanted[input.0].extend(passed_on);
            } else if let Some(scan) = self.wish(node) {
                self.wanted[input.0].push(scan);
            }
        }
    }

    pub(super) fn wish(&self, node: &Node) -> Option<Scan> {
        let len = self.len(*node.inputs.first()?);
        let planes = |window: &Window, count: usize| Scan::Planes {
            size: window.input,
            strides: window.strides,
            members: self.members(count),
            alone: false,
        };
        Some(match &node.operator {
            Operator::Gemm(gemm) if len == gemm.inputs => Scan::Flat,
            Operator::Gemm(gemm) => Scan::Columns { columns: gemm.inputs },
            Operator::Conv(conv) => planes(&conv.window, conv.batch),
            Operator::ConvTranspose(conv) => {
                let Window { output, strides, .. } = conv.window;
                Scan::Spread { size: output, factors: strides }
            }
            Operator::AveragePool(pool) => match whole_window(&pool.window) {
                // Each element is added on a row of its own.
                Some(_) if self.is_rounded(node, pool) => Scan::Flat,
                Some(length) => Scan::Sums { length, inner: 1 },
                None => planes(&pool.window, pool.planes),
            },
            Operator::MaxPool(pool) => planes(&pool.window, pool.planes),
            Operator::Reduce(reduce) => Scan::Sums { length: reduce.length, inner: reduce.inner },
            Operator::Softmax(softmax) => Scan::Columns { columns: softmax.length },
            Operator::LayerNormalization(normalization) => {
                Scan::Columns { columns: normalization.length }
            }
            Operator::ArgMax(arg_max) if arg_max.inner == 1 => {
                Scan::Columns { columns: arg_max.length }
            }
            _ => return None,
        })
    }
}
