//! Tables, sums and products, element by element.

use super::{
    Lowering, Value,
    read::{constant, read_cell},
    rules::clamp,
};
use crate::circuit::{
    activation::byte,
    graph::{Cell, Kind, Place, Scan, Term, Weight, index},
    rule::{Levels, Rule, Sum},
};
use crate::model::{Add, Mul, Node, Operand, TensorId};
use std::collections::BTreeMap;

/// Sums with more constants are divisions: a table per constant would fill the table.
const MOST_TABLES: usize = 4;

impl Lowering<'_> {
    pub(super) fn add(&mut self, node: &Node, add: &Add) -> usize {
        let base = self.base(node.output);
        if let Operand::Constant(constants) = &add.operand {
            let low = self.base(node.inputs[0]);
            let mut distinct = constants.clone();
            distinct.sort_unstable();
            distinct.dedup();
            if distinct.len() > MOST_TABLES && add.left > 0.0 {
                return self.add_constants(node, add, constants);
            }
            let values = |constant: i32| (0..256).map(|x| add.apply(x + low, constant)).collect();
            return self.by_constant(node, constants, values);
        }
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let scan_of = |lowering: &Self, tensor: TensorId| match lowering.values[tensor.0] {
            Some(Value::Block(block)) => Some(lowering.net.blocks[block].scan),
            _ => None,
        };
        // Both operands are cut alike, so that an output has the same place for both.
        let scan = [left, right].into_iter().filter_map(|tensor| scan_of(self, tensor));
        let scan = scan.filter(|scan| scan.is_injective()).find(|&scan| scan != Scan::Flat);
        let scan = scan.unwrap_or_else(|| self.lines(left));
        let mut blocks = [left, right].map(|tensor| self.cut(node, tensor, scan));
        if blocks[0] == blocks[1] {
            // A run has one term for a place.
            let sources = self.sources(right);
            blocks[1] = self.copy(&node.name, &sources, scan);
        }
        let sum = Sum::new(add, [self.base(left), self.base(right)], base);
        let rule = self.rule(Rule {
            range: (0, 0),
            levels: Levels::Sum(Box::new(sum)),
            activation: clamp((add.min - base, add.max - base)),
            values: None,
        });
        let runs = self.net.blocks[blocks[0]].runs.len();
        let first = self.omegas(runs);
        let mut cells = Vec::new();
        for run in 0..runs {
            let omega = first + index(run);
            for (operand, &block) in blocks.iter().enumerate() {
                self.net.blocks[block].runs[run].terms.push(Term {
                    place: Place { omega, at: [0, 0] },
                    weight: Weight::Operand { rule, operand },
                });
            }
            for &(element, at) in &self.net.blocks[blocks[0]].runs[run].elements {
                cells.push(Cell {
                    kind: Kind::Made { rule, bias: 0 },
                    place: Some(Place { omega, at }),
                    element: Some(element),
                });
            }
        }
        cells.sort_by_key(|cell| cell.element);
        let scan = self.scan(node.output, scan, |_| true);
        self.block(&node.name, cells.len(), scan, cells, 1)
    }

    /// A sum with constants, whose rules share their clamp.
    fn add_constants(&mut self, node: &Node, add: &Add, constants: &[i32]) -> usize {
        let [low, base] = [node.inputs[0], node.output].map(|tensor| self.base(tensor));
        let bounds = (add.min - base, add.max - base);
        let mut rules = BTreeMap::new();
        for &constant in constants {
            rules.entry(constant).or_insert_with(|| {
                let level = |x: i32| add.apply(x + low, constant) - base;
                self.monotone(level, bounds, add.left.into(), (0, 255))
            });
        }
        self.elementwise(node, |element| rules[&constants[element]])
    }

    pub(super) fn mul(&mut self, node: &Node, mul: &Mul) -> usize {
        let base = self.base(node.output);
        if let Operand::Constant(constants) = &mul.operand {
            let quantization = self.graph.tensors[node.inputs[0].0].quantization;
            let low = quantization.element.range().0 - quantization.zero_point;
            let values = |constant: i32| {
                (0..256).map(|x| mul.apply(x + low, constant - mul.operand_zero_point)).collect()
            };
            return self.by_constant(node, constants, values);
        }
        let [left, right] = [node.inputs[0], node.inputs[1]];
        let zeros = [left, right].map(|tensor| self.zero_byte(tensor));
        let reach = zeros.map(|zero| [-zero, 255 - zero]);
        let products = reach[0].iter().flat_map(|a| reach[1].iter().map(move |b| a * b));
        let range = (products.clone().min().unwrap_or(0), products.max().unwrap_or(0));
        let rule = self.monotone(
            |product| mul.apply(product, 1) - base,
            (mul.min - base, mul.max - base),
            mul.multiplier.into(),
            range,
        );
        let mut sources = self.sources(left);
        let len = sources.len();
        sources.extend(self.sources(right));
        let (places, spills) = self.read(&sources);
        let mut cells = Vec::new();
        for element in 0..len {
            cells.push(read_cell(sources[element], places[element]));
            let right = read_cell(sources[len + element], places[len + element]);
            let kind = match right.kind {
                Kind::Read { constant } => Kind::Pair { constant },
                other => other,
            };
            cells.push(Cell { kind, ..right });
            cells.push(Cell {
                kind: Kind::Product { rule, zeros },
                place: None,
                element: Some(index(element)),
            });
        }
        let natural = self.lines(node.output);
        let scan = self.scan(node.output, natural, |_| true);
        let block = self.block(&node.name, len, scan, cells, 3);
        self.spill(block, spills);
        block
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

    /// A function of each element that a constant chooses.
    fn by_constant(
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

    /// A rule per element.
    fn elementwise(&mut self, node: &Node, rule: impl Fn(usize) -> u32) -> usize {
        let sources = self.sources(node.inputs[0]);
        let (places, spills) = self.read(&sources);
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
        self.spill(block, spills);
        block
    }
}
