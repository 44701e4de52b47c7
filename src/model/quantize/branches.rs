//! `If` whose condition follows from the file: the branch that is always taken stands in its place.
//!
//! Exporters write one where they don't know a shape, which files mostly say.

use crate::model::{
    ImportOptions, ModelError,
    import::FloatGraph,
    onnx::{GraphProto, ModelProto, NodeProto},
};

/// One `If` may ask for the result of another, and so on.
const MOST_ROUNDS: usize = 32;

/// Puts branches in the place of each such `If`, of those within them too.
pub(super) fn take(file: &mut ModelProto, import: &ImportOptions<'_>) -> Result<(), ModelError> {
    for _ in 0..MOST_ROUNDS {
        if !file.graph.iter().any(|graph| graph.node.iter().any(|node| node.op_type == "If")) {
            break;
        }
        let truths = FloatGraph::truths(file, import)?;
        let Some(graph) = &mut file.graph else { break };
        for node in std::mem::take(&mut graph.node) {
            let condition = node.input.first().filter(|_| node.op_type == "If");
            let known = condition.and_then(|name| truths.get(name));
            match known.and_then(|&truth| branch(&node, truth)) {
                Some(GraphProto { node: nodes, initializer, .. }) => {
                    graph.initializer.extend(initializer);
                    graph.node.extend(nodes);
                }
                None => graph.node.push(node),
            }
        }
    }
    Ok(())
}

/// The branch that is taken, whose outputs have the names of the node's.
fn branch(node: &NodeProto, is_true: bool) -> Option<GraphProto> {
    let name = if is_true { "then_branch" } else { "else_branch" };
    let own = node.attribute.iter().find(|attribute| attribute.name == name)?;
    let mut graph = own.g.as_deref()?.clone();
    if graph.output.len() != node.output.len() {
        return None;
    }
    for (port, output) in graph.output.iter().zip(&node.output) {
        let is_made = graph.node.iter().any(|node| node.output.contains(&port.name));
        if !is_made {
            // A constant, or what is known outside.
            graph.node.push(NodeProto {
                input: vec![port.name.clone()],
                output: vec![output.clone()],
                name: output.clone(),
                op_type: "Identity".into(),
                ..NodeProto::default()
            });
            continue;
        }
        let names =
            graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
        names.filter(|own| **own == port.name).for_each(|own| own.clone_from(output));
    }
    Some(graph)
}
