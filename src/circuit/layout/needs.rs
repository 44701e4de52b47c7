//! How many rows a model needs, and which of its nodes take them: counted before any layout is made.

use crate::circuit::shape::{LANES, SMALLEST_K, longest_table};
use crate::circuit::wiring::Net;
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
    /// Counts a net's rows at the most weights to a row.
    pub fn of(net: &Net) -> Self {
        let widest = LANES[LANES.len() - 1];
        let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
        for block in &net.blocks {
            let weights = block.runs.iter().map(|run| run.terms.len().div_ceil(widest));
            *by_node.entry(&block.name).or_default() += block.cells.len() + weights.sum::<usize>();
        }
        let rows = by_node.values().sum();
        let mut by_node: Vec<_> =
            by_node.into_iter().map(|(node, rows)| (node.to_owned(), rows)).collect();
        by_node.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let fits = |&k: &u32| longest_table(k, 1) >= rows;
        let k = (SMALLEST_K..usize::BITS - 1).find(fits).unwrap_or(usize::BITS);
        Self { rows, k, by_node }
    }
}
