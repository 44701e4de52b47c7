//! What a model is, in numbers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{AveragePool, Exactness, Graph, MaxPool, Model, Node, Operator, Port, TensorId};

/// A description of a model for its user.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// The model's name.
    pub model: String,
    /// What it takes.
    pub inputs: Vec<PortSummary>,
    /// What it gives.
    pub outputs: Vec<PortSummary>,
    /// How often each operator occurs.
    pub operators: BTreeMap<String, usize>,
    /// Weights, biases and other constants that operators hold.
    pub parameters: usize,
    /// Multiply-accumulates of one inference.
    pub macs: u64,
    /// All operators, in the order of evaluation.
    pub nodes: Vec<NodeSummary>,
}

/// A description of a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeSummary {
    /// Its name in the ONNX file.
    pub name: String,
    /// Its operator.
    pub operator: String,
    /// Shape of its output.
    pub shape: Vec<usize>,
    /// Whether its integers are onnxruntime's.
    pub exactness: Exactness,
}

/// A description of an input or output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PortSummary {
    /// Its name in the ONNX file.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// The type that the ONNX file takes or gives.
    #[serde(rename = "type")]
    pub element: String,
    /// The real step between neighbouring integers.
    pub scale: f32,
    /// The integer that stands for 0.
    pub zero_point: i32,
    /// What its integers mean beyond that: how inputs are prepared, which labels positions have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl Model {
    /// Describes the model.
    pub fn summary(&self) -> Summary {
        let port = |port: &Port| {
            let tensor = &self.graph.tensors[port.tensor.0];
            let element = match tensor.quantization.element {
                _ if port.is_float => "float32",
                element => element.name(),
            };
            PortSummary {
                name: port.name.clone(),
                shape: tensor.shape.clone(),
                element: element.into(),
                scale: tensor.quantization.scale,
                zero_point: tensor.quantization.zero_point,
                notes: port.notes(),
            }
        };
        let mut operators = BTreeMap::new();
        for node in &self.graph.nodes {
            *operators.entry(node.origin.operator.clone()).or_default() += 1;
        }
        let macs: u128 = self.graph.nodes.iter().map(|node| self.graph.macs(node)).sum();
        Summary {
            model: self.name.clone(),
            inputs: self.inputs.iter().map(port).collect(),
            outputs: self.outputs.iter().map(port).collect(),
            operators,
            parameters: self.graph.nodes.iter().map(|node| node.origin.parameters).sum(),
            macs: u64::try_from(macs).unwrap_or(u64::MAX),
            nodes: self
                .graph
                .nodes
                .iter()
                .map(|node| NodeSummary {
                    name: node.name.clone(),
                    operator: node.origin.operator.clone(),
                    shape: self.graph.tensors[node.output.0].shape.clone(),
                    exactness: node.origin.exactness,
                })
                .collect(),
        }
    }
}

impl Graph {
    /// About how many steps a node takes to compute.
    pub(super) fn steps(&self, node: &Node) -> u128 {
        let len = |id: TensorId| self.tensors[id.0].len() as u128;
        let window = match &node.operator {
            Operator::MaxPool(MaxPool { window, .. })
            | Operator::AveragePool(AveragePool { window, .. }) => window.len(),
            _ => 1,
        };
        let inputs: u128 = node.inputs.iter().map(|&id| len(id)).sum();
        self.macs(node) + len(node.output) * window as u128 + inputs
    }

    /// Multiply-accumulates of a node: products in sums of products.
    pub fn macs(&self, node: &Node) -> u128 {
        let outputs = self.tensors[node.output.0].len() as u128;
        match &node.operator {
            Operator::Gemm(gemm) => outputs * gemm.inputs as u128,
            Operator::Conv(conv) => {
                outputs * (conv.inputs / conv.group * conv.window.len()) as u128
            }
            Operator::ConvTranspose(conv) => {
                let inputs = self.tensors[node.inputs[0].0].len() as u128;
                inputs * (conv.outputs / conv.group * conv.window.len()) as u128
            }
            Operator::MatMul(product) => outputs * product.inner as u128,
            _ => 0,
        }
    }
}
