//! Token ids: an embedding's row is a sum over all tokens, of which one counts.

use crate::model::{
    ImportOptions,
    import::{float_constant, long_constant},
    onnx::{DataType, ModelProto},
    quantize::parts::{Parts, int_of, ints},
};

/// No input has so many different whole numbers.
const MOST_IDS: i64 = 1 << 16;

/// Brings `Gather(rows, ids)` of an input of whole numbers to a product, and `OneHot(ids, depth, [off, on])` to
/// OneHotEncoder.
pub(in crate::model::quantize) fn embed(file: &mut ModelProto, import: &ImportOptions<'_>) {
    let Some(graph) = &mut file.graph else { return };
    let mut next = 0;
    while next < graph.node.len() {
        let position = next;
        next += 1;
        let node = graph.node[position].clone();
        let [output] = node.output.as_slice() else { continue };
        let (ids, table) = match (node.op_type.as_str(), node.input.as_slice()) {
            ("Gather", [rows, ids]) if int_of(&node, "axis", 0) == 0 => (ids, rows),
            ("OneHot", [ids, _, values]) if int_of(&node, "axis", -1) == -1 => (ids, values),
            _ => continue,
        };
        let is_whole = graph.input.iter().any(|port| {
            let tensor = port.r#type.as_ref().and_then(|own| own.tensor_type.as_ref());
            port.name == *ids
                && tensor.is_some_and(|own| own.elem_type == i32::from(DataType::Int64))
        });
        let Some(constant) = float_constant(graph, table, import).filter(|_| is_whole) else {
            continue;
        };
        let depth = node.input.get(1).and_then(|depth| long_constant(graph, depth));
        let is_gather = node.op_type == "Gather";
        let end = match (constant.shape.as_slice(), depth.as_deref()) {
            (&[count, _], _) if is_gather => i64::try_from(count).ok(),
            (&[2], Some(&[depth])) if !is_gather => Some(depth),
            _ => None,
        };
        let Some(end) = end.filter(|end| (1..=MOST_IDS).contains(end)) else { continue };
        let mut parts = Parts::new(graph, &node);
        let categories = ints("cats_int64s", (0..end).collect());
        let one = parts.node("OneHotEncoder", &[ids], vec![categories]);
        if let Some(last) = parts.last() {
            last.domain = super::DOMAIN.into();
        }
        match constant.values.as_slice() {
            _ if is_gather => parts.named("MatMul", &[&one, table], Vec::new(), output),
            &[off, on] if (off, on) != (0.0, 1.0) => {
                let [by, off] = [on - off, off].map(|value| parts.floats(&[], &[value]));
                let scaled = parts.node("Mul", &[&one, &by], Vec::new());
                parts.named("Add", &[&scaled, &off], Vec::new(), output);
            }
            _ => parts.named("Identity", &[&one], Vec::new(), output),
        }
        graph.initializer.extend(parts.initializers);
        graph.node.splice(position..=position, parts.nodes);
    }
}
