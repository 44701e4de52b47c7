//! Token ids: an embedding's row is a sum over all tokens, of which one counts.

use super::{
    one_hot::{Given, input, one_hot},
    picked,
};
use crate::model::{
    ImportOptions,
    import::{FloatConstant, float_constant, long_constant},
    onnx::{GraphProto, ModelProto, NodeProto},
    quantize::parts::{Parts, Shapes, int, int_of, ints, live},
};

/// Brings `Gather(rows, ids)` and GatherElements of an input of whole numbers to products, and `OneHot(ids, depth, [off, on])` to
/// OneHotEncoder. Ids that are computed are compared with each place.
pub(in crate::model::quantize) fn embed(file: &mut ModelProto, import: &ImportOptions<'_>) {
    replace(file, import, &["Gather", "GatherElements", "OneHot"]);
}

/// Brings `Equal(ids, id)` to an element of what OneHotEncoder makes of them.
pub(in crate::model::quantize) fn compare(file: &mut ModelProto, import: &ImportOptions<'_>) {
    replace(file, import, &["Equal"]);
}

fn replace(file: &mut ModelProto, import: &ImportOptions<'_>, operators: &[&str]) {
    let Some(graph) = &file.graph else { return };
    let (mut next, live) = (0, live(graph));
    while let Some(node) = file.graph.as_ref().and_then(|graph| graph.node.get(next)).cloned() {
        let position = next;
        next += 1;
        let is_live = node.input.iter().any(|name| live.contains(name));
        if !operators.contains(&node.op_type.as_str()) || !is_live {
            continue;
        }
        let Some(graph) = &file.graph else { return };
        let mut parts = Parts::new(graph, &node);
        let given = Given { graph, shapes: &Shapes { file, import }, live: &live };
        if take_apart(given, &node, &mut parts).is_none() {
            continue;
        }
        let Some(graph) = &mut file.graph else { return };
        graph.initializer.extend(parts.initializers);
        graph.node.splice(position..=position, parts.nodes);
    }
}

fn take_apart(given: Given<'_>, node: &NodeProto, parts: &mut Parts) -> Option<()> {
    let [y] = node.output.as_slice() else { return None };
    let (graph, import) = (given.graph, given.shapes.import);
    match (node.op_type.as_str(), node.input.as_slice()) {
        ("Gather", [rows, ids]) => match float_constant(graph, rows, import) {
            Some(FloatConstant { shape, .. })
                if shape.len() == 2 && int_of(node, "axis", 0) == 0 =>
            {
                let one = one_hot(given, ids, i64::try_from(shape[0]).ok()?, parts)?;
                parts.named("MatMul", &[&one, rows], Vec::new(), y);
            }
            _ => picked::gather(given, node, parts)?,
        },
        ("OneHot", [ids, depth, values]) => {
            let axis = int_of(node, "axis", -1);
            let behind = match axis {
                -1 => 0,
                _ => {
                    let rank = i64::try_from(given.shapes.of(ids)?.len() + 1).ok()?;
                    let axis = if axis < 0 { axis + rank } else { axis };
                    usize::try_from(rank - 1 - axis).ok().filter(|_| axis >= 0)?
                }
            };
            let &[depth] = long_constant(graph, depth)?.as_slice() else { return None };
            let &[off, on] = float_constant(graph, values, import)?.values.as_slice() else {
                return None;
            };
            let mut one = one_hot(given, ids, depth, parts)?;
            if behind > 0 {
                // Its places are the last axis, and belong before as many others.
                let last = i64::try_from(given.shapes.of(ids)?.len()).ok()?;
                let mut order: Vec<i64> = (0..last).collect();
                order.insert(order.len() - behind, last);
                one = parts.node("Transpose", &[&one], vec![ints("perm", order)]);
            }
            if (off, on) == (0.0, 1.0) {
                parts.named("Identity", &[&one], Vec::new(), y);
            } else {
                let [by, off] = [on - off, off].map(|value| parts.floats(&[], &[value]));
                let scaled = parts.node("Mul", &[&one, &by], Vec::new());
                parts.named("Add", &[&scaled, &off], Vec::new(), y);
            }
        }
        ("GatherElements", [data, ids]) => match alike(graph, data) {
            // It does not matter which is read.
            Some(first) if given.live.contains(ids) && input(graph, ids).is_none() => {
                let (shape, value) =
                    (parts.node("Shape", &[ids], Vec::new()), parts.integers_of(&[], &[first]));
                parts.named("Expand", &[&value, &shape], Vec::new(), y);
            }
            _ => picked::gather_elements(given, node, parts)?,
        },
        ("Equal", [ids, id]) => {
            let &[id] = long_constant(graph, id)?.as_slice() else { return None };
            let source = input(graph, ids)?;
            // As many as its embedding has rows.
            let count = graph.node.iter().find_map(|own| {
                let [rows, ids] = own.input.as_slice() else { return None };
                let is_row = own.op_type == "MatMul" && is_one_hot(graph, rows, source);
                let is_read = own.op_type == "Gather" && input(graph, ids) == Some(source);
                let table = if is_row { ids } else { rows };
                let shape = (is_row || is_read).then(|| float_constant(graph, table, import))?;
                i64::try_from(*shape?.shape.first()?).ok()
            })?;
            if !(0..count).contains(&id) {
                return None;
            }
            let one = one_hot(given, ids, count, parts)?;
            let (id, half) = (parts.integers_of(&[], &[id]), parts.floats(&[], &[0.5]));
            let is = parts.node("Gather", &[&one, &id], vec![int("axis", -1)]);
            parts.named("Greater", &[&is, &half], Vec::new(), y);
        }
        _ => return None,
    }
    Some(())
}

/// The one number that all elements of a constant are.
fn alike(graph: &GraphProto, name: &str) -> Option<i64> {
    let values = long_constant(graph, name)?;
    let &first = values.first()?;
    values.iter().all(|&own| own == first).then_some(first)
}

fn is_one_hot(graph: &GraphProto, name: &str, given: &str) -> bool {
    let maker = graph.node.iter().find(|node| node.output.iter().any(|own| own == name));
    maker.is_some_and(|node| {
        node.op_type == "OneHotEncoder" && node.input.first().is_some_and(|own| own == given)
    })
}
