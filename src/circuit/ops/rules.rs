//! What becomes of accumulators, as rules.

use super::lowering::Lowering;
use crate::circuit::{
    CircuitError,
    activation::Activation,
    parallel,
    table::rules::{FunctionId, Levels, Monotone, Rises, Rule},
    wiring::index,
};
use crate::model::{Mean, Node, Requantization, Steps};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn rule(&mut self, rule: Rule) -> u32 {
        self.net.rules.push(rule);
        index(self.net.rules.len() - 1)
    }

    fn function(&mut self, (low, high): (i64, i64), steps: &Steps) -> FunctionId {
        let range = (low.into(), high.into());
        self.add_function(Rises { range, rises: steps.rises().to_vec() })
    }

    /// Adds a function, which rules with its number share.
    pub(super) fn add_function(&mut self, function: Rises) -> FunctionId {
        self.net.functions.push(function);
        FunctionId(index(self.net.functions.len() - 1))
    }

    /// The requantization of output channels as rules, for accumulators of their ranges.
    pub(super) fn requantizations(
        &mut self,
        node: &Node,
        requantization: &Requantization,
        ranges: &[(i64, i64)],
    ) -> Result<Vec<u32>, CircuitError> {
        let base = self.base(node.output);
        let bounds = (requantization.min - base, requantization.max - base);
        let int32 = |channel: usize, (low, high): (i64, i64)| {
            let range = (i32::try_from(low).ok()).zip(i32::try_from(high).ok());
            range.ok_or_else(|| CircuitError::AccumulatorRange {
                node: node.name.clone(),
                output: channel,
            })
        };
        // Channels with one multiplier have one function.
        let mut alls: BTreeMap<u32, (i64, i64, usize)> = BTreeMap::new();
        for (channel, &(low, high)) in ranges.iter().enumerate() {
            let all = alls
                .entry(requantization.multiplier(channel).to_bits())
                .or_insert((low, high, channel));
            (all.0, all.1) = (all.0.min(low), all.1.max(high));
        }
        let mut functions = BTreeMap::new();
        for (multiplier, (low, high, channel)) in alls {
            let range = int32(channel, (low, high))?;
            let steps = Steps::find(requantization, channel, base, range);
            functions.insert(multiplier, self.function((low, high), &steps));
        }
        let find = |(channel, &range): (usize, &(i64, i64))| -> Result<Steps, CircuitError> {
            Ok(Steps::find(requantization, channel, base, int32(channel, range)?))
        };
        let steps = parallel::each(ranges.iter().enumerate(), find);
        let mut rules = Vec::new();
        for (channel, (&range, steps)) in ranges.iter().zip(steps).enumerate() {
            let steps = steps?;
            let function = functions[&requantization.multiplier(channel).to_bits()];
            let levels = Levels::Steps(Monotone { steps, function });
            rules.push(self.rule(Rule { range, levels, activation: clamp(bounds), values: None }));
        }
        Ok(rules)
    }

    /// Any monotone function of the accumulator as a rule.
    pub(super) fn monotone(
        &mut self,
        level: impl Fn(i32) -> i32,
        bounds: (i32, i32),
        multiplier: f64,
        (low, high): (i32, i32),
    ) -> u32 {
        let steps = Steps::of(level, bounds, multiplier, (low, high));
        let range = (i64::from(low), i64::from(high));
        let function = self.function(range, &steps);
        let levels = Levels::Steps(Monotone { steps, function });
        self.rule(Rule { range, levels, activation: clamp(bounds), values: None })
    }
}

pub(super) fn clamp((min, max): (i32, i32)) -> Activation {
    let byte = |bound: i32| u8::try_from(bound.clamp(0, 255)).expect("clamped between two bytes");
    Activation { min: byte(min), max: byte(max), table: None }
}

pub(super) fn slope(mean: &Mean, count: usize) -> f64 {
    #[allow(clippy::cast_precision_loss)]
    let count = count as f64;
    f64::from(mean.scale) / count / f64::from(mean.output_scale)
}
