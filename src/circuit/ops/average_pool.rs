//! AveragePool: a convolution by ones.

use super::{
    lowering::Lowering,
    rounded_pool,
    rules::slope,
    windows::{count_seen, phases, planes_of, shifts},
};
use crate::circuit::{
    CircuitError,
    wiring::{Place, Run, Scan, index},
};
use crate::model::{AveragePool, Node};
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
        let members = self.members(pool.planes);
        let mut made = Vec::new();
        for plane in 0..pool.planes {
            let (member, own) = members.of_plane(plane, pool.planes);
            for (row, column) in (0..height).flat_map(|i| (0..width).map(move |j| (i, j))) {
                let seen = count_seen(window, [row, column]);
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
                let at = members.at(member, [column, row]);
                made.push((Place { omega: index(own), at }, rule, -i64::from(zero) * count));
            }
        }
        let planes = pool.planes / members.count();
        let phases = if matches!(scan, Scan::Sums { .. }) { vec![[0, 0]] } else { phases(window) };
        let taps = |_: &Run, run: usize| {
            let (plane, phase) = (run / phases.len(), phases[run % phases.len()]);
            if matches!(scan, Scan::Sums { .. }) {
                let (member, own) = members.of_plane(plane, pool.planes);
                return vec![(index(own), members.at(member, [0, 0]), 1)];
            }
            let shifts = shifts(window, phase).into_iter();
            shifts.map(|(_, at)| (index(plane % planes), members.shift(at), 1)).collect()
        };
        Ok(self.linear(node, source, taps, planes, made, planes_of(window.output, members)))
    }
}
