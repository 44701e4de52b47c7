//! Nodes in place of others: what is known of a file's values, and what its nodes become.

use std::collections::HashSet;

use crate::model::{
    ImportOptions,
    import::{FloatConstant, FloatGraph, float_constant, long_constant},
    onnx::{AttributeProto, DataType, GraphProto, ModelProto, NodeProto, TensorProto},
};

/// Shapes of a model's values.
pub(super) struct Shapes<'a> {
    pub file: &'a ModelProto,
    pub import: &'a ImportOptions<'a>,
}

impl Shapes<'_> {
    /// The shape of a value: computed from the nodes before the one that takes it.
    pub fn of(&self, name: &str) -> Option<Vec<usize>> {
        let graph = self.file.graph.as_ref()?;
        if let Some(constant) = self.constant(name) {
            return Some(constant.shape);
        }
        let end = graph.node.iter().position(|node| node.output.iter().any(|own| own == name));
        let mut before = self.file.clone();
        before.graph.as_mut()?.node.truncate(end.map_or(0, |end| end + 1));
        let float = FloatGraph::read(&before, self.import).ok()?;
        float.shape(name).map(<[usize]>::to_vec)
    }

    pub fn opset(&self) -> i64 {
        let mut sets = self.file.opset_import.iter();
        sets.find(|set| set.domain.is_empty() || set.domain == "ai.onnx")
            .map_or(17, |set| set.version)
    }

    /// The only node that makes a value.
    pub fn maker(&self, name: &str) -> Option<&NodeProto> {
        let nodes = &self.file.graph.as_ref()?.node;
        nodes.iter().find(|node| node.output.iter().any(|output| output == name))
    }

    /// The only node that takes a value, which is no output of the model.
    pub fn taker(&self, name: &str) -> Option<(usize, &NodeProto)> {
        let graph = self.file.graph.as_ref()?;
        let mut takers = graph.node.iter().enumerate();
        let takers =
            takers.by_ref().filter(|(_, node)| node.input.iter().any(|input| input == name));
        let [taker] = takers.collect::<Vec<_>>()[..] else { return None };
        graph.output.iter().all(|output| output.name != name).then_some(taker)
    }

    /// The shape of an initializer of any type.
    pub fn constant_shape(&self, name: &str) -> Option<Vec<usize>> {
        let graph = self.file.graph.as_ref()?;
        let tensor = graph.initializer.iter().find(|tensor| tensor.name == name)?;
        tensor.dims.iter().map(|&dim| usize::try_from(dim).ok()).collect()
    }

    pub fn integers(&self, name: &str) -> Option<Vec<i64>> {
        long_constant(self.file.graph.as_ref()?, name)
    }

    pub fn constant(&self, name: &str) -> Option<FloatConstant> {
        float_constant(self.file.graph.as_ref()?, name, self.import)
    }
}

/// Nodes in place of one.
pub(super) struct Parts {
    pub nodes: Vec<NodeProto>,
    pub initializers: Vec<TensorProto>,
    taken: HashSet<String>,
    stem: String,
    count: usize,
}

impl Parts {
    pub fn new(graph: &GraphProto, node: &NodeProto) -> Self {
        let of_nodes = graph.node.iter().flat_map(|node| node.input.iter().chain(&node.output));
        let others = graph.initializer.iter().map(|tensor| &tensor.name);
        let ports = graph.input.iter().chain(&graph.output).map(|port| &port.name);
        let stem = node.output.first().cloned().unwrap_or_default();
        Self {
            nodes: Vec::new(),
            initializers: Vec::new(),
            taken: of_nodes.chain(others).chain(ports).cloned().collect(),
            stem,
            count: 0,
        }
    }

    /// A name that nothing has yet.
    pub fn name(&mut self) -> String {
        loop {
            self.count += 1;
            let name = format!("{}_{}", self.stem, self.count);
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }

    /// A node, whose output it names.
    pub fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.name();
        self.named(operator, inputs, attributes, &output);
        output
    }

    pub fn named(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attribute: Vec<AttributeProto>,
        output: &str,
    ) {
        self.nodes.push(node_of(operator, inputs, attribute, output));
    }

    /// The node that was made last.
    pub fn last(&mut self) -> Option<&mut NodeProto> {
        self.nodes.last_mut()
    }

    pub fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        let name = self.name();
        self.initializers.push(float_tensor(&name, dims(shape), values));
        name
    }

    pub fn integers(&mut self, values: &[i64]) -> String {
        self.integers_of(&dims(&[values.len()]), values)
    }

    pub fn integers_of(&mut self, dims: &[i64], values: &[i64]) -> String {
        let name = self.name();
        self.initializers.push(TensorProto {
            name: name.clone(),
            dims: dims.to_vec(),
            data_type: DataType::Int64.into(),
            raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            ..TensorProto::default()
        });
        name
    }

    /// Truth values, 0 or 1.
    pub fn truths(&mut self, shape: &[usize], values: Vec<u8>) -> String {
        let name = self.name();
        self.initializers.push(TensorProto {
            name: name.clone(),
            dims: dims(shape),
            data_type: DataType::Bool.into(),
            raw_data: Some(values),
            ..TensorProto::default()
        });
        name
    }

    pub fn reshape(&mut self, x: &str, shape: &[usize]) -> String {
        let shape = self.integers(&dims(shape));
        self.node("Reshape", &[x, &shape], Vec::new())
    }

    /// A reduction, whose axes are an input or an attribute.
    pub fn reduce(
        &mut self,
        operator: &str,
        x: &str,
        axes: &[i64],
        keeps: i64,
        shapes: &Shapes<'_>,
        output: Option<&str>,
    ) -> String {
        let mut attributes = vec![int("keepdims", keeps)];
        let mut inputs = vec![x];
        let list;
        if operator == "ReduceSum" || shapes.opset() >= 18 {
            list = self.integers(axes);
            inputs.push(&list);
        } else {
            attributes.push(ints("axes", axes.to_vec()));
        }
        let output = output.map_or_else(|| self.name(), str::to_owned);
        self.named(operator, &inputs, attributes, &output);
        output
    }

    /// Elements from `from` to `to` of an axis.
    pub fn slice(&mut self, x: &str, axis: usize, from: usize, to: usize) -> String {
        let [from, to, axis] = [from, to, axis].map(|at| self.integers(&dims(&[at])));
        self.node("Slice", &[x, &from, &to, &axis], Vec::new())
    }
}

pub(super) fn dims(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&dim| i64::try_from(dim).expect("dimensions are within limits")).collect()
}

pub(super) fn float_tensor(name: &str, dims: Vec<i64>, values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.to_owned(),
        dims,
        data_type: DataType::Float.into(),
        raw_data: Some(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        ..TensorProto::default()
    }
}

// `AttributeProto.AttributeType`.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), r#type: 2, ..AttributeProto::default() }
}

pub(super) fn ints(name: &str, values: Vec<i64>) -> AttributeProto {
    AttributeProto { name: name.into(), ints: values, r#type: 7, ..AttributeProto::default() }
}

pub(super) fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), f: Some(value), r#type: 1, ..AttributeProto::default() }
}

pub(super) fn attribute<'a>(node: &'a NodeProto, name: &str) -> Option<&'a AttributeProto> {
    node.attribute.iter().find(|attribute| attribute.name == name)
}

pub(super) fn int_of(node: &NodeProto, name: &str, default: i64) -> i64 {
    attribute(node, name).map_or(default, |attribute| attribute.i.unwrap_or(0))
}

pub(super) fn float_of(node: &NodeProto, name: &str, default: f32) -> f32 {
    attribute(node, name).map_or(default, |attribute| attribute.f.unwrap_or(0.0))
}

/// Which nodes, counted from this one, the parts stand for; `None` leaves it as it is.
pub(super) type Taken = Option<Vec<usize>>;

/// The axes of a reduction, of which all are meant where none is given.
pub(super) fn axes_of(node: &NodeProto, shapes: &Shapes<'_>) -> Option<Vec<i64>> {
    let given = match node.input.get(1).filter(|name| !name.is_empty()) {
        Some(name) => Some(shapes.integers(name)?),
        None => attribute(node, "axes").map(|own| own.ints.clone()),
    };
    let all = || -> Option<Vec<i64>> {
        Some((0..i64::try_from(shapes.of(node.input.first()?)?.len()).ok()?).collect())
    };
    match given {
        Some(axes) if !axes.is_empty() => Some(axes),
        _ if int_of(node, "noop_with_empty_axes", 0) != 0 => None,
        _ => all(),
    }
}

/// What depends on the inputs' values.
pub(super) fn live(graph: &GraphProto) -> HashSet<String> {
    let is_constant = |name: &str| graph.initializer.iter().any(|tensor| tensor.name == name);
    let inputs = graph.input.iter().map(|port| port.name.clone());
    let mut live: HashSet<String> = inputs.filter(|name| !is_constant(name)).collect();
    for node in &graph.node {
        let is_of_shape = matches!(node.op_type.as_str(), "Shape" | "Size");
        if !is_of_shape && node.input.iter().any(|name| live.contains(name)) {
            live.extend(node.output.iter().cloned());
        }
    }
    live
}

/// Gives nodes that have another's name one of their own: onnxruntime refuses a file without.
pub(super) fn distinct_names(nodes: &mut [NodeProto]) {
    let mut taken: HashSet<String> = HashSet::new();
    for name in nodes.iter_mut().map(|node| &mut node.name).filter(|name| !name.is_empty()) {
        while !taken.insert(name.clone()) {
            name.push('_');
        }
    }
}

/// Removes nodes that no output depends on.
pub(super) fn drop_unused(graph: &mut GraphProto) {
    let mut used: HashSet<String> = graph.output.iter().map(|port| port.name.clone()).collect();
    for node in graph.node.iter().rev() {
        if node.output.iter().any(|output| used.contains(output)) {
            used.extend(node.input.iter().cloned());
        }
    }
    graph.node.retain(|node| node.output.iter().any(|output| used.contains(output)));
}

/// A node that is named after its output.
pub fn node_of(
    operator: &str,
    inputs: &[&str],
    attribute: Vec<AttributeProto>,
    output: &str,
) -> NodeProto {
    NodeProto {
        input: inputs.iter().map(|&name| name.to_owned()).collect(),
        output: vec![output.to_owned()],
        name: format!("{output}_{operator}"),
        op_type: operator.into(),
        attribute,
        ..NodeProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_nodes_have_one_name() {
        let node = |name: &str| NodeProto { name: name.into(), ..NodeProto::default() };
        let mut nodes = ["a", "", "a_", "a", "", "a"].map(node);
        distinct_names(&mut nodes);
        assert_eq!(nodes.map(|node| node.name), ["a", "", "a_", "a__", "", "a___"]);
    }
}
