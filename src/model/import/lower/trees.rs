//! Ensembles of decision trees, with splits that are exact.
//!
//! A split compares a float with a threshold, a path is an interval for each feature that it compares. Features are
//! encoded as codes (`codes`), and from there on all is integers:
//!
//! ```text
//! bit   = clamp( code − place, 0, 1 )                    whether a feature is above one of its thresholds
//! leaf  = clamp( Σ within − (their number) + 1, 0, 1 )   whether all features are within its path's intervals
//! score = Σ value · leaf, rescaled
//! ```
//!
//! where `within` is a difference of two bits. So the path is always the file's. Only the values of leaves are
//! rounded, far below a step of the score.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use super::{
    codes::{Bit, Coding, PLAIN, Sum},
    conditions::{Asked, Condition, Place},
};
use crate::model::import::{
    Importer, RealId,
    ensemble::{Ensemble, Leaf, Tree},
    expression::Real,
};
use crate::model::{
    Conv, Exactness, Gemm, ModelError, Operator, Origin, Requantization, Tensor, TensorId, View,
    Window, limits,
};

/// Weights of a block of trees, most of which are 0.
const MOST_WEIGHTS: usize = 1 << 21;

/// Trees of a block. In larger ones the leaves that ask for a bit are farther from those that ask for the next one;
/// in smaller ones a feature contributes to its bits in more places.
const TREES_OF_A_BLOCK: usize = 4;

/// A leaf that can be reached.
struct Reachable<'a> {
    conditions: Vec<Condition>,
    leaf: &'a Leaf,
}

impl Importer<'_> {
    /// Makes the integer operators of an ensemble.
    pub(in crate::model::import) fn lower_trees(
        &mut self,
        real: &Real,
        (x, ensemble): (RealId, &Ensemble),
        (min, max): (i32, i32),
        output: Tensor,
    ) -> Result<TensorId, ModelError> {
        let trees = (ensemble.trees.iter())
            .map(|tree| self.reachable(real, x, tree))
            .collect::<Result<Vec<_>, _>>()?;
        let conditions: Vec<Condition> =
            trees.iter().flatten().flat_map(|leaf| leaf.conditions.iter().copied()).collect();
        let coding = Coding::new(self, real, &conditions)?;
        // Where nothing is compared there is nothing to prove.
        if coding.is_empty() {
            return Err(real.unsupported("trees without splits"));
        }
        let sums: Vec<Vec<Sum>> = (trees.iter())
            .map(|leaves| leaves.iter().map(|leaf| all_of(&coding, &leaf.conditions)).collect())
            .collect();
        // Blocks of trees: their leaves share bits, which stand in the order of the leaves that ask for them, as splits
        // do in a tree: from what one contributes to it is a short way to what the next one does.
        let most = |sizes: &mut dyn Iterator<Item = usize>| sizes.max().unwrap_or(0).max(1);
        let all_leaves: usize = sums.iter().map(Vec::len).sum();
        let largest = most(&mut sums.iter().map(Vec::len));
        let per_block = MOST_WEIGHTS / (all_leaves * largest).max(1);
        let per_block = per_block.clamp(1, TREES_OF_A_BLOCK);
        let sizes: Vec<usize> = sums.iter().map(Vec::len).collect();
        let members = alike(&sizes, per_block);
        let blocks: Vec<(Vec<Bit>, Vec<&Sum>)> = (members.iter())
            .map(|trees| {
                let sums: Vec<&Sum> = trees.iter().flat_map(|&tree| &sums[tree]).collect();
                (in_order(&sums), sums)
            })
            .collect();

        // Each has as many bits and leaves as the largest one; what is missing is 0.
        let groups = blocks.len();
        let splits = most(&mut blocks.iter().map(|(bits, _)| bits.len()));
        let leaves = most(&mut blocks.iter().map(|(_, sums)| sums.len()));
        limits::elements(&real.node, &[groups, splits, leaves])?;
        let tensor = |what: &str, shape: Vec<usize>| Tensor {
            name: format!("{} ({what})", output.name),
            shape,
            quantization: PLAIN,
        };
        let origin = |operator: &str, exactness, parameters| Origin {
            operator: operator.into(),
            exactness,
            parameters,
        };
        let exact = |operator: &str| origin(operator, Exactness::Exact, 0);
        let mut weights = vec![0; groups * leaves * splits];
        let mut bias = vec![0; groups * leaves];
        for (number, (bits, sums)) in blocks.iter().enumerate() {
            let places: HashMap<Bit, usize> =
                bits.iter().enumerate().map(|(at, &bit)| (bit, at)).collect();
            for (leaf, sum) in sums.iter().enumerate() {
                let leaf = number * leaves + leaf;
                for (bit, factor) in &sum.bits {
                    weights[leaf * splits + places[bit]] += factor;
                }
                bias[leaf] = sum.constant;
            }
        }
        let all: Vec<Option<Bit>> = (blocks.iter())
            .flat_map(|(bits, _)| (0..splits).map(|split| bits.get(split).copied()))
            .collect();
        let above = self.bits(real, &coding, &all, &output.name)?;
        let shaped = tensor("splits", vec![1, groups * splits, 1]);
        let above = self.add_node(
            &real.node,
            Operator::View(View::Reshape),
            vec![above],
            shaped,
            exact("Reshape"),
        )?;
        let conv = Conv {
            batch: 1,
            inputs: groups * splits,
            outputs: groups * leaves,
            group: groups,
            window: Window::of_one(),
            weights,
            bias,
            requantization: Requantization {
                multipliers: vec![1.0],
                zero_point: 0,
                min: 0,
                max: 1,
            },
        };
        let reached = self.add_node(
            &real.node,
            Operator::Conv(conv),
            vec![above],
            tensor("leaves", vec![1, groups * leaves, 1]),
            exact("And"),
        )?;
        let flat = self.add_node(
            &real.node,
            Operator::View(View::Reshape),
            vec![reached],
            tensor("leaves in a row", vec![1, groups * leaves]),
            exact("Reshape"),
        )?;

        let inputs = groups * leaves;
        let mut values = vec![0.0_f64; ensemble.targets * inputs];
        for (number, members) in members.iter().enumerate() {
            let block = members.iter().flat_map(|&tree| &trees[tree]);
            for (position, reachable) in block.enumerate() {
                for &(target, value) in &reachable.leaf.values {
                    values[target * inputs + number * leaves + position] += f64::from(value);
                }
            }
        }
        // As fine as 32 bits allow, whatever the leaves are.
        let reach = values
            .chunks(inputs)
            .zip(&ensemble.base)
            .map(|(own, base)| {
                255.0 * own.iter().map(|value| value.abs()).sum::<f64>() + f64::from(base.abs())
            })
            .fold(f64::MIN_POSITIVE, f64::max);
        let step = reach / 2_f64.powi(30);
        #[allow(clippy::cast_possible_truncation)]
        let integer = |value: f64| (value / step).round_ties_even() as i32;
        #[allow(clippy::cast_possible_truncation)]
        let multiplier = (step / f64::from(output.quantization.scale)) as f32;
        if !multiplier.is_normal() {
            return Err(real.unsupported("leaves this small"));
        }
        let gemm = Gemm {
            inputs,
            outputs: ensemble.targets,
            weights: values.iter().map(|&value| integer(value)).collect(),
            bias: ensemble.base.iter().map(|&base| integer(base.into())).collect(),
            requantization: Requantization {
                multipliers: vec![multiplier],
                zero_point: output.quantization.zero_point,
                min,
                max,
            },
        };
        let origin = origin("TreeEnsembleRegressor", Exactness::Approximate, real.parameters);
        self.add_node(&real.node, Operator::Gemm(gemm), vec![flat], output, origin)
    }

    /// The leaves that can be reached, and what for.
    fn reachable<'t>(
        &self,
        real: &Real,
        x: RealId,
        tree: &'t Tree,
    ) -> Result<Vec<Reachable<'t>>, ModelError> {
        let mut asked = Vec::new();
        for split in &tree.splits {
            let own = self.asked((x, split.feature), split.threshold, split.missing_is_above);
            asked.push(own.ok_or_else(|| {
                real.unsupported("features that are not made of one element of an input each")
            })?);
        }
        Ok((tree.leaves.iter())
            .filter_map(|leaf| {
                let steps = leaf.path.iter().map(|&(split, is_above)| (asked[split], is_above));
                Some(Reachable { conditions: path(steps)?, leaf })
            })
            .collect())
    }
}

/// What a path asks for, as few conditions as that is; `None` if nothing fulfils it.
fn path(steps: impl Iterator<Item = (Asked, bool)>) -> Option<Vec<Condition>> {
    let mut intervals: BTreeMap<Place, Condition> = BTreeMap::new();
    let mut others = Vec::new();
    for (asked, is_above) in steps {
        let condition = match (asked, is_above) {
            (Asked::Always, true) | (Asked::Never, false) => continue,
            (Asked::Always, false) | (Asked::Never, true) => return None,
            (Asked::Of(condition), true) => condition,
            (Asked::Of(condition), false) => condition.opposite(),
        };
        if condition.is_opposite {
            if !others.contains(&condition) {
                others.push(condition);
            }
            continue;
        }
        let own = intervals.entry(condition.place).or_insert(condition);
        *own = own.and(condition)?;
    }
    Some(intervals.into_values().chain(others).collect())
}

/// Blocks of so many members, whose sizes are much alike all together: the largest go first, each to where is least.
fn alike(sizes: &[usize], per_block: usize) -> Vec<Vec<usize>> {
    let mut blocks = vec![(0, Vec::new()); sizes.len().div_ceil(per_block.max(1))];
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&member| Reverse(sizes[member]));
    for member in order {
        if let Some((size, members)) = blocks.iter_mut().min_by_key(|(size, _)| *size) {
            *size += sizes[member];
            members.push(member);
        }
    }
    blocks.into_iter().map(|(_, members)| members).collect()
}

/// The bits of sums: those that are asked for first, of them those that are asked for longest.
fn in_order(sums: &[&Sum]) -> Vec<Bit> {
    let mut asked: BTreeMap<Bit, (usize, Reverse<usize>)> = BTreeMap::new();
    for (number, sum) in sums.iter().enumerate() {
        for &(bit, _) in &sum.bits {
            asked.entry(bit).or_insert((number, Reverse(number))).1 = Reverse(number);
        }
    }
    let mut bits: Vec<Bit> = asked.keys().copied().collect();
    bits.sort_by_key(|bit| asked[bit]);
    bits
}

/// 1 where all conditions hold, otherwise 0 or less.
fn all_of(coding: &Coding, conditions: &[Condition]) -> Sum {
    let mut all = Sum { constant: 1, bits: Vec::new() };
    for condition in conditions {
        let Sum { constant, bits } = coding.sum(condition);
        all.constant += constant - 1;
        all.bits.extend(bits);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_of_much_the_same_size() {
        let sizes = [9, 1, 1, 7, 2, 8, 3, 5];
        let blocks = alike(&sizes, 4);
        let sums: Vec<usize> =
            blocks.iter().map(|block| block.iter().map(|&member| sizes[member]).sum()).collect();
        assert_eq!(sums, [18, 18]);
        let mut all = blocks.concat();
        all.sort_unstable();
        assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
    }
}
