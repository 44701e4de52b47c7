//! How many rows a circuit has at least, and which nodes take them: counted before any layout is made. Planning for a
//! model that no circuit has room for takes long, and all for nothing.

use super::shape::{LARGEST_K, SMALLEST_K, WIDEST, longest_table};
use super::table::fits::{self, Slope};
use super::wiring::{Kind, Net, Term, Weight};
use crate::model::{Model, Operator, Port};
use std::collections::BTreeMap;

/// The least rows that any layout of a circuit has.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Needs {
    /// Of all nodes together.
    pub rows: usize,
    /// log₂ of the rows of a circuit that has as many.
    pub k: u32,
    /// By node, those with the most first.
    pub by_node: Vec<(String, usize)>,
}

impl Needs {
    /// Adds up rows, each with the node that takes them.
    fn sum<'a>(rows_by_node: impl Iterator<Item = (&'a str, usize)>) -> Self {
        let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
        for (node, rows) in rows_by_node {
            let sum = by_node.entry(node).or_default();
            // A file may claim numbers of any size.
            *sum = sum.saturating_add(rows);
        }
        let rows = by_node.values().copied().fold(0, usize::saturating_add);
        let named = |(node, rows): (&str, usize)| (node.to_owned(), rows);
        let mut by_node: Vec<_> = by_node.into_iter().map(named).collect();
        by_node.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        Self { rows, k: least_k(rows), by_node }
    }

    /// Of a model whose graph is not lowered yet: every input, and every result that is not a mere view or table of
    /// another one, lies on a row of its own.
    pub(super) fn of_model(model: &Model) -> Self {
        let tensors = &model.graph.tensors;
        let input = |port: &Port| tensors[port.tensor.0].len();
        let inputs = model.inputs.iter().map(|port| (port.name.as_str(), input(port)));
        let results = model.graph.nodes.iter().map(|node| match &node.operator {
            Operator::View(_) | Operator::Table(_) | Operator::Tables(_) => (node.name.as_str(), 0),
            _ => (node.name.as_str(), tensors[node.output.0].len()),
        });
        Self::sum(inputs.chain(results))
    }

    /// Of a net, at the most weights to a row.
    pub(super) fn of_net(net: &Net) -> Self {
        Self::sum(net.blocks.iter().map(|block| {
            // What is 0 takes no row.
            let is_there = |term: &&Term| term.weight != Weight::Integer(0);
            let weights = (block.runs.iter())
                .map(|run| run.terms.iter().filter(is_there).count().div_ceil(WIDEST));
            (block.name.as_str(), block.cells.len() + weights.sum::<usize>())
        }))
    }

    /// Of a net's table: functions that have no line are read from rows of their own.
    pub(super) fn of_table(net: &Net, slopes: &[Option<Slope>]) -> Self {
        let cells =
            net.blocks.iter().flat_map(|block| block.cells.iter().map(move |cell| (block, cell)));
        let mut node_of = vec![""; net.rules.len()];
        for (block, cell) in cells {
            if let Kind::Made { rule, .. }
            | Kind::Product { rule, .. }
            | Kind::Average { rule, .. } = cell.kind
            {
                node_of[rule as usize] = &block.name;
            }
        }
        let rows = fits::least_rows(net, slopes);
        Self::sum(rows.into_iter().map(|(rule, rows)| (node_of[rule], rows)))
    }

    /// The same with more rows that are those of no node.
    pub(super) fn at_least(self, rows: usize) -> Self {
        let rows = self.rows.max(rows);
        Self { rows, k: least_k(rows), ..self }
    }

    /// Whether some circuit has as many rows.
    pub fn fit(&self) -> bool {
        self.k <= LARGEST_K
    }

    /// Which node takes most rows, in brackets.
    pub(super) fn most(&self) -> String {
        let (node, rows) = match self.by_node.first() {
            Some((node, rows)) if *rows > 0 => (node, rows),
            _ => return String::new(),
        };
        format!(" (most of them, {rows}, of node `{node}`)")
    }
}

/// The k of the shortest domain with so many rows.
fn least_k(rows: usize) -> u32 {
    let fits = |&k: &u32| longest_table(k, 1) >= rows;
    (SMALLEST_K..usize::BITS - 1).find(fits).unwrap_or(usize::BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::CircuitError;

    #[test]
    fn refusals_tell_the_k_that_would_do_and_what_takes_the_rows() {
        let most = longest_table(LARGEST_K, 1);
        assert!(Needs::sum([("conv", most - 5), ("relu", 5)].into_iter()).fit());
        let needs = Needs::sum([("relu", 5), ("conv", most), ("conv", 1)].into_iter());
        assert_eq!((needs.rows, needs.k), (most + 6, LARGEST_K + 1));
        let error = CircuitError::check(needs).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{}, of node `conv`", most + 1))
                && error.contains("k = 21 would do"),
            "{error}"
        );
        assert!(!Needs::sum([("a", usize::MAX), ("b", usize::MAX)].into_iter()).fit());
    }
}
