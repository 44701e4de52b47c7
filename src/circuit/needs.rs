//! How many rows a circuit has at least, and which nodes take them: counted before any layout is made. Planning for a
//! model that no circuit has room for takes long, and all for nothing.

use super::shape::{LARGEST_K, SMALLEST_K, WIDEST, longest_table, most_abreast};
use super::table::fits::{self, Slope};
use super::wiring::{Kind, MOST_BORDER_CELLS, Net, Position, Weight};
use crate::model::{Conv, MatMul, Model, Operator, Port, Window};
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
    /// another one, lies on a row of its own, or shares it with as many as can be; weights and what products read lie on
    /// others. What large weights become is larger than they are: that there is no room for them is known before.
    pub(super) fn of_model(model: &Model, packed: bool) -> Self {
        let tensors = &model.graph.tensors;
        let values = most_abreast(packed);
        let len = |port: &Port| tensors[port.tensor.0].len() / values;
        let inputs = model.inputs.iter().map(|port| (port.name.as_str(), len(port)));
        let results = model.graph.nodes.iter().map(|node| match &node.operator {
            Operator::View(_) | Operator::Table(_) | Operator::Tables(_) => (node.name.as_str(), 0),
            _ => (node.name.as_str(), tensors[node.output.0].len() / values),
        });
        let nodes = model.graph.nodes.iter();
        let operands = nodes.map(|node| (node.name.as_str(), operand_rows(&node.operator, values)));
        let mut rows: Vec<_> = inputs.chain(results).chain(operands).collect();
        // A public byte lies on a row of its own, also where it is read from a few ones again and again.
        let sum = rows.iter().map(|(_, rows)| rows).fold(0, |sum: usize, &n| sum.saturating_add(n));
        let outputs = model.outputs.iter().map(|port| (port.name.as_str(), len(port)));
        rows.extend(
            outputs.max_by_key(|(_, len)| *len).map(|(name, len)| (name, len.saturating_sub(sum))),
        );
        Self::sum(rows.into_iter())
    }

    /// Of so many rows of one node.
    pub(super) fn of_rows(node: &str, rows: usize) -> Self {
        Self::sum(std::iter::once((node, rows)))
    }

    /// Of a net, at the most weights and values to a row.
    pub(super) fn of_net(net: &Net) -> Self {
        let values = most_abreast(net.sums_words);
        Self::sum(net.blocks.iter().map(|block| {
            let weights = block.runs.iter().map(|run| {
                let terms = run.terms.iter().filter(|term| term.weight != Weight::Integer(0));
                let mut positions: Vec<Position> = terms.map(|term| term.place.at).collect();
                positions.sort_unstable();
                weight_rows(positions.chunk_by(|one, next| one == next).map(<[_]>::len))
            });
            let abreast = block.cells.iter().filter(|cell| cell.kind.may_be_abreast()).count();
            let cells = block.cells.len() - abreast + abreast.div_ceil(values);
            (block.name.as_str(), cells + weights.sum::<usize>())
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

/// The least rows of a node's weights, and of the elements that it reads, `values` of which may share a row.
fn operand_rows(operator: &Operator, values: usize) -> usize {
    match operator {
        Operator::Gemm(gemm) => {
            // A run for each column.
            let mut counts = vec![0; gemm.inputs];
            let rows = gemm.weights.chunks(gemm.inputs.max(1));
            rows.for_each(|weights| count_weights(&mut counts, weights));
            weight_rows(counts)
        }
        Operator::Conv(conv) => {
            let Window { input, strides, .. } = &conv.window;
            // With longer strides there are taps that see nothing.
            let sees_all = (0..2).all(|axis| strides[axis] <= input[axis]);
            let (inputs, outputs) = (conv.inputs / conv.group, conv.outputs / conv.group);
            let taps = conv.window.len().max(1);
            // Each tap of a plane is at a position of its own.
            let mut counts = vec![0; conv.inputs * taps];
            for (number, weights) in conv.weights.chunks(taps).enumerate() {
                let (output, input) = (number / inputs, number % inputs);
                let plane = output / outputs * inputs + input;
                count_weights(&mut counts[plane * taps..][..taps], weights);
            }
            // Members of a batch can share them.
            let rows = if sees_all { weight_rows(counts) } else { 0 };
            rows.saturating_add(border_rows(conv) / values)
        }
        Operator::ConvTranspose(conv) => {
            let (taps, outputs) = (conv.window.len().max(1), conv.outputs / conv.group);
            let mut counts = vec![0; conv.inputs * taps];
            let planes = counts.chunks_mut(taps).zip(conv.weights.chunks(taps * outputs.max(1)));
            for (counts, weights) in planes {
                weights.chunks(taps).for_each(|weights| count_weights(counts, weights));
            }
            weight_rows(counts).saturating_mul(conv.batch)
        }
        Operator::MatMul(MatMul { batch, rows, inner, columns, .. }) => {
            (batch * inner).saturating_mul(rows + columns)
        }
        // One element after the other, the last of which is the result.
        Operator::MaxPool(pool) => {
            let [height, width] = pool.window.output;
            let more = pool.window.seen().saturating_sub(height * width);
            pool.planes.saturating_mul(more) / values
        }
        Operator::ReduceMax(reduce) => {
            let more = (reduce.outer * reduce.inner).saturating_mul(reduce.length.max(1) - 1);
            more / values
        }
        _ => 0,
    }
}

/// Counts weights by their place. Those of 0 take no room.
fn count_weights(counts: &mut [usize], weights: &[i32]) {
    counts.iter_mut().zip(weights).for_each(|(count, weight)| *count += usize::from(*weight != 0));
}

/// The least rows of what a convolution contributes beyond its border.
fn border_rows(conv: &Conv) -> usize {
    let [reached, output] = [conv.window.reached(), conv.window.output]
        .map(|[height, width]| height.saturating_mul(width));
    // A row takes a position's cells of a few planes.
    let rows = conv.batch.saturating_mul(conv.outputs).div_ceil(MOST_BORDER_CELLS);
    rows.saturating_mul(reached.saturating_sub(output))
}

/// Rows of weights: each run of values has its own at each position.
fn weight_rows(counts: impl IntoIterator<Item = usize>) -> usize {
    counts.into_iter().map(|count| count.div_ceil(WIDEST)).sum()
}

/// The k of the shortest domain with so many rows.
fn least_k(rows: usize) -> u32 {
    let fits = |&k: &u32| longest_table(k, 1) >= rows;
    (SMALLEST_K..usize::BITS - 1).find(fits).unwrap_or(usize::BITS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{
        CircuitError, InstanceLayout,
        tests::models::{self, Builder},
    };

    /// What is counted before anything is lowered is no more than what there is.
    #[test]
    fn models_need_no_fewer_rows_than_counted_at_first() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/test/fixtures/models");
        for folder in std::fs::read_dir(folder).expect("fixtures") {
            let file = folder.expect("a folder").path().join("int8_qdq.onnx");
            let Ok(bytes) = std::fs::read(&file) else { continue };
            let model = Model::from_onnx("model", &bytes).expect("a model");
            check(&file.display().to_string(), &model);
        }
        for (name, model) in models::all() {
            check(name, &model);
        }
        // All that is beyond the border of strided, dilated and grouped windows.
        for (strides, dilations, pads) in [([2, 3], [1, 2], [2, 1]), ([1, 2], [3, 1], [0, 3])] {
            let mut builder = Builder::new(3, &[2, 4, 9, 11]);
            let window = (strides, dilations, pads);
            let conv = builder.conv(builder.last(), (6, 2), [3, 2], window, vec![0.002]);
            builder.conv_transpose(conv, 5);
            check(&format!("{window:?}"), &builder.model());
        }
    }

    fn check(name: &str, model: &Model) {
        let net = Net::new(model, &InstanceLayout::of_model(model, false)).expect("it has a net");
        for packed in [false, true] {
            let net = Net { sums_words: packed, ..net.clone() };
            let [first, all] = [Needs::of_model(model, packed), Needs::of_net(&net)];
            assert!(first.rows <= all.rows, "{name}: {first:?}, {all:?}");
        }
    }

    /// Neither its weights nor its results, but what lies beyond its border.
    #[test]
    fn convolution_with_a_border_that_no_circuit_has_room_for_is_refused_at_once() {
        let mut builder = Builder::new(3, &[1, 1, 1024, 1024]);
        let window = ([1, 1], [1, 1], [400, 400]);
        builder.conv(builder.last(), (1, 1), [801, 801], window, vec![0.002]);
        let needs = Needs::of_model(&builder.model(), false);
        let [plane, border, weights] = [1024 * 1024, 1824 * 1824 - 1024 * 1024, 801 * 801];
        // Some weights are 0.
        let most = 2 * plane + border + weights;
        assert!((most - weights / 50..=most).contains(&needs.rows), "{needs:?}");
        assert!(!needs.fit() && 2 * plane + weights < longest_table(LARGEST_K, 1));
    }

    #[test]
    fn refusals_tell_the_k_that_would_do_and_what_takes_the_rows() {
        let most = longest_table(LARGEST_K, 1);
        assert!(Needs::sum([("conv", most - 5), ("relu", 5)].into_iter()).fit());
        let needs = Needs::sum([("relu", 5), ("conv", most), ("conv", 1)].into_iter());
        assert_eq!((needs.rows, needs.k), (most + 6, LARGEST_K + 1));
        let error = CircuitError::check(needs).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{}, of node `conv`", most + 1))
                && error.contains(&format!("k = {} would do", LARGEST_K + 1)),
            "{error}"
        );
        assert!(!Needs::sum([("a", usize::MAX), ("b", usize::MAX)].into_iter()).fit());
    }
}
