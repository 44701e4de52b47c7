//! `If` whose condition follows from the file: the branch that is always taken stands in its place.
//!
//! Exporters write one where they don't know a shape, which files mostly say.

use std::collections::HashSet;

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
        let mut names = Names::of(graph);
        for node in std::mem::take(&mut graph.node) {
            let condition = node.input.first().filter(|_| node.op_type == "If");
            let known = condition.and_then(|name| truths.get(name));
            match known.and_then(|&truth| branch(&node, truth, &mut names)) {
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
fn branch(node: &NodeProto, is_true: bool, names: &mut Names) -> Option<GraphProto> {
    let name = if is_true { "then_branch" } else { "else_branch" };
    let own = node.attribute.iter().find(|attribute| attribute.name == name)?;
    let mut graph = own.g.as_deref()?.clone();
    if graph.output.len() != node.output.len() {
        return None;
    }
    // Branches side by side may give their values the same names.
    let outputs = graph.node.iter().flat_map(|node| &node.output);
    let own: Vec<String> =
        outputs.chain(graph.initializer.iter().map(|tensor| &tensor.name)).cloned().collect();
    for name in own {
        let unique = names.unique(&name);
        if unique != name {
            rename(&mut graph, &name, &unique);
        }
    }
    let ports: Vec<String> = graph.output.iter().map(|port| port.name.clone()).collect();
    for (port, output) in ports.iter().zip(&node.output) {
        let is_made = graph.node.iter().any(|node| node.output.contains(port));
        if is_made {
            rename(&mut graph, port, output);
            continue;
        }
        // A constant, or what is known outside.
        graph.node.push(NodeProto {
            input: vec![port.clone()],
            output: vec![output.clone()],
            name: output.clone(),
            op_type: "Identity".into(),
            ..NodeProto::default()
        });
    }
    Some(graph)
}

/// Gives a value another name, also where branches within take it.
fn rename(graph: &mut GraphProto, from: &str, to: &str) {
    let ports = graph.output.iter_mut().map(|port| &mut port.name);
    let constants = graph.initializer.iter_mut().map(|tensor| &mut tensor.name);
    for name in ports.chain(constants).filter(|name| *name == from) {
        to.clone_into(name);
    }
    for node in &mut graph.node {
        for name in node.input.iter_mut().chain(&mut node.output).filter(|name| *name == from) {
            to.clone_into(name);
        }
        let branches = node.attribute.iter_mut().filter_map(|attribute| attribute.g.as_mut());
        branches.for_each(|branch| rename(branch, from, to));
    }
}

/// Names that values have already.
struct Names(HashSet<String>);

impl Names {
    fn of(graph: &GraphProto) -> Self {
        let outputs = graph.node.iter().flat_map(|node| &node.output);
        let constants = graph.initializer.iter().map(|tensor| &tensor.name);
        let inputs = graph.input.iter().map(|port| &port.name);
        Self(outputs.chain(constants).chain(inputs).cloned().collect())
    }

    /// This name, or one like it that nothing has yet.
    fn unique(&mut self, name: &str) -> String {
        let others = (1..).map(|count: u32| format!("{name}_{count}"));
        let mut names = std::iter::once(name.to_owned()).chain(others);
        names.find(|name| self.0.insert(name.clone())).expect("there are more names than values")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::onnx::{AttributeProto, ValueInfoProto};

    fn node(op_type: &str, input: &str, output: &str) -> NodeProto {
        NodeProto {
            input: vec![input.into()],
            output: vec![output.into()],
            op_type: op_type.into(),
            ..NodeProto::default()
        }
    }

    fn with_branch(output: &str, nodes: Vec<NodeProto>) -> NodeProto {
        let port = ValueInfoProto { name: "o".into(), ..ValueInfoProto::default() };
        let graph = GraphProto { node: nodes, output: vec![port], ..GraphProto::default() };
        let attribute = AttributeProto {
            name: "then_branch".into(),
            g: Some(Box::new(graph)),
            ..AttributeProto::default()
        };
        NodeProto { attribute: vec![attribute], ..node("If", "c", output) }
    }

    #[test]
    fn values_of_branches_side_by_side_stay_apart() {
        let mut names = Names(["x", "y", "z"].map(Into::into).into());
        let within = with_branch("inner", vec![node("Neg", "t", "o")]);
        let parts = || vec![node("Relu", "x", "t"), within.clone(), node("Abs", "inner", "o")];
        let made = |output: &str, names: &mut Names| {
            let graph = branch(&with_branch(output, parts()), true, names).unwrap();
            let [first, inner, last] = graph.node.try_into().expect("three nodes");
            let deep = &inner.attribute[0].g.as_ref().unwrap().node[0];
            assert_eq!(first.input, ["x"]);
            assert_eq!(deep.input, first.output);
            assert_eq!(last.input, inner.output);
            assert_eq!(last.output, [output]);
            (first.output, inner.output)
        };
        let (left, right) = (made("y", &mut names), made("z", &mut names));
        assert_ne!(left.0, right.0);
        assert_ne!(left.1, right.1);
    }
}
