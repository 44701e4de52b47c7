//! Truth values of several activations: products and sums of zeros and ones.
//!
//! What is compared, combined and chosen by the elements of one activation is part of its table. Of two, comparisons are
//! those of their difference with 0, and choices are sums of products with 0 or 1. Truth values that come in or go
//! out are numbers.

use std::collections::{HashMap, HashSet};

use super::{
    operators::{ELEMENTWISE, MOVERS, TRUTHS},
    parts::{Parts, int_of},
};
use crate::model::{
    ImportOptions,
    import::float_constant,
    onnx::{DataType, GraphProto, ModelProto, NodeProto, ValueInfoProto},
};

/// Of truth values, some of two activations.
const OF_TWO: &[&str] =
    &["And", "Or", "Xor", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"];

/// From here on a constant is infinite, or stands for it.
const HIDING: f32 = 1e4;

/// Brings truth values to what one activation's tables can say.
pub(super) fn with_tables_of_one(file: &mut ModelProto, import: &ImportOptions<'_>) {
    let Some(graph) = &mut file.graph else { return };
    compare_inputs(graph);
    let mut position = 0;
    while let Some(node) = graph.node.get(position) {
        let operator = node.op_type.as_str();
        let is_made_of_truths =
            |x: &String| made(graph, x).is_some_and(|at| is_truth(&graph.node[at]));
        let is_mover =
            MOVERS.contains(&operator) && node.input.first().is_some_and(is_made_of_truths);
        if !matches!(operator, "Cast" | "Where") && !is_mover && !OF_TWO.contains(&operator) {
            position += 1;
            continue;
        }
        let mut parts = Parts::new(graph, node);
        let is_taken = match operator {
            "Cast" => as_number(graph, node, &mut parts),
            "Where" => chosen(graph, node, import, &mut parts),
            _ if is_mover => moved(node, &mut parts),
            _ => of_two(graph, node, &mut parts),
        };
        if is_taken.is_none() {
            position += 1;
            continue;
        }
        let next = position + parts.nodes.len();
        graph.initializer.extend(parts.initializers);
        graph.node.splice(position..=position, parts.nodes);
        position = next;
    }
    number_outputs(graph);
}

fn type_of(port: &mut ValueInfoProto) -> Option<&mut i32> {
    Some(&mut port.r#type.as_mut()?.tensor_type.as_mut()?.elem_type)
}

/// An input of truth values is one of zeros and ones, which are compared with one half.
fn compare_inputs(graph: &mut GraphProto) {
    let is_truth = |port: &&mut ValueInfoProto| {
        port.r#type
            .as_ref()
            .and_then(|own| own.tensor_type.as_ref())
            .is_some_and(|own| own.elem_type == i32::from(DataType::Bool))
    };
    let mut names = Vec::new();
    for port in graph.input.iter_mut().filter(is_truth) {
        names.push(port.name.clone());
        type_of(port).into_iter().for_each(|own| *own = DataType::Float.into());
    }
    for name in names {
        let probe = NodeProto { output: vec![name.clone()], ..NodeProto::default() };
        let mut parts = Parts::new(graph, &probe);
        let half = parts.floats(&[], &[0.5]);
        let truth = parts.node("Greater", &[&name, &half], Vec::new());
        for node in &mut graph.node {
            for input in node.input.iter_mut().filter(|input| **input == name) {
                input.clone_from(&truth);
            }
        }
        graph.initializer.extend(parts.initializers);
        graph.node.splice(0..0, parts.nodes);
    }
}

/// Outputs that are truth values become zeros and ones.
fn number_outputs(graph: &mut GraphProto) {
    for position in 0..graph.output.len() {
        let name = graph.output[position].name.clone();
        let Some(at) = made(graph, &name).filter(|&at| is_truth(&graph.node[at])) else { continue };
        let mut parts = Parts::new(graph, &graph.node[at]);
        let truth = parts.name();
        number(&truth, [1.0, 0.0], &mut parts, Some(&name));
        for other in
            graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output))
        {
            if *other == name {
                other.clone_from(&truth);
            }
        }
        graph.initializer.extend(parts.initializers);
        graph.node.extend(parts.nodes);
    }
    let truth = i32::from(DataType::Bool);
    for own in graph.output.iter_mut().filter_map(type_of).filter(|own| **own == truth) {
        *own = DataType::Float.into();
    }
}

fn made(graph: &GraphProto, name: &str) -> Option<usize> {
    graph.node.iter().position(|node| node.output.iter().any(|output| output == name))
}

fn is_truth(node: &NodeProto) -> bool {
    TRUTHS.contains(&node.op_type.as_str())
}

/// One of two numbers by each truth value.
fn number(truth: &str, values: [f32; 2], parts: &mut Parts, output: Option<&str>) -> String {
    let [yes, no] = values.map(|value| parts.floats(&[], &[value]));
    let inputs = [truth, yes.as_str(), no.as_str()];
    match output {
        Some(output) => {
            parts.named("Where", &inputs, Vec::new(), output);
            output.to_owned()
        }
        None => parts.node("Where", &inputs, Vec::new()),
    }
}

/// `Cast` of truth values to floats.
fn as_number(graph: &GraphProto, node: &NodeProto, parts: &mut Parts) -> Option<()> {
    let (x, y) = (node.input.first()?, node.output.first()?);
    let is_float = int_of(node, "to", 0) == i64::from(i32::from(DataType::Float));
    if !is_float || !is_truth(&graph.node[made(graph, x)?]) {
        return None;
    }
    number(x, [1.0, 0.0], parts, Some(y));
    Some(())
}

/// Comparisons and combinations of two activations' elements.
fn of_two(graph: &GraphProto, node: &NodeProto, parts: &mut Parts) -> Option<()> {
    let ([a, b], [y]) = (node.input.as_slice(), node.output.as_slice()) else { return None };
    let roots = Roots::of(graph);
    let operator = node.op_type.as_str();
    let is_constant = |name: &String| roots.constants.contains(name.as_str());
    let given = [(a, b), (b, a)].into_iter().find(|(a, b)| is_constant(a) && !is_constant(b));
    if let (true, Some((constant, truth))) = (matches!(operator, "And" | "Or" | "Xor"), given) {
        return with_constant(graph, operator, [constant, truth, y], parts);
    }
    if roots.is_one(&[a, b]) {
        return None;
    }
    if !matches!(operator, "And" | "Or" | "Xor") {
        let zero = parts.floats(&[], &[0.0]);
        let difference = parts.node("Sub", &[a, b], Vec::new());
        parts.named(operator, &[&difference, &zero], Vec::new(), y);
        return Some(());
    }
    let [a, b] = [a, b].map(|truth| number(truth, [1.0, 0.0], parts, None));
    let operator = match operator {
        "And" => "Mul",
        "Or" => "Max",
        _ => "Sub",
    };
    let half = parts.floats(&[], &[0.5]);
    let mut both = parts.node(operator, &[&a, &b], Vec::new());
    if operator == "Sub" {
        both = parts.node("Abs", &[&both], Vec::new());
    }
    parts.named("Greater", &[&both, &half], Vec::new(), y);
    Some(())
}

/// A combination with constants that differ: where these are true it is one number, elsewhere another.
fn with_constant(
    graph: &GraphProto,
    operator: &str,
    [constant, truth, y]: [&String; 3],
    parts: &mut Parts,
) -> Option<()> {
    let is_single = |dims: &[i64]| dims.iter().all(|&dim| dim == 1);
    if graph.initializer.iter().any(|own| own.name == *constant && is_single(&own.dims)) {
        // Part of a table.
        return None;
    }
    let x = number(truth, [1.0, 0.0], parts, None);
    let [yes, no] = match operator {
        "And" => [x, parts.floats(&[], &[0.0])],
        "Or" => [parts.floats(&[], &[1.0]), x],
        _ => [number(truth, [0.0, 1.0], parts, None), x],
    };
    let combined = parts.node("Where", &[constant, &yes, &no], Vec::new());
    let half = parts.floats(&[], &[0.5]);
    parts.named("Greater", &[&combined, &half], Vec::new(), y);
    Some(())
}

/// Truth values in other places, which are moved as numbers.
fn moved(node: &NodeProto, parts: &mut Parts) -> Option<()> {
    let ([x, ..], [y]) = (node.input.as_slice(), node.output.as_slice()) else { return None };
    let x = number(x, [1.0, 0.0], parts, None);
    let place = parts.name();
    let mut moved = NodeProto { output: vec![place.clone()], ..node.clone() };
    moved.input[0] = x;
    parts.nodes.push(moved);
    let half = parts.floats(&[], &[0.5]);
    parts.named("Greater", &[&place, &half], Vec::new(), y);
    Some(())
}

/// `Where` of more than one activation.
fn chosen(
    graph: &GraphProto,
    node: &NodeProto,
    import: &ImportOptions<'_>,
    parts: &mut Parts,
) -> Option<()> {
    let ([truth, a, b], [y]) = (node.input.as_slice(), node.output.as_slice()) else { return None };
    let roots = Roots::of(graph);
    if roots.constants.contains(truth.as_str()) || roots.is_one(&[truth, a, b]) {
        return None;
    }
    // What hides elements from a Softmax has no product with 0, but may be added.
    let hides = |name: &String| -> Option<bool> {
        let values = float_constant(graph, name, import)?.values;
        let is_any = values.iter().any(|value| value.abs() >= HIDING);
        is_any.then(|| values.iter().all(|&value| value <= -HIDING))
    };
    for (hidden, shown, values) in [(a, b, [f32::MIN, 0.0]), (b, a, [0.0, f32::MIN])] {
        if let Some(are_all) = hides(hidden) {
            if !are_all || hides(shown).is_some() {
                return None;
            }
            let hidden = number(truth, values, parts, None);
            parts.named("Add", &[shown, &hidden], Vec::new(), y);
            return Some(());
        }
    }
    let a_if = number(truth, [1.0, 0.0], parts, None);
    let b_if = number(truth, [0.0, 1.0], parts, None);
    let a = parts.node("Mul", &[a, &a_if], Vec::new());
    let b = parts.node("Mul", &[b, &b_if], Vec::new());
    parts.named("Add", &[&a, &b], Vec::new(), y);
    Some(())
}

/// Of which activation each value's elements are functions.
struct Roots<'g> {
    of: HashMap<&'g str, &'g str>,
    constants: HashSet<&'g str>,
}

impl<'g> Roots<'g> {
    fn of(graph: &'g GraphProto) -> Self {
        let constants = graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let mut roots = Self { of: HashMap::new(), constants };
        for node in &graph.node {
            let inputs = node.input.iter().map(String::as_str).filter(|name| !name.is_empty());
            let is_known = matches!(node.op_type.as_str(), "Shape" | "Size");
            let (is_constant, mut own) =
                (inputs.clone().all(|name| roots.constants.contains(name)), None);
            let is_of_one = ELEMENTWISE.contains(&node.op_type.as_str())
                && inputs.filter(|name| !roots.constants.contains(name)).all(|name| {
                    let root = roots.root(name);
                    *own.get_or_insert(root) == root
                });
            for output in &node.output {
                if is_constant || is_known {
                    roots.constants.insert(output);
                } else if let (true, Some(root)) = (is_of_one, own) {
                    roots.of.insert(output, root);
                }
            }
        }
        roots
    }

    fn root<'n>(&self, name: &'n str) -> &'n str
    where
        'g: 'n,
    {
        self.of.get(name).copied().unwrap_or(name)
    }

    /// Whether these are elements of one activation, or constants.
    fn is_one(&self, names: &[&String]) -> bool {
        let mut roots = names.iter().filter(|name| !self.constants.contains(name.as_str()));
        let first = roots.next().map(|name| self.root(name));
        roots.all(|name| Some(self.root(name)) == first)
    }
}
