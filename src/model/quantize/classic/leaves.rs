//! Trees whose leaves say something else before they are added up: what is made of one tree's value alone becomes the
//! value of its leaves, and trees that are added up become one ensemble. So isolation forests, which skl2onnx writes
//! with a dozen nodes for each tree, are trees like others.

use std::collections::{HashMap, HashSet};

use super::{float_list, floats};
use crate::model::{
    ImportOptions, ModelError,
    import::{FloatGraph, float_constant, long_constant},
    onnx::{
        AttributeProto, DataType, Dimension, DimensionProto, GraphProto, ModelProto, NodeProto,
        TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
    },
    quantize::parts::{attribute, float_tensor, int, int_of},
};

const TREES: &str = "TreeEnsembleRegressor";

/// Gives leaves the values that are made of theirs, and adds trees up.
pub(in crate::model::quantize) fn fold(
    file: &mut ModelProto,
    import: &ImportOptions<'_>,
) -> Result<(), ModelError> {
    let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
    let made: Vec<String> = graph
        .node
        .iter()
        .filter(|node| node.op_type == TREES && int_of(node, "n_targets", 1) == 1)
        .filter_map(|node| node.output.first().cloned())
        .collect();
    for name in made {
        let graph = file.graph.as_ref().ok_or(ModelError::Missing("graph"))?;
        if let Some(folded) = functions_of(graph, &name).and_then(|own| own.values(file, import)) {
            let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
            folded.apply(graph);
        }
    }
    let graph = file.graph.as_mut().ok_or(ModelError::Missing("graph"))?;
    add_up(graph);
    numbers_of_truths(graph, import);
    Ok(())
}

/// Nodes that depend on one tree's value and nothing else.
struct Functions<'a> {
    graph: &'a GraphProto,
    tree: &'a NodeProto,
    nodes: Vec<&'a NodeProto>,
    /// The only one of their outputs that others take.
    result: &'a String,
}

fn functions_of<'a>(graph: &'a GraphProto, value: &String) -> Option<Functions<'a>> {
    let tree = graph.node.iter().find(|node| node.output.contains(value))?;
    let made: HashSet<&String> = graph
        .node
        .iter()
        .flat_map(|node| &node.output)
        .chain(graph.input.iter().map(|port| &port.name))
        .collect();
    let constants: HashSet<&String> = graph.initializer.iter().map(|tensor| &tensor.name).collect();
    let mut own: HashSet<&String> = tree.output.iter().collect();
    let mut nodes = Vec::new();
    for node in &graph.node {
        let mut inputs = node.input.iter().filter(|name| !name.is_empty());
        let is_of_tree = node.input.iter().any(|name| own.contains(name))
            && inputs
                .all(|name| own.contains(name) || constants.contains(name) || !made.contains(name));
        if is_of_tree {
            own.extend(&node.output);
            nodes.push(node);
        }
    }
    let taken: HashSet<&String> = graph
        .node
        .iter()
        .filter(|node| !nodes.iter().any(|other| std::ptr::eq(*node, *other)))
        .flat_map(|node| &node.input)
        .chain(graph.output.iter().map(|port| &port.name))
        .collect();
    let mut results = own.into_iter().filter(|name| taken.contains(name));
    let (Some(result), None) = (results.next(), results.next()) else { return None };
    // Only trees that say which leaf it is: others are functions of a sum.
    let is_told = nodes.iter().any(|node| node.op_type == "LabelEncoder");
    is_told.then_some(Functions { graph, tree, nodes, result })
}

/// A tree with other values.
struct Folded {
    tree: String,
    removed: Vec<String>,
    values: Vec<f32>,
    result: String,
}

impl Functions<'_> {
    /// Computes the result for the value of each leaf.
    fn values(&self, file: &ModelProto, import: &ImportOptions<'_>) -> Option<Folded> {
        let value = self.tree.output.first()?;
        // Leaves are told by whole numbers, so casts change nothing.
        let mut stands_for: HashMap<&str, &str> = HashMap::new();
        let mut labels: Vec<(&String, HashMap<i64, f32>)> = Vec::new();
        let mut rest = Vec::new();
        for node in &self.nodes {
            let (input, output) = (node.input.first()?, node.output.first()?);
            let input = stands_for.get(input.as_str()).copied().unwrap_or(input);
            match node.op_type.as_str() {
                "Cast" if input == value => {
                    stands_for.insert(output, value);
                }
                "LabelEncoder" if input == value => {
                    let keys = attribute(node, "keys_int64s")?.ints.iter().copied();
                    let values = floats(node, "values_floats").iter().copied();
                    labels.push((output, keys.zip(values).collect()));
                }
                _ => rest.push((*node).clone()),
            }
        }
        let port = |name: &String| ValueInfoProto {
            name: name.clone(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorTypeProto {
                    elem_type: DataType::Float.into(),
                    shape: Some(TensorShapeProto {
                        dim: vec![
                            DimensionProto { value: Some(Dimension::Value(1)) },
                            DimensionProto { value: Some(Dimension::Value(1)) },
                        ],
                    }),
                }),
            }),
        };
        let used: HashSet<&String> = rest.iter().flat_map(|node| &node.input).collect();
        let inputs: Vec<&String> = std::iter::once(value)
            .chain(labels.iter().map(|(name, _)| *name))
            .filter(|name| used.contains(name))
            .collect();
        let part = ModelProto {
            graph: Some(GraphProto {
                input: inputs.iter().map(|name| port(name)).collect(),
                output: vec![port(self.result)],
                initializer: (self.graph.initializer.iter())
                    .filter(|tensor| used.contains(&tensor.name))
                    .cloned()
                    .collect(),
                node: rest.clone(),
                ..GraphProto::default()
            }),
            ..file.clone()
        };
        let float = FloatGraph::read(&part, import).ok()?;
        let values = floats(self.tree, "target_weights")
            .iter()
            .map(|&leaf| {
                #[allow(clippy::cast_possible_truncation)]
                let key = leaf as i64;
                let inputs = (inputs.iter())
                    .map(|name| match labels.iter().find(|(own, _)| own == name) {
                        Some((_, values)) => values.get(&key).map(|&value| vec![value]),
                        None => Some(vec![leaf]),
                    })
                    .collect::<Option<Vec<_>>>()?;
                let computed = float.evaluate(&inputs);
                let &[value] = float.of(&computed, self.result)? else { return None };
                value.is_finite().then_some(value)
            })
            .collect::<Option<Vec<f32>>>()?;
        Some(Folded {
            tree: value.clone(),
            removed: self.nodes.iter().flat_map(|node| node.output.iter().cloned()).collect(),
            values,
            result: self.result.clone(),
        })
    }
}

impl Folded {
    fn apply(self, graph: &mut GraphProto) {
        graph.node.retain(|node| !node.output.iter().any(|name| self.removed.contains(name)));
        for node in &mut graph.node {
            if node.output.first() == Some(&self.tree) {
                node.output[0].clone_from(&self.result);
                node.attribute.retain(|own| own.name != "target_weights");
                node.attribute.push(float_list("target_weights", self.values));
                return;
            }
        }
    }
}

/// Trees of the same features whose values are added up become one ensemble.
fn add_up(graph: &mut GraphProto) {
    for position in 0..graph.node.len() {
        if graph.node[position].op_type != "Sum" {
            continue;
        }
        let Some(ensemble) = sum_of_trees(graph, &graph.node[position]) else { continue };
        let output = graph.node[position].output.clone();
        graph.node[position] = NodeProto { output, ..ensemble };
    }
}

fn sum_of_trees(graph: &GraphProto, sum: &NodeProto) -> Option<NodeProto> {
    let maker = |name: &String| graph.node.iter().find(|node| node.output.contains(name));
    let trees = sum.input.iter().map(maker).collect::<Option<Vec<_>>>()?;
    let mut all: Vec<AttributeProto> = Vec::new();
    let mut features: Option<&String> = None;
    for (number, tree) in trees.iter().enumerate() {
        let is_plain = tree.op_type == TREES
            && int_of(tree, "n_targets", 1) == 1
            && attribute(tree, "base_values").is_none()
            && attribute(tree, "aggregate_function").is_none();
        if !is_plain {
            return None;
        }
        // Each may have features of its own.
        let x = tree.input.first()?;
        let (x, own) = match maker(x) {
            Some(gather) if gather.op_type == "Gather" && int_of(gather, "axis", 0) == 1 => {
                (gather.input.first()?, Some(long_constant(graph, gather.input.get(1)?)?))
            }
            _ => (x, None),
        };
        if *features.get_or_insert(x) != x {
            return None;
        }
        let number = i64::try_from(number).ok()?;
        for attribute in &tree.attribute {
            let mut attribute = attribute.clone();
            match attribute.name.as_str() {
                "nodes_treeids" | "target_treeids" => {
                    // Each of them is one tree.
                    let first = *attribute.ints.first()?;
                    if attribute.ints.iter().any(|&id| id != first) {
                        return None;
                    }
                    attribute.ints.fill(number);
                }
                "nodes_featureids" => {
                    if let Some(own) = &own {
                        for id in &mut attribute.ints {
                            *id = *own.get(usize::try_from(*id).ok()?)?;
                        }
                    }
                }
                name if !name.starts_with("nodes_") && !name.starts_with("target_") => continue,
                _ => {}
            }
            match all.iter_mut().find(|known| known.name == attribute.name) {
                Some(known) => {
                    known.ints.extend(attribute.ints);
                    known.floats.extend(attribute.floats);
                    known.strings.extend(attribute.strings);
                }
                None => all.push(attribute),
            }
        }
    }
    all.push(int("n_targets", 1));
    let first = trees.first()?;
    Some(NodeProto { input: vec![features?.clone()], attribute: all, ..(*first).clone() })
}

/// Whole numbers that are made of truth values are computed as floats, which they are exactly.
fn numbers_of_truths(graph: &mut GraphProto, import: &ImportOptions<'_>) {
    const TRUTHS: &[&str] = &["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "Not"];
    let [float, int32, int64] =
        [DataType::Float, DataType::Int32, DataType::Int64].map(|of| i64::from(i32::from(of)));
    let mut truths: HashSet<String> = HashSet::new();
    let mut numbers: HashSet<String> = HashSet::new();
    let mut constants: Vec<(String, Vec<i64>)> = Vec::new();
    for node in &mut graph.node {
        let is_of = |names: &HashSet<String>, node: &NodeProto| {
            node.input.iter().any(|name| names.contains(name))
        };
        if TRUTHS.contains(&node.op_type.as_str()) {
            truths.extend(node.output.iter().cloned());
        } else if node.op_type == "Cast" && is_of(&truths, node) {
            let to = int_of(node, "to", float);
            if to == int32 || to == int64 {
                node.attribute = vec![int("to", float)];
                numbers.extend(node.output.iter().cloned());
            }
        } else if matches!(node.op_type.as_str(), "Add" | "Sub" | "Mul") && is_of(&numbers, node) {
            for name in &mut node.input {
                let constant = graph.initializer.iter().find(|tensor| tensor.name == *name);
                let Some(tensor) = constant else { continue };
                if tensor.data_type == i32::from(DataType::Int64) {
                    let float = format!("{name} as floats");
                    constants.push((name.clone(), tensor.dims.clone()));
                    *name = float;
                }
            }
            numbers.extend(node.output.iter().cloned());
        }
    }
    for (name, dims) in constants {
        let Some(values) = long_constant(graph, &name) else { continue };
        let float = format!("{name} as floats");
        if float_constant(graph, &float, import).is_some() {
            continue;
        }
        #[allow(clippy::cast_precision_loss)]
        let values: Vec<f32> = values.iter().map(|&value| value as f32).collect();
        graph.initializer.push(float_tensor(&float, dims, &values));
    }
    for port in &mut graph.output {
        if let Some(tensor) = port.r#type.as_mut().and_then(|own| own.tensor_type.as_mut())
            && numbers.contains(&port.name)
        {
            tensor.elem_type = DataType::Float.into();
        }
    }
}
