//! Token ids: an embedding's row is a sum over all tokens, of which one counts.

use crate::model::{
    ImportOptions,
    import::float_constant,
    onnx::{DataType, ModelProto, OperatorSetIdProto},
    quantize::parts::{Parts, int_of, ints},
};

/// Brings `Gather(rows, ids)` of an input of whole numbers to a product.
pub(in crate::model::quantize) fn embed(file: &mut ModelProto, import: &ImportOptions<'_>) {
    let Some(graph) = &mut file.graph else { return };
    let mut next = 0;
    while next < graph.node.len() {
        let position = next;
        next += 1;
        let node = graph.node[position].clone();
        let ([rows, ids], [output]) = (node.input.as_slice(), node.output.as_slice()) else {
            continue;
        };
        let is_whole = graph.input.iter().any(|port| {
            let tensor = port.r#type.as_ref().and_then(|own| own.tensor_type.as_ref());
            port.name == *ids
                && tensor.is_some_and(|own| own.elem_type == i32::from(DataType::Int64))
        });
        if node.op_type != "Gather" || int_of(&node, "axis", 0) != 0 || !is_whole {
            continue;
        }
        let Some(constant) = float_constant(graph, rows, import) else { continue };
        let (&[count, _], mut parts) = (constant.shape.as_slice(), Parts::new(graph, &node)) else {
            continue;
        };
        let Ok(end) = i64::try_from(count) else { continue };
        let categories = ints("cats_int64s", (0..end).collect());
        let one = parts.node("OneHotEncoder", &[ids], vec![categories]);
        if let Some(last) = parts.last() {
            last.domain = "ai.onnx.ml".into();
        }
        parts.named("MatMul", &[&one, rows], Vec::new(), output);
        graph.node.splice(position..=position, parts.nodes);
    }
    let domain = "ai.onnx.ml";
    let has_nodes = (file.graph.iter()).any(|graph| graph.node.iter().any(|n| n.domain == domain));
    if has_nodes && !file.opset_import.iter().any(|set| set.domain == domain) {
        let own = OperatorSetIdProto { domain: domain.into(), version: 3 };
        file.opset_import.push(own);
    }
}
