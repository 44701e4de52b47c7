//! Table, Tables: functions of each element, fused into the block before where nothing else takes it.

use super::{
    lowering::{Lowering, Value, constant},
    rules::clamp,
};
use crate::circuit::{
    activation::byte,
    table::rules::{Levels, Rule},
    wiring::{Cell, Kind, index},
};
use crate::model::{Node, TensorId};
use std::collections::{BTreeMap, BTreeSet};

/// With more constants, functions are divisions where they can be: a table per constant would fill the table.
const MOST_TABLES: usize = 4;

/// Whether there are so many different constants.
pub(super) fn has_many(constants: &[i32]) -> bool {
    constants.iter().collect::<BTreeSet<_>>().len() > MOST_TABLES
}

impl Lowering<'_> {
    /// A table per element.
    pub(super) fn tables(
        &mut self,
        node: &Node,
        tables: &[&[i32]],
        selector: impl Fn(usize) -> usize,
    ) -> usize {
        let element = self.graph.tensors[node.output.0].quantization.element;
        let rules: Vec<u32> = tables
            .iter()
            .map(|values| {
                let bytes = values.iter().filter_map(|&v| byte(v, element).map(u32::from));
                self.rule(Rule {
                    range: (0, 255),
                    levels: Levels::Table(bytes.collect()),
                    activation: clamp((0, 255)),
                    values: None,
                })
            })
            .collect();
        self.elementwise(node, |element| rules[selector(element)])
    }

    /// Composes a table behind the only rule of the block that it alone takes.
    pub(super) fn fuse(&mut self, node: &Node, values: &[i32]) -> Option<usize> {
        let (block, rules) = self.own_rules(node.inputs[0])?;
        let element = self.graph.tensors[node.output.0].quantization.element;
        let next: Vec<u8> = values.iter().filter_map(|&value| byte(value, element)).collect();
        for rule in rules {
            let rule = &mut self.net.rules[rule as usize];
            match &mut rule.levels {
                Levels::Table(table) => {
                    table.iter_mut().for_each(|byte| *byte = next[*byte as usize].into());
                }
                _ => rule.activation.then(&next),
            }
        }
        // What the table's takers wish for holds for the block.
        let block_scan = self.net.blocks[block].scan;
        let scan = self.scan(node.output, block_scan, |_| true);
        let len = self.net.blocks[block].len;
        self.net.blocks[block].runs = scan.runs(len);
        self.net.blocks[block].scan = scan;
        Some(block)
    }

    /// The block of a tensor that a single operator takes, and the rules that make all its elements.
    pub(super) fn own_rules(&self, tensor: TensorId) -> Option<(usize, Vec<u32>)> {
        let Some(Value::Block(block)) = self.values[tensor.0] else { return None };
        // A reshaped tensor is in the same block.
        let is_own = (self.values.iter().zip(&self.uses)).all(|(value, &uses)| {
            !matches!(value, Some(Value::Block(b)) if *b == block) || uses == 1
        });
        if !is_own {
            return None;
        }
        let rules: Option<Vec<u32>> = (self.net.blocks[block].cells.iter())
            .filter(|cell| cell.element.is_some())
            .map(|cell| match cell.kind {
                Kind::Made { rule, .. }
                | Kind::Product { rule, .. }
                | Kind::Average { rule, .. } => Some(rule),
                _ => None,
            })
            .collect();
        let mut rules = rules?;
        rules.sort_unstable();
        rules.dedup();
        Some((block, rules))
    }

    /// A function of each element that a constant chooses.
    pub(super) fn by_constant(
        &mut self,
        node: &Node,
        constants: &[i32],
        values: impl Fn(i32) -> Vec<i32>,
    ) -> usize {
        let mut distinct = constants.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let tables: Vec<Vec<i32>> = distinct.iter().map(|&constant| values(constant)).collect();
        let tables: Vec<&[i32]> = tables.iter().map(|table| &table[..]).collect();
        let selector = |element: usize| {
            distinct.binary_search(&constants[element]).expect("it is one of the constants")
        };
        self.tables(node, &tables, selector)
    }

    /// A monotone function of each element that a constant chooses, given by its level and slope: divisions that share
    /// their clamp.
    pub(super) fn monotone_by_constant<L: Fn(i32) -> i32>(
        &mut self,
        node: &Node,
        constants: &[i32],
        bounds: (i32, i32),
        of: impl Fn(i32) -> (L, f64),
    ) -> usize {
        let mut rules = BTreeMap::new();
        for &constant in constants {
            rules.entry(constant).or_insert_with(|| {
                let (level, slope) = of(constant);
                self.monotone(level, bounds, slope, (0, 255))
            });
        }
        self.elementwise(node, |element| rules[&constants[element]])
    }

    /// A rule per element.
    pub(super) fn elementwise(&mut self, node: &Node, rule: impl Fn(usize) -> u32) -> usize {
        let sources = self.sources(node.inputs[0]);
        let (places, border_cells) = self.read(&sources);
        let cells =
            sources.iter().zip(places).enumerate().map(|(element, (&source, place))| Cell {
                kind: Kind::Made { rule: rule(element), bias: constant(source).into() },
                place: Some(place),
                element: Some(index(element)),
            });
        let cells: Vec<Cell> = cells.collect();
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, cells.len(), scan, cells, 1);
        self.border_cell(block, border_cells);
        block
    }
}
