//! How many rows a circuit has at least, before it is planned: planning for a model that no circuit has room for takes
//! long, and all for nothing.

use super::{
    CircuitError,
    shape::{LARGEST_K, longest_table},
};
use crate::model::{Model, Operator};
use std::collections::BTreeMap;

/// Refuses models that need more rows than any circuit has: every input, and every result that is not a mere view or
/// table of another one, lies on a row of its own.
pub(super) fn check_model(model: &Model) -> Result<(), CircuitError> {
    let tensors = &model.graph.tensors;
    let inputs = model.inputs.iter().map(|port| (port.name.as_str(), tensors[port.tensor.0].len()));
    let results = model.graph.nodes.iter().map(|node| match &node.operator {
        Operator::View(_) | Operator::Table(_) | Operator::Tables(_) => (node.name.as_str(), 0),
        _ => (node.name.as_str(), tensors[node.output.0].len()),
    });
    check(inputs.chain(results))
}

/// Refuses more rows than any circuit has, given by the nodes that take them.
pub(super) fn check<'a>(
    rows_by_node: impl Iterator<Item = (&'a str, usize)>,
) -> Result<(), CircuitError> {
    let mut by_node: BTreeMap<&str, usize> = BTreeMap::new();
    for (node, rows) in rows_by_node {
        let sum = by_node.entry(node).or_default();
        *sum = sum.saturating_add(rows);
    }
    let rows = by_node.values().copied().fold(0, usize::saturating_add);
    if rows <= longest_table(LARGEST_K, 1) {
        return Ok(());
    }
    let most = by_node.into_iter().max_by_key(|&(_, rows)| rows).expect("some node has rows");
    let fits = |&k: &u32| longest_table(k, 1) >= rows;
    Err(CircuitError::TooLarge {
        rows,
        needed: (LARGEST_K..usize::BITS - 1).find(fits).unwrap_or(usize::BITS),
        largest: LARGEST_K,
        node: most.0.to_owned(),
        most: most.1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_tell_the_k_that_would_do_and_what_takes_the_rows() {
        let most = longest_table(LARGEST_K, 1);
        assert!(check([("conv", most - 5), ("relu", 5)].into_iter()).is_ok());
        let Err(CircuitError::TooLarge { rows, needed, largest, node, most }) =
            check([("relu", 5), ("conv", most), ("conv", 1 << LARGEST_K)].into_iter())
        else {
            panic!("too many rows are refused");
        };
        let conv = longest_table(LARGEST_K, 1) + (1 << LARGEST_K);
        assert_eq!((rows, needed, largest), (conv + 5, LARGEST_K + 1 + 1, LARGEST_K));
        assert_eq!((node.as_str(), most), ("conv", conv));
        // Numbers that a file claims may be of any size.
        assert!(check([("a", usize::MAX), ("b", usize::MAX)].into_iter()).is_err());
    }
}
